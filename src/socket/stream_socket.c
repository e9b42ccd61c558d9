/* stream_socket.c: TCP sockets: connect, listen, accept, send, receive, shutdown, close (UNP chapters 4 to 6; RFC 9293 3.9.1).
 * The connection's truth is TCP's; a socket only remembers what its calls have seen (SF_CONNECTING, SF_CONNECTED,
 * SF_FAILED). */
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include "socket/sock.h"

struct tcb *stream_tcb(const struct sock *sock)
{
    return sock->flags & SF_LISTENING ? NULL : tcp_find(tcp_of(sock), sock->tcb);
}

static enum tcp_state state_of(const struct sock *sock)
{
    const struct tcb *tcb;

    if (sock->flags & SF_LISTENING)
        return TCPS_LISTEN;
    tcb = tcp_find(tcp_of(sock), sock->tcb);
    if (tcb && calls_are(&sock->file, CALLS_BSD) && tcp_is_over(tcp_of(sock), tcb)) /* in_pcbdrop() */
        return TCPS_CLOSED;
    return tcb ? tcp_get_state(tcb) : TCPS_CLOSED;
}

static bool is_opening(enum tcp_state state)
{
    return state == TCPS_SYN_SENT || state == TCPS_SYN_RECEIVED;
}

static int new_tcb(struct sock *sock)
{
    struct tcb *tcb = tcp_open(tcp_of(sock));

    if (!tcb)
        return -ENOBUFS;
    tcp_set_user(tcb, sock);
    sock->tcb = tcp_handle(tcp_of(sock), tcb);
    return 0;
}

int stream_open(struct sock *sock)
{
    int result = new_tcb(sock);

    if (result == 0 && sock->file.family == AF_INET6 && calls_are(&sock->file, CALLS_BSD)) /* tcp_newtcpcb(): of another default size */
        stream_options(sock)->is_inet6 = true;
    return result;
}

/* --- what TCP tells --------------------------------------------------------------------------- */
void stream_event(void *ctx, void *user, struct tcb *tcb, unsigned events)
{
    struct sock *sock = user;
    unsigned mask = 0;

    (void)ctx, (void)tcb;
    if (!sock->file.waiters)
        return;
    if (events & TCP_EV_READABLE)
        mask |= POLLIN | POLLRDNORM;
    if (events & TCP_EV_WRITABLE)
        mask |= POLLOUT | POLLWRNORM;
    if (events & TCP_EV_CONNECTED)
        mask |= POLLOUT | POLLWRNORM;
    if (events & TCP_EV_URGENT)
        mask |= POLLPRI;
    if (events & TCP_EV_RDHUP)
        mask |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (events & TCP_EV_HUP)
        mask |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP;
    if (events & (TCP_EV_CONNECTED | TCP_EV_RDHUP | TCP_EV_CHANGED)) /* as sk_state_change(): all look, whatever they wait for */
        mask |= POLLHUP;
    if (events & TCP_EV_ERROR)
        mask |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR;
    file_wake(&sock->file, mask);
}

void stream_acceptable(void *ctx, void *user, struct tcp_listener *listener)
{
    struct sock *sock = user;

    (void)ctx, (void)listener;
    if (sock->file.waiters)
        file_wake(&sock->file, POLLIN | POLLRDNORM);
}

static unsigned stream_events(struct file *file)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb;

    if (sock->flags & SF_LISTENING) {
        unsigned incomplete, complete, backlog;

        tcp_listener_queues(sock->listener, &incomplete, &complete, &backlog);
        return complete ? POLLIN | POLLRDNORM : sock->flags & SF_SHUT_RD ? POLLIN | POLLRDNORM | POLLHUP : 0; /* refuse_shutdown() */
    }
    tcb = stream_tcb(sock);
    if (calls_are(file, CALLS_BSD) && !(sock->flags & (SF_CONNECTED | SF_CONNECTING | SF_FAILED)))
        return 0; /* sowriteable(): only what is connected */
    if (sock->flags & SF_DEFERRED) /* the first write sends the SYN */
        return POLLOUT | POLLWRNORM;
    return (tcb ? tcp_poll_watch(tcb) : POLLOUT | POLLWRNORM | POLLHUP) |
           ((tcb && tcp_icmp_note(tcb, NULL)) || stamp_is_ready(sock) ? POLLERR : 0);
}

