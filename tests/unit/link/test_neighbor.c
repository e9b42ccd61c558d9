/* test_neighbor.c: the neighbour cache's policies to the tick (FACTS section 3), its limits (ARP/ND cache flooding), RFC 4861's states. */
#include "unit/check.h"
#include "link/neighbor.h"
#include "unit/pool_fixture.h"

static struct neighbor_cache cache;
static struct neighbor_params params;
static uint64_t asked_ms[64], now_ms, next_ns;
static unsigned asks, unicast_asks, sent, failed, removed;
static int last_error;

static void on_solicit(void *ctx, const struct neighbor *n, bool unicast)
{
    (void)ctx;
    (void)n;
    unicast_asks += unicast;
    if (asks < 64)
        asked_ms[asks] = now_ms;
    asks++;
}

static void on_send(void *ctx, const struct neighbor *n, struct lil_packet *packet)
{
    (void)ctx;
    (void)n;
    sent++;
    packet_free(packet);
}

static void on_fail(void *ctx, const struct neighbor *n, struct lil_packet *packet, int error, enum lil_drop reason)
{
    (void)ctx;
    (void)n;
    (void)reason;
    last_error = error;
    failed++;
    packet_free(packet);
}

static void on_removed(void *ctx)
{
    (void)ctx;
    removed++;
}

static void start(uint8_t policy)
{
    struct neighbor_hooks hooks = {.solicit = on_solicit, .send = on_send, .fail = on_fail, .removed = on_removed,
                                   .next_ns = &next_ns};
    params = (struct neighbor_params){.policy = policy,
                                      .max_asks = policy == NEIGHBOR_RFC4861 ? 3 : 5,
                                      .retrans_ms = 1024,
                                      .hold_down_ms = 20000,
                                      .reachable_ms = policy == NEIGHBOR_RFC4861 ? 30000 : 1200000,
                                      .incomplete_ms = policy == NEIGHBOR_BSD42 ? 180000 : 300000,
                                      .queue_packets = policy == NEIGHBOR_RFC4861 ? 101 : 1,
                                      .cache_limit = 128,
                                      .hold_down_error = EHOSTDOWN,
                                      .hold_down_gateway_error = EHOSTUNREACH,
                                      .fails_pending = policy == NEIGHBOR_RFC4861};
    asks = unicast_asks = sent = failed = removed = 0;
    last_error = 0;
    now_ms = 0;
    next_ns = LIL_NEVER;
    neighbor_cache_init(&cache, pool, &params, &hooks);
}

static void run_timers(uint64_t at_ns)
{
    next_ns = LIL_NEVER;
    neighbor_poll(&cache, at_ns);
}

static int send_to(uint32_t host, uint64_t ms)
{
    now_ms = ms;
    run_timers(ms * NS_PER_MS);
    struct addr a = addr_v4(host);
    struct neighbor *n = neighbor_get(&cache, &a, 2, ms * NS_PER_MS);
    struct lil_packet *packet = packet_new(pool);
    int verdict = neighbor_resolve(&cache, n, packet, ms * NS_PER_MS);
    if (verdict <= 0)
        packet_free(packet);
    return verdict;
}

static void run_until(uint64_t ms)
{
    while (next_ns <= ms * NS_PER_MS) {
        uint64_t due = next_ns;
        now_ms = due / NS_PER_MS;
        run_timers(due);
    }
}

/* FACTS 3: 0, 1.02, 2.05 s, EHOSTUNREACH at 3.07 s */
static void linux_asks_three_times(void **state)
{
    (void)state;
    start(NEIGHBOR_RFC4861);
    assert_int_equal(send_to(1, 0), 1);
    assert_int_equal(send_to(1, 500), 1);
    run_until(3071);
    assert_int_equal(failed, 0);
    assert_int_equal(asks, 3);
    assert_int_equal(asked_ms[0], 0);
    assert_int_equal(asked_ms[1], 1024);
    assert_int_equal(asked_ms[2], 2048);
    run_until(3072);
    assert_int_equal(failed, 2);
    assert_int_equal(last_error, EHOSTUNREACH);
    assert_int_equal(cache.count, 0);
    assert_int_equal(send_to(1, 4000), 1); /* and begins anew */
    assert_int_equal(asks, 4);
    neighbor_cache_fini(&cache);
}

/* FACTS 3: one a SYN (0, 6, 30), nothing told to anyone */
static void bsd44_asks_as_it_sends(void **state)
{
    (void)state;
    start(NEIGHBOR_BSD44);
    assert_int_equal(send_to(1, 0), 1);
    assert_int_equal(send_to(1, 400), 1); /* at most one a second */
    assert_int_equal(asks, 1);
    assert_int_equal(send_to(1, 6000), 1);
    assert_int_equal(send_to(1, 30000), 1);
    assert_int_equal(asks, 3);
    assert_int_equal(asked_ms[2], 30000);
    assert_int_equal(send_to(1, 31000), 1);
    assert_int_equal(send_to(1, 32000), 1);
    assert_int_equal(asks, 5);
    assert_int_equal(send_to(1, 33000), 1); /* the sixth begins the hold-down */
    assert_int_equal(asks, 5);
    assert_int_equal(send_to(1, 34000), -EHOSTDOWN);
    struct addr a = addr_v4(1);
    neighbor_find(&cache, &a, 2)->is_gateway = true;
    assert_int_equal(send_to(1, 52999), -EHOSTUNREACH);
    assert_int_equal(send_to(1, 53000), 1);
    assert_int_equal(asks, 6);
    neighbor_cache_fini(&cache);
}

