/* route.c: `ip route ...`, `ip link set ...` and their like, as they change the virtual host. */
#include <stdlib.h>
#include <string.h>
#include "script/shell.h"

static bool is_prefix_of(const char *word, const char *whole, size_t least)
{
    return strlen(word) >= least && strncmp(word, whole, strlen(word)) == 0;
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

int shell_route(struct shell *shell, int argc, char **argv)
{
    int i = 1;
    bool is_v6 = false;
    for (; i < argc && argv[i][0] == '-'; i++)
        is_v6 |= strcmp(argv[i], "-6") == 0;
    const char *object = i < argc ? argv[i] : "", *verb = i + 1 < argc ? argv[i + 1] : "show";
    bool looks = is_prefix_of(verb, "show", 1) || is_prefix_of(verb, "list", 1) || is_prefix_of(verb, "get", 1) ||
                 is_prefix_of(verb, "flush", 1);
    if (is_prefix_of(object, "tcp_metrics", 1) || looks)
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
