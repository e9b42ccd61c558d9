/* test_parse.c: the script language, both dialects, into trees. */
#include "unit/check.h"
#include <string.h>
#include "script/language/encap.h"
#include "script/language/ast.h"
#include "wire/wire.h"

static struct script script;

static struct script_event *parse(const char *text)
{
    int error = script_parse(&script, "test.pkt", text, 4, NULL, "Linux");
    if (error)
        print_error("line %d: %s\n", script.error_line, script.error);
    assert_int_equal(error, 0);
    return script.events;
}

static const struct spec_packet *parse_packet(const char *text)
{
    const struct script_event *event = parse(text);
    assert_non_null(event);
    assert_int_equal(event->kind, EVENT_PACKET);
    assert_null(event->next);
    return event->packet;
}

static void expect_error(const char *text, int line, const char *part)
{
    assert_true(script_parse(&script, "test.pkt", text, 4, NULL, "Linux") < 0);
    assert_int_equal(script.error_line, line);
    if (!strstr(script.error, part))
        fail_msg("\"%s\" does not contain \"%s\"", script.error, part);
    script_fini(&script);
}

static void test_times(void **state)
{
    (void)state;
    const struct script_event *e = parse("0 close(3) = 0\n+.1 close(3) = 0\n 1.5 close(3) = 0\n* close(3) = 0\n"
                                         "+0.1~+0.25 > . 1:1(0) ack 1\n1~2 > . 1:1(0) ack 1\n0.100...0.200 accept(3, ..., ...) = 4\n"
                                         "0...1 read(4, ..., 10) = 10\n+0...0.5 connect(3, ..., ...) = 0\n");
    static const struct { enum when_kind kind; int64_t start, end; } want[] = {
        {WHEN_ABSOLUTE, 0, 0}, {WHEN_RELATIVE, 100000000, 0}, {WHEN_ABSOLUTE, 1500000000, 0}, {WHEN_ANY, 0, 0},
        {WHEN_RELATIVE_RANGE, 100000000, 250000000}, {WHEN_ABSOLUTE_RANGE, 1000000000, 2000000000}, {WHEN_ABSOLUTE, 100000000, 0},
        {WHEN_ABSOLUTE, 0, 0}, {WHEN_RELATIVE, 0, 0}};
    for (unsigned i = 0; i < ARRAY_COUNT(want); i++, e = e->next) {
        assert_non_null(e);
        assert_int_equal(e->when.kind, want[i].kind);
        assert_int_equal(e->when.start_ns, want[i].start);
        assert_int_equal(e->when.end_ns, want[i].end);
        assert_int_equal(e->line, i + 1);
        static const int64_t ends[] = {200000000, 1000000000, 500000000};
        if (i >= 6) {
            assert_true(e->call->blocking);
            assert_int_equal(e->call->end_ns, ends[i - 6]);
        }
    }
    assert_null(e);
    script_fini(&script);
}

static void test_segments(void **state)
{
    (void)state;
    const struct spec_packet *p = parse_packet("+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>");
    assert_true(p->inbound);
    assert_int_equal(p->flags, TCP_SYN);
    assert_int_equal(p->window, 32792);
    assert_int_equal(p->option_count, 6);
    assert_int_equal(p->options[0].value, 1000);
    assert_int_equal(p->options[5].kind, OPTION_WSCALE);
    script_fini(&script);

    p = parse_packet("+.1 > P. 1:1001(1000) ack 1");
    assert_false(p->inbound);
    assert_int_equal(p->flags, TCP_PSH | TCP_ACK);
    assert_int_equal(p->length, 1000);
    assert_false(p->has_window);
    assert_false(p->options_any);
    script_fini(&script);

    p = parse_packet("+0 > [noecn] SEW 0:0(0) win 65535 <mss 1460,nop,wscale 6,\n   sackOK,TS val 100 ecr 0>");
    assert_int_equal(p->ecn, ECN_NONE);
    assert_int_equal(p->flags, TCP_SYN | TCP_ECE | TCP_CWR);
    assert_int_equal(p->options[4].kind, OPTION_TIMESTAMP);
    assert_int_equal(p->options[4].value, 100);
    script_fini(&script);

    p = parse_packet("+0 > . 1:1(0) ack 1 <nop,nop,sack 2001:3001 4001:5001>");
    assert_int_equal(p->options[2].count, 2);
    assert_int_equal(p->options[2].sack[1].start, 4001);
    script_fini(&script);

    p = parse_packet("+0 < [ect0, ttl 12, tos 0x10] 1001 > 8080 U. 4294967295:4(5) ack 7 win 10 urg 3 <...>");
    assert_true(p->has_ports && p->has_ttl && p->has_tos && p->options_any);
    assert_int_equal(p->source_port, 1001);
    assert_int_equal(p->seq, 4294967295u);
    assert_int_equal(p->urgent, 3);
    script_fini(&script);

    p = parse_packet("0 > SEWA 0:0(0) <mss 1460,FO 0102a1,FOEXP,md5 00112233445566778899aabbccddeeff,ECN e1b 1 ceb 0 e0b 2,eol>");
    assert_int_equal(p->flags, TCP_SYN | TCP_ECE | TCP_CWR | TCP_AE);
    assert_int_equal(p->options[1].length, 3);
    assert_int_equal(p->options[2].length, 0);
    assert_int_equal(p->options[3].length, 16);
    assert_true(p->options[4].order1);
    assert_int_equal(p->options[4].fields[2], 2);
    script_fini(&script);

    p = parse_packet("0 > 5. 1:1(0) ack 1");
    assert_int_equal(p->flags, TCP_ACK | TCP_AE | TCP_ECE);
    script_fini(&script);
    p = parse_packet("0 < - 1:1(0) win 1");
    assert_int_equal(p->flags, 0);
    script_fini(&script);
}

