/* tcp_output.c: "what is the next segment?" (RFC 9293 3.7, 3.8.6.2.1; Nagle 3.7.4). Pulled by tcp_output_next: SYN, owed ACKs,
 * probes, retransmissions, new data, and an ACK alone if none of these carried it. */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

size_t output_options_size(const struct tcb *tcb)
{
    size_t size = tcb_ts_bytes(tcb) + (tcb_is_signed(tcb) ? MD5_OPTION : 0), least = size;
    const struct tcb_ext *ext = tcb->ext;
    if (ext && tcb->sack_ok && (ext->recent_count || ext->has_dsack)) {
        uint32_t room = 40 - (uint32_t)size, blocks = min_u32(ext->recent_count + ext->has_dsack, room < 12 ? 0 : (room - 4) / 8);
        size += blocks ? 4 + 8 * blocks : 0;
    }
    if (accecn_is_on(tcb)) {
        uint8_t blocks = size > least ? (uint8_t)((size - least - 4) / 8) : 0, kept = blocks;
        int fields = accecn_fields(tcb, 40 - (uint32_t)size, &kept);
        if (fields >= 0)
            /* its odd bytes may take the SACK's NOPs */
            size = (size - 8u * (blocks - kept) + 2 + 3 * (size_t)fields + (kept ? 1 : 3)) & ~(size_t)3;
    }
    return size;
}

/* Sequence space that was sent before; a bare ACK takes none. */
static bool is_again(const struct tcb *tcb, uint16_t flags, uint32_t seq)
{
    return (flags & TCP_SYN) ? !tcb->is_passive && (tcb->retransmits || tcb->state == TCPS_SYN_RECEIVED)
                             : seq_lt(seq, tcb->snd_nxt) && seq_ge(seq, tcb->snd_una) && tcb->tx && tcb->tx->count;
}

uint8_t output_ttl(const struct tcb *tcb)
{
    return tcb->opt->socket.ttl[!tcb->is_v4];
}

uint8_t tcp_default_ttl(const struct tcp *tcp, bool is_v4)
{
    return !is_v4 && tcp->params.hop_limit ? tcp->params.hop_limit : tcp->params.ttl;
}

/* All that every segment of this connection has in common. Only what is needed is written: this runs per packet. */
void output_fill(struct tcb *tcb, struct tcp_segment *segment, uint16_t flags, uint32_t seq)
{
    struct tcp *tcp = tcb->tcp;
    const struct tcb_options *options = &tcb->opt->socket;
    struct tcphdr_ *header = &segment->header;
    segment->flow = tcb->flow;
    segment->packet = NULL;
    segment->gso_size = 0;
    segment->option_order = tcp->params.option_order;
    segment->tos = options->tos[!tcb->is_v4] & (tcb->ecn_ok ? 0xfc : 0xff); /* FreeBSD's IPV6_TCLASS may have ECN's bits */
    segment->ttl = output_ttl(tcb);
    uint8_t pmtudisc = options->pmtudisc[!tcb->is_v4];
    segment->dont_fragment = pmtudisc_sets_df(pmtudisc, tcp->params.pmtu_discovery) &&
                             (pmtudisc == PMTUDISC_DO || !tcb->opt->path.mtu_lock);
    header->source_port = tcb->flow.local_port;
    header->dest_port = tcb->flow.remote_port;
    header->seq = seq;
    header->ack = (flags & TCP_ACK) ? tcb->rcv_nxt : 0;
    header->checksum = header->urgent = 0;
    header->header_length = 0;
    memset(&header->options, 0, offsetof(struct tcp_options, sack));
    bool has_dsack = tcb->ext && tcb->ext->has_dsack;
    if (tcb->ext && !((flags & TCP_SYN) && tcb->is_passive)) /* a SYN/ACK is its request's */
        tcb->ext->segs_out++;
    if (!(flags & TCP_SYN)) {
        if (tcb->ts_ok) {
            header->options.has_timestamp = true;
            header->options.ts_value = tcb_ts_now(tcb);
            header->options.ts_echo = tcb->ts_recent;
            if (__builtin_expect(tcb->backoff == 1, 0) && tcb->ext)
                tcb->ext->base.undo_ts = header->options.ts_value; /* t_badrxtwin */
        }
        if (tcb->ext && tcb->sack_ok && (tcb->ext->recent_count || tcb->ext->has_dsack) && !(flags & TCP_RST))
            sack_generate(tcb, &header->options);
        header->window = window_select(tcb);
        if (__builtin_expect(header->window == 0, 0) && tcb->ext)
            tcb->ext->base.zero_windows++;
        if (tcb->ecn_ok && tcb->ecn_demand_cwr && !tcb->is_fin_waiter)
            flags |= TCP_ECE;
    }
    header->flags = flags;
    if (tcb->ecn_ok && !(flags & TCP_SYN) && accecn_is_on(tcb))
        accecn_mark(tcb, segment, has_dsack);
    else if (tcb->ecn_ok && !(flags & TCP_SYN) && cc_has_ecn(tcb) && !tcb->is_fin_waiter)
        segment->tos |= 2;
    if (!is_again(tcb, flags, seq)) /* RFC 4022: not what only repeats */
        TCP_MIB(tcp, OutSegs);
}

