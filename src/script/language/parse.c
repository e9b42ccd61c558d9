/* parse.c: a packetdrill script (both dialects) into a tree: options at the head, then events: a time and a packet, a
 * call, a `command` or %{ code }%. Read ast.h first; docs/SCRIPT.md tells the language. */
#include "script/language/scan.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- options: --name=value, --name value, -D NAME=VALUE ------------------------------------------------------------- */
static void skip_blanks(struct scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\t')
        scan->at++;
}

/* To the next blank; what is in quotes is kept together, without them. With them: `command`, and NAME="text", which
 * stand for what they are. */
static const char *scan_option_value(struct scan *scan)
{
    size_t length = strcspn(scan->at, "\n"), used = 0;
    char *value = arena_alloc(scan->arena, length + 1), quote = 0;
    for (; *scan->at && *scan->at != '\n' && (quote || !isspace((unsigned char)*scan->at)); scan->at++) {
        char c = *scan->at;
        bool is_mark = quote ? c == quote : strchr("\"'`", c) != NULL;
        if (is_mark)
            quote = quote ? 0 : c;
        if (!is_mark || c == '`' || (c == '"' && memchr(value, '=', used)))
            value[used++] = c;
    }
    if (quote)
        scan_fail(scan, "the option's value has no closing %c", quote);
    return value;
}

static bool next_is_value(const struct scan *scan)
{
    const char *p = scan->at;
    bool comment = *p == '#' || (p[0] == '/' && (p[1] == '/' || p[1] == '*'));
    return *p && *p != '\n' && *p != '\r' && !comment && !(p[0] == '-' && (p[1] == '-' || p[1] == 'D'));
}

static struct script_option *scan_script_option(struct scan *scan)
{
    struct script_option *option = arena_alloc(scan->arena, sizeof *option);
    option->line = scan_line(scan, scan->at);
    bool is_define = scan->at[1] == 'D';
    scan->at += 2;
    const char *begin = scan->at;
    while (!is_define && (isalnum((unsigned char)*scan->at) || *scan->at == '_' || *scan->at == '-'))
        scan->at++;
    char *name = arena_copy(scan->arena, begin, (size_t)(scan->at - begin));
    for (char *p = name; *p; p++)
        if (*p == '-')
            *p = '_';
    option->name = is_define ? "define" : name;
    option->value = "";
    if (!is_define && *scan->at == '=') {
        scan->at++;
        option->value = scan_option_value(scan);
        return option;
    }
    skip_blanks(scan);
    if (next_is_value(scan))
        option->value = scan_option_value(scan);
    return option;
}

static void scan_script_options(struct scan *scan, struct script *script)
{
    struct script_option **last = &script->options;
    for (scan_space(scan); scan->at[0] == '-' && (scan->at[1] == '-' || scan->at[1] == 'D'); scan_space(scan)) {
        *last = scan_script_option(scan);
        last = &(*last)->next;
    }
}

static size_t word_length(const struct scan *scan)
{
    size_t length = 0;
    while (isalnum((unsigned char)scan->at[length]) || scan->at[length] == '_')
        length++;
    return length;
}

/* The next word, if --define made it a `command`; else NULL. */
static const char *named_command(const struct scan *scan)
{
    size_t length = word_length(scan);
    const char *value = length ? scan_define(scan, scan->at, length) : NULL;
    return value && *value == '`' ? arena_copy(scan->arena, value + 1, strcspn(value + 1, "`")) : NULL;
}

/* --- times ------------------------------------------------------------------------------------------------------------ */
static struct when scan_when(struct scan *scan)
{
    struct when when = {.kind = WHEN_ABSOLUTE};
    if (scan_char(scan, '*')) {
        when.kind = WHEN_ANY;
        return when;
    }
    if (*scan->at == '`' || scan->at[0] == '%' || named_command(scan)) { /* an init or cleanup command has no time */
        when.kind = WHEN_RELATIVE;
        return when;
    }
    bool relative = scan_char(scan, '+');
    if (!relative && scan->at[0] == '-' && scan->at[1] == '-')
        scan_fail(scan, "an option stands only at the head of a script, before the first event: %s", scan_show(scan));
    when.start_ns = scan_time(scan);
    when.kind = relative ? WHEN_RELATIVE : WHEN_ABSOLUTE;
    if (scan_char(scan, '~')) {
        scan_char(scan, '+');
        when.end_ns = scan_time(scan);
        when.kind = relative ? WHEN_RELATIVE_RANGE : WHEN_ABSOLUTE_RANGE;
        if (when.end_ns < when.start_ns)
            scan_fail(scan, "time range ends before it begins");
    }
    return when;
}

