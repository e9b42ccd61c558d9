/* tcp_bsd_ecn.c: FreeBSD's ECN (tcp_ecn.c, RFC 3168 and the ACE field of RFC 9768, no option): what the peer's flags agree on, whatever our
 * SYN asked for, and what the marks and flags of any segment say. tcp_accecn.c has the rest. */
#include "tcp/tcb.h"

enum { CEP_INIT = 5, ACE_MASK = 7, ACE_CLASSIC = 1, ACE_CLASSIC_SYN = 3, ACE_CE = 6, MARKED = 3 };

static bool is_accurate_here(const struct tcb *tcb) { return tcb_params(tcb)->ecn >= 3; }

/* Accurate feedback from now on; the next segment reflects how RX came (table 3). MARKS: what the peer's counter has beyond its start. */
static void begin_accurate(struct tcb *tcb, const struct rx *rx, uint32_t marks)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    tcb->ecn_ok = ext != NULL;
    if (!ext)
        return;
    ext->accecn.on = ext->accecn.reflect = true;
    ext->accecn.syn_received = rx->in->ecn & 3;
    ext->accecn.received_ce = (rx->in->ecn & 3) == MARKED;
    ext->delivered_ce = marks;
}

/* tcp_ecn_input_syn_sent() */
void bsd_ecn_on_synack(struct tcb *tcb, const struct rx *rx)
{
    unsigned ace = accecn_ace(rx->flags);
    if (tcb->ext)
        tcb->ext->accecn.pending = false;
    if (is_accurate_here(tcb) && ace != ACE_CLASSIC) {
        tcb->ecn_ok = false;
        if (ace == 2 || ace == 3 || ace == 4 || ace == ACE_CE)
            begin_accurate(tcb, rx, ace == ACE_CE);
        return;
    }
    tcb->ecn_ok = tcb_params(tcb)->ecn && (rx->flags & (TCP_CWR | TCP_ECE)) == TCP_ECE;
}

/* tcp_ecn_input_parallel_syn(): nobody sets where the peer's counter begins. */
void bsd_ecn_on_crossed_syn(struct tcb *tcb, const struct rx *rx)
{
    bool asks = (rx->flags & (TCP_CWR | TCP_ECE)) == (TCP_CWR | TCP_ECE);
    if (tcb->ext)
        tcb->ext->accecn.pending = false;
    if (is_accurate_here(tcb) && accecn_ace(rx->flags) == ACE_MASK)
        begin_accurate(tcb, rx, (uint32_t)-CEP_INIT);
    else
        tcb->ecn_ok = tcb_params(tcb)->ecn && asks && (!is_accurate_here(tcb) || accecn_ace(rx->flags) == ACE_CLASSIC_SYN);
}

/* The three bits count modulo eight: as many more eights as the packets acknowledged allow. An old ACK is one of many packets
 * (tcp_packets_this_ack()). */
static uint32_t new_marks(const struct tcb *tcb, const struct rx *rx)
{
    uint32_t acked = rx->ack - tcb->snd_una, size = max_u32(bsd_segment_size(tcb->tcp, tcb, tcb->opt), 1);
    uint32_t packets = acked / size + (acked % size != 0);
    uint32_t marks = (accecn_ace(rx->flags) - CEP_INIT - tcb->ext->delivered_ce) & ACE_MASK;
    return marks < packets ? packets - ((packets - marks) & ACE_MASK) : marks;
}

/* tcp_ecn_input_segment(): data or none, acceptable or not. A change of the mark hurries no ACK. */
void bsd_ecn_on_segment(struct tcb *tcb, const struct rx *rx)
{
    bool is_marked = (rx->in->ecn & 3) == MARKED, is_opening = tcb->state == TCPS_SYN_RECEIVED; /* base_on_opening_ece() */
    uint32_t marks = (rx->flags & (TCP_SYN | TCP_ECE)) == TCP_ECE;
    tcb->ecn_seen |= rx->in->ecn != 0;
    if (accecn_is_on(tcb)) {
        tcb->ext->accecn.received_ce += is_marked;
        if (is_opening && tcb->is_passive) /* the last ACK of the handshake: how our SYN/ACK came */
            tcb->ext->delivered_ce = marks = accecn_ace(rx->flags) == ACE_CE;
        else
            tcb->ext->delivered_ce += marks = new_marks(tcb, rx);
    } else {
        if (rx->flags & TCP_CWR) {
            tcb->ecn_demand_cwr = false;
            tcb->ack_now |= !bsd_is_fast_data(tcb, rx);
        }
        if (is_marked)
            tcb->ecn_demand_cwr = true;
        if (marks && tcb_ext_get(tcb))
            tcb->ext->delivered_ce++;
    }
    if (!is_opening)
        bsd_cc_on_mark(tcb, is_marked, rx->flags & TCP_CWR);
    if (marks && !is_opening && tcb_ext_get(tcb))
        base_on_ece(tcb, rx->ack);
}

/* The flags of a segment that is made without a thought for the rest. */
uint16_t bsd_ecn_flags(const struct tcb *tcb)
{
    if (tcb->ecn_ok && accecn_is_on(tcb))
        return accecn_told(tcb);
    return tcb->ecn_ok && tcb->ecn_demand_cwr ? TCP_ECE : 0;
}

/* t_rcep, as TCP_INFO tells it. */
uint32_t bsd_ecn_received(const struct tcb *tcb)
{
    return tcb->ecn_ok && accecn_is_on(tcb) ? tcb->ext->accecn.received_ce + CEP_INIT : 0;
}
