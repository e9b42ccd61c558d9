/* stream_data.c: moving bytes through a TCP socket: send and receive with a message, write and read of one buffer, and what waits
 * for room or for data. The rest of a TCP socket is stream_socket.c. */
#include <netinet/tcp.h>
#include "socket/sock.h"

enum { NO_SIGNAL_FLAGS = ~(MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL | MSG_CMSG_CLOEXEC) };

/* The rest of an iovec after DONE bytes, in SPACE (at most 1,024 entries as IOV_MAX says). */
struct rest {
    struct iovec space[16];
    const struct iovec *iov;
    int count;
};

static void rest_after(struct rest *rest, const struct iovec *iov, size_t count, size_t done)
{
    size_t n = 0;

    while (count > 0 && done >= iov->iov_len) {
        done -= iov->iov_len;
        iov++;
        count--;
    }
    for (; n < count && n < ARRAY_COUNT(rest->space); n++)
        rest->space[n] = iov[n];
    if (n > 0) {
        rest->space[0].iov_base = (char *)rest->space[0].iov_base + done;
        rest->space[0].iov_len -= done;
    }
    rest->iov = rest->space;
    rest->count = (int)n;
}

COLD static int not_connected(const struct sock *sock, bool is_sending)
{
    if (sock->flags & SF_LISTENING)
        return is_sending && sock_params(&sock->file)->send_unconnected_error
                   ? -sock_params(&sock->file)->send_unconnected_error
                   : -ENOTCONN;
    return 0;
}

/* What is left of MESSAGE after DONE bytes, as far as there is room. -EAGAIN: none, or the handshake goes on. */
static ssize_t send_more(struct sock *sock, const struct msghdr *message, int flags, size_t done)
{
    struct tcb *tcb = stream_tcb(sock);
    struct rest rest;

    if (!tcb)
        return done ? 0 : -EPIPE;
    if (done && tcp_error(tcb, false))
        return 0; /* what was taken counts; the error waits for the next call */
    rest_after(&rest, message->msg_iov, message->msg_iovlen, done);
    return tcp_send(tcp_of(sock), tcb, rest.iov, rest.count, iov_total(rest.iov, (size_t)rest.count), flags & NO_SIGNAL_FLAGS,
                    sock_now(&sock->file));
}

/* A sleeping send waits for the handshake's end, or for room. */
static int await_room(struct lil_proc *proc, struct sock *sock, uint64_t deadline_ns)
{
    struct tcb *tcb = stream_tcb(sock);
    bool is_opening = tcb && tcp_get_state(tcb) < TCPS_ESTABLISHED;
    int result;

    if (is_opening)
        tcp_await_text(tcb, true);
    result = wait_file(proc, &sock->file, POLLOUT, deadline_ns);
    tcb = is_opening ? stream_tcb(sock) : NULL;
    if (tcb)
        tcp_await_text(tcb, false);
    return result;
}

/* Goes on after the first DONE bytes until all of MESSAGE is taken. */
ssize_t stream_send_rest(struct lil_proc *proc, struct sock *sock, const struct msghdr *message, int flags, size_t done)
{
    uint64_t deadline_ns = wait_deadline(proc, sock->ext ? sock->ext->sndtimeo_ns : 0);
    size_t total = iov_total(message->msg_iov, message->msg_iovlen);

    for (;;) {
        ssize_t n = send_more(sock, message, flags, done);

        if (n == -EAGAIN) {
            n = await_room(proc, sock, deadline_ns);
            if (n == 0)
                continue;
        }
        if (n <= 0)
            return done ? (ssize_t)done : n;
        done += (size_t)n;
        if (done >= total)
            return (ssize_t)done;
    }
}

/* FreeBSD's PR_IMPLOPCL: a send with an address on a socket that is not connected is connect() and write() in one (T/TCP's inheritance);
 * MSG_EOF is shutdown() behind it. Nobody waits for the handshake. */