void output_note_ack(struct tcb *tcb)
{
    tcb->ack_want = 0;
    delack_on_ack_sent(tcb);
}

/* Linux's tcp_acceptable_seq: where the peer took its window back, an ACK does not go beyond it. */
static uint32_t ack_seq(struct tcb *tcb)
{
    uint32_t right = tcb->snd_una + tcb->snd_wnd, beyond = tcb->snd_nxt - right;
    if (tcb_params(tcb)->byte_recovery)
        return base_ack_seq(tcb);
    if (!seq_gt(tcb->snd_nxt, right) || (tcb->wscale_ok && beyond < 1u << tcb->rcv_wscale) ||
        tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX)
        return tcb->snd_nxt;
    return right;
}

/* RFC 9293 3.8.5: of any length, the pointer at its most while the end is far (MUST-31); it names the octet behind the
 * urgent data (MUST-62). */
COLD static void set_urgent(struct tcb *tcb, struct tcphdr_ *header)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->snd_urgent)
        return;
    if (!seq_lt(header->seq, ext->snd_up)) {
        ext->snd_urgent = !tcb_params(tcb)->byte_recovery; /* FreeBSD: "drag it along" */
        return;
    }
    uint32_t offset = ext->snd_up - header->seq;
    header->urgent = (uint16_t)min_u32(offset, 0xffff);
    header->flags |= TCP_URG;
}

static bool output_ack(struct tcb *tcb, struct tcp_segment *segment)
{
    uint32_t seq = ack_seq(tcb);
    /* BSD: where a FIN is out and not acknowledged, each ACK carries it again, but while what was before it goes again */
    bool again = tcb->fin_queued && tcb_params(tcb)->input_policy == TCP_INPUT_BSD && seq == tcb->write_seq + 1 &&
                 tcb->snd_una != tcb->snd_nxt && !base_probes_again(tcb);
    output_fill(tcb, segment, TCP_ACK | (again ? TCP_FIN : 0), seq - again);
    if (__builtin_expect(tcb_ext_peek(tcb)->snd_urgent, 0))
        set_urgent(tcb, &segment->header);
    uint32_t want = tcb->ack_want;
    output_note_ack(tcb);
    tcb->ack_want = want & 7; /* further duplicates are owed still */
    return true;
}

/* --- probes -------------------------------------------------------------------------------------------------------------- */

bool output_attach(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, uint16_t mss)
{
    struct lil_packet *packet = packet_new(tcb->tcp->pool);
    if (!packet)
        return false;
    if (stream_read_packet(tcb->snd_stream, seq - tcb_data_base(tcb), length, !tcb->csum_offload, packet) < 0) {
        packet_free(packet);
        return false;
    }
    segment->packet = packet;
    segment->gso_size = 0;
    if (length > mss)
        packet->gso_size = segment->gso_size = mss;
    return true;
}

/* RFC 9293 3.8.4: SEG.SEQ = SND.NXT-1; an old sequence number that must be answered. 4.2-compatible ones carry a garbage byte. */
COLD static bool output_keepalive(struct tcb *tcb, struct tcp_segment *segment)
{
    tcb->want_keepalive = false;
    TCP_MIB(tcb->tcp, KeepAlive);
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD) { /* tcp_respond(): no SACK blocks */
        reply_here(tcb, tcb->snd_una - 1, TCP_ACK);
        return tcb->tcp->reply_count && reply_output(tcb->tcp, segment);
    }
    output_fill(tcb, segment, TCP_ACK, tcb->snd_una - 1);
    if (tcb_params(tcb)->keepalive_garbage_byte) {
        segment->packet = packet_new(tcb->tcp->pool);
        if (segment->packet && !packet_append(segment->packet, "", 1)) {
            packet_free(segment->packet);
            segment->packet = NULL;
        }
    }
    return true;
}

