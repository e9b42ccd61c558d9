/* netlink_change.c: what `ip` as root changes: a link's state and MTU, addresses, routes, neighbours. Each request becomes
 * the call of lilliput/host.h that says the same. */
#include <net/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include "socket/netlink.h"

enum { TEXT = 200 };

struct found_link {
    const char *name;
    int index;
    char found[IFNAMSIZ];
};

static bool match_link(void *ctx, const struct host_interface_view *view)
{
    struct found_link *link = ctx;

    if (link->name ? strcmp(link->name, view->name) != 0 : link->index != view->ifindex)
        return true;
    link->index = view->ifindex;
    snprintf(link->found, sizeof link->found, "%s", view->name);
    return false;
}

/* By index, else by name; its name is in LINK->found. */
static int find_link(struct lil_host *host, struct found_link *link)
{
    host_each_interface(host, match_link, link);
    return link->found[0] ? link->index : -ENODEV;
}

static int change_link(const struct nl_request *request)
{
    struct ifinfomsg body;
    struct found_link link = {0};
    char name[IFNAMSIZ] = "";
    uint32_t mtu;
    size_t length;
    const uint8_t *text;
    int index, result = 0;

    nl_body(request, &body, sizeof body);
    text = nl_find(request, sizeof body, IFLA_IFNAME, &length);
    if (!body.ifi_index && text) {
        memcpy(name, text, length < sizeof name - 1 ? length : sizeof name - 1);
        link.name = name;
    }
    link.index = body.ifi_index;
    index = find_link(request->host, &link);
    if (index < 0) /* a new device: there are no kinds of them here */
        return request->header->nlmsg_flags & NLM_F_CREATE ? -EOPNOTSUPP : index;
    if (nl_find_u32(request, sizeof body, IFLA_MTU, &mtu))
        result = lil_interface_set_mtu(request->host, index, mtu);
    if (!result && body.ifi_change & IFF_UP)
        result = lil_interface_set_up(request->host, index, body.ifi_flags & IFF_UP);
    return result;
}

static int change_address(const struct nl_request *request, bool is_new)
{
    struct ifaddrmsg body;
    struct addr addr;
    char text[TEXT], name[ADDR_TEXT];

    nl_body(request, &body, sizeof body);
    if (!nl_find_addr(request, sizeof body, IFA_LOCAL, &addr) && !nl_find_addr(request, sizeof body, IFA_ADDRESS, &addr))
        return -EINVAL;
    snprintf(text, sizeof text, "%s/%u", addr_print(&addr, name), body.ifa_prefixlen);
    if (!is_new)
        return lil_address_delete(request->host, (int)body.ifa_index, text);
    if (host_address_kind(request->host, &addr) == HOST_ADDR_LOCAL)
        return -EEXIST;
    return lil_address_add(request->host, (int)body.ifa_index, text);
}

static const char *kind_word(uint8_t type)
{
    switch (type) {
    case RTN_UNREACHABLE: return "unreachable";
    case RTN_PROHIBIT: return "prohibit";
    case RTN_BLACKHOLE: return "blackhole";
    default: return NULL;
    }
}

/* " KEY VALUE" at the end of TEXT. */
static void append(char text[TEXT], const char *key, const char *value)
{
    size_t at = strlen(text);

    snprintf(text + at, TEXT - at, "%s%s%s%s", at ? " " : "", key, *key ? " " : "", value);
}

static void append_number(const struct nl_request *request, size_t body, uint16_t attribute, const char *key, char text[TEXT])
{
    uint32_t value;
    char word[16];

    if (!nl_find_u32(request, body, attribute, &value))
        return;
    snprintf(word, sizeof word, "%u", value);
    append(text, key, word);
}

static void append_metrics(const struct nl_request *request, char text[TEXT])
{
    struct nl_request nest = *request;
    size_t length;
    const uint8_t *data = nl_find(request, sizeof(struct rtmsg), RTA_METRICS, &length);

    if (!data)
        return;
    nest.body = data;
    nest.length = length;
    append_number(&nest, 0, RTAX_MTU, "mtu", text);
    append_number(&nest, 0, RTAX_INITCWND, "initcwnd", text);
    append_number(&nest, 0, RTAX_ADVMSS, "advmss", text);
    append_number(&nest, 0, RTAX_WINDOW, "window", text);
    append_number(&nest, 0, RTAX_INITRWND, "initrwnd", text);
    append_number(&nest, 0, RTAX_HOPLIMIT, "hoplimit", text);
    append_number(&nest, 0, RTAX_QUICKACK, "quickack", text);
    append_number(&nest, 0, RTAX_RTO_MIN, "rto_min", text);
    append_number(&nest, 0, RTAX_FASTOPEN_NO_COOKIE, "fastopen_no_cookie", text);
}

static int change_route(const struct nl_request *request, bool is_new)
{
    struct rtmsg body;
    struct addr to, via;
    struct found_link link = {0};
    uint32_t index;
    char destination[TEXT], way[TEXT] = "", name[ADDR_TEXT];
    const char *kind;

    nl_body(request, &body, sizeof body);
    to = addr_any(body.rtm_family == AF_INET6 ? AF_INET6 : AF_INET);
    nl_find_addr(request, sizeof body, RTA_DST, &to);
    snprintf(destination, sizeof destination, "%s/%u", addr_print(&to, name), body.rtm_dst_len);
    if (!is_new)
        return lil_route_delete(request->host, destination);
    kind = kind_word(body.rtm_type);
    if (kind)
        return lil_route_add(request->host, destination, kind);
    if (body.rtm_type != RTN_UNICAST || nl_find(request, sizeof body, RTA_MULTIPATH, &(size_t){0}))
        return -EOPNOTSUPP;
    if (nl_find_addr(request, sizeof body, RTA_GATEWAY, &via))
        append(way, "", addr_print(&via, name));
    if (nl_find_u32(request, sizeof body, RTA_OIF, &index)) {
        link.index = (int)index;
        if (find_link(request->host, &link) < 0)
            return -ENODEV;
        append(way, "dev", link.found);
    }
    if (nl_find_addr(request, sizeof body, RTA_PREFSRC, &via))
        append(way, "src", addr_print(&via, name));
    append_number(request, sizeof body, RTA_PRIORITY, "metric", way);
    append_metrics(request, way);
    return lil_route_add(request->host, destination, way);
}

static int change_neighbor(const struct nl_request *request, bool is_new)
{
    struct ndmsg body;
    struct addr addr;
    size_t length;
    const uint8_t *mac;
    char name[ADDR_TEXT];

    nl_body(request, &body, sizeof body);
    mac = nl_find(request, sizeof body, NDA_LLADDR, &length);
    if (!is_new) /* `ip neigh flush` deletes one by one */
        return lil_neighbor_flush(request->host), 0;
    if (!mac || length != 6 || !nl_find_addr(request, sizeof body, NDA_DST, &addr) || !(body.ndm_state & NUD_PERMANENT))
        return -EOPNOTSUPP;
    return lil_neighbor_add(request->host, body.ndm_ifindex, addr_print(&addr, name), mac);
}

int netlink_change_request(const struct nl_request *request)
{
    switch (request->header->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_SETLINK: return change_link(request);
    case RTM_NEWADDR: return change_address(request, true);
    case RTM_DELADDR: return change_address(request, false);
    case RTM_NEWROUTE: return change_route(request, true);
    case RTM_DELROUTE: return change_route(request, false);
    case RTM_NEWNEIGH: return change_neighbor(request, true);
    case RTM_DELNEIGH: return change_neighbor(request, false);
    default: return -EOPNOTSUPP;
    }
}
