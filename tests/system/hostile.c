/* hostile.c: what a program may do to the launcher by accident or malice. Ends by itself; the lab must survive all of it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in server = {.sin_family = AF_INET};

/* A thread that changes the address while connect() reads it. */
static volatile int racing = 1;
static void *race(void *argument)
{
    struct sockaddr_in *address = argument;
    while (racing) {
        address->sin_family = AF_UNIX;
        address->sin_family = AF_INET;
        address->sin_addr.s_addr ^= htonl(1);
    }
    return NULL;
}

static void race_arguments(void)
{
    static struct sockaddr_in address;
    pthread_t thread;
    address = server;
    pthread_create(&thread, NULL, race, &address);
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
    }
    racing = 0;
    pthread_join(thread, NULL);
}

/* A thread that closes and replaces descriptors under the calls. */
static volatile int shared_fd;
static void *closer(void *argument)
{
    (void)argument;
    while (racing) {
        close(shared_fd);
        dup2(0, shared_fd);
    }
    return NULL;
}

static void race_descriptors(void)
{
    pthread_t thread;
    char c = 0;
    racing = 1;
    shared_fd = 500;
    pthread_create(&thread, NULL, closer, NULL);
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        dup2(fd, shared_fd);
        connect(shared_fd, (struct sockaddr *)&server, sizeof server);
        send(shared_fd, &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        recv(shared_fd, &c, 1, MSG_DONTWAIT);
        close(fd);
    }
    racing = 0;
    pthread_join(thread, NULL);
}

static void bad_pointers(void)
{
    void *bad[] = {NULL, (void *)1, (void *)0x7fffffffffff, (void *)-1L};
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, i & 1 ? SOCK_STREAM : SOCK_DGRAM, 0);
        socklen_t length = 16;
        connect(fd, bad[i], 16);
        connect(fd, bad[i], 1 << 30);
        bind(fd, bad[i], 16);
        sendto(fd, bad[i], 1000, MSG_DONTWAIT | MSG_NOSIGNAL, bad[i], 16);
        recvfrom(fd, bad[i], 1000, MSG_DONTWAIT, bad[i], bad[i]);
        syscall(SYS_sendmsg, fd, bad[i], MSG_DONTWAIT | MSG_NOSIGNAL);
        syscall(SYS_recvmsg, fd, bad[i], MSG_DONTWAIT);
        syscall(SYS_sendmmsg, fd, bad[i], -1, MSG_DONTWAIT);
        syscall(SYS_recvmmsg, fd, bad[i], 1 << 30, MSG_DONTWAIT, bad[i]);
        getsockopt(fd, SOL_SOCKET, SO_ERROR, bad[i], &length);
        getsockopt(fd, SOL_SOCKET, SO_ERROR, bad[i], bad[i]);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, bad[i], 1 << 30);
        getsockname(fd, bad[i], bad[i]);
        syscall(SYS_accept4, fd, bad[i], bad[i], -1);
        syscall(SYS_ioctl, fd, 0x8912, bad[i]);
        syscall(SYS_socket, 1000, -1, -1);
        close(fd);
    }
}

/* Children that die in the middle of every kind of held call. */
static void die_in_calls(void)
{
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            char c[100000];
            prctl(PR_SET_DUMPABLE, 0);
            if (i % 3 == 0)
                server.sin_addr.s_addr = inet_addr("192.0.2.1");
            connect(fd, (struct sockaddr *)&server, sizeof server);
            if (i % 3 == 1)
                recv(fd, c, sizeof c, 0);
            while (send(fd, c, sizeof c, 0) > 0)
                ;
            _exit(0);
        }
        usleep((unsigned)(i * 37 % 3000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static void many_descriptors(int count)
{
    int got = 0, pair[2];
    struct rlimit limit = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &limit);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 0;
        struct iovec iov = {&byte, 1};
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (fd < 0)
            break;
        got++;
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        if (sendmsg(pair[0], &message, MSG_DONTWAIT) < 0)
            close(fd);
        else if (i % 2)
            close(fd);
    }
    printf("passed %d descriptors\n", got);
}

static void fork_and_die(void)
{
    for (int i = 0; i < 100; i++)
        if (fork() == 0) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            connect(fd, (struct sockaddr *)&server, sizeof server);
            if (fork() == 0)
                abort();
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
}

/* Threads by the hundred, each in a call of its own; connect() on a descriptor that another thread closes meanwhile. */
static void *knock(void *unused)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)unused;
    connect(fd, (struct sockaddr *)&server, sizeof server);
    usleep(1000);
    close(fd);
    return NULL;
}

static void *connect_for_ever(void *fd)
{
    struct sockaddr_in hole = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = inet_addr("192.0.2.1")};
    connect(*(int *)fd, (struct sockaddr *)&hole, sizeof hole);
    return NULL;
}

static void many_threads(int count)
{
    pthread_t threads[count], waiting;
    int fd = socket(AF_INET, SOCK_STREAM, 0), started = 0;

    while (started < count && pthread_create(&threads[started], NULL, knock, NULL) == 0)
        started++;
    pthread_create(&waiting, NULL, connect_for_ever, &fd);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    close(fd);
    pthread_detach(waiting); /* it dies in its call */
}

/* Children of every kind: by vfork, in namespaces of their own, traced, stopped, with the socket of a parent that is gone. */
static void strange_children(void)
{
    static const int spaces[] = {0x10000000 /* CLONE_NEWUSER */, 0x40000000 /* NEWNET */, 0x20000000 /* NEWPID */, 0x08000000 /* NEWIPC */};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pid_t pid = vfork();

    if (pid == 0) {
        connect(fd, (struct sockaddr *)&server, sizeof server);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    for (unsigned i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        pid = fork();
        if (pid == 0) {
            unshare(spaces[0] | spaces[i]);
            if (fork() == 0) {
                knock(NULL);
                _exit(0);
            }
            wait(NULL);
            _exit(0);
        }
        if (i % 2 && ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) {
            waitpid(pid, NULL, __WALL);
            ptrace(PTRACE_DETACH, pid, 0, 0);
        }
        kill(pid, SIGSTOP);
        kill(pid, SIGCONT);
        waitpid(pid, NULL, 0);
    }
    for (int i = 0; i < 20; i++)
        if (fork() == 0) {
            send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);
            shutdown(fd, i % 3);
            execl("/bin/true", "true", NULL);
            _exit(0);
        }
    close(fd);
    while (wait(NULL) > 0)
        ;
}

/* Memory of which each first touch waits for a thread of ours, which waits for the lab. */
static void slow_memory(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {.range = {(unsigned long)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &range) < 0)
        return;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    bind(fd, (struct sockaddr *)page, 16);
}

int main(int argc, char **argv)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGPIPE, SIG_IGN);
    server.sin_port = htons(80);
    server.sin_addr.s_addr = inet_addr(argc > 1 ? argv[1] : "203.0.113.10");
    setvbuf(stdout, NULL, _IONBF, 0);
    puts("bad pointers");
    bad_pointers();
    puts("arguments that change");
    race_arguments();
    puts("descriptors that change");
    race_descriptors();
    puts("death in calls");
    die_in_calls();
    puts("fork and die");
    fork_and_die();
    puts("threads");
    many_threads(300);
    puts("children");
    strange_children();
    puts("memory");
    slow_memory();
    many_descriptors(10000);
    puts("still here");
    return 0;
}
