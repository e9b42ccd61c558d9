/* signals.c: what signals do to calls that block. Every line is what a kernel on its loopback prints too; nothing here
 * is about time: a helper sends each signal when the process sleeps in the call. "handler N": how often it had run when
 * the call returned. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct shared {
    volatile int armed;   /* the next sleep is the call's */
    volatile int handled; /* signals */
} *shared;
static struct sockaddr_in address = {.sin_family = AF_INET};
static int listener, one, other; /* a connection's two ends */
static int udp, full;            /* FULL: a listener whose queue is full */
static void (*second)(void);     /* what the second signal's handler does: it ends the call */
static sigjmp_buf jump;
static int handler_jumps;

static void on_signal(int sig)
{
    (void)sig;
    if (++shared->handled == 2 && second)
        second();
    if (handler_jumps)
        siglongjmp(jump, 1);
}

static void catch(int sig, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(sig, &action, NULL);
}

static char state_of(pid_t pid)
{
    char path[64], text[300], *end;
    int n, fd;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY);
    n = fd < 0 ? 0 : (int)read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    end = strrchr(text, ')');
    return end ? end[2] : 'X';
}

/* Until PID has been asleep at five looks in a row. */
static void wait_asleep(pid_t pid)
{
    for (int looks = 0; looks < 5; usleep(10000)) /* long enough for the supervisor to have received it */
        looks = state_of(pid) == 'S' ? looks + 1 : 0;
}

/* A child that sends this process COUNT signals, each when it sleeps in the call. */
static pid_t helper(int sig, int count)
{
    pid_t parent = getpid(), pid;

    shared->armed = shared->handled = 0;
    fflush(stdout);
    pid = fork();
    if (pid)
        return pid;
    while (!shared->armed)
        usleep(1000);
    for (int i = 0; i < count; i++) {
        wait_asleep(parent);
        kill(parent, sig);
        while (shared->handled <= i && getppid() == parent && sig == SIGUSR1)
            usleep(1000);
    }
    _exit(0);
}

static void report(const char *name, long rc)
{
    int error = errno;
    printf("%s: %ld%s%s, handler %d\n", name, rc, rc < 0 ? " " : "", rc < 0 ? strerrorname_np(error) : "", shared->handled);
}

static void connection(void)
{
    close(one);
    close(other);
    one = socket(AF_INET, SOCK_STREAM, 0);
    connect(one, (struct sockaddr *)&address, sizeof address);
    other = accept(listener, NULL, NULL);
}

