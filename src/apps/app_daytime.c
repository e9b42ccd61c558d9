/* app_daytime.c: daytime (RFC 867), UNP figures 1.5 and 1.9; time (RFC 868): servers and clients, TCP and UDP. */
#include <stdio.h>
#include "apps/app_mains.h"

static const uint32_t time_1900 = 2208988800u + 1053982720u; /* RFC 868 counts from 1900; the book's day is virtual 0 */

static size_t daytime_text(struct lil_proc *p, char *text, size_t size)
{
    char date[32];
    return (size_t)snprintf(text, size, "%s\r\n", app_date(lil_now_ns(p), date));
}

static size_t time_bytes(struct lil_proc *p, uint8_t bytes[4])
{
    uint32_t value = time_1900 + (uint32_t)(lil_now_ns(p) / 1000000000);
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    return 4;
}

/* Both protocols: whoever connects, or sends anything, gets the answer. */
static int serve(struct lil_proc *p, const struct app_options *options, bool as_text)
{
    int listener = app_server_socket(p, options);
    if (listener < 0)
        return 1;
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof(peer);
        char ignored[512], answer[64];
        int fd = listener;
        if (options->udp)
            fd = lil_recvfrom(p, listener, ignored, sizeof(ignored), 0, (struct sockaddr *)&peer, &length) < 0
                     ? -1
                     : listener;
        else
            fd = lil_accept(p, listener, (struct sockaddr *)&peer, &length);
        if (fd < 0) {
            if (errno == EINTR)
                return 0;
            continue;
        }
        size_t size = as_text ? daytime_text(p, answer, sizeof(answer)) : time_bytes(p, (uint8_t *)answer);
        if (options->udp) {
            lil_sendto(p, fd, answer, size, 0, (struct sockaddr *)&peer, length);
        } else {
            app_write_all(p, fd, answer, size);
            lil_close(p, fd);
        }
    }
}

static int ask(struct lil_proc *p, const struct app_options *options, char *answer, size_t size)
{
    size_t have = 0;
    int fd = app_client_socket(p, options);
    if (fd < 0)
        return -1;
    if (options->udp && lil_send(p, fd, "\n", 1, 0) < 0)
        return app_error(p, "send"), -1;
    for (ssize_t n; have + 1 < size; have += (size_t)n) {
        n = lil_read(p, fd, answer + have, size - 1 - have);
        if (n < 0)
            return app_error(p, "read"), -1;
        if (n == 0 || options->udp) {
            have += (size_t)n;
            break;
        }
    }
    answer[have] = 0;
    lil_close(p, fd);
    return (int)have;
}

int app_daytime(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 13, .backlog = 1024};
    return app_options(p, argc, argv, &options, 0) ? serve(p, &options, true) : 2;
}

int app_daytime_client(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 13};
    char answer[512];
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int n = ask(p, &options, answer, sizeof(answer));
    if (n < 0)
        return 1;
    answer[strcspn(answer, "\r\n")] = 0;
    lil_printf(p, "%s\n", answer);
    return 0;
}

int app_time(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 37, .backlog = 1024};
    return app_options(p, argc, argv, &options, 0) ? serve(p, &options, false) : 2;
}

int app_time_client(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 37};
    char answer[16], date[32];
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int n = ask(p, &options, answer, sizeof(answer));
    if (n < 0)
        return 1;
    if (n != 4) {
        lil_printf(p, "%d bytes instead of 4\n", n);
        return 1;
    }
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | (uint8_t)answer[i];
    lil_printf(p, "%u seconds since 1900: %s\n", value, app_date((uint64_t)(value - time_1900) * 1000000000, date));
    return 0;
}
