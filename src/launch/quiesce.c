/* quiesce.c: does any thread run? /proc/TID/syscall says "running" of a thread that is on a processor or could be, and
 * the number of the call it sleeps in otherwise; /proc/TID/schedstat changes whenever it runs. Two passes over all
 * threads with every thread asleep and no schedstat changed mean that at the end of the first pass all slept at once: a
 * thread that one of them woke meanwhile would show in the second. A thread in a timed wait needs one look, in the
 * second pass: whoever wakes it, it stops for us before it does anything else, and does not sleep until then. One that was found
 * asleep before and whose schedstat is still the same has slept ever since: that is not looked at again (of 230 idle threads
 * of a few servers each jump looked twice at all there is). What only the outside world can end (a read of the terminal, a
 * lock of another's, the disk) counts as running. The caller then polls its descriptors once more (invariant 3). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/task.h"

#ifndef __NR_clone3
#define __NR_clone3 435
#endif

enum task_state { TASK_RUNS, TASK_SLEEPS, TASK_GONE };

/* The state letter of /proc/TID/stat. It alone tells a thread that is being woken (TASK_WAKING: 'R') from one asleep: to
 * /proc/TID/syscall both sleep in their call, and for as long as the processor that shall run it is away (a virtual machine's
 * can be for milliseconds) its schedstat does not change either. */
