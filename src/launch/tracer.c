/* tracer.c: the ptrace side of virtual time: which threads there are, and what their stops mean. A thread stops at
 * exec (its vDSO is replaced, vdso.c), at a timed wait (wait.c), and where a signal is
 * delivered. Everything else runs on. See ptrace(2), PTRACE_SEIZE and "Group-stop". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/memory.h"
#include "launch/task.h"
#include "launch/timers.h"

/* The thread's own files: /proc/TID/stat would sum up all threads of the process at each look. */
static int open_proc(pid_t tid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", tid, tid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

struct task *tracer_find(struct launcher *l, pid_t tid)
{
    list_each(node, &l->tasks) {
        struct task *task = list_entry(node, struct task, node);
        if (task->tid == tid)
            return task;
    }
    return NULL;
}

static void open_files(struct task *task)
{
    task->syscall_fd = open_proc(task->tid, "syscall");
    task->schedstat_fd = open_proc(task->tid, "schedstat");
    task->stat_fd = open_proc(task->tid, "stat");
}

static void close_files(struct task *task)
{
    int fds[] = {task->syscall_fd, task->schedstat_fd, task->stat_fd};
    for (unsigned i = 0; i < ARRAY_COUNT(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static struct task *task_add(struct launcher *l, pid_t tid)
{
    struct task *task = tracer_find(l, tid);
    if (task)
        return task;
    task = calloc(1, sizeof *task);
    if (!task)
        return NULL;
    task->tid = tid;
    task->tgid = memory_tgid(tid);
    task->born_ns = l->now_ns;
    task->program = launcher_program_of(l, tid);
    open_files(task);
    if (task->stat_fd < 0) { /* already dead and reaped: its parent's report of the birth came last */
        close_files(task);
        free(task);
        return NULL;
    }
    list_push_back(&l->tasks, &task->node);
    return task;
}

static void inherit_chance(struct prng *from, struct task *task)
{
    if (task->has_chance)
        return;
    prng_fork(from, 0, &task->chance);
    task->has_chance = true;
}

/* Most often its creator has reported its birth before it asks; where not, the creator still stands in that call. */
struct prng *tracer_chance(struct launcher *l, pid_t tid)
{
    struct task *task = tracer_find(l, tid), *creator;

    if (!task)
        return &l->chance;
    if (!task->has_chance) {
        creator = tracer_find(l, task->tgid == tid ? memory_parent(tid) : task->tgid);
        inherit_chance(creator && creator->has_chance ? &creator->chance : &l->chance, task);
    }
    return &task->chance;
}

static void task_free(struct task *task)
{
    close_files(task);
    list_remove(&task->node);
    free(task);
}

void tracer_free_all(struct launcher *l)
{
    list_each(node, &l->tasks)
        task_free(list_entry(node, struct task, node));
}

enum { TRACER_OPTIONS = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL |
                        PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD };

int tracer_seize(struct program *program, pid_t pid)
{
    struct task *task;

    if (ptrace(PTRACE_SEIZE, pid, 0, TRACER_OPTIONS) < 0)
        return -errno;
    task = task_add(program->launcher, pid);
    if (task)
        inherit_chance(&program->launcher->chance, task);
    return task ? 0 : -ENOMEM;
}

bool tracer_is_permitted(void)
{
    int status;
    bool permitted;
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    if (pid < 0)
        return false;
    permitted = ptrace(PTRACE_SEIZE, pid, 0, TRACER_OPTIONS) == 0;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
        ;
    return permitted;
}

/* CHILD is dead or has called exec. */
static void end_vfork(struct launcher *l, pid_t child)
{
    list_each(node, &l->tasks) {
        struct task *task = list_entry(node, struct task, node);
        if (task->vfork_child == child)
            task->vfork_child = 0;
    }
}

static void on_death(struct launcher *l, pid_t tid, int status)
{
    struct task *task = tracer_find(l, tid);

    end_vfork(l, tid);
    if (task && task->tgid == tid)
        timers_process_gone(l, tid);
    if (task)
        task_free(task);
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        if (program->pid == tid && program->started && !program->ended) {
            program->ended = true;
            program->status = status;
            program->record.ended_ns = l->now_ns;
        }
    }
}

static void on_exec(struct launcher *l, struct task *task)
{
    unsigned long former = 0;
    int status;

    /* When a thread that was not the leader calls exec it takes the leader's id; the others are gone. */
    ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &former);
    list_each(node, &l->tasks) {
        struct task *other = list_entry(node, struct task, node);
        if (other != task && other->tgid == task->tid)
            task_free(other);
    }
    task->wait = NULL;
    task->vfork_child = 0;
    task->has_exec = true;
    end_vfork(l, former ? (pid_t)former : task->tid);
    if (former && former != (unsigned long)task->tid) { /* the files of the former leader are stale */
        close_files(task);
        open_files(task);
    }
    if (vdso_replace(l, task, &status))
        ptrace(PTRACE_CONT, task->tid, 0, 0);
    else
        on_death(l, task->tid, status);
}

/* The processor's counter was read (arch_hide_counter): it counts the nanoseconds of virtual time. */
static bool is_counter_read(struct launcher *l, const struct task *task)
{
    uint8_t code[ARCH_COUNTER_BYTES] = {0};
    struct arch_regs regs;
    siginfo_t info;

    if (ptrace(PTRACE_GETSIGINFO, task->tid, 0, &info) < 0 || info.si_code != SI_KERNEL || arch_get(task->tid, &regs) < 0)
        return false;
    memory_read(task->tid, arch_pc(&regs), code, sizeof code);
    return arch_give_counter(&regs, code, clock_counter(l)) && arch_set(task->tid, &regs) == 0;
}

static bool is_stopping_signal(int sig) { return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU; }

static void on_stop(struct launcher *l, pid_t tid, int status)
{
    struct task *task = task_add(l, tid);
    int event = status >> 16, sig = WSTOPSIG(status);
    unsigned long child;

    l->counts.stops++;
    if (!task)
        return;
    task->listening = false;
    if (!event && sig == (SIGTRAP | 0x80)) {
        wait_exit(l, task);
    } else if (event == PTRACE_EVENT_SECCOMP) {
        wait_enter(l, task);
    } else if (event == PTRACE_EVENT_EXEC) {
        on_exec(l, task);
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
        if (ptrace(PTRACE_GETEVENTMSG, tid, 0, &child) == 0) {
            struct task *born = task_add(l, (pid_t)child);
            if (born && task->has_chance)
                inherit_chance(&task->chance, born);
            task->vfork_child = event == PTRACE_EVENT_VFORK && born && !born->has_exec ? (pid_t)child : 0;
        }
        ptrace(PTRACE_CONT, tid, 0, 0);
    } else if (event == PTRACE_EVENT_STOP && is_stopping_signal(sig)) {
        wait_stop(l, task);
        ptrace(PTRACE_LISTEN, tid, 0, 0);
        task->listening = true;
    } else if (event) {
        wait_interrupted(task);
        ptrace(PTRACE_CONT, tid, 0, 0);
    } else if (sig == SIGSEGV && is_counter_read(l, task)) {
        ptrace(PTRACE_CONT, tid, 0, 0);
    } else {
        timers_signal(l, task, sig);
        wait_signal(l, task, sig);
        ptrace(PTRACE_CONT, tid, 0, sig);
    }
}

void tracer_reap(struct launcher *l)
{
    int status;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
        l->progress = true;
        if (WIFSTOPPED(status))
            on_stop(l, tid, status);
        else
            on_death(l, tid, status);
    }
}

/* wait4(2), waitid(2) with WNOHANG. A process that has ended is nobody's zombie but its tracer's until that has reaped it, while its
 * pidfd is readable at once: who polls that (GLib) and then asks would hear that it runs. */
int64_t tracer_call_wait(struct call *call)
{
    tracer_reap(call->program->launcher);
    return CALL_CONTINUE;
}
