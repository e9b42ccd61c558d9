/* tcp_options.c: the IPPROTO_TCP socket options under Linux's names, for connections and for listeners (whose connections inherit). */
#include <linux/tcp.h>
#include "tcp/tcb.h"

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
        *(name == TCP_KEEPCNT ? &opts->keep_probes : &opts->syn_retries) = (uint8_t)number;
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
        *(name == OPT_RTO_MIN_US ? &opts->rto_min_ms : &opts->delack_max_ms) = ((uint32_t)number + 999) / 1000;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* RFC 9293 3.7.4: TCP_NODELAY (MUST-17). */
static int set_shared(struct tcb_opts *opts, int name, int number)
{
    bool thin;
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
        opts->window_clamp = number <= 0 ? 0 : max_u32((uint32_t)number, 1152);
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
        return set_flag(number, 2, &opts->save_syn);
    case TCP_FASTOPEN:
        if (number < 0)
            return -EINVAL;
        opts->fastopen_qlen = (uint16_t)min_u32((uint32_t)number, 65535);
        return 0;
    case TCP_FASTOPEN_CONNECT:
        return set_flag(number, 1, &opts->fastopen_connect);
    case TCP_FASTOPEN_NO_COOKIE:
        return set_flag(number, 1, &opts->fastopen_no_cookie);
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
    case TCP_KEEPCNT: *number = opts->keep_probes ? opts->keep_probes : params->keepalive_probes; return 0;
    case TCP_SYNCNT: *number = opts->syn_retries ? opts->syn_retries : params->syn.retries - (params->syn.count ? (int)min_u32(params->syn.retries, params->syn_linear_timeouts) : 0); return 0;
    case TCP_LINGER2: *number = opts->linger2_ms < 0 ? -1 : (int)(opts->linger2_ms ? (uint32_t)opts->linger2_ms : params->fin_wait2_ms) / 1000; return 0;
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
    case OPT_RTO_MIN_US: *number = (int)(opts->rto_min_ms ? opts->rto_min_ms : params->rto_min_ms) * 1000; return 0;
    case OPT_DELACK_MAX_US: *number = (int)(opts->delack_max_ms ? opts->delack_max_ms : 200) * 1000; return 0;
    case TCP_REPAIR:
    case TCP_TX_DELAY:
    case OPT_IS_MPTCP: *number = 0; return params->ack_policy == TCP_ACK_LINUX ? 0 : -ENOPROTOOPT;
    case TCP_REPAIR_QUEUE:
    case TCP_QUEUE_SEQ:
    case TCP_REPAIR_WINDOW: return params->ack_policy == TCP_ACK_LINUX ? -EINVAL : -ENOPROTOOPT; /* not in repair */
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
    memcpy(name, value, n);
    name[n] = 0;
    if (!cc_find(name, &number))
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
        if (number && tcb->ext && (tcb->opt->cork || tcb->ext->msg_more) && tcb_params(tcb)->ack_policy == TCP_ACK_LINUX) {
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
        if (tcb->ext && tcb->ext->keep_ns) {
            tcb->ext->keep_ns = 0;
            timer_keepalive(tcb, true);
        }
        break;
    case TCP_MAXSEG:
        if (tcb->state == TCPS_CLOSED || number == 0 || tcb_params(tcb)->ack_policy == TCP_ACK_LINUX) /* Linux: for the next connection */
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
    if (!(number & 1) && number == 0) {
        tcb->pingpong = 3;
        return 0;
    }
    tcb->pingpong = 0;
    if (tcb->ack_sched && tcb_is_synchronized(tcb)) {
        window_ack_now(tcb);
        if (!(number & 1))
            tcb->pingpong = 3;
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
    if (tcb_params(tcb)->option_policy == TCP_OPTIONS_BSD) {
        int error = bsd_setopt(tcp, tcb, own, name, value, length);
        if (error == 0 && name != TCP_CONGESTION)
            apply(tcb, name, *(const int *)value);
        return error;
    }
    if (name == TCP_CONGESTION) {
        int error = set_congestion(own, value, length);
        if (error == 0 && tcb->ext)
            tcb->ext->cc_ready = false;
        return error;
    }
    if (name == TCP_ULP && tcb_params(tcb)->ack_policy == TCP_ACK_LINUX) /* no protocol can be put upon a connection here */
        return length >= 3 && memcmp(value, "tls", 3) == 0 && tcb->state != TCPS_ESTABLISHED ? -ENOTCONN : -ENOENT;
    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (name == TCP_QUICKACK)
        return set_quickack(tcb, number);
    if (name == TCP_REPAIR && tcb_params(tcb)->ack_policy == TCP_ACK_LINUX)
        return number == 0 ? 0 : -EPERM;
    if (name == TCP_WINDOW_CLAMP && number == 0 && tcb->state != TCPS_CLOSED)
        return -EINVAL;
    if (name == TCP_MAXSEG && tcb->state != TCPS_CLOSED && number && number < 88)
        return -EINVAL;
    int error = set_shared(own, name, number);
    if (error == 0)
        apply(tcb, name, number);
    return error;
}

int tcp_getopt(struct tcp *tcp, struct tcb *tcb, int name, void *value, unsigned *length)
{
    int number = 0;
    if (tcb_params(tcb)->option_policy == TCP_OPTIONS_BSD && name != TCP_INFO && name != TCP_CONGESTION)
        return bsd_getopt(tcp, tcb, tcb->opt, name, value, length);
    switch (name) {
    case TCP_INFO:
        return info_get(tcb, value, length);
    case TCP_CONGESTION: {
        char text[16] = {0};
        strncpy(text, cc_get(tcb)->name, sizeof text - 1);
        *length = min_u32(*length, tcb_params(tcb)->option_policy == TCP_OPTIONS_BSD ? (unsigned)strlen(text) + 1 : sizeof text);
        memcpy(value, text, *length);
        return 0;
    }
    case TCP_MAXSEG:
        number = tcb->opt->user_mss && tcb->state == TCPS_CLOSED ? tcb->opt->user_mss : tcb->mss ? tcb->mss : 536;
        return get_int(number, value, length);
    case TCP_QUICKACK:
        return get_int(tcb->pingpong == 0, value, length);
    case TCP_WINDOW_CLAMP:
        return get_int((int)(tcb_is_synchronized(tcb) ? window_clamp(tcb) : tcb->opt->window_clamp), value, length);
    case TCP_ULP:
    case TCP_CC_INFO:
    case TCP_FASTOPEN_KEY:
        if (tcb_params(tcb)->ack_policy != TCP_ACK_LINUX)
            return -ENOPROTOOPT;
        *length = 0; /* none */
        return 0;
    case TCP_TIMESTAMP:
        return get_int((int)tcb_ts_now(tcb), value, length);
    case TCP_SAVED_SYN: {
        struct tcb_ext *ext = tcb->ext;
        if (!ext || !ext->saved_syn) {
            *length = 0;
            return 0;
        }
        if (*length < ext->saved_syn_length) {
            *length = ext->saved_syn_length;
            return -EINVAL;
        }
        *length = ext->saved_syn_length;
        memcpy(value, ext->saved_syn, *length);
        pool_free(tcp->pool, ext->saved_syn, ext->saved_syn_length);
        ext->saved_syn = NULL;
        return 0;
    }
    default: {
        int error = get_shared(tcp, tcb->opt, name, &number);
        return error < 0 ? error : get_int(number, value, length);
    }
    }
}

int tcp_listener_setopt(struct tcp *tcp, struct tcp_listener *listener, int name, const void *value, unsigned length)
{
    int number;
    struct tcb_opts *own = listener_opts_own(listener);
    if (!own)
        return -ENOBUFS;
    if (tcp->params.option_policy == TCP_OPTIONS_BSD)
        return bsd_setopt(tcp, NULL, own, name, value, length);
    if (name == TCP_CONGESTION)
        return set_congestion(own, value, length);
    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    return name == TCP_QUICKACK ? 0 : set_shared(own, name, number);
}

int tcp_listener_getopt(struct tcp *tcp, struct tcp_listener *listener, int name, void *value, unsigned *length)
{
    int number = 0;
    if (name == TCP_INFO) { /* Linux: state LISTEN; unacked and sacked are the queue and its limit */
        struct tcp_info info;
        memset(&info, 0, sizeof info);
        info.tcpi_state = 10;
        info.tcpi_unacked = listener->complete;
        info.tcpi_sacked = listener_backlog(listener);
        *length = min_u32(*length, sizeof info);
        memcpy(value, &info, *length);
        return 0;
    }
    if (tcp->params.option_policy == TCP_OPTIONS_BSD && name != TCP_CONGESTION)
        return bsd_getopt(tcp, NULL, listener->opt, name, value, length);
    if (name == TCP_MAXSEG)
        return get_int(listener->opt->user_mss ? listener->opt->user_mss : 536, value, length);
    int error = get_shared(tcp, listener->opt, name, &number);
    return error < 0 ? error : get_int(number, value, length);
}
