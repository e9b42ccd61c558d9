/* memory.h: an allocator for tests: counts what is out, and fails at the n-th call. */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H
#include <stdlib.h>
#include "base/base.h"
#include "base/buf.h"

struct memory {
    int64_t out;      /* bytes not released */
    uint64_t calls;
    uint64_t fail_at; /* the call that fails, and every later one when STICKY; 0: none */
    bool sticky;
};
static inline void *memory_allocate(void *ctx, size_t size)
{
    struct memory *m = ctx;
    m->calls++;
    if (m->fail_at && (m->calls == m->fail_at || (m->sticky && m->calls > m->fail_at)))
        return NULL;
    m->out += (int64_t)size;
    return malloc(size);
}
static inline void memory_release(void *ctx, void *memory, size_t size)
{
    struct memory *m = ctx;
    m->out -= (int64_t)size;
    free(memory);
}
static inline struct pool *memory_pool(struct memory *m, uint64_t limit, bool direct)
{
    return pool_new(&(struct pool_config){.allocate = memory_allocate, .release = memory_release, .ctx = m,
                                          .limit_bytes = limit, .direct = direct});
}
static inline uint64_t pool_bytes(const struct pool *pool)
{
    struct pool_stats stats;
    pool_get_stats(pool, &stats);
    return stats.bytes_now;
}

/* SCENARIO once for each allocation that fails in it, alone or with all after it: it says that it failed, and leaves nothing. It makes
 * at least LEAST of them. */
static inline void memory_fail_each(bool (*scenario)(struct pool *pool), uint64_t least)
{
    for (int mode = 0; mode < 4; mode++) {
        bool done = false;
        uint64_t n;
        for (n = 1; !done; n++) {
            struct memory m = {.fail_at = n, .sticky = mode & 1};
            struct pool *pool = memory_pool(&m, 0, mode & 2);
            bool ok = pool && scenario(pool);
            done = m.calls < n;
            assert_true(ok || !done);
            if (pool) {
                struct pool_stats stats;
                pool_get_stats(pool, &stats);
                assert_int_equal(stats.bytes_now, 0);
                assert_true(ok || stats.failures);
            }
            pool_unref(pool);
            assert_int_equal(m.out, 0);
        }
        assert_true(n > least);
    }
}

#endif