static void test_other_packets(void **state)
{
    (void)state;
    const struct spec_packet *p = parse_packet("+0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
    assert_int_equal(p->protocol, SPEC_ICMP);
    assert_int_equal(p->icmp_type, 3);
    assert_int_equal(p->icmp_code, 4);
    assert_int_equal(p->mtu, 1200);
    assert_int_equal(p->quote_length, 1460);
    script_fini(&script);
    p = parse_packet("+0 < icmpv6 packet_too_big mtu 1280 [udp (1000)]");
    assert_int_equal(p->icmp_version, 6);
    assert_int_equal(p->icmp_type, 2);
    assert_int_equal(p->quote_protocol, SPEC_UDP);
    script_fini(&script);
    p = parse_packet("+0 < udp (1000)");
    assert_int_equal(p->protocol, SPEC_UDP);
    assert_int_equal(p->length, 1000);
    script_fini(&script);
    p = parse_packet("+0 < ipv4 1.1.1.1 > 2.2.2.2: gre: . 1:1(0) ack 1 win 5");
    assert_int_equal(p->encap->kind, ENCAP_IPV4);
    assert_int_equal(p->encap->next->kind, ENCAP_GRE);
    assert_null(p->encap->next->next);
    script_fini(&script);
    p = parse_packet("+0 < sctp: INIT[flgs=0]");
    assert_non_null(p->unsupported);
    script_fini(&script);
}

static void test_calls(void **state)
{
    (void)state;
    const struct script_event *e = parse("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
        "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0 // a comment\n"
        "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
        "+0 fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)\n"
        "+0 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1\n"
        "+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, 0) = 30\n"
        "+0 bind(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}, ...) = 0\n"
        "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
        "+0 getsockopt(3, SOL_TCP, TCP_INFO, {...}, [..., 104]) = 0");
    static const char *const names[] = {"socket", "fcntl", "connect", "fcntl", "poll", "sendmsg", "bind", "setsockopt", "getsockopt"};
    static const unsigned counts[] = {3, 3, 3, 2, 3, 3, 3, 5, 5};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++, e = e->next) {
        assert_string_equal(e->call->name, names[i]);
        assert_int_equal(e->call->count, counts[i]);
        if (i == 2) {
            assert_string_equal(e->call->error, "EINPROGRESS");
            assert_int_equal(e->call->result->number, -1);
        } else if (i == 5) {
            const struct expr *message = e->call->arguments[1];
            assert_string_equal(message->names[1], "msg_iov");
            assert_int_equal(message->items[1]->count, 2);
            assert_int_equal(message->items[1]->items[1]->items[1]->number, 20);
        } else if (i == 6) {
            const struct expr *address = e->call->arguments[1];
            assert_string_equal(address->items[1]->text, "htons");
            assert_string_equal(address->items[2]->items[0]->text, "192.0.2.1");
        }
    }
    assert_null(e);
    script_fini(&script);
}

static void test_head_and_rest(void **state)
{
    (void)state;
    const struct script_event *e = parse("# a shell's comment\n// another\n--ip_version=ipv4 --mss=1460\n--tolerance_usecs=10000\n"
        "/* long\n comment */ `../common/defaults.sh\n sysctl -q net.ipv4.tcp_sack=0`\n"
        "+0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%\n0.5 `sleep 1`\n");
    assert_string_equal(script.options->name, "ip_version");
    assert_string_equal(script.options->next->value, "1460");
    assert_string_equal(script.options->next->next->name, "tolerance_usecs");
    assert_int_equal(e->kind, EVENT_COMMAND);
    assert_int_equal(e->when.kind, WHEN_RELATIVE);
    assert_int_equal(e->line, 6);
    e = e->next;
    assert_int_equal(e->kind, EVENT_CODE);
    assert_string_equal(e->text, " assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd ");
    assert_int_equal(e->next->kind, EVENT_COMMAND);
    assert_null(e->next->next);
    script_fini(&script);
}

static void test_defines(void **state)
{
    (void)state;
    struct define cookie = {NULL, "COOKIE", "a1b2c3d4"}, level = {&cookie, "LEVEL", "SOL_IPV6"};
    assert_int_equal(
        script_parse(&script, "t",
                     "0 > S 0:0(0) <FO COOKIE>\n0 setsockopt(3, LEVEL, SO_ERROR, [1], 4) = 0\n0 `echo $LEVEL$`", 4,
                     &level, "Linux"),
        0);
    const struct script_event *e = script.events;
    assert_int_equal(e->packet->options[0].length, 4);
    assert_int_equal(e->packet->options[0].bytes[3], 0xd4);
    assert_string_equal(e->next->call->arguments[1]->text, "SOL_IPV6");
    assert_string_equal(e->next->next->text, "echo SOL_IPV6");
    script_fini(&script);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("0 close(3) = 0\n+0 < S 0:1(0) win 1", 2, "do not fit");
    expect_error("0 close(3 = 0", 1, "expected ',' or ')'");
    expect_error("0 ! foo", 1, "expected a packet");
    expect_error("0 > Q 1:1(0)", 1, "flags");
    expect_error("0 > . 1:1(0) ack 1 <bogus 4>", 1, "expected a TCP option (mss, wscale");
    expect_error("\n\n0 `sysctl a=1", 3, "closing");
    expect_error("0 %{ assert 1 ", 1, "closing");
    expect_error("0 < S 0:0(0) win 65536\n0 close(3) = 0", 1, "at most 65535");
    expect_error("/* open", 1, "comment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times), cmocka_unit_test(test_segments), cmocka_unit_test(test_other_packets), cmocka_unit_test(test_calls),
        cmocka_unit_test(test_head_and_rest), cmocka_unit_test(test_defines), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