/* RFC 3168 6.1.1, 6.1.2: new data is ECN-capable, and the first of it after a reduction says so. */
static void mark_new(struct tcb *tcb, struct tcp_segment *segment)
{
    if (accecn_is_on(tcb) && !tcb_params(tcb)->byte_recovery) /* accecn_mark() */
        return;
    segment->tos |= tcb_ext_peek(tcb)->base.is_ect1 ? 1 : 2;
    if (tcb->ecn_queue_cwr && !accecn_is_on(tcb)) {
        tcb->ecn_queue_cwr = false;
        segment->header.flags |= TCP_CWR;
    }
}

/* RFC 9293 3.8.6.1 (MUST-35): a closed window: a piece that fits, one byte of data (BSD), or an old sequence number (Linux). */
COLD static bool output_probe(struct tcb *tcb, struct tcp_segment *segment)
{
    tcb->want_probe = false;
    bool again = base_probes_again(tcb);
    uint32_t right = tcb->snd_una + tcb->snd_wnd, next = again ? tcb->ext->base.next : tcb->snd_nxt, unsent = tcb->write_seq - next;
    uint32_t room = seq_gt(right, next) ? right - next : 0;
    if (unsent && (int32_t)unsent > 0 && room == 0 && tcb_params(tcb)->persist_data) {
        /* BSD: the next byte, which is not in flight for that: the persist timer, not R2, cares for it (MUST-37) */
        if (output_attach(tcb, segment, next, 1, tcb->mss)) {
            struct lil_packet *packet = segment->packet;
            bool last = next + 1 == tcb->write_seq && tcb_params(tcb)->input_policy == TCP_INPUT_BSD;
            output_fill(tcb, segment, TCP_ACK | (last ? TCP_PSH : 0), next);
            if (__builtin_expect(tcb_ext_peek(tcb)->snd_urgent, 0) && tcb_params(tcb)->byte_recovery)
                set_urgent(tcb, &segment->header);
            segment->packet = packet;
            output_note_ack(tcb);
            if (tcb->ecn_ok && tcb_params(tcb)->byte_recovery && !tcb_ext_peek(tcb)->probe_byte && !again)
                mark_new(tcb, segment);
            if (tcb->ext && !again)
                tcb->ext->probe_byte = true;
            TCP_MIB(tcb->tcp, WinProbe);
            return true;
        }
    } else if (unsent && (int32_t)unsent > 0 && room) {
        uint32_t length = min_u32(min_u32(unsent, room), mss_current(tcb)), seq = tcb->snd_nxt, small = tcb_ext_peek(tcb)->snd_sml;
        if (output_data(tcb, segment, seq, length, seq + length == tcb->write_seq && tcb->fin_queued && room > length)) {
            if (tcb_params(tcb)->input_policy != TCP_INPUT_BSD) {
                segment->header.flags |= TCP_PSH;
                persist_note(tcb, seq);
                tcb->ext->keep_probes_out = 0; /* no probe: text that waited */
                persist_end(tcb);
                txring_at(tcb->tx, tcb->tx->count - 1)->flags |= TX_PSH;
                tcb->ext->fin_pushes = seq + length == tcb->write_seq && tcb->fin_queued;
            }
            if (tcb->ext && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX)
                tcb->ext->snd_sml = small; /* Nagle's rule counts what was sent by itself (tcp_minshall_update) */
            return true;
        }
    }
    output_fill(tcb, segment, TCP_ACK, tcb->snd_una - 1);
    TCP_MIB(tcb->tcp, WinProbe);
    if (tcb->ext && tcb->ext->snd_urgent && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX) {
        if (!tcb->ext->urgent_probed) { /* urgent data waits: one probe more, at SND.UNA, so that its URG is not too old to be believed */
            segment->header.seq = tcb->snd_una;
            tcb->want_probe = true;
        }
        tcb->ext->urgent_probed = tcb->want_probe;
        set_urgent(tcb, &segment->header);
    }
    return true;
}

/* --- data ----------------------------------------------------------------------------------------------------------------- */

