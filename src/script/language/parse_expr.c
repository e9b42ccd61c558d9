/* parse_expr.c: arguments and results of calls: numbers, constants joined by |, [lists], {structures} and calls like
 * htons(80). What a structure means depends on the call: call_*.c look its fields up. */
#include "script/language/scan.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { ITEMS_MAX = 256 };

static struct expr *make(struct scan *scan, enum expr_kind kind)
{
    struct expr *expr = arena_alloc(scan->arena, sizeof *expr);
    expr->kind = kind;
    expr->line = scan_line(scan, scan->at);
    return expr;
}

struct items {
    unsigned count;
    struct expr *items[ITEMS_MAX];
    const char *names[ITEMS_MAX];
};

static void add_item(struct scan *scan, struct items *items, const char *name, struct expr *item)
{
    if (items->count == ITEMS_MAX)
        scan_fail(scan, "more than %d items", ITEMS_MAX);
    items->names[items->count] = name;
    items->items[items->count++] = item;
}

static void keep_items(struct scan *scan, struct expr *expr, const struct items *items)
{
    expr->count = items->count;
    expr->items = arena_alloc(scan->arena, (items->count + 1) * sizeof *expr->items);
    expr->names = arena_alloc(scan->arena, (items->count + 1) * sizeof *expr->names);
    memcpy(expr->items, items->items, items->count * sizeof *expr->items);
    memcpy(expr->names, items->names, items->count * sizeof *expr->names);
}

/* The name of "name = value" or "name(count) = value", or NULL with the cursor unmoved. */
static const char *field_name(struct scan *scan)
{
    scan_space(scan);
    const char *begin = scan->at;
    if (!scan_is_word(scan))
        return NULL;
    const char *name = scan_word(scan);
    if (scan_char(scan, '(')) {
        int depth = 1;
        for (; *scan->at && depth; scan->at++)
            depth += (*scan->at == '(') - (*scan->at == ')');
    }
    scan_space(scan);
    if (scan->at[0] == '=' && scan->at[1] != '=') {
        scan->at++;
        return name;
    }
    if (scan->at[0] == ':' && strchr(" \t\"0123456789", scan->at[1])) { /* {events: EPOLLIN} */
        scan->at++;
        return name;
    }
    scan->at = begin;
    return NULL;
}

static struct expr *scan_items(struct scan *scan, enum expr_kind kind, char close)
{
    struct expr *expr = make(scan, kind);
    struct items *items = arena_alloc(scan->arena, sizeof *items);
    while (!scan_char(scan, close)) {
        const char *name = kind == EXPR_CALL ? NULL : field_name(scan);
        add_item(scan, items, name, scan_expr(scan));
        if (!scan_char(scan, ',')) {
            scan_expect(scan, close);
            break;
        }
    }
    keep_items(scan, expr, items);
    return expr;
}

static struct expr *expand_define(struct scan *scan, const char *value)
{
    struct scan inner;
    scan_init(&inner, scan->arena, value, scan->error, scan->error_size);
    inner.ip_version = scan->ip_version; /* no defines in a define: no endless loop */
    if (setjmp(inner.fail))
        scan_fail(scan, "in the definition \"%s\": bad expression", value);
    return scan_expr(&inner);
}

/* sizeof(int), sizeof(struct linger): as on this system. */
static struct expr *scan_sizeof(struct scan *scan)
{
    static const struct { const char *name; size_t size; } types[] = {
        {"char", 1}, {"short", 2}, {"int", sizeof(int)}, {"unsigned", sizeof(unsigned)},
        {"unsigned int", sizeof(unsigned)}, {"long", sizeof(long)}, {"socklen_t", sizeof(socklen_t)}, {"u8", 1},
        {"u16", 2}, {"u32", 4}, {"u64", 8}, {"uint8_t", 1}, {"uint16_t", 2}, {"uint32_t", 4}, {"uint64_t", 8},
        {"int32_t", 4}, {"int64_t", 8}, {"size_t", sizeof(size_t)}, {"linger", sizeof(struct linger)},
        {"timeval", sizeof(struct timeval)}, {"timespec", sizeof(struct timespec)},
        {"sockaddr_in", sizeof(struct sockaddr_in)}, {"sockaddr_in6", sizeof(struct sockaddr_in6)},
        {"sockaddr_storage", sizeof(struct sockaddr_storage)}, {"sockaddr", sizeof(struct sockaddr)}, {"tcp_info", 280},
        {"tcp_function_set", 36}, {"tcp_fastopen", 20}, {"accept_filter_arg", 256}, {"cc_newreno_opts", 8},
        {"tcp_md5sig", sizeof(struct tcp_md5sig)}, {"tcp_repair_window", sizeof(struct tcp_repair_window)},
        {"tcp_repair_opt", sizeof(struct tcp_repair_opt)}, {"tcp_zerocopy_receive", 64}, {"in_addr", 4},
        {"in6_addr", 16}, {"ip_mreq", sizeof(struct ip_mreq)}, {"ip_mreqn", sizeof(struct ip_mreqn)},
        {"ipv6_mreq", sizeof(struct ipv6_mreq)}, {"group_req", sizeof(struct group_req)},
        {"group_source_req", sizeof(struct group_source_req)}, {"iovec", sizeof(struct iovec)},
        {"cmsghdr", sizeof(struct cmsghdr)}};
    struct expr *expr = make(scan, EXPR_NUMBER);
    scan_space(scan);
    (void)scan_keyword(scan, "struct");
    scan_space(scan);
    size_t length = strcspn(scan->at, ")\n");
    while (length && scan->at[length - 1] == ' ')
        length--;
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strlen(types[i].name) == length && memcmp(types[i].name, scan->at, length) == 0) {
            expr->number = (int64_t)types[i].size;
            scan->at += length;
            scan_expect(scan, ')');
            return expr;
        }
    }
    scan_fail(scan, "sizeof of an unknown type before %s", scan_show(scan));
}

