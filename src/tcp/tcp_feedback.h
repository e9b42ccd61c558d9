/* tcp_feedback.h: what tcb.h says last, apart because it is long: AccECN's functions, the delivery rate's, what
 * tcp_rtt.c and tcp_window.c have for every segment. Included by tcb.h alone. */
#ifndef TCP_TCP_FEEDBACK_H
#define TCP_TCP_FEEDBACK_H

/* Does a reader who wants TARGET bytes find enough? Also where the window leaves no room for more (Linux: tcp_epollin_ready()). */
static inline bool tcb_has_text(const struct tcb *tcb, uint32_t target)
{
    return tcb->readable >= target || (tcb->readable && tcb_receive_window(tcb) <= tcb->rcv_mss);
}

void mss_offer_again(struct tcb *tcb);
uint8_t output_ttl(const struct tcb *tcb); /* the socket's; 0: its route's or the host's */

static inline void tcb_count_ack(struct tcb *tcb, bool expected, bool advances, bool has_text)
{
    if (expected && advances)
        TCP_MIB(tcb->tcp, HPAcks);
    else if (!has_text)
        TCP_MIB(tcb->tcp, PureAcks);
}

/* tcp_accecn.c (RFC 9768) */
enum { ACCECN_ACE_FAIL_SEND = 1, ACCECN_ACE_FAIL_RECV = 2 }; /* of tcpi_accecn_fail_mode */
uint16_t accecn_reflect(uint8_t ecn);
bool accecn_is_asked(uint16_t flags);
bool accecn_is_told(uint16_t flags);
uint8_t accecn_look_at_option(const struct tcp_options *options);
void accecn_on_child(struct tcb *tcb, const struct tcp_in *in);
void accecn_on_third_ack(struct tcb *tcb, const struct rx *rx);
void accecn_on_syn_acked(struct tcb *tcb, const struct rx *rx);
void accecn_on_synack(struct tcb *tcb, const struct rx *rx);
void accecn_on_crossed_syn(struct tcb *tcb, const struct rx *rx);
uint16_t accecn_crossed_flags(struct tcb *tcb, struct tcp_options *options);
uint16_t accecn_synack_flags(const struct tcb *tcb, struct tcp_options *options);
void accecn_on_syn_again(struct tcb *tcb, const struct rx *rx);
void accecn_on_segment(struct tcb *tcb, const struct tcp_in *in, uint32_t length);
void accecn_on_old_data(struct tcb *tcb, uint32_t seq);
void accecn_on_ack(struct tcb *tcb, const struct rx *rx, struct ack_state *state);
uint16_t accecn_told(const struct tcb *tcb);
uint16_t accecn_expected(const struct tcb *tcb);
uint8_t accecn_tos(const struct tcb *tcb);
int accecn_fields(const struct tcb *tcb, uint32_t room, uint8_t *blocks);
void accecn_put_counters(struct tcp_options *options, const uint32_t received[3], unsigned fields);
void accecn_put_opening(struct tcp_options *options);
void accecn_mark(struct tcb *tcb, struct tcp_segment *segment, bool has_dsack);
static inline unsigned accecn_ace(uint16_t flags) /* the field of three bits */
{
    return ((flags & TCP_AE) ? 4u : 0u) | ((flags & TCP_CWR) ? 2u : 0u) | ((flags & TCP_ECE) ? 1u : 0u);
}
static inline bool accecn_is_on(const struct tcb *tcb) { return tcb->ecn_ok && tcb->ext && tcb->ext->accecn.on; }

/* tcp_rate.c (draft-cheng-iccrg-delivery-rate-estimation) */
void rate_on_delivered(struct tcb_ext *ext, struct ack_state *state, const struct txseg *seg);
void rate_make_sample(struct tcb *tcb, struct ack_state *state);

/* 3.2: SEG leaves now. Where nothing is out the sample begins with it. */
static inline void rate_on_sent(struct tcb_ext *ext, struct txseg *seg, bool was_empty)
{
    if (was_empty)
        ext->first_tx_ns = ext->delivered_ns = seg->sent_ns;
    seg->first_tx_ns = ext->first_tx_ns;
    seg->delivered_ns = ext->delivered_ns;
    seg->delivered = ext->delivered;
}

/* The bubble in what was sent has been acknowledged. */
static inline void rate_end_app_limited(struct tcb_ext *ext)
{
    if (ext->app_limited && (int32_t)(ext->delivered - ext->app_limited) >= 0)
        ext->app_limited = 0;
}

