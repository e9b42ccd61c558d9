/* test_world.c: the world itself: programs start, sleep, are killed; hosts crash; 1,000 hosts boot and run; two runs of
 * one seed give byte-identical captures. */
#include <unistd.h>
#include "apps/apps.h"
#include "sim/scenario.h"

static char told[4096];

static void on_output(void *ctx, struct lil_proc *proc, const char *line, uint64_t now_ns)
{
    (void)ctx;
    size_t at = strlen(told);
    snprintf(told + at, sizeof(told) - at, "%llu %s: %s", (unsigned long long)(now_ns / NS_PER_MS),
             lil_host_name(lil_proc_host(proc)), line);
}

static int ticker_main(struct lil_proc *p, void *argument)
{
    for (int i = 0; i < 3; i++) {
        lil_printf(p, "%s %d\n", (const char *)argument, i);
        lil_sleep_ns(p, 100 * NS_PER_MS);
    }
    return 3;
}

static void test_programs(void **state)
{
    struct scene s;
    int status = -1;
    (void)state;
    told[0] = 0;
    scene_two(&s, "linux", "linux");
    lil_world_set_output(s.world, on_output, NULL);
    struct lil_proc *a = lil_world_spawn(s.world, s.client, ticker_main, "tick");
    struct lil_proc *b = lil_world_spawn_at(s.world, s.server, 50 * NS_PER_MS, ticker_main, "tock");
    assert_false(lil_proc_ended(a, &status));
    assert_int_equal(lil_world_run(s.world, SECONDS(1)), 3); /* the first non-zero status */
    assert_true(lil_proc_ended(a, &status));
    assert_int_equal(status, 3);
    assert_true(lil_proc_ended(b, &status));
    assert_string_equal(told, "0 client: tick 0\n50 server: tock 0\n100 client: tick 1\n150 server: tock 1\n200 "
                              "client: tick 2\n250 server: tock 2\n");
    assert_int_equal(lil_world_now(s.world), SECONDS(1));
    scene_end(&s);
}

static int blocked_main(struct lil_proc *p, void *argument)
{
    int *seen = argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(lil_listen(p, fd, 5), 0);
    seen[0] = lil_accept(p, fd, NULL, NULL) < 0 ? errno : 0;
    lil_accept(p, fd, NULL, NULL); /* a second blocking call: it never returns */
    seen[1] = 1;
    return 0;
}

static void test_kill(void **state)
{
    struct scene s;
    int seen[2] = {0}, status;
    (void)state;
    scene_two(&s, "linux", "linux");
    struct lil_proc *p = lil_world_spawn(s.world, s.client, blocked_main, seen);
    scene_run(&s, 1);
    lil_world_kill(s.world, p);
    scene_run(&s, 2);
    assert_true(lil_proc_ended(p, &status));
    assert_errno(seen[0], EINTR);
    assert_int_equal(seen[1], 0);
    scene_end(&s);
}

/* A power failure: nothing more is heard from the host; the peer finds out only when it speaks (UNP 5.14). */
static void test_crash(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    struct server server = {.port = 13, .backlog = 5, .count = 1};
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    server_spawn(&s, &server);
    attempt_spawn(&s, &client);
    scene_run(&s, 5);
    unsigned before = count_of(&s, "server", is_tcp);
    lil_world_crash(s.world, s.server);
    scene_run(&s, 100);
    assert_int_equal(count_of(&s, "server", is_tcp), before);
    assert_string_equal(lil_tcp_state(client.proc, client.fd), "ESTABLISHED");
    assert_null(lil_world_find(s.world, "server"));
    scene_end(&s);
}

static void note_time(void *ctx, uint64_t now_ns)
{
    *(uint64_t *)ctx = now_ns;
    lil_world_stop(((struct scene *)((uint64_t *)ctx)[1])->world);
}

static void test_stop_and_step(void **state)
{
    struct scene s;
    uint64_t seen[2];
    (void)state;
    scene_two(&s, "linux", "linux");
    lil_world_step(s.world, 0);
    seen[0] = 0;
    seen[1] = (uint64_t)(uintptr_t)&s;
    lil_world_at(s.world, SECONDS(7), note_time, seen);
    assert_true(lil_world_next(s.world) <= SECONDS(7));
    lil_world_run(s.world, SECONDS(50));
    assert_int_equal(seen[0], SECONDS(7));
    assert_int_equal(lil_world_now(s.world), SECONDS(7));
    scene_end(&s);
}