/* Urgent data, and sends that somebody wants to hear of (tcp_stamp.c). */
COLD void output_note_rare(struct tcb *tcb, struct tcphdr_ *header, uint32_t length)
{
    if (tcb->ext->has_stamps)
        stamp_on_sent(tcb, header->seq, header->seq + length, tcb_headers(tcb) + tcb_ts_bytes(tcb));
    set_urgent(tcb, header);
}

static void note_first(struct tcb *tcb, uint32_t seq, uint32_t length, uint32_t packets)
{
    struct tcb_ext *ext = tcb->ext;
    ext->probe_byte = false;
    if (length) {
        ext->bytes_sent += length;
        ext->data_segs_out += packets;
        if (!ext->leaves_early)
            delack_on_data_sent(tcb);
    }
    TCP_MIB(tcb->tcp, OrigDataSent); /* a FIN, too */
    if (recovery_is_reducing(tcb))
        ext->prr_out += packets;
    if (tcb_params(tcb)->byte_recovery)
        base_on_sent(tcb, seq, tcb->snd_nxt, false);
    cwnd_pace(tcb, length, ext->chunk_left > length);
}

/* What is remembered of a segment's end: a record's (MSG_EOR), a write's (PSH). Within a chunk there is no end, and Linux marks each
 * chunk of several segments. */
struct text_end {
    bool eor, push, marks_chunk;
};

static struct text_end pass_end(struct tcb *tcb, uint32_t seq, uint32_t length)
{
    struct tcb_ext *ext = tcb->ext;
    struct text_end end = {false, false, false};
    if (!ext)
        return end;
    if (length == 0) {
        end.push = ext->fin_pushes;
        return end;
    }
    bool whole = ext->chunk_left <= length;
    end.eor = ext->eor_count && queue_pass_eor(ext, seq + length);
    end.push = whole && queue_pass_push(tcb, seq + length);
    end.marks_chunk = whole && ext->chunk_push;
    return end;
}

/* SEG, which is the ring's last, is on its way. */
static void count_first(struct tcb *tcb, struct txseg *seg, uint32_t length)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = txseg_packets(seg);
    bool was_empty = tcb->tx->packets_out == 0;
    if (ext)
        rate_on_sent(ext, seg, was_empty);
    if (ext && length && tcb_in_flight(tcb) == 0)
        cwnd_on_idle(tcb);
    tcb->tx->packets_out += packets;
    tcb->tx->glued += seg->glued;
    if (ext && length % seg->mss)
        ext->snd_sml = seg->start + length;
    tcb->snd_nxt = seg->end;
    if (ext)
        note_first(tcb, seg->start, length, packets);
    else
        TCP_MIB(tcb->tcp, OrigDataSent);
    if (tcb->state == TCPS_SYN_RECEIVED) /* a fast open child: the SYN/ACK has the timer */
        return;
    if (was_empty || tcb->timer == TIMER_TLP || tcb->timer == TIMER_NONE || tcb->timer == TIMER_PERSIST || tcb->timer == TIMER_RETRY) {
        tcb->timer = TIMER_NONE;
        if (ext || !recovery_schedule_tlp(tcb, false)) /* who has text waits for the burst's end */
            timer_rexmt(tcb);
    }
}

/* Sends [SEQ, SEQ+LENGTH) of the buffer for the first time, in segments of MSS, with the FIN behind it when FIN. */
static bool output_first(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, uint16_t mss, bool fin)
{
    struct txseg *seg = txring_push(tcb);
    if (!seg)
        return false;
    segment->packet = NULL;
    segment->gso_size = 0;
    if (length && !output_attach(tcb, segment, seq, length, mss)) {
        if (--tcb->tx->count == 0)
            txring_release(tcb);
        return false;
    }
    struct lil_packet *packet = segment->packet;
    uint16_t gso_size = segment->gso_size;
    struct tcb_ext *ext = tcb->ext;
    struct text_end end = pass_end(tcb, seq, length);
    bool has_dsack = ext && ext->has_dsack;
    output_fill(tcb, segment, TCP_ACK | (fin ? TCP_FIN : 0) | (end.push || end.marks_chunk ? TCP_PSH : 0), seq);
    if (__builtin_expect(has_dsack, 0) && ext->chunk_left > length)
        ext->has_dsack = true; /* the device copies a chunk's options to each of its segments */
    segment->packet = packet;
    segment->gso_size = gso_size;
    if (ext && (ext->snd_urgent || ext->has_stamps))
        output_note_rare(tcb, &segment->header, length);
    if (tcb->ecn_ok && length)
        mark_new(tcb, segment);
    if (!ext || !ext->leaves_early) /* else it was noted before the text came */
        output_note_ack(tcb);
    *seg = (struct txseg){.start = seq,
                          .end = seq + length + fin,
                          .sent_ns = tcb_now(tcb),
                          .mss = mss,
                          .glued = ext && ext->chunk_left > length,
                          .flags = (fin ? TX_FIN : 0) | (end.push ? TX_PSH : 0) | (end.eor ? TX_EOR : 0) |
                                   (ext && ext->app_limited ? TX_APP_LIMITED : 0),
                          .burst = ext ? output_burst(tcb, true) : 0};
    count_first(tcb, seg, length);
    return true;
}

