/* mmsg.c: recvmmsg() waits for all messages, with MSG_WAITFORONE for the first; its time limit is looked at after each;
 * SO_RCVTIMEO ends the wait for one. A child sends one message a second. Prints count and seconds of each case. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};

static void expect(int s, const char *what, int flags, int seconds, int sent)
{
    struct mmsghdr messages[4] = {0};
    struct iovec parts[4];
    struct timespec limit = {seconds, 0}, began, ended;
    char text[4][10], rest[10];
    int n;

    for (int i = 0; i < 4; i++) {
        parts[i] = (struct iovec){text[i], sizeof text[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    if (fork() == 0) {
        int out = socket(AF_INET, SOCK_DGRAM, 0);
        for (int i = 0; i < sent; i++) {
            usleep(i ? 1000000 : 1010000);
            sendto(out, "12345", (size_t)i + 1, 0, (struct sockaddr *)&address, sizeof address);
        }
        _exit(0);
    }
    clock_gettime(CLOCK_MONOTONIC, &began);
    n = recvmmsg(s, messages, 4, flags, seconds ? &limit : NULL);
    if (n < 0)
        n = -errno;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%s: %d after %ld s", what, n,
           (ended.tv_sec - began.tv_sec) + (ended.tv_nsec > began.tv_nsec + 500000000) -
               (ended.tv_nsec + 500000000 < began.tv_nsec));
    for (int i = 0; i < n; i++)
        if (messages[i].msg_len != (unsigned)i + 1)
            printf(", message %d has %u bytes", i, messages[i].msg_len);
    puts("");
    wait(NULL);
    usleep(100000);
    while (recvfrom(s, rest, sizeof rest, MSG_DONTWAIT, NULL, NULL) > 0)
        ;
}

int main(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof address;
    struct timeval two = {2, 0};

    setvbuf(stdout, NULL, _IONBF, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(s, (struct sockaddr *)&address, sizeof address);
    getsockname(s, (struct sockaddr *)&address, &length);
    expect(s, "all", 0, 0, 4);
    expect(s, "one", MSG_WAITFORONE, 0, 4);
    expect(s, "limit", 0, 2, 4);
    expect(s, "none", MSG_DONTWAIT, 0, 0);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &two, sizeof two);
    expect(s, "SO_RCVTIMEO", 0, 0, 1);
    expect(s, "SO_RCVTIMEO, nothing", 0, 0, 0);
    return 0;
}
