/* call_splice.c: splice(2) with a socket of ours at one of its ends. Exact mode: the stack's bytes, by way of a pipe of our own. Fast
 * mode: an open stream's are in the pair, and the kernel moves them; before the first splice from it the pages that are lent are given
 * up (desc_lend.c). */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/notify.h"

static const uint64_t look_again_ns = NS_PER_MS;

/* What the stack takes of N bytes of scratch. */
static int64_t give(struct call *call, size_t n)
{
    int error = call_take_error(call, 0);
    ssize_t sent;

    if (error || call->desc->lil_fd < 0)
        return error ? -error : -EPIPE;
    sent = lil_send(call->program->proc, call->desc->lil_fd, call->program->launcher->scratch, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

/* From a pipe to a socket of ours: what the stack takes leaves the pipe. To refuse it would lose what the program has put into the
 * pipe before, from elsewhere: Go's io.Copy() does. */
static int64_t splice_out(struct call *call)
{
    struct launcher *l = call->program->launcher;
    int pipe = memory_open(call->tid, (int)call->args[0], true);
    bool waits = call_is_blocking(call, 0) && !(call->args[5] & SPLICE_F_NONBLOCK);
    ssize_t n = pipe < 0 || !lend_open_pipe(l) ? -1 : tee(pipe, l->lend.pipe[1], min_u64(call->args[4], LAUNCH_SCRATCH), SPLICE_F_NONBLOCK);
    int64_t sent = n < 0 ? -EINVAL : 0;

    if (n < 0 && pipe >= 0 && errno == EAGAIN) /* an empty pipe: the kernel itself waits for it */
        sent = call->args[5] & SPLICE_F_NONBLOCK ? -EAGAIN : CALL_CONTINUE;
    if (n > 0 && (n = read(l->lend.pipe[0], l->scratch, (size_t)n)) > 0) {
        sent = give(call, (size_t)n);
        sent = sent < 0 ? sent : read(pipe, l->scratch, (size_t)sent);
        desc_sync(call->desc, call->inner);
    }
    if (pipe >= 0)
        close(pipe);
    return sent == -EPIPE ? call_broken_pipe(call, 0) : sent == -EAGAIN && n > 0 && waits ? CALL_HOLD : sent;
}

/* At most SIZE bytes of the socket into PIPE, and as many are taken from the socket; *IS_FULL: the pipe takes none now. */
static int64_t move_in(struct call *call, int pipe, size_t size, bool *is_full)
{
    struct launcher *l = call->program->launcher;
    struct lil_proc *proc = call->program->proc;
    int fd = call->desc->lil_fd;
    ssize_t n = lil_recv(proc, fd, l->scratch, size, MSG_PEEK | MSG_DONTWAIT), moved;

    if (n <= 0)
        return n < 0 ? -errno : 0;
    n = write(l->lend.pipe[1], l->scratch, (size_t)n);
    moved = n > 0 ? splice(l->lend.pipe[0], NULL, pipe, NULL, (size_t)n, SPLICE_F_NONBLOCK) : -1;
    *is_full = moved < 0 && errno == EAGAIN;
    if (moved < n && n > 0)
        lend_empty_pipe(l, (size_t)(n - (moved > 0 ? moved : 0)));
    if (moved < 0)
        return -errno;
    (void)!lil_recv(proc, fd, l->scratch, (size_t)moved, MSG_DONTWAIT);
    return moved;
}

/* From a socket of ours into a pipe. Nothing tells us of room in the pipe: a call that waits for it looks again each millisecond. */
static int64_t splice_in(struct call *call)
{
    struct launcher *l = call->program->launcher;
    int pipe = memory_open(call->tid, (int)call->args[2], true), capacity = pipe < 0 ? -1 : fcntl(pipe, F_GETPIPE_SZ);
    bool is_full = false, waits_for_pipe = pipe >= 0 && !(fcntl(pipe, F_GETFL) & O_NONBLOCK) && !(call->args[5] & SPLICE_F_NONBLOCK);
    int64_t n = -EINVAL;

    if (call->looks_again) /* it has waited for the pipe */
        call->deadline_ns = LIL_NEVER;
    call->looks_again = false;
    if (call->args[1])
        n = -ESPIPE;
    else if (capacity >= 0 && lend_open_pipe(l)) {
        n = -call_take_error(call, 0);
        if (!n && call->desc->lil_fd >= 0)
            n = move_in(call, pipe, (size_t)min_u64(call->args[4], 1 << 16), &is_full);
    }
    if (pipe >= 0)
        close(pipe);
    desc_sync(call->desc, call->inner);
    clock_charge(l, true, n);
    call->looks_again = is_full && waits_for_pipe;
    if (call->looks_again)
        call->deadline_ns = clock_add(l->now_ns, look_again_ns);
    return n == -EAGAIN && (is_full ? waits_for_pipe : call_begin_wait(call, 0, SO_RCVTIMEO)) ? CALL_HOLD : n;
}

/* The kernel itself can move them. */
static bool has_bytes_in_pair(const struct launcher *l, const struct desc *desc)
{
    return !l->exact && (desc->kind != DESC_STREAM || desc->state == DESC_OPEN);
}

int64_t call_splice(struct call *call)
{
    struct launcher *l = call->program->launcher;
    bool is_in_pair;

    if (!l->has_sockets)
        return CALL_CONTINUE;
    call->desc = notify_find(l, call->tid, (int)call->args[0], &call->inner);
    if (!call->desc && notify_refuse_real(call, (int)call->args[0]))
        return -EACCES;
    is_in_pair = call->desc && has_bytes_in_pair(l, call->desc);
    if (call->desc && !is_in_pair)
        return splice_in(call);
    if (is_in_pair) {
        call->desc->never_lends = true;
        lend_end(call->desc);
    }
    if (call->inner >= 0)
        close(call->inner);
    call->inner = -1;
    call->desc = is_in_pair ? NULL : notify_find(l, call->tid, (int)call->args[2], &call->inner);
    if (!call->desc)
        return notify_refuse_real(call, (int)call->args[2]) ? -EACCES : CALL_CONTINUE;
    if (has_bytes_in_pair(l, call->desc))
        return CALL_CONTINUE;
    return splice_out(call);
}
