/* syscall.c: system calls of a script: the table, the arguments, the results. See syscall.h. */
#include "script/call/syscall.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "script/language/symbols.h"

static _Noreturn void end_script(struct call *call, enum script_outcome outcome, const char *format, va_list arguments)
{
    char text[300];
    vsnprintf(text, sizeof text, format, arguments);
    run_note(call->run, call->event, outcome, "%s(): %s", call->spec->name, text);
    longjmp(call->over, 1);
}

void call_fail(struct call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end_script(call, SCRIPT_FAILED, format, arguments);
}

void call_skip(struct call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end_script(call, SCRIPT_SKIPPED, format, arguments);
}

void call_differ(struct call *call, const char *format, ...)
{
    if (call->what[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->what, sizeof call->what, format, arguments);
    va_end(arguments);
}

void call_set(struct call *call, int64_t result)
{
    call->error = result < 0 ? errno : 0;
    call->result = result;
}

/* --- arguments -------------------------------------------------------------------------------------------------------- */
const struct expr *call_argument(struct call *call, unsigned i)
{
    return call->spec->arguments[i];
}

bool call_is_ellipsis(struct call *call, unsigned i)
{
    return i < call->spec->count && call->spec->arguments[i]->kind == EXPR_ELLIPSIS;
}

static _Noreturn void unknown_word(struct call *call, const char *what, const char *word, const char *near)
{
    if (near)
        call_skip(call, "unknown %s %s; did you mean %s?", what, word, near);
    call_skip(call, "unknown %s %s", what, word);
}

static int64_t binary(struct call *call, const struct expr *expr)
{
    int64_t a = call_number(call, expr->items[0]), b = call_number(call, expr->items[1]);
    switch (expr->text[0]) {
    case '|':
        return a | b;
    case '&':
        return a & b;
    case '^':
        return a ^ b;
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '<':
        return (int64_t)((uint64_t)a << (b & 63));
    case '>':
        return a >> (b & 63);
    default:
        if (b == 0)
            call_fail(call, "division by zero");
        return expr->text[0] == '/' ? a / b : a % b;
    }
}

int64_t call_number(struct call *call, const struct expr *expr)
{
    int64_t value;
    switch (expr->kind) {
    case EXPR_NUMBER:
        return expr->number;
    case EXPR_WORD:
        if (!symbol_find(expr->text, &value))
            unknown_word(call, "constant", expr->text, symbol_nearest(expr->text));
        return value;
    case EXPR_BINARY:
        return binary(call, expr);
    case EXPR_UNARY:
        value = call_number(call, expr->items[0]);
        return expr->text[0] == '~' ? ~value : expr->text[0] == '!' ? !value : -value;
    case EXPR_CALL:
        /* htons and the like: ports and addresses are kept in host order here */
        if (expr->count == 1 && (strncmp(expr->text, "hton", 4) == 0 || strncmp(expr->text, "ntoh", 4) == 0))
            return call_number(call, expr->items[0]);
        call_skip(call, "unknown function %s", expr->text);
    case EXPR_LIST:
        if (expr->count == 1)
            return call_number(call, expr->items[0]);
        break;
    default:
        break;
    }
    call_fail(call, "expected a number");
}

int64_t call_integer(struct call *call, unsigned i)
{
    return call_number(call, call->spec->arguments[i]);
}

struct fd_entry *call_fd(struct call *call, unsigned i)
{
    int64_t script_fd = call_integer(call, i);
    struct fd_entry *fd = fd_find(call->run, (int)script_fd);
    if (!fd)
        call_fail(call, "the script has no descriptor %lld", (long long)script_fd);
    return fd;
}

int call_live_fd(struct call *call, unsigned i)
{
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, i));
    return fd ? fd->live_fd : 9999;
}

const struct expr *call_field(const struct expr *expr, const char *name, unsigned position)
{
    bool named = false;
    if (!expr || expr->kind != EXPR_STRUCT)
        return NULL;
    for (unsigned i = 0; i < expr->count; i++) {
        named |= expr->names[i] != NULL;
        if (expr->names[i] && strcmp(expr->names[i], name) == 0)
            return expr->items[i];
    }
    return !named && position < expr->count ? expr->items[position] : NULL;
}

void call_check_names(struct call *call, const struct expr *expr, const char *const *names)
{
    for (unsigned i = 0; expr && expr->kind == EXPR_STRUCT && i < expr->count; i++) {
        const char *const *name = names;
        while (expr->names[i] && *name && strcmp(*name, expr->names[i]) != 0)
            name++;
        if (!expr->names[i] || *name)
            continue;
        char hint[NEAREST_HINT];
        call_fail(call, "this structure has no field %s%s", expr->names[i], nearest_hint(nearest_word(expr->names[i], names), hint));
    }
}

const struct expr *call_inner(const struct expr *expr)
{
    return expr->kind == EXPR_LIST && expr->count == 1 ? expr->items[0] : expr;
}

