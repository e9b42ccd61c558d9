/* switch.c: a learning Ethernet switch (IEEE 802.1D 7.8 without the tree): each source address is remembered with its
 * port for five minutes; a frame for an unknown, broadcast or multicast address goes out of all other ports, by
 * reference. */
#include <stdlib.h>
#include "sim/sim_node.h"

struct switch_port_entry {
    struct lil_link *link;
    int side;
};
struct switch_entry {
    struct mac mac;
    unsigned port; /* + 1; 0: empty */
    uint64_t seen_ns;
};
struct switch_node {
    struct lil_node node;
    struct switch_port_entry *ports;
    unsigned port_count, port_capacity;
    struct switch_entry *entries; /* open addressing by the address's low bits */
    unsigned entry_count, entry_capacity;
};
enum { SWITCH_ENTRIES_MAX = 65536 }; /* full: everything that is new is flooded */
static const uint64_t switch_age_ns = 300 * NS_PER_S;

static struct switch_entry *entry_at(struct switch_entry *entries, unsigned capacity, const struct mac *mac)
{
    uint32_t hash = 2166136261u;
    for (int i = 0; i < 6; i++)
        hash = (hash ^ mac->b[i]) * 16777619u;
    for (unsigned at = hash & (capacity - 1);; at = (at + 1) & (capacity - 1))
        if (!entries[at].port || memcmp(entries[at].mac.b, mac->b, 6) == 0)
            return &entries[at];
}

static bool grow(struct switch_node *self)
{
    unsigned capacity = self->entry_capacity ? self->entry_capacity * 2 : 64;
    if (self->entry_count * 2 < self->entry_capacity)
        return true;
    if (capacity > SWITCH_ENTRIES_MAX)
        return false;
    struct switch_entry *entries = calloc(capacity, sizeof(*entries));
    if (!entries)
        return false;
    for (unsigned i = 0; i < self->entry_capacity; i++)
        if (self->entries[i].port)
            *entry_at(entries, capacity, &self->entries[i].mac) = self->entries[i];
    free(self->entries);
    self->entries = entries;
    self->entry_capacity = capacity;
    return true;
}

static void learn(struct switch_node *self, const struct mac *mac, unsigned port, uint64_t now_ns)
{
    if ((mac->b[0] & 1) || !grow(self))
        return;
    struct switch_entry *entry = entry_at(self->entries, self->entry_capacity, mac);
    if (!entry->port)
        self->entry_count++;
    *entry = (struct switch_entry){*mac, port + 1, now_ns};
}

static void switch_input(struct lil_node *node, unsigned port, struct lil_packet *packet, uint64_t now_ns)
{
    struct switch_node *self = container_of(node, struct switch_node, node);
    uint8_t start[ETH_LENGTH];
    struct eth eth;
    if (packet_read(packet, 0, start, sizeof(start)) < sizeof(start) || eth_parse(&eth, start, sizeof(start)) < 0) {
        packet_free(packet);
        return;
    }
    learn(self, &eth.source, port, now_ns);
    const struct switch_entry *entry = NULL;
    if (!(eth.dest.b[0] & 1) && self->entry_capacity)
        entry = entry_at(self->entries, self->entry_capacity, &eth.dest);
    if (entry && entry->port && now_ns - entry->seen_ns < switch_age_ns) {
        const struct switch_port_entry *out = &self->ports[entry->port - 1];
        if (entry->port - 1 != port && out->link)
            link_input(out->link, out->side, packet, now_ns);
        else
            packet_free(packet);
        return;
    }
    for (unsigned i = 0; i < self->port_count; i++) {
        struct lil_packet *copy = i != port && self->ports[i].link ? packet_clone(packet) : NULL;
        if (copy)
            link_input(self->ports[i].link, self->ports[i].side, copy, now_ns);
    }
    packet_free(packet);
}

static uint64_t switch_poll(struct lil_node *node, uint64_t now_ns)
{
    (void)node;
    (void)now_ns;
    return LIL_NEVER;
}

static void switch_free(struct lil_node *node)
{
    struct switch_node *self = container_of(node, struct switch_node, node);
    free(self->ports);
    free(self->entries);
    free(self);
}
static const struct sim_node_ops switch_ops = {switch_input, switch_poll, switch_free};

struct lil_node *lil_world_switch(struct lil_world *world, const char *name)
{
    struct switch_node *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    node_init(&self->node, world, name, &switch_ops);
    return &self->node;
}

struct sim_end switch_port(struct lil_node *node)
{
    struct switch_node *self = container_of(node, struct switch_node, node);
    if (self->port_count == self->port_capacity) {
        unsigned capacity = self->port_capacity ? self->port_capacity * 2 : 8;
        struct switch_port_entry *ports = realloc(self->ports, capacity * sizeof(*ports));
        if (!ports)
            return (struct sim_end){0};
        self->ports = ports;
        self->port_capacity = capacity;
    }
    self->ports[self->port_count] = (struct switch_port_entry){0};
    return (struct sim_end){node, self->port_count++, NULL};
}

void switch_connect(struct lil_node *node, unsigned port, struct lil_link *link, int side)
{
    struct switch_node *self = container_of(node, struct switch_node, node);
    self->ports[port] = (struct switch_port_entry){link, side};
}
