/* test_ranges.c: ranges against one flag a byte, near and across the wrap of sequence space. */
#include "unit/check.h"
#include "base/base.h"
#include "base/prng.h"
#include "base/ranges.h"

enum { SPACE = 4000 };

static void check_shape(const struct ranges *ranges)
{
    assert_in_range(ranges->count, 0, RANGES_MAX);
    for (uint32_t i = 0; i < ranges->count; i++) {
        assert_true((int32_t)(ranges->r[i].end - ranges->r[i].start) > 0);
        if (i)
            assert_true((int32_t)(ranges->r[i].start - ranges->r[i - 1].end) > 0);
    }
}

struct model {
    struct ranges ranges;
    bool has[SPACE + 1];
    uint32_t base;
};

static void check_model(struct model *m)
{
    check_shape(&m->ranges);
    uint32_t bytes = 0, highest = 0;
    for (uint32_t i = 0; i < SPACE; i++) {
        assert_int_equal(ranges_has(&m->ranges, m->base + i), m->has[i]);
        bytes += m->has[i];
        highest = m->has[i] ? i + 1 : highest;
    }
    assert_int_equal(ranges_bytes(&m->ranges), bytes);
    for (uint32_t i = 0; i < SPACE; i += 17) {
        struct range gap = {0};
        uint32_t start = i, end;
        while (start < highest && m->has[start])
            start++;
        assert_int_equal(ranges_gap(&m->ranges, m->base + i, &gap), start < highest);
        if (start >= highest)
            continue;
        for (end = start; !m->has[end]; end++)
            ;
        assert_int_equal(gap.start, m->base + start);
        assert_int_equal(gap.end, m->base + end);
    }
}

static void model_add(struct model *m, uint32_t start, uint32_t end)
{
    int64_t expected = 0;
    for (uint32_t i = start; i < end; i++) {
        expected += !m->has[i];
        m->has[i] = true;
    }
    int64_t got = ranges_add(&m->ranges, m->base + start, m->base + end);
    uint32_t runs = 0, last = 0;
    for (uint32_t i = 0; i < SPACE; i++)
        if (m->has[i] && (!i || !m->has[i - 1])) {
            runs++;
            last = i;
        }
    if (runs > RANGES_MAX) /* the highest is forgotten */
        for (uint32_t i = last; i < SPACE; i++) {
            expected -= m->has[i];
            m->has[i] = false;
        }
    assert_int_equal(got, expected);
}

static void test_model(void **state)
{
    (void)state;
    static const uint32_t bases[] = {0, 1000000, 0xffffffff - SPACE / 2, 0x7fffffff - SPACE / 2};
    for (uint64_t seed = 1; seed <= 24; seed++) {
        static struct model m;
        memset(&m, 0, sizeof(m));
        m.base = bases[seed % 4];
        struct prng prng;
        prng_seed(&prng, seed);
        for (int i = 0; i < 400; i++) {
            uint32_t start = (uint32_t)prng_below(&prng, SPACE), n = (uint32_t)prng_below(&prng, seed % 3 ? 20 : 200);
            if (prng_below(&prng, 60)) {
                model_add(&m, start, min_u32(start + n, SPACE));
            } else {
                uint32_t cut = start / 4, forgotten = 0;
                for (uint32_t k = 0; k < cut; k++) {
                    forgotten += m.has[k];
                    m.has[k] = false;
                }
                assert_int_equal(ranges_trim(&m.ranges, m.base + cut), forgotten);
            }
            if (i % 10 == 0)
                check_model(&m);
        }
        assert_true(ranges_trim(&m.ranges, m.base + SPACE) == 0 || m.ranges.count == 0);
        assert_int_equal(m.ranges.count, 0);
    }
}

static void test_full(void **state)
{
    (void)state;
    struct ranges r = {0};
    for (uint32_t i = 0; i < RANGES_MAX; i++)
        assert_int_equal(ranges_add(&r, 100 * i + 50, 100 * i + 60), 10);
    assert_int_equal(ranges_add(&r, 100000, 100010), 0); /* itself the highest */
    assert_int_equal(ranges_add(&r, 10, 13), 3 - 10);    /* pushes the highest out */
    assert_int_equal(r.count, RANGES_MAX);
    assert_false(ranges_has(&r, 100 * (RANGES_MAX - 1) + 50));
    assert_int_equal(ranges_add(&r, 60, 150), 90); /* closes a gap: no place is needed */
    assert_int_equal(r.count, RANGES_MAX - 1);
    assert_int_equal(ranges_add(&r, 7, 7), 0);
    assert_int_equal(ranges_add(&r, 8, 7), 0);
    struct range gap;
    assert_true(ranges_gap(&r, 0, &gap));
    assert_int_equal(gap.end, 10);
    assert_false(ranges_gap(&(struct ranges){0}, 0, &gap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
