/* task.c: the coroutine of a script's calls, on ucontext with a guarded stack. See task.h. */
#include "script/task.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "host/runtime.h"
#include "lilliput/socket.h"

enum { TASK_STACK = 512 * 1024, TASK_GUARD = 4096 };
struct task {
    ucontext_t main, self;
    char *stack;
    struct proc_runtime runtime;
    void (*function)(void *argument);
    void *argument;
    bool inside, running, waiting, woken, killed;
    uint64_t deadline_ns;
    int saved_errno;
};

int task_wait(struct task *task, uint64_t deadline_ns)
{
    if (!task->inside)
        return -EAGAIN;
    if (task->killed)
        return -EINTR;
    task->waiting = true;
    task->woken = false;
    task->deadline_ns = deadline_ns;
    swapcontext(&task->self, &task->main);
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
    task->stack = mmap(NULL, TASK_STACK + TASK_GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (task->stack == MAP_FAILED) {
        free(task);
        return NULL;
    }
    mprotect(task->stack, TASK_GUARD, PROT_NONE);
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
        task_resume(task);
    }
    munmap(task->stack, TASK_STACK + TASK_GUARD);
    free(task);
}

static void enter(unsigned high, unsigned low)
{
    struct task *task = (struct task *)((uintptr_t)high << 32 | low);
    task->function(task->argument);
    task->running = false;
    task->waiting = false;
    for (;;) /* never resumed after its end */
        swapcontext(&task->self, &task->main);
}

static bool switch_to(struct task *task)
{
    task->inside = true;
    swapcontext(&task->main, &task->self);
    task->inside = false;
    return !task->running;
}

bool task_start(struct task *task, void (*function)(void *argument), void *argument)
{
    getcontext(&task->self);
    task->self.uc_stack.ss_sp = task->stack + TASK_GUARD;
    task->self.uc_stack.ss_size = TASK_STACK;
    task->self.uc_link = NULL;
    task->function = function;
    task->argument = argument;
    task->running = true;
    task->waiting = task->woken = false;
    makecontext(&task->self, (void (*)(void))enter, 2, (unsigned)((uintptr_t)task >> 32), (unsigned)(uintptr_t)task);
    return switch_to(task);
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
    int saved = errno;
    bool ended = switch_to(task);
    errno = saved;
    return ended;
}
