/* tcp_options_bsd.c: the IPPROTO_TCP socket options as FreeBSD judges them (call_policy bsd; tcp(4), tcp_default_ctloutput()). Read
 * tcp_options.c first: the names are its own, with FreeBSD's own beside them (tcp.h). A flag is told as the bit that it is in t_flags. */
#include <linux/tcp.h>
#include "tcp/tcb.h"

enum { FLAG_NODELAY = 4, FLAG_NOOPT = 8, FLAG_NOPUSH = 0x1000, FLAG_FASTOPEN = INT32_MIN };

static int give(int number, void *value, unsigned *length)
{
    *length = min_u32(*length, sizeof number);
    memcpy(value, &number, *length);
    return 0;
}

static uint32_t default_mss(const struct tcp *tcp, bool is_v4) { return mss_without_option(&tcp->params, is_v4); }

/* t_maxseg: without the timestamp's room; of a socket that is not connected the default. */
uint32_t bsd_segment_size(const struct tcp *tcp, const struct tcb *tcb, const struct tcb_opts *opts)
{
    bool is_new = !tcb || tcb->state < TCPS_SYN_SENT;
    bool is_implied = !is_new && (tcb_ext_peek(tcb)->syn_data || tcb_ext_peek(tcb)->fastopen_request);
    if (is_new || (tcb->state == TCPS_SYN_SENT && !is_implied)) /* before an answer only tcp_usr_send()'s implied connect calls tcp_mss() */
        return opts->user_mss ? opts->user_mss : default_mss(tcp, !opts->socket.is_inet6);
    return min_u32(tcb->mss + tcb_ts_bytes(tcb), tcb->mss_clamp);
}

static int set_seconds(uint32_t *ms, uint32_t seconds)
{
    if (seconds > UINT32_MAX / 1000)
        return -EINVAL;
    *ms = seconds * 1000;
    return 0;
}

/* struct tcp_fastopen: enable, then the key that a client shares with the server; a number alone will do. */
static int set_fastopen(const struct tcp *tcp, const struct tcb *tcb, struct tcb_opts *opts, const void *value, unsigned length)
{
    int number;
    memcpy(&number, value, sizeof number);
    if (!(tcp->params.fastopen & 3))
        return -EPERM;
    if (tcb && tcb->state != TCPS_CLOSED)
        return -EINVAL;
    if (number && !tcb && !(tcp->params.fastopen & 2))
        return -EPERM;
    opts->fastopen_qlen = number ? 65535 : 0;
    opts->fastopen_connect = number && tcb;
    if (opts->fastopen_connect && length >= sizeof number + sizeof opts->fastopen_key[0]) {
        memcpy(opts->fastopen_key, (const uint8_t *)value + sizeof number, sizeof opts->fastopen_key[0]);
        opts->has_fastopen_psk = true;
    }
    return 0;
}

static int set_congestion(struct tcb *tcb, struct tcb_opts *opts, const void *value, unsigned length)
{
    char name[16] = {0};
    unsigned number;
    if (length < 1)
        return -EINVAL;
    memcpy(name, value, min_u32(length, sizeof name - 1)); /* sooptcopyin(): more than wanted is not looked at */
    const struct cc_ops *cc = cc_find(name, &number);
    if (!cc || !(cc->systems & CC_ON_BSD))
        return -ESRCH;
    opts->cc = (uint8_t)(number + 1);
    if (tcb && tcb->ext)
        tcb->ext->cc_ready = false;
    if (tcb && tcb->ext && tcb->ext->base.cwnd)
        bsd_cc_init(tcb);
    return 0;
}

/* TCP_CCALGOOPT: of NewReno alone (struct cc_newreno_opts: the name, then a percentage). */
enum { RENO_BETA = 1, RENO_BETA_ECN };
static int read_algorithm(const struct tcp *tcp, const struct tcb_opts *opts, const void *value, unsigned length, uint32_t words[2])
{
    if (cc_by_opts(tcp, opts) != &cc_newreno)
        return -ENOENT;
    if (length != 2 * sizeof words[0])
        return -EMSGSIZE;
    memcpy(words, value, length);
    return words[0] == RENO_BETA || words[0] == RENO_BETA_ECN ? 0 : -ENOPROTOOPT;
}

static int set_algorithm(const struct tcp *tcp, struct tcb_opts *opts, const void *value, unsigned length)
{
    uint32_t words[2];
    int error = read_algorithm(tcp, opts, value, length, words);
    if (!error)
        *(words[0] == RENO_BETA ? &opts->reno_beta : &opts->reno_beta_ecn) = (uint8_t)words[1];
    return error;
}

