/* test_short_ways.c: the short ways through the house (tcp_fast.c, host_fast.c, host_bare.c) change nothing that can be seen. Two
 * small worlds live the same life, call for call and packet for packet: in one of them every segment takes the general way. What
 * their hosts send, byte for byte, and what every call returns must be the same, over clean and over bad links. */
#include <stdlib.h>
#include "unit/check.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include "base/prng.h"
#include "host/host_inner.h"
#include "lilliput/lilliput.h"

enum { WORLDS = 2, WIRE = 4096, FRAME = 2048, APP = 1 << 17 };

struct frame {
    uint16_t length;
    uint8_t bytes[FRAME];
};
struct end {
    struct lil_host *host;
    struct lil_proc *proc;
    int nic, fd, listener;
    struct frame *out; /* what it sent and nobody has compared yet */
    unsigned count;
    uint64_t sent, received, deadline_ns /* as the last poll told it */;
};
struct world {
    struct end ends[2];
};
struct way_there { /* what is on its way to one end, in both worlds the same */
    struct frame *frames;
    unsigned count;
};
struct life {
    struct world worlds[WORLDS];
    struct way_there ways[2];
    uint64_t now_ns, steps, segments;
    struct prng prng;
    unsigned bad_percent;
    const char *profile;
};
static char data[APP + 256], sink[WORLDS][APP];

static unsigned draw(struct life *life, unsigned below)
{
    return (unsigned)(prng_next(&life->prng) % below);
}

static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct end *end = ctx;
    (void)ifindex;
    assert_true(end->count < WIRE);
    struct frame *frame = &end->out[end->count++];
    assert_true(lil_packet_length(packet) <= FRAME);
    frame->length = (uint16_t)lil_packet_read(packet, 0, frame->bytes, FRAME);
    lil_packet_free(packet);
    return 0;
}

static void end_init(struct life *life, struct world *world, int side, bool long_ways)
{
    struct end *end = &world->ends[side];
    end->host = lil_host_new(&(struct lil_host_config){
        .profile = life->profile, .seed = 7 + (uint64_t)side, .name = "h", .now_ns = life->now_ns});
    assert_non_null(end->host);
    end->host->long_ways = long_ways;
    end->out = test_malloc(WIRE * sizeof *end->out);
    end->nic = lil_interface_add(
        end->host,
        &(struct lil_interface_config){.kind = LIL_IP, .name = "eth0", .mtu = 1500, .transmit = transmit, .ctx = end});
    assert_int_equal(lil_address_add(end->host, end->nic, side ? "10.0.0.2/24" : "10.0.0.1/24"), 0);
    end->proc = lil_proc_new(end->host);
    end->fd = end->listener = -1;
    end->deadline_ns = LIL_NEVER;
}

static void life_init(struct life *life, const char *profile, uint64_t seed, unsigned bad_percent)
{
    memset(life, 0, sizeof *life);
    life->profile = profile;
    life->now_ns = 1000000000;
    life->bad_percent = bad_percent;
    prng_seed(&life->prng, seed);
    for (int w = 0; w < WORLDS; w++)
        for (int side = 0; side < 2; side++)
            end_init(life, &life->worlds[w], side, w == 1);
    for (int side = 0; side < 2; side++)
        life->ways[side].frames = test_malloc(WIRE * sizeof *life->ways[side].frames);
}

static void life_free(struct life *life)
{
    for (int w = 0; w < WORLDS; w++)
        for (int side = 0; side < 2; side++) {
            lil_host_free(life->worlds[w].ends[side].host);
            test_free(life->worlds[w].ends[side].out);
        }
    for (int side = 0; side < 2; side++)
        test_free(life->ways[side].frames);
}

static void put(struct way_there *way, const struct frame *frame)
{
    if (way->count < WIRE)
        way->frames[way->count++] = *frame;
}