void stream_check_events(struct sock *sock)
{
    unsigned events = stream_events(&sock->file) & (POLLIN | POLLRDNORM);

    if (events && sock->file.waiters)
        file_wake(&sock->file, events);
}

/* --- options kept by TCP ---------------------------------------------------------------------- */
struct tcb_options *stream_options(struct sock *sock)
{
    struct tcb *tcb;

    if (sock->flags & SF_LISTENING)
        return tcp_listener_options(sock->listener);
    tcb = stream_tcb(sock);
    return tcb ? tcp_options(tcb) : NULL;
}

void stream_pacing_changes(struct sock *sock)
{
    struct tcb *tcb = sock->flags & SF_LISTENING ? NULL : stream_tcb(sock);

    if (tcb)
        tcp_hold_pacing_rate(tcb);
}

const struct tcb_options *stream_options_peek(const struct sock *sock)
{
    const struct tcb *tcb;

    if (sock->flags & SF_LISTENING)
        return tcp_listener_options(sock->listener);
    tcb = stream_tcb(sock);
    return tcb ? tcp_options_peek(tcb) : NULL;
}

void stream_options_changed(struct sock *sock)
{
    struct tcb *tcb = stream_tcb(sock);

    if (tcb)
        tcp_options_changed(tcp_of(sock), tcb, sock_now(&sock->file));
}

/* --- connect ---------------------------------------------------------------------------------- */
/* RFC 6056's ports in turn, until one makes a flow that does not exist. */
static int connect_from_any_port(struct sock *sock, struct tcb *tcb, const struct flow *flow)
{
    struct port_walk walk;
    uint16_t port;
    int result = tcp_connect_way(tcp_of(sock), tcb, flow, sock_now(&sock->file));

    if (result < 0)
        return result;
    port_walk_begin(&walk, sock_ports(sock), sock, flow);
    while ((port = port_walk_next(&walk)) != 0) {
        result = tcp_connect_from(tcb, port, true);
        if (result != -EADDRINUSE) {
            port_walk_done(&walk);
            return result;
        }
    }
    return -EADDRNOTAVAIL;
}

/* tcp_usr_connect(): no stream goes to these, whatever else is wrong. */
static int refuse_group(const struct sock *sock, const struct addr *remote)
{
    const struct socket_params *params = sock_params(&sock->file);

    if (addr_is_multicast(remote))
        return -params->stream_multicast_error;
    return calls_are(&sock->file, CALLS_BSD) && addr_is_v4(remote) && remote->u32[3] == UINT32_MAX ? -params->connect_broadcast_error : 0;
}

