/* tcp_fast.c: the short cuts of the data path: header prediction (Van Jacobson, 1990; RFC 7323 appendix D keeps it) and its mirror on
 * the way out. Nearly every segment of a busy connection is the next one in order, with ACK and perhaps PSH alone, and
 * acknowledges whole records that were sent once; nearly every segment to send is the next of the buffer. For these the steps of
 * tcp_input.c, tcp_ack.c, tcp_clean.c, tcp_recovery.c and tcp_output.c come down to what is here, in the same order and with the same
 * result; for anything else these functions say no before they have changed anything, and the general path runs.
 * Only Linux's policies are here (RFC 6298 with Linux's floor, SACK, RACK-TLP, quick and delayed ACKs as Linux has them). */
#include "tcp/tcb.h"

enum { TX_UNUSUAL = TX_SACKED | TX_LOST | TX_RETRANS | TX_EVER_RETRANS | TX_FIN };

/* Established, in the Open state, with nothing lost, out of order, urgent, marked, probed, corked or closing. */
static inline __attribute__((always_inline)) bool is_ordinary(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    if (!ext || !tcb->tcp->has_short_way)
        return false;
    if (tcb->state != TCPS_ESTABLISHED || tcb->ca_state != CA_OPEN || !tcb->sack_ok || tcb->ecn_ok || tcb->fin_queued || tcb->want_syn ||
        tcb->want_probe || tcb->want_keepalive || tcb->want_tlp || tcb->csum_offload || tcb->is_guarded || !tcb->is_v4)
        return false;
    return !(ext->rare[0] | ext->rare[1] | ext->unsettled[0] | ext->unsettled[1] | (uintptr_t)ext->ooo);
}

static inline bool has_unsent(const struct tcb *tcb) { return tcb->snd_nxt != tcb->write_seq; } /* no FIN is queued */

static inline bool is_usual_timer(const struct tcb *tcb)
{
    return (1u << TIMER_NONE | 1u << TIMER_REXMT | 1u << TIMER_TLP) >> tcb->timer & 1;
}

/* --- the user's calls (RFC 9293 3.10.2, 3.10.3), one buffer, no flags ---------------------------------------------------------- */

static __attribute__((noinline)) ssize_t write_any(struct tcp *tcp, struct tcb *tcb, const void *buffer, size_t size, uint64_t now_ns)
{
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    return tcp_send(tcp, tcb, &iov, 1, size, 0, now_ns);
}

static __attribute__((noinline)) ssize_t read_any(struct tcp *tcp, struct tcb *tcb, void *buffer, size_t size, uint64_t now_ns)
{
    struct iovec iov = {buffer, size};
    return tcp_receive(tcp, tcb, &iov, 1, size, 0, now_ns);
}

ssize_t tcp_write(struct tcp *tcp, struct tcb *tcb, const void *buffer, size_t size, uint64_t now_ns)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t used = (uint32_t)stream_length(tcb->snd_stream) + queue_cost(tcb, size), room = used < tcb->sndbuf ? tcb->sndbuf - used : 0,
             start = tcb->write_seq;
    uint32_t lowat = tcb->opt->notsent_lowat ? tcb->opt->notsent_lowat : tcp->params.notsent_lowat;
    if (tcb->state != TCPS_ESTABLISHED || !ext || tcb->so_error || tcb->snd_shutdown || tcb->is_guarded || ext->path_moved ||
        ext->route_moved || size - 1 >= room || (lowat && start - tcb->snd_nxt + (uint64_t)size > lowat))
        return write_any(tcp, tcb, buffer, size, now_ns);
    tcp_set_now(tcp, now_ns);
    tcb_check_app_limited(tcb);
    ssize_t taken = stream_write_bytes(&tcb->snd_stream, tcp->pool, buffer, size, tcb->mss);
    if (taken < 0)
        return -EAGAIN;
    if (start == tcb->snd_nxt && (size_t)taken <= tcb->mss) { /* all of one buffer */
        if (!tcb->tx && tcp->params.output_policy == TCP_OUTPUT_LINUX)
            cwnd_check_idle(tcb);
        tcb->psh_end = true;
        ext->tail_start = start;
        ext->pushed_seq = start + (uint32_t)taken;
    } else {
        queue_note(tcb, (uint32_t)taken, false, false, false);
    }
    tcb->write_seq += (uint32_t)taken;
    tcb_note_busy(tcb);
    if ((size_t)taken < size)
        tcb->want_space = true;
    if (ext->msg_more | ext->nothing_new)
        ext->msg_more = ext->nagle_push = ext->nothing_new = false; /* not stored for nothing: is_ordinary reads it in a wider word */
    tcb_mark_due(tcb);
    return taken;
}

