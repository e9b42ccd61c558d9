/* syscall_option.c: setsockopt and getsockopt: numbers, strings and the structures that scripts write. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include "script/call/syscall.h"
#include "script/language/symbols.h"
#include "script/packet/script_packet.h"
#include "socket/sock.h"
#include "tcp/tcp.h"

enum { OPTION_MOST = 1024 };
struct option {
    int level, name;
    uint8_t bytes[OPTION_MOST];
    socklen_t length;
};

enum { FILTER_NAME = 16, FILTER_SIZE = 256 }; /* FreeBSD's struct accept_filter_arg */
static const char *const linger_names[] = {"onoff", "linger", "l_onoff", "l_linger", NULL};
static const char *const time_names[] = {"tv_sec", "tv_usec", "sec", "usec", NULL};

static int64_t field_number(struct call *call, const struct expr *expr, const char *a, const char *b, unsigned position)
{
    const struct expr *field = call_field(expr, a, position);
    if (!field)
        field = call_field(expr, b, position);
    return field && field->kind != EXPR_ELLIPSIS ? call_number(call, field) : 0;
}

static void put_struct(struct option *option, const void *bytes, size_t length)
{
    memcpy(option->bytes, bytes, length);
    option->length = (socklen_t)length;
}

static void put_md5(struct call *call, const struct expr *expr, struct option *option)
{
    struct tcp_md5sig sig = {0};
    struct sockaddr_storage address;
    const struct expr *to = call_field(expr, "tcpm_addr", 0), *key = call_field(expr, "tcpm_key", 4);
    static const struct expr ellipsis = {.kind = EXPR_ELLIPSIS};
    socklen_t length = call_address(call, to ? to : &ellipsis, &call->run->remote, 0, &address);
    memcpy(&sig.tcpm_addr, &address, length);
    if (key && key->kind == EXPR_STRING) {
        sig.tcpm_keylen = (uint16_t)(key->length < TCP_MD5SIG_MAXKEYLEN ? key->length : TCP_MD5SIG_MAXKEYLEN);
        memcpy(sig.tcpm_key, key->text, sig.tcpm_keylen);
    }
    put_struct(option, &sig, sizeof sig);
}

/* FreeBSD's struct tcp_fastopen: a number, then a pre-shared key of 16 bytes. */
static void put_fastopen(struct call *call, const struct expr *expr, struct option *option)
{
    struct { int enable; char psk[16]; } fastopen = {.enable = (int)field_number(call, expr, "enable", "enable", 0)};
    const struct expr *psk = call_field(expr, "psk", 1);
    if (psk && psk->kind == EXPR_STRING)
        memcpy(fastopen.psk, psk->text, psk->length < sizeof fastopen.psk ? psk->length : sizeof fastopen.psk);
    put_struct(option, &fastopen, psk ? sizeof fastopen : sizeof fastopen.enable);
}

/* A structure of ints, addresses (struct sockaddr_storage, as in struct group_req) and inet_addr()s, in its order, aligned as C does. */
static void put_fields(struct call *call, const struct expr *expr, struct option *option)
{
    for (unsigned i = 0; i < expr->count && option->length + 160 <= OPTION_MOST; i++) {
        const struct expr *field = expr->items[i];
        if (field->kind == EXPR_STRUCT) {
            struct sockaddr_storage address;
            option->length = (option->length + 7) & ~7u;
            (void)call_address(call, field, &call->run->remote, 0, &address);
            memcpy(option->bytes + option->length, &address, sizeof address);
            option->length += sizeof address;
        } else if (field->kind == EXPR_CALL && strncmp(field->text, "inet", 4) == 0) {
            struct addr addr;
            const struct expr *text = field->count ? field->items[field->count > 1] : NULL;
            if (!text || text->kind != EXPR_STRING || addr_parse(text->text, &addr) < 0)
                call_fail(call, "expected an address");
            unsigned size = addr_is_v4(&addr) ? 4 : 16;
            memcpy(option->bytes + option->length, addr.b + 16 - size, size);
            option->length += size;
        } else {
            int value = field->kind == EXPR_ELLIPSIS ? 0 : (int)call_number(call, field);
            memcpy(option->bytes + option->length, &value, 4);
            option->length += 4;
        }
    }
}

