/* tcp_syn.c: a connection's own SYN, <SYN,ACK> when it crossed another's, and a fast open child's (RFC 9293 3.5, 3.7.1; the schedule is
 * timer_syn_interval()'s). The <SYN,ACK> of an incomplete connection: tcp_synack.c. */
#include "tcp/tcb.h"

static void arm_syn_timer(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    bool active = timer_goes_by_syn(tcb);
    uint64_t interval = timer_syn_interval(tcb, active, tcb->retransmits);
    uint32_t give_up_ms = timer_syn_end_ms(tcb, active);
    if (active && params->byte_recovery && tcb_ext_get(tcb)) { /* the SYN's ACK is owed too */
        bsd_note_owed(tcb);
        interval = bsd_until_stuck(tcb, interval);
    }
    if (tcb->retransmits)
        interval = timer_clamp_to_user(tcb, interval, tcb_syn_start_ns(tcb));
    uint64_t deadline = timer_tick(tcb->tcp, tcb_now(tcb), interval);
    if (give_up_ms && !(active && tcb->opt->syn_retries))
        deadline = min_u64(deadline, timer_tick(tcb->tcp, tcb_syn_start_ns(tcb), give_up_ms * NS_PER_MS));
    timer_set(tcb, TIMER_SYN, deadline);
}

/* Does the SYN, as often as it was sent, ask for ECN still? */
bool output_syn_asks(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t most = tcb_ext_peek(tcb)->accecn.pending && !params->byte_recovery ? 1 : params->ecn_syn_retries;
    return tcb->ecn_ok && (tcb->retransmits <= most || params->ecn_no_fallback);
}

/* RFC 3168 6.1.1, RFC 9768 3.1.1; a SYN that was lost asks no more, AccECN's when it was lost twice. The answer is
 * taken as one to the first. */
static uint16_t ask_for_ecn(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    bool needs = cc_get(tcb)->needs_ecn;
    if (tcb->retransmits == 0) {
        struct tcb_ext *ext = params->ecn == 3 ? tcb_ext_get(tcb) : NULL;
        tcb->ecn_ok = params->ecn == 1 || params->ecn == 3 || params->ecn == 4 || tcb->opt->path.ecn || needs;
        if (ext) {
            ext->accecn.pending = true;
            ext->accecn.syn_sent = needs ? 2 : 0;
        }
    }
    if (!output_syn_asks(tcb))
        return 0;
    return (tcb_ext_peek(tcb)->accecn.pending ? TCP_AE : 0) | TCP_ECE | TCP_CWR;
}

/* A fast open child's SYN/ACKs that went: one that a SYN asks for again counts as the timer's next. */
uint32_t output_synacks_lost(const struct tcb *tcb) { return tcb->retransmits + tcb_ext_peek(tcb)->synack_again; }

static uint16_t syn_flags(struct tcb *tcb, bool is_first)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (!is_first) {
        bool echoes = tcb->is_passive && !accecn_is_on(tcb) && tcb->ecn_ok && may_ask_ecn(tcb->tcp, output_synacks_lost(tcb));
        return TCP_SYN | TCP_ACK | (echoes ? TCP_ECE : 0);
    }
    uint16_t flags = TCP_SYN;
    if (params->ecn || tcb->opt->path.ecn || cc_needs_ecn(tcb->tcp, tcb->opt))
        flags |= ask_for_ecn(tcb);
    if (params->byte_recovery && tcb->fin_queued && !tcb->opt->no_options && !tcb->opt->fastopen_connect)
        flags |= TCP_FIN; /* TF_NEEDFIN */
    return flags;
}

/* Linux marks a SYN whose congestion control needs it (INET_ECN_xmit()), and what goes from the text of a fast open's child on. */
static uint8_t syn_ecn(const struct tcb *tcb)
{
    bool has_text = tcb->ecn_ok && tcb->is_passive && tcb->snd_nxt - tcb->snd_una > 1;
    uint8_t ecn = cc_needs_ecn(tcb->tcp, tcb->opt) && (!tcb->is_passive || tcb->ecn_ok) ? 2 : 0;
    if (has_text && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX)
        ecn |= accecn_is_on(tcb) ? accecn_tos(tcb) : 2;
    return ecn;
}

