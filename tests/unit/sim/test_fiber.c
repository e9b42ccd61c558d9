/* test_fiber.c: fibers interleave, keep their errno, end early, and reuse stacks. */
#include <stdlib.h>
#include "unit/check.h"
#include "sim/fiber.h"

static struct fiber_set set;
static char story[256];

struct teller {
    char letter;
    int rounds, error;
};

static void tell(void *argument)
{
    struct teller *teller = argument;
    for (int i = 0; i < teller->rounds; i++) {
        size_t length = strlen(story);
        snprintf(story + length, sizeof(story) - length, "%c%d ", teller->letter, i);
        errno = teller->error;
        fiber_suspend(&set);
        assert_int_equal(errno, teller->error);
    }
}

static void test_interleave(void **state)
{
    (void)state;
    fiber_set_init(&set);
    story[0] = 0;
    struct teller a = {'a', 3, EINTR}, b = {'b', 2, EPIPE};
    struct fiber *fa = fiber_new(&set, tell, &a), *fb = fiber_new(&set, tell, &b);
    assert_false(fiber_is_started(fa));
    errno = ERANGE;
    while (!fiber_is_done(fa) || !fiber_is_done(fb)) {
        if (!fiber_is_done(fa))
            assert_int_equal(fiber_resume(fa), 0);
        if (!fiber_is_done(fb))
            assert_int_equal(fiber_resume(fb), 0);
    }
    assert_int_equal(errno, ERANGE);
    assert_string_equal(story, "a0 b0 a1 b1 a2 ");
    fiber_free(fa);
    fiber_free(fb);
    assert_int_equal(set.stacks_mapped, 2);
    fiber_set_fini(&set);
}

static int depth_sum(int n) /* real frames, and floating point across a switch */
{
    volatile char frame[512];
    frame[0] = (char)n;
    fiber_suspend(&set);
    return n ? depth_sum(n - 1) + frame[0] : 0;
}

static void dive(void *argument)
{
    double half = 0.5;
    *(int *)argument = depth_sum(50);
    char text[64];
    snprintf(text, sizeof(text), "%.2f", half + *(int *)argument);
    assert_string_equal(text, "1275.50");
}

static void test_deep(void **state)
{
    (void)state;
    fiber_set_init(&set);
    int sum = 0, resumes = 0;
    struct fiber *fiber = fiber_new(&set, dive, &sum);
    for (; !fiber_is_done(fiber); resumes++)
        assert_int_equal(fiber_resume(fiber), 0);
    assert_int_equal(sum, 1275);
    assert_int_equal(resumes, 52);
    fiber_free(fiber);
    fiber_set_fini(&set);
}

static __attribute__((noinline)) void leave_inside(const char *reason)
{
    assert_string_equal(reason, "kill");
    fiber_exit(&set);
}

static void exits(void *argument)
{
    leave_inside("kill");
    *(bool *)argument = true;
}

static void test_exit_and_many(void **state)
{
    (void)state;
    fiber_set_init(&set);
    bool returned = false;
    for (int i = 0; i < 10000; i++) { /* one stack serves all */
        struct fiber *fiber = fiber_new(&set, exits, &returned);
        assert_int_equal(fiber_resume(fiber), 0);
        assert_true(fiber_is_done(fiber));
        fiber_free(fiber);
    }
    assert_false(returned);
    assert_int_equal(set.stacks_mapped, 1);
    struct teller a = {'z', 3, EINTR};
    struct fiber *forgotten = fiber_new(&set, tell, &a); /* suspended, then freed where it stands */
    assert_int_equal(fiber_resume(forgotten), 0);
    fiber_free(forgotten);
    struct fiber *never = fiber_new(&set, tell, &a);
    fiber_free(never);
    fiber_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interleave), cmocka_unit_test(test_deep),
                                       cmocka_unit_test(test_exit_and_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
