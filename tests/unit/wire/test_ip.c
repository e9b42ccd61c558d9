/* test_ip.c: IPv4 and IPv6 headers: round trips, fragments, every truncation, extension headers, changes in place. */
#include "exact.h"
#include "base/csum.h"
#include "base/prng.h"
#include "wire/wire.h"

static struct ip header4(void)
{
    return (struct ip){.source = addr_v4(0xc0000201), .dest = addr_v4(0xc0000202), .version = 4, .protocol = 6, .ttl = 64,
                       .tos = 0x10, .payload_length = 1000, .id = 0xbeef, .dont_fragment = true};
}

static struct ip header6(void)
{
    struct ip ip = {.version = 6, .protocol = 17, .ttl = 255, .tos = 0xb9, .flow_label = 0xabcde, .payload_length = 1452};
    assert_int_equal(addr_parse("2001:db8::1", &ip.source), 0);
    assert_int_equal(addr_parse("ff02::2", &ip.dest), 0);
    return ip;
}

static int parse(const uint8_t *bytes, size_t n)
{
    struct ip ip;
    return ip_parse(&ip, bytes, n);
}

static void check_same(const struct ip *a, const struct ip *b)
{
    assert_true(addr_equal(&a->source, &b->source) && addr_equal(&a->dest, &b->dest));
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->ttl, b->ttl);
    assert_int_equal(a->tos, b->tos);
    assert_int_equal(a->payload_length, b->payload_length);
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->frag_offset, b->frag_offset);
    assert_int_equal(a->more_fragments, b->more_fragments);
    assert_int_equal(a->flow_label, b->flow_label);
}

/* The bytes of a known packet: RFC 791's layout, the checksum by hand. */
static void test_ipv4_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x45, 0x10, 0x03, 0xfc, 0xbe, 0xef, 0x40, 0x00, 0x40, 0x06,
                                       0xf3, 0xf8, 0xc0, 0x00, 0x02, 0x01, 0xc0, 0x00, 0x02, 0x02};
    uint8_t bytes[20];
    struct ip ip = header4(), back;
    assert_int_equal(ip_header_size(&ip), 20);
    assert_int_equal(ip_emit(&ip, bytes), 20);
    assert_memory_equal(bytes, expected, 20);
    assert_int_equal(ip_parse(&back, bytes, 20), 20);
    check_same(&ip, &back);
    assert_true(back.dont_fragment && !back.is_fragment && back.header_length == 20);
    CHECK_TRUNCATED(bytes, sizeof(bytes), parse);
}

static void test_ipv4_bad(void **state)
{
    (void)state;
    uint8_t good[64] = {0}, bytes[64];
    struct ip ip = header4();
    ip_emit(&ip, good);
    for (size_t bit = 0; bit < 160; bit++) { /* any flipped bit is seen: by version, length or checksum */
        memcpy(bytes, good, sizeof(bytes));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(ipv4_parse(&ip, bytes, 60) < 0);
    }
    memcpy(bytes, good, sizeof(bytes));
    bytes[10] ^= 1;
    assert_int_equal(ip_parse(&ip, bytes, 20), -EBADMSG);
    memcpy(bytes, good, sizeof(bytes));
    bytes[0] = 0x44;
    assert_int_equal(ip_parse(&ip, bytes, 20), -EINVAL);
    bytes[0] = 0x55;
    assert_int_equal(ip_parse(&ip, bytes, 20), -EINVAL);
    bytes[0] = 0x45;
    bytes[2] = 0;
    bytes[3] = 19; /* total length below the header's */
    assert_int_equal(ip_parse(&ip, bytes, 20), -EINVAL);
}

static void test_ipv4_options(void **state)
{
    (void)state;
    for (unsigned words = 5; words <= 15; words++) {
        uint8_t bytes[60];
        memset(bytes, 1, sizeof(bytes)); /* NOP options */
        struct ip ip = header4(), back;
        ip_emit(&ip, bytes);
        bytes[0] = (uint8_t)(0x40 | words);
        bytes[2] = (uint8_t)((words * 4 + 77) >> 8);
        bytes[3] = (uint8_t)(words * 4 + 77);
        bytes[10] = bytes[11] = 0;
        uint16_t sum = (uint16_t)~csum_fold(csum_partial(bytes, words * 4, 0));
        memcpy(bytes + 10, &sum, 2);
        CHECK_TRUNCATED(bytes, (size_t)words * 4, parse);
        assert_int_equal(ip_parse(&back, bytes, 60), words * 4);
        assert_int_equal(back.header_length, words * 4);
        assert_int_equal(back.payload_length, 77);
    }
}

