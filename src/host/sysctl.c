/* sysctl.c: parameters of a living host by name: the profile's own names ("tcp.rto_min_ms") and Linux's ("net.ipv4.tcp_syn_retries"),
 * as Documentation/networking/ip-sysctl.rst has them. They change the host's copy of its profile. */
#include "host/host_inner.h"
#include "wire/bytes.h"
#include <stdio.h>
#include <stdlib.h>

const char *profile_field_name(unsigned index); /* profile.c */

enum unit {
    PLAIN,
    SECONDS, /* the value is in s, ours in ms */
    SYN_RETRIES, SYN_LINEAR, SYNACK_RETRIES, TRIPLE_RCV, TRIPLE_SND,
    TIMESTAMPS, /* 2: without an offset of each connection's own */
    PORTS, KEPT_PORTS, FASTOPEN_KEY, NONZERO,
    TLP, /* 3 and 4: on */
    NS_US, US_MS, INVERTED,
    TTL, /* of all that has none of its own; IPv6 keeps its */
    HOP_LIMIT,
    NO_PMTU, /* does a host look for the path MTU, and what does it believe */
    LINUX_CC, /* an algorithm that Linux has */
    HOST_CACHE /* FreeBSD: how many entries; a write forgets them */
};
struct alias {
    const char *linux_name, *ours;
    enum unit unit;
};
static const struct alias aliases[] = {
    {"net.inet.tcp.hostcache.count", NULL, HOST_CACHE},
    {"net.ipv4.tcp_syn_retries", NULL, SYN_RETRIES}, {"net.ipv4.tcp_synack_retries", NULL, SYNACK_RETRIES},
    {"net.ipv4.tcp_syn_linear_timeouts", NULL, SYN_LINEAR}, {"net.ipv4.tcp_syncookies", "tcp.syncookies", PLAIN},
    {"net.ipv4.tcp_max_syn_backlog", "tcp.max_syn_backlog", PLAIN}, {"net.core.somaxconn", "tcp.somaxconn", PLAIN},
    {"net.ipv4.tcp_abort_on_overflow", "tcp.abort_on_overflow", PLAIN},
    {"net.ipv4.tcp_migrate_req", "tcp.migrate_requests", PLAIN},
    {"net.ipv4.tcp_window_scaling", "tcp.offer_wscale", PLAIN}, {"net.ipv4.tcp_sack", "tcp.offer_sack", PLAIN},
    {"net.ipv4.tcp_dsack", "tcp.dsack", PLAIN}, {"net.ipv4.tcp_timestamps", NULL, TIMESTAMPS},
    {"net.ipv4.tcp_ecn", "tcp.ecn", PLAIN}, {"net.ipv4.tcp_ecn_option", "tcp.ecn_option", PLAIN},
    {"net.ipv4.tcp_ecn_option_beacon", "tcp.ecn_option_beacon", PLAIN},
    {"net.ipv4.tcp_ecn_fallback", "tcp.ecn_no_fallback", INVERTED},
    {"net.ipv4.tcp_fastopen", "tcp.fastopen", PLAIN}, {"net.ipv4.tcp_fastopen_key", NULL, FASTOPEN_KEY},
    {"net.ipv4.tcp_rmem", NULL, TRIPLE_RCV}, {"net.ipv4.tcp_wmem", NULL, TRIPLE_SND},
    {"net.ipv4.tcp_moderate_rcvbuf", "tcp.moderate_rcvbuf", PLAIN},
    {"net.ipv4.tcp_shrink_window", "tcp.shrink_window", PLAIN}, {"net.ipv4.tcp_app_win", "tcp.app_win", PLAIN},
    {"net.ipv4.tcp_workaround_signed_windows", "tcp.signed_windows", PLAIN},
    {"net.ipv4.tcp_stdurg", "tcp.stdurg", PLAIN},
    {"net.ipv4.tcp_thin_linear_timeouts", "tcp.thin_linear_timeouts", PLAIN},
    {"net.ipv4.tcp_retries1", "tcp.retries1", PLAIN}, {"net.ipv4.tcp_retries2", "tcp.retries2", PLAIN},
    {"net.ipv4.tcp_orphan_retries", "tcp.orphan_retries", PLAIN}, {"net.ipv4.tcp_congestion_control", "tcp.cc", LINUX_CC},
    {"net.ipv4.tcp_frto", "tcp.frto", NONZERO}, {"net.ipv4.tcp_recovery", "tcp.rack_bits", PLAIN},
    {"net.ipv4.tcp_early_retrans", "tcp.tlp", TLP},
    {"net.ipv4.tcp_comp_sack_delay_ns", "tcp.comp_sack_delay_us", NS_US},
    {"net.ipv4.tcp_comp_sack_rtt_percent", "tcp.comp_sack_percent", PLAIN},
    {"net.ipv4.tcp_rcvbuf_low_rtt", "tcp.rcvbuf_low_rtt_us", PLAIN},
    {"net.ipv4.tcp_comp_sack_nr", "tcp.comp_sack_nr", PLAIN},
    {"net.ipv4.tcp_comp_sack_slack_ns", "tcp.comp_sack_slack_us", NS_US},
    {"net.ipv4.tcp_pingpong_thresh", "tcp.pingpong_thresh", PLAIN},
    {"net.ipv4.tcp_rto_min_us", "tcp.rto_min_ms", US_MS},
    {"net.ipv4.tcp_pacing_ss_ratio", "tcp.pacing_ss_ratio", PLAIN},
    {"net.ipv4.tcp_pacing_ca_ratio", "tcp.pacing_ca_ratio", PLAIN},
    {"net.ipv4.ip_no_pmtu_disc", NULL, NO_PMTU},
    {"net.ipv4.tcp_max_reordering", "tcp.max_reordering", PLAIN}, {"net.ipv4.tcp_min_rtt_wlen", "tcp.min_rtt_wlen", PLAIN},
    {"net.ipv4.tcp_retrans_collapse", "tcp.retrans_collapse", PLAIN},
    {"net.ipv4.tcp_plb_enabled", "tcp.plb", PLAIN}, {"net.ipv4.tcp_plb_cong_thresh", "tcp.plb_threshold", PLAIN},
    {"net.ipv4.tcp_plb_rehash_rounds", "tcp.plb_rounds", PLAIN}, {"net.ipv4.tcp_plb_idle_rehash_rounds", "tcp.plb_idle_rounds", PLAIN},
    {"net.ipv4.tcp_plb_suspend_rto_sec", "tcp.plb_suspend_s", PLAIN},
    {"net.ipv4.tcp_reordering", "tcp.reordering", PLAIN},
    {"net.ipv4.tcp_slow_start_after_idle", "tcp.slow_start_after_idle", PLAIN},
    {"net.ipv4.tcp_no_metrics_save", "tcp.no_metrics_save", PLAIN},
    {"net.ipv4.tcp_no_ssthresh_metrics_save", "tcp.no_ssthresh_save", PLAIN},
    {"net.ipv4.tcp_rto_max_ms", "tcp.rto_max_ms", PLAIN},
    {"net.ipv4.tcp_challenge_ack_limit", "tcp.challenge_ack_limit", PLAIN},
    {"net.ipv4.tcp_invalid_ratelimit", "tcp.invalid_ratelimit_ms", PLAIN},
    {"net.ipv4.tcp_rfc1337", "tcp.rfc1337", PLAIN}, {"net.ipv4.tcp_fin_timeout", "tcp.fin_wait2_ms", SECONDS},
    {"net.ipv4.tcp_tw_reuse", "tcp.time_wait_reuse", PLAIN},
    {"net.ipv4.tcp_tw_reuse_delay", "tcp.time_wait_reuse_delay_ms", PLAIN},
    {"net.ipv4.tcp_max_tw_buckets", "tcp.time_wait_limit", PLAIN},
    {"net.ipv4.tcp_reflect_tos", "tcp.reflect_tos", PLAIN},
    {"net.ipv4.tcp_fastopen_blackhole_timeout_sec", "tcp.fastopen_hole_ms", SECONDS},
    {"net.ipv4.tcp_min_tso_segs", "tcp.min_tso_segs", PLAIN}, {"net.ipv4.tcp_tso_rtt_log", "tcp.tso_rtt_log", PLAIN},
    {"net.ipv4.tcp_tso_win_divisor", "tcp.tso_win_divisor", PLAIN},
    {"net.ipv4.tcp_max_orphans", "tcp.orphan_limit", PLAIN},
    {"net.ipv4.tcp_keepalive_time", "tcp.keepalive_idle_ms", SECONDS},
    {"net.ipv4.tcp_keepalive_intvl", "tcp.keepalive_interval_ms", SECONDS},
    {"net.ipv4.tcp_keepalive_probes", "tcp.keepalive_probes", PLAIN},
    {"net.ipv4.tcp_mtu_probing", "tcp.mtu_probing", PLAIN}, {"net.ipv4.tcp_min_snd_mss", "tcp.min_snd_mss", PLAIN},
    {"net.ipv4.tcp_mtu_probe_floor", "tcp.mtu_probe_floor", PLAIN},
    {"net.ipv4.tcp_probe_threshold", "tcp.mtu_probe_threshold", PLAIN},
    {"net.ipv4.tcp_probe_interval", "tcp.mtu_probe_interval_ms", SECONDS},
    {"net.ipv4.tcp_base_mss", "tcp.base_mss", PLAIN}, {"net.ipv4.tcp_notsent_lowat", "tcp.notsent_lowat", PLAIN},
    {"net.ipv4.ip_local_port_range", NULL, PORTS}, {"net.ipv4.ip_local_reserved_ports", NULL, KEPT_PORTS},
    {"net.ipv4.ip_default_ttl", NULL, TTL},
    {"net.ipv6.conf.all.hop_limit", NULL, HOP_LIMIT}, {"net.ipv6.conf.tun0.hop_limit", NULL, HOP_LIMIT},
    {"net.ipv4.ip_forward", "ip.forwarding", PLAIN}, {"net.ipv6.conf.all.forwarding", "ip.forwarding", PLAIN},
    {"net.ipv4.icmp_msgs_per_sec", "ip.icmp_rate_per_s", PLAIN}, {"net.ipv4.icmp_msgs_burst", "ip.icmp_burst", PLAIN},
    {"net.ipv4.icmp_echo_ignore_all", "ip.icmp_echo_ignore_all", PLAIN},
    {"net.ipv6.icmp.echo_ignore_all", "ip.icmp6_echo_ignore_all", PLAIN},
    {"net.ipv6.flowlabel_reflect", "tcp.flow_label_reflect", PLAIN}, {"net.ipv6.auto_flowlabels", "ip.auto_flow_labels", PLAIN},
    {"net.ipv4.ip_nonlocal_bind", "socket.nonlocal_bind", PLAIN},
    {"net.ipv6.ip_nonlocal_bind", "socket.nonlocal_bind", PLAIN}, {"net.ipv6.bindv6only", "socket.v6only", PLAIN},
    {"net.ipv4.icmp_echo_ignore_broadcasts", "ip.icmp_echo_ignore_broadcast", PLAIN},
    {"net.ipv4.ipfrag_time", "ip.frag_timeout_ms", SECONDS},
    {"net.ipv4.ipfrag_high_thresh", "ip.frag_memory_bytes", PLAIN},
    {"net.ipv4.ipfrag_max_dist", "ip.frag_max_per_host", PLAIN},
    {"net.ipv4.route.mtu_expires", "ip.pmtu_expires_ms", SECONDS}, {"net.ipv4.route.min_pmtu", "ip.pmtu_min", PLAIN},
    {"net.ipv4.conf.all.send_redirects", "ip.send_redirects", PLAIN},
    {"net.ipv4.conf.all.accept_redirects", "ip.accept_redirects", PLAIN},
    {"net.ipv4.conf.all.accept_source_route", "ip.source_route", PLAIN},
    {"net.ipv4.conf.all.arp_notify", "ip.announce", PLAIN},
    {"net.ipv4.conf.all.promote_secondaries", "ip.promote_secondaries", PLAIN},
    {"net.ipv6.conf.all.dad_transmits", "ip.dad_transmits", PLAIN},
    {"net.ipv4.neigh.default.gc_thresh3", "arp.cache_limit", PLAIN},
    {"net.ipv4.neigh.default.mcast_solicit", "arp.max_asks", PLAIN},
    {"net.ipv4.neigh.default.retrans_time_ms", "arp.retrans_ms", PLAIN}, {"net.core.rmem_default", "udp.rcvbuf", PLAIN},
    {"net.core.wmem_default", "udp.sndbuf", PLAIN},
    {"net.ipv4.ip_unprivileged_port_start", "socket.reserved_ports", PLAIN},
};

