/* call_kill.c: signals to whole groups of processes. The lab is in the group that its programs are started in, and its owner's: what
 * they send to their group, or to all, goes to the programs of their own virtual host, and to nobody else. Also whom a descriptor's
 * signals go to (F_SETOWN): not the lab. Calls at the lab's processes by number come here when they are to be refused: filter.c. */
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/memory.h"
#include "launch/notify.h"

struct group_signal {
    struct call *call;
    pid_t group;  /* 0: all */
    pid_t caller; /* comes last */
    int signal;
    unsigned reached;
};

static bool is_labs_group(const struct launcher *l, pid_t group)
{
    return group == getpgrp() || (launcher_guardian() && group == getpgid(launcher_guardian())) || group == l->pid;
}

static void signal_one(void *ctx, pid_t pid)
{
    struct group_signal *s = ctx;
    const struct program *program;

    if (pid == s->caller || (s->group && getpgid(pid) != s->group))
        return;
    program = launcher_program_of(s->call->program->launcher, pid);
    if (!program || program->host == s->call->program->host)
        s->reached += kill(pid, s->signal) == 0;
}

/* A call at one of the lab's own processes: signals, limits, memory. */
int64_t call_spare_lab(struct call *call)
{
    call_log(call, "%s: the lab's own process (EPERM)", notify_name(call->nr));
    return -EPERM;
}

int64_t call_kill(struct call *call)
{
    struct launcher *l = call->program->launcher;
    pid_t target = (pid_t)call->args[0];
    struct group_signal s = {.call = call, .caller = memory_tgid(call->tid), .signal = (int)call->args[1]};
    bool is_to_all = target == -1;

    if (target > 0)
        return call_spare_lab(call);
    if (target == INT_MIN)
        return CALL_CONTINUE; /* ESRCH */
    s.group = is_to_all ? 0 : target ? -target : getpgid(s.caller);
    if (!is_to_all && !is_labs_group(l, s.group))
        return CALL_CONTINUE;
    if (s.signal < 0 || s.signal > SIGRTMAX)
        return -EINVAL;
    for (int round = 0; round < (s.signal == SIGKILL ? 3 : 1); round++) /* what is forked meanwhile */
        launcher_each_descendant(l->pid, signal_one, &s);
    if (!is_to_all && getpgid(s.caller) == s.group) /* kill(2): all but the caller, with -1 */
        s.reached += kill(s.caller, s.signal) == 0;
    return s.reached ? 0 : -ESRCH;
}

/* Who gets a descriptor's signals, on the file itself, so that what was looked at is what is set. */
static int64_t set_owner(struct call *call, struct f_owner_ex owner)
{
    const struct launcher *l = call->program->launcher;
    int file, rc;

    if (owner.type == F_OWNER_PGRP && is_labs_group(l, owner.pid)) /* the group's own: the caller alone */
        owner = (struct f_owner_ex){F_OWNER_PID, memory_tgid(call->tid)};
    else if (owner.type != F_OWNER_PGRP && (owner.pid == l->pid || owner.pid == launcher_guardian()) && owner.pid)
        return 0;
    file = memory_get_fd(call->tid, (int)call->args[0]);
    if (file < 0)
        return file;
    rc = fcntl(file, F_SETOWN_EX, &owner) < 0 ? -errno : 0;
    close(file);
    return rc;
}

int64_t call_set_owner(struct call *call)
{
    struct f_owner_ex owner;
    int number = (int)call->args[2];

    if (call->nr == __NR_fcntl && (int)call->args[1] == F_SETOWN_EX)
        return memory_read(call->tid, call->args[2], &owner, sizeof owner) < 0 ? -EFAULT : set_owner(call, owner);
    if (call->nr == __NR_ioctl && memory_read(call->tid, call->args[2], &number, sizeof number) < 0)
        return -EFAULT;
    if (number == INT_MIN)
        return -EINVAL;
    return set_owner(call, (struct f_owner_ex){number < 0 ? F_OWNER_PGRP : F_OWNER_PID, number < 0 ? -number : number});
}

/* FIOGETOWN, SIOCGPGRP of a socket of ours: the inner end has it. */
int64_t call_get_owner(struct call *call)
{
    int owner = fcntl(call->inner, F_GETOWN);
    return memory_write(call->tid, call->args[2], &owner, sizeof owner);
}
