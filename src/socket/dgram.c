/* dgram.c: sockets of datagrams: UDP, ICMP echo ("ping": SOCK_DGRAM with IPPROTO_ICMP) and raw (UNP chapters 8, 22,
 * 28). A datagram is one packet from the sender's copy to the receiver's; queues and demultiplexing are udp/'s. */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include "base/truesize.h"
#include "socket/option_ip.h"

enum { DATAGRAM_MAX = 65535 };

static struct udp *udp_of(const struct sock *sock)
{
    return sock->file.sockets->udp;
}

int dgram_open(struct sock *sock, enum udp_kind kind)
{
    sock->pcb = udp_open(udp_of(sock), kind, sock->file.family, sock->file.protocol, sock);
    return sock->pcb ? 0 : -ENOBUFS;
}

void dgram_event(void *ctx, void *user, struct udp_pcb *pcb, unsigned events)
{
    struct sock *sock = user;

    (void)ctx, (void)pcb;
    if (events & POLLIN)
        events |= POLLRDNORM;
    if (events & POLLOUT)
        events |= POLLWRNORM;
    if (events & POLLERR)
        events |= POLLIN | POLLOUT;
    if (sock && sock->file.waiters)
        file_wake(&sock->file, events);
}

static void drop_filtered(struct sock *sock);

static unsigned dgram_events(struct file *file)
{
    struct sock *sock = sock_of(file);
    bool is_bsd = calls_are(file, CALLS_BSD);
    unsigned events = !udp_is_writable(sock->pcb) ? 0 : is_bsd ? POLLOUT | POLLWRNORM : POLLOUT | POLLWRNORM | POLLWRBAND;

    drop_filtered(sock);
    if (udp_has_datagram(sock->pcb) || sock->flags & SF_SHUT_RD)
        events |= POLLIN | POLLRDNORM;
    if (udp_error(sock->pcb, false) || udp_has_error(sock->pcb) || (sock->ext && (zerocopy_is_ready(sock) || stamp_is_ready(sock))))
        events |= is_bsd ? POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM /* soreadable(), sowriteable() */
                  : sock->ext && plain_option_value(sock, SOL_SOCKET, SO_SELECT_ERR_QUEUE) ? POLLERR | POLLPRI
                  : POLLERR;
    if (sock->flags & SF_SHUT_RD)
        events |= POLLRDHUP;
    if ((sock->flags & SF_SHUT_RD) && (sock->flags & SF_SHUT_WR))
        events |= POLLHUP;
    return events;
}

int dgram_error(struct sock *sock, bool clear)
{
    return udp_error(sock->pcb, clear);
}

/* --- connect ---------------------------------------------------------------------------------- */
/* Back to no peer; what connect() chose is forgotten, what bind() said stays (UNP 8.11). */
static int dgram_dissolve(struct sock *sock)
{
    struct addr any = addr_any(sock->file.family);

    udp_connect(udp_of(sock), sock->pcb, NULL);
    sock->flags &= ~(uint32_t)SF_CONNECTED;
    if (sock->binding && sock->flags & SF_PORT_AUTO) {
        if (!(sock->flags & SF_ADDR_AUTO))
            any = sock->binding->addr;
        ports_unbind(sock_ports(sock), sock);
        udp_bind(udp_of(sock), sock->pcb, &any, 0, sock_takes_both(sock), sock->ext ? sock->ext->bind_ifindex : 0);
    } else if (sock->binding) {
        if (sock->flags & SF_ADDR_AUTO)
            sock->binding->addr = any;
        udp_bind(udp_of(sock), sock->pcb, &sock->binding->addr, sock->binding->port, sock_takes_both(sock),
                 sock->binding->ifindex);
    }
    sock->flags &= ~(uint32_t)(SF_PORT_AUTO | SF_ADDR_AUTO);
    return sock_params(&sock->file)->connect_unspec_ok ? 0 : -EAFNOSUPPORT;
}