static ssize_t send_implied(struct sock *sock, const struct msghdr *message, int flags)
{
    struct sock_name name;
    struct tcb *tcb = stream_tcb(sock);
    size_t total = iov_total(message->msg_iov, message->msg_iovlen);
    struct rest rest;
    ssize_t n, taken = 0;
    int result = sock_parse(sock, message->msg_name, message->msg_namelen, &name);

    if (result == 0 && tcp_fastopen_is_asked(tcb))
        result = tcp_fastopen_request(tcp_of(sock), tcb);
    if (result == 0)
        result = stream_connect_start(sock, &name);
    if (result < 0)
        return result;
    if (!(flags & MSG_OOB)) /* urgent data never goes with the SYN */
        taken = tcp_fastopen_send(tcp_of(sock), tcb, message->msg_iov, (int)message->msg_iovlen, total);
    taken = taken > 0 ? taken : 0;
    rest_after(&rest, message->msg_iov, message->msg_iovlen, (size_t)taken);
    n = total > (size_t)taken ? tcp_send(tcp_of(sock), tcb, rest.iov, rest.count, total - (size_t)taken,
                                         (flags & NO_SIGNAL_FLAGS) | TCP_SEND_IMPLIED, sock_now(&sock->file))
                              : 0;
    n = n < 0 && taken ? taken : n + taken;
    if (n >= 0 && flags & MSG_BSD_EOF)
        (void)!tcp_shutdown(tcp_of(sock), stream_tcb(sock), SHUT_WR, sock_now(&sock->file));
    return n;
}

static ssize_t send_message(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb = stream_tcb(sock);
    size_t total;
    ssize_t n;

    if (__builtin_expect(flags & MSG_EOR, 0) && calls_are(file, CALLS_BSD)) /* sosend_generic(): a stream has no records */
        return -EINVAL;
    if (__builtin_expect(!tcb, 0))
        return !(sock->flags & SF_LISTENING)                          ? -EPIPE
               : flags & MSG_FASTOPEN && calls_are(file, CALLS_LINUX) ? -EISCONN
                                                                      : not_connected(sock, true);
    if (__builtin_expect(flags & MSG_FASTOPEN || sock->flags & SF_DEFERRED, 0))
        return stream_fastopen(proc, sock, message, flags);
    if (__builtin_expect(!(sock->flags & (SF_CONNECTED | SF_CONNECTING | SF_FAILED)), 0) &&
        calls_are(file, CALLS_BSD) && message->msg_namelen)
        return send_implied(sock, message, flags);
    if (__builtin_expect(!(sock->flags & (SF_CONNECTED | SF_CONNECTING | SF_FAILED)), 0) && calls_are(file, CALLS_LINUX) &&
        tcp_error(tcb, false))
        return -tcp_error(tcb, true); /* Linux: a connection that was given up left one */
    if (__builtin_expect(!(sock->flags & (SF_CONNECTED | SF_CONNECTING | SF_FAILED)), 0))
        return -(sock_params(file)->send_unconnected_error ? sock_params(file)->send_unconnected_error : ENOTCONN);
    if (__builtin_expect(message->msg_controllen != 0, 0) && calls_are(file, CALLS_BSD)) { /* tcp_usr_send(): TCP has none */
        n = tcp_send(tcp_of(sock), tcb, NULL, 0, 0, flags & NO_SIGNAL_FLAGS, sock_now(file));
        return n < 0 ? n : -EINVAL;
    }
    total = iov_total(message->msg_iov, message->msg_iovlen);
    n = tcp_send(tcp_of(sock), tcb, message->msg_iov, (int)message->msg_iovlen, total, flags & NO_SIGNAL_FLAGS,
                 sock_now(file));
    if (n == -EAGAIN && total == 0 && calls_are(file, CALLS_LINUX) && tcp_get_state(tcb) >= TCPS_ESTABLISHED)
        return 0; /* Linux: nothing needs no room */
    if (n < 0 && n != -EAGAIN)
        return n;
    if (__builtin_expect(flags & MSG_BSD_EOF, 0) && n >= 0 && (size_t)n == total && calls_are(file, CALLS_BSD))
        (void)!tcp_shutdown(tcp_of(sock), tcb, SHUT_WR, sock_now(file));
    if (!file_is_blocking(file, flags) || wait_is_inline(proc))
        return n;
    if (n >= 0 && (size_t)n >= total)
        return n;
    return stream_send_rest(proc, sock, message, flags, n > 0 ? (size_t)n : 0);
}

