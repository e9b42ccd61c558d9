/* tcp_mss.c: segment sizes: the MSS option (RFC 9293 3.7.1, RFC 6691), the path MTU (RFC 1191, 8201, 4821). */
#include "tcp/tcb.h"

enum { MIN_ADVMSS = 256, MIN_ADVMSS6 = 1220 }; /* net.ipv4.route.min_adv_mss: a route's MTU makes no less of it */

/* A SYN without an MSS option (RFC 9293 3.7.1, MUST-15). */
uint32_t mss_without_option(const struct tcp_params *params, bool is_v4)
{
    return is_v4 ? params->mss_default : params->mss_default6 ? params->mss_default6 : 1220;
}

uint32_t mss_of_mtu(const struct tcp *tcp, bool is_v4, uint32_t mtu)
{
    uint32_t headers = (is_v4 ? IPV4_LENGTH : IPV6_LENGTH) + TCP_LENGTH, floor = tcp->params.min_snd_mss;
    uint32_t mss = mtu > headers ? mtu - headers : 0;
    floor = floor > 8 ? floor : 48; /* CVE-2019-11479 */
    return min_u32(max_u32(mss, floor), 65535 - headers);
}

/* What the peer's SYN says. One of 0 is none, for Linux (tcp_parse_options()) and FreeBSD (tcp_mss_update()). */
uint32_t mss_of_syn(const struct tcp_params *params, bool is_v4, const struct tcp_options *options)
{
    uint32_t floor = params->min_snd_mss > 8 ? params->min_snd_mss : 48;
    return max_u32(options->has_mss && options->mss ? options->mss : mss_without_option(params, is_v4), floor);
}

/* RFC 3542 11.1 (IPV6_USE_MIN_MTU). */
static uint32_t limit_mtu(const struct tcb_opts *opts, bool is_v4, uint32_t mtu)
{
    return opts->socket.most_mtu6 && !is_v4 ? min_u32(mtu, opts->socket.most_mtu6) : mtu;
}

/* What the interface's MTU, not the path's, bears. */
static uint32_t offer_of_path(const struct tcp *tcp, const struct tcp_path *path, const struct flow *flow, const struct tcb_opts *opts)
{
    bool is_v4 = addr_is_v4(&flow->remote);
    bool is_linux = tcp->params.input_policy == TCP_INPUT_LINUX;
    uint32_t told = path->metrics ? path->metrics->advmss : 0, mtu = path->mtu;
    if (is_linux && path->link_mtu) /* 7.2: not what ICMP told of the way out (ip_dst_mtu_configured()) */
        mtu = path->metrics && path->metrics->mtu ? path->metrics->mtu : path->link_mtu;
    uint32_t mss = told ? told : mss_of_mtu(tcp, is_v4, limit_mtu(opts, is_v4, mtu));
    if (!told && is_linux)
        mss = max_u32(mss, is_v4 ? MIN_ADVMSS : MIN_ADVMSS6);
    if (tcp->params.mss_off_net && !path->is_local_net)
        mss = min_u32(mss, tcp->params.mss_off_net);
    if (tcp->params.mss_512_multiple && mss > 512)
        mss &= ~511u; /* 4.2 to 4.4: whole clusters */
    if (flow->encaps_port)
        mss = max_u32(mss - min_u32(tcp->params.udp_tunneling_overhead, mss), tcp->params.min_snd_mss);
    return mss;
}

/* What to announce (RFC 9293 3.7.1, MUST-67; SHLD-5). */
uint32_t mss_offer(const struct tcp *tcp, const struct tcp_path *path, const struct flow *flow, const struct tcb_opts *opts)
{
    uint32_t mss = offer_of_path(tcp, path, flow, opts);
    return opts->user_mss && tcp->params.call_policy != TCP_CALLS_BSD ? min_u32(mss, opts->user_mss) : mss;
}

/* Bytes of options that each segment has and the MSS leaves room for: on Linux (tcp_header_len) a signature's go off each segment. */
uint32_t mss_options(const struct tcb *tcb)
{
    bool has_room = tcb_params(tcb)->input_policy != TCP_INPUT_LINUX && tcb_is_signed(tcb);
    return (tcb->ts_ok ? TS_BYTES : 0) + (has_room ? MD5_OPTION : 0);
}

