/* keepalive.c: fast mode: SO_KEEPALIVE of a stream. The inner end has this option itself, so that setting it is no notified
 * call (servers set it on each connection that they accept), and nothing tells of it. But it does nothing before a
 * connection was idle for TCP_KEEPIDLE: so we look then, again each time that this has passed, and before somebody is shown
 * the stack's timers. The stack then counts from when something came last, as if it had been told at once. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/desc.h"

static const uint64_t grain_ns = 64 * NS_PER_MS; /* no two rounds of looks within it */

static int idle_seconds(const struct desc *desc)
{
    int seconds;
    socklen_t length = sizeof seconds;
    return lil_getsockopt(desc->program->proc, desc->lil_fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, &length) < 0 ? 0 : seconds;
}

void keepalive_expect(struct desc *desc)
{
    struct launcher *l = desc->launcher;
    int seconds;

    if (l->exact || desc->kind != DESC_STREAM || desc->state != DESC_OPEN || desc->lil_fd < 0)
        return;
    seconds = idle_seconds(desc);
    desc->keep_due_ns = seconds > 0 ? l->now_ns + (uint64_t)seconds * NS_PER_S : LIL_NEVER;
    l->keep_due_ns = min_u64(l->keep_due_ns, desc->keep_due_ns);
}

void keepalive_inherit(int listener, int inner)
{
    int on = 0;
    socklen_t length = sizeof on;

    if (getsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, &length) == 0 && on)
        setsockopt(inner, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void look(struct desc *desc)
{
    struct lil_proc *proc = desc->program->proc;
    int inner = desc_find_inner(desc), on = desc->keeps_alive, seconds;
    socklen_t length = sizeof on;

    if (inner < 0)
        return;
    getsockopt(inner, SOL_SOCKET, SO_KEEPALIVE, &on, &length);
    close(inner);
    if (on == desc->keeps_alive || lil_setsockopt(proc, desc->lil_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0)
        return;
    desc->keeps_alive = on;
    seconds = idle_seconds(desc);
    if (on)
        lil_setsockopt(proc, desc->lil_fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds); /* counts from then */
}

void keepalive_turn(struct launcher *l, bool all)
{
    if (!all && l->now_ns < l->keep_due_ns)
        return;
    l->keep_due_ns = LIL_NEVER;
    list_each(node, &l->descs) {
        struct desc *desc = list_entry(node, struct desc, node);
        if (!desc->keep_due_ns || desc->state != DESC_OPEN || desc->lil_fd < 0 || desc->hung_up)
            continue;
        if (all || desc->keep_due_ns <= l->now_ns)
            look(desc);
        if (desc->keep_due_ns <= l->now_ns)
            keepalive_expect(desc);
        l->keep_due_ns = min_u64(l->keep_due_ns, desc->keep_due_ns);
    }
    l->keep_due_ns = max_u64(l->keep_due_ns, l->now_ns + grain_ns);
}
