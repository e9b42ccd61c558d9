/* test_port.c: the choice of ports for connect(): RFC 6056's order, all of a destination's ports, and many destinations
 * that share them; 100,000 connections to 64 server ports cost about one try each, and all 28,232 to one port about two. */
#include <stdlib.h>
#include "host/host.h"
#include "socket_pair.h"
#include "socket/sock.h"

static struct lil_host *host;
static struct lil_proc *p;
static struct ports *ports;

static int set_up(void **state)
{
    (void)state;
    host = lil_host_new(&(struct lil_host_config){.profile = "linux", .seed = 5});
    p = lil_proc_new(host);
    ports = &p->sockets->tcp_ports;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lil_host_free(host);
    return 0;
}

static struct flow flow_to(const char *address, uint16_t port)
{
    struct flow flow = {.local = addr_any(AF_INET), .remote_port = port};

    assert_int_equal(addr_parse(address, &flow.remote), 0);
    return flow;
}

static void test_walk_tries_each_once(void **state)
{
    struct flow flow = flow_to("192.0.2.2", 80);
    struct port_walk walk;
    uint8_t *seen = calloc(65536, 1);
    unsigned count = 0, even = 0;
    uint16_t port;

    (void)state;
    port_walk_begin(&walk, ports, NULL, &flow);
    while ((port = port_walk_next(&walk)) != 0) {
        assert_in_range(port, 32768, 60999);
        assert_int_equal(seen[port]++, 0);
        even += count++ < 14116 && port % 2 == 0;
    }
    assert_int_equal(count, 60999 - 32768 + 1);
    assert_int_equal(even, 14116); /* the even ones first (FACTS 6) */
    free(seen);
}

/* After a success the next walk to that destination begins where it ended; another destination begins elsewhere. */
static void test_order(void **state)
{
    struct flow one = flow_to("192.0.2.2", 80), other = flow_to("192.0.2.3", 81);
    uint16_t last = 0, port, elsewhere;
    struct port_walk walk;

    (void)state;
    for (int i = 0; i < 100; i++) {
        port_walk_begin(&walk, ports, NULL, &one);
        port = port_walk_next(&walk);
        port_walk_done(&walk);
        if (last)
            assert_int_equal(port, last + 2 > 60998 ? 32768 : last + 2);
        last = port;
    }
    port_walk_begin(&walk, ports, NULL, &other);
    elsewhere = port_walk_next(&walk);
    assert_true(abs((int)elsewhere - (int)last) > 2);
}

static void test_bound_ports_are_passed_over(void **state)
{
    struct flow flow = flow_to("192.0.2.2", 80);
    struct port_walk walk;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    uint16_t first, port;

    (void)state;
    port_walk_begin(&walk, ports, NULL, &flow);
    first = port_walk_next(&walk);
    assert_int_equal(bind_to(p, fd, "0.0.0.0", first), 0);
    assert_int_equal(ports_first(ports, first)->port, first);
    port_walk_begin(&walk, ports, NULL, &flow);
    while ((port = port_walk_next(&walk)) != 0)
        assert_int_not_equal(port, first);
    lil_close(p, fd);
    assert_null(ports_first(ports, first));
}

static void test_listener_lookup(void **state)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(bind_to(p, fd, "0.0.0.0", 2000), 0);
    assert_false(ports_has_listener(ports, 2000));
    assert_int_equal(lil_listen(p, fd, 1), 0);
    assert_true(ports_has_listener(ports, 2000));
    lil_close(p, fd);
    assert_false(ports_has_listener(ports, 2000));
}

/* Over the loopback, 100,000 connections to 64 ports: each destination gets ports of its own choice, shared with
 * others. */
static void test_many_connections(void **state)
{
    enum { SERVERS = 64, COUNT = 100000 };
    union name name;
    unsigned tries = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        struct flow flow = flow_to("127.0.0.1", (uint16_t)(2000 + i % SERVERS));
        struct port_walk walk;
        socklen_t length = name_of(&name, "127.0.0.1", 2000 + (unsigned)i % SERVERS);
        int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);

        assert_true(fd >= 0);
        port_walk_begin(&walk, ports, NULL, &flow); /* a look at what connect() will do */
        assert_int_equal(lil_connect(p, fd, &name.sa, length), -1);
        assert_int_equal(errno, EINPROGRESS);
        do
            tries++;
        while (port_walk_next(&walk) != local_port(p, fd));
    }
    assert_in_range(tries, COUNT, COUNT + COUNT / 100);
}

/* All that there are to one destination: when the even ports are used up, only now and then are they looked through again; a port
 * that comes free among them is found before connect() fails. */
static void test_all_ports_of_a_destination(void **state)
{
    enum { COUNT = 60999 - 32768 + 1 };
    union name name;
    socklen_t length = name_of(&name, "127.0.0.1", 2000);
    struct flow flow = flow_to("127.0.0.1", 2000);
    struct port_walk walk;
    unsigned tries = 0;
    int fd = -1, first = -1, port;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        first = first < 0 ? fd : first;
        port_walk_begin(&walk, ports, NULL, &flow); /* a look at what connect() will do */
        assert_int_equal(lil_connect(p, fd, &name.sa, length), -1);
        assert_int_equal(errno, EINPROGRESS);
        do
            tries++;
        while (port_walk_next(&walk) != local_port(p, fd));
    }
    assert_in_range(tries, COUNT, 2 * COUNT);
    port = local_port(p, first);
    assert_int_equal(port % 2, 0);
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_connect(p, fd, &name.sa, length), -1);
    assert_int_equal(errno, EADDRNOTAVAIL);
    lil_close(p, first);
    assert_int_equal(lil_connect(p, fd, &name.sa, length), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_int_equal(local_port(p, fd), port);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_walk_tries_each_once),
        TEST(test_order),
        TEST(test_bound_ports_are_passed_over),
        TEST(test_listener_lookup),
        TEST(test_many_connections),
        TEST(test_all_ports_of_a_destination),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
