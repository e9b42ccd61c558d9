/* tcp_cc.h: congestion control's hooks and what the algorithms share; a part of tcb.h, which includes it. */
#ifndef TCP_TCP_CC_H
#define TCP_TCP_CC_H
#include "tcp/tcb.h"

/* tcp_cc.c: congestion control: RFC 5681's hooks, and those of algorithms that have a rate of their own */
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
    /* Instead of cong_avoid and PRR: each ACK, when all that it tells is known. Sets tcb->cwnd and tcb->ext->rate; the
     * connection is paced. */
    void (*control)(struct tcb *tcb, const struct ack_state *state);
    uint32_t (*min_tso_segs)(const struct tcb *tcb);          /* of a chunk; NULL: the host's */
    uint8_t sndbuf_windows;                                   /* how many windows the send buffer grows to; 0: two */
    uint8_t systems;                                          /* CC_ON_*: whose sockets may name it */
    bool needs_ecn;                                           /* asks for ECN whatever the host does, and marks every segment ECT(0) */
    const struct bsd_cc *bytes;                               /* FreeBSD: what it does to a window of bytes; NULL: as NewReno */
};
enum { CC_ON_LINUX = 1, CC_ON_BSD = 2 };
extern const struct cc_ops *const cc_algorithms[TCP_CC_COUNT];
static inline const struct cc_ops *cc_by_opts(const struct tcp *tcp, const struct tcb_opts *opts)
{
    return cc_algorithms[opts->cc ? opts->cc - 1u : tcp->params.cc];
}
static inline const struct cc_ops *cc_get(const struct tcb *tcb) { return cc_by_opts(tcb->tcp, tcb->opt); }
const struct cc_ops *cc_find(const char *name, unsigned *number);
static inline bool cc_needs_ecn(const struct tcp *tcp, const struct tcb_opts *opts) /* FreeBSD leaves it to ecn.enable */
{
    return cc_by_opts(tcp, opts)->needs_ecn && !tcp->params.byte_recovery;
}
uint32_t cc_slow_start(struct tcb *tcb, uint32_t acked);      /* the rest */
void cc_avoid_ai(struct tcb *tcb, uint32_t w, uint32_t acked);
bool cc_is_cwnd_limited(const struct tcb *tcb);
extern const struct cc_ops cc_none, cc_tahoe, cc_reno, cc_newreno, cc_cubic, cc_dctcp, cc_bbr;
extern const struct cc_ops cc_htcp, cc_vegas, cc_hd, cc_chd, cc_cdg; /* FreeBSD's */

/* tcp_cwnd.c */
void cwnd_init(struct tcb *tcb);
void cwnd_begin_control(struct tcb *tcb); /* private to cwnd_begin */
static inline bool cc_begins_at_once(const struct tcb *tcb)
{
    return cc_get(tcb)->control || (cc_get(tcb)->on_ack && tcb->ecn_ok);
}
static inline void cwnd_begin(struct tcb *tcb) /* the connection is there */
{
    if (cc_begins_at_once(tcb))
        cwnd_begin_control(tcb);
}
void cwnd_begin_marks(struct tcb *tcb);
void cwnd_change(struct tcb *tcb); /* TCP_CONGESTION named another algorithm */
void cwnd_on_idle(struct tcb *tcb);
uint32_t cwnd_current_ssthresh(const struct tcb *tcb);
void cwnd_begin_reduction(struct tcb *tcb);
void cwnd_reduce(struct tcb *tcb, uint32_t delivered, uint32_t lost, bool una_advanced); /* PRR, RFC 6937 */
void cwnd_end_reduction(struct tcb *tcb);
void cwnd_validate(struct tcb *tcb, bool is_limited); /* RFC 7661 */
enum { CWND_FREE_SEGMENTS = 10 }; /* that are not paced */
void cwnd_pace(struct tcb *tcb, uint32_t bytes, bool more); /* BYTES leave; MORE of the same chunk follow */
void cwnd_pacing_timer(struct tcb *tcb);
uint64_t cwnd_pacing_rate(const struct tcb *tcb); /* bytes/s, as Linux's tcp_update_pacing_rate */
void cwnd_hold_rate(struct tcb *tcb);             /* the window changes, and no ACK has come: the rate stays */
void cwnd_hold_opening_rate(struct tcb *tcb);
static inline bool cwnd_is_paced(const struct tcb *tcb) /* Linux's sk_pacing_status */
{
    return tcb_params(tcb)->pacing || tcb->opt->socket.is_paced || tcb_ext_peek(tcb)->is_paced;
}
/* What leaves now departs so much later: timers count from then, in whole milliseconds (Linux: tcp_pacing_delay). */
static inline uint64_t cwnd_pacing_delay_ns(const struct tcb *tcb)
{
    uint64_t next_ns = tcb_ext_peek(tcb)->pacing_ns, now = tcb_now(tcb);
    return next_ns > now ? (next_ns - now) / NS_PER_MS * NS_PER_MS : 0;
}
uint32_t cwnd_chunk_segs(const struct tcb *tcb);  /* segments handed down at once at most (tcp_tso_autosize) */
bool cwnd_defers_chunk(struct tcb *tcb, uint32_t bytes, bool last, uint32_t chunk_segs, bool *by_window);
bool cwnd_waits_for_ack(const struct tcb *tcb, uint32_t limit, uint32_t chunk_segs);
void sndbuf_expand(struct tcb *tcb);

static inline bool cc_has_ecn(const struct tcb *tcb) { return tcb->ecn_ok && cc_needs_ecn(tcb->tcp, tcb->opt); }
static inline bool cc_in_slow_start(const struct tcb *tcb) { return tcb->cwnd < tcb->ssthresh; }
#endif
