/* proc.c: processes: a table of descriptors on a host, lowest free first (POSIX 2.6), found by two levels of bitmap so
 * that opening the 100,000th costs as the first. Descriptors 0-2 stay the system's until dup2 takes them. The first
 * process of a host makes what all its sockets share (struct sockets) and hangs it on the host. */
#include <stdio.h>
#include "socket/netlink.h"

enum { TABLE_STEP = 4096, WORD = 64, DESCRIPTOR_LIMIT = 1 << 26 };

static void sockets_free(void *ctx);
static void sockets_no_port(void *ctx, const struct flow *flow);

static uint32_t sockets_count(void *ctx)
{
    return ((struct sockets *)ctx)->file_count;
}

static struct sockets *sockets_new(struct lil_host *host)
{
    struct sockets *sockets = pool_alloc(host_pool(host), sizeof *sockets);
    struct host_sockets hooks = {
        .ctx = sockets,
        .free = sockets_free,
        .tcp_event = stream_event,
        .tcp_acceptable = stream_acceptable,
        .tcp_no_port = sockets_no_port,
        .udp_event = dgram_event,
        .syn_accept = stream_syn_accept,
        .count = sockets_count,
        .changed = netlink_tell,
    };

    if (!sockets)
        return NULL;
    sockets->host = host;
    sockets->tcp = host_tcp(host);
    sockets->udp = host_udp(host);
    sockets->pool = host_pool(host);
    sockets->profile = host_profile(host);
    sockets->next_pid = 100;
    slab_init(&sockets->slab, sockets->pool, sizeof(struct sock), 0);
    list_init(&sockets->procs);
    list_init(&sockets->members);
    ports_init(&sockets->tcp_ports, sockets, true);
    ports_init(&sockets->udp_ports, sockets, false);
    ports_init(&sockets->ping_ports, sockets, false);
    host_set_sockets(host, &hooks);
    return sockets;
}

/* A hint worthy of the name: a SYN for port 3328 was refused while 13 has a listener. */
static void sockets_no_port(void *ctx, const struct flow *flow)
{
    struct sockets *sockets = ctx;
    uint16_t swapped = (uint16_t)(flow->local_port << 8 | flow->local_port >> 8);
    struct lil_trace event = {.kind = LIL_TRACE_HINT, .local_port = flow->local_port, .remote_port = flow->remote_port};
    char text[64];

    if (swapped == flow->local_port || !host_is_traced(sockets->host) ||
        !ports_has_listener(&sockets->tcp_ports, swapped))
        return;
    memcpy(event.local, flow->local.b, sizeof event.local);
    memcpy(event.remote, flow->remote.b, sizeof event.remote);
    snprintf(text, sizeof text, "byte-swapped %u; htons() missing?", swapped);
    event.text = text;
    host_trace(sockets->host, &event);
}

static void table_release(struct lil_proc *proc)
{
    struct pool *pool = proc->sockets->pool;

    pool_free(pool, proc->table, proc->capacity * sizeof *proc->table);
    pool_free(pool, proc->open, proc->capacity / WORD * sizeof *proc->open);
    pool_free(pool, proc->full, (proc->capacity / WORD + WORD - 1) / WORD * sizeof *proc->full);
}

static int table_grow(struct lil_proc *proc, uint32_t least)
{
    struct lil_proc bigger = *proc;
    struct pool *pool = proc->sockets->pool;
    uint32_t capacity = proc->capacity ? proc->capacity : 64;

    while (capacity < least)
        capacity = capacity < TABLE_STEP ? capacity * 2 : capacity + capacity / 4 / WORD * WORD;
    if (capacity == proc->capacity)
        return 0;
    bigger.capacity = capacity;
    bigger.table = pool_alloc(pool, capacity * sizeof *bigger.table);
    bigger.open = pool_alloc(pool, capacity / WORD * sizeof *bigger.open);
    bigger.full = pool_alloc(pool, (capacity / WORD + WORD - 1) / WORD * sizeof *bigger.full);
    if (!bigger.table || !bigger.open || !bigger.full) {
        if (bigger.table)
            pool_free(pool, bigger.table, capacity * sizeof *bigger.table);
        if (bigger.open)
            pool_free(pool, bigger.open, capacity / WORD * sizeof *bigger.open);
        if (bigger.full)
            pool_free(pool, bigger.full, (capacity / WORD + WORD - 1) / WORD * sizeof *bigger.full);
        return -ENOMEM;
    }
    if (proc->capacity) {
        memcpy(bigger.table, proc->table, proc->capacity * sizeof *proc->table);
        memcpy(bigger.open, proc->open, proc->capacity / WORD * sizeof *proc->open);
        memcpy(bigger.full, proc->full, (proc->capacity / WORD + WORD - 1) / WORD * sizeof *proc->full);
        table_release(proc);
    }
    *proc = bigger;
    return 0;
}

