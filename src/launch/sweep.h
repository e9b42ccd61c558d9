/* sweep.h: sockets that no program holds any more: sweep.c. */
#ifndef LAUNCH_SWEEP_H
#define LAUNCH_SWEEP_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct launcher;
struct desc;
bool sweep_is_needed(void);                                  /* pidfd_getfd is refused */
bool sweep(struct launcher *launcher);                       /* frees what no program holds any more; true: there was something */
unsigned sweep_holders(struct launcher *launcher, const struct desc *desc); /* how many descriptors of programs are this socket */
void sweep_if_many(struct launcher *launcher);
void sweep_if_due(struct launcher *launcher);
uint64_t sweep_left(const struct launcher *launcher);        /* real time to the next one that is due */
/* Without pidfd_getfd: of the program's descriptor FD; INNER: a duplicate of it, or -1. */
struct desc *sweep_find(struct launcher *launcher, pid_t tid, int fd, int *inner);
int sweep_domain(pid_t tid, int fd);                         /* AF_UNIX; AF_UNSPEC: another family; -1: not a socket */
#endif
