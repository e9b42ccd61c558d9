/* run.c: what ends a script, and how time passes in it. Read run.h first. */
#include "script/run/run.h"
#include <stdarg.h>
#include <string.h>

enum { RUN_SPINS = 1000 };

void run_over(struct run *run)
{
    longjmp(run->over, 1);
}

static void note(struct run *run, const struct script_event *event, enum script_outcome outcome, const char *format, va_list arguments)
{
    struct script_report *report = run->report;
    if (report->outcome != SCRIPT_PASSED)
        return; /* the first reason is the one to tell */
    report->outcome = outcome;
    report->line = event ? event->line : 0;
    vsnprintf(report->message, sizeof report->message, format, arguments);
    snprintf(report->source, sizeof report->source, "%s", event ? event->source : "");
}

void run_note(struct run *run, const struct script_event *event, enum script_outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(run, event, outcome, format, arguments);
    va_end(arguments);
}

void run_fail(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(run, run->event, SCRIPT_FAILED, format, arguments);
    va_end(arguments);
    run_over(run);
}

void run_fail_packet(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(run, run->event, SCRIPT_FAILED, format, arguments);
    va_end(arguments);
    if (!run->config.non_fatal_packet)
        run_over(run);
}

void run_skip(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(run, run->event, SCRIPT_SKIPPED, format, arguments);
    va_end(arguments);
    run_over(run);
}

static void say(struct run *run, uint64_t time_ns, const char *format, va_list arguments)
{
    if (!run->config.verbose)
        return;
    fprintf(run->config.verbose, "%12.6f  ", (double)(int64_t)(time_ns - run->origin_ns) / 1e9);
    vfprintf(run->config.verbose, format, arguments);
    fputc('\n', run->config.verbose);
}

void run_say(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(run, run->now_ns, format, arguments);
    va_end(arguments);
}

void run_say_at(struct run *run, uint64_t time_ns, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(run, time_ns, format, arguments);
    va_end(arguments);
}

bool run_is_freebsd(const struct run *run)
{
    return run->config.profile && strncmp(run->config.profile, "freebsd", 7) == 0;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */
uint64_t run_script_ns(const struct run *run, uint64_t live_ns)
{
    return live_ns - run->origin_ns;
}

static void finish_blocked(struct run *run)
{
    const struct script_event *event = run->blocked;
    char text[160];
    if (!event)
        return; /* a call that the script waits for: start_call looks at it */
    run->blocked = NULL;
    struct when end = {.kind = WHEN_ABSOLUTE, .start_ns = event->call->end_ns};
    if (run->report->outcome == SCRIPT_PASSED && !run_in_time(run, &end, run->now_ns, text, sizeof text))
        run_note(run, event, SCRIPT_FAILED, "the blocking %s() returned at the wrong time: %s", event->call->name, text);
    if (run->report->outcome != SCRIPT_PASSED && !run->config.non_fatal_call)
        run_over(run);
}

void run_settle(struct run *run)
{
    for (int i = 0; i < RUN_SPINS; i++) {
        run->next_ns = lil_host_poll(run->host, run->now_ns);
        if (!coroutine_can_run(run->coroutine, run->now_ns))
            return;
        if (coroutine_resume(run->coroutine))
            finish_blocked(run);
    }
    run_fail(run, "the host does not come to rest");
}

bool run_step(struct run *run, uint64_t limit_ns)
{
    run->limit_ns = limit_ns;
    run_settle(run);
    for (int i = 0;; i++) {
        uint64_t next = run->next_ns, deadline = coroutine_deadline(run->coroutine);
        if (deadline < next)
            next = deadline;
        if (next == LIL_NEVER || next > limit_ns)
            return false;
        if (next > run->now_ns) {
            run->now_ns = next;
            run_settle(run);
            return true;
        }
        if (i == RUN_SPINS)
            run_fail(run, "the host asks to be polled at a time that has gone (%llu ns ago)", (unsigned long long)(run->now_ns - next));
        run_settle(run);
    }
}

void run_until(struct run *run, uint64_t time_ns)
{
    run->limit_ns = time_ns - 1;
    run_settle(run);
    while (run->now_ns < time_ns && run_step(run, time_ns - 1))
        ;
    if (run->now_ns >= time_ns)
        return;
    /* Calls use the host's last time: it must be told. A timer due at this very moment waits until the event is over. */
    uint64_t told_ns = run->next_ns > time_ns ? time_ns : time_ns - 1;
    if (told_ns > run->now_ns)
        run->next_ns = lil_host_poll(run->host, told_ns);
    run->now_ns = time_ns;
}

/* packetdrill's rule: at least tolerance_usecs, and 12.5 % of the gap since the event before. */
static int64_t tolerance_ns(const struct run *run, int64_t start_ns)
{
    int64_t gap = start_ns - (int64_t)run->last_event_ns;
    int64_t share = gap > 0 ? (int64_t)((double)gap * run->config.tolerance_percent / 100) : 0;
    return share > (int64_t)run->config.tolerance_ns ? share : (int64_t)run->config.tolerance_ns;
}

bool run_in_time(const struct run *run, const struct when *when, uint64_t live_ns, char *text, size_t size)
{
    if (when->kind == WHEN_ANY)
        return true;
    bool range = when->kind == WHEN_ABSOLUTE_RANGE || when->kind == WHEN_RELATIVE_RANGE;
    int64_t at = (int64_t)run_script_ns(run, live_ns), end = range ? when->end_ns : when->start_ns;
    int64_t tolerance = range ? (int64_t)run->config.tolerance_ns : tolerance_ns(run, when->start_ns);
    if (at >= when->start_ns - tolerance && at <= end + tolerance)
        return true;
    if (range)
        snprintf(text, size, "expected in %.6f~%.6f s, happened at %.6f s", (double)when->start_ns / 1e9,
                 (double)end / 1e9, (double)at / 1e9);
    else
        snprintf(text, size, "expected at %.6f s, happened at %.6f s; tolerance %.6f s", (double)when->start_ns / 1e9, (double)at / 1e9,
                 (double)tolerance / 1e9);
    return false;
}
