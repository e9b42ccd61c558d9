/* procnet.c: the files of /proc/net and /proc/sys/net as the virtual host would have them: proc(5), arp(7), and the kernel's
 * Documentation/networking/proc_net_tcp.rst. Programs that read them (ifconfig, netstat, route, arp, Java, psutil) get a file of memory
 * (call_open.c) with this text. */
#include <net/route.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/sysctl_linux.h"
#include "ip/route.h"
#include "launch/desc.h"
#include "launch/procnet.h"
#include "link/neighbor.h"
#include "socket/sock_seen.h"

struct page {
    FILE *out;
    struct program *program;
    struct lil_host *host;
    const char *name;
};

static const char *interface_name(struct lil_host *host, int ifindex, char out[IFNAMSIZ]);

static void put_v4(FILE *out, const struct addr *addr) { fprintf(out, "%08X", addr->u32[3]); }

static void put_bytes(FILE *out, const struct addr *addr)
{
    for (unsigned i = 0; i < 16; i++)
        fprintf(out, "%02x", addr->b[i]);
}

/* --- sockets -------------------------------------------------------------------------------------------------------------- */
static void put_text(struct page *page, char *text)
{
    fputs(text ? text : "", page->out);
    free(text);
}

static unsigned long inode_of(const struct sock *sock)
{
    const struct desc *desc = desc_of_file(&sock->file);
    return desc ? (unsigned long)desc->inode : 0;
}

static void put_sockets(struct page *page)
{
    keepalive_turn(page->program->launcher, true);
    put_text(page, sock_table(page->host, page->name, inode_of));
}

/* --- interfaces ------------------------------------------------------------------------------------------------------------ */
static bool put_interface(void *ctx, const struct host_interface_view *view)
{
    struct page *page = ctx;
    fprintf(
        page->out,
        "%6s: %7lu %7lu    0    0    0     0          0         0 %8lu %7lu    0    0    0     0       0          0\n",
        view->name, (unsigned long)view->bytes_in, (unsigned long)view->packets_in, (unsigned long)view->bytes_out,
        (unsigned long)view->packets_out);
    return true;
}

static void put_dev(struct page *page)
{
    fputs("Inter-|   Receive                                                |  Transmit\n"
          " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
          page->out);
    host_each_interface(page->host, put_interface, page);
}

static bool put_inet6(void *ctx, const struct host_interface_view *view)
{
    struct page *page = ctx;
    for (unsigned i = 0; i < view->address_count; i++) {
        const struct prefix *one = &view->addresses[i];
        if (addr_is_v4(&one->addr))
            continue;
        put_bytes(page->out, &one->addr);
        fprintf(page->out, " %02x %02x %02x 80 %8s\n", view->ifindex, one->length,
                addr_is_loopback(&one->addr) ? 0x10 : addr_is_link_local(&one->addr) ? 0x20 : 0, view->name);
    }
    return true;
}

static void put_if_inet6(struct page *page) { host_each_interface(page->host, put_inet6, page); }

/* The groups that each interface is in for its own sake: all nodes, and the solicited-node group of each address (RFC
 * 4291 2.8); not those that sockets have joined. */
static bool put_groups6(void *ctx, const struct host_interface_view *view)
{
    struct page *page = ctx;
    bool any = false;

    for (unsigned i = 0; i < view->address_count; i++) {
        const uint8_t *b = view->addresses[i].addr.b;
        if (addr_is_v4(&view->addresses[i].addr))
            continue;
        any = true;
        if (view->kind != LIL_LOOPBACK)
            fprintf(page->out, "%-4d %-15s ff0200000000000000000001ff%02x%02x%02x     1 00000004 0\n", view->ifindex,
                    view->name, b[13], b[14], b[15]);
    }
    if (any)
        fprintf(page->out,
                "%-4d %-15s ff020000000000000000000000000001     1 0000000C 0\n%-4d %-15s "
                "ff010000000000000000000000000001     1 00000008 0\n",
                view->ifindex, view->name, view->ifindex, view->name);
    return true;
}

static void put_igmp6(struct page *page) { host_each_interface(page->host, put_groups6, page); }

static bool put_group4(void *ctx, const struct host_interface_view *view)
{
    struct page *page = ctx;
    bool any = false;

    for (unsigned i = 0; i < view->address_count; i++)
        any |= addr_is_v4(&view->addresses[i].addr);
    if (any)
        fprintf(page->out, "%d\t%-10s: %5d      V3\n\t\t\t\t%08X %5d 0:%08X\t\t0\n", view->ifindex, view->name, 1, 0x010000e0, 1, 0);
    return true;
}

