/* anycalls.c [SEED [CALLS]]: system calls at random, by seed: those that the lab supervises, with descriptors,
 * pointers, sizes and flags of every kind, good and bad, broken by signals all the while. Whatever comes of them, the
 * lab neither dies nor hangs, and this program ends by itself. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, FDS = 40 };
static uint64_t state;
static unsigned char *good, *edge; /* two writable pages; the end of one more */
static volatile int done;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static void on_signal(int sig) { (void)sig; }

static void *kick(void *main_thread)
{
    while (!done) {
        usleep(3000);
        pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
    }
    return NULL;
}

/* What structures' fields hold: sizes, small numbers, families, pointers. */
static uint64_t word(void)
{
    static const uint64_t some[] = {0,     1,     2,        3,          4,          7,          8,     10,
                                    16,    28,    63,       64,         100,        128,        1000,  4096,
                                    65535, 65536, 1u << 30, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull, 1ull << 63};
    return some[below(sizeof some / sizeof *some)];
}

static long pointer(void)
{
    switch (below(9)) {
    case 0: return 0;
    case 1: return 1;
    case 2: return (long)(edge - below(64));
    case 3: return (long)0xffff888000000000;
    default: return (long)(good + 16 * below(2 * PAGE / 16 - 8));
    }
}

static long descriptor(void) { return below(12) ? (long)(3 + below(FDS)) : (long)(int)word(); }