ssize_t tcp_read(struct tcp *tcp, struct tcb *tcb, void *buffer, size_t size, uint64_t now_ns)
{
    uint32_t n = (uint32_t)min_u64(size, tcb->readable);
    if (!tcb->readable && tcb->state == TCPS_ESTABLISHED && !tcb->rcv_shutdown && !tcb->so_error && !tcb->is_guarded)
        return -EAGAIN;
    if (n == 0 || tcb->ext->rcv_urgent || tcb->is_guarded)
        return read_any(tcp, tcb, buffer, size, now_ns);
    tcp_set_now(tcp, now_ns);
    stream_take(&tcb->rcv_stream, buffer, n);
    tcb->readable -= n;
    window_on_read(tcb, n);
    return n;
}

/* --- input ------------------------------------------------------------------------------------------------------------------ */

/* Does ACK end a record, and were all up to it sent once and whole? */
static bool covers_records(const struct tcb *tcb, uint32_t ack)
{
    struct txring *ring = tcb->tx;
    for (uint32_t i = 0; ring && i < ring->count; i++) {
        const struct txseg *seg = txring_at(ring, i);
        if (seg->flags & TX_UNUSUAL)
            return false;
        if (seq_ge(seg->end, ack))
            return seg->end == ack;
    }
    return false;
}

static bool is_flow(const struct tcb *tcb, const struct plain *in)
{
    const struct flow *flow = &tcb->flow;
    return flow->remote.u32[3] == in->source && flow->local.u32[3] == in->dest && flow->remote_port == in->source_port &&
           flow->local_port == in->dest_port && tcb->is_v4;
}

bool tcp_may_predict(const struct tcp *tcp)
{
    return tcp->ext_count;
}

/* RFC 9293 3.10.7.4's checks, first to fifth, of the segment that is expected: it begins at RCV.NXT and fits the window, its
 * timestamp is not old (RFC 7323 5.3 R1), its window is open, its ACK is new or there is text. */
struct tcb *tcp_predict(struct tcp *tcp, const struct plain *in, uint64_t now_ns)
{
    struct tcb *tcb = tcp->cached;
    if (!tcb || !is_flow(tcb, in)) {
        tcb = *tcp_recent(tcp, in->source, in->dest_port, in->source_port);
        if (!tcb || !is_flow(tcb, in))
            return NULL;
        tcp->cached = tcb;
    }
    if (!is_ordinary(tcb))
        return NULL;
    uint32_t window = (uint32_t)in->window << tcb->snd_wscale;
    if (in->seq != tcb->rcv_nxt || in->length > tcb_receive_window(tcb) || in->has_timestamp != tcb->ts_ok || window == 0 ||
        window > tcb->max_window || !is_usual_timer(tcb) || tcb->ext->keep_ns || tcb->ext->head_cut ||
        rmem_is_over(tcb))
        return NULL;
    if (tcb->ts_ok && (int32_t)(tcb->ts_recent - in->ts_value) > 0)
        return NULL;
    if (in->ack == tcb->snd_una ? !in->length : !covers_records(tcb, in->ack))
        return NULL;
    tcp_set_now(tcp, now_ns);
    return tcb;
}

uint64_t *tcp_host_note(struct tcb *tcb)
{
    return &tcb->ext->host_note;
}

/* RFC 8985 7.2 (recovery_schedule_tlp), else RFC 6298 5: the probe timer, no later than the RTO, which counts from an ACK that made
 * progress (ADVANCING) or from the oldest transmission. Something is out, and no timer but these two is running. */
