/* choices.h: an input's bytes as choices. Read target.c. */
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
struct choices choices_of(const uint8_t *data, size_t size);
unsigned choose(struct choices *c, unsigned bound); /* in [0, BOUND); 0 for BOUND 0 */
void draw_bytes(struct choices *c, void *bytes, size_t size);
int draw_fd(struct choices *c, struct lil_proc *proc); /* mostly one that is open */
void show(const struct choices *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