/* RFC 9293 3.9.2 (MUST-50): an option nobody knows is passed over by its length; a bad length is a problem at its place. */
static void test_unknown_options(void **state)
{
    (void)state;
    static const uint8_t fine[] = {1, 0x5e, 4, 9, 9, 0x9f, 2, 0xdd, 3, 7, 1, 0}, bad[] = {0x5e, 4, 9, 9, 0x9f, 1, 0, 0};
    uint8_t bytes[40] = {0};
    bool source_route = true;
    memcpy(bytes + 20, fine, sizeof(fine));
    assert_int_equal(ip_options_problem(bytes, 20 + sizeof(fine), &source_route), 0);
    assert_false(source_route);
    memcpy(bytes + 20, bad, sizeof(bad));
    assert_int_equal(ip_options_problem(bytes, 20 + sizeof(bad), &source_route), 24);
}

static void test_fragments(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2)
        for (uint32_t offset = 0; offset < 65536; offset += 8 * 1021)
            for (int more = 0; more < 2; more++) {
                struct ip ip = version == 4 ? header4() : header6(), back;
                uint8_t bytes[64];
                ip.dont_fragment = false;
                ip.is_fragment = offset || more;
                ip.frag_offset = offset;
                ip.more_fragments = more;
                ip.id = version == 4 ? 0xffff : 0xdeadbeef;
                size_t size = ip_emit(&ip, bytes);
                assert_int_equal(size, ip_header_size(&ip));
                assert_int_equal(ip_parse(&back, bytes, size), size);
                if (version == 6 && !ip.is_fragment)
                    ip.id = 0;
                check_same(&ip, &back);
                assert_int_equal(back.is_fragment, ip.is_fragment);
                assert_int_equal(back.header_length, size);
                if (version == 6 && ip.is_fragment) {
                    assert_int_equal(back.frag_header_offset, 40);
                    assert_int_equal(back.next_header_offset, 6);
                }
                CHECK_TRUNCATED(bytes, size, parse);
            }
}

static void test_ipv6_bytes(void **state)
{
    (void)state;
    uint8_t bytes[40];
    struct ip ip = header6(), back;
    assert_int_equal(ip_emit(&ip, bytes), 40);
    static const uint8_t expected[] = {0x6b, 0x9a, 0xbc, 0xde, 0x05, 0xac, 17, 255, 0x20, 0x01, 0x0d, 0xb8};
    assert_memory_equal(bytes, expected, sizeof(expected));
    assert_int_equal(ip_parse(&back, bytes, 40), 40);
    check_same(&ip, &back);
    CHECK_TRUNCATED(bytes, sizeof(bytes), parse);
    bytes[0] = 0x50;
    assert_int_equal(ipv6_parse(&back, bytes, 40), -EINVAL);
}

/* A packet under construction: extension headers behind the fixed one. */
struct chain {
    uint8_t bytes[400];
    size_t length, next_at;
};

static void chain_start(struct chain *c)
{
    struct ip ip = header6();
    memset(c->bytes, 0, sizeof(c->bytes));
    ip.payload_length = 300;
    c->length = ip_emit(&ip, c->bytes);
    c->next_at = 6;
}

static uint8_t *chain_add(struct chain *c, uint8_t type, size_t length)
{
    uint8_t *p = c->bytes + c->length;
    c->bytes[c->next_at] = type;
    c->next_at = c->length;
    c->length += length;
    p[0] = 58;
    p[1] = (uint8_t)(type == 51 ? length / 4 - 2 : length / 8 - 1);
    if (type == 44)
        p[1] = 0;
    return p;
}

static void pad(uint8_t *options, size_t length) /* one PadN */
{
    options[0] = 1;
    options[1] = (uint8_t)(length - 2);
}

static void test_ipv6_extensions(void **state)
{
    (void)state;
    struct chain c;
    struct ip ip;
    chain_start(&c);
    pad(chain_add(&c, 0, 8) + 2, 6);    /* hop by hop */
    pad(chain_add(&c, 60, 16) + 2, 14); /* destination options */
    chain_add(&c, 43, 24)[2] = 4;       /* routing, no segments left */
    chain_add(&c, 51, 24);              /* authentication */
    CHECK_TRUNCATED(c.bytes, c.length, parse);
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), 40 + 8 + 16 + 24 + 24);
    assert_int_equal(ip.protocol, 58);
    assert_int_equal(ip.next_header_offset, 40 + 8 + 16 + 24);
    assert_int_equal(ip.payload_length, 300 - 72);
    /* a real fragment ends the walk; its own next header is not followed */
    uint8_t *fragment = chain_add(&c, 44, 8);
    fragment[0] = 60;
    fragment[3] = 1;
    fragment[7] = 9;
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), c.length);
    assert_true(ip.is_fragment && ip.more_fragments && ip.protocol == 60 && ip.id == 9);
    assert_int_equal(ip.frag_header_offset, c.length - 8);
    assert_int_equal(ip.next_header_offset, c.length - 8 - 24);
    /* an atomic one (RFC 6946) is walked over */
    fragment[3] = 0;
    pad(c.bytes + c.length + 2, 6);
    c.bytes[c.length] = 6;
    assert_int_equal(ip_parse(&ip, c.bytes, c.length + 8), c.length + 8);
    assert_true(!ip.is_fragment && ip.protocol == 6 && ip.frag_header_offset == 0);
    /* RFC 8200 4.7: no next header */
    chain_start(&c);
    c.bytes[6] = 59;
    assert_int_equal(ip_parse(&ip, c.bytes, 40), 40);
    assert_int_equal(ip.protocol, 59);
}