static void arm_timer(struct tcb *tcb, bool advancing)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (!params->tlp) {
        if (advancing || tcb->timer == TIMER_NONE)
            timer_rexmt(tcb);
        return;
    }
    uint64_t now = tcb_now(tcb), timeout_us = NS_PER_S / NS_PER_US;
    uint64_t rto = (advancing ? now : txring_at(tcb->tx, 0)->sent_ns) + rtt_rto_ns(tcb);
    if (tcb->srtt_us) {
        uint32_t rto_min_ms = tcb->opt->rto_min_ms ? tcb->opt->rto_min_ms : params->rto_min_ms;
        timeout_us = (tcb->srtt_us >> 2) + (tcb->tx->packets_out == 1 ? rto_min_ms * 1000ull : TLP_SLACK_US);
    }
    uint64_t deadline = now + timeout_us * NS_PER_US;
    timer_set(tcb, TIMER_TLP, (rto > now ? min_u64(deadline, rto) : deadline) + cwnd_pacing_delay_ns(tcb));
}

/* The records up to ACK leave the ring (recovery_clean): what they say of the round trip, of RACK's knowledge and of the rate is said
 * by the first and the last. Returns the packets they were. */
static uint32_t clean_records(struct tcb *tcb, uint32_t ack, const struct cc_ops *cc)
{
    struct tcb_ext *ext = tcb->ext;
    struct txring *ring = tcb->tx;
    uint64_t now = tcb_now(tcb), first_ns = max_u64(txring_at(ring, 0)->sent_ns, 1);
    uint32_t count = 0, packets = 0, glued = 0;
    const struct txseg *last;
    do {
        last = txring_at(ring, count++);
        packets += txseg_packets(last);
        glued += last->glued;
    } while (last->end != ack);
    uint64_t elapsed_ns = now - last->sent_ns, elapsed_us = elapsed_ns / NS_PER_US;
    uint64_t interval_ns = max_u64(last->sent_ns - last->first_tx_ns, now - last->delivered_ns);
    ext->delivered += packets;
    tcb->tcp->mib[MIB_Delivered] += packets;
    ext->rack_advanced = true; /* RFC 8985 6.2 step 2 */
    ext->rack_rtt_ns = elapsed_ns;
    ext->rack_rtt_burst = last->burst;
    if ((int32_t)(last->burst - ext->rack_burst) >= 0) {
        ext->rack_sent_ns = last->sent_ns;
        ext->rack_burst = last->burst;
        ext->rack_end = last->end;
    }
    ext->first_tx_ns = last->sent_ns; /* the delivery rate (tcp_rate.c) */
    ext->delivered_ns = now;
    bool limited = last->flags & TX_APP_LIMITED;
    uint32_t delivered = ext->delivered - last->delivered;
    bool is_delayed = packets == 1 && delivered == 1 && last->end - last->start < tcb->mss;
    ring->head = (ring->head + count) & ring->mask;
    ring->count -= count;
    ring->packets_out -= packets;
    ring->glued -= glued;
    if (ring->count == 0) {
        ext->tx_class = count > 1u << TX_CLASS_MIN ? (uint8_t)(32 - __builtin_clz(count - 1)) : 0;
        txring_free(tcb);
    }
    rtt_sample_linux(tcb, count == 1 ? elapsed_us : (now - first_ns) / NS_PER_US); /* RFC 6298 3: none was resent, so Karn agrees */
    rtt_note_min(tcb, elapsed_us, is_delayed);
    tcb->backoff = 0;
    if (seq_lt(ext->retrans_hint, ack))
        ext->retrans_hint = ack;
    rate_end_app_limited(ext);
    if (interval_ns >= tcb->min_rtt_us * NS_PER_US)
        rate_note(ext, delivered, interval_ns, limited);
    if (!ext->cc_ready)
        cwnd_init(tcb);
    if (cc->on_rtt)
        cc->on_rtt(tcb, packets, max_u64(elapsed_us, 1));
    return packets;
}

/* Step 5 for an ACK of new data in the Open state: SND.UNA moves, the congestion window may grow, the timer starts anew. */
static void take_ack(struct tcb *tcb, uint32_t ack)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t bytes = ack - tcb->snd_una;
    tcb->retransmits = 0;
    ext->retrans_stamp_ns = 0;
    tcb->snd_una = ack;
    ext->bytes_acked += bytes;
    stream_consume(&tcb->snd_stream, bytes);
    const struct cc_ops *cc = cc_get(tcb);
    uint32_t packets = clean_records(tcb, ack, cc);
    if (!ext->rack_reo_persist) /* RFC 8985 6.2 step 4 */
        ext->rack_reo_steps = 1;
    if (!tcb->tx)
        timer_stop(tcb);
    else
        arm_timer(tcb, true);
    cc->cong_avoid(tcb, packets);
    ext->rate = 0;
    ext->cwnd_stamp_ns = tcb_now(tcb);
    if (tcb->want_space)
        ack_wake_writer(tcb);
}

