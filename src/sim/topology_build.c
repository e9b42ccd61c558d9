/* topology_build.c: a lab that was read becomes a world: hosts, their NICs and addresses, switches, links, routes,
 * programs, events. What only the core can judge (a profile's name, an address, a route) fails here with the place in
 * the file. */
#include <stdio.h>
#include <stdlib.h>
#include "base/nearest.h"
#include "sim/sim_node.h"
#include "sim/topology_read.h"

struct builder {
    const struct topology *topology;
    struct lil_world *world;
    struct reader reader; /* for its errors */
    struct lil_node **switches;
    struct lil_link **links;
};

static int fail(struct builder *builder, const struct topology_text *at, const char *what, const char *why)
{
    return reader_fail_at(&builder->reader, at->line, at->column, "%s \"%s\": %s", what, at->text, why);
}

static int fail_near(struct builder *builder, const struct topology_text *at, const char *what, const char *word,
                     const char *const *names)
{
    const char *near = reader_nearest(word, names);
    char list[160] = "", hint[NEAREST_HINT];
    size_t length = 0;
    for (unsigned i = 0; !near && names[i] && length + strlen(names[i]) + 20 < sizeof(list); i++)
        length +=
            (size_t)snprintf(list + length, sizeof(list) - length, "%s%.100s", i ? ", " : "; there is ", names[i]);
    return reader_fail_at(&builder->reader, at->line, at->column, "unknown %s \"%s\"%s%s", what, word, nearest_hint(near, hint), list);
}

