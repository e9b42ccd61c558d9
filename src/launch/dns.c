/* dns.c: names in the lab. Whatever server a program asks, port 53 leads to an answerer on the program's own host
 * (127.0.0.53 and ::1, UDP and TCP) that knows the lab's names and nothing of the world: RFC 1035 4.1, types A, AAAA and PTR.
 * Addresses of the lab are asked themselves; but what the machine's resolv.conf names, and the loopback, which stands for an empty one,
 * only where something serves names there. The redirection is in the descriptor: the program goes on seeing the server that it asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/base.h"
#include "host/host.h"
#include "launch/desc.h"
#include "launch/names.h"
#include "socket/sock_seen.h"

enum { DNS_PORT = 53, DNS_HEADER = 12, DNS_NAME_MAX = 256, TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_ANY = 255 };
enum { RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, TTL_SECONDS = 60, DELAYED_MAX = 64, PEERS_MAX = 16 };
enum { QUERY_MAX = 2048, ANSWER_MAX = 600 };

/* --- the table of names ------------------------------------------------------------------------------------------------------ */
const struct name *names_find(const struct names *names, const char *name)
{
    for (unsigned i = 0; names && i < names->count; i++)
        if (!strcasecmp(names->entries[i].name, name))
            return &names->entries[i];
    return NULL;
}

