/* test_profile.c: personalities by name: every value parses, prints back to itself, has a source; FACTS' sourced cells are asserted. */
#include "unit/check.h"
#include "host/profile_table.h"
#include "lilliput/host.h"

const char *profile_field_name(unsigned index);

static void every_override_parses(void **state)
{
    (void)state;
    const struct profile_source *const groups[] = {profile_bsd, profile_linux, profile_other, profile_listen};
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++)
        for (const struct profile_source *s = groups[g]; s->name; s++) {
            struct profile copy = *profile_find(s->name);
            for (unsigned i = 0; i < s->count; i++) {
                const struct profile_override *o = &s->overrides[i];
                if (profile_set(&copy, profile_field_name(o->field), o->value) != 0)
                    fail_msg("%s: %s = %s does not parse", s->name, profile_field_name(o->field), o->value);
                assert_true(o->source[0] && strchr("HML", o->confidence[0]));
                for (unsigned j = 0; j < i; j++)
                    if (s->overrides[j].field == o->field)
                        fail_msg("%s: %s is set twice", s->name, profile_field_name(o->field));
            }
            copy.summary = NULL;
            struct profile want = *profile_find(s->name);
            want.summary = NULL;
            assert_memory_equal(&copy, &want, sizeof copy);
        }
}

static void every_value_prints_and_parses_back(void **state)
{
    (void)state;
    for (const char *const *name = lil_profile_names(); *name; name++)
        for (unsigned i = 0; profile_field_name(i); i++) {
            struct profile copy = *profile_find(*name);
            char text[256], again[256];
            assert_int_equal(profile_get(&copy, profile_field_name(i), text, sizeof text), 0);
            if (profile_set(&copy, profile_field_name(i), text) != 0)
                fail_msg("%s: %s = \"%s\" does not parse back", *name, profile_field_name(i), text);
            assert_int_equal(profile_get(&copy, profile_field_name(i), again, sizeof again), 0);
            assert_string_equal(text, again);
        }
}

static void roots_set_every_time_and_size(void **state)
{
    (void)state;
    static const char *const must[] = {"tcp.rto_max_ms", "tcp.time_wait_ms",      "tcp.rcvbuf",
                                       "tcp.sndbuf",     "tcp.mss_default",       "tcp.ttl",
                                       "ip.ttl",         "tcp.keepalive_idle_ms", "tcp.initial_window",
                                       "arp.max_asks",   "arp.reachable_ms",      "ip.frag_timeout_ms",
                                       "udp.rcvbuf",     "tcp.port_first",        "tcp.fin_wait2_ms",
                                       "tcp.delack_ms",  "nd.retrans_ms",         "ip.no_route_error"};
    for (const char *const *name = lil_profile_names(); *name; name++)
        for (size_t i = 0; i < ARRAY_COUNT(must); i++) {
            char text[64];
            assert_int_equal(profile_get(profile_find(*name), must[i], text, sizeof text), 0);
            if (!strcmp(text, "0"))
                fail_msg("%s: %s is 0", *name, must[i]);
        }
}

