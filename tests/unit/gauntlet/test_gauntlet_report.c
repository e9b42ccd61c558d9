/* test_gauntlet_report.c: the gauntlet's baseline: what --record writes is what --expect reads; each kind of difference is told. */
#include "unit/check.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/base.h"
#include "gauntlet/attempt.h"

static const char *const names[] = {"fine", "refused", "silent", "crash"};
enum { COUNT = 4 };
static char file[] = "/tmp/lilliput-baseline-XXXXXX";
static struct attempt all[COUNT];

static int setup(void **state)
{
    int fd = mkstemp(file);
    (void)state;
    if (fd < 0)
        return -1;
    close(fd);
    memset(all, 0, sizeof all);
    all[1] = (struct attempt){.status = 7 << 8, .error = ECONNREFUSED, .call = "connect", .virtual_ns = 40 * NS_PER_MS};
    all[2] = (struct attempt){.hung = true, .waiting = "poll", .virtual_ns = 9000 * NS_PER_S};
    all[3] = (struct attempt){.status = SIGSEGV, .virtual_ns = 3 * NS_PER_S};
    return report_record(file, names, all, COUNT);
}

static int teardown(void **state)
{
    (void)state;
    unlink(file);
    strcpy(file, "/tmp/lilliput-baseline-XXXXXX");
    return 0;
}

static void test_as_recorded(void **state)
{
    (void)state;
    assert_int_equal(report_expect(file, names, all, COUNT), 0);
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(all[i].unexpected, ""); /* a hang that is expected is no failure */
}

static void expect_one(int which)
{
    assert_int_equal(report_expect(file, names, all, COUNT), 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(all[i].unexpected[0] != 0, i == which);
}

static void test_differences(void **state)
{
    (void)state;
    all[0].status = 1 << 8; /* another exit status */
    expect_one(0);
    all[0].status = 0;
    all[1].error = ETIMEDOUT; /* another errno */
    expect_one(1);
    all[1].error = ECONNREFUSED;
    all[1].virtual_ns = 2 * NS_PER_S; /* longer than the recorded second */
    expect_one(1);
    all[1].virtual_ns = NS_PER_MS; /* shorter is no difference */
    all[2].hung = false; /* no hang any more */
    expect_one(2);
    all[2].hung = true;
    all[3].status = SIGABRT; /* another signal */
    expect_one(3);
    all[3].status = SIGSEGV;
    all[0].broken = true;
    expect_one(0);
}

static void test_not_there(void **state)
{
    const char *const other[] = {"blackhole"};
    (void)state;
    assert_int_equal(report_expect(file, other, all, 1), 1);
    assert_string_equal(all[0].unexpected, "is not in the baseline");
}

/* What can be no baseline is told before the run, with its line. */
static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *why;
    } tries[] = {{"refused: {exit: 7, errno: ECONNREFUSED, virtual: 1}\nblackhole: {exit: HANG}\n", NULL},
                 {"refused: {exit: 7}\nrefusd: {exit: 0}\n", ":2: there is no case \"refusd\"; did you mean \"refused\"?"},
                 {"refused: {exit: 7, errno\n", ":2:1: missing comma"},
                 {"refused: {exit: 7}\nrefused: {exit: 7}\n", ":2:1: duplicate key"},
                 {"", "it has no case"},
                 {"- refused\n", "lines as"},
                 {"refused: 7\n", ":1: refused: {exit: ..., errno: ..., virtual: ...} is wanted"},
                 {"refused: {exit: 7, virtual: soon}\n", "virtual: a number of seconds is wanted"},
                 {"refused: {errno: none}\n", "its exit is wanted"},
                 {"refused: {exit: 0, erno: none}\n", "\"erno\": exit, errno or virtual is wanted"}};
    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(tries); i++) {
        char error[REPORT_ERROR] = "";
        FILE *out = fopen(file, "w");
        assert_non_null(out);
        fputs(tries[i].text, out);
        fclose(out);
        assert_int_equal(report_check(file, error), tries[i].why ? -EINVAL : 0);
        if (tries[i].why && !strstr(error, tries[i].why))
            fail_msg("%s: %s", tries[i].text, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_as_recorded, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_differences, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_not_there, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
