/* scenario.h: a small stage for scenario tests that read like the book: two hosts on a wire, or a host and a puppet (a
 * peer that the test moves by hand), a log of what was on the wire, and programs as ordinary blocking code. Every
 * failure names the seed. */
#ifndef SCENARIO_H
#define SCENARIO_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include "unit/check.h"
/* <netinet/tcp.h> has names that wire.h uses for the flags. */
#undef TCP_MD5SIG
#include "base/csum.h"
#include "sim/sim_node.h"

#define UNUSED       __attribute__((unused))
#define SCENE_CLIENT "192.0.2.1"
#define SCENE_SERVER "192.0.2.2"
#define SECONDS(n)   ((uint64_t)((n)*1000.0 + 0.5) * NS_PER_MS)

enum { SCENE_LOG = 4096 };
struct seen { /* one packet on the wire */
    uint64_t now_ns;
    char host[SIM_NAME]; /* who sent it */
    struct eth eth;
    struct arp arp;
    struct ip ip;
    struct tcphdr_ tcp;
    struct icmp icmp;
    struct udphdr_ udp;
    uint32_t payload;
    bool is_arp, is_tcp, is_icmp, is_udp;
};
struct scene {
    struct lil_world *world;
    struct lil_host *client, *server; /* server NULL: a puppet is at the other end */
    struct lil_link *link;
    struct sim_tap tap;
    struct seen *log;
    unsigned count;
    struct puppet *puppet;
    char states[2048]; /* "client:SYN_SENT server:LISTEN ..." as entered */
    char queues[2048]; /* "1/0 0/1 ..." incomplete/complete of the server's listeners */
    char hints[256];
    uint64_t seed;
};

/* --- reading frames --------------------------------------------------------------------------------------------------
 */
static UNUSED bool seen_parse(struct seen *seen, const uint8_t *frame, size_t length)
{
    if (eth_parse(&seen->eth, frame, length) < 0)
        return false;
    const uint8_t *bytes = frame + ETH_LENGTH;
    length -= ETH_LENGTH;
    if (seen->eth.type == ETHERTYPE_ARPP)
        return seen->is_arp = arp_parse(&seen->arp, bytes, length) >= 0;
    int header = ip_parse(&seen->ip, bytes, length);
    if (header < 0)
        return false;
    bytes += header;
    length -= (size_t)header;
    if (seen->ip.protocol == IPPROTO_TCP) {
        int size = tcphdr_parse(&seen->tcp, bytes, length);
        seen->is_tcp = size >= 0;
        seen->payload = seen->is_tcp ? seen->ip.payload_length - (uint32_t)size : 0;
    } else if (seen->ip.protocol == IPPROTO_UDP) {
        seen->is_udp = udphdr_parse(&seen->udp, bytes, length) >= 0;
        seen->payload = seen->ip.payload_length - UDP_LENGTH;
    } else if (seen->ip.protocol == IPPROTO_ICMP || seen->ip.protocol == IPPROTO_ICMPV6) {
        seen->is_icmp = icmp_parse(&seen->icmp, seen->ip.version, bytes, length) >= 0;
    }
    return true;
}

static UNUSED void scene_on_sent(void *ctx, const struct sim_passage *passage)
{
    struct scene *s = ctx;
    uint8_t frame[2048];
    if (s->count == SCENE_LOG)
        return;
    struct seen *seen = &s->log[s->count];
    memset(seen, 0, sizeof(*seen));
    seen->now_ns = passage->now_ns;
    snprintf(seen->host, sizeof(seen->host), "%s", passage->from->node->name);
    size_t length = packet_read(passage->packet, 0, frame, sizeof(frame));
    if (seen_parse(seen, frame, length))
        s->count++;
}