/* Good memory gets what calls read there: addresses, vectors, message headers, timespecs, event lists. */
static void fill(void)
{
    static const char *const addresses[] = {"127.0.0.1", "192.0.2.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "203.0.113.7"};
    for (unsigned i = 0; i < 8; i++) {
        unsigned char *at = good + 16 * below(2 * PAGE / 16 - 8);
        switch (below(7)) {
        case 0:
            *(struct sockaddr_in *)at = (struct sockaddr_in){.sin_family = AF_INET,
                                                             .sin_port = htons((uint16_t)(below(3) ? 80 : word())),
                                                             .sin_addr.s_addr = inet_addr(addresses[below(6)])};
            break;
        case 1:
            *(struct sockaddr_in6 *)at = (struct sockaddr_in6){
                .sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
            break;
        case 2:
            *(struct iovec *)at = (struct iovec){(void *)pointer(), word()};
            break;
        case 3:
            *(struct msghdr *)at = (struct msghdr){(void *)pointer(),
                                                   (socklen_t)word(),
                                                   (void *)pointer(),
                                                   below(4),
                                                   (void *)pointer(),
                                                   below(2) ? 0 : word(),
                                                   0};
            break;
        case 4:
            *(struct timespec *)at = (struct timespec){(long)below(2), (long)below(2) ? 0 : (long)word() % 30000000};
            break;
        case 5:
            *(struct epoll_event *)at = (struct epoll_event){.events = (uint32_t)(below(2) ? EPOLLIN : word()), .data.u64 = word()};
            break;
        default:
            *(uint64_t *)at = word();
        }
    }
}

static long argument(void)
{
    switch (below(5)) {
    case 0: return descriptor();
    case 1:
    case 2: return pointer();
    default: return (long)word();
    }
}

static const int calls[] = {SYS_socket,
                            SYS_socket,
                            SYS_socket,
                            SYS_connect,
                            SYS_connect,
                            SYS_bind,
                            SYS_listen,
                            SYS_accept,
                            SYS_accept4,
                            SYS_shutdown,
                            SYS_getsockname,
                            SYS_getpeername,
                            SYS_setsockopt,
                            SYS_getsockopt,
                            SYS_sendto,
                            SYS_recvfrom,
                            SYS_sendmsg,
                            SYS_recvmsg,
                            SYS_sendmmsg,
                            SYS_recvmmsg,
                            SYS_read,
                            SYS_write,
                            SYS_readv,
                            SYS_writev,
                            SYS_close,
                            SYS_dup,
                            SYS_dup2,
                            SYS_fcntl,
                            SYS_ioctl,
                            SYS_splice,
                            SYS_sendfile,
                            SYS_pipe2,
                            SYS_socketpair,
                            SYS_poll,
                            SYS_select,
                            SYS_epoll_create1,
                            SYS_epoll_ctl,
                            SYS_epoll_wait,
                            SYS_epoll_pwait,
                            SYS_ppoll,
                            SYS_pselect6,
                            SYS_nanosleep,
                            SYS_clock_nanosleep,
                            SYS_clock_gettime,
                            SYS_gettimeofday,
                            SYS_alarm,
                            SYS_setitimer,
                            SYS_getitimer,
                            SYS_timer_create,
                            SYS_timer_settime,
                            SYS_timer_gettime,
                            SYS_timer_delete,
                            SYS_timerfd_create,
                            SYS_timerfd_settime,
                            SYS_timerfd_gettime,
                            SYS_futex,
                            SYS_rt_sigtimedwait,
                            SYS_openat,
                            SYS_userfaultfd,
                            SYS_io_uring_setup,
                            SYS_pidfd_getfd,
                            SYS_semtimedop,
                            SYS_mq_timedreceive,
                            SYS_getrandom};

/* Sockets that can do something, and limits on what would last long or reach this program's own means. */
static void any_call(void)
{
    int number = calls[below(sizeof calls / sizeof *calls)];
    long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = argument();
    switch (number) {
    case SYS_socket:
        a[0] = below(6) ? (below(3) ? AF_INET : AF_INET6) : (long)word();
        a[1] = below(6) ? (long)(SOCK_STREAM + below(2)) | (below(3) ? SOCK_NONBLOCK : 0) : (long)word();
        a[2] = below(6) ? 0 : (long)word();
        break;
    case SYS_close:
    case SYS_dup2:
        a[0] = (long)(3 + below(FDS));
        a[1] = (long)(3 + below(FDS));
        break;
    case SYS_poll:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        a[2] = a[2] & (number == SYS_poll ? 15 : -1);
        a[3] = a[3] & 15;
        /* fall through */
    case SYS_openat: /* nothing is made, nothing outside of it is written */
    default:
        if (below(4) && number != SYS_poll)
            a[0] = descriptor();
    }
    if (number == SYS_openat)
        a[2] = 0;
    if (number == SYS_ioctl && below(3)) {
        static const unsigned long requests[] = {FIONREAD, FIONBIO, 0x8912, 0x8913, 0x8915, 0x8927, 0x8905, 0x5411, 0x541B};
        a[1] = (long)requests[below(9)];
    }
    if ((number == SYS_setsockopt || number == SYS_getsockopt) && below(5)) {
        static const int levels[] = {SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP};
        a[1] = levels[below(5)];
        a[2] = below(60);
        a[4] = below(2) ? 4 : a[4];
    }
    if (number == SYS_timer_create)
        a[1] = 0; /* SIGALRM */
    syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Children do the same and die in the middle of it. */
static void child(void)
{
    pid_t pid = fork();
    if (pid < 0)
        return;
    if (pid == 0) {
        for (unsigned i = 0, n = below(30); i < n; i++)
            any_call();
        kill(getpid(), below(2) ? SIGKILL : SIGTERM);
    }
    for (int i = 0; i < 1000 && waitpid(pid, NULL, WNOHANG) == 0; i++)
        usleep(1000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    unsigned seed = argc > 1 ? (unsigned)atoi(argv[1]) : 1, count = argc > 2 ? (unsigned)atoi(argv[2]) : 2000;
    pthread_t self = pthread_self(), kicker;
    struct rlimit files = {256, 256};
    struct sigaction action = {.sa_handler = on_signal};
    state = seed * 2654435761u + 1;
    setrlimit(RLIMIT_NOFILE, &files);
    for (const int *sig = (const int[]){SIGUSR1, SIGALRM, SIGPIPE, SIGIO, SIGURG, 0}; *sig; sig++)
        sigaction(*sig, &action, NULL);
    good = mmap(NULL, 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* pages without access end what is read and written */
    mprotect(good, 2 * PAGE, PROT_READ | PROT_WRITE);
    mprotect(good + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
    edge = good + 4 * PAGE;
    pthread_create(&kicker, NULL, kick, &self);
    for (unsigned i = 0; i < count; i++) {
        fill();
        any_call();
        if (below(200) == 0)
            child();
    }
    done = 1;
    printf("%u calls\n", count);
    fflush(stdout);
    _exit(0);
}
