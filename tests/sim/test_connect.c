/* test_connect.c: connect() (UNP 4.3): the handshake's states, the SYN schedule of every profile, refusal, the silent
 * neighbour, what a failed socket is good for, simultaneous open. FACTS sections 1, 3 and 5 are what is asserted. */
#include "sim/scenario.h"

/* "connect moves from the CLOSED state to SYN_SENT and then, on success, to ESTABLISHED" (UNP 2.6, 4.3). */
static void test_states(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "4.4bsd", "4.4bsd");
    struct server server = {.port = 13, .backlog = 5, .count = 1};
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    server_spawn(&s, &server);
    attempt_spawn(&s, &client);
    scene_run(&s, 5);
    assert_true(client.returned);
    assert_errno(client.error, 0);
    assert_non_null(strstr(s.states, "client:SYN_SENT"));
    assert_non_null(strstr(s.states, "client:ESTABLISHED"));
    assert_non_null(strstr(s.states, "server:ESTABLISHED"));
    assert_true(strstr(s.states, "client:SYN_SENT") < strstr(s.states, "client:ESTABLISHED"));
    assert_string_equal(lil_tcp_state(client.proc, client.fd), "ESTABLISHED");
    assert_string_equal(lil_tcp_state(server.proc, server.listener), "LISTEN");
    scene_end(&s);
}

/* SYN J; SYN K, ACK J+1; ACK K+1 (UNP figure 2.2). */
static void test_handshake_numbers(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "4.4bsd");
    struct server server = {.port = 13, .backlog = 5, .count = 1};
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1, .keep = true};
    server_spawn(&s, &server);
    attempt_spawn(&s, &client);
    scene_run(&s, 5);
    const struct tcphdr_ *syn = &nth_of(&s, "client", is_tcp, 0)->tcp, *syn_ack = &nth_of(&s, "server", is_tcp, 0)->tcp;
    const struct tcphdr_ *ack = &nth_of(&s, "client", is_tcp, 1)->tcp;
    assert_int_equal(syn->flags, TCP_SYN);
    assert_int_equal(syn_ack->flags, TCP_SYN | TCP_ACK);
    assert_int_equal(syn_ack->ack, syn->seq + 1);
    assert_int_equal(ack->flags, TCP_ACK);
    assert_int_equal(ack->seq, syn->seq + 1);
    assert_int_equal(ack->ack, syn_ack->seq + 1);
    scene_end(&s);
}

/* The SYN schedule and connect()'s timeout of every sourced profile (FACTS 1), to the tick; RFC 9293 3.8.3 (MUST-23) is
 * the norm. */
struct schedule {
    const char *profile, *syns;
    double timeout_s;
};
static const struct schedule schedules[] = {
    {"4.2bsd", "0 1 2 3 4 5.5 7.5 10.5 15.5 23.5 39.5", 45},
    {"4.3bsd", "0 6 12 24", 45},
    {"tahoe", "0 6 18 42", 75},
    {"4.4bsd", "0 6 30", 75},
    {"freebsd", "0 1 3.2 7.4 15.6 31.8 64", 75},
    {"macos", "0 1 2 3 4 5 7 11 19 35 67", 75},
    {"linux24", "0 3 9 21 45 93", 189},
    {"linux61", "0 1 3 7 15 31 63", 127},
    {"linux", "0 1 2 3 4 5 7 11 19 35 67", 131},
    {"windows", "0 1 3 7 15", 21},
};

static void test_schedules(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(schedules); i++) {
        const struct schedule *row = &schedules[i];
        struct scene s;
        struct puppet *puppet = scene_puppet(&s, row->profile);
        struct attempt client = {.to = "198.51.100.1", .port = 13, .start_s = 10};
        (void)puppet; /* answers ARP and nothing else: a black hole behind a gateway */
        attempt_spawn(&s, &client);
        scene_run(&s, 400);
        print_message("%-8s SYN at %s: %s after %.3f s\n", row->profile, times_of(&s, "client", is_syn, SECONDS(10)),
                      client.returned ? strerrorname_np(client.error) : "nothing", client.took_s);
        assert_string_equal(times_of(&s, "client", is_syn, SECONDS(10)), row->syns);
        assert_true(client.returned);
        assert_errno(client.error, ETIMEDOUT);
        assert_int_equal((int)(client.took_s * 1000 + 0.5), (int)(row->timeout_s * 1000));
        scene_end(&s);
    }
}

