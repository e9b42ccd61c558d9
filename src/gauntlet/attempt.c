/* attempt.c: see attempt.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/base.h"
#include "gauntlet/attempt.h"
#include "launch/clock.h"
#include "socket/sock_seen.h"
#include "wire/wire.h"

static const uint64_t settle_ns = 2 * NS_PER_S; /* servers listen, queues are full, before the program begins */
/* A server of the user's own may take longer: the program begins when it listens, or when it is clear that it will not. */
static const uint64_t look_ns = NS_PER_S / 10, patience_ns = 120 * NS_PER_S;

struct observer {
    struct attempt *result;
    const struct attempt_config *config;
    struct zoo *zoo;
    struct launcher *launcher;
    struct program *program;
    uint64_t start_ns; /* of the program */
    bool is_listening;
};

/* The SYNs that the client sends: the connect() schedule made visible. */
static void watch_syns(void *ctx, const struct lil_trace *event)
{
    struct observer *observer = ctx;
    struct attempt *a = observer->result;
    uint8_t bytes[160];
    size_t have;
    struct eth eth;
    struct ip ip;
    struct tcphdr_ tcp;
    int link, header;

    if (event->kind != LIL_TRACE_PACKET_OUT || !event->packet || !event->host || strcmp(event->host, "client") ||
        event->now_ns < observer->start_ns)
        return;
    have = lil_packet_read((struct lil_packet *)(uintptr_t)event->packet, 0, bytes, sizeof bytes);
    link = eth_parse(&eth, bytes, have);
    if (link < 0 || (eth.type != ETHERTYPE_V4 && eth.type != ETHERTYPE_V6))
        return;
    header = ip_parse(&ip, bytes + link, have - (size_t)link);
    if (header < 0 || ip.protocol != IPPROTO_TCP || tcphdr_parse(&tcp, bytes + link + header, have - (size_t)(link + header)) < 0)
        return;
    if (!(tcp.flags & TCP_SYN) || tcp.flags & TCP_ACK)
        return;
    if (a->syn_count < ATTEMPT_SYNS)
        a->syn_ns[a->syn_count] = event->now_ns - observer->start_ns;
    a->syn_count++;
}

/* {host} {addr} {port} in TEXT; the caller frees. */
static char *substitute(const char *text, const char *host, const char *address, uint16_t port)
{
    char number[8], *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);

    if (!f)
        return NULL;
    snprintf(number, sizeof number, "%u", port);
    while (*text) {
        static const char *const words[] = {"{host}", "{addr}", "{port}"};
        const char *values[] = {host, address, number};
        int i = 0;
        while (i < 3 && strncmp(text, words[i], 6))
            i++;
        if (i < 3) {
            fputs(values[i], f);
            text += 6;
        } else {
            fputc(*text++, f);
        }
    }
    fclose(f);
    return out;
}

/* What tells a program where the server is, as words and as variables. */
struct place {
    char address[64], variables[3][96];
    char *environment[4];
};

static void find_place(struct place *place, const struct attempt_config *config, const struct zoo *zoo)
{
    case_address(zoo, &config->net, place->address);
    snprintf(place->variables[0], sizeof place->variables[0], "LILLIPUT_HOST=%s", config->net.name);
    snprintf(place->variables[1], sizeof place->variables[1], "LILLIPUT_ADDR=%s", place->address);
    snprintf(place->variables[2], sizeof place->variables[2], "LILLIPUT_PORT=%u", config->net.port);
    for (int i = 0; i < 3; i++)
        place->environment[i] = place->variables[i];
    place->environment[3] = NULL;
}

static struct program *add_program(struct launcher *l, const struct attempt_config *config, const struct zoo *zoo)
{
    struct place place;
    char **argv;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), out = config->show_output ? -1 : null;
    size_t count = 0;
    struct program *program;

    find_place(&place, config, zoo);
    while (config->program[count])
        count++;
    argv = calloc(count + 1, sizeof *argv);
    for (size_t i = 0; argv && i < count; i++)
        argv[i] = substitute(config->program[i], config->net.name, place.address, config->net.port);
    program = argv ? launcher_add(l, &(struct program_config){.host = zoo->client,
                                                              .argv = argv,
                                                              .environment = place.environment,
                                                              .stdin_fd = null,
                                                              .stdout_fd = out,
                                                              .stderr_fd = out,
                                                              .start_ns = settle_ns})
                   : NULL;
    if (program)
        program->record.default_keepalive = config->one->keepalive;
    for (size_t i = 0; argv && i < count; i++)
        free(argv[i]);
    free(argv);
    return program;
}

