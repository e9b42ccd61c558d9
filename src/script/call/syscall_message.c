/* syscall_message.c: sendmsg and recvmsg with their control messages. Timestamps in scm_sec/scm_nsec count from the script's
 * start, and have the script's tolerance. */
#include <errno.h>
#include <time.h>
#include <linux/errqueue.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include "script/call/syscall.h"
#include "script/language/symbols.h"

enum { CONTROL_MOST = 4096, IOV_MOST = 64, PART_MOST = 64 * 1024 * 1024 };
#ifndef SCM_TXTIME
#define SCM_TXTIME 61
#endif
#ifndef TCP_CM_INQ
#define TCP_CM_INQ 36
#endif

struct message {
    struct msghdr header;
    struct iovec iov[IOV_MOST];
    struct sockaddr_storage name;
    _Alignas(16) uint8_t control[CONTROL_MOST];
};

static void read_iov(struct call *call, const struct expr *list, struct message *message)
{
    if (!list || list->kind == EXPR_ELLIPSIS)
        return;
    if (list->kind != EXPR_LIST || list->count > IOV_MOST)
        call_fail(call, "expected msg_iov(N)=[{..., SIZE}, ...]");
    for (unsigned i = 0; i < list->count; i++) {
        const struct expr *size = call_field(list->items[i], "iov_len", 1), *base = call_field(list->items[i], "iov_base", 0);
        int64_t length = size ? call_number(call, size) : 0;
        if (length < 0 || length > PART_MOST)
            call_fail(call, "%lld bytes?", (long long)length);
        message->iov[i].iov_len = (size_t)length;
        uint8_t *own = call_buffer(call, (size_t)length);
        message->iov[i].iov_base = call_pointer(call, base, own);
        call_fill(own, (size_t)length);
        if (base && base->kind == EXPR_STRING)
            memcpy(message->iov[i].iov_base, base->text, base->length < (size_t)length ? base->length : (size_t)length);
    }
    message->header.msg_iov = message->iov;
    message->header.msg_iovlen = list->count;
}

static int field(struct call *call, const struct expr *expr, const char *name, int otherwise)
{
    const struct expr *found = call_field(expr, name, 99);
    return found && found->kind != EXPR_ELLIPSIS ? (int)call_number(call, found) : otherwise;
}

/* --- sendmsg -------------------------------------------------------------------------------------------------------------- */
static void write_control(struct call *call, const struct expr *list, struct message *message)
{
    size_t used = 0;
    if (!list || list->kind != EXPR_LIST)
        return;
    for (unsigned i = 0; i < list->count; i++) {
        const struct expr *data = call_field(list->items[i], "cmsg_data", 2);
        bool is_text = data && data->kind == EXPR_STRING; /* its bytes as they stand */
        int64_t value = data && data->kind != EXPR_ELLIPSIS && !is_text ? call_number(call, call_inner(data)) : 0;
        struct cmsghdr *cmsg = (struct cmsghdr *)(message->control + used);
        cmsg->cmsg_level = field(call, list->items[i], "cmsg_level", 0);
        cmsg->cmsg_type = field(call, list->items[i], "cmsg_type", 0);
        size_t size = is_text ? data->length
                      : cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_TXTIME ? 8
                      : cmsg->cmsg_level == SOL_UDP && cmsg->cmsg_type == UDP_SEGMENT ? 2
                                                                                      : 4;
        if (used + CMSG_SPACE(size) > CONTROL_MOST)
            call_fail(call, "too many control messages");
        cmsg->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(cmsg), is_text ? (const void *)data->text : &value, size);
        used += CMSG_SPACE(size);
    }
    message->header.msg_control = message->control;
    message->header.msg_controllen = used;
}

static struct message *new_message(struct call *call)
{
    if (call_argument(call, 1)->kind != EXPR_STRUCT)
        call_fail(call, "expected {msg_name(...)=..., msg_iov(N)=[...], ...}");
    static const char *const names[] = {"msg_name",    "msg_namelen",    "msg_iov",   "msg_iovlen",
                                        "msg_control", "msg_controllen", "msg_flags", NULL};
    struct message *message = call_buffer(call, sizeof *message);
    call_check_names(call, call_argument(call, 1), names);
    read_iov(call, call_field(call_argument(call, 1), "msg_iov", 1), message);
    return message;
}