/* 1,000 hosts on a switch; each asks its neighbour for the daytime. */
enum { MANY = 1000 };
struct many {
    int answers;
};

static int neighbour_main(struct lil_proc *p, void *argument)
{
    struct many *many = argument;
    char to[32], text[64];
    int own = atoi(lil_host_name(lil_proc_host(p)) + 1), next = (own + 1) % MANY;
    snprintf(to, sizeof(to), "10.0.%d.%d", next / 250, next % 250 + 1);
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    if (connect_to(p, fd, to, 13) == 0 && lil_read(p, fd, text, sizeof(text)) == 26)
        many->answers++;
    lil_close(p, fd);
    return 0;
}

static void test_thousand_hosts(void **state)
{
    struct lil_world *world = lil_world_new(5);
    struct lil_node *sw = lil_world_switch(world, "lan");
    static struct app_start *starts[MANY];
    static const char *const profiles[] = {"linux", "4.4bsd", "freebsd", "4.2bsd"};
    struct many many = {0};
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char name[16], address[32];
        snprintf(name, sizeof(name), "h%d", i);
        snprintf(address, sizeof(address), "10.0.%d.%d/22", i / 250, i % 250 + 1);
        struct lil_host *host = lil_world_host(world, name, profiles[i % 4]);
        assert_non_null(host);
        assert_true(lil_world_attach(world, sw, host, NULL, address, NULL) > 0);
        starts[i] = app_start_new(app_find("daytime"), 0, NULL);
        app_spawn(world, host, 0, starts[i]);
        lil_world_spawn_at(world, host, (uint64_t)(i + 1) * NS_PER_MS, neighbour_main, &many);
    }
    lil_world_run(world, SECONDS(30));
    assert_int_equal(many.answers, MANY);
    lil_world_free(world);
    for (int i = 0; i < MANY; i++)
        app_start_free(starts[i]);
}

/* One seed, one history. */
static void capture_run(uint64_t seed, const char *file)
{
    struct lil_world *world = lil_world_new(seed);
    struct lil_host *a = lil_world_host(world, "a", "linux"), *b = lil_world_host(world, "b", "4.4bsd");
    struct lil_link_config config = {.delay_ns = 5 * NS_PER_MS,
                                     .jitter_ns = NS_PER_MS,
                                     .loss = lil_percent("5%"),
                                     .duplicate = lil_percent("2%"),
                                     .reorder = lil_percent("3%"),
                                     .corrupt = lil_percent("1%"),
                                     .rate_bps = 10000000,
                                     .queue_packets = 20};
    static const char *const bulk[] = {"-s", "100000", "192.0.2.2"};
    assert_non_null(lil_world_link(world, a, "192.0.2.1/24", b, "192.0.2.2/24", &config));
    struct app_start *sink = app_start_new(app_find("sink"), 0, NULL),
                     *source = app_start_new(app_find("bulk"), 3, bulk);
    app_spawn(world, b, 0, sink);
    app_spawn(world, a, NS_PER_S, source);
    assert_int_equal(lil_world_capture(world, file), 0);
    lil_world_run(world, SECONDS(120));
    lil_world_free(world);
    app_start_free(sink);
    app_start_free(source);
}

static size_t slurp(const char *file, uint8_t *bytes, size_t size)
{
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, size, f);
    fclose(f);
    return n;
}

static void test_identical_captures(void **state)
{
    enum { SIZE = 8 << 20 };
    char names[3][64];
    uint8_t *bytes[3];
    size_t lengths[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(names[i], sizeof(names[i]), "/tmp/lilliput-capture-%d-%d.pcapng", (int)getpid(), i);
        capture_run(i == 2 ? 8 : 7, names[i]);
        bytes[i] = malloc(SIZE);
        lengths[i] = slurp(names[i], bytes[i], SIZE);
        unlink(names[i]);
    }
    assert_true(lengths[0] > 100000);
    assert_int_equal(lengths[0], lengths[1]);
    assert_memory_equal(bytes[0], bytes[1], lengths[0]);
    assert_true(lengths[0] != lengths[2] ||
                memcmp(bytes[0], bytes[2], lengths[0]) != 0); /* another seed, another history */
    for (int i = 0; i < 3; i++)
        free(bytes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),       cmocka_unit_test(test_kill),
        cmocka_unit_test(test_crash),          cmocka_unit_test(test_stop_and_step),
        cmocka_unit_test(test_thousand_hosts), cmocka_unit_test(test_identical_captures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
