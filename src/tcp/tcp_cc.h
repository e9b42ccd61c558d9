/* tcp_cc.h: congestion control's hooks and what the algorithms share; a part of tcb.h, which includes it. */
#ifndef TCP_TCP_CC_H
#define TCP_TCP_CC_H
#include "tcp/tcb.h"

/* tcp_cc.c: congestion control (RFC 5681's hooks; the table takes others, such as BBR, later) */
struct cc_ops {
    const char *name;
    void (*init)(struct tcb *tcb);
    uint32_t (*ssthresh)(struct tcb *tcb);                    /* on loss */
    void (*cong_avoid)(struct tcb *tcb, uint32_t acked);      /* grow */
    void (*on_state)(struct tcb *tcb, enum ca_state state);
    void (*on_rtt)(struct tcb *tcb, uint32_t acked, uint64_t rtt_us);
    uint32_t (*undo_cwnd)(struct tcb *tcb);
    void (*on_idle)(struct tcb *tcb);                         /* transmission starts after idleness */
    uint32_t (*loss_ssthresh)(struct tcb *tcb);               /* after ssthresh, when it is a loss and no mark */
    void (*on_ack)(struct tcb *tcb);                          /* with ECN: each ACK */
    void (*on_ce)(struct tcb *tcb, bool ce);                  /* with ECN: each segment of text taken; ACKs are the algorithm's */
    unsigned (*info)(const struct tcb *tcb, void *value);     /* TCP_CC_INFO: at most 40 bytes; returns how many */
    bool needs_ecn;                                           /* asks for ECN whatever the host does, and marks every segment ECT(0) */
};
const struct cc_ops *cc_get(const struct tcb *tcb);
const struct cc_ops *cc_by_opts(const struct tcp *tcp, const struct tcb_opts *opts);
const struct cc_ops *cc_find(const char *name, unsigned *number);
uint32_t cc_slow_start(struct tcb *tcb, uint32_t acked);      /* the rest */
void cc_avoid_ai(struct tcb *tcb, uint32_t w, uint32_t acked);
bool cc_is_cwnd_limited(const struct tcb *tcb);
extern const struct cc_ops cc_none, cc_tahoe, cc_reno, cc_newreno, cc_cubic, cc_dctcp;
static inline bool cc_has_ecn(const struct tcb *tcb) { return tcb->ecn_ok && cc_get(tcb)->needs_ecn; }
static inline bool cc_in_slow_start(const struct tcb *tcb) { return tcb->cwnd < tcb->ssthresh; }
#endif
