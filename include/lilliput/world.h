/* world.h: the small internet: hosts, routers, switches and links under one virtual clock and one seed, with programs
 * as fibers. One thread. Everything happens in the order of (virtual time, order of scheduling), so that one seed gives one history. */
#ifndef LILLIPUT_WORLD_H
#define LILLIPUT_WORLD_H
#include "lilliput/host.h"
#include "lilliput/socket.h"

struct lil_world;
struct lil_node;   /* a host, switch or your own: input / poll -> deadline */
struct lil_link;

LIL_API struct lil_world *lil_world_new(uint64_t seed);
LIL_API void lil_world_free(struct lil_world *world);
LIL_API uint64_t lil_world_now(const struct lil_world *world);
LIL_API struct lil_host *lil_world_host(struct lil_world *world, const char *name, const char *profile);
LIL_API struct lil_host *lil_world_router(struct lil_world *world, const char *name, const char *profile);
/* With all the fields of a config (seed and share_pool are the world's). */
LIL_API struct lil_host *lil_world_host_config(struct lil_world *world, const struct lil_host_config *config);
LIL_API struct lil_host *lil_world_find(struct lil_world *world, const char *name); /* NULL */

/* What a link does to packets, in tc-netem's words. Probabilities in parts per 2^32 (lil_percent). All 0: a perfect wire. */
struct lil_link_config {
    uint64_t delay_ns, jitter_ns;    /* each way */
    uint32_t loss, duplicate, corrupt, reorder; /* probability */
    unsigned reorder_gap;            /* every Nth packet may be sent at once (tc-netem gap); 0: any */
    uint64_t rate_bps;               /* bits a second; 0: no limit */
    unsigned queue_packets;          /* with a rate: slots; 0: 1000 */
    unsigned mtu;                    /* larger packets vanish silently (a black hole); 0: none */
    bool down;
    unsigned gso_max;                /* 0: off */
};
LIL_API uint32_t lil_percent(const char *text); /* "0.5%" or "0.5": parts per 2^32 */
/* A link between new interfaces of two hosts; addresses may be NULL (added later), CONFIG NULL: perfect. */
LIL_API struct lil_link *lil_world_link(struct lil_world *world, struct lil_host *a, const char *a_address,
                                        struct lil_host *b, const char *b_address,
                                        const struct lil_link_config *config);
/* Changes a link while it runs; DIRECTION 0: both, 1: from a, 2: from b. */
LIL_API void lil_link_set(struct lil_link *link, int direction, const struct lil_link_config *config);
LIL_API struct lil_link_config lil_link_get(const struct lil_link *link, int direction);
/* A filter of your own on what enters a link: 0 passes, 1 drops, a delay in ns passes later. Borrowed packet. */
typedef int64_t lil_link_filter_fn(void *ctx, int direction, struct lil_packet *packet, uint64_t now_ns);
LIL_API void lil_link_set_filter(struct lil_link *link, lil_link_filter_fn *filter, void *ctx);
/* PACKET (taken) enters the link as if its end had sent it; a filter sees it, too, and may itself send so. */
LIL_API void lil_link_input(struct lil_link *link, int direction, struct lil_packet *packet, uint64_t now_ns);
/* The link at HOST's interface (a is the host where it leads to a switch), or NULL. */
LIL_API struct lil_link *lil_world_link_of(struct lil_world *world, struct lil_host *host, int ifindex);
/* An Ethernet switch (learning) and its ports. */
LIL_API struct lil_node *lil_world_switch(struct lil_world *world, const char *name);
LIL_API int lil_world_attach(struct lil_world *world, struct lil_node *sw, struct lil_host *host, const char *ifname,
                             const char *address, const struct lil_link_config *config);
/* Ends a host as a power failure does; its links stay. Programs on it end. */
LIL_API void lil_world_crash(struct lil_world *world, struct lil_host *host);

/* --- programs -------------------------------------------------------------------------------------------------------- */
typedef int lil_main_fn(struct lil_proc *proc, void *argument); /* returns the exit status */
/* Starts MAIN as a fiber on HOST at the present time. Blocking calls wait in virtual time. The proc belongs to the world. */
LIL_API struct lil_proc *lil_world_spawn(struct lil_world *world, struct lil_host *host, lil_main_fn *main, void *argument);
LIL_API struct lil_proc *lil_world_spawn_at(struct lil_world *world, struct lil_host *host, uint64_t at_ns,
                                            lil_main_fn *main, void *argument);
LIL_API void lil_sleep_ns(struct lil_proc *proc, uint64_t ns);   /* in a fiber */
LIL_API uint64_t lil_now_ns(struct lil_proc *proc);
/* Ends a program: its descriptors are closed as exit() does. */
LIL_API void lil_world_kill(struct lil_world *world, struct lil_proc *proc);
/* What a program prints (virtual times are added by the observer); newline-terminated lines. */
LIL_API int lil_printf(struct lil_proc *proc, const char *format, ...) __attribute__((format(printf, 2, 3)));
typedef void lil_output_fn(void *ctx, struct lil_proc *proc, const char *line, uint64_t now_ns);
LIL_API void lil_world_set_output(struct lil_world *world, lil_output_fn *output, void *ctx);
LIL_API bool lil_proc_ended(const struct lil_proc *proc, int *status);
/* A function of your own at a virtual time. CTX is yours: it must outlive the call or the world. */
LIL_API void lil_world_at(struct lil_world *world, uint64_t at_ns, void (*run)(void *ctx, uint64_t now_ns), void *ctx);

/* Runs until UNTIL, until lil_world_stop, or until nothing can happen any more. Returns 0, or the first non-zero
 * exit status of a program. */
LIL_API int lil_world_run(struct lil_world *world, uint64_t until_ns);
/* Runs all that happens now and at most up to UNTIL; returns the time of the next event (LIL_NEVER: none). For callers
 * with other events. */
LIL_API uint64_t lil_world_step(struct lil_world *world, uint64_t until_ns);
LIL_API uint64_t lil_world_next(const struct lil_world *world);
LIL_API void lil_world_stop(struct lil_world *world);

/* --- observers --------------------------------------------------------------------------------------------------------- */
LIL_API void lil_world_add_trace(struct lil_world *world, lil_trace_fn *trace, void *ctx); /* all hosts and links */
/* Writes pcapng: an interface block per NIC, nanoseconds, a comment with the reason on each packet dropped. -Exxx. */
LIL_API int lil_world_capture(struct lil_world *world, const char *file);

#endif
