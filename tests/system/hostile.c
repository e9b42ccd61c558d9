/* hostile.c: what a program may do to the launcher by accident or malice. Ends by itself; the lab must survive all of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
    many_descriptors(10000);
    puts("still here");
    return 0;
}
