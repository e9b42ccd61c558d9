/* test_link.c: links between two recorders: delay, rate, queue, loss, duplication, corruption, reordering, mtu,
 * filters; a switch learns. */
#include <stdlib.h>
#include "unit/check.h"
#include "sim/sim_node.h"

enum { SEEN_MAX = 4096 };
struct recorder {
    struct lil_node node;
    unsigned count, wrong; /* wrong: not what was sent */
    uint64_t times[SEEN_MAX];
    uint32_t numbers[SEEN_MAX];
};

static void recorder_input(struct lil_node *node, unsigned port, struct lil_packet *packet, uint64_t now_ns)
{
    struct recorder *self = container_of(node, struct recorder, node);
    uint8_t bytes[64];
    (void)port;
    size_t length = packet_read(packet, 0, bytes, sizeof(bytes));
    assert_true(length >= 24 && self->count < SEEN_MAX);
    memcpy(&self->numbers[self->count], bytes + 20, 4);
    for (size_t i = 24; i < length; i++)
        self->wrong += bytes[i] != (uint8_t)(self->numbers[self->count] + i);
    self->times[self->count++] = now_ns;
    packet_free(packet);
}

static uint64_t recorder_poll(struct lil_node *node, uint64_t now_ns)
{
    (void)node;
    (void)now_ns;
    return LIL_NEVER;
}

static void recorder_free(struct lil_node *node)
{
    (void)node;
}
static const struct sim_node_ops recorder_ops = {recorder_input, recorder_poll, recorder_free};

struct rig {
    struct lil_world *world;
    struct pool *pool;
    struct recorder a, b;
    struct lil_link *link;
};

static void rig_init(struct rig *rig, uint64_t seed, const struct lil_link_config *config)
{
    memset(rig, 0, sizeof(*rig));
    rig->world = lil_world_new(seed);
    rig->pool = pool_new(NULL);
    node_init(&rig->a.node, rig->world, "a", &recorder_ops);
    node_init(&rig->b.node, rig->world, "b", &recorder_ops);
    rig->link = link_new(rig->world, &(struct sim_end){&rig->a.node, 0, NULL}, &(struct sim_end){&rig->b.node, 0, NULL},
                         config);
}

static void rig_fini(struct rig *rig)
{
    lil_world_free(rig->world);
    struct pool_stats stats;
    pool_get_stats(rig->pool, &stats);
    assert_int_equal(stats.packets_now, 0); /* every packet came home */
    pool_unref(rig->pool);
}

static struct lil_packet *numbered(struct rig *rig, uint32_t number, size_t size)
{
    uint8_t bytes[1600] = {[12] = 8}; /* an IPv4 frame as far as the link can tell */
    memcpy(bytes + 20, &number, 4);
    for (size_t i = 24; i < size; i++)
        bytes[i] = (uint8_t)(number + i);
    return packet_copy(rig->pool, bytes, size);
}

static void send_many(struct rig *rig, uint32_t count, size_t size)
{
    for (uint32_t i = 0; i < count; i++)
        link_input(rig->link, 0, numbered(rig, i, size), lil_world_now(rig->world));
    lil_world_run(rig->world, LIL_NEVER);
}

static void test_delay(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 1, &(struct lil_link_config){.delay_ns = 10 * NS_PER_MS});
    send_many(&rig, 3, 64);
    assert_int_equal(rig.b.count, 3);
    assert_int_equal(rig.b.times[2], 10 * NS_PER_MS);
    assert_int_equal(rig.b.numbers[2], 2);
    assert_int_equal(rig.a.count, 0);
    rig_fini(&rig);
}

static void test_rate_and_queue(void **state)
{
    struct rig rig;
    (void)state;
    /* 1,250 bytes are 1 ms at 10 Mbit/s; one on the wire and five in the queue. */
    rig_init(&rig, 1, &(struct lil_link_config){.rate_bps = 10000000, .queue_packets = 5, .delay_ns = NS_PER_MS});
    send_many(&rig, 20, 1250);
    assert_int_equal(rig.b.count, 6);
    assert_int_equal(rig.b.times[0], 2 * NS_PER_MS);
    assert_int_equal(rig.b.times[5], 7 * NS_PER_MS);
    send_many(&rig, 1, 1250); /* the queue is empty again */
    assert_int_equal(rig.b.count, 7);
    rig_fini(&rig);
}

static void test_loss(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 42, &(struct lil_link_config){.loss = lil_percent("10%")});
    send_many(&rig, 4000, 64);
    assert_in_range(rig.b.count, 3500, 3700);
    unsigned first = rig.b.count;
    rig_fini(&rig);
    rig_init(&rig, 42, &(struct lil_link_config){.loss = lil_percent("10%")});
    send_many(&rig, 4000, 64); /* the same seed, the same fate */
    assert_int_equal(rig.b.count, first);
    rig_fini(&rig);
    rig_init(&rig, 42, &(struct lil_link_config){.loss = lil_percent("100%")});
    send_many(&rig, 100, 64);
    assert_int_equal(rig.b.count, 0);
    rig_fini(&rig);
}

static void test_duplicate(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 3, &(struct lil_link_config){.duplicate = lil_percent("50%")});
    send_many(&rig, 1000, 64);
    assert_in_range(rig.b.count, 1400, 1600);
    assert_int_equal(rig.b.wrong, 0);
    rig_fini(&rig);
}

