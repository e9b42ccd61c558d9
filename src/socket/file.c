/* file.c: references and waiters of what descriptors name. The list hangs on one pointer: the first node's prev is a
 * place whose `next` is that pointer, so that a waiter can leave without knowing its file. */
#include "socket/file.h"

void file_ref(struct file *file)
{
    file->refs++;
}

static struct waiter *waiter_of(struct list *node)
{
    return list_entry(node, struct waiter, node);
}

static void file_drop_waiters(struct file *file)
{
    while (file->waiters) {
        struct waiter *waiter = waiter_of(file->waiters);

        proc_unwatch(waiter);
        waiter->wake(waiter, POLLNVAL | POLLHUP);
    }
}

void file_unref(struct file *file)
{
    if (--file->refs > 0)
        return;
    file_drop_waiters(file);
    file->ops->close(file->sockets, file);
}

static struct list *waiters_head(struct file *file)
{
    return container_of(&file->waiters, struct list, next);
}

void file_watch(struct file *file, struct waiter *waiter)
{
    struct list *last = waiters_head(file);

    while (last->next) /* at the end: first come, first told */
        last = last->next;
    last->next = &waiter->node;
    waiter->node.prev = last;
    waiter->node.next = NULL;
}

void proc_unwatch(struct waiter *waiter)
{
    if (!waiter->node.prev)
        return;
    waiter->node.prev->next = waiter->node.next;
    if (waiter->node.next)
        waiter->node.next->prev = waiter->node.prev;
    waiter->node.prev = waiter->node.next = NULL;
}

/* An EPOLLEXCLUSIVE waiter is told only if none was told before it. */
void file_wake(struct file *file, unsigned events)
{
    bool was_exclusive = false;
    struct list *next;

    for (struct list *node = file->waiters; node; node = next) {
        struct waiter *waiter = waiter_of(node);

        next = node->next;
        if (!((waiter->events | POLLERR | POLLHUP) & events))
            continue;
        if (waiter->events & EPOLLEXCLUSIVE) {
            if (was_exclusive)
                continue;
            was_exclusive = true;
        }
        waiter->wake(waiter, events);
    }
}