static struct program *add_server(struct launcher *l, const struct attempt_config *config, const struct zoo *zoo)
{
    struct place place;
    char *argv[] = {"/bin/sh", "-c", NULL, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), out = config->show_output ? -1 : null;
    struct program *server;

    find_place(&place, config, zoo);
    argv[2] = substitute(config->server, config->net.name, place.address, config->net.port);
    server = argv[2] ? launcher_add(l, &(struct program_config){.host = zoo->target,
                                                                .argv = argv,
                                                                .environment = place.environment,
                                                                .name = "server",
                                                                .stdin_fd = null,
                                                                .stdout_fd = out,
                                                                .stderr_fd = out})
                     : NULL;
    free(argv[2]);
    return server;
}

static void see_listener(void *ctx, struct sock_seen *seen)
{
    struct observer *observer = ctx;
    observer->is_listening |= seen->flow.local_port == observer->config->net.port &&
                              (seen->state == SEEN_LISTEN || seen->state == SEEN_CLOSE);
}

static void begin_when_it_listens(void *ctx, uint64_t now_ns)
{
    struct observer *observer = ctx;

    sock_each_seen(observer->zoo->target, IPPROTO_TCP, see_listener, observer);
    sock_each_seen(observer->zoo->target, IPPROTO_UDP, see_listener, observer);
    if (!observer->is_listening && now_ns < patience_ns) {
        lil_world_at(observer->zoo->world, now_ns + look_ns, begin_when_it_listens, observer);
        return;
    }
    observer->start_ns = now_ns + look_ns;
    observer->program->start_ns = observer->start_ns;
    observer->launcher->limit_ns = observer->start_ns + observer->config->limit_ns;
}

static void fill_result(struct attempt *a, const struct program *program, const struct launcher *l, uint64_t start_ns, uint64_t real_ns)
{
    const struct program_record *record = &program->record;
    uint64_t end = program->ended ? record->ended_ns : l->now_ns;

    a->status = program->status;
    a->hung = l->end.hung && !program->ended;
    a->virtual_ns = end > start_ns ? end - start_ns : 0;
    a->real_ns = real_ns;
    a->error = record->error;
    a->talks_tcp = record->talks_tcp;
    a->talks_udp = record->talks_udp;
    a->asks_names = record->asks_names;
    if (record->error)
        snprintf(a->call, sizeof a->call, "%s", record->call);
    else if (record->timed_out && program->status)
        snprintf(a->call, sizeof a->call, "%s", record->timed_out);
    if (record->timed_out)
        snprintf(a->ran_out, sizeof a->ran_out, "%s", record->timed_out);
    a->silence_ns = end - min_u64(end, record->heard_ns);
    a->spins = a->hung && l->end.spun;
    a->waits_on = a->hung && l->end.waits_on;
    if (a->hung)
        snprintf(a->waiting, sizeof a->waiting, "%s", record->waiting ? record->waiting : a->spins ? "" : "?");
}

void attempt_run(const struct attempt_config *config, struct attempt *a)
{
    struct zoo zoo;
    struct observer observer = {.result = a, .config = config, .zoo = &zoo, .start_ns = settle_ns};
    bool has_server = config->server && !config->one->serverless;
    uint64_t began = clock_real_ns();
    struct launcher *l;
    struct program *program, *server = NULL;

    memset(a, 0, sizeof *a);
    a->broken = true;
    if (case_build(config->one, &zoo, &config->net) < 0)
        return;
    if (config->capture && lil_world_capture(zoo.world, config->capture) < 0)
        return;
    lil_world_add_trace(zoo.world, watch_syns, &observer);
    l = launcher_new(&(struct launcher_config){.world = zoo.world, .names = &zoo.names, .virtual_time = true, .detect_hang = true,
                                               .hurries = true,
                                               .limit_ns = settle_ns + config->limit_ns, .chance_seed = config->net.seed + 1,
                                               .date_ns = config->date_ns,
                                               .processor = config->processor});
    if (!l)
        return;
    /* The program is the first: the run ends with it. */
    program = add_program(l, config, &zoo);
    if (program && has_server)
        server = add_server(l, config, &zoo);
    if (!program || (has_server && !server))
        return;
    observer.launcher = l;
    observer.program = program;
    if (has_server) {
        program->start_ns = patience_ns + settle_ns;
        l->limit_ns += patience_ns;
        lil_world_at(zoo.world, settle_ns, begin_when_it_listens, &observer);
    }
    launcher_run(l);
    a->broken = false;
    fill_result(a, program, l, observer.start_ns, clock_real_ns() - began);
    a->is_deaf = server && !observer.is_listening;
    a->server_status = server && server->ended ? server->status : 0;
    launcher_free(l);
    zoo_fini(&zoo);
}