static UNUSED void scene_on_trace(void *ctx, const struct lil_trace *event)
{
    struct scene *s = ctx;
    char word[64];
    if (event->kind == LIL_TRACE_STATE) {
        snprintf(word, sizeof(word), "%s%s:%s", s->states[0] ? " " : "", event->host, event->new_state);
        strncat(s->states, word, sizeof(s->states) - strlen(s->states) - 1);
    } else if (event->kind == LIL_TRACE_QUEUES) {
        snprintf(word, sizeof(word), "%s%u/%u", s->queues[0] ? " " : "", event->incomplete, event->complete);
        strncat(s->queues, word, sizeof(s->queues) - strlen(s->queues) - 1);
    } else if (event->kind == LIL_TRACE_HINT) {
        snprintf(s->hints, sizeof(s->hints), "%s", event->text);
    }
}

/* --- times as the book writes them: "0 6 30" ---------------------------------------------------------------------- */
static UNUSED void add_time(char *text, size_t size, uint64_t ns)
{
    uint64_t ms = (ns + NS_PER_MS / 2) / NS_PER_MS;
    char word[32];
    snprintf(word, sizeof(word), "%s%llu.%03llu", text[0] ? " " : "", (unsigned long long)ms / 1000,
             (unsigned long long)ms % 1000);
    for (size_t n = strlen(word); word[n - 1] == '0' || word[n - 1] == '.'; n--) {
        bool point = word[n - 1] == '.';
        word[n - 1] = 0;
        if (point)
            break;
    }
    strncat(text, word, size - strlen(text) - 1);
}

typedef bool seen_filter(const struct seen *seen);
static UNUSED bool is_syn(const struct seen *seen)
{
    return seen->is_tcp && (seen->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}
static UNUSED bool is_syn_ack(const struct seen *seen)
{
    return seen->is_tcp && (seen->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}
static UNUSED bool is_rst(const struct seen *seen)
{
    return seen->is_tcp && (seen->tcp.flags & TCP_RST);
}
static UNUSED bool is_arp_request(const struct seen *seen)
{
    return seen->is_arp && seen->arp.operation == ARP_REQUEST;
}
static UNUSED bool is_tcp(const struct seen *seen)
{
    return seen->is_tcp;
}

/* When HOST sent what FILTER wants, from START on. The text lives until the next call. */
static UNUSED const char *times_of(const struct scene *s, const char *host, seen_filter *filter, uint64_t start_ns)
{
    static char text[512];
    text[0] = 0;
    for (unsigned i = 0; i < s->count; i++)
        if (s->log[i].now_ns >= start_ns && strcmp(s->log[i].host, host) == 0 && filter(&s->log[i]))
            add_time(text, sizeof(text), s->log[i].now_ns - start_ns);
    return text;
}

static UNUSED unsigned count_of(const struct scene *s, const char *host, seen_filter *filter)
{
    unsigned count = 0;
    for (unsigned i = 0; i < s->count; i++)
        count += strcmp(s->log[i].host, host) == 0 && filter(&s->log[i]);
    return count;
}

/* The Nth (from 0) packet of HOST that FILTER wants. */
static UNUSED const struct seen *nth_of(const struct scene *s, const char *host, seen_filter *filter, unsigned n)
{
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->log[i].host, host) == 0 && filter(&s->log[i]) && n-- == 0)
            return &s->log[i];
    fail_msg("%s sent fewer packets of this kind (seed %llu)", host, (unsigned long long)s->seed);
    return NULL;
}

/* --- the puppet: a peer that does what the test says -------------------------------------------------------------- */
struct puppet {
    struct lil_node node;
    struct scene *scene;
    struct pool *pool;
    struct lil_link *link;
    struct mac mac, peer;
    bool answers_arp;
    /* Called with what arrived (not ARP, not neighbour discovery); FRAME is the whole. */
    void (*on_packet)(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length);
    void *ctx;
    int number; /* the test's own */
};

static UNUSED void puppet_send(struct puppet *puppet, const void *frame, size_t length)
{
    link_input(puppet->link, 1, packet_copy(puppet->pool, frame, length), lil_world_now(puppet->scene->world));
}