int names_add(struct names *names, const char *text, const char *address)
{
    struct name *name = (struct name *)(uintptr_t)names_find(names, text);
    struct name_address *slot;

    if (!name) {
        struct name *grown = realloc(names->entries, (names->count + 1) * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        names->entries = grown;
        name = &grown[names->count];
        memset(name, 0, sizeof *name);
        name->name = strdup(text);
        if (!name->name)
            return -ENOMEM;
        names->count++;
    }
    if (name->count == NAME_ADDRESSES)
        return -EINVAL;
    slot = &name->address[name->count];
    slot->is_v4 = inet_pton(AF_INET, address, slot->bytes) == 1;
    if (!slot->is_v4 && inet_pton(AF_INET6, address, slot->bytes) != 1)
        return -EINVAL;
    name->count++;
    return 0;
}

void names_fini(struct names *names)
{
    for (unsigned i = 0; i < names->count; i++)
        free(names->entries[i].name);
    free(names->entries);
    memset(names, 0, sizeof *names);
}

static const struct name *find_by_address(const struct names *names, const uint8_t *bytes, bool is_v4)
{
    for (unsigned i = 0; names && i < names->count; i++)
        for (unsigned j = 0; j < names->entries[i].count; j++) {
            const struct name_address *at = &names->entries[i].address[j];
            if (at->is_v4 == is_v4 && !memcmp(at->bytes, bytes, is_v4 ? 4 : 16))
                return &names->entries[i];
        }
    return NULL;
}

static bool names_has_address(const struct names *names, const struct addr *addr)
{
    bool is_v4 = addr_is_v4(addr);
    return find_by_address(names, addr->b + (is_v4 ? 12 : 0), is_v4);
}

/* --- questions and answers ---------------------------------------------------------------------------------------------------- */
static unsigned get16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

/* The question's name as text; the offset after it, or 0. A question holds no compression. */
static size_t read_name(const uint8_t *query, size_t length, char text[DNS_NAME_MAX])
{
    size_t at = DNS_HEADER, out = 0;

    while (at < length && query[at]) {
        unsigned label = query[at];
        if (label > 63 || at + 1 + label >= length || out + label + 2 > DNS_NAME_MAX)
            return 0;
        if (out)
            text[out++] = '.';
        memcpy(text + out, query + at + 1, label);
        out += label;
        at += 1 + label;
    }
    text[out] = 0;
    return at < length ? at + 1 : 0;
}

static size_t put_record(uint8_t *out, size_t room, unsigned type, const void *data, size_t length)
{
    if (room < 12 + length)
        return 0;
    put16(out, 0xc000 | DNS_HEADER); /* the question's name */
    put16(out + 2, type);
    put16(out + 4, 1);
    put16(out + 6, 0);
    put16(out + 8, TTL_SECONDS);
    put16(out + 10, (unsigned)length);
    memcpy(out + 12, data, length);
    return 12 + length;
}

static size_t encode_name(const char *text, uint8_t *out)
{
    size_t at = 0;
    while (*text) {
        size_t label = strcspn(text, ".");
        out[at++] = (uint8_t)label;
        memcpy(out + at, text, label);
        at += label;
        text += label + (text[label] == '.');
    }
    out[at++] = 0;
    return at;
}

/* 2.0.0.10.in-addr.arpa; RFC 3596 2.5: 32 digits under ip6.arpa, the last first. */
static const struct name *find_reverse(const struct names *names, const char *text)
{
    unsigned b[4];
    int end = 0;
    uint8_t bytes[16] = {0};

    if (sscanf(text, "%u.%u.%u.%u.in-addr.arpa%n", &b[3], &b[2], &b[1], &b[0], &end) == 4 && end && !text[end]) {
        for (int i = 0; i < 4; i++)
            bytes[i] = (uint8_t)b[i];
        return find_by_address(names, bytes, true);
    }
    for (int i = 31; i >= 0; i--, text += 2) {
        const char *digit = memchr("0123456789abcdef", *text | 0x20, 16);
        if (!digit || text[1] != '.')
            return NULL;
        bytes[i / 2] |= (uint8_t)((digit - "0123456789abcdef") << (i & 1 ? 0 : 4));
    }
    return strcasecmp(text, "ip6.arpa") ? NULL : find_by_address(names, bytes, false);
}

/* A name without a dot is the lab's under .test, too, as a resolv.conf with `search test` would have it. */
static const struct name *find_asked(const struct names *names, const char *text)
{
    const struct name *name = names_find(names, text);
    char whole[DNS_NAME_MAX + sizeof ".test"];

    if (name || strchr(text, '.'))
        return name;
    snprintf(whole, sizeof whole, "%s.test", text);
    return names_find(names, whole);
}

size_t dns_answer(const struct names *names, const uint8_t *query, size_t length, uint8_t *answer, size_t size)
{
    char text[DNS_NAME_MAX];
    size_t end = length >= DNS_HEADER ? read_name(query, length, text) : 0, at;
    unsigned type, count = 0;
    const struct name *name;

    if (!end || end + 4 > length || end + 4 > size || query[2] & 0x80 || get16(query + 4) != 1)
        return 0;
    type = get16(query + end);
    at = end + 4;
    memcpy(answer, query, at);
    answer[2] = 0x80 | 0x04 | (query[2] & 0x79); /* an answer, authoritative */
    answer[3] = 0x80;
    memset(answer + 6, 0, 6);
    if (names && names->mode == DNS_SERVFAIL) {
        answer[3] |= RCODE_SERVFAIL;
        return at;
    }
    name = find_asked(names, text);
    for (unsigned i = 0; name && i < name->count; i++) {
        unsigned own = name->address[i].is_v4 ? TYPE_A : TYPE_AAAA;
        size_t n = type == own || type == TYPE_ANY
                       ? put_record(answer + at, size - at, own, name->address[i].bytes, name->address[i].is_v4 ? 4 : 16) : 0;
        count += n > 0;
        at += n;
    }
    if (!name && type == TYPE_PTR && (name = find_reverse(names, text))) {
        uint8_t target[DNS_NAME_MAX];
        size_t n = put_record(answer + at, size - at, TYPE_PTR, target, encode_name(name->name, target));
        count += n > 0;
        at += n;
    }
    put16(answer + 6, count);
    if (!name)
        answer[3] |= RCODE_NXDOMAIN;
    return at;
}

/* --- the answerer: a fiber on the program's host -------------------------------------------------------------------------------- */
static int open_socket(struct lil_proc *p, int family, int type)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    uint8_t port[2] = {0, DNS_PORT}, address[4] = {127, 0, 0, 53};
    int fd = lil_socket(p, family, type, 0), rc;

    memcpy(&four.sin_port, port, 2);
    memcpy(&six.sin6_port, port, 2);
    memcpy(&four.sin_addr, address, 4);
    if (fd < 0)
        return -1;
    rc = family == AF_INET ? lil_bind(p, fd, (struct sockaddr *)&four, sizeof four) : lil_bind(p, fd, (struct sockaddr *)&six, sizeof six);
    if (rc < 0 || (type == SOCK_STREAM && lil_listen(p, fd, 8) < 0)) {
        lil_close(p, fd);
        return -1;
    }
    return fd;
}

struct answerer_state {
    struct lil_proc *proc;
    const struct names *names;
    struct pollfd fds[4 + PEERS_MAX]; /* its sockets: datagrams before listeners; then connections */
    nfds_t listeners, peers, count;   /* where those begin, and their end */
    struct peer {
        size_t have;
        uint8_t query[2 + QUERY_MAX];
    } peer[PEERS_MAX];                /* by place in fds, from peers on */
    /* Answers that wait for their time: each question is answered after the delay, however many there are. */
    struct delayed {
        uint64_t due_ns;
        int fd;
        struct sockaddr_storage to;
        socklen_t length;             /* 0: a connection */
        size_t size;
        uint8_t answer[2 + ANSWER_MAX];
    } delayed[DELAYED_MAX];
    unsigned delayed_count;
};