/* --- calls, commands, code ------------------------------------------------------------------------------------------ */
static void scan_note(struct scan *scan)
{
    if (*scan->at != '(')
        return;
    int depth = 0;
    do {
        depth += (*scan->at == '(') - (*scan->at == ')');
        scan->at++;
    } while (*scan->at && *scan->at != '\n' && depth);
}

static void scan_result(struct scan *scan, struct spec_call *call)
{
    scan_expect(scan, '=');
    scan_space(scan);
    if (*scan->at == '?' || *scan->at == '*') {
        scan->at++;
        call->result = arena_alloc(scan->arena, sizeof *call->result);
        call->result->kind = EXPR_ELLIPSIS;
    } else {
        call->result = scan_expr(scan);
    }
    skip_blanks(scan);
    if (isupper((unsigned char)*scan->at))
        call->error = scan_word(scan);
    skip_blanks(scan);
    scan_note(scan);
}

static struct spec_call *scan_call(struct scan *scan)
{
    struct spec_call *call = arena_alloc(scan->arena, sizeof *call);
    if (scan_text(scan, "...")) {
        call->blocking = true;
        scan_char(scan, '+');
        call->end_ns = scan_time(scan);
    }
    const char *begin = scan->at;
    call->name = scan_word(scan);
    if (!scan_char(scan, '(')) {
        scan->at = begin + strspn(begin, " \t");
        scan_fail(scan, "expected a call, NAME(...) = RESULT, or < or > before a packet: %s", scan_show(scan));
    }
    struct expr *arguments[16];
    scan->in_list = true;
    while (!scan_char(scan, ')')) {
        if (call->count == 16)
            scan_fail(scan, "more than 16 arguments");
        arguments[call->count++] = scan_expr(scan);
        if (!scan_char(scan, ',')) {
            scan_expect(scan, ')');
            break;
        }
    }
    scan->in_list = false;
    call->arguments = arena_alloc(scan->arena, (call->count + 1) * sizeof *call->arguments);
    memcpy(call->arguments, arguments, call->count * sizeof *arguments);
    scan_result(scan, call);
    return call;
}

/* `commands` with $NAME$ replaced by its definition; \` does not end them. */
static const char *scan_command(struct scan *scan)
{
    scan_expect(scan, '`');
    const char *end = scan->at;
    while (*end && *end != '`')
        end += *end == '\\' && end[1] ? 2 : 1;
    if (!*end)
        scan_fail(scan, "command without a closing `");
    const char *text = arena_copy(scan->arena, scan->at, (size_t)(end - scan->at));
    scan->at = end + 1;
    for (const struct define *d = scan->defines; d; d = d->next) {
        const char *name = arena_printf(scan->arena, "$%s$", d->name);
        for (const char *found; (found = strstr(text, name));)
            text = arena_printf(scan->arena, "%.*s%.*s%s", (int)(found - text), text, (int)scan_bare(d->value),
                                d->value + (*d->value == '"'), found + strlen(name));
    }
    return text;
}

static const char *scan_code(struct scan *scan)
{
    scan->at += 2;
    const char *end = strstr(scan->at, "}%");
    if (!end)
        scan_fail(scan, "code without a closing }%%");
    const char *text = arena_copy(scan->arena, scan->at, (size_t)(end - scan->at));
    scan->at = end + 2;
    return text;
}

