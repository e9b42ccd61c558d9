/* choices.c: see choices.h. */
#include "choices.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void *allocate(void *ctx, size_t size)
{
    struct stage *stage = ctx;
    return stage->fail_each && ++stage->allocations % stage->fail_each == 0 ? NULL : malloc(size);
}

static void release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    (void)size;
    free(memory);
}

static struct lil_host *add_host(struct stage *stage, const char *name, const char *profile)
{
    struct lil_host_config config = {.profile = profile,
                                     .name = name,
                                     .seed = 5,
                                     .unpooled = true,
                                     .memory_limit_bytes = 64 << 20,
                                     .allocator = {allocate, release, stage}};
    struct lil_host *host = lil_world_host_config(stage->world, &config);
    if (!host)
        abort();
    return host;
}

void stage_begin(struct stage *stage, struct choices *c, const char *profile)
{
    unsigned fail_each = choose(c, 4) ? 0 : 20 + choose(c, 400);
    *stage = (struct stage){.world = lil_world_new(9)};
    if (!stage->world)
        abort();
    stage->hosts[0] = add_host(stage, "a", profile);
    stage->hosts[1] = add_host(stage, "b", choose(c, 2) ? profile : "linux");
    stage->link = lil_world_link(stage->world, stage->hosts[0], "10.0.0.1/24", stage->hosts[1], "10.0.0.2/24", NULL);
    for (int i = 0; i < 2; i++) {
        (void)lil_address_add(stage->hosts[i], lil_interface_index(stage->hosts[i], "eth0"),
                              i ? "fd00::2/64" : "fd00::1/64");
        stage->procs[i] = lil_proc_new(stage->hosts[i]);
        if (!stage->link || !stage->procs[i])
            abort();
        lil_proc_set_limit(stage->procs[i], DESCRIPTORS);
        lil_proc_set_uid(stage->procs[i], choose(c, 4) ? 0 : 1000);
    }
    stage->fail_each = fail_each;
}

void stage_run(struct stage *stage, uint64_t ns)
{
    lil_world_run(stage->world, lil_world_now(stage->world) + ns);
}

void stage_end(struct stage *stage, struct choices *c)
{
    for (int i = 0; i < 2; i++)
        if (choose(c, 2))
            lil_proc_free(stage->procs[i]);
    stage_run(stage, choose(c, 2) ? 0 : 400000000000);
    lil_world_free(stage->world);
}
