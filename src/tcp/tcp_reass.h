/* tcp_reass.h: tcp_reass.c's part of a tcb, and its interface. */
#ifndef TCP_TCP_REASS_H
#define TCP_TCP_REASS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "tcp/tcp.h"

struct tcb;
struct rx;
struct ooo_range { /* out-of-order bytes [start, end): packets in order, linked by next */
    uint32_t start, end;
    struct lil_packet *first, *last;
    uint32_t room; /* Linux: behind the last one's text, in its buffer */
};
enum { OOO_RANGES = 64 };
struct ooo_queue {
    uint32_t count, bytes, cost /* rmem_cost() of them */, fin_seq;
    bool has_fin, is_packed /* nothing has come since reass_collapse() */;
    struct ooo_range r[OOO_RANGES];
};

void reass_text(struct tcb *tcb, struct rx *rx, enum lil_drop *drop);
void reass_syn_text(struct tcb *tcb, struct lil_packet *packet); /* consumed */
COLD enum lil_drop reass_hold(struct tcb *tcb, struct rx *rx);
COLD void reass_present(struct tcb *tcb);
void reass_free(struct tcb *tcb);
void reass_collapse(struct tcb *tcb);
void reass_prune(struct tcb *tcb, uint32_t seq); /* the highest ranges go, those below SEQ stay */
#endif
