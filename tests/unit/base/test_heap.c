/* test_heap.c: the heap against a plain array of deadlines. */
#include "unit/check.h"
#include "base/heap.h"
#include "base/prng.h"
#include "memory.h"

enum { ITEMS = 500 };
struct owner {
    uint32_t position[ITEMS];
    uint64_t deadline[ITEMS];
};

static void check_heap(const struct heap *heap, const struct owner *owner)
{
    uint64_t first = UINT64_MAX;
    uint32_t count = 0;
    for (uint64_t i = 0; i < ITEMS; i++) {
        if (owner->position[i] == HEAP_NONE)
            continue;
        count++;
        assert_ptr_equal(heap->entries[owner->position[i]].position, &owner->position[i]);
        assert_int_equal(heap->entries[owner->position[i]].deadline_ns, owner->deadline[i]);
        first = min_u64(first, owner->deadline[i]);
    }
    assert_int_equal(heap->count, count);
    assert_int_equal(heap_first(heap), first);
}

static void test_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct pool *pool = pool_new(NULL);
        struct owner owner;
        struct heap heap;
        struct prng prng;
        prng_seed(&prng, seed);
        memset(owner.position, 0xff, sizeof(owner.position));
        heap_init(&heap, pool);
        assert_int_equal(heap_first(&heap), UINT64_MAX);
        heap_remove(&heap, &owner.position[0]);
        for (int i = 0; i < 3000; i++) {
            uint64_t item = prng_below(&prng, ITEMS);
            if (prng_below(&prng, 3)) {
                owner.deadline[item] = prng_below(&prng, 1000);
                assert_int_equal(heap_set(&heap, &owner.position[item], owner.deadline[item]), 0);
            } else {
                heap_remove(&heap, &owner.position[item]);
                assert_int_equal(owner.position[item], HEAP_NONE);
            }
            if (i % 7 == 0)
                check_heap(&heap, &owner);
        }
        for (uint64_t last = 0; heap.count;) { /* they come out in order */
            assert_true(heap_first(&heap) >= last);
            last = heap_first(&heap);
            heap_remove(&heap, heap.entries[0].position);
        }
        heap_fini(&heap);
        assert_int_equal(pool_bytes(pool), 0);
        pool_unref(pool);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct pool *pool = pool_new(&(struct pool_config){.limit_bytes = 2000});
    struct owner owner;
    struct heap heap;
    memset(owner.position, 0xff, sizeof(owner.position));
    heap_init(&heap, pool);
    uint64_t item = 0;
    while (heap_set(&heap, &owner.position[item], 1000 - item) == 0) {
        owner.deadline[item] = 1000 - item;
        item++;
    }
    assert_in_range(item, 16, 120);
    check_heap(&heap, &owner);
    assert_int_equal(heap_set(&heap, &owner.position[3], 1), 0); /* moving needs none */
    heap_remove(&heap, &owner.position[4]);
    assert_int_equal(heap_set(&heap, &owner.position[4], 2), 0);
    heap_fini(&heap);
    pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
