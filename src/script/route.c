/* route.c: `ip route ...`, `ip link set ...` and their like, as they change the virtual host. */
#include <stdlib.h>
#include <string.h>
#include "host/host.h"
#include "script/shell.h"

static bool is_prefix_of(const char *word, const char *whole, size_t least)
{
    return strlen(word) >= least && strncmp(word, whole, strlen(word)) == 0;
}

static void forget(struct run *run, const char *destination)
{
    for (struct shell_variable **at = &run->routes; *at;)
        if (strcmp((*at)->name, destination) == 0)
            *at = (*at)->next;
        else
            at = &(*at)->next;
}

/* ip route's words become lil_route_add's: "via" goes, bookkeeping goes; metrics stay. */
static int change_route(struct shell *shell, const char *verb, bool is_v6, int argc, char **argv)
{
    char way[400] = "", metrics[256] = "";
    const char *destination = argc > 0 ? argv[0] : "default", *gateway = "", *device = " dev tun0", *kind = "";
    int i = 1;
    if (argc > 1 && (strcmp(argv[0], "unreachable") == 0 || strcmp(argv[0], "prohibit") == 0 || strcmp(argv[0], "blackhole") == 0)) {
        kind = argv[0];
        destination = argv[1];
        i = 2;
    }
    for (; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "via") == 0) {
            gateway = next;
            i++;
        } else if (strcmp(argv[i], "proto") == 0 || strcmp(argv[i], "scope") == 0 || strcmp(argv[i], "table") == 0 ||
                   strcmp(argv[i], "dev") == 0 || strcmp(argv[i], "pref") == 0) {
            i++;
        } else if (is_prefix_of(verb, "delete", 1)) {
            continue; /* what it had does not matter */
        } else if (strcmp(argv[i], "onlink") != 0) {
            size_t used = strlen(metrics);
            snprintf(metrics + used, sizeof metrics - used, " %s", argv[i]);
        }
    }
    if (is_v6 && strcmp(destination, "default") == 0)
        destination = "::/0";
    if (!is_prefix_of(verb, "add", 1) || is_prefix_of(verb, "append", 2))
        forget(shell->run, destination);
    if (is_prefix_of(verb, "delete", 1)) {
        (void)lil_route_delete(shell->run->host, destination);
        return 0;
    }
    if (!is_prefix_of(verb, "add", 1) || is_prefix_of(verb, "append", 2))
        (void)lil_route_delete(shell->run->host, destination);
    if (*kind)
        snprintf(way, sizeof way, "%s", kind);
    else
        snprintf(way, sizeof way, "%s%s%s", gateway, *gateway ? device : device + 1, metrics);
    if (lil_route_add(shell->run->host, destination, way) < 0)
        run_skip(shell->run, "command: ip route %s \"%s\" is not known here", destination, way);
    struct shell_variable *route = arena_alloc(&shell->run->script.arena, sizeof *route);
    *route = (struct shell_variable){.next = shell->run->routes,
                                     .name = destination,
                                     .value = arena_copy(&shell->run->script.arena, way, strlen(way))};
    shell->run->routes = route;
    return 0;
}

/* ip link set [dev] tun0 ...: of other devices, and of what is added, nothing shows; a tunnel would. */
static int change_link(struct shell *shell, const char *verb, int argc, char **argv)
{
    static const char *const tunnels[] = {"gre",   "gretap", "ip6gre",    "ipip", "ip6tnl", "sit",
                                          "vxlan", "geneve", "wireguard", "vti",  "xfrm"};
    const char *device = argc > 1 && strcmp(argv[0], "dev") == 0 ? argv[1] : argc ? argv[0] : "";
    for (int i = 0; i + 1 < argc && is_prefix_of(verb, "add", 1); i++)
        for (unsigned k = 0; strcmp(argv[i], "type") == 0 && k < ARRAY_COUNT(tunnels); k++)
            if (strcmp(argv[i + 1], tunnels[k]) == 0)
                run_skip(shell->run, "command: tunnels (%s) are not supported", tunnels[k]);
    if (strcmp(device, "tun0") != 0)
        return 0;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "mtu") == 0 && i + 1 < argc)
            return lil_interface_set_mtu(shell->run->host, shell->run->ifindex, (unsigned)atoi(argv[i + 1])) < 0;
        if (strcmp(argv[i], "up") == 0 || strcmp(argv[i], "down") == 0)
            return lil_interface_set_up(shell->run->host, shell->run->ifindex, argv[i][0] == 'u') < 0;
    }
    return 0;
}

