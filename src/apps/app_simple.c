/* app_simple.c: echo (RFC 862), discard (RFC 863) and chargen (RFC 864): servers and clients, TCP and UDP. */
#include <stdio.h>
#include "apps/app_mains.h"

enum { CHARGEN_LINE = 74, CHARGEN_FIRST = ' ', CHARGEN_CHARS = 95 };

/* --- servers ------------------------------------------------------------------------------------------------------ */
static bool echo_readable(struct lil_proc *p, int fd)
{
    char bytes[4096];
    ssize_t n = lil_read(p, fd, bytes, sizeof(bytes));
    return n > 0 && app_write_all(p, fd, bytes, (size_t)n) == n;
}

static void echo_datagram(struct lil_proc *p, int fd)
{
    char bytes[65536];
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    ssize_t n = lil_recvfrom(p, fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer, &length);
    if (n >= 0)
        lil_sendto(p, fd, bytes, (size_t)n, 0, (struct sockaddr *)&peer, length);
}

int app_echo(struct lil_proc *p, int argc, char **argv)
{
    static const struct app_service service = {.readable = echo_readable, .datagram = echo_datagram};
    struct app_options options = {.port = 7, .backlog = 1024};
    return app_options(p, argc, argv, &options, 0) ? app_serve(p, &options, &service) : 2;
}

static bool discard_readable(struct lil_proc *p, int fd)
{
    char bytes[4096];
    return lil_read(p, fd, bytes, sizeof(bytes)) > 0;
}

static void discard_datagram(struct lil_proc *p, int fd)
{
    char bytes[65536];
    lil_recv(p, fd, bytes, sizeof(bytes), 0);
}

int app_discard(struct lil_proc *p, int argc, char **argv)
{
    static const struct app_service service = {.readable = discard_readable, .datagram = discard_datagram};
    struct app_options options = {.port = 9, .backlog = 1024};
    return app_options(p, argc, argv, &options, 0) ? app_serve(p, &options, &service) : 2;
}

/* 72 of the 95 printing characters a line, each line one further. */
static size_t chargen_line(uint64_t number, char line[CHARGEN_LINE])
{
    for (int i = 0; i < CHARGEN_LINE - 2; i++)
        line[i] = (char)(CHARGEN_FIRST + (number + (uint64_t)i) % CHARGEN_CHARS);
    memcpy(line + CHARGEN_LINE - 2, "\r\n", 2);
    return CHARGEN_LINE;
}

static bool chargen_writable(struct lil_proc *p, int fd)
{
    char lines[CHARGEN_LINE * 16];
    for (uint64_t i = 0; i < 16; i++)
        chargen_line(i, lines + i * CHARGEN_LINE);
    return lil_send(p, fd, lines, sizeof(lines), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN;
}

static bool chargen_readable(struct lil_proc *p, int fd)
{
    char bytes[512]; /* what the user says is thrown away */
    ssize_t n = lil_recv(p, fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void chargen_datagram(struct lil_proc *p, int fd)
{
    char bytes[512], line[CHARGEN_LINE];
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    if (lil_recvfrom(p, fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer, &length) >= 0)
        lil_sendto(p, fd, line, chargen_line(lil_now_ns(p), line), 0, (struct sockaddr *)&peer, length);
}

int app_chargen(struct lil_proc *p, int argc, char **argv)
{
    static const struct app_service service = {
        .readable = chargen_readable, .writable = chargen_writable, .datagram = chargen_datagram};
    struct app_options options = {.port = 19, .backlog = 1024};
    return app_options(p, argc, argv, &options, 0) ? app_serve(p, &options, &service) : 2;
}

/* --- clients ------------------------------------------------------------------------------------------------------ */
/* str_cli of UNP 5.5 with a made-up user: COUNT lines of SIZE bytes, each answer compared. */
int app_echo_client(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 7, .count = 1, .size = 13};
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int fd = app_client_socket(p, &options);
    if (fd < 0)
        return 1;
    size_t size = options.size > 0 && options.size <= 65536 ? (size_t)options.size : 13;
    char *sent = calloc(2, size), *back = sent + size;
    int status = sent ? 0 : 1;
    for (long i = 0; i < options.count && !status; i++) {
        uint64_t start_ns = lil_now_ns(p);
        for (size_t j = 0; j < size; j++)
            sent[j] = (char)('a' + (i + (long)j) % 26);
        ssize_t n =
            app_write_all(p, fd, sent, size) < 0 ? -1 : lil_recv(p, fd, back, size, options.udp ? 0 : MSG_WAITALL);
        if (n < 0)
            status = app_error(p, "echo");
        else if ((size_t)n != size || memcmp(sent, back, size) != 0)
            status = lil_printf(p, "str_cli: server terminated prematurely\n") > 0;
        else if (!options.quiet)
            lil_printf(p, "%zu bytes echoed in %llu us\n", size, (unsigned long long)(lil_now_ns(p) - start_ns) / 1000);
    }
    free(sent);
    lil_close(p, fd);
    return status;
}

int app_discard_client(struct lil_proc *p, int argc, char **argv)
{
    static const char nothing[1024];
    struct app_options options = {.port = 9, .count = 1, .size = sizeof(nothing)};
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int fd = app_client_socket(p, &options);
    if (fd < 0)
        return 1;
    size_t size = options.size > 0 && options.size < (long)sizeof(nothing) ? (size_t)options.size : sizeof(nothing);
    for (long i = 0; i < options.count; i++)
        if (app_write_all(p, fd, nothing, size) < 0)
            return app_error(p, "write");
    lil_printf(p, "%ld writes of %zu bytes\n", options.count, size);
    lil_close(p, fd);
    return 0;
}

int app_chargen_client(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 19, .count = 3};
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int fd = app_client_socket(p, &options);
    if (fd < 0)
        return 1;
    for (long i = 0; i < options.count; i++) {
        char line[CHARGEN_LINE + 1] = "";
        if (options.udp && lil_send(p, fd, "", 1, 0) < 0)
            return app_error(p, "send");
        ssize_t n = lil_recv(p, fd, line, CHARGEN_LINE, options.udp ? 0 : MSG_WAITALL);
        if (n <= 0)
            return n < 0 ? app_error(p, "read") : lil_printf(p, "end of file\n");
        line[strcspn(line, "\r\n")] = 0;
        lil_printf(p, "%s\n", line);
    }
    lil_close(p, fd);
    return 0;
}
