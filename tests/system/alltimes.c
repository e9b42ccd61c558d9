/* alltimes.c: every timed wait of the kernel, by its own system call where the C library hides it: each must take its
 * time, and say what it says on a kernel. Prints what differs; "all in time" at the end. In real time it takes about a
 * minute. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif
struct waitv { uint64_t value, address; uint32_t flags, reserved; };

static int wrong;
static struct timespec began;
static int pipe_ends[2], word, taken;

static struct timespec at(int clock, double seconds)
{
    struct timespec t;
    long ns = (long)(seconds * 1e9);
    clock_gettime(clock, &t);
    t.tv_sec += (t.tv_nsec + ns) / 1000000000;
    t.tv_nsec = (t.tv_nsec + ns) % 1000000000;
    return t;
}

static void begin(void) { clock_gettime(CLOCK_MONOTONIC, &began); errno = 0; }

static void end(const char *what, double seconds, long rc, long expected, int error)
{
    int got = errno;
    struct timespec t;
    double took;
    clock_gettime(CLOCK_MONOTONIC, &t);
    took = (double)(t.tv_sec - began.tv_sec) + (double)(t.tv_nsec - began.tv_nsec) / 1e9;
    if (took >= seconds - 0.001 && took < seconds + 0.2 && rc == expected && (rc >= 0 || !error || got == error))
        return;
    printf("%s: %ld (%s) after %.3f s, expected %ld (%s) after %.3f\n", what, rc, rc < 0 ? strerror(got) : "", took,
           expected, strerror(error), seconds);
    wrong++;
}

static void sleeps(void)
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
    struct timespec one = {1, 250000000}, then;
    begin();
    end("nanosleep", 1.25, nanosleep(&one, NULL), 0, 0);
    for (int i = 0; i < 4; i++) {
        begin();
        end("clock_nanosleep", 1.25, clock_nanosleep(clocks[i], 0, &one, NULL), 0, 0);
        then = at(clocks[i], 1.5);
        begin();
        end("clock_nanosleep absolute", 1.5, clock_nanosleep(clocks[i], TIMER_ABSTIME, &then, NULL), 0, 0);
        then.tv_sec -= 100;
        begin();
        end("clock_nanosleep in the past", 0, clock_nanosleep(clocks[i], TIMER_ABSTIME, &then, NULL), 0, 0);
    }
}

static void polls(void)
{
    struct pollfd p = {pipe_ends[0], POLLIN, 0};
    struct timespec one = {1, 0};
    struct timeval v = {1, 0};
    struct epoll_event event = {.events = EPOLLIN};
    int e = epoll_create1(0);
    fd_set set;

    epoll_ctl(e, EPOLL_CTL_ADD, pipe_ends[0], &event);
    begin(), end("poll", 1, poll(&p, 1, 1000), 0, 0);
    begin(), end("ppoll", 1, ppoll(&p, 1, &one, NULL), 0, 0);
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    begin(), end("select", 1, select(pipe_ends[0] + 1, &set, NULL, NULL, &v), 0, 0);
    if (FD_ISSET(pipe_ends[0], &set) || v.tv_sec || v.tv_usec)
        printf("select leaves its set or time\n"), wrong++;
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    one = (struct timespec){1, 0};
    begin(), end("pselect", 1, pselect(pipe_ends[0] + 1, &set, NULL, NULL, &one, NULL), 0, 0);
    begin(), end("epoll_wait", 1, epoll_wait(e, &event, 1, 1000), 0, 0);
    begin(), end("epoll_pwait", 1, epoll_pwait(e, &event, 1, 1000, NULL), 0, 0);
    one = (struct timespec){1, 0};
    begin(), end("epoll_pwait2", 1, syscall(__NR_epoll_pwait2, e, &event, 1, &one, NULL, 0), 0, 0);
    begin(), end("poll of nothing", 0, poll(&p, 1, 0), 0, 0);
    v = (struct timeval){5, 0};
    if (fork() == 0) {
        sleep(1);
        _exit(write(pipe_ends[1], "x", 1) != 1);
    }
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    begin(), end("select that is woken", 1, select(pipe_ends[0] + 1, &set, NULL, NULL, &v), 1, 0);
    if (v.tv_sec != 3 && v.tv_sec != 4)
        printf("select: %ld s left\n", (long)v.tv_sec), wrong++;
    read(pipe_ends[0], &word, 1), word = 0;
    wait(NULL);
    close(e);
}

static long futex(int op, int value, const struct timespec *t, int *second, uint32_t mask)
{
    return syscall(SYS_futex, &word, op, value, t, second, mask);
}

static void *take(void *unused)
{
    (void)unused;
    taken = 0;
    syscall(SYS_futex, &taken, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    sleep(6);
    syscall(SYS_futex, &taken, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void futexes(void)
{
    struct timespec one = {1, 0}, then;
    struct waitv v = {0, (uint64_t)(uintptr_t)&word, 2 /* FUTEX2_SIZE_U32 */, 0};
    pthread_t thread;
    int other = 0;

    begin(), end("FUTEX_WAIT", 1, futex(FUTEX_WAIT, 0, &one, NULL, 0), -1, ETIMEDOUT);
    begin(), end("FUTEX_WAIT of another value", 0, futex(FUTEX_WAIT, 1, &one, NULL, 0), -1, EAGAIN);
    then = at(CLOCK_MONOTONIC, 1);
    begin(), end("FUTEX_WAIT_BITSET", 1, futex(FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &then, NULL, ~0u), -1, ETIMEDOUT);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("FUTEX_WAIT_BITSET real time", 1, futex(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &then, NULL, ~0u), -1, ETIMEDOUT);
    then = at(CLOCK_MONOTONIC, 1);
    begin(), end("FUTEX_WAIT_REQUEUE_PI", 1, futex(FUTEX_WAIT_REQUEUE_PI, 0, &then, &other, 0), -1, ETIMEDOUT);
    then = at(CLOCK_MONOTONIC, 1);
    begin(), end("futex_waitv", 1, syscall(__NR_futex_waitv, &v, 1, 0, &then, CLOCK_MONOTONIC), -1, ETIMEDOUT);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("futex_waitv real time", 1, syscall(__NR_futex_waitv, &v, 1, 0, &then, CLOCK_REALTIME), -1, ETIMEDOUT);
    pthread_create(&thread, NULL, take, NULL);
    usleep(100000);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("FUTEX_LOCK_PI", 1, syscall(SYS_futex, &taken, FUTEX_LOCK_PI, 0, &then, NULL, 0), -1, ETIMEDOUT);
    then = at(CLOCK_MONOTONIC, 1);
    begin(), end("FUTEX_LOCK_PI2", 1, syscall(SYS_futex, &taken, FUTEX_LOCK_PI2, 0, &then, NULL, 0), -1, ETIMEDOUT);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("FUTEX_LOCK_PI2 real time", 1,
                 syscall(SYS_futex, &taken, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &then, NULL, 0), -1, ETIMEDOUT);
    then = at(CLOCK_REALTIME, 50);
    begin(), end("FUTEX_LOCK_PI that is given", 2.9, syscall(SYS_futex, &taken, FUTEX_LOCK_PI, 0, &then, NULL, 0), 0, 0);
    pthread_join(thread, NULL);
}

