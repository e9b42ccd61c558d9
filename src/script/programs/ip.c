/* ip.c: `ip route ...`, `ip link set ...`, `ip tunnel ...` and their like, as they change the virtual host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/host.h"
#include "host/tunnel.h"
#include "script/programs/programs.h"

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

/* The number of a device; one that is not there is tun0 to the words that name it, for nothing of it would show. */
static int device_of(const struct run *run, const char *name)
{
    int ifindex = lil_interface_index(run->host, name);
    return ifindex > 0 ? ifindex : run->ifindex;
}

static const char *device_words(struct run *run, const char *name)
{
    return lil_interface_index(run->host, name) > 0 ? arena_printf(&run->script.arena, " dev %s", name) : " dev tun0";
}

/* `ip route ... encap mpls 100/200 ... dev gre1`: what goes that way gets these labels: a device of its own does that. */
static const char *labels_device(struct run *run, const char *labels, const char *device)
{
    char name[16];
    snprintf(name, sizeof name, "mpls%u", run->next_labels++);
    if (host_tunnel_add(run->host, name, arena_printf(&run->script.arena, "labels %s%s", labels, device)) < 0)
        run_skip(run, "command: ip route encap mpls %s%s is not known here", labels, device);
    return arena_printf(&run->script.arena, " dev %s", name);
}

/* ip route's words become lil_route_add's: "via" goes, bookkeeping goes; metrics stay. */
static int change_route(struct shell *shell, const char *verb, bool is_v6, int argc, char **argv)
{
    char way[400] = "", metrics[256] = "";
    const char *destination = argc > 0 ? argv[0] : "default", *gateway = "", *device = " dev tun0", *kind = "", *labels = NULL;
    struct addr own;
    int i = 1;
    if (argc > 1 && (strcmp(argv[0], "unreachable") == 0 || strcmp(argv[0], "prohibit") == 0 || strcmp(argv[0], "blackhole") == 0)) {
        kind = argv[0];
        destination = argv[1];
        i = 2;
    }
    for (; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "via") == 0) {
            i += i + 2 < argc && strncmp(next, "inet", 4) == 0 ? 2 : 1;
            gateway = argv[i];
            if (addr_parse(gateway, &own) == 0 && host_address_kind(shell->run->host, &own) == HOST_ADDR_LOCAL)
                gateway = ""; /* packetdrill's usual gateway is the local address here: over a TUN both are the same way */
        } else if (strcmp(argv[i], "dev") == 0) {
            device = device_words(shell->run, next);
            i++;
        } else if (strcmp(argv[i], "encap") == 0) {
            if (strcmp(next, "mpls") != 0 || i + 2 >= argc)
                run_skip(shell->run, "command: ip route encap %s is not known here", next);
            labels = argv[i += 2];
            i += i + 2 < argc && strcmp(argv[i + 1], "ttl") == 0 ? 2 : 0;
        } else if (strcmp(argv[i], "proto") == 0 || strcmp(argv[i], "scope") == 0 || strcmp(argv[i], "table") == 0 ||
                   strcmp(argv[i], "pref") == 0) {
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
    if (labels) {
        device = labels_device(shell->run, labels, device);
        gateway = "";
    }
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

/* --- tunnels ---------------------------------------------------------------------------------------------------------- */
static const char *join(struct run *run, int argc, char **argv)
{
    const char *words = "";
    for (int i = 0; i < argc; i++)
        words = arena_printf(&run->script.arena, "%s %s", words, argv[i]);
    return words;
}

static int add_tunnel(struct run *run, const char *name, const char *mode, int argc, char **argv)
{
    const char *words = join(run, argc, argv);
    int ifindex = host_tunnel_add(run->host, name, arena_printf(&run->script.arena, "%s%s", mode, words));
    if (ifindex == -EEXIST)
        return 2;
    if (ifindex < 0)
        run_skip(run, "command: a tunnel \"%s%s\" is not known here", mode, words);
    return lil_interface_set_up(run->host, ifindex, false) < 0; /* ip link set NAME up */
}

/* ip tunnel add NAME mode gre local A remote B ...; the words may come in any order. */
static int change_tunnel(struct shell *shell, const char *verb, bool is_v6, int argc, char **argv)
{
    const char *name = "", *mode = is_v6 ? "ip6ip6" : "";
    char *words[SHELL_WORDS];
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "mode") == 0 && i + 1 < argc)
            mode = argv[++i];
        else if (strcmp(argv[i], "name") == 0 && i + 1 < argc)
            name = argv[++i];
        else if (!*name && i == 0)
            name = argv[i];
        else
            words[count++] = argv[i];
    }
    if (is_prefix_of(verb, "add", 1))
        return add_tunnel(shell->run, name, strcmp(mode, "ip/ip") == 0 ? "ipip" : mode, count, words);
    int ifindex = lil_interface_index(shell->run->host, name);
    if (!is_prefix_of(verb, "delete", 1))
        run_skip(shell->run, "command: ip tunnel %s is not known here", verb);
    return ifindex < 0 ? 1 : lil_interface_set_up(shell->run->host, ifindex, false) < 0;
}

