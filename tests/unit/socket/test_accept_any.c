/* test_accept_any.c: an interface that accepts any address (tun2socks, VPNs, slirp): the SYN is held until the embedder answers.
 * Two hosts with IP interfaces, joined by a list of packets each; the gateway takes connections to addresses that no host has. */
#include <errno.h>
#include <netinet/in.h>
#include "unit/check.h"
#include <string.h>
#include "lilliput/lilliput.h"

enum { WIRE = 64 };
struct end {
    struct lil_host *host;
    struct lil_proc *proc;
    int nic;
    struct lil_packet *out[WIRE];
    unsigned head, tail;
};
static struct end client, gateway;
static struct lil_syn seen;
static unsigned syns;
static uint64_t now_ns;

static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct end *end = ctx;
    (void)ifindex;
    if (end->tail - end->head == WIRE)
        return -EAGAIN;
    end->out[end->tail++ % WIRE] = packet;
    return 0;
}

static void on_syn(void *ctx, const struct lil_syn *syn)
{
    (void)ctx;
    seen = *syn;
    syns++;
}

static void end_init(struct end *end, const char *address, bool any, struct lil_host *share)
{
    memset(end, 0, sizeof *end);
    end->host = lil_host_new(&(struct lil_host_config){.seed = 7, .name = address, .share_pool = share, .now_ns = now_ns});
    assert_non_null(end->host);
    end->nic = lil_interface_add(
        end->host, &(struct lil_interface_config){.kind = LIL_IP, .transmit = transmit, .ctx = end, .accept_any = any});
    assert_true(end->nic > 0);
    assert_int_equal(lil_address_add(end->host, end->nic, address), 0);
    end->proc = lil_proc_new(end->host);
}

static void carry(struct end *from, struct end *to)
{
    while (from->head != from->tail)
        lil_host_input(to->host, to->nic, from->out[from->head++ % WIRE], now_ns);
    lil_host_poll(to->host, now_ns);
}

static void settle(void)
{
    for (int i = 0; i < 12; i++) {
        now_ns += 1000000;
        lil_host_poll(client.host, now_ns);
        carry(&client, &gateway);
        carry(&gateway, &client);
    }
}

static int setup(void **state)
{
    (void)state;
    now_ns = 1000000000;
    syns = 0;
    end_init(&client, "192.0.2.2/24", false, NULL);
    end_init(&gateway, "192.0.2.1/24", true, client.host);
    assert_int_equal(lil_route_add(client.host, "default", "192.0.2.1"), 0);
    assert_int_equal(lil_listen_any(gateway.host, gateway.nic, on_syn, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    while (client.head != client.tail)
        lil_packet_free(client.out[client.head++ % WIRE]);
    while (gateway.head != gateway.tail)
        lil_packet_free(gateway.out[gateway.head++ % WIRE]);
    lil_host_free(client.host);
    lil_host_free(gateway.host);
    return 0;
}

/* The client connects to an address that no host has: 203.0.113.9 port 80. */
static int connect_out(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(80)};
    name.sin_addr.s_addr = htonl(0xcb007109);
    int s = lil_socket(client.proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(lil_connect(client.proc, s, (struct sockaddr *)&name, sizeof name), -1);
    assert_int_equal(errno, EINPROGRESS);
    settle();
    assert_int_equal(syns, 1);
    assert_int_equal(seen.local_port, 80);
    assert_int_equal(seen.local[15], 9);
    assert_string_equal(lil_tcp_state(client.proc, s), "SYN_SENT"); /* held: no answer yet */
    return s;
}

static int error_of(int s)
{
    int error = 0;
    socklen_t length = sizeof error;
    assert_int_equal(lil_getsockopt(client.proc, s, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    return error;
}

static void test_accept(void **state)
{
    char text[8] = "";
    int s = connect_out();
    (void)state;
    int t = lil_syn_accept(gateway.host, gateway.proc, seen.id);
    assert_true(t >= 0);
    settle();
    assert_string_equal(lil_tcp_state(client.proc, s), "ESTABLISHED");
    assert_int_equal(lil_write(client.proc, s, "ping", 4), 4);
    settle();
    assert_int_equal(lil_recv(gateway.proc, t, text, sizeof text, MSG_DONTWAIT), 4);
    assert_memory_equal(text, "ping", 4);
    assert_int_equal(lil_write(gateway.proc, t, "pong", 4), 4);
    settle();
    assert_int_equal(lil_read(client.proc, s, text, sizeof text), 4);
    assert_memory_equal(text, "pong", 4);
}

static void test_refuse(void **state)
{
    int s = connect_out();
    (void)state;
    assert_int_equal(lil_syn_refuse(gateway.host, seen.id, ECONNREFUSED), 0);
    settle();
    assert_int_equal(error_of(s), ECONNREFUSED);
}

static void test_unreachable(void **state)
{
    int s = connect_out();
    (void)state;
    assert_int_equal(lil_syn_refuse(gateway.host, seen.id, EHOSTUNREACH), 0);
    settle();
    assert_int_equal(error_of(s), EHOSTUNREACH);
}

static void test_silence(void **state)
{
    int s = connect_out();
    (void)state;
    assert_int_equal(lil_syn_refuse(gateway.host, seen.id, 0), 0);
    settle();
    assert_int_equal(error_of(s), 0);
    assert_string_equal(lil_tcp_state(client.proc, s), "SYN_SENT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