static void library(void)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    struct timespec then = at(CLOCK_REALTIME, 1);
    sem_t s;

    sem_init(&s, 0, 0);
    pthread_mutex_lock(&m);
    begin(), end("pthread_cond_timedwait", 1, pthread_cond_timedwait(&c, &m, &then), ETIMEDOUT, 0);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("pthread_mutex_timedlock", 1, pthread_mutex_timedlock(&m, &then), ETIMEDOUT, 0);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("sem_timedwait", 1, sem_timedwait(&s, &then), -1, ETIMEDOUT);
}

static void queues(void)
{
    struct mq_attr size = {.mq_maxmsg = 1, .mq_msgsize = 8};
    struct timespec one = {1, 0}, then;
    struct sembuf down = {0, -1, 0};
    char name[32], text[8];
    mqd_t q;
    int s = semget(IPC_PRIVATE, 1, 0600);

    begin(), end("semtimedop", 1, semtimedop(s, &down, 1, &one), -1, EAGAIN);
    semctl(s, 0, IPC_RMID);
    snprintf(name, sizeof name, "/lilliput-%d", (int)getpid());
    q = mq_open(name, O_CREAT | O_RDWR, 0600, &size);
    if (q == (mqd_t)-1)
        return; /* no message queues here */
    mq_unlink(name);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("mq_timedreceive", 1, mq_timedreceive(q, text, sizeof text, NULL, &then), -1, ETIMEDOUT);
    mq_send(q, "x", 1, 0);
    then = at(CLOCK_REALTIME, 1);
    begin(), end("mq_timedsend", 1, mq_timedsend(q, "y", 1, 0, &then), -1, ETIMEDOUT);
    mq_close(q);
}