/* And of IP's (ip(7)): a socket's IPv4 options go with IPv4 alone. */
static uint32_t mss_extra(const struct tcb *tcb)
{
    return !tcb->is_guarded ? 0 : tcb->is_v4 ? tcb->opt->socket.extra_v4_bytes : tcb->opt->socket.extra_v6_bytes;
}

/* What fits a packet of MTU bytes beside them. */
uint32_t mss_by_mtu(const struct tcb *tcb, uint32_t mtu)
{
    mtu = limit_mtu(tcb->opt, tcb->is_v4, mtu);
    uint32_t tunnel = tcb->flow.encaps_port ? min_u32(tcb_params(tcb)->udp_tunneling_overhead, mtu) : 0;
    uint32_t mss = mss_of_mtu(tcb->tcp, tcb->is_v4, mtu - tunnel), always = mss_options(tcb);
    if (tcb_params(tcb)->mss_off_net && !tcb->is_local_net)
        mss = min_u32(mss, tcb_params(tcb)->mss_off_net);
    if (tcb_params(tcb)->mss_512_multiple && mss > 512)
        mss &= ~511u;
    mss = min_u32(mss, tcb->mss_clamp);
    always += mss_extra(tcb);
    if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) /* __tcp_mtu_to_mss(): the least counts after TCP_MAXSEG */
        mss = max_u32(mss, tcb_params(tcb)->min_snd_mss + mss_extra(tcb));
    return mss > always + 8 ? mss - always : 8;
}

/* The effective send MSS (RFC 9293 3.7.1, MUST-16). */
void mss_sync(struct tcb *tcb, uint32_t pmtu)
{
    uint32_t mss = mss_by_mtu(tcb, pmtu);
    /* never more than half the peer's largest window (RFC 9293 3.8.6.2.1) */
    if (tcb->max_window && tcb_params(tcb)->input_policy != TCP_INPUT_BSD) {
        uint32_t cutoff = tcb->max_window > 536 ? tcb->max_window >> 1 : tcb->max_window;
        mss = min_u32(mss, max_u32(cutoff, 68 - TCP_LENGTH));
    }
    if (tcb->ext) {
        tcb->ext->pmtu = pmtu;
        tcb->ext->mtu_high = min_u32(tcb->ext->mtu_high, pmtu);
        if (tcb->ext->mtu_probing)
            mss = min_u32(mss, mss_by_mtu(tcb, tcb->ext->mtu_low));
    }
    if (tcb->ext && tcb_is_synchronized(tcb) && mss != tcb->mss)
        cwnd_hold_rate(tcb); /* of the segments until now, until an ACK comes */
    tcb->mss = (uint16_t)(mss ? mss : 1);
}

/* The route's MTU has changed and nobody was told: what goes out next is cut by it (Linux: tcp_current_mss()). */
void mss_follow_route(struct tcb *tcb)
{
    uint32_t mtu = tcb->ext->route_mtu;
    tcb->ext->route_moved = false;
    if (mtu && mtu < tcb->ext->pmtu)
        tcb->ext->pmtu = mtu;
    if (mtu > tcb->ext->pmtu && mtu == mss_path_mtu(tcb)) /* larger again, and not by an ICMP message */
        mss_sync(tcb, mtu);
    if (!mtu || mtu >= (uint32_t)tcb->mss + (tcb->is_v4 ? 40 : 60) + (tcb->ts_ok ? 12 : 0))
        return;
    mss_sync(tcb, mtu);
    tcb->gso_segs = 0;
}

/* Without host/ or without a way: 1500 bytes. */
const struct tcp_path *mss_path(struct tcp *tcp, const struct flow *flow, int *error)
{
    static const struct tcp_path unknown = {.mtu = 1500};
    const struct tcp_path *path = &unknown;
    *error = tcp->hooks.path ? tcp->hooks.path(tcp->hooks.ctx, &flow->local, &flow->remote, &path) : 0;
    return path;
}

