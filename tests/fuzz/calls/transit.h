/* transit.h: the way between the two hosts: packets as bytes, with a delay, lost, repeated, and of some inputs changed
 * as only an enemy would, checksums made right again. Read target.c. */
#ifndef FUZZ_CALLS_TRANSIT_H
#define FUZZ_CALLS_TRANSIT_H
#include "choices.h"

struct flight; /* a packet on its way */
struct way {
    uint64_t delay_ns;
    unsigned mtu;     /* larger ones vanish; 0: none do */
    unsigned loss;    /* in a hundred */
    unsigned changed; /* in a hundred: by the enemy */
    bool down;
};
struct stage {
    struct choices *choices;
    struct lil_host *hosts[2];
    struct lil_proc *procs[2];
    uint64_t now_ns;
    struct way way;
    struct flight *flights; /* by time */
    unsigned flight_count, meetings;
    /* Some inputs have memory that gives out: each so many'th allocation fails. 0: none */
    unsigned fail_each, allocations;
};

void stage_begin(struct stage *stage, struct choices *c, const char *profile);
void stage_run(struct stage *stage, uint64_t ns);
void stage_end(struct stage *stage);
/* transit_change.c: changes LENGTH bytes of a packet, or makes an ICMP error about them; returns the new length, at
 * most SIZE. BACK: it goes to who sent it. */
size_t transit_change(struct choices *c, uint8_t *bytes, size_t length, size_t size, bool *back);

#endif