/* The window of a SYN is not scaled (RFC 7323 2.2). Linux settles it with the first one, whatever is set since.
 * Returns the scale to offer. */
static uint8_t select_syn_window(struct tcb *tcb, bool is_first)
{
    bool is_linux = tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX, is_settled = tcb->retransmits && is_linux;
    uint8_t wscale = tcb->rcv_wscale;
    if (!is_first && !tcb->is_passive && is_linux)
        (void)window_of_open(tcb, tcb->advmss, &wscale);
    if ((is_first && !is_settled) || tcb->rcv_wnd == 0) {
        bool took_over = tcb->ts_recent_s && is_linux; /* a TIME-WAIT record: timestamps are certain */
        tcb->rcv_wnd = window_of_open(tcb, tcb->advmss - (took_over ? 12u : 0), &wscale);
        tcb->rcv_wscale = wscale & 15;
    }
    tcb->rcv_wup = tcb->rcv_nxt;
    return wscale;
}

/* RFC 9293 3.7.1 (MUST-14): every SYN has the MSS option. RFC 7323 1.3: a SYN/ACK has what the SYN had; Linux repeats its own SYN's,
 * also crossing the peer's. */
static void fill_syn_options(struct tcb *tcb, struct tcp_segment *segment, bool is_first, uint8_t wscale)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcp_options *options = &segment->header.options;
    bool offers = is_first || (!tcb->is_passive && params->output_policy == TCP_OUTPUT_LINUX);
    bool may_offer = !(params->drop_options_on_rexmit && tcb->retransmits >= 3); /* a path that cannot bear them? */
    if (!tcb->opt->no_options) {
        options->has_mss = true;
        options->has_wscale = offers ? params->offer_wscale && may_offer : tcb->wscale_ok;
        options->sack_permitted = offers ? params->offer_sack && may_offer : tcb->sack_ok;
        options->has_timestamp = offers ? params->offer_timestamps && may_offer && !tcb_is_signed(tcb) : tcb->ts_ok;
    }
    options->mss = tcb->advmss;
    options->wscale = wscale;
    if (options->has_timestamp) {
        options->ts_value = tcb_ts_now(tcb);
        options->ts_echo = tcb->ts_recent;
        tcb->syn_ts_sent = true;
    }
    if (tcb->ext && !tcb->opt->no_options)
        fastopen_add_to_syn(tcb, segment);
}

/* RFC 9293 3.5: <SYN>, and <SYN,ACK> of a crossed open or of a fast open's child; a request's is tcp_synack.c's. */
bool output_syn(struct tcb *tcb, struct tcp_segment *segment)
{
    bool is_first = tcb->state == TCPS_SYN_SENT;
    uint16_t flags = syn_flags(tcb, is_first); /* may make the extension, which counts what has gone */
    tcb->want_syn = false;
    output_fill(tcb, segment, flags, tcb->snd_una);
    segment->tos |= syn_ecn(tcb);
    uint8_t wscale = select_syn_window(tcb, is_first);
    segment->header.window = (uint16_t)min_u32(tcb->rcv_wnd, 65535);
    if (tcb->retransmits)
        mss_offer_again(tcb);
    fill_syn_options(tcb, segment, is_first, wscale);
    if (!is_first) {
        struct tcp_options *options = &segment->header.options;
        if (tcb->ext && tcb->ext->fastopen_renew)
            fastopen_renew_cookie(tcb, options);
        segment->header.flags |= tcb->is_passive ? accecn_synack_flags(tcb, options) : accecn_crossed_flags(tcb, options);
        if (tcb->ext) {
            fastopen_fill_synack(tcb, segment);
            tcb->ext->synack_again = false;
        }
    }
    tcb->acks_due = 0;
    tcb->ack_want = 0;
    if (tcb->timer != TIMER_SYN || tcb->rexmt_ns <= tcb_now(tcb))
        arm_syn_timer(tcb);
    return true;
}
