/* run.c: one script from its first event to its last: time, the order of things, and what ends it. Read run.h first. */
#include "script/run.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
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

void run_say(struct run *run, const char *format, ...)
{
    if (!run->config.verbose)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(run->config.verbose, "%12.6f  ", (double)(int64_t)(run->now_ns - run->origin_ns) / 1e9);
    vfprintf(run->config.verbose, format, arguments);
    fputc('\n', run->config.verbose);
    va_end(arguments);
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
        if (!task_can_run(run->task, run->now_ns))
            return;
        if (task_resume(run->task))
            finish_blocked(run);
    }
    run_fail(run, "the host does not come to rest");
}

bool run_step(struct run *run, uint64_t limit_ns)
{
    run->limit_ns = limit_ns;
    run_settle(run);
    for (int i = 0;; i++) {
        uint64_t next = run->next_ns, deadline = task_deadline(run->task);
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

/* --- calls ------------------------------------------------------------------------------------------------------------ */
struct call_start {
    struct run *run;
    const struct script_event *event;
};

static void call_on_task(void *argument)
{
    struct call_start start = *(struct call_start *)argument; /* the starter's frame may be gone when we wake */
    call_run(start.run, start.event);
}

/* Hosts have timers that never end and wake nobody (FreeBSD's keepalive and FIN-WAIT-2): what waits for a week waits for ever. */
static const uint64_t forever_ns = 7 * 86400 * NS_PER_S;

static void await_blocked(struct run *run)
{
    uint64_t end = run->now_ns + forever_ns;

    while (run->blocked) {
        bool stepped = run_step(run, min_u64(end, run->now_ns + run->config.patience_ns));
        if (!stepped && run->blocked) {
            run->event = run->blocked;
            run_fail(run, "%s() is still waiting, and nothing can wake it", run->blocked->call->name);
        }
    }
}

static void start_call(struct run *run, struct script_event *event)
{
    struct call_start start = {run, event};
    if (task_start(run->task, call_on_task, &start)) {
        run_settle(run);
    } else if (event->call->blocking) {
        run->blocked = event;
        run_settle(run);
        return;
    } else {
        uint64_t end = run->now_ns + forever_ns;
        while (task_is_waiting(run->task))
            if (!run_step(run, end) && task_is_waiting(run->task))
                run_fail(run, "%s() waits for ever", event->call->name);
    }
    if (run->report->outcome != SCRIPT_PASSED && !run->config.non_fatal_call)
        run_over(run);
}

/* --- events ----------------------------------------------------------------------------------------------------------- */
/* An event's time becomes a script time; a relative one counts from now, the live end of the event before. */
static void resolve(struct run *run, struct script_event *event)
{
    struct when *when = &event->when;
    int64_t now = (int64_t)run_script_ns(run, run->now_ns);
    bool relative = when->kind == WHEN_RELATIVE || when->kind == WHEN_RELATIVE_RANGE;
    if (relative || when->kind == WHEN_ANY) {
        when->start_ns += now;
        when->end_ns += now;
    }
    if (event->kind == EVENT_CALL && event->call->blocking && relative)
        event->call->end_ns += now;
}

static void await_event(struct run *run, const struct script_event *event)
{
    char text[160];
    if (event->kind == EVENT_CALL)
        await_blocked(run);
    if (event->when.kind != WHEN_ANY)
        run_until(run, run->origin_ns + (uint64_t)event->when.start_ns);
    if (!run_in_time(run, &event->when, run->now_ns, text, sizeof text))
        run_fail(run, "timing error: %s", text);
}

static void run_event(struct run *run, struct script_event *event)
{
    run->event = event;
    run->report->events++;
    resolve(run, event);
    bool expects = event->kind == EVENT_PACKET && !event->packet->inbound;
    if (!expects) {
        await_event(run, event);
        run_say(run, "%s", event->source);
    }
    switch (event->kind) {
    case EVENT_PACKET:
        if (event->packet->unsupported)
            run_skip(run, "%s is not supported", event->packet->unsupported);
        if (expects)
            packet_expect(run, event);
        else
            packet_inject(run, event);
        break;
    case EVENT_CALL:
        start_call(run, event);
        break;
    case EVENT_COMMAND:
        run_command(run, event->text);
        break;
    case EVENT_CODE:
        run_code(run, event);
        break;
    }
    if (event->when.kind == WHEN_ANY)
        event->when.start_ns = (int64_t)run_script_ns(run, run->now_ns);
    run->last_event_ns = (uint64_t)event->when.start_ns;
}

static void check_leftovers(struct run *run)
{
    char text[400];
    run_settle(run);
    unsigned count = 0;
    for (struct sent *sent = run->queue; sent; sent = sent->next) {
        if (!sent_is_relevant(run, sent))
            continue;
        if (!count++ || run->config.verbose)
            sent_print(conn_for_sent(run, sent), sent, text, sizeof text);
        run_say(run, "  no line expects: > %s", text);
    }
    if (!count || !run->config.strict)
        return;
    snprintf(run->report->actual, sizeof run->report->actual, "%s", text);
    run_fail(run, "%u packet%s that no line expects (--strict)", count, count == 1 ? "" : "s");
}

static void run_events(struct run *run)
{
    struct script_event *first = run->script.events;
    run->origin_ns = run->now_ns;
    if (first && (first->when.kind == WHEN_ABSOLUTE || first->when.kind == WHEN_ABSOLUTE_RANGE))
        run->origin_ns -= (uint64_t)first->when.start_ns; /* the script's clock starts with its first event */
    run->last_event_ns = run_script_ns(run, run->now_ns);
    for (struct script_event *event = first; event; event = event->next)
        run_event(run, event);
    run->event = NULL;
    await_blocked(run);
    check_leftovers(run);
}

/* --- a file ------------------------------------------------------------------------------------------------------------- */
/* The options at the script's head, then those of the command line's -D and the like over them. */
static int apply_options(struct run *run, const struct script *script)
{
    for (const struct script_option *option = script->options; option; option = option->next) {
        const char *equals = strcmp(option->name, "define") == 0 ? strchr(option->value, '=') : NULL;
        if (equals) { /* --define=NAME=VALUE: those of the command line come first */
            struct define *define = arena_alloc(&run->memory, sizeof *define), **last = &define->next;
            *define = (struct define){.name = arena_copy(&run->memory, option->value, (size_t)(equals - option->value)),
                                      .value = equals + 1};
            for (const struct define *d = run->config.defines; d; d = d->next, last = &(*last)->next) {
                *last = arena_alloc(&run->memory, sizeof **last);
                **last = (struct define){.name = d->name, .value = d->value};
            }
            run->config.defines = define;
            continue;
        }
        bool fixed = false;
        for (unsigned i = 0; i < run->config.fixed_count && !fixed; i++)
            fixed = strcspn(run->config.fixed[i], "=") == strlen(option->name) &&
                    strncmp(run->config.fixed[i], option->name, strlen(option->name)) == 0;
        if (fixed)
            continue;
        int error = script_config_set(&run->config, option->name, option->value);
        if (error == -ENOENT) {
            run_note(run, NULL, SCRIPT_FAILED, "unknown option --%s", option->name);
            run->report->line = option->line;
            return error;
        } else if (error) {
            run_note(run, NULL, SCRIPT_FAILED, "bad value in --%s=%s", option->name, option->value);
            run->report->line = option->line;
            return error;
        }
    }
    return 0;
}

/* The line that a message speaks of, as it stands in the file. */
static void quote_line(const char *text, struct script_report *report)
{
    for (int line = 1; line < report->line && *text; line++) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    text += strspn(text, " \t");
    snprintf(report->source, sizeof report->source, "%.*s", (int)strcspn(text, "\r\n"), text);
}

/* The line of the option that a message begins with: "--local_ip=...". */
static int option_line(const struct script *head, const char *message)
{
    for (const struct script_option *option = head->options; option; option = option->next)
        if (strncmp(message, "--", 2) == 0 && strncmp(message + 2, option->name, strlen(option->name)) == 0)
            return option->line;
    return 0;
}

bool run_is_freebsd(const struct run *run) { return run->config.profile && strncmp(run->config.profile, "freebsd", 7) == 0; }

/* The system that a profile is of, in the words of #ifdef. */
static const char *system_of(const struct run *run)
{
    const char *profile = run->config.profile;
    return run_is_freebsd(run) ? "FreeBSD" : profile && strstr(profile, "bsd") ? "NetBSD" : "Linux";
}

static int parse_all(struct run *run, const char *path, const char *text, struct script *head)
{
    int error = script_parse_options(head, path, text);
    if (!error)
        error = apply_options(run, head);
    run->ip_version = run->config.ip == SCRIPT_IPV6 ? 6 : 4;
    if (!error && !run_addresses(run)) {
        run->report->line = option_line(head, run->report->message);
        error = -EINVAL;
    }
    run_defines(run);
    const struct script *bad = head;
    if (!error) {
        error = script_parse(&run->script, path, text, run->ip_version, run->config.defines, system_of(run));
        bad = &run->script;
    }
    if (error && run->report->outcome == SCRIPT_PASSED) {
        bool sctp = strstr(text, "IPPROTO_SCTP") != NULL; /* its chunks and structures are not read here */
        run->report->line = bad->error_line;
        run->report->outcome = sctp ? SCRIPT_SKIPPED : SCRIPT_FAILED;
        snprintf(run->report->message, sizeof run->report->message, "%s: %s", sctp ? "SCTP is not supported" : "syntax", bad->error);
    }
    if (error && run->report->line && !run->report->source[0])
        quote_line(text, run->report);
    return error;
}

void script_run_text(const char *path, const char *text, const struct script_config *config, struct script_report *report)
{
    struct run *run = calloc(1, sizeof *run);
    struct script head = {0};
    memset(report, 0, sizeof *report);
    if (!run) {
        snprintf(report->message, sizeof report->message, "out of memory");
        report->outcome = SCRIPT_FAILED;
        return;
    }
    run->config = *config;
    run->report = report;
    run->queue_last = &run->queue;
    arena_init(&run->memory);
    if (parse_all(run, path, text, &head) == 0 && !config->dry_run) {
        if (!setjmp(run->over)) {
            run_setup(run);
            run_events(run);
        }
        report->virtual_ns = run->now_ns - run->origin_ns;
        run_teardown(run);
    }
    script_fini(&run->script);
    script_fini(&head);
    arena_fini(&run->memory);
    free(run);
}

void script_run_file(const char *path, const struct script_config *config, struct script_report *report)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t length = 0;
    FILE *memory = file ? open_memstream(&text, &length) : NULL;
    if (!memory) {
        memset(report, 0, sizeof *report);
        report->outcome = SCRIPT_FAILED;
        snprintf(report->message, sizeof report->message, "cannot read: %s", strerror(errno));
        if (file)
            fclose(file);
        return;
    }
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        fwrite(block, 1, n, memory);
    fclose(memory);
    fclose(file);
    script_run_text(path, text, config, report);
    free(text);
}
