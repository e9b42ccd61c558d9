/* test_batch.c: scripts in worker processes: their order, and what one that does not end costs the others; calls that do not end. */
#include "unit/check.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "script/batch.h"

static char folder[64], order[16];

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void on_result(void *ctx, const struct batch_job *job, unsigned done, unsigned count)
{
    (void)ctx;
    assert_true(done <= count);
    size_t used = strlen(order);
    order[used] = "PFS"[job->report.outcome];
    order[used + 1] = 0;
}

static void run(struct batch *batch, unsigned workers)
{
    struct script_config config;
    script_config_init(&config);
    batch->config = &config;
    batch->workers = workers;
    batch->on_result = on_result;
    order[0] = 0;
    batch_run(batch);
    batch->config = NULL;
}

static void fill(struct batch *batch)
{
    for (int i = 0; i < 5; i++)
        batch_add(batch, path_of(i == 1 ? "fails.pkt" : i == 3 ? "skips.pkt" : "passes.pkt"), SCRIPT_IPV4, false);
    batch_add_failure(batch, path_of("gone.pkt"), "cannot read: no");
}

static void test_order(void **state)
{
    (void)state;
    for (unsigned workers = 0; workers < 4; workers++) {
        struct batch batch = {0};
        fill(&batch);
        run(&batch, workers);
        assert_string_equal(order, "PFPSPF");
        assert_string_equal(batch.jobs[5].report.message, "cannot read: no");
        batch_fini(&batch);
    }
}

/* A file that nobody writes to is read for ever; the others have their results. */
static void test_one_hangs(void **state)
{
    (void)state;
    struct batch batch = {0};
    assert_int_equal(mkfifo(path_of("hangs.pkt"), 0600), 0);
    batch_add(&batch, path_of("passes.pkt"), SCRIPT_IPV4, false);
    batch_add(&batch, path_of("hangs.pkt"), SCRIPT_IPV4, false);
    batch_add(&batch, path_of("passes.pkt"), SCRIPT_IPV6, false);
    batch.limit_s = 3; /* the others need milliseconds, even on a busy machine */
    run(&batch, 1);
    assert_string_equal(order, "PFP");
    assert_string_equal(batch.jobs[1].report.message, "did not end within 3 s of real time");
    batch_fini(&batch);
    unlink(path_of("hangs.pkt"));
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* FreeBSD's host has timers that go on for ever: a call that nothing wakes ends all the same. */
static void test_waits_for_ever(void **state)
{
    static const char *const reads[] = {"+0 read(4, ..., 1000) = 0\n", "+0...1 read(4, ..., 1000) = 0\n"};
    struct script_config config;
    struct script_report report;
    char text[600];
    (void)state;
    script_config_init(&config);
    config.profile = "freebsd";
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text,
                 "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
                 "+0 < S 0:0(0) win 65535 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>\n+0 < . 1:1(0) ack 1 win 1000\n"
                 "+0 accept(3, ..., ...) = 4\n+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n+0 < . 1:1(0) ack 2 win 1000\n%s",
                 reads[i]);
        script_run_text("waits", text, &config, &report);
        assert_int_equal(report.outcome, SCRIPT_FAILED);
        assert_non_null(strstr(report.message, i ? "is still waiting" : "waits for ever"));
    }
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/lilliput-batch-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    put("passes.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
    put("fails.pkt", "0 close(3) = 0\n");
    put("skips.pkt", "0 `frobnicate`\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path_of("passes.pkt"));
    unlink(path_of("fails.pkt"));
    unlink(path_of("skips.pkt"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_one_hangs),
                                        cmocka_unit_test(test_waits_for_ever)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
