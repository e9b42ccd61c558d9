/* sysctl_bsd.c: FreeBSD's parameters, net.inet.tcp.* and kern.ipc.*, translated to the host's own names (tcp(4), mod_cc(4), syncache(4)).
 * Retransmission times of SYN and SYN/ACK follow from rexmit_initial, rexmit_slop, keepinit and the syncache's limit. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script/programs/programs.h"
#include "script/language/symbols.h"
#include "script/programs/sysctl_bsd.h"

enum translation {
    SAME,
    NONZERO,
    INVERTED,
    HALVES_MS /* msl: the host keeps 2 MSL */,
    RFC1323,
    CONGESTION,
    BIT_1,
    BIT_2,
    COOKIES_ONLY,
    SOCK_FAIL,
    DELACK,
    SCHEDULE,
    KEEP_INIT,
    ECN /* 4, AccECN when asked, is our 5 */,
    SYN_LIMIT,
    BLACK_HOLE,
    PURGE /* reads as 0 */,
    TUNNEL /* a port */,
    OVERHEAD,
    LIVES /* the TTL of all that is sent */,
    PORT_FIRST,
    PORT_LAST,
    ICMP_RATE,
    ANY_PEER /* connect() to the wildcard: this host, or ENETUNREACH */
};
struct sysctl_name {
    const char *name, *ours;
    enum translation how;
    long value;              /* what it is on a fresh host, where the host has no word for it */
};
static const struct sysctl_name translated[] = {
    {"net.inet.tcp.sack.enable", "tcp.offer_sack", NONZERO, 1},
    {"net.inet.tcp.sack.maxholes", "tcp.sack_max_holes", SAME, 128},
    {"net.inet.tcp.sack.revised", "tcp.sack_revised", NONZERO, 1},
    {"net.inet.tcp.rfc6675_pipe", "tcp.sack_revised", NONZERO, 1},
    {"net.inet.tcp.sack.lrd", "tcp.lost_retransmission", NONZERO, 1},
    {"net.inet.tcp.rfc1323", NULL, RFC1323, 1},
    {"net.inet.tcp.ecn.enable", "tcp.ecn", ECN, 2},
    {"net.inet.tcp.ecn.maxretries", "tcp.ecn_syn_retries", SAME, 1},
    {"net.inet.tcp.cc.algorithm", "tcp.cc", CONGESTION, 0},
    {"net.inet.tcp.cc.abe", "tcp.ecn_abe", NONZERO, 0},
    {"net.inet.tcp.cc.newreno.beta", "tcp.reno_beta", SAME, 50},
    {"net.inet.tcp.cc.newreno.beta_ecn", "tcp.reno_beta_ecn", SAME, 80},
    {"net.inet.tcp.cc.htcp.adaptive_backoff", "tcp.htcp_adaptive_backoff", NONZERO, 0},
    {"net.inet.tcp.cc.htcp.rtt_scaling", "tcp.htcp_rtt_scaling", NONZERO, 0},
    {"net.inet.tcp.cc.dctcp.alpha", "tcp.dctcp_alpha", SAME, 1024},
    {"net.inet.tcp.cc.dctcp.shift_g", "tcp.dctcp_shift_g", SAME, 4},
    {"net.inet.tcp.cc.dctcp.slowstart", "tcp.dctcp_slowstart", NONZERO, 0},
    {"net.inet.tcp.cc.dctcp.ect1", "tcp.dctcp_ect1", NONZERO, 0},
    {"net.inet.tcp.cc.vegas.alpha", "tcp.vegas_alpha", SAME, 1},
    {"net.inet.tcp.cc.vegas.beta", "tcp.vegas_beta", SAME, 3},
    {"net.inet.tcp.initcwnd_segments", "tcp.initial_window", SAME, 10},
    {"net.inet.tcp.abc_l_var", "tcp.abc_limit", SAME, 2},
    {"net.inet.tcp.msl", "tcp.time_wait_ms", HALVES_MS, 0},
    {"net.inet.tcp.rexmit_min", "tcp.rto_min_ms", SAME, 30},
    {"net.inet.tcp.rexmit_max", "tcp.rto_max_ms", SAME, 64000},
    {"net.inet.tcp.rexmit_slop", "tcp.rto_slop_ms", SCHEDULE, 200},
    {"net.inet.tcp.rexmit_initial", "tcp.rto_initial_ms", SCHEDULE, 1000},
    {"net.inet.tcp.rexmit_drop_options", "tcp.drop_options_on_rexmit", NONZERO, 0},
    {"net.inet.tcp.retries", "tcp.retries2", SAME, 12},
    {"net.inet.tcp.keepidle", "tcp.keepalive_idle_ms", SAME, 0},
    {"net.inet.tcp.keepintvl", "tcp.keepalive_interval_ms", SAME, 0},
    {"net.inet.tcp.keepcnt", "tcp.keepalive_probes", SAME, 0},
    {"net.inet.tcp.keepinit", NULL, KEEP_INIT, 75000},
    {"net.inet.tcp.always_keepalive", "tcp.keepalive_always", NONZERO, 1},
    {"net.inet.tcp.finwait2_timeout", "tcp.fin_wait2_recycle_ms", SAME, 60000},
    {"net.inet.tcp.fast_finwait2_recycle", "tcp.fin_wait2_recycle", NONZERO, 0},
    {"net.inet.tcp.persmin", "tcp.persist_min_ms", SAME, 5000},
    {"net.inet.tcp.persmax", "tcp.persist_max_ms", SAME, 60000},
    {"net.inet.tcp.delacktime", "tcp.delack_ms", DELACK, 40},
    {"net.inet.tcp.delayed_ack", "tcp.no_delayed_ack", INVERTED, 1},
    {"net.inet.tcp.sendspace", "tcp.sndbuf", SAME, 32768},
    {"net.inet.tcp.recvspace", "tcp.rcvbuf", SAME, 65536},
    {"net.inet.tcp.sendbuf_auto", "tcp.autotune_sndbuf", NONZERO, 1},
    {"net.inet.tcp.recvbuf_auto", "tcp.moderate_rcvbuf", NONZERO, 1},
    {"net.inet.tcp.sendbuf_max", "tcp.sndbuf_max", SAME, 0},
    {"net.inet.tcp.recvbuf_max", "tcp.rcvbuf_max", SAME, 0},
    {"net.inet.tcp.mssdflt", "tcp.mss_default", SAME, 536},
    {"net.inet.tcp.v6mssdflt", "tcp.mss_default6", SAME, 1220},
    {"net.inet.tcp.minmss", "tcp.min_snd_mss", SAME, 216},
    {"net.inet.tcp.path_mtu_discovery", "tcp.pmtu_discovery", NONZERO, 1},
    {"net.inet.tcp.pmtud_blackhole_detection", "tcp.mtu_probing", SAME, 0},
    {"net.inet.tcp.pmtud_blackhole_mss", "tcp.base_mss", SAME, 1200},
    {"net.inet.tcp.v6pmtud_blackhole_mss", "tcp.base_mss6", SAME, 1220},
    {"net.inet.tcp.syncookies", "tcp.syncookies", NONZERO, 1},
    {"net.inet.tcp.syncookies_only", "tcp.syncookies", COOKIES_ONLY, 0},
    {"net.inet.tcp.syncache.rexmtlimit", NULL, SYN_LIMIT, 3},
    {"net.inet.tcp.syncache.rst_on_sock_fail", "tcp.full_ack_policy", SOCK_FAIL, 1},
    {"net.inet.tcp.do_prr", "tcp.prr", NONZERO, 1},
    {"net.inet.tcp.do_lrd", "tcp.lost_retransmission", NONZERO, 1},
    {"net.inet.tcp.maxunacktime", "tcp.max_unack_ms", SAME, 0},
    {"net.inet.tcp.newcwv", "tcp.newcwv", NONZERO, 0},
    {"net.inet.tcp.rfc3042", "tcp.limited_transmit", NONZERO, 1},
    {"net.inet.tcp.rfc3465", "tcp.byte_counting", NONZERO, 1},
    {"net.inet.tcp.rfc3390", "tcp.rfc3390", NONZERO, 1},
    {"net.inet.tcp.fastopen.server_enable", "tcp.fastopen", BIT_2, 0},
    {"net.inet.tcp.fastopen.client_enable", "tcp.fastopen", BIT_1, 0},
    {"net.inet.tcp.fastopen.acceptany", "tcp.fastopen_any_cookie", NONZERO, 0},
    {"net.inet.tcp.fastopen.psk_enable", "tcp.fastopen_psk", NONZERO, 0},
    {"net.inet.tcp.fastopen.path_disable_time", "tcp.fastopen_disable_s", SAME, 900},
    {"net.inet.tcp.hostcache.enable", "tcp.host_cache", NONZERO, 1},
    {"net.inet.tcp.hostcache.expire", "tcp.host_cache_s", SAME, 3600},
    {"net.inet.tcp.hostcache.count", "net.inet.tcp.hostcache.count", SAME, 0},
    {"net.inet.tcp.hostcache.purgenow", "net.inet.tcp.hostcache.count", PURGE, 0},
    {"net.inet.tcp.insecure_rst", "tcp.insecure_rst", NONZERO, 0},
    {"net.inet.tcp.insecure_syn", "tcp.insecure_syn", NONZERO, 0},
    {"net.inet.tcp.insecure_ack", "tcp.rfc5961", INVERTED, 0},
    {"net.inet.tcp.ack_war_cnt", "tcp.conn_challenge_count", SAME, 5},
    {"net.inet.tcp.ack_war_timewindow", "tcp.conn_challenge_ms", SAME, 1000},
    {"net.inet.tcp.drop_synfin", "tcp.drop_synfin", NONZERO, 0},
    {"net.inet.tcp.blackhole", "tcp.blackhole", BLACK_HOLE, 0},
    {"net.inet.tcp.maxtcptw", "tcp.time_wait_limit", SAME, 0},
    {"net.inet.tcp.icmp_may_rst", "tcp.icmp_soft_only", INVERTED, 1},
    {"net.inet.tcp.tolerate_missing_ts", "tcp.drop_missing_ts", INVERTED, 1},
    {"net.inet.tcp.ts_offset_per_conn", "tcp.timestamp_offsets", NONZERO, 1},
    {"net.inet.tcp.udp_tunneling_port", "tcp.udp_tunneling_port", TUNNEL, 0},
    {"net.inet.tcp.udp_tunneling_overhead", "tcp.udp_tunneling_overhead", OVERHEAD, 8},
    {"net.inet.tcp.reass.maxqueuelen", "tcp.reass_pieces", SAME, 100},
    {"net.inet.udp.blackhole", "udp.blackhole", NONZERO, 0},
    {"net.inet.udp.checksum", "udp.csum", NONZERO, 1},
    {"net.inet.udp.recvspace", "udp.rcvbuf", SAME, 42080},
    {"net.inet.udp.maxdgram", "udp.sndbuf", SAME, 9216},
    {"net.inet.ip.ttl", "tcp.ttl", LIVES, 64},
    {"net.inet6.ip6.hlim", "tcp.ttl", LIVES, 64},
    {"net.inet.ip.portrange.first", "tcp.port_first", PORT_FIRST, 10000},
    {"net.inet.ip.portrange.last", "tcp.port_last", PORT_LAST, 65535},
    {"net.inet.ip.connect_inaddr_wild", "socket.connect_any", ANY_PEER, 0},
    {"net.inet6.ip6.v6only", "socket.v6only", NONZERO, 1},
    {"net.inet6.ip6.connect_in6addr_wild", "socket.connect_any", ANY_PEER, 0},
    {"net.inet.ip.random_id", "ip.random_ip_id", NONZERO, 0},
    {"net.inet.icmp.icmplim", "ip.icmp_rate_per_s", ICMP_RATE, 200},
    {"kern.ipc.maxsockbuf", "tcp.scale_buffer", SAME, 2097152},
    {"kern.ipc.soacceptqueue", "net.core.somaxconn", SAME, 128},
    {"kern.ipc.somaxconn", "net.core.somaxconn", SAME, 128},
};
static bool is_in(const char *name, const char *const *families, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

/* NULL: not one of these. */
static const char *fresh_value(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(harmless_names); i++)
        if (strcmp(name, harmless_names[i].name) == 0)
            return harmless_names[i].value;
    return is_in(name, harmless_families, ARRAY_COUNT(harmless_families)) ? "0" : NULL;
}

