/* test_table.c: the hash table against a plain array, with good hashes and with bad ones. */
#include "unit/check.h"
#include "base/prng.h"
#include "base/siphash.h"
#include "base/table.h"
#include "memory.h"

enum { KEYS = 2000 };
static uint64_t keys[KEYS];

static bool key_equal(const void *ctx, const void *key, uint32_t value)
{
    assert_ptr_equal(ctx, keys);
    assert_true(value < KEYS);
    uint64_t k;
    memcpy(&k, key, sizeof(k));
    return keys[value] == k;
}

/* kind 0: siphash; 1: few distinct hashes; 2: hashes that lie at the table's end; 3: zero */
static uint64_t key_hash(uint64_t key, int kind)
{
    static const struct siphash_key secret = {1, 2};
    uint64_t hash = siphash_2u64(&secret, key, 0);
    return kind == 0 ? hash : kind == 1 ? hash % 50 : kind == 2 ? 0xfffffff0 | (hash & 15) : 0;
}

static void run_model(int kind, int steps)
{
    struct pool *pool = pool_new(NULL);
    struct table table;
    struct prng prng;
    static bool in[KEYS];
    memset(in, 0, sizeof(in));
    prng_seed(&prng, (uint64_t)kind + 10);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = prng_next(&prng);
    table_init(&table, pool);
    assert_int_equal(table_find(&table, 1, &keys[0], key_equal, keys), TABLE_NONE);
    assert_false(table_remove(&table, 1, 1));
    uint32_t count = 0;
    for (int i = 0; i < steps; i++) {
        uint32_t k = (uint32_t)prng_below(&prng, kind == 3 ? 100 : KEYS);
        uint64_t hash = key_hash(keys[k], kind);
        assert_int_equal(table_find(&table, hash, &keys[k], key_equal, keys), in[k] ? k : TABLE_NONE);
        if (in[k] && i % 3 == 0) { /* another holder of the same key, and back */
            assert_true(table_replace(&table, hash, k, KEYS + 1));
            assert_false(table_replace(&table, hash, k, KEYS + 2));
            assert_true(table_replace(&table, hash, KEYS + 1, k));
            continue;
        }
        if (in[k]) {
            assert_true(table_remove(&table, hash, k));
            assert_false(table_remove(&table, hash, k));
        } else {
            assert_int_equal(table_insert(&table, hash, k), 0);
        }
        in[k] = !in[k];
        count += in[k] ? 1 : -1u;
        assert_int_equal(table.count, count);
    }
    for (uint32_t k = 0; k < KEYS; k++)
        assert_int_equal(table_find(&table, key_hash(keys[k], kind), &keys[k], key_equal, keys), in[k] ? k : TABLE_NONE);
    table_fini(&table);
    assert_int_equal(pool_bytes(pool), 0);
    pool_unref(pool);
}

static void test_model(void **state)
{
    (void)state;
    run_model(0, 40000);
    run_model(1, 10000);
    run_model(2, 5000);
    run_model(3, 3000);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct pool *pool = pool_new(&(struct pool_config){.limit_bytes = 3000});
    struct table table;
    table_init(&table, pool);
    uint32_t n = 0;
    while (table_insert(&table, key_hash(n, 0), n % KEYS) == 0)
        n++;
    assert_in_range(n, 64, 200);
    assert_int_equal(table.count, n);
    table_fini(&table);
    pool_unref(pool);
}

static bool never_equal(const void *ctx, const void *key, uint32_t value)
{
    (void)ctx, (void)key, (void)value;
    return false;
}

/* Keys whose hashes lie in rows of eight neighbours, as those of a destination's ports in a row: a look costs what it costs among
 * scattered keys (at half full 2.5 entries on average for a key that is not there; side by side it would be many more). */
static void test_rows(void **state)
{
    enum { ROW = 8, ENTRIES = 32700 /* of 65,536 */ };
    (void)state;
    struct pool *pool = pool_new(NULL);
    struct table table;
    static const struct siphash_key secret = {1, 2};
    table_init(&table, pool);
    for (uint32_t i = 0; i < ENTRIES; i++)
        assert_int_equal(table_insert(&table, (siphash_2u64(&secret, i / ROW, 0) & 0xfffffff8) | i % ROW, i), 0);
    assert_int_equal(table.mask, 65535);
    uint64_t looks = 0;
    for (uint32_t home = 0; home <= table.mask; home++)
        for (uint32_t i = home; looks++, table.entries[i].hash; i = (i + 9) & table.mask)
            ;
    assert_in_range(looks / (table.mask + 1), 1, 3);
    for (uint32_t i = 0; i < ENTRIES; i += 2)
        assert_true(table_remove(&table, (siphash_2u64(&secret, i / ROW, 0) & 0xfffffff8) | i % ROW, i));
    for (uint32_t i = 0; i < ENTRIES; i++)
        assert_int_equal(table_replace(&table, (siphash_2u64(&secret, i / ROW, 0) & 0xfffffff8) | i % ROW, i, i), i % 2);
    assert_int_equal(table_find(&table, 8, &secret, never_equal, NULL), TABLE_NONE);
    table_fini(&table);
    pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_rows), cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
