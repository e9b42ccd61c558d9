/* batch.c: scripts in processes of their own, their results in order. See batch.h. */
#include "script/batch.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MOST = 64, NO_JOB = -1 };
struct worker { /* a process that runs one script after another, as it is told */
    pid_t pid;  /* 0: none */
    int fd, job;
    size_t got; /* bytes of the report that it is sending */
};

static struct batch_job *add(struct batch *batch, const char *path)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 2 : 64;
        batch->jobs = realloc(batch->jobs, batch->capacity * sizeof *batch->jobs);
        if (!batch->jobs)
            abort();
    }
    struct batch_job *job = &batch->jobs[batch->count++];
    memset(job, 0, sizeof *job);
    job->path = strdup(path);
    return job;
}

void batch_add(struct batch *batch, const char *path, enum script_ip ip, bool show_ip)
{
    struct batch_job *job = add(batch, path);
    job->ip = ip;
    job->show_ip = show_ip;
}

void batch_add_failure(struct batch *batch, const char *path, const char *message)
{
    struct batch_job *job = add(batch, path);
    job->done = true;
    job->report.outcome = SCRIPT_FAILED;
    snprintf(job->report.message, sizeof job->report.message, "%s", message);
}

static void run_job(const struct batch *batch, unsigned i, struct script_report *report)
{
    struct script_config config = *batch->config;
    config.ip = batch->jobs[i].ip;
    config.capture_append = i > 0;
    if (config.verbose)
        fprintf(config.verbose, "=== %s\n", batch->jobs[i].path);
    script_run_file(batch->jobs[i].path, &config, report);
}

/* Tells the results that are next in order. */
static void tell(struct batch *batch, unsigned *told)
{
    for (; *told < batch->count && batch->jobs[*told].done; (*told)++)
        batch->on_result(batch->ctx, &batch->jobs[*told], *told + 1, batch->count);
}

static unsigned limit_s(const struct batch *batch)
{
    return batch->limit_s ? batch->limit_s : BATCH_LIMIT_S;
}

/* --- processes ---------------------------------------------------------------------------------------------------- */
static _Noreturn void work(const struct batch *batch, int fd)
{
    int job;
    while (read(fd, &job, sizeof job) == (ssize_t)sizeof job && job != NO_JOB) {
        struct script_report report;
        alarm(limit_s(batch));
        run_job(batch, (unsigned)job, &report);
        alarm(0);
        if (write(fd, &report, sizeof report) != (ssize_t)sizeof report)
            break;
    }
    _exit(0);
}

static bool start(const struct batch *batch, struct worker *worker)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return false;
    fflush(NULL); /* or the child would write it, too */
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        work(batch, fds[1]);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return false;
    }
    *worker = (struct worker){.pid = pid, .fd = fds[0], .job = NO_JOB};
    return true;
}

static int end(struct worker *worker)
{
    int status = 0;
    close(worker->fd);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    worker->pid = 0;
    return status;
}

/* The worker is gone, and its script with it. */
static void bury(struct batch *batch, struct worker *worker)
{
    struct batch_job *job = &batch->jobs[worker->job];
    int status = end(worker);
    memset(&job->report, 0, sizeof job->report);
    job->done = true;
    job->report.outcome = SCRIPT_FAILED;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(job->report.message, sizeof job->report.message, "did not end within %u s of real time",
                 limit_s(batch));
    else if (WIFSIGNALED(status))
        snprintf(job->report.message, sizeof job->report.message, "the runner itself died of signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(job->report.message, sizeof job->report.message, "the runner itself ended with status %d",
                 WEXITSTATUS(status));
}

static void read_report(struct batch *batch, struct worker *worker)
{
    struct batch_job *job = &batch->jobs[worker->job];
    ssize_t got = read(worker->fd, (char *)&job->report + worker->got, sizeof job->report - worker->got);
    if (got == 0 || (got < 0 && errno != EINTR)) {
        bury(batch, worker);
        return;
    }
    worker->got += got > 0 ? (size_t)got : 0;
    if (worker->got < sizeof job->report)
        return;
    job->done = true;
    worker->job = NO_JOB;
    worker->got = 0;
}

static void await(struct batch *batch, struct worker *workers, unsigned count)
{
    struct pollfd fds[WORKERS_MOST];
    for (unsigned i = 0; i < count; i++)
        fds[i] =
            (struct pollfd){.fd = workers[i].pid && workers[i].job != NO_JOB ? workers[i].fd : -1, .events = POLLIN};
    if (poll(fds, count, -1) <= 0)
        return;
    for (unsigned i = 0; i < count; i++)
        if (fds[i].revents)
            read_report(batch, &workers[i]);
}

/* Gives the worker a script; false: it cannot have one. */
static bool assign(const struct batch *batch, struct worker *worker, unsigned job)
{
    int number = (int)job;
    if (!worker->pid && !start(batch, worker))
        return false;
    if (send(worker->fd, &number, sizeof number, MSG_NOSIGNAL) != (ssize_t)sizeof number) {
        (void)end(worker);
        return false;
    }
    worker->job = number;
    worker->got = 0;
    return true;
}

static void run_in_processes(struct batch *batch, unsigned *told)
{
    struct worker workers[WORKERS_MOST] = {0};
    unsigned count = batch->workers < WORKERS_MOST ? batch->workers : WORKERS_MOST, next = 0;
    while (tell(batch, told), *told < batch->count) {
        bool busy = false;
        for (unsigned i = 0; i < count; i++) {
            while (next < batch->count && batch->jobs[next].done)
                next++;
            bool free = !workers[i].pid || workers[i].job == NO_JOB;
            if (free && next < batch->count && assign(batch, &workers[i], next))
                next++;
            busy |= workers[i].pid && workers[i].job != NO_JOB;
        }
        if (busy) {
            await(batch, workers, count);
        } else if (next < batch->count) { /* no process is to be had */
            run_job(batch, next, &batch->jobs[next].report);
            batch->jobs[next++].done = true;
        }
    }
    const int stop = NO_JOB;
    for (unsigned i = 0; i < count; i++)
        if (workers[i].pid && send(workers[i].fd, &stop, sizeof stop, MSG_NOSIGNAL) >= 0)
            (void)end(&workers[i]);
}

void batch_run(struct batch *batch)
{
    unsigned told = 0;
    if (batch->workers && batch->count > 1) {
        run_in_processes(batch, &told);
        return;
    }
    for (unsigned i = 0; i < batch->count; i++) {
        if (!batch->jobs[i].done)
            run_job(batch, i, &batch->jobs[i].report);
        batch->jobs[i].done = true;
        tell(batch, &told);
    }
}

void batch_fini(struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        free(batch->jobs[i].path);
    free(batch->jobs);
    memset(batch, 0, sizeof *batch);
}