/* TCP and UDP have copies of their own. */
static void spread(struct lil_host *host)
{
    tcp_set_params(host->tcp, &host->profile->tcp);
    *udp_get_params(host->udp) = host->profile->udp;
    if (host->profile->tcp.udp_tunneling_port) { /* no short way knows of it */
        host->long_ways = true;
        tcp_watch_all(host->tcp);
    }
    host_changed(host);
}

/* tcp_syn_retries: N exponential retries behind the linear ones, each interval twice the last up to 120 s. */
static void set_retries(struct tcp_schedule *schedule, uint32_t linear, uint32_t retries)
{
    uint32_t ms = schedule->interval_ms[0] ? schedule->interval_ms[0] : 1000, total = 0;
    uint32_t count = min_u32(retries + linear, ARRAY_COUNT(schedule->interval_ms) - 1);
    for (uint32_t i = 0; i <= count; i++) {
        schedule->interval_ms[i] = ms;
        total += ms;
        if (i >= linear)
            ms = min_u32(ms * 2, 120000);
    }
    schedule->count = (uint8_t)(count + 1);
    schedule->retries = (uint8_t)count;
    schedule->give_up_ms = total;
}

/* What tcp_syn_retries says of a schedule that holds the linear ones too. */
static uint32_t syn_retries(const struct tcp_params *tcp)
{
    return tcp->syn.retries - min_u32(tcp->syn.retries, tcp->syn_linear_timeouts);
}

