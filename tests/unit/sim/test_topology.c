/* test_topology.c: units, and the one-line errors of lab files with their places. */
#include "unit/check.h"
#include "sim/topology.h"

static void test_units(void **state)
{
    (void)state;
    const char *why;
    uint64_t value;
    uint32_t parts;
    assert_int_equal(topology_time("10ms", &value, &why), 0);
    assert_int_equal(value, 10 * NS_PER_MS);
    assert_int_equal(topology_time("1.5s", &value, &why), 0);
    assert_int_equal(value, 1500 * NS_PER_MS);
    assert_int_equal(topology_time("2 min", &value, &why), 0);
    assert_int_equal(value, 120 * NS_PER_S);
    assert_int_equal(topology_time("0", &value, &why), 0);
    assert_int_equal(value, 0);
    assert_int_equal(topology_time("10", &value, &why), -EINVAL);
    assert_int_equal(topology_time("ms", &value, &why), -EINVAL);
    assert_int_equal(topology_time("999999999999999999h", &value, &why), -EINVAL);
    assert_int_equal(topology_rate("10mbit", &value, &why), 0);
    assert_int_equal(value, 10000000);
    assert_int_equal(topology_rate("1.5 Mbit", &value, &why), 0);
    assert_int_equal(value, 1500000);
    assert_int_equal(topology_rate("1kbps", &value, &why), 0); /* tc: bytes */
    assert_int_equal(value, 8000);
    assert_int_equal(topology_percent("1%", &parts, &why), 0);
    assert_int_equal(parts, 42949672);
    assert_int_equal(topology_percent("100%", &parts, &why), 0);
    assert_int_equal(parts, UINT32_MAX);
    assert_int_equal(topology_percent("0.5", &parts, &why), 0);
    assert_int_equal(parts, 21474836);
    assert_int_equal(topology_percent("100.1%", &parts, &why), -EINVAL);
    assert_int_equal(lil_percent("0.5%"), 21474836);
    assert_int_equal(lil_percent("100"), UINT32_MAX);
}

struct bad {
    const char *yaml, *error;
};

static void test_errors(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"hosts:\n  a: {}\nlinks:\n  - {endpoints: [\"a:e0\", \"a:e1\"], latency: 10ms}\n",
         "x.yaml:4:35: unknown key \"latency\" in links[0]; did you mean \"delay\"?"},
        {"hosts:\n  a: {profil: linux}\n", "x.yaml:2:7: unknown key \"profil\" in hosts.a; did you mean \"profile\"?"},
        {"hosts:\n  a: {colour: red}\n",
         "x.yaml:2:7: unknown key \"colour\" in hosts.a; it may have profile, router, interfaces, "
         "routes, overrides, sysctls, neighbors, programs"},
        {"host: {}\n", "x.yaml:1:1: unknown key \"host\"; did you mean \"hosts\"?"},
        {"hosts: {a: {}}\ngeneral: {stop_time: 10}\n",
         "x.yaml:2:22: general.stop_time: \"10\": a time is a number with a unit: 10ms, 1.5s, 2min"},
        {"hosts: {a: {}}\nlinks: [{endpoints: [\"a:e\", \"b:e\"], loss: 101%}]\n",
         "x.yaml:2:43: links[0].loss: \"101%\": a chance is at most 100%"},
        {"hosts: {a: {}}\nlinks: [{delay: 1ms}]\n", "x.yaml:2:10: links[0] has no endpoints: [\"a:eth0\", \"b:eth0\"]"},
        {"hosts: {a: {}}\nlinks: [{endpoints: [\"a:e\", \"b:e\"], reorder: 1%}]\n",
         "x.yaml:2:10: links[0]: reorder needs a delay"},
        {"hosts: {a: {programs: [{args: x}]}}\n", "x.yaml:1:25: hosts.a.programs[0] has no path"},
        {"hosts: {a: {interfaces: {eth0: {mtu: 10}}}}\n",
         "x.yaml:1:38: hosts.a.interfaces.eth0.mtu: \"10\": 68 to 65535 is wanted here"},
        {"hosts: [a, b]\n", "x.yaml:1:9: hosts should be a mapping {name: {...}}"},
        {"general: {seed: 1}\n", "x.yaml:1:1: a lab needs hosts"},
        {"", "x.yaml:1:1: the file is empty"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct topology *topology;
        char error[TOPOLOGY_ERROR] = "";
        int result = topology_parse(&topology, "x.yaml", cases[i].yaml, error);
        assert_string_equal(error, cases[i].error);
        assert_int_equal(result, -EINVAL);
        assert_null(topology);
    }
}

