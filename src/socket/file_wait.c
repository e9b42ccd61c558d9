/* file_wait.c: the one place where a call waits (host/runtime.h): watch one file or many, hand the process to its runtime,
 * look again. The entries live in the process, not on the caller's stack, so that a process that ends while it sleeps
 * leaves nothing behind. Inline there is no runtime: the call would block. */
#include "socket/sock.h"

static void entry_wake(struct waiter *waiter, unsigned events)
{
    struct wait_entry *entry = container_of(waiter, struct wait_entry, waiter);
    const struct proc_runtime *runtime = entry->proc->runtime;

    (void)events;
    if (runtime && runtime->wake)
        runtime->wake(runtime->ctx, entry->proc);
}

static void entry_set(struct wait_entry *entry, struct lil_proc *proc, struct file *file, unsigned events)
{
    entry->waiter.events = events;
    entry->waiter.wake = entry_wake;
    entry->proc = proc;
    entry->file = file;
    file_ref(file);
    file_watch(file, &entry->waiter);
}

static void entry_clear(struct wait_entry *entry)
{
    struct file *file = entry->file;

    proc_unwatch(&entry->waiter);
    entry->file = NULL;
    if (file)
        file_unref(file);
}

uint64_t wait_deadline(struct lil_proc *proc, uint64_t timeout_ns)
{
    uint64_t now_ns = host_now(proc->sockets->host);

    return timeout_ns == 0 || timeout_ns >= LIL_NEVER - now_ns ? LIL_NEVER : now_ns + timeout_ns;
}

static int sleep_now(struct lil_proc *proc, uint64_t deadline_ns)
{
    const struct proc_runtime *runtime = proc->runtime;
    int result = runtime->wait(runtime->ctx, proc, deadline_ns);

    return result == -ETIMEDOUT ? -EAGAIN : result;
}

int wait_file(struct lil_proc *proc, struct file *file, unsigned events, uint64_t deadline_ns)
{
    int result;

    if (!proc->runtime || proc->one.file)
        return -EAGAIN;
    if (deadline_ns <= host_now(proc->sockets->host))
        return -EAGAIN;
    entry_set(&proc->one, proc, file, events);
    result = sleep_now(proc, deadline_ns);
    entry_clear(&proc->one);
    return result;
}

void wait_add(struct lil_proc *proc, struct file *file, unsigned events)
{
    assert(proc->many_count < proc->many_capacity);
    entry_set(&proc->many[proc->many_count++], proc, file, events);
}

int wait_many(struct lil_proc *proc, uint64_t deadline_ns)
{
    if (!proc->runtime || deadline_ns <= host_now(proc->sockets->host))
        return -EAGAIN;
    return sleep_now(proc, deadline_ns);
}

void wait_clear(struct lil_proc *proc)
{
    while (proc->many_count > 0)
        entry_clear(&proc->many[--proc->many_count]);
    if (proc->one.file)
        entry_clear(&proc->one);
}

int wait_reserve(struct lil_proc *proc, uint32_t count)
{
    struct pool *pool = proc->sockets->pool;
    struct wait_entry *many;
    uint32_t capacity = 16;

    if (count <= proc->many_capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    many = pool_alloc(pool, capacity * sizeof *many);
    if (!many)
        return -ENOMEM;
    pool_free(pool, proc->many, proc->many_capacity * sizeof *many);
    proc->many = many;
    proc->many_capacity = capacity;
    return 0;
}
