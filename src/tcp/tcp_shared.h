/* tcp_shared.h: what the files of tcp/ call of each other, by file: included by tcb.h, which has the structures. */
#ifndef TCP_TCP_SHARED_H
#define TCP_TCP_SHARED_H

/* tcp_flow.c: tables */
enum flow_kind { FLOW_NONE, FLOW_TCB, FLOW_SYN, FLOW_WAIT };
uint32_t flow_hash(struct tcp *tcp, const struct flow *flow); /* never 0 */
uint32_t flow_find(struct tcp *tcp, const struct flow *flow, enum flow_kind *kind); /* slot */
void flow_prefetch(struct tcp *tcp, const struct flow *flow); /* flow_find() and flow_insert() follow after other work */
/* IS_STRICT: its socket did not say SO_REUSEADDR. Whoever holds the flow next (flow_replace) is as strict; a request, and its connection
 * before accept() says so, is not. */
int flow_insert(struct tcp *tcp, const struct flow *flow, uint32_t hash, enum flow_kind kind, uint32_t slot, bool is_strict) MUST_CHECK;
void flow_remove(struct tcp *tcp, const struct flow *flow, uint32_t hash /* 0: to be made */, enum flow_kind kind, uint32_t slot,
                 bool is_strict);
void flow_replace(struct tcp *tcp, uint32_t hash, enum flow_kind kind, uint32_t slot, enum flow_kind new_kind, uint32_t new_slot);
static inline struct tcb *tcp_tcb(const struct tcp *tcp, uint32_t slot) { return slab_get(&tcp->tcbs, slot); }
static inline struct syn_entry *tcp_syn(const struct tcp *tcp, uint32_t slot) { return slab_get(&tcp->syns, slot); }
static inline struct wait_record *tcp_wait(const struct tcp *tcp, uint32_t slot) { return slab_get(&tcp->waits, slot); }
/* REMOTE: the last word */
static inline struct tcb **tcp_recent(struct tcp *tcp, uint32_t remote, uint16_t local_port, uint16_t remote_port)
{
    uint64_t hash = ((uint64_t)remote << 32 | (uint32_t)local_port << 16 | remote_port) * 0x9e3779b97f4a7c15ull;
    return &tcp->recent[hash >> 58];
}
static inline struct tcb **tcp_recent_of(struct tcp *tcp, const struct flow *flow)
{
    return tcp_recent(tcp, flow->remote.u32[3], flow->local_port, flow->remote_port);
}
struct tcb_ext *tcb_ext_get(struct tcb *tcb); /* makes it; NULL: memory */
void tcb_ext_free(struct tcb *tcb);
struct tcb_opts *opts_own(struct tcp *tcp, struct tcb_opts **opts); /* a private copy in the place of what is shared; NULL: memory */
struct tcb_opts *tcb_opts_own(struct tcb *tcb);
void tcb_opts_unref(struct tcp *tcp, struct tcb_opts *opts);
struct tcb *tcb_new(struct tcp *tcp, struct tcb_opts *opts);
void tcb_free(struct tcb *tcb); /* frees at once; tcp_state.c's tcb_done decides */
void tcb_mark_due(struct tcb *tcb);
void tcb_clear_due(struct tcb *tcb);
void tcb_note_turn(struct tcb *tcb); /* it has sent a segment: others may be next */
COLD void tcp_trace(struct tcp *tcp, struct lil_trace *event, const struct flow *flow);
COLD void tcp_trace_text(struct tcb *tcb, const char *text);

/* tcp_isn.c */
struct isn {
    uint32_t iss, ts_offset;
};
struct isn isn_make(struct tcp *tcp, const struct flow *flow); /* of a new connection */
/* The same in two steps: the first may be in vain. */
uint64_t isn_hash(const struct tcp *tcp, const struct flow *flow);
struct isn isn_of_hash(struct tcp *tcp, uint64_t hash);
uint32_t isn_ts_offset(struct tcp *tcp, const struct flow *flow);