/* Where a datagram to NAME goes and from which address: FROM, or one of the interface's. */
static int route(struct sock *sock, const struct sock_name *name, const struct addr *from,
                 const struct control *control, struct flow *flow, struct tcp_path *path)
{
    struct lil_host *host = sock->file.sockets->host;
    bool is_v4 = addr_is_v4(&name->addr);
    const struct flow *own = udp_get_flow(sock->pcb);
    enum host_addr_kind kind;
    int result;

    flow->remote = name->addr;
    flow->remote_port = name->port;
    flow->local_port = own->local_port;
    flow->scope = (uint16_t)min_u32(name->scope, UINT16_MAX);
    if (sock->file.family == AF_INET6 && is_v4 && sock->flags & SF_V6ONLY && !addr_is_any(&name->addr))
        return calls_are(&sock->file, CALLS_BSD) ? -EINVAL : -ENETUNREACH;
    result = sock_resolve_any(sock, &flow->remote);
    if (result < 0)
        return result;
    is_v4 = addr_is_v4(&flow->remote);
    kind = host_address_kind(host, &flow->remote);
    if (kind == HOST_ADDR_BROADCAST && !(sock->flags & SF_BROADCAST))
        return -EACCES;
    flow->local = *from;
    if (kind == HOST_ADDR_MULTICAST && sock->ext) {
        if (sock->ext->multicast_ifindex && !flow->scope)
            flow->scope = sock->ext->multicast_ifindex;
        if (addr_is_any(&flow->local) && !addr_is_any(&sock->ext->multicast_addr) &&
            addr_is_v4(&sock->ext->multicast_addr) == is_v4)
            flow->local = sock->ext->multicast_addr;
    }
    if (sock->ext && sock->ext->bind_ifindex)
        flow->scope = sock->ext->bind_ifindex;
    if (sock->ext && !is_v4 && !control->has_pktinfo) { /* IPV6_PKTINFO */
        flow->scope = sock->ext->sticky_ifindex ? (uint16_t)sock->ext->sticky_ifindex : flow->scope;
        flow->local = addr_is_any(&sock->ext->sticky_source) ? flow->local : sock->ext->sticky_source;
    }
    if (control->has_pktinfo && calls_are(&sock->file, CALLS_LINUX)) {
        bool may_be_any = sock->flags & SF_FREEBIND || sock_params(&sock->file)->nonlocal_bind;

        if (control->ifindex && !ip_interface_exists(sock, (int)control->ifindex))
            return -ENODEV;
        if (!addr_is_any(&control->source) && !may_be_any && host_address_kind(host, &control->source) != HOST_ADDR_LOCAL)
            return is_v4 ? -ENETUNREACH : -EINVAL;
    }
    if (control->has_pktinfo) {
        if (control->ifindex)
            flow->scope = control->ifindex;
        if (!addr_is_any(&control->source))
            flow->local = control->source;
    }
    if (addr_is_any(&flow->local) || kind == HOST_ADDR_BROADCAST)
        flow->local = addr_is_any(&flow->local) ? addr_any(is_v4 ? AF_INET : AF_INET6) : flow->local;
    else if (addr_is_multicast(&flow->local) || host_address_kind(host, &flow->local) == HOST_ADDR_BROADCAST)
        flow->local = addr_any(is_v4 ? AF_INET : AF_INET6); /* bound to a group: not a source */
    if (!addr_is_any(&flow->local) && addr_is_v4(&flow->local) != is_v4)
        return -ENETUNREACH;
    const struct tcp_path *way;
    result = host_path(host, &flow->local, &flow->remote, &way);
    if (result < 0) {
        *path = (struct tcp_path){.local = flow->local, .ifindex = (int)flow->scope};
        return result;
    }
    *path = *way;
    if (!addr_is_any(&flow->local))
        path->local = flow->local;
    return 0;
}

/* Linux (__ip6_datagram_connect): groups of a link or of the host itself (RFC 4291 2.7) are on no interface in particular. */
static bool needs_zone(const struct sock *sock, const struct sock_name *name)
{
    unsigned scope = name->addr.b[1] & 15;

    return calls_are(&sock->file, CALLS_LINUX) && sock->file.family == AF_INET6 && name->addr.b[0] == 0xff && (scope == 1 || scope == 2) &&
           !name->scope && !(sock->ext && (sock->ext->bind_ifindex || sock->ext->multicast_ifindex));
}

