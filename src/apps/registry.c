/* registry.c: the built-in programs by name, and how they are started. */
#include <stdio.h>
#include "apps/app_mains.h"

static const struct app apps[] = {
    {"daytime", "[-u] [-6] [-p PORT] [-a ADDRESS] [-b BACKLOG]", "daytime server", app_daytime},
    {"daytime-client", "[-u] ADDRESS [PORT]", "asks for the daytime and prints it", app_daytime_client},
    {"time", "[-u] [-6] [-p PORT]", "time server (32 bits)", app_time},
    {"time-client", "[-u] ADDRESS [PORT]", "asks for the time and prints it", app_time_client},
    {"echo", "[-u] [-6] [-p PORT]", "echo server", app_echo},
    {"echo-client", "[-u] [-q] [-n COUNT] [-s SIZE] ADDRESS [PORT]", "sends lines and compares what comes back",
     app_echo_client},
    {"discard", "[-u] [-6] [-p PORT]", "discard server", app_discard},
    {"discard-client", "[-u] [-n COUNT] [-s SIZE] ADDRESS [PORT]", "sends what nobody reads", app_discard_client},
    {"chargen", "[-u] [-6] [-p PORT]", "character generator server", app_chargen},
    {"chargen-client", "[-u] [-n LINES] ADDRESS [PORT]", "prints some lines of it", app_chargen_client},
    {"ping", "[-n COUNT] [-s SIZE] [-i SECONDS] ADDRESS", "ICMP echo requests", app_ping},
    {"traceroute", "[-n PROBES] [-s HOPS] ADDRESS", "the routers on the way", app_traceroute},
    {"bulk", "[-s BYTES] ADDRESS [PORT]", "sends bytes that the sink can check", app_bulk},
    {"sink", "[-q] [-n CONNECTIONS] [-p PORT]", "receives and checks them", app_sink},
    {"http", "[-p PORT]", "a tiny web server", app_http},
    {"get", "ADDRESS [PORT]", "asks a web server for its front page", app_get},
    {"backlog", "[-p PORT] [-b BACKLOG]", "listens and never accepts", app_backlog},
    {"connect", "[-n COUNT] [-t SECONDS] ADDRESS [PORT]", "connects COUNT times and stays", app_connect},
    {"calls", "\"socket inet stream\" \"connect 192.0.2.2 13\" ...", "makes the socket calls given, one an argument",
     app_calls},
};

const struct app *app_find(const char *name)
{
    for (size_t i = 0; i < sizeof(apps) / sizeof(apps[0]); i++)
        if (strcmp(apps[i].name, name) == 0)
            return &apps[i];
    return NULL;
}

struct app_start {
    const struct app *app;
    int argc;
    char **argv;
};

struct app_start *app_start_new(const struct app *app, int argc, const char *const *argv)
{
    struct app_start *start = calloc(1, sizeof(*start));
    char **words = calloc((size_t)argc + 2, sizeof(*words));
    if (!start || !words) {
        free(start);
        free(words);
        return NULL;
    }
    words[0] = strdup(app->name);
    for (int i = 0; i < argc; i++)
        words[i + 1] = strdup(argv[i]);
    *start = (struct app_start){app, argc + 1, words};
    return start;
}

void app_start_free(struct app_start *start)
{
    if (!start)
        return;
    for (int i = 0; i < start->argc; i++)
        free(start->argv[i]);
    free(start->argv);
    free(start);
}

static int start_main(struct lil_proc *p, void *argument)
{
    struct app_start *start = argument;
    return start->app->main(p, start->argc, start->argv);
}

struct lil_proc *app_spawn(struct lil_world *world, struct lil_host *host, uint64_t at_ns, struct app_start *start)
{
    return lil_world_spawn_at(world, host, at_ns, start_main, start);
}