static int set_triple(const char *value, uint32_t *low, uint32_t *normal, uint32_t *high)
{
    uint32_t a, b, c;
    char rest;
    if (sscanf(value, "%u %u %u %c", &a, &b, &c, &rest) != 3 || a > b || b > c)
        return -EINVAL;
    *low = a;
    *normal = b;
    *high = c;
    return 0;
}

static const char zero_key[] = "00000000-00000000-00000000-00000000";

static int set_fastopen_key(struct lil_host *host, const char *value)
{
    uint64_t words[4];
    unsigned keys = 0;
    for (int used = 0; keys < 2; keys++, value += used + 1) {
        unsigned key[4];
        if (sscanf(value, "%8x-%8x-%8x-%8x%n", &key[0], &key[1], &key[2], &key[3], &used) != 4)
            return -EINVAL;
        words[2 * keys] = (uint64_t)key[1] << 32 | key[0];
        words[2 * keys + 1] = (uint64_t)key[3] << 32 | key[2];
        if (value[used] != ',') {
            keys++;
            break;
        }
    }
    tcp_set_fastopen_key(host->tcp, words, keys);
    return 0;
}

static void get_fastopen_key(const struct lil_host *host, char *value, size_t size)
{
    uint64_t words[4];
    unsigned keys = tcp_get_fastopen_key(host->tcp, words);
    if (!keys)
        snprintf(value, size, "%s", zero_key);
    for (unsigned i = 0, used = 0; i < keys && used < size; i++)
        used += (unsigned)snprintf(value + used, size - used, "%s%08x-%08x-%08x-%08x", i ? "," : "", (unsigned)words[2 * i],
                                   (unsigned)(words[2 * i] >> 32), (unsigned)words[2 * i + 1], (unsigned)(words[2 * i + 1] >> 32));
}