static const struct sysctl_name *find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(translated); i++)
        if (strcmp(name, translated[i].name) == 0)
            return &translated[i];
    return NULL;
}

static void put(struct shell *shell, const char *ours, const char *value, const char *name)
{
    if (lil_sysctl_set(shell->run->host, ours, value) < 0 && !shell->lenient)
        run_skip(shell->run, "command: sysctl %s cannot be \"%s\" here", name, value);
}

static void put_number(struct shell *shell, const char *ours, long value, const char *name)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", value);
    put(shell, ours, text, name);
}

static long get_number(struct shell *shell, const char *ours)
{
    char text[256] = "";
    if (lil_sysctl_get(shell->run->host, ours, text, sizeof text) < 0)
        return 0;
    return strtol(text, NULL, 0);
}

/* --- the times of SYNs ------------------------------------------------------------------------------------------------ */

static double last_number(const char *text)
{
    const char *space = strrchr(text, ' ');
    return strtod(space ? space + 1 : text, NULL);
}

/* "0,1,3.2,7.4 15.6": the first interval as it stands, each further one twice the last and the slop on top, LIMIT of
 * them in all, or as many as begin before END_MS. */
static void schedule_write(char *text, size_t size, long initial_ms, long slop_ms, long limit, double end_ms)
{
    double at = 0, most = 64000;
    long n = 0;
    size_t used = 0;
    for (; n < 18 && used < size && (limit >= 0 ? n <= limit : at < end_ms); n++) {
        used += (size_t)snprintf(text + used, size - used, "%s%g", n ? "," : "", at / 1000);
        double interval = n == 0 ? (double)initial_ms : (double)(initial_ms << n) + (double)slop_ms;
        at += interval < most ? interval : most;
    }
    if (used < size)
        snprintf(text + used, size - used, " %g", (limit >= 0 ? at : end_ms) / 1000);
}