/* FACTS 3, FreeBSD: as its SYNs, five requests in all; EHOSTDOWN for the next connect within about 20 s of the failure */
static void freebsd_five_requests(void **state)
{
    (void)state;
    static const uint64_t syns[] = {0, 1000, 3200, 7400, 15600, 31800, 64000};
    start(NEIGHBOR_BSD44);
    params.hold_down_ms = 33000;
    params.hold_down_restarts = true;
    for (size_t i = 0; i < ARRAY_COUNT(syns); i++)
        send_to(1, syns[i]);
    assert_int_equal(asks, 5);
    assert_int_equal(send_to(1, 75500), -EHOSTDOWN);
    neighbor_cache_fini(&cache);
}

static void bsd42_asks_at_every_packet(void **state)
{
    (void)state;
    start(NEIGHBOR_BSD42);
    for (uint64_t ms = 0; ms < 5000; ms += 500)
        assert_int_equal(send_to(1, ms), 1);
    assert_int_equal(asks, 10);
    assert_int_equal(failed, 9); /* only the latest is kept (RFC 1122 2.3.2.2) */
    run_until(4500 + 180000);
    assert_int_equal(cache.count, 0);
    assert_int_equal(last_error, 0);
    neighbor_cache_fini(&cache);
}

static void an_answer_sends_the_queue(void **state)
{
    (void)state;
    struct mac mac = {{2, 0, 0, 0, 0, 1}};
    struct addr a = addr_v4(1);
    start(NEIGHBOR_RFC4861);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_to(1, 0), 1);
    neighbor_update(&cache, &a, 2, &mac, true, false, 0);
    assert_int_equal(sent, 5);
    assert_int_equal(send_to(1, 29999), 0);
    /* RFC 4861 7.3: stale, delayed 5 s, probed three times by unicast, gone */
    assert_int_equal(send_to(1, 30000), 0);
    run_until(34999);
    assert_int_equal(asks, 1);
    run_until(35000 + 3 * 1024);
    assert_int_equal(unicast_asks, 3);
    assert_int_equal(cache.count, 0);
    /* confirmed from above, it is not probed */
    neighbor_update(&cache, &a, 2, &mac, true, true, 50000 * NS_PER_MS);
    assert_int_equal(send_to(1, 90000), 0);
    neighbor_confirm(&cache, neighbor_find(&cache, &a, 2), 91000 * NS_PER_MS);
    run_until(120000);
    assert_int_equal(unicast_asks, 3);
    neighbor_cache_fini(&cache);
}

static void floods_are_bounded(void **state)
{
    (void)state;
    struct mac mac = {{2, 0, 0, 0, 0, 1}};
    struct addr good = addr_v4(0x0a000001);
    start(NEIGHBOR_RFC4861);
    neighbor_update(&cache, &good, 2, &mac, true, true, 0);
    for (uint32_t i = 0; i < 20000; i++) /* a scan through a router: unresolved entries push out each other, not the good one */
        assert_int_equal(send_to(0x0b000000 + i, 1), 1);
    assert_int_equal(cache.count, 128);
    assert_non_null(neighbor_find(&cache, &good, 2));
    assert_int_equal(failed, 20000 - 127);
    for (uint32_t i = 0; i < 20000; i++) { /* a flood of claims */
        struct addr a = addr_v4(0x0c000000 + i);
        neighbor_update(&cache, &a, 2, &mac, false, true, 2);
    }
    assert_int_equal(cache.count, 128);
    neighbor_flush(&cache, 0, true);
    assert_int_equal(cache.count, 0);
    neighbor_cache_fini(&cache);
}

static void permanent_entries_stay(void **state)
{
    (void)state;
    struct mac mac = {{2, 0, 0, 0, 0, 1}}, other = {{2, 0, 0, 0, 0, 2}};
    struct addr a = addr_v4(1);
    start(NEIGHBOR_BSD44);
    assert_int_equal(neighbor_set_permanent(&cache, &a, 2, &mac, 0), 0);
    neighbor_update(&cache, &a, 2, &other, true, true, 0);
    assert_memory_equal(&neighbor_find(&cache, &a, 2)->mac, &mac, 6);
    assert_int_equal(send_to(1, 10000000), 0);
    neighbor_flush(&cache, 0, false);
    assert_int_equal(cache.count, 1);
    neighbor_cache_fini(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_asks_three_times), cmocka_unit_test(bsd44_asks_as_it_sends), cmocka_unit_test(freebsd_five_requests),
        cmocka_unit_test(bsd42_asks_at_every_packet), cmocka_unit_test(an_answer_sends_the_queue), cmocka_unit_test(floods_are_bounded),
        cmocka_unit_test(permanent_entries_stay),
    };
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