/* Step 7: the text is the next in order. */
static enum lil_drop take_text(struct tcb *tcb, const struct plain *in, struct lil_packet *packet, bool expected)
{
    struct tcb_ext *ext = tcb->ext;
    struct rx rx;
    rx.length = in->length;
    rx.flags = in->push ? TCP_ACK | TCP_PSH : TCP_ACK;
    rx.gso_size = packet->gso_size;
    rx.options_length = in->has_timestamp ? PLAIN_TIMESTAMP : 0;
    rx.ts_echo = in->ts_echo;
    if (in->ts_echo != ext->rcv_last_echo) {
        rx.seq = in->seq;
        rx.end_seq = in->seq + in->length;
        window_note_echo(tcb, &rx);
    }
    if (stream_append_take(&tcb->rcv_stream, packet) < 0)
        return LIL_DROP_TCP_MEMORY;
    tcb->readable += in->length;
    if (rmem_charge(tcb, in->length) & expected)
        TCP_MIB(tcb->tcp, HPHits);
    else
        ext->rcv_last_ms = tcb_now_ms(tcb); /* Linux has looked at its ACK */
    ext->bytes_received += in->length;
    tcb->rcv_nxt += in->length;
    window_on_data(tcb, &rx);
    if (tcb_has_text(tcb, tcb->opt->socket.rcvlowat))
        tcb_event(tcb, TCP_EV_READABLE);
    return LIL_DROP_NONE;
}

/* IN is what tcp_predict(TCB) agreed to, its checksum was verified since; PACKET (taken) is its payload. */
enum lil_drop tcp_input_predicted(struct tcb *tcb, const struct plain *in, struct lil_packet *packet)
{
    struct tcb_ext *ext = tcb->ext;
    enum lil_drop drop = LIL_DROP_NONE;
    uint32_t window = (uint32_t)in->window << tcb->snd_wscale;
    TCP_MIB(tcb->tcp, InSegs);
    ext->segs_in++;
    ext->data_segs_in += in->length != 0;
    if (tcb->ts_ok && tcb->rcv_wup == tcb->rcv_nxt) { /* RFC 7323 4.3 */
        tcb->ts_recent = in->ts_value;
        tcb->ts_recent_s = tcb->tcp->now_s;
    }
    /* 3.10.7.4: SND.WND follows what is newer, by SEG.SEQ then by SEG.ACK */
    bool advances = in->ack != tcb->snd_una, expected = tcb->hp_on && window == tcb->snd_wnd;
    tcb_count_ack(tcb, expected, advances, in->length != 0);
    if (advances || !in->length)
        ext->rcv_last_ms = tcb_now_ms(tcb);
    if (!expected && !tcb->hp_on && (window != tcb->snd_wnd || in->length)) /* not stored for nothing, as in tcp_write */
        tcb->hp_on = true;
    if (advances || seq_gt(in->seq, tcb->snd_wl1) || (in->seq == tcb->snd_wl1 && window > tcb->snd_wnd)) {
        tcb->snd_wl1 = in->seq;
        tcb->snd_wnd = window;
    }
    if (advances)
        take_ack(tcb, in->ack);
    ext->rexmit_hold = false;
    if (in->length)
        drop = take_text(tcb, in, packet, expected);
    else
        packet_free(packet);
    ext->rcv_last_echo = in->ts_echo;
    if ((in->length || !expected) && !delack_is_decided(tcb)) /* is_expected_ack */
        delack_check(tcb, false);
    if (tcb->acks_due || tcb->ack_now || has_unsent(tcb))
        tcb_mark_due(tcb);
    tcb_check(tcb);
    return drop;
}

/* --- output ----------------------------------------------------------------------------------------------------------------- */

/* How many bytes the next segment has; 0: that is for the general path to say. Whole segments, or the last part of the buffer
 * where Nagle lets it go (RFC 9293 3.7.4); the peer's window and the congestion window have room for all of it. */
