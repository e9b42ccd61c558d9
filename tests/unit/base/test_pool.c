/* test_pool.c: memory by size class: zeroed, apart from each other, within the limit, counted, and all returned at the
 * end; what is out outlives the last reference to the pool. */
#include <stdlib.h>
#include "unit/check.h"
#include "base/buf.h"
#include "base/prng.h"

enum { OBJECTS = 200, STEPS = 20000, LIMIT = 4 << 20 };
struct ledger {
    int64_t objects;
    unsigned fail_after;
};
static void *allocate(void *ctx, size_t size)
{
    struct ledger *ledger = ctx;
    void *memory = ledger->fail_after && --ledger->fail_after == 0 ? NULL : malloc(size);
    ledger->objects += memory != NULL;
    return memory;
}
static void release(void *ctx, void *memory, size_t size)
{
    (void)size;
    ((struct ledger *)ctx)->objects -= memory != NULL;
    free(memory);
}

struct object {
    uint8_t *bytes, mark;
    size_t size;
};

static void check_and_free(struct pool *pool, struct object *object)
{
    for (size_t i = 0; i < object->size; i++)
        assert_int_equal(object->bytes[i], object->mark);
    pool_free(pool, object->bytes, object->size);
    object->bytes = NULL;
}

static void churn(bool direct)
{
    struct ledger ledger = {0};
    struct pool_config config = {
        .allocate = allocate, .release = release, .ctx = &ledger, .limit_bytes = LIMIT, .direct = direct};
    struct pool *pool = pool_new(&config);
    struct object objects[OBJECTS] = {0};
    struct pool_stats stats;
    struct prng prng;
    unsigned refused = 0;
    prng_seed(&prng, 3);
    for (int step = 0; step < STEPS; step++) {
        struct object *object = &objects[prng_below(&prng, OBJECTS)];
        if (object->bytes) {
            check_and_free(pool, object);
            continue;
        }
        object->size = 1 + prng_below(&prng, 1ull << prng_below(&prng, 17)); /* classes and above them */
        object->mark = (uint8_t)step;
        object->bytes = pool_alloc(pool, object->size);
        if (!object->bytes) {
            refused++;
            continue;
        }
        for (size_t i = 0; i < object->size; i++)
            assert_int_equal(object->bytes[i], 0);
        memset(object->bytes, object->mark, object->size);
        pool_get_stats(pool, &stats);
        assert_true(stats.bytes_now <= LIMIT && stats.bytes_peak <= LIMIT);
    }
    pool_get_stats(pool, &stats);
    assert_int_equal(stats.failures, refused);
    for (int i = 0; i < OBJECTS; i++)
        if (objects[i].bytes)
            check_and_free(pool, &objects[i]);
    pool_get_stats(pool, &stats);
    assert_int_equal(stats.bytes_now, 0);
    pool_unref(pool);
    assert_int_equal(ledger.objects, 0);
}

static void test_churn(void **state)
{
    (void)state;
    churn(false);
    churn(true);
}

static void test_limit(void **state)
{
    struct ledger ledger = {0};
    struct pool *pool = pool_new(
        &(struct pool_config){.allocate = allocate, .release = release, .ctx = &ledger, .limit_bytes = 100000});
    void *memory[64];
    unsigned count = 0;
    (void)state;
    while (count < 64 && (memory[count] = pool_alloc(pool, 10000)))
        count++;
    assert_in_range(count, 5, 10);
    assert_null(packet_copy(pool, (uint8_t[60000]){0}, 60000));
    while (count)
        pool_free(pool, memory[--count], 10000);
    assert_non_null(memory[0] = pool_alloc(pool, 10000)); /* there is room again */
    pool_free(pool, memory[0], 10000);
    pool_unref(pool);
    assert_int_equal(ledger.objects, 0);
}

/* A packet may outlive every host of its pool. */
static void test_outlives(void **state)
{
    struct ledger ledger = {0};
    struct pool *pool = pool_new(&(struct pool_config){.allocate = allocate, .release = release, .ctx = &ledger});
    struct lil_packet *packet = packet_copy(pool, "hello", 5);
    uint8_t bytes[5];
    (void)state;
    pool_unref(pool);
    assert_true(ledger.objects > 0);
    assert_int_equal(packet_read(packet, 0, bytes, 5), 5);
    packet_free(packet);
    assert_int_equal(ledger.objects, 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 6; n++) {
        struct ledger ledger = {.fail_after = n};
        struct pool *pool =
            pool_new(&(struct pool_config){.allocate = allocate, .release = release, .ctx = &ledger, .direct = true});
        void *memory = pool ? pool_alloc(pool, 100) : NULL, *large = pool ? pool_alloc(pool, 1 << 20) : NULL;
        if (memory)
            pool_free(pool, memory, 100);
        if (large)
            pool_free(pool, large, 1 << 20);
        if (pool)
            pool_unref(pool);
        assert_int_equal(ledger.objects, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_churn), cmocka_unit_test(test_limit),
                                       cmocka_unit_test(test_outlives), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