/* Solaris counts from its first RTO of 3375 ms: 0, 3.4, 10.1 ... about 216 s. */
static void test_schedule_solaris(void **state)
{
    struct scene s;
    (void)state;
    scene_puppet(&s, "solaris");
    struct attempt client = {.to = "198.51.100.1", .port = 13, .start_s = 10};
    attempt_spawn(&s, &client);
    scene_run(&s, 400);
    assert_int_equal(count_of(&s, "client", is_syn), 7);
    static const double at[] = {0, 3.375, 10.125, 23.625, 47.6, 95.6, 155.6};
    for (unsigned i = 0; i < 7; i++) {
        double sent = (double)(nth_of(&s, "client", is_syn, i)->now_ns - SECONDS(10)) / 1e9;
        if (sent < at[i] - 0.2 || sent > at[i] + 0.2)
            fail_msg("SYN %u at %.3f s, not %.3f", i, sent, at[i]);
    }
    assert_errno(client.error, ETIMEDOUT);
    assert_in_range((int)client.took_s, 210, 220);
    scene_end(&s);
}

/* "An RST in response to the SYN: a hard error; ECONNREFUSED as soon as the RST is received" (UNP 4.3). */
static void test_refused(void **state)
{
    static const char *const profiles[] = {"4.2bsd", "4.3bsd",  "tahoe",   "4.4bsd",  "freebsd",
                                           "macos",  "solaris", "linux24", "linux61", "linux"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        struct scene s;
        scene_two(&s, profiles[i], "linux");
        struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1};
        attempt_spawn(&s, &client);
        scene_run(&s, 100);
        assert_true(client.returned);
        assert_errno(client.error, ECONNREFUSED);
        assert_true(client.took_s < 0.001);
        assert_int_equal(count_of(&s, "client", is_syn), 1);
        scene_end(&s);
    }
}

/* Windows sends the SYN again after an RST, about each half second: ECONNREFUSED after about 2 s (FACTS 1). */
static void test_refused_windows(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "windows", "linux");
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1};
    attempt_spawn(&s, &client);
    scene_run(&s, 100);
    assert_errno(client.error, ECONNREFUSED);
    assert_in_range((int)(client.took_s * 1000), 1900, 2100);
    assert_true(count_of(&s, "client", is_syn) >= 3);
    scene_end(&s);
}

/* An RST counts in SYN_SENT only with an acceptable ACK (RFC 9293 3.10.7.3; FACTS 5). */
static void blind_rst(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    (void)frame;
    (void)length;
    if (seen->is_tcp && (seen->tcp.flags & TCP_SYN)) {
        puppet_reply_tcp(puppet, seen, TCP_RST, 12345, 0);
        puppet_reply_tcp(puppet, seen, TCP_RST | TCP_ACK, 0, seen->tcp.seq + 1000);
    }
}

static void test_blind_rst(void **state)
{
    struct scene s;
    (void)state;
    scene_puppet(&s, "linux")->on_packet = blind_rst;
    struct attempt client = {.to = SCENE_SERVER, .port = 13, .start_s = 1};
    attempt_spawn(&s, &client);
    scene_run(&s, 20);
    assert_false(client.returned);
    assert_true(count_of(&s, "client", is_syn) > 3);
    scene_end(&s);
}

/* The host on the local net that does not answer ARP (UNP 4.3, 206.62.226.55; FACTS 3). */
struct silent {
    const char *profile, *requests;
    int error;
    double took_s;
};
static const struct silent silents[] = {
    {"4.2bsd", "0 1 2 3 4 5.5 7.5 10.5 15.5 23.5 39.5", ETIMEDOUT, 45},
    {"4.3bsd", "0 6 12 24", ETIMEDOUT, 45},
    {"tahoe", "0 6 18 42", ETIMEDOUT, 75},
    {"4.4bsd", "0 6 30", ETIMEDOUT, 75},
    {"linux", "0 1.024 2.048", EHOSTUNREACH, 3.072},
};

static void test_silent_arp(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(silents); i++) {
        const struct silent *row = &silents[i];
        struct scene s;
        scene_puppet(&s, row->profile)->answers_arp = false;
        struct attempt client = {.to = "192.0.2.55", .port = 13, .start_s = 10};
        attempt_spawn(&s, &client);
        scene_run(&s, 400);
        print_message("%-8s ARP at %s: %s after %.3f s\n", row->profile,
                      times_of(&s, "client", is_arp_request, SECONDS(10)),
                      client.returned ? strerrorname_np(client.error) : "nothing", client.took_s);
        assert_string_equal(times_of(&s, "client", is_arp_request, SECONDS(10)), row->requests);
        assert_int_equal(count_of(&s, "client", is_syn), 0); /* no SYN is ever on the wire */
        assert_errno(client.error, row->error);
        assert_int_equal((int)(client.took_s * 100 + 0.5), (int)(row->took_s * 100 + 0.5));
        scene_end(&s);
    }
}

