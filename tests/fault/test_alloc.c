/* test_alloc.c: the n-th allocation fails, for every n, while two hosts are made, shake hands, transfer and close; once
 * alone, and once with all that follow for a while; over IPv4 and IPv6, over a wire that loses and reorders
 * (scoreboards, out-of-order queues, recovery), and with each way to end a connection. Nothing may leak or be
 * corrupted: what arrives is a prefix of what was sent, and at the end every byte is back. Under AddressSanitizer
 * (asan-ubsan) this is the whole proof; without it the counts are. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "fault/fault.h"
#include "lilliput/lilliput.h"
#include "unit/check.h"

enum { TRANSFER = 200000, SHORT = 60000, QUEUE = 4096, STEPS = 100000 };

enum ending {
    CLIENT_FIRST,
    SERVER_FIRST,
    RESET,
    UNREAD /* closed with data that nobody read */,
    ORPHANS /* closed before the end */
};
struct shape {
    bool is_ipv6;
    unsigned lose_every, swap_every; /* packets; 0: none */
    enum ending ending;
    unsigned bytes;
};
/* Two hosts back to back; what one sends waits in a queue of the other. */
struct side {
    struct lil_host *host;
    struct lil_proc *proc;
    struct side *peer;
    struct lil_packet *queue[QUEUE];
    unsigned head, tail, sent;
    const struct shape *shape;
    int nic;
};
static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct side *side = ctx, *peer = side->peer;
    const struct shape *shape = side->shape;
    unsigned number = ++side->sent;

    (void)ifindex;
    if (peer->tail - peer->head == QUEUE || (shape->lose_every && number % shape->lose_every == 0)) {
        lil_packet_free(packet);
        return 0;
    }
    if (shape->swap_every && number % shape->swap_every == 0 &&
        peer->tail != peer->head) { /* it overtakes the last one */
        struct lil_packet *last = peer->queue[(peer->tail - 1) % QUEUE];
        peer->queue[(peer->tail - 1) % QUEUE] = packet;
        packet = last;
    }
    peer->queue[peer->tail++ % QUEUE] = packet;
    return 0;
}

static bool side_init(struct side *side, struct side *peer, struct fault *fault, const struct shape *shape,
                      unsigned number)
{
    struct lil_host_config config = {.profile = "linux",
                                     .seed = 1,
                                     .allocator = {allocate, release, fault},
                                     .unpooled = true,
                                     .share_pool = peer->host};
    char address[32];
    struct lil_interface_config nic = {.kind = LIL_ETHERNET, .transmit = transmit, .ctx = side, .csum_offload = true};

    snprintf(address, sizeof address, shape->is_ipv6 ? "2001:db8::%u/64" : "192.0.2.%u/24", number);
    side->peer = peer;
    side->shape = shape;
    side->host = lil_host_new(&config);
    if (!side->host)
        return false;
    side->nic = lil_interface_add(side->host, &nic);
    if (side->nic < 0 || lil_address_add(side->host, side->nic, address) < 0)
        return false;
    side->proc = lil_proc_new(side->host);
    return side->proc != NULL;
}

static uint64_t side_turn(struct side *side, uint64_t now_ns)
{
    while (side->head != side->tail)
        lil_host_input(side->host, side->nic, side->queue[side->head++ % QUEUE], now_ns);
    return lil_host_poll(side->host, now_ns);
}

static void side_fini(struct side *side)
{
    while (side->head != side->tail)
        lil_packet_free(side->queue[side->head++ % QUEUE]);
    lil_host_free(side->host);
}

struct run {
    const struct shape *shape;
    struct side a, b;
    uint64_t now_ns;
    int listener, client, server;
    size_t sent, received;
    bool is_broken;
};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 131 >> 4);
}

