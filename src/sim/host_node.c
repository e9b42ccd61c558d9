/* host_node.c: a host in a world: its NICs, its polls, its crash. */
#include <stdio.h>
#include <stdlib.h>
#include "host/host.h"
#include "sim/sim_node.h"

static const struct sim_node_ops host_node_ops;

struct host_node *host_node_of(struct lil_node *node)
{
    return node->ops == &host_node_ops ? container_of(node, struct host_node, node) : NULL;
}

struct host_node *host_node_find(const struct lil_world *world, const struct lil_host *host)
{
    list_each(at, &((struct lil_world *)world)->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (node && node->host == host && host && !node->crashed)
            return node;
    }
    return NULL;
}

struct lil_host *lil_world_find(struct lil_world *world, const char *name)
{
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (node && !node->crashed && strcmp(node->node.name, name) == 0)
            return node->host;
    }
    return NULL;
}

/* --- polling ------------------------------------------------------------------------------------------------------ */
static uint64_t host_node_poll(struct lil_node *node, uint64_t now_ns)
{
    struct host_node *self = host_node_of(node);
    return self->host && !self->crashed ? lil_host_poll(self->host, now_ns) : LIL_NEVER;
}

static void host_node_schedule(struct host_node *self, uint64_t deadline_ns)
{
    if (deadline_ns == LIL_NEVER)
        event_cancel(&self->node.world->events, &self->node.event);
    else
        world_schedule(self->node.world, &self->node.event, deadline_ns);
}

void host_node_sync(struct host_node *node, uint64_t now_ns)
{
    host_node_schedule(node, host_node_poll(&node->node, now_ns));
}

/* After all events up to NOW_NS have run: what was due has been polled, so that the time is all that a host lacks (most of a world's
 * hosts at most times). A run that was stopped left events behind. */
void host_node_tell(struct host_node *node, uint64_t now_ns)
{
    const struct event *event = &node->node.event;
    if (!node->host || node->crashed || lil_host_is_due(node->host) || (event_is_set(event) && event->time_ns <= now_ns))
        host_node_sync(node, now_ns);
    else
        host_set_now(node->host, now_ns);
}

static void host_node_event(struct event *event, uint64_t now_ns)
{
    host_node_sync(container_of(event, struct host_node, node.event), now_ns);
}

/* A call or an input left work: poll at this instant, behind what is scheduled already. */
static void host_node_due(void *ctx, struct lil_host *host)
{
    struct host_node *self = ctx;
    struct lil_world *world = self->node.world;
    (void)host;
    if (!event_is_set(&self->node.event) || self->node.event.time_ns > world->now_ns)
        world_schedule(world, &self->node.event, world->now_ns);
}

static void host_node_input(struct lil_node *node, unsigned port, struct lil_packet *packet, uint64_t now_ns)
{
    struct host_node *self = host_node_of(node);
    if (!self->host || self->crashed) {
        packet_free(packet);
        return;
    }
    if (lil_host_input(self->host, (int)port, packet, now_ns) >= 0 && lil_host_is_due(self->host))
        host_node_due(self, self->host);
}

static void host_node_trace(void *ctx, const struct lil_trace *event)
{
    struct host_node *self = ctx;
    if (self->crashed)
        return;
    if (self->trace)
        self->trace(self->trace_ctx, event);
    world_trace(self->node.world, event);
}

/* Texts of calls and copies of frames are made for observers only: a host without one is not traced. */
void host_node_observe(struct host_node *self)
{
    const struct lil_world *world = self->node.world;
    if (self->host && (self->trace || world->traces || world->taps))
        host_set_trace(self->host, host_node_trace, self);
}

/* --- birth and death ---------------------------------------------------------------------------------------------- */
static void host_node_free(struct lil_node *node)
{
    struct host_node *self = host_node_of(node);
    event_cancel(&node->world->events, &node->event);
    event_cancel(&node->world->events, &self->crash);
    lil_host_free(self->host);
    while (self->nics) {
        struct sim_nic *nic = self->nics;
        self->nics = nic->next;
        free(nic);
    }
    free(self);
}
static const struct sim_node_ops host_node_ops = {host_node_input, host_node_poll, host_node_free};

static void crash_run(struct event *event, uint64_t now_ns)
{
    struct host_node *self = container_of(event, struct host_node, crash);
    struct lil_world *world = self->node.world;
    (void)now_ns;
    list_each(at, &world->programs)
    {
        struct program *program = list_entry(at, struct program, list);
        if (program->node == self)
            program_unwind(program);
    }
}

void lil_world_crash(struct lil_world *world, struct lil_host *host)
{
    struct host_node *self = host_node_find(world, host);
    if (!self || self->crashed)
        return;
    /* From now on it neither hears nor says anything; its programs end when no fiber runs. The memory stays until the
     * world goes, so that what the caller holds (hosts, processes) stays good. */
    self->crashed = true;
    event_cancel(&world->events, &self->node.event);
    self->crash.run = crash_run;
    world_schedule(world, &self->crash, world->now_ns);
}

static struct lil_host *any_host(struct lil_world *world)
{
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (node && node->host)
            return node->host;
    }
    return NULL;
}