static void rebuild(struct shell *shell, const char *name, long keep_init_ms, long syn_limit)
{
    char text[256] = "", syn[256] = "", synack[256] = "";
    long initial = get_number(shell, "tcp.rto_initial_ms"), slop = get_number(shell, "tcp.rto_slop_ms");
    (void)lil_sysctl_get(shell->run->host, "tcp.syn", syn, sizeof syn);
    (void)lil_sysctl_get(shell->run->host, "tcp.synack", synack, sizeof synack);
    long limit = 0;
    for (const char *p = synack; *p; p++)
        limit += *p == ',';
    double end_ms = keep_init_ms >= 0 ? (double)keep_init_ms : last_number(syn) * 1000;
    schedule_write(text, sizeof text, initial, slop, -1, end_ms);
    put(shell, "tcp.syn", text, name);
    schedule_write(text, sizeof text, initial, slop, syn_limit >= 0 ? syn_limit : limit, 0);
    put(shell, "tcp.synack", text, name);
}

static long count_syn_acks(struct shell *shell)
{
    char text[256] = "";
    long count = 0;
    (void)lil_sysctl_get(shell->run->host, "tcp.synack", text, sizeof text);
    for (const char *p = text; *p; p++)
        count += *p == ',';
    return count;
}

/* --- set and get --------------------------------------------------------------------------------------------------------- */