static char state_of(const struct task *task)
{
    char text[128], *state; /* the name is at most 16 bytes */
    ssize_t n = pread(task->stat_fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return 'Z';
    text[n] = 0;
    state = strrchr(text, ')');
    return state && state[1] ? state[2] : 'R';
}

/* 'D' waits for a device or for memory (fork() may), or for us to let it take a signal (notify_look); but the parent of
 * a vfork waits in it for its child. 't': its stop will be reported, and then it goes on; only one that was stopped as
 * by ^Z stays so. */
static bool is_asleep(struct launcher *l, const struct task *task, long nr)
{
    switch (state_of(task)) {
    case 't':
        return task->listening;
    case 'S':
    case 'T':
    case 'Z':
    case 'X':
        return true;
    case 'D':
        if (task->vfork_child && (nr == __NR_vfork || nr == __NR_clone || nr == __NR_clone3))
            return true;
        if (notify_is_asleep(l, task->tid))
            return true;
        l->sees_signal = true;
        return false;
    default:
        return false;
    }
}

/* A descriptor that the program got from outside: the same file as one of our own 0, 1, 2. A regular file or
 * a null device never makes anyone wait. */
static bool is_outside(pid_t tid, int fd)
{
    char path[64];
    struct stat theirs, ours;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    if (stat(path, &theirs) < 0 || S_ISREG(theirs.st_mode))
        return false;
    for (int i = 0; i < 3; i++)
        if (fstat(i, &ours) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
            return true;
    return false;
}

/* proc_pid_fdinfo(5): the locks that each open file holds. */
static bool holds_lock(pid_t tgid, const char *file)
{
    char path[300], text[1024];
    DIR *all;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/fdinfo", tgid);
    all = opendir(path);
    for (struct dirent *entry; all && !found && (entry = readdir(all));) {
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%.20s", tgid, entry->d_name);
        memory_proc_text(path, text, sizeof text);
        found = strstr(text, "lock:") && strstr(strstr(text, "lock:"), file);
    }
    if (all)
        closedir(all);
    return found;
}

/* Who waits for a lock on a file has an arrow in /proc/locks. It waits for the outside when no program of the lab holds one (the same
 * program in another case of the gauntlet may). */
static bool is_locked_outside(const struct launcher *l, const struct task *task)
{
    FILE *locks = fopen("/proc/locks", "re");
    char line[200], file[64] = " ";
    int pid = -1;

    while (locks && pid != task->tgid && fgets(line, sizeof line, locks))
        if (sscanf(line, "%*d: -> %*s %*s %*s %d %60s", &pid, file + 1) != 2)
            pid = -1;
    if (locks)
        fclose(locks);
    if (pid != task->tgid)
        return false;
    list_each(node, &l->tasks)
        if (holds_lock(list_entry(node, struct task, node)->tgid, file))
            return false;
    return true;
}

static bool moves_data(long nr)
{
    return nr == __NR_read || nr == __NR_write || nr == __NR_readv || nr == __NR_writev || nr == __NR_splice || nr == __NR_sendfile ||
           nr == __NR_pread64 || nr == __NR_pwrite64;
}

static enum task_state look(struct task *task, long *nr, uint64_t *argument)
{
    char text[200];
    ssize_t n = pread(task->syscall_fd, text, sizeof text - 1, 0);
    char *end;

    if (n <= 0)
        return errno == ESRCH || n == 0 ? TASK_GONE : TASK_RUNS;
    text[n] = 0;
    if (text[0] == 'r')
        return TASK_RUNS;
    *nr = strtol(text, &end, 10);
    *argument = strtoull(end, NULL, 16);
    return *nr < 0 ? TASK_RUNS : TASK_SLEEPS; /* -1: not in a call: a page fault */
}

static bool read_schedstat(const struct task *task, char out[sizeof task->schedstat])
{
    ssize_t n = pread(task->schedstat_fd, out, sizeof task->schedstat - 1, 0);
    out[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* It has not run since its schedstat was read. */
static bool has_not_run(const struct task *task)
{
    char now[sizeof task->schedstat];
    return read_schedstat(task, now) && !strcmp(now, task->schedstat);
}

static bool first_pass(struct launcher *l, struct task *task)
{
    uint64_t argument = 0;

    if (task->wait || (task->is_known && has_not_run(task)))
        return true;
    task->is_known = false;
    if (!read_schedstat(task, task->schedstat))
        task->schedstat[0] = 0; /* matches nothing that is read */
    task->state = (int)look(task, &task->known_nr, &argument);
    if (task->state == TASK_GONE)
        return true; /* its death is reported, or will be: SIGCHLD is seen by the poll after the scan */
    if (task->state == TASK_RUNS || !is_asleep(l, task, task->known_nr))
        return false;
    if (task->known_nr == __NR_flock || task->known_nr == __NR_fcntl)
        return !is_locked_outside(l, task);
    return !(moves_data(task->known_nr) && is_outside(task->tid, (int)argument));
}

static bool second_pass(struct launcher *l, struct task *task)
{
    long nr;
    uint64_t argument;

    if (task->wait)
        return is_asleep(l, task, -1);
    if (task->state == TASK_GONE)
        return true;
    if (!task->is_known && look(task, &nr, &argument) != TASK_SLEEPS)
        return false;
    task->is_known = is_asleep(l, task, task->known_nr) && has_not_run(task);
    return task->is_known;
}

/* The one that runs is looked at first the next time: most often it still does. */
static bool pass_all(struct launcher *l, bool (*pass)(struct launcher *l, struct task *task))
{
    list_each(node, &l->tasks)
        if (!pass(l, list_entry(node, struct task, node))) {
            list_remove(node);
            list_push_front(&l->tasks, node);
            return false;
        }
    return true;
}

bool quiesce_scan(struct launcher *l)
{
    l->counts.scans++;
    l->sees_signal = false;
    return pass_all(l, first_pass) && pass_all(l, second_pass);
}

bool quiesce_is_in(struct task *task, long nr, uint64_t argument)
{
    long now = -1;
    uint64_t first = 0;
    return look(task, &now, &first) == TASK_SLEEPS && now == nr && first == argument;
}

unsigned quiesce_running(struct launcher *l)
{
    unsigned count = 0;
    long nr;
    uint64_t argument;

    list_each(node, &l->tasks)
        count += look(list_entry(node, struct task, node), &nr, &argument) == TASK_RUNS;
    return count;
}

uint64_t quiesce_cpu_ns(struct launcher *l)
{
    uint64_t total = 0;
    list_each(node, &l->tasks) {
        struct task *task = list_entry(node, struct task, node);
        char text[64];
        ssize_t n = pread(task->schedstat_fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = 0;
        total += strtoull(text, NULL, 10);
    }
    return total;
}

const char *quiesce_waiting(struct launcher *l, struct program *program)
{
    const char *name = "futex";
    pid_t first = 0;
    long nr;
    uint64_t argument;

    list_each(node, &l->tasks) {
        struct task *task = list_entry(node, struct task, node);
        if (task->program != program || (first && task->tid > first))
            continue;
        if (!task->wait && (look(task, &nr, &argument) != TASK_SLEEPS || nr == __NR_futex || nr == __NR_wait4))
            continue;
        first = task->tid;
        name = task->wait ? wait_name(task->wait) : notify_name(nr);
    }
    return name;
}
