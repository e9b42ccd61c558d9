/* test_tcphdr.c: the TCP header: option orders as real stacks send them, round trips of every combination, bad options. */
#include "exact.h"
#include "base/prng.h"
#include "wire/wire.h"

static int parse(const uint8_t *bytes, size_t n)
{
    struct tcphdr_ tcp;
    return tcphdr_parse(&tcp, bytes, n);
}

static struct tcphdr_ header(uint16_t flags)
{
    return (struct tcphdr_){.source_port = 1024, .dest_port = 13, .seq = 0x01020304, .ack = 0x0a0b0c0d, .flags = flags,
                            .window = 0xfaf0, .checksum = 0x1234, .urgent = 7};
}

static struct tcp_options syn_options(bool sack, bool timestamp, bool wscale)
{
    return (struct tcp_options){.has_mss = true, .mss = 1460, .sack_permitted = sack, .has_timestamp = timestamp,
                                .ts_value = 0x11223344, .ts_echo = 0, .has_wscale = wscale, .wscale = 7};
}

static void check_options(struct tcphdr_ tcp, enum tcp_option_order order, const uint8_t *expected, size_t length)
{
    uint8_t bytes[TCP_MAX_LENGTH];
    assert_int_equal(tcphdr_emit(&tcp, order, bytes), TCP_LENGTH + length);
    assert_int_equal(tcphdr_options_size(&tcp.options, tcp.flags, order), length);
    assert_memory_equal(bytes + TCP_LENGTH, expected, length);
    assert_int_equal(bytes[12] >> 4, 5 + length / 4);
}
#define CHECK_OPTIONS(tcp, order, ...) \
    check_options(tcp, order, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_syn_orders(void **state)
{
    (void)state;
    struct tcphdr_ tcp = header(TCP_SYN);
    tcp.options = syn_options(true, true, true);
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 4, 2, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 1, 3, 3, 7);
    CHECK_OPTIONS(tcp, TCP_ORDER_BSD, 2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0);
    CHECK_OPTIONS(tcp, TCP_ORDER_WINDOWS, 2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0);
    tcp.options = syn_options(true, false, true);
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7);
    CHECK_OPTIONS(tcp, TCP_ORDER_BSD, 2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 0, 0);
    CHECK_OPTIONS(tcp, TCP_ORDER_WINDOWS, 2, 4, 5, 180, 1, 3, 3, 7, 1, 1, 4, 2);
    tcp.options = syn_options(false, true, true);
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 1, 3, 3, 7);
    CHECK_OPTIONS(tcp, TCP_ORDER_BSD, 2, 4, 5, 180, 1, 3, 3, 7, 1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0);
    tcp.options = syn_options(false, false, false);
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180);
    CHECK_OPTIONS(tcp, TCP_ORDER_BSD, 2, 4, 5, 180);
}

/* RFC 7413 4.1.1 and appendix A; AccECN's odd bytes stand where NOPs would. */
static void test_syn_cookies(void **state)
{
    (void)state;
    struct tcphdr_ tcp = header(TCP_SYN);
    tcp.options = syn_options(true, false, true);
    tcp.options.has_fastopen = true; /* a request for a cookie */
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7, 34, 2, 1, 1);
    tcp.options.fastopen_length = 8;
    memcpy(tcp.options.fastopen, "cookie!!", 8);
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7, 34, 10, 'c', 'o', 'o', 'k', 'i', 'e', '!', '!', 1, 1);
    tcp.options.fastopen_experimental = true;
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7, 254, 12, 0xf9, 0x89, 'c', 'o', 'o', 'k', 'i', 'e', '!', '!');
    tcp = header(TCP_SYN | TCP_ACK);
    tcp.options = syn_options(true, false, true);
    tcp.options.has_accecn = true;
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 2, 4, 5, 180, 172, 2, 4, 2, 1, 3, 3, 7);
    tcp = header(TCP_ACK);
    tcp.options = (struct tcp_options){.has_accecn = true, .accecn_order = 1, .accecn_fields = 3, .accecn = {1, 0x020304, 5}};
    CHECK_OPTIONS(tcp, TCP_ORDER_LINUX, 174, 11, 0, 0, 1, 2, 3, 4, 0, 0, 5, 1);
}

