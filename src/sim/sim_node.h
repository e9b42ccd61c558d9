/* sim_node.h: the small internet, inside. Theory:
 *
 * A world is one heap of events ordered by (virtual time, order of scheduling) and one seed. Nothing in it knows a
 * clock: the time is that of the event that runs. What can be wired is a node: it offers input (a packet arrives at one
 * of its ports; it only changes state) and poll (do what is due, return the next deadline). A real machine is a world
 * of one host.
 *
 *   lil_node   a host (host_node.c: a lil_host and its NICs) or a switch (switch.c)
 *   sim_nic    one interface of a host; its transmit hands packets to the link
 *   lil_link   two ends, two directions; each direction has its faults (fault.c), rate, queue and delay (link.c)
 *   program    a fiber on a host (program.c): sleeping calls are events
 *   sim_tap    sees what enters and leaves links: the capture (capture.c) and the time line (cli/show.c)
 *
 * A packet's way: lil_host_poll -> nic transmit -> link_input (split into wire packets where the link may touch them,
 * faults, queue) -> an event a packet in flight -> node input -> the host marks itself due -> an event polls it at the
 * same instant, behind all that is already scheduled, so that packets that arrive together are taken in before one poll
 * answers them all.
 *
 * Invariants. 1: time never goes back. 2: an event runs only from world_step, never inside another (no recursion
 * between hosts). 3: a fiber runs only from its program's event. 4: before a program runs or a callback of
 * lil_world_at, its host was polled at the present time, so socket calls see the right clock. 5: random draws come from
 * the direction's own generator: traffic on one link does not change the fate of packets on another. 6: a packet has
 * one owner: host, flight, or the function that holds it. */
#ifndef SIM_SIM_NODE_H
#define SIM_SIM_NODE_H
#include "base/buf.h"
#include "base/list.h"
#include "base/prng.h"
#include "host/runtime.h"
#include "lilliput/world.h"
#include "sim/event.h"
#include "sim/fiber.h"
#include "wire/wire.h"

enum { SIM_NAME = 48 };

struct sim_node_ops {
    void (*input)(struct lil_node *node, unsigned port, struct lil_packet *packet /* taken */, uint64_t now_ns);
    uint64_t (*poll)(struct lil_node *node, uint64_t now_ns);
    void (*free)(struct lil_node *node);
};
struct lil_node {
    struct list list; /* world->nodes */
    struct lil_world *world;
    const struct sim_node_ops *ops;
    struct event event; /* its next poll */
    char name[SIM_NAME];
    unsigned index;
};
struct sim_nic {
    struct sim_nic *next;
    struct host_node *owner;
    struct lil_link *link; /* NULL: the cable is out */
    int side, ifindex;
    struct mac mac;
    char name[SIM_NAME * 2]; /* "solaris:le0" */
    uint32_t capture_id;     /* + 1; 0: not announced yet */
};
struct host_node {
    struct lil_node node;
    struct lil_host *host; /* after a crash it stays, deaf and dumb, until the world goes */
    struct sim_nic *nics, **last_nic;
    unsigned nic_count;
    bool crashed;
    struct event crash;
    uint32_t loopback_capture_id;
    lil_trace_fn *trace; /* the config's own */
    void *trace_ctx;
};
struct sim_end {
    struct lil_node *node;
    unsigned port;       /* a host's ifindex, a switch's port */
    struct sim_nic *nic; /* NULL: a switch port */
};
struct sim_direction {
    struct lil_link_config config;
    struct prng prng;
    uint64_t busy_until_ns; /* rate: when the last queued packet has left */
    uint64_t *departures;   /* ring of the times at which queued packets leave */
    uint32_t departure_head, departure_count, departure_capacity;
    uint32_t since_reorder; /* tc-netem's gap counter */
    uint64_t packets, dropped;
};
struct lil_link {
    struct list list; /* world->links */
    struct lil_world *world;
    struct sim_end ends[2];
    struct sim_direction directions[2]; /* [0]: from end 0 */
    lil_link_filter_fn *filter;
    void *filter_ctx;
    char name[SIM_NAME * 4];
    const char *fault; /* what is being done to the packet that goes in */
};
struct sim_flight { /* a packet between ingress and arrival */
    struct event event;
    struct sim_flight *next; /* free list */
    struct list list;        /* world->flights */
    struct lil_link *link;
    int side; /* it came from this end */
    struct lil_packet *packet;
};

/* A packet at a link's ends. sent: it entered from FROM; drop says whether it will arrive. arrived: it is about to
 * enter TO's node; settled follows with the reason when the host dropped it. */
