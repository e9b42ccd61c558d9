/* test_route.c: longest prefix, metrics, families that do not mix (RFC 1812 5.2.4.3), path MTU notes (RFC 1191). */
#include "unit/check.h"
#include "ip/pmtu.h"
#include "ip/route.h"
#include "unit/pool_fixture.h"

static struct prefix prefix(const char *text)
{
    struct prefix p;
    assert_int_equal(prefix_parse(text, &p), 0);
    return p;
}

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void add(struct routes *routes, const char *to, int ifindex, uint32_t metric)
{
    struct route route = {.prefix = prefix(to), .ifindex = ifindex, .metric = metric};
    assert_int_equal(routes_add(routes, &route), 0);
}

static int find(struct routes *routes, const char *to)
{
    struct addr a = address(to);
    const struct route *route = routes_find(routes, &a, 0);
    return route ? route->ifindex : 0;
}

static void longest_prefix_wins(void **state)
{
    (void)state;
    struct routes routes;
    routes_init(&routes, pool);
    assert_int_equal(find(&routes, "192.0.2.1"), 0);
    add(&routes, "0.0.0.0/0", 1, 0);
    add(&routes, "10.0.0.0/8", 2, 0);
    add(&routes, "10.1.0.0/16", 3, 0);
    add(&routes, "10.1.2.3/32", 4, 0);
    add(&routes, "::/0", 5, 0);
    add(&routes, "2001:db8::/32", 6, 0);
    assert_int_equal(find(&routes, "192.0.2.1"), 1);
    assert_int_equal(find(&routes, "10.200.0.1"), 2);
    assert_int_equal(find(&routes, "10.1.9.9"), 3);
    assert_int_equal(find(&routes, "10.1.2.3"), 4);
    assert_int_equal(find(&routes, "2001:db8::1"), 6);
    assert_int_equal(find(&routes, "2002::1"), 5);
    struct prefix gone = prefix("0.0.0.0/0");
    assert_int_equal(routes_delete(&routes, &gone, 0, false), 1);
    assert_int_equal(find(&routes, "192.0.2.1"), 0); /* ::/0 is not for IPv4 */
    routes_fini(&routes);
}

static void smaller_metric_wins(void **state)
{
    (void)state;
    struct routes routes;
    routes_init(&routes, pool);
    add(&routes, "10.0.0.0/8", 2, 100);
    add(&routes, "10.0.0.0/8", 3, 10);
    assert_int_equal(find(&routes, "10.0.0.1"), 3);
    struct addr a = address("10.0.0.1");
    assert_int_equal(routes_find(&routes, &a, 2)->ifindex, 2); /* bound to an interface */
    struct prefix p = prefix("10.0.0.0/8");
    assert_int_equal(routes_delete(&routes, &p, 3, false), 1);
    assert_int_equal(find(&routes, "10.0.0.1"), 2);
    routes_fini(&routes);
}

static void many_routes(void **state)
{
    (void)state;
    struct routes routes;
    routes_init(&routes, pool);
    for (uint32_t i = 0; i < 3000; i++) {
        struct route route = {.prefix = {addr_v4(0x0a000000u + i * 7919 % 3000 * 256), 120}, .ifindex = (int)(i * 7919 % 3000) + 1};
        assert_int_equal(routes_add(&routes, &route), 0);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        struct addr a = addr_v4(0x0a000000u + i * 256 + 9);
        assert_int_equal(routes_find(&routes, &a, 0)->ifindex, i + 1);
    }
    routes_fini(&routes);
}

static void path_mtus_are_bounded_and_expire(void **state)
{
    (void)state;
    struct pmtu pmtu;
    pmtu_init(&pmtu, pool);
    struct addr a = address("192.0.2.1");
    assert_int_equal(pmtu_find(&pmtu, &a, 0, NULL), 0);
    assert_true(pmtu_note(&pmtu, &a, 1400, 1000, 0));
    assert_false(pmtu_note(&pmtu, &a, 1450, 2000, 1)); /* never raised by a message */
    assert_int_equal(pmtu_find(&pmtu, &a, 999, NULL), 1400);
    assert_int_equal(pmtu_find(&pmtu, &a, 1000, NULL), 0);
    struct pool_stats before, after;
    pool_get_stats(pool, &before);
    for (uint32_t i = 0; i < 100000; i++) { /* a flood of notes costs no memory */
        struct addr b = addr_v4(i);
        pmtu_note(&pmtu, &b, 600, 5000 + i, 2000);
    }
    pool_get_stats(pool, &after);
    assert_int_equal(before.bytes_now, after.bytes_now);
    assert_int_equal(pmtu_plateau(1500), 1492);
    assert_int_equal(pmtu_plateau(68), 68);
    pmtu_fini(&pmtu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_prefix_wins), cmocka_unit_test(smaller_metric_wins), cmocka_unit_test(many_routes),
        cmocka_unit_test(path_mtus_are_bounded_and_expire),
    };
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