/* Options that come and go (SACK, AccECN) do not change the size within a burst, as Linux computes it once (tcp_write_xmit). */
static uint32_t burst_mss(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->in_burst || !ext->burst_mss || tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX)
        ext->burst_mss = (uint16_t)mss_current(tcb);
    return min_u32(ext->burst_mss, tcb->mss);
}

bool output_data(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, bool fin)
{
    return output_first(tcb, segment, seq, length, tcb->ext ? (uint16_t)burst_mss(tcb) : tcb->mss, fin);
}

/* Linux: TCP_NODELAY, when it is set, pushes what waits (__tcp_sock_set_nodelay), past the cork, which stays for what comes. */
COLD static bool is_pushed_once(struct tcb_ext *ext, uint32_t snd_nxt)
{
    ext->nagle_push = ext->nagle_push && seq_lt(snd_nxt, ext->nagle_end);
    return ext->nagle_push;
}

/* Linux: what goes down while the rest of its write is copied (tcp_queue.c). */
static bool is_hurried(const struct tcb *tcb)
{
    return tcb->ext->hurried_end - tcb->snd_nxt - 1 < tcb->write_seq - tcb->snd_nxt;
}

/* Nagle with Minshall's change, CORK and MSG_MORE (RFC 9293 3.7.4, SHLD-7; TCP_NODELAY: MUST-17). */
static bool nagle_allows(const struct tcb *tcb)
{
    if (tcb->opt->cork || tcb->ext->msg_more)
        return false;
    if (tcb->dont_nagle || tcb_packets_out(tcb) == 0)
        return true;
    bool small_out = seq_gt(tcb->ext->snd_sml, tcb->snd_una) && seq_le(tcb->ext->snd_sml, tcb->snd_nxt);
    if (tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX) /* BSD: anything outstanding holds it, but what this burst itself has sent */
        return tcb->ext->in_burst && tcb->ext->burst_idle;
    return !small_out;
}

/* May a partial segment go? */
static bool may_send_partial(const struct tcb *tcb, bool fin)
{
    bool is_urgent = tcb->ext->snd_urgent && (tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX || tcb_params(tcb)->byte_recovery ||
                                              seq_lt(tcb->snd_nxt, tcb->ext->snd_up));
    if (fin || is_urgent) /* Linux, FreeBSD: whatever is written while urgent data is not acknowledged */
        return true;
    return nagle_allows(tcb) || is_hurried(tcb) || (tcb->ext->nagle_push && is_pushed_once(tcb->ext, tcb->snd_nxt));
}

bool output_may_send_partial(const struct tcb *tcb) { return may_send_partial(tcb, false); }

/* Sender's silly window avoidance where partial-window segments exist at all (RFC 9293 3.8.6.2.1, MUST-38). */
static bool is_worth_sending(const struct tcb *tcb, uint32_t length, uint32_t mss, uint32_t unsent)
{
    return length >= mss || length == unsent || length >= tcb->max_window / 2;
}

/* Linux: how many segments the device gets in one piece, at most half the window (tcp_cwnd_test); 0: it waits for ACKs.
 * The buffer that it is taken from has BYTES and is the LAST or is followed by others. */
uint32_t output_chunk_segs(struct tcb *tcb, uint32_t bytes, bool last, uint32_t flight, bool *by_window)
{
    uint32_t most = cwnd_chunk_segs(tcb), quota = min_u32(max_u32(tcb->cwnd >> 1, 1), tcb->cwnd - flight);
    bool is_alone = tcb->ext->alone_end - tcb->snd_nxt - 1 < tcb->write_seq - tcb->snd_nxt;
    if (!is_alone && tcb->ext->wstamp_ns + NS_PER_MS >= tcb_now(tcb) && cwnd_defers_chunk(tcb, bytes, last, most, by_window))
        return 0;
    return min_u32(quota, tcb->gso_segs > 1 ? min_u32(most, tcb->gso_segs) : most);
}

