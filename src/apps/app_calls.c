/* app_calls.c: a program whose argv is a list of socket calls, one an argument: for labs that show one statement of the
 * book. Each call and its result is printed. A call works on the current descriptor; socket and accept make theirs
 * current. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>
#include "apps/app_mains.h"

enum { CALLS_WORDS = 5, CALLS_SOCKETS = 64 };
struct calls {
    struct lil_proc *p;
    int fd, fds[CALLS_SOCKETS], count;
    char *words[CALLS_WORDS];
    int argc;
    char result[256]; /* replaces the number when not empty */
};

static int number_of(const char *word, const char *const *names, const int *values)
{
    for (int i = 0; names[i]; i++)
        if (strcasecmp(names[i], word) == 0)
            return values[i];
    return atoi(word);
}

static int remember(struct calls *c, int fd)
{
    if (fd >= 0 && c->count < CALLS_SOCKETS) {
        c->fds[c->count++] = fd;
        c->fd = fd;
    }
    return fd;
}

static int call_socket(struct calls *c)
{
    static const char *const families[] = {"inet", "inet6", "local", "route", NULL}, *const types[] = {
                                                                                         "stream", "dgram", "raw",
                                                                                         "seqpacket", NULL};
    static const char *const protocols[] = {"tcp", "udp", "icmp", "icmpv6", NULL};
    static const int family_values[] = {AF_INET, AF_INET6, AF_LOCAL, AF_ROUTE},
                     type_values[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
    static const int protocol_values[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
    return remember(c, lil_socket(c->p, number_of(c->words[1], families, family_values),
                                  number_of(c->words[2], types, type_values),
                                  c->argc > 3 ? number_of(c->words[3], protocols, protocol_values) : 0));
}

static bool address_arguments(struct calls *c, struct sockaddr_storage *address, socklen_t *length)
{
    if (app_address(c->words[1], (uint16_t)atoi(c->words[2]), address, length))
        return true;
    errno = EINVAL;
    return false;
}

static int call_bind(struct calls *c)
{
    struct sockaddr_storage address;
    socklen_t length;
    return address_arguments(c, &address, &length) ? lil_bind(c->p, c->fd, (struct sockaddr *)&address, length) : -1;
}

static int call_connect(struct calls *c)
{
    struct sockaddr_storage address;
    socklen_t length;
    uint64_t start_ms = app_ms(c->p);
    int result =
        address_arguments(c, &address, &length) ? lil_connect(c->p, c->fd, (struct sockaddr *)&address, length) : -1;
    uint64_t took_ms = app_ms(c->p) - start_ms;
    if (result == 0 && took_ms)
        snprintf(c->result, sizeof(c->result), "0 after %llu.%03llu s", (unsigned long long)took_ms / 1000,
                 (unsigned long long)took_ms % 1000);
    return result;
}

static int call_listen(struct calls *c)
{
    return lil_listen(c->p, c->fd, atoi(c->words[1]));
}

static int print_name(struct calls *c, int result, const struct sockaddr_storage *address)
{
    if (result >= 0)
        app_print_address(address, c->result, sizeof(c->result));
    return result;
}

static int call_accept(struct calls *c)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof(peer);
    return remember(c, print_name(c, lil_accept(c->p, c->fd, (struct sockaddr *)&peer, &length), &peer));
}

static int call_getsockname(struct calls *c)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    return print_name(c, lil_getsockname(c->p, c->fd, (struct sockaddr *)&name, &length), &name);
}

static int call_getpeername(struct calls *c)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    return print_name(c, lil_getpeername(c->p, c->fd, (struct sockaddr *)&name, &length), &name);
}

static int call_write(struct calls *c)
{
    return (int)lil_send(c->p, c->fd, c->words[1], strlen(c->words[1]), MSG_NOSIGNAL);
}

static int call_read(struct calls *c)
{
    char text[128];
    ssize_t n = lil_read(c->p, c->fd, text, sizeof(text));
    if (n >= 0)
        snprintf(c->result, sizeof(c->result), n ? "\"%.*s\"" : "0 (end of file)",
                 (int)strcspn(text, "\r\n") < n ? (int)strcspn(text, "\r\n") : (int)n, text);
    return (int)n;
}

static int call_sendto(struct calls *c)
{
    struct sockaddr_storage address;
    socklen_t length;
    if (!address_arguments(c, &address, &length))
        return -1;
    return (int)lil_sendto(c->p, c->fd, c->words[3], strlen(c->words[3]), 0, (struct sockaddr *)&address, length);
}

static int call_recvfrom(struct calls *c)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof(peer);
    char text[128], from[64];
    ssize_t n = lil_recvfrom(c->p, c->fd, text, sizeof(text), 0, (struct sockaddr *)&peer, &length);
    if (n >= 0)
        snprintf(c->result, sizeof(c->result), "\"%.*s\" from %s", (int)n, text,
                 app_print_address(&peer, from, sizeof(from)));
    return (int)n;
}