static void set_bit(struct shell *shell, const struct sysctl_name *known, long bit, bool on)
{
    long now = get_number(shell, known->ours);
    put_number(shell, known->ours, on ? now | bit : now & ~bit, known->name);
}

static void set_tunnel(struct shell *shell, const struct sysctl_name *known, long number)
{
    put_number(shell, known->ours, number, known->name);
    if (known->how == TUNNEL)
        shell->run->tunnel_port = (uint32_t)number;
}

/* One parameter of FreeBSD is several here. */
static void put_several(struct shell *shell, const struct sysctl_name *known, const char *value)
{
    put(shell, known->ours, value, known->name);
    if (known->how == ICMP_RATE) {
        put(shell, "ip.icmp_burst", value, known->name);
        put(shell, "tcp.reset_limit", value, known->name);
    } else
        put(shell, known->how == PORT_FIRST ? "udp.port_first" : known->how == PORT_LAST ? "udp.port_last" : "udp.ttl", value, known->name);
    if (known->how == LIVES)
        put(shell, "ip.ttl", value, known->name);
}

static void set(struct shell *shell, const struct sysctl_name *known, const char *value)
{
    long number = strtol(value, NULL, 0);
    switch (known->how) {
    case SAME:
    case CONGESTION:
        put(shell, known->ours, value, known->name);
        break;
    case NONZERO:
        put_number(shell, known->ours, number != 0, known->name);
        break;
    case INVERTED:
        put_number(shell, known->ours, number == 0, known->name);
        break;
    case HALVES_MS:
        put_number(shell, known->ours, number * 2, known->name);
        break;
    case RFC1323:
        put_number(shell, "tcp.offer_wscale", number == 1 || number == 2, known->name);
        put_number(shell, "tcp.offer_timestamps", number == 1 || number == 3, known->name);
        break;
    case BIT_1:
    case BIT_2:
        set_bit(shell, known, known->how == BIT_1 ? 1 : 2, number != 0);
        break;
    case COOKIES_ONLY:
        if (number || get_number(shell, known->ours) == 2)
            put_number(shell, known->ours, number ? 2 : 1, known->name);
        break;
    case SOCK_FAIL:
        put(shell, known->ours, number ? "rst" : "ignore", known->name);
        break;
    case ANY_PEER:
        put(shell, known->ours, number ? "primary" : "ENETUNREACH", known->name);
        break;
    case DELACK:
        put_number(shell, "tcp.delack_ms", number, known->name);
        put_number(shell, "tcp.delack_min_ms", number, known->name);
        break;
    case SCHEDULE:
        put(shell, known->ours, value, known->name);
        rebuild(shell, known->name, -1, -1);
        break;
    case PURGE:
        if (number)
            put_number(shell, known->ours, 0, known->name);
        break;
    case ECN:
        put_number(shell, known->ours, number == 4 ? 5 : number, known->name);
        break;
    case KEEP_INIT:
        rebuild(shell, known->name, number, -1);
        break;
    case SYN_LIMIT:
        rebuild(shell, known->name, -1, number);
        break;
    case BLACK_HOLE:
        put_number(shell, known->ours, number < 0 ? 0 : number > 3 ? 3 : number, known->name);
        break;
    case TUNNEL:
    case OVERHEAD:
        set_tunnel(shell, known, number);
        break;
    case LIVES:
    case PORT_FIRST:
    case PORT_LAST:
    case ICMP_RATE:
        put_several(shell, known, value);
        break;
    }
}