/* tcp_state.c */
void tcb_set_state(struct tcb *tcb, enum tcp_state state);
void tcb_adopt_syn_received(struct tcb *tcb); /* made from a SYN entry, whose state was traced already */
void tcb_event(struct tcb *tcb, unsigned events);
COLD void tcb_fail(struct tcb *tcb, int error);   /* to CLOSED with so_error; an orphan is freed */
void tcb_done(struct tcb *tcb);              /* to CLOSED; frees an orphan */
void tcb_enter_time_wait(struct tcb *tcb);   /* becomes a record; the tcb stays only for its user */

/* tcp_listen.c, tcp_synq.c, tcp_synack.c, tcp_synrcvd.c */
struct tcp_listener *listener_find(struct tcp *tcp, const struct flow *flow, uint32_t ifindex);
void listeners_fini(struct tcp *tcp);
void listener_trace(struct tcp_listener *listener);
bool listener_is_full(const struct tcp_listener *listener);
uint32_t listener_backlog(const struct tcp_listener *listener);
void listener_enqueue(struct tcp_listener *listener, struct tcb *tcb);
enum lil_drop listen_input(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet *packet);
enum lil_drop synq_input(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet **packet);
bool synq_has_listener(struct tcp *tcp, uint32_t slot);
void synq_migrate(struct syn_entry *entry, struct tcp_listener *listener);
void saved_syn_free(struct tcp *tcp, struct saved_syn **saved);
uint32_t synq_new(struct tcp *tcp, const struct tcp_in *in); /* slot or TCP_NONE */
void synq_remove(struct tcp *tcp, uint32_t slot);
void synq_mark_due(struct tcp *tcp, uint32_t slot);
void synq_poll(struct tcp *tcp);
uint64_t synq_deadline(const struct tcp *tcp);
bool synq_output(struct tcp *tcp, struct tcp_segment *segment);
void synq_fill(struct tcp *tcp, struct syn_entry *entry, struct tcp_listener *listener, const struct tcp_in *in);
struct tcb *synq_promote(struct tcp *tcp, uint32_t slot, struct tcp_listener *listener);
struct tcb *synq_make_tcb(struct tcp *tcp, const struct syn_entry *entry, struct tcp_listener *listener);
void synq_on_icmp(struct tcp *tcp, uint32_t slot, uint32_t seq, int error);
enum lil_drop synq_hold(struct tcp *tcp, const struct tcp_in *in);
static inline bool may_ask_ecn(const struct tcp *tcp, unsigned retransmits) /* RFC 3168 6.1.1.1: a path may swallow such SYNs */
{
    unsigned most = max_u32(tcp->params.ecn_syn_retries, tcp->params.ecn_synack_retries);
    return retransmits <= most || (most == 0 && !tcp->params.byte_recovery);
}
/* tcp_cookie.c */
bool cookie_send(struct tcp_listener *listener, const struct tcp_in *in);
/* An ACK that may carry a cookie: the new connection, or NULL; DROP says when it was one but could not be taken. */
struct tcb *cookie_accept(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, enum lil_drop *drop);
struct tcb_opts *listener_opts_own(struct tcp_listener *listener);

/* tcp_input.c */
enum lil_drop tcp_input_tcb(struct tcb *tcb, const struct tcp_in *in, struct lil_packet **packet);
enum lil_drop synsent_input(struct tcb *tcb, struct rx *rx); /* 3.10.7.3 */

