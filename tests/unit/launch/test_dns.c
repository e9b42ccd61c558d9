/* test_dns.c: the lab's name answers (RFC 1035 4.1): A, AAAA, PTR, unknown names, failures, and malformed questions. */
#include "unit/check.h"
#include <errno.h>
#include <string.h>
#include "launch/names.h"

static const uint8_t head[12] = {0x12, 0x34, 1, 0, 0, 1};

static size_t question(uint8_t *out, const char *encoded, size_t length, uint8_t type)
{
    memcpy(out, head, sizeof head);
    memcpy(out + 12, encoded, length);
    memcpy(out + 12 + length, (uint8_t[]){0, type, 0, 1}, 4);
    return 16 + length;
}

static void test_addresses(void **state)
{
    struct names names = {0};
    uint8_t query[64], answer[512];
    size_t n;
    (void)state;
    assert_int_equal(names_add(&names, "a.test", "192.0.2.7"), 0);
    assert_int_equal(names_add(&names, "a.test", "2001:db8::7"), 0);
    assert_int_equal(names_add(&names, "a.test", "nonsense"), -EINVAL);
    n = question(query, "\1A\4test", 8, 1); /* names have no case */
    n = dns_answer(&names, query, n, answer, sizeof answer);
    assert_int_equal(n, 24 + 16);
    assert_int_equal(answer[7], 1);
    assert_memory_equal(answer + n - 4, "\xc0\x00\x02\x07", 4);
    n = dns_answer(&names, query, question(query, "\1a\4test", 8, 28), answer, sizeof answer);
    assert_int_equal(n, 24 + 28);
    n = dns_answer(&names, query, question(query, "\1b\4test", 8, 1), answer, sizeof answer);
    assert_int_equal(n, 24);
    assert_int_equal(answer[3] & 15, 3); /* NXDOMAIN */
    n = dns_answer(&names, query, question(query, "\1a", 3, 1), answer, sizeof answer); /* a.test, as by `search test` */
    assert_int_equal(n, 19 + 16);
    assert_memory_equal(answer + n - 4, "\xc0\x00\x02\x07", 4);
    dns_answer(&names, query, question(query, "\1b", 3, 1), answer, sizeof answer);
    assert_int_equal(answer[3] & 15, 3);
    n = dns_answer(&names, query, question(query, "\1" "7\1" "2\1" "0\3" "192\7in-addr\4arpa", 24, 12), answer, sizeof answer);
    assert_int_equal(answer[7], 1);
    names.mode = DNS_SERVFAIL;
    dns_answer(&names, query, question(query, "\1a\4test", 8, 1), answer, sizeof answer);
    assert_int_equal(answer[3] & 15, 2);
    names_fini(&names);
}

static void test_malformed(void **state)
{
    struct names names = {0};
    uint8_t query[64], answer[512];
    size_t n = question(query, "\1a\4test", 8, 1);
    (void)state;
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(dns_answer(&names, query, cut, answer, sizeof answer), 0);
    assert_int_equal(dns_answer(&names, query, n, answer, 20), 0); /* no room */
    query[12] = 0xc0;                                              /* compression in a question */
    assert_int_equal(dns_answer(&names, query, n, answer, sizeof answer), 0);
    query[12] = 1;
    query[2] = 0x80; /* an answer */
    assert_int_equal(dns_answer(&names, query, n, answer, sizeof answer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses), cmocka_unit_test(test_malformed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