static void test_corrupt(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 3, &(struct lil_link_config){.corrupt = lil_percent("100%")});
    struct lil_packet *packet = numbered(&rig, 7, 60), *original = packet_clone(packet);
    link_input(rig.link, 0, packet, 0);
    lil_world_run(rig.world, LIL_NEVER);
    uint8_t before[60];
    assert_int_equal(rig.b.count, 1);
    packet_read(original, 0, before, sizeof(before)); /* what others share is untouched */
    for (int i = 24; i < 60; i++)
        assert_int_equal(before[i], (uint8_t)(7 + i));
    packet_free(original);
    send_many(&rig, 200, 1400);
    assert_true(rig.b.wrong > 0);
    rig_fini(&rig);
}

static void test_reorder(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 5,
             &(struct lil_link_config){.delay_ns = NS_PER_MS, .reorder = lil_percent("25%"), .reorder_gap = 5});
    send_many(&rig, 1000, 64);
    unsigned early = 0;
    assert_int_equal(rig.b.count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        early += rig.b.times[i] == 0;
    assert_in_range(early, 50, 200); /* at most every fifth, each with a chance of a quarter */
    rig_fini(&rig);
}

static void test_mtu_and_down(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 5, &(struct lil_link_config){.mtu = 1000});
    send_many(&rig, 1, 1014);
    assert_int_equal(rig.b.count, 1);
    send_many(&rig, 1, 1015);
    assert_int_equal(rig.b.count, 1);
    lil_link_set(rig.link, 0, &(struct lil_link_config){.down = true});
    send_many(&rig, 1, 64);
    assert_int_equal(rig.b.count, 1);
    assert_true(lil_link_get(rig.link, 2).down);
    rig_fini(&rig);
}

static int64_t odd_ones(void *ctx, int direction, struct lil_packet *packet, uint64_t now_ns)
{
    uint32_t number;
    (void)now_ns;
    packet_read(packet, 20, &number, 4);
    ++*(int *)ctx;
    assert_int_equal(direction, 1);
    return number % 3 == 0 ? 0 : number % 3 == 1 ? 1 : 5000;
}

static void test_filter(void **state)
{
    struct rig rig;
    int calls = 0;
    (void)state;
    rig_init(&rig, 5, NULL);
    lil_link_set_filter(rig.link, odd_ones, &calls);
    send_many(&rig, 9, 64);
    assert_int_equal(calls, 9);
    assert_int_equal(rig.b.count, 6);
    assert_int_equal(rig.b.times[2], 0);
    assert_int_equal(rig.b.times[3], 5000);
    rig_fini(&rig);
}

/* Instead of a packet that is long two short ones, which come through here, too. */
static int64_t in_halves(void *ctx, int direction, struct lil_packet *packet, uint64_t now_ns)
{
    if (packet->length <= 100)
        return 1000;
    for (int i = 0; i < 2; i++) {
        struct lil_packet *half = packet_clone(packet);
        packet_trim_to(half, 100);
        lil_link_input(ctx, direction, half, now_ns);
    }
    return 1;
}

static void test_filter_sends(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, 5, NULL);
    lil_link_set_filter(rig.link, in_halves, rig.link);
    send_many(&rig, 1, 200);
    assert_int_equal(rig.b.count, 2);
    assert_int_equal(rig.b.times[1], 1000);
    rig_fini(&rig);
}

static void test_link_of(void **state)
{
    struct lil_world *world = lil_world_new(1);
    struct lil_host *a = lil_world_host(world, "a", "linux"), *b = lil_world_host(world, "b", "linux");
    struct lil_link *link = lil_world_link(world, a, "10.0.0.1/24", b, "10.0.0.2/24", NULL);
    (void)state;
    assert_ptr_equal(lil_world_link_of(world, b, 2), link);
    assert_null(lil_world_link_of(world, b, 3));
    lil_world_free(world);
}

static void test_switch_learns(void **state)
{
    struct lil_world *world = lil_world_new(1);
    struct pool *pool = pool_new(NULL);
    static struct recorder nodes[3];
    struct lil_link *links[3];
    struct lil_node *sw = lil_world_switch(world, "lan");
    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i)};
        node_init(&nodes[i].node, world, name, &recorder_ops);
        struct sim_end port = switch_port(sw);
        links[i] = link_new(world, &(struct sim_end){&nodes[i].node, 0, NULL}, &port, NULL);
        switch_connect(sw, port.port, links[i], 1);
    }
    uint8_t frame[64] = {0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8}; /* to 2, from 1 */
    for (size_t i = 24; i < sizeof(frame); i++)
        frame[i] = (uint8_t)i;
    link_input(links[0], 0, packet_copy(pool, frame, 64), 0);
    lil_world_run(world, LIL_NEVER);
    assert_int_equal(nodes[1].count, 1); /* nobody knows 2 yet: flooded, but not back */
    assert_int_equal(nodes[2].count, 1);
    assert_int_equal(nodes[0].count, 0);
    frame[5] = 1;
    frame[11] = 2;
    link_input(links[1], 0, packet_copy(pool, frame, 64), 0);
    lil_world_run(world, LIL_NEVER);
    assert_int_equal(nodes[0].count, 1); /* 1 is known */
    assert_int_equal(nodes[2].count, 1);
    lil_world_free(world);
    pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_delay),        cmocka_unit_test(test_rate_and_queue),
                                       cmocka_unit_test(test_loss),         cmocka_unit_test(test_duplicate),
                                       cmocka_unit_test(test_corrupt),      cmocka_unit_test(test_reorder),
                                       cmocka_unit_test(test_mtu_and_down), cmocka_unit_test(test_filter),
                                       cmocka_unit_test(test_filter_sends), cmocka_unit_test(test_link_of),
                                       cmocka_unit_test(test_switch_learns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