static void test_ipv6_problems(void **state)
{
    (void)state;
    struct chain c;
    struct ip ip;
    /* RFC 8200 4.2: unknown options by their two high bits; the destination of header6() is multicast */
    static const struct { uint8_t type; bool multicast; int result; } options[] = {
        {0x1e, true, 48},      {0x5e, true, -EINVAL}, {0x9e, true, -EPROTO}, {0xde, true, -EINVAL},
        {0xde, false, -EPROTO}, {0x05, true, 48},      {0xc2, true, -EPROTO}, {0x00, true, 48}};
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        chain_start(&c);
        if (!options[i].multicast)
            c.bytes[24] = 0x20;
        uint8_t *p = chain_add(&c, i & 1 ? 0 : 60, 8);
        p[2] = options[i].type;
        p[3] = options[i].type ? 4 : 0;
        assert_int_equal(ip_parse(&ip, c.bytes, c.length), options[i].result);
        if (options[i].result == -EPROTO) {
            assert_int_equal(ip.problem_offset, 42);
            assert_int_equal(ip.problem_code, 2);
        }
    }
    chain_start(&c); /* an option that runs past its header */
    chain_add(&c, 60, 8)[2] = 1;
    c.bytes[43] = 5;
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), -EINVAL);
    chain_start(&c); /* RFC 5095: segments left */
    chain_add(&c, 43, 24)[3] = 1;
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), -EPROTO);
    assert_int_equal(ip.problem_offset, 42);
    assert_int_equal(ip.problem_code, 0);
    chain_start(&c); /* hop-by-hop only in front: RFC 8200 4.1, 4 */
    pad(chain_add(&c, 60, 8) + 2, 6);
    pad(chain_add(&c, 0, 8) + 2, 6);
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), -EPROTO);
    assert_int_equal(ip.problem_code, 1);
    assert_int_equal(ip.problem_offset, 40);
    chain_start(&c); /* more headers than anybody needs */
    for (int i = 0; i < 9; i++)
        pad(chain_add(&c, 60, 8) + 2, 6);
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), -EINVAL);
    chain_start(&c); /* a header longer than the packet says it is */
    pad(chain_add(&c, 60, 16) + 2, 14);
    c.bytes[4] = 0;
    c.bytes[5] = 8;
    assert_int_equal(ip_parse(&ip, c.bytes, c.length), -EINVAL);
}

static void test_in_place(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 6);
    for (int i = 0; i < 5000; i++) {
        struct ip ip = i & 1 ? header4() : header6(), back;
        uint8_t bytes[40];
        ip.id = i & 1 ? (uint32_t)prng_below(&prng, 65536) : 0;
        ip.ttl = (uint8_t)(1 + prng_below(&prng, 255));
        ip.tos = (uint8_t)prng_next(&prng);
        size_t size = ip_emit(&ip, bytes);
        ip_decrement_ttl(bytes);
        uint8_t ecn = (uint8_t)prng_below(&prng, 4);
        ip_set_ecn(bytes, ecn);
        assert_int_equal(ip_parse(&back, bytes, size), size); /* the checksum is right */
        assert_int_equal(back.ttl, ip.ttl - 1);
        assert_int_equal(back.tos, (ip.tos & ~3) | ecn);
        assert_int_equal(back.flow_label, ip.flow_label);
    }
}

/* Random bytes never make a parser read past the end or say more than there is. */
static void test_garbage(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 11);
    for (int i = 0; i < 30000; i++) {
        uint8_t bytes[200];
        size_t n = prng_below(&prng, sizeof(bytes));
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)prng_next(&prng);
        static const uint8_t nexts[] = {0, 43, 44, 51, 60, 6};
        if (n > 6 && i % 4) {
            bytes[0] = 0x60;
            bytes[6] = nexts[prng_below(&prng, 6)];
            for (size_t k = 40; k + 1 < n; k += 8)
                bytes[k] = nexts[prng_below(&prng, 6)], bytes[k + 1] = (uint8_t)prng_below(&prng, 3);
        }
        uint8_t *copy = exact(bytes, n);
        struct ip ip;
        int got = ip_parse(&ip, copy, n);
        assert_true(got < 0 || ((size_t)got <= n && got == ip.header_length));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4_bytes),      cmocka_unit_test(test_ipv4_bad),
        cmocka_unit_test(test_ipv4_options),    cmocka_unit_test(test_unknown_options),
        cmocka_unit_test(test_fragments),       cmocka_unit_test(test_ipv6_bytes),
        cmocka_unit_test(test_ipv6_extensions), cmocka_unit_test(test_ipv6_problems),
        cmocka_unit_test(test_in_place),        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
