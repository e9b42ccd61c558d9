/* run_lab.c: see run_lab.h. Builtin programs are fibers of the world, real ones are supervised; all share its clock. The lab ends
 * when every program has ended that is not expected to keep running, or at its stop_time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "apps/apps.h"
#include "cli/run_lab.h"

enum { PROGRAMS_MAX = 256, ARGUMENTS_MAX = 64 };

struct lab {
    struct lab_run *run;
    struct topology *topology;
    struct lil_world *world;
    struct launcher *launcher;
    struct names names;
    struct program *programs[PROGRAMS_MAX]; /* by the topology's index; NULL: builtin */
    struct app_start *starts[PROGRAMS_MAX];
    struct lil_proc *procs[PROGRAMS_MAX];
    struct show *show;
    struct stop {
        struct lab *lab;
        unsigned index;
    } stops[PROGRAMS_MAX];
};

static bool is_builtin(const struct topology_program *program) { return !strncmp(program->path.text, "builtin:", 8); }

bool lab_has_programs(const struct topology *lab)
{
    for (unsigned i = 0; i < lab->program_count; i++)
        if (!is_builtin(&lab->programs[i]))
            return true;
    return false;
}

void names_add_lab(struct names *names, const struct topology *lab)
{
    for (unsigned i = 0; i < lab->host_count; i++)
        for (unsigned j = 0; j < lab->hosts[i].interface_count; j++)
            for (unsigned k = 0; k < lab->hosts[i].interfaces[j].addresses.count; k++) {
                const char *text = lab->hosts[i].interfaces[j].addresses.items[k].text;
                char address[64];
                snprintf(address, sizeof address, "%.*s", (int)strcspn(text, "/"), text);
                (void)!names_add(names, lab->hosts[i].name.text, address); /* more than a name holds: the first ones */
            }
}

static struct lil_proc *start_builtin(struct lab *lab, struct lil_host *host, const struct topology_program *program, unsigned index,
                                      const char **error)
{
    const struct app *app = app_find(program->path.text + 8);
    const char *arguments[ARGUMENTS_MAX];
    char address[ARGUMENTS_MAX][64];

    if (!app || program->arguments.count > ARGUMENTS_MAX) {
        *error = app ? "too many arguments" : "there is no such builtin (docs/LABS.md lists them)";
        return NULL;
    }
    for (unsigned i = 0; i < program->arguments.count; i++) { /* a host's name stands for its first address */
        arguments[i] = program->arguments.items[i].text;
        for (unsigned h = 0; h < lab->topology->host_count; h++) {
            const struct topology_host *other = &lab->topology->hosts[h];
            if (strcmp(other->name.text, arguments[i]) || !other->interface_count || !other->interfaces[0].addresses.count)
                continue;
            snprintf(address[i], sizeof address[i], "%.*s", (int)strcspn(other->interfaces[0].addresses.items[0].text, "/"),
                     other->interfaces[0].addresses.items[0].text);
            arguments[i] = address[i];
            break;
        }
    }
    lab->starts[index] = app_start_new(app, (int)program->arguments.count, arguments);
    if (!lab->starts[index])
        abort();
    return lab->procs[index] = app_spawn(lab->world, host, program->start_ns, lab->starts[index]);
}

static struct program *start_real(struct lab *lab, struct lil_host *host, const struct topology_program *program)
{
    char *argv[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)program->path.text}, *environment[ARGUMENTS_MAX + 1] = {0}, prefix[128];
    const char *slash = strrchr(program->path.text, '/');
    struct program *started;

    for (unsigned i = 0; i < program->arguments.count && i < ARGUMENTS_MAX; i++)
        argv[i + 1] = (char *)(uintptr_t)program->arguments.items[i].text;
    for (unsigned i = 0; i < program->environment.count && i < ARGUMENTS_MAX; i++)
        if (asprintf(&environment[i], "%s=%s", program->environment.items[i].key.text, program->environment.items[i].value.text) < 0)
            abort();
    snprintf(prefix, sizeof prefix, "%s %s | ", program->host.text, slash ? slash + 1 : program->path.text);
    started = launcher_add(lab->launcher, &(struct program_config){.host = host,
                                                                   .argv = argv,
                                                                   .environment = environment,
                                                                   .stdin_fd = -1,
                                                                   .stdout_fd = -1,
                                                                   .stderr_fd = -1,
                                                                   .start_ns = program->start_ns,
                                                                   .prefix = prefix,
                                                                   .keeps_running = program->final == TOPOLOGY_RUNNING});
    for (unsigned i = 0; environment[i]; i++)
        free(environment[i]);
    return started;
}

static struct lil_proc *start(void *ctx, struct lil_world *world, struct lil_host *host, const struct topology_program *program, const char **error)
{
    struct lab *lab = ctx;
    unsigned index = (unsigned)(program - lab->topology->programs);
    (void)world;

