/* app_ping.c: ping and traceroute over raw ICMP sockets (UNP chapter 28), IPv4 and IPv6. */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include "apps/app_mains.h"

enum {
    PING_ECHO_REPLY = 0,
    PING_UNREACHABLE = 3,
    PING_ECHO = 8,
    PING_EXCEEDED = 11,
    PING_HEADER = 8,
    TRACE_PORT = 33435
};

struct icmp_seen { /* one received ICMP message, both versions in ICMPv4's types */
    int type, code, ttl;
    const uint8_t *body;
    size_t length;
    struct sockaddr_storage from;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t internet_checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)(bytes[i] << 8 | (i + 1 < length ? bytes[i + 1] : 0));
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static int type_of_v6(int type)
{
    switch (type) {
    case ICMP6_ECHO_REPLY:
        return PING_ECHO_REPLY;
    case ICMP6_DST_UNREACH:
        return PING_UNREACHABLE;
    case ICMP6_TIME_EXCEEDED:
        return PING_EXCEEDED;
    default:
        return -1;
    }
}

/* Waits until DEADLINE_MS for a message. 1: one, 0: time is up, -1: error. */
static int receive(struct lil_proc *p, int fd, bool v6, uint64_t deadline_ms, uint8_t *buffer, size_t size,
                   struct icmp_seen *seen)
{
    uint64_t now_ms = app_ms(p);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int ready = lil_poll(p, &waiting, 1, now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0);
    if (ready <= 0)
        return ready;
    socklen_t length = sizeof(seen->from);
    ssize_t n = lil_recvfrom(p, fd, buffer, size, 0, (struct sockaddr *)&seen->from, &length);
    size_t header = !v6 && n > 0 ? (size_t)(buffer[0] & 15) * 4 : 0; /* a raw IPv4 socket gives the IP header too */
    if (n < 0 || (size_t)n < header + PING_HEADER)
        return n < 0 ? -1 : receive(p, fd, v6, deadline_ms, buffer, size, seen);
    seen->ttl = v6 ? 0 : buffer[8];
    seen->type = v6 ? type_of_v6(buffer[0]) : buffer[header];
    seen->code = buffer[header + 1];
    seen->body = buffer + header;
    seen->length = (size_t)n - header;
    return 1;
}

static void strip_port(char *text)
{
    char *dot = strrchr(text, '.');
    if (dot)
        *dot = 0;
}

/* --- ping --------------------------------------------------------------------------------------------------------- */
static int ping_send(struct lil_proc *p, int fd, bool v6, const struct sockaddr_storage *to, socklen_t length,
                     unsigned sequence, size_t size)
{
    uint8_t message[PING_HEADER + 1472] = {0};
    uint16_t id = (uint16_t)lil_proc_pid(p);
    size = size < 1472 ? size : 1472;
    message[0] = v6 ? ICMP6_ECHO_REQUEST : PING_ECHO;
    message[4] = (uint8_t)(id >> 8);
    message[5] = (uint8_t)id;
    message[6] = (uint8_t)(sequence >> 8);
    message[7] = (uint8_t)sequence;
    for (size_t i = 0; i < size; i++)
        message[PING_HEADER + i] = (uint8_t)i;
    if (!v6) { /* for IPv6 the kernel fills it (RFC 3542 3.1) */
        uint16_t sum = internet_checksum(message, PING_HEADER + size);
        message[2] = (uint8_t)(sum >> 8);
        message[3] = (uint8_t)sum;
    }
    return lil_sendto(p, fd, message, PING_HEADER + size, 0, (const struct sockaddr *)to, length) < 0 ? -1 : 0;
}

/* The answers to the echo request SEQUENCE until the next is due. 1: it came. */
static int ping_await(struct lil_proc *p, int fd, bool v6, unsigned sequence, uint64_t sent_ns, uint64_t until_ms)
{
    uint8_t buffer[2048];
    struct icmp_seen seen;
    while (receive(p, fd, v6, until_ms, buffer, sizeof(buffer), &seen) > 0) {
        char from[64];
        uint64_t us = (lil_now_ns(p) - sent_ns) / 1000;
        strip_port((char *)app_print_address(&seen.from, from, sizeof(from)));
        if (seen.type == PING_ECHO_REPLY && get16(seen.body + 4) == (uint16_t)lil_proc_pid(p)) {
            char ttl[16] = "";
            if (!v6)
                snprintf(ttl, sizeof(ttl), " ttl=%d,", seen.ttl);
            lil_printf(p, "%zu bytes from %s: seq=%u,%s rtt=%llu.%03llu ms\n", seen.length, from, get16(seen.body + 6),
                       ttl, (unsigned long long)us / 1000, (unsigned long long)us % 1000);
            if (get16(seen.body + 6) == (uint16_t)sequence)
                return 1;
        } else if (seen.type == PING_UNREACHABLE || seen.type == PING_EXCEEDED) {
            lil_printf(p, "from %s: type = %d, code = %d\n", from, seen.type, seen.code);
            return 0;
        }
    }
    return 0;
}

