/* call_open.c: opens that would show or change the real machine's network. /proc/net and /proc/sys/net are answered by the virtual
 * host: with a file of memory to read, with a pipe to us to write a sysctl. /sys/class/net, /dev/net/tun and the like are not there. All
 * other opens go on; the path is the program's memory and may change under us (docs/LAUNCHER.md: a test bench, not a sandbox).
 * Also the requests of ioctl(2) about interfaces on sockets that are not ours: any AF_UNIX socket would tell the real machine's; and
 * what the kernel would do outside for a program: set the clock, mount a file system of the network. */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/procnet.h"

/* --- paths ---------------------------------------------------------------------------------------------------------------- */
/* "a//b/./c" -> "a/b/c", in place. Links and ".." are not followed. */
void open_normalize(char *path)
{
    char *to = path;
    for (char *from = path; *from; from++) {
        bool at_name = to > path && to[-1] == '/';
        if (*from == '/' && at_name)
            continue;
        if (at_name && from[0] == '.' && (from[1] == '/' || !from[1])) {
            from += from[1] ? 1 : 0;
            continue;
        }
        *to++ = *from;
    }
    *to = 0;
}

static const char *after(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(path, prefix, length) ? NULL : path + length;
}

/* What lies behind "/proc/net" or "/proc/PID/net" (or a thread's): "" for the directory itself; NULL: another path. */
static const char *behind_proc_net(const char *path)
{
    const char *rest = after(path, "/proc/");
    for (int depth = 0; rest && depth < 4; depth++) {
        const char *net = after(rest, "net");
        if (net && (!*net || *net == '/'))
            return *net ? net + 1 : net;
        if (after(rest, "self/") || after(rest, "thread-self/") || after(rest, "task/") || (*rest >= '0' && *rest <= '9')) {
            rest = strchr(rest, '/');
            rest = rest ? rest + 1 : NULL;
        } else {
            return NULL;
        }
    }
    return NULL;
}

enum open_what open_classify(const char *path, const char **rest)
{
    static const char *const absent[] = {"/sys/class/net", "/sys/devices/virtual/net", "/dev/net/tun",
                                         "/dev/vsock",     "/dev/vhost-net",           "/dev/vhost-vsock"};

    *rest = behind_proc_net(path);
    if (*rest)
        return **rest ? OPEN_PROC_NET : OPEN_NATIVE;
    *rest = after(path, "/proc/sys/net/");
    if (*rest)
        return **rest ? OPEN_SYSCTL : OPEN_NATIVE;
    for (unsigned i = 0; i < ARRAY_COUNT(absent); i++) {
        *rest = after(path, absent[i]);
        if (*rest && (!**rest || **rest == '/'))
            return OPEN_ABSENT;
    }
    return OPEN_NATIVE;
}

