/* verb_bench.c: `lilliput bench`: the six figures of DESIGN.md section 6. One thread, both ends in one process, public API only;
 * the data that arrives is compared with what was sent. Two hosts joined by two lists of packets: each turn
 * gives a host its packets and polls it once. The virtual clock moves 1 us a turn: no clock is read in a turn. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "lilliput/lilliput.h"
#include "run/real_clock.h"

enum { APP = 65536, PORTS = 64, FIRST_PORT = 900, WIRE = 1 << 14 };

/* What one host sent and the other has not yet taken. */
struct wire {
    unsigned head, tail;
    struct lil_packet *slots[WIRE];
};
struct end {
    struct lil_host *host;
    struct lil_proc *proc;
    int nic;
    struct end *peer;
    struct wire out;
};
struct pair {
    uint64_t now_ns;
    struct end client;
    int listeners[PORTS];
    struct end server;
};

static char source[APP], sink[APP];

static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct wire *wire = ctx;
    (void)ifindex;
    if (wire->tail - wire->head == WIRE)
        return -EAGAIN;
    wire->slots[wire->tail++ % WIRE] = packet;
    return 0;
}

/* Gives END what its peer has sent and polls it once. True: it had something to take. */
static bool turn(struct pair *pair, struct end *end)
{
    struct wire *in = &end->peer->out;
    bool any = in->head != in->tail;

    pair->now_ns += 1000;
    while (in->head != in->tail)
        lil_host_input(end->host, end->nic, in->slots[in->head++ % WIRE], pair->now_ns);
    if (any || lil_host_is_due(end->host))
        lil_host_poll(end->host, pair->now_ns);
    return any || in->head != in->tail;
}

static void settle(struct pair *pair)
{
    bool went_on;

    do { /* both, each time */
        went_on = turn(pair, &pair->server);
        went_on |= turn(pair, &pair->client);
    } while (went_on || lil_host_is_due(pair->client.host) || lil_host_is_due(pair->server.host));
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "lilliput bench: %s: %s\n", what, strerror(errno));
    exit(CLI_FAILED);
}

static void end_init(struct pair *pair, struct end *end, struct end *peer, const char *name, const char *address, unsigned mtu)
{
    end->host = lil_host_new(&(struct lil_host_config){.profile = "linux", .seed = 1, .name = name,
        .share_pool = peer->host, .now_ns = pair->now_ns});
    if (!end->host)
        fail("lil_host_new");
    end->peer = peer;
    end->nic = lil_interface_add(end->host, &(struct lil_interface_config){.kind = LIL_IP, .name = "eth0", .mtu = mtu,
        .transmit = transmit, .ctx = &end->out});
    if (end->nic < 0 || lil_address_add(end->host, end->nic, address) < 0)
        fail("interface");
    lil_sysctl_set(end->host, "net.ipv4.tcp_max_tw_buckets", "262144");
    end->proc = lil_proc_new(end->host);
}

static struct sockaddr_in server_name(int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST_PORT + port))};
    name.sin_addr.s_addr = htonl(0x0a000002);
    return name;
}

static struct pair *pair_new(unsigned mtu, int ports)
{
    struct pair *pair = calloc(1, sizeof *pair);

