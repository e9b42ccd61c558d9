/* option_socket.c: the level SOL_SOCKET (UNP 7.5; socket(7)). Its plain flags are in option.c's table. */
#include <netinet/tcp.h>
#include <sys/time.h>
#include <limits.h>
#include "socket/sock.h"

enum { BUFFER_MIN_SND = 4608, BUFFER_MIN_RCV = 2304, BUFFER_MAX = 4194304 /* net.core.rmem_max, wmem_max since 6.17 */, PRIORITY_MAX = 6 };

static uint32_t buffer_size(const struct sock *sock, int value, uint32_t least, bool is_forced)
{
    uint32_t size = (uint32_t)value;

    if (!calls_are(&sock->file, CALLS_LINUX))
        return value > 0 ? size : 1;
    if (is_forced) /* SO_*BUFFORCE: any size, a negative one is none */
        size = value < 0 ? 0 : min_u32(size, INT_MAX / 2) * 2;
    else
        size = min_u32(size, BUFFER_MAX) * 2;
    return max_u32(size, least);
}

/* tcp_set_rcvbuf(): a receive buffer bounds the window as TCP_WINDOW_CLAMP does; the later of the two counts. */
static int clamp_to_buffer(struct sock *sock, uint32_t size)
{
    struct tcp *tcp = sock->file.sockets->tcp;
    struct tcb *tcb = stream_tcb(sock);
    int clamp = (int)(tcb ? tcp_window_space(tcb, size) : size / 2);

    if (sock->flags & SF_LISTENING)
        return tcp_listener_setopt(tcp, sock->listener, TCP_WINDOW_CLAMP, &clamp, sizeof clamp);
    return tcb ? tcp_setopt(tcp, tcb, TCP_WINDOW_CLAMP, &clamp, sizeof clamp, sock_now(&sock->file)) : 0;
}

/* Linux: the send buffer or TCP_NOTSENT_LOWAT was set, larger or not: an edge for epoll where there is room (sk_write_space()). */
void option_tell_of_room(struct sock *sock)
{
    if (calls_are(&sock->file, CALLS_LINUX) && stream_tcb(sock) && tcp_poll_events(stream_tcb(sock)) & POLLOUT)
        file_wake(&sock->file, POLLOUT | POLLWRNORM);
}

static int set_buffer(struct sock *sock, bool is_send, int value, bool is_forced)
{
    uint32_t size = buffer_size(sock, value, is_send ? BUFFER_MIN_SND : BUFFER_MIN_RCV, is_forced);
    struct sock_ext *ext;

    if (!calls_are(&sock->file, CALLS_LINUX) && value <= 0)
        return -EINVAL;
    if (calls_are(&sock->file, CALLS_BSD) && size > (uint64_t)sock->file.sockets->profile->tcp.scale_buffer * 8 / 9)
        return -ENOBUFS; /* sb_max_adj: a cluster of 2,048 bytes costs 2,304 */
    if (sock_is_stream(sock)) {
        struct tcb_options *options = stream_options(sock);

        if (!options)
            return -ENOBUFS;
        *(is_send ? &options->sndbuf : &options->rcvbuf) = size;
        stream_options_changed(sock);
        if (!is_send && calls_are(&sock->file, CALLS_LINUX))
            return clamp_to_buffer(sock, size);
        if (is_send)
            option_tell_of_room(sock);
        return 0;
    }
    ext = sock_need_ext(sock);
    if (!ext)
        return -ENOBUFS;
    *(is_send ? &ext->sndbuf : &ext->rcvbuf) = size;
    if (is_send)
        udp_set_sndbuf(sock->pcb, size);
    else
        udp_set_rcvbuf(sock->pcb, size);
    return 0;
}

