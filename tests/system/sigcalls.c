/* sigcalls.c: calls that never end with EINTR on a kernel do not here, however many signals come; calls that wait do. Prints what broke. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static int broken;
static void on_child(int sig) { (void)sig, seen++; }
static void must(const char *what, long rc)
{
    if (rc < 0 && errno == EINTR && !broken++)
        printf("%s was broken\n", what);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_child}; /* no SA_RESTART */
    struct timespec t;
    struct timeval v;
    int interrupted = 0;

    sigaction(SIGCHLD, &action, NULL);
    for (int i = 0; i < 300; i++) {
        int before = seen;
        if (fork() == 0)
            _exit(0);
        while (seen == before) {
            int s = socket(AF_INET, SOCK_STREAM, 0), one = 1, f = open("/proc/net/dev", O_RDONLY);
            must("socket", s);
            must("open", f);
            must("setsockopt", setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one));
            must("clock_gettime", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t));
            must("gettimeofday", syscall(SYS_gettimeofday, &v, NULL));
            close(f);
            close(s);
        }
        while (waitpid(-1, NULL, 0) > 0)
            ;
    }
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (fork() == 0) {
        sleep(1);
        _exit(0);
    }
    char byte;
    interrupted = recv(s, &byte, 1, 0) < 0 && errno == EINTR;
    printf("%d broken, recv %s\n", broken, interrupted ? "interrupted" : "went on");
    return 0;
}
