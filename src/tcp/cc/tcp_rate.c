/* tcp_rate.c: how fast the network delivers (draft-cheng-iccrg-delivery-rate-estimation): each ACK is a sample of the packets that were
 * delivered between the transmission of the latest sent that it (S)ACKs and now, over the longer of the two times: that in which they
 * left, that in which they were acknowledged. TCP_INFO tells the last one, BBR (tcp_bbr.c) is driven by it. tcp_fast.c does the same for
 * what it acknowledges. */
#include "tcp/tcb.h"

/* 3.3, UpdateRateSample: SEG was delivered now; the one sent last counts (bursts tell what times do not, as in tcp_rack.c). */
void rate_on_delivered(struct tcb_ext *ext, struct ack_state *state, const struct txseg *seg)
{
    if (state->rack_prior && ((int32_t)(seg->burst - state->rate_burst) < 0 ||
                              (seg->burst == state->rate_burst && !seq_gt(seg->end, state->rate_end))))
        return;
    state->rack_prior = seg->delivered + 1;
    state->rate_ack_ns = seg->delivered_ns;
    state->rate_send_ns = seg->sent_ns - seg->first_tx_ns;
    state->rate_end = seg->end;
    state->rate_burst = seg->burst;
    state->app_limited = seg->flags & TX_APP_LIMITED;
    ext->first_tx_ns = seg->sent_ns;
}

/* 3.3, GenerateRateSample: the ACK has been gone through. None while a peer takes SACKs back: what it had SACKed would count twice. */
void rate_make_sample(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    state->newly_delivered = ext->delivered - state->prior_delivered;
    state->newly_lost = ext->lost_total - state->prior_lost;
    rate_end_app_limited(ext);
    if (state->newly_delivered)
        ext->delivered_ns = tcb_now(tcb);
    if (state->rack_prior == 0 || state->is_reneged)
        return;
    state->rate_delivered = ext->delivered - (state->rack_prior - 1);
    state->rate_interval_ns = max_u64(state->rate_send_ns, tcb_now(tcb) - state->rate_ack_ns);
    if (state->rate_interval_ns < tcb->min_rtt_us * NS_PER_US)
        state->rate_interval_ns = 0; /* too short to be true */
    rate_note(ext, state->rate_delivered, state->rate_interval_ns, state->app_limited);
}
