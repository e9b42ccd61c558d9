/* transit.c: see transit.h. */
#include "transit.h"
#include <stdlib.h>
#include <string.h>

enum {
    FLIGHTS_MAX = 600,
    INSTANT_MAX = 20000 /* events at one instant: more is a loop without end */,
    RUN_MAX = 30000
};
static const uint64_t ms_ns = 1000000;
struct flight {
    struct flight *next;
    uint64_t due_ns;
    int to;
    size_t length;
    uint8_t bytes[];
};

/* --- hosts ----------------------------------------------------------------------------------------------------------- */

static void *allocate(void *ctx, size_t size)
{
    struct stage *stage = ctx;
    return stage->fail_each && ++stage->allocations % stage->fail_each == 0 ? NULL : malloc(size);
}

static void release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    (void)size;
    free(memory);
}

static void launch(struct stage *stage, int to, const uint8_t *bytes, size_t length)
{
    struct choices *c = stage->choices;
    struct flight *flight = malloc(sizeof *flight + length), **at = &stage->flights;
    uint64_t jitter_ns = choose(c, 8) ? 0 : choose(c, 20) * ms_ns; /* some overtake others */
    *flight = (struct flight){.due_ns = stage->now_ns + stage->way.delay_ns + jitter_ns, .to = to, .length = length};
    memcpy(flight->bytes, bytes, length);
    while (*at && (*at)->due_ns <= flight->due_ns)
        at = &(*at)->next;
    flight->next = *at;
    *at = flight;
    stage->flight_count++;
}

static int transmit(struct stage *stage, int from, struct lil_packet *packet)
{
    static uint8_t bytes[70000];
    struct choices *c = stage->choices;
    size_t length = lil_packet_read(packet, 0, bytes, sizeof bytes);
    bool back = false,
         is_lost = stage->way.down || (stage->way.mtu && length > stage->way.mtu) || choose(c, 100) < stage->way.loss;
    lil_packet_free(packet);
    if (is_lost || stage->flight_count >= FLIGHTS_MAX)
        return 0;
    unsigned copies = choose(c, 50) ? 1 : 2;
    for (unsigned i = 0; i < copies; i++) {
        if (choose(c, 100) < stage->way.changed)
            length = transit_change(c, bytes, length, sizeof bytes, &back);
        launch(stage, back ? from : !from, bytes, length);
    }
    return 0;
}

static int transmit_a(void *ctx, int ifindex, struct lil_packet *packet)
{
    (void)ifindex;
    return transmit(ctx, 0, packet);
}

static int transmit_b(void *ctx, int ifindex, struct lil_packet *packet)
{
    (void)ifindex;
    return transmit(ctx, 1, packet);
}

static void add_host(struct stage *stage, int i, const char *profile)
{
    struct choices *c = stage->choices;
    struct lil_host_config config = {.profile = profile,
                                     .name = i ? "b" : "a",
                                     .seed = 5,
                                     .unpooled = true,
                                     .memory_limit_bytes = 64 << 20,
                                     .allocator = {allocate, release, stage},
                                     .now_ns = stage->now_ns};
    struct lil_interface_config nic = {.kind = LIL_IP,
                                       .name = "eth0",
                                       .gso_max = choose(c, 2) ? 0 : 65535,
                                       .csum_offload = choose(c, 2),
                                       .transmit = i ? transmit_b : transmit_a,
                                       .ctx = stage};
    struct lil_host *host = stage->hosts[i] = lil_host_new(&config);
    if (!host)
        abort();
    int ifindex = lil_interface_add(host, &nic);
    stage->procs[i] = lil_proc_new(host);
    if (ifindex < 0 || !stage->procs[i] || lil_address_add(host, ifindex, i ? "10.0.0.2/24" : "10.0.0.1/24") ||
        lil_address_add(host, ifindex, i ? "fd00::2/64" : "fd00::1/64"))
        abort();
    lil_proc_set_limit(stage->procs[i], DESCRIPTORS);
    lil_proc_set_uid(stage->procs[i], choose(c, 4) ? 0 : 1000);
}

void stage_begin(struct stage *stage, struct choices *c, const char *profile)
{
    unsigned fail_each = choose(c, 4) ? 0 : 20 + choose(c, 400);
    *stage = (struct stage){.choices = c,
                            .now_ns = 1000000000,
                            .way = {.delay_ns = 5 * ms_ns, .changed = choose(c, 2) ? 0 : 1 + choose(c, 20)}};
    add_host(stage, 0, profile);
    add_host(stage, 1, choose(c, 2) ? profile : "linux");
    stage->fail_each = fail_each;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static void deliver(struct stage *stage)
{
    struct flight *flight = stage->flights;
    struct lil_host *host = stage->hosts[flight->to];
    struct lil_packet *packet = lil_packet_copy(host, flight->bytes, flight->length);
    stage->flights = flight->next;
    stage->flight_count--;
    if (packet)
        lil_host_input(host, lil_interface_index(host, "eth0"), packet, stage->now_ns);
    free(flight);
}

void stage_run(struct stage *stage, uint64_t ns)
{
    uint64_t until_ns = stage->now_ns + ns;
    unsigned at_once = 0;
    for (unsigned events = 0; events < RUN_MAX; events++) {
        uint64_t next_ns = until_ns + 1;
        for (int i = 0; i < 2; i++) {
            uint64_t due_ns = lil_host_poll(stage->hosts[i], stage->now_ns);
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
        if (stage->flights && stage->flights->due_ns < next_ns)
            next_ns = stage->flights->due_ns;
        if (next_ns > until_ns)
            break;
        at_once = next_ns > stage->now_ns ? 0 : at_once + 1;
        if (at_once > INSTANT_MAX)
            abort(); /* time stands still */
        stage->now_ns = next_ns > stage->now_ns ? next_ns : stage->now_ns;
        while (stage->flights && stage->flights->due_ns <= stage->now_ns)
            deliver(stage);
    }
    stage->now_ns = until_ns;
}

void stage_end(struct stage *stage)
{
    struct choices *c = stage->choices;
    for (int i = 0; i < 2; i++)
        if (choose(c, 2))
            lil_proc_free(stage->procs[i]);
    stage_run(stage, choose(c, 2) ? 0 : 400000 * ms_ns);
    while (stage->flights) {
        struct flight *next = stage->flights->next;
        free(stage->flights);
        stage->flights = next;
    }
    for (int i = 0; i < 2; i++)
        lil_host_free(stage->hosts[i]);
}
