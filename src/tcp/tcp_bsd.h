/* tcp_bsd.h: what FreeBSD does its own way (tcp_bsd.c, tcp_base.c, tcp_options_bsd.c): included by tcb.h, which has the structures. */
#ifndef TCP_TCP_BSD_H
#define TCP_TCP_BSD_H

/* tcp_bsd.c */
enum bsd_wait { BSD_WAIT_DROP, BSD_WAIT_ACK, BSD_WAIT_AGAIN /* and the wait anew */, BSD_WAIT_NEW, BSD_WAIT_END };
enum bsd_syn { BSD_SYN_DROP, BSD_SYN_AGAIN, BSD_SYN_RESET, BSD_SYN_REFUSE, BSD_SYN_REMOVE, BSD_SYN_CHALLENGE, BSD_SYN_ACCEPT };
COLD enum lil_drop bsd_steps(struct tcb *tcb, struct rx *rx);
COLD void bsd_note_owed(struct tcb *tcb);
COLD void bsd_note_acked(struct tcb *tcb, uint32_t acked);
COLD bool bsd_is_stuck(const struct tcb *tcb);
COLD uint64_t bsd_until_stuck(const struct tcb *tcb, uint64_t interval_ns);
COLD int bsd_setopt(struct tcp *tcp, struct tcb *tcb, struct tcb_opts *opts, int name, const void *value, unsigned length); /* tcp_options_bsd.c */
COLD int bsd_getopt(struct tcp *tcp, struct tcb *tcb, const struct tcb_opts *opts, int name, void *value, unsigned *length);
COLD bool bsd_challenge_allowed(const struct tcp *tcp, uint32_t *end_ms, uint32_t *count);
COLD enum bsd_wait bsd_timewait(const struct tcp *tcp, const struct wait_record *record, const struct tcp_in *in);
COLD enum bsd_syn bsd_synq(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_in *in, enum lil_drop *drop);
/* tcp_base.c */
struct base_recovery *base_get(struct tcb *tcb);
COLD void base_on_ack(struct tcb *tcb, struct ack_state *state);
COLD void base_on_rto(struct tcb *tcb);
COLD uint32_t base_next_lost(struct tcb *tcb);
COLD void base_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, bool again);
COLD uint32_t base_next_length(struct tcb *tcb, uint32_t unsent);
COLD void base_check_idle(struct tcb *tcb);
COLD void base_gather(struct tcb *tcb, uint32_t index, uint32_t mss);
COLD void base_end_burst(struct tcb *tcb);

#endif