static void try_start(struct run *run)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = inet_addr("192.0.2.2")};
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    bool is_ipv6 = run->shape->is_ipv6;
    struct sockaddr *name = is_ipv6 ? (struct sockaddr *)&sin6 : (struct sockaddr *)&sin;
    socklen_t length = is_ipv6 ? sizeof sin6 : sizeof sin;
    int family = is_ipv6 ? AF_INET6 : AF_INET;

    inet_pton(AF_INET6, "2001:db8::2", &sin6.sin6_addr);
    if (run->listener < 0) {
        int fd = lil_socket(run->b.proc, family, SOCK_STREAM, 0);

        if (fd >= 0 && lil_bind(run->b.proc, fd, name, length) == 0 && lil_listen(run->b.proc, fd, 5) == 0)
            run->listener = fd;
        else if (fd >= 0)
            lil_close(run->b.proc, fd);
    }
    if (run->listener >= 0 && run->client < 0) {
        int fd = lil_socket(run->a.proc, family, SOCK_STREAM, 0);

        if (fd >= 0 && lil_connect(run->a.proc, fd, name, length) < 0 && errno == EINPROGRESS)
            run->client = fd;
        else if (fd >= 0)
            lil_close(run->a.proc, fd);
    }
    if (run->listener >= 0 && run->server < 0)
        run->server = lil_accept(run->b.proc, run->listener, NULL, NULL);
}