/* Linux: how much of a buffer of several segments goes as one chunk of MOST at most (tcp_mss_split_point). What waits behind it
 * lets all of it go only where the window has room for the largest chunk; a FIN at its end lets nothing go. */
static uint32_t chunk_length(const struct tcb *tcb, uint32_t bytes, uint32_t room, uint32_t most, uint32_t mss, bool is_followed)
{
    uint32_t length = min_u32(bytes, room), partial = length % mss;
    if (tcb->ext->snd_urgent)
        return mss;
    if (is_followed && most <= room)
        return min_u32(most, bytes);
    if (most <= length)
        return most;
    return partial && !nagle_allows(tcb) && !is_hurried(tcb) ? length - partial : length;
}

/* RFC 9293 3.8.6 (MUST-34): a right edge that moved left of SND.NXT is no room, not a negative one.
 * How much of UNSENT may go in one segment now; 0: nothing, *BY_WINDOW if it is the peer's window that holds it back. FORCED: its end is
 * a record's, which waits for nothing more. */
static uint32_t next_length(struct tcb *tcb, uint32_t unsent, bool forced, bool *by_window)
{
    if (tcb_params(tcb)->byte_recovery)
        return base_next_length(tcb, unsent);
    uint32_t mss = burst_mss(tcb), right = tcb->snd_una + tcb->snd_wnd, flight = tcb_in_flight(tcb),
             room = seq_gt(right, tcb->snd_nxt) ? right - tcb->snd_nxt : 0;
    bool linux_way = tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX;
    if (flight >= tcb->cwnd) {
        tcb->ext->cwnd_limited = true;
        return 0;
    }
    bool last = true, record = forced; /* of the first buffer */
    if (tcb->ext->mark_count && linux_way) {
        uint32_t quota = min_u32(min_u32(max_u32(tcb->cwnd >> 1, 1), tcb->cwnd - flight), cwnd_chunk_segs(tcb));
        uint32_t first = queue_grow(tcb, quota * mss) - tcb->snd_nxt;
        last = first >= unsent;
        unsent = min_u32(unsent, first);
        forced |= !last;
    }
    bool with_fin = linux_way && tcb->fin_queued && last && !record && unsent <= mss; /* it must fit, too */
    *by_window = room == 0 || (linux_way && room < min_u32(unsent, mss) + with_fin);
    if (*by_window)
        return 0;
    uint32_t segs = min_u32(tcb->cwnd - flight, max_u32(tcb->gso_segs, 1));
    if (unsent > mss && tcb_params(tcb)->pacing_ss_ratio)
        segs = output_chunk_segs(tcb, unsent, last && !record, flight, by_window);
    if (segs == 0)
        return 0;
    if (linux_way && unsent > mss)
        return chunk_length(tcb, unsent, room, segs * mss, mss, forced);
    uint32_t length = min_u32(min_u32(unsent, room), segs * mss), partial = length % mss;
    if (partial == 0)
        return length;
    if (length > mss && (length < unsent || !(forced || may_send_partial(tcb, tcb->fin_queued))))
        return length - partial; /* whole segments first */
    if (length < mss) {
        if (length < unsent && !is_worth_sending(tcb, length, mss, unsent))
            return 0;
        if (length == unsent && !forced && !may_send_partial(tcb, tcb->fin_queued))
            return 0;
    }
    return length;
}

/* Does the peer's window hold something back (tcpi_rwnd_limited)? */
static void note_rwnd(struct tcb *tcb, bool is_limited)
{
    struct tcb_ext *ext = tcb->ext;
    if (is_limited && !ext->rwnd_limited)
        ext->rwnd_ns = tcb_now(tcb);
    else if (!is_limited && ext->rwnd_limited)
        ext->rwnd_total_ns += tcb_now(tcb) - ext->rwnd_ns;
    ext->rwnd_limited = is_limited;
}