/* What FreeBSD refuses: an algorithm that it has not (ESRCH), a number out of range (EINVAL). */
static bool is_refused(const struct sysctl_name *known, const char *value)
{
    static const char *const algorithms[] = {"cubic", "newreno", "htcp", "dctcp", "vegas", "hd", "chd", "cdg"};
    for (unsigned i = 0; known->how == CONGESTION && i < ARRAY_COUNT(algorithms); i++)
        if (strcmp(value, algorithms[i]) == 0)
            return false;
    long number = strtol(value, NULL, 0);
    for (unsigned i = 0; i < ARRAY_COUNT(ranges); i++)
        if (strcmp(known->name, ranges[i].name) == 0 && (number < ranges[i].least || number > ranges[i].most))
            return true;
    return known->how == CONGESTION;
}

int shell_sysctl_bsd_set(struct shell *shell, const char *name, const char *value)
{
    const struct sysctl_name *known = find(name);
    if (strcmp(name, "net.inet.tcp.functions_default") == 0 && strcmp(value, "freebsd") != 0 && strcmp(value, "default") != 0)
        run_skip(shell->run, "command: no TCP stack %s here", value);
    if (known && is_refused(known, value))
        return 1;
    if (strcmp(name, "net.inet.tcp.cc.newreno.beta_ecn") == 0 && !get_number(shell, "tcp.ecn_abe"))
        return 1; /* newreno_beta_handler(): EACCES */
    if (is_in(name, fixed_families, ARRAY_COUNT(fixed_families)) && strcmp(value, fresh_value(name)) != 0)
        run_skip(shell->run, "command: sysctl %s cannot be \"%s\" here", name, value);
    if (known)
        set(shell, known, value);
    return known || fresh_value(name) ? 0 : -1;
}