/* The flow's remote end, no broadcast or multicast one (RFC 9293 3.9.1.1, MUST-46), and the local address that bind() gave (MUST-43). */
static int resolve(struct sock *sock, const struct sock_name *name, struct flow *flow)
{
    const struct socket_params *params = sock_params(&sock->file);
    int result;

    flow->remote = name->addr;
    flow->remote_port = name->port;
    flow->scope = (uint16_t)min_u32(name->scope, UINT16_MAX);
    if (addr_is_v4(&name->addr) && sock->file.family == AF_INET6 && sock->flags & SF_V6ONLY)
        return calls_are(&sock->file, CALLS_BSD) ? -EINVAL : -ENETUNREACH;
    result = refuse_group(sock, &name->addr);
    if (result < 0)
        return result;
    if (name->port == 0 && params->connect_port0_error)
        return -params->connect_port0_error;
    result = sock_resolve_any(sock, &flow->remote);
    if (result < 0)
        return result;
    if (calls_are(&sock->file, CALLS_LINUX) && addr_is_link_local(&flow->remote) && !addr_is_v4(&flow->remote) && !name->scope &&
        !(sock->ext && sock->ext->bind_ifindex))
        return -EINVAL; /* RFC 4007 6: ambiguous without a zone */
    if (host_is_group(sock->file.sockets->host, &flow->remote))
        return params->connect_broadcast_error ? -params->connect_broadcast_error : -ENETUNREACH;
    flow->local = sock->binding ? sock->binding->addr : addr_any(addr_is_v4(&flow->remote) ? AF_INET : AF_INET6);
    if (!addr_is_any(&flow->local) && addr_is_v4(&flow->local) != addr_is_v4(&flow->remote))
        return -ENETUNREACH;
    if (addr_is_any(&flow->local))
        flow->local = addr_any(addr_is_v4(&flow->remote) ? AF_INET : AF_INET6);
    if (sock->ext && sock->ext->bind_ifindex)
        flow->scope = sock->ext->bind_ifindex;
    return 0; /* TCP asks for the way and the source address */
}

int stream_connect_start(struct sock *sock, const struct sock_name *name)
{
    struct flow flow;
    struct tcb *tcb;
    int result = resolve(sock, name, &flow);

    if (result < 0)
        return result;
    tcb = stream_tcb(sock);
    if (!tcb) {
        result = new_tcb(sock);
        if (result < 0)
            return result;
        tcb = stream_tcb(sock);
    } else if (sock->flags & SF_FAILED) {
        tcp_disconnect(tcp_of(sock), tcb, sock->flags & SF_DEFERRED, sock_now(&sock->file));
    }
    result = tcp_set_flow_label(tcb, name->flow_label);
    if (result < 0)
        return result;
    if (sock->flags & (SF_REUSEADDR | SF_REUSEPORT))
        tcp_set_reuse(tcb, sock->flags & SF_REUSEADDR, sock->flags & SF_REUSEPORT);
    if (sock->binding && sock->binding->port) {
        flow.local_port = sock->binding->port;
        result = tcp_connect(tcp_of(sock), tcb, &flow, sock_now(&sock->file));
        if (result == -EADDRINUSE && sock_params(&sock->file)->bind_policy == BIND_LINUX)
            result = -EADDRNOTAVAIL;
    } else {
        result = connect_from_any_port(sock, tcb, &flow);
    }
    if (result == 0)
        sock->flags = (sock->flags & ~(uint32_t)(SF_FAILED | SF_CONNECTED | SF_SHUT_RD | SF_SHUT_WR)) | SF_CONNECTING;
    return result;
}

/* connect(AF_UNSPEC): dissolves the association (UNP 8.11; for TCP Linux alone). */
static int stream_dissolve(struct sock *sock)
{
    struct tcb *tcb = stream_tcb(sock);

    if (sock->flags & SF_LISTENING) {
        tcp_listener_close(tcp_of(sock), sock->listener, sock_now(&sock->file));
        sock->flags &= ~(uint32_t)SF_LISTENING;
        sock->tcb = (struct handle){0};
        tcb = NULL;
    }
    if (tcb)
        tcp_disconnect(tcp_of(sock), tcb, sock->flags & SF_DEFERRED, sock_now(&sock->file));
    if (sock->binding && sock->flags & SF_PORT_AUTO)
        ports_unbind(sock_ports(sock), sock);
    sock->flags &= ~(uint32_t)(SF_CONNECTING | SF_CONNECTED | SF_FAILED | SF_SHUT_RD | SF_SHUT_WR | SF_PORT_AUTO | SF_DEFERRED);
    if (sock->file.waiters)
        file_wake(&sock->file, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP);
    return tcb ? 0 : new_tcb(sock);
}