/* RFC 4821: a burst may begin with a probe. True: it does, or nothing goes now; *SENT says which. */
COLD static bool output_mtu_probe(struct tcb *tcb, struct tcp_segment *segment, uint32_t unsent, bool *sent)
{
    struct tcb_ext *ext = tcb->ext;
    bool wait = false;
    if (ext->push_first)
        return false;
    uint32_t length = plpmtud_next(tcb, unsent, &wait), start = tcb->snd_nxt;
    ext->probe_checked = !wait;
    if (length == 0)
        return wait;
    ext->chunk_push = false;
    *sent = output_first(tcb, segment, start, length, (uint16_t)length, false);
    if (*sent) {
        ext->in_burst = true;
        plpmtud_on_sent(tcb, start, length);
    }
    return *sent;
}

/* The FIN alone: all text before it has gone. */
static bool output_fin(struct tcb *tcb, struct tcp_segment *segment)
{
    if (base_probes_again(tcb)) /* it goes with the last that goes again */
        return false;
    if (tcb_in_flight(tcb) && tcb_in_flight(tcb) >= tcb->cwnd && !tcb_params(tcb)->byte_recovery)
        return false;
    bool by_window = !seq_lt(tcb->snd_nxt, tcb->snd_una + tcb->snd_wnd) && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX;
    if (tcb->ext)
        note_rwnd(tcb, by_window);
    if (by_window)
        return persist_check(tcb), false;
    bool sent = output_data(tcb, segment, tcb->snd_nxt, 0, true);
    if (tcb->ext)
        tcb->ext->in_burst |= tcb_params(tcb)->tlp; /* a lost FIN is probed for, too */
    return sent;
}

/* How much of UNSENT the next segment has; 0: nothing goes. What goes in one piece to the device is settled when it begins. */
static uint32_t next_piece(struct tcb *tcb, uint32_t unsent)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t mss = burst_mss(tcb);
    ext->accecn.again = ext->chunk_left != 0;
    if (ext->chunk_left) /* the rest of what is on its way */
        return min_u32(min_u32(ext->chunk_left, mss), unsent);
    if (tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX)
        cwnd_check_idle(tcb);
    uint32_t record = queue_until_eor(tcb, tcb->snd_nxt, unsent);
    bool by_window = false;
    uint32_t length = next_length(tcb, record, record < unsent, &by_window);
    note_rwnd(tcb, by_window);
    ext->chunk_left = length;
    ext->chunk_push = length > mss && !ext->snd_urgent && tcb_params(tcb)->pacing_ss_ratio;
    return tcb->gso_segs <= 1 ? min_u32(length, mss) : length;
}

static bool output_new(struct tcb *tcb, struct tcp_segment *segment)
{
    struct tcb_ext *ext = tcb->ext;
    if (!tcb_has_unsent(tcb) || tcb->state > TCPS_LAST_ACK || tcb->state == TCPS_FIN_WAIT_2)
        return false;
    if (ext && ext->pacing_ns)
        return note_rwnd(tcb, false), false;
    uint32_t unsent = tcb->write_seq - tcb->snd_nxt;
    if (seq_gt(tcb->snd_nxt, tcb->write_seq))
        return false; /* the FIN is out */
    if (unsent == 0)
        return output_fin(tcb, segment);
    bool sent = false;
    if (ext->mtu_probing && !ext->chunk_left && !ext->probe_checked && output_mtu_probe(tcb, segment, unsent, &sent))
        return sent;
    uint32_t length = next_piece(tcb, unsent);
    bool was_idle = tcb_packets_out(tcb) == 0;
    if (length == 0) {
        if (was_idle)
            persist_check(tcb);
        return false;
    }
    if (!output_data(tcb, segment, tcb->snd_nxt, length, tcb->fin_queued && length == unsent)) {
        if (tcb->timer == TIMER_NONE) /* no memory: again soon */
            timer_set(tcb, TIMER_RETRY, tcb_now(tcb) + 10 * NS_PER_MS);
        return false;
    }
    ext->chunk_left -= length;
    if (ext->push_first && !ext->chunk_left) /* the rest of the write was copied before the next left */
        ext->push_first = ext->burst_open = false;
    if (!ext->in_burst)
        ext->burst_idle = was_idle;
    ext->in_burst = true;
    return true;
}

/* All has gone that may, or the congestion window holds back even the first. */
static void end_burst(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    bool had_sent = ext->in_burst;
    ext->in_burst = false;
    cwnd_validate(tcb, ext->cwnd_limited || tcb_in_flight(tcb) >= tcb->cwnd);
    ext->cwnd_limited = false;
    if (had_sent && tcb_params(tcb)->tlp && tcb->state >= TCPS_ESTABLISHED)
        recovery_schedule_tlp(tcb, false);
}