static void put_structure(struct call *call, const struct expr *expr, struct option *option)
{
    if (option->level == SOL_SOCKET && option->name == SO_LINGER) {
        call_check_names(call, expr, linger_names);
        struct linger linger = {.l_onoff = (int)field_number(call, expr, "onoff", "l_onoff", 0),
                                .l_linger = (int)field_number(call, expr, "linger", "l_linger", 1)};
        put_struct(option, &linger, sizeof linger);
    } else if (option->level == SOL_SOCKET && (option->name == SO_RCVTIMEO || option->name == SO_SNDTIMEO ||
                                               option->name == SO_RCVTIMEO_NEW || option->name == SO_SNDTIMEO_NEW)) {
        call_check_names(call, expr, time_names);
        struct timeval time = {.tv_sec = field_number(call, expr, "tv_sec", "sec", 0),
                               .tv_usec = field_number(call, expr, "tv_usec", "usec", 1)};
        put_struct(option, &time, sizeof time);
    } else if (option->level == IPPROTO_TCP && (option->name == TCP_MD5SIG || option->name == TCP_MD5SIG_EXT)) {
        put_md5(call, expr, option);
    } else if (option->level == SOL_SOCKET && option->name == SOCK_ACCEPTFILTER) {
        const struct expr *name = call_field(expr, "af_name", 0);
        char bytes[FILTER_SIZE] = {0};
        if (name && name->kind == EXPR_STRING)
            memcpy(bytes, name->text, name->length < FILTER_NAME ? name->length : FILTER_NAME - 1);
        put_struct(option, bytes, sizeof bytes);
    } else if (option->level == IPPROTO_TCP && option->name == TCP_FASTOPEN) {
        put_fastopen(call, expr, option);
    } else {
        put_fields(call, expr, option);
    }
}

static void put_number(struct option *option, int64_t value, int64_t length)
{
    if (length != 1 && length != 2 && length != 8)
        length = 4;
    memcpy(option->bytes, &value, (size_t)length); /* little-endian machines only: so is x86-64, so is arm64 */
    option->length = (socklen_t)length;
}

static void put_value(struct call *call, const struct expr *expr, struct option *option, int64_t length)
{
    if (expr->kind == EXPR_STRING)
        put_struct(option, expr->text, expr->length < OPTION_MOST ? expr->length : OPTION_MOST);
    else if (expr->kind == EXPR_STRUCT)
        put_structure(call, expr, option);
    else if (expr->kind == EXPR_LIST && expr->count == 1)
        put_value(call, expr->items[0], option, length);
    else if (expr->kind == EXPR_LIST && expr->items && expr->count && expr->items[0]->kind == EXPR_STRUCT)
        for (unsigned i = 0; i < expr->count; i++) /* TCP_REPAIR_OPTIONS: an array of structures */
            put_fields(call, expr->items[i], option);
    else if (expr->kind == EXPR_LIST)
        for (unsigned i = 0; i < expr->count && option->length + 4 <= OPTION_MOST; i++, option->length += 4) {
            int value = (int)call_number(call, expr->items[i]);
            memcpy(option->bytes + option->length, &value, 4);
        }
    else if (expr->kind != EXPR_ELLIPSIS)
        put_number(option, call_number(call, expr), length);
}

/* FreeBSD's TCP stacks: this host has the base one, "freebsd", which has no other name. A script that expects another one is skipped. */
static bool choose_stack(struct call *call, const struct option *option, const struct expr *value)
{
    const struct expr *name = call_field(value, "function_set_name", 0);
    const char *own = option->name == SYMBOL_FUNCTION_ALIAS ? "" : "freebsd";
    if (option->name != SYMBOL_FUNCTION_BLK && option->name != SYMBOL_FUNCTION_ALIAS)
        return false;
    if (name && name->kind == EXPR_STRING && strcmp(name->text, own) != 0) {
        if (!call->spec->error || strcmp(call->spec->error, "ENOENT") != 0)
            call_skip(call, "only the stack \"freebsd\" is here");
        call->result = -1;
        call->error = ENOENT;
    } else {
        call_set(call, 0);
    }
    return true;
}