bool shell_sysctl_bsd_is_kept(const char *name)
{
    return !find(name) && fresh_value(name) && strcmp(name, "net.inet.tcp.functions_default") != 0;
}

/* How FreeBSD tells NUMBER, the host's value (TEXT, as it is). */
static long told(struct shell *shell, const struct sysctl_name *known, long number, const char *text)
{
    char schedule[256] = "";
    switch (known->how) {
    case INVERTED: return number == 0;
    case HALVES_MS: return number / 2;
    case BIT_1: return number & 1;
    case BIT_2: return number >> 1 & 1;
    case COOKIES_ONLY: return number == 2;
    case SOCK_FAIL: return strcmp(text, "rst") == 0;
    case ANY_PEER: return strcmp(text, "primary") == 0;
    case RFC1323:
        return get_number(shell, "tcp.offer_wscale")       ? (get_number(shell, "tcp.offer_timestamps") ? 1 : 2)
               : get_number(shell, "tcp.offer_timestamps") ? 3
                                                           : 0;
    case PURGE: return 0;
    case ECN: return number == 5 ? 4 : number;
    case KEEP_INIT:
        (void)lil_sysctl_get(shell->run->host, "tcp.syn", schedule, sizeof schedule);
        return (long)(last_number(schedule) * 1000);
    case SYN_LIMIT: return count_syn_acks(shell);
    default: return number;
    }
}

bool shell_sysctl_bsd_get(struct shell *shell, const char *name, char *value, size_t size)
{
    const struct sysctl_name *known = find(name);
    const char *fresh = known ? NULL : fresh_value(name);
    char text[256] = "";
    if (strcmp(name, "net.inet.tcp.functions_default") == 0)
        return snprintf(value, size, "freebsd") > 0;
    if (fresh)
        return snprintf(value, size, "%s", fresh) > 0;
    if (!known)
        return false;
    long number = known->value;
    if (known->ours && lil_sysctl_get(shell->run->host, known->ours, text, sizeof text) == 0) {
        number = strtol(text, NULL, 0);
        if (!isdigit((unsigned char)text[0]) && known->how != SOCK_FAIL && known->how != ANY_PEER)
            return snprintf(value, size, "%s", text) > 0;
    }
    snprintf(value, size, "%ld", told(shell, known, number, text));
    return true;
}
