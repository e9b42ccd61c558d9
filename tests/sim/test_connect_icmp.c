/* test_connect_icmp.c: an ICMP error while connect() waits (UNP 4.3; FACTS 2): each code under each sourced profile,
 * IPv4 and IPv6; what is soft is remembered and reported at the timeout, what is hard ends connect() at once; what is
 * forged is ignored. */
#include "sim/scenario.h"

enum { NOW = 1, SOFT, IGNORED, PMTU };
struct expected {
    int kind, error;
};
struct column {
    const char *profile;
    double timeout_s;
    struct expected codes[17], exceeded, parameter; /* type 3 codes 0-16; types 11 and 12 */
};
/* What Linux does with each code has not changed from 2.4 to today. */
#define LINUX_CODES                                                                                                    \
    {{NOW, ENETUNREACH},  {NOW, EHOSTUNREACH}, {NOW, ENOPROTOOPT},  {NOW, ECONNREFUSED}, {PMTU, 0},                    \
     {NOW, EOPNOTSUPP},   {NOW, ENETUNREACH},  {NOW, EHOSTDOWN},    {NOW, ENONET},       {NOW, ENETUNREACH},           \
     {NOW, EHOSTUNREACH}, {NOW, ENETUNREACH},  {NOW, EHOSTUNREACH}, {NOW, EHOSTUNREACH}, {NOW, EHOSTUNREACH},          \
     {NOW, EHOSTUNREACH}, {IGNORED, 0}},                                                                               \
        {NOW, EHOSTUNREACH},                                                                                           \
    {                                                                                                                  \
        NOW, EPROTO                                                                                                    \
    }

static const struct column columns[] = {
    {"4.2bsd",
     45,
     {{NOW, ENETUNREACH},
      {NOW, EHOSTUNREACH},
      {NOW, ECONNREFUSED},
      {NOW, ECONNREFUSED},
      {NOW, EMSGSIZE},
      {NOW, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0}},
     {NOW, 0},
     {NOW, 0}},
    {"4.4bsd",
     75,
     {{SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, ECONNREFUSED},
      {SOFT, ECONNREFUSED},
      {SOFT, EMSGSIZE},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0},
      {IGNORED, 0}},
     {IGNORED, 0},
     {SOFT, ENOPROTOOPT}},
    {"linux", 131, LINUX_CODES},
    {"linux24", 189, LINUX_CODES},
    {"freebsd",
     75,
     {{SOFT, EHOSTUNREACH},
      {SOFT, EHOSTUNREACH},
      {NOW, ECONNREFUSED},
      {NOW, ECONNREFUSED},
      {PMTU, 0},
      {SOFT, EHOSTUNREACH},
      {SOFT, 0},
      {SOFT, 0},
      {SOFT, 0},
      {NOW, ECONNREFUSED},
      {NOW, ECONNREFUSED},
      {SOFT, 0},
      {SOFT, 0},
      {NOW, ECONNREFUSED},
      {SOFT, 0},
      {SOFT, 0},
      {IGNORED, 0}},
     {NOW, EHOSTUNREACH},
     {SOFT, ENOPROTOOPT}},
};

struct sender { /* which message the puppet answers the first SYN with */
    uint8_t type, code;
    uint32_t rest;
    bool wrong_sequence;
    const char *router;
};

static void answer_icmp(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    const struct sender *sender = puppet->ctx;
    uint8_t copy[2048];
    if (!seen->is_tcp || !(seen->tcp.flags & TCP_SYN) || puppet->number++ > 0)
        return;
    memcpy(copy, frame, length);
    if (sender->wrong_sequence)
        copy[ETH_LENGTH + seen->ip.header_length + 4] ^= 0x40;
    puppet_send_icmp(puppet, sender->router, sender->type, sender->code, sender->rest, seen, copy, length);
}

