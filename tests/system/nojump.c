/* nojump.c: waits of 10 ms for work that takes real time but no virtual time: computing, disk, pipes, AF_UNIX, fork and
 * exec, threads. In virtual time none may run out. Prints the number of waits that did; exit 1 if any. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned sink;
static void compute(int n)
{
    for (int i = 0; i < n; i++)
        sink += (unsigned)i * 2654435761u;
}

static void write_disk(void)
{
    char name[] = "/tmp/nojump.XXXXXX", block[4096] = {0};
    int fd = mkstemp(name);
    unlink(name);
    for (int i = 0; i < 4; i++)
        (void)!write(fd, block, sizeof block);
    fsync(fd);
    close(fd);
}

static void relay(int in, int out, int hops)
{
    char c;
    for (int i = 0; i < hops && read(in, &c, 1) == 1; i++)
        (void)!write(out, &c, 1);
}

static void child_work(int kind, int fd)
{
    int a[2], b[2], status;
    switch (kind) {
    case 0: compute(400000); break;
    case 1: write_disk(); break;
    case 2: /* a third process and two pipes */
        if (pipe(a) < 0 || pipe(b) < 0)
            _exit(2);
        if (fork() == 0) {
            relay(a[0], b[1], 50);
            _exit(0);
        }
        for (int i = 0; i < 50; i++) {
            char c = 'x';
            (void)!write(a[1], &c, 1);
            (void)!read(b[0], &c, 1);
        }
        wait(&status);
        break;
    case 3: /* AF_UNIX */
        socketpair(AF_UNIX, SOCK_STREAM, 0, a);
        if (fork() == 0) {
            relay(a[1], a[1], 50);
            _exit(0);
        }
        for (int i = 0; i < 50; i++) {
            char c = 'x';
            (void)!send(a[0], &c, 1, 0);
            (void)!recv(a[0], &c, 1, 0);
        }
        wait(&status);
        break;
    case 4:
        if (vfork() == 0) {
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        wait(&status);
        break;
    }
    (void)!write(fd, "!", 1);
    _exit(0);
}

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done;
};

static void *thread_work(void *argument)
{
    struct shared *s = argument;
    compute(200000);
    pthread_mutex_lock(&s->lock);
    s->done = 1;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int wait_for_thread(void)
{
    struct shared s = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    struct timespec until;
    pthread_t thread;
    int late = 0;

    pthread_create(&thread, NULL, thread_work, &s);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 10000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&s.lock);
    while (!s.done && !late)
        late = pthread_cond_timedwait(&s.changed, &s.lock, &until) != 0;
    pthread_mutex_unlock(&s.lock);
    pthread_join(thread, NULL);
    return late;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20, late = 0, waits = 0;

    for (int i = 0; i < rounds; i++) {
        int fds[2], kind = i % 6;
        waits++;
        if (kind == 5) {
            late += wait_for_thread();
            continue;
        }
        if (pipe(fds) < 0)
            return 2;
        if (fork() == 0)
            child_work(kind, fds[1]);
        late += poll(&(struct pollfd){fds[0], POLLIN, 0}, 1, 10) != 1;
        while (wait(NULL) > 0)
            ;
        close(fds[0]);
        close(fds[1]);
    }
    printf("%d waits, %d ran out\n", waits, late);
    return late != 0;
}