static UNUSED void checksum_fill(const struct ip *ip, uint8_t *transport, size_t length, size_t at)
{
    uint32_t sum = addr_pseudo_sum(&ip->source, &ip->dest, ip->protocol, (uint32_t)length);
    if (ip->protocol == IPPROTO_ICMP)
        sum = 0;
    memset(transport + at, 0, 2);
    uint16_t field = (uint16_t)~csum_fold(csum_partial(transport, length, sum));
    memcpy(transport + at, &field, 2);
}

/* An IP packet with this transport part; CHECKSUM_AT its checksum's place. */
static UNUSED void puppet_send_ip(struct puppet *puppet, const struct addr *source, const struct addr *dest,
                                  uint8_t protocol, const void *transport, size_t length, size_t checksum_at)
{
    uint8_t frame[2048];
    struct eth eth = {
        .dest = puppet->peer, .source = puppet->mac, .type = addr_is_v4(dest) ? ETHERTYPE_V4 : ETHERTYPE_V6};
    struct ip ip = {.source = *source,
                    .dest = *dest,
                    .version = addr_is_v4(dest) ? 4 : 6,
                    .protocol = protocol,
                    .ttl = 255,
                    .payload_length = (uint32_t)length};
    size_t at = eth_emit(&eth, frame);
    at += ip_emit(&ip, frame + at);
    memcpy(frame + at, transport, length);
    checksum_fill(&ip, frame + at, length, checksum_at);
    puppet_send(puppet, frame, at + length);
}

static UNUSED void puppet_send_tcp(struct puppet *puppet, const struct addr *source, const struct addr *dest,
                                   const struct tcphdr_ *tcp, const void *data, size_t length)
{
    uint8_t segment[1600];
    size_t at = tcphdr_emit(tcp, TCP_ORDER_LINUX, segment);
    if (length)
        memcpy(segment + at, data, length);
    puppet_send_ip(puppet, source, dest, IPPROTO_TCP, segment, at + length, 16);
}

/* Answers the segment SEEN with these flags and numbers. */
static UNUSED void puppet_reply_tcp(struct puppet *puppet, const struct seen *seen, uint16_t flags, uint32_t seq,
                                    uint32_t ack)
{
    struct tcphdr_ tcp = {.source_port = seen->tcp.dest_port,
                          .dest_port = seen->tcp.source_port,
                          .seq = seq,
                          .ack = ack,
                          .flags = flags,
                          .window = 8192};
    puppet_send_tcp(puppet, &seen->ip.dest, &seen->ip.source, &tcp, NULL, 0);
}

/* An ICMP error from ROUTER that quotes FRAME (Ethernet included). */
static UNUSED void puppet_send_icmp(struct puppet *puppet, const char *router, uint8_t type, uint8_t code,
                                    uint32_t rest, const struct seen *seen, const uint8_t *frame, size_t length)
{
    uint8_t message[ICMP_LENGTH + 576];
    struct addr source;
    struct icmp icmp = {.type = type, .code = code, .rest = rest};
    size_t quote = length - ETH_LENGTH < 548 ? length - ETH_LENGTH : 548;
    assert_int_equal(addr_parse(router, &source), 0);
    icmp_emit(&icmp, seen->ip.version, message);
    memcpy(message + ICMP_LENGTH, frame + ETH_LENGTH, quote);
    puppet_send_ip(puppet, &source, &seen->ip.source, seen->ip.version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, message,
                   ICMP_LENGTH + quote, 2);
}

static UNUSED void puppet_answer_arp(struct puppet *puppet, const struct arp *request)
{
    uint8_t frame[ETH_LENGTH + ARP_LENGTH];
    struct eth eth = {.dest = request->sender_mac, .source = puppet->mac, .type = ETHERTYPE_ARPP};
    struct arp arp = {.operation = ARP_REPLY,
                      .sender_mac = puppet->mac,
                      .sender = request->target,
                      .target_mac = request->sender_mac,
                      .target = request->sender};
    eth_emit(&eth, frame);
    arp_emit(&arp, frame + ETH_LENGTH);
    puppet_send(puppet, frame, sizeof(frame));
}

