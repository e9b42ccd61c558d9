/* tcp_delack.c: when to acknowledge (RFC 9293 3.8.6.3, delayed ACKs): at once, later, or with others. Linux's quick ACKs and its estimate
 * of the peer's rhythm (ato), BSD's timer. How large a window the ACK offers: tcp_window.c. */
#include "tcp/tcb.h"

enum { ATO_MIN_MS = 40, DELACK_MAX_MS = 200, QUICKACKS_MAX = 16 };

void delack_schedule(struct tcb *tcb) { tcb->ack_sched = true; }

/* An ACK of its own, whatever data goes out. */
void delack_ack_now(struct tcb *tcb)
{
    if (tcb->acks_due < 7)
        tcb->acks_due++;
    tcb_mark_due(tcb);
}

/* An ACK is wanted, with data if some goes; out of order (OOO) one more, for each is a duplicate that counts. */
static void want_ack(struct tcb *tcb, bool ooo)
{
    tcb->ack_want = ooo ? min_u32(tcb->ack_want + 1u, 7) & 7 : 1;
    tcb_mark_due(tcb);
}

/* So many ACKs go at once as the window has room for pairs of segments. */
static void raise_quick(struct tcb *tcb, unsigned max)
{
    uint32_t quick = tcb->rcv_wnd / (2u * max_u32(tcb->rcv_mss, 1));
    quick = min_u32(quick ? quick : 2, max);
    if (quick > tcb->quick)
        tcb->quick = (uint8_t)quick;
}

void delack_enter_quickack(struct tcb *tcb, unsigned max)
{
    raise_quick(tcb, max);
    tcb->pingpong = 0;
    tcb->ato_ms = ATO_MIN_MS;
}

/* An answer follows what is read: ACKs wait for it. */
bool delack_is_pingpong(const struct tcb *tcb)
{
    return tcb->pingpong >= min_u32(max_u32(tcb_params(tcb)->pingpong_thresh, 1), PINGPONG_MOST);
}

static bool in_quickack(const struct tcb *tcb)
{
    return (tcb->quick && !delack_is_pingpong(tcb)) || tcb->opt->path.quickack;
}

/* Linux's estimate of the gap between segments (ato), by which an ACK waits. */
void delack_note_gap(struct tcb *tcb)
{
    uint32_t now = tcb_now_ms(tcb), gap = now - tcb->last_rcv_ms, rto_ms = tcb->rto_us / 1000;
    if (tcb->ato_ms == 0) { /* the first data: the peer slow-starts, help it */
        raise_quick(tcb, QUICKACKS_MAX);
        tcb->ato_ms = ATO_MIN_MS;
    } else if (gap <= ATO_MIN_MS / 2) {
        tcb->ato_ms = (uint16_t)((tcb->ato_ms >> 1) + ATO_MIN_MS / 2);
    } else if (gap < tcb->ato_ms) {
        tcb->ato_ms = (uint16_t)min_u32(min_u32((tcb->ato_ms >> 1) + gap, rto_ms), DELACK_MAX_MS);
    } else if (gap > rto_ms) { /* too long a gap: the sender restarted slow start */
        raise_quick(tcb, QUICKACKS_MAX);
    }
    tcb->last_rcv_ms = now;
}

void delack_delay(struct tcb *tcb, uint32_t ms)
{
    uint64_t deadline = timer_on_wheel(tcb->tcp, tcb_now(tcb) + ms * NS_PER_MS);
    if (deadline == tcb_now(tcb)) /* the next tick */
        deadline += NS_PER_MS;
    if (tcb->delack_ns == 0 || deadline < tcb->delack_ns)
        tcb->delack_ns = deadline ? deadline : 1;
    timer_arm(tcb, tcb->delack_ns);
}

/* The most that an ACK waits: less than the least timeout, which may be the peer's, too (tcp_delack_max). */
uint32_t delack_longest_ms(const struct tcb *tcb)
{
    uint32_t own = tcb->opt->delack_max_ms;
    return min_u32(own ? own : DELACK_MAX_MS, max_u32(rtt_rto_min_us(tcb) / 1000, 2) - 1);
}

/* RFC 9293 3.8.6.3 (MUST-40): 200 ms at most. */
static void delay_linux(struct tcb *tcb)
{
    uint32_t ato = tcb->ato_ms;
    if (ato > ATO_MIN_MS) {
        uint32_t max = 500;
        if (delack_is_pingpong(tcb) || tcb->ack_pushed)
            max = DELACK_MAX_MS;
        if (tcb->srtt_us)
            max = min_u32(max, max_u32((tcb->srtt_us >> 3) / 1000, ATO_MIN_MS));
        ato = min_u32(ato, max);
    }
    ato = min_u32(ato, delack_longest_ms(tcb));
    if (tcb->delack_ns && tcb->delack_ns <= timer_on_wheel(tcb->tcp, tcb_now(tcb) + (ato >> 2) * NS_PER_MS)) { /* about to fire anyway */
        want_ack(tcb, false);
        return;
    }
    delack_delay(tcb, ato);
}

