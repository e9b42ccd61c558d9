/* epoll.c: epoll(7): an item watches a file and puts itself on its instance's ready list at each edge; epoll_wait takes
 * from that list only, O(ready). Level-triggered items go back to its end while they are ready; edge-triggered ones
 * wait for the next edge; one-shot ones are disarmed. An instance is a file and may itself be watched. */
#include "socket/call_border.h"

enum {
    PRIVATE_BITS = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP,
    ALWAYS_BITS = EPOLLERR | EPOLLHUP,
    /* all that may go with it (epoll_ctl(2)) */
    EXCLUSIVE_BITS = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE,
    NESTING = 5
};
struct epoll {
    struct file file;
    struct list ready, all;
};
struct epoll_item {
    struct waiter waiter;   /* on the file */
    struct list ready, all; /* on the instance's lists */
    struct epoll *epoll;
    struct file *file; /* borrowed: its end ends the item */
    int fd;
    uint32_t events; /* as given; only PRIVATE_BITS left: disarmed */
    uint64_t data;
};
static const struct file_ops epoll_ops;

static struct epoll *epoll_of(struct file *file)
{
    return file && file->ops == &epoll_ops ? container_of(file, struct epoll, file) : NULL;
}

static bool is_armed(const struct epoll_item *item)
{
    return item->events & ~(uint32_t)PRIVATE_BITS;
}

static unsigned ready_events(const struct epoll_item *item)
{
    return is_armed(item) ? file_events(item->file) & item->events : 0;
}

static void item_free(struct epoll_item *item)
{
    struct sockets *sockets = item->epoll->file.sockets;

    proc_unwatch(&item->waiter);
    list_remove(&item->ready);
    list_remove(&item->all);
    pool_free(sockets->pool, item, sizeof *item);
}

static void item_wake(struct waiter *waiter, unsigned events)
{
    struct epoll_item *item = container_of(waiter, struct epoll_item, waiter);

    if (events & POLLNVAL) { /* the file is gone */
        item_free(item);
        return;
    }
    if (!is_armed(item))
        return;
    if (!list_is_linked(&item->ready))
        list_push_back(&item->epoll->ready, &item->ready);
    if (item->epoll->file.waiters)
        file_wake(&item->epoll->file, POLLIN | POLLRDNORM);
}

static struct epoll_item *item_find(struct epoll *epoll, const struct file *file, int fd)
{
    for (struct list *node = file->waiters; node; node = node->next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        struct epoll_item *item = container_of(waiter, struct epoll_item, waiter);

        if (waiter->wake == item_wake && item->epoll == epoll && item->fd == fd)
            return item;
    }
    return NULL;
}

static void item_check(struct epoll_item *item)
{
    if (ready_events(item))
        item_wake(&item->waiter, POLLIN);
}

/* Would watching FILE from EPOLL make a circle, or a chain too long? */
static int check_nesting(const struct epoll *epoll, struct file *file, int depth)
{
    struct epoll *inner = epoll_of(file);

    if (!inner)
        return 0;
    if (inner == epoll || depth >= NESTING)
        return -ELOOP;
    list_each(node, &inner->all)
    {
        int result = check_nesting(epoll, list_entry(node, struct epoll_item, all)->file, depth + 1);

        if (result < 0)
            return result;
    }
    return 0;
}

static int item_add(struct epoll *epoll, struct file *file, int fd, const struct epoll_event *event)
{
    struct epoll_item *item;
    int result = check_nesting(epoll, file, 1);

    if (result < 0)
        return result;
    if (event->events & EPOLLEXCLUSIVE && (event->events & ~(uint32_t)EXCLUSIVE_BITS || epoll_of(file)))
        return -EINVAL;
    item = pool_alloc(epoll->file.sockets->pool, sizeof *item);
    if (!item)
        return -ENOMEM;
    item->waiter.wake = item_wake;
    item->epoll = epoll;
    item->file = file;
    item->fd = fd;
    item->events = item->waiter.events = event->events | ALWAYS_BITS;
    item->data = event->data.u64;
    list_init(&item->ready);
    list_push_back(&epoll->all, &item->all);
    file_watch(file, &item->waiter);
    item_check(item);
    return 0;
}

static int control(struct lil_proc *proc, int epfd, int operation, int fd, const struct epoll_event *event)
{
    struct file *file = proc_file(proc, fd), *instance = proc_file(proc, epfd);
    struct epoll *epoll = epoll_of(instance);
    struct epoll_item *item;

    if (!file || !instance)
        return -EBADF;
    if (!epoll || file == instance)
        return -EINVAL;
    if (operation != EPOLL_CTL_DEL && !event)
        return -EFAULT;
    item = item_find(epoll, file, fd);
    switch (operation) {
    case EPOLL_CTL_ADD:
        return item ? -EEXIST : item_add(epoll, file, fd, event);
    case EPOLL_CTL_DEL:
        if (!item)
            return -ENOENT;
        item_free(item);
        return 0;
    case EPOLL_CTL_MOD:
        if (!item)
            return -ENOENT;
        if ((item->events | event->events) & EPOLLEXCLUSIVE)
            return -EINVAL;
        item->events = item->waiter.events = event->events | ALWAYS_BITS;
        item->data = event->data.u64;
        item_check(item);
        return 0;
    default:
        return -EINVAL;
    }
}

