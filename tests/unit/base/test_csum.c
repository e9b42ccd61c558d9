/* test_csum.c: RFC 1071: every variant against bytes added one by one, at all small lengths and offsets. */
#include "unit/check.h"
#include "base/base.h"
#include "base/csum.h"
#include "base/prng.h"

enum { SIZE = 1 << 16 };
static uint8_t data[SIZE + 64], copy[SIZE + 128];

/* The definition: 16-bit words in network order, a last odd byte padded with zero. */
static uint16_t by_hand(const uint8_t *p, size_t length)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += i & 1 ? p[i] : (uint64_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* A fold as the number that lies in memory, with one's complement's two zeros made one. */
static uint16_t number(uint32_t sum)
{
    uint16_t fold = csum_fold(sum);
    uint8_t b[2];
    memcpy(b, &fold, 2);
    uint16_t n = (uint16_t)(b[0] << 8 | b[1]);
    return n == 0xffff ? 0 : n;
}

static uint16_t same(uint16_t n)
{
    return n == 0xffff ? 0 : n;
}

static const char *const names[] = {"scalar", "avx2", "avx512"};

static void check_all(size_t offset, size_t length)
{
    uint16_t expected = same(by_hand(data + offset, length));
    assert_int_equal(number(csum_partial(data + offset, length, 0)), expected);
    memset(copy, 0xa5, length + 64);
    size_t to = 32 + offset % 7;
    assert_int_equal(number(csum_copy(copy + to, data + offset, length, 0)), expected);
    assert_memory_equal(copy + to, data + offset, length);
    assert_int_equal(copy[to - 1], 0xa5);
    assert_int_equal(copy[to + length], 0xa5);
}

static void test_variants(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 7);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)prng_next(&prng);
    for (size_t v = 0; v < ARRAY_COUNT(names); v++) {
        if (strcmp(csum_select(names[v]), names[v])) {
            print_message("%s is not here\n", names[v]);
            continue;
        }
        for (size_t length = 0; length <= 320; length++)
            for (size_t offset = 0; offset < 66; offset += length < 130 ? 1 : 5)
                check_all(offset, length);
        for (int i = 0; i < 300; i++)
            check_all(prng_below(&prng, 64), prng_below(&prng, SIZE));
    }
    csum_select(NULL);
}

/* All ones carry the most. */
static void test_extremes(void **state)
{
    (void)state;
    for (size_t v = 0; v < ARRAY_COUNT(names); v++) {
        if (strcmp(csum_select(names[v]), names[v]))
            continue;
        memset(data, 0xff, sizeof(data));
        check_all(0, SIZE);
        check_all(1, SIZE - 1);
        assert_int_equal(number(csum_partial(data, SIZE, 0xffffffff)), 0);
        memset(data, 0, sizeof(data));
        check_all(3, SIZE - 3);
        assert_int_equal(csum_fold(csum_partial(data, SIZE, 0)), 0);
    }
    csum_select(NULL);
    assert_string_equal(csum_select("no such"), csum_select(NULL));
}

/* RFC 1071 3: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2; 2 (A): parts in any order; swapped at odd offsets. */
static void test_rfc1071(void **state)
{
    (void)state;
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(number(csum_partial(example, 8, 0)), 0xddf2);
    struct prng prng;
    prng_seed(&prng, 8);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)prng_next(&prng);
    for (int i = 0; i < 2000; i++) {
        size_t length = prng_below(&prng, 3000), cut = prng_below(&prng, length + 1);
        uint32_t a = csum_partial(data, cut, 0), b = csum_partial(data + cut, length - cut, 0);
        uint32_t sum = csum_add(a, cut & 1 ? csum_swap(b) : b);
        assert_int_equal(number(sum), same(by_hand(data, length)));
        if (!(cut & 1))
            assert_int_equal(number(csum_partial(data + cut, length - cut, a)), same(by_hand(data, length)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_rfc1071),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
