/* test_udp.c: datagram endpoints: demultiplexing (RFC 1122 4.1.3), copies for groups, limits, errors (IP_RECVERR), order. */
#include <poll.h>
#include "unit/check.h"
#include "udp/udp.h"
#include "unit/pool_fixture.h"

static struct udp *udp;
static unsigned events_seen;

static void on_event(void *ctx, void *user, struct udp_pcb *pcb, unsigned events)
{
    (void)ctx;
    (void)user;
    (void)pcb;
    events_seen |= events;
}

static void start(void)
{
    struct udp_params params = {.rcvbuf = 20000, .sndbuf = 20000, .ttl = 64, .connect_icmp_errors = true, .icmp4_hard = 8, .csum = true};
    struct udp_hooks hooks = {.event = on_event};
    udp = udp_new(&params, pool, &hooks);
    assert_non_null(udp);
    events_seen = 0;
}

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static struct udp_pcb *bound(const char *local, uint16_t port, int family, bool dual)
{
    struct udp_pcb *pcb = udp_open(udp, UDP_KIND_UDP, family, IPPROTO_UDP, &events_seen);
    struct addr a = local ? address(local) : addr_any(family);
    udp_bind(udp, pcb, &a, port, dual, 0);
    return pcb;
}

static enum lil_drop input(const char *to, uint16_t port, const char *from, uint16_t from_port, const char *text)
{
    struct udp_info info = {.flow = {.local = address(to), .remote = address(from), .local_port = port, .remote_port = from_port},
                            .protocol = IPPROTO_UDP, .ifindex = 2};
    info.multicast = addr_is_multicast(&info.flow.local);
    info.version = addr_is_v4(&info.flow.local) ? 4 : 6;
    struct lil_packet *packet = packet_copy(pool, text, strlen(text));
    enum lil_drop drop = udp_input(udp, &info, packet);
    if (drop == LIL_DROP_UDP_NO_PORT)
        packet_free(packet);
    return drop;
}

static bool got(struct udp_pcb *pcb, const char *text)
{
    struct udp_info info;
    struct lil_packet *packet = udp_receive(udp, pcb, false, &info);
    char bytes[64] = "";
    if (!packet)
        return !text;
    packet_read(packet, 0, bytes, sizeof bytes - 1);
    packet_free(packet);
    return text && !strcmp(bytes, text);
}

static void most_specific_wins(void **state)
{
    (void)state;
    start();
    struct udp_pcb *any = bound(NULL, 53, AF_INET, false), *specific = bound("192.0.2.1", 53, AF_INET, false);
    struct udp_pcb *connected = bound("192.0.2.1", 53, AF_INET, false);
    struct flow flow = {.local = address("192.0.2.1"), .remote = address("192.0.2.9"), .local_port = 53, .remote_port = 1000};
    udp_connect(udp, connected, &flow);
    assert_int_equal(input("192.0.2.2", 53, "192.0.2.9", 1000, "a"), LIL_DROP_NONE);
    assert_int_equal(input("192.0.2.1", 53, "192.0.2.9", 1001, "b"), LIL_DROP_NONE);
    assert_int_equal(input("192.0.2.1", 53, "192.0.2.9", 1000, "c"), LIL_DROP_NONE);
    assert_int_equal(input("192.0.2.1", 54, "192.0.2.9", 1000, "d"), LIL_DROP_UDP_NO_PORT);
    assert_true(got(any, "a") && got(specific, "b") && got(connected, "c"));
    assert_true(got(any, NULL) && got(specific, NULL) && got(connected, NULL));
    assert_int_equal(events_seen, POLLIN);
    udp_connect(udp, connected, NULL);
    assert_false(udp_is_connected(connected));
    udp_free(udp);
}

static void families(void **state)
{
    (void)state;
    start();
    struct udp_pcb *dual = bound(NULL, 7, AF_INET6, true), *only6 = bound(NULL, 8, AF_INET6, false);
    assert_int_equal(input("192.0.2.1", 7, "192.0.2.9", 1, "x"), LIL_DROP_NONE);
    assert_int_equal(input("2001:db8::1", 7, "2001:db8::9", 1, "y"), LIL_DROP_NONE);
    assert_int_equal(input("192.0.2.1", 8, "192.0.2.9", 1, "z"), LIL_DROP_UDP_NO_PORT);
    assert_true(got(dual, "x") && got(dual, "y") && got(only6, NULL));
    udp_free(udp);
}

static void groups_get_copies(void **state)
{
    (void)state;
    start();
    struct udp_pcb *a = bound(NULL, 5353, AF_INET, false), *b = bound(NULL, 5353, AF_INET, false), *c = bound(NULL, 5353, AF_INET, false);
    struct addr group = address("224.0.0.251");
    assert_false(udp_has_group(udp, &group, 2));
    udp_join(a, &group, 2, true);
    udp_join(b, &group, 0, true);
    assert_true(udp_has_group(udp, &group, 2));
    assert_int_equal(input("224.0.0.251", 5353, "192.0.2.9", 5353, "m"), LIL_DROP_NONE);
    assert_true(got(a, "m") && got(b, "m") && got(c, NULL));
    udp_join(a, &group, 2, false);
    udp_close(udp, b);
    assert_false(udp_has_group(udp, &group, 2));
    udp_free(udp);
}