void *call_buffer(struct call *call, size_t size)
{
    return arena_alloc(&call->run->script.arena, size ? size : 1);
}

void *call_pointer(struct call *call, const struct expr *expr, void *otherwise)
{
    if (!expr || (expr->kind != EXPR_NUMBER && expr->kind != EXPR_WORD && expr->kind != EXPR_UNARY))
        return otherwise;
    return call_number(call, expr) ? (void *)UINTPTR_MAX : NULL;
}

void call_fill(void *buffer, size_t size)
{
    uint8_t *p = buffer;
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(i * 31 >> 3);
}

/* --- addresses -------------------------------------------------------------------------------------------------------- */
static const char *address_text(const struct expr *expr)
{
    if (!expr)
        return NULL;
    if (expr->kind == EXPR_STRING)
        return expr->text;
    if (expr->kind == EXPR_WORD && strncmp(expr->text, "INADDR_", 7) == 0)
        return strcmp(expr->text, "INADDR_ANY") == 0        ? "0.0.0.0"
               : strcmp(expr->text, "INADDR_LOOPBACK") == 0 ? "127.0.0.1"
                                                            : "255.255.255.255";
    if (expr->kind == EXPR_WORD && (strncasecmp(expr->text, "in6addr_", 8) == 0))
        return strstr(expr->text, "loopback") || strstr(expr->text, "LOOPBACK") ? "::1" : "::";
    if (expr->kind == EXPR_STRUCT && expr->count)
        return address_text(expr->items[0]);
    return expr->kind == EXPR_CALL && expr->count ? address_text(expr->items[expr->count - 1]) : NULL;
}

struct name {
    int family;
    bool has_addr, has_port;
    struct addr addr;
    uint16_t port;
    uint32_t flow_info; /* of AF_INET6 */
};

static struct name read_name(struct call *call, const struct expr *expr)
{
    struct name name = {.family = -1};
    const struct expr *family = call_field(expr, "sa_family", 0), *port = NULL, *addr = NULL;
    static const char *const families[] = {"sin_family", "sin6_family"}, *const ports[] = {"sin_port", "sin6_port"},
                             *const addrs[] = {"sin_addr", "sin6_addr"};
    for (int i = 0; i < 2; i++) {
        family = family ? family : call_field(expr, families[i], 0);
        port = port ? port : call_field(expr, ports[i], 1);
        addr = addr ? addr : call_field(expr, addrs[i], 2 + (unsigned)i);
    }
    if (family && family->kind != EXPR_ELLIPSIS)
        name.family = (int)call_number(call, family);
    bool any_port = port && port->kind == EXPR_CALL && port->count == 1 && port->items[0]->kind == EXPR_ELLIPSIS; /* htons(...) */
    if (port && port->kind != EXPR_ELLIPSIS && !any_port) {
        name.has_port = true;
        name.port = (uint16_t)call_number(call, port);
    }
    for (unsigned i = 0; i < expr->count && !addr; i++) /* inet_pton(AF_INET6, "::1", &sin6_addr) names its field itself */
        if (!expr->names[i] && expr->items[i]->kind == EXPR_CALL && strncmp(expr->items[i]->text, "inet", 4) == 0)
            addr = expr->items[i];
    const struct expr *flow_info = call_field(expr, "sin6_flowinfo", ~0u);
    if (flow_info && flow_info->kind != EXPR_ELLIPSIS)
        name.flow_info = (uint32_t)call_number(call, flow_info);
    const char *text = NULL;
    for (unsigned i = 0; addr && addr->kind == EXPR_CALL && i < addr->count && !text; i++)
        text = address_text(addr->items[i]);
    if (!text)
        text = address_text(addr);
    if (text && addr_parse(text, &name.addr) < 0)
        call_fail(call, "bad address %s", text);
    name.has_addr = text != NULL;
    return name;
}

static int script_family(const struct run *run)
{
    return run->config.ip == SCRIPT_IPV4 ? AF_INET : AF_INET6;
}

socklen_t call_address(struct call *call, const struct expr *expr, const struct addr *fallback, uint16_t port, struct sockaddr_storage *out)
{
    struct run *run = call->run;
    memset(out, 0, sizeof *out);
    if (expr->kind == EXPR_ELLIPSIS || call_pointer(call, expr, out) != out)
        return addr_to_sockaddr(fallback, port, 0, script_family(run), out);
    if (expr->kind != EXPR_STRUCT)
        call_fail(call, "expected an address");
    struct name name = read_name(call, expr);
    int family = name.family == AF_INET || name.family == AF_INET6 ? name.family : name.family < 0 ? script_family(run) : AF_INET;
    struct addr any = addr_any(family);
    socklen_t length = addr_to_sockaddr(name.has_addr ? &name.addr : &any, name.port, 0, family, out);
    if (family == AF_INET6)
        for (int i = 0; i < 4; i++) /* in network order */
            ((uint8_t *)&((struct sockaddr_in6 *)out)->sin6_flowinfo)[i] = (uint8_t)(name.flow_info >> (24 - 8 * i));
    if (name.family >= 0)
        out->ss_family = (sa_family_t)name.family;
    return length;
}