/* A client that could not send for a quarter of an hour has given up (R2), as it may. */
static bool has_failed(struct run *run)
{
    int error = 0;
    socklen_t length = sizeof error;

    return run->client >= 0 && lil_getsockopt(run->a.proc, run->client, SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
           error != 0;
}

static void try_send(struct run *run)
{
    uint8_t bytes[3000];
    size_t size = sizeof bytes < run->shape->bytes - run->sent ? sizeof bytes : run->shape->bytes - run->sent;
    ssize_t n;

    if (run->client < 0)
        return;
    if (run->sent == run->shape->bytes) {
        run->is_broken |= has_failed(run);
        return;
    }
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(run->sent + i);
    n = lil_write(run->a.proc, run->client, bytes, size);
    if (n > 0)
        run->sent += (size_t)n;
    if (n < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
        run->is_broken = true; /* the connection died, or never was: its right */
    if (run->sent == run->shape->bytes && run->shape->ending != SERVER_FIRST)
        lil_shutdown(run->a.proc, run->client, SHUT_WR);
}

/* Returns true at the end of the stream. */
static bool try_receive(struct run *run)
{
    uint8_t bytes[5000];
    ssize_t n;

    if (run->server < 0)
        return false;
    if (run->shape->ending == UNREAD && run->received >= run->shape->bytes / 2)
        return true;
    n = lil_read(run->b.proc, run->server, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] != byte_at(run->received + (size_t)i))
            fail_msg("byte %zu is not what was sent", run->received + (size_t)i);
    if (n > 0)
        run->received += (size_t)n;
    if (n < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
        run->is_broken = true;
    return n == 0 || (run->shape->ending != CLIENT_FIRST && run->received == run->shape->bytes) ||
           (run->shape->ending == ORPHANS && run->sent == run->shape->bytes && run->received > 0);
}

static void drive(struct run *run)
{
    for (int step = 0; step < STEPS && !run->is_broken; step++) {
        uint64_t due, other;

        try_start(run);
        try_send(run);
        if (try_receive(run))
            break;
        due = side_turn(&run->a, run->now_ns);
        other = side_turn(&run->b, run->now_ns);
        if (run->a.head != run->a.tail || run->b.head != run->b.tail)
            continue;
        if (other < due)
            due = other;
        run->now_ns = due == LIL_NEVER || due > run->now_ns + 1000000000ull ? run->now_ns + 1000000000ull
                      : due > run->now_ns                                   ? due
                                                                            : run->now_ns + 1000;
    }
}

/* The end: both close, and 2MSL passes so that TIME-WAIT is part of it. */
static void finish(struct run *run)
{
    struct linger linger = {.l_onoff = 1};

    if (run->shape->ending == RESET)
        (void)!lil_setsockopt(run->a.proc, run->client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    if (run->shape->ending == SERVER_FIRST || run->shape->ending == UNREAD)
        lil_close(run->b.proc, run->server);
    for (int i = 0; i < 5; i++) { /* one FIN on its way before the other is made, or answered by an RST */
        side_turn(&run->a, run->now_ns);
        side_turn(&run->b, run->now_ns);
    }
    lil_close(run->a.proc, run->client);
    if (run->shape->ending != SERVER_FIRST && run->shape->ending != UNREAD)
        lil_close(run->b.proc, run->server);
    for (int i = 0; i < 200; i++) {
        run->now_ns += 500000000;
        side_turn(&run->a, run->now_ns);
        side_turn(&run->b, run->now_ns);
    }
}

/* Returns how many allocations there were. */
static uint64_t run_with(const struct shape *shape, uint64_t fail_at, uint64_t how_many, size_t *received)
{
    struct fault fault = {.fail_at = fail_at,
                          .fail_until = how_many > UINT64_MAX - fail_at ? UINT64_MAX : fail_at + how_many};
    struct run *run = calloc(1, sizeof *run);

    assert_non_null(run);
    run->shape = shape;
    run->listener = run->client = run->server = -1;
    if (side_init(&run->a, &run->b, &fault, shape, 1) && side_init(&run->b, &run->a, &fault, shape, 2)) {
        drive(run);
        finish(run);
    }
    *received = run->received;
    if (!run->is_broken && run->a.proc && run->b.proc && shape->ending < UNREAD && run->received != shape->bytes)
        fail_msg("allocations %llu..: stuck at %zu of %u bytes", (unsigned long long)fail_at, run->received,
                 shape->bytes);
    side_fini(&run->a);
    side_fini(&run->b);
    free(run);
    if (fault.live_objects != 0)
        fail_msg("allocations %llu..: %lld objects, %lld bytes leaked", (unsigned long long)fail_at,
                 (long long)fault.live_objects, (long long)fault.live_bytes);
    return fault.count;
}

static uint64_t total_allocations(const struct shape *shape)
{
    size_t received;
    uint64_t count = run_with(shape, UINT64_MAX, 0, &received);

    assert_true(shape->ending < UNREAD ? received == shape->bytes : received > 0);
    return count;
}

static void fail_each(const struct shape *shape, uint64_t how_many, uint64_t step)
{
    uint64_t total = total_allocations(shape);
    unsigned whole = 0, runs = 0;

    for (uint64_t n = 0; n < total; n += step) {
        size_t received;

        run_with(shape, n, how_many, &received);
        whole += received == shape->bytes;
        runs++;
    }
    print_message("%llu allocations; of %u runs with %llu failing, %u transferred all\n", (unsigned long long)total,
                  runs, (unsigned long long)how_many, whole);
    assert_in_range(whole, shape->ending < UNREAD ? 1 : 0, runs);
}

static const struct shape plain = {.bytes = TRANSFER}, plain6 = {.bytes = SHORT, .is_ipv6 = true};
static const struct shape lossy = {.bytes = SHORT, .lose_every = 13, .swap_every = 5},
                          lossy6 = {.bytes = SHORT, .lose_every = 11, .swap_every = 7, .is_ipv6 = true};

static void test_one_fails(void **state)
{
    (void)state;
    fail_each(&plain, 1, 1);
    fail_each(&plain6, 1, 1);
}

static void test_ten_fail(void **state)
{
    (void)state;
    fail_each(&plain, 10, 3);
    fail_each(&plain6, 10, 3);
}

static void test_hundred_fail(void **state)
{
    (void)state;
    fail_each(&plain, 100, 7);
    fail_each(&plain6, 100, 7);
}

/* Loss makes the extension of a connection, its scoreboard and its queue of early segments. */
static void test_lossy(void **state)
{
    (void)state;
    fail_each(&lossy, 1, 1);
    fail_each(&lossy6, 1, 1);
    fail_each(&lossy, 10, 3);
}

static void test_endings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct shape shape = {
            .bytes = 20000, .is_ipv6 = i & 1, .ending = SERVER_FIRST + i / 2, .lose_every = i & 2 ? 17 : 0};
        fail_each(&shape, 1, 1);
        fail_each(&shape, 10, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_fails), cmocka_unit_test(test_ten_fail), cmocka_unit_test(test_hundred_fail),
        cmocka_unit_test(test_lossy),     cmocka_unit_test(test_endings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
