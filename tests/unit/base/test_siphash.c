/* test_siphash.c: SipHash-1-3's published vectors, the fixed-length forms, and the seeded generator. */
#include "unit/check.h"
#include "base/base.h"
#include "base/prng.h"
#include "base/siphash.h"

static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

/* Key 00 01 .. 0f, input 00 01 .. (n-1). The values are those of CPython's own SipHash-1-3 (hash() of bytes). */
static void test_vectors(void **state)
{
    (void)state;
    static const struct { size_t length; uint64_t hash; } vectors[] = {
        {0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {2, 0x82cb9b024dc7d44d},  {7, 0xd3927d989bb11140},
        {8, 0x369095118d299a8e},  {9, 0x25a48eb36c063de4},  {15, 0xd320d86d2a519956}, {16, 0xcc4fdd1a7d908b66},
        {31, 0x2370dd1f8c21d1bc}, {63, 0x9d199062b7bbb3a8}};
    uint8_t in[64];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++)
        assert_int_equal(siphash(&key, in, vectors[i].length), vectors[i].hash);
    assert_int_equal(siphash24(&key, in, 15), 0xa129ca6149be45e5); /* SipHash-2-4: the paper's appendix A */
    uint64_t w[4];
    memcpy(w, in, sizeof(w));
    assert_int_equal(siphash_2u64(&key, w[0], w[1]), siphash(&key, in, 16));
    assert_int_equal(siphash_4u64(&key, w[0], w[1], w[2], w[3]), siphash(&key, in, 32));
    for (size_t a = 0; a < 64; a++) /* every byte and the length count */
        for (size_t b = 0; b < a; b++)
            assert_int_not_equal(siphash(&key, in, a), siphash(&key, in, b));
    for (size_t i = 0; i < 64; i++) {
        uint64_t before = siphash(&key, in, 64);
        in[i] ^= 1;
        assert_int_not_equal(siphash(&key, in, 64), before);
    }
}

/* xoshiro256** from the state 1, 2, 3, 4: the reference implementation's first numbers. */
static void test_generator(void **state)
{
    (void)state;
    struct prng a = {{1, 2, 3, 4}}, b, c;
    assert_int_equal(prng_next(&a), 11520);
    assert_int_equal(prng_next(&a), 0);
    assert_int_equal(prng_next(&a), 1509978240);
    assert_int_equal(prng_next(&a), 1215971899390074240);
    prng_seed(&a, 42);
    prng_seed(&b, 42);
    prng_seed(&c, 43);
    for (int i = 0; i < 100; i++) {
        uint64_t x = prng_next(&a);
        assert_int_equal(x, prng_next(&b));
        assert_int_not_equal(x, prng_next(&c));
    }
}

static void test_below(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 1);
    assert_int_equal(prng_below(&prng, 0), 0);
    assert_int_equal(prng_below(&prng, 1), 0);
    uint32_t seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[prng_below(&prng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500);
    for (int i = 0; i < 1000; i++)
        assert_true(prng_below(&prng, ((uint64_t)1 << 63) + 5) < ((uint64_t)1 << 63) + 5);
}

/* A child depends on the parent's state and the label, not on what the parent draws later. */
static void test_fork(void **state)
{
    (void)state;
    struct prng a, b, child_a, child_b, other;
    prng_seed(&a, 9);
    b = a;
    prng_fork(&a, 1, &child_a);
    prng_next(&a);
    prng_fork(&b, 1, &child_b);
    assert_memory_equal(&child_a, &child_b, sizeof(child_a));
    prng_seed(&b, 9);
    prng_fork(&b, 2, &other);
    assert_int_not_equal(prng_next(&other), prng_next(&child_a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_generator),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