/* connect() has an answer: the connection, or why there is none. */
static int connect_end(struct sock *sock, bool is_later)
{
    const struct socket_params *params = sock_params(&sock->file);
    struct tcb *tcb = stream_tcb(sock);
    enum tcp_state state = tcb ? tcp_get_state(tcb) : TCPS_CLOSED;
    int error = tcb ? tcp_error(tcb, true) : 0;

    sock->flags &= ~(uint32_t)SF_CONNECTING;
    if (state != TCPS_CLOSED && !error) {
        sock->flags |= SF_CONNECTED;
        return is_later && !params->connect_done_zero ? -EISCONN : 0;
    }
    if (state != TCPS_CLOSED && !is_opening(state)) { /* an error after the handshake: the next call's */
        sock->flags |= SF_CONNECTED;
        return -error;
    }
    error = error ? error : params->connect_lost_error;
    if (params->connect_unspec_ok) /* Linux: told of once, and a socket as new */
        (void)!stream_dissolve(sock);
    else
        sock->flags |= SF_FAILED;
    return -error;
}

int stream_connect_wait(struct lil_proc *proc, struct sock *sock, bool is_later)
{
    uint64_t deadline_ns = wait_deadline(proc, sock->ext && !calls_are(&sock->file, CALLS_BSD) ? sock->ext->sndtimeo_ns : 0);
    int result;

    for (;;) {
        struct tcb *tcb = stream_tcb(sock);

        /* Tahoe: an ICMP error wakes connect() while TCP keeps trying (FACTS 2). */
        if (!tcb || !is_opening(tcp_get_state(tcb)) || tcp_error(tcb, false))
            return connect_end(sock, is_later);
        if (!file_is_blocking(&sock->file, 0))
            return is_later ? -EALREADY : -EINPROGRESS;
        result = wait_file(proc, &sock->file, POLLOUT, deadline_ns);
        if (result == -EAGAIN)
            return is_later ? -EALREADY : -EINPROGRESS;
        if (result < 0)
            return result;
    }
}

/* connect() again on a socket whose connect() failed or whose connection died (FACTS 5). 0: allowed. */
static int reconnect_refusal(struct sock *sock)
{
    const struct socket_params *params = sock_params(&sock->file);
    struct tcb *tcb = stream_tcb(sock);
    int pending = 0;

    if (params->reconnect_pending_error && tcb)
        pending = tcp_error(tcb, true);
    else if (params->reconnect_error == ECONNREFUSED && tcb) /* FreeBSD's soconnect(): the old error is forgotten */
        (void)tcp_error(tcb, true);
    return pending ? -pending : -params->reconnect_error;
}

static int stream_connect(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length)
{
    struct sock *sock = sock_of(file);
    struct sock_name name;
    int result;

    if (address && length >= sizeof address->sa_family && address->sa_family == AF_UNSPEC && sock_params(file)->connect_unspec_ok)
        return stream_dissolve(sock);
    if (sock->flags & SF_LISTENING) {
        result = calls_are(file, CALLS_BSD) ? sock_parse(sock, address, length, &name) : 0; /* tcp_usr_connect(): the address first */
        result = result == 0 && calls_are(file, CALLS_BSD) ? refuse_group(sock, &name.addr) : result;
        int error6 = file->family == AF_INET6 ? sock_params(file)->connect_listening_error6 : 0;
        return result < 0 ? result : -(error6 ? error6 : sock_params(file)->connect_listening_error);
    }
    if (sock->flags & SF_DEFERRED)
        return -EISCONN;
    if (sock->flags & SF_CONNECTING && state_of(sock) == TCPS_CLOSED && sock_params(file)->reconnect_error) {
        sock->flags = (sock->flags & ~(uint32_t)SF_CONNECTING) | SF_FAILED; /* BSD: the error stays for SO_ERROR */
        return reconnect_refusal(sock);
    }
    if (sock->flags & SF_CONNECTING && sock->flags & (SF_SHUT_RD | SF_SHUT_WR) && calls_are(file, CALLS_LINUX))
        return -EINVAL; /* SS_DISCONNECTING */
    if (sock->flags & SF_CONNECTING)
        return stream_connect_wait(proc, sock, true);
    if (sock->flags & SF_CONNECTED) {
        if (state_of(sock) == TCPS_CLOSED && sock_params(file)->reconnect_error)
            return reconnect_refusal(sock);
        return -EISCONN;
    }
    if (sock->flags & SF_FAILED && sock_params(file)->reconnect_error)
        return reconnect_refusal(sock);
    result = sock_parse(sock, address, length, &name);
    if (result == 0 && sock->ext && sock->ext->reuseport_lb) /* tcp_connect() */
        result = -EOPNOTSUPP;
    if (result == 0 && stream_defers_connect(sock, &name, &result))
        return result;
    if (result == 0)
        result = stream_connect_start(sock, &name);
    return result < 0 ? result : stream_connect_wait(proc, sock, false);
}

