/* filetime.c: the times of files in virtual time. The kernel writes real ones into them; programs compare them with their clock. So
 * what stat(2) and the like tell is translated: a file that was changed at a real moment of the run was changed at the virtual
 * time of that moment. Files that are older than the run have the same times on both clocks, and those calls go on in the
 * kernel. Times that a program sets itself (utimensat) are virtual already: they are remembered by file.
 * docs/decisions/0323-file-times.md. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/memory.h"

/* From this real moment on (CLOCK_REALTIME) it is this world time, until the next one. */
struct moment {
    uint64_t real_ns, world_ns;
};
enum { FIRST_ROOM = 64, SETS = 1024 };

struct filetimes {
    struct moment *moments; /* ascending */
    size_t count, room;
    int stamp_fd;
    struct set { /* by file: the last that lost its place is forgotten */
        dev_t device;
        ino_t inode;
        uint64_t ns[2]; /* of access, of change, as the program has them; 0: not set */
    } sets[SETS];
};

static const uint64_t grain_ns = 1 * NS_PER_MS;

static uint64_t to_ns(struct timespec t) { return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec; }

static void record(struct launcher *l)
{
    struct filetimes *times = l->filetimes;
    struct stat stamp;

    if (times->count == times->room) {
        size_t room = times->room ? 2 * times->room : FIRST_ROOM;
        struct moment *more = realloc(times->moments, room * sizeof *more);
        if (!more)
            return;
        times->moments = more;
        times->room = room;
    }
    times->moments[times->count++] = (struct moment){clock_kernel_ns(CLOCK_REALTIME), l->now_ns};
    /* The kernel's times of files are those of its last tick, milliseconds old. Since Linux 6.13 a file that was changed in this tick and
     * looked at gets a fine time at its next change, and no file gets an older one after that. */
    if (futimens(times->stamp_fd, NULL) == 0 && fstat(times->stamp_fd, &stamp) == 0)
        futimens(times->stamp_fd, NULL);
}

void filetime_start(struct launcher *l)
{
    l->filetimes = calloc(1, sizeof *l->filetimes);
    if (!l->filetimes)
        return;
    l->filetimes->stamp_fd = memfd_create("time", MFD_CLOEXEC);
    record(l);
}

void filetime_end(struct launcher *l)
{
    if (!l->filetimes)
        return;
    close(l->filetimes->stamp_fd);
    free(l->filetimes->moments);
    free(l->filetimes);
    l->filetimes = NULL;
}

void filetime_jump(struct launcher *l)
{
    const struct filetimes *times = l->filetimes;

    if (times && times->count && l->now_ns - times->moments[times->count - 1].world_ns >= grain_ns)
        record(l);
}

static uint64_t filetime_to_virtual(const struct launcher *l, uint64_t real_ns)
{
    const struct filetimes *times = l->filetimes;
    size_t low = 0, high = times ? times->count : 0;

    if (!high || real_ns < times->moments[0].real_ns || real_ns > clock_kernel_ns(CLOCK_REALTIME))
        return real_ns; /* older than the run; or nobody's but who set it */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(times->moments[middle].real_ns <= real_ns ? &low : &high) = middle;
    }
    return l->real_base_ns + times->moments[low].world_ns;
}

/* --- which file ------------------------------------------------------------------------------------------------------------ */
/* Where a call has what; -1: it has none. */
static const struct form {
    long nr;
    int8_t directory, path, flags, times; /* times: that it sets */
    bool is_micro, follows;               /* without flags */
} forms[] = {
    {__NR_stat, -1, 0, -1, -1, false, true},      {__NR_lstat, -1, 0, -1, -1, false, false},
    {__NR_fstat, 0, -1, -1, -1, false, true},     {__NR_newfstatat, 0, 1, 3, -1, false, true},
    {__NR_statx, 0, 1, 2, -1, false, true},       {__NR_utimensat, 0, 1, 3, 2, false, true},
    {__NR_futimesat, 0, 1, -1, 2, true, true},    {__NR_utimes, -1, 0, -1, 1, true, true},
};

static const struct form *find_form(long nr)
{
    for (unsigned i = 0; i < ARRAY_COUNT(forms); i++)
        if (forms[i].nr == nr)
            return &forms[i];
    return NULL;
}

/* A path by which we see the file that CALL names; NULL: none, or one whose times are not a file's. */
static const char *locate(const struct call *call, const struct form *form, int *flags)
{
    static char path[PATH_MAX + 64], given[PATH_MAX]; /* one thread, one call at a time */
    int directory = form->directory < 0 ? AT_FDCWD : (int)call->args[form->directory];
    uint64_t at = form->path < 0 ? 0 : call->args[form->path];

    *flags = form->flags >= 0 ? (int)call->args[form->flags] : form->follows ? 0 : AT_SYMLINK_NOFOLLOW;
    given[0] = 0;
    if (at && memory_read_path(call->tid, at, given) < 0)
        return NULL;
    if (!given[0]) { /* the descriptor itself */
        *flags &= ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
        if (directory == AT_FDCWD)
            snprintf(path, sizeof path, "/proc/%d/cwd", call->tid);
        else
            snprintf(path, sizeof path, "/proc/%d/fd/%d", call->tid, directory);
        return path;
    }
    if (!strncmp(given, "/proc/", 6) || !strncmp(given, "/sys/", 5) || !strncmp(given, "/dev/", 5))
        return NULL;
    if (given[0] == '/')
        snprintf(path, sizeof path, "/proc/%d/root%s", call->tid, given);
    else if (directory == AT_FDCWD)
        snprintf(path, sizeof path, "/proc/%d/cwd/%s", call->tid, given);
    else
        snprintf(path, sizeof path, "/proc/%d/fd/%d/%s", call->tid, directory, given);
    return path;
}

