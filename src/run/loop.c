/* loop.c: an epoll loop over drivers. Read loop.h. */
#include "run/loop.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "run/clock.h"

enum { LOOP_EVENTS = 16, LOOP_BATCH = 64 };
struct loop_host {
    struct loop_host *next;
    struct lil_host *host;
    uint64_t deadline_ns;
};
struct loop_driver {
    struct loop_driver *next;
    struct loop_host *host;
    struct lil_driver *driver;
    int ifindex;
};
struct loop {
    int epoll;
    struct loop_host *hosts;
    struct loop_driver *drivers;
};

uint64_t loop_now(void)
{
    return clock_monotonic_ns();
}

void loop_sleep_until(uint64_t when_ns)
{
    struct timespec when = {.tv_sec = (time_t)(when_ns / 1000000000u), .tv_nsec = (long)(when_ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
        continue;
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return NULL;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll >= 0)
        return loop;
    free(loop);
    return NULL;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->drivers) {
        struct loop_driver *driver = loop->drivers;
        loop->drivers = driver->next;
        free(driver);
    }
    while (loop->hosts) {
        struct loop_host *host = loop->hosts;
        loop->hosts = host->next;
        free(host);
    }
    close(loop->epoll);
    free(loop);
}

static struct loop_host *find_host(struct loop *loop, const struct lil_host *host)
{
    struct loop_host *entry = loop->hosts;
    while (entry && entry->host != host)
        entry = entry->next;
    return entry;
}

int loop_add_host(struct loop *loop, struct lil_host *host)
{
    if (find_host(loop, host))
        return 0;
    struct loop_host *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    *entry = (struct loop_host){loop->hosts, host, 0};
    loop->hosts = entry;
    return 0;
}

int loop_add_driver(struct loop *loop, struct lil_host *host, int ifindex, struct lil_driver *driver)
{
    struct loop_driver *entry = calloc(1, sizeof(*entry));
    if (!entry || loop_add_host(loop, host) < 0) {
        free(entry);
        return -ENOMEM;
    }
    *entry = (struct loop_driver){loop->drivers, find_host(loop, host), driver, ifindex};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = entry};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, lil_driver_fd(driver), &event) < 0) {
        int error = -errno;
        free(entry);
        return error;
    }
    loop->drivers = entry;
    return 0;
}

/* Polls the hosts whose time has come or that have something to do; returns the earliest deadline of all. */
static uint64_t poll_hosts(struct loop *loop, uint64_t now_ns)
{
    uint64_t first = LIL_NEVER;
    for (struct loop_host *host = loop->hosts; host; host = host->next) {
        if (host->deadline_ns <= now_ns || lil_host_is_due(host->host))
            host->deadline_ns = lil_host_poll(host->host, now_ns);
        first = host->deadline_ns < first ? host->deadline_ns : first;
    }
    return first;
}

static int take_input(struct loop *loop, const struct epoll_event *events, int count, uint64_t now_ns)
{
    for (int i = 0; i < count; i++) {
        const struct loop_driver *entry = events[i].data.ptr;
        int result = lil_driver_input(entry->driver, entry->host->host, entry->ifindex, LOOP_BATCH, now_ns);
        if (result < 0 && result != -EAGAIN)
            return result;
        entry->host->deadline_ns = 0; /* poll it once, after the whole batch */
    }
    /* A driver that said -EAGAIN has room again as a rule: TAP and sockets drain by themselves. */
    for (const struct loop_driver *entry = loop->drivers; entry; entry = entry->next)
        lil_host_writable(entry->host->host, entry->ifindex);
    return 0;
}

int loop_run(struct loop *loop, loop_round_fn *round, void *ctx, uint64_t timeout_ns)
{
    uint64_t start_ns = loop_now(), end_ns = timeout_ns > LIL_NEVER - start_ns ? LIL_NEVER : start_ns + timeout_ns;
    for (;;) {
        struct epoll_event events[LOOP_EVENTS];
        uint64_t now_ns = loop_now(), deadline_ns = poll_hosts(loop, now_ns);
        if (round && !round(ctx, now_ns))
            return 0;
        if (now_ns >= end_ns)
            return 0;
        uint64_t again_ns = poll_hosts(loop, now_ns); /* what the round's calls left */
        deadline_ns = again_ns < deadline_ns ? again_ns : deadline_ns;
        deadline_ns = deadline_ns < end_ns ? deadline_ns : end_ns;
        int count = epoll_wait(loop->epoll, events, LOOP_EVENTS, lil_timeout_ms(deadline_ns, now_ns));
        if (count < 0 && errno != EINTR)
            return -errno;
        int result = take_input(loop, events, count > 0 ? count : 0, loop_now());
        if (result < 0)
            return result;
    }
}