/* tcp_sendmsg_locked() judges control data when it is clear that something could be sent at all. */
static bool may_send(const struct sock *sock)
{
    const struct tcb *tcb = stream_tcb(sock);
    enum tcp_state state = tcb ? tcp_get_state(tcb) : TCPS_CLOSED;

    return !(sock->flags & SF_SHUT_WR) && (state == TCPS_ESTABLISHED || state == TCPS_CLOSE_WAIT || state == TCPS_SYN_RECEIVED);
}

ssize_t stream_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    if (__builtin_expect(message->msg_controllen != 0, 0) && calls_are(file, CALLS_LINUX) && may_send(sock_of(file))) {
        int error = stamp_check_control(sock_of(file), message);

        if (error < 0)
            return error;
    }
    ssize_t n = send_message(proc, file, message, flags);
    if (__builtin_expect(n > 0 && (sock_of(file)->flags & SF_STAMPS || message->msg_controllen), 0))
        stamp_note(sock_of(file), message, (size_t)n);
    return n;
}

/* How many bytes a receive call wants before it returns: all, SO_RCVLOWAT, or one; Linux waits for one also where none is asked for. */
static size_t wanted(struct sock *sock, const struct msghdr *message, int flags)
{
    size_t total = iov_total(message->msg_iov, message->msg_iovlen), least = !calls_are(&sock->file, CALLS_BSD);

    if (flags & MSG_WAITALL && !(flags & MSG_OOB))
        return total ? total : least;
    if (sock->ext && sock->ext->rcvlowat > 1 && total)
        return sock->ext->rcvlowat < total ? sock->ext->rcvlowat : total;
    return total ? 1 : least;
}

/* FreeBSD's soreceive_generic() takes nothing before WANT bytes are there; MSG_DONTWAIT of the call itself takes what is. */
static int await_lowat(struct lil_proc *proc, struct sock *sock, size_t want, int flags, uint64_t deadline_ns)
{
    struct tcb *tcb;
    int result = 0;

    if (!calls_are(&sock->file, CALLS_BSD) || flags & (MSG_WAITALL | MSG_DONTWAIT))
        return 0;
    while (result == 0 && (tcb = stream_tcb(sock)) && tcp_readable(tcb) < want && !tcp_error(tcb, false) &&
           !(tcp_poll_events(tcb) & POLLRDHUP))
        result = file_is_blocking(&sock->file, flags) ? wait_file(proc, &sock->file, POLLIN, deadline_ns) : -EAGAIN;
    return result;
}

/* One look at the stream: MSG_PEEK looks from SO_PEEK_OFF on. */
static ssize_t receive_now(struct sock *sock, struct tcb *tcb, const struct iovec *iov, int count, int flags)
{
    size_t total = iov_total(iov, (size_t)count);
    int place = (flags & (MSG_PEEK | MSG_OOB)) == MSG_PEEK ? peek_place(sock) : 0;

    if (__builtin_expect(place > 0, 0))
        return tcp_peek(tcb, iov, count, total, (uint32_t)place, flags & NO_SIGNAL_FLAGS);
    return tcp_receive(tcp_of(sock), tcb, iov, count, total, flags & NO_SIGNAL_FLAGS, sock_now(&sock->file));
}

