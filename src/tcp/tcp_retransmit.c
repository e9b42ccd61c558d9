/* tcp_retransmit.c: what is sent again (RFC 9293 3.8.1, RFC 6298 5.4): which bytes of a record, joined with its
 * neighbours or cut to the window, and the tail loss probe (RFC 8985 7.3). When, and which record: tcp_recovery.c,
 * tcp_timer.c. */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

/* What left as one chunk is sent again as one, as far as the window and the chunk's size allow. True: INDEX ends one of several. */
static bool ends_chunk(struct tcb *tcb, uint32_t index, bool is_probe)
{
    struct tcb_ext *ext = tcb->ext;
    struct txseg *seg = txring_at(tcb->tx, index);
    if (is_probe) {
        if (index)
            txring_glue(tcb->tx, index - 1, false);
        return txseg_packets(seg) > 1;
    }
    if (ext->again_left == 0 || seg->start != ext->again_next) {
        uint32_t flight = tcb_in_flight(tcb), quota = tcb->cwnd > flight ? tcb->cwnd - flight : 1, count = txseg_packets(seg);
        quota = min_u32(min_u32(quota, cwnd_chunk_segs(tcb)), (tcb->snd_una + tcb->snd_wnd - seg->start) / max_u32(tcb->mss, 1));
        for (uint32_t i = index; count < quota && txring_at(tcb->tx, i)->glued && i + 1 < tcb->tx->count; i++) {
            if ((txring_at(tcb->tx, i + 1)->flags & (TX_LOST | TX_RETRANS | TX_SACKED)) != TX_LOST)
                break;
            count += txseg_packets(txring_at(tcb->tx, i + 1));
        }
        count = min_u32(count, max_u32(quota, 1));
        ext->again_left = (uint16_t)count;
        ext->again_push = count > 1;
    }
    ext->again_next = seg->end;
    ext->again_left -= (uint16_t)min_u32(ext->again_left, txseg_packets(seg));
    if (ext->again_left)
        return false;
    txring_glue(tcb->tx, index, false);
    return ext->again_push;
}

/* SACKed buffers that became one (tcp_sack.c, regroup) have one PSH, at their end. */
static bool push_of_chunk(struct tcb *tcb, uint32_t index, bool is_probe)
{
    struct txseg *seg = txring_at(tcb->tx, index);
    bool was_glued = seg->glued, ends = ends_chunk(tcb, index, is_probe);
    if (was_glued && seg->flags & TX_PSH && index + 1 < tcb->tx->count) {
        seg->flags &= (uint8_t)~TX_PSH;
        txring_at(tcb->tx, index + 1)->flags |= TX_PSH;
    }
    return ends || seg->flags & TX_PSH;
}

/* FreeBSD: a retransmission is cut to the window, too; 0: no such limit. */
static uint32_t ext_most(const struct tcb *tcb)
{
    return tcb_params(tcb)->byte_recovery && tcb->ext->base.most ? tcb->ext->base.most : 0;
}

/* What is left of a chunk is cut anew where its segments have more room than when they went first: fewer options, or an ACK inside one. */
static void recut(struct tcb *tcb, uint32_t index, uint32_t mss)
{
    enum { SAME = TX_SACKED | TX_LOST | TX_RETRANS };
    if (tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX || mss > tcb->mss)
        return;
    for (uint32_t i = index; i + 1 < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i), *next = txring_at(tcb->tx, i + 1);
        uint32_t cut = seg->start + mss;
        if (!seg->glued || ((seg->flags ^ next->flags) & SAME) || seq_le(cut, seg->end) || seq_ge(cut, next->start + txseg_text(next)))
            return;
        txring_set_mss(tcb, seg, tcb->mss);
        txring_move_edge(tcb, i, cut);
    }
}

/* Linux: the segments have become smaller: all that is left of a chunk counts, and is cut, as one piece of such segments. */
COLD static void use_smaller(struct tcb *tcb, uint32_t index)
{
    struct txring *ring = tcb->tx;
    struct txseg *seg = txring_at(ring, index);
    enum { STATE = TX_SACKED | TX_LOST | TX_RETRANS };
    while (seg->glued && index + 1 < ring->count && !((seg->flags ^ txring_at(ring, index + 1)->flags) & STATE))
        (void)txring_join(tcb, index);
    txring_set_mss(tcb, seg, tcb->mss);
}

