/* test_slab.c: objects that never move, handles that go stale, limits, and the memory an object costs. */
#include "unit/check.h"
#include "base/prng.h"
#include "base/slab.h"
#include "memory.h"

enum { OBJECTS = 3000 };

static void count_visit(void *ctx, void *object, uint32_t slot)
{
    uint32_t *count = ctx;
    uint32_t name;
    memcpy(&name, object, sizeof(name));
    assert_int_equal(name, slot);
    ++*count;
}

static void run_model(size_t size, uint64_t seed)
{
    static struct { uint8_t *object; struct handle handle, stale; } held[OBJECTS];
    memset(held, 0, sizeof(held));
    struct memory m = {0};
    struct pool *pool = memory_pool(&m, 0, false);
    struct slab slab;
    struct prng prng;
    prng_seed(&prng, seed);
    slab_init(&slab, pool, size, 0);
    assert_null(slab_find(&slab, (struct handle){0}));
    uint32_t used = 0;
    for (int i = 0; i < 12000; i++) {
        size_t k = prng_below(&prng, OBJECTS);
        if (held[k].object) {
            assert_ptr_equal(slab_find(&slab, held[k].handle), held[k].object);
            assert_int_equal(held[k].object[size - 1], (uint8_t)k);
            slab_free(&slab, held[k].handle.slot);
            assert_null(slab_find(&slab, held[k].handle));
            held[k].stale = held[k].handle;
            held[k].object = NULL;
            used--;
            continue;
        }
        uint32_t slot;
        uint8_t *object = slab_new(&slab, &slot);
        for (size_t b = 0; b < size; b++)
            assert_int_equal(object[b], 0);
        assert_ptr_equal(slab_get(&slab, slot), object);
        held[k].object = object;
        held[k].handle = slab_handle(&slab, slot);
        assert_true(held[k].handle.generation != 0);
        memset(object, (int)k, size);
        memcpy(object, &slot, sizeof(slot));
        used++;
        assert_int_equal(slab.used, used);
        if (held[k].stale.generation)
            assert_null(slab_find(&slab, held[k].stale));
    }
    uint32_t count = 0;
    slab_each(&slab, count_visit, &count);
    assert_int_equal(count, used);
    uint8_t *object;
    for (uint32_t slot = 0; (object = slab_next(&slab, &slot)); slot++, count--)
        assert_ptr_equal(object, slab_get(&slab, slot));
    assert_int_equal(count, 0);
    slab_fini(&slab);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
    assert_int_equal(m.out, 0);
}

static void test_model(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 24, 100, 256, 1000, 9000};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
        run_model(sizes[i], i + 1);
}

/* An object costs its size and 4 bytes; a slab with few objects is small. */
static void test_cost(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct slab slab;
    slab_init(&slab, pool, 256, 0);
    uint32_t slot;
    assert_non_null(slab_new(&slab, &slot));
    assert_true(pool_bytes(pool) < 12000);
    for (int i = 1; i < 100000; i++)
        assert_non_null(slab_new(&slab, &slot));
    assert_true(pool_bytes(pool) < 100000ull * 260 + 400000);
    slab_fini(&slab);
    pool_unref(pool);
}

static void test_limits(void **state)
{
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct slab slab;
    uint32_t slot, last = 0;
    slab_init(&slab, pool, 40, 10);
    for (int i = 0; i < 10; i++)
        assert_non_null(slab_new(&slab, &last));
    assert_null(slab_new(&slab, &slot));
    slab_free(&slab, last);
    assert_non_null(slab_new(&slab, &slot));
    assert_int_equal(slot, last);
    assert_null(slab_find(&slab, (struct handle){12345678, 1}));
    assert_null(slab_find(&slab, (struct handle){slot, 0}));
    assert_null(slab_find(&slab, (struct handle){slot, 2}));
    slab_fini(&slab);
    pool_unref(pool);
    for (uint64_t limit = 0; limit < 300000; limit += 7001) {
        pool = pool_new(&(struct pool_config){.limit_bytes = limit + 1});
        slab_init(&slab, pool, 200, 0);
        while (slab_new(&slab, &slot))
            ;
        assert_true(pool_bytes(pool) <= limit + 1);
        slab_fini(&slab);
        assert_int_equal(pool_bytes(pool), 0);
        pool_unref(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