static int absolute_path(struct call *call, int directory, char path[PATH_MAX])
{
    char link[64], base[PATH_MAX];
    ssize_t n;

    if (path[0] == '/')
        return 0;
    if (directory == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", call->tid);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", call->tid, directory);
    n = readlink(link, base, sizeof base - 1);
    if (n <= 0)
        return -ENOENT;
    base[n] = 0;
    if (!after(base, "/proc") && !after(base, "/sys") && !after(base, "/dev") && strcmp(base, "/") != 0)
        return -ENOENT; /* the common case: nothing of ours lies below */
    if ((size_t)n + 1 + strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    memmove(path + n + 1, path, strlen(path) + 1);
    memcpy(path, base, (size_t)n);
    path[n] = '/';
    return 0;
}

/* --- answers -------------------------------------------------------------------------------------------------------------- */
static int64_t give_text(struct call *call, const char *name, const char *text, size_t length, int flags)
{
    char path[64];
    int memory = memfd_create(name, MFD_CLOEXEC), reader = -1;

    if (memory >= 0 && write(memory, text, length) == (ssize_t)length) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        reader = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (memory >= 0)
        close(memory);
    if (reader < 0)
        return -ENFILE;
    notify_add_fd(call, reader, flags & O_CLOEXEC);
    close(reader);
    return CALL_REPLIED;
}

/* A sysctl being written: a line is a value. */
struct sysctl_pipe {
    struct list node; /* first: launcher_free frees by it */
    struct source source;
    struct program *program;
    char name[200];
};

static void on_sysctl(struct source *source, uint32_t events)
{
    struct sysctl_pipe *sysctl = container_of(source, struct sysctl_pipe, source);
    char text[256];
    ssize_t n = read(source->fd, text, sizeof text - 1);
    int rc;

    (void)events;
    if (n > 0) {
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
        rc = lil_sysctl_set(sysctl->program->host, sysctl->name, text);
        if (rc < 0)
            launcher_log(sysctl->program->launcher, "%s: %s = \"%s\": %s", sysctl->program->name, sysctl->name, text, strerror(-rc));
    } else if (n == 0 || errno != EAGAIN) {
        close(source->fd);
        source->fd = -1;
        list_remove(&sysctl->node);
        list_push_back(&sysctl->program->launcher->closed_pipes, &sysctl->node); /* events of this turn may still point here */
    }
}

static int64_t give_sysctl_pipe(struct call *call, const char *rest, int flags)
{
    struct program *program = call->program;
    struct sysctl_pipe *sysctl = calloc(1, sizeof *sysctl);
    int ends[2];

    if (!sysctl || pipe2(ends, O_CLOEXEC) < 0) {
        free(sysctl);
        return -ENFILE;
    }
    snprintf(sysctl->name, sizeof sysctl->name, "net.%s", rest);
    for (char *at = sysctl->name; *at; at++)
        if (*at == '/')
            *at = '.';
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    sysctl->program = program;
    sysctl->source = (struct source){ends[0], on_sysctl};
    list_push_back(&program->launcher->sysctl_pipes, &sysctl->node);
    launcher_watch(program->launcher, &sysctl->source, EPOLLIN);
    notify_add_fd(call, ends[1], flags & O_CLOEXEC);
    close(ends[1]);
    return CALL_REPLIED;
}

static int64_t refuse(struct call *call, const char *path, int error)
{
    if (call->program->launcher->verbose || error != ENOENT)
        call_log(call, "open(%s): not in the lab (%s)", path, strerrorname_np(error));
    return -error;
}

/* What the kernel would do to the real machine for us: its clock, or a file system that it fetches from the real network; and ways
 * round the filter. */
int64_t call_refuse(struct call *call)
{
    int error = call->nr == __NR_io_uring_setup || call->nr == __NR_userfaultfd ? ENOSYS : call->nr == __NR_request_key ? ENOKEY : EPERM;

    if (call->program->launcher->verbose || call->nr != __NR_io_uring_setup) /* which many try at their start */
        call_log(call, "%s: not in the lab (%s)", notify_name(call->nr), strerrorname_np(error));
    return -error;
}

/* What the machine has itself may be mounted (sandboxes do it: bubblewrap); of any other file system the kernel might fetch what is in it
 * from the real network. */
int64_t call_mount(struct call *call)
{
    static const char *const local[] = {"tmpfs", "ramfs", "proc", "sysfs", "devpts", "devtmpfs", "mqueue", "overlay", "cgroup", "cgroup2"};
    static char type[PATH_MAX];

    if (memory_read_path(call->tid, call->args[call->nr == __NR_mount ? 2 : 0], type) == 0)
        for (unsigned i = 0; i < ARRAY_COUNT(local); i++)
            if (!strcmp(type, local[i]))
                return CALL_CONTINUE;
    return call_refuse(call);
}

/* In virtual time each thread has its tracer. As the kernel would answer; but a debugger's own words do not tell why. */
int64_t call_ptrace(struct call *call)
{
    if (!call->program->launcher->virtual_time)
        return call_spare_lab(call);
    call_log(call, "ptrace: virtual time traces every thread itself; debuggers work in real time: lilliput run --time real (EPERM)");
    return -EPERM;
}

static int64_t open_sysctl(struct call *call, const char *path, const char *rest, int flags)
{
    size_t length = 0;
    char *text = procnet_sysctl(call->program, rest, &length);
    int64_t rc;

    if (!text) {
        /* A directory (sysctl -a lists them) holds names only. */
        return flags & O_DIRECTORY ? CALL_CONTINUE : refuse(call, path, ENOENT);
    }
    if ((flags & O_ACCMODE) == O_RDONLY)
        rc = give_text(call, path, text, length, flags);
    else if ((flags & O_ACCMODE) == O_WRONLY)
        rc = give_sysctl_pipe(call, rest, flags);
    else
        rc = refuse(call, path, EACCES);
    free(text);
    return rc;
}

static int64_t open_proc_net(struct call *call, const char *path, const char *rest, int flags)
{
    size_t length = 0;
    char *text;
    int64_t rc;

    if (flags & O_DIRECTORY)
        return CALL_CONTINUE;
    text = procnet_text(call->program, rest, &length);
    if (!text)
        return refuse(call, path, ENOENT);
    rc = (flags & O_ACCMODE) == O_RDONLY ? give_text(call, path, text, length, flags) : -EACCES;
    free(text);
    return rc;
}

static int64_t open_uptime(struct call *call, const char *path, int flags)
{
    bool reads = (flags & O_ACCMODE) == O_RDONLY && !(flags & (O_PATH | O_DIRECTORY));
    char *text = reads ? uptime_text(call->program->launcher, call->tid, path) : NULL;
    int64_t rc = text ? give_text(call, path, text, strlen(text), flags) : CALL_CONTINUE;

    free(text);
    return rc;
}

static int open_flags(struct call *call)
{
    struct open_how how = {0};

    if (call->nr == ARCH_OPEN)
        return (int)call->args[1];
    if (call->nr == __NR_openat)
        return (int)call->args[2];
    memory_read(call->tid, call->args[2], &how, sizeof how);
    return (int)how.flags;
}

int64_t call_open(struct call *call)
{
    static char path[PATH_MAX]; /* one thread, one call at a time */
    const char *rest;
    bool has_directory = call->nr != ARCH_OPEN;
    enum open_what what;

    if (memory_read_path(call->tid, call->args[has_directory], path) < 0 ||
        absolute_path(call, has_directory ? (int)call->args[0] : AT_FDCWD, path) < 0)
        return CALL_CONTINUE;
    open_normalize(path);
    if (call->program->launcher->has_chance && (!strcmp(path, "/dev/urandom") || !strcmp(path, "/dev/random")))
        call->program->launcher->has_random_devices = true; /* what is read of them: call_read_random() */
    if (call->program->launcher->virtual_time && uptime_is_in(path))
        return open_uptime(call, path, open_flags(call));
    what = open_classify(path, &rest);
    switch (what) {
    case OPEN_PROC_NET:
        return open_proc_net(call, path, rest, open_flags(call));
    case OPEN_SYSCTL:
        return open_sysctl(call, path, rest, open_flags(call));
    case OPEN_ABSENT:
        return refuse(call, path, after(path, "/sys") ? ENOENT : ENODEV);
    default:
        return CALL_CONTINUE;
    }
}

/* --- ioctl on a socket that is not ours ------------------------------------------------------------------------------------- */
int64_t call_ioctl_foreign(struct call *call)
{
    unsigned long request = (unsigned long)(uint32_t)call->args[1];
    struct program *program = call->program;
    struct desc stand_in = {.launcher = program->launcher, .program = program, .kind = DESC_DGRAM, .family = AF_INET};
    int64_t rc;

    if (request == FIOSETOWN || request == SIOCSPGRP)
        return call_set_owner(call);
    if (request < 0x890b || request == 0x89e0 /* SIOCUNIXFILE */) /* owners, marks, timestamps: the socket's own */
        return CALL_CONTINUE;
    stand_in.lil_fd = lil_socket(program->proc, AF_INET, SOCK_DGRAM, 0);
    if (stand_in.lil_fd < 0)
        return -errno;
    call->desc = &stand_in;
    rc = call_ioctl(call);
    call->desc = NULL;
    lil_close(program->proc, stand_in.lil_fd);
    return rc;
}