/* `ip tcp_metrics`: what is kept of peers (tcp/tcp_metrics.c), in iproute2's words. */
struct metrics_view {
    struct shell_io *io;
    const struct addr *only;
    uint64_t now_ns;
};

static void print_metrics(void *ctx, const struct tcp_metrics *metrics)
{
    const struct metrics_view *view = ctx;
    char remote[ADDR_TEXT], local[ADDR_TEXT];
    uint64_t age_ms = (view->now_ns - metrics->stamp_ns) / 1000000;
    if (view->only && !addr_equal(view->only, &metrics->remote))
        return;
    shell_print(view->io, "%s age %u.%03usec", addr_print(&metrics->remote, remote), (unsigned)(age_ms / 1000), (unsigned)(age_ms % 1000));
    const struct {
        const char *name;
        uint32_t value;
    } numbers[] = {{"ssthresh", metrics->ssthresh}, {"cwnd", metrics->cwnd}, {"reordering", metrics->reordering}};
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++)
        if (numbers[i].value)
            shell_print(view->io, " %s %u", numbers[i].name, numbers[i].value);
    if (metrics->srtt_us)
        shell_print(view->io, " rtt %uus", metrics->srtt_us >> 3);
    if (metrics->rttvar_us)
        shell_print(view->io, " rttvar %uus", metrics->rttvar_us >> 2);
    if (metrics->fastopen_mss)
        shell_print(view->io, " fo_mss %u", metrics->fastopen_mss);
    for (unsigned i = 0; i < metrics->cookie_length; i++)
        shell_print(view->io, "%s%02x", i ? "" : " fo_cookie ", metrics->cookie[i]);
    shell_print(view->io, " source %s\n", addr_print(&metrics->local, local));
}

static int change_metrics(struct shell *shell, const char *verb, int argc, char **argv, struct shell_io *io)
{
    struct tcp *tcp = host_tcp(shell->run->host);
    bool flushes = is_prefix_of(verb, "flush", 1), deletes = is_prefix_of(verb, "delete", 1);
    const char *word = argc > 1 && strcmp(argv[0], "address") == 0 ? argv[1] : argc > 0 ? argv[0] : "all";
    struct addr one;
    const struct addr *only = strcmp(word, "all") == 0 || strcmp(word, "any") == 0 ? NULL : &one;
    if (!(flushes || deletes || is_prefix_of(verb, "show", 1) || is_prefix_of(verb, "list", 1) || is_prefix_of(verb, "lst", 1)))
        return 255;
    if (only && addr_parse(word, &one) < 0)
        return 1;
    if (deletes && (!only || tcp_metrics_forget(tcp, only) == 0))
        return only ? 2 : 255;
    if (flushes)
        (void)tcp_metrics_forget(tcp, only);
    if (flushes || deletes)
        return 0;
    struct metrics_view view = {io, only, host_now(shell->run->host)};
    tcp_metrics_each(tcp, print_metrics, &view);
    return 0;
}

int shell_route(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    bool is_v6 = false;
    for (; i < argc && argv[i][0] == '-'; i++)
        is_v6 |= strcmp(argv[i], "-6") == 0;
    const char *object = i < argc ? argv[i] : "", *verb = i + 1 < argc ? argv[i + 1] : "show";
    bool looks = is_prefix_of(verb, "show", 1) || is_prefix_of(verb, "list", 1) || is_prefix_of(verb, "get", 1) ||
                 is_prefix_of(verb, "flush", 1);
    if (is_prefix_of(object, "tcp_metrics", 2) || is_prefix_of(object, "tcpmetrics", 4))
        return change_metrics(shell, verb, argc - i - 2, argv + i + 2, io);
    if (looks && !is_prefix_of(verb, "flush", 1))
        shell_show(shell, object, verb, is_v6, argc - i - 2, argv + i + 2, io);
    if (looks)
        return 0;
    if (is_prefix_of(object, "route", 1))
        return change_route(shell, verb, is_v6, argc - i - 2, argv + i + 2);
    if (is_prefix_of(object, "link", 1))
        return change_link(shell, verb, argc - i - 2, argv + i + 2);
    if (is_prefix_of(object, "address", 1) && i + 2 < argc) {
        if (is_prefix_of(verb, "add", 1) || is_prefix_of(verb, "replace", 1))
            return lil_address_add(shell->run->host, shell->run->ifindex, argv[i + 2]) < 0;
        return lil_address_delete(shell->run->host, shell->run->ifindex, argv[i + 2]) < 0;
    }
    run_skip(shell->run, "command: ip %s %s is not known here", object, verb);
}
