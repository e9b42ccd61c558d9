/* processors.c: a program that calls the lab often, and looks at its processors meanwhile: sched_getaffinity() says
 * always what it said first; a child made meanwhile has all of them soon; processors that it chooses stay as they are.
 * Prints "kept", and how often /proc showed a thread beside the supervisor (launch/place.c; that is when it is faster:
 * not a thing to be asserted). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static cpu_set_t first;
static char first_line[512];
static int wrong, moved;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void allowed(char line[512])
{
    static char text[8192];
    int fd = open("/proc/thread-self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    char *at;
    close(fd);
    text[n > 0 ? n : 0] = 0;
    at = strstr(text, "Cpus_allowed_list:");
    snprintf(line, 512, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
}

static void call_for(double seconds)
{
    char line[512];
    cpu_set_t own;
    int one = 1;

    for (double end = now() + seconds; now() < end;) {
        for (int i = 0; i < 2000; i++) {
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
            close(fd);
        }
        allowed(line);
        moved += strcmp(line, first_line) != 0;
        if (sched_getaffinity(0, sizeof own, &own) < 0 || !CPU_EQUAL(&own, &first))
            wrong++;
    }
}

int main(void)
{
    char line[512];
    cpu_set_t one;
    int cpu = 0, status;
    pid_t child;

    sched_getaffinity(0, sizeof first, &first);
    allowed(first_line);
    call_for(0.4);
    child = fork();
    if (child == 0) { /* calls nothing until the next look at who is where */
        for (int i = 0; i < 200 && (allowed(line), strcmp(line, first_line)); i++)
            usleep(100000);
        if (strcmp(line, first_line))
            printf("the child has %s, not %s\n", line, first_line);
        _exit(strcmp(line, first_line) != 0);
    }
    call_for(0.6);
    waitpid(child, &status, 0);
    wrong += status != 0;

    while (!CPU_ISSET(cpu, &first))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    first = one;
    allowed(first_line);
    call_for(0.3);
    allowed(line);
    wrong += strcmp(line, first_line) != 0;
    printf("%s; moved %d times\n", wrong ? "not kept" : "kept", moved);
    return wrong != 0;
}