enum lil_drop tcp_step5_ack(struct tcb *tcb, struct rx *rx);
void tcp_step6_urgent(struct tcb *tcb, struct rx *rx);
void tcp_establish(struct tcb *tcb, const struct rx *rx);
bool tcp_step8_fin(struct tcb *tcb);
/* tcp_ack.c */
enum lil_drop ack_process(struct tcb *tcb, struct rx *rx, bool *acceptable);
bool ack_has_echo(const struct tcb *tcb, const struct rx *rx);
bool ack_is_plausible(const struct tcb *tcb, const struct rx *rx); /* of what was sent, and not too old (RFC 5961 5.2) */
void ack_wake_writer(struct tcb *tcb); /* the send buffer has room again */
void ack_check_space(struct tcb *tcb);
static inline void tcb_note_less_unsent(struct tcb *tcb) /* a chunk left: TCP_NOTSENT_LOWAT's writer may go on (tcp_check_space) */
{
    if (tcb->want_space && tcb->ext && !tcb->ext->chunk_left &&
        (tcb->opt->notsent_lowat || tcb->tcp->params.notsent_lowat || tcb->ext->space_due))
        ack_check_space(tcb);
}
static inline void tcb_end_space(struct tcb *tcb) /* all has left that may */
{
    if (__builtin_expect(tcb->ext->space_due, 0))
        ack_check_space(tcb);
    tcb->ext->space_due = false;
}
/* tcp_reset.c */
COLD void reset_reply(struct tcp *tcp, const struct tcp_in *in);
/* RFC 9293 3.10.7.1: a reset, unless the host is to be a black hole there. The packet stays the caller's. */
enum lil_drop refuse_closed(struct tcp *tcp, const struct tcp_in *in, const struct lil_packet *packet);
COLD void reset_answer(struct tcb *tcb, const struct tcp_in *in); /* and of a connection: tcp_respond() has its TOS, TTL and timestamp */
void reset_send(struct tcb *tcb); /* <SEQ=SND.NXT><CTL=RST> as tcp_abort sends */
struct tcp_reply *reply_push(struct tcp *tcp); /* NULL: full */
bool reply_output(struct tcp *tcp, struct tcp_segment *segment);
void reply_old_ack(struct tcb *tcb, uint32_t ack); /* of less than RCV.NXT */
void reply_here(struct tcb *tcb, uint32_t seq, uint16_t flags); /* BSD's tcp_respond(): an ACK that leaves the window as it was */
void reply_ack(struct tcb *tcb); /* an ACK of a tcb that is about to go */
COLD bool challenge_ack(struct tcb *tcb); /* false: none is due, they are limited */
COLD bool oow_ack_allowed(struct tcb *tcb); /* rate limit of ACKs in answer to invalid segments */

void reply_sign(struct tcp_reply *reply, const struct tcb_opts *opts);

/* tcp_window.c */
uint32_t window_clamp(const struct tcb *tcb); /* TCP_WINDOW_CLAMP as Linux tells it */
void window_init(struct tcb *tcb);
uint32_t window_first_buffer(const struct tcp_params *params, const struct tcb_opts *opts);
uint32_t window_of_open(struct tcb *tcb, uint32_t mss, uint8_t *wscale);
uint32_t window_first_space(const struct tcp_params *params, const struct tcb_opts *opts); /* as window */
uint32_t window_initial(struct tcp *tcp, const struct tcb_opts *opts, const struct path_metrics *path /* NULL: none */, uint32_t full,
                        uint32_t mss, bool wscale_ok, uint8_t *wscale);
void window_on_disorder(struct tcb *tcb, const struct rx *rx); /* text out of order came: measures */
void window_on_new_text(struct tcb *tcb, uint32_t length);     /* and is about to be queued: the window grows */
void window_hold_clamp(struct tcb *tcb); /* the buffer is about to change: how far the window may open does not */
void window_set_clamp(struct tcb *tcb, uint32_t clamp);
void window_on_data(struct tcb *tcb, const struct rx *rx);   /* measures, grows, owes an ACK */
void window_on_queued(struct tcb *tcb);                      /* text was queued out of order */
uint32_t window_offer(struct tcb *tcb);                      /* what the next ACK may say, as far as buffers go */
void window_on_read(struct tcb *tcb, size_t copied), window_on_peek(struct tcb *tcb);
void window_note_echo(struct tcb *tcb, const struct rx *rx); /* an acceptable segment in ESTABLISHED, its text not yet taken */
void window_retract(struct tcb *tcb);                        /* before its right edge moves left */
void window_guess_mss(struct tcb *tcb);
uint32_t window_room(const struct tcb *tcb); /* BSD: what the buffer still takes */
void window_round_buffers(struct tcb *tcb);  /* BSD: to whole segments */