/* FreeBSD asks as it sends SYNs, 5 requests; then the entry rejects for 20 s: the next connect is told EHOSTDOWN at
 * once. */
static int again_main(struct lil_proc *p, void *argument)
{
    struct attempt *a = argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    uint64_t start_ns = lil_now_ns(p);
    a->error = connect_to(p, fd, a->to, a->port) < 0 ? errno : 0;
    a->took_s = (double)(lil_now_ns(p) - start_ns) / 1e9;
    return 0;
}

static void test_silent_arp_freebsd(void **state)
{
    struct scene s;
    (void)state;
    scene_puppet(&s, "freebsd")->answers_arp = false;
    struct attempt client = {.to = "192.0.2.55", .port = 13, .start_s = 10}, again = client;
    attempt_spawn(&s, &client);
    lil_world_spawn_at(s.world, s.client, SECONDS(10 + 36), again_main,
                       &again); /* the SYN at 31.8 s began the hold-down */
    scene_run(&s, 300);
    assert_int_equal(count_of(&s, "client", is_syn), 0);
    assert_int_equal(count_of(&s, "client", is_arp_request), 5);
    assert_errno(client.error, ETIMEDOUT);
    assert_int_equal((int)client.took_s, 75);
    assert_errno(again.error, EHOSTDOWN);
    assert_true(again.took_s < 0.001);
    scene_end(&s);
}

/* "If connect fails, the socket is no longer usable and must be closed" (UNP 4.3); the portable rule. Linux lets you
 * connect again. */
struct again {
    const char *profile;
    int error; /* of the second connect() on the failed socket; 0: it may succeed */
};
static const struct again agains[] = {{"4.2bsd", EINVAL}, {"4.3bsd", EINVAL},        {"tahoe", EINVAL}, {"4.4bsd", EINVAL},
                                     {"macos", EINVAL},  {"freebsd", ECONNREFUSED}, {"linux24", 0},    {"linux", 0}};

struct again_run {
    int first, second, third;
};

static int failed_socket_main(struct lil_proc *p, void *argument)
{
    struct again_run *run = argument;
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    run->first = connect_to(p, fd, SCENE_SERVER, 14) < 0 ? errno : 0;
    run->second = connect_to(p, fd, SCENE_SERVER, 13) < 0 ? errno : 0;
    lil_close(p, fd);
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0); /* closed and made anew it works everywhere */
    run->third = connect_to(p, fd, SCENE_SERVER, 13) < 0 ? errno : 0;
    lil_close(p, fd);
    return 0;
}

static void test_failed_socket(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(agains); i++) {
        struct scene s;
        struct again_run run = {0};
        struct server server = {.port = 13, .backlog = 5, .count = 3};
        scene_two(&s, agains[i].profile, "linux");
        server_spawn(&s, &server);
        scene_run(&s, 1);
        scene_program(&s, failed_socket_main, &run, 10);
        assert_errno(run.first, ECONNREFUSED);
        assert_errno(run.second, agains[i].error);
        assert_errno(run.third, 0);
        scene_end(&s);
    }
}

/* Two SYNs cross: SYN_SENT -> SYN_RECEIVED -> ESTABLISHED at both ends (RFC 9293 3.5 figure 7). */
static int crossing_main(struct lil_proc *p, void *argument)
{
    struct attempt *a = argument;
    const char *own = strcmp(a->to, SCENE_SERVER) == 0 ? SCENE_CLIENT : SCENE_SERVER;
    a->fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, a->fd, own, a->port), 0);
    a->error = connect_to(p, a->fd, a->to, a->port) < 0 ? errno : 0;
    a->returned = true;
    char byte = 'x';
    if (!a->error && lil_write(p, a->fd, &byte, 1) == 1 && lil_read(p, a->fd, &byte, 1) == 1)
        snprintf(a->local, sizeof(a->local), "%s", lil_tcp_state(p, a->fd));
    lil_sleep_ns(p, SECONDS(1000));
    return 0;
}

