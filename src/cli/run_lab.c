/* run_lab.c: labs with real programs, beside builtin ones: all share the world's clock. The lab ends when every program
 * has ended that is not expected to keep running, or at its stop_time. */
#include <stdio.h>
#include "cli/cli.h"
#include "cli/lab.h"
#include "launch/task.h"

static int body(void *ctx)
{
    struct lab lab;
    bool permitted = tracer_is_permitted();
    int status = lab_open(&lab, ctx);

    if (status != CLI_OK)
        return status;
    if (!permitted && !lab.topology->real_time)
        fprintf(stderr, "lilliput run: ptrace is not permitted here (`lilliput doctor`): real time instead\n");
    lab.launcher = launcher_new(&(struct launcher_config){.world = lab.world,
                                                          .names = &lab.names,
                                                          .virtual_time = permitted && !lab.topology->real_time,
                                                          .file_times = true,
                                                          .exact = !permitted,
                                                          .detect_hang = true,
                                                          .follow_last = true,
                                                          .limit_ns = lab_until(&lab)});
    status = lab.launcher ? lab_build(&lab) : CLI_FAILED;
    if (status == CLI_OK) {
        launcher_run(lab.launcher);
        status = lab_judge(&lab);
    }
    launcher_free(lab.launcher);
    lab_close(&lab);
    return status;
}

int run_lab_programs(struct lab_options *options) { return launcher_guard(body, options); }
