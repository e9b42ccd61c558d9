/* tcp_refused.c: segments that a rule of this host's own keeps here. Linux's IP tells TCP so (EPERM), and tcp_write_xmit() leaves off
 * before the segment counts as sent: it waits, and is tried again by the next ACK, the next write, or the timer of window probes. What was
 * sent before (a retransmission), a SYN and a bare ACK count as if they had left. */
#include "tcp/tcb.h"

static void unsend(struct tcb *tcb, const struct txseg *seg)
{
    struct txring *ring = tcb->tx;
    struct tcb_ext *ext = tcb->ext;
    uint32_t seq = seg->start;
    ring->packets_out -= txseg_packets(seg);
    ring->glued -= seg->glued;
    tcb->snd_nxt = seq;
    ext->chunk_left = 0;
    ext->in_burst = false;
    ext->nothing_new = true; /* not in this burst again */
    if (--ring->count)
        return;
    txring_release(tcb);
    tcb->timer = TIMER_NONE;
    if (ext->probed.start_ns && ext->probed.seq == seq)
        persist_goes_on(tcb);
    else
        persist_check(tcb);
}

void tcp_on_refused(struct tcp *tcp, const struct tcp_segment *segment, uint64_t now_ns)
{
    enum flow_kind kind;
    tcp_set_now(tcp, now_ns);
    uint32_t slot = flow_find(tcp, &segment->flow, &kind);
    struct tcb *tcb = kind == FLOW_TCB ? tcp_tcb(tcp, slot) : NULL;
    bool is_old = tcb && seq_lt(segment->header.seq, tcb->snd_una); /* a probe, a keepalive */
    if (!tcb || !tcb->tx || !tcb->tx->count || is_old || tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX || !tcb_ext_get(tcb))
        return;
    const struct txseg *last = txring_at(tcb->tx, tcb->tx->count - 1);
    if (last->start == segment->header.seq && last->end == tcb->snd_nxt && !(last->flags & (TX_RETRANS | TX_EVER_RETRANS)))
        unsend(tcb, last);
    else if (seq_lt(segment->header.seq, tcb->snd_nxt))
        TCP_MIB(tcp, RetransFail);
}

void tcp_refuse(struct tcp *tcp, const struct tcp_in *in, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    reset_reply(tcp, in);
}