/* tcp_delack.c: when an ACK goes */
enum { PINGPONG_MOST = 3 };
bool delack_is_pingpong(const struct tcb *tcb);
void delack_schedule(struct tcb *tcb); /* one is owed */
void delack_ack_now(struct tcb *tcb);
void delack_enter_quickack(struct tcb *tcb, unsigned max);
void delack_note_gap(struct tcb *tcb); /* between the peer's segments, in order */
void delack_check(struct tcb *tcb, bool ooo);
void delack_delay(struct tcb *tcb, uint32_t ms);
uint32_t delack_longest_ms(const struct tcb *tcb);
void delack_on_ack_sent(struct tcb *tcb), delack_on_data_sent(struct tcb *tcb);
void delack_on_timer(struct tcb *tcb), delack_on_compressed_timer(struct tcb *tcb);

/* tcp_ecn.c */
void ecn_on_text(struct tcb *tcb, const struct rx *rx); /* its ECN marks; also out of order */
void ecn_on_cwr(struct tcb *tcb, const struct rx *rx);

/* tcp_mss.c */
enum { TS_BYTES = 12 }; /* the timestamp option with its NOPs (RFC 7323 appendix A) */
static inline uint32_t tcb_ts_bytes(const struct tcb *tcb) { return tcb->ts_ok ? TS_BYTES : 0; }
static inline uint32_t tcb_headers(const struct tcb *tcb) { return (tcb->is_v4 ? IPV4_LENGTH : IPV6_LENGTH) + TCP_LENGTH; }
int mss_init(struct tcb *tcb, uint32_t peer_mss); /* asks for the path; advmss and mss; PEER_MSS 0: not known yet */
void mss_follow_route(struct tcb *tcb);
void mss_follow_path(struct tcb *tcb, bool is_sent);
bool opts_are_guarded(const struct tcb_opts *opts); /* what goes out or comes in is to be looked at one by one (is_guarded) */
void mss_sync(struct tcb *tcb, uint32_t pmtu);
void mss_refresh(struct tcb *tcb);
void mss_negotiated(struct tcb *tcb, const struct tcp_options *options); /* the path's MTU */
uint32_t mss_of_syn(const struct tcp_params *params, bool is_v4, const struct tcp_options *options);
uint32_t mss_without_option(const struct tcp_params *params, bool is_v4);
uint32_t mss_of_mtu(const struct tcp *tcp, bool is_v4, uint32_t mtu);
const struct tcp_path *mss_path(struct tcp *tcp, const struct flow *flow, int *error); /* valid until the next call */
uint32_t mss_path_mtu(const struct tcb *tcb);
uint32_t mss_offer(const struct tcp *tcp, const struct tcp_path *path, const struct flow *flow, const struct tcb_opts *opts);
uint32_t mss_current(const struct tcb *tcb);
uint32_t mss_options(const struct tcb *tcb);
uint32_t mss_by_mtu(const struct tcb *tcb, uint32_t mtu);
/* tcp_plpmtud.c */
void plpmtud_init(struct tcb *tcb, uint32_t options);
COLD void plpmtud_black_hole(struct tcb *tcb);
COLD uint32_t plpmtud_next(struct tcb *tcb, uint32_t unsent, bool *wait);
COLD void plpmtud_on_sent(struct tcb *tcb, uint32_t start, uint32_t length);
COLD void plpmtud_on_ack(struct tcb *tcb);
bool plpmtud_on_loss(struct tcb *tcb);