static int call_set(struct calls *c)
{
    static const char *const names[] = {"reuseaddr", "reuseport", "keepalive", "broadcast", NULL};
    static const int values[] = {SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE, SO_BROADCAST};
    int on = c->argc > 2 ? atoi(c->words[2]) : 1;
    struct linger linger = {1, on == 1 ? 0 : on};
    if (strcasecmp(c->words[1], "linger0") == 0)
        return lil_setsockopt(c->p, c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (strcasecmp(c->words[1], "v6only") == 0)
        return lil_setsockopt(c->p, c->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (strcasecmp(c->words[1], "nonblock") == 0)
        return lil_fcntl(c->p, c->fd, F_SETFL, on ? O_NONBLOCK : 0);
    return lil_setsockopt(c->p, c->fd, SOL_SOCKET, number_of(c->words[1], names, values), &on, sizeof(on));
}

static int call_shutdown(struct calls *c)
{
    return lil_shutdown(c->p, c->fd, SHUT_WR);
}

static int call_close(struct calls *c)
{
    return lil_close(c->p, c->fd);
}

static int call_use(struct calls *c)
{
    int i = atoi(c->words[1]);
    c->fd = i >= 0 && i < c->count ? c->fds[i] : -1;
    snprintf(c->result, sizeof(c->result), "descriptor %d", c->fd);
    return 0;
}

static int call_state(struct calls *c)
{
    const char *state = lil_tcp_state(c->p, c->fd);
    snprintf(c->result, sizeof(c->result), "%s", state ? state : "CLOSED");
    return 0;
}

static int call_queues(struct calls *c)
{
    unsigned incomplete, complete, backlog;
    int result = lil_listen_queues(c->p, c->fd, &incomplete, &complete, &backlog);
    if (result >= 0)
        snprintf(c->result, sizeof(c->result), "incomplete %u, completed %u", incomplete, complete);
    return result;
}

static int call_uid(struct calls *c)
{
    lil_proc_set_uid(c->p, (unsigned)atoi(c->words[1]));
    return 0;
}

static int call_sleep(struct calls *c)
{
    lil_sleep_ns(c->p, (uint64_t)(strtod(c->words[1], NULL) * 1000) * 1000000);
    return 0;
}

static const struct {
    const char *name;
    int words; /* at least */
    int (*call)(struct calls *c);
} calls[] = {
    {"socket", 3, call_socket},
    {"bind", 3, call_bind},
    {"connect", 3, call_connect},
    {"listen", 2, call_listen},
    {"accept", 1, call_accept},
    {"getsockname", 1, call_getsockname},
    {"getpeername", 1, call_getpeername},
    {"write", 2, call_write},
    {"read", 1, call_read},
    {"sendto", 4, call_sendto},
    {"recvfrom", 1, call_recvfrom},
    {"setsockopt", 2, call_set},
    {"shutdown", 1, call_shutdown},
    {"close", 1, call_close},
    {"use", 2, call_use},
    {"state", 1, call_state},
    {"queues", 1, call_queues},
    {"uid", 2, call_uid},
    {"sleep", 2, call_sleep},
};

static void split(struct calls *c, char *text)
{
    char *rest = NULL;
    c->argc = 0;
    for (char *word = strtok_r(text, " ", &rest); word && c->argc < CALLS_WORDS; word = strtok_r(NULL, " ", &rest))
        c->words[c->argc++] = word;
}

static bool run_call(struct calls *c, const char *argument)
{
    char text[256];
    snprintf(text, sizeof(text), "%s", argument);
    split(c, text);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && c->argc; i++) {
        if (strcmp(calls[i].name, c->words[0]) != 0 || c->argc < calls[i].words)
            continue;
        c->result[0] = 0;
        errno = 0;
        int result = calls[i].call(c);
        int error = errno;
        const char *name = strerrorname_np(error);
        if (result < 0)
            lil_printf(c->p, "%s: %s (%s)\n", argument, name ? name : "?", strerror(error));
        else if (c->result[0])
            lil_printf(c->p, "%s: %s\n", argument, c->result);
        else if (strcmp(c->words[0], "sleep") != 0)
            lil_printf(c->p, "%s: %d\n", argument, result);
        return true;
    }
    lil_printf(c->p, "\"%s\" is no call that this program knows\n", argument);
    return false;
}

int app_calls(struct lil_proc *p, int argc, char **argv)
{
    struct calls c = {.p = p, .fd = -1};
    for (int i = 1; i < argc; i++)
        if (!run_call(&c, argv[i]))
            return 2;
    return 0;
}
