/* test_addr.c: addresses, prefixes and sockets' structures of both families. */
#include "unit/check.h"
#include <arpa/inet.h>
#include "base/csum.h"
#include "base/prng.h"
#include "wire/addr.h"

static struct addr parsed(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void test_text(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2"};
    char text[ADDR_TEXT];
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct addr a = parsed(good[i]);
        assert_string_equal(addr_print(&a, text), good[i]);
    }
    static const char *const bad[] = {"", "1.2.3", "1.2.3.256", "1.2.3.4.5", "::g", "1::2::3", "192.0.2.1/24", " 1.2.3.4", "01.2.3.4x"};
    struct addr a;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(addr_parse(bad[i], &a), -EINVAL);
    a = parsed("::ffff:10.0.0.1");
    struct addr b = addr_v4(0x0a000001);
    assert_true(addr_equal(&a, &b));
    assert_int_equal(addr_to_v4(&a), 0x0a000001);
}

static void test_kinds(void **state)
{
    (void)state;
    /* v4, any, loopback, multicast, link-local, limited broadcast */
    static const struct { const char *text; const char *kinds; } cases[] = {
        {"0.0.0.0", "4a"}, {"::", "a"}, {"127.0.0.1", "4l"}, {"127.255.0.9", "4l"}, {"128.0.0.1", "4"}, {"::1", "l"},
        {"::2", ""}, {"224.0.0.1", "4m"}, {"239.255.255.255", "4m"}, {"240.0.0.1", "4"}, {"223.255.255.255", "4"},
        {"ff02::1", "m"}, {"fe80::1", "k"}, {"febf::1", "k"}, {"fec0::1", ""}, {"169.254.3.4", "4k"},
        {"255.255.255.255", "4b"}, {"2001:db8::1", ""}, {"::fffe:0:0", ""}, {"::127.0.0.1", ""}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct addr a = parsed(cases[i].text);
        assert_int_equal(addr_is_v4(&a), strchr(cases[i].kinds, '4') != NULL);
        assert_int_equal(addr_is_any(&a), strchr(cases[i].kinds, 'a') != NULL);
        assert_int_equal(addr_is_loopback(&a), strchr(cases[i].kinds, 'l') != NULL);
        assert_int_equal(addr_is_multicast(&a), strchr(cases[i].kinds, 'm') != NULL);
        assert_int_equal(addr_is_link_local(&a), strchr(cases[i].kinds, 'k') != NULL);
        assert_int_equal(addr_is_limited_broadcast(&a), strchr(cases[i].kinds, 'b') != NULL);
    }
    struct addr any4 = addr_any(AF_INET), any6 = addr_any(AF_INET6);
    assert_true(addr_is_v4(&any4) && !addr_is_v4(&any6));
}

