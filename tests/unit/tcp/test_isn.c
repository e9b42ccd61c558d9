/* test_isn.c: initial sequence numbers (RFC 9293 3.4.1, RFC 6528) by tcp_isn.c. */
#include "unit/tcp/pair.h"

/* RFC 9293 3.4.1 (MUST-8, SHLD-1): of one connection they go up with the clock; another connection has another origin. */
static void test_clock(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcp *tcp = pair->tcp[0];
    struct flow flow = pair_flow(pair, 1024), other = pair_flow(pair, 1025);
    tcp->now_ns = 0;
    uint32_t first = isn_make(tcp, &flow).iss;
    for (uint64_t us = 0; us < 1000000000; us += 12345678) {
        tcp->now_ns = us * NS_PER_US;
        assert_int_equal(isn_make(tcp, &flow).iss - first, (uint32_t)(tcp->now_ns / 64));
    }
    tcp->now_ns = 0;
    assert_int_not_equal(isn_make(tcp, &other).iss, first);
    pair_free(pair);
}

/* RFC 9293 3.4.1 (MUST-9): of two hosts that differ in the secret alone neither's numbers tell of the other's, nor does the ISN of one port
 * tell that of the next. */
static void test_secret(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcp *tcp = pair->tcp[0];
    unsigned same = 0, steps = 0;
    tcp->now_ns = 0;
    uint32_t last = 0, last_step = 0;
    for (uint16_t port = 1024; port < 2024; port++) {
        struct flow flow = pair_flow(pair, port);
        struct siphash_key key = tcp->isn_key;
        uint32_t isn = isn_make(tcp, &flow).iss;
        ((uint8_t *)&tcp->isn_key)[port % sizeof key] ^= 1; /* one bit of the key */
        same += isn_make(tcp, &flow).iss == isn;
        tcp->isn_key = key;
        steps += isn - last == last_step;
        last_step = isn - last;
        last = isn;
    }
    assert_int_equal(same, 0);
    assert_int_equal(steps, 0);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clock), cmocka_unit_test(test_secret)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
