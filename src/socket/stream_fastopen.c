/* stream_fastopen.c: fast open on a socket (RFC 7413, tcp(7)): sendto() with MSG_FASTOPEN is connect() and the first write in one;
 * TCP_FASTOPEN_CONNECT lets connect() return at once and the first write send the SYN. Without a cookie the SYN asks for one and
 * the data waits for the handshake. tcp/ext/tcp_fastopen.c has the protocol. */
#include <netinet/tcp.h>
#include "socket/sock.h"

static int name_of(struct sock *sock, const struct msghdr *message, struct sock_name *name)
{
    const struct sockaddr *address = message->msg_name;

    if (sock->flags & SF_DEFERRED) {
        *name = sock->ext->deferred;
        return 0;
    }
    if (!address)
        return -EINVAL;
    if (message->msg_namelen >= sizeof address->sa_family && address->sa_family == AF_UNSPEC)
        return -EOPNOTSUPP;
    return sock_parse(sock, address, message->msg_namelen, name);
}

ssize_t stream_fastopen(struct lil_proc *proc, struct sock *sock, const struct msghdr *message, int flags)
{
    size_t total = iov_total(message->msg_iov, message->msg_iovlen);
    struct tcb *tcb = stream_tcb(sock);
    struct sock_name name;
    ssize_t taken;
    int result;

    if (sock->flags & SF_CONNECTED)
        return -EISCONN;
    if (sock->flags & SF_CONNECTING && tcb && tcp_get_state(tcb) >= TCPS_ESTABLISHED) { /* the handshake is done: a write as any other */
        sock->flags = (sock->flags & ~(uint32_t)SF_CONNECTING) | SF_CONNECTED;
        return stream_send(proc, &sock->file, message, flags & ~MSG_FASTOPEN);
    }
    if (sock->flags & SF_CONNECTING && tcb && tcp_get_state(tcb) == TCPS_CLOSED && sock_params(&sock->file)->connect_unspec_ok)
        return stream_connect_wait(proc, sock, true); /* why it failed */
    if (sock->flags & SF_CONNECTING)
        return -EALREADY;
    result = tcp_fastopen_request(tcp_of(sock), tcb);
    if (result == 0)
        result = name_of(sock, message, &name);
    if (result < 0)
        return result;
    sock->flags &= ~(uint32_t)SF_DEFERRED;
    result = stream_connect_start(sock, &name);
    if (result < 0)
        return result;
    taken = tcp_fastopen_send(tcp_of(sock), tcb, message->msg_iov, (int)message->msg_iovlen, total);
    if (taken == 0 && flags & SEND_UNREADABLE)
        tcp_fastopen_ask(tcb);
    if (!file_is_blocking(&sock->file, flags))
        return taken ? taken : -EINPROGRESS;
    tcp_await_text(tcb, (size_t)taken < total);
    result = stream_connect_wait(proc, sock, false);
    tcb = stream_tcb(sock);
    if (tcb)
        tcp_await_text(tcb, false);
    if (result == -EINPROGRESS) /* inline: nobody waits here */
        return taken ? taken : -EINPROGRESS;
    if (result < 0)
        return result;
    return (size_t)taken >= total ? taken : stream_send_rest(proc, sock, message, flags, (size_t)taken);
}

/* connect() with TCP_FASTOPEN_CONNECT: with a cookie nothing is sent yet; without one the SYN asks for it. */
bool stream_defers_connect(struct sock *sock, const struct sock_name *name, int *result)
{
    struct tcb *tcb = stream_tcb(sock);
    int wanted = 0;
    unsigned length = sizeof wanted;

    if (!tcb || !tcp_fastopen_is_asked(tcb) ||
        tcp_getopt(tcp_of(sock), tcb, TCP_FASTOPEN_CONNECT, &wanted, &length, sock_now(&sock->file)) < 0 || !wanted)
        return false;
    if (tcp_fastopen_request(tcp_of(sock), tcb) < 0 || !tcp_fastopen_has_cookie(tcp_of(sock), tcb, &name->addr))
        return false;
    if (!sock_need_ext(sock))
        return false;
    sock->ext->deferred = *name;
    sock->flags |= SF_DEFERRED;
    *result = 0;
    return true;
}
