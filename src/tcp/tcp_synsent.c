/* tcp_synsent.c: SEGMENT ARRIVES in SYN-SENT (RFC 9293 3.10.7.3): the answer to our SYN, or simultaneous open. */
#include "tcp/tcb.h"

enum { WINDOWS_RST_RETRIES = 4 }; /* Windows: the SYN again each 0.5 s, ECONNREFUSED at about 2.0 s (FACTS 1) */

static enum lil_drop on_reset(struct tcb *tcb, const struct rx *rx)
{
    if (!(rx->flags & TCP_ACK)) /* an RST counts only with an acceptable ACK (RFC 9293 3.10.7.3, RFC 5961) */
        return LIL_DROP_TCP_BAD_FLAGS;
    if (tcb_params(tcb)->syn_rst_policy == TCP_RST_RETRY) {
        struct tcb_ext *ext = tcb_ext_get(tcb);
        if (ext && ext->syn_rst_count < WINDOWS_RST_RETRIES) {
            ext->syn_rst_count++;
            timer_set(tcb, TIMER_SYN, tcb_now(tcb) + 500 * NS_PER_MS);
            return LIL_DROP_NONE;
        }
    }
    tcb_fail(tcb, ECONNREFUSED);
    return LIL_DROP_NONE;
}

/* What both sides offered (RFC 7323 2.2, 3.2; RFC 2018 2; RFC 3168 6.1.1). */
static void take_options(struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    const struct tcp_params *params = tcb_params(tcb);
    bool offered = !(params->drop_options_on_rexmit && tcb->retransmits >= 3) && !tcb->opt->no_options; /* as output_syn() does */
    tcb->ts_ok = options->has_timestamp && params->offer_timestamps && offered;
    tcb->sack_ok = options->sack_permitted && params->offer_sack && offered;
    tcb->wscale_ok = options->has_wscale && params->offer_wscale && offered;
    tcb->snd_wscale = tcb->wscale_ok ? min_u32(options->wscale, 14) & 15 : 0; /* RFC 7323 2.3: 14 at most */
    if (!tcb->wscale_ok)
        tcb->rcv_wscale = 0;
    if (tcb->ts_ok) {
        tcb->ts_recent = options->ts_value;
        tcb->ts_recent_s = tcb->tcp->now_s;
    }
    tcb->rcv_nxt = rx->seq + 1;
    tcb->rcv_wup = rx->seq + 1;
    tcb->max_window = rx->in->header.window; /* as it stands (RFC 7323 2.2); half of it bounds our segments */
    mss_negotiated(tcb, options);
    if (options->has_mss)
        window_round_buffers(tcb);
}

static enum lil_drop synsent_established(struct tcb *tcb, struct rx *rx)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (params->byte_recovery)
        bsd_ecn_on_synack(tcb, rx);
    else if (tcb->ecn_ok)
        accecn_on_synack(tcb, rx);
    take_options(tcb, rx);
    if (params->fastopen & 1)
        fastopen_on_synack(tcb, rx);
    if (cc_begins_at_once(tcb) && !tcb->ext && tcb_ext_get(tcb)) /* before the answer is owed: what has gone and come is counted */
        tcb->ext->segs_in++;
    tcp_establish(tcb, rx);
    plpmtud_init(tcb, mss_options(tcb));
    tcb->snd_una++; /* the SYN */
    TCP_MIB(tcb->tcp, Delivered);
    if (tcb->fin_queued) /* BSD: shutdown() came before */
        tcb_set_state(tcb, TCPS_FIN_WAIT_1);
    if (tcb->ext && tcb->ext->syn_data)
        fastopen_syn_acked(tcb, rx);
    tcb_event(tcb, TCP_EV_CONNECTED | TCP_EV_WRITABLE);
    /* Linux: the ACK may wait for data when the process is about to write; the RFC's way is at once */
    bool goes_again = tcb->ca_state == CA_LOSS && tcb->ext->lost_out; /* the SYN's text */
    /* Linux: of a SYN/ACK nothing but the SYN is taken, unless it answers a fast open of which nothing is to go again */
    bool is_linux = params->input_policy == TCP_INPUT_LINUX;
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    bool answers_text = (ext->fastopen_offered | ext->syn_data) && is_linux && !goes_again;
    if (goes_again) { /* the text has the ACK; what comes then is the first to be answered */
        rx->is_discarded = !tcb_has_unsent(tcb);
    } else if (tcb_has_unsent(tcb) || tcb->opt->defer_accept || tcb->pingpong == PINGPONG_MOST || ext->writer_waits ||
               (answers_text && rx->flags & TCP_FIN)) {
        bool is_silent = !tcb_has_unsent(tcb); /* a timer alone sends it */
        delack_schedule(tcb);
        if (params->ack_policy == TCP_ACK_LINUX) /* what comes then is answered at once */
            delack_enter_quickack(tcb, 16);
        if (is_silent)
            delack_delay(tcb, 200);
        rx->is_discarded = rx->is_expected_ack = is_silent;
    } else {
        delack_ack_now(tcb);
        if (accecn_is_on(tcb))
            tcb->ext->accecn.reflect = true;
    }
    if (tcb->opt->path.initcwnd) /* its counts begin with the ACK owed */
        cwnd_hold_opening_rate(tcb);
    if (answers_text && rx->length) {
        tcb->ext->syn_data_acked = true;
        tcb->ext->data_segs_in++; /* once more (tcp_fastopen_add_skb()) */
    }
    if ((rx->length || (rx->flags & TCP_FIN)) && (answers_text || !is_linux)) {
        enum lil_drop drop = LIL_DROP_NONE;
        rx->seq++;
        reass_text(tcb, rx, &drop);
        return drop;
    }
    return LIL_DROP_NONE;
}

