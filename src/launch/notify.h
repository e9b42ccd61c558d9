/* notify.h: between a call that stops in the kernel and its handler: notify.c. */
#ifndef LAUNCH_NOTIFY_H
#define LAUNCH_NOTIFY_H
#include "launch/call.h"

void notify_ready(struct source *source, uint32_t events);
/* Whose socket descriptor FD of thread TID is; NULL: none of ours. INNER: a duplicate of it, for the caller to close, or -1. */
struct desc *notify_find(struct launcher *launcher, pid_t tid, int fd, int *inner);
/* -EACCES, and a line in the log, when CALL's descriptor FD (call->inner, not ours) is a socket of the real network; else 0 */
int64_t notify_refuse_real(const struct call *call, int fd);
/* DESC is FD of TID now, as it calls or is answered */
void notify_know(struct launcher *launcher, pid_t tid, int fd, const struct desc *desc);
bool notify_retry(struct call *call);        /* a held call, handled again; true: it has ended, and is freed */
bool notify_reply(struct call *call, int64_t result); /* false: its thread does not wait for it any more */
int notify_add_fd(struct call *call, int fd, bool cloexec); /* answers the call with FD put into the program; the number or -errno */
void notify_free(struct call *call);
void notify_unhold(struct call *call);       /* from its lists; its answer is still to come */
const char *notify_name(long nr);
/* A handler begins to run in the thread whose call its signal broke: true: the call ends, with this result. */
bool notify_break(struct launcher *launcher, pid_t tid, int64_t *result);
bool notify_is_quick(long nr);               /* notified, and never held: no signal may break it */
/* Held calls whose thread has a signal to take are broken, so that it can; NOW: not only when a look is due. */
void notify_look(struct launcher *launcher, bool now);
bool notify_is_asleep(struct launcher *launcher, pid_t tid); /* virtual: in state D all the same */
uint64_t notify_look_left(const struct launcher *launcher); /* real time to the next look that is due */
#endif