static void test_simultaneous_open(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    lil_link_set(s.link, 0, &(struct lil_link_config){.delay_ns = 50 * NS_PER_MS});
    struct attempt a = {.to = SCENE_SERVER, .port = 5000}, b = {.to = SCENE_CLIENT, .port = 5000};
    /* The neighbours must know each other, or the first SYN waits for ARP. */
    lil_neighbor_add(s.client, 2, SCENE_SERVER, host_node_find(s.world, s.server)->nics->mac.b);
    lil_neighbor_add(s.server, 2, SCENE_CLIENT, host_node_find(s.world, s.client)->nics->mac.b);
    lil_world_spawn_at(s.world, s.client, SECONDS(1), crossing_main, &a);
    lil_world_spawn_at(s.world, s.server, SECONDS(1), crossing_main, &b);
    scene_run(&s, 30);
    assert_errno(a.error, 0);
    assert_errno(b.error, 0);
    assert_string_equal(a.local, "ESTABLISHED");
    assert_string_equal(b.local, "ESTABLISHED");
    assert_non_null(strstr(s.states, "client:SYN_RECEIVED"));
    assert_non_null(strstr(s.states, "server:SYN_RECEIVED"));
    scene_end(&s);
}

/* A socket connects to itself (Linux, measured). */
static int self_main(struct lil_proc *p, void *argument)
{
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    char word[8] = "";
    assert_int_equal(bind_to(p, fd, "127.0.0.1", 5555), 0);
    *(int *)argument = connect_to(p, fd, "127.0.0.1", 5555) < 0 ? errno : 0;
    assert_int_equal(lil_write(p, fd, "echo", 4), 4);
    assert_int_equal(lil_read(p, fd, word, 4), 4);
    assert_string_equal(word, "echo");
    return 0;
}

static void test_self_connect(void **state)
{
    struct scene s;
    int error = -1;
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, self_main, &error, 10);
    assert_errno(error, 0);
    scene_end(&s);
}

/* Odd destinations (FACTS 5, 6). */
struct odd {
    int any, port0, broadcast, listening;
    char any_peer[64];
};

static int odd_main(struct lil_proc *p, void *argument)
{
    struct odd *odd = argument;
    int listener = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind_to(p, listener, "0.0.0.0", 7777), 0);
    assert_int_equal(lil_listen(p, listener, 5), 0);
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    odd->any = connect_to(p, fd, "0.0.0.0", 7777) < 0 ? errno : 0;
    if (!odd->any)
        snprintf(odd->any_peer, sizeof(odd->any_peer), "%s", name_text(p, fd, true));
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    odd->port0 = connect_to(p, fd, SCENE_SERVER, 0) < 0 ? errno : 0;
    fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    odd->broadcast = connect_to(p, fd, "192.0.2.255", 13) < 0 ? errno : 0;
    odd->listening = connect_to(p, listener, SCENE_SERVER, 13) < 0 ? errno : 0;
    return 0;
}

/* RFC 9293 3.9.1.1 (MUST-46): a broadcast address is refused. */
static void test_odd_destinations(void **state)
{
    struct scene s;
    struct odd odd = {0};
    (void)state;
    scene_two(&s, "linux", "linux");
    scene_program(&s, odd_main, &odd, 200);
    assert_errno(odd.any, 0); /* loopback */
    assert_string_equal(odd.any_peer, "127.0.0.1.7777");
    assert_errno(odd.port0, ECONNREFUSED);
    assert_errno(odd.broadcast, ENETUNREACH);
    assert_errno(odd.listening, EISCONN);
    scene_end(&s);
    scene_two(&s, "4.4bsd", "linux");
    memset(&odd, 0, sizeof(odd));
    scene_program(&s, odd_main, &odd, 200);
    assert_errno(odd.any, 0); /* the primary address */
    assert_string_equal(odd.any_peer, SCENE_CLIENT ".7777");
    assert_errno(odd.port0, EADDRNOTAVAIL);
    assert_errno(odd.listening, EOPNOTSUPP);
    scene_end(&s);
}

/* The elder systems (FACTS 5, 6): 4.2BSD knows no address for INADDR_ANY, 4.3BSD takes the primary one; no port is 0. */
static void test_odd_destinations_bsd(void **state)
{
    static const struct {
        const char *profile;
        int any, listening;
    } rows[] = {{"4.2bsd", EADDRNOTAVAIL, 0}, {"4.3bsd", 0, 0}, {"tahoe", 0, 0}, {"freebsd", ENETUNREACH, EOPNOTSUPP}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene s;
        struct odd odd = {0};
        scene_two(&s, rows[i].profile, "linux");
        scene_program(&s, odd_main, &odd, 200);
        assert_errno(odd.any, rows[i].any);
        if (!odd.any)
            assert_string_equal(odd.any_peer, SCENE_CLIENT ".7777");
        assert_errno(odd.port0, EADDRNOTAVAIL);
        if (rows[i].listening)
            assert_errno(odd.listening, rows[i].listening);
        scene_end(&s);
    }
}