/* A sample in which the application had nothing to send counts only when it is not smaller. */
static inline void rate_note(struct tcb_ext *ext, uint32_t delivered, uint64_t interval_ns, bool limited)
{
    if (interval_ns == 0 || (limited && delivered * ext->rate_interval_ns < ext->rate_delivered * interval_ns))
        return;
    ext->rate_delivered = delivered;
    ext->rate_interval_ns = interval_ns;
    ext->rate_is_network = !limited;
}
/* tcp_rtt.c */
void rtt_sample_linux(struct tcb *tcb, uint64_t rtt_us); /* the smallest round trip is rtt_note_min's */
static inline uint32_t rtt_rto_max_us(const struct tcb *tcb)
{
    uint32_t own_ms = tcb->opt->rto_max_ms;
    return own_ms ? own_ms * 1000 : tcb->tcp->rto_max_us;
}
void cwnd_restart(struct tcb *tcb); /* private to cwnd_check_idle */
static inline void cwnd_check_idle(struct tcb *tcb) /* RFC 5681 4.1: after an RTO of silence, whatever its backoff */
{
    if ((uint64_t)(tcb_now_ms(tcb) - tcb->last_snd_ms) * 1000 > min_u32(tcb->rto_us, rtt_rto_max_us(tcb)))
        cwnd_restart(tcb);
}
uint64_t rtt_rto_backed_off_ns(const struct tcb *tcb); /* private to rtt_rto_ns */
static inline uint64_t rtt_rto_ns(const struct tcb *tcb) /* with backoff */
{
    if (tcb->backoff <= tcb->tcp->rto_plain_most)
        return min_u32(tcb->rto_us, rtt_rto_max_us(tcb)) * NS_PER_US;
    return rtt_rto_backed_off_ns(tcb);
}

void rtt_take_min(struct tcb *tcb, uint32_t rtt_us, bool is_delayed); /* private to rtt_note_min */
static inline void rtt_note_min(struct tcb *tcb, uint64_t rtt_us, bool is_delayed) /* IS_DELAYED: the ACK may have been */
{
    const struct min_rtt *min = &tcb_ext_peek(tcb)->min_rtt;
    uint32_t rtt = (uint32_t)min_u64(max_u64(rtt_us, 1), UINT32_MAX - 1);
    uint32_t quarter_ms = tcb_params(tcb)->min_rtt_wlen * 250;
    if (!tcb->ext || rtt <= min->next_us[1] || tcb_now_ms(tcb) - min->since_ms[0] > quarter_ms) /* else nothing changes */
        rtt_take_min(tcb, rtt, is_delayed);
}

/* tcp_window.c */
/* Linux: the window's share of the buffer is that of the text in what segments cost (tcp_win_from_space): half, until one was measured. */
static inline uint32_t window_space(const struct tcb *tcb, uint32_t rcvbuf)
{
    uint32_t ratio = tcb_ext_peek(tcb)->scaling_ratio;
    return ratio ? (uint32_t)((uint64_t)rcvbuf * ratio >> 8) : rcvbuf >> tcb_params(tcb)->adv_win_scale;
}
static inline uint32_t window_round_up(uint32_t window, uint32_t scale) { return (window + (1u << scale) - 1) >> scale << scale; }
uint16_t window_select_any(struct tcb *tcb); /* private to window_select */
/* The value for the header; moves the right edge. Here: Linux's when nothing waits to be read. */
static inline uint16_t window_select(struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t scale = tcb->rcv_wscale;
    if (tcb->rcv_stream || !scale || ext->is_retracted || ext->ooo || params->shrink_window || !params->adv_win_scale)
        return window_select_any(tcb);
    uint32_t offer = min_u32(window_space(tcb, tcb->rcvbuf), tcb->rcv_ssthresh),
             window = window_round_up(max_u32(offer, tcb_receive_window(tcb)), scale);
    if (offer == 0 || tcb->rcv_wnd == 0)
        return window_select_any(tcb);
    tcb->rcv_wnd = window;
    tcb->rcv_wup = tcb->rcv_nxt;
    return (uint16_t)min_u32(window >> scale, 65535);
}
/* The ACK that is due says it all: delack_check() would ask for the same one. */
static inline bool delack_is_decided(const struct tcb *tcb) { return tcb->ack_want == 1 && tcb->is_due && tcb->quick == 0; }

/* Linux's tcp_fast_path_check(): header prediction is armed where nothing is out of order and the buffer has room. */
static inline void tcb_arm_prediction(struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    tcb->hp_on |= !ext->ooo && ext->rmem.total < tcb->rcvbuf;
}

/* Something waits or is in flight, for TCP_INFO (Linux: TCP_CHRONO_BUSY, from the write on). */
static inline void tcb_note_busy(struct tcb *tcb)
{
    if (!tcb->ext->busy_ns)
        tcb->ext->busy_ns = tcb_now(tcb) | 1;
}

/* Before a write: nothing waits, and the window has room. */
static inline void tcb_check_app_limited(struct tcb *tcb)
{
    uint32_t flight = tcb_in_flight(tcb);
    if (tcb->write_seq - tcb->snd_nxt < tcb->mss && flight < tcb->cwnd && tcb->ext->lost_out <= tcb->ext->retrans_out)
        tcb->ext->app_limited = tcb->ext->delivered + flight + 1;
}

#endif