/* FACTS 1 */
static void syn_schedules(void **state)
{
    (void)state;
    static const char *const want[][2] = {
        {"4.2bsd", "0,1,2,3,4,5.5,7.5,10.5,15.5,23.5,39.5 45"}, {"4.3bsd", "0,6,12,24 45"}, {"tahoe", "0,6,18,42 75"},
        {"4.4bsd", "0,6,30 75"}, {"freebsd", "0,1,3.2,7.4,15.6,31.8,64 75"}, {"macos", "0,1,2,3,4,5,7,11,19,35,67 75"},
        {"linux24", "0,3,9,21,45,93 189"}, {"linux61", "0,1,3,7,15,31,63 127"},
        {"linux", "0,1,2,3,4,5,7,11,19,35,67 131"}, {"windows", "0,1,3,7,15 21"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        char text[256];
        assert_int_equal(profile_get(profile_find(want[i][0]), "tcp.syn", text, sizeof text), 0);
        assert_string_equal(text, want[i][1]);
    }
    const struct tcp_schedule *s = &profile_find("4.4bsd")->tcp.syn;
    assert_int_equal(s->interval_ms[0], 6000);
    assert_int_equal(s->interval_ms[1], 24000);
    assert_int_equal(s->interval_ms[2], 45000);
    assert_int_equal(s->retries, 2);
    assert_int_equal(s->give_up_ms, 75000);
}

/* FACTS 2 */
static void icmp_columns(void **state)
{
    (void)state;
    const struct tcp_params *p42 = &profile_find("4.2bsd")->tcp, *p44 = &profile_find("4.4bsd")->tcp, *lx = &profile_find("linux")->tcp,
                            *fb = &profile_find("freebsd")->tcp;
    assert_int_equal(p42->icmp_policy, TCP_ICMP_ABORT_ALL);
    assert_int_equal(p42->icmp4[0].error, ENETUNREACH);
    assert_int_equal(p42->icmp4[5].action, TCP_ICMP_NOW);
    assert_int_equal(p42->icmp4[5].error, 0);
    assert_int_equal(p42->icmp4[9].action, TCP_ICMP_IGNORE);
    assert_int_equal(p44->icmp4[0].error, EHOSTUNREACH);
    assert_int_equal(p44->icmp4[13].action, TCP_ICMP_IGNORE);
    assert_int_equal(lx->icmp4[4].action, TCP_ICMP_PMTU);
    assert_int_equal(lx->icmp4[8].error, ENONET);
    assert_int_equal(fb->icmp4[13].action, TCP_ICMP_NOW);
    assert_int_equal(fb->icmp4[13].error, ECONNREFUSED);
    assert_int_equal(fb->icmp4[6].action, TCP_ICMP_BY_POLICY);
    assert_int_equal(profile_find("tahoe")->tcp.icmp_policy, TCP_ICMP_WAKE);
    assert_int_equal(profile_find("4.3bsd")->tcp.icmp_policy, TCP_ICMP_STORE);
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    struct profile p = *profile_find("linux");
    assert_int_equal(profile_set(&p, "tcp.no_such", "1"), -ENOENT);
    assert_int_equal(profile_set(&p, "tcp.ttl", "256"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.ttl", "-1"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.ttl", "6x"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.cc", "westwood"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.syn", "0,6,5 75"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.syn", "1,6 75"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.syn", "0,6 5"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.icmp4[3]", "now EWHAT"), -EINVAL);
    assert_int_equal(profile_set(&p, "tcp.icmp4[3]", "now ECONNRESET"), 0);
    assert_int_equal(p.tcp.icmp4[3].error, ECONNRESET);
    assert_null(profile_find("plan9"));
    assert_int_equal(lil_profile_each("plan9", NULL, NULL), -ENOENT);
}

static void count_sources(void *ctx, const char *name, const char *value, const char *source, const char *confidence)
{
    unsigned *counts = ctx;
    assert_non_null(name);
    assert_non_null(value);
    counts[!strncmp(source, "assumed", 7)]++;
    assert_true(strchr("HML", confidence[0]) != NULL);
}

static void inherited_values_are_marked(void **state)
{
    (void)state;
    unsigned counts[2] = {0};
    assert_int_equal(lil_profile_each("linux61", count_sources, counts), 0);
    assert_int_equal(counts[0], 5);
    assert_int_equal(counts[0] + counts[1], PROFILE_FIELD_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_override_parses), cmocka_unit_test(every_value_prints_and_parses_back),
        cmocka_unit_test(roots_set_every_time_and_size), cmocka_unit_test(syn_schedules), cmocka_unit_test(icmp_columns),
        cmocka_unit_test(bad_values_are_refused), cmocka_unit_test(inherited_values_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