/* "No route to host" can also be immediate and local (FACTS 9.5). */
static void test_no_route(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    struct attempt client = {.to = "198.51.100.1", .port = 13, .start_s = 1};
    attempt_spawn(&s, &client);
    scene_run(&s, 2);
    assert_errno(client.error, ENETUNREACH);
    assert_true(client.took_s < 0.001);
    assert_int_equal(count_of(&s, "client", is_arp_request), 0);
    scene_end(&s);
}

/* connect() on a non-blocking socket: EINPROGRESS, then writable (UNP 16.3). */
static int nonblocking_main(struct lil_proc *p, void *argument)
{
    (void)argument;
    int error = -1, fd = lil_socket(p, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socklen_t length = sizeof(error);
    assert_int_equal(connect_to(p, fd, SCENE_SERVER, 13), -1);
    assert_errno(errno, EINPROGRESS);
    assert_int_equal(connect_to(p, fd, SCENE_SERVER, 13), -1);
    assert_errno(errno, EALREADY);
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    assert_int_equal(lil_poll(p, &waiting, 1, 5000), 1);
    assert_int_equal(lil_getsockopt(p, fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    assert_errno(error, 0);
    assert_string_equal(lil_tcp_state(p, fd), "ESTABLISHED");
    return 0;
}

static void test_nonblocking(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    lil_link_set(s.link, 0, &(struct lil_link_config){.delay_ns = 50 * NS_PER_MS});
    struct server server = {.port = 13, .backlog = 5, .count = 1};
    server_spawn(&s, &server);
    scene_run(&s, 1);
    scene_program(&s, nonblocking_main, NULL, 20);
    scene_end(&s);
}

/* The same calls over IPv6: a handshake, a refusal, a neighbour that does not answer solicitations (RFC 4861 7.2.2:
 * three, 1 s apart). */
static bool is_solicit(const struct seen *seen)
{
    struct addr unspecified = addr_any(AF_INET6);
    return seen->is_icmp && seen->ip.version == 6 && seen->icmp.type == ICMP6_NEIGHBOR_SOLICIT &&
           !addr_equal(&seen->ip.source, &unspecified);
}

static void test_ipv6(void **state)
{
    struct scene s;
    (void)state;
    scene_two(&s, "linux", "linux");
    struct server server = {.bind = "::", .port = 13, .backlog = 5, .count = 1};
    struct attempt good = {.to = "2001:db8::2", .port = 13, .start_s = 3, .keep = true};
    struct attempt refused = {.to = "2001:db8::2", .port = 14, .start_s = 4},
                   silent = {.to = "2001:db8::55", .port = 13, .start_s = 10};
    server_spawn(&s, &server);
    attempt_spawn(&s, &good);
    attempt_spawn(&s, &refused);
    attempt_spawn(&s, &silent);
    scene_run(&s, 100);
    assert_errno(good.error, 0);
    assert_string_equal(server.peer[0], good.local);
    assert_int_equal(strncmp(good.local, "2001:db8::1.", 12), 0);
    assert_errno(refused.error, ECONNREFUSED);
    assert_true(refused.took_s < 0.001);
    assert_errno(silent.error, EHOSTUNREACH);
    assert_in_range((int)(silent.took_s * 10), 28, 34);
    assert_int_equal(count_of(&s, "client", is_arp_request), 0);
    assert_true(count_of(&s, "client", is_solicit) >= 4);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_states),
                                       cmocka_unit_test(test_handshake_numbers),
                                       cmocka_unit_test(test_schedules),
                                       cmocka_unit_test(test_schedule_solaris),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_refused_windows),
                                       cmocka_unit_test(test_blind_rst),
                                       cmocka_unit_test(test_silent_arp),
                                       cmocka_unit_test(test_silent_arp_freebsd),
                                       cmocka_unit_test(test_failed_socket),
                                       cmocka_unit_test(test_simultaneous_open),
                                       cmocka_unit_test(test_self_connect),
                                       cmocka_unit_test(test_odd_destinations),
                                       cmocka_unit_test(test_odd_destinations_bsd),
                                       cmocka_unit_test(test_no_route),
                                       cmocka_unit_test(test_nonblocking),
                                       cmocka_unit_test(test_ipv6)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
