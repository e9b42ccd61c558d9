/* coroutine.h: the one coroutine on which a script's calls run, so that a call which would block can wait while virtual
 * time passes. It is the process's runtime (host/runtime.h): wait() leaves the coroutine, wake() says that it may go
 * on. */
#ifndef SCRIPT_RUN_COROUTINE_H
#define SCRIPT_RUN_COROUTINE_H
#include <stdbool.h>
#include <stdint.h>

struct coroutine;
struct lil_proc;
struct coroutine *coroutine_new(struct lil_proc *proc); /* NULL: no memory */
void coroutine_free(struct coroutine *coroutine);       /* a call still waiting is abandoned with -EINTR */
/* Runs FUNCTION(ARGUMENT) until it ends or waits. True: it ended. */
bool coroutine_start(struct coroutine *coroutine, void (*function)(void *argument), void *argument);
bool coroutine_is_waiting(const struct coroutine *coroutine);
bool coroutine_can_run(const struct coroutine *coroutine, uint64_t now_ns); /* woken, or its deadline has come */
uint64_t coroutine_deadline(const struct coroutine *coroutine);             /* LIL_NEVER */
bool coroutine_resume(struct coroutine *coroutine);                         /* true: it ended */
/* For calls of the runner's own (splice, usleep): waits within the coroutine. 0, -ETIMEDOUT, -EINTR. */
int coroutine_wait(struct coroutine *coroutine, uint64_t deadline_ns);
#endif