uint32_t mss_path_mtu(const struct tcb *tcb)
{
    int error;
    return mss_path(tcb->tcp, &tcb->flow, &error)->mtu;
}

/* What Linux looks up in the route each time, not only when the connection opens. */
static void follow_metrics(struct tcb *tcb, const struct path_metrics *metrics)
{
    static const struct path_metrics none;
    struct path_metrics now = tcb->opt->path;
    metrics = metrics ? metrics : &none;
    now.quickack = metrics->quickack;
    now.rto_min_ms = metrics->rto_min_ms;
    now.initcwnd = metrics->initcwnd;
    now.mtu_lock = metrics->mtu_lock;
    struct tcb_opts *own = memcmp(&now, &tcb->opt->path, sizeof now) ? tcb_opts_own(tcb) : NULL;
    if (!own)
        return;
    own->path = now;
    own->has_path = true;
    own->rto_min_ms = now.rto_min_ms ? now.rto_min_ms : (own->rto_min_us + 999) / 1000;
    tcb->is_guarded = opts_are_guarded(own);
}

/* The way has changed. Its device's MTU holds for the data that is sent next (mss_follow_route()); a route's is seen when something has
 * gone by it (IS_SENT): where that was too large, an ICMP message of our own says so. */
void mss_follow_path(struct tcb *tcb, bool is_sent)
{
    int error;
    const struct tcp_path *path = mss_path(tcb->tcp, &tcb->flow, &error);
    bool is_late = error == 0 && path->metrics && path->metrics->mtu && !is_sent;
    tcb->ext->path_moved = is_late;
    if (error < 0)
        return;
    follow_metrics(tcb, path->metrics);
    if (is_late || path->mtu == tcb->ext->pmtu)
        return;
    tcb->ext->route_mtu = path->mtu;
    tcb->ext->route_moved = true;
}

static void note_path_moves(void *ctx, void *object, uint32_t slot)
{
    struct tcb *tcb = object;
    (void)ctx, (void)slot;
    if (!(tcb_is_synchronized(tcb) || tcb->state == TCPS_SYN_SENT) || !tcb_ext_get(tcb))
        return;
    tcb->ext->path_moved = true;
    if (!tcb->ext->pmtu)
        tcb->ext->pmtu = mss_path_mtu(tcb);
}

void tcp_path_moves(struct tcp *tcp)
{
    if (tcp->params.output_policy == TCP_OUTPUT_LINUX)
        slab_each(&tcp->tcbs, note_path_moves, NULL);
}

static void use_path(struct tcb *tcb, const struct tcp_path *path)
{
    mss_sync(tcb, path->mtu);
    tcb->gso_segs = 0;
    if (path->gso_max && !tcb->flow.encaps_port && !mss_extra(tcb) && !tcb_is_signed(tcb) /* each segment has a signature of its own */)
        tcb->gso_segs = (uint8_t)min_u32(path->gso_max / tcb->mss, 255);
    window_guess_mss(tcb);
}

static void clamp_to_peer(struct tcb *tcb, uint32_t peer_mss)
{
    uint32_t own = tcb_params(tcb)->call_policy == TCP_CALLS_BSD ? 0 : tcb->opt->user_mss; /* FreeBSD: of the moment alone */
    tcb->mss_clamp = (uint16_t)(own && own < peer_mss ? own : peer_mss);
}

bool opts_are_guarded(const struct tcb_opts *opts)
{
    return opts->md5 || opts->socket.min_ttl[0] || opts->socket.min_ttl[1] || opts->socket.own_ip || opts->path.mtu_lock;
}

/* What the route says (NULL: nothing) goes before the host's parameters; the last connection's of this socket has gone. */
static int use_metrics(struct tcb *tcb, const struct path_metrics *metrics)
{
    static const struct path_metrics none;
    unsigned number;
    if (!metrics && !tcb->opt->has_path)
        return 0;
    if (!metrics)
        metrics = &none;
    if (memcmp(metrics, &tcb->opt->path, sizeof none) == 0)
        return 0;
    struct tcb_opts *own = tcb_opts_own(tcb);
    if (!own)
        return -ENOBUFS;
    own->path = *metrics;
    own->has_path = metrics != &none;
    own->rto_min_ms = metrics->rto_min_ms ? metrics->rto_min_ms : (own->rto_min_us + 999) / 1000;
    if (metrics->cc[0] && cc_find(metrics->cc, &number)) /* Linux: tcp_ca_dst_init(), tcp_ca_openreq_child() */
        own->cc = (uint8_t)(number + 1);
    tcb->is_guarded = opts_are_guarded(own);
    return 0;
}