/* --- listen and accept ------------------------------------------------------------------------ */
static int stream_listen(struct lil_proc *proc, struct file *file, int backlog)
{
    struct sock *sock = sock_of(file);
    struct tcp_listener *listener;
    struct addr any = addr_any(file->family);
    struct tcb *tcb;
    int result;

    if (sock->flags & SF_LISTENING) {
        tcp_listener_set_backlog(sock->listener, backlog);
        return 0;
    }
    tcb = stream_tcb(sock);
    if (!tcb || tcp_get_state(tcb) != TCPS_CLOSED || sock->flags & (SF_CONNECTING | SF_CONNECTED | SF_DEFERRED))
        return -EINVAL;
    if (sock->flags & SF_FAILED && sock_params(file)->reconnect_error)
        return -EINVAL;
    if (sock->binding && !sock->binding->port) { /* IP_BIND_ADDRESS_NO_PORT */
        any = sock->binding->addr;
        ports_unbind(sock_ports(sock), sock);
    }
    result = sock->binding ? 0 : sock_autobind(sock, &any);
    if (result < 0)
        return result;
    if (sock_params(file)->bind_policy == BIND_LINUX) { /* two with SO_REUSEADDR may be bound, but only one listens */
        result = ports_check(sock_ports(sock), sock, &sock->binding->addr, sock->binding->port, proc->uid);
        if (result < 0)
            return result;
    }
    result = tcp_listen(tcp_of(sock), &sock->binding->addr, sock->binding->port, sock_takes_both(sock), backlog,
                        sock->flags & SF_REUSEPORT, sock, &listener);
    if (result < 0)
        return result;
    tcp_listener_inherit(listener, tcb);
    tcp_listener_options(listener)->is_inet6 = file->family == AF_INET6;
    tcp_set_user(tcb, NULL);
    tcp_close(tcp_of(sock), tcb, sock_now(file));
    sock->listener = listener;
    sock->flags |= SF_LISTENING;
    return 0;
}

enum {
    INHERITED_FEW = SF_V6ONLY | SF_DONTROUTE, /* solisten_clone(), beside what TCP and the extension keep */
    INHERITED = INHERITED_FEW | SF_REUSEADDR | SF_REUSEPORT | SF_BROADCAST | SF_RECVERR | SF_V6_RECVERR | SF_TIMESTAMP |
                SF_TIMESTAMPNS | SF_DEBUG | SF_STAMPS | SF_STAMPS_NEW
};
static int adopt(struct sock *head, struct tcb *tcb, struct file **out)
{
    struct sockets *sockets = head->file.sockets;
    struct sock *sock = sock_new(sockets, &stream_ops, head->file.family, SOCK_STREAM, IPPROTO_TCP);

    if (!sock)
        return -ENOBUFS;
    sock->tcb = tcp_handle(sockets->tcp, tcb);
    sock->flags = SF_CONNECTED | (head->flags & (sock_params(&head->file)->accept_inherits_few ? INHERITED_FEW : INHERITED));
    if (sock_params(&head->file)->accept_inherits_nonblock)
        sock->file.flags |= head->file.flags & FILE_NONBLOCK;
    if (head->ext) {
        struct sock_ext *ext = sock_need_ext(sock);

        if (!ext) {
            sock_free(sock);
            return -ENOBUFS;
        }
        *ext = *head->ext;
        ext->zerocopy = NULL;
        ext->plain = NULL;
        plain_option_copy(sock, head);
        extra_inherit(sock);
        if (ext->has_zerocopy && zerocopy_enable(sock, true) < 0)
            ext->has_zerocopy = false;
    }
    tcp_set_user(tcb, sock);
    tcp_set_reuse(tcb, sock->flags & SF_REUSEADDR, sock->flags & SF_REUSEPORT);
    *out = &sock->file;
    return 0;
}