int app_ping(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.count = 3, .size = 56, .interval_ms = 1000};
    struct sockaddr_storage to;
    socklen_t length;
    int got = 0;
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    if (!app_address(options.operands[0], 0, &to, &length))
        return app_bad_address(p, options.operands[0]);
    bool v6 = to.ss_family == AF_INET6;
    int fd = lil_socket(p, to.ss_family, SOCK_RAW, v6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
    if (fd < 0)
        return app_error(p, "socket");
    lil_printf(p, "PING %s: %ld data bytes\n", options.operands[0], options.size);
    for (long i = 0; i < options.count; i++) {
        uint64_t sent_ns = lil_now_ns(p), due_ms = app_ms(p) + (uint64_t)options.interval_ms;
        if (ping_send(p, fd, v6, &to, length, (unsigned)i, (size_t)options.size) < 0)
            app_error(p, "sendto");
        else
            got += ping_await(p, fd, v6, (unsigned)i, sent_ns, due_ms);
        if (i + 1 < options.count && app_ms(p) < due_ms)
            lil_sleep_ns(p, (due_ms - app_ms(p)) * 1000000);
    }
    lil_printf(p, "%ld packets sent, %d received\n", options.count, got);
    lil_close(p, fd);
    return got ? 0 : 1;
}

/* --- traceroute --------------------------------------------------------------------------------------------------- */
/* 1: MESSAGE quotes the UDP datagram to PORT; the port-unreachable that ends the search is 2. */
static int trace_match(const struct icmp_seen *seen, bool v6, uint16_t port)
{
    size_t inner = v6 ? 40 : seen->length > PING_HEADER ? (size_t)(seen->body[PING_HEADER] & 15) * 4 : 0;
    if ((seen->type != PING_UNREACHABLE && seen->type != PING_EXCEEDED) || seen->length < PING_HEADER + inner + 4)
        return 0;
    if (get16(seen->body + PING_HEADER + inner + 2) != port)
        return 0;
    return seen->type == PING_UNREACHABLE ? 2 : 1;
}

struct trace {
    int send_fd, receive_fd;
    bool v6;
    struct sockaddr_storage to;
    socklen_t length;
    uint16_t port;
    char last[64]; /* whom the line already names */
};

/* One probe; its words are appended to LINE. 2: the end is reached. */
static int trace_probe(struct lil_proc *p, struct trace *trace, char *line, size_t size)
{
    uint8_t buffer[2048];
    struct icmp_seen seen;
    uint64_t sent_ns = lil_now_ns(p), deadline_ms = app_ms(p) + 3000;
    char from[64];
    uint16_t port = trace->port++;
    ((struct sockaddr_in *)&trace->to)->sin_port = htons(port); /* the same place in both families */
    if (lil_sendto(p, trace->send_fd, "lilliput", 8, 0, (struct sockaddr *)&trace->to, trace->length) < 0) {
        snprintf(line + strlen(line), size - strlen(line), "  %s", strerrorname_np(errno));
        return 2;
    }
    while (receive(p, trace->receive_fd, trace->v6, deadline_ms, buffer, sizeof(buffer), &seen) > 0) {
        int match = trace_match(&seen, trace->v6, port);
        if (!match)
            continue;
        uint64_t us = (lil_now_ns(p) - sent_ns) / 1000;
        strip_port((char *)app_print_address(&seen.from, from, sizeof(from)));
        if (strcmp(from, trace->last) != 0)
            snprintf(line + strlen(line), size - strlen(line), "  %s", from);
        strcpy(trace->last, from);
        snprintf(line + strlen(line), size - strlen(line), "  %llu.%03llu ms", (unsigned long long)us / 1000,
                 (unsigned long long)us % 1000);
        static const char *const words[] = {" !N", " !H", " !P", "", " !F", " !S"};
        int code = trace->v6 ? (seen.code == 4 ? 3 : 1) : seen.code;
        if (match == 2 && code != 3)
            snprintf(line + strlen(line), size - strlen(line), "%s", code < 6 ? words[code] : " !X");
        return match;
    }
    snprintf(line + strlen(line), size - strlen(line), "  *");
    return 0;
}

int app_traceroute(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.count = 3, .size = 30};
    struct trace trace = {.port = TRACE_PORT};
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    if (!app_address(options.operands[0], TRACE_PORT, &trace.to, &trace.length))
        return app_bad_address(p, options.operands[0]);
    trace.v6 = trace.to.ss_family == AF_INET6;
    trace.send_fd = lil_socket(p, trace.to.ss_family, SOCK_DGRAM, 0);
    trace.receive_fd = lil_socket(p, trace.to.ss_family, SOCK_RAW, trace.v6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
    if (trace.send_fd < 0 || trace.receive_fd < 0)
        return app_error(p, "socket");
    lil_printf(p, "traceroute to %s: %ld hops max\n", options.operands[0], options.size);
    for (int ttl = 1, done = 0; ttl <= options.size && !done; ttl++) {
        char line[512];
        snprintf(line, sizeof(line), "%2d", ttl);
        trace.last[0] = 0;
        int error = trace.v6 ? lil_setsockopt(p, trace.send_fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl))
                             : lil_setsockopt(p, trace.send_fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
        if (error < 0)
            return app_error(p, "setsockopt");
        for (long probe = 0; probe < options.count; probe++)
            done |= trace_probe(p, &trace, line, sizeof(line)) == 2;
        lil_printf(p, "%s\n", line);
    }
    lil_close(p, trace.send_fd);
    lil_close(p, trace.receive_fd);
    return 0;
}
