/* spite.c: more of what a program may do to the launcher: aims at it by its number, execs and dies while calls wait,
 * filters of its own, names that look like /proc's fields, no room for descriptors, stops by the dozen. Ends by itself;
 * the lab must survive all of it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in server = {.sin_family = AF_INET};
static pid_t lab;

static int fresh(int type)
{
    int fd = socket(AF_INET, type, 0);
    if (type == SOCK_STREAM && fd >= 0 && connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
        perror("connect");
    return fd;
}

static void *block(void *fd)
{
    char c[1000];
    recv(*(int *)fd, c, sizeof c, 0);
    return NULL;
}

static void wait_for(pid_t pid, const char *what)
{
    int status;
    if (waitpid(pid, &status, 0) != pid)
        perror(what);
}

/* Its own supervisor, by number and in every way that has one. */
static void aim(void)
{
    const int signals[] = {SIGKILL, SIGSTOP, SIGUSR1, SIGSEGV, SIGALRM, SIGRTMIN, SIGPIPE, SIGQUIT};
    siginfo_t info = {.si_code = SI_QUEUE};
    struct rlimit none = {0, 0};
    struct iovec here = {&none, sizeof none}, there = {(void *)0x400000, sizeof none};

    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        kill(lab, signals[i]);
        syscall(SYS_tkill, lab, signals[i]);
        syscall(SYS_tgkill, lab, lab, signals[i]);
        syscall(SYS_rt_sigqueueinfo, lab, signals[i], &info);
        sigqueue(lab, signals[i], (union sigval){0});
    }
    prlimit(lab, RLIMIT_NOFILE, &none, NULL);
    prlimit(lab, RLIMIT_CPU, &none, NULL);
    ptrace(PTRACE_ATTACH, lab, 0, 0);
    process_vm_writev(lab, &here, 1, &there, 1, 0);
    if (kill(lab, 0) < 0)
        puts("the lab is gone");
}

/* exec while other threads of the process, and the one that execs, have calls that wait; by a thread that is not the first, too. */
static void *exec_from_here(void *path)
{
    usleep(2000);
    execl(path, path, NULL);
    return NULL;
}

static void exec_in_calls(void)
{
    for (int i = 0; i < 6; i++) {
        pid_t pid = i % 3 == 2 ? vfork() : fork();
        if (pid == 0) {
            static int fds[8];
            pthread_t thread;
            if (i % 3 == 2)
                execl("/bin/true", "true", NULL);
            for (int j = 0; j < 8; j++) {
                fds[j] = fresh(SOCK_STREAM);
                pthread_create(&thread, NULL, block, &fds[j]);
            }
            if (i % 3 == 0)
                exec_from_here("/bin/true");
            pthread_create(&thread, NULL, exec_from_here, "/bin/true");
            block(&fds[0]);
            _exit(1);
        }
        wait_for(pid, "exec");
    }
}

static void filter_with(uint32_t action, long nr)
{
    struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                                 {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)nr},
                                 {BPF_RET | BPF_K, 0, 0, action},
                                 {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog program = {4, code};
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void own_filters(void)
{
    static const uint32_t actions[] = {SECCOMP_RET_TRACE | 7, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_TRAP,
                                       SECCOMP_RET_USER_NOTIF, SECCOMP_RET_KILL_PROCESS};
    static const long calls[] = {SYS_recvfrom, SYS_getppid, SYS_poll, SYS_close, SYS_clock_nanosleep};
    for (unsigned i = 0; i < 25; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int fd = fresh(SOCK_DGRAM);
            struct pollfd wait = {fd, POLLIN, 0};
            char c;
            filter_with(actions[i / 5], calls[i % 5]);
            sendto(fd, "x", 1, 0, (struct sockaddr *)&server, sizeof server);
            recv(fd, &c, 1, MSG_DONTWAIT);
            syscall(SYS_getppid);
            poll(&wait, 1, 1);
            usleep(100);
            close(fd);
            _exit(0);
        }
        wait_for(pid, "filter");
    }
}

static void odd_settings(void)
{
    static const char *const names[] = {") R 1 1", "\nTgid: 1", "Tgid:\t1", "PPid:\t1", "SigCgt: ffff", "x\nPPid: 1"};
    for (unsigned i = 0; i < 18; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct rlimit few = {3, 3}, cpu = {1, 1};
            int fd = fresh(SOCK_STREAM);
            prctl(PR_SET_NAME, names[i % 6]);
            if (i / 6 == 1) {
                prctl(PR_SET_DUMPABLE, 0);
                prctl(PR_SET_CHILD_SUBREAPER, 1);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                prctl(PR_SET_NO_NEW_PRIVS, 1);
                prctl(PR_SET_TIMERSLACK, 1ul << 40);
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
                prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
            }
            if (i / 6 == 2) {
                unshare(CLONE_FILES | CLONE_FS | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID);
                setrlimit(RLIMIT_CPU, &cpu);
                if (fork() == 0)
                    fd = -1;
            }
            setrlimit(RLIMIT_NOFILE, &few);
            socket(AF_INET, SOCK_STREAM, 0);
            accept(fd, NULL, NULL);
            send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);
            for (int j = 0; j < 40; j++)
                dup2(fd, j + 5);
            setuid(65534);
            close(fd);
            _exit(0);
        }
        wait_for(pid, "setting");
    }
}

