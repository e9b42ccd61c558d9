/* world.c: one clock, one seed, one heap of events. Read sim_node.h for the theory, include/lilliput/world.h for the
 * interface. */
#include <stdio.h>
#include <stdlib.h>
#include "sim/sim_node.h"

enum { WORLD_STILL_LIMIT = 5 * 1000 * 1000 }; /* events at one instant: more is a livelock, our bug */

/* --- callbacks at a time ------------------------------------------------------------------------------------------ */
struct world_call {
    struct list list; /* world->calls */
    struct event event;
    struct lil_world *world;
    void (*run)(void *ctx, uint64_t now_ns);
    void (*release)(void *ctx);
    void *ctx;
};

static void world_call_free(struct world_call *call)
{
    if (call->release)
        call->release(call->ctx);
    event_cancel(&call->world->events, &call->event);
    list_remove(&call->list);
    free(call);
}

static void world_sync_hosts(struct lil_world *world)
{
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (node)
            host_node_sync(node, world->now_ns);
    }
}

static void world_call_run(struct event *event, uint64_t now_ns)
{
    struct world_call *call = container_of(event, struct world_call, event);
    world_sync_hosts(call->world);
    call->run(call->ctx, now_ns);
    world_call_free(call);
}

void world_at(struct lil_world *world, uint64_t at_ns, void (*run)(void *ctx, uint64_t now_ns), void *ctx, void (*release)(void *ctx))
{
    struct world_call *call = calloc(1, sizeof(*call));
    if (!call)
        abort();
    *call = (struct world_call){.event.run = world_call_run, .world = world, .run = run, .release = release, .ctx = ctx};
    list_push_back(&world->calls, &call->list);
    world_schedule(world, &call->event, at_ns);
}

void lil_world_at(struct lil_world *world, uint64_t at_ns, void (*run)(void *ctx, uint64_t now_ns), void *ctx)
{
    world_at(world, at_ns, run, ctx, NULL);
}

struct lil_world *lil_world_new(uint64_t seed)
{
    struct lil_world *world = calloc(1, sizeof(*world));
    if (!world)
        return NULL;
    world->seed = seed;
    prng_seed(&world->prng, seed);
    list_init(&world->nodes);
    list_init(&world->links);
    list_init(&world->programs);
    list_init(&world->flights);
    list_init(&world->calls);
    fiber_set_init(&world->fibers);
    world->next_pid = 1;
    return world;
}

void lil_world_free(struct lil_world *world)
{
    if (!world)
        return;
    world->freeing = true;
    world->output = NULL;
    list_each(at, &world->programs) program_unwind(list_entry(at, struct program, list));
    capture_close(world->capture);
    list_each(at, &world->programs) program_free(list_entry(at, struct program, list));
    flights_free(world);
    list_each(at, &world->calls) world_call_free(list_entry(at, struct world_call, list));
    list_each(at, &world->nodes)
    {
        struct lil_node *node = list_entry(at, struct lil_node, list);
        list_remove(&node->list);
        node->ops->free(node);
    }
    list_each(at, &world->links) link_free(list_entry(at, struct lil_link, list));
    while (world->traces) {
        struct sim_trace *trace = world->traces;
        world->traces = trace->next;
        free(trace);
    }
    event_heap_fini(&world->events);
    fiber_set_fini(&world->fibers);
    free(world);
}

uint64_t lil_world_now(const struct lil_world *world)
{
    return world->now_ns;
}

void world_schedule(struct lil_world *world, struct event *event, uint64_t time_ns)
{
    event_set(&world->events, event, max_u64(time_ns, world->now_ns));
}

void node_init(struct lil_node *node, struct lil_world *world, const char *name, const struct sim_node_ops *ops)
{
    node->world = world;
    node->ops = ops;
    node->index = world->node_count++;
    snprintf(node->name, sizeof(node->name), "%s", name);
    list_push_back(&world->nodes, &node->list);
}

/* --- running ------------------------------------------------------------------------------------------------------ */
static void instant_over(struct lil_world *world)
{
    for (const struct sim_tap *tap = world->taps; tap; tap = tap->next)
        if (tap->instant)
            tap->instant(tap->ctx, world->now_ns);
}

static void run_until(struct lil_world *world, uint64_t until_ns)
{
    uint64_t still = 0;
    assert(!world->fibers.current && "a program may not run its own world");
    world->stopped = false;
    while (!world->stopped && event_next(&world->events) <= until_ns && world->events.count) {
        struct event *event = event_pop(&world->events);
        still = event->time_ns == world->now_ns ? still + 1 : 0;
        if (!still)
            instant_over(world);
        assert(still < WORLD_STILL_LIMIT && "livelock");
        INVARIANT(1, event->time_ns >= world->now_ns);
        world->now_ns = event->time_ns;
        event->run(event, world->now_ns);
    }
    instant_over(world);
    if (!world->stopped && until_ns != LIL_NEVER && world->now_ns < until_ns)
        world->now_ns = until_ns;
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (node)
            host_node_tell(node, world->now_ns);
    }
}

uint64_t lil_world_step(struct lil_world *world, uint64_t until_ns)
{
    run_until(world, until_ns);
    return event_next(&world->events);
}

int lil_world_run(struct lil_world *world, uint64_t until_ns)
{
    run_until(world, until_ns);
    return world->status;
}

uint64_t lil_world_next(const struct lil_world *world)
{
    return event_next(&world->events);
}

void lil_world_stop(struct lil_world *world)
{
    world->stopped = true;
}

/* --- observers ---------------------------------------------------------------------------------------------------- */
static void observe_hosts(struct lil_world *world)
{
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (node)
            host_node_observe(node);
    }
}

void lil_world_add_trace(struct lil_world *world, lil_trace_fn *trace, void *ctx)
{
    struct sim_trace *entry = calloc(1, sizeof(*entry)), **last = &world->traces;
    if (!entry)
        abort();
    *entry = (struct sim_trace){.trace = trace, .ctx = ctx};
    while (*last)
        last = &(*last)->next;
    *last = entry;
    observe_hosts(world);
}

void world_add_tap(struct lil_world *world, struct sim_tap *tap)
{
    struct sim_tap **last = &world->taps;
    while (*last)
        last = &(*last)->next;
    tap->next = NULL;
    *last = tap;
    observe_hosts(world);
}

void world_trace(struct lil_world *world, const struct lil_trace *event)
{
    if (world->freeing) /* the last calls of programs that end with the world are nobody's business */
        return;
    if (event->kind == LIL_TRACE_DROP && world->input_drop == LIL_DROP_NONE)
        world->input_drop = event->drop;
    for (const struct sim_trace *entry = world->traces; entry; entry = entry->next)
        entry->trace(entry->ctx, event);
}
