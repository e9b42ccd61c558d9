/* zerocopy.c: SO_ZEROCOPY and MSG_ZEROCOPY (Linux's msg_zerocopy.rst): each such send has a number; when the peer has
 * acknowledged its data (a datagram: when it has left), the error queue says so, in ranges. Here data is always copied,
 * and the notification says that, too. */
#include <time.h>
#include <linux/errqueue.h>
#include "socket/sock.h"

#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif

enum { FRAGMENTS = 17 /* MAX_SKB_FRAGS */, FRAGMENTS_BYTES = 8192 };
struct zerocopy {
    uint32_t tail_length, tail_fragments; /* the last buffer, while it waits whole */
    uint32_t next_id, told;               /* the next send's number; of datagrams the first that the error queue has not told of */
};

int zerocopy_enable(struct sock *sock, bool on)
{
    struct sock_ext *ext = sock_need_ext(sock);

    if (!ext)
        return -ENOBUFS;
    if (on && !ext->zerocopy && !(ext->zerocopy = pool_alloc(sock->file.sockets->pool, sizeof *ext->zerocopy)))
        return -ENOBUFS;
    ext->has_zerocopy = on;
    return 0;
}

void zerocopy_free(struct sock *sock)
{
    pool_free(sock->file.sockets->pool, sock->ext->zerocopy, sizeof *sock->ext->zerocopy);
    sock->ext->zerocopy = NULL;
}

static struct zerocopy *zerocopy_of(struct file *file)
{
    struct sock *sock = sock_of(file);

    return (file->ops == &stream_ops || dgram_is_linux_udp(file)) && sock->ext && sock->ext->has_zerocopy ? sock->ext->zerocopy : NULL;
}

/* Where a buffer has no place for another piece: it ends, with PSH, and the next begins a segment (tcp_sendmsg_locked). */
static ssize_t send_pieces(struct lil_proc *proc, struct file *file, struct zerocopy *zerocopy, const struct msghdr *message, int flags)
{
    struct tcb *tcb = stream_tcb(sock_of(file));
    bool has_tail = tcb && zerocopy->tail_length && tcp_unsent(tcb) >= zerocopy->tail_length && zerocopy->tail_fragments < FRAGMENTS;
    uint32_t used = has_tail ? zerocopy->tail_fragments : 0;
    struct msghdr piece = *message;
    ssize_t n, done = 0;

    while (piece.msg_iovlen > FRAGMENTS - used && iov_total(piece.msg_iov, FRAGMENTS - used) <= FRAGMENTS_BYTES) {
        size_t left = piece.msg_iovlen - (FRAGMENTS - used);

        piece.msg_iovlen = FRAGMENTS - used;
        n = file->ops->send(proc, file, &piece, flags | MSG_EOR);
        if (n < 0)
            return done ? done : n;
        done += n;
        if ((size_t)n < iov_total(piece.msg_iov, piece.msg_iovlen))
            return done;
        piece.msg_iov += piece.msg_iovlen;
        piece.msg_iovlen = left;
        used = 0;
        has_tail = false;
    }
    n = file->ops->send(proc, file, &piece, flags);
    if (n > 0) {
        zerocopy->tail_length = (has_tail ? zerocopy->tail_length : 0) + (uint32_t)n;
        zerocopy->tail_fragments = used + (uint32_t)piece.msg_iovlen;
    }
    return n < 0 ? (done ? done : n) : done + n;
}

/* Linux (msg_zerocopy_realloc): without memory to tell of its end nothing is sent. */
static ssize_t send_on_stream(struct lil_proc *proc, struct file *file, struct zerocopy *zerocopy, const struct msghdr *message, int flags)
{
    struct tcb *tcb = stream_tcb(sock_of(file));
    bool shares = tcb && tcp_zerocopy_shares(tcb);

    if (tcb && !shares && !tcp_zerocopy_has_room(tcb))
        return -ENOBUFS;
    ssize_t n = send_pieces(proc, file, zerocopy, message, flags);
    tcb = n > 0 ? stream_tcb(sock_of(file)) : NULL;
    if (tcb && tcp_zerocopy_watch(tcp_of(sock_of(file)), tcb, zerocopy->next_id, (size_t)n, shares))
        zerocopy->next_id++;
    return n;
}

ssize_t zerocopy_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    struct zerocopy *zerocopy = iov_total(message->msg_iov, message->msg_iovlen) ? zerocopy_of(file) : NULL;

    if (zerocopy && file->ops == &stream_ops)
        return send_on_stream(proc, file, zerocopy, message, flags);
    ssize_t n = file->ops->send(proc, file, message, flags);
    if (n > 0 && zerocopy) {
        zerocopy->next_id++;
        file_wake(file, POLLERR);
    }
    return n;
}

bool zerocopy_is_ready(const struct sock *sock)
{
    return sock->file.type == SOCK_DGRAM && sock->ext && sock->ext->zerocopy && sock->ext->zerocopy->told != sock->ext->zerocopy->next_id;
}

ssize_t zerocopy_tell(struct sock *sock, const struct tcp_stamp *done, struct msghdr *message, size_t room)
{
    const struct sock_extended_err error = {.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
                                            .ee_code = done->is_copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0,
                                            .ee_info = done->first,
                                            .ee_data = done->last};

    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = MSG_ERRQUEUE;
    if (sock->flags & (SF_TIMESTAMP | SF_TIMESTAMPNS)) /* it has no time unless one is asked for */
        stamp_print_arrival(sock, message, room, sock_now(&sock->file));
    control_put_error(sock, message, room, &error, NULL);
    return 0;
}

ssize_t zerocopy_receive_datagram(struct sock *sock, struct msghdr *message, size_t room)
{
    struct zerocopy *zerocopy;
    struct tcp_stamp done = {.is_copied = true};

    if (!zerocopy_is_ready(sock))
        return -EAGAIN;
    zerocopy = sock->ext->zerocopy;
    done.first = zerocopy->told;
    done.last = zerocopy->next_id - 1;
    zerocopy->told = zerocopy->next_id;
    return zerocopy_tell(sock, &done, message, room);
}
