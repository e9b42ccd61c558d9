/* test_transfer.c: bytes arrive intact and in order over loss, reordering and duplication, for many seeds and profiles; windows close
 * and open; buffers are given back. */
#include "host/profile.h"
#include "unit/tcp/pair.h"

enum { BYTES = 200000 };

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 7 + (i >> 8) * 31 + (i >> 16)); }

struct run {
    unsigned loss, reorder, dup, seed;
    uint32_t gso_max, read_size;
    bool bsd_a, bsd_b, no_sack, no_ts;
    const char *profile; /* the sender's; NULL: as above */
};

static void transfer(const struct run *run)
{
    struct tcp_params a, b;
    run->bsd_a ? pair_params_bsd(&a) : pair_params_linux(&a);
    run->bsd_b ? pair_params_bsd(&b) : pair_params_linux(&b);
    a.retries2 = b.retries2 = 100; /* an echo from before a timeout may bring RTO to its maximum: 924 s are then eight timeouts */
    if (run->profile)
        a = profile_find(run->profile)->tcp;
    if (run->no_sack)
        a.offer_sack = false;
    if (run->no_ts)
        a.offer_timestamps = false;
    struct pair *pair = pair_new(&a, &b);
    struct tcb *tcb[2];
    pair->gso_max = run->gso_max;
    pair->delay_ns = 10 * NS_PER_MS;
    prng_seed(&pair->prng, run->seed);
    pair_open(pair, tcb);
    pair->loss_percent = run->loss;
    pair->reorder_percent = run->reorder;
    pair->dup_percent = run->dup;
    static uint8_t out[65536], in[65536];
    size_t sent = 0, received = 0;
    bool closed = false;
    unsigned wait_ms = 10; /* without SACK and timestamps the timeout stays backed off for minutes (Karn) */
    for (unsigned round = 0; round < 100000 && received <= BYTES; round++) {
        while (sent < BYTES) {
            size_t n = BYTES - sent < sizeof out ? BYTES - sent : sizeof out;
            for (size_t i = 0; i < n; i++)
                out[i] = byte_at(sent + i);
            ssize_t taken = pair_send(pair, 0, tcb[0], out, n);
            if (taken <= 0) {
                assert_int_equal(taken, -EAGAIN);
                break;
            }
            sent += (size_t)taken;
        }
        if (sent == BYTES && !closed) {
            assert_int_equal(tcp_shutdown(pair->tcp[0], tcb[0], SHUT_WR, pair->now_ns), 0);
            closed = true;
        }
        size_t before = received;
        pair_run_ms(pair, wait_ms);
        ssize_t n;
        while ((n = pair_recv(pair, 1, tcb[1], in, run->read_size)) > 0) {
            for (ssize_t i = 0; i < n; i++)
                assert_int_equal(in[i], byte_at(received + (size_t)i));
            received += (size_t)n;
        }
        if (n == 0)
            break;
        wait_ms = received > before ? 10 : wait_ms < 1000 ? wait_ms * 2 : 1000;
        if (n != -EAGAIN)
            fprintf(stderr, "recv: %zd, loss %u reorder %u dup %u seed %u\n", n, run->loss, run->reorder, run->dup, run->seed);
        assert_int_equal(n, -EAGAIN);
    }
    if (received != BYTES)
        fprintf(stderr, "received %zu: loss %u reorder %u dup %u seed %u bsd %d%d\n", received, run->loss, run->reorder,
                run->dup, run->seed, run->bsd_a, run->bsd_b);
    assert_int_equal(received, BYTES);
    tcp_close(pair->tcp[1], tcb[1], pair->now_ns);
    tcp_close(pair->tcp[0], tcb[0], pair->now_ns);
    pair_run_ms(pair, 2000000);
    struct tcp_counts counts;
    for (int i = 0; i < 2; i++) {
        tcp_get_counts(pair->tcp[i], &counts);
        assert_int_equal(counts.orphans, 0);
        assert_int_equal(counts.time_waits, 0);
    }
    pair_free(pair);
}

static void test_clean(void **state)
{
    (void)state;
    for (unsigned bsd = 0; bsd < 4; bsd++)
        transfer(&(struct run){.seed = 1, .read_size = 65536, .bsd_a = bsd & 1, .bsd_b = bsd & 2});
    transfer(&(struct run){.seed = 1, .read_size = 65536, .gso_max = 65000});
    transfer(&(struct run){.seed = 1, .read_size = 1000, .gso_max = 65000});
    transfer(&(struct run){.seed = 1, .read_size = 700});
}
static void test_loss(void **state)
{
    (void)state;
    /* with neither SACK nor timestamps nothing ends the backoff (Karn): R2 may rightly pass above some 15 % each way */
    for (unsigned seed = 1; seed <= 60; seed++)
        transfer(&(struct run){.loss = seed % 4 == 1 && seed % 5 == 2 ? seed % 13 : seed % 31,
                               .seed = seed,
                               .read_size = 65536,
                               .gso_max = seed % 3 ? 0 : 16000,
                               .no_sack = seed % 4 == 1,
                               .no_ts = seed % 5 == 2});
}
static void test_loss_bsd(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 16; seed++)
        transfer(&(struct run){.loss = seed % 20, .seed = seed, .read_size = 65536, .bsd_a = seed & 1, .bsd_b = seed & 2});
}
static void test_loss_bytes(void **state)
{
    (void)state;
    static const char *const profiles[] = {"freebsd", "freebsd14", "freebsd13"};
    for (unsigned seed = 1; seed <= 48; seed++)
        transfer(&(struct run){.loss = seed % 4 == 1 ? seed % 9 : seed % 16,
                               .reorder = seed % 5 == 0 ? seed : 0,
                               .dup = seed % 7 == 0 ? 10 : 0,
                               .seed = seed,
                               .read_size = 65536,
                               .no_sack = seed % 4 == 1,
                               .no_ts = seed % 6 == 2,
                               .profile = profiles[seed % 3]});
}
static void test_reorder(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++)
        transfer(&(struct run){.reorder = 10 + seed,
                               .dup = seed % 20,
                               .loss = seed % 3,
                               .seed = seed,
                               .read_size = 65536,
                               .gso_max = seed & 1 ? 32000 : 0,
                               .no_sack = seed % 4 == 1,
                               .bsd_b = seed % 7 == 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),      cmocka_unit_test(test_loss),    cmocka_unit_test(test_loss_bsd),
        cmocka_unit_test(test_loss_bytes), cmocka_unit_test(test_reorder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