/* RFC 9293 3.8.6.3 (MUST-40): within 0.5 s, at least every second full-sized segment. */
static void check_plain(struct tcb *tcb, bool ooo)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t unacked = tcb->rcv_nxt - tcb->rcv_wup, every = params->delack_segments ? params->delack_segments : 2;
    bool second = unacked >= every * tcb->rcv_mss || (tcb->delack_ns && params->ack_policy == TCP_ACK_BSD);
    if (params->input_policy == TCP_INPUT_BSD) /* FreeBSD's DELAY_ACK(): nor is text longer than a segment that we may send delayed */
        second = tcb->delack_ns || unacked > tcb->mss + tcb_ts_bytes(tcb);
    bool opens = params->input_policy == TCP_INPUT_BSD && tcb->rcv_wnd == 0; /* the ACK that opens a closed window is not delayed */
    if (ooo || tcb->ack_now || tcb->fin_rcvd || params->delack_ms == 0 || params->no_delayed_ack || second || opens) {
        want_ack(tcb, ooo);
        return;
    }
    tcb->ack_sched = false; /* the timer has it now: an ACK that comes meanwhile does not bring it out */
    if (tcb->delack_ns)
        return;
    if (params->ack_policy == TCP_ACK_BSD && params->fast_tick_ms) {
        tcb->delack_ns = timer_fast_tick(tcb->tcp, tcb_now(tcb));
        timer_rearm(tcb);
    } else {
        delack_delay(tcb, params->delack_ms);
    }
}

/* Out of order: the first ACKs go at once, the others wait for each other (tcp_comp_sack_*), since each has the SACK blocks of all. */
static void compress(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = tcb->ext;
    if (ext->ooo_ack_rcv_nxt != tcb->rcv_nxt) {
        ext->ooo_ack_rcv_nxt = tcb->rcv_nxt;
        ext->ooo_dupacks = 0;
    }
    if (!tcb->sack_ok || ext->compressed >= params->comp_sack_nr || ext->ooo_dupacks < 3) {
        ext->ooo_dupacks++;
        want_ack(tcb, true);
        return;
    }
    ext->compressed++;
    if (ext->compress_ns)
        return;
    uint32_t rtt_us = ext->rcv_rtt_us; /* times 8, as is the sender's; 0, not measured yet: at once */
    if (tcb->srtt_us && tcb->srtt_us < rtt_us)
        rtt_us = tcb->srtt_us;
    uint64_t delay = min_u64(params->comp_sack_delay_us * NS_PER_US, rtt_us * (NS_PER_US / 8) * params->comp_sack_percent / 100);
    ext->compress_ns = max_u64(tcb_now(tcb) + delay + params->comp_sack_slack_us * NS_PER_US, 1);
    timer_rearm(tcb);
}

/* After a segment was processed: an ACK now (with data if some goes), later, or compressed with others. */
void delack_check(struct tcb *tcb, bool ooo)
{
    bool is_linux_policy = tcb_params(tcb)->ack_policy == TCP_ACK_LINUX; /* there haste waits until an ACK is owed (ICSK_ACK_SCHED) */
    if (!tcb->ack_sched && (!tcb->ack_now || is_linux_policy))
        return;
    if (!is_linux_policy) {
        check_plain(tcb, ooo);
        return;
    }
    if (!ooo && delack_is_decided(tcb))
        return;
    uint32_t lowat = tcb->opt->socket.rcvlowat ? tcb->opt->socket.rcvlowat : 1;
    bool full = tcb->rcv_nxt - tcb->rcv_wup > tcb->rcv_mss && (tcb->readable < lowat || window_offer(tcb) >= tcb->rcv_wnd);
    if (full || in_quickack(tcb) || tcb->ack_now) {
        want_ack(tcb, ooo);
        return;
    }
    if (ooo)
        compress(tcb);
    else
        delay_linux(tcb);
}

void delack_on_compressed_timer(struct tcb *tcb)
{
    if (!tcb->ext->compressed)
        return;
    tcb->ext->compressed--; /* that one goes now; the others were saved */
    want_ack(tcb, false);
}

void delack_on_timer(struct tcb *tcb)
{
    /* Linux: none is owed, or it leaves already */
    if (tcb_params(tcb)->ack_policy == TCP_ACK_LINUX && (!tcb->ack_sched || tcb->ack_want || tcb->acks_due))
        return;
    if (!delack_is_pingpong(tcb)) {
        tcb->ato_ms = (uint16_t)min_u32(tcb->ato_ms * 2u, min_u32(tcb->rto_us / 1000, DELACK_MAX_MS));
    } else {
        tcb->pingpong = 0;
        tcb->ato_ms = ATO_MIN_MS;
    }
    TCP_MIB(tcb->tcp, DelayedACKs);
    want_ack(tcb, false);
}

void delack_on_ack_sent(struct tcb *tcb)
{
    if (tcb->ack_sched && tcb->quick && --tcb->quick == 0) /* an answer to an invalid segment is none of them */
        tcb->ato_ms = ATO_MIN_MS;
    tcb->ack_sched = tcb->ack_now = tcb->ack_pushed = tcb->ack_pushed2 = false;
    if (tcb->ext) {
        tcb->ext->no_memory = false;
        tcb->ext->acked_ms = tcb_now_ms(tcb);
    }
    if (tcb_is_synchronized(tcb))
        tcb->delack_ns = 0;
    if (tcb->ext && (tcb->ext->compressed || tcb->ext->compress_ns)) {
        tcb->tcp->mib[MIB_AckCompressed] += tcb->ext->compressed;
        tcb->ext->compressed = 0;
        tcb->ext->compress_ns = 0;
    }
}

void delack_on_data_sent(struct tcb *tcb)
{
    uint32_t now = tcb_now_ms(tcb);
    tcb->last_snd_ms = now;
    if (now - tcb->last_rcv_ms < tcb->ato_ms && tcb->pingpong < PINGPONG_MOST)
        tcb->pingpong++;
}