static void check(const char *profile, double timeout_s, struct sender sender, struct expected expected, bool v6)
{
    struct scene s;
    struct puppet *puppet = scene_puppet(&s, profile);
    puppet->on_packet = answer_icmp;
    puppet->ctx = &sender;
    sender.router = v6 ? "2001:db8::2" : "192.0.2.254";
    struct attempt client = {.to = v6 ? "2001:db8::99" : "198.51.100.1", .port = 13, .start_s = 10};
    attempt_spawn(&s, &client);
    scene_run(&s, 400);
    char where[96];
    snprintf(where, sizeof(where), "%s%s, ICMP type %u code %u", profile, v6 ? ", IPv6" : "", sender.type, sender.code);
    if (!client.returned && !(expected.kind == NOW && !expected.error))
        fail_msg("%s: connect() never returned", where);
    bool at_once = client.returned && client.took_s < 0.01;
    if (at_once != (expected.kind == NOW))
        fail_msg("%s: connect() returned %s after %.3f s", where, client.error ? strerrorname_np(client.error) : "0",
                 client.took_s);
    int error = expected.kind == NOW || (expected.kind == SOFT && expected.error) ? expected.error : ETIMEDOUT;
    if (expected.kind == SOFT && !expected.error)
        error = client.error; /* which errno is not sourced: only that it is soft */
    if (client.error != error)
        fail_msg("%s: %s instead of %s", where, client.error ? strerrorname_np(client.error) : "0",
                 error ? strerrorname_np(error) : "0");
    if (!at_once && (client.took_s < timeout_s - 0.01 || client.took_s > timeout_s + 0.01))
        fail_msg("%s: after %.3f s, not %.3f", where, client.took_s, timeout_s);
    scene_end(&s);
}

static void test_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        const struct column *column = &columns[i];
        for (unsigned code = 0; code < ARRAY_COUNT(column->codes); code++)
            check(column->profile, column->timeout_s,
                  (struct sender){.type = 3, .code = (uint8_t)code, .rest = code == 4 ? 1400 : 0}, column->codes[code],
                  false);
        check(column->profile, column->timeout_s, (struct sender){.type = 11}, column->exceeded, false);
        check(column->profile, column->timeout_s, (struct sender){.type = 12}, column->parameter, false);
    }
}

/* ICMPv6 on Linux (measured): type 1 codes 0-8, types 2, 3, 4. */
static void test_codes_v6(void **state)
{
    static const int errors[] = {ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED,
                                 EACCES,      EACCES, EPROTO,       EPROTO};
    (void)state;
    for (unsigned code = 0; code < ARRAY_COUNT(errors); code++)
        check("linux", 131, (struct sender){.type = 1, .code = (uint8_t)code}, (struct expected){NOW, errors[code]},
              true);
    check("linux", 131, (struct sender){.type = 2, .rest = 1400}, (struct expected){PMTU, 0}, true);
    check("linux", 131, (struct sender){.type = 3}, (struct expected){NOW, EHOSTUNREACH}, true);
    check("linux", 131, (struct sender){.type = 4}, (struct expected){NOW, EPROTO}, true);
}

/* The ordinary schedule goes on after a soft error: no message triggers a retry (FACTS 9.2); it is what connect()
 * reports in the end (RFC 9293 3.9.1.8, MUST-47). */
static void test_soft_schedule(void **state)
{
    struct scene s;
    struct sender sender = {.type = 3, .code = 1, .router = "192.0.2.254"};
    (void)state;
    struct puppet *puppet = scene_puppet(&s, "4.4bsd");
    puppet->on_packet = answer_icmp;
    puppet->ctx = &sender;
    struct attempt client = {.to = "192.3.4.5", .port = 13, .start_s = 10};
    attempt_spawn(&s, &client);
    scene_run(&s, 400);
    assert_string_equal(times_of(&s, "client", is_syn, SECONDS(10)), "0 6 30");
    assert_errno(client.error, EHOSTUNREACH);
    assert_int_equal((int)client.took_s, 75);
    scene_end(&s);
}