/* Small neighbours travel together when sent again (RFC 9293 3.7.1: repacketization). */
static void output_collapse(struct tcb *tcb, uint32_t index, uint32_t mss)
{
    if (tcb_params(tcb)->byte_recovery) {
        base_gather(tcb, index, mss);
        return;
    }
    struct txring *ring = tcb->tx;
    struct tcb_ext *ext = tcb->ext;
    if (!tcb_params(tcb)->retrans_collapse || !ext || txseg_text(txring_at(ring, index)) >= mss /* a FIN does not join a full segment */ ||
        (ext->again_left && txring_at(ring, index)->start == ext->again_next))
        return; /* a part of a chunk is not small */
    while (index + 1 < ring->count) {
        struct txseg *seg = txring_at(ring, index), *next = txring_at(ring, index + 1);
        uint32_t total = next->end - seg->start - !!(next->flags & TX_FIN);
        if (((seg->flags | next->flags) & TX_SACKED) || (seg->flags & (TX_EOR | TX_FIN)) || total > mss ||
            seq_gt(next->end, tcb->snd_una + tcb->snd_wnd) || next->end == next->start ||
            (ext->stamps && stamp_forbids_join(tcb, seg->start, next->end)))
            return;
        if (ext->has_stamps)
            stamp_on_joined(tcb, seg->start, next->start, next->end);
        txring_set_mss(tcb, seg, tcb->mss); /* TOTAL fits: one packet before and after */
        uint32_t gone = txring_join(tcb, index); /* more than one when the path was narrower */
        if (!tcb->sack_ok) /* then duplicate ACKs were counted, of no packet in particular */
            ext->sacked_out -= min_u32(ext->sacked_out, gone);
    }
}

/* Sends record INDEX again. */
static bool output_again(struct tcb *tcb, struct tcp_segment *segment, uint32_t index, bool is_probe)
{
    struct tcb_ext *ext = tcb->ext;
    struct txseg *seg = txring_at(tcb->tx, index);
    uint32_t mss = mss_current(tcb);
    recut(tcb, index, mss);
    uint32_t data = txseg_text(seg);
    bool is_linux = tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX;
    uint32_t right = tcb->snd_una + tcb->snd_wnd, room = seq_gt(right, seg->start) ? right - seg->start : 0,
             most = mss * max_u32(tcb->gso_segs, 1);
    if (tcb->gso_segs > 1) {
        uint32_t flight = tcb_in_flight(tcb), quota = tcb->cwnd > flight ? tcb->cwnd - flight : 1;
        most = min_u32(most, quota * mss);
    }
    bool by_window = seg->start != tcb->snd_una && !tcb_params(tcb)->byte_recovery; /* base_next_lost() has looked at it */
    if (by_window && room < (is_linux ? 1 : min_u32(data, mss)))
        return false; /* the window shrank: the first may go, and what is inside of it */
    if (is_linux && tcb->mss < seg->mss)
        use_smaller(tcb, index);
    txring_set_mss(tcb, seg, (uint16_t)mss);
    data = txseg_text(seg);
    if (ext_most(tcb) && data > ext_most(tcb))
        most = min_u32(most, ext_most(tcb));
    if (is_linux && room && room < most)
        most = room < mss ? room : room - room % mss; /* the window shrank into it */
    if (data > most) {
        if (txring_split(tcb, index, seg->start + most) < 0)
            return false;
        txring_glue(tcb->tx, index, true); /* the rest follows in the same chunk */
    }
    output_collapse(tcb, index, mss);
    seg = txring_at(tcb->tx, index);
    bool fin = seg->flags & TX_FIN;
    data = seg->end - seg->start - fin;
    segment->packet = NULL;
    segment->gso_size = 0;
    if (data && !output_attach(tcb, segment, seg->start, data, (uint16_t)mss))
        return false;
    struct lil_packet *packet = segment->packet;
    uint16_t gso_size = segment->gso_size;
    bool push = ext && tcb_params(tcb)->pacing_ss_ratio ? push_of_chunk(tcb, index, is_probe) : seg->flags & TX_PSH;
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        push = data && seg->start + data == tcb->write_seq;
    output_fill(tcb, segment, TCP_ACK | (fin ? TCP_FIN : 0) | (push ? TCP_PSH : 0), seg->start);
    segment->packet = packet;
    segment->gso_size = gso_size;
    if (ext && (ext->snd_urgent || ext->has_stamps))
        output_note_rare(tcb, &segment->header, data);
    if (!ext || !ext->leaves_early) /* else it was noted before the text came */
        output_note_ack(tcb);
    if (ext) {
        ext->probe_size = 0; /* an MTU probe that is out proves nothing any more */
    }
    txring_set_mss(tcb, seg, tcb->mss);
    if (data && !(ext && ext->leaves_early))
        delack_on_data_sent(tcb);
    if (ext) { /* before a timer counts from it */
        ext->total_retrans += txseg_packets(seg);
        ext->bytes_retrans += data;
        ext->bytes_sent += data;
        ext->data_segs_out += data ? txseg_packets(seg) : 0;
        cwnd_pace(tcb, data, ext->again_left && !(seg->flags & TX_PSH) && !is_probe);
    }
    if (is_probe)
        recovery_on_probe(tcb, seg);
    else
        recovery_on_retransmit(tcb, seg);
    tcb->tcp->mib[MIB_RetransSegs] += txseg_packets(seg);
    tcp_trace_text(tcb, "retransmit");
    return true;
}

