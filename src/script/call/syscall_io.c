/* syscall_io.c: read and write in all their forms but sendmsg/recvmsg; pipes, splice and sendfile. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "base/csum.h"
#include "script/call/syscall.h"
#include "script/call/disk_file.h"

enum { IO_MOST = 64 * 1024 * 1024 };

static size_t size_argument(struct call *call, unsigned i)
{
    int64_t size = call_integer(call, i);
    if (size < 0 || size > IO_MOST)
        call_fail(call, "%lld bytes?", (long long)size);
    return (size_t)size;
}

/* The bytes of a buffer argument: a string, or SIZE bytes of our own for `...`. */
static uint8_t *out_buffer(struct call *call, unsigned i, size_t size)
{
    const struct expr *expr = call_argument(call, i);
    uint8_t *buffer = call_buffer(call, size);
    if (call_pointer(call, expr, buffer) != buffer)
        return call_pointer(call, expr, buffer);
    call_fill(buffer, size);
    if (expr->kind == EXPR_STRING)
        memcpy(buffer, expr->text, expr->length < size ? expr->length : size);
    return buffer;
}

static uint8_t *in_buffer(struct call *call, unsigned i, size_t size)
{
    return call_pointer(call, call_argument(call, i), call_buffer(call, size));
}

static void check_bytes(struct call *call, unsigned i, const void *got, size_t size)
{
    const struct expr *expr = call_argument(call, i);
    size_t length = call->result < 0 ? 0 : (size_t)call->result < size ? (size_t)call->result : size;
    if (length && got)
        run_say(call->run, "    bytes 0x%04x", csum_fold(csum_partial(got, length, 0))); /* scripts/kernel-diff compares them */
    if (expr->kind == EXPR_STRING && call->result >= 0 &&
        memcmp(expr->text, got, (size_t)call->result < expr->length ? (size_t)call->result : expr->length) != 0)
        call_differ(call, "other bytes came back");
}

static void do_read(struct call *call)
{
    size_t size = size_argument(call, 2);
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    uint8_t *buffer = in_buffer(call, 1, size);
    if (fd && fd->kind == FD_FILE)
        call_set(call, file_read(call->run, fd->live_fd, buffer, size));
    else
        call_set(call, lil_read(call->run->proc, call_live_fd(call, 0), buffer, size));
    check_bytes(call, 1, buffer, size);
}

static void do_write(struct call *call)
{
    size_t size = size_argument(call, 2);
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    if (fd && fd->kind == FD_FILE)
        call_set(call, (int64_t)size);
    else
        call_set(call, lil_write(call->run->proc, call_live_fd(call, 0), out_buffer(call, 1, size), size));
}

static void do_recv(struct call *call)
{
    size_t size = size_argument(call, 2);
    uint8_t *buffer = in_buffer(call, 1, size);
    call_set(call, lil_recv(call->run->proc, call_live_fd(call, 0), buffer, size, (int)call_integer(call, 3)));
    check_bytes(call, 1, buffer, size);
}

static void do_send(struct call *call)
{
    size_t size = size_argument(call, 2);
    call_set(call, lil_send(call->run->proc, call_live_fd(call, 0), out_buffer(call, 1, size), size, (int)call_integer(call, 3)));
}

static void do_recvfrom(struct call *call)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    size_t size = size_argument(call, 2);
    uint8_t *buffer = in_buffer(call, 1, size);
    call_set(call, lil_recvfrom(call->run->proc, call_live_fd(call, 0), buffer, size, (int)call_integer(call, 3),
                                call_pointer(call, call_argument(call, 4), &address), call_pointer(call, call_argument(call, 5), &length)));
    if (call->result >= 0)
        call_check_address(call, call_argument(call, 4), &address, length);
    check_bytes(call, 1, buffer, size);
}

/* A TCP socket that sends to an address (MSG_FASTOPEN) is connecting. */
static void note_destination(struct call *call, const struct sockaddr_storage *address, socklen_t length)
{
    struct fd_entry *fd = fd_find(call->run, (int)call_integer(call, 0));
    uint32_t scope;
    struct addr remote;
    uint16_t port;
    if (!fd || !fd->conn || addr_from_sockaddr((const struct sockaddr *)address, length, &remote, &port, &scope) < 0)
        return;
    if (fd->conn->protocol == SPEC_TCP && fd->conn->state != CONN_IDLE)
        return; /* a connected socket sends to its peer whatever the address says */
    fd->conn->remote = remote;
    fd->conn->remote_port = port;
    if (fd->conn->protocol == SPEC_TCP) {
        fd->conn->state = CONN_CONNECTING;
        call->run->under_test = fd->conn;
    }
}

static void do_sendto(struct call *call)
{
    struct sockaddr_storage address;
    size_t size = size_argument(call, 2);
    const struct expr *to = call_argument(call, 4);
    bool none = to->kind == EXPR_NUMBER || to->kind == EXPR_WORD;
    socklen_t length = none ? 0 : call_address(call, to, &call->run->remote, call->run->config.connect_port, &address);
    if (!none && !call_is_ellipsis(call, 5))
        length = (socklen_t)call_integer(call, 5);
    if (!none)
        note_destination(call, &address, length);
    call_set(call, lil_sendto(call->run->proc, call_live_fd(call, 0), out_buffer(call, 1, size), size, (int)call_integer(call, 3),
                              none ? NULL : (struct sockaddr *)&address, length));
}