static UNUSED void puppet_answer_nd(struct puppet *puppet, const struct seen *seen, const uint8_t *frame, size_t length)
{
    struct nd nd = {0};
    uint8_t message[64];
    size_t at = ETH_LENGTH + seen->ip.header_length + ICMP_LENGTH;
    if (length < at || nd_parse(&nd, ICMP6_NEIGHBOR_SOLICIT, frame + at, length - at) < 0 ||
        addr_is_any(&seen->ip.source))
        return;
    struct nd answer = {.target = nd.target, .solicited = true, .override_ = true, .has_mac = true, .mac = puppet->mac};
    size_t size = nd_emit(&answer, ICMP6_NEIGHBOR_ADVERT, message);
    puppet_send_ip(puppet, &nd.target, &seen->ip.source, IPPROTO_ICMPV6, message, size, 2);
}

static UNUSED void puppet_input(struct lil_node *node, unsigned port, struct lil_packet *packet, uint64_t now_ns)
{
    struct puppet *puppet = container_of(node, struct puppet, node);
    struct seen seen = {.now_ns = now_ns};
    uint8_t frame[2048];
    (void)port;
    size_t length = packet_read(packet, 0, frame, sizeof(frame));
    packet_free(packet);
    if (!seen_parse(&seen, frame, length))
        return;
    puppet->peer = seen.eth.source;
    if (seen.is_arp) {
        if (puppet->answers_arp && seen.arp.operation == ARP_REQUEST && !addr_equal(&seen.arp.sender, &seen.arp.target))
            puppet_answer_arp(puppet, &seen.arp);
    } else if (seen.is_icmp && seen.ip.version == 6 && seen.icmp.type >= 133 && seen.icmp.type <= 136) {
        if (puppet->answers_arp && seen.icmp.type == ICMP6_NEIGHBOR_SOLICIT)
            puppet_answer_nd(puppet, &seen, frame, length);
    } else if (puppet->on_packet) {
        puppet->on_packet(puppet, &seen, frame, length);
    }
}

static UNUSED uint64_t puppet_poll(struct lil_node *node, uint64_t now_ns)
{
    (void)node;
    (void)now_ns;
    return LIL_NEVER;
}

static UNUSED void puppet_free(struct lil_node *node)
{
    struct puppet *puppet = container_of(node, struct puppet, node);
    pool_unref(puppet->pool);
    free(puppet);
}
static UNUSED const struct sim_node_ops puppet_ops = {puppet_input, puppet_poll, puppet_free};

/* --- setting the stage -------------------------------------------------------------------------------------------- */
static UNUSED struct lil_host *scene_host(struct scene *s, const char *name, const char *profile)
{
    struct lil_host *host = lil_world_host(s->world, name, profile);
    if (!host)
        fail_msg("no profile %s", profile);
    lil_sysctl_set(host, "tcp.tick_phase_ms", "0"); /* BSD's clock ticks at virtual 0: schedules to the tick */
    return host;
}

static UNUSED void scene_init(struct scene *s, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    s->seed = seed;
    s->world = lil_world_new(seed);
    s->log = calloc(SCENE_LOG, sizeof(*s->log));
    s->tap = (struct sim_tap){.sent = scene_on_sent, .ctx = s};
    world_add_tap(s->world, &s->tap);
    lil_world_add_trace(s->world, scene_on_trace, s);
}

/* A client and a server on one wire without delay, IPv4 and IPv6. */
static UNUSED void scene_two(struct scene *s, const char *client, const char *server)
{
    scene_init(s, 1);
    s->client = scene_host(s, "client", client);
    s->server = scene_host(s, "server", server);
    s->link = lil_world_link(s->world, s->client, SCENE_CLIENT "/24", s->server, SCENE_SERVER "/24", NULL);
    assert_non_null(s->link);
    lil_address_add(s->client, 2, "2001:db8::1/64"); /* 4.2BSD has no IPv6: no matter */
    lil_address_add(s->server, 2, "2001:db8::2/64");
}