/* One more span in its place; those that touch become one. */
static int keep_ports(struct socket_params *params, unsigned first, unsigned last)
{
    unsigned at = 0, end;
    while (at < params->kept_count && params->kept_ports[at].last + 1u < first)
        at++;
    for (end = at; end < params->kept_count && params->kept_ports[end].first <= last + 1u; end++) {
        first = min_u32(first, params->kept_ports[end].first);
        last = max_u32(last, params->kept_ports[end].last);
    }
    if (end == at && params->kept_count == KEPT_SPANS)
        return -ENOSPC;
    memmove(&params->kept_ports[at + 1], &params->kept_ports[end], (params->kept_count - end) * sizeof params->kept_ports[0]);
    params->kept_ports[at] = (struct port_span){(uint16_t)first, (uint16_t)last};
    params->kept_count = (uint8_t)(params->kept_count + 1 - (end - at));
    return 0;
}

/* "1,5,7-12"; empty: none. */
static int set_kept_ports(struct socket_params *params, const char *value)
{
    struct socket_params kept = *params;
    kept.kept_count = 0;
    while (*value) {
        unsigned first, last;
        int used = 0, error;
        if (sscanf(value, "%u%n", &first, &used) != 1)
            return -EINVAL;
        value += used;
        last = first;
        if (*value == '-') {
            if (sscanf(++value, "%u%n", &last, &used) != 1)
                return -EINVAL;
            value += used;
        }
        if (last < first || last > UINT16_MAX || (*value && *value != ','))
            return -EINVAL;
        error = keep_ports(&kept, first, last);
        if (error)
            return error;
        value += *value == ',';
    }
    *params = kept;
    return 0;
}