static void put_igmp(struct page *page)
{
    fputs("Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n", page->out);
    host_each_interface(page->host, put_group4, page);
}

struct naming {
    int ifindex;
    char *name;
};

static bool match_index(void *ctx, const struct host_interface_view *view)
{
    struct naming *naming = ctx;
    if (view->ifindex != naming->ifindex)
        return true;
    snprintf(naming->name, IFNAMSIZ, "%s", view->name);
    return false;
}

static const char *interface_name(struct lil_host *host, int ifindex, char out[IFNAMSIZ])
{
    struct naming naming = {ifindex, out};
    snprintf(out, IFNAMSIZ, "*");
    host_each_interface(host, match_index, &naming);
    return out;
}

/* --- routes and neighbours ---------------------------------------------------------------------------------------------------- */
static unsigned route_flags(const struct route *route, bool is_host)
{
    return RTF_UP | (route->has_gateway ? RTF_GATEWAY : 0) | (is_host ? RTF_HOST : 0) | (route->kind != ROUTE_UNICAST ? RTF_REJECT : 0);
}

static bool put_route4(void *ctx, const struct route *route, int ifindex)
{
    struct page *page = ctx;
    char name[IFNAMSIZ];
    struct addr mask, none = addr_v4(0);
    unsigned length = route->prefix.length - 96u;

    if (route->prefix.length < 96 || !addr_is_v4(&route->prefix.addr) || (route->connected && addr_is_loopback(&route->prefix.addr)))
        return true;
    mask = addr_v4(length ? ~0u << (32 - length) : 0);
    fprintf(page->out, "%s\t", interface_name(page->host, ifindex, name));
    put_v4(page->out, &route->prefix.addr);
    fputc('\t', page->out);
    put_v4(page->out, route->has_gateway ? &route->gateway : &none);
    fprintf(page->out, "\t%04X\t0\t0\t%u\t", route_flags(route, length == 32), route->metric);
    put_v4(page->out, &mask);
    fprintf(page->out, "\t%u\t0\t0\n", route->metrics.mtu);
    return true;
}

static void put_routes(struct page *page)
{
    fputs("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n", page->out);
    host_each_route(page->host, put_route4, page);
}

static bool put_route6(void *ctx, const struct route *route, int ifindex)
{
    struct page *page = ctx;
    char name[IFNAMSIZ];
    struct addr none = {0};

    if (route->prefix.length >= 96 && addr_is_v4(&route->prefix.addr))
        return true;
    put_bytes(page->out, &route->prefix.addr);
    fprintf(page->out, " %02x ", route->prefix.length);
    put_bytes(page->out, &none);
    fputs(" 00 ", page->out);
    put_bytes(page->out, route->has_gateway ? &route->gateway : &none);
    fprintf(page->out, " %08x %08x %08x %08x %8s\n", route->metric, 1, 0, route_flags(route, route->prefix.length == 128),
            interface_name(page->host, ifindex, name));
    return true;
}

static void put_ipv6_route(struct page *page) { host_each_route(page->host, put_route6, page); }

static bool put_neighbor(void *ctx, const struct neighbor *neighbor)
{
    struct page *page = ctx;
    char text[ADDR_TEXT], mac[18], name[IFNAMSIZ];
    bool is_complete = neighbor->state != NEIGHBOR_INCOMPLETE && neighbor->state != NEIGHBOR_HOLD;

    if (addr_is_v4(&neighbor->addr))
        fprintf(page->out, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", addr_print(&neighbor->addr, text), 1,
                (is_complete ? 2 : 0) | (neighbor->permanent ? 4 : 0), mac_print(&neighbor->mac, mac),
                interface_name(page->host, neighbor->ifindex, name));
    return true;
}

static void put_arp(struct page *page)
{
    fputs("IP address       HW type     Flags       HW address            Mask     Device\n", page->out);
    host_each_neighbor(page->host, put_neighbor, page);
}

/* --- figures -------------------------------------------------------------------------------------------------------------------- */
static void put_counters(struct page *page) { put_text(page, host_counter_file(page->host, page->name)); }

/* Those in the kernel's tables: TIME-WAIT has its own figure, a SYN entry is no socket yet. */
static void count_seen(void *ctx, struct sock_seen *seen)
{
    unsigned *in_use = ctx;
    if (seen->state != SEEN_TIME_WAIT && seen->state != SEEN_SYN_RECEIVED)
        in_use[seen->family == AF_INET6]++;
}

struct in_use {
    unsigned tcp[2], udp[2], raw[2]; /* IPv4's, IPv6's */
};