/* tcp_queue.c */
uint32_t queue_cost(const struct tcb *tcb, size_t size);
uint32_t queue_room(struct tcb *tcb, size_t limit, bool urgent);
void queue_note(struct tcb *tcb, uint32_t bytes, bool more, bool urgent, bool is_cut);
bool queue_pass_push(struct tcb *tcb, uint32_t end);
uint32_t queue_grow(struct tcb *tcb, uint32_t bytes);
uint32_t queue_first_end(struct tcb *tcb);
COLD void queue_end_record(struct tcb *tcb);
uint32_t queue_tail_start(const struct tcb *tcb);
uint32_t queue_end_of(const struct tcb *tcb, uint32_t seq);
uint32_t queue_until_eor(const struct tcb *tcb, uint32_t seq, uint32_t length);
COLD bool queue_pass_eor(struct tcb_ext *ext, uint32_t end);

/* tcp_output.c, tcp_txring.c */
bool output_tcb(struct tcb *tcb, struct tcp_segment *segment);
struct txseg *txring_push(struct tcb *tcb); /* NULL: memory */
void txring_release(struct tcb *tcb);
void txring_free(struct tcb *tcb); /* an empty one, back to the free list */
void txring_set_mss(struct tcb *tcb, struct txseg *seg, uint16_t mss); /* the counts of packets follow */
void txring_move_edge(struct tcb *tcb, uint32_t index, uint32_t seq);
int txring_split(struct tcb *tcb, uint32_t index, uint32_t seq);
uint32_t txring_join(struct tcb *tcb, uint32_t index);
uint32_t txring_find(const struct tcb *tcb, uint32_t seq); /* index of the segment that holds SEQ; count if none */
void txring_pop(struct tcb *tcb);
void output_fill(struct tcb *tcb, struct tcp_segment *segment, uint16_t flags, uint32_t seq);
size_t output_options_size(const struct tcb *tcb);

/* tcp_timer.c */
enum { LINUX_RTO_MIN_MS = 200 }; /* TCP_RTO_MIN: Linux's constant, whatever tcp_rto_min_us is */
void timer_set(struct tcb *tcb, enum tcb_timer timer, uint64_t deadline_ns);
void timer_stop(struct tcb *tcb);
void timer_rearm(struct tcb *tcb); /* after any deadline field changed */
static inline void timer_arm(struct tcb *tcb, uint64_t deadline_ns) /* after one was set to this: its entry may be early enough */
{
    if (heap_deadline(&tcb->tcp->heap, tcb->heap_position) > deadline_ns)
        timer_rearm(tcb);
}
void timer_rexmt(struct tcb *tcb);   /* (re)starts the retransmission timer */
void timer_give_up(struct tcb *tcb); /* ETIMEDOUT, or what ICMP told */
uint64_t timer_on_wheel(const struct tcp *tcp, uint64_t deadline_ns); /* when it fires; as it is but with wheel_phase_us */
uint64_t timer_tick(const struct tcp *tcp, uint64_t start_ns, uint64_t interval_ns); /* the end of an interval on this host's clock */
uint64_t timer_fast_tick(const struct tcp *tcp, uint64_t start_ns);
/* interval in ns after the nth */
uint64_t timer_schedule(const struct tcp *tcp, const struct tcp_schedule *schedule, unsigned sent, uint32_t linear);
uint64_t timer_clamp_to_user(const struct tcb *tcb, uint64_t interval_ns, uint64_t since_ns);
bool timer_revert_backoff(struct tcb *tcb, uint32_t seq);
uint32_t timer_orphan_retries(const struct tcb *tcb, bool alive);
uint32_t timer_syn_end_ms(const struct tcb *tcb, bool active);
bool timer_goes_by_syn(const struct tcb *tcb);
uint64_t timer_syn_interval(const struct tcb *tcb, bool active, unsigned sent);
COLD void timer_syn_end_changed(struct tcb *tcb, uint32_t wait_ms);

/* tcp_persist.c; on_timeout here and below: true while the tcb is still there */
void persist_arm(struct tcb *tcb);        /* nothing in flight, data waits, window closed */
COLD void persist_check(struct tcb *tcb); /* is it so? */
void persist_note(struct tcb *tcb, uint32_t seq); /* text goes instead of a probe */
void persist_goes_on(struct tcb *tcb);            /* it did not leave: as it was noted */
void persist_end(struct tcb *tcb);
bool persist_on_timeout(struct tcb *tcb);

