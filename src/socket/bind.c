/* bind.c: names: the address arguments of bind, connect and sendto, bind() itself (FACTS.md section 6, UNP 4.4), and
 * the port the kernel chooses when nobody called it. */
#include "socket/sock.h"

struct ports *sock_ports(const struct sock *sock)
{
    struct sockets *sockets = sock->file.sockets;

    if (sock_is_stream(sock))
        return &sockets->tcp_ports;
    return sock->file.protocol == IPPROTO_UDP ? &sockets->udp_ports : &sockets->ping_ports;
}

bool sock_takes_both(const struct sock *sock)
{
    return sock->file.family == AF_INET6 && !(sock->flags & SF_V6ONLY);
}

enum { FLOWINFO_SEND = 33 /* IPV6_FLOWINFO_SEND */ };

int sock_parse(const struct sock *sock, const struct sockaddr *address, socklen_t length, struct sock_name *name)
{
    const struct socket_params *params = sock_params(&sock->file);
    socklen_t least =
        sock->file.family == AF_INET ? sizeof(struct sockaddr_in) : 24 /* sockaddr_in6 without the scope (RFC 2133) */;

    if (!address || length < sizeof address->sa_family)
        return -EINVAL;
    /* BSD looks at the family first */
    if (address->sa_family != sock->file.family && (length >= least || params->call_policy == CALLS_BSD))
        return params->bind_wrong_family_error ? -params->bind_wrong_family_error : -EAFNOSUPPORT;
    if (length < least)
        return -EINVAL;
    name->flow_label = 0;
    if (address->sa_family == AF_INET6 && plain_option_value(sock, IPPROTO_IPV6, FLOWINFO_SEND)) {
        const uint8_t *info = (const uint8_t *)address + offsetof(struct sockaddr_in6, sin6_flowinfo);

        name->flow_label = (uint32_t)(info[1] & 15) << 16 | (uint32_t)info[2] << 8 | info[3];
    }
    return addr_from_sockaddr(address, length, &name->addr, &name->port, &name->scope);
}

socklen_t sock_print(const struct sock *sock, const struct addr *addr, uint16_t port, uint32_t scope,
                     struct sockaddr_storage *out)
{
    return addr_to_sockaddr(addr, port, addr_is_link_local(addr) && !addr_is_v4(addr) ? scope : 0, sock->file.family, out);
}

/* What is so of the socket before any rule of ports: it has no name yet and may have this one. */
static int check_address(struct sock *sock, const struct sock_name *name)
{
    const struct socket_params *params = sock_params(&sock->file);
    bool is_stream = sock_is_stream(sock);

    if (sock->file.family == AF_INET6 && addr_is_v4(&name->addr) && sock->flags & SF_V6ONLY)
        return -EINVAL;
    if (addr_is_link_local(&name->addr) && !addr_is_v4(&name->addr) && !name->scope)
        return -EINVAL; /* RFC 4007 6: ambiguous without a zone */
    switch (host_address_kind(sock->file.sockets->host, &name->addr)) {
    case HOST_ADDR_ANY:
    case HOST_ADDR_LOCAL:
        return 0;
    case HOST_ADDR_BROADCAST:
    case HOST_ADDR_MULTICAST:
        if (!is_stream || params->bind_broadcast_ok)
            return 0;
        return -EADDRNOTAVAIL;
    default:
        return sock->flags & SF_FREEBIND || params->nonlocal_bind ? 0 : -EADDRNOTAVAIL;
    }
}

/* A name in the engine's table as well: datagrams are demultiplexed by it from now on. */
static void tell_engine(struct sock *sock, const struct sock_name *name)
{
    if (sock_is_stream(sock))
        return;
    udp_bind(sock->file.sockets->udp, sock->pcb, &name->addr, name->port, sock_takes_both(sock),
             sock->ext ? sock->ext->bind_ifindex : 0);
}

static int bind_raw(struct sock *sock, const struct sock_name *name)
{
    struct sock_name raw = *name;

    raw.port = 0;
    tell_engine(sock, &raw);
    return 0;
}

bool sock_is_over(const struct sock *sock)
{
    const struct tcb *tcb = sock_is_stream(sock) ? stream_tcb(sock) : NULL;

    return tcb && (tcp_get_state(tcb) == TCPS_CLOSED || tcp_get_state(tcb) == TCPS_TIME_WAIT) &&
           sock->flags & (SF_CONNECTED | SF_CONNECTING) && sock_params(&sock->file)->connect_unspec_ok;
}

static bool is_bound(const struct sock *sock)
{
    if (sock->file.type == SOCK_RAW)
        return false;
    if (sock_is_over(sock)) /* Linux (inet_put_port): what bind() asked for by number stays */
        return sock->binding && !(sock->flags & SF_PORT_AUTO);
    /* IP_BIND_ADDRESS_NO_PORT leaves an address that may be changed */
    return (sock->binding && sock->binding->port) || sock->flags & (SF_LISTENING | SF_CONNECTED | SF_CONNECTING);
}