static struct in_use count_sockets(struct lil_host *host)
{
    struct in_use in_use = {0};
    sock_each_seen(host, IPPROTO_TCP, count_seen, in_use.tcp);
    sock_each_seen(host, IPPROTO_UDP, count_seen, in_use.udp);
    sock_each_seen(host, IPPROTO_RAW, count_seen, in_use.raw);
    return in_use;
}

static void put_sockstat(struct page *page)
{
    struct in_use in_use = count_sockets(page->host);
    struct lil_host_stats stats;
    struct tcp_counts counts;

    lil_host_get_stats(page->host, &stats);
    tcp_get_counts(host_tcp(page->host), &counts);
    fprintf(page->out,
            "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem 0\nUDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse %u\n"
            "FRAG: inuse %u memory 0\n",
            stats.sockets, in_use.tcp[0], counts.orphans, counts.time_waits, counts.connections + counts.listeners, in_use.udp[0],
            in_use.raw[0], stats.fragments);
}

static void put_sockstat6(struct page *page)
{
    struct in_use in_use = count_sockets(page->host);
    fprintf(page->out, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n", in_use.tcp[1],
            in_use.udp[1], in_use.raw[1]);
}
static void put_unix(struct page *page) { fputs("Num       RefCount Protocol Flags    Type St Inode Path\n", page->out); }
static void put_netlink(struct page *page)
{
    fputs("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n", page->out);
}
static void put_packet(struct page *page) { fputs("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n", page->out); }
static void put_wireless(struct page *page)
{
    fputs("Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
          " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n",
          page->out);
}
static void put_nothing(struct page *page) { (void)page; }

static const struct {
    const char *name;
    void (*put)(struct page *page);
} files[] = {
    {"tcp", put_sockets}, {"tcp6", put_sockets}, {"udp", put_sockets}, {"udp6", put_sockets}, {"udplite", put_sockets},
    {"udplite6", put_sockets}, {"raw", put_sockets}, {"raw6", put_sockets}, {"icmp", put_sockets}, {"icmp6", put_sockets},
    {"dev", put_dev}, {"if_inet6", put_if_inet6}, {"route", put_routes}, {"ipv6_route", put_ipv6_route},
    {"arp", put_arp}, {"snmp", put_counters}, {"snmp6", put_counters}, {"netstat", put_counters}, {"sockstat", put_sockstat},
    {"sockstat6", put_sockstat6}, {"unix", put_unix}, {"netlink", put_netlink}, {"packet", put_packet},
    {"wireless", put_wireless}, {"igmp", put_igmp}, {"igmp6", put_igmp6}, {"dev_mcast", put_nothing},
};

static char *close_text(FILE *out, char **text)
{
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(*text);
        return NULL;
    }
    return *text;
}

char *procnet_text(struct program *program, const char *name, size_t *length)
{
    struct page page = {.program = program, .host = program->host, .name = name};
    char *text = NULL;

    for (unsigned i = 0; i < ARRAY_COUNT(files); i++) {
        if (strcmp(files[i].name, name))
            continue;
        page.out = open_memstream(&text, length);
        if (!page.out)
            return NULL;
        files[i].put(&page);
        return close_text(page.out, &text);
    }
    return NULL;
}

/* The host's own; of an interface what is set for all; what Linux shows where the host has no place for it. */
static bool sysctl_value(const struct lil_host *host, const char *name, char *value, size_t size)
{
    const struct sysctl_linux *known = sysctl_linux_find(name), *interface = sysctl_linux_find_interface(name);
    char all[200];

    if (lil_sysctl_get(host, name, value, size) >= 0)
        return true;
    if (interface) {
        snprintf(all, sizeof all, "%.14sall%s", name, strrchr(name, '.'));
        if (lil_sysctl_get(host, all, value, size) >= 0)
            return true;
    }
    if (!known && !interface)
        return false;
    snprintf(value, size, "%s", known ? known->value : interface->value);
    return true;
}

char *procnet_sysctl(struct program *program, const char *path, size_t *length)
{
    char name[200] = "net.", value[200], *text = NULL;
    size_t at = strlen(name);

    for (; *path && at + 1 < sizeof name; path++)
        name[at++] = *path == '/' ? '.' : *path;
    name[at] = 0;
    if (!sysctl_value(program->host, name, value, sizeof value))
        return NULL;
    for (char *c = value; *c; c++)
        if (*c == ' ' && c[1] >= '0' && c[1] <= '9') /* Linux parts numbers with tabs */
            *c = '\t';
    at = (size_t)asprintf(&text, "%s\n", value);
    if (at == (size_t)-1)
        return NULL;
    *length = at;
    return text;
}
