/* link.c: a wire between two ends: each direction with its rate, queue, delay and faults. Read sim_node.h; fault.c has
 * the chances. */
#include <stdio.h>
#include <stdlib.h>
#include "sim/sim_node.h"

static void end_print(const struct sim_end *end, char *text, size_t size)
{
    if (end->nic)
        snprintf(text, size, "%s", end->nic->name);
    else
        snprintf(text, size, "%s:%u", end->node->name, end->port);
}

struct lil_link *link_new(struct lil_world *world, const struct sim_end *a, const struct sim_end *b,
                          const struct lil_link_config *config)
{
    struct lil_link *link = calloc(1, sizeof(*link));
    char names[2][SIM_NAME * 2];
    if (!link)
        return NULL;
    link->world = world;
    link->ends[0] = *a;
    link->ends[1] = *b;
    for (int side = 0; side < 2; side++) {
        prng_fork(&world->prng, 0x6c696e6bull << 32 | (world->link_count * 2 + (unsigned)side),
                  &link->directions[side].prng);
        if (config)
            link->directions[side].config = *config;
        end_print(&link->ends[side], names[side], sizeof(names[side]));
        struct sim_nic *nic = link->ends[side].nic;
        if (nic) {
            nic->link = link;
            nic->side = side;
        }
    }
    snprintf(link->name, sizeof(link->name), "%s-%s", names[0], names[1]);
    world->link_count++;
    list_push_back(&world->links, &link->list);
    return link;
}

void link_free(struct lil_link *link)
{
    list_remove(&link->list);
    free(link->directions[0].departures);
    free(link->directions[1].departures);
    free(link);
}

void lil_link_set(struct lil_link *link, int direction, const struct lil_link_config *config)
{
    for (int side = 0; side < 2; side++)
        if (direction == 0 || direction == side + 1)
            link->directions[side].config = *config;
}

struct lil_link_config lil_link_get(const struct lil_link *link, int direction)
{
    return link->directions[direction == 2].config;
}

void lil_link_set_filter(struct lil_link *link, lil_link_filter_fn *filter, void *ctx)
{
    link->filter = filter;
    link->filter_ctx = ctx;
}

/* --- flights ------------------------------------------------------------------------------------------------------ */
static void flight_run(struct event *event, uint64_t now_ns)
{
    struct sim_flight *flight = container_of(event, struct sim_flight, event);
    struct lil_link *link = flight->link;
    struct lil_world *world = link->world;
    struct lil_packet *packet = flight->packet;
    const struct sim_end *from = &link->ends[flight->side], *to = &link->ends[!flight->side];
    list_remove(&flight->list);
    flight->next = world->free_flights;
    world->free_flights = flight;
    struct sim_passage passage = {link, from, to, packet, LIL_DROP_NONE, now_ns, now_ns, NULL};
    for (const struct sim_tap *tap = world->taps; tap; tap = tap->next)
        if (tap->arrived)
            tap->arrived(tap->ctx, &passage);
    world->input_drop = LIL_DROP_NONE;
    to->node->ops->input(to->node, to->port, packet, now_ns);
    passage.packet = NULL;
    passage.drop = world->input_drop;
    for (const struct sim_tap *tap = world->taps; tap; tap = tap->next)
        if (tap->settled)
            tap->settled(tap->ctx, &passage);
}

static struct sim_flight *flight_new(struct lil_world *world)
{
    struct sim_flight *flight = world->free_flights;
    if (flight)
        world->free_flights = flight->next;
    else
        flight = calloc(1, sizeof(*flight));
    return flight;
}

void flights_free(struct lil_world *world)
{
    list_each(at, &world->flights)
    {
        struct sim_flight *flight = list_entry(at, struct sim_flight, list);
        packet_free(flight->packet);
        event_cancel(&world->events, &flight->event);
        list_remove(&flight->list);
        free(flight);
    }
    while (world->free_flights) {
        struct sim_flight *flight = world->free_flights;
        world->free_flights = flight->next;
        free(flight);
    }
}

static void tell_sent(struct lil_link *link, int side, const struct lil_packet *packet, enum lil_drop drop,
                      uint64_t now_ns, uint64_t arrival_ns)
{
    struct sim_passage passage = {link,   &link->ends[side], &link->ends[!side], packet, drop,
                                  now_ns, arrival_ns,        link->fault};
    for (const struct sim_tap *tap = link->world->taps; tap; tap = tap->next)
        if (tap->sent)
            tap->sent(tap->ctx, &passage);
    if (drop != LIL_DROP_NONE) {
        link->directions[side].dropped++;
        for (const struct sim_trace *entry = link->world->traces; entry; entry = entry->next)
            entry->trace(
                entry->ctx,
                &(struct lil_trace){
                    .kind = LIL_TRACE_DROP, .now_ns = now_ns, .host = link->name, .packet = packet, .drop = drop});
    }
}

static void launch_take(struct lil_link *link, int side, struct lil_packet *packet, uint64_t now_ns,
                        uint64_t arrival_ns)
{
    struct sim_flight *flight = flight_new(link->world);
    tell_sent(link, side, packet, flight ? LIL_DROP_NONE : LIL_DROP_MEMORY, now_ns, arrival_ns);
    if (!flight) {
        packet_free(packet);
        return;
    }
    *flight = (struct sim_flight){.event.run = flight_run, .link = link, .side = side, .packet = packet};
    list_push_back(&link->world->flights, &flight->list);
    world_schedule(link->world, &flight->event, arrival_ns);
}

