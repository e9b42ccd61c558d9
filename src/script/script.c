/* script.c: one script from its options and its first event to its last. */
#include "script/script.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script/call/syscall.h"
#include "script/packet/script_packet.h"
#include "script/programs/programs.h"
#include "script/setup.h"

/* --- calls ------------------------------------------------------------------------------------------------------------ */
struct call_start {
    struct run *run;
    const struct script_event *event;
};

static void call_on_coroutine(void *argument)
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
        bool stepped = run_step(run, end);
        if (!stepped && run->blocked) {
            run->event = run->blocked;
            run_fail(run, "%s() is still waiting, and nothing can wake it", run->blocked->call->name);
        }
    }
}

static void start_call(struct run *run, struct script_event *event)
{
    struct call_start start = {run, event};
    if (coroutine_start(run->coroutine, call_on_coroutine, &start)) {
        run_settle(run);
    } else if (event->call->blocking) {
        run->blocked = event;
        run_settle(run);
        return;
    } else {
        uint64_t end = run->now_ns + forever_ns;
        while (coroutine_is_waiting(run->coroutine))
            if (!run_step(run, end) && coroutine_is_waiting(run->coroutine))
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
            run_note(run, NULL, SCRIPT_FAILED, "--%s=%s: %s is wanted", option->name, option->value,
                     script_config_form(option->name));
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
    if (!error && !setup_addresses(run)) {
        run->report->line = option_line(head, run->report->message);
        error = -EINVAL;
    }
    setup_defines(run);
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
            setup_host(run);
            run_events(run);
        }
        report->virtual_ns = run->now_ns - run->origin_ns;
        setup_undo(run);
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