/* A client whose only neighbour is the puppet, which is also its default gateway. */
static UNUSED struct puppet *scene_puppet(struct scene *s, const char *client)
{
    scene_init(s, 1);
    s->client = scene_host(s, "client", client);
    struct host_node *node = host_node_find(s->world, s->client);
    struct sim_nic *nic = host_node_add_nic(node, "eth0", 0, 0, NULL);
    assert_int_equal(lil_address_add(s->client, nic->ifindex, SCENE_CLIENT "/24"), 0);
    lil_address_add(s->client, nic->ifindex, "2001:db8::1/64");
    lil_route_add(s->client, "default", "192.0.2.254");
    struct puppet *puppet = calloc(1, sizeof(*puppet));
    puppet->scene = s;
    puppet->pool = pool_new(NULL);
    puppet->answers_arp = true;
    puppet->mac = (struct mac){{2, 0x99, 0, 0, 0, 1}};
    puppet->peer = nic->mac;
    node_init(&puppet->node, s->world, "puppet", &puppet_ops);
    struct sim_end ends[2] = {{&node->node, (unsigned)nic->ifindex, nic}, {&puppet->node, 0, NULL}};
    s->link = puppet->link = link_new(s->world, &ends[0], &ends[1], NULL);
    s->puppet = puppet;
    return puppet;
}

static UNUSED void scene_end(struct scene *s)
{
    lil_world_free(s->world);
    free(s->log);
}

/* From now on everything vanishes on the wire. */
static UNUSED void scene_cut(struct scene *s)
{
    lil_link_set(s->link, 0, &(struct lil_link_config){.loss = UINT32_MAX});
}

static UNUSED void scene_run(struct scene *s, double until_s)
{
    lil_world_run(s->world, SECONDS(until_s));
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */
static UNUSED struct sockaddr_storage address_of(const char *text, uint16_t port, socklen_t *length)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *length = sizeof(*v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *length = sizeof(*v6);
    }
    return storage;
}

static UNUSED int connect_to(struct lil_proc *p, int fd, const char *to, uint16_t port)
{
    socklen_t length;
    struct sockaddr_storage address = address_of(to, port, &length);
    return lil_connect(p, fd, (struct sockaddr *)&address, length);
}

static UNUSED int bind_to(struct lil_proc *p, int fd, const char *to, uint16_t port)
{
    socklen_t length;
    struct sockaddr_storage address = address_of(to, port, &length);
    return lil_bind(p, fd, (struct sockaddr *)&address, length);
}

/* "192.0.2.1.1024" of getsockname (or getpeername); the text lives until the next call but three. */
static UNUSED const char *name_text(struct lil_proc *p, int fd, bool peer)
{
    static char texts[4][64];
    static unsigned next;
    char host[INET6_ADDRSTRLEN], *text = texts[next++ % 4];
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    int result = peer ? lil_getpeername(p, fd, (struct sockaddr *)&name, &length)
                      : lil_getsockname(p, fd, (struct sockaddr *)&name, &length);
    if (result < 0)
        return strerrorname_np(errno);
    bool v6 = name.ss_family == AF_INET6;
    const struct sockaddr_in *v4 = (struct sockaddr_in *)&name;
    const struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&name;
    inet_ntop(name.ss_family, v6 ? (const void *)&a6->sin6_addr : &v4->sin_addr, host, sizeof(host));
    snprintf(text, 64, "%s.%u", host, ntohs(v6 ? a6->sin6_port : v4->sin_port));
    return text;
}

static UNUSED uint16_t port_of(struct lil_proc *p, int fd)
{
    const char *dot = strrchr(name_text(p, fd, false), '.');
    return dot ? (uint16_t)atoi(dot + 1) : 0;
}

/* --- programs that nearly every scenario has ---------------------------------------------------------------------- */
/* A client: socket, connect, and what came of it and when. */
struct attempt {
    const char *to;
    uint16_t port;
    double start_s; /* when it begins */
    const char *bind;
    bool keep; /* stays connected until the world ends */
    int error;
    double took_s;
    bool returned;
    int fd;
    char local[64], peer[64];
    struct lil_proc *proc;
    /* something more to do with the socket after connect() returned */
    void (*then)(struct lil_proc *p, struct attempt *attempt);
};

