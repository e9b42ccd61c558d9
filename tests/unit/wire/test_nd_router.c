/* test_nd_router.c: router solicitation and advertisement, RFC 4861 4.1, 4.2, 4.6: there and back, and cut at every
 * byte. */
#include <stdlib.h>
#include "unit/check.h"
#include "wire/wire.h"

static struct nd_router sample(void)
{
    struct nd_router router = {.hop_limit = 64,
                               .managed = true,
                               .has_mac = true,
                               .lifetime_s = 1800,
                               .reachable_ms = 30000,
                               .retrans_ms = 500,
                               .mtu = 1400,
                               .mac = {{2, 0, 0, 0, 0, 7}},
                               .prefix_count = 2};
    for (unsigned i = 0; i < 2; i++) {
        router.prefixes[i] = (struct nd_prefix){.prefix.length = 64,
                                                .on_link = i == 0,
                                                .autonomous = true,
                                                .valid_s = ND_FOREVER_S,
                                                .preferred_s = 600 + i};
        (void)!addr_parse(i ? "2001:db8:2::" : "2001:db8:1::", &router.prefixes[i].prefix.addr);
    }
    return router;
}

static uint32_t rest_of(const uint8_t *message)
{
    struct icmp icmp;
    assert_true(icmp_parse(&icmp, 6, message, ICMP_LENGTH) > 0);
    return icmp.rest;
}

static void test_round_trip(void **state)
{
    struct nd_router router = sample(), got;
    uint8_t message[ND_ROUTER_LENGTH_MAX];
    (void)state;
    size_t length = nd_router_emit(&router, ICMP6_ROUTER_ADVERT, message);
    assert_int_equal(length, 8 + 8 + 8 + 8 + 2 * 32);
    assert_int_equal(
        nd_router_parse(&got, ICMP6_ROUTER_ADVERT, rest_of(message), message + ICMP_LENGTH, length - ICMP_LENGTH),
        length - ICMP_LENGTH);
    assert_int_equal(got.hop_limit, 64);
    assert_true(got.managed && !got.other && got.has_mac);
    assert_int_equal(got.lifetime_s, 1800);
    assert_int_equal(got.reachable_ms, 30000);
    assert_int_equal(got.retrans_ms, 500);
    assert_int_equal(got.mtu, 1400);
    assert_memory_equal(got.mac.b, router.mac.b, 6);
    assert_int_equal(got.prefix_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(addr_equal(&got.prefixes[i].prefix.addr, &router.prefixes[i].prefix.addr));
        assert_int_equal(got.prefixes[i].prefix.length, 64);
        assert_int_equal(got.prefixes[i].on_link, i == 0);
        assert_true(got.prefixes[i].autonomous);
        assert_int_equal(got.prefixes[i].valid_s, ND_FOREVER_S);
        assert_int_equal(got.prefixes[i].preferred_s, 600 + i);
    }
    length = nd_router_emit(&router, ICMP6_ROUTER_SOLICIT, message);
    assert_int_equal(length, 16);
    assert_int_equal(nd_router_parse(&got, ICMP6_ROUTER_SOLICIT, 0, message + ICMP_LENGTH, 8), 8);
    assert_true(got.has_mac && !got.prefix_count);
}

/* Whole options are read, a part of one spoils the message; nothing is read past the end (the copy is exact). */
static void test_cut(void **state)
{
    struct nd_router router = sample(), got;
    uint8_t message[ND_ROUTER_LENGTH_MAX];
    (void)state;
    size_t length = nd_router_emit(&router, ICMP6_ROUTER_ADVERT, message) - ICMP_LENGTH;
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, message + ICMP_LENGTH, cut);
        int result = nd_router_parse(&got, ICMP6_ROUTER_ADVERT, 0, copy, cut);
        bool whole = cut == 8 || cut == 16 || cut == 24 || cut == 56;
        assert_int_equal(result, whole ? (int)cut : -EMSGSIZE);
        free(copy);
    }
}

static void test_odd(void **state)
{
    struct nd_router router = sample(), got;
    uint8_t message[ND_ROUTER_LENGTH_MAX], many[8 + 12 * 32] = {0};
    (void)state;
    size_t length = nd_router_emit(&router, ICMP6_ROUTER_ADVERT, message) - ICMP_LENGTH;
    uint8_t *body = message + ICMP_LENGTH;
    body[9] = 0; /* an option of no length: "MUST silently discard" */
    assert_int_equal(nd_router_parse(&got, ICMP6_ROUTER_ADVERT, 0, body, length), -EINVAL);
    body[9] = 1;
    body[8] = 200; /* an unknown option is skipped */
    assert_true(nd_router_parse(&got, ICMP6_ROUTER_ADVERT, 0, body, length) > 0);
    assert_false(got.has_mac);
    body[24 + 2] = 129; /* no such prefix length */
    assert_true(nd_router_parse(&got, ICMP6_ROUTER_ADVERT, 0, body, length) > 0);
    assert_int_equal(got.prefix_count, 1);
    for (unsigned i = 0; i < 12; i++) { /* more than are kept; bits behind the length do not count */
        many[8 + i * 32] = 3;
        many[8 + i * 32 + 1] = 4;
        many[8 + i * 32 + 2] = 12;
        memset(many + 8 + i * 32 + 16, 0xff, 16);
    }
    assert_int_equal(nd_router_parse(&got, ICMP6_ROUTER_ADVERT, 0, many, sizeof many), sizeof many);
    assert_int_equal(got.prefix_count, ND_PREFIXES);
    assert_int_equal(got.prefixes[0].prefix.addr.b[0], 0xff);
    assert_int_equal(got.prefixes[0].prefix.addr.b[1], 0xf0);
    assert_int_equal(got.prefixes[0].prefix.addr.b[2], 0);
    assert_int_equal(nd_router_parse(&got, ICMP6_NEIGHBOR_ADVERT, 0, many, sizeof many), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_odd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
