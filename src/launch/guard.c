/* guard.c: nothing outlives the lab. The supervisor runs as the child of a process that only waits: when the
 * supervisor ends in whatever way, its programs become that process's children (it is a subreaper) and are killed; when that
 * process dies first, the supervisor gets SIGTERM (prctl(2), PR_SET_PDEATHSIG) and ends its programs. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "launch/launch.h"

struct pair {
    pid_t pid, parent;
};

static size_t list_processes(struct pair *out, size_t max)
{
    DIR *proc = opendir("/proc");
    size_t count = 0;

    for (struct dirent *entry; proc && (entry = readdir(proc)) && count < max;) {
        char path[300], text[512], *at;
        FILE *file;
        size_t n;
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        file = fopen(path, "re");
        if (!file)
            continue;
        n = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[n] = 0;
        at = strrchr(text, ')'); /* the name may hold anything */
        if (!at || at[2] == 'Z')
            continue;
        out[count++] = (struct pair){atoi(entry->d_name), atoi(at + 4)};
    }
    if (proc)
        closedir(proc);
    return count;
}

static bool descends(const struct pair *all, size_t count, pid_t pid, pid_t root)
{
    for (int depth = 0; pid > 1 && depth < 256; depth++) {
        size_t i = 0;
        while (i < count && all[i].pid != pid)
            i++;
        if (i == count)
            return false;
        pid = all[i].parent;
        if (pid == root)
            return true;
    }
    return false;
}

enum { PROCESSES_MAX = 65536 };

static void each_below(pid_t root, void (*each)(void *ctx, pid_t pid), void *ctx);

/* The children of one thread, and theirs (proc(5)). */
static void each_child(pid_t pid, const char *tid, void (*each)(void *ctx, pid_t pid), void *ctx)
{
    char path[300], text[8192];
    int fd, n;

    snprintf(path, sizeof path, "/proc/%d/task/%s/children", pid, tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((n = (int)read(fd, text, sizeof text - 1)) > 0) { /* whole numbers: it is a seq_file */
        char *at = text, *end;
        text[n] = 0;
        for (long child; (child = strtol(at, &end, 10)) > 0 && end != at; at = end) {
            each(ctx, (pid_t)child);
            each_below((pid_t)child, each, ctx);
        }
    }
    close(fd);
}

static void each_below(pid_t root, void (*each)(void *ctx, pid_t pid), void *ctx)
{
    char path[64];
    DIR *threads;

    snprintf(path, sizeof path, "/proc/%d/task", root);
    threads = opendir(path);
    for (struct dirent *entry; threads && (entry = readdir(threads));)
        if (entry->d_name[0] != '.')
            each_child(root, entry->d_name, each, ctx);
    if (threads)
        closedir(threads);
}

void launcher_each_descendant(pid_t root, void (*each)(void *ctx, pid_t pid), void *ctx)
{
    struct pair *all;
    size_t count;

    if (access("/proc/thread-self/children", R_OK) == 0) {
        each_below(root, each, ctx);
        return;
    }
    all = malloc(PROCESSES_MAX * sizeof *all); /* a kernel without CONFIG_PROC_CHILDREN */
    count = all ? list_processes(all, PROCESSES_MAX) : 0;
    for (size_t i = 0; i < count; i++)
        if (descends(all, count, all[i].pid, root))
            each(ctx, all[i].pid);
    free(all);
}

static void kill_one(void *ctx, pid_t pid)
{
    size_t *killed = ctx;
    *killed += kill(pid, SIGKILL) == 0;
}

/* Again until none is left: what is being forked, or gets another parent, while we look is seen at the next look. */
void launcher_kill_tree(pid_t root)
{
    size_t killed = 1;

    for (int round = 0; killed && round < 50; round++) {
        killed = 0;
        launcher_each_descendant(root, kill_one, &killed);
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        if (killed && round > 2)
            usleep(1000);
    }
}

static pid_t guarded, guardian;

pid_t launcher_guardian(void) { return guardian; }

static void forward(int signal)
{
    if (guarded > 0)
        kill(guarded, signal);
}

int launcher_guard(int (*body)(void *ctx), void *ctx)
{
    int status = 0;
    pid_t parent = getpid();

    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    fflush(NULL);
    guarded = fork();
    if (guarded < 0)
        return body(ctx);
    if (guarded == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        guardian = parent;
        if (getppid() != parent)
            _exit(1);
        status = body(ctx);
        fflush(NULL);
        _exit(status);
    }
    signal(SIGTERM, forward);
    signal(SIGHUP, forward);
    signal(SIGINT, SIG_IGN); /* the terminal sends it to the programs too: the supervisor ends with them */
    while (waitpid(guarded, &status, 0) < 0 && errno == EINTR)
        ;
    guarded = 0;
    launcher_kill_tree(parent);
    return program_status_to_exit(status);
}
