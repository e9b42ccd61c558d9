/* task.h: the one coroutine on which a script's calls run, so that a call which would block can wait while virtual time
 * passes. It is the process's runtime (host/runtime.h): wait() leaves the coroutine, wake() says that it may go on. */
#ifndef SCRIPT_RUN_TASK_H
#define SCRIPT_RUN_TASK_H
#include <stdbool.h>
#include <stdint.h>

struct task;
struct lil_proc;
struct task *task_new(struct lil_proc *proc); /* NULL: no memory */
void task_free(struct task *task);            /* a call still waiting is abandoned with -EINTR */
/* Runs FUNCTION(ARGUMENT) until it ends or waits. True: it ended. */
bool task_start(struct task *task, void (*function)(void *argument), void *argument);
bool task_is_waiting(const struct task *task);
bool task_can_run(const struct task *task, uint64_t now_ns); /* woken, or its deadline has come */
uint64_t task_deadline(const struct task *task);             /* LIL_NEVER */
bool task_resume(struct task *task);                         /* true: it ended */
/* For calls of the runner's own (splice, usleep): waits within the coroutine. 0, -ETIMEDOUT, -EINTR. */
int task_wait(struct task *task, uint64_t deadline_ns);
#endif