/* What was taken, or seen, is all for this call: an error is the next one's, and no call reads across the urgent mark (RFC 6093 3.4). */
static bool stops_here(const struct sock *sock, struct tcb *tcb, size_t done, int flags)
{
    bool peeks = flags & MSG_PEEK;
    uint32_t ahead = peeks ? (uint32_t)(peek_place(sock) > 0 ? peek_place(sock) : 0) + (uint32_t)done : 0;
    bool is_over = peeks ? tcp_poll_events(tcb) & (POLLERR | POLLHUP | POLLRDHUP) : tcp_readable(tcb) == 0 && tcp_error(tcb, false);

    return is_over || tcp_at_mark(tcb, ahead);
}

COLD static ssize_t receive_slowly(struct lil_proc *proc, struct sock *sock, struct msghdr *message, int flags)
{
    uint64_t deadline_ns = wait_deadline(proc, sock->ext ? sock->ext->rcvtimeo_ns : 0);
    size_t done = 0, want = wanted(sock, message, flags);
    struct rest rest;
    int error = flags & MSG_OOB ? 0 : await_lowat(proc, sock, want, flags, deadline_ns);

    if (error < 0)
        return error;
    for (;;) {
        struct tcb *tcb = stream_tcb(sock);
        ssize_t n;

        if (!tcb || (done && stops_here(sock, tcb, done, flags)))
            return (ssize_t)done;
        rest_after(&rest, message->msg_iov, message->msg_iovlen, flags & MSG_PEEK ? 0 : done);
        n = receive_now(sock, tcb, rest.iov, rest.count, flags);
        if (n < 0 && n != -EAGAIN)
            return done ? (ssize_t)done : n;
        if (n == 0)
            return (ssize_t)done; /* the end */
        if (n > 0)
            done = flags & MSG_PEEK ? (size_t)n : done + (size_t)n;
        if (done >= want || (done && stops_here(sock, tcb, done, flags)))
            return (ssize_t)done;
        if (n > 0 && !(flags & MSG_PEEK))
            continue; /* there may be more, or the end */
        /* Urgent data is not waited for; the rest of MSG_WAITALL is, in FreeBSD, even by who does not block (soreceive_generic()). */
        bool waits = file_is_blocking(&sock->file, flags) || (flags & MSG_WAITALL && done && calls_are(&sock->file, CALLS_BSD));
        if (error < 0 || !waits || flags & MSG_OOB)
            return done ? (ssize_t)done : error < 0 ? error : -EAGAIN;
        error = wait_file(proc, &sock->file, POLLIN, deadline_ns); /* and what is below SO_RCVLOWAT when the time is over */
    }
}

/* TCP_INQ: what is left to read comes as control data; at the end 1 (tcp(7)). */
static void report_inq(struct sock *sock, struct msghdr *message, size_t room)
{
    struct tcb *tcb = stream_tcb(sock);
    int wanted = 0, inq;
    unsigned length = sizeof wanted;

    if (!tcb || tcp_getopt(tcp_of(sock), tcb, TCP_INQ, &wanted, &length, sock_now(&sock->file)) < 0 || !wanted)
        return;
    inq = (int)(tcp_queued(tcb) + tcp_has_fin(tcb)); /* with an urgent byte; a FIN counts as one (tcp_inq_hint) */
    control_put(message, room, IPPROTO_TCP, TCP_INQ, &inq, sizeof inq);
}