/* Memory that goes away, or is another's, under a call that waits for bytes to put there. */
static void *give(void *fd)
{
    usleep(1000);
    send(*(int *)fd, "hello", 5, MSG_NOSIGNAL);
    return NULL;
}

static void memory_goes(void)
{
    for (int i = 0; i < 4; i++) {
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof own;
        int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), accepted;
        pthread_t thread;
        bind(listener, (struct sockaddr *)&own, sizeof own);
        listen(listener, 1);
        getsockname(listener, (struct sockaddr *)&own, &length);
        connect(client, (struct sockaddr *)&own, sizeof own);
        accepted = accept(listener, NULL, NULL);
        pthread_create(&thread, NULL, give, &accepted);
        if (i == 0)
            munmap(page, 4096);
        if (i == 1)
            mprotect(page, 4096, PROT_NONE);
        if (i == 2)
            mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, open("/dev/null", O_RDONLY), 0);
        recvfrom(client, page, i == 3 ? 1ul << 62 : 4096, 0, NULL, NULL);
        pthread_join(thread, NULL);
        close(client), close(accepted), close(listener);
    }
}

/* Threads by the dozen in calls that wait, stopped, continued and killed. */
static void storm(void)
{
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            static int fds[40];
            pthread_t thread;
            for (int j = 0; j < 40; j++) {
                fds[j] = j % 2 ? fresh(SOCK_STREAM) : fresh(SOCK_DGRAM);
                pthread_create(&thread, NULL, block, &fds[j]);
            }
            pause();
        }
        for (int j = 0; j < 10; j++) {
            usleep(2000);
            kill(pid, SIGSTOP);
            if (j % 2 && waitpid(pid, NULL, WUNTRACED) < 0)
                perror("stop");
            kill(pid, SIGCONT);
        }
        kill(pid, i % 2 ? SIGTERM : SIGKILL);
        wait_for(pid, "storm");
    }
}

/* One table of descriptors in two processes; a socket inside its own queue. */
static int share(void *fd)
{
    close(*(int *)fd);
    *(int *)fd = socket(AF_INET, SOCK_STREAM, 0);
    _exit(0);
}

static void tangles(void)
{
    static char stack[2][65536];
    int fd, pair[2];
    char control[CMSG_SPACE(3 * sizeof(int))] = {0}, byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    for (int i = 0; i < 10; i++) {
        fd = fresh(SOCK_STREAM);
        pid_t pid = clone(share, stack[i % 2] + sizeof stack[0], CLONE_FILES | SIGCHLD | (i % 2 ? CLONE_PARENT : 0), &fd);
        send(fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (i % 2 == 0)
            wait_for(pid, "share");
        close(fd);
    }
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(3 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), (int[]){fresh(SOCK_STREAM), pair[0], pair[1]}, 3 * sizeof(int));
    sendmsg(pair[0], &message, 0);
    close(pair[0]), close(pair[1]);
}

/* connect() again, for which the lab puts another file at the descriptor's number, while others close, copy and watch what is there. */
static volatile int again_on;
static void *meddle(void *ctx)
{
    int epoll = epoll_create1(0);
    for (unsigned i = 0; again_on; i++) {
        int fd = (int)(3 + i * 7 % 12);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd == epoll)
            continue;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        if (i % 3 == 0)
            close(fd);
        else if (i % 3 == 1)
            dup2(epoll, fd);
    }
    return ctx;
}

static void again(void)
{
    pthread_t threads[2];
    const struct sockaddr_in refused = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    again_on = 1;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, meddle, NULL);
    for (int i = 0; i < 300; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | (i % 2 ? SOCK_NONBLOCK : 0), 0);
        connect(fd, (const struct sockaddr *)&refused, sizeof refused);
        connect(fd, (const struct sockaddr *)&refused, sizeof refused);
        connect(fd, i % 4 ? (const struct sockaddr *)&server : &nobody, sizeof refused);
        close(fd);
    }
    again_on = 0;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {{"aim", aim},
                 {"exec in calls", exec_in_calls},
                 {"own filters", own_filters},
                 {"odd settings", odd_settings},
                 {"memory goes", memory_goes},
                 {"storm", storm},
                 {"tangles", tangles},
                 {"again", again}};
    struct rlimit no_core = {0, 0};

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IONBF, 0);
    lab = getppid();
    server.sin_port = htons(7);
    server.sin_addr.s_addr = inet_addr("203.0.113.10");
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (argc > 1 && strcmp(argv[1], parts[i].name))
            continue;
        puts(parts[i].name);
        parts[i].run();
    }
    puts("still here");
    return 0;
}
