/* service.c: see service.h. One fiber serves all connections of a port: poll, and a small state for each. A connection
 * collects a request (HTTP: up to the empty line; else whatever came), owes an answer, and pays it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "gauntlet/service.h"
#include "launch/names.h"

enum { PEERS_MAX = 200, REQUEST_MAX = 8192 };
static const uint64_t accept_late_ns = 30 * NS_PER_S;

struct peer {
    int fd;
    char request[REQUEST_MAX];
    size_t have;
    char *answer; /* owed */
    size_t length, sent;
    bool close_after, eof, is_http;
};

struct server {
    struct lil_proc *proc;
    const struct service *service;
    struct peer *peers[PEERS_MAX];
    int count, listener;
};

static void set_port(struct sockaddr_in6 *address, uint16_t port)
{
    uint8_t bytes[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    memcpy(&address->sin6_port, bytes, 2);
}

/* Dual stack; IPv4 alone on a host without IPv6. */
static int open_port(struct lil_proc *p, int type, uint16_t port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    int off = 0, fd = lil_socket(p, AF_INET6, type, 0);

    set_port(&six, port);
    four.sin_port = six.sin6_port;
    if (fd >= 0) {
        lil_setsockopt(p, fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        if (lil_bind(p, fd, (struct sockaddr *)&six, sizeof six) == 0)
            return fd;
        lil_close(p, fd);
    }
    fd = lil_socket(p, AF_INET, type, 0);
    if (fd >= 0 && lil_bind(p, fd, (struct sockaddr *)&four, sizeof four) < 0) {
        lil_close(p, fd);
        fd = -1;
    }
    return fd;
}

static void drop(struct server *s, struct peer *peer, bool reset)
{
    struct linger at_once = {1, 0};
    if (reset)
        lil_setsockopt(s->proc, peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    lil_close(s->proc, peer->fd);
    for (int i = 0; i < s->count; i++)
        if (s->peers[i] == peer)
            s->peers[i] = s->peers[--s->count];
    free(peer->answer);
    free(peer);
}

static bool is_http(const struct peer *peer)
{
    static const char *const methods[] = {"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", NULL};
    for (int i = 0; methods[i]; i++)
        if (!strncmp(peer->request, methods[i], strlen(methods[i])))
            return true;
    return false;
}

static void owe_http(struct server *s, struct peer *peer)
{
    static const char line[] = "hello from the lab\n";
    size_t size = s->service->body_bytes ? s->service->body_bytes : sizeof line - 1, asked, head;
    bool only_head = !strncmp(peer->request, "HEAD ", 5);
    char *text;

    if (sscanf(peer->request, "GET /bytes/%zu", &asked) == 1 && asked <= 1u << 28)
        size = asked;
    peer->close_after = strstr(peer->request, "HTTP/1.0") || strcasestr(peer->request, "connection: close");
    text = malloc(size + 256);
    if (!text)
        return;
    head = (size_t)sprintf(text,
                           "HTTP/1.1 200 OK\r\nServer: lilliput\r\nContent-Type: text/plain\r\nContent-Length: "
                           "%zu\r\nConnection: %s\r\n\r\n",
                           size, peer->close_after ? "close" : "keep-alive");
    for (size_t i = 0; i < size; i++)
        text[head + i] = size == sizeof line - 1 ? line[i] : (char)('a' + i % 26);
    peer->answer = text;
    peer->length = only_head ? head : head + size;
    peer->sent = 0;
}

static void owe_text(struct peer *peer, const char *text, size_t length)
{
    peer->answer = malloc(length);
    if (!peer->answer)
        return;
    memcpy(peer->answer, text, length);
    peer->length = length;
    peer->sent = 0;
}

/* A whole request is there: what is owed for it. False: the connection is gone. */
static bool on_request(struct server *s, struct peer *peer)
{
    enum behaviour b = s->service->behaviour;

    if (b == SERVE_RESET) {
        drop(s, peer, true);
        return false;
    }
    if (b == SERVE_SILENT || b == SERVE_DISCARD) {
        peer->have = 0;
        return true;
    }
    if (peer->is_http)
        owe_http(s, peer);
    else
        owe_text(peer, peer->request, peer->have);
    peer->have = 0;
    return true;
}

static bool on_readable(struct server *s, struct peer *peer)
{
    ssize_t n = lil_recv(s->proc, peer->fd, peer->request + peer->have, REQUEST_MAX - 1 - peer->have, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0) {
        peer->eof = true;
        if (n < 0 || (!peer->answer && s->service->behaviour != SERVE_SILENT)) {
            drop(s, peer, false);
            return false;
        }
        return true;
    }
    peer->have += (size_t)n;
    peer->request[peer->have] = 0;
    peer->is_http = s->service->behaviour != SERVE_ECHO && is_http(peer);
    if (peer->is_http && !strstr(peer->request, "\r\n\r\n") && peer->have < REQUEST_MAX - 1)
        return true;
    return on_request(s, peer);
}

/* The answer is paid. False: the connection is gone. */
static bool on_paid(struct server *s, struct peer *peer)
{
    free(peer->answer);
    peer->answer = NULL;
    if (s->service->behaviour == SERVE_DAYTIME || peer->close_after || peer->eof) {
        drop(s, peer, false);
        return false;
    }
    return true;
}

static bool pay(struct server *s, struct peer *peer)
{
    ssize_t n = lil_send(s->proc, peer->fd, peer->answer + peer->sent, peer->length - peer->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) {
        drop(s, peer, false);
        return false;
    }
    if (n > 0)
        peer->sent += (size_t)n;
    return peer->sent < peer->length || on_paid(s, peer);
}

static void on_connection(struct server *s)
{
    int fd = lil_accept(s->proc, s->listener, NULL, NULL);
    struct peer *peer;

    if (fd < 0)
        return;
    peer = s->count < PEERS_MAX ? calloc(1, sizeof *peer) : NULL;
    if (!peer) {
        lil_close(s->proc, fd);
        return;
    }
    peer->fd = fd;
    s->peers[s->count++] = peer;
    if (s->service->behaviour == SERVE_DAYTIME) {
        static const char text[] = "Mon May 26 20:58:40 2003\r\n";
        owe_text(peer, text, sizeof text - 1);
    }
}

static void serve_streams(struct server *s)
{
    struct pollfd fds[PEERS_MAX + 1];
    struct peer *order[PEERS_MAX];

    for (;;) {
        int count = s->count;
        fds[0] = (struct pollfd){s->listener, POLLIN, 0};
        for (int i = 0; i < count; i++) {
            struct peer *peer = order[i] = s->peers[i];
            short events = (short)(peer->answer ? POLLOUT : peer->eof ? 0 : POLLIN);
            /* not looked at while nothing is wanted of it: its POLLHUP would be reported for ever */
            fds[i + 1] = (struct pollfd){s->service->behaviour == SERVE_NO_READ || !events ? -1 : peer->fd, events, 0};
        }
        if (lil_poll(s->proc, fds, (nfds_t)count + 1, -1) < 0)
            return;
        for (int i = 0; i < count; i++) {
            struct peer *peer = order[i];
            if (peer->answer)
                pay(s, peer);
            else if (fds[i + 1].revents)
                on_readable(s, peer);
        }
        if (fds[0].revents & POLLIN)
            on_connection(s);
    }
}

/* --- UDP ---------------------------------------------------------------------------------------------------------------------- */
static void serve_datagrams(struct lil_proc *p, int fd, const struct service *service)
{
    uint8_t question[65536 / 8], answer[65536 / 8];
    struct sockaddr_storage from;

    for (;;) {
        socklen_t length = sizeof from;
        ssize_t n = lil_recvfrom(p, fd, question, sizeof question, 0, (struct sockaddr *)&from, &length);
        size_t size;
        if (n < 0 && errno != ECONNREFUSED)
            return;
        if (n < 0)
            continue;
        size = dns_answer(service->names, question, (size_t)n, answer, sizeof answer);
        if (!size) {
            size = (size_t)n;
            memcpy(answer, question, size);
        }
        if (service->behaviour != UDP_SILENT)
            lil_sendto(p, fd, answer, size, 0, (struct sockaddr *)&from, length);
    }
}

int service_main(struct lil_proc *p, void *argument)
{
    const struct service *service = argument;
    struct server *s;
    bool is_udp = service->behaviour >= UDP_ANSWER;
    int fd = open_port(p, is_udp ? SOCK_DGRAM : SOCK_STREAM, service->port);

    if (fd < 0)
        return 1;
    if (is_udp) {
        serve_datagrams(p, fd, service);
        return 0;
    }
    if (lil_listen(p, fd, service->behaviour == SERVE_NO_ACCEPT ? 0 : 64) < 0)
        return 1;
    if (service->behaviour == SERVE_ACCEPT_LATE && lil_poll(p, &(struct pollfd){fd, POLLIN, 0}, 1, -1) > 0)
        lil_sleep_ns(p, accept_late_ns);
    while (service->behaviour == SERVE_NO_ACCEPT)
        lil_sleep_ns(p, 3600 * NS_PER_S);
    s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    s->proc = p;
    s->service = service;
    s->listener = fd;
    serve_streams(s);
    free(s);
    return 0;
}

int crowd_main(struct lil_proc *p, void *argument)
{
    struct crowd *crowd = argument;

    for (int i = 0; i < crowd->count; i++) {
        int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
        lil_fcntl(p, fd, F_SETFL, O_NONBLOCK);
        lil_connect(p, fd, (struct sockaddr *)&crowd->to, sizeof crowd->to);
    }
    for (;;)
        lil_sleep_ns(p, 3600 * NS_PER_S);
    return 0;
}