static void do_sendmsg(struct call *call)
{
    const struct expr *spec = call_argument(call, 1), *name = call_field(spec, "msg_name", 0);
    struct message *message = new_message(call);
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    int flags = (int)call_integer(call, 2);
    bool wants = fd && fd->conn && (fd->conn->protocol == SPEC_UDP || (flags & 0x20000000 /* MSG_FASTOPEN */));
    if (name && (name->kind == EXPR_STRUCT || (name->kind == EXPR_ELLIPSIS && wants))) {
        message->header.msg_namelen = call_address(call, name, &call->run->remote, call->run->config.connect_port, &message->name);
        message->header.msg_name = &message->name;
        if (fd && fd->conn && fd->conn->state == CONN_IDLE && fd->conn->protocol == SPEC_TCP) {
            fd->conn->state = CONN_CONNECTING;
            fd->conn->remote_port = call->run->config.connect_port;
            call->run->under_test = fd->conn;
        }
    }
    write_control(call, call_field(spec, "msg_control", 4), message);
    call_set(call, lil_sendmsg(call->run->proc, call_live_fd(call, 0), &message->header, flags));
}

/* --- recvmsg -------------------------------------------------------------------------------------------------------------- */
static void check_timestamp(struct call *call, const struct expr *want, const struct timespec *got)
{
    const struct run *run = call->run;
    int64_t expected = (int64_t)field(call, want, "scm_sec", 0) * (int64_t)NS_PER_S + field(call, want, "scm_nsec", 0);
    int64_t actual = (int64_t)got->tv_sec * (int64_t)NS_PER_S + got->tv_nsec - (int64_t)run->origin_ns;
    int64_t off = expected > actual ? expected - actual : actual - expected;
    if (off > (int64_t)run->config.tolerance_ns)
        call_differ(call, "the timestamp is %.6f s, not %.6f s", (double)actual / 1e9, (double)expected / 1e9);
}

static void check_extended_error(struct call *call, const struct expr *want, const struct sock_extended_err *got)
{
    const struct { const char *name; int64_t value; } fields[] = {{"ee_errno", got->ee_errno}, {"ee_origin", got->ee_origin},
        {"ee_type", got->ee_type}, {"ee_code", got->ee_code}, {"ee_info", got->ee_info}, {"ee_data", got->ee_data}};
    static const char *const names[] = {"ee_errno", "ee_origin", "ee_type", "ee_code", "ee_pad", "ee_info", "ee_data", NULL};
    call_check_names(call, want, names);
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++)
        call_check_number(call, fields[i].name, call_field(want, fields[i].name, i), fields[i].value);
}

/* SCM_TIMESTAMPING_OPT_STATS: netlink attributes one after the other. False: no more. */
struct attribute {
    unsigned type, size;
    uint64_t value;
};
static bool next_attribute(const uint8_t *bytes, size_t length, size_t *at, struct attribute *attribute)
{
    struct nlattr head;
    if (*at + sizeof head > length)
        return false;
    memcpy(&head, bytes + *at, sizeof head);
    if (head.nla_len < sizeof head || *at + head.nla_len > length)
        return false;
    *attribute = (struct attribute){.type = head.nla_type, .size = (unsigned)(head.nla_len - sizeof head)};
    memcpy(&attribute->value, bytes + *at + sizeof head, attribute->size < 8 ? attribute->size : 8);
    *at += NLA_ALIGN(head.nla_len);
    return true;
}

static bool is_stats(const struct cmsghdr *cmsg)
{
    return cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_TIMESTAMPING_OPT_STATS;
}

/* [{{nla_len=12, nla_type=TCP_NLA_BUSY}, 0}, ...], in short {nla_type=TCP_NLA_BUSY, 0} or {TCP_NLA_BUSY, 0}: each must be there. */
static void check_stats(struct call *call, const struct expr *list, const uint8_t *bytes, size_t length)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct expr *item = list->items[i];
        if (item->kind != EXPR_STRUCT || item->count < 2)
            call_fail(call, "expected {{nla_len=N, nla_type=TCP_NLA_...}, VALUE}");
        const struct expr *head = item->items[0]->kind == EXPR_STRUCT ? item->items[0] : item, *value = item->items[item->count - 1];
        const struct expr *type = call_field(head, "nla_type", head == item ? 0 : 1), *size = call_field(head, "nla_len", 99);
        struct attribute attribute;
        size_t at = 0;
        bool found = false;
        int64_t wanted = type ? call_number(call, type) : -1;
        while (!found && next_attribute(bytes, length, &at, &attribute))
            found = attribute.type == wanted;
        if (!found)
            call_differ(call, "there is no attribute %lld", (long long)wanted);
        else
            call_check_number(call, type && type->kind == EXPR_WORD ? type->text : "the attribute", value, (int64_t)attribute.value);
        if (found && size)
            call_check_number(call, "nla_len", size, attribute.size + 4);
    }
}

