/* place.h: where those who call often run: place.c. */
#ifndef LAUNCH_PLACE_H
#define LAUNCH_PLACE_H
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct launcher;
enum { CALLERS = 64 };
struct placement {
    bool is_off;               /* one processor, a program that sets its own, or (virtual) that computes on several */
    bool is_together, is_trial;
    cpu_set_t all, home;       /* the processors that we were given; ours, while together */
    struct caller {
        pid_t tid;
        unsigned calls;        /* in this window */
        bool is_moved;
    } callers[CALLERS];        /* by tid */
    uint64_t calls, rate_apart;
    uint64_t window_began_ns, due_ns, stray_due_ns; /* due: of the next trial, or of the next look at how it is apart */
    unsigned failures;         /* trials that did not pay, one after the other */
};

void place_init(struct launcher *launcher, unsigned processor);
void place_note(struct launcher *launcher, pid_t tid);     /* it has called */
void place_turn(struct launcher *launcher);                /* once a turn of the loop */
void place_release(struct launcher *launcher);             /* everybody has its processors again */
uint64_t place_left(const struct launcher *launcher);      /* time to the next turn that is needed; LIL_NEVER */
void place_separate(struct launcher *launcher);            /* and that is all: for the rest of the run */
#endif
