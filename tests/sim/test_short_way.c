/* test_short_way.c: the short way of the data path (src/tcp/tcp_fast.c, src/host/host_fast.c) and the general one are
 * the same TCP: a conversation over a link with loss, reordering, duplication and delays runs twice from one seed, once
 * on hosts that take no short cut; each frame must leave at the same time with the same bytes.
 * (tests/unit/host/test_short_ways.c: two hosts without a link.) */
#include <netinet/tcp.h>
#include "host/host_inner.h"
#include "sim/scenario.h"

enum { SEEDS = 60, FRAMES_MAX = 40000, SERVER_PORT = 13 };
struct frame {
    uint64_t now_ns, digest;
    uint32_t length;
    int direction;
};
struct record {
    struct frame frames[FRAMES_MAX];
    unsigned count;
    uint64_t counters[16];
    int status;
};
struct talk {
    uint64_t seed;
    bool no_delay;
};
static struct record records[2];
static const char *const counters[] = {"TcpInSegs", "TcpOutSegs", "TcpRetransSegs", "TcpExtDelayedACKs", "TcpExtTCPOrigDataSent",
                                       "TcpExtTCPTimeouts", "TcpExtTCPLossProbes", "IpInReceives", "IpInDelivers", "IpOutRequests",
                                       "TcpExtTCPToZeroWindowAdv", "TcpExtTCPWantZeroWindowAdv", "TcpExtTCPOFOQueue"};

static int64_t on_frame(void *ctx, int direction, struct lil_packet *packet, uint64_t now_ns)
{
    struct record *record = ctx;
    uint8_t bytes[2048];
    size_t length = lil_packet_read(packet, 0, bytes, sizeof bytes);
    uint64_t digest = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < length; i++)
        digest = (digest ^ bytes[i]) * 0x100000001b3ull;
    if (record->count < FRAMES_MAX)
        record->frames[record->count++] = (struct frame){now_ns, digest, (uint32_t)lil_packet_length(packet), direction};
    return 0;
}

static unsigned draw(uint64_t *state, unsigned below)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(*state >> 33) % below;
}

/* Reads exactly SIZE bytes; false: the end. */
static bool read_whole(struct lil_proc *p, int fd, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = lil_read(p, fd, bytes + done, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool write_all(struct lil_proc *p, int fd, const uint8_t *bytes, size_t size)
{
    return lil_write(p, fd, bytes, size) == (ssize_t)size; /* a blocking socket takes all */
}

/* A request says how long it is and how long the reply is to be; sizes from a few bytes to many segments, with pauses. */
static int asker_main(struct lil_proc *p, void *argument)
{
    const struct talk *talk = argument;
    uint64_t state = talk->seed * 77 + 5;
    static uint8_t bytes[200000];
    int one = 1, fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    if (connect_to(p, fd, SCENE_SERVER, SERVER_PORT) < 0)
        return 1;
    if (talk->no_delay)
        lil_setsockopt(p, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 0; i < 120; i++) {
        uint32_t sizes[2] = {8 + draw(&state, 100), 1 + draw(&state, 100)};
        if (draw(&state, 6) == 0)
            sizes[draw(&state, 2)] = 8 + draw(&state, 150000);
        for (uint32_t k = 0; k < sizes[0]; k++)
            bytes[k] = (uint8_t)(state >> 20 ^ k);
        memcpy(bytes, sizes, 8);
        if (!write_all(p, fd, bytes, sizes[0]) || !read_whole(p, fd, bytes, sizes[1]))
            return 2;
        if (draw(&state, 10) == 0)
            lil_sleep_ns(p, (uint64_t)draw(&state, 1500) * NS_PER_MS);
    }
    lil_close(p, fd);
    return 0;
}

static int replier_main(struct lil_proc *p, void *argument)
{
    static uint8_t bytes[200000];
    uint32_t sizes[2];
    (void)argument;
    memset(bytes, 0, sizeof bytes); /* what is sent back must not come from another run */
    int listener = lil_socket(p, AF_INET, SOCK_STREAM, 0), fd;
    if (bind_to(p, listener, "0.0.0.0", SERVER_PORT) < 0 || lil_listen(p, listener, 5) < 0)
        return 4;
    fd = lil_accept(p, listener, NULL, NULL);
    while (fd >= 0 && read_whole(p, fd, (uint8_t *)sizes, 8)) {
        if (!read_whole(p, fd, bytes, sizes[0] - 8) || !write_all(p, fd, bytes, sizes[1]))
            return 3;
    }
    lil_close(p, fd);
    return 0;
}

static void run(uint64_t seed, bool is_general, struct record *record)
{
    uint64_t state = seed;
    struct lil_world *world = lil_world_new(seed);
    struct lil_host *a = lil_world_host(world, "client", "linux"), *b = lil_world_host(world, "server", "linux");
    struct lil_link_config config = {.delay_ns = 1000 + draw(&state, 20000) * 1000ull};
    struct talk talk = {.seed = seed, .no_delay = seed & 1};
    record->count = 0;
    if (seed % 3)
        config.loss = lil_percent("1%");
    if (seed % 4 == 1)
        config.jitter_ns = 3 * NS_PER_MS;
    if (seed % 5 == 2)
        config.duplicate = config.corrupt = lil_percent("2%");
    if (seed % 6 == 3)
        config.rate_bps = 10000000;
    struct lil_link *link = lil_world_link(world, a, "192.0.2.1/24", b, SCENE_SERVER "/24", &config);
    lil_link_set_filter(link, on_frame, record);
    if (seed % 7 == 4)
        lil_sysctl_set(a, "net.ipv4.tcp_timestamps", "0");
    a->long_ways = b->long_ways = is_general;
    lil_world_spawn(world, b, replier_main, NULL);
    lil_world_spawn_at(world, a, NS_PER_MS, asker_main, &talk);
    record->status = lil_world_run(world, SECONDS(4000));
    for (unsigned i = 0; i < ARRAY_COUNT(counters); i++)
        record->counters[i] = lil_counter_get(a, counters[i]) * 1000003 + lil_counter_get(b, counters[i]);
    lil_world_free(world);
}

static void test_same_frames(void **unused)
{
    uint64_t frames = 0;
    (void)unused;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed, false, &records[0]);
        run(seed, true, &records[1]);
        for (unsigned i = 0; i < records[0].count && i < records[1].count; i++)
            if (memcmp(&records[0].frames[i], &records[1].frames[i], sizeof records[0].frames[0]))
                fail_msg("seed %llu, frame %u at %llu ns (%u bytes) and at %llu ns (%u bytes)", (unsigned long long)seed, i,
                         (unsigned long long)records[0].frames[i].now_ns, records[0].frames[i].length,
                         (unsigned long long)records[1].frames[i].now_ns, records[1].frames[i].length);
        assert_int_equal(records[0].count, records[1].count);
        assert_int_equal(records[0].status, 0);
        assert_int_equal(records[1].status, 0);
        for (unsigned i = 0; i < ARRAY_COUNT(counters); i++)
            if (records[0].counters[i] != records[1].counters[i])
                fail_msg("seed %llu: %s differs", (unsigned long long)seed, counters[i]);
        frames += records[0].count;
    }
    print_message("%llu frames alike\n", (unsigned long long)frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
