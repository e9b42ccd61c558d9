/* tcp_options.c: the IPPROTO_TCP socket options under Linux's names, for connections and for listeners (whose connections inherit). */
#include <linux/tcp.h>
#include "tcp/sockopt/tcp_repair.h"

enum { OPT_IS_MPTCP = 43, OPT_RTO_MAX_MS = 44, OPT_RTO_MIN_US = 45, OPT_DELACK_MAX_US = 46 }; /* newer than Debian 12's headers */

static int get_int(int number, void *value, unsigned *length)
{
    *length = min_u32(*length, sizeof number);
    memcpy(value, &number, *length);
    return 0;
}

/* TCP_DEFER_ACCEPT: seconds to SYN/ACK retransmissions and back, as Linux rounds them. */
static uint8_t secs_to_retrans(int seconds, int timeout, int most)
{
    uint8_t n = 0;
    if (seconds > 0) {
        int period = timeout;
        n = 1;
        while (seconds > period && n < 255) {
            n++;
            timeout <<= 1;
            if (timeout > most)
                timeout = most;
            period += timeout;
        }
    }
    return n;
}

static int retrans_to_secs(uint8_t n, int timeout, int most)
{
    int period = 0;
    if (n > 0) {
        period = timeout;
        while (--n) {
            timeout <<= 1;
            if (timeout > most)
                timeout = most;
            period += timeout;
        }
    }
    return period;
}

/* TCP_MD5SIG names one peer, TCP_MD5SIG_EXT perhaps a prefix (tcp(7)); a key of no bytes is taken away. */
static int set_md5(struct tcp *tcp, struct tcb_opts *opts, int name, const void *value, unsigned length)
{
    struct tcp_md5sig request;
    struct prefix peers = {.length = 128};
    uint16_t port;
    uint32_t scope;
    if (length < sizeof request)
        return -EINVAL;
    memcpy(&request, value, sizeof request);
    if (addr_from_sockaddr((const struct sockaddr *)&request.tcpm_addr, sizeof request.tcpm_addr, &peers.addr, &port, &scope) < 0)
        return -EINVAL;
    if (name == TCP_MD5SIG_EXT && (request.tcpm_flags & TCP_MD5SIG_FLAG_PREFIX)) {
        unsigned bits = addr_is_v4(&peers.addr) ? 32 : 128;
        if (request.tcpm_prefixlen > bits)
            return -EINVAL;
        peers.length = (uint8_t)(128 - bits + request.tcpm_prefixlen);
    }
    return request.tcpm_keylen > TCP_KEY_LENGTH ? -EINVAL : md5_key_set(tcp, opts, &peers, request.tcpm_key, request.tcpm_keylen);
}

/* TCP_FASTOPEN_KEY: one key, or the one for new cookies and an older one that still counts (RFC 7413 5.1, ip-sysctl). */
static int set_fastopen_key(struct tcb_opts *opts, const void *value, unsigned length)
{
    if (length != sizeof opts->fastopen_key[0] && length != sizeof opts->fastopen_key)
        return -EINVAL;
    memcpy(opts->fastopen_key, value, length);
    opts->has_fastopen_key = true;
    opts->has_fastopen_backup = length == sizeof opts->fastopen_key;
    return 0;
}

/* The socket's own, not the host's (Linux: tcp_fastopen_get_cipher). */
static int get_fastopen_key(const struct tcb_opts *opts, void *value, unsigned *length)
{
    unsigned count = opts->has_fastopen_key ? 1 + opts->has_fastopen_backup : 0;
    *length = min_u32(*length, count * (unsigned)sizeof opts->fastopen_key[0]);
    memcpy(value, opts->fastopen_key, *length);
    return 0;
}

static int set_flag(int number, int most, bool *flag)
{
    if (number < 0 || number > most)
        return -EINVAL;
    *flag = number != 0;
    return 0;
}

