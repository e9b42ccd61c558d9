/* tcp_icmp.c: what ICMP does to a connection (RFC 9293 3.9.2.2: MUST-54..56, SHLD-25, 26; RFC 5461, 5927; FACTS section 2), path MTU
 * messages (RFC 1191, 8201), and errors of our own sending. */
#include "tcp/tcb.h"

const struct tcp_icmp_row *tcp_icmp_row(const struct tcp_params *params, int version, uint8_t type, uint8_t code)
{
    static const struct tcp_icmp_row ignored = {TCP_ICMP_IGNORE, 0}, too_big = {TCP_ICMP_PMTU, EMSGSIZE};
    if (version == 4) {
        if (type == ICMP4_UNREACHABLE && code < TCP_ICMP4_CODES)
            return &params->icmp4[code];
        if (type == ICMP4_TIME_EXCEEDED && (code == 0 || (code > 1 && params->input_policy == TCP_INPUT_LINUX)))
            return &params->icmp4_time_exceeded;
        if (type == ICMP4_PARAMETER && (code <= 1 || params->input_policy != TCP_INPUT_BSD)) /* icmp_errmap() */
            return &params->icmp4_parameter;
        return type == ICMP4_QUENCH ? &params->icmp4_quench : &ignored; /* RFC 9293 3.9.2.2 (MUST-55), RFC 6633: ignored today */
    }
    if (type == ICMP6_UNREACHABLE)
        return code < TCP_ICMP6_CODES ? &params->icmp6[code] : &params->icmp6_unknown;
    if (type == ICMP6_TIME_EXCEEDED_)
        return code ? &params->icmp6_reassembly : &params->icmp6_time_exceeded;
    if (type == ICMP6_PARAMETER)
        return code == 1 ? &params->icmp6_next_header : &params->icmp6_parameter;
    return type == ICMP6_TOO_BIG ? &too_big : &params->icmp6_unknown;
}

enum { MSS_BEFORE_SYN = 536 };

/* IPv6's message counts when it makes segments smaller, and not with IPV6_PMTUDISC_INTERFACE or OMIT. */
static bool shrinks_v6(const struct tcb *tcb, uint32_t mtu)
{
    uint32_t mss = tcb->state == TCPS_SYN_SENT ? MSS_BEFORE_SYN : tcb->mss;
    return tcb->opt->socket.pmtudisc[true] < PMTUDISC_INTERFACE && mtu < mss + tcb_headers(tcb) + tcb_ts_bytes(tcb);
}

/* tcp_ctlinput(): what is less than a segment of now with its headers; before an answer that is the default's. */
static uint32_t known_mtu_bsd(const struct tcb *tcb)
{
    return bsd_segment_size(tcb->tcp, tcb, tcb->opt) + tcb_headers(tcb);
}

static void on_soft(struct tcb *tcb, int error)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (ext)
        ext->soft_error = (uint8_t)error;
}

/* SYN_SENT and SYN_RECEIVED: the profile's policy. */
static void on_opening(struct tcb *tcb, int error, enum tcp_icmp_action action)
{
    if (action == TCP_ICMP_NOW) {
        tcb_fail(tcb, error);
        return;
    }
    if (action == TCP_ICMP_SOFTLY) {
        on_soft(tcb, error);
        return;
    }
    switch ((enum tcp_icmp_policy)tcb_params(tcb)->icmp_policy) {
    case TCP_ICMP_SOFT:
        if (tcb_ext_peek(tcb)->soft_error && tcb->retransmits > 3) { /* tcp_notify(): the second one, when much was tried */
            tcb_fail(tcb, error);
            break;
        }
        on_soft(tcb, error);
        break;
    case TCP_ICMP_SOFT_4S:
        on_soft(tcb, error);
        break;
    case TCP_ICMP_ABORT:
    case TCP_ICMP_ABORT_ALL:
        tcb_fail(tcb, error);
        break;
    case TCP_ICMP_STORE: /* 4.3BSD: so_error, but nobody is woken */
        tcb->so_error = (uint8_t)error;
        break;
    case TCP_ICMP_WAKE: /* Tahoe: connect() returns, TCP goes on */
        tcb->so_error = (uint8_t)error;
        tcb_event(tcb, TCP_EV_ERROR);
        break;
    }
}

static bool wants_errors(const struct tcb *tcb) { return tcb->is_v4 ? tcb->opt->socket.recverr : tcb->opt->socket.recverr6; }

