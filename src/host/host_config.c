/* host_config.c: routes as text, in ip-route(8)'s words. */
#include "host/host_inner.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUTE_TEXT = 256, ROUTE_WORDS = 48 };

struct words {
    char text[ROUTE_TEXT];
    char *word[ROUTE_WORDS];
    int count;
};

static int split(struct words *words, const char *text)
{
    words->count = 0;
    if (strlen(text) >= sizeof words->text)
        return -EINVAL;
    snprintf(words->text, sizeof words->text, "%s", text);
    char *rest = words->text, *word;
    while ((word = strsep(&rest, " \t,"))) {
        if (!*word)
            continue;
        if (words->count == ROUTE_WORDS)
            return -EINVAL;
        words->word[words->count++] = word;
    }
    return 0;
}

static int number(const char *text, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end || errno || n > UINT32_MAX || *text == '-')
        return -EINVAL;
    *value = (uint32_t)n;
    return 0;
}

/* What a router with such a route answers (ip-route(8); RFC 1812 5.2.7.1, RFC 4443 3.1). */
static int parse_unreachable(struct route *route, const char *word)
{
    static const struct {
        const char *name;
        uint8_t icmp4, icmp6;
    } kinds[] = {
        {"net", 0, 0}, {"host", 1, 3}, {"protocol", 2, 3}, {"port", 3, 4}, {"source-route", 5, 3}, {"admin", 13, 1},
        {"net-unknown", 6, 0}, {"host-unknown", 7, 3}, {"isolated", 8, 3}, {"net-prohibited", 9, 1}, {"host-prohibited", 10, 1},
        {"net-tos", 11, 0}, {"host-tos", 12, 3}, {"precedence", 14, 1}, {"precedence-cutoff", 15, 1}, {"reject", 1, 6},
    };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (!strcmp(word, kinds[i].name)) {
            route->icmp4_code = kinds[i].icmp4;
            route->icmp6_code = kinds[i].icmp6;
            return 0;
        }
    return -EINVAL;
}

static int parse_kind(struct route *route, const struct words *words, int *at)
{
    const char *word = words->word[*at];
    if (!strcmp(word, "unreachable")) {
        route->kind = ROUTE_UNREACHABLE;
        route->icmp4_code = 1;
        route->icmp6_code = 3; /* Linux answers 6 (reject route) only to policy; 3 is address unreachable */
        if (*at + 1 < words->count && parse_unreachable(route, words->word[*at + 1]) == 0)
            ++*at;
    } else if (!strcmp(word, "prohibit")) {
        route->kind = ROUTE_PROHIBIT;
        route->icmp4_code = 13;
        route->icmp6_code = 1;
    } else if (!strcmp(word, "blackhole")) {
        route->kind = ROUTE_BLACKHOLE;
    } else {
        return -ENOENT;
    }
    ++*at;
    return 0;
}

/* "20ms", "1s"; a bare number is milliseconds. */
static int milliseconds(const char *text, uint32_t *value)
{
    char *unit;
    double time = strtod(text, &unit);
    time *= strcmp(unit, "s") == 0 ? 1000 : 1;
    if (unit == text || !(time >= 0 && time < UINT32_MAX) || (*unit && strcmp(unit, "s") && strcmp(unit, "ms")))
        return -EINVAL;
    *value = (uint32_t)time;
    return 0;
}

static int flag(const char *text, bool *value)
{
    uint32_t n;
    int error = number(text, &n);
    *value = !error && n != 0;
    return error;
}

/* ip-route(8)'s metrics. LOCK: the word stood before the value. -ENOENT: KEY is none. */
static int parse_metric(struct path_metrics *metrics, const char *key, const char *value, bool lock)
{
    /* What Linux takes over only into the metrics of a host that some connection has left behind: no new connection sees them. */
    static const char *const passed[] = {"rtt", "rttvar", "ssthresh", "cwnd", "reordering", "realm", "realms"};
    const struct { const char *key; uint32_t *value; } numbers[] = {
        {"mtu", &metrics->mtu}, {"advmss", &metrics->advmss}, {"initcwnd", &metrics->initcwnd},
        {"initrwnd", &metrics->initrwnd}, {"window", &metrics->window}};
    uint32_t n;
    int error;
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        if (!strcmp(key, numbers[i].key)) {
            metrics->mtu_lock |= i == 0 && lock;
            return number(value, numbers[i].value);
        }
    for (size_t i = 0; i < ARRAY_COUNT(passed); i++)
        if (!strcmp(key, passed[i]))
            return 0;
    if (!strcmp(key, "rto_min") && !lock)
        return milliseconds(value, &metrics->rto_min_ms);
    if (!strcmp(key, "quickack"))
        return flag(value, &metrics->quickack);
    if (!strcmp(key, "fastopen_no_cookie"))
        return flag(value, &metrics->fastopen_no_cookie);
    if (!strcmp(key, "hoplimit")) {
        error = number(value, &n);
        metrics->hop_limit = (uint8_t)n;
        return error || n > 255 ? -EINVAL : 0;
    }
    if (!strcmp(key, "features")) {
        metrics->ecn = !strcmp(value, "ecn");
        return metrics->ecn || !strcmp(value, "tcp_usec_ts") ? 0 : -EINVAL;
    }
    if (!strcmp(key, "congctl")) {
        if (strlen(value) >= sizeof metrics->cc)
            return -EINVAL;
        snprintf(metrics->cc, sizeof metrics->cc, "%s", value);
        metrics->cc_lock = lock;
        return 0;
    }
    return -ENOENT;
}