static void test_syntax(void **state)
{
    (void)state;
    struct topology *topology;
    char error[TOPOLOGY_ERROR];
    assert_int_equal(topology_parse(&topology, "x.yaml", "hosts:\n  a: {profile: linux\n  b: }\n", error), -EINVAL);
    assert_int_equal(strncmp(error, "x.yaml:3:", 9), 0);
    assert_null(strchr(error, '\n'));
}

static void test_whole(void **state)
{
    (void)state;
    struct topology *lab;
    char error[TOPOLOGY_ERROR] = "";
    static const char yaml[] =
        "general: {seed: 7, stop_time: 300s, time: virtual}\n"
        "profiles: {slow: {base: 4.4bsd, tcp.rto_min_ms: 500}}\n"
        "hosts:\n"
        "  a: {profile: slow, interfaces: {le0: [10.0.0.1/24, \"2001:db8::1/64\"]}, routes: {default: 10.0.0.254}}\n"
        "  b:\n"
        "    router: yes\n"
        "    interfaces: {e0: {address: 10.0.0.2/24, mtu: 1400, mac: \"02:00:00:00:00:09\"}}\n"
        "    programs:\n"
        "      - {path: builtin:echo, args: \"-p 7 -u\", start_time: 1s, expected_final_state: running}\n"
        "      - {path: builtin:ping, args: [\"10.0.0.1\"], expected_final_state: {exited: 0}}\n"
        "switches: {lan: {ports: [\"a:le0\"], delay: 1ms}}\n"
        "links: [{endpoints: [\"a:x\", \"b:e0\"], delay: 10ms, loss: 1%, rate: 10mbit, queue: 50}]\n"
        "events: [{at: 5s, link: \"b:e0\", down: true}]\n";
    int result = topology_parse(&lab, "x.yaml", yaml, error);
    assert_string_equal(error, "");
    assert_int_equal(result, 0);
    assert_int_equal(lab->seed, 7);
    assert_int_equal(lab->stop_ns, 300 * NS_PER_S);
    assert_int_equal(lab->host_count, 2);
    assert_string_equal(lab->profiles[0].base.text, "4.4bsd");
    assert_int_equal(lab->profiles[0].overrides.count, 1);
    assert_int_equal(lab->hosts[0].interfaces[0].addresses.count, 2);
    assert_true(lab->hosts[1].router);
    assert_int_equal(lab->hosts[1].interfaces[0].mtu, 1400);
    assert_int_equal(lab->hosts[1].program_count, 2);
    assert_int_equal(lab->programs[0].arguments.count, 3);
    assert_string_equal(lab->programs[0].arguments.items[2].text, "-u");
    assert_int_equal(lab->programs[0].start_ns, NS_PER_S);
    assert_int_equal(lab->programs[0].final, TOPOLOGY_RUNNING);
    assert_int_equal(lab->programs[1].final, TOPOLOGY_EXITED);
    assert_int_equal(lab->link_count, 2);
    assert_int_equal(lab->links[0].to_switch, 0);
    assert_int_equal(lab->links[0].config.delay_ns, NS_PER_MS);
    assert_int_equal(lab->links[1].to_switch, -1);
    assert_int_equal(lab->links[1].config.queue_packets, 50);
    assert_int_equal(lab->event_count, 1);
    assert_true(lab->events[0].config.down);
    topology_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_units), cmocka_unit_test(test_errors),
                                       cmocka_unit_test(test_syntax), cmocka_unit_test(test_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