/* --- readv and writev ---------------------------------------------------------------------------------------------------- */
static int read_iov(struct call *call, const struct expr *list, struct iovec *iov, int most)
{
    if (list->kind != EXPR_LIST || list->count > (unsigned)most)
        call_fail(call, "expected [{..., SIZE}, ...]");
    for (unsigned i = 0; i < list->count; i++) {
        const struct expr *item = list->items[i], *size = call_field(item, "iov_len", 1), *base = call_field(item, "iov_base", 0);
        if (!size)
            call_fail(call, "expected {..., SIZE}");
        int64_t length = call_number(call, size);
        if (length < 0 || length > IO_MOST)
            call_fail(call, "%lld bytes?", (long long)length);
        iov[i].iov_len = (size_t)length;
        uint8_t *own = call_buffer(call, (size_t)length);
        iov[i].iov_base = call_pointer(call, base, own);
        call_fill(own, (size_t)length);
        if (base && base->kind == EXPR_STRING)
            memcpy(iov[i].iov_base, base->text, base->length < (size_t)length ? base->length : (size_t)length);
    }
    return (int)list->count;
}

static void do_vector(struct call *call, ssize_t (*vector)(struct lil_proc *, int, const struct iovec *, int))
{
    struct iovec *iov = call_buffer(call, 1024 * sizeof *iov);
    int count = read_iov(call, call_argument(call, 1), iov, 1024);
    if (call->spec->count > 2 && !call_is_ellipsis(call, 2))
        count = (int)call_integer(call, 2);
    call_set(call, vector(call->run->proc, call_live_fd(call, 0), iov, count));
}

static void do_readv(struct call *call)
{
    do_vector(call, lil_readv);
}

static void do_writev(struct call *call)
{
    do_vector(call, lil_writev);
}

/* --- files, pipes, splice, sendfile (disk_file.c) --------------------------------------------------------------------------------- */
static void do_open(struct call *call)
{
    const struct expr *path = call_argument(call, 0);
    call->makes_fd = true;
    call->kind = FD_FILE;
    call_set(call, file_open(call->run, path->kind == EXPR_STRING ? path->text : ""));
}

static void do_pipe(struct call *call)
{
    int fds[2];
    const struct expr *list = call_argument(call, 0);
    int flags = call->spec->count > 1 ? (int)call_integer(call, 1) : 0;
    if (list->kind != EXPR_LIST || list->count != 2)
        call_fail(call, "expected [N, M]");
    call_set(call, lil_pipe2(call->run->proc, fds, flags));
    if (call->result < 0)
        return;
    for (int i = 0; i < 2; i++)
        fd_add(call->run, (int)call_number(call, list->items[i]), fds[i], FD_PIPE, NULL);
}

static void do_splice(struct call *call)
{
    call_set(call, file_splice(call->run, call_fd(call, 0), call_fd(call, 2), size_argument(call, 4), (unsigned)call_integer(call, 5)));
}

/* A field of struct sf_hdtr, headers(1)=[{"text", 4}], written to the socket. -1: errno tells. */
static ssize_t send_part(struct call *call, const struct expr *part)
{
    struct iovec *iov = call_buffer(call, 16 * sizeof *iov);
    return part && part->kind == EXPR_LIST && part->count
               ? lil_writev(call->run->proc, call_live_fd(call, 1), iov, read_iov(call, part, iov, 16))
               : 0;
}

/* FreeBSD's: sendfile(5, 4, 0, 1000, {headers(1)=[...], trailers(1)=[...]}, [1000], 0) = 0; a size of 0 is the rest of the file. */
static void do_sendfile_bsd(struct call *call)
{
    const struct expr *header = call_argument(call, 4), *bytes = call_argument(call, 5);
    bool has_parts = header->kind == EXPR_STRUCT;
    int64_t at = call_integer(call, 2);
    size_t size = size_argument(call, 3);
    ssize_t sum = has_parts ? send_part(call, call_field(header, "headers", 0)) : 0, n = 0;
    if (sum >= 0) {
        n = file_send(call->run, call_live_fd(call, 1), call_fd(call, 0), &at, size ? size : SIZE_MAX);
        sum += n > 0 ? n : 0;
    }
    if (n >= 0 && sum >= 0 && has_parts) {
        n = send_part(call, call_field(header, "trailers", 1));
        sum += n > 0 ? n : 0;
    }
    call_set(call, n < 0 || sum < 0 ? -1 : 0);
    if (bytes->kind == EXPR_LIST && bytes->count)
        call_check_number(call, "sbytes", bytes->items[0], sum);
}

/* sendfile(4, 5, [0], 1000), or NULL for the file's own place */
static void do_sendfile(struct call *call)
{
    if (call->spec->count == 7) {
        do_sendfile_bsd(call);
        return;
    }
    const struct expr *offset = call_argument(call, 2);
    bool is_given = offset->kind == EXPR_LIST && offset->count;
    int64_t at = is_given && offset->items[0]->kind != EXPR_ELLIPSIS ? call_number(call, offset->items[0]) : 0;
    size_t size = size_argument(call, 3);
    call_set(call, file_send(call->run, call_live_fd(call, 0), call_fd(call, 1),
                             is_given || offset->kind == EXPR_ELLIPSIS ? &at : NULL, size));
}

const struct call_entry call_io_entries[] = {
    {"read", 3, 3, do_read}, {"write", 3, 3, do_write}, {"recv", 4, 4, do_recv}, {"send", 4, 4, do_send},
    {"recvfrom", 6, 6, do_recvfrom}, {"sendto", 6, 6, do_sendto}, {"readv", 2, 3, do_readv}, {"writev", 2, 3, do_writev},
    {"open", 1, 3, do_open}, {"pipe", 1, 1, do_pipe}, {"pipe2", 2, 2, do_pipe}, {"splice", 6, 6, do_splice},
    {"sendfile", 4, 7, do_sendfile}, {NULL, 0, 0, NULL}};