/* tcp_keepalive.c */
void keepalive_arm(struct tcb *tcb, bool activity);
void keepalive_changed(struct tcb *tcb);
bool keepalive_on_timeout(struct tcb *tcb);
bool fin_wait_2_start(struct tcb *tcb, bool may_be_record);
COLD void fin_wait_2_changed(struct tcb *tcb);
bool fin_wait_2_on_timeout(struct tcb *tcb);

void tcb_run_timers(struct tcb *tcb);

/* tcp_rtt.c */
void rtt_init(struct tcb *tcb);
uint32_t rtt_rto_min_us(const struct tcb *tcb);
void rtt_sample(struct tcb *tcb, uint64_t rtt_us);
void rtt_revert_rto(struct tcb *tcb);
void rtt_shift(struct tcb *tcb, int32_t delta_us);
void rtt_begin_min(struct tcb *tcb, uint32_t since_ms); /* of the time window: the handshake has measured min_rtt_us */
void rtt_on_established(struct tcb *tcb, const struct rx *rx, uint64_t syn_start_ns); /* the handshake's round trip */

/* tcp_sack.c */
void sack_receive(struct tcb *tcb, const struct rx *rx, struct ack_state *state);
void sack_generate(struct tcb *tcb, struct tcp_options *options);
void sack_note(struct tcb *tcb, uint32_t start, uint32_t end);
COLD void sack_dsack(struct tcb *tcb, uint32_t start, uint32_t end);      /* RFC 2883: it arrived again */
COLD void sack_dsack_more(struct tcb *tcb, uint32_t start, uint32_t end); /* so did this, in the same segment */
void sack_trim(struct tcb *tcb);