/* BSD: a connect() that failed leaves nothing that could have a name. */
static bool is_spent(const struct sock *sock)
{
    return sock_is_stream(sock) && sock->flags & SF_FAILED && sock_params(&sock->file)->reconnect_error;
}

/* Linux and FreeBSD take AF_UNSPEC with 0.0.0.0 for AF_INET (FACTS 6). */
static int parse_bind(struct sock *sock, const struct sockaddr *address, socklen_t length, struct sock_name *name)
{
    struct sockaddr_in any;

    if (sock_params(&sock->file)->bind_unspec_any_ok && sock->file.family == AF_INET && address &&
        length >= sizeof any && address->sa_family == AF_UNSPEC) {
        memcpy(&any, address, sizeof any);
        if (any.sin_addr.s_addr != INADDR_ANY)
            return -EAFNOSUPPORT;
        any.sin_family = AF_INET;
        return sock_parse(sock, (struct sockaddr *)&any, sizeof any, name);
    }
    return sock_parse(sock, address, length, name);
}

int sock_bind(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length)
{
    struct sock *sock = sock_of(file);
    struct ports *ports = sock_ports(sock);
    struct sock_name name;
    int result = parse_bind(sock, address, length, &name);

    if (is_spent(sock))
        return -EINVAL;
    if (result < 0)
        return result;
    if (file->type == SOCK_STREAM && addr_is_multicast(&name.addr) && sock_params(file)->stream_multicast_error)
        return -sock_params(file)->stream_multicast_error;
    if (calls_are(file, CALLS_BSD) && is_bound(sock)) /* in_pcbbind(): before it looks at the address */
        return -EINVAL;
    result = check_address(sock, &name);
    if (result < 0)
        return result;
    if (file->type == SOCK_RAW)
        return bind_raw(sock, &name);
    if (name.port && name.port < sock_params(file)->reserved_ports && !proc_is_privileged(proc) &&
        file->protocol != IPPROTO_ICMP)
        return -EACCES;
    if (is_bound(sock))
        return -EINVAL;
    if (sock->binding) { /* of a connection that is over, or an address without a port */
        ports_unbind(ports, sock);
        sock->flags &= ~(uint32_t)SF_PORT_AUTO;
    }
    if (name.port == 0 && file->protocol != IPPROTO_ICMP && plain_option_value(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT)) {
        /* the address alone: connect() chooses the port, when it knows the peer */
    } else if (name.port == 0) {
        int port = ports_choose(ports, sock);

        if (port < 0)
            return port;
        name.port = (uint16_t)port;
        sock->flags |= SF_PORT_AUTO;
    } else {
        result = ports_check(ports, sock, &name.addr, name.port, proc->uid);
        if (result < 0)
            return result;
    }
    result = ports_bind(ports, sock, &name.addr, name.port, proc->uid);
    if (result < 0)
        return result;
    tell_engine(sock, &name);
    if (file->family == AF_INET6 && calls_are(file, CALLS_LINUX) && !addr_is_any(&name.addr) && !addr_is_v4(&name.addr))
        sock->flags |= SF_V6ONLY; /* __inet6_bind(): one IPv6 address is no IPv4 address */
    return 0;
}

int sock_autobind(struct sock *sock, const struct addr *addr)
{
    struct sock_name name = {.addr = *addr};
    struct ports *ports = sock_ports(sock);
    int port, result;

    if ((sock->binding && sock->binding->port) || sock->file.type == SOCK_RAW)
        return 0;
    if (sock->binding) { /* IP_BIND_ADDRESS_NO_PORT: of the address that was bound */
        name.addr = sock->binding->addr;
        ports_unbind(ports, sock);
    }
    port = ports_choose(ports, sock);
    if (port < 0)
        return sock_is_stream(sock) ? port : -EAGAIN;
    name.port = (uint16_t)port;
    result = ports_bind(ports, sock, &name.addr, name.port, 0);
    if (result < 0)
        return result;
    sock->flags |= SF_PORT_AUTO;
    tell_engine(sock, &name);
    return 0;
}

int sock_resolve_any(struct sock *sock, struct addr *remote)
{
    struct sockets *sockets = sock->file.sockets;
    bool is_v4 = addr_is_v4(remote) || sock->file.family == AF_INET;

    if (!addr_is_any(remote))
        return 0;
    switch (sock_params(&sock->file)->connect_any) {
    case CONNECT_ANY_EADDRNOTAVAIL:
        return -EADDRNOTAVAIL;
    case CONNECT_ANY_ENETUNREACH:
        return -ENETUNREACH;
    case CONNECT_ANY_PRIMARY:
        return host_primary_address(sockets->host, is_v4 ? AF_INET : AF_INET6, remote) ? 0 : -EADDRNOTAVAIL;
    default:
        return is_v4 ? addr_parse("127.0.0.1", remote) : addr_parse("::1", remote);
    }
}