/* An accept-any interface's SYN, answered: a connected (or still connecting) descriptor of PROC. */
int stream_syn_accept(void *ctx, struct lil_proc *proc, struct tcb *tcb)
{
    struct sockets *sockets = ctx;
    struct sock *sock;
    int fd = proc_next(proc, 0);

    sock = fd < 0 ? NULL
                  : sock_new(sockets, &stream_ops, addr_is_v4(&tcp_get_flow(tcb)->remote) ? AF_INET : AF_INET6,
                             SOCK_STREAM, IPPROTO_TCP);
    if (!sock) {
        tcp_abort(sockets->tcp, tcb, host_now(sockets->host));
        return fd < 0 ? fd : -ENOBUFS;
    }
    sock->tcb = tcp_handle(sockets->tcp, tcb);
    sock->flags = SF_CONNECTED;
    tcp_set_user(tcb, sock);
    proc_put(proc, fd, &sock->file, false);
    return fd;
}

static int stream_accept(struct lil_proc *proc, struct file *file, struct file **out)
{
    struct sock *sock = sock_of(file);
    uint64_t deadline_ns;
    int result;

    if (!(sock->flags & SF_LISTENING))
        return -EINVAL;
    deadline_ns = wait_deadline(proc, sock->ext && !calls_are(file, CALLS_BSD) ? sock->ext->rcvtimeo_ns : 0); /* solisten_dequeue() */
    for (;;) {
        if (sock->flags & SF_SHUT_RD) { /* refuse_shutdown() */
            sock->flags &= ~(uint32_t)SF_SHUT_RD;
            return -ECONNABORTED;
        }
        struct tcb *tcb = tcp_accept(tcp_of(sock), sock->listener);

        if (tcb && tcp_get_state(tcb) == TCPS_CLOSED && tcp_is_accept_aborted(tcp_of(sock))) { /* reset while it waited (UNP 5.11) */
            tcp_abort(tcp_of(sock), tcb, sock_now(file));
            return -ECONNABORTED;
        }
        if (tcb) {
            result = adopt(sock, tcb, out);
            if (result < 0)
                tcp_abort(tcp_of(sock), tcb, sock_now(file));
            return result;
        }
        if (!file_is_blocking(file, 0))
            return -EAGAIN;
        result = wait_file(proc, file, POLLIN, deadline_ns);
        if (result < 0)
            return result;
        if (!(sock->flags & SF_LISTENING))
            return -EINVAL;
    }
}

/* --- the end ---------------------------------------------------------------------------------- */
/* FreeBSD: no listener is connected, but who waits in accept() is told. */
static int refuse_shutdown(struct sock *sock, int how)
{
    if (how != SHUT_WR && calls_are(&sock->file, CALLS_BSD)) {
        sock->flags |= SF_SHUT_RD;
        file_wake(&sock->file, POLLIN);
    }
    return -ENOTCONN;
}

