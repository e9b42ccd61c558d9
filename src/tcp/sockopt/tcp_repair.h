/* tcp_repair.h: Linux's checkpoints of connections (TCP_REPAIR): what tcp_options.c and tcp_user.c ask of them. */
#ifndef TCP_TCP_REPAIR_H
#define TCP_TCP_REPAIR_H
#include "tcp/tcb.h"

static inline bool repair_is_on(const struct tcb *tcb) { return tcb_ext_peek(tcb)->repair; }
bool repair_has(int name); /* one of its options */
/* NUMBER: what VALUE begins with */
int repair_setopt(struct tcb *tcb, int name, int number, const void *value, unsigned length) MUST_CHECK;
int repair_getopt(struct tcb *tcb, int name, void *value, unsigned *length) MUST_CHECK; /* -EAGAIN: none of its */
int repair_listener_setopt(int name) MUST_CHECK;
void repair_connect(struct tcb *tcb); /* connect(): ESTABLISHED, without a word */
ssize_t repair_send(struct tcb *tcb, const struct iovec *iov, int count, size_t limit); /* -EAGAIN: as any send */
ssize_t repair_receive(struct tcb *tcb, const struct iovec *iov, int count, size_t limit, bool peek);
#endif