static void get_kept_ports(const struct socket_params *params, char *value, size_t size)
{
    struct text t = {value, size, 0};
    value[0] = 0;
    for (unsigned i = 0; i < params->kept_count; i++) {
        text_add(&t, "%s%u", i ? "," : "", params->kept_ports[i].first);
        if (params->kept_ports[i].last > params->kept_ports[i].first)
            text_add(&t, "-%u", params->kept_ports[i].last);
    }
}

static int set_special(struct lil_host *host, enum unit unit, const char *value)
{
    struct profile *profile = host->profile;
    struct tcp_params *tcp = &profile->tcp;
    unsigned first, last;
    char rest;
    switch (unit) {
    case SYN_RETRIES:
    case SYN_LINEAR:
    case SYNACK_RETRIES:
        if (sscanf(value, "%u %c", &first, &rest) != 1 || first > 127)
            return -EINVAL;
        if (unit == SYNACK_RETRIES) {
            set_retries(&tcp->synack, 0, first);
            return 0;
        }
        last = unit == SYN_RETRIES ? first : syn_retries(tcp);
        if (unit == SYN_LINEAR)
            tcp->syn_linear_timeouts = first;
        set_retries(&tcp->syn, tcp->syn_linear_timeouts, last);
        return 0;
    case FASTOPEN_KEY: /* "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"; a second one, behind a comma, is for rotation */
        return set_fastopen_key(host, value);
    case HOST_CACHE:
        tcp_flush_host_cache(host->tcp, host->now_ns);
        pmtu_fini(&host->pmtu);
        return 0;
    case TIMESTAMPS:
        if (sscanf(value, "%u %c", &first, &rest) != 1 || first > 2)
            return -EINVAL;
        tcp->offer_timestamps = first != 0;
        tcp->timestamp_offsets = first != 2;
        return 0;
    case NO_PMTU:
        if (sscanf(value, "%u %c", &first, &rest) != 1 || first > 255)
            return -EINVAL;
        tcp->pmtu_discovery = first == 0;
        profile->ip.pmtu_trust = (uint8_t)first;
        return 0;
    case TTL:
    case HOP_LIMIT:
        if (sscanf(value, "%u %c", &first, &rest) != 1 || !first || first > 255)
            return -EINVAL;
        if (unit == HOP_LIMIT || !tcp->hop_limit)
            tcp->hop_limit = unit == HOP_LIMIT ? (uint8_t)first : tcp->ttl;
        if (unit == TTL)
            profile->ip.ttl = profile->udp.ttl = tcp->ttl = (uint8_t)first;
        return 0;
    case KEPT_PORTS:
        return set_kept_ports(&profile->socket, value);
    case TRIPLE_RCV:
        return set_triple(value, &tcp->rcvbuf_min, &tcp->rcvbuf, &tcp->rcvbuf_max);
    case TRIPLE_SND:
        return set_triple(value, &tcp->sndbuf_min, &tcp->sndbuf, &tcp->sndbuf_max);
    default:
        if (sscanf(value, "%u %u %c", &first, &last, &rest) != 2 || !first || first > last || last > 65535)
            return -EINVAL;
        tcp->port_first = profile->udp.port_first = (uint16_t)first;
        tcp->port_last = profile->udp.port_last = (uint16_t)last;
        return 0;
    }
}