/* F-RTO step 2.b (RFC 5682): new data rather than more retransmissions, if there is any; else what is lost. */
static bool output_recovery(struct tcb *tcb, struct tcp_segment *segment)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->frto_new || (ext->leaves_early && !ext->lost_out)) {
        if (output_new(tcb, segment))
            return true;
        if (seq_gt(tcb->snd_nxt, ext->high_seq))
            return false;
        ext->frto = false;
    }
    return output_lost(tcb, segment);
}

/* Linux looks up the route when a segment leaves: what is cut is cut by the old one's MTU once more. */
COLD static bool output_by_new_path(struct tcb *tcb, struct tcp_segment *segment)
{
    mss_follow_path(tcb, false);
    bool is_late = tcb->ext->path_moved;
    tcb->ext->path_moved = false;
    bool is_sent = output_tcb(tcb, segment);
    if (is_late && is_sent)
        mss_follow_path(tcb, true);
    else if (is_late)
        tcb->ext->path_moved = true;
    return is_sent;
}

/* An ACK that a segment asked for; BSD: with what may go, else alone. */
static void output_owed(struct tcb *tcb, struct tcp_segment *segment)
{
    bool is_base = tcb_params(tcb)->byte_recovery && tcb->state >= TCPS_ESTABLISHED && tcb->ext;
    bool is_carried = is_base && (output_lost(tcb, segment) || output_new(tcb, segment));
    tcb->acks_due--;
    if (is_carried)
        return;
    output_ack(tcb, segment);
    tcb->ack_want = 0;
}

/* Nothing more goes now: what held for this burst alone ends. */
static void forget_burst(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->in_burst || ext->cwnd_limited)
        end_burst(tcb);
    tcb_end_space(tcb);
    ext->probe_checked = ext->burst_open = ext->nothing_new = ext->fastopen_burst = false;
    ext->hurried_end = ext->alone_end = tcb->snd_nxt;
    ext->base.is_last = ext->base.has_skipped = false;
}

/* What goes again, if anything does (tcp_retransmit.c, bsd/tcp_base.c). */
static bool output_old(struct tcb *tcb, struct tcp_segment *segment)
{
    const struct tcb_ext *ext = tcb->ext;
    if (!ext || !(ext->lost_out || ext->leaves_early || ext->base.in_fast || base_probes_again(tcb)))
        return false;
    return ext->leaves_early ? output_early(tcb, segment, output_recovery) : output_recovery(tcb, segment);
}

bool output_tcb(struct tcb *tcb, struct tcp_segment *segment)
{
    /* the SYN/ACK alone may be in flight after a timeout */
    bool may_close = tcb->is_orphan && !tcb->retransmits && tcb_params(tcb)->input_policy != TCP_INPUT_BSD;
    bool may_send = tcb->state == TCPS_SYN_RECEIVED && (fastopen_child_may_send(tcb) || tcb->acks_due || may_close);
    if (tcb->want_syn)
        return output_syn(tcb, segment);
    if (tcb->state < TCPS_ESTABLISHED && !may_send) {
        tcb->acks_due = tcb->ack_want = 0;
        return false;
    }
    if (tcb->ext && tcb->ext->path_moved)
        return output_by_new_path(tcb, segment);
    if (tcb->acks_due) {
        if (!(tcb->ext && tcb->ext->leaves_early && output_early(tcb, segment, output_recovery)))
            output_owed(tcb, segment);
        return true;
    }
    if (tcb->want_keepalive)
        return output_keepalive(tcb, segment);
    if (tcb->want_probe)
        return output_probe(tcb, segment);
    if (tcb->ext && tcb->ext->route_moved && (tcb->want_tlp || tcb->ext->lost_out || tcb_has_unsent(tcb)))
        mss_follow_route(tcb);
    if (tcb->want_tlp && output_tail(tcb, segment))
        return true;
    if (output_old(tcb, segment))
        return true;
    if (!(tcb->ext && tcb->ext->nothing_new) && output_new(tcb, segment))
        return true;
    if (tcb->ext && (tcb->ext->base.once || tcb->ext->base.lag) && base_end_burst(tcb) && tcb->ack_want == 0)
        return output_tcb(tcb, segment);
    if (tcb->ext)
        forget_burst(tcb);
    if (tcb->ack_want) {
        uint32_t want = tcb->ack_want - 1u;
        output_ack(tcb, segment);
        tcb->ack_want = want & 7;
        return true;
    }
    return false;
}