static void mark_open(struct lil_proc *proc, uint32_t fd)
{
    uint64_t *word = &proc->open[fd / WORD];

    *word |= 1ull << fd % WORD;
    if (*word == UINT64_MAX)
        proc->full[fd / WORD / WORD] |= 1ull << fd / WORD % WORD;
    if (fd == proc->lowest)
        proc->lowest++;
}

static void mark_closed(struct lil_proc *proc, uint32_t fd)
{
    proc->open[fd / WORD] &= ~(1ull << fd % WORD);
    proc->full[fd / WORD / WORD] &= ~(1ull << fd / WORD % WORD);
    if (fd < proc->lowest && fd >= proc->reserved)
        proc->lowest = fd;
}

/* The lowest clear bit of OPEN from FROM on, or the capacity. */
static uint32_t lowest_free(const struct lil_proc *proc, uint32_t from)
{
    uint32_t words = proc->capacity / WORD, word = from / WORD;
    uint64_t bits;

    if (word >= words)
        return proc->capacity;
    bits = ~proc->open[word] & UINT64_MAX << from % WORD;
    if (bits)
        return word * WORD + (uint32_t)__builtin_ctzll(bits);
    for (word++; word < words;) {
        uint64_t groups = ~proc->full[word / WORD] & UINT64_MAX << word % WORD;

        if (!groups) {
            word = (word / WORD + 1) * WORD;
            continue;
        }
        word = word / WORD * WORD + (uint32_t)__builtin_ctzll(groups);
        if (word < words)
            return word * WORD + (uint32_t)__builtin_ctzll(~proc->open[word]);
    }
    return proc->capacity;
}

int proc_next(struct lil_proc *proc, int from)
{
    uint32_t first = (uint32_t)from > proc->reserved ? (uint32_t)from : proc->reserved;
    uint32_t fd = first > proc->lowest ? first : proc->lowest;

    if (fd < proc->capacity && fd < proc->limit && !(proc->open[fd / WORD] >> fd % WORD & 1))
        return (int)fd;
    if (first >= proc->limit)
        return -EMFILE;
    if (first >= proc->capacity && table_grow(proc, first + 1) < 0)
        return -ENOMEM;
    fd = lowest_free(proc, first);
    if (fd >= proc->limit)
        return -EMFILE;
    if (fd >= proc->capacity && table_grow(proc, fd + 1) < 0)
        return -ENOMEM;
    return (int)fd;
}

int proc_at(struct lil_proc *proc, int fd)
{
    if (fd < 0 || (uint32_t)fd >= proc->limit)
        return -EBADF;
    return (uint32_t)fd >= proc->capacity ? table_grow(proc, (uint32_t)fd + 1) : 0;
}

void proc_put(struct lil_proc *proc, int fd, struct file *file, bool cloexec)
{
    mark_open(proc, (uint32_t)fd);
    proc->table[fd] = (uintptr_t)file | (cloexec ? DESCRIPTOR_CLOEXEC : 0);
}

int proc_close(struct lil_proc *proc, int fd, bool may_wait)
{
    struct file *file = proc_file(proc, fd);

    if (!file)
        return -EBADF;
    proc->table[fd] = 0;
    mark_closed(proc, (uint32_t)fd);
    if (may_wait && file->refs == 1 && file->ops->linger) {
        int result = file->ops->linger(proc, file);

        file_unref(file);
        return result;
    }
    file_unref(file);
    return 0;
}