/* tcp_recovery.c, tcp_rack.c; tcp_cwnd.c: tcp_cc.h */
void recovery_begin(struct tcb *tcb, struct ack_state *state);
void recovery_on_ack(struct tcb *tcb, struct ack_state *state);
COLD void recovery_on_rto(struct tcb *tcb, bool is_failure);
void recovery_enter(struct tcb *tcb, bool ece);
void recovery_mark_lost(struct tcb *tcb, struct txseg *seg);
void recovery_begin_blameless(struct tcb *tcb);
void recovery_on_synack_rto(struct tcb *tcb);
void recovery_on_syn_rto(struct tcb *tcb);
void recovery_on_syn_acked(struct tcb *tcb, bool is_text_acked);
void recovery_on_syn_marked(struct tcb *tcb);
COLD void recovery_resegment(struct tcb *tcb);
COLD void recovery_join_head(struct tcb *tcb);
static inline uint32_t recovery_max_reordering(const struct tcb *tcb)
{
    return tcb_params(tcb)->max_reordering ? tcb_params(tcb)->max_reordering : 300;
}
void recovery_on_retransmit(struct tcb *tcb, struct txseg *seg);
void recovery_set_state(struct tcb *tcb, enum ca_state state);
void recovery_keep_open(struct tcb *tcb);
void recovery_remove_reno_sacks(struct tcb *tcb, uint32_t acked, bool ece);
void recovery_clean(struct tcb *tcb, struct ack_state *state);      /* pops what SND.UNA passed, counts it, samples the RTT */
void recovery_on_old_ack(struct tcb *tcb, struct ack_state *state); /* SEG.ACK < SND.UNA but with SACK blocks */
uint32_t recovery_next_lost(struct tcb *tcb);                       /* index of what to retransmit now, cwnd allowing; TCP_NONE */
void recovery_on_probe(struct tcb *tcb, struct txseg *seg);         /* the tail loss probe left; SEG NULL: it was new data */
static inline void recovery_end_rto_time(struct tcb *tcb) /* what a timeout began is over */
{
    if (!tcb->ext || !tcb->ext->rto_since_ms)
        return;
    tcb->ext->total_rto_time_ms += tcb_now_ms(tcb) - tcb->ext->rto_since_ms;
    tcb->ext->rto_since_ms = 0;
}
static inline bool recovery_is_reducing(const struct tcb *tcb) { return tcb->ca_state == CA_CWR || tcb->ca_state == CA_RECOVERY; }
/* A stack from before SACK, PRR and RACK: BSD's own code for duplicate ACKs and timeouts (tcp_classic.c). */
static inline bool recovery_is_classic(const struct tcb *tcb)
{
    return !tcb_params(tcb)->sack && !tcb_params(tcb)->rack && !tcb_params(tcb)->prr;
}
void classic_on_ack(struct tcb *tcb, struct ack_state *state);
void classic_on_rto(struct tcb *tcb);
bool output_may_send_partial(const struct tcb *tcb);
bool output_syn_asks(const struct tcb *tcb);
uint32_t output_synacks_lost(const struct tcb *tcb);
/* tcp_undo.c */
void undo_init(struct tcb *tcb);
bool undo_recovery(struct tcb *tcb, const struct ack_state *state);
bool undo_dsack(struct tcb *tcb);
bool undo_loss(struct tcb *tcb, const struct ack_state *state, bool frto);
bool undo_partial(struct tcb *tcb, const struct ack_state *state, bool *force_lost);
bool undo_any_retrans(const struct tcb *tcb);
void undo_forget_stamp(struct tcb *tcb);
void undo_clean_stamp(struct tcb *tcb);
static inline uint32_t recovery_first_reordering(const struct tcb *tcb) /* before any was seen (tcp_reordering) */
{
    return tcb_params(tcb)->reordering ? tcb_params(tcb)->reordering : 3;
}
void recovery_rack_advance(struct tcb *tcb, const struct txseg *seg);
bool recovery_rack_mark_lost(struct tcb *tcb); /* true: the reorder timer runs */
void recovery_rack_update(struct tcb *tcb, const struct ack_state *state);
bool recovery_rack_is_recent(const struct tcb *tcb, const struct txseg *seg);
void recovery_rack_timeout(struct tcb *tcb);
void recovery_send_tlp(struct tcb *tcb);
bool recovery_schedule_tlp(struct tcb *tcb, bool advancing);
void recovery_tlp_ack(struct tcb *tcb, const struct ack_state *state);
uint32_t output_chunk_segs(struct tcb *tcb, uint32_t bytes, bool last, uint32_t flight, bool *by_window);
/* The number of the burst that a transmission belongs to: retransmissions for one event leave together, then new data together. */
static inline uint32_t output_burst(struct tcb *tcb, bool is_new)
{
    struct tcb_ext *ext = tcb->ext;
    ext->last_burst += !ext->burst_open || (is_new && !ext->in_burst);
    ext->burst_open = true;
    return ext->last_burst;
}
bool output_data(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, bool fin);
void output_note_ack(struct tcb *tcb);
COLD void output_note_rare(struct tcb *tcb, struct tcphdr_ *header, uint32_t length);
/* SEGMENT gets LENGTH bytes of the send buffer from SEQ on, in segments of MSS; false: no memory. */
bool output_syn(struct tcb *tcb, struct tcp_segment *segment);
bool output_attach(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, uint16_t mss);
/* tcp_retransmit.c */
bool output_lost(struct tcb *tcb, struct tcp_segment *segment);
void output_note_early(struct tcb *tcb);
/* SEND as it was before the text came; false: nothing more does. */
bool output_early(struct tcb *tcb, struct tcp_segment *segment, bool (*send)(struct tcb *, struct tcp_segment *));
COLD bool output_tail(struct tcb *tcb, struct tcp_segment *segment);
void sack_check_reordering(struct tcb *tcb, uint32_t low, bool by_timestamp);
uint32_t sack_highest(const struct tcb *tcb);