ssize_t stream_receive(struct lil_proc *proc, struct file *file, struct msghdr *message, int flags)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb = stream_tcb(sock);
    size_t room = message->msg_control ? message->msg_controllen : 0;
    ssize_t n;

    if (__builtin_expect(flags & MSG_ERRQUEUE, 0))
        return tcb && tcp_icmp_note(tcb, NULL) ? stamp_receive_icmp(sock, message, room) : stamp_receive(sock, message, room);
    if (__builtin_expect(!tcb, 0))
        return sock->flags & SF_LISTENING ? not_connected(sock, false) : 0;
    if (__builtin_expect(sock->flags & SF_DEFERRED, 0))
        return -EAGAIN;
    if (__builtin_expect(flags & MSG_OOB, 0) && sock_is_gone(sock)) /* tcp_usr_rcvoob() */
        return -ECONNRESET;
    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = flags & (MSG_OOB | MSG_CMSG_CLOEXEC);
    if (flags & MSG_WAITALL || (sock->ext && sock->ext->rcvlowat > 1))
        n = -EAGAIN;
    else
        n = receive_now(sock, tcb, message->msg_iov, (int)message->msg_iovlen, flags);
    if (n == -EAGAIN && calls_are(file, CALLS_BSD) && iov_total(message->msg_iov, message->msg_iovlen) == 0)
        return 0; /* soreceive_generic(): nothing is there at once */
    if (n == -EAGAIN && (flags & MSG_WAITALL || (sock->ext && sock->ext->rcvlowat > 1) ||
                         (file_is_blocking(file, flags) && !wait_is_inline(proc))))
        n = receive_slowly(proc, sock, message, flags);
    if (__builtin_expect(sock->ext && sock->ext->plain && n > 0, 0))
        peek_place_move(sock, flags & MSG_PEEK ? n : -n);
    if (__builtin_expect(room && n >= 0, 0)) {
        if (n > 0)
            stamp_print_received(sock, message, room);
        report_inq(sock, message, room);
    }
    return n;
}

/* What write and read leave to the calls with a message. */
static __attribute__((noinline)) ssize_t write_slowly(struct lil_proc *proc, struct file *file, const void *buffer, size_t size, ssize_t n)
{
    struct sock *sock = sock_of(file);
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    if (n == -EINPROGRESS || (n == -EAGAIN && size == 0))
        return stream_send(proc, file, &message, 0);
    if ((n < 0 && n != -EAGAIN) || !file_is_blocking(file, 0) || wait_is_inline(proc))
        return n;
    return stream_send_rest(proc, sock, &message, 0, n > 0 ? (size_t)n : 0);
}

static __attribute__((noinline)) ssize_t read_slowly(struct lil_proc *proc, struct file *file, void *buffer, size_t size, bool is_done)
{
    struct iovec iov = {buffer, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    if (!is_done)
        return stream_receive(proc, file, &message, 0);
    if (!file_is_blocking(file, 0) || wait_is_inline(proc))
        return -EAGAIN;
    return receive_slowly(proc, sock_of(file), &message, 0);
}

/* write(2) and read(2): a connected socket and what does not have to wait need no message. */
ssize_t stream_write_buffer(struct lil_proc *proc, struct file *file, const void *buffer, size_t size)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb = stream_tcb(sock);
    ssize_t n = -EINPROGRESS; /* not asked */

    if (__builtin_expect(tcb && sock->flags & (SF_CONNECTED | SF_CONNECTING) && !(sock->flags & (SF_DEFERRED | SF_STAMPS)), 1))
        n = tcp_write(tcp_of(sock), tcb, buffer, size, sock_now(file));
    return __builtin_expect(n == (ssize_t)size, 1) ? n : write_slowly(proc, file, buffer, size, n);
}

ssize_t stream_read_buffer(struct lil_proc *proc, struct file *file, void *buffer, size_t size)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb = stream_tcb(sock);
    ssize_t n;

    if (__builtin_expect(size == 0, 0) && calls_are(file, CALLS_BSD)) /* dofileread(): nobody is asked */
        return 0;
    if (__builtin_expect(!tcb || (sock->ext && (sock->ext->rcvlowat > 1 || sock->flags & SF_DEFERRED)), 0))
        return read_slowly(proc, file, buffer, size, false);
    n = tcp_read(tcp_of(sock), tcb, buffer, size, sock_now(file));
    if (__builtin_expect(n == -EAGAIN, 0))
        n = read_slowly(proc, file, buffer, size, true);
    if (__builtin_expect(sock->ext && sock->ext->plain && n > 0, 0))
        peek_place_move(sock, -n);
    return n;
}
