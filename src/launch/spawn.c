/* spawn.c: starts a program under the filter. Parent and child share a page and, until the filter is there, one table of descriptors: so
 * the listener that the child's seccomp() makes is the parent's too. Then the child has a table of its own and waits on a futex;
 * nothing it does between the filter and exec is notified. Descriptors above 2 close at exec; a socket of the real network at 0, 1 or 2
 * becomes /dev/null (invariant 1). */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/filter.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/task.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

extern char **environ;

struct handover {
    _Atomic int listener; /* -1: not yet; below: -1000 - errno */
    _Atomic int go;
};

static void futex_wait(_Atomic int *word, int value, int milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    syscall(SYS_futex, word, FUTEX_WAIT, value, milliseconds ? &t : NULL, NULL, 0);
}

static void futex_wake(_Atomic int *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0); }

/* What becomes the program's descriptor INDEX: a number above 2. */
static int stdio_of(struct program *program, int index)
{
    int from = program->stdio[index] >= 0 ? program->stdio[index] : index, domain, fd;
    socklen_t length = sizeof domain;
    bool is_socket = getsockopt(from, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0, is_network = is_socket && domain != AF_UNIX;

    program->launcher->has_sockets |= is_socket;
    fd = is_network ? -1 : fcntl(from, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        return fd;
    from = open("/dev/null", O_RDWR | O_CLOEXEC);
    fd = fcntl(from, F_DUPFD_CLOEXEC, 3);
    close(from);
    return fd;
}

static void child_main(struct program *program, struct handover *shared, enum filter_mode mode, const int stdio[3])
{
    struct sock_filter code[FILTER_MAX];
    pid_t supervisor = program->launcher->pid, guardian = launcher_guardian(), lab[] = {supervisor, guardian ? guardian : supervisor};
    struct sock_fprog filter = {(unsigned short)filter_build(mode, lab, code), code};
    int listener;
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (program->launcher->timer_slack_ns)
        prctl(PR_SET_TIMERSLACK, program->launcher->timer_slack_ns, 0, 0, 0);
    for (int i = 1; i < 32; i++)
        if (i != SIGKILL && i != SIGSTOP && i != SIGPIPE)
            signal(i, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (program->directory && chdir(program->directory) < 0) {
        perror(program->directory);
        _exit(126);
    }
    environ = program->environment;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
    if (listener < 0 && errno == EINVAL) /* before Linux 5.19: a signal can make an answer get lost */
        listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (listener < 0)
        listener = -1000 - errno;
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) < 0)
        _exit(126); /* the table is still the parent's */
    for (int i = 0; i < 3; i++)
        dup2(stdio[i], i);
    shared->listener = listener;
    futex_wake(&shared->listener);
    if (listener < 0)
        _exit(126);
    while (!shared->go)
        futex_wait(&shared->go, 0, 0);
    if (program->launcher->virtual_time)
        arch_hide_counter();
    if (program->launcher->has_chance) /* OpenSSL's random numbers know a thread's address */
        personality((unsigned long)personality(0xffffffff) | ADDR_NO_RANDOMIZE);
    execvp(program->argv[0], program->argv);
    fprintf(stderr, "lilliput: %s: %s\n", program->argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* The listener, by now a descriptor of ours; -errno. */
static int take_listener(struct program *program, const struct handover *shared)
{
    for (int tries = 0; shared->listener == -1; tries++) {
        if (tries > 200 || waitpid(program->pid, &program->status, WNOHANG) == program->pid)
            return -ECHILD;
        futex_wait((_Atomic int *)&shared->listener, -1, 50);
    }
    return shared->listener < -1 ? shared->listener + 1000 : shared->listener;
}

/* The child of an AddressSanitizer build would look for leaks with ptrace at its end, and fail: we trace it already. */
static int add_sanitizer_option(struct program *program)
{
    char *text, **at = program->environment;
    for (; *at; at++)
        if (!strncmp(*at, "ASAN_OPTIONS=", 13))
            break;
    if (*at && strstr(*at, "detect_leaks"))
        return 0;
    if (asprintf(&text, "%s%sdetect_leaks=0", *at ? *at : "ASAN_OPTIONS=", *at && (*at)[13] ? ":" : "") < 0)
        return -ENOMEM;
    free(*at);
    *at = text; /* when new: over the NULL; launcher_add leaves room for one more */
    return 0;
}

/* Containers may refuse what everything here rests on: said at once, and not as odd errors of the program's calls. */
static int check_access(struct program *program, const struct handover *shared, int listener)
{
    int word;
    bool reads = listener >= 0 && memory_read(program->pid, (uint64_t)(uintptr_t)&shared->listener, &word, sizeof word) == 0;

    if (reads || (listener < 0 && listener != -EPERM && listener != -ENOSYS))
        return listener;
    launcher_log(program->launcher, "%s is refused here; in a container: --cap-add SYS_PTRACE (`lilliput doctor` says more)",
                 listener < 0 ? "seccomp's user notification" : "process_vm_readv");
    if (listener >= 0)
        close(listener);
    return -EPERM;
}

int program_start(struct program *program)
{
    struct launcher *l = program->launcher;
    enum filter_mode mode = l->has_file_times ? FILTER_VIRTUAL_FILES
                            : l->virtual_time ? FILTER_VIRTUAL
                            : l->exact        ? FILTER_EXACT
                                              : FILTER_FAST;
    struct handover *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int stdio[3], rc;

    if (shared == MAP_FAILED)
        return -ENOMEM;
    shared->listener = -1;
    if (l->virtual_time && add_sanitizer_option(program) < 0)
        return -ENOMEM;
    program->started = true;
    for (int i = 0; i < 3; i++)
        stdio[i] = stdio_of(program, i);
    program->pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0); /* fork(), but with this table of descriptors */
    if (program->pid == 0)
        child_main(program, shared, mode, stdio);
    rc = program->pid < 0 ? -errno : check_access(program, shared, take_listener(program, shared));
    for (int i = 0; i < 3; i++)
        close(stdio[i]);
    if (rc >= 0) {
        program->listener = (struct source){rc, notify_ready};
        ioctl(rc, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP); /* Linux 6.6; only speed */
        rc = launcher_watch_listener(l, &program->listener);
    }
    if (rc >= 0 && l->virtual_time)
        rc = tracer_seize(program, program->pid);
    if (rc < 0) {
        if (program->pid > 0) {
            kill(program->pid, SIGKILL);
            waitpid(program->pid, &program->status, __WALL);
        }
        program->ended = true;
        program->status = (rc == -EPERM ? 77 : 126) << 8; /* 77: the kernel forbids it */
    }
    shared->go = 1;
    futex_wake(&shared->go);
    munmap(shared, sizeof *shared);
    return rc;
}

int program_status_to_exit(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