static struct set *set_of(struct launcher *l, dev_t device, ino_t inode)
{
    return &l->filetimes->sets[(inode * 0x9e3779b97f4a7c15ull ^ device) % SETS];
}

/* --- what the calls tell ----------------------------------------------------------------------------------------------------- */
/* A file's times: access, change, of the inode, birth. Those of the run are translated: a bit each. The others are left as the kernel has
 * them: some are none that nanoseconds since 1970 can say. */
static unsigned translate(struct launcher *l, dev_t device, ino_t inode, uint64_t ns[4])
{
    const struct set *set = set_of(l, device, inode);
    bool is_same = set->inode == inode && set->device == device;
    unsigned changed = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint64_t shown = i < 2 && is_same && set->ns[i] == ns[i] ? ns[i] : filetime_to_virtual(l, ns[i]);
        changed |= (shown != ns[i]) << i;
        ns[i] = shown;
    }
    return changed;
}

static int64_t tell_stat(struct call *call, const char *path, int flags)
{
    struct stat s;
    struct timespec *const times[] = {&s.st_atim, &s.st_mtim, &s.st_ctim};
    uint64_t ns[4] = {0}, to = call->args[call->nr == __NR_newfstatat ? 2 : 1];
    unsigned changed;

    if (fstatat(AT_FDCWD, path, &s, flags) < 0)
        return CALL_CONTINUE;
    for (int i = 0; i < 3; i++)
        ns[i] = to_ns(*times[i]);
    changed = translate(call->program->launcher, s.st_dev, s.st_ino, ns);
    if (!changed)
        return CALL_CONTINUE;
    for (int i = 0; i < 3; i++)
        if (changed >> i & 1)
            *times[i] = (struct timespec){(time_t)(ns[i] / NS_PER_S), (long)(ns[i] % NS_PER_S)};
    return memory_write(call->tid, to, &s, sizeof s);
}

static int64_t tell_statx(struct call *call, const char *path, int flags)
{
    struct statx s;
    struct statx_timestamp *const times[] = {&s.stx_atime, &s.stx_mtime, &s.stx_ctime, &s.stx_btime};
    uint64_t ns[4];
    unsigned changed;

    if (statx(AT_FDCWD, path, flags, (unsigned)call->args[3], &s) < 0)
        return CALL_CONTINUE;
    for (int i = 0; i < 4; i++)
        ns[i] = (uint64_t)times[i]->tv_sec * NS_PER_S + times[i]->tv_nsec;
    changed = translate(call->program->launcher, makedev(s.stx_dev_major, s.stx_dev_minor), s.stx_ino, ns);
    if (!changed)
        return CALL_CONTINUE;
    for (int i = 0; i < 4; i++)
        if (changed >> i & 1) {
            times[i]->tv_sec = (int64_t)(ns[i] / NS_PER_S);
            times[i]->tv_nsec = (uint32_t)(ns[i] % NS_PER_S);
        }
    return memory_write(call->tid, call->args[4], &s, sizeof s);
}

int64_t filetime_call_stat(struct call *call)
{
    const char *path;
    int flags;

    if (!call->program->launcher->filetimes)
        return CALL_CONTINUE;
    path = locate(call, find_form(call->nr), &flags);
    if (!path)
        return CALL_CONTINUE;
    return call->nr == __NR_statx ? tell_statx(call, path, flags) : tell_stat(call, path, flags);
}

/* The kernel sets them; that they are not its own is remembered. */
int64_t filetime_call_set(struct call *call)
{
    struct launcher *l = call->program->launcher;
    const struct form *form = find_form(call->nr);
    const char *path;
    int64_t pairs[4];
    struct stat s;
    struct set *set;
    int flags;

    if (!l->filetimes || !call->args[form->times] || memory_read(call->tid, call->args[form->times], pairs, sizeof pairs) < 0 ||
        !(path = locate(call, form, &flags)) || fstatat(AT_FDCWD, path, &s, flags) < 0)
        return CALL_CONTINUE;
    set = set_of(l, s.st_dev, s.st_ino);
    if (set->device != s.st_dev || set->inode != s.st_ino)
        *set = (struct set){s.st_dev, s.st_ino, {0}};
    for (int i = 0; i < 2; i++) {
        uint64_t part = (uint64_t)pairs[2 * i + 1] * (form->is_micro ? 1000 : 1);
        if (form->is_micro || (pairs[2 * i + 1] != UTIME_NOW && pairs[2 * i + 1] != UTIME_OMIT))
            set->ns[i] = (uint64_t)pairs[2 * i] * NS_PER_S + part;
    }
    return CALL_CONTINUE;
}
