/* tcp_stamp.h: tcp_stamp.c's and tcp_zerocopy.c's side towards the sender: what is called while ext->has_stamps. */
#ifndef TCP_TCP_STAMP_H
#define TCP_TCP_STAMP_H
#include "tcp/tcb.h"

void stamp_on_sent(struct tcb *tcb, uint32_t start, uint32_t end,
                   uint32_t headers);                  /* [START, END), HEADERS bytes before it */
void stamp_on_acked(struct tcb *tcb, int ttl);         /* TTL: of the ACK */
void stamp_on_sacked(struct tcb *tcb, uint32_t index); /* of the ring */
void stamp_on_joined(struct tcb *tcb, uint32_t start, uint32_t middle, uint32_t end);
bool stamp_forbids_join(const struct tcb *tcb, uint32_t start, uint32_t end);
/* The connection ends, the socket goes on: what is to be told stays, beside a new extension. */
struct stamps *stamp_detach(struct tcb *tcb);
void stamp_attach(struct tcb *tcb, struct stamps *stamps);
void stamp_free(struct tcb *tcb);

/* tcp_zerocopy.c */
void zerocopy_on_written(struct tcb *tcb, uint32_t before);                   /* by a write that began at BEFORE */
bool zerocopy_is_pinned(const struct tcb *tcb, uint32_t start, uint32_t end); /* ext->stamps is there; so below */
uint32_t zerocopy_waste(const struct tcb *tcb);
#endif
