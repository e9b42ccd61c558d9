/* tcp_base_inner.h: what tcp_base.c (events) and tcp_base_output.c share. */
#ifndef TCP_TCP_BASE_INNER_H
#define TCP_TCP_BASE_INNER_H
#include "tcp/tcb.h"

enum { DUP_THRESH = 3 };

/* tcp_maxseg(): less the options of now, SACK blocks too. */
static inline uint32_t base_segment_size(const struct tcb *tcb) { return max_u32(mss_current(tcb), 1); }
/* SND.UNA as FreeBSD has it at this moment. */
static inline uint32_t base_una(const struct tcb *tcb) { return tcb->snd_una - tcb->ext->base.lag; }
static inline uint32_t base_pipe(const struct tcb *tcb) { return board_pipe(tcb, base_una(tcb)); }
uint32_t base_skip(const struct tcb *tcb, uint32_t *next);
void base_time_segment(struct tcb *tcb, uint32_t start);
void base_forget_sack(struct tcb *tcb, struct txseg *seg);
#endif