/* Asks host/ for the way; sets the local address if bind() gave none (RFC 9293 3.9.1.1, MUST-44), the MSS to announce and to use: with an
 * active open it is refined when the peer's is known. */
int mss_init(struct tcb *tcb, uint32_t peer_mss)
{
    struct tcp *tcp = tcb->tcp;
    int error;
    const struct tcp_path *path = mss_path(tcp, &tcb->flow, &error);
    if (error == 0)
        error = use_metrics(tcb, path->metrics);
    if (error < 0)
        return error;
    if (addr_is_any(&tcb->flow.local) && tcp->hooks.path)
        tcb->flow.local = path->local;
    tcb->advmss = (uint16_t)mss_offer(tcp, path, &tcb->flow, tcb->opt);
    tcb->is_loopback = path->is_loopback;
    tcb->csum_offload = path->csum_offload;
    tcb->is_local_net = path->is_local_net;
    clamp_to_peer(tcb, peer_mss ? peer_mss : 65535);
    /* an active open has the route's from the handshake's end on (rtt_on_established) */
    bool is_late = peer_mss == 0 && tcp->params.rto_policy == TCP_RTO_LINUX;
    tcb->cwnd = tcb->opt->path.initcwnd && !is_late ? tcb->opt->path.initcwnd : tcp->params.initial_window;
    if (tcb->cwnd == 0)
        tcb->cwnd = 1;
    use_path(tcb, path);
    return 0;
}

/* A SYN that goes again announces no more than the path is known to bear by now (Linux: tcp_advertise_mss(); FreeBSD: tcp_mssopt());
 * a TCP_MAXSEG since then comes too late for it. */
void mss_offer_again(struct tcb *tcb)
{
    int error;
    const struct tcp_path *path = mss_path(tcb->tcp, &tcb->flow, &error);
    if (error == 0)
        tcb->advmss = (uint16_t)min_u32(tcb->advmss, offer_of_path(tcb->tcp, path, &tcb->flow, tcb->opt));
}

/* The SYN/ACK was seen: the peer's MSS (RFC 9293 3.7.1, MUST-14; default 536, 1220 for IPv6: MUST-15), then ours again. */
void mss_negotiated(struct tcb *tcb, const struct tcp_options *options)
{
    const struct tcp_params *params = tcb_params(tcb);
    clamp_to_peer(tcb, mss_of_syn(params, tcb->is_v4, options));
    plpmtud_init(tcb, max_u32(mss_options(tcb), params->offer_timestamps ? TS_BYTES : 0)); /* as our SYN had it */
    int error;
    struct tcp_path path = *mss_path(tcb->tcp, &tcb->flow, &error);
    if (tcb->ext && tcb->ext->path_moved) { /* Linux looks up the route anew only behind this, and for its metrics alone */
        mss_follow_path(tcb, false);
        path.mtu = tcb->ext->pmtu;
    }
    use_path(tcb, &path);
}

/* What a data segment may carry beside its options (SACK blocks take room). */
uint32_t mss_current(const struct tcb *tcb)
{
    uint32_t mss = tcb->mss;
    if (tcb->is_guarded || (tcb->ext && (tcb->ext->recent_count || tcb->ext->has_dsack || accecn_is_on(tcb)))) {
        uint32_t extra = (uint32_t)output_options_size(tcb) - mss_options(tcb);
        mss = mss > extra + 8 ? mss - extra : 8;
    }
    return mss;
}

/* The same path, but the peer's window or an option changed: computes the MSS again. */
void mss_refresh(struct tcb *tcb)
{
    uint32_t pmtu = tcb_ext_peek(tcb)->pmtu;
    mss_sync(tcb, pmtu ? pmtu : mss_path_mtu(tcb));
}