static const char *reason(int error)
{
    switch (error) {
    case -ENOENT:
        return "there is no such name";
    case -EINVAL:
        return "not understood";
    case -EEXIST:
        return "is there already";
    case -ENETUNREACH:
    case -EHOSTUNREACH:
        return "the gateway is not on a connected net";
    case -ENODEV:
        return "no such interface";
    default:
        return strerror(-error);
    }
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */
static int set_all(struct builder *builder, struct lil_host *host, const struct topology_pairs *pairs)
{
    for (unsigned i = 0; i < pairs->count; i++) {
        const struct topology_pair *pair = &pairs->items[i];
        int error = lil_sysctl_set(host, pair->key.text, pair->value.text);
        if (error == -ENOENT)
            return reader_fail_at(&builder->reader, pair->key.line, pair->key.column,
                                  "unknown parameter \"%s\"; `lilliput profile show P` lists them", pair->key.text);
        char now[64];
        if (error == -EINVAL && lil_sysctl_get(host, pair->key.text, now, sizeof(now)) >= 0)
            return reader_fail_at(&builder->reader, pair->value.line, pair->value.column,
                                  "%s \"%s\": not understood; a value like %s is wanted", pair->key.text,
                                  pair->value.text, now);
        if (error < 0)
            return fail(builder, &pair->value, pair->key.text, reason(error));
    }
    return 0;
}

static const struct topology_profile *find_profile(const struct topology *topology, const char *name)
{
    for (unsigned i = 0; i < topology->profile_count; i++)
        if (strcmp(topology->profiles[i].name.text, name) == 0)
            return &topology->profiles[i];
    return NULL;
}

static bool is_known(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static int build_interfaces(struct builder *builder, struct host_node *node, const struct topology_host *lab)
{
    for (unsigned i = 0; i < lab->interface_count; i++) {
        const struct topology_interface *interface = &lab->interfaces[i];
        struct mac mac;
        if (interface->mac.text && mac_parse(interface->mac.text, &mac) < 0)
            return fail(builder, &interface->mac, "mac", "six bytes are wanted: 02:00:00:00:00:01");
        struct sim_nic *nic =
            host_node_add_nic(node, interface->name.text, interface->mtu, 0, interface->mac.text ? &mac : NULL);
        if (!nic)
            return fail(builder, &interface->name, "interface", strerror(errno));
        for (unsigned j = 0; j < interface->addresses.count; j++) {
            const struct topology_text *address = &interface->addresses.items[j];
            if (strcmp(address->text, "auto") && !strchr(address->text, '/'))
                return fail(builder, address, "address", "its prefix length is missing: 192.0.2.1/24");
            int error = strcmp(address->text, "auto") ? lil_address_add(node->host, nic->ifindex, address->text)
                                                      : lil_interface_autoconf(node->host, nic->ifindex);
            if (error < 0)
                return fail(builder, address, "address",
                            error == -EINVAL ? "192.0.2.1/24, 2001:db8::1/64 or auto is wanted" : reason(error));
        }
        int error = interface->advertise ? lil_interface_advertise(node->host, nic->ifindex) : 0;
        if (error < 0)
            return fail(builder, &interface->name, "advertise", reason(error));
    }
    return 0;
}

static int build_host(struct builder *builder, const struct topology_host *lab)
{
    const struct topology *topology = builder->topology;
    struct topology_text profile = lab->profile.text ? lab->profile : topology->default_profile;
    const struct topology_profile *derived = profile.text ? find_profile(topology, profile.text) : NULL;
    struct topology_text base = derived ? derived->base : profile;
    if (base.text && !is_known(base.text, lil_profile_names()))
        return fail_near(builder, &base, "profile", base.text, lil_profile_names());
    struct lil_host *host = lil_world_host_config(
        builder->world, &(struct lil_host_config){.name = lab->name.text, .profile = base.text, .router = lab->router});
    if (!host)
        return fail(builder, &lab->name, "host", strerror(errno));
    if ((derived && set_all(builder, host, &derived->overrides) < 0) || set_all(builder, host, &lab->overrides) < 0 ||
        set_all(builder, host, &lab->sysctls) < 0)
        return -EINVAL;
    return build_interfaces(builder, host_node_find(builder->world, host), lab);
}

static int build_routes(struct builder *builder, const struct topology_host *lab)
{
    struct lil_host *host = lil_world_find(builder->world, lab->name.text);
    for (unsigned i = 0; i < lab->routes.count; i++) {
        const struct topology_pair *route = &lab->routes.items[i];
        int error = lil_route_add(host, route->key.text, route->value.text);
        if (error < 0)
            return reader_fail_at(
                &builder->reader, route->key.line, route->key.column, "route \"%s: %s\": %s", route->key.text,
                route->value.text,
                error == -EINVAL
                    ? "not understood; {default: 192.0.2.254} or {192.3.4.0/24: unreachable host} is wanted"
                    : reason(error));
    }
    for (unsigned i = 0; i < lab->neighbors.count; i++) {
        const struct topology_pair *neighbor = &lab->neighbors.items[i];
        struct mac mac;
        int error = mac_parse(neighbor->value.text, &mac);
        struct host_node *node = host_node_find(builder->world, host);
        for (struct sim_nic *nic = node->nics; nic && error == 0; nic = nic->next)
            if (!nic->next || lab->interface_count == 1)
                error = lil_neighbor_add(host, nic->ifindex, neighbor->key.text, mac.b);
        if (error < 0)
            return fail(builder, &neighbor->value, "neighbor",
                        error == -EINVAL ? "an address and six bytes are wanted: {192.0.2.2: \"02:00:00:00:00:02\"}"
                                         : reason(error));
    }
    return 0;
}

/* --- cables ------------------------------------------------------------------------------------------------------- */
static int find_end(struct builder *builder, const struct topology_text *text, struct sim_end *end)
{
    const struct topology *topology = builder->topology;
    char name[SIM_NAME];
    const char *interface, *names[512] = {0};
    if (topology_endpoint(text->text, name, sizeof(name), &interface) < 0)
        return fail(builder, text, "endpoint", "host:interface is wanted");
    struct lil_host *host = lil_world_find(builder->world, name);
    if (!host) {
        for (unsigned i = 0; i < topology->host_count && i + 1 < ARRAY_COUNT(names); i++)
            names[i] = topology->hosts[i].name.text;
        return fail_near(builder, text, "host", name, names);
    }
    struct host_node *node = host_node_find(builder->world, host);
    struct sim_nic *nic = host_node_nic(node, interface);
    if (!nic) {
        unsigned n = 0;
        for (struct sim_nic *other = node->nics; other && n + 1 < ARRAY_COUNT(names); other = other->next)
            names[n++] = strchr(other->name, ':') + 1;
        return fail_near(builder, text, "interface", interface, names);
    }
    if (nic->link)
        return fail(builder, text, "endpoint", "has a cable already");
    *end = (struct sim_end){&node->node, (unsigned)nic->ifindex, nic};
    return 0;
}

static int build_link(struct builder *builder, unsigned index)
{
    const struct topology_link *lab = &builder->topology->links[index];
    struct sim_end ends[2];
    if (find_end(builder, &lab->from, &ends[0]) < 0)
        return -EINVAL;
    if (lab->to_switch >= 0) {
        ends[1] = switch_port(builder->switches[lab->to_switch]);
    } else {
        if (find_end(builder, &lab->to, &ends[1]) < 0)
            return -EINVAL;
        if (ends[0].nic == ends[1].nic)
            return fail(builder, &lab->to, "endpoint", "is both ends of the link");
    }
    builder->links[index] = link_new(builder->world, &ends[0], &ends[1], &lab->config);
    if (!builder->links[index])
        return -ENOMEM;
    if (lab->to_switch >= 0)
        switch_connect(ends[1].node, ends[1].port, builder->links[index], 1);
    return 0;
}

/* --- what happens later ------------------------------------------------------------------------------------------- */
struct build_event {
    struct lil_world *world;
    struct lil_link *link;
    char host[SIM_NAME];
    struct lil_link_config config;
    uint32_t given;
};

static void merge(struct lil_link_config *to, const struct lil_link_config *from, uint32_t given)
{
    /* In the order of topology.c's GIVEN_ bits. */
    if (given & 1)
        to->delay_ns = from->delay_ns;
    if (given & 2)
        to->jitter_ns = from->jitter_ns;
    if (given & 4)
        to->loss = from->loss;
    if (given & 8)
        to->duplicate = from->duplicate;
    if (given & 16)
        to->corrupt = from->corrupt;
    if (given & 32)
        to->reorder = from->reorder;
    if (given & 64)
        to->reorder_gap = from->reorder_gap;
    if (given & 128)
        to->rate_bps = from->rate_bps;
    if (given & 256)
        to->queue_packets = from->queue_packets;
    if (given & 512)
        to->mtu = from->mtu;
    if (given & 1024)
        to->down = from->down;
}

static void event_run(void *ctx, uint64_t now_ns)
{
    struct build_event *event = ctx;
    (void)now_ns;
    if (event->link) {
        for (int direction = 1; direction <= 2; direction++) {
            struct lil_link_config config = lil_link_get(event->link, direction);
            merge(&config, &event->config, event->given);
            lil_link_set(event->link, direction, &config);
        }
    } else {
        struct lil_host *host = lil_world_find(event->world, event->host);
        if (host)
            lil_world_crash(event->world, host);
    }
}

static int build_event(struct builder *builder, const struct topology_event *lab)
{
    struct build_event *event = calloc(1, sizeof(*event));
    if (!event)
        return -ENOMEM;
    event->world = builder->world;
    event->config = lab->config;
    event->given = lab->given;
    const struct topology *topology = builder->topology;
    for (unsigned i = 0; lab->link.text && i < topology->link_count; i++)
        if (strcmp(topology->links[i].from.text, lab->link.text) == 0 ||
            (topology->links[i].to.text && strcmp(topology->links[i].to.text, lab->link.text) == 0))
            event->link = builder->links[i];
    if (lab->crash.text)
        snprintf(event->host, sizeof(event->host), "%s", lab->crash.text);
    if (lab->link.text ? !event->link : !lil_world_find(builder->world, lab->crash.text)) {
        free(event);
        return lab->link.text ? fail(builder, &lab->link, "link", "no cable ends there; \"host:interface\" is wanted")
                              : fail(builder, &lab->crash, "host", "there is no such host");
    }
    world_at(builder->world, lab->at_ns, event_run, event, free);
    return 0;
}

struct build_stop {
    struct lil_world *world;
    struct lil_proc *proc;
};

static void stop_run(void *ctx, uint64_t now_ns)
{
    const struct build_stop *stop = ctx;
    (void)now_ns;
    lil_world_kill(stop->world, stop->proc);
}

static int plan_stop(struct builder *builder, struct lil_proc *proc, uint64_t stop_ns)
{
    struct build_stop *stop = malloc(sizeof(*stop));
    if (!stop)
        return -ENOMEM;
    *stop = (struct build_stop){builder->world, proc};
    world_at(builder->world, stop_ns, stop_run, stop, free);
    return 0;
}

static int build_programs(struct builder *builder, const struct topology_hooks *hooks, struct lil_proc **procs)
{
    const struct topology *topology = builder->topology;
    for (unsigned i = 0; i < topology->program_count; i++) {
        const struct topology_program *program = &topology->programs[i];
        struct lil_host *host = lil_world_find(builder->world, program->host.text);
        const char *error = NULL;
        struct lil_proc *proc =
            hooks && hooks->start ? hooks->start(hooks->ctx, builder->world, host, program, &error) : NULL;
        if (error)
            return fail(builder, &program->path, "program", error);
        if (proc && program->stop_ns != LIL_NEVER && plan_stop(builder, proc, program->stop_ns) < 0)
            return -ENOMEM;
        if (procs)
            procs[i] = proc;
    }
    return 0;
}

static int build(struct builder *builder, const struct topology_hooks *hooks, struct lil_proc **procs)
{
    const struct topology *topology = builder->topology;
    for (unsigned i = 0; i < topology->host_count; i++)
        if (build_host(builder, &topology->hosts[i]) < 0)
            return -EINVAL;
    for (unsigned i = 0; i < topology->switch_count; i++)
        builder->switches[i] = lil_world_switch(builder->world, topology->switches[i].name.text);
    for (unsigned i = 0; i < topology->link_count; i++)
        if (build_link(builder, i) < 0)
            return -EINVAL;
    for (unsigned i = 0; i < topology->host_count; i++)
        if (build_routes(builder, &topology->hosts[i]) < 0)
            return -EINVAL;
    for (unsigned i = 0; i < topology->event_count; i++)
        if (build_event(builder, &topology->events[i]) < 0)
            return -EINVAL;
    return build_programs(builder, hooks, procs);
}

int topology_build(const struct topology *topology, struct lil_world *world, const struct topology_hooks *hooks,
                   struct lil_proc **procs, char error[TOPOLOGY_ERROR])
{
    struct builder builder = {.topology = topology,
                              .world = world,
                              .reader = {.file = topology->file, .error = error, .line = 1, .column = 1}};
    builder.switches = calloc(topology->switch_count + 1, sizeof(*builder.switches));
    builder.links = calloc(topology->link_count + 1, sizeof(*builder.links));
    int result = builder.switches && builder.links ? build(&builder, hooks, procs) : -ENOMEM;
    free(builder.switches);
    free(builder.links);
    return result;
}
