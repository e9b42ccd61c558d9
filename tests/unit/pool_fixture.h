/* pool_fixture.h: the pool of a test program, and the two functions that cmocka_run_group_tests() takes to make it and
 * to see that every packet came back. */
#ifndef TEST_POOL_FIXTURE_H
#define TEST_POOL_FIXTURE_H
#include "base/buf.h"

static struct pool *pool;

static int pool_setup(void **state)
{
    (void)state;
    pool = pool_new(NULL);
    return pool ? 0 : -1;
}

static int pool_teardown(void **state)
{
    (void)state;
    struct pool_stats stats;
    pool_get_stats(pool, &stats);
    int leaked = stats.packets_now != 0;
    pool_unref(pool);
    return leaked;
}

#endif
