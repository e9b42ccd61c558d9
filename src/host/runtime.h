/* runtime.h: how a socket call waits. socket/ never blocks inside; it has one wait point and asks the process's
 * runtime: inline (NULL: would block), a fiber (sim/fiber.c), or a supervised process (launch/). */
#ifndef HOST_RUNTIME_H
#define HOST_RUNTIME_H
#include "base/list.h"

struct lil_proc;
struct lil_host;

struct proc_runtime {
    /* Suspends the caller until wake(), or DEADLINE_NS. 0: woken (look again), -ETIMEDOUT, -EINTR (killed), -EAGAIN: cannot wait here. */
    int (*wait)(void *ctx, struct lil_proc *proc, uint64_t deadline_ns);
    void (*wake)(void *ctx, struct lil_proc *proc);
    void (*output)(void *ctx, struct lil_proc *proc, const char *line); /* lil_printf */
    void (*exit)(void *ctx, struct lil_proc *proc, int status);           /* exit(): does not return; NULL: cannot */
    void *ctx; /* per process */
};
void proc_set_runtime(struct lil_proc *proc, const struct proc_runtime *runtime); /* borrowed; in socket/proc.c */
const struct proc_runtime *proc_get_runtime(const struct lil_proc *proc);

/* One interest in a socket's events (POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, POLLPRI); an epoll item, a sleeping call or a
 * supervisor holds one. wake runs at every edge, also when the condition was already so (new data); it must not
 * close the socket or re-enter a call on it: note it and act later. */
struct waiter {
    struct list node;
    unsigned events;
    void (*wake)(struct waiter *waiter, unsigned events);
};
/* Current readiness of FD as poll(2) would say; -EBADF. */
int proc_poll_events(struct lil_proc *proc, int fd);
int proc_watch(struct lil_proc *proc, int fd, struct waiter *waiter); /* -EBADF */
void proc_unwatch(struct waiter *waiter);                            /* safe when the socket is gone: it unlinks its waiters */

#endif