static void get_told(const struct tcb *tcb, struct rcv_told *told)
{
    const struct tcb_ext *ext = tcb->ext;
    *told = (struct rcv_told){.rcv_nxt = tcb->rcv_nxt, .rcv_ssthresh = tcb->rcv_ssthresh, .dsack_start = ext->dsack_start,
                          .dsack_end = ext->dsack_end, .recent_count = ext->recent_count, .has_dsack = ext->has_dsack};
    memcpy(told->recent, ext->recent, sizeof told->recent);
}

static void set_told(struct tcb *tcb, const struct rcv_told *told)
{
    struct tcb_ext *ext = tcb->ext;
    tcb->rcv_nxt = told->rcv_nxt;
    tcb->rcv_ssthresh = told->rcv_ssthresh;
    ext->dsack_start = told->dsack_start;
    ext->dsack_end = told->dsack_end;
    ext->recent_count = told->recent_count & 7;
    ext->has_dsack = told->has_dsack;
    memcpy(ext->recent, told->recent, sizeof told->recent);
}

/* Linux sends what an ACK brings out in recovery, and the FIN that waited for the handshake's last ACK, before it takes the text that came
 * with it (tcp_xmit_recovery, tcp_shutdown, tcp_data_queue). Here it leaves after that, and tells what would have been told then. */
COLD void output_note_early(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->leaves_early = tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    if (!ext->leaves_early)
        return;
    get_told(tcb, &ext->early);
    (void)window_select(tcb);
    output_note_ack(tcb);
    delack_on_data_sent(tcb);
}

COLD bool output_early(struct tcb *tcb, struct tcp_segment *segment, bool (*send)(struct tcb *, struct tcp_segment *))
{
    struct rcv_told now;
    get_told(tcb, &now);
    set_told(tcb, &tcb->ext->early);
    bool sent = send(tcb, segment);
    get_told(tcb, &tcb->ext->early); /* a DSACK is told once */
    set_told(tcb, &now);
    return tcb->ext->leaves_early = sent;
}

bool output_lost(struct tcb *tcb, struct tcp_segment *segment)
{
    uint32_t index = recovery_next_lost(tcb);
    return index != TCP_NONE && output_again(tcb, segment, index, false);
}

/* The tail loss probe (RFC 8985 7.3): new data past the congestion window where the peer's has room, else the last segment again. */
COLD bool output_tail(struct tcb *tcb, struct tcp_segment *segment)
{
    tcb->want_tlp = false;
    if (!tcb->tx || tcb->tx->count == 0)
        return false;
    uint32_t unsent = seq_gt(tcb->write_seq, tcb->snd_nxt) ? tcb->write_seq - tcb->snd_nxt : 0,
             length = min_u32(queue_until_eor(tcb, tcb->snd_nxt, unsent), mss_current(tcb));
    bool fin = tcb->fin_queued && tcb->snd_nxt + length == tcb->write_seq; /* not sent yet; it must fit, too */
    if ((length || fin) && seq_le(tcb->snd_nxt + length + fin, tcb->snd_una + tcb->snd_wnd) && !tcb->ext->pacing_ns) {
        cwnd_hold_rate(tcb);
        if (!output_data(tcb, segment, tcb->snd_nxt, length, fin))
            return false;
        cwnd_validate(tcb, tcb_in_flight(tcb) >= tcb->cwnd); /* as any burst does at its end */
        recovery_on_probe(tcb, NULL);
        return true;
    }
    uint32_t last = tcb->tx->count - 1, first = last;
    while (first && txring_at(tcb->tx, first - 1)->glued)
        first--;
    recut(tcb, first, mss_current(tcb));
    struct txseg *seg = txring_at(tcb->tx, last);
    uint32_t data = seg->end - seg->start - !!(seg->flags & TX_FIN);
    if (data > seg->mss) { /* only the last packet of it */
        uint32_t keep = data % seg->mss ? data % seg->mss : seg->mss;
        if (txring_split(tcb, last, seg->start + data - keep) == 0)
            last++;
    }
    return output_again(tcb, segment, last, true);
}
