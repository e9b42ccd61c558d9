/* task.c: the coroutine of a script's calls: one fiber of sim/fiber.h as the process's runtime. See task.h. */
#include "script/run/task.h"
#include <errno.h>
#include <stdlib.h>
#include "host/runtime.h"
#include "lilliput/socket.h"
#include "sim/fiber.h"

struct task {
    struct fiber_set set;
    struct fiber *fiber;
    struct proc_runtime runtime;
    bool waiting, woken, killed;
    uint64_t deadline_ns;
};

int task_wait(struct task *task, uint64_t deadline_ns)
{
    if (!task->set.current)
        return -EAGAIN;
    if (task->killed)
        return -EINTR;
    task->waiting = true;
    task->woken = false;
    task->deadline_ns = deadline_ns;
    fiber_suspend(&task->set);
    task->waiting = false;
    return task->killed ? -EINTR : task->woken ? 0 : -ETIMEDOUT;
}

static int wait_here(void *ctx, struct lil_proc *proc, uint64_t deadline_ns)
{
    (void)proc;
    return task_wait(ctx, deadline_ns);
}

static void wake_here(void *ctx, struct lil_proc *proc)
{
    struct task *task = ctx;
    (void)proc;
    task->woken = true;
}

struct task *task_new(struct lil_proc *proc)
{
    struct task *task = calloc(1, sizeof *task);
    if (!task)
        return NULL;
    fiber_set_init(&task->set);
    task->runtime = (struct proc_runtime){.wait = wait_here, .wake = wake_here, .ctx = task};
    task->deadline_ns = LIL_NEVER;
    proc_set_runtime(proc, &task->runtime);
    return task;
}

void task_free(struct task *task)
{
    if (!task)
        return;
    if (task->waiting) {
        task->killed = true;
        (void)task_resume(task);
    }
    fiber_free(task->fiber);
    fiber_set_fini(&task->set);
    free(task);
}

bool task_start(struct task *task, void (*function)(void *argument), void *argument)
{
    fiber_free(task->fiber);
    task->fiber = fiber_new(&task->set, function, argument);
    task->waiting = task->woken = false;
    return !task->fiber || task_resume(task);
}

bool task_is_waiting(const struct task *task)
{
    return task->waiting;
}

bool task_can_run(const struct task *task, uint64_t now_ns)
{
    return task->waiting && (task->woken || now_ns >= task->deadline_ns);
}

uint64_t task_deadline(const struct task *task)
{
    return task->waiting ? task->deadline_ns : LIL_NEVER;
}

bool task_resume(struct task *task)
{
    return fiber_resume(task->fiber) < 0 || fiber_is_done(task->fiber);
}