static uint32_t next_length(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t unsent = tcb->write_seq - tcb->snd_nxt, length = min_u32(unsent, tcb->mss), flight = tcb_packets_out(tcb);
    if (ext->chunk_left) /* the rest of what is on its way */
        return min_u32(length, ext->chunk_left);
    if (unsent > tcb->mss && tcb_params(tcb)->pacing_ss_ratio) { /* as many whole segments as make a chunk */
        if (flight >= tcb->cwnd || !seq_gt(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt))
            return 0;
        if (ext->mark_count) { /* more buffers than one: the first must be enough, or the general path takes from the second */
            unsent = queue_first_end(tcb) - tcb->snd_nxt;
            if (unsent <
                    min_u32(min_u32(max_u32(tcb->cwnd >> 1, 1), tcb->cwnd - flight), cwnd_chunk_segs(tcb)) * tcb->mss ||
                unsent <= tcb->mss)
                return 0;
        }
        bool last = tcb->snd_nxt + unsent == tcb->write_seq;
        bool by_window; /* the general path will find it, too */
        uint32_t segs = output_chunk_segs(tcb, unsent, last, flight, &by_window), room = tcb->snd_una + tcb->snd_wnd - tcb->snd_nxt;
        uint32_t chunk = segs * tcb->mss;
        if (segs == 0 || chunk > unsent || chunk > room)
            return 0;
        ext->chunk_left = chunk;
        ext->chunk_push = segs > 1;
        return length;
    }
    if (flight >= tcb->cwnd || seq_gt(tcb->snd_nxt + length, tcb->snd_una + tcb->snd_wnd) || ext->mark_count)
        return 0;
    bool small_out = seq_gt(ext->snd_sml, tcb->snd_una) && seq_le(ext->snd_sml, tcb->snd_nxt); /* Minshall's change of Nagle's rule */
    if (length < tcb->mss && ((flight && !tcb->dont_nagle && small_out) || tcb->opt->cork))
        return 0;
    ext->chunk_left = length;
    ext->chunk_push = false;
    return length;
}

static bool may_send(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (!is_ordinary(tcb) || tcb->acks_due || tcb->gso_segs > 1 || tcb->ext->pacing_ns ||
        (tcb->ext->in_burst && tcb->ext->burst_mss != tcb->mss) || /* begun with an option that took room */
        params->pacing || tcb->opt->socket.is_paced)
        return false;
    return is_usual_timer(tcb);
}

static inline void on_idle(struct tcb *tcb)
{
    const struct cc_ops *cc = cc_get(tcb);
    if (cc->on_idle)
        cc->on_idle(tcb);
}

/* The record of what goes out, and the counters (output_data). */
static void note_sent(struct tcb *tcb, struct txseg *seg, uint32_t length, bool push)
{
    struct tcb_ext *ext = tcb->ext;
    bool was_empty = tcb->tx->packets_out == 0;
    if (was_empty)
        ext->first_tx_ns = ext->delivered_ns = tcb_now(tcb);
    *seg = (struct txseg){.start = tcb->snd_nxt,
                          .end = tcb->snd_nxt + length,
                          .sent_ns = tcb_now(tcb),
                          .first_tx_ns = ext->first_tx_ns,
                          .delivered_ns = ext->delivered_ns,
                          .delivered = ext->delivered,
                          .burst = output_burst(tcb, true),
                          .mss = tcb->mss,
                          .flags = (push ? TX_PSH : 0) | (ext->app_limited ? TX_APP_LIMITED : 0),
                          .glued = ext->chunk_left > length};
    ext->chunk_left -= length;
    if (ext->push_first && !ext->chunk_left) /* the rest of the write was copied before the next left */
        ext->push_first = ext->burst_open = false;
    ext->wstamp_ns = tcb_now(tcb);
    tcb->tx->packets_out++;
    tcb->tx->glued += seg->glued;
    if (was_empty && ext->cc_ready)
        on_idle(tcb);
    tcb->snd_nxt += length;
    if (length < tcb->mss)
        ext->snd_sml = tcb->snd_nxt;
    ext->bytes_sent += length;
    ext->data_segs_out++;
    TCP_MIB(tcb->tcp, OrigDataSent);
    delack_on_data_sent(tcb);
    ext->burst_mss = tcb->mss;
    if (was_empty || tcb->timer != TIMER_REXMT)
        tcb->timer = TIMER_NONE;
    ext->in_burst = true;
}