    if (!pair)
        fail("memory");
    pair->now_ns = 1000000000;
    end_init(pair, &pair->client, &pair->server, "client", "10.0.0.1/24", mtu);
    end_init(pair, &pair->server, &pair->client, "server", "10.0.0.2/24", mtu);
    for (int i = 0; i < ports; i++) {
        struct sockaddr_in name = server_name(i);
        int s = lil_socket(pair->server.proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (s < 0 || lil_bind(pair->server.proc, s, (struct sockaddr *)&name, sizeof name) < 0 ||
            lil_listen(pair->server.proc, s, 128) < 0)
            fail("listen");
        pair->listeners[i] = s;
    }
    return pair;
}

static void pair_free(struct pair *pair)
{
    settle(pair);
    lil_host_free(pair->client.host);
    lil_host_free(pair->server.host);
    free(pair);
}

/* One connection through the handshake; the descriptors of both ends. */
static void pair_connect(struct pair *pair, int port, int *client, int *server)
{
    struct sockaddr_in name = server_name(port);

    *client = lil_socket(pair->client.proc, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (*client < 0)
        fail("socket");
    if (lil_connect(pair->client.proc, *client, (struct sockaddr *)&name, sizeof name) < 0 && errno != EINPROGRESS)
        fail("connect");
    for (int i = 0; i < 16; i++) {
        turn(pair, &pair->client);
        turn(pair, &pair->server);
        *server = lil_accept4(pair->server.proc, pair->listeners[port], NULL, NULL, SOCK_NONBLOCK);
        if (*server >= 0)
            return;
    }
    fail("accept");
}

static void set_nodelay(struct pair *pair, int client, int server)
{
    int one = 1;
    lil_setsockopt(pair->client.proc, client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    lil_setsockopt(pair->server.proc, server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* --- the figures ------------------------------------------------------------------------------------------------------ */
static double seconds = 0.5;
static unsigned rounds;            /* so many instead, whatever time they take; 0: SECONDS count */
static unsigned open_connections;  /* made before those that are measured, and kept */

/* Another round of what began at T0? SHARE of the whole. *T1 is now. */
static bool goes_on(unsigned *round, uint64_t t0, uint64_t *t1, double share)
{
    *t1 = clock_monotonic_ns();
    return rounds ? ++*round < (unsigned)(rounds * share) : (double)(*t1 - t0) < seconds * 1e9 * share;
}

static uint64_t read_all(struct pair *pair, int server, uint64_t *received)
{
    ssize_t n;
    uint64_t before = *received;

    while ((n = lil_read(pair->server.proc, server, sink + *received % APP, APP - *received % APP)) > 0)
        *received += (uint64_t)n;
    if (n == 0 || errno != EAGAIN)
        fail("read");
    return *received - before;
}

static double bulk(unsigned mtu)
{
    struct pair *pair = pair_new(mtu, 1);
    uint64_t sent = 0, received = 0, start, t0, t1 = 0;
    unsigned round;
    double result;
    int c, s;

    pair_connect(pair, 0, &c, &s);
    for (int warm = 0; warm < 2; warm++) {
        memset(sink, 0, APP);
        start = received;
        round = 0;
        t0 = clock_monotonic_ns();
        do {
            for (int i = 0; i < 64; i++) {
                ssize_t n = lil_write(pair->client.proc, c, source + sent % APP, APP - sent % APP);
                if (n > 0)
                    sent += (uint64_t)n;
                turn(pair, &pair->client);
                turn(pair, &pair->server);
                read_all(pair, s, &received);
            }
        } while (goes_on(&round, t0, &t1, warm ? 1 : 0.1));
    }
    result = (double)(received - start) * 8 / (double)(t1 - t0);
    if (received - start < APP || memcmp(source, sink, APP)) {
        errno = EIO;
        fail("bulk: what arrived is not what was sent");
    }
    pair_free(pair);
    return result;
}

static double bench_bulk_1500(void)
{
    return bulk(1500);
}

static double bench_bulk_64k(void)
{
    return bulk(65000);
}

static double bench_round_trips(void)
{
    struct pair *pair = pair_new(1500, 1);
    uint64_t count = 0, t0, t1;
    unsigned round = 0;
    char request[64], reply[64];
    int c, s;

    pair_connect(pair, 0, &c, &s);
    set_nodelay(pair, c, s);
    t0 = clock_monotonic_ns();
    do {
        for (int i = 0; i < 100; i++) {
            memcpy(request, source + (count + (uint64_t)i) % 1024, 64);
            if (lil_write(pair->client.proc, c, request, 64) != 64)
                fail("write");
            turn(pair, &pair->client);
            turn(pair, &pair->server);
            if (lil_read(pair->server.proc, s, reply, 64) != 64 || lil_write(pair->server.proc, s, reply, 64) != 64)
                fail("echo");
            turn(pair, &pair->server);
            turn(pair, &pair->client);
            if (lil_read(pair->client.proc, c, reply, 64) != 64 || memcmp(request, reply, 64))
                fail("round trip");
        }
        count += 100;
    } while (goes_on(&round, t0, &t1, 1));
    pair_free(pair);
    return (double)count * 1e9 / (double)(t1 - t0);
}

static double bench_connections(void)
{
    struct pair *pair = pair_new(1500, PORTS);
    uint64_t count = 0, t0, t1;
    unsigned round = 0;
    char byte;
    int c, s;

    for (unsigned i = 0; i < open_connections; i++)
        pair_connect(pair, (int)(i % PORTS), &c, &s);
    t0 = clock_monotonic_ns();
    do {
        for (int i = 0; i < PORTS; i++) {
            pair_connect(pair, i, &c, &s);
            lil_close(pair->client.proc, c);
            turn(pair, &pair->client);
            turn(pair, &pair->server);
            if (lil_read(pair->server.proc, s, &byte, 1) != 0)
                fail("the client's FIN");
            lil_close(pair->server.proc, s);
            turn(pair, &pair->server);
            turn(pair, &pair->client);
            turn(pair, &pair->server);
        }
        count += PORTS;
    } while (goes_on(&round, t0, &t1, 1));
    pair_free(pair);
    return (double)count * 1e9 / (double)(t1 - t0);
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long total, resident = 0;

    if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double idle_bytes, establish_s;

static void establish(void)
{
    enum { COUNT = 100000 };
    struct pair *pair = pair_new(1500, PORTS);
    double before;
    uint64_t t0;
    int c, s;

    pair_connect(pair, 0, &c, &s);
    before = resident_bytes();
    t0 = clock_monotonic_ns();
    for (int i = 0; i < COUNT; i++)
        pair_connect(pair, i % PORTS, &c, &s);
    establish_s = (double)(clock_monotonic_ns() - t0) / 1e9;
    settle(pair);
    idle_bytes = (resident_bytes() - before) / COUNT / 2;
    pair_free(pair);
}

/* Memory is measured in a child, so that what earlier figures left in the allocator is not counted. */
static double in_child(double *figure)
{
    int fds[2];
    double value = 0;
    pid_t child;

    if (pipe(fds) < 0 || (child = fork()) < 0)
        fail("fork");
    if (child == 0) {
        establish();
        if (write(fds[1], figure, sizeof *figure) != sizeof *figure)
            _exit(CLI_FAILED);
        _exit(CLI_OK);
    }
    close(fds[1]);
    if (read(fds[0], &value, sizeof value) != sizeof value)
        fail("child");
    close(fds[0]);
    return value;
}

static double bench_idle(void)
{
    return in_child(&idle_bytes);
}

static double bench_establish(void)
{
    return in_child(&establish_s);
}

static const struct figure {
    const char *key, *unit, *what;
    double goal;
    bool less_is_better;
    double (*measure)(void);
} figures[] = {
    {"bulk_1500_checksum_gbit_s", "Gbit/s", "one flow, 64 KiB writes, MTU 1500", 100, false, bench_bulk_1500},
    {"bulk_64k_checksum_gbit_s", "Gbit/s", "one flow, 64 KiB writes, MTU 65,000", 280, false, bench_bulk_64k},
    {"round_trips_per_s", "1/s", "64 B there and back", 4.5e6, false, bench_round_trips},
    {"connections_per_s", "1/s", "connect, accept, close by the client", 1.6e6, false, bench_connections},
    {"idle_bytes_per_end_100k", "B", "an idle connection's end, socket included", 400, true, bench_idle},
    {"establish_100k_s", "s", "100,000 connections", 0.15, true, bench_establish},
};
enum { FIGURES = sizeof figures / sizeof figures[0], REPEAT_MAX = 64 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int usage(void)
{
    printf("usage: lilliput bench [--json] [--only KEY] [--repeat N] [--seconds S | --rounds R] [--open C]\n"
           "       lilliput bench programs ...: unmodified programs, beside the kernel (`lilliput bench programs --help`)\n"
           "One thread, both ends in one process, data compared. The median of N (5) runs of S (0.5) seconds each, or of R rounds\n"
           "(64 writes of 64 KiB, 100 round trips, 64 connections): the same work each time. C connections stay open beside\n"
           "those of connections_per_s. The goals are the project's own, for one core of a 2-core Zen 5 VM.\n");
    for (int i = 0; i < FIGURES; i++)
        printf("  %-28s %s\n", figures[i].key, figures[i].what);
    return CLI_OK;
}

static void report(const struct figure *f, double *v, int n, json_t *json)
{
    double share;

    qsort(v, (size_t)n, sizeof *v, by_value);
    share = 100 * (f->less_is_better ? f->goal / v[n / 2] : v[n / 2] / f->goal);
    if (json)
        json_object_set_new(json, f->key, json_real(v[n / 2]));
    else
        printf("%-28s %14.6g %-7s  min %-12.6g max %-12.6g %4.0f %% of the goal\n", f->key, v[n / 2], f->unit, v[0], v[n - 1], share);
    fflush(stdout);
}

static const char *nearest_key(const char *word)
{
    const char *keys[FIGURES + 1] = {0};
    for (int i = 0; i < FIGURES; i++)
        keys[i] = figures[i].key;
    return nearest_word(word, keys);
}

static int take_key(const char *text, const char **only)
{
    *only = text;
    for (int i = 0; i < FIGURES; i++)
        if (strcmp(text, figures[i].key) == 0)
            return CLI_OK;
    return cli_unknown("bench", "--only %s: no such key", text, nearest_key(text), "`lilliput bench --help` lists them");
}

static int take_seconds(const char *text)
{
    char *end;
    seconds = strtod(text, &end);
    return *end == 0 && seconds > 0 ? CLI_OK : cli_wrong("bench", "--seconds %s: no length of time", text, "a number above 0 is wanted");
}

int bench_main(int argc, char **argv)
{
    static const struct option options[] = {{"json", 0, 0, 'j'}, {"only", 1, 0, 'o'}, {"repeat", 1, 0, 'r'},
                                            {"seconds", 1, 0, 's'}, {"rounds", 1, 0, 'n'}, {"open", 1, 0, 'c'}, {"help", 0, 0, 'h'}, {0}};
    const char *only = NULL;
    json_t *json = NULL;
    uint64_t repeat = 5, own_rounds = 0, open = 0;
    int c, rc = CLI_OK;

    if (argc > 1 && !strcmp(argv[1], "programs"))
        return bench_programs_main(argc - 1, argv + 1);
    optind = 1;
    while (rc == CLI_OK && (c = cli_getopt("bench", argc, argv, options)) != -1)
        switch (c) {
        case 'j': json = json_object(); break;
        case 'o': rc = take_key(optarg, &only); break;
        case 'r': rc = cli_number("bench", "--repeat", optarg, 1, REPEAT_MAX, &repeat); break;
        case 's': rc = take_seconds(optarg); break;
        case 'n': rc = cli_number("bench", "--rounds", optarg, 1, UINT32_MAX, &own_rounds); break;
        case 'c': rc = cli_number("bench", "--open", optarg, 0, 1000000, &open); break;
        case 'h': return usage();
        default: return CLI_USAGE;
        }
    if (rc == CLI_OK)
        rc = cli_no_operands("bench", argc, argv, NULL);
    if (rc != CLI_OK)
        return rc;
    rounds = (unsigned)own_rounds;
    open_connections = (unsigned)open;
    for (int i = 0; i < APP; i++)
        source[i] = (char)(i * 7 + (i >> 8));
    for (int i = 0; i < FIGURES; i++) {
        double v[REPEAT_MAX];
        if (only && strcmp(only, figures[i].key))
            continue;
        for (uint64_t k = 0; k < repeat; k++)
            v[k] = figures[i].measure();
        report(&figures[i], v, (int)repeat, json);
    }
    if (json)
        cli_print_json(json);
    return CLI_OK;
}