/* What waits for its time at the end of the list is the answer to this question, if there is one. RFC 1035 4.2.2: on a connection it
 * comes after its length in two bytes. */
static void answer_later(struct answerer_state *s, const uint8_t *query, size_t length, int fd)
{
    struct delayed *d = &s->delayed[s->delayed_count];
    size_t prefix = d->length ? 0 : 2;

    if (s->names && s->names->mode == DNS_SILENT)
        return;
    d->fd = fd;
    d->size = dns_answer(s->names, query, length, d->answer + prefix, ANSWER_MAX);
    if (!d->size)
        return;
    if (prefix)
        put16(d->answer, (unsigned)d->size);
    d->size += prefix;
    d->due_ns = lil_now_ns(s->proc) + (s->names ? s->names->delay_ns : 0);
    s->delayed_count++;
}

static void answer_datagram(struct answerer_state *s, int fd)
{
    uint8_t query[QUERY_MAX];
    struct delayed *d = &s->delayed[s->delayed_count];
    ssize_t n;

    if (s->delayed_count == DELAYED_MAX)
        return; /* the question stays in the socket */
    d->length = sizeof d->to;
    n = lil_recvfrom(s->proc, fd, query, sizeof query, 0, (struct sockaddr *)&d->to, &d->length);
    if (n > 0)
        answer_later(s, query, (size_t)n, fd);
}

static void drop_peer(struct answerer_state *s, nfds_t at)
{
    for (unsigned i = 0; i < s->delayed_count;)
        if (s->delayed[i].fd == s->fds[at].fd)
            s->delayed[i] = s->delayed[--s->delayed_count];
        else
            i++;
    lil_close(s->proc, s->fds[at].fd);
    s->fds[at] = s->fds[--s->count];
    s->peer[at - s->peers] = s->peer[s->count - s->peers];
}

/* Resolvers ask for A and AAAA on one connection, often at once. False: it has ended. */
static bool answer_peer(struct answerer_state *s, nfds_t at)
{
    struct peer *peer = &s->peer[at - s->peers];
    ssize_t n = lil_recv(s->proc, s->fds[at].fd, peer->query + peer->have, sizeof peer->query - peer->have, 0);
    size_t length;

    if (n <= 0)
        return false;
    peer->have += (size_t)n;
    while (peer->have >= 2 && (length = get16(peer->query)) + 2 <= peer->have && s->delayed_count < DELAYED_MAX) {
        s->delayed[s->delayed_count].length = 0;
        answer_later(s, peer->query + 2, length, s->fds[at].fd);
        peer->have -= length + 2;
        memmove(peer->query, peer->query + length + 2, peer->have);
    }
    return peer->have < sizeof peer->query;
}

static void accept_peer(struct answerer_state *s, int listener)
{
    int fd = lil_accept(s->proc, listener, NULL, NULL);

    if (fd < 0)
        return;
    if (s->count == ARRAY_COUNT(s->fds))
        drop_peer(s, s->peers); /* the one that is idle longest, most likely */
    s->peer[s->count - s->peers].have = 0;
    s->fds[s->count++] = (struct pollfd){fd, POLLIN, 0};
}

static int send_due(struct answerer_state *s)
{
    uint64_t now = lil_now_ns(s->proc), next = LIL_NEVER;

    for (unsigned i = 0; i < s->delayed_count;) {
        struct delayed *d = &s->delayed[i];
        if (d->due_ns <= now) {
            const struct sockaddr *to = d->length ? (struct sockaddr *)&d->to : NULL;
            lil_sendto(s->proc, d->fd, d->answer, d->size, MSG_NOSIGNAL | MSG_DONTWAIT, to, d->length);
            *d = s->delayed[--s->delayed_count];
        } else {
            next = min_u64(next, s->delayed[i++].due_ns);
        }
    }
    return next == LIL_NEVER ? -1 : (int)((next - now + NS_PER_MS - 1) / NS_PER_MS);
}