/* Linux's UDP takes an IPv4 peer on an AF_INET6 socket by its own kind of address, too. ONLY_ERROR: with IPV6_V6ONLY. */
static int parse_peer(const struct sock *sock, const struct sockaddr *address, socklen_t length, int only_error, struct sock_name *name)
{
    bool is_v4 = address && length >= sizeof address->sa_family && address->sa_family == AF_INET;

    if (!is_v4 || sock->file.family != AF_INET6 || !dgram_is_linux_udp(&sock->file))
        return sock_parse(sock, address, length, name);
    if (sock->flags & SF_V6ONLY)
        return -only_error;
    name->flow_label = 0;
    return addr_from_sockaddr(address, length, &name->addr, &name->port, &name->scope);
}

static int dgram_connect(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length)
{
    static const struct control none = {0};
    struct sock *sock = sock_of(file);
    struct addr any = addr_any(file->family);
    struct sock_name name;
    struct tcp_path path;
    struct flow flow;
    int result;

    (void)proc;
    if (address && length >= sizeof address->sa_family && address->sa_family == AF_UNSPEC)
        return dgram_dissolve(sock);
    result = calls_are(file, CALLS_LINUX) ? sock_autobind(sock, &any) : 0; /* inet_dgram_connect(): whatever comes of it */
    if (result < 0)
        return result;
    result = parse_peer(sock, address, length, EAFNOSUPPORT, &name);
    if (result < 0)
        return result;
    if (needs_zone(sock, &name))
        return -EINVAL;
    if (name.port == 0 && file->type == SOCK_DGRAM && file->protocol == IPPROTO_UDP &&
        sock_params(file)->connect_port0_error)
        return -sock_params(file)->connect_port0_error;
    /* again: an address that connect() chose is chosen anew; a failure leaves the old peer */
    result =
        route(sock, &name, sock->flags & SF_ADDR_AUTO ? &any : &udp_get_flow(sock->pcb)->local, &none, &flow, &path);
    if (result < 0)
        return result;
    result = sock_autobind(sock, &any);
    if (result < 0)
        return result;
    if (addr_is_any(&flow.local)) {
        flow.local = path.local;
        sock->flags |= SF_ADDR_AUTO;
    }
    flow.local_port = udp_get_flow(sock->pcb)->local_port;
    if (sock->binding)
        sock->binding->addr = flow.local;
    udp_connect(udp_of(sock), sock->pcb, &flow);
    sock->flags |= SF_CONNECTED;
    if ((name.flow_label || sock->ext) && sock_need_ext(sock))
        sock->ext->flow_label = name.flow_label;
    return 0;
}

/* --- send ------------------------------------------------------------------------------------- */
static struct lil_packet *gather(struct sock *sock, const struct msghdr *message, size_t total)
{
    struct lil_packet *packet = packet_new(sock->file.sockets->pool);
    struct block *block;

    if (!packet)
        return NULL;
    if (message->msg_iovlen == 1 || total <= PACKET_HEAD - PACKET_HEADROOM) {
        for (size_t i = 0; i < message->msg_iovlen; i++)
            if (!packet_append(packet, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len))
                goto fail;
        return packet;
    }
    block = block_new(sock->file.sockets->pool, total);
    if (!block)
        goto fail;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        if (message->msg_iov[i].iov_len)
            memcpy(block->data + block->used, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        block->used += (uint32_t)message->msg_iov[i].iov_len;
    }
    (void)packet_add_slice(packet, block, 0, block->used);
    block_unref(block);
    return packet;
fail:
    packet_free(packet);
    return NULL;
}

