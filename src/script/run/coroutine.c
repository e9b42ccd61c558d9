/* coroutine.c: the coroutine of a script's calls: one fiber of sim/fiber.h as the process's runtime. See coroutine.h.
 */
#include "script/run/coroutine.h"
#include <errno.h>
#include <stdlib.h>
#include "host/runtime.h"
#include "lilliput/socket.h"
#include "sim/fiber.h"

struct coroutine {
    struct fiber_set set;
    struct fiber *fiber;
    struct proc_runtime runtime;
    bool waiting, woken, killed;
    uint64_t deadline_ns;
};

int coroutine_wait(struct coroutine *coroutine, uint64_t deadline_ns)
{
    if (!coroutine->set.current)
        return -EAGAIN;
    if (coroutine->killed)
        return -EINTR;
    coroutine->waiting = true;
    coroutine->woken = false;
    coroutine->deadline_ns = deadline_ns;
    fiber_suspend(&coroutine->set);
    coroutine->waiting = false;
    return coroutine->killed ? -EINTR : coroutine->woken ? 0 : -ETIMEDOUT;
}

static int wait_here(void *ctx, struct lil_proc *proc, uint64_t deadline_ns)
{
    (void)proc;
    return coroutine_wait(ctx, deadline_ns);
}

static void wake_here(void *ctx, struct lil_proc *proc)
{
    struct coroutine *coroutine = ctx;
    (void)proc;
    coroutine->woken = true;
}

struct coroutine *coroutine_new(struct lil_proc *proc)
{
    struct coroutine *coroutine = calloc(1, sizeof *coroutine);
    if (!coroutine)
        return NULL;
    fiber_set_init(&coroutine->set);
    coroutine->runtime = (struct proc_runtime){.wait = wait_here, .wake = wake_here, .ctx = coroutine};
    coroutine->deadline_ns = LIL_NEVER;
    proc_set_runtime(proc, &coroutine->runtime);
    return coroutine;
}

void coroutine_free(struct coroutine *coroutine)
{
    if (!coroutine)
        return;
    if (coroutine->waiting) {
        coroutine->killed = true;
        (void)coroutine_resume(coroutine);
    }
    fiber_free(coroutine->fiber);
    fiber_set_fini(&coroutine->set);
    free(coroutine);
}

bool coroutine_start(struct coroutine *coroutine, void (*function)(void *argument), void *argument)
{
    fiber_free(coroutine->fiber);
    coroutine->fiber = fiber_new(&coroutine->set, function, argument);
    coroutine->waiting = coroutine->woken = false;
    return !coroutine->fiber || coroutine_resume(coroutine);
}

bool coroutine_is_waiting(const struct coroutine *coroutine)
{
    return coroutine->waiting;
}

bool coroutine_can_run(const struct coroutine *coroutine, uint64_t now_ns)
{
    return coroutine->waiting && (coroutine->woken || now_ns >= coroutine->deadline_ns);
}

uint64_t coroutine_deadline(const struct coroutine *coroutine)
{
    return coroutine->waiting ? coroutine->deadline_ns : LIL_NEVER;
}

bool coroutine_resume(struct coroutine *coroutine)
{
    return fiber_resume(coroutine->fiber) < 0 || fiber_is_done(coroutine->fiber);
}