static int get_buffer(const struct sock *sock, bool is_send)
{
    const struct profile *profile = sock->file.sockets->profile;

    if (sock_is_stream(sock)) {
        const struct tcb_options *options = stream_options_peek(sock);
        uint32_t size = !options ? 0 : is_send ? options->sndbuf : options->rcvbuf, send, receive;

        if (stream_tcb(sock) && (calls_are(&sock->file, CALLS_LINUX) ||
                                 calls_are(&sock->file, CALLS_BSD))) { /* as it is now: autotuned, in FreeBSD rounded too */
            tcp_buffers(stream_tcb(sock), &send, &receive);
            return (int)(is_send ? send : receive);
        }

        return (int)(size ? size : is_send ? profile->tcp.sndbuf : profile->tcp.rcvbuf);
    }
    if (sock->ext && (is_send ? sock->ext->sndbuf : sock->ext->rcvbuf))
        return (int)(is_send ? sock->ext->sndbuf : sock->ext->rcvbuf);
    return (int)(is_send ? profile->udp.sndbuf : profile->udp.rcvbuf);
}

static int set_timeout(struct sock *sock, bool is_send, const void *value, socklen_t length)
{
    struct sock_ext *ext;
    struct timeval tv;
    uint64_t ns;

    if (length < sizeof tv)
        return -EINVAL;
    memcpy(&tv, value, sizeof tv);
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000 || (tv.tv_sec < 0 && calls_are(&sock->file, CALLS_BSD)))
        return -EDOM;
    ns = tv.tv_sec < 0 ? 1 : (uint64_t)tv.tv_sec * NS_PER_S + (uint64_t)tv.tv_usec * NS_PER_US;
    if (!ns && !sock->ext)
        return 0;
    ext = sock_need_ext(sock);
    if (!ext)
        return -ENOBUFS;
    *(is_send ? &ext->sndtimeo_ns : &ext->rcvtimeo_ns) = ns;
    return 0;
}

static int get_timeout(const struct sock *sock, bool is_send, void *value, socklen_t *length)
{
    uint64_t ns = !sock->ext ? 0 : is_send ? sock->ext->sndtimeo_ns : sock->ext->rcvtimeo_ns;
    struct timeval tv = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_usec = (suseconds_t)(ns % NS_PER_S / NS_PER_US)};

    return option_give(value, length, &tv, sizeof tv);
}

static int set_linger(struct sock *sock, const void *value, socklen_t length)
{
    struct tcb_options *options;
    struct linger linger;

    if (length < sizeof linger)
        return -EINVAL;
    memcpy(&linger, value, sizeof linger);
    if (calls_are(&sock->file, CALLS_BSD) && (linger.l_linger < 0 || linger.l_linger > USHRT_MAX))
        return -EDOM;
    if (!sock_is_stream(sock) && !calls_are(&sock->file, CALLS_LINUX))
        return 0;
    if (!sock_is_stream(sock)) {
        struct sock_ext *ext = sock_need_ext(sock);

        if (!ext)
            return -ENOBUFS;
        ext->linger.on = linger.l_onoff != 0;
        ext->linger.seconds = linger.l_linger;
        return 0;
    }
    options = stream_options(sock);
    if (!options)
        return -ENOBUFS;
    options->linger_on = linger.l_onoff;
    options->linger_s = linger.l_linger;
    stream_options_changed(sock);
    return 0;
}

static int get_linger(struct sock *sock, void *value, socklen_t *length)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;
    bool is_bsd = calls_are(&sock->file, CALLS_BSD);
    struct linger linger = {.l_onoff = !options || !options->linger_on ? 0 : is_bsd ? option_told_bit(SO_LINGER) : 1,
                            .l_linger = options && (options->linger_on || is_bsd) ? options->linger_s : 0};

    if (!sock_is_stream(sock) && sock->ext)
        linger = (struct linger){.l_onoff = sock->ext->linger.on, .l_linger = sock->ext->linger.seconds};
    return option_give(value, length, &linger, sizeof linger);
}