/* ip link add NAME type KIND ...: of devices that are no tunnels nothing shows. */
static int add_link(struct shell *shell, int argc, char **argv)
{
    static const char *const tunnels[] = {"gre", "ip6gre", "ipip", "ip6tnl", "sit"};
    static const char *const others[] = {"gretap", "ip6gretap", "vxlan", "geneve", "wireguard", "vti", "vti6", "xfrm", "erspan", "gtp"};
    const char *name = argc > 1 && (strcmp(argv[0], "dev") == 0 || strcmp(argv[0], "name") == 0) ? argv[1] : argc ? argv[0] : "";
    int type = 0;
    while (type < argc && strcmp(argv[type], "type") != 0)
        type++;
    const char *kind = type + 1 < argc ? argv[type + 1] : "", *mode = kind;
    for (unsigned i = 0; i < ARRAY_COUNT(others); i++)
        if (strcmp(kind, others[i]) == 0)
            run_skip(shell->run, "command: tunnels (%s) are not supported", kind);
    bool is_tunnel = false;
    for (unsigned i = 0; i < ARRAY_COUNT(tunnels); i++)
        is_tunnel |= strcmp(kind, tunnels[i]) == 0;
    if (!is_tunnel)
        return 0;
    char *words[SHELL_WORDS];
    int count = 0;
    for (int i = type + 2; i < argc; i++) {
        if (strcmp(argv[i], "mode") != 0)
            words[count++] = argv[i];
        else if (i + 1 < argc && strncmp(argv[++i], "any", 3) != 0 && strcmp(kind, "ip6tnl") == 0)
            mode = argv[i];
    }
    for (int i = 0; i + 1 < type; i++) /* ip link add NAME mtu N type ... */
        if (strcmp(argv[i], "mtu") == 0) {
            words[count++] = argv[i];
            words[count++] = argv[i + 1];
        }
    return add_tunnel(shell->run, name, mode, count, words);
}

/* What the kernel makes when a tunnel's module comes: one for all that no other takes. */
static void make_fallback(struct run *run, const char *name)
{
    static const struct { const char *name, *mode; } all[] = {
        {"tunl0", "ipip"}, {"gre0", "gre"}, {"sit0", "sit"}, {"ip6tnl0", "ip6tnl encaplimit none"}, {"ip6gre0", "ip6gre encaplimit none"}};
    for (unsigned i = 0; i < ARRAY_COUNT(all); i++)
        if (strcmp(name, all[i].name) == 0 && lil_interface_index(run->host, name) < 0)
            (void)!host_tunnel_add(run->host, name, all[i].mode);
}

