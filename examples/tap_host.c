/* tap_host.c: one host on a TAP interface, driven by an ordinary epoll loop: a TCP echo server on port 7 that the
 * kernel can talk to:
 *   ./tap_host &  ip addr add 192.0.2.1/24 dev lil0;  ip link set lil0 up;  nc 192.0.2.2 7
 * With --once it sends itself one gratuitous look around (a poll) and ends: what the test runs. 77: no /dev/net/tun
 * here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "lilliput/lilliput.h"

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static int out(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct iovec iov[16];
    int count = lil_packet_iov(packet, iov, 16);

    (void)ifindex;
    if (writev(*(int *)ctx, iov, count) < 0 && errno == EAGAIN)
        return -EAGAIN; /* the host keeps it until lil_host_writable */
    lil_packet_free(packet);
    return 0;
}

static int open_tap(void)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

    strcpy(ifr.ifr_name, "lil0");
    if (tap >= 0 && ioctl(tap, TUNSETIFF, &ifr) < 0) {
        close(tap);
        return -1;
    }
    return tap;
}

static int listen_echo(struct lil_proc *p, int q)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(7)};
    int s = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = s};

    if (lil_bind(p, s, (struct sockaddr *)&sin, sizeof sin) < 0 || lil_listen(p, s, 16) < 0)
        return -1;
    return lil_epoll_ctl(p, q, EPOLL_CTL_ADD, s, &event) < 0 ? -1 : s;
}

static void serve(struct lil_proc *p, int q, int listener)
{
    struct epoll_event events[8];
    char buffer[4096];
    int n;

    while ((n = lil_epoll_wait(p, q, events, 8, 0)) > 0)
        for (int i = 0; i < n; i++) {
            int s = events[i].data.fd;

            if (s == listener) {
                struct epoll_event event = {.events = EPOLLIN, .data.fd = lil_accept4(p, s, NULL, NULL, SOCK_NONBLOCK)};

                lil_epoll_ctl(p, q, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            ssize_t got = lil_read(p, s, buffer, sizeof buffer);

            if (got > 0)
                lil_write(p, s, buffer, (size_t)got);
            else if (got == 0 || errno != EAGAIN)
                lil_close(p, s);
        }
}

int main(int argc, char **argv)
{
    int tap = open_tap(), ep = epoll_create1(0), once = argc > 1 && strcmp(argv[1], "--once") == 0;
    struct epoll_event event = {.events = EPOLLIN}, ready[8];
    uint64_t seed;
    char frame[65536];

    if (tap < 0) {
        perror("/dev/net/tun");
        return 77;
    }
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return 1;
    epoll_ctl(ep, EPOLL_CTL_ADD, tap, &event);
    struct lil_host *h = lil_host_new(&(struct lil_host_config){.profile = "linux", .seed = seed, .now_ns = now()});
    int nic = lil_interface_add(
        h, &(struct lil_interface_config){.kind = LIL_ETHERNET, .mtu = 1500, .transmit = out, .ctx = &tap});
    lil_address_add(h, nic, "192.0.2.2/24");
    struct lil_proc *p = lil_proc_new(h);
    int q = lil_epoll_create1(p, 0), listener = listen_echo(p, q);

    if (listener < 0) {
        perror("listen");
        return 1;
    }
    for (;;) {
        uint64_t due = lil_host_poll(h, now());
        ssize_t n;

        if (once)
            break;
        epoll_wait(ep, ready, 8, lil_timeout_ms(due, now()));
        while ((n = read(tap, frame, sizeof frame)) > 0) {
            struct lil_packet *packet = lil_packet_copy(h, frame, (size_t)n);

            if (packet)
                lil_host_input(h, nic, packet, now());
        }
        lil_host_writable(h, nic);
        lil_host_poll(h, now());
        serve(p, q, listener);
    }
    lil_host_free(h); /* with its sockets and processes */
    puts("tap_host: an interface, an address, a listener: all well");
    return 0;
}