static int answerer_main(struct lil_proc *p, void *argument)
{
    struct answerer_state *s = calloc(1, sizeof *s);

    if (!s)
        return 1;
    s->proc = p;
    s->names = argument;
    for (int i = 0; i < 4; i++) {
        int fd = open_socket(p, i & 1 ? AF_INET6 : AF_INET, i & 2 ? SOCK_STREAM : SOCK_DGRAM);
        if (fd >= 0)
            s->fds[s->count++] = (struct pollfd){fd, POLLIN, 0};
        s->listeners = i < 2 ? s->count : s->listeners;
    }
    s->peers = s->count;
    while (s->peers && lil_poll(p, s->fds, s->count, send_due(s)) >= 0) {
        for (nfds_t i = s->count; i-- > s->peers;)
            if (s->fds[i].revents && !answer_peer(s, i))
                drop_peer(s, i);
        for (nfds_t i = 0; i < s->peers; i++)
            if (s->fds[i].revents & POLLIN && i < s->listeners)
                answer_datagram(s, s->fds[i].fd);
            else if (s->fds[i].revents & POLLIN)
                accept_peer(s, s->fds[i].fd);
    }
    free(s);
    return 0;
}

struct answerer {
    struct list node; /* first: launcher_free frees by it */
    struct lil_host *host;
};

static void ensure_answerer(struct program *program)
{
    struct launcher *l = program->launcher;
    struct answerer *answerer;

    list_each(node, &l->answerers)
        if (list_entry(node, struct answerer, node)->host == program->host)
            return;
    answerer = calloc(1, sizeof *answerer);
    if (!answerer)
        return;
    answerer->host = program->host;
    list_push_back(&l->answerers, &answerer->node);
    lil_world_spawn(l->world, program->host, answerer_main, (void *)(uintptr_t)l->names);
    lil_world_step(l->world, l->now_ns); /* it binds before the question is sent */
}

/* --- where a question goes ---------------------------------------------------------------------------------------------------------- */
struct served {
    struct addr addr;
    bool is_udp, found;
};

static void look_for_server(void *ctx, struct sock_seen *seen)
{
    struct served *server = ctx;
    server->found |= seen->flow.local_port == DNS_PORT && (server->is_udp || seen->listener) &&
                     (addr_is_any(&seen->flow.local) || addr_equal(&seen->flow.local, &server->addr));
}

/* resolv.conf(5) */
static bool is_in_resolv_conf(const struct addr *addr)
{
    FILE *file = fopen("/etc/resolv.conf", "re");
    char line[512], text[ADDR_TEXT];
    bool found = false;
    struct addr one;

    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "nameserver %47[0-9a-fA-F.:]", text) == 1 && addr_parse(text, &one) == 0 && addr_equal(&one, addr);
    if (file)
        fclose(file);
    return found;
}

static bool is_served(const struct desc *desc, const struct addr *addr)
{
    const struct names *names = desc->launcher->names;
    struct served server = {.addr = *addr, .is_udp = desc->kind == DESC_DGRAM};
    const int protocol = server.is_udp ? IPPROTO_UDP : IPPROTO_TCP;

    if (host_address_kind(desc->program->host, addr) == HOST_ADDR_LOCAL)
        sock_each_seen(desc->program->host, protocol, look_for_server, &server);
    for (unsigned i = 0; names && !server.found && i < names->count; i++) {
        struct lil_host *host = lil_world_find(desc->launcher->world, names->entries[i].name);
        if (host && host_address_kind(host, addr) == HOST_ADDR_LOCAL && !addr_is_loopback(addr))
            sock_each_seen(host, protocol, look_for_server, &server);
    }
    return server.found;
}

/* What a resolv.conf of this machine names (127.0.0.1, 10.0.0.2, 192.168.1.1) may be an address of the lab, which serves no names. */
static bool is_asked_itself(const struct desc *desc, const struct addr *addr)
{
    if (host_address_kind(desc->program->host, addr) != HOST_ADDR_LOCAL && !names_has_address(desc->launcher->names, addr))
        return false;
    return (!addr_is_loopback(addr) && !is_in_resolv_conf(addr)) || is_served(desc, addr);
}

bool dns_redirect(struct desc *desc, struct sockaddr_storage *address, socklen_t *length)
{
    const uint8_t four[4] = {127, 0, 0, 53};
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    struct addr addr;
    uint32_t scope;
    uint16_t port;

    if ((address->ss_family != AF_INET && address->ss_family != AF_INET6) ||
        addr_from_sockaddr((const struct sockaddr *)address, *length, &addr, &port, &scope) < 0 || port != DNS_PORT ||
        is_asked_itself(desc, &addr))
        return false;
    ensure_answerer(desc->program);
    desc->asked = *address;
    desc->asked_length = *length;
    desc->program->record.asks_names = true;
    if (address->ss_family == AF_INET)
        memcpy(&((struct sockaddr_in *)address)->sin_addr, four, 4);
    else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        memcpy(in6->sin6_addr.s6_addr + 12, four, 4);
    else
        in6->sin6_addr = in6addr_loopback;
    return true;
}