/* ip link set [dev] NAME ...: of devices that are not there nothing shows. */
static int change_link(struct shell *shell, const char *verb, int argc, char **argv)
{
    struct run *run = shell->run;
    if (is_prefix_of(verb, "add", 1))
        return add_link(shell, argc, argv);
    const char *device = argc > 1 && strcmp(argv[0], "dev") == 0 ? argv[1] : argc ? argv[0] : "";
    make_fallback(run, device);
    int ifindex = lil_interface_index(run->host, device);
    if (ifindex <= 0 || strcmp(device, "lo") == 0)
        return 0;
    if (is_prefix_of(verb, "delete", 1))
        return lil_interface_set_up(run->host, ifindex, false) < 0;
    for (int i = 0; i < argc; i++) {
        int result = 0;
        if (strcmp(argv[i], "mtu") == 0 && i + 1 < argc)
            result = lil_interface_set_mtu(run->host, ifindex, (unsigned)atoi(argv[++i]));
        else if (strcmp(argv[i], "up") == 0 || strcmp(argv[i], "down") == 0)
            result = lil_interface_set_up(run->host, ifindex, argv[i][0] == 'u');
        if (result < 0)
            return 2;
    }
    return 0;
}

/* ip -f mpls route add LABEL dev lo: labels that end here. */
static int change_labels(struct shell *shell, const char *verb, int argc, char **argv)
{
    bool ends_here = argc >= 3 && strcmp(argv[argc - 2], "dev") == 0 && strcmp(argv[argc - 1], "lo") == 0;
    if (!ends_here || !(is_prefix_of(verb, "add", 1) || is_prefix_of(verb, "replace", 3)))
        run_skip(shell->run, "command: ip -f mpls route %s of labels that do not end here is not known", verb);
    return host_label_add(shell->run->host, (uint32_t)atoi(argv[0])) < 0 ? 2 : 0;
}

static int change_address(struct shell *shell, const char *verb, int argc, char **argv)
{
    int ifindex = shell->run->ifindex;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "dev") == 0)
            ifindex = device_of(shell->run, argv[i + 1]);
    if (is_prefix_of(verb, "add", 1) || is_prefix_of(verb, "replace", 1))
        return lil_address_add(shell->run->host, ifindex, argv[0]) < 0;
    return lil_address_delete(shell->run->host, ifindex, argv[0]) < 0;
}

/* `ip tcp_metrics`: what is kept of peers (tcp/ext/tcp_metrics.c), in iproute2's words. */
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

int shell_ip(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    bool is_v6 = false;
    bool is_mpls = false;
    for (; i < argc && argv[i][0] == '-'; i++) {
        is_v6 |= strcmp(argv[i], "-6") == 0;
        is_mpls |= strcmp(argv[i], "-M") == 0;
        if (i + 1 < argc && (strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "-family") == 0)) {
            is_mpls |= strcmp(argv[++i], "mpls") == 0;
            is_v6 |= strcmp(argv[i], "inet6") == 0;
        }
    }
    const char *object = i < argc ? argv[i] : "", *verb = i + 1 < argc ? argv[i + 1] : "show";
    bool looks = is_prefix_of(verb, "show", 1) || is_prefix_of(verb, "list", 1) || is_prefix_of(verb, "get", 1) ||
                 is_prefix_of(verb, "flush", 1);
    if (is_prefix_of(object, "tcp_metrics", 2) || is_prefix_of(object, "tcpmetrics", 4))
        return change_metrics(shell, verb, argc - i - 2, argv + i + 2, io);
    if (looks && !is_prefix_of(verb, "flush", 1))
        shell_show(shell, object, verb, is_v6, argc - i - 2, argv + i + 2, io);
    if (looks)
        return 0;
    if (is_mpls && is_prefix_of(object, "route", 1))
        return change_labels(shell, verb, argc - i - 2, argv + i + 2);
    if (is_prefix_of(object, "tunnel", 3))
        return change_tunnel(shell, verb, is_v6, argc - i - 2, argv + i + 2);
    if (is_prefix_of(object, "route", 1))
        return change_route(shell, verb, is_v6, argc - i - 2, argv + i + 2);
    if (is_prefix_of(object, "link", 1))
        return change_link(shell, verb, argc - i - 2, argv + i + 2);
    if (is_prefix_of(object, "address", 1) && i + 2 < argc)
        return change_address(shell, verb, argc - i - 2, argv + i + 2);
    run_skip(shell->run, "command: ip %s %s is not known here", object, verb);
}
