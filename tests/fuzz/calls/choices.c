/* choices.c: see choices.h. */
#include "choices.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct choices choices_of(const uint8_t *data, size_t size)
{
    struct choices c = {.data = data, .size = size, .shows = getenv("FUZZ_CALLS_SHOW") != NULL};
    uint64_t seed = size;
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 0x100000001b3u;
    prng_seed(&c.prng, seed);
    return c;
}

unsigned choose(struct choices *c, unsigned bound)
{
    unsigned value = 0;
    if (bound < 2)
        return 0;
    if (c->at >= c->size)
        return (unsigned)prng_below(&c->prng, bound);
    for (unsigned left = bound - 1; left && c->at < c->size; left >>= 8)
        value = value << 8 | c->data[c->at++];
    return value % bound;
}

void draw_bytes(struct choices *c, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    bool is_small = choose(c, 2);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(is_small ? choose(c, 8) : choose(c, 256));
}

int draw_fd(struct choices *c, struct lil_proc *proc)
{
    int fd = (int)choose(c, 300) - 2;
    for (int tries = choose(c, 32) ? 6 : 0; tries && !lil_is_open(proc, fd); tries--)
        fd = 3 + (int)choose(c, DESCRIPTORS - 3);
    return fd;
}

void show(const struct choices *c, const char *format, ...)
{
    va_list arguments;
    if (!c->shows)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}