/* Simultaneous open: SYN-SENT -> SYN-RECEIVED, our SYN again with an ACK (RFC 9293 3.5, MUST-10). */
static enum lil_drop synsent_simultaneous(struct tcb *tcb, struct rx *rx)
{
    uint8_t rcv_wscale = tcb->rcv_wscale;
    uint32_t rcv_wnd = tcb->rcv_wnd;
    take_options(tcb, rx);
    if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) { /* its SYN/ACK offers again what the SYN did, and scales by it */
        tcb->rcv_wscale = rcv_wscale & 15;
        tcb->rcv_wnd = tcb->rcv_ssthresh = rcv_wnd;
        if (!tcb->retransmits)
            tcb->syn_start_ns = tcb_now(tcb); /* the round trip is that of the SYN/ACK */
    }
    tcb->snd_wnd = tcb->max_window;
    tcb->snd_wl1 = rx->seq;
    if (tcb_params(tcb)->byte_recovery) /* max_sndwnd counts with the first ACK */
        tcb->max_window = 0;
    window_guess_mss(tcb);
    if (tcb_params(tcb)->byte_recovery)
        bsd_ecn_on_crossed_syn(tcb, rx);
    else if (tcb->ecn_ok)
        accecn_on_crossed_syn(tcb, rx);
    if (tcb->ext && tcb->ext->syn_fastopen && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX)
        fastopen_crossed(tcb);
    tcb_set_state(tcb, TCPS_SYN_RECEIVED);
    if (rx->length && tcb_params(tcb)->input_policy == TCP_INPUT_BSD) {
        rx->seq++;
        (void)reass_hold(tcb, rx);
    }
    tcb->want_syn = true;
    tcb_mark_due(tcb);
    return LIL_DROP_NONE;
}

enum lil_drop synsent_input(struct tcb *tcb, struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    if ((rx->flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN) && tcb_params(tcb)->drop_synfin)
        return LIL_DROP_TCP_BAD_FLAGS;
    if (rx->flags & TCP_ACK) { /* first: ISS < SEG.ACK <= SND.NXT, else a reset (unless it is one) */
        if (!seq_gt(rx->ack, tcb->snd_una) || seq_gt(rx->ack, fastopen_syn_end(tcb))) {
            reset_answer(tcb, rx->in);
            if (tcb->retransmits == 0 &&
                tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) /* an RST before may have been lost: the SYN again, in two jiffies */
                timer_set(tcb, TIMER_SYN, tcb_now(tcb) + 2 * NS_PER_MS);
            return LIL_DROP_TCP_BAD_ACK;
        }
        if (options->has_timestamp && options->ts_echo && tcb_params(tcb)->offer_timestamps && tcb->syn_ts_sent &&
            tcb_params(tcb)->input_policy != TCP_INPUT_BSD) {
            uint32_t oldest = tcp_ts_at(tcb->tcp, tcb->syn_start_ns) + tcb->ts_offset;
            if ((int32_t)(options->ts_echo - oldest) < 0 || (int32_t)(tcb_ts_now(tcb) - options->ts_echo) < 0) {
                TCP_MIB(tcb->tcp, PAWSActive);
                if (!(rx->flags & TCP_RST))
                    reset_reply(tcb->tcp, rx->in);
                return LIL_DROP_TCP_PAWS;
            }
        }
    }
    if (rx->flags & TCP_RST) /* second */
        return on_reset(tcb, rx);
    if (!(rx->flags & TCP_SYN)) /* fourth, fifth */
        return LIL_DROP_TCP_BAD_FLAGS;
    if (rx->flags & TCP_ACK)
        return synsent_established(tcb, rx);
    if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && timewait_paws(tcb->tcp, tcb->ts_recent, tcb->ts_recent_s, &rx->in->header))
        return LIL_DROP_TCP_PAWS; /* older than what the record that made way for us had heard (RFC 6191, RFC 7323 5) */
    return synsent_simultaneous(tcb, rx);
}
