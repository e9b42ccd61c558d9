/* socket.c: socket(): which combinations of family, type and protocol there are, and with which errno each stack
 * refuses the others (FACTS.md section 7, UNP figure 4.4); a socket's birth and end. PF_x and AF_x are the same
 * numbers. */
#include <fcntl.h>
#include "socket/sock.h"

enum { TYPE_MASK = 0xf, LINUX_FAMILIES = 46, LINUX_TYPES = 11, LINUX_PROTOCOLS = 263 };

struct sock *sock_new(struct sockets *sockets, const struct file_ops *ops, int family, int type, int protocol)
{
    uint32_t slot;
    struct sock *sock = slab_new(&sockets->slab, &slot);

    if (!sock)
        return NULL;
    sock->slot = slot;
    sock->file.ops = ops;
    sock->file.sockets = sockets;
    sock->file.refs = 1;
    sock->file.family = (uint8_t)family;
    sock->file.type = (uint8_t)type;
    sock->file.protocol = (uint8_t)protocol;
    sockets->file_count++;
    return sock;
}

void sock_free(struct sock *sock)
{
    struct sockets *sockets = sock->file.sockets;

    if (sock->binding)
        ports_unbind(sock_ports(sock), sock);
    if (sock->ext && sock->ext->zerocopy)
        zerocopy_free(sock);
    if (sock->ext && sock->ext->datagram_stamps)
        stamp_datagram_free(sock);
    if (sock->ext && sock->ext->cork)
        cork_free(sock);
    if (sock->ext && sock->ext->plain)
        plain_option_free(sock);
    if (sock->ext)
        extra_free(sock);
    if (sock->ext)
        pool_free(sockets->pool, sock->ext, sizeof *sock->ext);
    sockets->file_count--;
    slab_free(&sockets->slab, sock->slot);
}

struct sock_ext *sock_need_ext(struct sock *sock)
{
    if (!sock->ext)
        sock->ext = pool_alloc(sock->file.sockets->pool, sizeof *sock->ext);
    return sock->ext;
}

/* Kept of sockets; no signal is sent. */
int sock_owner(struct file *file, int command, long argument)
{
    bool is_set = command == F_SETOWN || command == F_SETSIG, is_own = file->ops == &stream_ops || file->ops == &dgram_ops;
    struct sock *sock = sock_of(file);
    struct sock_ext *ext = !is_own ? NULL : is_set ? sock_need_ext(sock) : sock->ext;

    if (command == F_SETSIG && (argument < 0 || argument > 64))
        return -EINVAL;
    if (!ext)
        return is_set && is_own ? -ENOMEM : 0;
    if (is_set)
        *(command == F_SETOWN ? &ext->owner : &ext->owner_signal) = (int)argument;
    return is_set ? 0 : command == F_GETOWN ? ext->owner : ext->owner_signal;
}

enum kind { KIND_NONE, KIND_TCP, KIND_UDP, KIND_PING, KIND_RAW };

static int refuse(int error, int otherwise)
{
    return error ? -error : -otherwise;
}

static int check_family(const struct socket_params *params, int domain)
{
    if (domain == AF_INET || (domain == AF_INET6 && params->has_inet6))
        return 0;
    return refuse(params->error_unknown_family, EAFNOSUPPORT);
}

/* A type number out of range or with flags that are none is refused before anything else is looked at (Linux). */
static int check_type_range(const struct socket_params *params, int type)
{
    if (!params->error_type_range)
        return 0;
    if (type & ~(TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC) || (type & TYPE_MASK) >= LINUX_TYPES)
        return -params->error_type_range;
    return 0;
}

static enum kind kind_of(const struct socket_params *params, int domain, int type, int *protocol)
{
    int icmp = domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    switch (type) {
    case SOCK_STREAM:
        if (*protocol != 0 && *protocol != IPPROTO_TCP)
            return KIND_NONE;
        *protocol = IPPROTO_TCP;
        return KIND_TCP;
    case SOCK_DGRAM:
        if (*protocol == icmp)
            return KIND_PING;
        if (*protocol != 0 && *protocol != IPPROTO_UDP)
            return KIND_NONE;
        *protocol = IPPROTO_UDP;
        return KIND_UDP;
    case SOCK_RAW:
        return *protocol == 0 && !params->raw_protocol0_ok ? KIND_NONE : KIND_RAW;
    default:
        return KIND_NONE;
    }
}

static int check(struct lil_proc *proc, int domain, int type, int *protocol, enum kind *kind)
{
    const struct socket_params *params = &proc->sockets->profile->socket;
    int base = type & TYPE_MASK;
    int result = check_family(params, domain), range = check_type_range(params, type);

    if (!params->family_before_type && range < 0)
        return range;
    if (params->error_type_range && (domain < 0 || domain >= LINUX_FAMILIES))
        return result;
    if (range < 0)
        return range;
    if (result < 0)
        return result;
    if (params->error_protocol_range && (*protocol < 0 || *protocol >= LINUX_PROTOCOLS))
        return -params->error_protocol_range;
    if (base != SOCK_STREAM && base != SOCK_DGRAM && base != SOCK_RAW)
        return refuse(*protocol == 0 || params->error_type_range ? params->error_unknown_type
                                                                 : params->error_bad_protocol,
                      EPROTONOSUPPORT);
    if (*protocol < 0 || *protocol > 255)
        return refuse(params->error_bad_protocol, EPROTONOSUPPORT);
    *kind = kind_of(params, domain, base, protocol);
    if (*kind == KIND_NONE)
        return refuse(params->error_bad_protocol, EPROTONOSUPPORT);
    if (*kind == KIND_RAW && !proc_is_privileged(proc))
        return refuse(params->error_raw_privilege, EPERM);
    return 0;
}

int socket_create(struct lil_proc *proc, int domain, int type, int protocol, struct file **out)
{
    enum kind kind = KIND_NONE;
    struct sock *sock;
    int result = check(proc, domain, type, &protocol, &kind);

    if (result < 0)
        return result;
    sock = sock_new(proc->sockets, kind == KIND_TCP ? &stream_ops : &dgram_ops, domain, type & TYPE_MASK, protocol);
    if (!sock)
        return -ENOBUFS;
    if (type & SOCK_NONBLOCK)
        sock->file.flags |= FILE_NONBLOCK;
    sock->flags |= domain == AF_INET6 && sock_params(&sock->file)->v6only ? SF_V6ONLY : 0;
    switch (kind) {
    case KIND_TCP:
        result = stream_open(sock);
        break;
    case KIND_PING:
        result = dgram_open(sock, UDP_KIND_PING);
        break;
    case KIND_RAW:
        sock->flags |= protocol == IPPROTO_RAW && domain == AF_INET ? SF_HDRINCL : 0; /* raw(7) */
        result = dgram_open(sock, UDP_KIND_RAW);
        break;
    default:
        result = dgram_open(sock, UDP_KIND_UDP);
    }
    if (result < 0) {
        sock_free(sock);
        return result;
    }
    *out = &sock->file;
    return 0;
}