static void test_data_options(void **state)
{
    (void)state;
    struct tcphdr_ tcp = header(TCP_ACK);
    for (int order = 0; order <= TCP_ORDER_WINDOWS; order++) {
        tcp.options = (struct tcp_options){.has_timestamp = true, .ts_value = 1, .ts_echo = 2};
        CHECK_OPTIONS(tcp, (enum tcp_option_order)order, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
        tcp.options = (struct tcp_options){.sack_count = 1, .sack = {{3, 4}}};
        CHECK_OPTIONS(tcp, (enum tcp_option_order)order, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4);
        tcp.options = (struct tcp_options){.has_timestamp = true, .ts_value = 1, .ts_echo = 2, .sack_count = 1, .sack = {{3, 4}}};
        CHECK_OPTIONS(tcp, (enum tcp_option_order)order, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4);
        /* RFC 2018 3: four blocks fit alone, three beside a timestamp */
        tcp.options.sack_count = 4;
        assert_int_equal(tcphdr_options_size(&tcp.options, TCP_ACK, TCP_ORDER_LINUX), 40);
        tcp.options.has_timestamp = false;
        assert_int_equal(tcphdr_options_size(&tcp.options, TCP_ACK, TCP_ORDER_LINUX), 36);
        /* what belongs to a SYN is not sent later */
        tcp.options = syn_options(true, false, true);
        assert_int_equal(tcphdr_options_size(&tcp.options, TCP_ACK, TCP_ORDER_LINUX), 0);
    }
}

static void test_fixed_fields(void **state)
{
    (void)state;
    static const uint8_t expected[] = {4, 0, 0, 13, 1, 2, 3, 4, 0xa, 0xb, 0xc, 0xd, 0x51, 0xff, 0xfa, 0xf0};
    struct tcphdr_ tcp = header(0x1ff), back;
    uint8_t bytes[20];
    assert_int_equal(tcphdr_emit(&tcp, TCP_ORDER_LINUX, bytes), 20);
    assert_memory_equal(bytes, expected, sizeof(expected));
    assert_int_equal(bytes[19], 7);
    memset(&back, 0xff, sizeof(back));
    assert_int_equal(tcphdr_parse(&back, bytes, 20), 20);
    assert_true(back.source_port == 1024 && back.dest_port == 13 && back.seq == tcp.seq && back.ack == tcp.ack);
    /* RFC 9293 3.1 (MUST-1): the window is unsigned */
    assert_true(back.flags == 0x1ff && back.window == 0xfaf0 && back.checksum == 0x1234 && back.urgent == 7);
    assert_int_equal(back.header_length, 20);
    CHECK_TRUNCATED(bytes, sizeof(bytes), parse);
    for (unsigned offset = 0; offset < 5; offset++) {
        bytes[12] = (uint8_t)(offset << 4);
        assert_int_equal(parse(bytes, 20), -EINVAL);
    }
}

static void check_same(const struct tcp_options *a, const struct tcp_options *b, bool syn)
{
    assert_int_equal(b->has_mss, syn && a->has_mss);
    assert_int_equal(b->has_wscale, syn && a->has_wscale);
    assert_int_equal(b->sack_permitted, syn && a->sack_permitted);
    assert_int_equal(b->has_timestamp, a->has_timestamp);
    assert_true(!b->has_mss || a->mss == b->mss);
    assert_true(!b->has_wscale || a->wscale == b->wscale);
    assert_true(!b->has_timestamp || (a->ts_value == b->ts_value && a->ts_echo == b->ts_echo));
    assert_true(b->sack_count <= a->sack_count);
    assert_memory_equal(b->sack, a->sack, b->sack_count * sizeof(a->sack[0]));
    if (b->has_fastopen) {
        assert_true(a->has_fastopen && a->fastopen_length == b->fastopen_length);
        assert_int_equal(a->fastopen_experimental, b->fastopen_experimental);
        assert_memory_equal(a->fastopen, b->fastopen, b->fastopen_length);
    }
    if (b->has_accecn) {
        assert_true(a->has_accecn && a->accecn_order == b->accecn_order && b->accecn_fields <= a->accecn_fields);
        assert_memory_equal(a->accecn, b->accecn, b->accecn_fields * sizeof(uint32_t));
    }
}

/* Every combination of options in every order: what is emitted has the size foretold, parses back, and tears nowhere. */
static void test_all_combinations(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 12);
    for (unsigned m = 0; m < 1u << 7; m++)
        for (unsigned rest = 0; rest < 5 * 4 * 17 * 2; rest++) {
            unsigned fields = rest / 5 % 4, cookie = rest / 20 % 17;
            bool syn = rest / 340;
            if ((!(m & 16) && cookie) || (!(m & 64) && fields))
                continue;
            struct tcphdr_ tcp = header(syn ? TCP_SYN : TCP_ACK), back;
            struct tcp_options *o = &tcp.options;
            *o = (struct tcp_options){.has_mss = m & 1, .has_wscale = m & 2, .sack_permitted = m & 4, .has_timestamp = m & 8,
                                      .has_fastopen = m & 16, .fastopen_experimental = m & 32, .has_accecn = m & 64,
                                      .mss = 536, .wscale = 14, .ts_value = 99, .ts_echo = 77, .sack_count = rest % 5,
                                      .accecn_fields = (uint8_t)fields, .accecn_order = cookie & 1, .fastopen_length = (uint8_t)cookie};
            for (int i = 0; i < TCP_SACK_BLOCKS; i++)
                o->sack[i].start = (uint32_t)prng_next(&prng), o->sack[i].end = (uint32_t)prng_next(&prng);
            for (int i = 0; i < 3; i++)
                o->accecn[i] = (uint32_t)prng_next(&prng) & 0xffffff;
            memset(o->fastopen, 0xc0, sizeof(o->fastopen));
            for (int order = 0; order <= TCP_ORDER_WINDOWS; order++) {
                uint8_t bytes[TCP_MAX_LENGTH];
                size_t n = tcphdr_emit(&tcp, (enum tcp_option_order)order, bytes);
                assert_int_equal(n, TCP_LENGTH + tcphdr_options_size(o, tcp.flags, (enum tcp_option_order)order));
                assert_true(n <= TCP_MAX_LENGTH && n % 4 == 0);
                assert_int_equal(tcphdr_parse(&back, bytes, n), n);
                check_same(o, &back.options, syn);
            }
        }
}

