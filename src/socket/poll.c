/* poll.c: poll() and select(): which of many descriptors are ready, and sleeping until one is (UNP chapter 6). */
#include <limits.h>
#include <stdio.h>
#include "socket/call_border.h"

enum { ALWAYS = POLLERR | POLLHUP };

static uint64_t deadline_of_ms(struct lil_proc *proc, int timeout_ms)
{
    return timeout_ms < 0 ? LIL_NEVER : host_now(proc->sockets->host) + (uint64_t)timeout_ms * NS_PER_MS;
}

static int look(struct lil_proc *proc, struct pollfd *fds, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        struct file *file;

        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        file = proc_file(proc, fds[i].fd);
        if (!file)
            fds[i].revents = POLLNVAL;
        else
            fds[i].revents = (short)(file_events(file) & ((unsigned)fds[i].events | ALWAYS));
        ready += fds[i].revents != 0;
    }
    return ready;
}

static int watch_all(struct lil_proc *proc, const struct pollfd *fds, nfds_t count)
{
    int result = wait_reserve(proc, (uint32_t)count);

    for (nfds_t i = 0; result == 0 && i < count; i++) {
        struct file *file = proc_file(proc, fds[i].fd);

        if (file)
            wait_add(proc, file, (unsigned)fds[i].events);
    }
    return result;
}

static int poll_until(struct lil_proc *proc, struct pollfd *fds, nfds_t count, uint64_t deadline_ns)
{
    for (;;) {
        int result = look(proc, fds, count);

        if (result > 0 || wait_is_inline(proc))
            return result;
        result = watch_all(proc, fds, count);
        if (result == 0)
            result = wait_many(proc, deadline_ns);
        wait_clear(proc);
        if (result == -EAGAIN)
            return look(proc, fds, count);
        if (result < 0)
            return result;
    }
}

static void trace_poll(struct lil_proc *proc, int result, const struct pollfd *fds, nfds_t count, int timeout)
{
    char text[CALL_TEXT] = "", events[CALL_TEXT];
    size_t used = 0;

    for (nfds_t i = 0; i < count && used < 100; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s{fd=%d, revents=%.30s}", i ? ", " : "", fds[i].fd,
                                 call_poll_events((unsigned short)fds[i].revents, events));
    call_trace(proc, result, "poll([%s], %lu, %d)", text, (unsigned long)count, timeout);
}

int lil_poll(struct lil_proc *proc, struct pollfd *fds, nfds_t count, int timeout)
{
    int result = count > INT_MAX / 2          ? -EINVAL
                 : count && call_is_wild(fds) ? -EFAULT
                                              : poll_until(proc, fds, count, deadline_of_ms(proc, timeout));

    if (call_is_traced(proc) && result != -EFAULT)
        trace_poll(proc, result, fds, count, timeout);
    return (int)call_result(result);
}

/* --- select ----------------------------------------------------------------------------------- */
struct sets {
    const fd_set *wanted[3]; /* readable, writable, exceptional */
    fd_set found[3];
    int count;
};
static const unsigned set_events[3] = {POLLIN | POLLRDNORM | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLERR,
                                       POLLPRI};

static unsigned wanted_events(const struct sets *sets, int fd)
{
    unsigned events = 0;

    for (int i = 0; i < 3; i++)
        if (sets->wanted[i] && FD_ISSET(fd, sets->wanted[i]))
            events |= set_events[i];
    return events;
}

static int look_sets(struct lil_proc *proc, struct sets *sets)
{
    int ready = 0;

    memset(sets->found, 0, sizeof sets->found);
    for (int fd = 0; fd < sets->count; fd++) {
        struct file *file;
        unsigned events;

        if (!wanted_events(sets, fd))
            continue;
        file = proc_file(proc, fd);
        if (!file)
            return -EBADF;
        events = file_events(file);
        for (int i = 0; i < 3; i++)
            if (sets->wanted[i] && FD_ISSET(fd, sets->wanted[i]) && events & set_events[i]) {
                FD_SET(fd, &sets->found[i]);
                ready++;
            }
    }
    return ready;
}

static int watch_sets(struct lil_proc *proc, const struct sets *sets)
{
    int result = wait_reserve(proc, (uint32_t)sets->count);

    for (int fd = 0; result == 0 && fd < sets->count; fd++)
        if (wanted_events(sets, fd))
            wait_add(proc, proc_file(proc, fd), wanted_events(sets, fd));
    return result;
}

static int select_until(struct lil_proc *proc, struct sets *sets, uint64_t deadline_ns)
{
    for (;;) {
        int result = look_sets(proc, sets);

        if (result != 0 || wait_is_inline(proc))
            return result;
        result = watch_sets(proc, sets);
        if (result == 0)
            result = wait_many(proc, deadline_ns);
        wait_clear(proc);
        if (result == -EAGAIN)
            return look_sets(proc, sets);
        if (result < 0)
            return result;
    }
}

/* Linux writes the time not slept back. */
static void give_rest(struct lil_proc *proc, struct timeval *timeout, uint64_t deadline_ns)
{
    uint64_t now_ns = host_now(proc->sockets->host), rest_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

    timeout->tv_sec = (time_t)(rest_ns / NS_PER_S);
    timeout->tv_usec = (suseconds_t)(rest_ns % NS_PER_S / NS_PER_US);
}

int lil_select(struct lil_proc *proc, int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
               struct timeval *timeout)
{
    struct sets sets = {.wanted = {readable, writable, exceptional}, .count = count};
    fd_set *given[3] = {readable, writable, exceptional};
    uint64_t deadline_ns = LIL_NEVER;
    int result = 0;

    if (count < 0 || count > FD_SETSIZE || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
        result = -EINVAL;
    if (timeout && result == 0)
        deadline_ns = host_now(proc->sockets->host) + (uint64_t)timeout->tv_sec * NS_PER_S +
                      (uint64_t)timeout->tv_usec * NS_PER_US;
    if (result == 0)
        result = select_until(proc, &sets, deadline_ns);
    for (int i = 0; i < 3 && result >= 0; i++)
        if (given[i])
            *given[i] = sets.found[i];
    if (timeout && result >= 0)
        give_rest(proc, timeout, deadline_ns);
    if (call_is_traced(proc))
        call_trace(proc, result, "select(%d, ...)", count);
    return (int)call_result(result);
}