void call_check_address(struct call *call, const struct expr *expr, const struct sockaddr_storage *got, socklen_t length)
{
    if (!expr || expr->kind != EXPR_STRUCT)
        return;
    struct name want = read_name(call, expr);
    struct addr addr;
    uint16_t port = 0;
    uint32_t scope;
    char text[ADDR_TEXT];
    if (addr_from_sockaddr((const struct sockaddr *)got, length, &addr, &port, &scope) < 0) {
        call_differ(call, "no address came back");
        return;
    }
    if (want.has_port && want.port != port)
        call_differ(call, "the port is %u, not %u", port, want.port);
    if (want.has_addr && !addr_equal(&want.addr, &addr))
        call_differ(call, "the address is %s", addr_print(&addr, text));
    if (want.family >= 0 && want.family != got->ss_family)
        call_differ(call, "the family is %d, not %d", got->ss_family, want.family);
}

void call_check_number(struct call *call, const char *what, const struct expr *expr, int64_t got)
{
    if (!expr || expr->kind == EXPR_ELLIPSIS)
        return;
    expr = call_inner(expr);
    if (expr->kind == EXPR_ELLIPSIS)
        return;
    int64_t want = call_number(call, expr);
    if (want != got)
        call_differ(call, "%s is %lld, not %lld", what, (long long)got, (long long)want);
}

/* --- the result --------------------------------------------------------------------------------------------------------- */
static void check_result(struct call *call)
{
    const struct spec_call *spec = call->spec;
    if (spec->result->kind == EXPR_ELLIPSIS)
        return;
    int64_t want = call_number(call, spec->result);
    if (call->result < 0 && (want >= 0 || !spec->error)) {
        if (want != call->result)
            call_fail(call, "returned -1 %s (%s), not %lld", symbol_errno(call->error), strerror(call->error), (long long)want);
        return;
    }
    if (call->makes_fd && call->result >= 0 && want >= 0) {
        struct fd_entry *fd = fd_add(call->run, (int)want, (int)call->result, call->kind, call->conn);
        if (fd->conn)
            fd->conn->live_fd = fd->live_fd;
        return;
    }
    int error = want == -1 && spec->error ? symbol_errno_find(spec->error) : call->error;
    if (error < 0)
        unknown_word(call, "errno", spec->error, symbol_nearest(spec->error));
    if (want != call->result)
        call_fail(call, "returned %lld, not %lld%s%s", (long long)call->result, (long long)want, spec->error ? " " : "",
                  spec->error ? spec->error : "");
    if (error != call->error)
        call_fail(call, "failed with %s (%s), not %s", symbol_errno(call->error), strerror(call->error), spec->error);
}

static const struct call_entry *const tables[] = {call_socket_entries, call_io_entries, call_option_entries,
                                                  call_poll_entries, call_message_entries};

static const struct call_entry *find_entry(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(tables); i++)
        for (const struct call_entry *entry = tables[i]; entry->name; entry++)
            if (strcmp(entry->name, name) == 0)
                return entry;
    return NULL;
}

static _Noreturn void unknown_call(struct call *call)
{
    const char *names[128];
    unsigned count = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(tables); i++)
        for (const struct call_entry *entry = tables[i]; entry->name && count < 127; entry++)
            names[count++] = entry->name;
    names[count] = NULL;
    char hint[NEAREST_HINT];
    call_skip(call, "this call is not known here%s", nearest_hint(nearest_word(call->spec->name, names), hint));
}

void call_run(struct run *run, const struct script_event *event)
{
    struct call *call = arena_alloc(&run->script.arena, sizeof *call);
    call->run = run;
    call->event = event;
    call->spec = event->call;
    if (setjmp(call->over))
        return;
    const struct call_entry *entry = find_entry(event->call->name);
    if (!entry)
        unknown_call(call);
    bool few = event->call->count < entry->least;
    if (few || event->call->count > entry->most)
        call_fail(call, "takes %s%u argument%s, not %u",
                  entry->least == entry->most ? ""
                  : few                       ? "at least "
                                              : "at most ",
                  few ? entry->least : entry->most, (few ? entry->least : entry->most) == 1 ? "" : "s", event->call->count);
    entry->run(call);
    run_say(run, "    %s() = %lld%s%s", event->call->name, (long long)call->result, call->result < 0 ? " " : "",
            call->result < 0 ? symbol_errno(call->error) : "");
    check_result(call);
    if (call->what[0])
        call_fail(call, "%s", call->what);
}