/* The options that are times and counts of keepalive, SYNs and closing; R2: TCP_USER_TIMEOUT (RFC 9293 3.8.3, MUST-21). */
static int set_timer(struct tcb_opts *opts, int name, int number)
{
    switch (name) {
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
        if (number < 1 || number > 32767)
            return -EINVAL;
        *(name == TCP_KEEPIDLE ? &opts->keep_idle_ms : &opts->keep_interval_ms) = (uint32_t)number * 1000;
        return 0;
    case TCP_KEEPCNT:
    case TCP_SYNCNT:
        if (number < 1 || number > 127)
            return -EINVAL;
        if (name == TCP_KEEPCNT)
            opts->keep_probes = (uint32_t)number;
        else
            opts->syn_retries = (uint8_t)number;
        return 0;
    case TCP_OPTION_KEEPINIT:
        if (number < 1 || number > 2000000)
            return -EINVAL;
        opts->keep_init_ms = (uint32_t)number * 1000;
        return 0;
    case TCP_LINGER2:
        opts->linger2_ms = number < 0 ? -1 : number > 120 ? 120000 : number * 1000;
        return 0;
    case TCP_DEFER_ACCEPT:
        opts->defer_accept = secs_to_retrans(number, 1, 120);
        return 0;
    case TCP_USER_TIMEOUT:
        if (number < 0)
            return -EINVAL;
        opts->user_timeout_ms = (uint32_t)number;
        return 0;
    case OPT_RTO_MAX_MS:
        if (number < 1000 || number > 120000)
            return -EINVAL;
        opts->rto_max_ms = (uint32_t)number;
        return 0;
    case OPT_RTO_MIN_US:
    case OPT_DELACK_MAX_US:
        if (number < 1001 || number > 200000) /* two ticks of a millisecond, Linux's TCP_TIMEOUT_MIN */
            return -EINVAL;
        if (name == OPT_DELACK_MAX_US) {
            opts->delack_max_ms = ((uint32_t)number + 999) / 1000;
            return 0;
        }
        opts->rto_min_us = (uint32_t)number;
        if (!opts->path.rto_min_ms)
            opts->rto_min_ms = ((uint32_t)number + 999) / 1000;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* Linux's socket is closed when another keeps its place for TIME-WAIT. */
static bool linux_closed(const struct tcb *tcb)
{
    return tcb->state == TCPS_CLOSED || (tcb->state == TCPS_TIME_WAIT && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX);
}

/* RFC 9293 3.7.4: TCP_NODELAY (MUST-17). */
static int set_shared(struct tcp *tcp, struct tcb_opts *opts, int name, int number, enum tcp_state state)
{
    bool thin, is_unborn = state == TCPS_CLOSED || state == TCPS_LISTEN;
    switch (name) {
    case TCP_NODELAY:
        opts->socket.nodelay = number != 0;
        return 0;
    case TCP_MAXSEG:
        if (number && (number < 88 || number > 32767))
            return -EINVAL;
        opts->user_mss = (uint16_t)number;
        return 0;
    case TCP_CORK:
        opts->cork = number != 0;
        return 0;
    case TCP_OPTION_NOOPT:
        opts->no_options = number != 0;
        return 0;
    case TCP_WINDOW_CLAMP:
        if (number == 0 && state != TCPS_CLOSED)
            return -EINVAL;
        opts->window_clamp = number == 0 ? 0 : (uint32_t)(number < 1152 ? 1152 : number);
        return 0;
    case TCP_NOTSENT_LOWAT:
        opts->notsent_lowat = (uint32_t)number;
        return 0;
    case TCP_THIN_LINEAR_TIMEOUTS:
        if (set_flag(number, 1, &thin) < 0)
            return -EINVAL;
        opts->thin_linear = thin;
        return 0;
    case TCP_THIN_DUPACK:
        return set_flag(number, 1, &thin);
    case TCP_SAVE_SYN:
        if (number < 0 || number > 2)
            return -EINVAL;
        opts->save_syn = (uint8_t)number;
        return 0;
    case TCP_FASTOPEN:
        if (number < 0 || !is_unborn)
            return -EINVAL;
        tcp->has_fastopen_key = true; /* whatever it is */
        opts->fastopen_qlen = (uint16_t)min_u32((uint32_t)number, tcp->params.somaxconn >= 0 ? (uint32_t)tcp->params.somaxconn : 65535);
        return 0;
    case TCP_FASTOPEN_CONNECT:
        if (number >= 0 && number <= 1 && !(tcp->params.fastopen & 1))
            return -EOPNOTSUPP;
        return state == TCPS_CLOSED ? set_flag(number, 1, &opts->fastopen_connect) : -EINVAL;
    case TCP_FASTOPEN_NO_COOKIE:
        return is_unborn ? set_flag(number, 1, &opts->fastopen_no_cookie) : -EINVAL;
    case TCP_TX_DELAY: /* kept: the devices here have no queue that would hold a packet back (Linux: fq) */
        if (tcp->params.call_policy != TCP_CALLS_LINUX)
            return -ENOPROTOOPT;
        if (number < 0 || number >= 1 << 28)
            return -EINVAL;
        opts->tx_delay_us = (uint32_t)number;
        return 0;
    case TCP_INQ:
        return set_flag(number, 1, &opts->inq);
    default:
        return set_timer(opts, name, number);
    }
}

static int get_shared(struct tcp *tcp, const struct tcb_opts *opts, int name, int *number)
{
    const struct tcp_params *params = &tcp->params;
    switch (name) {
    case TCP_NODELAY: *number = opts->socket.nodelay; return 0;
    case TCP_CORK: *number = opts->cork; return 0;
    case TCP_OPTION_NOOPT: *number = opts->no_options; return 0;
    case TCP_OPTION_KEEPINIT: *number = (int)((opts->keep_init_ms ? opts->keep_init_ms : params->syn.give_up_ms) / 1000); return 0;
    case TCP_KEEPIDLE: *number = (int)((opts->keep_idle_ms ? opts->keep_idle_ms : params->keepalive_idle_ms) / 1000); return 0;
    case TCP_KEEPINTVL: *number = (int)((opts->keep_interval_ms ? opts->keep_interval_ms : params->keepalive_interval_ms) / 1000); return 0;
    case TCP_KEEPCNT: *number = opts->keep_probes ? (int)opts->keep_probes : params->keepalive_probes; return 0;
    case TCP_SYNCNT:
        *number = opts->syn_retries
                      ? opts->syn_retries
                      : params->syn.retries - (params->syn.count ? (int)min_u32(params->syn.retries, params->syn_linear_timeouts) : 0);
        return 0;
    case TCP_LINGER2:
        *number = opts->linger2_ms < 0 ? -1 : (int)(opts->linger2_ms ? (uint32_t)opts->linger2_ms : params->fin_wait2_ms) / 1000;
        return 0;
    case TCP_DEFER_ACCEPT: *number = retrans_to_secs(opts->defer_accept, 1, 120); return 0;
    case TCP_WINDOW_CLAMP: *number = (int)opts->window_clamp; return 0;
    case TCP_USER_TIMEOUT: *number = (int)opts->user_timeout_ms; return 0;
    case TCP_NOTSENT_LOWAT: *number = (int)opts->notsent_lowat; return 0;
    case TCP_THIN_LINEAR_TIMEOUTS: *number = opts->thin_linear; return 0;
    case TCP_THIN_DUPACK: *number = 0; return 0;
    case TCP_SAVE_SYN: *number = opts->save_syn; return 0;
    case TCP_FASTOPEN: *number = opts->fastopen_qlen; return 0;
    case TCP_FASTOPEN_CONNECT: *number = opts->fastopen_connect; return 0;
    case TCP_FASTOPEN_NO_COOKIE: *number = opts->fastopen_no_cookie; return 0;
    case TCP_INQ: *number = opts->inq; return 0;
    case OPT_RTO_MAX_MS: *number = (int)(opts->rto_max_ms ? opts->rto_max_ms : params->rto_max_ms); return 0;
    case OPT_RTO_MIN_US: *number = (int)(opts->rto_min_us ? (opts->rto_min_us + 999) / 1000 : params->rto_min_ms) * 1000; return 0;
    case OPT_DELACK_MAX_US: *number = (int)(opts->delack_max_ms ? opts->delack_max_ms : 200) * 1000; return 0;
    case TCP_TX_DELAY: *number = (int)opts->tx_delay_us; return params->call_policy == TCP_CALLS_LINUX ? 0 : -ENOPROTOOPT;
    case OPT_IS_MPTCP: *number = 0; return params->call_policy == TCP_CALLS_LINUX ? 0 : -ENOPROTOOPT;
    default: return -ENOPROTOOPT;
    }
}

static int set_congestion(struct tcb_opts *opts, const void *value, unsigned length)
{
    char name[17];
    unsigned number;
    unsigned n = min_u32(length, sizeof name - 1);
    if (n == 0)
        return -EINVAL;
    if (opts->path.cc_lock)
        return -EPERM;
    memcpy(name, value, n);
    name[n] = 0;
    const struct cc_ops *cc = cc_find(name, &number);
    if (!cc || !(cc->systems & CC_ON_LINUX))
        return -ENOENT;
    opts->cc = (uint8_t)(number + 1);
    return 0;
}

/* What changes a running connection at once. */
static void apply(struct tcb *tcb, int name, int number)
{
    switch (name) {
    case TCP_NODELAY:
        tcb->dont_nagle = number != 0;
        if (number && tcb->ext && (tcb->opt->cork || tcb->ext->msg_more) && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX) {
            tcb->ext->nagle_push = true;
            tcb->ext->nagle_end = tcb->write_seq;
        }
        tcb_mark_due(tcb);
        break;
    case TCP_CORK:
        if (!number && tcb->ext)
            tcb->ext->msg_more = tcb->ext->nagle_push = false;
        tcb_mark_due(tcb);
        break;
    case TCP_KEEPIDLE:
        if (tcb_params(tcb)->call_policy == TCP_CALLS_BSD)
            timer_syn_end_changed(tcb, tcb->opt->keep_idle_ms ? tcb->opt->keep_idle_ms : tcb_params(tcb)->keepalive_idle_ms);
        keepalive_changed(tcb);
        break;
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
        if (tcb_params(tcb)->call_policy == TCP_CALLS_BSD)
            fin_wait_2_changed(tcb);
        break;
    case TCP_OPTION_KEEPINIT:
        timer_syn_end_changed(tcb, tcb->opt->keep_init_ms ? tcb->opt->keep_init_ms : tcb_params(tcb)->syn.give_up_ms);
        break;
    case TCP_WINDOW_CLAMP:
        if (tcb_is_synchronized(tcb))
            window_set_clamp(tcb, tcb->opt->window_clamp);
        break;
    case TCP_MAXSEG:
        /* Linux: for the next connection */
        if (tcb->state == TCPS_CLOSED || number == 0 || tcb_params(tcb)->call_policy == TCP_CALLS_LINUX)
            break;
        tcb->mss_clamp = (uint16_t)min_u32(tcb->mss_clamp, (uint32_t)number);
        mss_refresh(tcb);
        break;
    case TCP_NOTSENT_LOWAT:
        tcb_mark_due(tcb);
        break;
    default:
        break;
    }
}

static int set_quickack(struct tcb *tcb, int number)
{
    if (number == 0) {
        tcb->pingpong = PINGPONG_MOST;
        return 0;
    }
    tcb->pingpong = 0;
    bool is_open = tcb->state == TCPS_ESTABLISHED || tcb->state == TCPS_CLOSE_WAIT;
    if (tcb->ack_sched && is_open) { /* Linux: as if something had been read: what waits holds the ACK back */
        tcb->ack_pushed = true;
        window_on_peek(tcb);
        if (!(number & 1))
            tcb->pingpong = PINGPONG_MOST;
    }
    return 0;
}

/* What is no number. -EAGAIN: NAME is one. */
static int set_special(struct tcp *tcp, struct tcb_opts *opts, int name, const void *value, unsigned length, enum tcp_state state)
{
    bool is_linux = tcp->params.call_policy == TCP_CALLS_LINUX;
    switch (name) {
    case TCP_CONGESTION:
        return set_congestion(opts, value, length);
    case TCP_MD5SIG:
    case TCP_MD5SIG_EXT:
        return is_linux ? set_md5(tcp, opts, name, value, length) : -ENOPROTOOPT;
    case TCP_FASTOPEN_KEY:
        return is_linux ? set_fastopen_key(opts, value, length) : -ENOPROTOOPT;
    case TCP_ULP: /* no protocol can be put upon a connection here */
        if (!is_linux)
            return -ENOPROTOOPT;
        return length == 0 ? -EINVAL : length >= 3 && memcmp(value, "tls", 3) == 0 && state != TCPS_ESTABLISHED ? -ENOTCONN : -ENOENT;
    default:
        return -EAGAIN;
    }
}

static void note_own_ip(struct tcb_options *options)
{
    options->own_ip = options->extra || options->flow_label || options->extra_v4_bytes || options->extra_v6_bytes;
}

int tcp_set_flow_label(struct tcb *tcb, uint32_t label)
{
    struct tcb_opts *own = label == tcb->opt->socket.flow_label ? tcb->opt : tcb_opts_own(tcb);
    if (!own)
        return -ENOBUFS;
    if (own->socket.flow_label == label)
        return 0;
    own->socket.flow_label = label;
    note_own_ip(&own->socket);
    tcb->is_guarded = opts_are_guarded(own) || repair_is_on(tcb);
    return 0;
}

int tcp_set_extra(struct tcp *tcp, struct tcb *tcb, struct tcp_listener *listener, struct ip_extra *extra, uint64_t now_ns)
{
    struct tcb_opts *own = tcb ? tcb_opts_own(tcb) : listener_opts_own(listener);
    if (!own) {
        ip_extra_unref(tcp->pool, extra);
        return -ENOBUFS;
    }
    ip_extra_unref(tcp->pool, own->socket.extra);
    own->socket.extra = extra;
    own->socket.extra_v4_bytes = extra && extra->version == 4 ? extra->length : 0;
    if (!tcb || tcb->state == TCPS_CLOSED) /* Linux: ipv6_update_options() leaves a connection's segments as large as they were */
        own->socket.extra_v6_bytes = extra && extra->version == 6 ? extra->length : 0;
    note_own_ip(&own->socket);
    if (!tcb)
        return 0;
    tcp_set_now(tcp, now_ns);
    tcb->is_guarded = opts_are_guarded(own) || repair_is_on(tcb);
    if (tcb->mss) {
        tcb->gso_segs = 0;
        mss_refresh(tcb);
    }
    return 0;
}

int tcp_setopt(struct tcp *tcp, struct tcb *tcb, int name, const void *value, unsigned length, uint64_t now_ns)
{
    int number;
    tcp_set_now(tcp, now_ns);
    struct tcb_opts *own = tcb_opts_own(tcb);
    if (!own)
        return -ENOBUFS;
    if (tcp->params.call_policy == TCP_CALLS_BSD) {
        int result = bsd_setopt(tcp, tcb, own, name, value, length);
        if (result == 0 && name != TCP_CONGESTION)
            apply(tcb, name, *(const int *)value);
        return result;
    }
    const struct cc_ops *cc = cc_get(tcb);
    int error = set_special(tcp, own, name, value, length, tcb->state);
    if (error != -EAGAIN) {
        if (cc_get(tcb) != cc)
            cwnd_change(tcb);
        tcb->is_guarded = opts_are_guarded(own) || repair_is_on(tcb);
        if (tcb_is_signed(tcb))
            tcb->gso_segs = 0;
        return error;
    }
    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (name == TCP_QUICKACK)
        return set_quickack(tcb, number);
    if (tcb_params(tcb)->call_policy == TCP_CALLS_LINUX && repair_has(name))
        return repair_setopt(tcb, name, number, value, length);
    if (name == TCP_MAXSEG && tcb->state != TCPS_CLOSED && number && number < 88)
        return -EINVAL;
    uint32_t before_us = own->tx_delay_us;
    error = set_shared(tcp, own, name, number, linux_closed(tcb) ? TCPS_CLOSED : tcb->state);
    if (error == 0)
        apply(tcb, name, number);
    if (before_us != own->tx_delay_us && tcb->state == TCPS_ESTABLISHED)
        rtt_shift(tcb, (int32_t)(own->tx_delay_us - before_us));
    return error;
}

/* What is no number and is read of a listener too. -EAGAIN: NAME is none of these. */
static int get_special(const struct tcp *tcp, const struct tcb_opts *opts, const char *congestion, int name, void *value, unsigned *length)
{
    char text[16] = {0};
    switch (name) {
    case TCP_CONGESTION:
        strncpy(text, congestion, sizeof text - 1);
        *length = min_u32(*length, tcp->params.call_policy == TCP_CALLS_BSD ? (unsigned)strlen(text) + 1 : sizeof text);
        memcpy(value, text, *length);
        return 0;
    case TCP_CC_INFO:
        return tcp->params.call_policy == TCP_CALLS_LINUX ? -EAGAIN : -ENOPROTOOPT;
    case TCP_ULP:
        if (tcp->params.call_policy != TCP_CALLS_LINUX)
            return -ENOPROTOOPT;
        *length = 0; /* none */
        return 0;
    case TCP_FASTOPEN_KEY:
        return tcp->params.call_policy == TCP_CALLS_LINUX ? get_fastopen_key(opts, value, length) : -ENOPROTOOPT;
    default:
        return -EAGAIN;
    }
}

/* TCP_ZEROCOPY_RECEIVE: no memory is mapped here, so nothing is received by this way; it says how much a read would give (tcp(7)). */
static int get_zerocopy(struct tcb *tcb, void *value, unsigned *length)
{
    struct tcp_zerocopy_receive request = {0};
    if (*length < offsetof(struct tcp_zerocopy_receive, recv_skip_hint))
        return -EINVAL;
    *length = min_u32(*length, sizeof request);
    memcpy(&request, value, *length);
    if (request.address & 4095)
        return -EINVAL;
    request.length = 0;
    request.recv_skip_hint = request.inq = tcb->readable;
    request.copybuf_len = 0;
    if (!tcb->readable && tcb->fin_rcvd)
        return -EIO;
    request.err = *length > offsetof(struct tcp_zerocopy_receive, err) ? -tcp_error(tcb, true) : 0;
    memcpy(value, &request, *length);
    return 0;
}

/* Read once. */
static int get_saved_syn(struct tcb *tcb, void *value, unsigned *length)
{
    struct saved_syn *saved = tcb->ext ? tcb->ext->saved_syn : NULL;
    unsigned room = *length;
    *length = saved ? saved->length : 0;
    if (!saved || room < saved->length)
        return saved ? -EINVAL : 0;
    memcpy(value, saved->bytes, saved->length);
    saved_syn_free(tcb->tcp, &tcb->ext->saved_syn);
    return 0;
}

/* The lowest bit says that the clock counts microseconds (tcp_usec_ts): ours never does. */
static int get_stamp(uint32_t stamp, void *value, unsigned *length)
{
    return get_int((int)(stamp & ~1u), value, length);
}

/* TCP_WINDOW_CLAMP as it is told: before the handshake, of a Linux host, what the SYN's scale can say at most. */
static uint32_t clamp_told(const struct tcb *tcb)
{
    const struct tcb_opts *options = tcb->opt;
    uint32_t most = 65535u << tcb->rcv_wscale;

    bool is_opening = tcb->state == TCPS_SYN_SENT || (tcb->state == TCPS_SYN_RECEIVED && !tcb->is_passive);
    if (!is_opening || tcb_params(tcb)->call_policy != TCP_CALLS_LINUX)
        return tcb_is_synchronized(tcb) ? window_clamp(tcb) : options->window_clamp;
    return min_u32(most, options->window_clamp ? options->window_clamp : options->path.window ? options->path.window : most);
}

int tcp_getopt(struct tcp *tcp, struct tcb *tcb, int name, void *value, unsigned *length, uint64_t now_ns)
{
    if (tcp->params.call_policy == TCP_CALLS_BSD && name != TCP_INFO && name != TCP_CONGESTION)
        return bsd_getopt(tcp, tcb, tcb->opt, name, value, length);
    int number = 0, error = get_special(tcp, tcb->opt, cc_get(tcb)->name, name, value, length);
    if (error == -EAGAIN && tcp->params.call_policy == TCP_CALLS_LINUX)
        error = name == TCP_ZEROCOPY_RECEIVE ? get_zerocopy(tcb, value, length) : repair_getopt(tcb, name, value, length);
    if (error != -EAGAIN)
        return error;
    switch (name) {
    case TCP_INFO:
        tcp_set_now(tcp, now_ns); /* it tells how long ago, and for how long */
        return info_get(tcb, value, length);
    case TCP_CC_INFO: {
        uint8_t info[40];
        *length = min_u32(*length, cc_get(tcb)->info ? cc_get(tcb)->info(tcb, info) : 0);
        memcpy(value, info, *length);
        return 0;
    }
    case TCP_MAXSEG:
        number = tcb->opt->user_mss && linux_closed(tcb)        ? tcb->opt->user_mss
                 : info_is_unanswered(tcb)                       ? info_opening_mss(tcb)
                 : tcb->mss                                      ? tcb->mss
                                                                 : 536;
        if (repair_is_on(tcb)) /* what the checkpoint needs: the peer's */
            number = tcb->mss_clamp;
        return get_int(number, value, length);
    case TCP_QUICKACK:
        return get_int(!delack_is_pingpong(tcb), value, length);
    case TCP_WINDOW_CLAMP:
        return get_int((int)clamp_told(tcb), value, length);
    case TCP_TIMESTAMP:
        tcp_set_now(tcp, now_ns);
        /* Linux: without the option, without its connection's own start */
        return get_stamp(tcb->ts_ok || tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_CLOSED ? tcb_ts_now(tcb) : tcp->now_ts, value,
                         length);
    case TCP_SAVED_SYN:
        return get_saved_syn(tcb, value, length);
    default:
        break;
    }
    error = get_shared(tcp, tcb->opt, name, &number);
    return error < 0 ? error : get_int(number, value, length);
}

int tcp_listener_setopt(struct tcp *tcp, struct tcp_listener *listener, int name, const void *value, unsigned length)
{
    int number;
    struct tcb_opts *own = listener_opts_own(listener);
    if (!own)
        return -ENOBUFS;
    if (tcp->params.call_policy == TCP_CALLS_BSD)
        return bsd_setopt(tcp, NULL, own, name, value, length);
    int error = set_special(tcp, own, name, value, length, TCPS_LISTEN);
    if (error != -EAGAIN)
        return error;
    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (tcp->params.call_policy == TCP_CALLS_LINUX && repair_has(name))
        return repair_listener_setopt(name);
    if (name != TCP_QUICKACK)
        return set_shared(tcp, own, name, number, TCPS_LISTEN);
    own->is_pingpong = number == 0;
    return 0;
}

int tcp_listener_getopt(struct tcp *tcp, struct tcp_listener *listener, int name, void *value, unsigned *length, uint64_t now_ns)
{
    const struct tcb_opts *opts = listener->opt;
    if (tcp->params.call_policy == TCP_CALLS_BSD && name != TCP_INFO && name != TCP_CONGESTION)
        return bsd_getopt(tcp, NULL, opts, name, value, length);
    int number = 0, error = get_special(tcp, opts, cc_by_opts(tcp, opts)->name, name, value, length);
    if (error != -EAGAIN)
        return error;
    switch (name) {
    case TCP_INFO: { /* Linux: state LISTEN; unacked and sacked are the queue and its limit */
        union { struct tcp_info head; uint8_t bytes[INFO_SIZE]; } info;
        memset(&info, 0, sizeof info);
        info.head.tcpi_state = 10;
        info.head.tcpi_unacked = listener->complete;
        info.head.tcpi_sacked = listener_backlog(listener);
        info.head.tcpi_snd_cwnd = tcp->params.initial_window;
        info.head.tcpi_reordering = max_u32(tcp->params.reordering, 1);
        info.head.tcpi_pacing_rate = info.head.tcpi_max_pacing_rate = UINT64_MAX;
        if (tcp->params.call_policy == TCP_CALLS_BSD) {
            memset(&info, 0, sizeof info);
            info.head.tcpi_state = 1;
            bsd_info_of_new(&tcp->params, bsd_segment_size(tcp, NULL, opts), &info.head);
        }
        *length = min_u32(*length, sizeof info);
        memcpy(value, &info, *length);
        return 0;
    }
    case TCP_MAXSEG:
        return get_int(opts->user_mss ? opts->user_mss : 536, value, length);
    case TCP_QUICKACK:
        return get_int(!opts->is_pingpong, value, length);
    case TCP_SAVED_SYN:
    case TCP_CC_INFO:
        *length = 0;
        return 0;
    case TCP_TIMESTAMP:
        if (tcp->params.call_policy != TCP_CALLS_LINUX)
            return -ENOPROTOOPT;
        tcp_set_now(tcp, now_ns);
        return get_stamp(tcp->now_ts, value, length);
    case TCP_REPAIR:
        return tcp->params.call_policy == TCP_CALLS_LINUX ? get_int(0, value, length) : -ENOPROTOOPT;
    case TCP_REPAIR_QUEUE:
    case TCP_QUEUE_SEQ:
    case TCP_REPAIR_WINDOW:
        return tcp->params.call_policy == TCP_CALLS_LINUX ? -EINVAL : -ENOPROTOOPT;
    case TCP_ZEROCOPY_RECEIVE:
        return tcp->params.call_policy != TCP_CALLS_LINUX ? -ENOPROTOOPT : *length < 12 ? -EINVAL : -ENOTCONN;
    default:
        error = get_shared(tcp, opts, name, &number);
        return error < 0 ? error : get_int(number, value, length);
    }
}
