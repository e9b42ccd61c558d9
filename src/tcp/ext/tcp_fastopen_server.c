/* tcp_fastopen_server.c: the server's side of TCP fast open (RFC 7413 4.1.2, 4.2.2): cookies, and the child: the SYN entry becomes a
 * connection in SYN_RECEIVED at once, in the accept queue with its data. The client's side is tcp_fastopen.c. */
#include "tcp/ext/tcp_fastopen_inner.h"

enum { SERVER = 2, SERVER_NO_COOKIE = 0x200, RESET_HOLD_S = 60 };

/* RFC 7413 4.1.2: a keyed hash of the addresses; Linux's: SipHash-2-4 of source and destination as they lie in the SYN. */
static void make_cookie(const struct siphash_key *key, const struct flow *flow, uint8_t cookie[COOKIE_BYTES])
{
    uint8_t addresses[32];
    size_t size = addr_is_v4(&flow->remote) ? 4 : 16;
    memcpy(addresses, flow->remote.b + 16 - size, size);
    memcpy(addresses + size, flow->local.b + 16 - size, size);
    fastopen_put_hash(siphash24(key, addresses, 2 * size), cookie);
}

static unsigned keys_of(const struct tcp *tcp, const struct tcb_opts *opts, struct siphash_key keys[2])
{
    memcpy(keys, opts->has_fastopen_key ? opts->fastopen_key : tcp->fastopen_key, 2 * sizeof keys[0]);
    if (opts->has_fastopen_key)
        return 1 + opts->has_fastopen_backup;
    return tcp->has_fastopen_key ? 1 + tcp->has_fastopen_backup : 0;
}

static uint32_t queue_limit(const struct tcp_listener *listener)
{
    if (listener->opt->fastopen_qlen && listener->tcp->params.call_policy == TCP_CALLS_BSD)
        return listener_backlog(listener) / 2; /* t_tfo_pending begins at 1, and is to be no more than half: listen(3, 1) has none */
    return listener->opt->fastopen_qlen; /* where it stands for all listeners listen() has set it */
}

/* One of those that were reset gives its place up, if its time is over (Linux: tcp_fastopen_queue_check). */
static void free_place(struct tcp_listener *listener)
{
    if (!listener->fastopen_resets || listener->fastopen_reset_ns[0] > listener->tcp->now_ns)
        return;
    uint64_t *times = listener->fastopen_reset_ns;
    memmove(times, times + 1, --listener->fastopen_resets * sizeof *times);
    listener->fastopen_pending--;
}

static bool has_room(struct tcp_listener *listener)
{
    uint32_t limit = queue_limit(listener);
    if (limit && listener->fastopen_pending >= limit)
        free_place(listener);
    if (limit && listener->fastopen_pending >= limit)
        TCP_MIB(listener->tcp, FastOpenListenOverflow);
    return listener->fastopen_pending < limit;
}

/* FreeBSD (tcp_do_segment()): the ACK of a SYN's text is a delayed one, so that an answer may go with it. */
static void hold_synack(struct tcb *tcb)
{
    tcb->ext->fastopen_held = true;
    timer_set(tcb, TIMER_SYN, tcb_now(tcb) + tcb_params(tcb)->delack_ms * NS_PER_MS);
}

/* It goes now. */
void fastopen_release_synack(struct tcb *tcb)
{
    tcb->ext->fastopen_held = false;
    tcb->ext->fastopen_start_ns = tcb_now(tcb);
    tcb->want_syn = true;
    timer_stop(tcb);
    tcb_mark_due(tcb);
}

/* Before the handshake ends a child sends what the windows allow; FreeBSD's only what goes with its SYN/ACK. */
bool fastopen_child_may_send(struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    if (ext->fastopen_held && (tcb_has_unsent(tcb) || tcb->snd_shutdown))
        fastopen_release_synack(tcb);
    return ext->fastopen_child && (tcb_params(tcb)->input_policy != TCP_INPUT_BSD || ext->fastopen_burst);
}