/* VALUE names what is asked for. */
static int get_algorithm(const struct tcp *tcp, const struct tcb_opts *opts, void *value, unsigned length)
{
    uint32_t words[2];
    int error = read_algorithm(tcp, opts, value, length, words);
    if (error)
        return error;
    uint8_t own = words[0] == RENO_BETA ? opts->reno_beta : opts->reno_beta_ecn;
    words[1] = own ? own : words[0] == RENO_BETA ? tcp->params.reno_beta : tcp->params.reno_beta_ecn;
    memcpy(value, words, sizeof words);
    return 0;
}

/* TCB NULL: a listener's. */
int bsd_setopt(struct tcp *tcp, struct tcb *tcb, struct tcb_opts *opts, int name, const void *value, unsigned length)
{
    int number;
    if (name == TCP_INFO)
        return -EINVAL;
    if (name == TCP_CONGESTION)
        return set_congestion(tcb, opts, value, length);
    if (name == TCP_OPTION_CCALGOOPT)
        return set_algorithm(tcp, opts, value, length);
    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    switch (name) {
    case TCP_NODELAY: opts->socket.nodelay = number != 0; return 0;
    case TCP_CORK: opts->cork = number != 0; return 0;
    case TCP_OPTION_NOOPT: opts->no_options = number != 0; return 0;
    case TCP_KEEPIDLE: return set_seconds(&opts->keep_idle_ms, (uint32_t)number);
    case TCP_KEEPINTVL: return set_seconds(&opts->keep_interval_ms, (uint32_t)number);
    case TCP_OPTION_KEEPINIT: return set_seconds(&opts->keep_init_ms, (uint32_t)number);
    case TCP_OPTION_MAXUNACKTIME: return set_seconds(&opts->max_unack_ms, (uint32_t)number);
    case TCP_KEEPCNT: opts->keep_probes = (uint32_t)number; return 0;
    case TCP_FASTOPEN: return set_fastopen(tcp, tcb, opts, value, length);
    case TCP_OPTION_UDP_ENCAPS:
        if (number < 0 || number > 65535 || (number && !tcp->params.udp_tunneling_port) || !tcb || tcb->state != TCPS_CLOSED)
            return -EINVAL;
        opts->encaps_port = (uint16_t)number;
        return 0;
    case TCP_MAXSEG:
        if (number <= 0 || (uint32_t)number > bsd_segment_size(tcp, tcb, opts) || (uint32_t)number + 40 < tcp->params.min_snd_mss)
            return -EINVAL;
        opts->user_mss = (uint16_t)number;
        return 0;
    default: return -ENOPROTOOPT;
    }
}

int bsd_getopt(struct tcp *tcp, struct tcb *tcb, const struct tcb_opts *opts, int name, void *value, unsigned *length)
{
    const struct tcp_params *params = &tcp->params;
    switch (name) {
    case TCP_NODELAY: return give(opts->socket.nodelay ? FLAG_NODELAY : 0, value, length);
    case TCP_CORK: return give(opts->cork ? FLAG_NOPUSH : 0, value, length);
    case TCP_OPTION_NOOPT: return give(opts->no_options ? FLAG_NOOPT : 0, value, length);
    case TCP_FASTOPEN: return give(opts->fastopen_qlen ? FLAG_FASTOPEN : 0, value, length);
    case TCP_MAXSEG: return give((int)bsd_segment_size(tcp, tcb, opts), value, length);
    case TCP_KEEPIDLE: return give((int)((opts->keep_idle_ms ? opts->keep_idle_ms : params->keepalive_idle_ms) / 1000), value, length);
    case TCP_KEEPINTVL:
        return give((int)((opts->keep_interval_ms ? opts->keep_interval_ms : params->keepalive_interval_ms) / 1000),
                    value, length);
    case TCP_KEEPCNT: return give(opts->keep_probes ? (int)opts->keep_probes : params->keepalive_probes, value, length);
    case TCP_OPTION_KEEPINIT: return give((int)((opts->keep_init_ms ? opts->keep_init_ms : params->syn.give_up_ms) / 1000), value, length);
    case TCP_OPTION_MAXUNACKTIME:
        return give((int)((opts->max_unack_ms ? opts->max_unack_ms : params->max_unack_ms) / 1000), value, length);
    case TCP_OPTION_CCALGOOPT: return get_algorithm(tcp, opts, value, *length);
    case TCP_OPTION_UDP_ENCAPS: return give(tcb && tcb->state != TCPS_CLOSED ? tcb->flow.encaps_port : opts->encaps_port, value, length);
    default: return -ENOPROTOOPT;
    }
}