/* A ping socket sends echo requests only; host/ fills in the identifier (the port) and the checksum. */
static int check_echo(const struct sock *sock, struct lil_packet *packet)
{
    bool is_v6 = sock->file.protocol == IPPROTO_ICMPV6;
    const uint8_t *bytes = packet_pull(packet, ICMP_LENGTH);
    struct icmp icmp;

    if (!bytes || icmp_parse(&icmp, is_v6 ? 6 : 4, bytes, ICMP_LENGTH) < 0)
        return -EINVAL;
    return icmp.type == (is_v6 ? ICMP6_ECHO_REQUEST_ : ICMP4_ECHO_REQUEST) && icmp.code == 0 ? 0 : -EINVAL;
}

static void fill_sent(struct sock *sock, const struct control *control, const struct flow *flow, struct udp_sent *sent)
{
    const struct sock_ext *ext = sock->ext;
    bool is_multicast = addr_is_multicast(&flow->remote);

    memset(sent, 0, sizeof *sent);
    sent->flow = *flow;
    sent->kind = sock->file.type == SOCK_RAW          ? UDP_KIND_RAW
                 : sock->file.protocol == IPPROTO_UDP ? UDP_KIND_UDP
                                                      : UDP_KIND_PING;
    sent->protocol = sock->file.protocol;
    sent->broadcast_allowed = sock->flags & SF_BROADCAST;
    sent->header_included = sock->flags & SF_HDRINCL && sent->kind == UDP_KIND_RAW;
    sent->ifindex = flow->scope;
    sent->no_loop = sock->flags & SF_MULTICAST_LOOP_OFF;
    if (is_multicast)
        sent->ttl =
            ext && ext->has_multicast_ttl ? (uint8_t)ext->multicast_ttl : udp_get_params(udp_of(sock))->multicast_ttl;
    else
        sent->ttl = ext ? (uint8_t)ext->ttl : 0;
    sent->tos = ext ? ext->tos : 0;
    sent->flow_label = control->flow_label ? control->flow_label : ext ? ext->flow_label : 0;
    if (control->has_ttl)
        sent->ttl = (uint8_t)control->ttl;
    if (control->has_tos)
        sent->tos = (uint8_t)control->tos;
    uint8_t pmtudisc = ext ? ext->pmtudisc[!addr_is_v4(&flow->remote)] : 0;
    sent->ignores_pmtu = pmtudisc > IP_PMTUDISC_PROBE;
    sent->dont_fragment = pmtudisc == IP_PMTUDISC_DO + 1 || pmtudisc == IP_PMTUDISC_PROBE + 1;
}

/* The name a datagram goes to: the caller's, or the peer that connect() fixed. */
/* Linux's udp_sendmsg() takes AF_UNSPEC for AF_INET, its udpv6_sendmsg() for no address at all. */
static int parse_destination(const struct sock *sock, const struct msghdr *message, struct sock_name *name)
{
    struct sockaddr_in v4;
    const struct sockaddr *address = message->msg_name;

    if (!dgram_is_linux_udp(&sock->file) || sock->file.family != AF_INET || message->msg_namelen < sizeof v4 ||
        address->sa_family != AF_UNSPEC)
        return parse_peer(sock, address, message->msg_namelen, ENETUNREACH, name);
    memcpy(&v4, address, sizeof v4);
    v4.sin_family = AF_INET;
    return sock_parse(sock, (struct sockaddr *)&v4, sizeof v4, name);
}

static bool has_destination(const struct sock *sock, const struct msghdr *message)
{
    const struct sockaddr *address = message->msg_name;

    if (!address || !message->msg_namelen)
        return false;
    return !(dgram_is_linux_udp(&sock->file) && sock->file.family == AF_INET6 && message->msg_namelen >= sizeof address->sa_family &&
             address->sa_family == AF_UNSPEC);
}

