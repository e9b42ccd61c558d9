/* dns.c: names in the lab. Whatever server a program asks, port 53 leads to an answerer on the program's own host
 * (127.0.0.53 and ::1, UDP and TCP) that knows the lab's names and nothing of the world: RFC 1035 4.1, types A, AAAA and PTR.
 * The redirection is in the descriptor: the program goes on seeing the server that it asked. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include "launch/launch.h"

enum { DNS_PORT = 53, DNS_HEADER = 12, DNS_NAME_MAX = 256, TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_ANY = 255 };
enum { RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, TTL_SECONDS = 60, DELAYED_MAX = 64 };

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

bool names_has_address(const struct names *names, const struct sockaddr_storage *address)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET)
        return find_by_address(names, (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr, true);
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return find_by_address(names, six->sin6_addr.s6_addr + 12, true);
    return find_by_address(names, six->sin6_addr.s6_addr, false);
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

/* 2.0.0.10.in-addr.arpa */
static const struct name *find_reverse(const struct names *names, const char *text)
{
    unsigned b[4];
    int end = 0;
    uint8_t bytes[4];

    if (sscanf(text, "%u.%u.%u.%u.in-addr.arpa%n", &b[3], &b[2], &b[1], &b[0], &end) != 4 || !end || text[end])
        return NULL;
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)b[i];
    return find_by_address(names, bytes, true);
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
    name = names_find(names, text);
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

/* Answers that wait for their time: each question is answered after the delay, however many there are. */
struct answerer_state {
    struct lil_proc *proc;
    const struct names *names;
    struct delayed {
        uint64_t due_ns;
        int fd;
        struct sockaddr_storage to;
        socklen_t length;
        size_t size;
        uint8_t answer[600];
    } delayed[DELAYED_MAX];
    unsigned count;
};

static void answer_datagram(struct answerer_state *s, int fd)
{
    uint8_t query[2048];
    struct delayed *d = &s->delayed[s->count];
    ssize_t n;

    if (s->count == DELAYED_MAX)
        return; /* the question stays in the socket */
    d->length = sizeof d->to;
    n = lil_recvfrom(s->proc, fd, query, sizeof query, 0, (struct sockaddr *)&d->to, &d->length);
    if (n <= 0 || (s->names && s->names->mode == DNS_SILENT))
        return;
    d->fd = fd;
    d->size = dns_answer(s->names, query, (size_t)n, d->answer, sizeof d->answer);
    d->due_ns = lil_now_ns(s->proc) + (s->names ? s->names->delay_ns : 0);
    s->count += d->size > 0;
}

static int send_due(struct answerer_state *s)
{
    uint64_t now = lil_now_ns(s->proc), next = LIL_NEVER;

    for (unsigned i = 0; i < s->count;) {
        struct delayed *d = &s->delayed[i];
        if (d->due_ns <= now) {
            lil_sendto(s->proc, d->fd, d->answer, d->size, 0, (struct sockaddr *)&d->to, d->length);
            *d = s->delayed[--s->count];
        } else {
            next = min_u64(next, s->delayed[i++].due_ns);
        }
    }
    return next == LIL_NEVER ? -1 : (int)((next - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* RFC 1035 4.2.2: each message after its length in two bytes. One connection at a time, one question each. */
static void answer_stream(struct lil_proc *p, int fd, const struct names *names)
{
    uint8_t query[2048], answer[2048];
    int peer = lil_accept(p, fd, NULL, NULL);
    size_t have = 0, size;

    if (peer < 0)
        return;
    while (have < 2 || have < 2 + get16(query)) {
        ssize_t n = have < sizeof query ? lil_recv(p, peer, query + have, sizeof query - have, 0) : 0;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    if (have >= 2 && have >= 2 + get16(query) && (size = dns_answer(names, query + 2, have - 2, answer + 2, sizeof answer - 2))) {
        put16(answer, (unsigned)size);
        if (names && names->delay_ns)
            lil_sleep_ns(p, names->delay_ns);
        lil_send(p, peer, answer, size + 2, MSG_NOSIGNAL);
    }
    lil_close(p, peer);
}

static int answerer_main(struct lil_proc *p, void *argument)
{
    struct answerer_state *s = calloc(1, sizeof *s);
    struct pollfd fds[4];
    bool is_datagram[4];
    int count = 0;

    if (!s)
        return 1;
    s->proc = p;
    s->names = argument;
    for (int i = 0; i < 4; i++) {
        int fd = open_socket(p, i & 1 ? AF_INET6 : AF_INET, i & 2 ? SOCK_STREAM : SOCK_DGRAM);
        is_datagram[count] = !(i & 2);
        if (fd >= 0)
            fds[count++] = (struct pollfd){fd, POLLIN, 0};
    }
    while (count && lil_poll(p, fds, (nfds_t)count, send_due(s)) >= 0)
        for (int i = 0; i < count; i++)
            if (fds[i].revents & POLLIN) {
                if (is_datagram[i])
                    answer_datagram(s, fds[i].fd);
                else
                    answer_stream(p, fds[i].fd, s->names);
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

bool dns_redirect(struct desc *desc, struct sockaddr_storage *address, socklen_t *length)
{
    uint8_t port[2] = {0, DNS_PORT}, four[4] = {127, 0, 0, 53};
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

    if ((address->ss_family != AF_INET && address->ss_family != AF_INET6) || memcmp(&in->sin_port, port, 2) ||
        names_has_address(desc->launcher->names, address))
        return false;
    ensure_answerer(desc->program);
    desc->asked = *address;
    desc->asked_length = *length;
    desc->program->record.asks_names = true;
    if (address->ss_family == AF_INET)
        memcpy(&in->sin_addr, four, 4);
    else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        memcpy(in6->sin6_addr.s6_addr + 12, four, 4);
    else
        in6->sin6_addr = in6addr_loopback;
    return true;
}