/* FreeBSD (tcp_default_output()): the first SYN/ACK takes text along, and its window is what the text of the SYN left. */
void fastopen_fill_synack(struct tcb *tcb, struct tcp_segment *segment)
{
    if (!tcb->ext->fastopen_child || tcb_params(tcb)->input_policy != TCP_INPUT_BSD)
        return;
    uint32_t unsent = tcb->write_seq - tcb->snd_nxt, window = min_u32(unsent, tcb->snd_wnd);
    uint32_t size = (uint32_t)tcphdr_options_size(&segment->header.options, TCP_SYN, segment->option_order);
    uint32_t whole = tcb->mss + mss_options(tcb), length = min_u32(window, whole > size ? whole - size : 0);
    tcb->rcv_wnd = window_room(tcb);
    segment->header.window = (uint16_t)min_u32(tcb->rcv_wnd, 65535);
    if (!length || tcb->retransmits || !output_attach(tcb, segment, tcb->snd_nxt, length, tcb->mss))
        return;
    if (fastopen_put_in_flight(tcb, length)) {
        tcb->ext->fastopen_burst = tcb->ext->in_burst = tcb->ext->burst_idle = length < window;
    } else {
        packet_free(segment->packet);
        segment->packet = NULL;
    }
}

/* The entry is a connection now; its data and perhaps FIN are in, the SYN/ACK is due. */
static bool make_child(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool by_backup)
{
    struct tcp *tcp = listener->tcp;
    struct tcb *tcb = synq_promote(tcp, slot, listener);
    if (!tcb)
        return false;
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext) {
        tcb_done(tcb);
        return false;
    }
    if (tcp->params.flow_label_reflect & FLOW_LABEL_CONNECTIONS && !tcb->is_v4)
        (void)!tcp_set_flow_label(tcb, in->flow_label);
    ext->fastopen_child = true;
    ext->fastopen_irs = in->header.seq;
    if (accecn_is_on(tcb))
        accecn_on_child(tcb, in);
    ext->fastopen_renew = by_backup || tcp->params.call_policy == TCP_CALLS_BSD; /* FreeBSD: the newest with the first SYN/ACK */
    ext->fastopen_exp = in->header.options.fastopen_experimental;
    if (by_backup)
        TCP_MIB(tcp, FastOpenPassiveAltKey);
    ext->fastopen_listener = listener->slot + 1;
    listener->fastopen_pending++;
    if (tcp->params.input_policy == TCP_INPUT_LINUX) { /* tcp_create_openreq_child() scales it, and cuts segments by that */
        tcb->max_window = (uint32_t)in->header.window << tcb->snd_wscale;
        mss_refresh(tcb);
        window_guess_mss(tcb);
    }
    tcb->snd_wnd = tcb->max_window = in->header.window; /* a SYN's window is never scaled (RFC 7323 2.2) */
    if (tcp->params.output_policy == TCP_OUTPUT_LINUX)
        tcb->snd_wnd++; /* it begins behind our SYN, which is SND.UNA until the handshake's end */
    ext->fastopen_start_ns = tcp->now_ns;
    tcb->last_snd_ms = tcb->last_rcv_ms = tcb_now_ms(tcb);
    if (tcp->params.input_policy == TCP_INPUT_LINUX) /* nothing was measured (RFC 6298 5.7) */
        tcb->rto_us = tcb->mdev_us = 3000000;
    cwnd_begin(tcb);
    window_init(tcb);
    sndbuf_expand(tcb);
    ext->syn_data_acked = in->payload != 0;
    if (in->payload && *packet) {
        struct lil_packet *text = *packet;
        *packet = NULL;
        reass_syn_text(tcb, text);
        ext->data_segs_in++;
        ext->syn_data = true;
    }
    if (tcp->params.input_policy == TCP_INPUT_BSD && in->payload && !(in->header.flags & TCP_FIN)) {
        hold_synack(tcb);
    } else {
        tcb->want_syn = true; /* in SYN_RECEIVED: SYN/ACK */
        tcb_mark_due(tcb);
    }
    listener_enqueue(listener, tcb);
    TCP_MIB(tcp, FastOpenPassive);
    return true;
}

/* Linux: a server's connection before the handshake's last ACK. */
bool fastopen_is_pending_child(const struct tcb *tcb)
{
    return tcb->state == TCPS_SYN_RECEIVED && tcb_ext_peek(tcb)->fastopen_listener && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
}