static void drop_take(struct lil_link *link, int side, struct lil_packet *packet, enum lil_drop drop, uint64_t now_ns)
{
    tell_sent(link, side, packet, drop, now_ns, 0);
    packet_free(packet);
}

/* --- rate and queue ----------------------------------------------------------------------------------------------- */
/* When a packet of LENGTH bytes has left through the queue, or -ENOBUFS: no slot. NOW without a rate. */
static int queue_depart(struct sim_direction *direction, size_t length, uint64_t now_ns, uint64_t *departure_ns)
{
    const struct lil_link_config *config = &direction->config;
    uint32_t slots = config->queue_packets ? config->queue_packets : 1000;
    *departure_ns = now_ns;
    if (!config->rate_bps)
        return 0;
    while (direction->departure_count && direction->departures[direction->departure_head] <= now_ns) {
        direction->departure_head = (direction->departure_head + 1) % direction->departure_capacity;
        direction->departure_count--;
    }
    /* The packet on the wire holds no slot. */
    if (direction->departure_count > slots)
        return -ENOBUFS;
    if (direction->departure_count == direction->departure_capacity) {
        uint32_t capacity = direction->departure_capacity ? direction->departure_capacity * 2 : 16;
        uint64_t *departures = malloc(capacity * sizeof(*departures));
        if (!departures)
            return -ENOBUFS;
        for (uint32_t i = 0; i < direction->departure_count; i++)
            departures[i] = direction->departures[(direction->departure_head + i) % direction->departure_capacity];
        free(direction->departures);
        direction->departures = departures;
        direction->departure_head = 0;
        direction->departure_capacity = capacity;
    }
    uint64_t bits = (uint64_t)length * 8, start = max_u64(direction->busy_until_ns, now_ns);
    *departure_ns = start + (bits * NS_PER_S + config->rate_bps - 1) / config->rate_bps;
    direction->busy_until_ns = *departure_ns;
    direction->departures[(direction->departure_head + direction->departure_count++) % direction->departure_capacity] =
        *departure_ns;
    return 0;
}

/* --- ingress ----------------------------------------------------------------------------------------------------------------- */
/* One wire packet, behind the question of duplication. */
static void enqueue_take(struct lil_link *link, int side, struct lil_packet *packet, uint64_t extra_ns, uint64_t now_ns)
{
    struct sim_direction *direction = &link->directions[side];
    uint64_t departure_ns;
    if (queue_depart(direction, packet->length, now_ns, &departure_ns) < 0)
        drop_take(link, side, packet, LIL_DROP_LINK_QUEUE, now_ns);
    else
        launch_take(link, side, packet, now_ns, departure_ns + extra_ns + fault_delay(direction));
}

static void wire_input_take(struct lil_link *link, int side, struct lil_packet *packet, uint64_t now_ns)
{
    struct sim_direction *direction = &link->directions[side];
    const struct lil_link_config *config = &direction->config;
    uint64_t extra_ns = 0;
    direction->packets++;
    if (config->down) {
        drop_take(link, side, packet, LIL_DROP_LINK_DOWN, now_ns);
        return;
    }
    if (config->mtu && packet->length > config->mtu + (size_t)ETH_LENGTH) {
        drop_take(link, side, packet, LIL_DROP_LINK_MTU, now_ns);
        return;
    }
    if (link->filter) {
        int64_t answer = link->filter(link->filter_ctx, side + 1, packet, now_ns);
        if (answer == 1) {
            drop_take(link, side, packet, LIL_DROP_LINK_LOSS, now_ns);
            return;
        }
        extra_ns = answer > 1 ? (uint64_t)answer : 0;
    }
    struct fault_verdict verdict = fault_judge(direction);
    struct lil_packet *copy = verdict.duplicated ? packet_clone(packet) : NULL;
    if (verdict.lost) {
        drop_take(link, side, packet, LIL_DROP_LINK_LOSS, now_ns);
    } else if (verdict.corrupted && fault_corrupt(direction, packet) < 0) {
        drop_take(link, side, packet, LIL_DROP_LINK_CORRUPT, now_ns);
    } else {
        link->fault = verdict.corrupted ? "corrupted" : NULL;
        enqueue_take(link, side, packet, extra_ns, now_ns);
    }
    link->fault = copy && !verdict.lost ? "duplicate" : NULL;
    if (copy)
        enqueue_take(link, side, copy, extra_ns, now_ns);
    link->fault = NULL;
}

static bool must_split(const struct lil_link *link, const struct lil_link_config *config)
{
    return config->rate_bps || config->queue_packets || config->loss || config->corrupt || config->reorder ||
           config->duplicate || config->jitter_ns || config->mtu || link->filter;
}

void link_input(struct lil_link *link, int side, struct lil_packet *packet, uint64_t now_ns)
{
    if (!packet->gso_size || !must_split(link, &link->directions[side].config)) {
        wire_input_take(link, side, packet, now_ns);
        return;
    }
    struct packet_queue queue;
    packet_queue_init(&queue);
    if (gso_split(packet, &queue) < 0)
        return;
    for (struct lil_packet *wire; (wire = packet_queue_pop(&queue));)
        wire_input_take(link, side, wire, now_ns);
}

void lil_link_input(struct lil_link *link, int direction, struct lil_packet *packet, uint64_t now_ns)
{
    link_input(link, direction - 1, packet, now_ns);
}
