/* topology_units.c: tc's units: times, rates, percentages. No floating point: a decimal is a whole number and a power
 * of ten. */
#include <stdlib.h>
#include <strings.h>
#include "sim/topology.h"

/* "12.345mbit": digits 12345, 3 behind the point, unit "mbit". */
static int split_number(const char *text, uint64_t *digits, unsigned *decimals, const char **unit)
{
    const char *p = text;
    unsigned count = 0;
    *digits = 0;
    *decimals = 0;
    for (bool point = false; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (++count > 18)
            return -EINVAL;
        *digits = *digits * 10 + (uint64_t)(*p - '0');
        *decimals += point;
    }
    while (*p == ' ')
        p++;
    *unit = p;
    return count ? 0 : -EINVAL;
}

static int scaled(uint64_t digits, unsigned decimals, uint64_t unit, uint64_t *value)
{
    unsigned __int128 product = (unsigned __int128)digits * unit;
    for (; decimals; decimals--)
        product /= 10;
    if (product >= UINT64_MAX)
        return -EINVAL;
    *value = (uint64_t)product;
    return 0;
}

struct unit {
    const char *name;
    uint64_t value;
};

static int with_unit(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t digits;
    unsigned decimals;
    const char *unit;
    if (split_number(text, &digits, &decimals, &unit) < 0)
        return -EINVAL;
    if (!*unit && digits == 0) {
        *value = 0;
        return 0;
    }
    for (; units->name; units++)
        if (strcasecmp(units->name, unit) == 0)
            return scaled(digits, decimals, units->value, value);
    return -EINVAL;
}

int topology_time(const char *text, uint64_t *ns, const char **why)
{
    static const struct unit units[] = {
        {"ns", 1},       {"us", NS_PER_US}, {"usec", NS_PER_US},    {"ms", NS_PER_MS},    {"msec", NS_PER_MS},
        {"s", NS_PER_S}, {"sec", NS_PER_S}, {"min", 60 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},
        {NULL, 0}};
    *why = "a time is a number with a unit: 10ms, 1.5s, 2min";
    return with_unit(text, units, ns);
}

int topology_rate(const char *text, uint64_t *bits_per_s, const char **why)
{
    static const struct unit units[] = {
        {"bit", 1},      {"kbit", 1000},     {"mbit", 1000000},     {"gbit", 1000000000},
        {"bps", 8},      {"kbps", 8000},     {"mbps", 8000000},     {"gbps", 8000000000},
        {"kibit", 1024}, {"mibit", 1048576}, {"gibit", 1073741824}, {"", 1},
        {NULL, 0}};
    *why = "a rate is a number with tc's unit: 64kbit, 10mbit, 1gbit (mbps is megabytes)";
    return with_unit(text, units, bits_per_s);
}

int topology_percent(const char *text, uint32_t *parts, const char **why)
{
    uint64_t digits, scale = 100;
    unsigned decimals;
    const char *unit;
    *why = "a chance is a percentage: 1%, 0.05%";
    if (split_number(text, &digits, &decimals, &unit) < 0 || (*unit && strcmp(unit, "%") != 0) || decimals > 9)
        return -EINVAL;
    for (; decimals; decimals--)
        scale *= 10;
    *why = "a chance is at most 100%";
    if (digits > scale)
        return -EINVAL;
    *parts = digits == scale ? UINT32_MAX : (uint32_t)(((unsigned __int128)digits << 32) / scale);
    return 0;
}

int topology_number(const char *text, uint64_t max, uint64_t *value, const char **why)
{
    char *end;
    *why = "a whole number is wanted here";
    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (*end || errno)
        return -EINVAL;
    *why = "the number is too large";
    return *value <= max ? 0 : -EINVAL;
}

int topology_bool(const char *text, bool *value, const char **why)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    *why = "true or false is wanted here";
    for (unsigned i = 0; i < ARRAY_COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2;
            return 0;
        }
    return -EINVAL;
}

int topology_endpoint(const char *text, char *host, size_t host_size, const char **interface)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || !colon[1] || (size_t)(colon - text) >= host_size)
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    *interface = colon + 1;
    return 0;
}