static int bind_to_interface(struct sock *sock, int ifindex)
{
    struct sock_ext *ext = sock_need_ext(sock);

    if (!ext)
        return -ENOBUFS;
    ext->bind_ifindex = (uint32_t)ifindex;
    if (sock->binding)
        sock->binding->ifindex = (uint32_t)ifindex;
    if (sock_is_stream(sock)) {
        if (stream_options(sock))
            stream_options(sock)->bind_ifindex = (uint32_t)ifindex;
    } else {
        const struct flow *flow = udp_get_flow(sock->pcb);
        struct addr local = flow->local;

        udp_bind(sock->file.sockets->udp, sock->pcb, &local, flow->local_port, sock_takes_both(sock),
                 (uint32_t)ifindex);
    }
    return 0;
}

static int set_device(struct sock *sock, const void *value, socklen_t length)
{
    char name[16] = "";
    int ifindex = 0;

    memcpy(name, value, min_u64(length, sizeof name - 1));
    if (name[0])
        ifindex = lil_interface_index(sock->file.sockets->host, name);
    return ifindex < 0 ? ifindex : bind_to_interface(sock, ifindex);
}

struct device { /* an interface's name by its index */
    int ifindex;
    char name[16];
};

static bool device_visit(void *ctx, const struct host_interface_view *view)
{
    struct device *device = ctx;

    if (view->ifindex != device->ifindex)
        return true;
    for (size_t i = 0; i + 1 < sizeof device->name && view->name[i]; i++)
        device->name[i] = view->name[i];
    return false;
}

static int get_device(const struct sock *sock, void *value, socklen_t *length)
{
    struct device device = {.ifindex = sock->ext ? (int)sock->ext->bind_ifindex : 0};

    if (!device.ifindex) {
        *length = 0; /* not bound */
        return 0;
    }
    host_each_interface(sock->file.sockets->host, device_visit, &device);
    if (*length < sizeof device.name)
        return -EINVAL;
    return option_give(value, length, device.name, (socklen_t)strlen(device.name) + 1);
}

/* Options that are a number kept by TCP for streams. */
static int set_stream_number(struct sock *sock, int name, int value)
{
    struct tcb_options *options = sock_is_stream(sock) ? stream_options(sock) : NULL;

    if (!options)
        return sock_is_stream(sock) ? -ENOBUFS : calls_are(&sock->file, CALLS_LINUX) ? plain_option_put(sock, SOL_SOCKET, name, value) : 0;
    if (name == SO_KEEPALIVE)
        options->keepalive = value;
    else
        options->oob_inline = value;
    stream_options_changed(sock);
    return 0;
}

static int set_rcvlowat(struct sock *sock, int value)
{
    struct sock_ext *ext = value == 1 ? sock->ext : sock_need_ext(sock);

    if (!ext)
        return value == 1 ? 0 : -ENOBUFS;
    ext->rcvlowat = value < 0 ? INT32_MAX : value ? (uint32_t)value : 1;
    if (sock_is_stream(sock) && calls_are(&sock->file, CALLS_LINUX) && stream_options_peek(sock) && stream_options_peek(sock)->rcvbuf)
        ext->rcvlowat = min_u32(ext->rcvlowat, stream_options_peek(sock)->rcvbuf / 2); /* tcp_set_rcvlowat */
    else if (sock_is_stream(sock) && calls_are(&sock->file, CALLS_LINUX))
        ext->rcvlowat = min_u32(ext->rcvlowat, sock->file.sockets->profile->tcp.rcvbuf_max / 2);
    if (sock_is_stream(sock) && stream_options(sock)) {
        stream_options(sock)->rcvlowat = ext->rcvlowat;
        stream_options_changed(sock);
        if (stream_tcb(sock) && calls_are(&sock->file, CALLS_LINUX))
            tcp_set_rcvlowat(stream_tcb(sock), ext->rcvlowat);
        if (sock->file.waiters)
            stream_check_events(sock);
    }
    return 0;
}

/* sbsetopt(): at most the buffer. */
static int set_sndlowat(struct sock *sock, int value)
{
    if (calls_are(&sock->file, CALLS_BSD) && value < 1)
        return -EINVAL;
    if (sock_is_stream(sock) && stream_options(sock)) {
        stream_options(sock)->sndlowat = value < 1 ? 1 : min_u32((uint32_t)value, (uint32_t)get_buffer(sock, true));
        stream_options_changed(sock);
    }
    return 0;
}