static int stream_shutdown(struct lil_proc *proc, struct file *file, int how)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb;

    (void)proc;
    if (sock->flags & SF_LISTENING)
        return !sock_params(file)->connect_unspec_ok ? refuse_shutdown(sock, how) : how == SHUT_WR ? 0 : stream_dissolve(sock);
    tcb = stream_tcb(sock);
    if (sock->flags & SF_DEFERRED && calls_are(file, CALLS_LINUX)) /* in SYN-SENT there */
        return stream_dissolve(sock);
    /* Linux's inet_shutdown(): remembered all the same */
    if (tcb && tcp_get_state(tcb) == TCPS_CLOSED && sock_params(file)->connect_unspec_ok) {
        if (sock->flags & SF_CONNECTING) /* it failed, and nobody was told: SS_DISCONNECTING */
            sock->flags |= (how != SHUT_WR ? SF_SHUT_RD : 0) | (how != SHUT_RD ? SF_SHUT_WR : 0);
        return tcp_shutdown(tcp_of(sock), tcb, how, sock_now(file));
    }
    if (!tcb || tcp_is_disconnected(tcb))
        return -ENOTCONN;
    if (tcp_get_state(tcb) == TCPS_SYN_SENT && sock_params(file)->connect_unspec_ok) /* Linux: not connecting any more */
        return stream_dissolve(sock);
    if (sock->flags & SF_CONNECTING && !is_opening(tcp_get_state(tcb)) && sock_params(file)->connect_unspec_ok)
        sock->flags ^= SF_CONNECTING | SF_CONNECTED; /* inet_shutdown(): no connect() will ask how it ended */
    if (how != SHUT_WR)
        sock->flags |= SF_SHUT_RD;
    if (how != SHUT_RD)
        sock->flags |= SF_SHUT_WR;
    return tcp_shutdown(tcp_of(sock), tcb, how, sock_now(file));
}

/* SO_LINGER with a time: close() sleeps until the peer has all and our FIN, or the time is over (UNP 7.5). */
static int stream_linger(struct lil_proc *proc, struct file *file)
{
    struct sock *sock = sock_of(file);
    const struct tcb_options *options;
    struct tcb *tcb;
    uint64_t deadline_ns;

    if (wait_is_inline(proc) || !(tcb = stream_tcb(sock)))
        return 0;
    if (!calls_are(file, CALLS_LINUX) && !file_is_blocking(file, 0)) /* soclose() */
        return 0;
    options = tcp_options_peek(tcb);
    if (!options->linger_on || options->linger_s == 0 || (options->linger_s < 0 && !calls_are(file, CALLS_LINUX)))
        return 0;
    deadline_ns = wait_deadline(proc, options->linger_s < 0 ? 0 /* Linux: for ever */ : (uint64_t)options->linger_s * NS_PER_S);
    if (tcp_get_state(tcb) < TCPS_ESTABLISHED || (tcp_readable(tcb) && !calls_are(file, CALLS_BSD)))
        return 0; /* unread data: close() resets at once, but not in FreeBSD */
    (void)tcp_shutdown(tcp_of(sock), tcb, calls_are(file, CALLS_LINUX) ? SHUT_RDWR : SHUT_WR, sock_now(file)); /* text is for nobody */
    while ((tcb = stream_tcb(sock)) && (tcp_get_state(tcb) == TCPS_FIN_WAIT_1 || tcp_get_state(tcb) == TCPS_CLOSING ||
                                        tcp_get_state(tcb) == TCPS_LAST_ACK)) {
        int result = wait_file(proc, file, POLLOUT | POLLIN | POLLRDHUP, deadline_ns);

        if (result < 0) /* soclose() tells of the time that is over */
            return result == -EAGAIN && !calls_are(file, CALLS_BSD) ? 0 : result;
    }
    return 0;
}

static void stream_close(struct sockets *sockets, struct file *file)
{
    struct sock *sock = sock_of(file);

    if (!sockets->is_dying) {
        if (sock->flags & SF_LISTENING) {
            tcp_listener_close(sockets->tcp, sock->listener, sock_now(file));
        } else {
            struct tcb *tcb = stream_tcb(sock);

            if (tcb) {
                tcp_set_user(tcb, NULL);
                tcp_close(sockets->tcp, tcb, sock_now(file));
            }
        }
    }
    sock_free(sock);
}