bool proc_get_cloexec(const struct lil_proc *proc, int fd)
{
    return proc->table[fd] & DESCRIPTOR_CLOEXEC;
}

void proc_set_cloexec(struct lil_proc *proc, int fd, bool on)
{
    proc->table[fd] = (proc->table[fd] & ~(uintptr_t)DESCRIPTOR_CLOEXEC) | (on ? DESCRIPTOR_CLOEXEC : 0);
}

bool proc_is_privileged(const struct lil_proc *proc)
{
    return proc->uid == 0;
}

/* --- public ----------------------------------------------------------------------------------- */
struct lil_proc *lil_proc_new(struct lil_host *host)
{
    struct sockets *sockets = host_get_sockets(host);
    struct lil_proc *proc;

    if (!sockets)
        sockets = sockets_new(host);
    proc = sockets ? pool_alloc(sockets->pool, sizeof *proc) : NULL;
    if (!proc) {
        errno = ENOMEM;
        return NULL;
    }
    proc->sockets = sockets;
    proc->reserved = proc->lowest = 3;
    proc->limit = DESCRIPTOR_LIMIT;
    proc->pid = sockets->next_pid++;
    list_push_back(&sockets->procs, &proc->node);
    return proc;
}

static void proc_release(struct lil_proc *proc)
{
    struct pool *pool = proc->sockets->pool;

    if (proc->capacity)
        table_release(proc);
    if (proc->many)
        pool_free(pool, proc->many, proc->many_capacity * sizeof *proc->many);
    list_remove(&proc->node);
    pool_free(pool, proc, sizeof *proc);
}

void lil_proc_close_all(struct lil_proc *proc)
{
    wait_clear(proc); /* of a call that will not return */
    for (uint32_t fd = 0; fd < proc->capacity; fd++)
        if (proc->table[fd])
            (void)proc_close(proc, (int)fd, false);
}

bool lil_is_open(const struct lil_proc *proc, int fd)
{
    return proc_file(proc, fd) != NULL;
}

void lil_proc_free(struct lil_proc *proc)
{
    if (!proc)
        return;
    proc->runtime = NULL; /* nobody is to be woken any more */
    lil_proc_close_all(proc);
    if (lil_current() == proc)
        lil_set_current(NULL);
    proc_release(proc);
}

/* The host goes: files are freed, connections vanish without a word (they are TCP's and UDP's, which host frees). */
static void sockets_free(void *ctx)
{
    struct sockets *sockets = ctx;

    sockets->is_dying = true;
    while (!list_is_empty(&sockets->procs))
        lil_proc_free(list_entry(sockets->procs.next, struct lil_proc, node));
    ports_fini(&sockets->tcp_ports);
    ports_fini(&sockets->udp_ports);
    ports_fini(&sockets->ping_ports);
    slab_fini(&sockets->slab);
    pool_free(sockets->pool, sockets, sizeof *sockets);
}

struct lil_host *lil_proc_host(const struct lil_proc *proc)
{
    return proc->sockets->host;
}

void lil_proc_set_uid(struct lil_proc *proc, unsigned uid)
{
    proc->uid = uid;
}

void lil_proc_set_limit(struct lil_proc *proc, unsigned descriptors)
{
    proc->limit = descriptors < DESCRIPTOR_LIMIT ? descriptors : DESCRIPTOR_LIMIT;
}

void lil_proc_set_pid(struct lil_proc *proc, int pid)
{
    proc->pid = pid;
}

int lil_proc_pid(const struct lil_proc *proc)
{
    return proc->pid;
}

void proc_set_runtime(struct lil_proc *proc, const struct proc_runtime *runtime)
{
    proc->runtime = runtime;
}

const struct proc_runtime *proc_get_runtime(const struct lil_proc *proc)
{
    return proc->runtime;
}

int proc_poll_events(struct lil_proc *proc, int fd)
{
    struct file *file = proc_file(proc, fd);

    return file ? (int)file_events(file) : -EBADF;
}

int proc_watch(struct lil_proc *proc, int fd, struct waiter *waiter)
{
    struct file *file = proc_file(proc, fd);

    if (!file)
        return -EBADF;
    file_watch(file, waiter);
    return 0;
}