static int get_sndlowat(const struct sock *sock)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;
    uint32_t value = options && options->sndlowat ? options->sndlowat : 2048;

    return calls_are(&sock->file, CALLS_LINUX) ? 1 : (int)min_u32(value, (uint32_t)get_buffer(sock, true));
}

static int set_label(struct sock *sock, int name, int number)
{
    struct sock_ext *ext = sock_need_ext(sock);

    if (!ext)
        return -ENOBUFS;
    if (name == SO_MARK)
        ext->mark = (uint32_t)number;
    else
        ext->priority = number;
    return 0;
}

/* Of machines of 64 bits: the new options' struct timeval is the old one's. */
static int same_here(const struct sock *sock, int name)
{
    return !calls_are(&sock->file, CALLS_LINUX) ? name
           : name == SO_RCVTIMEO_NEW                 ? SO_RCVTIMEO
           : name == SO_SNDTIMEO_NEW                 ? SO_SNDTIMEO
                                                     : name;
}

int option_set_socket(struct lil_proc *proc, struct sock *sock, int called, const void *value, socklen_t length)
{
    const struct socket_params *params = sock_params(&sock->file);
    int number, name = same_here(sock, called);

    switch (name) {
    case SOCK_ACCEPTFILTER:
        if (params->call_policy == CALLS_BSD)
            return sock_is_stream(sock) ? accept_filter_set(sock, value, length) : -EINVAL;
        break;
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
        return set_timeout(sock, name == SO_SNDTIMEO, value, length);
    case SO_LINGER:
        return set_linger(sock, value, length);
    case SO_BINDTODEVICE:
        return set_device(sock, value, length);
    default:
        break;
    }
    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    switch (name) {
    case SO_SNDBUF:
    case SO_RCVBUF:
        return set_buffer(sock, name == SO_SNDBUF, number, false);
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        return proc_is_privileged(proc) ? set_buffer(sock, name == SO_SNDBUFFORCE, number, true) : -EPERM;
    case SO_KEEPALIVE:
    case SO_OOBINLINE:
        return set_stream_number(sock, name, number != 0);
    case SO_RCVLOWAT:
        if (params->call_policy == CALLS_BSD && number < 1)
            return -EINVAL;
        return set_rcvlowat(sock, params->call_policy == CALLS_BSD
                                      ? (int)min_u32((uint32_t)number, (uint32_t)get_buffer(sock, false))
                                      : number);
    case SO_SNDLOWAT: /* Linux: not changeable */
        return params->call_policy == CALLS_LINUX ? -ENOPROTOOPT : set_sndlowat(sock, number);
    case SO_PRIORITY:
        if ((number < 0 || number > PRIORITY_MAX) && !proc_is_privileged(proc))
            return -EPERM;
        /* fall through */
    case SO_MARK:
        return set_label(sock, name, number);
    case SO_ZEROCOPY:
        if (!(sock_is_stream(sock) || dgram_is_linux_udp(&sock->file)) || params->call_policy != CALLS_LINUX) /* Linux alone has it */
            return -ENOPROTOOPT;
        return number < 0 || number > 1 ? -EINVAL : zerocopy_enable(sock, number);
    case SO_BINDTOIFINDEX:
        if (params->call_policy != CALLS_LINUX)
            return -ENOPROTOOPT;
        return number < 0 ? -EINVAL : bind_to_interface(sock, number);
    case SO_TYPE:
    case SO_ERROR:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ACCEPTCONN:
        return -ENOPROTOOPT;
    default:
        if (params->call_policy == CALLS_BSD && name == SO_MAX_PACING_RATE)
            return plain_option_put(sock, SOL_SOCKET, name, number);
        return params->call_policy == CALLS_LINUX ? plain_option_set(proc, sock, name, value, length) : -ENOPROTOOPT; /* Linux's alone */
    }
}

static int pending_error(struct sock *sock)
{
    struct tcb *tcb;

    if (!sock_is_stream(sock))
        return dgram_error(sock, true);
    tcb = stream_tcb(sock);
    return tcb ? tcp_error(tcb, true) : 0;
}