static struct tcp_options parsed(const uint8_t *options, size_t length)
{
    uint8_t bytes[TCP_MAX_LENGTH] = {0};
    struct tcphdr_ tcp;
    size_t header_length = TCP_LENGTH + (length + 3) / 4 * 4;
    memcpy(bytes + TCP_LENGTH, options, length);
    bytes[12] = (uint8_t)(header_length / 4 << 4);
    CHECK_TRUNCATED(bytes, header_length, parse);
    memset(&tcp, 0xff, sizeof(tcp));
    assert_int_equal(tcphdr_parse(&tcp, bytes, header_length), header_length);
    return tcp.options;
}
#define PARSED(...) parsed((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_bad_options(void **state)
{
    (void)state;
    assert_false(PARSED(2, 0, 5, 180).has_mss);                 /* RFC 9293 3.1 (MUST-7): length zero */
    assert_false(PARSED(2, 1, 2, 4, 5, 180).has_mss);           /* length one */
    assert_false(PARSED(2, 5, 5, 180).has_mss);                 /* past the end */
    assert_false(PARSED(1, 1, 1, 2).has_mss);                   /* a kind alone */
    assert_false(PARSED(0, 2, 4, 5, 180, 1, 1, 1).has_mss);     /* behind the end of the list */
    assert_false(PARSED(2, 3, 5, 3, 3, 7).has_mss);             /* a wrong length is skipped ... */
    assert_true(PARSED(2, 3, 5, 3, 3, 7).has_wscale);           /* ... and the next one read */
    assert_int_equal(PARSED(77, 6, 1, 2, 3, 4, 2, 4, 5, 180).mss, 1460); /* RFC 9293 3.1 (MUST-6): unknown */
    assert_int_equal(PARSED(30, 4, 0, 0, 3, 3, 7).wscale, 7);
    assert_int_equal(PARSED(5, 9, 0, 0, 0, 1, 0, 0, 0).sack_count, 0);
    assert_int_equal(PARSED(5, 2, 3, 3, 7).sack_count, 0);
    assert_int_equal(PARSED(5, 10, 0, 0, 0, 1, 0, 0, 0, 2).sack_count, 1);
    assert_false(PARSED(34, 19, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16).has_fastopen); /* 17 bytes */
    assert_false(PARSED(254, 4, 0xf9, 0x88).has_fastopen);
    assert_true(PARSED(254, 4, 0xf9, 0x89).fastopen_experimental);
    assert_false(PARSED(254, 3, 0xf9, 0x89).has_fastopen);
    assert_true(PARSED(19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16).has_md5);
    assert_true(PARSED(19, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15).md5_illegal);
    assert_true(PARSED(3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1).md5_illegal); /* a signature might follow */
    assert_false(PARSED(3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1).md5_illegal);
    struct tcp_options o = PARSED(172, 8, 0, 0, 1, 0, 0, 2);
    assert_true(o.has_accecn && o.accecn_order == 0 && o.accecn_fields == 2 && o.accecn[0] == 1 && o.accecn[1] == 2);
    o = PARSED(172, 4, 0, 0); /* as many as are whole, three at most */
    assert_true(o.has_accecn && o.accecn_fields == 0);
    o = PARSED(174, 14, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4);
    assert_true(o.has_accecn && o.accecn_fields == 3 && o.accecn[2] == 3);
    o = PARSED(8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1); /* a timestamp that is not aligned */
    assert_true(o.has_timestamp && o.ts_value == 1 && o.ts_echo == 2);
}

