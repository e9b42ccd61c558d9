/* current.c: the current process of a thread: the one thread-local of the library. Only programs (fibers) and
 * override.h use it; the runtime that resumes a program sets it. */
#include "socket/file.h"

static _Thread_local struct lil_proc *current;

struct lil_proc *lil_current(void)
{
    return current;
}

struct lil_proc *lil_set_current(struct lil_proc *proc)
{
    struct lil_proc *old = current;

    current = proc;
    return old;
}

void lil_exit(struct lil_proc *proc, int status)
{
    if (proc->runtime && proc->runtime->exit)
        proc->runtime->exit(proc->runtime->ctx, proc, status);
}
