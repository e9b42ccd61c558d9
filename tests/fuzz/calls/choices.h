/* choices.h: an input's bytes as choices, and the two hosts that calls are made on. Read target.c. */
#ifndef FUZZ_CALLS_CHOICES_H
#define FUZZ_CALLS_CHOICES_H
#include "base/prng.h"
#include "lilliput/lilliput.h"

enum { DESCRIPTORS = 24 }; /* so many may a program have */
struct choices {
    const uint8_t *data;
    size_t size, at;
    struct prng prng; /* goes on where the bytes end */
    bool shows;
};
struct stage {
    struct lil_world *world;
    struct lil_host *hosts[2];
    struct lil_proc *procs[2];
    struct lil_link *link;
    unsigned meetings;
    /* Some inputs have memory that gives out: each so many'th allocation fails. 0: none */
    unsigned fail_each, allocations;
};

struct choices choices_of(const uint8_t *data, size_t size);
unsigned choose(struct choices *c, unsigned bound); /* in [0, BOUND); 0 for BOUND 0 */
void draw_bytes(struct choices *c, void *bytes, size_t size);
int draw_fd(struct choices *c, struct lil_proc *proc); /* mostly one that is open */
void show(const struct choices *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

void stage_begin(struct stage *stage, struct choices *c, const char *profile);
void stage_run(struct stage *stage, uint64_t ns);
void stage_end(struct stage *stage, struct choices *c);

#endif