/* --- the calls ------------------------------------------------------------------------------------------------------------------ */
static char buffer[1 << 20];
static void fill(int s)
{
    for (int i = 0; i < 5; i++, usleep(50000)) /* an ACK may be delayed */
        while (send(s, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
            i = 0;
}
static void send_byte(void) { (void)!send(other, "x", 1, 0); }
static void send_three(void) { (void)!send(other, "xyz", 3, 0); }
static void send_datagram(void)
{
    struct sockaddr_in to;
    socklen_t length = sizeof to;
    getsockname(udp, (struct sockaddr *)&to, &length);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(s, "d", 1, 0, (struct sockaddr *)&to, length);
    close(s);
}
static void take_all(void)
{
    for (int i = 0; i < 5; i++, usleep(20000))
        while (recv(other, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
            ;
}
static void dial(void)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(s, (struct sockaddr *)&address, sizeof address);
}
static void accept_full(void) { close(accept(full, NULL, NULL)); }

static long do_accept(void)
{
    int s = accept(listener, NULL, NULL);
    if (s < 0)
        return s;
    close(s);
    return 0;
}
static long do_recv(void) { return recv(one, buffer, 100, 0); }
static long do_read(void) { return read(one, buffer, 100); }
static long do_recvmsg(void)
{
    struct iovec v = {buffer, 100};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    return recvmsg(one, &m, 0);
}
static long do_readv(void)
{
    struct iovec v[2] = {{buffer, 10}, {buffer + 10, 90}};
    return readv(one, v, 2);
}
static long do_recvfrom(void)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    return recvfrom(udp, buffer, 100, 0, (struct sockaddr *)&from, &length);
}
static long do_recvmmsg(void)
{
    struct iovec v = {buffer, 100};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
    return recvmmsg(udp, &m, 1, 0, NULL);
}
static long do_waitall(void) { return recv(one, buffer, 3, MSG_WAITALL); }
static long do_send(void) { return send(one, buffer, 1, 0); }
static long do_write(void) { return write(one, buffer, 1); }
static long do_sendmsg(void)
{
    struct iovec v = {buffer, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    return sendmsg(one, &m, 0);
}
static long do_sendfile(void)
{
    static int file = -1;
    off_t at = 7;
    if (file < 0)
        file = open("/proc/self/exe", O_RDONLY);
    long rc = sendfile(one, file, &at, 1);
    return at == 7 + (rc > 0) ? rc : -2;
}
static long do_connect(void)
{
    struct sockaddr_in to;
    socklen_t length = sizeof to;
    getsockname(full, (struct sockaddr *)&to, &length);
    return connect(one, (struct sockaddr *)&to, length);
}
static long do_poll(void)
{
    struct pollfd p = {one, POLLIN, 0};
    return poll(&p, 1, 1000000);
}
static long do_poll_forever(void)
{
    struct pollfd p = {one, POLLIN, 0};
    return poll(&p, 1, -1);
}
static long do_select(void)
{
    struct timeval t = {1000, 0};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(one, &set);
    return select(one + 1, &set, NULL, NULL, &t);
}
static long do_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int e = epoll_create1(0);
    long rc;
    epoll_ctl(e, EPOLL_CTL_ADD, one, &event);
    rc = epoll_wait(e, &event, 1, 1000000);
    int error = errno;
    close(e);
    errno = error;
    return rc;
}
static long do_nanosleep(void)
{
    struct timespec t = {1000, 0};
    return nanosleep(&t, NULL);
}

enum before { NOTHING, CONNECTED, FILLED, FULL_QUEUE, TIMED, TIMED_FULL, TWO_BYTES };
static const struct call {
    const char *name;
    long (*call)(void);
    void (*ends)(void);
    enum before before;
} calls[] = {
    {"accept", do_accept, dial, NOTHING},
    {"recv", do_recv, send_byte, CONNECTED},
    {"read", do_read, send_byte, CONNECTED},
    {"recvmsg", do_recvmsg, send_byte, CONNECTED},
    {"readv", do_readv, send_byte, CONNECTED},
    {"recvfrom of a datagram", do_recvfrom, send_datagram, NOTHING},
    {"recvmmsg", do_recvmmsg, send_datagram, NOTHING},
    {"recv MSG_WAITALL", do_waitall, send_three, CONNECTED},
    {"recv MSG_WAITALL that has a part", do_waitall, send_three, TWO_BYTES},
    {"send", do_send, take_all, FILLED},
    {"write", do_write, take_all, FILLED},
    {"sendmsg", do_sendmsg, take_all, FILLED},
    {"sendfile", do_sendfile, take_all, FILLED},
    {"connect", do_connect, accept_full, FULL_QUEUE},
    {"recv with SO_RCVTIMEO", do_recv, send_byte, TIMED},
    {"connect with SO_SNDTIMEO", do_connect, accept_full, TIMED_FULL},
    {"poll", do_poll, send_byte, CONNECTED},
    {"poll without a limit", do_poll_forever, send_byte, CONNECTED},
    {"select", do_select, send_byte, CONNECTED},
    {"epoll_wait", do_epoll, send_byte, CONNECTED},
    {"nanosleep", do_nanosleep, NULL, NOTHING},
};

static void fill_queue(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof to;

    close(full);
    full = socket(AF_INET, SOCK_STREAM, 0);
    bind(full, (struct sockaddr *)&to, sizeof to);
    listen(full, 0);
    getsockname(full, (struct sockaddr *)&to, &length);
    connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to);
}

static void prepare(enum before before)
{
    struct timeval limit = {1000, 0};

    if (before == FULL_QUEUE || before == TIMED_FULL) {
        fill_queue();
        close(one);
        one = socket(AF_INET, SOCK_STREAM, 0);
    } else if (before != NOTHING) {
        connection();
    }
    if (before == TIMED || before == TIMED_FULL) {
        setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(one, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    if (before == FILLED)
        fill(one);
    if (before == TWO_BYTES)
        (void)!send(other, "ab", 2, 0);
}

static void try_all(int flags)
{
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        pid_t pid;
        long rc;
        prepare(calls[i].before);
        second = calls[i].ends;
        catch(SIGUSR1, flags);
        pid = helper(SIGUSR1, 2);
        shared->armed = 1;
        rc = calls[i].call();
        int error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        errno = error;
        report(calls[i].name, rc);
    }
}

/* --- more than one call ------------------------------------------------------------------------------------------------------ */
static long signalled(int sig, int count, long (*call)(void))
{
    pid_t pid = helper(sig, count);
    long rc;

    shared->armed = 1;
    rc = call();
    int error = errno;
    waitpid(pid, NULL, 0);
    errno = error;
    return rc;
}

static void connect_again(void)
{
    struct pollfd p;
    int error = 0;
    socklen_t length = sizeof error;

    puts("- a connect() that a signal broke");
    catch(SIGUSR1, 0);
    second = NULL;
    prepare(FULL_QUEUE);
    report("first", signalled(SIGUSR1, 1, do_connect));
    accept_full();
    report("second", do_connect());
    report("third", do_connect());
    prepare(FULL_QUEUE);
    report("first", signalled(SIGUSR1, 1, do_connect));
    report("second", signalled(SIGUSR1, 1, do_connect));
    accept_full();
    p = (struct pollfd){one, POLLOUT, 0};
    poll(&p, 1, -1);
    getsockopt(one, SOL_SOCKET, SO_ERROR, &error, &length);
    printf("poll: %s, SO_ERROR %d\n", p.revents == POLLOUT ? "writable" : "?", error);
    report("third", do_connect());
    report("fourth", do_connect());
}

/* UNP 14.2: connect_timeo. */
static void connect_timeo(void)
{
    puts("- a time limit by alarm()");
    prepare(FULL_QUEUE);
    catch(SIGALRM, 0);
    shared->handled = 0;
    alarm(1);
    report("connect", do_connect());
    alarm(0);
    connection();
    shared->handled = 0;
    alarm(1);
    report("recv", do_recv());
    alarm(0);
}

static void ignored_and_blocked(void)
{
    static const int ignored[] = {SIGUSR2, SIGCHLD, SIGURG, SIGWINCH};
    sigset_t set, pending;

    puts("- signals that are ignored or blocked");
    signal(SIGUSR2, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    for (int i = 0; i < 2; i++) {
        pid_t pid, parent = getpid();
        prepare(i ? TIMED : CONNECTED);
        shared->handled = 0;
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            for (unsigned k = 0; k < sizeof ignored / sizeof *ignored; k++) {
                wait_asleep(parent);
                kill(parent, ignored[k]);
            }
            wait_asleep(parent);
            send_byte();
            _exit(0);
        }
        report(i ? "recv with SO_RCVTIMEO" : "recv", do_recv());
        waitpid(pid, NULL, 0);
    }
    catch(SIGUSR1, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    connection();
    shared->handled = 0;
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        wait_asleep(parent);
        kill(parent, SIGUSR1);
        wait_asleep(parent);
        send_byte();
        _exit(0);
    }
    report("recv, blocked", do_recv());
    waitpid(pid, NULL, 0);
    sigpending(&pending);
    printf("pending: %d\n", sigismember(&pending, SIGUSR1));
    /* signalfd beside a socket, and sigwaitinfo */
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo info;
    struct pollfd p[2] = {{fd, POLLIN, 0}, {one, POLLIN, 0}};
    printf("poll of a signalfd: %d", poll(p, 2, -1));
    printf(" %d %d", p[0].revents, p[1].revents);
    printf(", read %zd", read(fd, &info, sizeof info));
    printf(", signal %s\n", info.ssi_signo == SIGUSR1 ? "SIGUSR1" : "?");
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        wait_asleep(parent);
        kill(parent, SIGUSR1);
        _exit(0);
    }
    printf("sigwaitinfo: %s, handler %d\n", sigwaitinfo(&set, NULL) == SIGUSR1 ? "SIGUSR1" : "?", shared->handled);
    waitpid(pid, NULL, 0);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void long_jump(void)
{
    puts("- siglongjmp out of the handler");
    catch(SIGUSR1, SA_RESTART);
    for (int i = 0; i < 3; i++) {
        volatile pid_t pid;
        connection();
        pid = helper(SIGUSR1, 1);
        handler_jumps = 1;
        if (sigsetjmp(jump, 1) == 0) {
            shared->armed = 1;
            report("recv returned", do_recv());
        }
        handler_jumps = 0;
        waitpid(pid, NULL, 0);
        (void)!send(other, "abc", 3, 0);
        report("recv", recv(one, buffer, 2, 0));
        report("recv", recv(one, buffer, 100, MSG_DONTWAIT));
    }
}

/* Parts that were moved are told, whatever sigaction was told. */
static long do_long_write(void) { return write(one, buffer, sizeof buffer) % (long)sizeof buffer > 0; }
static void partial(void)
{
    puts("- a part that was moved");
    catch(SIGUSR1, SA_RESTART);
    second = NULL;
    prepare(TWO_BYTES);
    report("recv MSG_WAITALL", signalled(SIGUSR1, 1, do_waitall));
    report("what is left", recv(one, buffer, 100, MSG_DONTWAIT));
    int small = 4096;
    connection();
    setsockopt(one, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(other, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    report("a long write", signalled(SIGUSR1, 1, do_long_write));
}

static void stopped(int flags, enum before before)
{
    int status;
    pid_t pid;

    catch(SIGUSR1, flags);
    prepare(before);
    fflush(stdout);
    shared->handled = 0;
    pid = fork();
    if (pid == 0) {
        long rc = do_recv();
        report(before == TIMED ? "recv with SO_RCVTIMEO, after a stop" : "recv, after a stop", rc);
        fflush(stdout);
        _exit(0);
    }
    wait_asleep(pid);
    kill(pid, SIGSTOP);
    if (waitpid(pid, &status, WUNTRACED) == pid)
        printf("stopped %d\n", WIFSTOPPED(status));
    fflush(stdout);
    kill(pid, SIGCONT);
    usleep(50000);
    send_byte();
    waitpid(pid, &status, 0);
    printf("exit %d\n", WEXITSTATUS(status));
}

/* --- threads ------------------------------------------------------------------------------------------------------------------- */
static volatile pid_t thread_id;
static void cleanup(void *name) { printf("cleanup of %s\n", (const char *)name); }
static long (*thread_call)(void);
static int asynchronous;

static void *thread_main(void *name)
{
    int before;
    long rc;
    pthread_setcanceltype(asynchronous ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, &before);
    pthread_cleanup_push(cleanup, name);
    thread_id = (pid_t)syscall(SYS_gettid);
    rc = thread_call();
    report(name, rc);
    pthread_cleanup_pop(0);
    return NULL;
}

static pthread_t begin(const char *name, long (*call)(void))
{
    pthread_t thread;
    thread_call = call;
    thread_id = 0;
    pthread_create(&thread, NULL, thread_main, (void *)name);
    while (!thread_id)
        usleep(1000);
    wait_asleep(thread_id);
    return thread;
}

static void cancel(const char *name, long (*call)(void), enum before before, int is_asynchronous)
{
    void *result;
    pthread_t thread;
    prepare(before);
    asynchronous = is_asynchronous;
    thread = begin(name, call);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("%s: %s\n", name, result == PTHREAD_CANCELED ? "cancelled" : "returned");
    asynchronous = 0;
}

static void threads(void)
{
    pthread_t a, b;

    puts("- threads");
    shared->handled = 0;
    second = NULL;
    catch(SIGUSR1, 0);
    connection();
    a = begin("accept of a thread", do_accept);
    b = begin("recv of a thread", do_recv);
    pthread_kill(b, SIGUSR1);
    pthread_join(b, NULL);
    printf("the other sleeps: %d\n", pthread_tryjoin_np(a, NULL) == EBUSY);
    dial();
    pthread_join(a, NULL);
    cancel("recv", do_recv, CONNECTED, 0);
    cancel("accept", do_accept, NOTHING, 0);
    cancel("recvfrom", do_recvfrom, NOTHING, 0);
    cancel("connect", do_connect, FULL_QUEUE, 0);
    cancel("send", do_send, FILLED, 0);
    cancel("recv, asynchronously", do_recv, CONNECTED, 1);
    (void)!send(other, "abc", 3, 0);
    report("recv of what came after", do_recv());
    connection(); /* one signal for the process: one thread takes it */
    shared->handled = 0;
    a = begin("one of two", do_recv);
    b = begin("one of two", do_accept);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    while (!shared->handled)
        usleep(1000);
    usleep(50000);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    printf("returned: %d\n", (pthread_kill(a, 0) != 0 || pthread_tryjoin_np(a, NULL) == 0) + (pthread_tryjoin_np(b, NULL) == 0));
}

int main(int argc, char **argv)
{
    socklen_t length = sizeof address;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1) { /* Ctrl-C */
        catch(SIGINT, 0);
        address = any;
        listener = socket(AF_INET, SOCK_STREAM, 0);
        bind(listener, (struct sockaddr *)&address, sizeof address);
        listen(listener, 5);
        puts("waiting");
        report("accept", do_accept());
        (void)argv;
        return 3;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&address, sizeof address);
    listen(listener, 5);
    getsockname(listener, (struct sockaddr *)&address, &length);
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    bind(udp, (struct sockaddr *)&any, sizeof any);
    full = socket(AF_INET, SOCK_STREAM, 0);
    one = other = -1;
    puts("- without SA_RESTART");
    try_all(0);
    puts("- with SA_RESTART");
    try_all(SA_RESTART);
    connect_again();
    connect_timeo();
    ignored_and_blocked();
    long_jump();
    partial();
    puts("- SIGSTOP and SIGCONT");
    stopped(0, CONNECTED);
    stopped(0, TIMED);
    threads();
    return 0;
}