/* The retransmission timer runs while something is out (RFC 6298 5.1); when all has gone, the probe timer instead (RFC 8985 7.2) and
 * the congestion window is judged by what of it was used. */
static void end_of_segment(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (has_unsent(tcb)) {
        if (tcb->timer == TIMER_NONE)
            timer_rexmt(tcb);
        return;
    }
    ext->in_burst = ext->burst_open = false;
    cwnd_validate(tcb, ext->cwnd_limited || tcb_packets_out(tcb) >= tcb->cwnd);
    ext->cwnd_limited = false;
    arm_timer(tcb, false);
    tcb_end_space(tcb);
    tcb_clear_due(tcb);
}

/* What every segment of the connection has (output_fill), and what the peer learns by it. */
static void fill(struct tcb *tcb, struct tcp_plain *out, struct lil_packet *packet, uint32_t length)
{
    const struct tcp_params *params = tcb_params(tcb);
    const struct tcb_options *options = &tcb->opt->socket;
    struct plain *header = &out->header;
    out->packet = packet;
    out->flow = &tcb->flow;
    header->source = tcb->flow.local.u32[3];
    header->dest = tcb->flow.remote.u32[3];
    header->source_port = tcb->flow.local_port;
    header->dest_port = tcb->flow.remote_port;
    header->seq = tcb->snd_nxt;
    header->ack = tcb->rcv_nxt;
    header->has_timestamp = tcb->ts_ok;
    header->ts_value = tcb_ts_now(tcb);
    header->ts_echo = tcb->ts_recent;
    header->window = window_select(tcb);
    header->length = (uint16_t)length;
    header->tos = options->tos[0] & (tcb->ecn_ok ? 0xfc : 0xff);
    header->ttl = options->ttl[0];
    header->dont_fragment = pmtudisc_sets_df(options->pmtudisc[0], params->pmtu_discovery);
    header->push = false;
    tcb->ack_want = 0;
    delack_on_ack_sent(tcb);
    tcb->ext->segs_out++;
    TCP_MIB(tcb->tcp, OutSegs);
}

static bool output_plain(struct tcb *tcb, struct tcp_plain *out)
{
    uint32_t length = next_length(tcb);
    struct lil_packet *packet = length ? packet_new(tcb->tcp->pool) : NULL;
    if (!packet)
        return false;
    if (stream_read_packet(tcb->snd_stream, tcb->snd_nxt - tcb->snd_una, length, true, packet) < 0) {
        packet_free(packet);
        return false;
    }
    struct txseg *seg = txring_push(tcb);
    if (!seg) {
        packet_free(packet);
        return false;
    }
    fill(tcb, out, packet, length);
    /* RFC 9293 3.9.1.2 (MUST-61) */
    bool whole = tcb->ext->chunk_left == length, push = tcb->snd_nxt + length == tcb->write_seq && tcb->psh_end;
    if (tcb->ext->mark_count)
        push = whole && queue_pass_push(tcb, tcb->snd_nxt + length);
    out->header.push = push || (tcb->ext->chunk_push && whole);
    note_sent(tcb, seg, length, push);
    end_of_segment(tcb);
    tcb_check(tcb);
    return true;
}

/* All is sent, one ACK is owed (RFC 9293 3.8.6.3). */
static bool output_ack(struct tcb *tcb, struct tcp_plain *out)
{
    if (tcb->ack_want != 1 || tcb->ext->in_burst || seq_gt(tcb->snd_nxt, tcb->snd_una + tcb->snd_wnd))
        return false;
    struct lil_packet *packet = packet_new(tcb->tcp->pool);
    if (!packet)
        return false;
    fill(tcb, out, packet, 0);
    tcb_clear_due(tcb);
    return true;
}

bool tcp_output_plain(struct tcp *tcp, uint64_t now_ns, struct tcp_plain *out)
{
    struct tcb *tcb = tcp->due_first;
    if (tcp->due != DUE_TCB)
        return false;
    if (!may_send(tcb))
        return false;
    tcp_set_now(tcp, now_ns);
    if (!(has_unsent(tcb) ? output_plain(tcb, out) : output_ack(tcb, out)))
        return false;
    tcb_note_less_unsent(tcb);
    if (tcb->is_due)
        tcb_note_turn(tcb);
    return true;
}
