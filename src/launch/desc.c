/* desc.c: a socket of a program: the inner end that the program has, the outer end that we have, and the lil_ socket.
 * Read DESCRIPTORS in launch.h first. Here: identity (by the inner end's cookie), making the ends, the events of the outer
 * end, and service: what happens after the lil_ socket changed. Masks were compared with real TCP's: LAUNCHER.md. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "socket/file.h"

enum { SMALL_BUFFER = 2304, OPEN_BUFFER = 212992, TABLE_FIRST = 256 };
enum { CHUNK = 1 << 17 }; /* the pump's */

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0 ? 0 : cookie;
}

/* --- the table by cookie: linear probing; cookies are distinct and dense ---------------------------------------------- */
static unsigned slot_of(const struct launcher *l, uint64_t cookie)
{
    unsigned i = (unsigned)(cookie * 0x9e3779b97f4a7c15ull >> 32) & l->table_mask;
    while (l->table[i] && l->table[i]->cookie != cookie)
        i = (i + 1) & l->table_mask;
    return i;
}

static int table_grow(struct launcher *l)
{
    unsigned size = l->table ? (l->table_mask + 1) * 2 : TABLE_FIRST;
    struct desc **old = l->table, **table = calloc(size, sizeof(struct desc *));
    unsigned old_size = old ? l->table_mask + 1 : 0;

    if (!table)
        return -ENOMEM;
    l->table = table;
    l->table_mask = size - 1;
    for (unsigned i = 0; i < old_size; i++)
        if (old[i])
            l->table[slot_of(l, old[i]->cookie)] = old[i];
    free(old);
    return 0;
}

static int table_add(struct launcher *l, struct desc *desc)
{
    if ((!l->table || l->table_count * 2 > l->table_mask) && table_grow(l) < 0)
        return -ENOMEM;
    l->table[slot_of(l, desc->cookie)] = desc;
    l->table_count++;
    return 0;
}

static void table_remove_desc(struct launcher *l, struct desc *desc)
{
    unsigned i = slot_of(l, desc->cookie);
    if (l->table[i] != desc)
        return;
    l->table[i] = NULL;
    l->table_count--;
    for (unsigned j = (i + 1) & l->table_mask; l->table[j]; j = (j + 1) & l->table_mask) { /* close the gap */
        struct desc *moved = l->table[j];
        l->table[j] = NULL;
        l->table[slot_of(l, moved->cookie)] = moved;
    }
}

struct desc *desc_find_identity(struct launcher *l, uint64_t identity)
{
    return l->table && identity ? l->table[slot_of(l, identity)] : NULL;
}

struct desc *desc_find(struct launcher *l, int fd) { return desc_find_identity(l, cookie_of(fd)); }

/* --- life ----------------------------------------------------------------------------------------------------------------- */
static void on_lil_change(struct waiter *waiter, unsigned events)
{
    struct desc *desc = container_of(waiter, struct desc, waiter);
    desc->woken |= events;
    desc_dirty(desc);
}

struct desc *desc_of_file(const struct file *file)
{
    for (struct list *node = file->waiters; node; node = node->next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        if (waiter->wake == on_lil_change)
            return container_of(waiter, struct desc, waiter);
    }
    return NULL;
}

void desc_dirty(struct desc *desc)
{
    if (!list_is_linked(&desc->dirty_node))
        list_push_back(&desc->launcher->dirty, &desc->dirty_node);
}

