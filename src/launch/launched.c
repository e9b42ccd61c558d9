/* launched.c: the programs of a run, as the launcher holds them: what each is started with, the lines that it prints, which of them
 * a process belongs to, and the end of those whose host crashes. How one is started: spawn.c. Read launch.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "launch/memory.h"
#include "launch/task.h"

enum { LINE_MAX_BYTES = 1000 };

static char **copy_environment(char *const *changes)
{
    extern char **environ;
    size_t count = 0, extra = 0, n = 0;
    char **out;

    while (environ[count])
        count++;
    while (changes && changes[extra])
        extra++;
    out = calloc(count + extra + 3, sizeof *out); /* one more for ASAN_OPTIONS, one for the end */
    for (size_t i = 0; out && i < count; i++) {
        bool replaced = false;
        for (size_t j = 0; j < extra; j++)
            replaced |= !strncmp(environ[i], changes[j], strcspn(changes[j], "=") + 1);
        if (!replaced)
            out[n++] = strdup(environ[i]);
    }
    for (size_t j = 0; out && j < extra; j++)
        out[n++] = strdup(changes[j]);
    return out;
}

static char **copy_strings(char *const *strings)
{
    size_t count = 0;
    char **out;
    while (strings[count])
        count++;
    out = calloc(count + 1, sizeof *out);
    for (size_t i = 0; out && i < count; i++)
        out[i] = strdup(strings[i]);
    return out;
}

static void free_strings(char **strings)
{
    for (size_t i = 0; strings && strings[i]; i++)
        free(strings[i]);
    free(strings);
}

static void line_is_whole(struct program *program, int which)
{
    program->line[which][program->line_length[which]] = '\0';
    program->output(program->output_ctx, which, program->line[which], program->line_length[which]);
    program->line_length[which] = 0;
}

void launcher_read_output(struct program *program, int which)
{
    struct source *source = &program->outputs[which];
    char text[4096];
    ssize_t n;

    program->launcher->progress = true;
    n = read(source->fd, text, sizeof text);
    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\n' || program->line_length[which] == LINE_MAX_BYTES)
            line_is_whole(program, which);
        if (text[i] != '\n')
            program->line[which][program->line_length[which]++] = text[i];
    }
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        if (program->line_length[which])
            line_is_whole(program, which);
        close(source->fd);
        source->fd = -1;
    }
}

static void on_stdout(struct source *source, uint32_t events)
{
    (void)events;
    launcher_read_output(container_of(source, struct program, outputs[0]), 0);
}

static void on_stderr(struct source *source, uint32_t events)
{
    (void)events;
    launcher_read_output(container_of(source, struct program, outputs[1]), 1);
}

static void watch_output(struct program *program)
{
    for (int i = 0; i < 2; i++) {
        int ends[2];
        program->line[i] = malloc(LINE_MAX_BYTES + 1);
        if (!program->line[i] || pipe2(ends, O_CLOEXEC) < 0)
            return;
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        program->outputs[i] = (struct source){ends[0], i ? on_stderr : on_stdout};
        launcher_watch(program->launcher, &program->outputs[i], EPOLLIN);
        program->stdio[i + 1] = ends[1];
    }
}

struct program *launcher_add(struct launcher *l, const struct program_config *config)
{
    struct program *program = calloc(1, sizeof *program);

    if (!program)
        return NULL;
    program->launcher = l;
    program->host = config->host;
    program->proc = lil_proc_new(config->host);
    program->argv = copy_strings(config->argv);
    program->environment = copy_environment(config->environment);
    program->name = strdup(config->name ? config->name : config->argv[0]);
    program->directory = config->directory ? strdup(config->directory) : NULL;
    program->output = config->output;
    program->output_ctx = config->output_ctx;
    program->start_ns = config->start_ns;
    program->keeps_running = config->keeps_running;
    program->listener.fd = program->outputs[0].fd = program->outputs[1].fd = -1;
    program->stdio[0] = config->stdin_fd;
    program->stdio[1] = config->stdout_fd;
    program->stdio[2] = config->stderr_fd;
    list_push_back(&l->programs, &program->node);
    if (!program->proc || !program->argv || !program->environment || !program->name) {
        errno = ENOMEM;
        return NULL; /* launcher_free frees it */
    }
    lil_proc_set_uid(program->proc, config->uid);
    if (program->output)
        watch_output(program);
    return program;
}

void launcher_forget(struct program *program)
{
    if (program->listener.fd >= 0)
        close(program->listener.fd);
    if (program->proc)
        lil_proc_free(program->proc);
    free_strings(program->argv);
    free_strings(program->environment);
    free(program->name);
    free(program->directory);
    free(program->line[0]);
    free(program->line[1]);
    free(program);
}

struct program *launcher_program_of(struct launcher *l, pid_t pid)
{
    for (int depth = 0; pid > 1 && depth < 64; depth++) {
        char path[64], text[512], *at;
        list_each(node, &l->programs) {
            struct program *program = list_entry(node, struct program, node);
            if (program->started && (program->pid == pid || l->programs.next == l->programs.prev))
                return program;
        }
        snprintf(path, sizeof path, "/proc/%d/status", pid);
        memory_proc_text(path, text, sizeof text);
        at = strstr(text, "\nTgid:");
        if (at && atoi(at + 6) != pid) {
            pid = atoi(at + 6);
            continue;
        }
        at = strstr(text, "\nPPid:");
        pid = at ? atoi(at + 6) : 0;
    }
    return NULL;
}

static bool is_crashed(const struct program *program)
{
    return !lil_world_find(program->launcher->world, lil_host_name(program->host));
}

struct doomed {
    struct launcher *launcher;
    unsigned count;
    pid_t pids[1024]; /* parents first: none shall see a child die */
};

static void doom_if_crashed(void *ctx, pid_t pid)
{
    struct doomed *doomed = ctx;
    const struct program *program = launcher_program_of(doomed->launcher, pid);
    if (program && is_crashed(program) && doomed->count < ARRAY_COUNT(doomed->pids))
        doomed->pids[doomed->count++] = pid;
}

void launcher_end_crashed(struct launcher *l)
{
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        if (program->started || !is_crashed(program))
            continue;
        program->start_ns = LIL_NEVER;
        program->ended = true;
        program->status = SIGKILL;
    }
    for (int round = 0; round < 3; round++) { /* what is forked meanwhile */
        struct doomed doomed = {.launcher = l};
        launcher_each_descendant(l->pid, doom_if_crashed, &doomed);
        for (unsigned i = 0; i < doomed.count; i++)
            kill(doomed.pids[i], SIGKILL);
    }
}