static int destination(struct sock *sock, const struct msghdr *message, struct sock_name *name)
{
    const struct flow *flow;

    if (has_destination(sock, message)) {
        int result;

        if (sock->flags & SF_CONNECTED && sock_params(&sock->file)->bind_policy == BIND_BSD)
            return -EISCONN;
        result = parse_destination(sock, message, name);
        if (result < 0)
            return result;
        if (name->port == 0 && sock->file.protocol == IPPROTO_UDP && sock->file.type == SOCK_DGRAM)
            return sock_params(&sock->file)->connect_port0_error ? -sock_params(&sock->file)->connect_port0_error
                                                                 : -EINVAL;
        return 0;
    }
    if (!(sock->flags & SF_CONNECTED)) /* in BSD, too: sosend() asks before udp_output() could */
        return -EDESTADDRREQ;
    flow = udp_get_flow(sock->pcb);
    name->addr = flow->remote;
    name->port = flow->remote_port;
    name->scope = flow->scope;
    name->flow_label = 0;
    return 0;
}

ssize_t dgram_send_once(struct sock *sock, const struct msghdr *message, size_t total, const struct flow *flow,
                        const struct control *control)
{
    struct udp_sent sent;
    int result;

    fill_sent(sock, control, flow, &sent);
    sent.packet = gather(sock, message, total);
    if (!sent.packet)
        return -ENOBUFS;
    result = sent.kind == UDP_KIND_PING ? check_echo(sock, sent.packet) : 0;
    if (result == 0 && !host_may_send(sock->file.sockets->host, &sent))
        result = -EPERM; /* netfilter's drop on the way out, as Linux's sendmsg() tells it */
    if (result < 0) {
        packet_free(sent.packet);
        return result;
    }
    sent.extra = ip_extra_ref(control->extra ? control->extra : sock->ext ? sock->ext->extra : NULL);
    result = udp_send_take(udp_of(sock), sock->pcb, &sent);
    if (result >= 0 && (sock->flags & SF_STAMPS || message->msg_controllen) && sent.kind == UDP_KIND_UDP)
        stamp_datagram(sock, message, &flow->local, (uint32_t)total + (addr_is_v4(&flow->remote) ? 28 : 48));
    return result < 0 ? result : (ssize_t)total;
}

/* Linux's UDP has no urgent data, but only sendmsg() over IPv4 says so. */
bool dgram_is_linux_udp(const struct file *file)
{
    return file->type == SOCK_DGRAM && file->protocol == IPPROTO_UDP && calls_are(file, CALLS_LINUX);
}

/* IP_PMTUDISC_PROBE, INTERFACE and OMIT heed the device alone. */
static uint32_t mtu_of_policy(const struct sock *sock, const struct flow *flow, const struct tcp_path *path)
{
    int policy = ip_get_pmtudisc(sock, addr_is_v4(&flow->remote) ? IPPROTO_IP : IPPROTO_IPV6);
    return policy >= IP_PMTUDISC_PROBE ? path->link_mtu : path->mtu;
}

/* What no packet can hold, or none that must not be fragmented. IP_RECVERR: the error queue has the limit (ip(7),
 * IP_MTU_DISCOVER): tracepath reads it there. */
static int check_length(struct sock *sock, size_t total, const struct flow *flow, const struct tcp_path *path, bool in_segments)
{
    bool is_v4 = addr_is_v4(&flow->remote);
    int policy = ip_get_pmtudisc(sock, is_v4 ? IPPROTO_IP : IPPROTO_IPV6);
    bool is_whole = policy >= IP_PMTUDISC_DO && policy <= IP_PMTUDISC_INTERFACE;
    size_t ip_length = is_v4 ? 20 : 40, header = (sock->flags & SF_HDRINCL ? 0 : ip_length) + (sock->file.protocol == IPPROTO_UDP ? 8 : 0);
    uint32_t mtu = policy >= IP_PMTUDISC_PROBE ? path->link_mtu : path->mtu;
    struct flow told = *flow;

    if (total + header <= (is_whole && !in_segments ? mtu : DATAGRAM_MAX + (is_v4 ? 0 : ip_length)))
        return 0;
    if (sock->file.family == AF_INET)
        told.remote_port = udp_get_flow(sock->pcb)->remote_port; /* the peer's, where connect() fixed one */
    udp_local_error(udp_of(sock), sock->pcb, &told, EMSGSIZE, mtu);
    return -EMSGSIZE;
}