/* What SIDE sent is the same in both worlds; some of it is lost, doubled, damaged or overtaken on the way to the other. */
static void compare(struct life *life, int side)
{
    struct end *a = &life->worlds[0].ends[side], *b = &life->worlds[1].ends[side];
    struct way_there *way = &life->ways[!side];
    unsigned n = a->count < b->count ? a->count : b->count;
    for (unsigned i = 0; i < n; i++) {
        if (a->out[i].length != b->out[i].length || memcmp(a->out[i].bytes, b->out[i].bytes, a->out[i].length))
            print_error("step %lu: segment %u of the end %d differs: the short way, then the general one\n",
                        (unsigned long)life->steps, i, side);
        assert_int_equal(a->out[i].length, b->out[i].length);
        assert_memory_equal(a->out[i].bytes, b->out[i].bytes, a->out[i].length);
    }
    if (a->count != b->count)
        print_error("step %lu: the end %d sent %u segments, on the general way %u\n", (unsigned long)life->steps, side, a->count, b->count);
    assert_int_equal(a->count, b->count);
    for (unsigned i = 0; i < n; i++) {
        struct frame *frame = &a->out[i];
        life->segments++;
        unsigned fate = life->bad_percent ? draw(life, 400) : 400;
        if (fate >= life->bad_percent * 4)
            put(way, frame);
        else if (fate % 4 == 1)
            put(way, frame), put(way, frame);
        else if (fate % 4 == 2)
            frame->bytes[20 + draw(life, frame->length - 20u)] ^= 1u << draw(life, 8), put(way, frame);
        else if (fate % 4 == 3 && way->count) { /* overtakes the one before it */
            struct frame before = way->frames[way->count - 1];
            way->frames[way->count - 1] = *frame;
            put(way, &before);
        }
    }
    a->count = b->count = 0;
}

/* Gives SIDE up to MOST of what is on its way, in both worlds, and polls once. */
static void turn(struct life *life, int side, unsigned most)
{
    struct way_there *way = &life->ways[side];
    unsigned n = way->count < most ? way->count : most;
    for (int w = 0; w < WORLDS; w++) {
        struct end *end = &life->worlds[w].ends[side];
        for (unsigned i = 0; i < n; i++) {
            struct lil_packet *packet = lil_packet_copy(end->host, way->frames[i].bytes, way->frames[i].length);
            assert_non_null(packet);
            lil_host_input(end->host, end->nic, packet, life->now_ns);
        }
        /* a driver that polls only when it is due, or at the deadline that it knows, is late for nothing */
        bool is_known = !lil_host_is_due(end->host) && end->deadline_ns > life->now_ns;
        uint64_t next_ns = lil_host_poll(end->host, life->now_ns);
        assert_true(!is_known || next_ns >= end->deadline_ns);
        end->deadline_ns = next_ns;
    }
    memmove(way->frames, way->frames + n, (way->count - n) * sizeof *way->frames);
    way->count -= n;
    compare(life, side);
}

/* --- calls, in both worlds ------------------------------------------------------------------------------------------------- */

static void write_some(struct life *life, int side)
{
    static const unsigned most[] = {64, 1000, 1448, 3000, 20000, 100000};
    unsigned size = 1 + draw(life, most[draw(life, 6)]);
    ssize_t result[WORLDS];
    for (int w = 0; w < WORLDS; w++) {
        struct end *end = &life->worlds[w].ends[side];
        errno = 0;
        result[w] = lil_write(end->proc, end->fd, data + end->sent % 251, size);
        if (result[w] > 0)
            end->sent += (uint64_t)result[w];
        else
            result[w] = -errno;
    }
    assert_int_equal(result[0], result[1]);
}

static void read_some(struct life *life, int side)
{
    unsigned size = 1 + draw(life, draw(life, 2) ? 200 : APP - 1);
    ssize_t result[WORLDS];
    for (int w = 0; w < WORLDS; w++) {
        struct end *end = &life->worlds[w].ends[side];
        errno = 0;
        result[w] = lil_read(end->proc, end->fd, sink[w], size);
        if (result[w] > 0) {
            assert_memory_equal(sink[w], data + end->received % 251, (size_t)result[w]);
            end->received += (uint64_t)result[w];
        } else {
            result[w] = -errno;
        }
    }
    assert_int_equal(result[0], result[1]);
}

static void set_option(struct life *life, int side)
{
    static const int names[] = {TCP_NODELAY, TCP_CORK, TCP_QUICKACK, TCP_NODELAY};
    int name = names[draw(life, 4)], value = (int)draw(life, 2);
    for (int w = 0; w < WORLDS; w++) {
        struct end *end = &life->worlds[w].ends[side];
        lil_setsockopt(end->proc, end->fd, IPPROTO_TCP, name, &value, sizeof value);
    }
}