struct lil_host *lil_world_host_config(struct lil_world *world, const struct lil_host_config *config)
{
    struct lil_host_config own = *config;
    struct prng prng;
    char name[SIM_NAME];
    snprintf(name, sizeof(name), "h%u", world->node_count + 1);
    own.name = config->name ? config->name : name;
    if (lil_world_find(world, own.name)) {
        errno = EEXIST;
        return NULL;
    }
    struct host_node *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    prng_fork(&world->prng, 0x686f7374ull << 32 | world->node_count, &prng);
    own.seed = prng_next(&prng);
    own.share_pool = any_host(world);
    own.now_ns = world->now_ns;
    own.trace = NULL; /* host_node_observe sets it */
    self->trace = config->trace;
    self->trace_ctx = config->trace_ctx;
    self->last_nic = &self->nics;
    self->node.event.run = host_node_event;
    node_init(&self->node, world, own.name, &host_node_ops);
    self->host = lil_host_new(&own);
    if (!self->host) {
        list_remove(&self->node.list);
        free(self);
        return NULL;
    }
    host_node_observe(self);
    host_set_due_hook(self->host, host_node_due, self);
    host_node_due(self, self->host);
    return self->host;
}

struct lil_host *lil_world_host(struct lil_world *world, const char *name, const char *profile)
{
    return lil_world_host_config(world, &(struct lil_host_config){.name = name, .profile = profile});
}

struct lil_host *lil_world_router(struct lil_world *world, const char *name, const char *profile)
{
    return lil_world_host_config(world, &(struct lil_host_config){.name = name, .profile = profile, .router = true});
}

/* --- NICs -------------------------------------------------------------------------------------------------------------------- */
static int nic_transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct sim_nic *nic = ctx;
    (void)ifindex;
    if (nic->link)
        link_input(nic->link, nic->side, packet, nic->owner->node.world->now_ns);
    else
        packet_free(packet); /* the cable is out */
    return 0;
}

struct sim_nic *host_node_nic(struct host_node *node, const char *name)
{
    int ifindex = node->host ? lil_interface_index(node->host, name) : -ENODEV;
    for (struct sim_nic *nic = node->nics; nic; nic = nic->next)
        if (nic->ifindex == ifindex)
            return nic;
    return NULL;
}

struct sim_nic *host_node_add_nic(struct host_node *node, const char *name, unsigned mtu, unsigned gso_max,
                                  const struct mac *mac)
{
    struct lil_world *world = node->node.world;
    struct sim_nic *nic = calloc(1, sizeof(*nic));
    char made[16];
    if (!nic)
        return NULL;
    snprintf(made, sizeof(made), "eth%u", node->nic_count);
    snprintf(nic->name, sizeof(nic->name), "%s:%s", node->node.name, name ? name : made);
    /* Locally administered and in the order of birth: readable in a capture. */
    unsigned serial = ++world->nic_count;
    nic->mac = mac ? *mac : (struct mac){{2, 0, 0, (uint8_t)(serial >> 16), (uint8_t)(serial >> 8), (uint8_t)serial}};
    nic->owner = node;
    struct lil_interface_config config = {.kind = LIL_ETHERNET,
                                          .name = name ? name : made,
                                          .mtu = mtu,
                                          .gso_max = gso_max,
                                          .transmit = nic_transmit,
                                          .ctx = nic};
    memcpy(config.mac, nic->mac.b, 6);
    nic->ifindex = lil_interface_add(node->host, &config);
    if (nic->ifindex < 0) {
        errno = -nic->ifindex;
        free(nic);
        return NULL;
    }
    *node->last_nic = nic;
    node->last_nic = &nic->next;
    node->nic_count++;
    if (world->capture)
        capture_add_nic(world->capture, nic);
    return nic;
}

/* --- wiring ------------------------------------------------------------------------------------------------------------------ */
static struct sim_nic *nic_with_address(struct lil_world *world, struct lil_host *host, const char *ifname,
                                        const char *address, const struct lil_link_config *config)
{
    struct host_node *node = host_node_find(world, host);
    struct sim_nic *nic = node && ifname ? host_node_nic(node, ifname) : NULL;
    if (!node || (nic && nic->link)) {
        errno = node ? EBUSY : ENOENT;
        return NULL;
    }
    if (!nic)
        nic = host_node_add_nic(node, ifname, 0, config ? config->gso_max : 0, NULL);
    int error = nic && address ? lil_address_add(host, nic->ifindex, address) : 0;
    if (error < 0) {
        errno = -error;
        return NULL;
    }
    return nic;
}

struct lil_link *lil_world_link(struct lil_world *world, struct lil_host *a, const char *a_address, struct lil_host *b,
                                const char *b_address, const struct lil_link_config *config)
{
    struct sim_nic *from = nic_with_address(world, a, NULL, a_address, config);
    struct sim_nic *to = from ? nic_with_address(world, b, NULL, b_address, config) : NULL;
    if (!to)
        return NULL;
    struct sim_end ends[2] = {{&from->owner->node, (unsigned)from->ifindex, from},
                              {&to->owner->node, (unsigned)to->ifindex, to}};
    return link_new(world, &ends[0], &ends[1], config);
}

struct lil_link *lil_world_link_of(struct lil_world *world, struct lil_host *host, int ifindex)
{
    struct host_node *node = host_node_find(world, host);
    struct sim_nic *nic = node ? node->nics : NULL;

    while (nic && nic->ifindex != ifindex)
        nic = nic->next;
    return nic ? nic->link : NULL;
}

int lil_world_attach(struct lil_world *world, struct lil_node *sw, struct lil_host *host, const char *ifname,
                     const char *address, const struct lil_link_config *config)
{
    struct sim_nic *nic = nic_with_address(world, host, ifname, address, config);
    if (!nic)
        return -errno;
    struct sim_end ends[2] = {{&nic->owner->node, (unsigned)nic->ifindex, nic}, switch_port(sw)};
    if (!ends[1].node)
        return -ENOMEM;
    struct lil_link *link = link_new(world, &ends[0], &ends[1], config);
    if (!link)
        return -ENOMEM;
    switch_connect(sw, ends[1].port, link, 1);
    return nic->ifindex;
}