static void receive_buffer_is_a_limit(void **state)
{
    (void)state;
    start();
    struct udp_pcb *pcb = bound(NULL, 9, AF_INET, false);
    unsigned taken = 0;
    for (int i = 0; i < 1000; i++)
        taken += input("192.0.2.1", 9, "192.0.2.9", 1, "") == LIL_DROP_NONE; /* empty datagrams cost too */
    assert_in_range(taken, 10, 100);
    assert_int_equal(udp_readable(pcb), 0);
    assert_true(udp_has_datagram(pcb));
    for (unsigned i = 0; i < taken; i++)
        assert_true(got(pcb, ""));
    assert_int_equal(input("192.0.2.1", 9, "192.0.2.9", 1, "again"), LIL_DROP_NONE);
    assert_int_equal(udp_readable(pcb), 5);
    udp_free(udp);
}

static void output_in_order_and_after_close(void **state)
{
    (void)state;
    start();
    struct udp_pcb *pcb = bound(NULL, 9, AF_INET, false);
    unsigned queued = 0;
    for (;;) {
        struct udp_sent sent = {.packet = packet_copy(pool, "0123456789", 10), .ttl = (uint8_t)queued};
        int error = udp_send_take(udp, pcb, &sent);
        if (error) {
            assert_int_equal(error, -EAGAIN);
            break;
        }
        queued++;
    }
    assert_in_range(queued, 10, 200);
    struct udp_sent sent;
    events_seen = 0;
    assert_true(udp_output_next(udp, &sent));
    assert_int_equal(sent.ttl, 0);
    packet_free(sent.packet);
    udp_close(udp, pcb);
    for (unsigned i = 1; i < queued; i++) {
        assert_true(udp_output_next(udp, &sent));
        assert_int_equal(sent.ttl, i);
        packet_free(sent.packet);
    }
    assert_false(udp_is_due(udp));
    udp_free(udp);
}

static void icmp_errors(void **state)
{
    (void)state;
    start();
    struct udp_pcb *connected = bound("192.0.2.1", 1024, AF_INET, false), *open = bound("192.0.2.1", 1025, AF_INET, false);
    struct flow flow = {.local = address("192.0.2.1"), .remote = address("192.0.2.9"), .local_port = 1024, .remote_port = 13};
    udp_connect(udp, connected, &flow);
    struct udp_icmp icmp = {.flow = flow, .version = 4, .type = ICMP4_UNREACHABLE, .code = 3, .error = ECONNREFUSED, .kind = UDP_KIND_UDP};
    udp_on_icmp(udp, &icmp, NULL);
    assert_int_equal(udp_error(connected, true), ECONNREFUSED);
    assert_int_equal(udp_error(connected, true), 0);
    icmp.code = 1; /* soft for this profile */
    icmp.error = EHOSTUNREACH;
    udp_on_icmp(udp, &icmp, NULL);
    assert_int_equal(udp_error(connected, true), 0);
    icmp.flow.remote_port = 14; /* not its peer */
    icmp.code = 3;
    udp_on_icmp(udp, &icmp, NULL);
    assert_int_equal(udp_error(connected, true), 0);
    icmp.flow.local_port = 1025; /* unconnected: only when it asks */
    udp_on_icmp(udp, &icmp, NULL);
    assert_int_equal(udp_error(open, true), 0);
    udp_set_recverr(open, 4, true);
    struct lil_packet *quoted = packet_copy(pool, "lost", 4);
    udp_on_icmp(udp, &icmp, quoted);
    packet_free(quoted);
    struct udp_icmp seen;
    struct lil_packet *packet = udp_receive_error(udp, open, &seen);
    assert_non_null(packet);
    assert_int_equal(packet->length, 4);
    assert_int_equal(seen.flow.remote_port, 14);
    packet_free(packet);
    assert_null(udp_receive_error(udp, open, &seen));
    udp_free(udp);
}

static void ping_and_raw(void **state)
{
    (void)state;
    start();
    struct udp_pcb *ping = udp_open(udp, UDP_KIND_PING, AF_INET, IPPROTO_ICMP, NULL);
    struct udp_pcb *raw = udp_open(udp, UDP_KIND_RAW, AF_INET, IPPROTO_ICMP, NULL);
    struct addr any = addr_any(AF_INET);
    udp_bind(udp, ping, &any, 77, false, 0);
    assert_true(udp_has_raw(udp, IPPROTO_ICMP));
    assert_false(udp_has_raw(udp, 89));
    struct udp_info info = {.flow = {.local = address("192.0.2.1"), .remote = address("192.0.2.9"), .local_port = 77},
                            .protocol = IPPROTO_ICMP,
                            .version = 4};
    struct lil_packet *packet = packet_copy(pool, "echo", 4);
    udp_input_raw(udp, &info, packet);
    assert_int_equal(udp_input(udp, &info, packet), LIL_DROP_NONE);
    assert_true(got(ping, "echo") && got(raw, "echo"));
    info.flow.local_port = 78;
    packet = packet_copy(pool, "echo", 4);
    assert_int_equal(udp_input(udp, &info, packet), LIL_DROP_UDP_NO_PORT);
    packet_free(packet);
    udp_free(udp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_specific_wins), cmocka_unit_test(families), cmocka_unit_test(groups_get_copies),
        cmocka_unit_test(receive_buffer_is_a_limit), cmocka_unit_test(output_in_order_and_after_close), cmocka_unit_test(icmp_errors),
        cmocka_unit_test(ping_and_raw),
    };
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