/* --- events --------------------------------------------------------------------------------------------------------------- */
/* The event as written, comments and line breaks gone: for reports. */
static const char *event_source(struct scan *scan, const char *begin, const char *end)
{
    char *text = arena_alloc(scan->arena, (size_t)(end - begin) + 2), *out = text;
    for (const char *p = begin; p < end; p++) {
        if (p[0] == '/' && p[1] == '/' && p > begin && isspace((unsigned char)p[-1])) {
            while (p + 1 < end && p[1] != '\n')
                p++;
            continue;
        }
        bool space = isspace((unsigned char)*p);
        if (!space || (out > text && out[-1] != ' '))
            *out++ = space ? ' ' : *p;
    }
    while (out > text && out[-1] == ' ')
        out--;
    *out = 0;
    return text;
}

static struct script_event *scan_event(struct scan *scan)
{
    struct script_event *event = arena_alloc(scan->arena, sizeof *event);
    const char *begin = scan->at;
    event->line = scan_line(scan, begin);
    event->when = scan_when(scan);
    scan_space(scan);
    event->text = named_command(scan);
    if (event->text) {
        event->kind = EVENT_COMMAND;
        scan->at += word_length(scan);
    } else if (*scan->at == '<' || *scan->at == '>') {
        event->kind = EVENT_PACKET;
        event->packet = scan_packet(scan);
    } else if (*scan->at == '`') {
        event->kind = EVENT_COMMAND;
        event->text = scan_command(scan);
    } else if (scan->at[0] == '%' && scan->at[1] == '{') {
        event->kind = EVENT_CODE;
        event->text = scan_code(scan);
    } else if (scan_is_word(scan) || strncmp(scan->at, "...", 3) == 0) {
        event->kind = EVENT_CALL;
        event->call = scan_call(scan);
    } else {
        scan_fail(scan, "expected a packet (< or >), a call, a `command` or %%{ code }%% before %s", scan_show(scan));
    }
    event->source = event_source(scan, begin, scan->at);
    return event;
}

static void scan_script(struct scan *scan, struct script *script)
{
    scan_script_options(scan, script);
    struct script_event **last = &script->events;
    for (scan_space(scan); *scan->at; scan_space(scan)) {
        *last = scan_event(scan);
        last = &(*last)->next;
        script->event_count++;
        if (scan_char(scan, ';')) /* some end calls as in C */
            continue;
    }
}

/* nplab's "#ifdef FreeBSD ... #endif": what is another system's is blanked, and so are the two words; lines stay where they are. */
static void choose_system(char *text, const char *system)
{
    static const char *const systems[] = {"FreeBSD", "Linux", "NetBSD", "OpenBSD", "OMNeT"};
    for (char *at = text; (at = strstr(at, "#ifdef ")) != NULL;) {
        const char *name = NULL;
        for (unsigned i = 0; i < sizeof systems / sizeof systems[0] && !name; i++)
            if (strncasecmp(at + 7, systems[i], strlen(systems[i])) == 0)
                name = systems[i];
        char *begin = at + 7 + (name ? strlen(name) : 0), *end = strstr(begin, "#endif");
        if (name && end) {
            for (char *p = at; p < end + 6; p++)
                if (*p != '\n' && (p < begin || p >= end || strcasecmp(name, system) != 0))
                    *p = ' ';
        }
        at = begin;
    }
}

static int parse(struct script *script, const char *path, const char *text, int ip_version,
                 const struct define *defines, const char *system, bool all)
{
    memset(script, 0, sizeof *script);
    arena_init(&script->arena);
    script->path = arena_copy(&script->arena, path, strlen(path));
    text += strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte order mark */
    struct scan scan;
    char *own = arena_copy(&script->arena, text, strlen(text));
    choose_system(own, system);
    scan_init(&scan, &script->arena, own, script->error, sizeof script->error);
    scan.ip_version = ip_version;
    scan.defines = defines;
    if (setjmp(scan.fail)) {
        script->error_line = scan_line(&scan, scan.error_at);
        return -EINVAL;
    }
    if (all)
        scan_script(&scan, script);
    else
        scan_script_options(&scan, script);
    return 0;
}

int script_parse(struct script *script, const char *path, const char *text, int ip_version,
                 const struct define *defines, const char *system)
{
    return parse(script, path, text, ip_version, defines, system, true);
}

int script_parse_options(struct script *script, const char *path, const char *text)
{
    return parse(script, path, text, 4, NULL, "", false);
}

void script_fini(struct script *script)
{
    arena_fini(&script->arena);
}