static UNUSED int attempt_main(struct lil_proc *p, void *argument)
{
    struct attempt *a = argument;
    uint64_t start_ns = lil_now_ns(p);
    a->fd = lil_socket(p, strchr(a->to, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    assert_true(a->fd >= 0);
    if (a->bind)
        assert_int_equal(bind_to(p, a->fd, a->bind, 0), 0);
    a->error = connect_to(p, a->fd, a->to, a->port) < 0 ? errno : 0;
    a->took_s = (double)((lil_now_ns(p) - start_ns) / NS_PER_MS) / 1000;
    if (a->returned) /* killed with the world */
        return 0;
    a->returned = true;
    snprintf(a->local, sizeof(a->local), "%s", name_text(p, a->fd, false));
    snprintf(a->peer, sizeof(a->peer), "%s", name_text(p, a->fd, true));
    if (a->then)
        a->then(p, a);
    if (a->keep)
        lil_sleep_ns(p, SECONDS(100000));
    return 0;
}

static UNUSED void attempt_spawn(struct scene *s, struct attempt *a)
{
    a->proc = lil_world_spawn_at(s->world, s->client, SECONDS(a->start_s), attempt_main, a);
    assert_non_null(a->proc);
}

/* A server: binds, listens, accepts COUNT connections (0: never) and keeps them. */
struct server {
    const char *bind;
    uint16_t port;
    int backlog, count;
    double accept_after_s; /* sleeps before the first accept() */
    bool listening;
    int listener, fds[16], accepted;
    double accepted_s[16];
    char local[16][64], peer[16][64];
    struct lil_proc *proc;
    void (*then)(struct lil_proc *p, struct server *server, int fd);
};

static UNUSED int server_main(struct lil_proc *p, void *argument)
{
    struct server *server = argument;
    const char *bind = server->bind ? server->bind : "0.0.0.0";
    server->listener = lil_socket(p, strchr(bind, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind_to(p, server->listener, bind, server->port), 0);
    assert_int_equal(lil_listen(p, server->listener, server->backlog), 0);
    server->listening = true;
    if (server->accept_after_s > 0)
        lil_sleep_ns(p, SECONDS(server->accept_after_s));
    for (int i = 0; i < server->count; i++) {
        int fd = lil_accept(p, server->listener, NULL, NULL);
        if (fd < 0)
            return 0;
        server->fds[i] = fd;
        server->accepted_s[i] = (double)(lil_now_ns(p) / NS_PER_MS) / 1000;
        snprintf(server->local[i], 64, "%s", name_text(p, fd, false));
        snprintf(server->peer[i], 64, "%s", name_text(p, fd, true));
        server->accepted++;
        if (server->then)
            server->then(p, server, fd);
    }
    lil_sleep_ns(p, SECONDS(100000));
    return 0;
}

static UNUSED void server_spawn(struct scene *s, struct server *server)
{
    server->proc = lil_world_spawn(s->world, s->server ? s->server : s->client, server_main, server);
    assert_non_null(server->proc);
}

/* Runs CODE as a program on the client at once, to its end or UNTIL. */
static UNUSED void scene_program(struct scene *s, lil_main_fn *code, void *argument, double until_s)
{
    struct lil_proc *p = lil_world_spawn(s->world, s->client, code, argument);
    assert_non_null(p);
    lil_world_run(s->world, lil_world_now(s->world) + SECONDS(until_s));
    assert_true(lil_proc_ended(p, NULL));
}

#define assert_errno(is, wanted)                                                                                       \
    do {                                                                                                               \
        int is_ = (is), wanted_ = (wanted);                                                                            \
        if (is_ != wanted_)                                                                                            \
            fail_msg("%s: %s instead of %s", #is, is_ ? strerrorname_np(is_) : "0",                                    \
                     wanted_ ? strerrorname_np(wanted_) : "0");                                                        \
    } while (0)

#endif