static int parse_key(struct lil_host *host, struct route *route, const char *key, const char *value, bool lock)
{
    int error = parse_metric(&route->metrics, key, value, lock);
    if (error != -ENOENT)
        return error;
    if (!strcmp(key, "dev")) {
        route->ifindex = lil_interface_index(host, value);
        return route->ifindex < 0 ? -ENODEV : 0;
    }
    if (!strcmp(key, "via")) {
        route->has_gateway = true;
        return addr_parse(value, &route->gateway);
    }
    if (!strcmp(key, "src")) {
        route->has_source = true;
        return addr_parse(value, &route->source);
    }
    if (!strcmp(key, "metric"))
        return number(value, &route->metric);
    return -EINVAL;
}

static int parse_via(struct lil_host *host, struct route *route, const char *via)
{
    struct words words;
    int at = 0, error = split(&words, via);
    if (error || !words.count)
        return -EINVAL;
    if (parse_kind(route, &words, &at) != 0 && addr_parse(words.word[0], &route->gateway) == 0) {
        route->has_gateway = true;
        at = 1;
    }
    for (; at < words.count; at += 2) {
        bool lock = at + 2 < words.count && !strcmp(words.word[at + 1], "lock");
        if (at + 1 + lock >= words.count)
            return -EINVAL;
        error = parse_key(host, route, words.word[at], words.word[at + 1 + lock], lock);
        at += lock;
        if (error)
            return error;
    }
    if (route->kind == ROUTE_UNICAST && !route->has_gateway && !route->ifindex)
        return -EINVAL;
    return 0;
}

static int parse_destination(const char *text, bool is_v6, struct prefix *prefix)
{
    if (!strcmp(text, "default"))
        return prefix_parse(is_v6 ? "::/0" : "0.0.0.0/0", prefix);
    return prefix_parse(text, prefix);
}

/* The gateway must be a neighbour: on the named interface's net, or on some interface's (ENETUNREACH otherwise, as ip-route). */
static int check_gateway(struct lil_host *host, struct route *route)
{
    if (!route->has_gateway)
        return 0;
    if (addr_is_any(&route->gateway) || addr_is_multicast(&route->gateway) || host_is_local(host, &route->gateway))
        return -EINVAL;
    const struct route *way = routes_find(&host->routes, &route->gateway, route->ifindex);
    if (way && way->kind == ROUTE_UNICAST && !way->has_gateway)
        route->ifindex = way->ifindex;
    else if (!route->ifindex)
        return -ENETUNREACH;
    return 0;
}

int lil_route_add(struct lil_host *host, const char *destination, const char *via)
{
    struct route route = {0};
    int error = parse_via(host, &route, via);
    if (!error)
        error = parse_destination(destination, route.has_gateway && !addr_is_v4(&route.gateway), &route.prefix);
    if (!error && route.has_gateway && addr_is_v4(&route.gateway) != (route.prefix.length >= 96 && addr_is_v4(&route.prefix.addr)))
        error = -EINVAL;
    if (!error && route.has_source && !host_is_local(host, &route.source))
        error = -EINVAL;
    if (!error)
        error = check_gateway(host, &route);
    if (error)
        return error;
    tcp_path_moves(host->tcp);
    error = routes_add(&host->routes, &route);
    if (error)
        return error;
    host_changed(host);
    return 0;
}

int lil_route_delete(struct lil_host *host, const char *destination)
{
    struct prefix prefix;
    unsigned deleted = 0;
    tcp_path_moves(host->tcp);
    if (!strcmp(destination, "default")) {
        for (int v6 = 0; v6 < 2; v6++)
            if (parse_destination(destination, v6, &prefix) == 0)
                deleted += routes_delete(&host->routes, &prefix, 0, false);
    } else {
        if (prefix_parse(destination, &prefix) != 0)
            return -EINVAL;
        deleted = routes_delete(&host->routes, &prefix, 0, false);
    }
    if (!deleted)
        return -ESRCH;
    host_changed(host);
    return 0;
}