static void open_both(struct life *life, bool with_options)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(0x0a000002)};
    for (int w = 0; w < WORLDS; w++) {
        struct end *client = &life->worlds[w].ends[0], *server = &life->worlds[w].ends[1];
        if (!with_options) {
            lil_sysctl_set(client->host, "net.ipv4.tcp_timestamps", "0");
            lil_sysctl_set(client->host, "net.ipv4.tcp_sack", "0");
        }
        server->listener = lil_socket(server->proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_int_equal(lil_bind(server->proc, server->listener, (struct sockaddr *)&name, sizeof name), 0);
        assert_int_equal(lil_listen(server->proc, server->listener, 5), 0);
        client->fd = lil_socket(client->proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_int_equal(lil_connect(client->proc, client->fd, (struct sockaddr *)&name, sizeof name), -1);
    }
    for (int i = 0; i < 4000 && life->worlds[0].ends[1].fd < 0; i++) {
        turn(life, 0, WIRE);
        turn(life, 1, WIRE);
        life->now_ns += 5000000;
        for (int w = 0; w < WORLDS; w++) {
            struct end *server = &life->worlds[w].ends[1];
            server->fd = lil_accept4(server->proc, server->listener, NULL, NULL, SOCK_NONBLOCK);
        }
        assert_int_equal(life->worlds[0].ends[1].fd, life->worlds[1].ends[1].fd);
    }
    assert_true(life->worlds[0].ends[1].fd >= 0);
}

static void close_both(struct life *life)
{
    for (int side = 0; side < 2; side++)
        for (int w = 0; w < WORLDS; w++) {
            struct end *end = &life->worlds[w].ends[side];
            lil_close(end->proc, end->fd);
        }
    for (int i = 0; i < 2000; i++) {
        turn(life, 0, WIRE);
        turn(life, 1, WIRE);
        life->now_ns += 100000000;
    }
}

static void live(struct life *life, unsigned steps)
{
    for (life->steps = 0; life->steps < steps; life->steps++) {
        int side = (int)draw(life, 2);
        switch (draw(life, 12)) {
        case 0: case 1: case 2:
            write_some(life, side);
            break;
        case 3: case 4: case 5:
            read_some(life, side);
            break;
        case 6:
            if (draw(life, 20) == 0)
                set_option(life, side);
            break;
        default:
            turn(life, side, 1 + draw(life, draw(life, 2) ? 3 : 60));
        }
        static const unsigned apart_us[] = {1, 50, 1000, 5000};
        life->now_ns += draw(life, 40) ? 1000ull * apart_us[draw(life, 4)] : 1000000ull * draw(life, 700);
    }
}

static void lives(const char *profile, unsigned bad_percent, bool with_options, unsigned seeds, unsigned steps)
{
    uint64_t segments = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct life life;
        life_init(&life, profile, seed, bad_percent);
        open_both(&life, with_options);
        live(&life, steps);
        close_both(&life);
        segments += life.segments;
        life_free(&life);
    }
    assert_true(segments > seeds * steps / 10); /* there was something to compare */
}

static void test_clean(void **state)
{
    (void)state;
    lives("linux", 0, true, 12, 4000);
}

static void test_bad_links(void **state)
{
    (void)state;
    lives("linux", 1, true, 12, 4000);
    lives("linux", 8, true, 12, 2000);
}

static void test_without_options(void **state)
{
    (void)state;
    lives("linux", 0, false, 6, 3000);
    lives("linux", 3, false, 6, 3000);
}

static void test_other_profiles(void **state)
{
    (void)state;
    static const char *const profiles[] = {"4.4bsd", "freebsd", "linux24", "linux61", "windows", "solaris"};
    for (unsigned i = 0; i < ARRAY_COUNT(profiles); i++)
        lives(profiles[i], 2, true, 3, 2000);
}

int main(void)
{
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (char)(i % 251);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_bad_links),
        cmocka_unit_test(test_without_options),
        cmocka_unit_test(test_other_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
