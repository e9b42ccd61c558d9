/* tcp_rmem.h: tcp_rmem.c's part of a tcb, and its interface. */
#ifndef TCP_TCP_RMEM_H
#define TCP_TCP_RMEM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcb;
/* Received text in buffers, as Linux counts them: runs of equal ones, the oldest first. */
struct rmem_run {
    uint32_t count, length, cost;
};
enum { RMEM_RUNS = 6, RMEM_PLACES = 8 };
struct rmem {
    uint32_t total;           /* what all cost, those out of order too */
    uint32_t head_read;       /* bytes of the first buffer that were read */
    uint16_t room, forward;   /* behind the last one's text; what is left of a page that is paid for */
    uint8_t first, runs;
    struct rmem_run run[RMEM_PLACES];
};

bool rmem_is_counted(const struct tcb *tcb);
/* What a segment of LENGTH bytes of text costs of the receive buffer. */
uint32_t rmem_cost(const struct tcb *tcb, uint32_t length);
uint32_t rmem_room(const struct tcb *tcb, uint32_t length); /* what fits behind LENGTH bytes in their buffer */
void rmem_charge_packed(struct tcb *tcb, uint32_t length, uint32_t cost);
uint32_t rmem_packed_cost(uint32_t part, uint32_t *room);
uint32_t rmem_paid(const struct tcb *tcb); /* what fits the page that was paid for last (sk_forward_alloc) */
void rmem_take(struct tcb *tcb, uint32_t cost);
void rmem_give(struct tcb *tcb, uint32_t cost);
/* LENGTH bytes wait to be read now: did their buffer fit what was paid for? COPIED bytes were read. */
void rmem_charge_overlap(struct tcb *tcb, uint32_t length, uint32_t before);
bool rmem_charge(struct tcb *tcb, uint32_t length);
uint32_t rmem_first(const struct tcb *tcb); /* what of the first buffer was not read yet */
void rmem_release(struct tcb *tcb, size_t copied);
/* Do they cost more than the buffer? Is there, or can there be made, room for a segment that begins at SEQ? */
bool rmem_is_over(const struct tcb *tcb);
bool rmem_schedule(struct tcb *tcb, uint32_t seq);
#endif
