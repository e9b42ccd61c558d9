/* syscall_poll.c: poll and epoll. Descriptors in the script's structures are the script's. */
#include <errno.h>
#include <string.h>
#include "script/call/syscall.h"

enum { POLL_MOST = 64 };

static int live_of(struct call *call, const struct expr *expr)
{
    int script_fd = (int)call_number(call, expr);
    struct fd_entry *fd = fd_find(call->run, script_fd);
    return fd ? fd->live_fd : script_fd < 0 ? script_fd : 9999;
}

static void do_poll(struct call *call)
{
    const struct expr *list = call_argument(call, 0);
    struct pollfd *fds = call_buffer(call, POLL_MOST * sizeof *fds);
    int64_t count = call_integer(call, 1);
    if (list->kind != EXPR_LIST || list->count > POLL_MOST)
        call_fail(call, "expected [{fd=N, events=..., revents=...}, ...]");
    if (count > (int64_t)list->count)
        call_fail(call, "%lld descriptors, and a list of %u", (long long)count, list->count);
    for (unsigned i = 0; i < list->count; i++) {
        static const char *const names[] = {"fd", "events", "revents", NULL};
        call_check_names(call, list->items[i], names);
        const struct expr *fd = call_field(list->items[i], "fd", 0), *events = call_field(list->items[i], "events", 1);
        if (!fd || !events)
            call_fail(call, "expected {fd=N, events=..., revents=...}");
        fds[i].fd = live_of(call, fd);
        fds[i].events = (short)call_number(call, events);
    }
    call_set(call, lil_poll(call->run->proc, fds, (nfds_t)count, (int)call_integer(call, 2)));
    for (unsigned i = 0; i < list->count && call->result >= 0; i++) {
        run_say(call->run, "    revents 0x%x", (unsigned)fds[i].revents);
        const struct expr *revents = call_field(list->items[i], "revents", 2);
        if (!revents || revents->kind == EXPR_ELLIPSIS)
            continue;
        int want = (int)call_number(call, revents);
        if (want != fds[i].revents)
            call_differ(call, "revents[%u] is 0x%x, not 0x%x", i, (unsigned)fds[i].revents, (unsigned)want);
    }
}

static void do_epoll_create(struct call *call)
{
    bool modern = strcmp(call->spec->name, "epoll_create1") == 0;
    int argument = call_is_ellipsis(call, 0) ? 0 : (int)call_integer(call, 0);
    if (!modern && argument <= 0) {
        errno = EINVAL;
        call_set(call, -1);
        return;
    }
    call_set(call, lil_epoll_create1(call->run->proc, modern ? argument : 0));
    call->makes_fd = true;
    call->kind = FD_EPOLL;
}

static const struct expr *event_data(const struct expr *event)
{
    static const char *const names[] = {"fd", "ptr", "u32", "u64", "data"};
    for (int i = 0; i < 5; i++) {
        const struct expr *data = call_field(event, names[i], 1);
        if (data && data->kind == EXPR_STRUCT && data->count)
            data = data->items[0]; /* data={fd=4} */
        if (data)
            return data;
    }
    return NULL;
}

static void read_event(struct call *call, const struct expr *expr, struct epoll_event *event)
{
    const struct expr *events = call_field(expr, "events", 0), *data = event_data(expr);
    static const char *const names[] = {"events", "fd", "ptr", "u32", "u64", "data", NULL};
    memset(event, 0, sizeof *event);
    call_check_names(call, expr, names);
    if (events && events->kind != EXPR_ELLIPSIS)
        event->events = (uint32_t)call_number(call, events);
    if (data && data->kind != EXPR_ELLIPSIS)
        event->data.u64 = (uint64_t)call_number(call, data);
}

static void do_epoll_ctl(struct call *call)
{
    struct epoll_event event;
    int operation = (int)call_integer(call, 1);
    const struct expr *expr = call_argument(call, 3);
    read_event(call, expr, &event);
    bool none = expr->kind == EXPR_NUMBER || expr->kind == EXPR_WORD || (expr->kind == EXPR_ELLIPSIS && operation == EPOLL_CTL_DEL);
    call_set(call, lil_epoll_ctl(call->run->proc, call_live_fd(call, 0), operation, call_live_fd(call, 2), none ? NULL : &event));
}

/* The kernel promises no order: each expected event must be among those that came. */
static void check_events(struct call *call, const struct expr *list, const struct epoll_event *events)
{
    bool used[POLL_MOST] = {false};
    for (unsigned i = 0; list->kind == EXPR_LIST && i < list->count && (int64_t)i < call->result; i++) {
        struct epoll_event want;
        bool found = false, has_data = event_data(list->items[i]) != NULL;
        read_event(call, list->items[i], &want);
        for (int64_t j = 0; j < call->result && !found; j++) {
            found = !used[j] && events[j].events == want.events && (!has_data || events[j].data.u64 == want.data.u64);
            used[j] |= found;
        }
        if (!found)
            call_differ(call, "event %u is {events=0x%x, data=%llu}, not {events=0x%x, data=%llu}", i, events[i].events,
                        (unsigned long long)events[i].data.u64, want.events, (unsigned long long)want.data.u64);
    }
}

static void do_epoll_wait(struct call *call)
{
    struct epoll_event *events = call_buffer(call, POLL_MOST * sizeof *events);
    int most = (int)call_integer(call, 2);
    call_set(call, lil_epoll_wait(call->run->proc, call_live_fd(call, 0), events, most < POLL_MOST ? most : POLL_MOST,
                                  (int)call_integer(call, 3)));
    for (int64_t i = 0; i < call->result; i++)
        run_say(call->run, "    events 0x%x, data %llu", events[i].events, (unsigned long long)events[i].data.u64);
    if (call->result >= 0)
        check_events(call, call_argument(call, 1), events);
}

const struct call_entry call_poll_entries[] = {
    {"poll", 3, 3, do_poll}, {"epoll_create", 1, 1, do_epoll_create}, {"epoll_create1", 1, 1, do_epoll_create},
    {"epoll_ctl", 4, 4, do_epoll_ctl}, {"epoll_wait", 4, 4, do_epoll_wait}, {NULL, 0, 0, NULL}};
