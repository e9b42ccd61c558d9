/* sweep.c: which sockets the programs still hold, seen in /proc/PID/fd. For those whose last close nothing else tells: sockets without an
 * outer end (never connected, failed, reset), when it matters that they are closed; and all of them where pidfd_getfd is refused
 * (Docker's default profile). There a descriptor is known by its inode, the supervisor keeps a copy of each inner end
 * (desc->kept_fd) to work with, and a sweep that finds no program with it closes the copy: then the outer end tells as ever. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/sweep.h"

/* While something happens, and when nothing does: real time between two sweeps. A sweep takes at most a twentieth of the time. */
static const uint64_t first_pause_ns = 5 * NS_PER_MS, longest_pause_ns = 40 * NS_PER_MS;
enum { SHARE = 20, FIRST_COUNT = 1024 };

bool sweep_is_needed(void)
{
    int fd = memory_get_fd(getpid(), STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd == -EPERM || fd == -ENOSYS;
}

/* --- where a descriptor cannot be taken: what /proc says of it --------------------------------------------------------- */
struct desc *sweep_find(struct launcher *l, pid_t tid, int fd, int *inner)
{
    char path[64];
    struct stat status;
    struct desc *desc;

    *inner = -1;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    if (stat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return NULL;
    desc = desc_find_identity(l, status.st_ino);
    if (desc)
        *inner = fcntl(desc->kept_fd, F_DUPFD_CLOEXEC, 3);
    return desc;
}

int sweep_domain(pid_t tid, int fd)
{
    char path[64], name[32] = "";

    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    if (getxattr(path, "system.sockprotoname", name, sizeof name - 1) < 0)
        return -1;
    return strncmp(name, "UNIX", 4) ? AF_UNSPEC : AF_UNIX;
}

/* --- looking ----------------------------------------------------------------------------------------------------------------- */
struct look {
    struct desc **by_inode;
    size_t count;
    bool for_passed; /* the second look: is a descriptor on its way (SCM_RIGHTS)? It is in no table meanwhile. */
    bool passed;
};

static int by_inode(const void *a, const void *b)
{
    const struct desc *const *x = a, *const *y = b;
    return (*x)->inode < (*y)->inode ? -1 : (*x)->inode > (*y)->inode;
}

static struct desc *find_inode(const struct look *look, ino_t inode)
{
    const struct desc key = {.inode = inode}, *wanted = &key;
    struct desc **found = bsearch(&wanted, look->by_inode, look->count, sizeof(struct desc *), by_inode);
    return found ? *found : NULL;
}

static int begin_look(struct launcher *l, struct look *look)
{
    look->by_inode = malloc((l->table_count + 1) * sizeof(struct desc *));
    if (!look->by_inode)
        return -ENOMEM;
    list_each(node, &l->descs) {
        look->by_inode[look->count] = list_entry(node, struct desc, node);
        look->by_inode[look->count++]->is_held = false;
    }
    for (size_t i = 0; i < look->count; i++)
        if (look->by_inode[i]->returned)
            look->by_inode[i]->returned->is_held = true; /* by us */
    qsort(look->by_inode, look->count, sizeof(struct desc *), by_inode);
    return 0;
}

static bool has_passed(const char *process, const char *number)
{
    char path[300], text[512], *at;

    snprintf(path, sizeof path, "/proc/%s/fdinfo/%s", process, number);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, "scm_fds:");
    return at && atoi(at + 8) > 0;
}

static void look_at(void *ctx, pid_t pid)
{
    struct look *look = ctx;
    char process[16], path[64];
    DIR *fds;

    snprintf(process, sizeof process, "%d", pid);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    fds = opendir(path);
    for (struct dirent *entry; fds && (entry = readdir(fds));) {
        char link[64];
        struct desc *desc;
        ssize_t n = readlinkat(dirfd(fds), entry->d_name, link, sizeof link - 1);
        if (n <= 0 || strncmp(link, "socket:[", 8))
            continue;
        link[n] = 0;
        desc = find_inode(look, strtoul(link + 8, NULL, 10));
        if (look->for_passed)
            look->passed |= !desc && has_passed(process, entry->d_name);
        else if (desc)
            desc->is_held = true;
    }
    if (fds)
        closedir(fds);
}

static bool may_be_closed(const struct desc *desc)
{
    return !desc->is_held && !desc->is_busy && (desc->kept_fd >= 0 || desc->outer.fd < 0);
}

static bool any_closed(struct launcher *l)
{
    list_each(node, &l->descs)
        if (may_be_closed(list_entry(node, struct desc, node)))
            return true;
    return false;
}

static void free_closed(struct launcher *l)
{
    list_each(node, &l->descs) {
        struct desc *desc = list_entry(node, struct desc, node);
        if (!may_be_closed(desc))
            continue;
        if (desc->kept_fd >= 0)
            close(desc->kept_fd);
        desc->kept_fd = -1;
        if (desc->outer.fd < 0)
            desc_free(desc);
        else
            desc->outer.ready(&desc->outer, EPOLLIN | EPOLLRDHUP | EPOLLHUP); /* as the epoll will say */
    }
}

/* Two looks: a descriptor that moves from one process to the next behind our back is seen by the second. */
static bool none_has_them(struct launcher *l, struct look *look)
{
    for (int i = 0; i < 2; i++) {
        launcher_each_descendant(l->pid, look_at, look);
        if (!any_closed(l))
            return false;
    }
    look->for_passed = true;
    launcher_each_descendant(l->pid, look_at, look);
    return !look->passed;
}

bool sweep(struct launcher *l)
{
    struct look look = {0};
    bool found = begin_look(l, &look) == 0 && none_has_them(l, &look);

    free(look.by_inode);
    if (found)
        free_closed(l);
    return found;
}

struct tally {
    char wanted[64];
    unsigned count;
};

static void tally_at(void *ctx, pid_t pid)
{
    struct tally *tally = ctx;
    char path[64], link[64];
    DIR *fds;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    fds = opendir(path);
    for (struct dirent *entry; fds && (entry = readdir(fds));) {
        ssize_t n = readlinkat(dirfd(fds), entry->d_name, link, sizeof link - 1);
        if (n > 0 && (link[n] = 0, !strcmp(link, tally->wanted)))
            tally->count++;
    }
    if (fds)
        closedir(fds);
}

unsigned sweep_holders(struct launcher *l, const struct desc *desc)
{
    struct tally tally = {.count = 0};
    snprintf(tally.wanted, sizeof tally.wanted, "socket:[%lu]", (unsigned long)desc->inode);
    launcher_each_descendant(l->pid, tally_at, &tally);
    return tally.count;
}

/* --- when --------------------------------------------------------------------------------------------------------------------- */
void sweep_if_many(struct launcher *l)
{
    if (l->table_count < l->sweep.count)
        return;
    sweep(l);
    l->sweep.count = l->table_count * 2 + FIRST_COUNT;
}

void sweep_if_due(struct launcher *l)
{
    uint64_t began;

    if (!l->keeps_inner || list_is_empty(&l->descs) || (began = clock_real_ns()) < l->sweep.due_ns)
        return;
    l->sweep.pause_ns = sweep(l) || l->progress ? first_pause_ns : min_u64(l->sweep.pause_ns * 2, longest_pause_ns);
    l->sweep.due_ns = clock_real_ns();
    l->sweep.due_ns += min_u64(l->sweep.pause_ns + (l->sweep.due_ns - began) * SHARE, NS_PER_S);
}

uint64_t sweep_left(const struct launcher *l)
{
    uint64_t now;
    if (!l->keeps_inner || list_is_empty(&l->descs))
        return LIL_NEVER;
    now = clock_real_ns();
    return l->sweep.due_ns > now ? l->sweep.due_ns - now : 0;
}