/* Linux (tcp_rcv_synrecv_state_fastopen): the handshake ends behind what its last ACK acknowledges: a round trip that text told is the
 * first one, and what was reduced for lost SYN/ACKs is taken back if the timestamp says that none was. */
void fastopen_child_begins(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_LINUX)
        return;
    if (!tcb->srtt_us && !tcb->is_orphan) /* which is in FIN-WAIT-1 there, and measures no SYN/ACK */
        rtt_on_established(tcb, rx, ext->fastopen_start_ns);
    if (accecn_is_on(tcb))
        accecn_on_third_ack(tcb, rx);
    if (tcb->ca_state == CA_LOSS && tcb_packets_out(tcb) == 0) {
        const struct tcp_options *options = &rx->in->header.options;
        struct ack_state state = {.ts_ecr_ok = tcb->ts_ok && options->has_timestamp && options->ts_echo, .ts_ecr = options->ts_echo};
        (void)undo_recovery(tcb, &state);
    }
    undo_clean_stamp(tcb);
    timer_rexmt(tcb); /* by what was measured */
}

/* A child left SYN_RECEIVED: its place in the fast open queue is free. */
void fastopen_child_done(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    uint32_t slot = tcb->ext ? tcb->ext->fastopen_listener : 0;
    if (!slot)
        return;
    tcb->ext->fastopen_listener = 0;
    if (slot <= tcp->listener_capacity && tcp->listeners[slot - 1] && tcp->listeners[slot - 1]->fastopen_pending)
        tcp->listeners[slot - 1]->fastopen_pending--;
}

/* Linux (reqsk_fastopen_remove): one that was accepted and then reset keeps its place for a minute, against a flood of SYNs from addresses
 * whose owners reset what they never asked for (RFC 7413 5.1). */
static void keep_place(struct tcb *tcb)
{
    struct tcp_listener *listener = tcb->tcp->listeners[tcb->ext->fastopen_listener - 1];
    if (tcb->is_unaccepted || !listener || listener->fastopen_resets == FASTOPEN_RESETS)
        return;
    listener->fastopen_reset_ns[listener->fastopen_resets++] = tcb_now(tcb) + RESET_HOLD_S * NS_PER_S;
    tcb->ext->fastopen_listener = 0;
}

/* Linux (tcp_check_req): until the handshake ends each segment is judged as one to a request, whose numbers are in the window already: the
 * SYN that comes again has the SYN/ACK again, what is before the window has an ACK, another SYN is reset without harm to the
 * connection, and nothing goes without an ACK. False: it is answered. */
