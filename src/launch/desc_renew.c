/* desc_renew.c: a new inner end. An AF_UNIX socket that was connected once can be nothing else any more, but a TCP socket is as new
 * after connect() failed, or after connect(AF_UNSPEC). So the program gets another one at the same number when it makes use of that. What
 * hung on the old one goes along: its flags, time limits, owner, and the epolls (of this process) that watch it. A socket that has more
 * than one descriptor keeps its inner end: the others would be left with the old one. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/call.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/sweep.h"

/* An epoll of the program watches the old end. */
struct watch {
    int epoll; /* our duplicate */
    struct epoll_event event;
};

static void copy_settings(int from, int to)
{
    static const int options[] = {SO_RCVTIMEO, SO_SNDTIMEO, SO_OOBINLINE, SO_KEEPALIVE};
    struct f_owner_ex owner;
    uint8_t value[32];

    for (unsigned i = 0; i < ARRAY_COUNT(options); i++) {
        socklen_t length = sizeof value;
        if (getsockopt(from, SOL_SOCKET, options[i], value, &length) == 0)
            setsockopt(to, SOL_SOCKET, options[i], value, length);
    }
    if (fcntl(from, F_GETOWN_EX, &owner) == 0 && owner.pid)
        fcntl(to, F_SETOWN_EX, &owner);
    fcntl(to, F_SETSIG, fcntl(from, F_GETSIG));
    fcntl(to, F_SETFL, fcntl(from, F_GETFL));
}

/* The line of fdinfo that tells of descriptor FD with inode INODE (proc(5)). */
static bool find_watch(const char *info, int fd, ino_t inode, struct epoll_event *event)
{
    for (const char *at = info; (at = strstr(at, "tfd:")); at++) {
        int target;
        unsigned events;
        unsigned long long data;
        unsigned long ino;
        if (sscanf(at, "tfd: %d events: %x data: %llx pos:%*d ino:%lx", &target, &events, &data, &ino) != 4 || target != fd || ino != inode)
            continue;
        *event = (struct epoll_event){.events = events, .data.u64 = data};
        return true;
    }
    return false;
}

/* A duplicate of the program's descriptor FD whose number is not TAKEN. */
static int get_beside(pid_t tid, int fd, int taken)
{
    int copy = memory_get_fd(tid, fd), other;

    if (copy != taken)
        return copy;
    other = fcntl(copy, F_DUPFD_CLOEXEC, taken + 1);
    close(copy);
    return other;
}

struct watches {
    struct watch *all;
    unsigned count;
};

/* False: EPOLL, a duplicate, cannot be had (pidfd_getfd is refused), or there is no memory. */
static bool add_watch(struct watches *watches, int epoll, const struct epoll_event *event)
{
    struct watch *more = epoll < 0 ? NULL : reallocarray(watches->all, watches->count + 1, sizeof *more);

    if (!more)
        return false;
    watches->all = more;
    more[watches->count++] = (struct watch){epoll, *event};
    return true;
}

static bool collect_watches(const struct call *call, struct watches *out)
{
    static char info[1 << 20];
    char path[300], link[64];
    struct epoll_event event;
    bool all = true;
    DIR *fds;

    snprintf(path, sizeof path, "/proc/%d/fd", call->tid);
    fds = opendir(path);
    for (struct dirent *entry; fds && all && (entry = readdir(fds));) {
        ssize_t n;
        snprintf(path, sizeof path, "/proc/%d/fd/%.16s", call->tid, entry->d_name);
        n = readlink(path, link, sizeof link - 1);
        if (n <= 0 || (link[n] = 0, strcmp(link, "anon_inode:[eventpoll]")))
            continue;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%.16s", call->tid, entry->d_name);
        memory_proc_text(path, info, sizeof info);
        if (find_watch(info, (int)call->args[0], call->desc->inode, &event))
            all = add_watch(out, get_beside(call->tid, atoi(entry->d_name), (int)call->args[0]), &event);
    }
    if (fds)
        closedir(fds);
    return all;
}

/* An epoll knows what it watches by the file and its number in the table of who asked: for this moment the new end has the program's
 * number in ours, too. */
static void watch_again(const struct watches *watches, int fd, int inner)
{
    unsigned count = watches->count;
    int saved = count ? fcntl(fd, F_DUPFD_CLOEXEC, fd + 1) : -1;

    if (count && inner != fd)
        dup3(inner, fd, O_CLOEXEC);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = watches->all[i].event;
        epoll_ctl(watches->all[i].epoll, EPOLL_CTL_ADD, fd, &event);
    }
    if (saved >= 0)
        dup3(saved, fd, O_CLOEXEC);
    else if (count && inner != fd)
        close(fd);
    if (saved >= 0)
        close(saved);
}

static bool closes_at_exec(const struct call *call)
{
    char path[64], text[256], *at;

    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", call->tid, (int)call->args[0]);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, "flags:");
    return at && strtoul(at + 6, NULL, 8) & O_CLOEXEC;
}

/* Puts INNER in the place of the program's descriptor; the call goes on. */
static int put_in_place(const struct call *call, int inner)
{
    struct seccomp_notif_addfd add = {.id = call->id,
                                      .flags = SECCOMP_ADDFD_FLAG_SETFD,
                                      .srcfd = (uint32_t)inner,
                                      .newfd = (uint32_t)call->args[0],
                                      .newfd_flags = closes_at_exec(call) ? O_CLOEXEC : 0};
    return ioctl(call->program->listener.fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
}

int desc_renew(struct call *call)
{
    struct desc *desc = call->desc;
    struct watches watches = {0};
    int inner, rc;

    if (sweep_holders(desc->launcher, desc) > 1)
        return -EBUSY;
    inner = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inner < 0)
        return -errno;
    copy_settings(call->inner, inner);
    rc = collect_watches(call, &watches) ? put_in_place(call, inner) : -EPERM;
    call->is_killable |= rc == 0; /* seccomp(2)'s loop: after a descriptor it sleeps as after a signal */
    if (rc == 0)
        rc = desc_replace_inner(desc, inner);
    if (rc == 0) {
        watch_again(&watches, (int)call->args[0], inner);
        close(call->inner);
        call->inner = inner;
    } else {
        close(inner);
    }
    for (unsigned i = 0; i < watches.count; i++)
        close(watches.all[i].epoll);
    free(watches.all);
    return rc;
}