static struct expr *scan_named(struct scan *scan)
{
    const char *word = scan_word(scan);
    const char *value = scan_define(scan, word, strlen(word));
    if (value)
        return expand_define(scan, value);
    /* "(note)" after a result is not an argument list: only the touching parenthesis is. */
    if (*scan->at == '(') {
        scan->at++;
        if (strcmp(word, "sizeof") == 0)
            return scan_sizeof(scan);
        struct expr *call = scan_items(scan, EXPR_CALL, ')');
        call->text = word;
        return call;
    }
    struct expr *expr = make(scan, EXPR_WORD);
    expr->text = word;
    return expr;
}

static bool next_is_string(struct scan *scan)
{
    scan_space(scan);
    return *scan->at == '"';
}

static struct expr *scan_unary(struct scan *scan)
{
    scan_space(scan);
    if (scan_text(scan, "..."))
        return make(scan, EXPR_ELLIPSIS);
    char c = *scan->at;
    if (c == '[' || c == '{') {
        scan->at++;
        return scan_items(scan, c == '[' ? EXPR_LIST : EXPR_STRUCT, c == '[' ? ']' : '}');
    }
    if (c == '"') {
        struct expr *expr = make(scan, EXPR_STRING);
        expr->text = scan_string(scan, &expr->length);
        while (next_is_string(scan)) { /* "a" "b" are one */
            unsigned more;
            const char *text = scan_string(scan, &more);
            char *both = arena_alloc(scan->arena, expr->length + more + 1);
            memcpy(both, expr->text, expr->length);
            memcpy(both + expr->length, text, more);
            expr->text = both;
            expr->length += more;
        }
        (void)scan_text(scan, "..."); /* "GET"...: and more */
        return expr;
    }
    if (c == '(') {
        scan->at++;
        struct expr *expr = scan_expr(scan);
        scan_expect(scan, ')');
        return expr;
    }
    if (c == '~' || c == '!' || (c == '-' && !scan_peek_number(scan)) || c == '&') {
        scan->at++;
        struct expr *operand = scan_unary(scan);
        if (c == '&') /* &value: written by some for a pointer */
            return operand;
        struct expr *expr = make(scan, EXPR_UNARY);
        expr->text = c == '~' ? "~" : c == '!' ? "!" : "-";
        expr->count = 1;
        expr->items = arena_alloc(scan->arena, sizeof *expr->items);
        expr->items[0] = operand;
        return expr;
    }
    if (scan_is_word(scan))
        return scan_named(scan);
    struct expr *expr = make(scan, EXPR_NUMBER);
    expr->number = scan_integer(scan);
    if (*scan->at == '.' && scan->at[1] != '.') { /* a fraction (timeouts in s): its digits are not kept */
        for (scan->at++; *scan->at >= '0' && *scan->at <= '9';)
            scan->at++;
    }
    return expr;
}

static struct expr *make_binary(struct scan *scan, const char *operator, struct expr *left, struct expr *right)
{
    struct expr *expr = make(scan, EXPR_BINARY);
    expr->text = operator;
    expr->count = 2;
    expr->items = arena_alloc(scan->arena, 2 * sizeof *expr->items);
    expr->items[0] = left;
    expr->items[1] = right;
    return expr;
}

/* C's order for the operators that scripts use; LEVEL 0 binds least. */
static struct expr *scan_binary(struct scan *scan, int level)
{
    static const char *const operators[][4] = {{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"}};
    if (level == 6)
        return scan_unary(scan);
    struct expr *left = scan_binary(scan, level + 1);
    for (;;) {
        const char *found = NULL, *before = scan->at;
        scan_space(scan);
        for (int i = 0; i < 4 && operators[level][i] && !found; i++)
            if (strncmp(scan->at, operators[level][i], strlen(operators[level][i])) == 0)
                found = operators[level][i];
        /* A result may be followed by the next event's "+0", "*" or "%{": those operators stay on their line. */
        if (found && strchr("+-*%", *found) && memchr(before, '\n', (size_t)(scan->at - before)))
            found = NULL;
        if (!found || scan->at[1] == '{') {
            scan->at = before; /* the levels above must see the line's end, too */
            return left;
        }
        scan->at += strlen(found);
        left = make_binary(scan, found, left, scan_binary(scan, level + 1));
    }
}

struct expr *scan_expr(struct scan *scan)
{
    return scan_binary(scan, 0);
}