/* Synchronized: soft as a rule (MUST-56); IP_RECVERR makes Linux report it (MUST-47). */
static void on_established(struct tcb *tcb, int error, enum tcp_icmp_action action)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (params->icmp_policy == TCP_ICMP_ABORT_ALL) {
        tcb_fail(tcb, error);
        return;
    }
    if (wants_errors(tcb) && error) {
        tcb->so_error = (uint8_t)error;
        tcb_event(tcb, TCP_EV_ERROR);
        return;
    }
    if (action == TCP_ICMP_NOW && !params->icmp_established_soft)
        tcb_fail(tcb, error);
    else
        on_soft(tcb, error);
}

/* FreeBSD's tcp_drop_syn_sent() and tcp_notify(): what ends a connect() is nothing to a connection, and what says that a host is away
 * is nothing to one that is established. */
static void on_notify(struct tcb *tcb, int error, enum tcp_icmp_action action)
{
    const struct tcp_params *params = tcb_params(tcb);
    bool is_away = error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN;
    if (action == TCP_ICMP_NOW && !params->icmp_soft_only) {
        if (tcb->state == TCPS_SYN_SENT)
            tcb_fail(tcb, error);
    } else if (tcb->state < TCPS_ESTABLISHED && tcb->retransmits > 3 && tcb_ext_peek(tcb)->soft_error) {
        tcb_fail(tcb, error);
    } else if (tcb->state != TCPS_ESTABLISHED || !is_away) {
        on_soft(tcb, error);
    }
}

/* Not over IPv4 with IP_PMTUDISC_DONT, INTERFACE or OMIT; but what is sent next follows the route (mss_follow_route). */
static bool heeds_too_big(const struct tcb *tcb)
{
    uint8_t pmtudisc = tcb->opt->socket.pmtudisc[false];
    return !tcb->is_v4 || (pmtudisc ? pmtudisc != PMTUDISC_DONT && pmtudisc < PMTUDISC_INTERFACE : tcb_params(tcb)->pmtu_discovery);
}

/* A smaller path MTU: smaller segments from now on, and what was too large goes again at once. */
static void on_too_big(struct tcb *tcb, uint32_t seq, uint32_t mtu)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || (!params->pmtu_discovery && params->input_policy != TCP_INPUT_LINUX))
        return;
    if (seq_lt(seq, tcb->snd_una) || seq_gt(seq, tcb->snd_nxt) ||
        (!tcb->is_v4 && params->input_policy == TCP_INPUT_LINUX && !shrinks_v6(tcb, mtu)))
        return;
    uint32_t headers = tcb_headers(tcb), floor = tcb->is_v4 ? 68 : 1280 - 8 /* host_icmp.c */;
    if (tcb->is_v4 && params->input_policy == TCP_INPUT_BSD) /* tcp_ctlinput(): segments become no smaller */
        floor = max_u32(params->min_snd_mss + headers, floor);
    mtu = max_u32(mtu, floor);
    if (!heeds_too_big(tcb)) {
        ext->route_mtu = params->input_policy == TCP_INPUT_LINUX ? mtu : 0;
        ext->route_moved = ext->route_mtu != 0;
        ext->pmtu = ext->pmtu ? ext->pmtu : tcb->advmss + headers; /* until then */
        return;
    }
    if (tcb->state == TCPS_SYN_SENT && ext->syn_fastopen && ext->fastopen_request && mtu < tcb->advmss + headers) {
        mss_offer_again(tcb); /* the data in the SYN was too much: the SYN again at once, without */
        ext->fastopen_request = false;
        ext->total_retrans++;
        tcb->want_syn = true;
        tcb_mark_due(tcb);
        mss_sync(tcb, mtu);
        return;
    }
    bool is_bsd = params->input_policy == TCP_INPUT_BSD;
    uint32_t known = is_bsd ? known_mtu_bsd(tcb) : (uint32_t)tcb->mss + headers + tcb_ts_bytes(tcb);
    if (params->input_policy == TCP_INPUT_LINUX) /* one that cuts nothing is remembered, too */
        known = max_u32(known, ext->pmtu ? ext->pmtu : tcb->advmss + headers);
    if (mtu >= known)
        return; /* nothing new, or a lie */
    mss_sync(tcb, mtu);
    tcb->gso_segs = 0;
    if (tcb->state < TCPS_ESTABLISHED && !fastopen_is_pending_child(tcb)) {
        if (is_bsd)
            mss_offer_again(tcb);
        tcb->want_syn = ext->syn_data || is_bsd; /* tcp_mtudisc() calls tcp_output() */
        tcb_mark_due(tcb);
        return;
    }
    recovery_resegment(tcb);
    ext->nothing_new |= !tcb->is_due && params->input_policy == TCP_INPUT_LINUX; /* tcp_simple_retransmit() */
    if (params->byte_recovery) { /* tcp_mtudisc(): all again from SND.UNA */
        base_get(tcb)->next = tcb->snd_una;
        ext->base.recover = tcb->snd_nxt;
        ext->base.in_fast = false;
        board_clear(tcb);
    }
    tcb_mark_due(tcb);
}