bool fastopen_admits(struct tcb *tcb, const struct rx *rx)
{
    if (!tcb->ext->fastopen_listener || tcb->state != TCPS_SYN_RECEIVED)
        return true;
    const struct tcp_options *options = &rx->in->header.options;
    bool is_first = rx->seq == tcb->ext->fastopen_irs, is_reset = rx->flags & TCP_RST, is_bare = rx->seq == rx->end_seq;
    bool is_old = tcb->ts_ok && options->has_timestamp && tcb->ts_recent && (int32_t)(tcb->ts_recent - options->ts_value) > 0 && !is_reset;
    if (is_first && (rx->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && !is_old) {
        if (oow_ack_allowed(tcb)) {
            tcb->want_syn = tcb->ext->synack_again = true;
            tcb->ext->accecn.syn_received = rx->in->ecn & 3;
            tcb->ext->total_retrans++;
            TCP_MIB(tcb->tcp, SynRetrans);
            TCP_MIB(tcb->tcp, RetransSegs);
            tcb_mark_due(tcb);
        } else {
            TCP_MIB(tcb->tcp, ACKSkippedSynRecv);
        }
        return false;
    }
    uint32_t right = tcb->rcv_nxt + tcb->rcv_wnd;
    bool in_window = rx->seq == tcb->rcv_nxt || (seq_gt(rx->end_seq, tcb->rcv_nxt) && seq_lt(rx->seq, right)) ||
                     (is_bare && rx->seq == right);
    if (is_old || !in_window) {
        if (is_old)
            TCP_MIB(tcb->tcp, PAWSEstab);
        if (!is_reset && ((!is_bare && !(rx->flags & TCP_SYN)) || oow_ack_allowed(tcb)))
            reply_ack(tcb);
        return false;
    }
    if ((rx->flags & TCP_SYN) && !is_first && !is_reset) {
        reset_reply(tcb->tcp, rx->in);
        TCP_MIB(tcb->tcp, AttemptFails);
        return false;
    }
    if (is_reset) { /* and once more as a connection that ends */
        TCP_MIB(tcb->tcp, AttemptFails);
        keep_place(tcb);
    }
    return rx->flags & (TCP_ACK | TCP_RST);
}

/* Its listener closes, another takes it over. */
void fastopen_child_migrate(struct tcb *tcb, struct tcp_listener *listener)
{
    if (!tcb->ext || !tcb->ext->fastopen_listener)
        return;
    fastopen_child_done(tcb);
    tcb->ext->fastopen_listener = listener->slot + 1;
    listener->fastopen_pending++;
}

static bool is_cookie_good(const struct tcp_listener *listener, const struct tcp_in *in, bool *by_backup)
{
    const struct tcp_options *options = &in->header.options;
    struct siphash_key keys[2];
    unsigned count = max_u32(keys_of(listener->tcp, listener->opt, keys), 1);
    for (unsigned i = 0; i < count && options->fastopen_length == COOKIE_BYTES && !listener->tcp->params.fastopen_psk; i++) {
        uint8_t cookie[COOKIE_BYTES];
        make_cookie(&keys[i], &in->flow, cookie);
        if (memcmp(options->fastopen, cookie, COOKIE_BYTES) == 0) {
            *by_backup = i > 0;
            return true;
        }
    }
    return false;
}

/* True and *TAKEN: the connection exists already. Otherwise the entry goes the ordinary way, perhaps with a cookie in its SYN/ACK. */
bool fastopen_on_syn(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool *taken)
{
    struct tcp *tcp = listener->tcp;
    const struct tcp_options *options = &in->header.options;
    bool by_backup = false;
    *taken = false;
    if (options->has_fastopen && options->fastopen_length == 0)
        TCP_MIB(tcp, FastOpenCookieReqd);
    if ((!in->payload && !options->has_fastopen) || !(tcp->params.fastopen & SERVER) || !has_room(listener))
        return false;
    bool good = fastopen_needs_no_cookie(tcp, listener->opt, SERVER_NO_COOKIE, &in->flow.local, &in->flow.remote) ||
                (tcp->params.fastopen_any_cookie && options->has_fastopen) || is_cookie_good(listener, in, &by_backup);
    if (!good && !options->has_fastopen)
        return false;
    if (good) {
        *taken = make_child(listener, in, packet, slot, by_backup);
        if (*taken)
            return true;
    }
    if (options->fastopen_length)
        TCP_MIB(tcp, FastOpenPassiveFail);
    struct syn_entry *entry = tcp_syn(tcp, slot);
    entry->offers_fastopen = true;
    entry->fastopen_exp = options->fastopen_experimental;
    return false;
}

static void put_cookie(const struct tcp *tcp, const struct tcb_opts *opts, const struct flow *flow, struct tcp_options *options)
{
    struct siphash_key keys[2];
    (void)keys_of(tcp, opts, keys);
    options->has_fastopen = true;
    options->fastopen_length = COOKIE_BYTES;
    if (tcp->params.fastopen_any_cookie)
        memset(options->fastopen, 0, COOKIE_BYTES);
    else
        make_cookie(&keys[0], flow, options->fastopen);
}

void fastopen_add_to_synack(struct tcp *tcp, const struct syn_entry *entry, struct tcp_options *options)
{
    options->fastopen_experimental = entry->fastopen_exp;
    put_cookie(tcp, entry->listener == TCP_NONE ? &tcp->default_opts : tcp->listeners[entry->listener]->opt, &entry->flow, options);
}

/* A child's SYN/ACK: its cookie was an old key's, here is the new one's (Linux: in the first alone). */
void fastopen_renew_cookie(struct tcb *tcb, struct tcp_options *options)
{
    if (tcb->retransmits)
        return;
    options->fastopen_experimental = tcb->ext->fastopen_exp;
    put_cookie(tcb->tcp, tcb->opt, &tcb->flow, options);
}