/* FreeBSD: the completed queue and its limit; what is in the SYN cache is no socket yet. */
static int get_listen_queue(const struct sock *sock, int name, void *value, socklen_t *length)
{
    unsigned complete = 0, backlog = 0, held = sock->flags & SF_LISTENING ? tcp_listener_held(sock->listener) : 0;

    if (sock->flags & SF_LISTENING)
        tcp_listener_queues(sock->listener, NULL, &complete, &backlog);
    return option_give_int(value, length, (int)(name == SOCK_LISTENQLIMIT ? backlog : name == SOCK_LISTENQLEN ? complete : held));
}

int option_get_socket(struct sock *sock, int called, void *value, socklen_t *length)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;
    const struct sock_ext *ext = sock->ext;
    int name = same_here(sock, called);

    switch (name) {
    case SO_TYPE:
        return option_give_int(value, length, sock->file.type);
    case SO_DOMAIN:
        return option_give_int(value, length, sock->file.family);
    case SO_PROTOCOL:
        return option_give_int(value, length, sock->file.protocol);
    case SO_ERROR:
        return option_give_int(value, length, pending_error(sock));
    case SO_ACCEPTCONN:
        return option_give_flag(sock, SOL_SOCKET, name, value, length, sock->flags & SF_LISTENING);
    case SO_SNDBUF:
    case SO_RCVBUF:
        return option_give_int(value, length, get_buffer(sock, name == SO_SNDBUF));
    case SO_KEEPALIVE:
        return option_give_flag(sock, SOL_SOCKET, name, value, length,
                         options ? options->keepalive : !sock_is_stream(sock) && plain_option_value(sock, SOL_SOCKET, name));
    case SO_OOBINLINE:
        return option_give_flag(sock, SOL_SOCKET, name, value, length,
                         options ? options->oob_inline
                                 : !sock_is_stream(sock) && plain_option_value(sock, SOL_SOCKET, name));
    case SO_LINGER:
        return get_linger(sock, value, length);
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
        return get_timeout(sock, name == SO_SNDTIMEO, value, length);
    case SO_RCVLOWAT:
        return option_give_int(value, length, ext && ext->rcvlowat ? (int)ext->rcvlowat : 1);
    case SO_SNDLOWAT:
        return option_give_int(value, length, get_sndlowat(sock));
    case SO_PRIORITY:
        return option_give_int(value, length, ext ? ext->priority : 0);
    case SO_MARK:
        return option_give_int(value, length, ext ? (int)ext->mark : 0);
    case SO_ZEROCOPY:
        return (sock_is_stream(sock) || dgram_is_linux_udp(&sock->file)) && calls_are(&sock->file, CALLS_LINUX)
                   ? option_give_int(value, length, ext && ext->has_zerocopy)
                   : -ENOPROTOOPT;
    case SO_BINDTODEVICE:
        return get_device(sock, value, length);
    case SO_BINDTOIFINDEX:
        return calls_are(&sock->file, CALLS_LINUX) ? option_give_int(value, length, ext ? (int)ext->bind_ifindex : 0) : -ENOPROTOOPT;
    case SOCK_ACCEPTFILTER:
        if (calls_are(&sock->file, CALLS_BSD))
            return accept_filter_get(sock, value, length);
        return -ENOPROTOOPT;
    case SOCK_LISTENQLIMIT:
    case SOCK_LISTENQLEN:
    case SOCK_LISTENINCQLEN:
        if (calls_are(&sock->file, CALLS_BSD))
            return get_listen_queue(sock, name, value, length);
        return -ENOPROTOOPT;
    case SO_MAX_PACING_RATE:
        if (calls_are(&sock->file, CALLS_BSD))
            return option_give_int(value, length, plain_option_value(sock, SOL_SOCKET, name));
        /* fall through */
    default:
        return calls_are(&sock->file, CALLS_LINUX) ? plain_option_get(sock, name, value, length) : -ENOPROTOOPT;
    }
}