/* The peer signs its "md5 valid" segments by the same key. */
static void note_key(struct call *call, const struct option *option)
{
    struct tcp_md5sig sig;
    struct addr peer;
    uint16_t port;
    uint32_t scope;
    memcpy(&sig, option->bytes, sizeof sig);
    if (addr_from_sockaddr((const struct sockaddr *)&sig.tcpm_addr, sizeof sig.tcpm_addr, &peer, &port, &scope) == 0)
        packet_sign_key(call->run, &peer, sig.tcpm_key, sig.tcpm_keylen);
}

static void do_setsockopt(struct call *call)
{
    struct option *option = call_buffer(call, sizeof *option);
    const struct expr *value = call_argument(call, 3);
    option->level = (int)call_integer(call, 1);
    option->name = (int)call_integer(call, 2);
    int64_t length = call_is_ellipsis(call, 4) ? -1 : call_integer(call, 4);
    if (choose_stack(call, option, value))
        return;
    bool is_null = value->kind == EXPR_WORD && strcmp(value->text, "NULL") == 0;
    put_value(call, value, option, length);
    if (length <= OPTION_MOST && !call_is_ellipsis(call, 4))
        option->length = (socklen_t)length; /* a negative one, too */
    call_set(call, lil_setsockopt(call->run->proc, call_live_fd(call, 0), option->level, option->name,
                                  is_null || (value->kind == EXPR_ELLIPSIS && length <= 0) ? NULL : option->bytes, option->length));
    if (call->result == 0 && option->level == IPPROTO_TCP && (option->name == TCP_MD5SIG || option->name == TCP_MD5SIG_EXT))
        note_key(call, option);
}

/* --- getsockopt ----------------------------------------------------------------------------------------------------------- */
static void check_structure(struct call *call, const struct expr *expr, const struct option *option)
{
    if (option->level == SOL_SOCKET && option->name == SO_LINGER) {
        const struct linger *linger = (const void *)option->bytes;
        if (field_number(call, expr, "onoff", "l_onoff", 0) != linger->l_onoff ||
            field_number(call, expr, "linger", "l_linger", 1) != linger->l_linger)
            call_differ(call, "the linger structure is {onoff=%d, linger=%d}", linger->l_onoff, linger->l_linger);
    } else if (option->level == SOL_SOCKET && (option->name == SO_RCVTIMEO || option->name == SO_SNDTIMEO ||
                                               option->name == SO_RCVTIMEO_NEW || option->name == SO_SNDTIMEO_NEW)) {
        const struct timeval *time = (const void *)option->bytes;
        if (field_number(call, expr, "tv_sec", "sec", 0) != time->tv_sec || field_number(call, expr, "tv_usec", "usec", 1) != time->tv_usec)
            call_differ(call, "the time is {tv_sec=%ld, tv_usec=%ld}", (long)time->tv_sec, (long)time->tv_usec);
    } else if (option->level == SOL_SOCKET && option->name == SOCK_ACCEPTFILTER) {
        const struct expr *name = call_field(expr, "af_name", 0);
        if (name && name->kind == EXPR_STRING && strcmp(name->text, (const char *)option->bytes) != 0)
            call_differ(call, "the filter is \"%.16s\"", (const char *)option->bytes);
    } else if (option->level == IPPROTO_TCP && option->name == TCP_INFO) {
        uint8_t bytes[OPTION_MOST]; /* the kernel's own structure may be shorter than ours */
        socklen_t length = sizeof bytes;
        (void)lil_getsockopt(call->run->proc, call_live_fd(call, 0), option->level, option->name, bytes, &length);
        for (unsigned i = 0; i < expr->count; i++) {
            struct value value;
            if (!expr->names[i] || expr->items[i]->kind == EXPR_ELLIPSIS)
                continue;
            if (!run_tcp_info_field(bytes, length, expr->names[i], &value))
                call_skip(call, "this host's TCP_INFO has no %s", expr->names[i]);
            call_check_number(call, expr->names[i], expr->items[i], value.integer);
        }
    } else {
        for (unsigned i = 0; i < expr->count; i++) {
            int value;
            memcpy(&value, option->bytes + 4 * i, 4);
            if (4 * (i + 1) <= option->length)
                call_check_number(call, "a field", expr->items[i], value);
        }
    }
}

