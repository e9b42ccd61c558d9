/* event.h: what will happen: a binary heap of events ordered by (virtual time, order of scheduling), so that one seed
 * gives one history. An event lies in its owner, knows its place, and can be moved or cancelled. */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H
#include "base/base.h"

struct event {
    uint64_t time_ns, sequence;
    uint32_t position; /* in the heap + 1; 0: not scheduled */
    void (*run)(struct event *event, uint64_t now_ns);
};
struct event_heap {
    struct event **events;
    uint32_t count, capacity;
    uint64_t sequence;
};
void event_heap_fini(struct event_heap *heap);
/* Schedules or moves EVENT; at an equal time it comes behind what is there. Aborts when memory is out. */
void event_set(struct event_heap *heap, struct event *event, uint64_t time_ns);
void event_cancel(struct event_heap *heap, struct event *event);
struct event *event_pop(struct event_heap *heap); /* NULL when empty */
static inline bool event_is_set(const struct event *event)
{
    return event->position != 0;
}
static inline uint64_t event_next(const struct event_heap *heap)
{
    return heap->count ? heap->events[0]->time_ns : LIL_NEVER;
}

#endif