/* tcp_timewait.c */
bool timewait_new(struct tcp *tcp, const struct tcb *tcb);
bool timewait_refuses(const struct tcp *tcp); /* the table is full, and nothing goes for a newer one */
enum lil_drop timewait_input(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet *packet);
void timewait_remove(struct tcp *tcp, uint32_t slot);
bool timewait_paws(const struct tcp *tcp, uint32_t ts_recent, uint32_t ts_recent_s, const struct tcphdr_ *header);
void timewait_poll(struct tcp *tcp);
bool timewait_may_reuse(struct tcp *tcp, const struct wait_record *record, bool is_search /* the host chooses the port */);

#include "tcp/tcp_ack_state.h"
#include "tcp/cc/tcp_cc.h"

/* tcp_metrics.c */
void metrics_save(struct tcb *tcb);
void metrics_save_of_waiter(struct tcb *tcb); /* an orphan in FIN-WAIT-2 is a record on Linux, as TIME-WAIT is */
void metrics_apply(struct tcb *tcb);
COLD bool metrics_are_known(struct tcp *tcp, const struct addr *remote);

/* tcp_hostcache.c */
struct host_metrics *host_metrics_find(struct tcp *tcp, const struct addr *remote);
/* at the cost of the oldest; until_ns is the caller's */
struct host_metrics *host_metrics_make(struct tcp *tcp, const struct addr *remote);
COLD void hostcache_save(struct tcb *tcb, uint64_t wait_ms); /* the connection is over, TIME-WAIT in WAIT_MS */
COLD const struct host_metrics *hostcache_find(struct tcp *tcp, const struct addr *remote); /* NULL: nothing is known, or may be used */

/* tcp_fastopen.c (RFC 7413) */
const struct fastopen_memo *fastopen_recall(struct tcp *tcp, const struct addr *remote);
void fastopen_add_to_syn(struct tcb *tcb, struct tcp_segment *segment);
void fastopen_on_synack(struct tcb *tcb, const struct rx *rx);
void fastopen_syn_acked(struct tcb *tcb, const struct rx *rx);
bool fastopen_is_text_acked(const struct tcb *tcb, const struct rx *rx);
void fastopen_crossed(struct tcb *tcb);
uint32_t fastopen_sent_end(const struct tcb *tcb); /* how far text has left, that of a SYN that was refused, too */
uint32_t fastopen_syn_end(const struct tcb *tcb);
COLD void fastopen_on_timeout(struct tcb *tcb, bool is_over); /* the client's retransmission timer; IS_OVER: it gives up */
COLD void fastopen_on_end(struct tcb *tcb);                   /* of a client's connection */

/* tcp_fastopen_server.c */
bool fastopen_on_syn(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool *taken);
void fastopen_add_to_synack(struct tcp *tcp, const struct syn_entry *entry, struct tcp_options *options);
void fastopen_renew_cookie(struct tcb *tcb, struct tcp_options *options);
void fastopen_fill_synack(struct tcb *tcb, struct tcp_segment *segment);
bool fastopen_is_pending_child(const struct tcb *tcb);
COLD bool fastopen_admits(struct tcb *tcb, const struct rx *rx);
void fastopen_child_begins(struct tcb *tcb, const struct rx *rx);
COLD bool fastopen_child_may_send(struct tcb *tcb);
void fastopen_child_done(struct tcb *tcb);
COLD void fastopen_child_migrate(struct tcb *tcb, struct tcp_listener *listener);
COLD void fastopen_release_synack(struct tcb *tcb);

/* tcp_info.c */
int info_get(struct tcb *tcb, void *value, unsigned *length);
bool info_was_synchronized(const struct tcb *tcb); /* a connection's ends were in step once: the handshake counts */
uint32_t info_early_segs_out(const struct tcb *tcb);
enum { INFO_SIZE = 280 }; /* of TCP_INFO, as Linux 6.18 has it */
uint32_t info_early_segs_in(const struct tcb *tcb);
uint32_t info_opening_mss(const struct tcb *tcb);
bool info_is_unanswered(const struct tcb *tcb);

#include "tcp/bsd/tcp_bsd.h"
#include "tcp/tcp_feedback.h"
#include "tcp/ext/tcp_path.h"
#include "tcp/ext/tcp_guard.h"

#endif