static void check_value(struct call *call, const struct expr *expr, const struct option *option)
{
    int64_t number = 0;
    int small = 0;
    if (expr->kind == EXPR_ELLIPSIS) {
        return;
    } else if (expr->kind == EXPR_STRING) {
        if (option->length < expr->length || memcmp(option->bytes, expr->text, expr->length) != 0)
            call_differ(call, "the value is \"%.60s\"", (const char *)option->bytes);
    } else if (expr->kind == EXPR_STRUCT) {
        check_structure(call, expr, option);
    } else if (expr->kind == EXPR_LIST && expr->count == 1) {
        check_value(call, expr->items[0], option);
    } else if (expr->kind != EXPR_LIST) {
        if (option->length == 8) {
            memcpy(&number, option->bytes, 8);
        } else {
            memcpy(&small, option->bytes, option->length < 4 ? option->length : 4);
            number = small;
        }
        int64_t want = call_number(call, expr);
        if (want != number && !(option->length == 4 && (uint32_t)want == (uint32_t)number)) {
            bool is_error = option->level == SOL_SOCKET && option->name == SO_ERROR;
            call_differ(call, "the value is %lld%s%s, not %lld", (long long)number, is_error && number ? " " : "",
                        is_error && number ? symbol_errno((int)number) : "", (long long)want);
        }
    }
}

static void say_value(struct call *call, const struct option *option)
{
    char text[200] = "";
    size_t used = 0;
    if (!call->run->config.verbose || (option->level == IPPROTO_TCP && option->name == TCP_INFO))
        return;
    for (socklen_t i = 0; i < option->length && used + 16 < sizeof text; i += 4) {
        int value = 0;
        memcpy(&value, option->bytes + i, option->length - i < 4 ? option->length - i : 4);
        used += (size_t)snprintf(text + used, sizeof text - used, " %d", value);
    }
    run_say(call->run, "    value%s, length %u", text, option->length);
}

static void do_getsockopt(struct call *call)
{
    struct option *option = call_buffer(call, sizeof *option);
    const struct expr *value = call_argument(call, 3), *length = call_argument(call, 4);
    option->level = (int)call_integer(call, 1);
    option->name = (int)call_integer(call, 2);
    option->length = 4;
    if (value->kind == EXPR_STRUCT || value->kind == EXPR_ELLIPSIS || value->kind == EXPR_STRING)
        option->length = OPTION_MOST;
    if (length->kind == EXPR_LIST && length->count && length->items[0]->kind != EXPR_ELLIPSIS)
        option->length = (socklen_t)call_number(call, length->items[0]);
    if ((int)option->length > OPTION_MOST)
        option->length = OPTION_MOST;
    if (choose_stack(call, option, value))
        return;
    /* it names what is asked for */
    if (option->level == IPPROTO_TCP && option->name == TCP_OPTION_CCALGOOPT && value->kind == EXPR_STRUCT) {
        socklen_t room = option->length;
        option->length = 0;
        put_structure(call, value, option);
        option->length = room == OPTION_MOST ? option->length : room;
    }
    call_set(call, lil_getsockopt(call->run->proc, call_live_fd(call, 0), option->level, option->name,
                                  value->kind == EXPR_WORD ? call_pointer(call, value, option->bytes) : option->bytes,
                                  call_pointer(call, length, &option->length)));
    if (call->result < 0)
        return;
    say_value(call, option);
    check_value(call, value, option);
    bool is_text = value->kind == EXPR_STRING || (value->kind == EXPR_LIST && value->count == 1 && value->items[0]->kind == EXPR_STRING);
    if (length->kind == EXPR_LIST && length->count && !is_text) /* a text may be shorter than its buffer */
        call_check_number(call, "the length", length->items[length->count - 1], option->length);
}

const struct call_entry call_option_entries[] = {
    {"setsockopt", 5, 5, do_setsockopt}, {"getsockopt", 5, 5, do_getsockopt}, {NULL, 0, 0, NULL}};