/* 4.2BSD's in_pcbnotify() looks at the destination only: every TCP to it ends, established ones too (FACTS 2). */
struct abort_all {
    const struct addr *remote;
    int error;
};

static void abort_one(void *ctx, void *object, uint32_t slot)
{
    const struct abort_all *all = ctx;
    struct tcb *tcb = object;
    (void)slot;
    if (tcb->state != TCPS_CLOSED && addr_equal(&tcb->flow.remote, all->remote))
        tcb_fail(tcb, all->error);
}

/* RFC 6069 4.1: messages that tell of a broken path, not of congestion: a timeout was no sign of the latter (Linux: tcp_ld_RTO_revert). */
static bool tells_of_path(const struct tcp *tcp, int version, uint8_t type, uint8_t code)
{
    if (!tcp->params.icmp_reverts_backoff)
        return false;
    return version == 4 ? type == ICMP4_UNREACHABLE && code <= 1 : type == ICMP6_UNREACHABLE && code == 0;
}

/* Linux gives a listener's request up for these alone (tcp_v4_err(), icmpv6_err_convert()). */
static bool ends_request(int version, uint8_t type, uint8_t code)
{
    if (version == 4)
        return (type == ICMP4_UNREACHABLE && code <= 1) || type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER;
    return (type == ICMP6_UNREACHABLE && (code == 1 || code >= 4)) || type == ICMP6_PARAMETER;
}

/* RFC 5927 4.1: the quoted segment must be one in flight. */
static bool is_in_flight(const struct tcb *tcb, uint32_t seq)
{
    const struct tcp_params *params = tcb_params(tcb);
    return !params->icmp_check_seq || (seq_ge(seq, tcb->snd_una) && seq_lt(seq, tcb->snd_nxt + (params->input_policy == TCP_INPUT_LINUX)));
}

/* RFC 5082: what came from too far away is nobody's (IP_MINTTL). */
static bool is_too_far(const struct tcb *tcb, const struct tcp_icmp *icmp)
{
    return icmp->guard_ttl && icmp->guard_ttl < tcb->opt->socket.min_ttl[!tcb->is_v4];
}

bool tcp_is_quoted(struct tcp *tcp, const struct flow *flow, uint32_t seq, const struct tcp_icmp *icmp)
{
    enum flow_kind kind;
    uint32_t slot = flow_find(tcp, flow, &kind);
    bool is_linux = tcp->params.input_policy == TCP_INPUT_LINUX, is_bsd = tcp->params.input_policy == TCP_INPUT_BSD;
    if (kind == FLOW_TCB) {
        const struct tcb *tcb = tcp_tcb(tcp, slot);
        if (is_bsd && (!tcp->params.host_cache || icmp->mtu >= known_mtu_bsd(tcb)))
            return false; /* the connection's alone: tcp_hc_updatemtu() */
        return !is_too_far(tcb, icmp) && is_in_flight(tcb, seq) && (!is_linux || tcb->is_v4 || shrinks_v6(tcb, icmp->mtu));
    }
    return kind == FLOW_SYN && !is_bsd && !is_linux; /* FreeBSD's syncache_unreach() looks at no MTU, nor does tcp_req_err() */
}