static void get_special(const struct lil_host *host, enum unit unit, char *value, size_t size)
{
    const struct tcp_params *tcp = &host->profile->tcp;
    switch (unit) {
    case SYN_RETRIES:
        snprintf(value, size, "%u", syn_retries(tcp));
        return;
    case SYN_LINEAR:
        snprintf(value, size, "%u", tcp->syn_linear_timeouts);
        return;
    case SYNACK_RETRIES:
        snprintf(value, size, "%u", tcp->synack.retries);
        return;
    case FASTOPEN_KEY:
        get_fastopen_key(host, value, size);
        return;
    case HOST_CACHE:
        snprintf(value, size, "%u", tcp_host_cache_count(host->tcp, host->now_ns));
        return;
    case TIMESTAMPS:
        snprintf(value, size, "%d", !tcp->offer_timestamps ? 0 : tcp->timestamp_offsets ? 1 : 2);
        return;
    case NO_PMTU:
        snprintf(value, size, "%u", host->profile->ip.pmtu_trust);
        return;
    case TTL:
        snprintf(value, size, "%u", host->profile->ip.ttl);
        return;
    case HOP_LIMIT:
        snprintf(value, size, "%u", tcp->hop_limit ? tcp->hop_limit : tcp->ttl);
        return;
    case KEPT_PORTS:
        get_kept_ports(&host->profile->socket, value, size);
        return;
    case TRIPLE_RCV:
        snprintf(value, size, "%u %u %u", tcp->rcvbuf_min, tcp->rcvbuf, tcp->rcvbuf_max);
        return;
    case TRIPLE_SND:
        snprintf(value, size, "%u %u %u", tcp->sndbuf_min, tcp->sndbuf, tcp->sndbuf_max);
        return;
    default:
        snprintf(value, size, "%u %u", tcp->port_first, tcp->port_last);
    }
}

static const struct alias *alias_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(aliases); i++)
        if (!strcmp(aliases[i].linux_name, name))
            return &aliases[i];
    return NULL;
}

static int set_alias(struct lil_host *host, const struct alias *alias, const char *value)
{
    char text[32], *end;
    if (!alias->ours)
        return set_special(host, alias->unit, value);
    if (alias->unit == LINUX_CC)
        return tcp_cc_is_linux(value) ? profile_set(host->profile, alias->ours, value) : -EINVAL;
    errno = 0;
    unsigned long number = strtoul(value, &end, 0);
    bool is_number = !errno && end != value && !*end;
    if (alias->unit == PLAIN && !(is_number && value[0] == '0' && (value[1] | 32) == 'x'))
        return profile_set(host->profile, alias->ours, value); /* words, and numbers as they stand */
    if (!is_number || number > UINT32_MAX)
        return -EINVAL;
    const unsigned long values[] = {[PLAIN] = number, [SECONDS] = number * 1000, [NONZERO] = number != 0,
                                    [TLP] = number >= 3, [NS_US] = number / 1000, [US_MS] = number / 1000,
                                    [INVERTED] = number == 0};
    snprintf(text, sizeof text, "%lu", values[alias->unit]);
    return profile_set(host->profile, alias->ours, text);
}

int lil_sysctl_set(struct lil_host *host, const char *name, const char *value)
{
    const struct alias *alias = alias_find(name);
    int error = alias ? set_alias(host, alias, value) : profile_set(host->profile, name, value);
    if (!error)
        spread(host);
    return error;
}

int lil_sysctl_get(const struct lil_host *host, const char *name, char *value, size_t size)
{
    const struct alias *alias = alias_find(name);
    if (!alias)
        return profile_get(host->profile, name, value, size);
    if (!alias->ours) {
        get_special(host, alias->unit, value, size);
        return 0;
    }
    int error = profile_get(host->profile, alias->ours, value, size);
    unsigned long number = error ? 0 : strtoul(value, NULL, 10);
    if (!error && alias->unit == SECONDS)
        snprintf(value, size, "%lu", number / 1000);
    else if (!error && (alias->unit == NS_US || alias->unit == US_MS))
        snprintf(value, size, "%lu", number * 1000);
    else if (!error && alias->unit == INVERTED)
        snprintf(value, size, "%d", number == 0);
    else if (!error && alias->unit == TLP)
        snprintf(value, size, "%d", number ? 3 : 0);
    return error;
}

int lil_sysctl_each(const struct lil_host *host, void (*visit)(void *ctx, const char *name, const char *value), void *ctx)
{
    char value[256];
    const char *name;
    for (unsigned i = 0; (name = profile_field_name(i)); i++)
        if (profile_get(host->profile, name, value, sizeof value) == 0)
            visit(ctx, name, value);
    for (size_t i = 0; i < ARRAY_COUNT(aliases); i++)
        if (lil_sysctl_get(host, aliases[i].linux_name, value, sizeof value) == 0)
            visit(ctx, aliases[i].linux_name, value);
    return 0;
}