/* Linux: each fragment behind the first asks whether those before it fill the send buffer twice (__ip_append_data()). */
static bool fragments_fit(const struct sock *sock, size_t total, const struct flow *flow, uint32_t mtu)
{
    uint32_t room, most = mtu - (addr_is_v4(&flow->remote) ? 20 : 48), behind = (uint32_t)((total + 7) / (most & ~7u));

    if (total + 8 <= most || sock->flags & SF_HDRINCL || !calls_are(&sock->file, CALLS_LINUX))
        return true;
    return (uint64_t)behind * truesize_of(mtu, &room) <= 2ull * udp_get_sndbuf(sock->pcb);
}

static ssize_t send_with(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags, struct control *control)
{
    struct sock *sock = sock_of(file);
    size_t total = iov_total(message->msg_iov, message->msg_iovlen);
    struct addr any = addr_any(file->family);
    struct sock_name name;
    struct tcp_path path;
    struct flow flow;
    uint64_t deadline_ns;
    ssize_t result;

    if (dgram_is_linux_udp(file)) { /* inet_send_prepare(): whatever comes of it */
        result = sock_autobind(sock, &any);
        if (result < 0)
            return result;
    }
    if (flags & MSG_OOB && !(dgram_is_linux_udp(file) && file->family == AF_INET6))
        return -EOPNOTSUPP;
    if ((sock->flags & SF_SHUT_WR) && !dgram_is_linux_udp(file))
        return -EPIPE;
    if (calls_are(file, CALLS_BSD) && udp_error(sock->pcb, false)) /* sosend_dgram(): before the address and the size are looked at */
        return -udp_error(sock->pcb, true);
    if (total > DATAGRAM_MAX && !(dgram_is_linux_udp(file) && file->family == AF_INET6)) /* udpv6_sendmsg() asks where to first */
        return -EMSGSIZE;
    if (sock_params(file)->bind_policy == BIND_BSD && total > udp_get_sndbuf(sock->pcb))
        return -EMSGSIZE; /* sosend(): an atomic message larger than the buffer's high-water mark */
    if (cork_is_begun(sock))
        return cork_append(sock, message, flags);
    result = message->msg_controllen ? control_parse(sock, message, control) : 0;
    if (result == 0)
        result = destination(sock, message, &name);
    if (result == 0)
        result = route(sock, &name, &udp_get_flow(sock->pcb)->local, control, &flow, &path);
    if (result < 0)
        return result;
    if (file->family == AF_INET6 && addr_is_v4(&name.addr) && dgram_is_linux_udp(file) && (flags & MSG_OOB || !name.port))
        return flags & MSG_OOB ? -EOPNOTSUPP : -EINVAL; /* to a mapped address: as udp_sendmsg() has it */
    control->flow_label = name.flow_label;
    result = check_length(sock, total, &flow, &path, cork_segment(sock, control) != 0);
    if (result < 0)
        return result;
    result = udp_error(sock->pcb, true);
    if (result)
        return -result;
    if (sock->flags & SF_SHUT_WR) /* Linux: asked when a buffer is wanted, after the destination */
        return -EPIPE;
    if (!fragments_fit(sock, total, &flow, path.mtu))
        return -ENOBUFS;
    result = sock_autobind(sock, &any);
    if (result < 0)
        return result;
    flow.local_port = udp_get_flow(sock->pcb)->local_port;
    if (sock_params(file)->udp_name_after_send && sock->binding && addr_is_any(&sock->binding->addr))
        flow.local = path.local;
    if (dgram_is_linux_udp(file) && cork_is_wanted(sock, flags)) {
        result = cork_begin(sock, &flow, control, path.mtu);
        return result < 0 ? result : cork_append(sock, message, flags);
    }
    uint32_t segment = cork_segment(sock, control), mtu = mtu_of_policy(sock, &flow, &path);
    if (segment && (total > segment || total + (addr_is_v4(&flow.remote) ? 28 : 48) > mtu))
        return cork_send_segments(sock, message, &flow, control, mtu);
    deadline_ns = wait_deadline(proc, sock->ext ? sock->ext->sndtimeo_ns : 0);
    for (;;) {
        result = dgram_send_once(sock, message, total, &flow, control);
        if (result != -EAGAIN || !file_is_blocking(file, flags))
            return result;
        result = wait_file(proc, file, POLLOUT, deadline_ns);
        if (result < 0)
            return result;
    }
}

