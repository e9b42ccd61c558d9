/* app_backlog.c: a server that listens and never accepts (UNP figure 4.10), and a client that connects and then stays.
 */
#include <stdio.h>
#include "apps/app_mains.h"

int app_backlog(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 13, .backlog = 1};
    if (!app_options(p, argc, argv, &options, 0))
        return 2;
    if (app_server_socket(p, &options) < 0)
        return 1;
    lil_printf(p, "listening with backlog %ld, accepting nothing\n", options.backlog);
    lil_sleep_ns(p, LIL_NEVER);
    return 0;
}

/* Connects COUNT times and keeps the connections; says how each went and when. */
int app_connect(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 13, .count = 1, .timeout_ms = -1};
    int failures = 0;
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    for (long i = 0; i < options.count; i++) {
        uint64_t start_ms = app_ms(p);
        int fd = app_client_socket(p, &options);
        uint64_t took_ms = app_ms(p) - start_ms;
        failures += fd < 0;
        lil_printf(p, "connect %ld %s after %llu.%03llu s\n", i + 1, fd < 0 ? "failed" : "succeeded",
                   (unsigned long long)took_ms / 1000, (unsigned long long)took_ms % 1000);
        if (fd < 0)
            break;
    }
    if (options.timeout_ms >= 0)
        lil_sleep_ns(p, (uint64_t)options.timeout_ms * 1000000);
    return failures != 0;
}