/* macOS gives up a soft error at about 4 s as ENETUNREACH (FACTS 2). */
static void test_macos(void **state)
{
    static const uint8_t hard[] = {2, 3, 9, 10, 13};
    struct scene s;
    struct sender sender = {.type = 3, .code = 1, .router = "192.0.2.254"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(hard); i++)
        check("macos", 75, (struct sender){.type = 3, .code = hard[i]}, (struct expected){NOW, ECONNREFUSED}, false);
    struct puppet *puppet = scene_puppet(&s, "macos");
    puppet->on_packet = answer_icmp;
    puppet->ctx = &sender;
    struct attempt client = {.to = "192.3.4.5", .port = 13, .start_s = 10};
    attempt_spawn(&s, &client);
    scene_run(&s, 400);
    assert_errno(client.error, ENETUNREACH);
    assert_in_range((int)(client.took_s * 10), 35, 50);
    scene_end(&s);
}

/* 4.3BSD stores so_error but wakes nobody; Tahoe wakes connect() and TCP keeps trying (FACTS 2). */
static void test_43_and_tahoe(void **state)
{
    (void)state;
    check("4.3bsd", 45, (struct sender){.type = 3, .code = 1}, (struct expected){IGNORED, ETIMEDOUT}, false);
    struct scene s;
    struct sender sender = {.type = 3, .code = 1, .router = "192.0.2.254"};
    struct puppet *puppet = scene_puppet(&s, "tahoe");
    puppet->on_packet = answer_icmp;
    puppet->ctx = &sender;
    struct attempt client = {.to = "192.3.4.5", .port = 13, .start_s = 10, .keep = true};
    attempt_spawn(&s, &client);
    scene_run(&s, 60);
    assert_errno(client.error, EHOSTUNREACH);
    assert_true(client.took_s < 0.01);
    assert_true(count_of(&s, "client", is_syn) > 1);
    scene_end(&s);
}

/* A message that quotes a sequence number not in flight is forged (RFC 5927): Linux ignores it. */
static void test_forged(void **state)
{
    struct scene s;
    struct sender sender = {.type = 3, .code = 3, .wrong_sequence = true, .router = "192.0.2.254"};
    (void)state;
    struct puppet *puppet = scene_puppet(&s, "linux");
    puppet->on_packet = answer_icmp;
    puppet->ctx = &sender;
    struct attempt client = {.to = "198.51.100.1", .port = 13, .start_s = 10};
    attempt_spawn(&s, &client);
    scene_run(&s, 20);
    assert_false(client.returned);
    scene_end(&s);
}

/* 4.2BSD: a message hits every TCP to that destination, ESTABLISHED ones too. */
static int two_main(struct lil_proc *p, void *argument)
{
    int *error = argument, fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    char byte;
    assert_int_equal(connect_to(p, fd, "198.51.100.1", 7), 0);
    *error = lil_read(p, fd, &byte, 1) < 0 ? errno : 0;
    return 0;
}

static void answer_port7(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    if (!seen->is_tcp || !(seen->tcp.flags & TCP_SYN))
        return;
    if (seen->tcp.dest_port == 7)
        puppet_reply_tcp(puppet, seen, TCP_SYN | TCP_ACK, 777, seen->tcp.seq + 1);
    else
        puppet_send_icmp(puppet, "192.0.2.254", 3, 1, 0, seen, frame, length);
}

static void test_42_all(void **state)
{
    struct scene s;
    int error = -1;
    (void)state;
    scene_puppet(&s, "4.2bsd")->on_packet = answer_port7;
    struct attempt client = {.to = "198.51.100.1", .port = 13, .start_s = 10};
    lil_world_spawn(s.world, s.client, two_main, &error);
    attempt_spawn(&s, &client);
    scene_run(&s, 60);
    assert_errno(client.error, EHOSTUNREACH);
    assert_errno(error, EHOSTUNREACH);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes),         cmocka_unit_test(test_codes_v6),
                                       cmocka_unit_test(test_soft_schedule), cmocka_unit_test(test_macos),
                                       cmocka_unit_test(test_43_and_tahoe),  cmocka_unit_test(test_forged),
                                       cmocka_unit_test(test_42_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
