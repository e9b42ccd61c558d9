/* test_guard.c: RFC 2385: two ends with one key understand each other, through data, loss and the end; with two keys, or with a key at
 * one end alone, not a segment is taken. RFC 5082: what comes too far is dropped. */
#include <linux/tcp.h>
#include "unit/tcp/pair.h"

static struct tcp_md5sig request(const struct addr *peer, const char *key, unsigned prefix)
{
    struct tcp_md5sig sig = {.tcpm_keylen = (uint16_t)strlen(key)};
    struct sockaddr_storage storage;
    socklen_t length = addr_to_sockaddr(peer, 0, 0, addr_is_v4(peer) ? AF_INET : AF_INET6, &storage);
    memcpy(&sig.tcpm_addr, &storage, length);
    memcpy(sig.tcpm_key, key, strlen(key));
    if (prefix) {
        sig.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
        sig.tcpm_prefixlen = (uint8_t)prefix;
    }
    return sig;
}

static struct pair *pair_with(const char *client_key, const char *server_key, unsigned prefix, struct tcb **tcb)
{
    struct pair *pair = pair_new_linux();
    pair->delay_ns = 10 * NS_PER_MS;
    pair_listen(pair, 5);
    if (server_key) {
        struct tcp_md5sig sig = request(&pair->addr[0], server_key, prefix);
        assert_int_equal(tcp_listener_setopt(pair->tcp[1], pair->listener, TCP_MD5SIG_EXT, &sig, sizeof sig), 0);
    }
    *tcb = tcp_open(pair->tcp[0]);
    if (client_key) {
        struct tcp_md5sig sig = request(&pair->addr[1], client_key, 0);
        assert_int_equal(tcp_setopt(pair->tcp[0], *tcb, TCP_MD5SIG, &sig, sizeof sig, pair->now_ns), 0);
    }
    struct flow flow = pair_flow(pair, 1024);
    assert_int_equal(tcp_connect(pair->tcp[0], *tcb, &flow, pair->now_ns), 0);
    pair_run_ms(pair, 500);
    return pair;
}

static void talk(unsigned prefix, unsigned loss, uint32_t gso_max)
{
    struct tcb *client, *server;
    static char out[100000], in[100000];
    struct pair *pair = pair_with("a key of many bytes", "a key of many bytes", prefix, &client);
    size_t sent = 0, received = 0;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 7 + (i >> 8));
    server = pair_accept(pair);
    assert_non_null(server);
    pair->gso_max = gso_max;
    prng_seed(&pair->prng, 1);
    pair->loss_percent = loss;
    for (unsigned round = 0; round < 20000 && received < sizeof out; round++) {
        ssize_t n = sent < sizeof out ? pair_send(pair, 0, client, out + sent, sizeof out - sent) : 0;
        sent += n > 0 ? (size_t)n : 0;
        pair_run_ms(pair, 10);
        n = pair_recv(pair, 1, server, in + received, sizeof in - received);
        received += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(received, sizeof out);
    assert_memory_equal(in, out, sizeof out);
    assert_true(client->mss <= 1460 && !client->ts_ok && client->gso_segs <= 1);
    for (unsigned i = 0; i < pair->logged; i++)
        assert_true(pair->log[i].header.options.has_md5 && pair->log[i].payload <= 1460 - MD5_OPTION);
    assert_int_equal(pair->tcp[0]->mib[MIB_MD5Failure] + pair->tcp[1]->mib[MIB_MD5Failure], 0);
    pair->loss_percent = 0;
    tcp_abort(pair->tcp[0], client, pair->now_ns); /* the reset is signed, too */
    pair_run_ms(pair, 100);
    assert_int_equal(tcp_error(server, true), ECONNRESET);
    tcp_close(pair->tcp[1], server, pair->now_ns);
    pair_free(pair);
}

static void test_one_key(void **state)
{
    (void)state;
    talk(0, 0, 0);
    talk(24, 5, 0);
    talk(0, 0, 65000);
}

static void test_other_keys(void **state)
{
    (void)state;
    static const struct { const char *client, *server; int mib; } cases[] = {
        {"one", "two", MIB_MD5Failure}, {NULL, "two", MIB_MD5NotFound}, {"one", NULL, MIB_MD5Unexpected}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct tcb *client;
        struct pair *pair = pair_with(cases[i].client, cases[i].server, 0, &client);
        assert_int_equal(client->state, TCPS_SYN_SENT);
        assert_true(pair->tcp[1]->mib[cases[i].mib] > 0);
        for (unsigned j = 0; j < pair->logged; j++)
            assert_int_equal(pair->log[j].from, 0); /* not a word of an answer */
        tcp_abort(pair->tcp[0], client, pair->now_ns);
        pair_free(pair);
    }
}

/* The longest prefix counts; a key that is taken away is gone; what is shared is not changed for others. */
static void test_keys(void **state)
{
    (void)state;
    struct pair *pair = pair_new_linux();
    struct tcp *tcp = pair->tcp[0];
    struct tcb *tcb = tcp_open(tcp);
    struct addr near = addr_v4(0x0a000001), far = addr_v4(0x0b000001);
    struct tcp_md5sig all = request(&near, "all", 8), one = request(&near, "one", 0), none = request(&near, "", 8);
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG_EXT, &all, sizeof all, 0), 0);
    assert_true(md5_is_signed(tcb->opt, &near) && !md5_is_signed(tcb->opt, &far));
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG, &one, sizeof one, 0), 0);
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG_EXT, &none, sizeof none, 0), 0);
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG_EXT, &none, sizeof none, 0), -ENOENT);
    assert_true(md5_is_signed(tcb->opt, &near));
    struct tcp_md5sig bad = request(&near, "x", 33), long_key = request(&near, "x", 0);
    long_key.tcpm_keylen = 81;
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG_EXT, &bad, sizeof bad, 0), -EINVAL);
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG, &long_key, sizeof long_key, 0), -EINVAL);
    assert_int_equal(tcp_setopt(tcp, tcb, TCP_MD5SIG, &one, sizeof one - 1, 0), -EINVAL);
    tcp_abort(tcp, tcb, 0);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_key), cmocka_unit_test(test_other_keys), cmocka_unit_test(test_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