static void test_prefixes(void **state)
{
    (void)state;
    static const struct { const char *prefix, *in, *out, *broadcast; } cases[] = {
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0", "192.0.2.255"},
        {"206.62.226.32/27", "206.62.226.63", "206.62.226.64", "206.62.226.63"},
        {"10.0.0.4/32", "10.0.0.4", "10.0.0.5", "10.0.0.4"},
        {"0.0.0.0/0", "9.9.9.9", "2001:db8::1", "255.255.255.255"},
        {"10.1.0.0/15", "10.0.0.0", "10.2.0.0", "10.1.255.255"},
        {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::", NULL},
        {"::/0", "1.2.3.4", NULL, NULL}};
    char text[ADDR_TEXT + 4];
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct prefix p;
        assert_int_equal(prefix_parse(cases[i].prefix, &p), 0);
        assert_string_equal(prefix_print(&p, text), cases[i].prefix);
        struct addr in = parsed(cases[i].in);
        assert_true(prefix_contains(&p, &in));
        if (cases[i].out) {
            struct addr out = parsed(cases[i].out);
            assert_false(prefix_contains(&p, &out));
        }
        if (cases[i].broadcast) {
            struct addr b = prefix_broadcast(&p), expected = parsed(cases[i].broadcast);
            assert_true(addr_equal(&b, &expected));
        }
    }
    struct prefix p;
    assert_int_equal(prefix_parse("10.0.0.1", &p), 0);
    assert_int_equal(p.length, 128);
    static const char *const bad[] = {"10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/1x", "::/129", "/24", "10.0.0.1/0024",
        "1111:1111:1111:1111:1111:1111:111.111.111.111111111111111/1"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(prefix_parse(bad[i], &p), -EINVAL);
}

static void test_mac(void **state)
{
    (void)state;
    struct mac mac;
    char text[18];
    assert_int_equal(mac_parse("02:00:5e:10:AB:ff", &mac), 0);
    assert_string_equal(mac_print(&mac, text), "02:00:5e:10:ab:ff");
    assert_int_equal(mac_parse("2-0-5e-10-a-f", &mac), 0);
    assert_string_equal(mac_print(&mac, text), "02:00:5e:10:0a:0f");
    static const char *const bad[] = {"", "02", "02:00:5e:10:ab", "02:00:5e:10:ab:ff:00", "02:00:5e:10:ab:fg", "002:0:0:0:0:0"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(mac_parse(bad[i], &mac), -EINVAL);
}

static void test_sockaddr(void **state)
{
    (void)state;
    struct sockaddr_storage ss;
    struct addr a = parsed("192.0.2.7"), b;
    uint16_t port;
    uint32_t scope;
    assert_int_equal(addr_to_sockaddr(&a, 13, 0, AF_INET, &ss), sizeof(struct sockaddr_in));
    assert_int_equal(((struct sockaddr_in *)&ss)->sin_port, htons(13));
    for (socklen_t n = 0; n < sizeof(struct sockaddr_in); n++)
        assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, n, &b, &port, &scope), -EINVAL);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, sizeof(struct sockaddr_in), &b, &port, &scope), 0);
    assert_true(addr_equal(&a, &b) && port == 13 && scope == 0);
    assert_int_equal(addr_to_sockaddr(&a, 13, 0, AF_INET6, &ss), sizeof(struct sockaddr_in6));
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, sizeof(ss), &b, &port, &scope), 0);
    assert_true(addr_equal(&a, &b) && port == 13);
    a = parsed("fe80::9");
    socklen_t n = addr_to_sockaddr(&a, 65535, 3, AF_INET6, &ss);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, n, &b, &port, &scope), 0);
    assert_true(addr_equal(&a, &b) && port == 65535 && scope == 3);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, 24, &b, &port, &scope), 0);
    assert_int_equal(scope, 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, 23, &b, &port, &scope), -EINVAL);
    ss.ss_family = AF_UNIX;
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, n, &b, &port, &scope), -EAFNOSUPPORT);
}

/* The pseudo-header of each family, written out byte by byte. */
static void test_pseudo(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 2);
    for (int i = 0; i < 200; i++) {
        struct addr s = addr_v4((uint32_t)prng_next(&prng)), d = addr_v4((uint32_t)prng_next(&prng));
        uint32_t length = (uint32_t)prng_below(&prng, 65536);
        uint8_t v4[12] = {[8] = 0, [9] = 6, [10] = (uint8_t)(length >> 8), [11] = (uint8_t)length}, v6[40] = {0};
        memcpy(v4, s.b + 12, 4);
        memcpy(v4 + 4, d.b + 12, 4);
        assert_int_equal(csum_fold(addr_pseudo_sum(&s, &d, 6, length)) % 0xffff, csum_fold(csum_partial(v4, 12, 0)) % 0xffff);
        s.u64[0] = prng_next(&prng);
        d.u64[1] = prng_next(&prng);
        length += i & 1 ? 70000 : 0;
        memcpy(v6, s.b, 16);
        memcpy(v6 + 16, d.b, 16);
        for (int k = 0; k < 4; k++)
            v6[32 + k] = (uint8_t)(length >> (24 - 8 * k));
        v6[39] = 58;
        assert_int_equal(csum_fold(addr_pseudo_sum(&s, &d, 58, length)) % 0xffff, csum_fold(csum_partial(v6, 40, 0)) % 0xffff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_kinds),    cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_mac),  cmocka_unit_test(test_sockaddr), cmocka_unit_test(test_pseudo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