static void on_outer(struct source *source, uint32_t events)
{
    struct desc *desc = container_of(source, struct desc, outer);
    struct launcher *l = desc->launcher;

    l->progress = true;
    if (desc->end_shown && !(events & EPOLLERR))
        return; /* the program still has it */
    desc->readable |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    desc->stays_readable |= (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    desc->hung_up |= (events & EPOLLHUP) != 0;
    desc->is_urgent |= (events & EPOLLPRI) != 0;
    if (events & EPOLLHUP && (l->exact || desc->state != DESC_OPEN)) {
        if (l->exact && desc->state == DESC_OPEN && desc->kind == DESC_STREAM && !desc->fill)
            desc_pump(desc); /* what was written natively; frees it when the last byte is with the stack */
        else
            desc_program_closed(desc);
        return;
    }
    desc_dirty(desc);
}

/* Room is an event only where it is waited for: else each read of the program would wake us. Datagrams: that one was read. */
enum { OUTER_EVENTS = EPOLLIN | EPOLLPRI | EPOLLRDHUP };

static int watch_outer(struct desc *desc, int fd)
{
    desc->outer = (struct source){fd, on_outer};
    desc->wants_room = desc->kind == DESC_DGRAM;
    return launcher_watch(desc->launcher, &desc->outer, OUTER_EVENTS | EPOLLET | (desc->wants_room ? EPOLLOUT : 0));
}

void desc_want_room(struct desc *desc)
{
    if (desc->wants_room || desc->outer.fd < 0)
        return;
    desc->wants_room = true; /* and from now on: a reader that was slow once often is again */
    launcher_rewatch(desc->launcher, &desc->outer, OUTER_EVENTS | EPOLLOUT | EPOLLET);
}

static void note_identity(struct desc *desc, int inner)
{
    struct stat status;
    if (fstat(inner, &status) == 0)
        desc->inode = status.st_ino;
    desc->cookie = desc->launcher->keeps_inner ? desc->inode : cookie_of(inner);
    if (desc->launcher->keeps_inner)
        desc->kept_fd = fcntl(inner, F_DUPFD_CLOEXEC, 3);
}

struct desc *desc_new(struct program *program, enum desc_kind kind, int lil_fd, bool connected, int flags, int *inner)
{
    struct desc *desc = calloc(1, sizeof *desc);
    int ends[2] = {-1, -1};

    if (!desc)
        return NULL;
    desc->launcher = program->launcher;
    desc->program = program;
    desc->kind = kind;
    desc->lil_fd = lil_fd;
    desc->outer.fd = desc->kept_fd = -1;
    list_init(&desc->held);
    list_init(&desc->dirty_node);
    if (kind == DESC_STREAM && !connected) {
        ends[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    } else if (socketpair(AF_UNIX, (kind == DESC_STREAM ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC | flags, 0, ends) == 0) {
        desc->state = DESC_OPEN;
        watch_outer(desc, ends[1]);
    }
    if (ends[0] < 0 || (note_identity(desc, ends[0]), table_add(program->launcher, desc) < 0)) {
        close(ends[0]);
        if (desc->kept_fd >= 0)
            close(desc->kept_fd);
        free(desc);
        return NULL;
    }
    list_push_back(&program->launcher->descs, &desc->node);
    desc->waiter.events = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP | POLLPRI;
    desc->waiter.wake = on_lil_change;
    desc->woken = desc->waiter.events; /* what came before we watched */
    proc_watch(program->proc, lil_fd, &desc->waiter);
    *inner = ends[0];
    return desc;
}

/* What it is and what was set on it stays. */
static void forget_connection(struct desc *desc)
{
    desc_close_outer(desc);
    desc->state = DESC_NEW;
    desc->fill = desc->tokens = 0;
    desc->error = desc->net_error = 0;
    desc->is_urgent = desc->shows_urgent = desc->is_told = desc->has_lingered = false;
    desc->fin_shown = desc->fin_sent = desc->is_reset = desc->end_shown = false;
    desc->readable = desc->hung_up = desc->wants_room = desc->stays_readable = false;
    free(desc->to_net);
    free(desc->to_program);
    desc->to_net = desc->to_program = NULL;
    desc->to_net_length = desc->to_net_offset = desc->to_program_length = desc->to_program_offset = 0;
}

int desc_replace_inner(struct desc *desc, int inner)
{
    forget_connection(desc);
    table_remove_desc(desc->launcher, desc);
    if (desc->kept_fd >= 0)
        close(desc->kept_fd);
    note_identity(desc, inner);
    desc->woken = desc->waiter.events;
    return table_add(desc->launcher, desc);
}

void desc_close_outer(struct desc *desc)
{
    lend_end(desc);
    if (desc->outer.fd >= 0)
        close(desc->outer.fd); /* leaves the epoll by itself: there is no other descriptor of it */
    desc->outer.fd = -1;
}

static void close_lil(struct desc *desc)
{
    if (desc->lil_fd < 0)
        return;
    proc_unwatch(&desc->waiter);
    lil_close(desc->program->proc, desc->lil_fd);
    desc->lil_fd = -1;
}

void desc_free(struct desc *desc)
{
    struct launcher *l = desc->launcher;

    if (desc->state == DESC_CLOSED)
        return;
    close_lil(desc);
    desc->state = DESC_CLOSED;
    desc_close_outer(desc);
    if (desc->kept_fd >= 0)
        close(desc->kept_fd);
    desc->kept_fd = -1;
    while (!list_is_empty(&desc->held)) {
        struct call *call = list_entry(desc->held.next, struct call, node);
        notify_reply(call, -EBADF);
        notify_free(call);
    }
    if (desc->returned) {
        close(desc->returned_inner);
        desc_free(desc->returned);
    }
    table_remove_desc(l, desc);
    list_remove(&desc->dirty_node);
    list_remove(&desc->node);
    free(desc->to_net);
    free(desc->to_program);
    list_push_back(&l->dead, &desc->node); /* events of this turn may still point here */
}

void desc_remember_names(struct desc *desc)
{
    desc->local_length = sizeof desc->local;
    desc->remote_length = sizeof desc->remote;
    if (lil_getsockname(desc->program->proc, desc->lil_fd, (struct sockaddr *)&desc->local, &desc->local_length) < 0)
        desc->local_length = 0;
    if (lil_getpeername(desc->program->proc, desc->lil_fd, (struct sockaddr *)&desc->remote, &desc->remote_length) < 0)
        desc->remote_length = 0;
}

void desc_program_closed(struct desc *desc)
{
    if (desc->launcher->exact || desc->kind == DESC_DGRAM || desc->state != DESC_OPEN)
        desc_free(desc);
    else
        desc_dirty(desc); /* the pump frees it when the last byte is with the stack */
}

/* --- making the ends ---------------------------------------------------------------------------------------------------- */
static void set_send_buffer(int fd, int bytes) { setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes); }

/* Fast mode: what lies in the pair comes on top of the stack's buffers. A program that made those small shall find them small. */
static void size_pair(struct desc *desc, int inner)
{
    set_send_buffer(inner, desc->pair_out ? desc->pair_out : OPEN_BUFFER);
    if (desc->pair_in)
        set_send_buffer(desc->outer.fd, desc->pair_in);
}

void desc_size_pair(struct desc *desc, int inner, bool out, int bytes)
{
    *(out ? &desc->pair_out : &desc->pair_in) = bytes < SMALL_BUFFER ? SMALL_BUFFER : bytes < CHUNK ? bytes : CHUNK;
    if (desc->state == DESC_OPEN && desc->outer.fd >= 0)
        size_pair(desc, inner);
}

void desc_inherit_pair(struct desc *desc, int inner, const struct desc *listener)
{
    desc->pair_out = listener->pair_out;
    desc->pair_in = listener->pair_in;
    desc->resets_at_close = listener->resets_at_close;
    desc->keeps_urgent = listener->keeps_urgent;
    if (desc->keeps_urgent)
        setsockopt(inner, SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int));
    if (desc->pair_out || desc->pair_in)
        size_pair(desc, inner);
}

void desc_fill(struct desc *desc, int inner)
{
    static const char filler[16384];
    ssize_t n;
    while ((n = send(inner, filler, sizeof filler, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        desc->fill += (unsigned)n;
}

void desc_drain_fill(struct desc *desc)
{
    char dump[16384];
    while (desc->fill && desc->outer.fd >= 0) {
        size_t want = desc->fill < sizeof dump ? desc->fill : sizeof dump;
        ssize_t n = recv(desc->outer.fd, dump, want, MSG_DONTWAIT);
        if (n <= 0)
            break;
        desc->fill -= (unsigned)n;
    }
}

static void opened(struct desc *desc)
{
    struct program_record *record = &desc->program->record;

    desc->state = DESC_OPEN;
    desc->error = 0;
    if (record->error && record->call && !strcmp(record->call, "connect"))
        record->error = 0, record->call = NULL; /* a later address answered */
    desc_remember_names(desc);
    keepalive_expect(desc);
}

static int join_hub(struct launcher *l, int inner)
{
    int fd = -1;

    if (connect(inner, (struct sockaddr *)l->hub.name, l->hub.length) < 0)
        return -errno;
    do { /* the hub's abstract name is open to anyone: take only what we connected ourselves */
        struct ucred peer = {0};
        socklen_t length = sizeof peer;
        if (fd >= 0)
            close(fd);
        fd = accept4(l->hub.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return -errno;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == l->pid)
            break;
    } while (true);
    return fd;
}

int desc_attach_hub(struct desc *desc, int inner)
{
    int fd;

    set_send_buffer(inner, SMALL_BUFFER);
    fd = join_hub(desc->launcher, inner);
    if (fd < 0)
        return fd;
    desc_fill(desc, inner);
    return watch_outer(desc, fd);
}

int desc_attach_open(struct desc *desc, int inner)
{
    int fd = join_hub(desc->launcher, inner), rc;

    if (fd < 0)
        return fd;
    /* The edge that an epoll with EPOLLET, set up before connect(), waits for: an AF_UNIX connect() alone wakes nobody. */
    set_send_buffer(inner, OPEN_BUFFER);
    rc = watch_outer(desc, fd);
    if (rc == 0) {
        if (desc->pair_out || desc->pair_in)
            size_pair(desc, inner);
        opened(desc);
    }
    return rc;
}

static bool holds_inner(struct desc *desc, int fd)
{
    if (fd >= 0 && desc_find(desc->launcher, fd) == desc)
        return true;
    if (fd >= 0)
        close(fd);
    return false;
}

/* Where it was seen last, or by a search through the programs' descriptors: after dup and close, or in another process. */
int desc_find_inner(struct desc *desc)
{
    char wanted[64], path[300], link[64];
    DIR *proc;
    int fd;

    if (desc->launcher->keeps_inner)
        return desc->kept_fd < 0 ? -1 : fcntl(desc->kept_fd, F_DUPFD_CLOEXEC, 3);
    fd = desc->last_tid ? memory_get_fd(desc->last_tid, desc->last_fd) : -1;
    if (holds_inner(desc, fd))
        return fd;
    snprintf(wanted, sizeof wanted, "socket:[%lu]", (unsigned long)desc->inode);
    proc = opendir("/proc");
    fd = -1;
    for (struct dirent *process; proc && fd < 0 && (process = readdir(proc));) {
        DIR *fds;
        if (process->d_name[0] < '1' || process->d_name[0] > '9' || atoi(process->d_name) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%.16s/fd", process->d_name);
        fds = opendir(path);
        for (struct dirent *entry; fds && fd < 0 && (entry = readdir(fds));) {
            snprintf(path, sizeof path, "/proc/%.16s/fd/%.16s", process->d_name, entry->d_name);
            ssize_t n = readlink(path, link, sizeof link - 1);
            if (n <= 0 || (link[n] = 0, strcmp(link, wanted)))
                continue;
            fd = memory_get_fd(atoi(process->d_name), atoi(entry->d_name));
            if (!holds_inner(desc, fd))
                fd = -1;
        }
        if (fds)
            closedir(fds);
    }
    if (proc)
        closedir(proc);
    return fd;
}

/* --- changes of state ------------------------------------------------------------------------------------------------------- */
void desc_established(struct desc *desc)
{
    opened(desc);
    if (!desc->launcher->exact) {
        int inner = desc_find_inner(desc);
        if (inner >= 0) {
            size_pair(desc, inner);
            close(inner);
        }
    }
    desc_drain_fill(desc);
}

int desc_take_error(int inner)
{
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(inner, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

void desc_failed(struct desc *desc, int error)
{
    desc->state = DESC_FAILED;
    desc->error = error;
    desc_close_outer(desc); /* with filler unread: IN OUT ERR HUP RDHUP, as a failed connect() shows */
    desc->fill = 0;
}

void desc_reset(struct desc *desc)
{
    int inner;

    if (desc->is_reset || desc->outer.fd < 0)
        return;
    desc->is_reset = true;
    inner = desc_find_inner(desc);
    if (inner >= 0) { /* one unread byte: the close below then says ECONNRESET after what is still to be read */
        (void)!send(inner, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(inner);
    }
    desc_close_outer(desc);
    if (desc->launcher->exact)
        return; /* it goes on asking it */
    desc_remember_names(desc);
    close_lil(desc);
}

void desc_end_connecting(struct desc *desc)
{
    int error = 0, events = proc_poll_events(desc->program->proc, desc->lil_fd);
    socklen_t length = sizeof error;

    if (!(events & (POLLOUT | POLLERR | POLLHUP)))
        return;
    lil_getsockopt(desc->program->proc, desc->lil_fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error)
        desc_failed(desc, error);
    else
        desc_established(desc);
}

static void service(struct desc *desc)
{
    if (desc->woken & ~(unsigned)(POLLOUT | POLLWRNORM))
        desc->program->record.heard_ns = desc->launcher->now_ns;
    if (desc->lil_fd >= 0 && desc->state == DESC_CONNECTING)
        desc_end_connecting(desc);
    list_each(node, &desc->held) {
        notify_retry(list_entry(node, struct call, node));
        if (desc->state == DESC_CLOSED)
            return;
    }
    if (desc->lil_fd < 0)
        return;
    if (desc->launcher->exact || desc->state == DESC_LISTENING) {
        desc_sync(desc, -1);
        if (desc->state == DESC_OPEN && desc->kind == DESC_STREAM && !desc->fill)
            desc_pump(desc); /* what was written natively (io_submit, pwritev2): no such call is notified */
    }
    else if (desc->state == DESC_OPEN) {
        desc_pump(desc);
        list_each(node, &desc->held) /* fast: those that wait for the inner end's queue */
            notify_retry(list_entry(node, struct call, node));
    }
}

void desc_service_all(struct launcher *l)
{
    struct list round;

    /* One round: what becomes dirty meanwhile waits for the next turn of the world. */
    list_init(&round);
    while (!list_is_empty(&l->dirty))
        list_push_back(&round, list_pop_front(&l->dirty));
    while (!list_is_empty(&round)) {
        struct desc *desc = list_entry(list_pop_front(&round), struct desc, dirty_node);
        l->progress = true;
        service(desc);
    }
}