static void check_control(struct call *call, const struct expr *want, const struct cmsghdr *cmsg)
{
    static const char *const names[] = {"cmsg_len", "cmsg_level", "cmsg_type", "cmsg_data", NULL};
    call_check_names(call, want, names);
    const struct expr *data = call_field(want, "cmsg_data", 2);
    const uint8_t *bytes = CMSG_DATA(cmsg);
    size_t size = cmsg->cmsg_len - CMSG_LEN(0);
    call_check_number(call, "cmsg_level", call_field(want, "cmsg_level", 0), cmsg->cmsg_level);
    call_check_number(call, "cmsg_type", call_field(want, "cmsg_type", 1), cmsg->cmsg_type);
    if (!data || data->kind == EXPR_ELLIPSIS || call->what[0])
        return;
    if (data->kind == EXPR_STRING) {
        if (size != data->length || memcmp(bytes, data->text, size) != 0)
            call_differ(call, "the %zu bytes of cmsg_data differ", size);
        return;
    }
    bool error = (cmsg->cmsg_level == SOL_IP && cmsg->cmsg_type == IP_RECVERR) ||
                 (cmsg->cmsg_level == SOL_IPV6 && cmsg->cmsg_type == IPV6_RECVERR);
    if (error && data->kind == EXPR_STRUCT) {
        if (size >= sizeof(struct sock_extended_err))
            check_extended_error(call, data, (const void *)bytes);
    } else if (data->kind == EXPR_STRUCT && call_field(data, "scm_sec", 99)) {
        if (size >= sizeof(struct timespec))
            check_timestamp(call, data, (const void *)bytes);
    } else if (is_stats(cmsg)) {
        check_stats(call, data, bytes, size);
    } else if (data->kind != EXPR_STRUCT) {
        int64_t value = 0;
        memcpy(&value, bytes, size < 8 ? size : 8);
        if (size == 4)
            value = (int32_t)value;
        call_check_number(call, "cmsg_data", data, value);
    }
}

static void say_message(struct call *call, struct message *message)
{
    run_say(call->run, "    msg_flags 0x%x, name of %u bytes", (unsigned)message->header.msg_flags, message->header.msg_namelen);
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message->header); cmsg; cmsg = CMSG_NXTHDR(&message->header, cmsg)) {
        enum { SHOWN = 44 }; /* an extended error with its IPv6 address */
        char text[3 * SHOWN + 1] = "";
        int type = cmsg->cmsg_type;
        bool is_time = cmsg->cmsg_level == SOL_SOCKET &&
                       (type == SCM_TIMESTAMPING || type == SCM_TIMESTAMPNS || type == SCM_TIMESTAMP ||
                        type == SO_TIMESTAMPING_NEW || type == SO_TIMESTAMPNS_NEW || type == SO_TIMESTAMP_NEW);
        for (size_t i = 0; i < cmsg->cmsg_len - CMSG_LEN(0) && i < SHOWN && !is_time; i++)
            snprintf(text + 3 * i, sizeof text - 3 * i, " %02x", CMSG_DATA(cmsg)[i]);
        struct attribute attribute;
        for (size_t at = 0; is_stats(cmsg) && next_attribute(CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0), &at, &attribute);)
            run_say(call->run, "      attribute %u of %u bytes: %llu", attribute.type, attribute.size, (unsigned long long)attribute.value);
        run_say(call->run, "    control level %d type %d length %zu%s", cmsg->cmsg_level, cmsg->cmsg_type,
                (size_t)(cmsg->cmsg_len - CMSG_LEN(0)), text);
    }
}

static void check_message(struct call *call, const struct expr *spec, struct message *message)
{
    const struct expr *flags = call_field(spec, "msg_flags", 2), *control = call_field(spec, "msg_control", 4);
    if (!flags)
        flags = call_field(spec, "msg_flags", 3);
    if (flags && flags->kind != EXPR_ELLIPSIS)
        call_check_number(call, "msg_flags", flags, message->header.msg_flags & ~MSG_CMSG_CLOEXEC);
    if (call_field(spec, "msg_name", 0))
        call_check_address(call, call_field(spec, "msg_name", 0), &message->name, message->header.msg_namelen);
    if (!control || control->kind != EXPR_LIST)
        return;
    unsigned i = 0;
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message->header); cmsg; cmsg = CMSG_NXTHDR(&message->header, cmsg), i++) {
        if (i < control->count)
            check_control(call, control->items[i], cmsg);
    }
    if (i != control->count)
        call_differ(call, "%u control messages, not %u", i, control->count);
}

static void do_recvmsg(struct call *call)
{
    const struct expr *spec = call_argument(call, 1);
    struct message *message = new_message(call);
    message->header.msg_name = &message->name;
    message->header.msg_namelen = sizeof message->name;
    message->header.msg_control = message->control;
    message->header.msg_controllen = CONTROL_MOST;
    call_set(call, lil_recvmsg(call->run->proc, call_live_fd(call, 0), &message->header, (int)call_integer(call, 2)));
    if (call->result >= 0 && call->run->config.verbose)
        say_message(call, message);
    if (call->result >= 0)
        check_message(call, spec, message);
}

const struct call_entry call_message_entries[] = {{"sendmsg", 3, 3, do_sendmsg}, {"recvmsg", 3, 3, do_recvmsg}, {NULL, 0, 0, NULL}};