void tcp_on_icmp(struct tcp *tcp, const struct flow *flow, uint32_t seq, const struct tcp_icmp *icmp, uint64_t now_ns)
{
    int version = icmp->version;
    uint8_t type = icmp->type, code = icmp->code;
    tcp_set_now(tcp, now_ns);
    enum flow_kind kind;
    uint32_t slot = flow_find(tcp, flow, &kind);
    const struct tcp_icmp_row *row = tcp_icmp_row(&tcp->params, version, type, code);
    enum tcp_icmp_action action = row->action;
    int error = row->error;
    if (action == TCP_ICMP_IGNORE)
        return;
    if (tcp->params.icmp_policy == TCP_ICMP_ABORT_ALL && action != TCP_ICMP_PMTU) {
        struct abort_all all = {&flow->remote, error};
        slab_each(&tcp->tcbs, abort_one, &all);
        return;
    }
    if (kind == FLOW_SYN) {
        bool is_bsd = tcp->params.input_policy == TCP_INPUT_BSD; /* syncache_unreach(): whatever it says */
        if (is_bsd || (action != TCP_ICMP_PMTU && (tcp->params.input_policy != TCP_INPUT_LINUX || ends_request(version, type, code))))
            synq_on_icmp(tcp, slot, seq, action == TCP_ICMP_PMTU ? EMSGSIZE : error);
        return;
    }
    if (kind != FLOW_TCB)
        return;
    struct tcb *tcb = tcp_tcb(tcp, slot);
    if (is_too_far(tcb, icmp)) {
        TCP_MIB(tcp, MinTTLDrop);
        return;
    }
    if (!is_in_flight(tcb, seq)) {
        TCP_MIB(tcp, OutOfWindowIcmps);
        return;
    }
    bool is_child = fastopen_is_pending_child(tcb); /* one that was accepted is as good as established (tcp_v4_err()) */
    if (tells_of_path(tcp, version, type, code) && !is_child && !timer_revert_backoff(tcb, seq))
        return; /* its time was over */
    if (action == TCP_ICMP_PMTU)
        on_too_big(tcb, seq, icmp->mtu);
    else if (tcp->params.input_policy == TCP_INPUT_BSD && tcp->params.icmp_policy == TCP_ICMP_SOFT)
        on_notify(tcb, error, action);
    else if (tcb->state < TCPS_ESTABLISHED && !(is_child && !tcb->is_unaccepted)) {
        /* IPv6 asks first */
        if (tcp->params.input_policy == TCP_INPUT_LINUX && (version == 4 || wants_errors(tcb)) && tcb_ext_get(tcb))
            tcb->ext->icmp = (struct tcp_icmp_note){*icmp, (uint8_t)error};
        on_opening(tcb, error, action);
    } else
        on_established(tcb, error, action);
}

bool tcp_icmp_note(struct tcb *tcb, struct tcp_icmp_note *note)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !ext->icmp.icmp.version)
        return false;
    if (note) {
        *note = ext->icmp;
        ext->icmp.icmp.version = 0;
    }
    return true;
}

/* Our own side could not send: no route, or a neighbour that does not answer. */
void tcp_on_send_error(struct tcp *tcp, const struct flow *flow, uint32_t seq, int error, uint64_t now_ns)
{
    (void)seq;
    tcp_set_now(tcp, now_ns);
    enum flow_kind kind;
    uint32_t slot = flow_find(tcp, flow, &kind);
    if (kind != FLOW_TCB || error == 0)
        return;
    struct tcb *tcb = tcp_tcb(tcp, slot);
    if (tcb->state >= TCPS_ESTABLISHED) {
        on_soft(tcb, error);
        return;
    }
    /* Linux's neighbour failure reaches the socket as a local ICMP host unreachable; BSD's TCP tries on */
    if (tcp->params.icmp_policy == TCP_ICMP_ABORT)
        tcb_fail(tcb, error);
    else if (tcb->state == TCPS_SYN_SENT && tcb->retransmits == 0)
        tcb_fail(tcb, error); /* what connect()'s own tcp_output() returns */
    else if (tcb->state != TCPS_SYN_SENT)
        on_soft(tcb, error); /* BSD: soft only once a SYN was received (TCPS_HAVERCVDSYN) */
}

struct path_change {
    struct tcp *tcp;
    const struct addr *local;
    int error;
};

static void change_one(void *ctx, void *object, uint32_t slot)
{
    struct path_change *change = ctx;
    struct tcb *tcb = object;
    (void)slot;
    if (tcb->state == TCPS_CLOSED || (change->local && !addr_equal(&tcb->flow.local, change->local)))
        return;
    if (change->error)
        tcb_fail(tcb, change->error);
    else
        tcb_mark_due(tcb);
}

void tcp_on_path_change(struct tcp *tcp, const struct addr *local, int error, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    struct path_change change = {tcp, local, error};
    slab_each(&tcp->tcbs, change_one, &change);
}