/* --- names and figures ------------------------------------------------------------------------ */
static int stream_name(struct file *file, enum file_name which, struct sockaddr_storage *address)
{
    struct sock *sock = sock_of(file);
    struct tcb *tcb = stream_tcb(sock);
    struct addr any = addr_any(file->family);
    bool has_flow = tcb && tcp_get_state(tcb) != TCPS_CLOSED;

    if (which == NAME_ACCEPTED && !tcb)
        return -ENOTCONN;
    if (which != NAME_OWN) {
        /* Linux tells it from SYN-RECEIVED on. */
        bool is_early = has_flow && (calls_are(file, CALLS_LINUX) ? tcp_get_state(tcb) == TCPS_SYN_SENT : is_opening(tcp_get_state(tcb)));

        if (which == NAME_PEER &&
            (!has_flow || is_early || (calls_are(file, CALLS_BSD) ? tcp_is_disconnected(tcb) : sock_is_over(sock))))
            return -ENOTCONN;
        return (int)sock_print(sock, &tcp_get_flow(tcb)->remote, tcp_get_flow(tcb)->remote_port,
                               tcp_get_flow(tcb)->scope, address);
    }
    if (tcb && (has_flow || (sock->flags & SF_CONNECTED && !sock->binding)))
        return (int)sock_print(sock, &tcp_get_flow(tcb)->local, tcp_get_flow(tcb)->local_port,
                               host_scope(file->sockets->host, &tcp_get_flow(tcb)->local), address);
    if (sock->binding)
        return (int)sock_print(sock, &sock->binding->addr, sock->binding->port,
                               host_scope(file->sockets->host, &sock->binding->addr), address);
    return (int)sock_print(sock, &any, 0, 0, address);
}

static int stream_readable(struct file *file)
{
    struct tcb *tcb = stream_tcb(sock_of(file));

    if (sock_of(file)->flags & SF_LISTENING)
        return -EINVAL;
    if (tcb && tcp_at_mark(tcb, 0) && !tcp_options_peek(tcb)->oob_inline && calls_are(file, CALLS_LINUX))
        return 0; /* tcp_inq: up to the mark */
    return tcb ? (int)tcp_readable(tcb) : 0;
}

static int stream_ioctl(struct lil_proc *proc, struct file *file, unsigned long request, void *argument)
{
    struct tcb *tcb = stream_tcb(sock_of(file));
    int *value = argument;

    (void)proc;
    if (sock_of(file)->flags & SF_LISTENING)
        return request == SIOCATMARK && !calls_are(file, CALLS_LINUX) ? (calls_are(file, CALLS_BSD) ? -EINVAL : -ENOTCONN)
               : request == SIOCATMARK                                     ? (*value = 0)
               : request == SIOCOUTQ || request == SIOCOUTQNSD             ? -EINVAL
                                                                           : -ENOTTY;
    switch (request) {
    case SIOCATMARK:
        *value = tcb && tcp_at_mark(tcb, 0);
        return 0;
    case SIOCOUTQ:
        *value = tcb ? (int)tcp_unacked(tcb) : 0;
        return 0;
    case SIOCOUTQNSD:
        *value = tcb ? (int)tcp_unsent(tcb) : 0;
        return 0;
    default:
        return -ENOTTY;
    }
}

const struct file_ops stream_ops = {
    .is_socket = true,
    .send = stream_send,
    .receive = stream_receive,
    .write = stream_write_buffer,
    .read = stream_read_buffer,
    .events = stream_events,
    .close = stream_close,
    .linger = stream_linger,
    .bind = sock_bind,
    .connect = stream_connect,
    .listen = stream_listen,
    .accept = stream_accept,
    .name = stream_name,
    .shutdown = stream_shutdown,
    .readable = stream_readable,
    .ioctl = stream_ioctl,
};