struct sim_passage {
    const struct lil_link *link;
    const struct sim_end *from, *to;
    const struct lil_packet *packet; /* NULL in settled */
    enum lil_drop drop;
    uint64_t now_ns, arrival_ns;
    const char *fault; /* sent: what the link did to it ("corrupted", "duplicate"), or NULL */
};
struct sim_tap {
    struct sim_tap *next;
    void (*sent)(void *ctx, const struct sim_passage *passage);
    void (*arrived)(void *ctx, const struct sim_passage *passage);
    void (*settled)(void *ctx, const struct sim_passage *passage);
    void (*instant)(void *ctx, uint64_t now_ns); /* all that was due at this time is done */
    void *ctx;
};
struct sim_trace {
    struct sim_trace *next;
    lil_trace_fn *trace;
    void *ctx;
};
struct program {
    struct list list; /* world->programs */
    struct lil_world *world;
    struct host_node *node;
    struct lil_proc *proc;
    struct proc_runtime runtime;
    struct fiber *fiber;
    lil_main_fn *main;
    void *argument;
    struct event event; /* its start, wake or timeout */
    bool waiting, woken, killed, unwound, ended;
    int status;
};
struct lil_world {
    uint64_t now_ns, seed;
    struct event_heap events;
    struct prng prng;
    struct list nodes, links, programs, flights, calls;
    struct sim_flight *free_flights;
    struct fiber_set fibers;
    struct sim_trace *traces;
    struct sim_tap *taps;
    struct capture *capture;
    enum lil_drop input_drop; /* what the host said of the packet that is being put in */
    lil_output_fn *output;
    void *output_ctx;
    unsigned node_count, link_count, nic_count;
    int next_pid, status;
    bool stopped, freeing;
};

/* world.c */
/* lil_world_at, with what frees CTX (or NULL): after RUN, or when the world ends before. */
void world_at(struct lil_world *world, uint64_t at_ns, void (*run)(void *ctx, uint64_t now_ns), void *ctx, void (*release)(void *ctx));
void world_schedule(struct lil_world *world, struct event *event, uint64_t time_ns); /* not before now */
void world_add_tap(struct lil_world *world, struct sim_tap *tap); /* the caller's storage, until the world is freed */
void world_trace(struct lil_world *world, const struct lil_trace *event);
void node_init(struct lil_node *node, struct lil_world *world, const char *name, const struct sim_node_ops *ops);
/* host_node.c */
struct host_node *host_node_find(const struct lil_world *world, const struct lil_host *host);
struct host_node *host_node_of(struct lil_node *node); /* NULL: a switch */
/* NAME NULL: the next ethN. Returns the NIC, or NULL with errno. */
struct sim_nic *host_node_add_nic(struct host_node *node, const char *name, unsigned mtu, unsigned gso_max,
                                  const struct mac *mac);
void host_node_observe(struct host_node *node);             /* an observer or a tap was added */
struct sim_nic *host_node_nic(struct host_node *node, const char *name);
void host_node_sync(struct host_node *node, uint64_t now_ns); /* polls: the host sees the present time */
void host_node_tell(struct host_node *node, uint64_t now_ns); /* the same, where what was due up to now has run */
/* link.c */
struct lil_link *link_new(struct lil_world *world, const struct sim_end *a, const struct sim_end *b,
                          const struct lil_link_config *config);
void link_free(struct lil_link *link);
void link_input(struct lil_link *link, int side, struct lil_packet *packet, uint64_t now_ns);
void flights_free(struct lil_world *world);
/* fault.c: what happens to one wire packet at a link's ingress, in tc-netem's order; draws only for faults that are
 * set. */
struct fault_verdict {
    bool lost, duplicated, corrupted;
};
struct fault_verdict fault_judge(struct sim_direction *direction);
/* The delay of a packet that is through the queue (0 for one sent ahead by reordering). */
uint64_t fault_delay(struct sim_direction *direction);
/* Flips one bit behind the link header, in a copy of what others share. False: the frame check would have caught it
 * (not IP). -ENOMEM. */
int fault_corrupt(struct sim_direction *direction, struct lil_packet *packet);
/* gso.c: splits a GSO segment into wire packets behind QUEUE (takes PACKET); others pass as they are. -ENOMEM: none is
 * queued. */
int gso_split(struct lil_packet *packet, struct packet_queue *queue);
/* switch.c */
struct sim_end switch_port(struct lil_node *node); /* a new port; its link attaches by switch_connect */
void switch_connect(struct lil_node *node, unsigned port, struct lil_link *link, int side);
/* program.c */
void program_unwind(struct program *program); /* now, from outside any fiber */
void program_free(struct program *program);
/* capture.c */
void capture_close(struct capture *capture);
void capture_add_nic(struct capture *capture, struct sim_nic *nic);

#endif
