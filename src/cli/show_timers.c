/* show_timers.c: how a host's TCP timers move: started, started again (an ACK put it off), expired, stopped. Nobody in
 * the stack tells of them: at the end of each instant they are compared with those of the last. */
#include <stdlib.h>
#include "cli/show.h"
#include "tcp/tcp.h"

struct known {
    const struct tcp *tcp;
    struct flow flow;
    const char *name; /* static: compared as a pointer */
    uint64_t expires_ns;
    bool runs;        /* at this instant */
};
struct timer_watch {
    struct known *known;
    size_t count, capacity;
};
struct look {
    struct timer_watch *watch;
    const struct tcp *tcp;
    uint64_t now_ns;
    void (*tell)(void *ctx, const char *text);
    void *ctx;
};

struct timer_watch *timer_watch_new(void) { return calloc(1, sizeof(struct timer_watch)); }

void timer_watch_free(struct timer_watch *watch)
{
    if (watch)
        free(watch->known);
    free(watch);
}

/* "1024>13 SYN expired, next 24.000 s"; NEXT_NS 0: it runs no more. */
static void tell(const struct look *look, const struct known *known, uint64_t next_ns)
{
    bool expired = known->expires_ns && known->expires_ns <= look->now_ns; /* 0: it has just begun */
    char text[128], next[48] = "";
    if (next_ns)
        snprintf(next, sizeof next, "%s%llu.%03llu s", expired ? ", next " : "", (next_ns - min_u64(next_ns, look->now_ns)) / NS_PER_S,
                 (next_ns - min_u64(next_ns, look->now_ns)) / NS_PER_MS % 1000);
    snprintf(text, sizeof text, "%u>%u %s %s%s", known->flow.local_port, known->flow.remote_port, known->name,
             expired ? "expired" : next_ns ? "" : "stopped", next);
    look->tell(look->ctx, text);
}

static struct known *find(struct timer_watch *watch, const struct tcp *tcp, const struct flow *flow, const char *name)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->known[i].tcp == tcp && watch->known[i].name == name && flow_equal(&watch->known[i].flow, flow))
            return &watch->known[i];
    return NULL;
}

static struct known *add(struct timer_watch *watch, const struct tcp *tcp, const struct flow *flow, const char *name)
{
    if (watch->count == watch->capacity) {
        watch->capacity = watch->capacity ? 2 * watch->capacity : 64;
        watch->known = realloc(watch->known, watch->capacity * sizeof *watch->known);
        if (!watch->known)
            abort();
    }
    watch->known[watch->count] = (struct known){.tcp = tcp, .flow = *flow, .name = name};
    return &watch->known[watch->count++];
}

static unsigned timers_of(const struct tcp_seen *seen, struct tcp_running_timer timers[TCP_RUNNING_TIMERS])
{
    if (seen->tcb)
        return tcp_get_timers(seen->tcb, timers);
    timers[0] = (struct tcp_running_timer){seen->state == TCPS_TIME_WAIT ? "TIME-WAIT" : "SYN/ACK", seen->deadline_ns};
    return 1;
}

static bool mark(void *ctx, const struct tcp_seen *seen)
{
    const struct look *look = ctx;
    struct tcp_running_timer timers[TCP_RUNNING_TIMERS];
    for (unsigned i = timers_of(seen, timers); i-- > 0;) {
        struct known *known = find(look->watch, look->tcp, seen->flow, timers[i].name);
        if (known)
            known->runs = true;
    }
    return true;
}

static bool see(void *ctx, const struct tcp_seen *seen)
{
    const struct look *look = ctx;
    struct tcp_running_timer timers[TCP_RUNNING_TIMERS];
    unsigned count = timers_of(seen, timers);
    for (unsigned i = 0; i < count; i++) {
        struct known *known = find(look->watch, look->tcp, seen->flow, timers[i].name);
        if (!known)
            known = add(look->watch, look->tcp, seen->flow, timers[i].name);
        if (known->expires_ns != timers[i].expires_ns)
            tell(look, known, timers[i].expires_ns);
        known->expires_ns = timers[i].expires_ns;
    }
    return true;
}

void timer_watch_look(struct timer_watch *watch, struct tcp *tcp, uint64_t now_ns, void (*say)(void *ctx, const char *text), void *ctx)
{
    struct look look = {watch, tcp, now_ns, say, ctx};
    size_t kept = 0;

    tcp_each(tcp, 0, mark, &look);
    for (size_t i = 0; i < watch->count; i++) { /* those that run no more come first: often one makes room for another */
        struct known *known = &watch->known[i];
        bool gone = known->tcp == tcp && !known->runs;
        if (gone)
            tell(&look, known, 0);
        known->runs = false;
        if (!gone)
            watch->known[kept++] = *known;
    }
    watch->count = kept;
    tcp_each(tcp, 0, see, &look);
}