    *error = NULL;
    if (index >= PROGRAMS_MAX) {
        *error = "too many programs";
        return NULL;
    }
    if (is_builtin(program))
        return start_builtin(lab, host, program, index, error);
    lab->programs[index] = start_real(lab, host, program);
    if (!lab->programs[index])
        *error = "cannot be started";
    return NULL;
}

static void stop_now(void *ctx, uint64_t now_ns)
{
    const struct stop *stop = ctx;
    const struct program *program = stop->lab->programs[stop->index];
    (void)now_ns;

    if (program->started && !program->ended)
        kill(program->pid, SIGTERM);
}

/* Of the real programs; topology_build plans those of the builtin ones. */
static void plan_stops(struct lab *lab)
{
    for (unsigned i = 0; i < lab->topology->program_count; i++) {
        if (!lab->programs[i] || lab->topology->programs[i].stop_ns == LIL_NEVER)
            continue;
        lab->stops[i] = (struct stop){lab, i};
        lil_world_at(lab->world, lab->topology->programs[i].stop_ns, stop_now, &lab->stops[i]);
    }
}

/* As the lab file expects? Says what is not. */
static int judge(const struct lab *lab)
{
    int failures = 0;

    for (unsigned i = 0; i < lab->topology->program_count; i++) {
        const struct topology_program *expected = &lab->topology->programs[i];
        const struct program *program = lab->programs[i];
        bool stopped = expected->stop_ns != LIL_NEVER, right;
        char is[64];

        if (!program)
            continue;
        if (!program->ended)
            snprintf(is, sizeof is, "running");
        else if (WIFSIGNALED(program->status))
            snprintf(is, sizeof is, "ended by signal %d", WTERMSIG(program->status));
        else
            snprintf(is, sizeof is, "exited %d", WEXITSTATUS(program->status));
        switch (expected->final) {
        case TOPOLOGY_RUNNING: right = !program->ended; break;
        case TOPOLOGY_EXITED: right = program->ended && WIFEXITED(program->status) && WEXITSTATUS(program->status) == expected->final_value; break;
        case TOPOLOGY_SIGNALED: right = program->ended && WIFSIGNALED(program->status); break;
        default: right = stopped || (program->ended && program->status == 0); break;
        }
        if (right)
            continue;
        failures++;
        fprintf(stderr, "%s:%d:%d: %s on %s: %s, not as expected\n", lab->topology->file, expected->path.line, expected->path.column,
                expected->path.text, expected->host.text, is);
    }
    return failures ? 1 : 0;
}

static void print_line(void *ctx, struct lil_proc *proc, const char *line, uint64_t now_ns)
{
    const struct lab *lab = ctx;
    if (lab->show)
        show_output(lab->show, proc, line, now_ns);
    else
        printf("%s | %.*s\n", lil_host_name(lil_proc_host(proc)), (int)strcspn(line, "\n"), line);
    fflush(stdout);
}

static int body(void *ctx)
{
    struct lab lab = {.run = ctx};
    char error[TOPOLOGY_ERROR];
    struct topology_hooks hooks = {.ctx = &lab, .start = start};
    bool permitted = tracer_is_permitted();
    int status;

    if (topology_load(&lab.topology, lab.run->file, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    lab.world = lil_world_new(lab.run->has_seed || !lab.topology->has_seed ? lab.run->seed : lab.topology->seed);
    if (!lab.world)
        return 1;
    names_add_lab(&lab.names, lab.topology);
    if (!permitted && !lab.topology->real_time)
        fprintf(stderr, "lilliput run: ptrace is not permitted here (`lilliput doctor`): real time instead\n");
    lab.launcher = launcher_new(&(struct launcher_config){.world = lab.world,
                                                          .names = &lab.names,
                                                          .virtual_time = permitted && !lab.topology->real_time,
                                                          .exact = !permitted,
                                                          .detect_hang = true,
                                                          .follow_last = true,
                                                          .limit_ns = lab.run->until_ns ? lab.run->until_ns : lab.topology->stop_ns});
    if (!lab.launcher || topology_build(lab.topology, lab.world, &hooks, lab.procs, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    if (lab.run->capture && lil_world_capture(lab.world, lab.run->capture) < 0) {
        fprintf(stderr, "lilliput run: %s cannot be written\n", lab.run->capture);
        return 2;
    }
    lil_world_set_output(lab.world, print_line, &lab);
    lab.show = lab.run->show.what ? show_new(lab.world, &lab.run->show) : NULL;
    plan_stops(&lab);
    launcher_run(lab.launcher);
    status = judge(&lab);
    launcher_free(lab.launcher);
    lil_world_free(lab.world);
    show_free(lab.show);
    for (unsigned i = 0; i < PROGRAMS_MAX; i++)
        if (lab.starts[i])
            app_start_free(lab.starts[i]);
    names_fini(&lab.names);
    topology_free(lab.topology);
    return status;
}

int run_lab_programs(struct lab_run *run) { return launcher_guard(body, run); }
