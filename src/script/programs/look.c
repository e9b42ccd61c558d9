/* look.c: what commands see of the virtual host and its machine: files of /proc and /sys, ip ... show, lsmod, getent. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "script/programs/programs.h"
#include "socket/sock_seen.h"

static unsigned long inode_of(const struct sock *sock) { return sock->slot + 1ul; }

/* TEXT in the script's memory; it is freed. */
static const char *keep(struct shell *shell, char *text)
{
    const char *kept = text ? arena_copy(&shell->run->script.arena, text, strlen(text)) : NULL;
    free(text);
    return kept;
}

static int device_number(struct run *run, unsigned long request)
{
    struct ifreq ifreq = {.ifr_name = "tun0"};
    int fd = lil_socket(run->proc, AF_INET, SOCK_DGRAM, 0), result = fd < 0 ? -1 : lil_ioctl(run->proc, fd, request, &ifreq);
    if (fd >= 0)
        (void)!lil_close(run->proc, fd);
    return result < 0 ? 0 : request == SIOCGIFMTU ? ifreq.ifr_mtu : ifreq.ifr_flags;
}

const char *shell_look(struct shell *shell, const char *path)
{
    struct arena *arena = &shell->run->script.arena;
    if (strncmp(path, "/proc/net/", 10) == 0) {
        const char *counters = keep(shell, host_counter_file(shell->run->host, path + 10));
        return counters ? counters : keep(shell, sock_table(shell->run->host, path + 10, inode_of));
    }
    if (strcmp(path, "/proc/uptime") == 0)
        return arena_printf(arena, "%.2f %.2f\n", (double)shell->run->now_ns / 1e9, (double)shell->run->now_ns / 1e9);
    if (strcmp(path, "/proc/version") == 0)
        return "Linux version 7.2.0 (lilliput)\n";
    if (strcmp(path, "/proc/sys/kernel/osrelease") == 0)
        return "7.2.0\n";
    if (strcmp(path, "/proc/modules") == 0)
        return "tcp_bbr 20480 0 - Live 0x0000000000000000\ntcp_dctcp 16384 0 - Live 0x0000000000000000\n";
    if (strcmp(path, "/sys/class/net/tun0/mtu") == 0)
        return arena_printf(arena, "%d\n", device_number(shell->run, SIOCGIFMTU));
    return NULL;
}

/* --- ip ... show, lsmod, getent ------------------------------------------------------------------------------------------------ */
static void print_link(struct shell *shell, struct shell_io *io, bool is_loopback, bool has_addresses)
{
    struct run *run = shell->run;
    char local[ADDR_TEXT];
    bool up = device_number(run, SIOCGIFFLAGS) & IFF_UP;
    if (is_loopback)
        shell_print(io,
                    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN%s group default qlen 1000\n   "
                    " link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n",
                    has_addresses ? "" : " mode DEFAULT");
    else
        shell_print(io,
                    "2: tun0: <POINTOPOINT,MULTICAST,NOARP%s> mtu %d qdisc pfifo_fast state %s%s group default qlen "
                    "500\n    link/none \n",
                    up ? ",UP,LOWER_UP" : "", device_number(run, SIOCGIFMTU), up ? "UNKNOWN" : "DOWN",
                    has_addresses ? "" : " mode DEFAULT");
    if (has_addresses && is_loopback)
        shell_print(io, "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n");
    else if (has_addresses)
        shell_print(io, "    %s %s/%u scope global tun0\n       valid_lft forever preferred_lft forever\n",
                    addr_is_v4(&run->local) ? "inet" : "inet6", addr_print(&run->local, local),
                    addr_is_v4(&run->local) ? 16u : 48u);
}

static void print_routes(struct shell *shell, struct shell_io *io, bool is_v6)
{
    struct run *run = shell->run;
    char local[ADDR_TEXT];
    bool has_default = false;
    if (is_v6 == addr_is_v4(&run->local))
        return;
    for (const struct shell_variable *route = run->routes; route; route = route->next) {
        has_default |= strcmp(route->name, "default") == 0 || strcmp(route->name, "::/0") == 0;
        shell_print(io, "%s %s \n", strcmp(route->name, "::/0") == 0 ? "default" : route->name, route->value);
    }
    if (!has_default)
        shell_print(io, "default dev tun0 scope link \n");
    if (!is_v6)
        shell_print(io, "192.168.0.0/16 dev tun0 proto kernel scope link src %s \n", addr_print(&run->local, local));
    else
        shell_print(io, "fd3d:a0b:17d6::/48 dev tun0 proto kernel metric 256 pref medium\n");
}

void shell_show(struct shell *shell, const char *object, const char *verb, bool is_v6, int argc, char **argv, struct shell_io *io)
{
    const char *device = "";
    char local[ADDR_TEXT];
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "dev") != 0 && strcmp(argv[i], "up") != 0)
            device = argv[i];
    if (object[0] == 'r' && object[1] == 'o' && verb[0] == 'g')
        shell_print(io, "%s dev tun0 src %s uid 0 \n    cache \n", argc ? argv[0] : "", addr_print(&shell->run->local, local));
    else if (object[0] == 'r' && object[1] != 'u')
        print_routes(shell, io, is_v6);
    else if (object[0] == 'r')
        shell_print(io, "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n");
    for (int i = 0; i < 2 && (object[0] == 'l' || object[0] == 'a'); i++)
        if (!*device || strcmp(device, i ? "tun0" : "lo") == 0)
            print_link(shell, io, i == 0, object[0] == 'a');
}

static int do_lsmod(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)shell, (void)argc, (void)argv;
    shell_print(io, "Module                  Size  Used by\ntcp_bbr                20480  0\ntcp_dctcp              16384  0\n");
    return 0;
}

static int do_getent(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *base = argc > 1 ? argv[1] : "", *key = argc > 2 ? argv[2] : "";
    if (strcmp(base, "passwd") == 0 && (!*key || strcmp(key, "root") == 0 || strcmp(key, "0") == 0))
        shell_print(io, "root:x:0:0:root:/root:/bin/sh\n");
    else if (strncmp(base, "ahosts", 6) == 0 || strcmp(base, "hosts") == 0)
        shell_print(io, strcmp(key, "localhost") == 0 ? "127.0.0.1       localhost\n" : "");
    else
        run_skip(shell->run, "command: getent %s is not known here", base);
    return *key && strcmp(key, "localhost") != 0 && strcmp(key, "root") != 0 && strcmp(key, "0") != 0 ? 2 : 0;
}

bool shell_looks(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"lsmod", do_lsmod}, {"getent", do_getent},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
