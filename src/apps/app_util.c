/* app_util.c: what the built-in programs share: options, errors in UNP's manner, sockets, dates. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>
#include "apps/apps.h"

enum { BOOK_EPOCH = 1053982720 }; /* Mon May 26 20:58:40 2003, the day of UNP's examples: virtual time 0 */

static bool is_flag(const char *text)
{
    return text[0] == '-' && text[1] && !text[2];
}

static bool take_value(struct app_options *options, char flag, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    switch (flag) {
    case 'p':
        options->port = (uint16_t)atoi(value);
        break;
    case 'n':
        options->count = atol(value);
        break;
    case 's':
        options->size = atol(value);
        break;
    case 'b':
        options->backlog = atol(value);
        break;
    case 'i':
        options->interval_ms = (long)(seconds * 1000);
        break;
    case 't':
        options->timeout_ms = (long)(seconds * 1000);
        break;
    case 'a':
        options->address = value;
        return true;
    default:
        return false;
    }
    return *value && *end == 0;
}

static bool take_argument(struct app_options *options, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    if (!is_flag(word)) {
        if (options->operand_count == 4)
            return false;
        options->operands[options->operand_count++] = word;
        return true;
    }
    if (strchr("u6q", word[1])) {
        options->udp |= word[1] == 'u';
        options->v6 |= word[1] == '6';
        options->quiet |= word[1] == 'q';
        return true;
    }
    return *i + 1 < argc && take_value(options, word[1], argv[++*i]);
}

bool app_options(struct lil_proc *p, int argc, char **argv, struct app_options *options, int operands_min)
{
    const struct app *app = app_find(argv[0]);
    bool ok = true;
    for (int i = 1; i < argc && ok; i++)
        ok = take_argument(options, argc, argv, &i);
    ok = ok && options->operand_count >= operands_min;
    if (!ok)
        lil_printf(p, "usage: %s %s\n", argv[0], app ? app->usage : "");
    return ok;
}

int app_error(struct lil_proc *p, const char *what)
{
    int error = errno;
    const char *name = strerrorname_np(error);
    lil_printf(p, "%s error: %s (%s)\n", what, name ? name : "?", strerror(error));
    errno = error;
    return 1;
}

int app_bad_address(struct lil_proc *p, const char *text)
{
    lil_printf(p, "inet_pton error for %s\n", text);
    return 2;
}

bool app_address(const char *text, uint16_t port, struct sockaddr_storage *address, socklen_t *length)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *length = sizeof(*v4);
        return true;
    }
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    *length = sizeof(*v6);
    return true;
}

const char *app_print_address(const struct sockaddr_storage *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    bool is_v6 = address->ss_family == AF_INET6;
    inet_ntop(address->ss_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, host, sizeof(host));
    snprintf(text, size, "%s.%u", host, ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
    return text;
}

/* A socket of the family of the address TEXT, which becomes *ADDRESS. */
static int socket_for(struct lil_proc *p, const struct app_options *options, const char *text, uint16_t port,
                      struct sockaddr_storage *address, socklen_t *length)
{
    if (!app_address(text, port, address, length)) {
        app_bad_address(p, text);
        return -1;
    }
    int fd = lil_socket(p, address->ss_family, options->udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (fd < 0)
        app_error(p, "socket");
    return fd;
}

int app_server_socket(struct lil_proc *p, const struct app_options *options)
{
    struct sockaddr_storage address;
    socklen_t length;
    int on = 1;
    int fd = socket_for(p, options, options->address ? options->address : options->v6 ? "::" : "0.0.0.0", options->port, &address, &length);
    if (fd < 0)
        return -1;
    if (!options->udp)
        lil_setsockopt(p, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (lil_bind(p, fd, (struct sockaddr *)&address, length) < 0)
        app_error(p, "bind");
    else if (!options->udp && lil_listen(p, fd, (int)options->backlog) < 0)
        app_error(p, "listen");
    else
        return fd;
    lil_close(p, fd);
    return -1;
}

int app_client_socket(struct lil_proc *p, const struct app_options *options)
{
    struct sockaddr_storage address;
    socklen_t length;
    uint16_t port = options->operand_count > 1 ? (uint16_t)atoi(options->operands[1]) : options->port;
    int fd = socket_for(p, options, options->operands[0], port, &address, &length);
    if (fd < 0)
        return -1;
    if (lil_connect(p, fd, (struct sockaddr *)&address, length) < 0) {
        app_error(p, "connect");
        lil_close(p, fd); /* a failed socket is of no further use (UNP 4.3) */
        return -1;
    }
    return fd;
}

ssize_t app_write_all(struct lil_proc *p, int fd, const void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = lil_send(p, fd, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)length;
}

uint64_t app_ms(struct lil_proc *p)
{
    return lil_now_ns(p) / 1000000;
}

const char *app_date(uint64_t now_ns, char text[32])
{
    time_t seconds = BOOK_EPOCH + (time_t)(now_ns / 1000000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, 32, "%a %b %e %H:%M:%S %Y", &tm);
    return text;
}