static volatile sig_atomic_t rings, last_value;
static void ring(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    rings++;
    last_value = info->si_code == SI_TIMER ? info->si_value.sival_int : -1;
}

static void signals(void)
{
    struct sigaction action = {.sa_sigaction = ring, .sa_flags = SA_SIGINFO};
    struct timespec one = {1, 0}, two = {2, 500000000};
    struct itimerval every = {{1, 0}, {0, 500000}}, left;
    sigset_t set;

    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    begin(), end("sigtimedwait", 1, sigtimedwait(&set, NULL, &one), -1, EAGAIN);
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    begin(), end("alarm breaks a sleep", 1, nanosleep(&two, &two), -1, EINTR);
    if (two.tv_sec != 1 || two.tv_nsec < 300000000)
        printf("nanosleep: %ld.%09ld left\n", (long)two.tv_sec, two.tv_nsec), wrong++;
    alarm(100), sleep(0);
    begin(), end("alarm tells the rest", 0, alarm(0), 100, 0);
    setitimer(ITIMER_REAL, &every, NULL);
    rings = 0;
    begin(), end("pause", 0.5, pause(), -1, EINTR);
    begin(), end("pause, the second", 1, pause(), -1, EINTR);
    getitimer(ITIMER_REAL, &left);
    if (left.it_value.tv_sec > 1 || left.it_interval.tv_sec != 1 || rings != 2)
        printf("setitimer: %ld s left, %d rings\n", (long)left.it_value.tv_sec, (int)rings), wrong++;
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
}

