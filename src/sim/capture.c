/* capture.c: every wire packet as each NIC sees it, in a pcapng file: outbound where it enters a link, inbound where it
 * arrives; a packet that is dropped, by a link or by the host, has the reason as its comment, and so has one that a
 * link corrupted or doubled. Loopback packets come from the hosts' own traces. */
#include <stdio.h>
#include <stdlib.h>
#include "host/host.h"
#include "sim/pcapng.h"
#include "sim/sim_node.h"

enum { CAPTURE_FRAME = 66 * 1024 };
struct capture {
    struct lil_world *world;
    struct pcapng pcapng;
    struct sim_tap tap;
    uint8_t *frame; /* the packet that is being put in: what it was before the host took it */
    size_t length;
    uint8_t *held; /* a loopback packet that the host may yet drop */
    size_t held_length;
    uint64_t held_ns;
    struct host_node *held_of; /* NULL: none */
    enum lil_drop held_drop;
};
static void loopback_flush(struct capture *capture);

static const char *comment_of(enum lil_drop drop, const char *fault, char *text, size_t size)
{
    if (drop != LIL_DROP_NONE)
        snprintf(text, size, "dropped: %s", lil_drop_name(drop));
    else if (fault)
        snprintf(text, size, "link: %s", fault);
    return drop != LIL_DROP_NONE || fault ? text : NULL;
}

void capture_add_nic(struct capture *capture, struct sim_nic *nic)
{
    nic->capture_id = (uint32_t)pcapng_interface(&capture->pcapng, nic->name, PCAPNG_ETHERNET) + 1;
}

static void on_sent(void *ctx, const struct sim_passage *passage)
{
    struct capture *capture = ctx;
    char comment[80];
    const struct sim_nic *nic = passage->from->nic               ? passage->from->nic
                                : passage->drop != LIL_DROP_NONE ? passage->to->nic
                                                                 : NULL;
    if (!nic) /* a switch passes it on: its NICs have it */
        return;
    loopback_flush(capture);
    wire_csum_fill((struct lil_packet *)passage->packet);
    size_t length = packet_read(passage->packet, 0, capture->frame, CAPTURE_FRAME);
    /* Lost between a switch and a host: the host's NIC never saw it, but the file must tell. */
    unsigned direction = passage->from->nic ? PCAPNG_OUTBOUND : PCAPNG_INBOUND;
    pcapng_packet(&capture->pcapng, nic->capture_id - 1, passage->now_ns, capture->frame, length, direction,
                  comment_of(passage->drop, passage->fault, comment, sizeof(comment)));
}

static void on_arrived(void *ctx, const struct sim_passage *passage)
{
    struct capture *capture = ctx;
    if (!passage->to->nic)
        return;
    loopback_flush(capture);
    wire_csum_fill((struct lil_packet *)passage->packet);
    capture->length = packet_read(passage->packet, 0, capture->frame, CAPTURE_FRAME);
}

static void on_settled(void *ctx, const struct sim_passage *passage)
{
    struct capture *capture = ctx;
    char comment[80];
    if (passage->to->nic)
        pcapng_packet(&capture->pcapng, passage->to->nic->capture_id - 1, passage->now_ns, capture->frame,
                      capture->length, PCAPNG_INBOUND, comment_of(passage->drop, NULL, comment, sizeof(comment)));
}

/* What a host says of its loopback: a packet goes round; the next thing tells whether it was dropped there. */
static void loopback_flush(struct capture *capture)
{
    char comment[80];
    struct host_node *node = capture->held_of;
    if (!node)
        return;
    capture->held_of = NULL;
    if (!node->loopback_capture_id) {
        char name[SIM_NAME + 4];
        snprintf(name, sizeof(name), "%s:lo", node->node.name);
        node->loopback_capture_id = (uint32_t)pcapng_interface(&capture->pcapng, name, PCAPNG_RAW_IP) + 1;
    }
    pcapng_packet(&capture->pcapng, node->loopback_capture_id - 1, capture->held_ns, capture->held,
                  capture->held_length, PCAPNG_OUTBOUND,
                  comment_of(capture->held_drop, NULL, comment, sizeof(comment)));
}

static void on_trace(void *ctx, const struct lil_trace *event)
{
    struct capture *capture = ctx;
    if (event->ifindex != 1 || (event->kind != LIL_TRACE_PACKET_IN && event->kind != LIL_TRACE_DROP))
        return;
    if (event->kind == LIL_TRACE_DROP) {
        if (capture->held_of && strcmp(capture->held_of->node.name, event->host) == 0)
            capture->held_drop = event->drop;
        return;
    }
    loopback_flush(capture);
    list_each(at, &capture->world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (!node || strcmp(node->node.name, event->host) != 0)
            continue;
        capture->held_of = node;
        capture->held_ns = event->now_ns;
        capture->held_drop = LIL_DROP_NONE;
        wire_csum_fill((struct lil_packet *)event->packet);
        capture->held_length = packet_read(event->packet, 0, capture->held, CAPTURE_FRAME);
        return;
    }
}

static struct capture *capture_new(void)
{
    struct capture *capture = calloc(1, sizeof(*capture));
    if (!capture)
        return NULL;
    capture->frame = malloc(CAPTURE_FRAME);
    capture->held = malloc(CAPTURE_FRAME);
    return capture;
}

static void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    free(capture->frame);
    free(capture->held);
    free(capture);
}

int lil_world_capture(struct lil_world *world, const char *file)
{
    struct capture *capture = world->capture ? NULL : capture_new();
    int error =
        !capture || !capture->frame || !capture->held ? -ENOMEM : pcapng_open(&capture->pcapng, file, "lilliput");
    if (error < 0) {
        capture_free(capture);
        return world->capture ? -EBUSY : error;
    }
    capture->world = world;
    capture->tap = (struct sim_tap){.sent = on_sent, .arrived = on_arrived, .settled = on_settled, .ctx = capture};
    world_add_tap(world, &capture->tap);
    lil_world_add_trace(world, on_trace, capture);
    world->capture = capture;
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        for (struct sim_nic *nic = node ? node->nics : NULL; nic; nic = nic->next)
            capture_add_nic(capture, nic);
    }
    return 0;
}

/* The world is being freed: nothing is captured any more. */
void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    loopback_flush(capture);
    capture->world->taps = NULL;
    while (capture->world->traces) {
        struct sim_trace *trace = capture->world->traces;
        capture->world->traces = trace->next;
        free(trace);
    }
    capture->world->capture = NULL;
    pcapng_close(&capture->pcapng);
    capture_free(capture);
}
