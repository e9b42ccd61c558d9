/* devices.c: programs of `commands` that set up the one device: tc, ifconfig, ethtool. */
#include <stdlib.h>
#include <string.h>
#include "script/programs/programs.h"

static double scaled(const char *text, const char *const *units, const double *factors, unsigned count)
{
    char *unit;
    double number = strtod(text, &unit);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(unit, units[i]) == 0)
            return number * factors[i];
    return unit > text && !*unit ? number * factors[0] : -1;
}

/* tc-netem(8): a delay, a rate, and loss of all or nothing; what chance decides makes the script skipped. */
static int do_netem(struct shell *shell, int argc, char **argv)
{
    static const char *const times[] = {"us", "usec", "usecs", "ms", "msec", "msecs", "s", "sec", "secs"}, *const shares[] = {"%"};
    static const double ns[] = {1e3, 1e3, 1e3, 1e6, 1e6, 1e6, 1e9, 1e9, 1e9}, whole[] = {1};
    static const char *const rates[] = {"bit", "kbit", "mbit", "gbit", "bps", "kbps", "mbps", "gbps", "kibit", "mibit"};
    static const double bytes[] = {.125, 125, 125e3, 125e6, 1, 1e3, 1e6, 1e9, 128, 131072};
    struct run *run = shell->run;
    double delay = 0, loss = 0, rate = 0;
    for (int i = 0; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "delay") == 0 || strcmp(argv[i], "latency") == 0)
            delay = scaled(value, times, ns, ARRAY_COUNT(times));
        else if (strcmp(argv[i], "loss") == 0 || strcmp(argv[i], "drop") == 0)
            loss = scaled(value, shares, whole, 1);
        else if (strcmp(argv[i], "rate") == 0)
            rate = scaled(value, rates, bytes, ARRAY_COUNT(rates));
        else if (strcmp(argv[i], "limit") != 0)
            run_skip(run, "command: tc netem %s is not known here", argv[i]);
    }
    if (delay < 0 || rate < 0 || (loss != 0 && loss != 100))
        run_skip(run, "command: tc netem: only a fixed delay and a loss of 0%% or 100%% are known here");
    run->netem_delay_ns = (uint64_t)delay;
    run->netem_loses = loss == 100;
    run->netem_rate = (uint64_t)rate;
    return 0;
}

static int do_tc(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const char *const disturbing[] = {"tbf", "htb", "police", "filter", "clsact", "ingress"};
    bool is_root = false;
    (void)io;
    for (int i = 1; i < argc; i++) {
        is_root |= strcmp(argv[i], "root") == 0;
        if (strcmp(argv[i], "dev") == 0 && i + 1 < argc && strcmp(argv[i + 1], "tun0") != 0)
            return 0; /* no other device is there */
        if (strcmp(argv[i], "netem") == 0 && is_root)
            return do_netem(shell, argc - i - 1, argv + i + 1);
        if (strcmp(argv[i], "netem") == 0)
            run_skip(shell->run, "command: tc netem is known at the root alone");
    }
    if (is_root) { /* deleted, or another kind in its place */
        shell->run->netem_delay_ns = shell->run->netem_rate = 0;
        shell->run->netem_loses = false;
    }
    for (int i = 1; i < argc; i++)
        for (unsigned j = 0; j < ARRAY_COUNT(disturbing); j++)
            if (strcmp(argv[i], disturbing[j]) == 0)
                run_skip(shell->run, "command: tc %s is not known here", argv[i]);
    return 0;
}

/* ifconfig tun0 mtu N, up, down, [inet|inet6] ADDRESS [alias|delete]: Linux's and FreeBSD's; offloads and queues do not show. */
static int do_ifconfig(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct run *run = shell->run;
    (void)io;
    if (argc > 1 && strcmp(argv[1], "tun0") != 0)
        return 0; /* no other device is there */
    for (int i = 2; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";
        struct addr address;
        int result = 0;
        if (strcmp(word, "mtu") == 0 || strcmp(word, "txqueuelen") == 0)
            result = word[0] == 'm' ? lil_interface_set_mtu(run->host, run->ifindex, (unsigned)atoi(argv[++i])) : (i++, 0);
        else if (strcmp(word, "up") == 0 || strcmp(word, "down") == 0)
            result = lil_interface_set_up(run->host, run->ifindex, word[0] == 'u');
        else if (strchr(word, '/') && addr_parse(arena_copy(&run->script.arena, word, strcspn(word, "/")), &address) == 0)
            result = next[0] == 'd' || next[0] == '-' ? lil_address_delete(run->host, run->ifindex, word)
                                                      : lil_address_add(run->host, run->ifindex, word);
        else if (word[0] != '-' && strncmp(word, "inet", 4) != 0 && strcmp(word, "alias") != 0 && strcmp(word, "delete") != 0 &&
                 strcmp(word, "add") != 0 && !strstr(word, "csum") && !strstr(word, "tso") && strcmp(word, "lro") != 0)
            run_skip(run, "command: ifconfig %s is not known here", word);
        if (result < 0)
            return 1;
    }
    return 0;
}

static int do_ethtool(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const char *const features[] = {"rx-checksumming",
                                           "tx-checksumming",
                                           "scatter-gather",
                                           "tcp-segmentation-offload",
                                           "generic-segmentation-offload",
                                           "generic-receive-offload",
                                           "large-receive-offload"};
    static const char *const shorts[] = {"rx", "tx", "sg", "tso", "gso", "gro", "lro"};
    struct run *run = shell->run;
    if (argc > 2 && strcmp(argv[1], "-k") == 0) {
        shell_print(io, "Features for %s:\n", argv[2]);
        for (unsigned i = 0; i < ARRAY_COUNT(features); i++)
            shell_print(io, "%s: %s\n", features[i], run->features_off & 1u << i || i == 6 ? "off" : "on");
        return 0;
    }
    for (int i = 3; argc > 2 && strcmp(argv[1], "-K") == 0 && i + 1 < argc; i += 2)
        for (unsigned k = 0; k < ARRAY_COUNT(features); k++)
            if (strcmp(argv[i], shorts[k]) == 0 || strcmp(argv[i], features[k]) == 0)
                run->features_off = strcmp(argv[i + 1], "off") == 0 ? run->features_off | 1u << k : run->features_off & ~(1u << k);
    if (argc > 1 && argv[1][0] == '-' && !strchr("KGLNXCsAa", argv[1][1]))
        run_skip(run, "command: ethtool %s is not known here", argv[1]);
    return 0;
}

bool shell_devices(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"tc", do_tc}, {"ifconfig", do_ifconfig}, {"ethtool", do_ethtool},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