static void test_garbage(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 13);
    for (int i = 0; i < 50000; i++) {
        uint8_t bytes[TCP_MAX_LENGTH];
        static const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 8, 19, 34, 172, 174, 254};
        size_t n = prng_below(&prng, sizeof(bytes) + 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(k < 20 || prng_below(&prng, 3) ? prng_next(&prng) : kinds[prng_below(&prng, 12)]);
        uint8_t *copy = exact(bytes, n);
        struct tcphdr_ tcp;
        int got = tcphdr_parse(&tcp, copy, n);
        assert_true(got < 0 || ((size_t)got <= n && got == tcp.header_length));
        if (got > 0) {
            char text[512];
            assert_in_range(tcphdr_print(&tcp, 0, text, sizeof(text)), 1, 500);
            assert_true(tcp.options.sack_count <= TCP_SACK_BLOCKS && tcp.options.fastopen_length <= 16);
        }
        free(copy);
    }
}

static void test_print(void **state)
{
    (void)state;
    char text[256], tight[10];
    struct tcphdr_ tcp = {.seq = 1000, .flags = TCP_SYN, .window = 65535, .options = {.has_mss = true, .mss = 1460}};
    tcphdr_print(&tcp, 0, text, sizeof(text));
    assert_string_equal(text, "S 1000:1000(0) win 65535 <mss 1460>");
    assert_int_equal(tcphdr_print(&tcp, 0, tight, sizeof(tight)), strlen(text));
    assert_string_equal(tight, "S 1000:10");
    assert_int_equal(tcphdr_print(&tcp, 0, NULL, 0), strlen(text));
    tcp = (struct tcphdr_){.ack = 5, .flags = TCP_ACK, .window = 10};
    tcphdr_print(&tcp, 0, text, sizeof(text));
    assert_string_equal(text, ". ack 5 win 10");
    tcp.flags = TCP_ACK | TCP_PSH | TCP_FIN;
    tcp.options = (struct tcp_options){.has_timestamp = true, .ts_value = 3, .ts_echo = 4, .sack_count = 2, .sack = {{7, 8}, {9, 10}}};
    tcphdr_print(&tcp, 26, text, sizeof(text));
    assert_string_equal(text, "FP 0:26(26) ack 5 win 10 <TS 3:4,sack 7:8,9:10>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syn_orders),   cmocka_unit_test(test_syn_cookies),      cmocka_unit_test(test_data_options),
        cmocka_unit_test(test_fixed_fields), cmocka_unit_test(test_all_combinations), cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_garbage),      cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
