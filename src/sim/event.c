/* event.c: the heap of events. Read event.h. */
#include "sim/event.h"
#include <stdlib.h>

static bool is_before(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->sequence < b->sequence;
}

static void place(struct event_heap *heap, uint32_t at, struct event *event)
{
    heap->events[at] = event;
    event->position = at + 1;
}

static void sift(struct event_heap *heap, uint32_t at)
{
    struct event *event = heap->events[at];
    while (at > 0 && is_before(event, heap->events[(at - 1) / 2])) {
        place(heap, at, heap->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < heap->count && is_before(heap->events[child + 1], heap->events[child]))
            child++;
        if (child >= heap->count || !is_before(heap->events[child], event))
            break;
        place(heap, at, heap->events[child]);
        at = child;
    }
    place(heap, at, event);
}

void event_heap_fini(struct event_heap *heap)
{
    free(heap->events);
    *heap = (struct event_heap){0};
}

void event_set(struct event_heap *heap, struct event *event, uint64_t time_ns)
{
    event->time_ns = time_ns;
    event->sequence = heap->sequence++;
    if (!event->position) {
        if (heap->count == heap->capacity) {
            uint32_t capacity = heap->capacity ? heap->capacity * 2 : 64;
            struct event **events = realloc(heap->events, capacity * sizeof(*events));
            if (!events)
                abort(); /* a simulated world without memory has no future */
            heap->events = events;
            heap->capacity = capacity;
        }
        place(heap, heap->count++, event);
    }
    sift(heap, event->position - 1);
}

void event_cancel(struct event_heap *heap, struct event *event)
{
    if (!event->position)
        return;
    uint32_t at = event->position - 1;
    event->position = 0;
    struct event *last = heap->events[--heap->count];
    if (last == event)
        return;
    place(heap, at, last);
    sift(heap, at);
}

struct event *event_pop(struct event_heap *heap)
{
    if (!heap->count)
        return NULL;
    struct event *event = heap->events[0];
    event_cancel(heap, event);
    return event;
}
