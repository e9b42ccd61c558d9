/* tcp_bsd.h: what FreeBSD does its own way (tcp_bsd.c, tcp_base.c, tcp_options_bsd.c): included by tcb.h, which has the structures. */
#ifndef TCP_TCP_BSD_H
#define TCP_TCP_BSD_H

/* tcp_bsd.c */
enum bsd_wait { BSD_WAIT_DROP, BSD_WAIT_ACK, BSD_WAIT_AGAIN /* and the wait anew */, BSD_WAIT_NEW, BSD_WAIT_END };
enum bsd_syn { BSD_SYN_DROP, BSD_SYN_AGAIN, BSD_SYN_RESET, BSD_SYN_REFUSE, BSD_SYN_REMOVE, BSD_SYN_CHALLENGE, BSD_SYN_ACCEPT };
COLD enum lil_drop bsd_steps(struct tcb *tcb, struct rx *rx);
uint32_t bsd_receive_room(const struct tcb *tcb);
COLD void bsd_black_hole(struct tcb *tcb);
COLD void bsd_tell_last_text(struct tcb *tcb);
COLD void bsd_note_owed(struct tcb *tcb);
COLD void bsd_note_acked(struct tcb *tcb, uint32_t acked);
COLD unsigned bsd_poll_events(const struct tcb *tcb);
COLD bool bsd_is_stuck(const struct tcb *tcb);
COLD uint64_t bsd_until_stuck(const struct tcb *tcb, uint64_t interval_ns);
/* tcp_options_bsd.c */
COLD int bsd_setopt(struct tcp *tcp, struct tcb *tcb, struct tcb_opts *opts, int name, const void *value, unsigned length);
COLD uint32_t bsd_segment_size(const struct tcp *tcp, const struct tcb *tcb, const struct tcb_opts *opts);
COLD int bsd_getopt(struct tcp *tcp, struct tcb *tcb, const struct tcb_opts *opts, int name, void *value, unsigned *length);
COLD bool bsd_challenge_allowed(const struct tcp *tcp, uint32_t *end_ms, uint32_t *count);
COLD enum bsd_wait bsd_timewait(const struct tcp *tcp, const struct wait_record *record, const struct tcp_in *in);
COLD enum bsd_syn bsd_synq(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_in *in, enum lil_drop *drop);
/* tcp_info_bsd.c: behind Linux's structure, in the order of FreeBSD's own */
struct bsd_info {
    uint32_t snd_bwnd, snd_nxt, rcv_nxt, toe_tid, snd_rexmitpack, snd_zerowin, snd_una, snd_max, rcv_numsacks, rcv_adv, dupacks, rttmin;
    uint32_t total_tlp;
    uint64_t total_tlp_bytes;
};
struct tcp_info;
COLD void bsd_info_of_new(const struct tcp_params *params, uint32_t mss, struct tcp_info *info);
COLD void bsd_info(struct tcb *tcb, struct tcp_info *info, struct bsd_info *more);
/* tcp_bsd_board.c */
enum board_change { BOARD_SAME, BOARD_CHANGED, BOARD_NEW_LOSS /* a hole fell into two */ };
COLD enum board_change board_update(struct tcb *tcb, const struct rx *rx, uint32_t prior_una, uint32_t *delivered);
COLD void board_free(struct tcb *tcb);
COLD void board_clear(struct tcb *tcb);
COLD void board_resend(struct tcb *tcb);
COLD void board_forget_sacked(struct tcb *tcb);
COLD void board_set_top(struct tcb *tcb, uint32_t seq);
COLD void board_rescue(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t una);
COLD void board_sent(struct tcb *tcb, uint32_t end);
COLD bool board_lost_again(struct tcb *tcb);
COLD bool board_next(struct tcb *tcb, uint32_t *start, uint32_t *end);
COLD bool board_waits(const struct tcb *tcb);
COLD bool board_has_holes(const struct tcb *tcb);
COLD uint32_t board_sacked(const struct tcb *tcb);
COLD uint32_t board_resent(const struct tcb *tcb);
COLD uint32_t board_pipe(const struct tcb *tcb, uint32_t una);
COLD uint32_t board_skip(const struct tcb *tcb, uint32_t *next);
/* tcp_bsd_blocks.c: the receiver's list */
COLD void blocks_free(struct tcb *tcb);
COLD void blocks_add(struct tcb *tcb, uint32_t start, uint32_t end);
COLD void blocks_on_text(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t prior_rcv_nxt);
COLD void blocks_generate(struct tcb *tcb, unsigned room, struct tcp_options *options);
/* tcp_bsd_cc.c, tcp_bsd_modules.c, tcp_bsd_delay.c: an algorithm (struct cc_algo); NULL: nothing */
struct bsd_cc {
    void (*init)(struct tcb *tcb);                   /* cb_init(); its state is zeroed */
    void (*begin)(struct tcb *tcb);                  /* conn_init() */
    void (*on_ack)(struct tcb *tcb, uint32_t acked); /* ack_received(): new data */
    void (*on_duplicate)(struct tcb *tcb);           /* and a duplicate */
    void (*on_loss)(struct tcb *tcb);                /* cong_signal() */
    void (*on_ecn)(struct tcb *tcb);
    void (*on_rto)(struct tcb *tcb, bool first);
    void (*on_undo)(struct tcb *tcb);
    void (*after_recovery)(struct tcb *tcb);
    void (*after_idle)(struct tcb *tcb);
    void (*on_mark)(struct tcb *tcb, bool is_marked, bool cwr); /* ecnpkt_handler(): each segment of a connection with ECN */
    bool measures;                                   /* round trips by segment: ertt_on_ack(), ertt_on_sent() */
};
extern const struct bsd_cc bsd_newreno, bsd_cubic, bsd_htcp, bsd_dctcp, bsd_vegas, bsd_hd, bsd_chd, bsd_cdg;
/* tcp_bsd_delay.c */
COLD void ertt_free(struct tcb *tcb);
COLD void ertt_on_ack(struct tcb *tcb, const struct ack_state *state, uint32_t acked);
COLD void ertt_on_sent(struct tcb *tcb, uint32_t start, uint32_t end);
/* tcp_bsd_cc.c */
enum { BSD_NO_THRESHOLD = 65535 << 14 };
COLD uint32_t bsd_initial_window(const struct tcb *tcb);
COLD uint32_t bsd_initial_threshold(const struct tcb *tcb);
COLD uint32_t bsd_window_most(const struct tcb *tcb);
static inline uint32_t bsd_segment(const struct tcb *tcb) { return max_u32(tcb->mss, 1); }
COLD void bsd_reno_on_ack(struct tcb *tcb, uint32_t acked);
COLD void bsd_reno_on_loss(struct tcb *tcb);
COLD void bsd_reno_on_ecn(struct tcb *tcb);
COLD void bsd_reno_on_rto(struct tcb *tcb, bool first);
COLD void bsd_end_episode(struct tcb *tcb, uint32_t window);
COLD void bsd_reno_after_recovery(struct tcb *tcb);
COLD void bsd_reno_after_idle(struct tcb *tcb);
COLD bool bsd_cc_measures(const struct tcb *tcb);
COLD void bsd_cc_init(struct tcb *tcb);
COLD void bsd_cc_begin(struct tcb *tcb);
COLD void bsd_cc_on_duplicate(struct tcb *tcb);
COLD void bsd_cc_on_ack(struct tcb *tcb, uint32_t acked, uint32_t window);
COLD void bsd_cc_on_loss(struct tcb *tcb);
COLD void bsd_cc_on_ecn(struct tcb *tcb);
COLD bool bsd_is_fast_data(const struct tcb *tcb, const struct rx *rx);
COLD void bsd_cc_on_mark(struct tcb *tcb, bool is_marked, bool cwr);
COLD void bsd_cc_on_rto(struct tcb *tcb, bool first);
COLD void bsd_cc_undo_rto(struct tcb *tcb);
COLD void bsd_cc_after_recovery(struct tcb *tcb);
COLD void bsd_cc_after_idle(struct tcb *tcb);
/* tcp_bsd_ecn.c */
COLD void bsd_ecn_on_synack(struct tcb *tcb, const struct rx *rx);
COLD void bsd_ecn_on_crossed_syn(struct tcb *tcb, const struct rx *rx);
COLD void bsd_ecn_on_segment(struct tcb *tcb, const struct rx *rx);
COLD uint16_t bsd_ecn_flags(const struct tcb *tcb);
COLD uint32_t bsd_ecn_received(const struct tcb *tcb);
/* tcp_filter.c */
COLD bool filter_holds(struct tcp_listener *listener, struct tcb *tcb);
COLD void filter_check(struct tcb *tcb);
/* tcp_base.c */
struct base_recovery *base_get(struct tcb *tcb);
COLD bool base_predicts(const struct tcb *tcb, const struct rx *rx);
COLD void base_on_probe_ack(struct tcb *tcb, const struct ack_state *state);
COLD void base_on_ack(struct tcb *tcb, struct ack_state *state);
COLD void base_on_ece(struct tcb *tcb, uint32_t ack);
COLD void base_on_opening_ece(struct tcb *tcb);
COLD void base_on_rto(struct tcb *tcb);
COLD void base_check_shut(struct tcb *tcb);
COLD void base_force(struct tcb *tcb);
COLD void base_tell_urgent(struct tcb *tcb);
bool base_owes_ack(const struct tcb *tcb);
COLD bool base_probes_again(const struct tcb *tcb);
COLD uint32_t base_ack_seq(struct tcb *tcb);
COLD void base_end_backoff(struct tcb *tcb);
COLD uint32_t base_next_lost(struct tcb *tcb);
COLD void base_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, bool again);
COLD uint32_t base_next_length(struct tcb *tcb, uint32_t unsent);
COLD void base_check_idle(struct tcb *tcb);
COLD void base_gather(struct tcb *tcb, uint32_t index, uint32_t mss);
COLD void base_on_old_ack(struct tcb *tcb, const struct ack_state *state);
COLD bool base_end_burst(struct tcb *tcb);

#endif