static ssize_t dgram_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    struct control control = {0};
    ssize_t result = send_with(proc, file, message, flags, &control);

    ip_extra_unref(file->sockets->pool, control.extra);
    return result;
}

/* --- receive ---------------------------------------------------------------------------------- */
static size_t scatter(const struct lil_packet *packet, size_t from, const struct msghdr *message)
{
    size_t done = 0;

    for (size_t i = 0; i < message->msg_iovlen && from + done < packet->length; i++)
        done += packet_read(packet, from + done, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    return done;
}

/* FROM: where MSG_PEEK with SO_PEEK_OFF begins. */
static ssize_t deliver(struct sock *sock, const struct lil_packet *packet, size_t from, const struct udp_info *info,
                       struct msghdr *message, int flags)
{
    size_t n = scatter(packet, from, message);

    message->msg_flags = 0;
    if (n < packet->length)
        message->msg_flags |= MSG_TRUNC;
    if (message->msg_name) {
        struct sockaddr_storage from;
        uint16_t port =
            sock->file.type == SOCK_DGRAM && sock->file.protocol == IPPROTO_UDP ? info->flow.remote_port : 0;
        socklen_t length = sock_print(sock, &info->flow.remote, port, info->flow.scope, &from);

        message_put_name(message, &from, length);
    }
    control_print(sock, info, message);
    return (ssize_t)(flags & MSG_TRUNC ? packet->length : n);
}

/* ICMP_FILTER and ICMP6_FILTER (raw(7), RFC 3542 3.2): types the program does not want to see. */
static bool is_filtered(const struct sock *sock, const struct lil_packet *packet)
{
    uint8_t first = 0, type = 0;

    if (packet_read(packet, 0, &first, 1) < 1)
        return false;
    if (sock->file.family == AF_INET) /* behind the IPv4 header */
        (void)packet_read(packet, (size_t)(first & 15) * 4, &type, 1);
    else
        type = first;
    return sock->ext->icmp_filter[type / 32] >> type % 32 & 1;
}

static void drop_filtered(struct sock *sock)
{
    struct lil_packet *packet;

    if (sock->file.type != SOCK_RAW || !sock->ext ||
        (sock->file.protocol != IPPROTO_ICMP && sock->file.protocol != IPPROTO_ICMPV6))
        return;
    while ((packet = udp_receive(udp_of(sock), sock->pcb, true, NULL)) && is_filtered(sock, packet))
        packet_free(udp_receive(udp_of(sock), sock->pcb, false, NULL));
}

/* MSG_ERRQUEUE: what ICMP said, then what became of sends. */
static ssize_t receive_told(struct sock *sock, struct msghdr *message, int flags)
{
    size_t room = message->msg_control ? message->msg_controllen : 0;
    ssize_t result = control_receive_error(sock, message, flags);

    if (result == -EAGAIN)
        result = stamp_receive_datagram(sock, message, room);
    return result == -EAGAIN ? zerocopy_receive_datagram(sock, message, room) : result;
}

/* -EAGAIN: nothing is there. */
static ssize_t take(struct sock *sock, struct msghdr *message, int flags)
{
    struct udp_info info;
    struct lil_packet *packet = udp_receive(udp_of(sock), sock->pcb, false, &info);
    ssize_t result = packet ? deliver(sock, packet, 0, &info, message, flags) : -EAGAIN;

    packet_free(packet);
    if (result > 0)
        peek_place_move(sock, -result);
    return result;
}

static ssize_t peek(struct sock *sock, struct msghdr *message, int flags)
{
    int place = peek_place(sock);
    size_t from = place > 0 ? (size_t)place : 0;
    struct udp_info info;
    const struct lil_packet *packet = place < 0 ? udp_receive(udp_of(sock), sock->pcb, true, &info) : udp_peek_at(sock->pcb, &from, &info);
    ssize_t result = packet ? deliver(sock, packet, from, &info, message, flags) : -EAGAIN;

    if (result > 0)
        peek_place_move(sock, result);
    return result;
}

static ssize_t dgram_receive(struct lil_proc *proc, struct file *file, struct msghdr *message, int flags)
{
    struct sock *sock = sock_of(file);
    uint64_t deadline_ns;
    ssize_t result;

    if (flags & MSG_OOB && !dgram_is_linux_udp(file))
        return -EOPNOTSUPP;
    if (flags & MSG_ERRQUEUE)
        return receive_told(sock, message, flags);
    deadline_ns = wait_deadline(proc, sock->ext ? sock->ext->rcvtimeo_ns : 0);
    for (;;) {
        result = udp_error(sock->pcb, true);
        if (result)
            return -result;
        drop_filtered(sock);
        if (flags & MSG_PEEK)
            result = peek(sock, message, flags);
        else
            result = take(sock, message, flags);
        if (result != -EAGAIN)
            return result;
        bool is_blocking = file_is_blocking(file, flags);
        /* Linux: who does not wait is not told */
        if ((sock->flags & SF_SHUT_RD) && (is_blocking || sock_params(file)->bind_policy == BIND_BSD))
            return 0;
        if (!is_blocking)
            return -EAGAIN;
        result = wait_file(proc, file, POLLIN, deadline_ns);
        if (result < 0)
            return result;
    }
}

/* --- the rest --------------------------------------------------------------------------------- */
static int dgram_shutdown(struct lil_proc *proc, struct file *file, int how)
{
    struct sock *sock = sock_of(file);
    struct lil_packet *packet;

    (void)proc;
    if (!(sock->flags & SF_CONNECTED) && sock_params(file)->bind_policy == BIND_BSD && !calls_are(file, CALLS_BSD))
        return -ENOTCONN; /* FreeBSD says the same, but does it (udp_shutdown()) */
    if (how != SHUT_WR)
        sock->flags |= SF_SHUT_RD;
    if (how != SHUT_RD)
        sock->flags |= SF_SHUT_WR;
    /* sbrelease() */
    while (how != SHUT_WR && calls_are(file, CALLS_BSD) &&
           (packet = udp_receive(udp_of(sock), sock->pcb, false, NULL)))
        packet_free(packet);
    file_wake(file, POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
    return sock->flags & SF_CONNECTED ? 0 : -ENOTCONN;
}

static void dgram_close(struct sockets *sockets, struct file *file)
{
    struct sock *sock = sock_of(file);

    if (!sockets->is_dying)
        udp_close(sockets->udp, sock->pcb);
    sock_free(sock);
}

static int dgram_name(struct file *file, enum file_name which, struct sockaddr_storage *address)
{
    struct sock *sock = sock_of(file);
    const struct flow *flow = udp_get_flow(sock->pcb);

    if (which == NAME_OWN)
        return (int)sock_print(sock, &flow->local, flow->local_port, host_scope(file->sockets->host, &flow->local), address);
    if (!(sock->flags & SF_CONNECTED))
        return -ENOTCONN;
    return (int)sock_print(sock, &flow->remote, flow->remote_port, flow->scope, address);
}

static int dgram_readable(struct file *file)
{
    return (int)udp_readable(sock_of(file)->pcb);
}

static int dgram_ioctl(struct lil_proc *proc, struct file *file, unsigned long request, void *argument)
{
    (void)proc;
    if (request == SIOCOUTQ) {
        *(int *)argument = (int)udp_unsent(sock_of(file)->pcb);
        return 0;
    }
    return -ENOTTY;
}

const struct file_ops dgram_ops = {
    .is_socket = true,
    .send = dgram_send,
    .receive = dgram_receive,
    .events = dgram_events,
    .close = dgram_close,
    .bind = sock_bind,
    .connect = dgram_connect,
    .name = dgram_name,
    .shutdown = dgram_shutdown,
    .readable = dgram_readable,
    .ioctl = dgram_ioctl,
};