static void timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = 77},
                    none = {.sigev_notify = SIGEV_NONE};
    struct itimerspec spec = {{0, 0}, {1, 0}}, left;
    uint64_t count;
    timer_t timer;
    int fd;

    timer_create(CLOCK_MONOTONIC, &event, &timer);
    spec.it_value = at(CLOCK_MONOTONIC, 1.5);
    timer_settime(timer, TIMER_ABSTIME, &spec, NULL);
    begin(), end("timer_create, absolute", 1.5, pause(), -1, EINTR);
    if (last_value != 77)
        printf("timer_create: value %d\n", (int)last_value), wrong++;
    timer_delete(timer);
    timer_create(CLOCK_REALTIME, &none, &timer);
    spec.it_value = (struct timespec){10, 0};
    timer_settime(timer, 0, &spec, NULL);
    sleep(3);
    timer_gettime(timer, &left);
    if (left.it_value.tv_sec != 6 && left.it_value.tv_sec != 7)
        printf("timer_gettime: %ld s left\n", (long)left.it_value.tv_sec), wrong++;
    timer_delete(timer);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    spec = (struct itimerspec){{1, 0}, at(CLOCK_REALTIME, 1)};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
    begin(), end("timerfd, absolute", 1, read(fd, &count, sizeof count), 8, 0);
    sleep(2), usleep(500000);
    begin(), end("timerfd that counted", 0, read(fd, &count, sizeof count), 8, 0);
    if (count != 2)
        printf("timerfd: %lu\n", (unsigned long)count), wrong++;
    timerfd_gettime(fd, &left);
    if (left.it_value.tv_sec != 0 || left.it_interval.tv_sec != 1)
        printf("timerfd_gettime: %ld\n", (long)left.it_value.tv_sec), wrong++;
    spec = (struct itimerspec){{0, 1000000}, at(CLOCK_REALTIME, 0)};
    spec.it_value.tv_sec -= 100;
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
    begin(), end("timerfd, long past", 0, read(fd, &count, sizeof count), 8, 0);
    if (count < 100000 || count > 100300)
        printf("timerfd, long past: %lu expirations\n", (unsigned long)count), wrong++;
    close(fd);
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    begin(), end("timerfd that is not set", 0, read(fd, &count, sizeof count), -1, EAGAIN);
    spec = (struct itimerspec){{0, 0}, {2, 0}};
    timerfd_settime(fd, 0, &spec, NULL);
    begin(), end("timerfd in poll", 2, poll(&(struct pollfd){fd, POLLIN, 0}, 1, 9000), 1, 0);
    close(fd);
}

static void child(double seconds)
{
    if (fork() == 0) {
        usleep((useconds_t)(seconds * 1e6));
        _exit(0);
    }
}

/* A signal that is ignored (SIGCHLD) breaks nothing and makes nothing longer; a handler ends a call that has a time
 * limit, SA_RESTART or not, and a call that has moved a part says how much (signal(7), recv(2)). */
static void broken(void)
{
    struct sigaction action = {.sa_sigaction = ring, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct pollfd p = {pipe_ends[0], POLLIN, 0};
    struct timespec two = {2, 0};
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {2, 0};
    socklen_t length = sizeof self;
    int u = socket(AF_INET, SOCK_DGRAM, 0), l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;
    char text[100];

    setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    child(0.5), begin(), end("nanosleep and SIGCHLD", 2, nanosleep(&two, NULL), 0, 0);
    child(0.5), begin(), end("poll and SIGCHLD", 2, poll(&p, 1, 2000), 0, 0);
    child(0.5), begin(), end("FUTEX_WAIT and SIGCHLD", 2, futex(FUTEX_WAIT, 0, &two, NULL, 0), -1, ETIMEDOUT);
    child(0.5), begin(), end("recv and SIGCHLD", 2, recv(u, text, sizeof text, 0), -1, EAGAIN);
    sigaction(SIGCHLD, &action, NULL);
    child(0.5), begin(), end("recv with a time limit and SA_RESTART", 0.5, recv(u, text, sizeof text, 0), -1, EINTR);
    child(0.5), begin(), end("poll and SA_RESTART", 0.5, poll(&p, 1, 2000), -1, EINTR);
    bind(l, (struct sockaddr *)&self, sizeof self);
    listen(l, 1);
    getsockname(l, (struct sockaddr *)&self, &length);
    connect(c, (struct sockaddr *)&self, sizeof self);
    s = accept(l, NULL, NULL);
    send(c, text, 10, 0);
    child(0.5), begin(), end("MSG_WAITALL with a part", 0.5, recv(s, text, 50, MSG_WAITALL), 10, 0);
    signal(SIGCHLD, SIG_DFL);
    while (wait(NULL) > 0)
        ;
    close(u), close(l), close(c), close(s);
}

int main(void)
{
    if (pipe(pipe_ends) < 0)
        return 1;
    sleeps();
    polls();
    futexes();
    library();
    queues();
    signals();
    timers();
    broken();
    printf(wrong ? "%d wrong\n" : "all in time\n", wrong);
    return wrong != 0;
}