/* --- the instance as a file ------------------------------------------------------------------- */
static unsigned epoll_events(struct file *file)
{
    struct epoll *epoll = epoll_of(file);

    list_each(node, &epoll->ready)
    {
        struct epoll_item *item = list_entry(node, struct epoll_item, ready);

        if (ready_events(item))
            return POLLIN | POLLRDNORM;
        list_remove(&item->ready);
    }
    return 0;
}

static void epoll_close(struct sockets *sockets, struct file *file)
{
    struct epoll *epoll = epoll_of(file);

    list_each(node, &epoll->all) item_free(list_entry(node, struct epoll_item, all));
    sockets->file_count--;
    pool_free(sockets->pool, epoll, sizeof *epoll);
}

static const struct file_ops epoll_ops = {.events = epoll_events, .close = epoll_close};

static int create(struct lil_proc *proc, int flags)
{
    struct sockets *sockets = proc->sockets;
    struct epoll *epoll;
    int fd;

    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    if (!sockets->profile->socket.has_epoll)
        return -ENOSYS;
    fd = proc_next(proc, 0);
    if (fd < 0)
        return fd;
    epoll = pool_alloc(sockets->pool, sizeof *epoll);
    if (!epoll)
        return -ENOMEM;
    epoll->file.ops = &epoll_ops;
    epoll->file.sockets = sockets;
    epoll->file.refs = 1;
    list_init(&epoll->ready);
    list_init(&epoll->all);
    sockets->file_count++;
    proc_put(proc, fd, &epoll->file, flags & EPOLL_CLOEXEC);
    return fd;
}

/* --- waiting ---------------------------------------------------------------------------------- */
/* Takes at most MAX ready items. Only those on the list now are looked at: a level-triggered one that goes back to the
 * end is met again by the next call. */
static int collect(struct epoll *epoll, struct epoll_event *events, int max)
{
    struct list seen;
    int count = 0;

    list_init(&seen);
    while (count < max) {
        struct list *node = list_pop_front(&epoll->ready);
        struct epoll_item *item;
        unsigned found;

        if (!node)
            break;
        item = list_entry(node, struct epoll_item, ready);
        found = ready_events(item);
        if (!found)
            continue;
        events[count].events = found;
        events[count++].data.u64 = item->data;
        if (item->events & EPOLLONESHOT)
            item->events = item->waiter.events = item->events & PRIVATE_BITS;
        else if (!(item->events & EPOLLET))
            list_push_back(&seen, node);
    }
    for (struct list *node; (node = list_pop_front(&seen));)
        list_push_back(&epoll->ready, node);
    return count;
}

static int wait_ready(struct lil_proc *proc, int epfd, struct epoll_event *events, int max, int timeout)
{
    struct file *file = proc_file(proc, epfd);
    struct epoll *epoll = epoll_of(file);
    uint64_t deadline_ns = LIL_NEVER;

    if (!file)
        return -EBADF;
    if (!epoll || max <= 0)
        return -EINVAL;
    if (timeout >= 0)
        deadline_ns = host_now(proc->sockets->host) + (uint64_t)timeout * NS_PER_MS;
    for (;;) {
        int result = collect(epoll, events, max);

        if (result > 0 || timeout == 0 || wait_is_inline(proc))
            return result;
        result = wait_file(proc, file, POLLIN, deadline_ns);
        if (result == -EAGAIN)
            return collect(epoll, events, max);
        if (result < 0)
            return result;
    }
}

/* --- public ----------------------------------------------------------------------------------- */
int lil_epoll_create1(struct lil_proc *proc, int flags)
{
    int result = create(proc, flags);

    if (call_is_traced(proc))
        call_trace(proc, result, "epoll_create1(%s)", flags & EPOLL_CLOEXEC ? "EPOLL_CLOEXEC" : "0");
    return (int)call_result(result);
}

int lil_epoll_ctl(struct lil_proc *proc, int epfd, int operation, int fd, struct epoll_event *event)
{
    static const char *const words[] = {"?", "EPOLL_CTL_ADD", "EPOLL_CTL_DEL", "EPOLL_CTL_MOD"};
    int result = operation != EPOLL_CTL_DEL && call_is_wild(event) ? -EFAULT : control(proc, epfd, operation, fd, event);

    if (call_is_traced(proc)) {
        char text[CALL_TEXT];

        call_trace(proc, result, "epoll_ctl(%d, %s, %d, {%s})", epfd,
                   words[operation > 0 && operation < 4 ? operation : 0], fd,
                   !call_is_wild(event) ? call_poll_events(event->events & 0xffff, text) : "NULL");
    }
    return (int)call_result(result);
}

int lil_epoll_wait(struct lil_proc *proc, int epfd, struct epoll_event *events, int max, int timeout)
{
    int result = max > 0 && call_is_wild(events) ? -EFAULT : wait_ready(proc, epfd, events, max, timeout);

    if (call_is_traced(proc))
        call_trace(proc, result, "epoll_wait(%d, %d, %d)", epfd, max, timeout);
    return (int)call_result(result);
}
