/* uptime.c: virtual time where it is counted from the start of the machine, or of a process: times(2), sysinfo(2), /proc/uptime,
 * /proc/stat (btime) and /proc/PID/stat (starttime): what ps, uptime and their like reckon with. CPU time is the kernel's. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include "launch/clock.h"
#include "launch/memory.h"
#include "launch/task.h"

enum { STAT_TEXT = 1024, START_FIELD = 20, CPU_FIELD = 12, CPU_FIELDS = 4 }; /* of /proc/PID/stat, from the name on: proc(5) */

static uint64_t uptime_ns(const struct launcher *l) { return clock_from_world(l, CLOCK_BOOTTIME, l->now_ns); }
static uint64_t tick_ns(void) { return NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK); }

/* Field NUMBER of /proc/PID/stat; NULL: there is none. */
static char *stat_field(char *text, int number)
{
    char *at = strrchr(text, ')');
    for (; at && number > 0; number--)
        at = strchr(at + 1, ' ');
    return at ? at + 1 : NULL;
}

int64_t uptime_call_times(struct call *call)
{
    struct launcher *l = call->program->launcher;
    char path[64], text[STAT_TEXT], *at;
    clock_t cpu[CPU_FIELDS]; /* struct tms */

    snprintf(path, sizeof path, "/proc/%d/stat", memory_tgid(call->tid));
    memory_proc_text(path, text, sizeof text);
    at = stat_field(text, CPU_FIELD);
    for (int i = 0; at && i < CPU_FIELDS; i++)
        cpu[i] = strtol(at, &at, 10);
    if (!at)
        return CALL_CONTINUE;
    if (call->args[0] && memory_write(call->tid, call->args[0], cpu, sizeof cpu) < 0)
        return -EFAULT;
    return (int64_t)(uptime_ns(l) / tick_ns());
}

int64_t uptime_call_sysinfo(struct call *call)
{
    struct sysinfo info;

    if (sysinfo(&info) < 0)
        return CALL_CONTINUE;
    info.uptime = (long)(uptime_ns(call->program->launcher) / NS_PER_S);
    return memory_write(call->tid, call->args[0], &info, sizeof info);
}

/* --- /proc ------------------------------------------------------------------------------------------------------------------- */
static char *uptime_line(const struct launcher *l)
{
    char text[64], *idle, *line = NULL;
    uint64_t up = uptime_ns(l);

    memory_proc_text("/proc/uptime", text, sizeof text);
    idle = strchr(text, ' ');
    return asprintf(&line, "%llu.%02llu%s", up / NS_PER_S, up % NS_PER_S / (NS_PER_S / 100), idle ? idle : "\n") < 0 ? NULL : line;
}

/* TEXT with the number at AT replaced by VALUE. */
static char *with_number(const char *text, const char *at, uint64_t value)
{
    char *out = NULL;
    return asprintf(&out, "%.*s%llu%s", (int)(at - text), text, (unsigned long long)value, at + strspn(at, "0123456789")) < 0 ? NULL : out;
}

static char *machine_stat(const struct launcher *l)
{
    static char text[1 << 18];
    uint64_t began = (clock_from_world(l, CLOCK_REALTIME, 0) - clock_from_world(l, CLOCK_BOOTTIME, 0)) / NS_PER_S;
    char *at;

    memory_proc_text("/proc/stat", text, sizeof text);
    at = strstr(text, "\nbtime ");
    return at ? with_number(text, at + 7, began) : NULL;
}

/* A process from outside began before the run, so much before. */
static uint64_t began_outside_ns(const struct launcher *l, uint64_t ticks)
{
    uint64_t up = uptime_ns(l), ago = clock_kernel_ns(CLOCK_BOOTTIME) - ticks * tick_ns();

    return up > ago ? up - ago : 0;
}

/* REST: behind "/proc/": "PID/stat", "self/stat", "PID/task/TID/stat" ... */
static char *process_stat(struct launcher *l, pid_t caller, const char *rest)
{
    char path[128], text[STAT_TEXT], *at;
    const char *name = strchr(rest, '/');
    struct task *task;
    uint64_t began;

    if (!strncmp(rest, "self/", 5))
        snprintf(path, sizeof path, "/proc/%d%s", memory_tgid(caller), name);
    else if (!strncmp(rest, "thread-self/", 12))
        snprintf(path, sizeof path, "/proc/%d/task/%d%s", memory_tgid(caller), caller, name);
    else
        snprintf(path, sizeof path, "/proc/%.80s", rest);
    memory_proc_text(path, text, sizeof text);
    at = stat_field(text, START_FIELD);
    if (!at)
        return NULL;
    task = tracer_find(l, atoi(text));
    began = task ? clock_from_world(l, CLOCK_BOOTTIME, task->born_ns) : began_outside_ns(l, strtoull(at, NULL, 10));
    return with_number(text, at, began / tick_ns());
}

/* "PID/stat", "self/task/TID/stat" ... */
static bool is_process_stat(const char *rest)
{
    const char *end = strrchr(rest, '/');

    if (!end || strcmp(end, "/stat"))
        return false;
    return (*rest >= '0' && *rest <= '9') || !strncmp(rest, "self/", 5) || !strncmp(rest, "thread-self/", 12);
}

bool uptime_is_in(const char *path)
{
    const char *rest = strncmp(path, "/proc/", 6) ? NULL : path + 6;
    return rest && (!strcmp(rest, "uptime") || !strcmp(rest, "stat") || is_process_stat(rest));
}

char *uptime_text(struct launcher *l, pid_t caller, const char *path)
{
    const char *rest = path + 6;
    return !strcmp(rest, "uptime") ? uptime_line(l) : !strcmp(rest, "stat") ? machine_stat(l) : process_stat(l, caller, rest);
}
