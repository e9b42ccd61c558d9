/* test_event.c: events come in the order of (time, scheduling), also after moves and cancellations. */
#include <stdlib.h>
#include "unit/check.h"
#include "base/prng.h"
#include "sim/event.h"

static void test_order(void **state)
{
    (void)state;
    struct event_heap heap = {0};
    struct event a = {0}, b = {0}, c = {0}, d = {0};
    event_set(&heap, &a, 5);
    event_set(&heap, &b, 5);
    event_set(&heap, &c, 1);
    event_set(&heap, &d, 5);
    event_set(&heap, &a, 5); /* scheduled again: behind the others of its time */
    event_cancel(&heap, &b);
    event_cancel(&heap, &b);
    assert_int_equal(event_next(&heap), 1);
    assert_ptr_equal(event_pop(&heap), &c);
    assert_false(event_is_set(&c));
    assert_ptr_equal(event_pop(&heap), &d);
    assert_ptr_equal(event_pop(&heap), &a);
    assert_null(event_pop(&heap));
    assert_true(event_next(&heap) == LIL_NEVER);
    event_heap_fini(&heap);
}

static void test_many(void **state)
{
    (void)state;
    static struct event events[1000];
    struct event_heap heap = {0};
    struct prng prng;
    prng_seed(&prng, 7);
    for (int i = 0; i < 20000; i++) {
        struct event *event = &events[prng_below(&prng, 1000)];
        if (prng_below(&prng, 4) == 0)
            event_cancel(&heap, event);
        else
            event_set(&heap, event, prng_below(&prng, 100));
    }
    const struct event *previous = NULL;
    for (struct event *event; (event = event_pop(&heap)); previous = event)
        assert_true(!previous || previous->time_ns < event->time_ns ||
                    (previous->time_ns == event->time_ns && previous->sequence < event->sequence));
    event_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
