/* fuzz.h: what a fuzz target and the runner share. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/prng.h"

enum { FUZZ_SIZE_MAX = 32768 };
struct fuzz_input {
    uint8_t *bytes;
    size_t size;
};
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* lines.c, for targets whose inputs are text: changes them by lines and words, with parts of another; the others'
 * inputs are changed by bytes (runner.c). Writes at most MOST bytes to OUT and returns how many. */
size_t fuzz_mutate(struct prng *prng, const struct fuzz_input *from, const struct fuzz_input *other, uint8_t *out, size_t most)
    __attribute__((weak));
/* The target's: may this line be moved, removed and changed? LENGTH is at least 1. */
bool fuzz_may_change(const char *line, size_t length);

#endif
