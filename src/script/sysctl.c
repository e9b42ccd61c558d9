/* sysctl.c: parameters by the names that scripts use: Linux's (the host knows them by these names), FreeBSD's
 * (translated), and those that change nothing a script could see here. An unknown one makes the script skipped. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script/shell.h"

enum translation { SAME, HALVES_MS /* msl: the host keeps 2 MSL */, SECONDS_MS, RFC1323, CONGESTION, HARMLESS, ONLY_DEFAULT };
struct sysctl_name {
    const char *name;        /* FreeBSD's */
    const char *ours;
    enum translation how;
    long value;              /* ONLY_DEFAULT: the one value that is so anyway */
};
static const struct sysctl_name translated[] = {
    /* Linux's, where only one value is so here */
    {"net.ipv4.tcp_adv_win_scale", NULL, ONLY_DEFAULT, 1}, {"net.ipv4.tcp_max_ssthresh", NULL, ONLY_DEFAULT, 0},
    {"net.ipv4.tcp_reflect_tos", NULL, ONLY_DEFAULT, 0}, {"net.ipv4.tcp_shrink_window", NULL, ONLY_DEFAULT, 0},
    {"net.ipv4.tcp_stdurg", NULL, ONLY_DEFAULT, 0}, {"net.ipv4.tcp_thin_dupack", NULL, ONLY_DEFAULT, 0},
    {"net.ipv4.tcp_thin_linear_timeouts", NULL, ONLY_DEFAULT, 0}, {"net.ipv4.tcp_tw_reuse_delay", NULL, ONLY_DEFAULT, 1000},
    {"net.ipv4.ip_nonlocal_bind", NULL, ONLY_DEFAULT, 0}, {"net.ipv6.bindv6only", NULL, ONLY_DEFAULT, 0},
    {"net.ipv4.tcp_mtu_probe_floor", NULL, ONLY_DEFAULT, 48}, {"net.mptcp.enabled", NULL, ONLY_DEFAULT, 0},
    /* FreeBSD's */
    {"net.inet.tcp.sack.enable", "net.ipv4.tcp_sack", SAME, 0},
    {"net.inet.tcp.rfc1323", NULL, RFC1323, 0},
    {"net.inet.tcp.ecn.enable", "net.ipv4.tcp_ecn", SAME, 0},
    {"net.inet.tcp.cc.algorithm", "net.ipv4.tcp_congestion_control", CONGESTION, 0},
    {"net.inet.tcp.initcwnd_segments", "tcp.initial_window", SAME, 0},
    {"net.inet.tcp.msl", "tcp.time_wait_ms", HALVES_MS, 0},
    {"net.inet.tcp.rexmit_min", "tcp.rto_min_ms", SAME, 0},
    {"net.inet.tcp.rexmit_initial", "tcp.rto_initial_ms", SAME, 0},
    {"net.inet.tcp.keepidle", "tcp.keepalive_idle_ms", SAME, 0},
    {"net.inet.tcp.keepintvl", "tcp.keepalive_interval_ms", SAME, 0},
    {"net.inet.tcp.keepcnt", "tcp.keepalive_probes", SAME, 0},
    {"net.inet.tcp.keepinit", "tcp.syn.give_up_ms", SAME, 0},
    {"net.inet.tcp.finwait2_timeout", "tcp.fin_wait2_ms", SAME, 0},
    {"net.inet.tcp.delacktime", "tcp.delack_ms", SAME, 0},
    {"net.inet.tcp.sendspace", "tcp.sndbuf", SAME, 0},
    {"net.inet.tcp.recvspace", "tcp.rcvbuf", SAME, 0},
    {"net.inet.tcp.sendbuf_auto", "tcp.autotune_sndbuf", SAME, 0},
    {"net.inet.tcp.recvbuf_auto", "tcp.moderate_rcvbuf", SAME, 0},
    {"net.inet.tcp.sendbuf_max", "tcp.sndbuf_max", SAME, 0},
    {"net.inet.tcp.recvbuf_max", "tcp.rcvbuf_max", SAME, 0},
    {"net.inet.tcp.mssdflt", "tcp.mss_default", SAME, 0},
    {"net.inet.tcp.minmss", "tcp.min_snd_mss", SAME, 0},
    {"net.inet.tcp.path_mtu_discovery", "tcp.pmtu_discovery", SAME, 0},
    {"net.inet.tcp.pmtud_blackhole_detection", "tcp.mtu_probing", SAME, 0},
    {"net.inet.tcp.syncookies", "tcp.syncookies", SAME, 0},
    {"net.inet.tcp.syncookies_only", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.do_prr", "tcp.prr", SAME, 0},
    {"net.inet.tcp.rfc3042", "tcp.limited_transmit", SAME, 0},
    {"net.inet.tcp.rfc6675_pipe", NULL, HARMLESS, 0},
    {"net.inet.tcp.rfc3465", NULL, HARMLESS, 0},
    {"net.inet.tcp.rfc3390", NULL, HARMLESS, 0},
    {"net.inet.tcp.fastopen.server_enable", "tcp.fastopen", SAME, 0},
    {"net.inet.tcp.fastopen.client_enable", "tcp.fastopen", SAME, 0},
    {"net.inet.tcp.insecure_rst", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.insecure_syn", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.insecure_ack", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.delayed_ack", NULL, ONLY_DEFAULT, 1},
    {"net.inet.tcp.drop_synfin", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.blackhole", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.always_keepalive", NULL, ONLY_DEFAULT, 1},
    {"net.inet.tcp.fast_finwait2_recycle", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.nolocaltimewait", NULL, HARMLESS, 0},
    {"net.inet.tcp.icmp_may_rst", NULL, ONLY_DEFAULT, 1},
    {"net.inet.tcp.v6mssdflt", NULL, HARMLESS, 0},
    {"net.inet.tcp.tso", NULL, HARMLESS, 0},
    {"net.inet.tcp.tolerate_missing_ts", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.ts_offset_per_conn", NULL, HARMLESS, 0},
    {"net.inet.tcp.rexmit_drop_options", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.cc.abe", NULL, ONLY_DEFAULT, 0},
    {"net.inet.tcp.cc.hystartplusplus.bblogs", NULL, HARMLESS, 0},
    {"kern.ipc.soacceptqueue", "net.core.somaxconn", SAME, 0},
    {"kern.ipc.somaxconn", "net.core.somaxconn", SAME, 0},
};
/* What a virtual host has no use for: queues of a device, memory of a machine, caches that a fresh host does not have. */
static const char *const harmless[] = {
    "net.core.", "net.ipv4.tcp_mem", "net.ipv4.udp_", "net.ipv4.tcp_early_demux", "net.ipv4.ip_early_demux", "net.ipv4.tcp_low_latency",
    "net.ipv4.tcp_fack", "net.ipv4.tcp_min_tso_segs", "net.ipv4.tcp_tso_", "net.ipv4.tcp_limit_output_bytes", "net.ipv4.tcp_available_",
    "net.ipv4.tcp_allowed_", "net.ipv4.tcp_max_orphans", "net.ipv4.tcp_max_tw_buckets", "net.ipv4.route.", "net.ipv4.conf.", "net.ipv6.conf.",
    "net.ipv4.icmp_", "net.ipv4.tcp_fwmark_accept", "net.ipv4.tcp_l3mdev_accept", "net.ipv4.tcp_child_ehash_entries", "net.ipv4.tcp_ehash_entries",
    "net.ipv4.tcp_no_ssthresh_metrics_save", "net.ipv4.tcp_no_metrics_save", "net.ipv4.tcp_migrate_req", "net.ipv4.tcp_plb_", "net.ipv4.tcp_backlog_ack_defer", "net.ipv4.tcp_min_rtt_wlen",
    "net.ipv4.tcp_app_win", "net.ipv4.tcp_comp_sack_slack_ns", "net.ipv4.tcp_comp_sack_rtt_percent", "net.ipv4.tcp_autocorking", "net.ipv4.tcp_collapse_max_bytes", "net.ipv4.tcp_ecn_fallback",
    "net.ipv4.tcp_fastopen_blackhole_timeout_sec", "net.ipv4.tcp_max_reordering", "net.ipv4.tcp_pacing_", "net.ipv4.tcp_probe_", "net.ipv4.tcp_retrans_collapse",
    "net.ipv4.tcp_workaround_signed_windows", "net.ipv4.tcp_rcvbuf_low_rtt", "net.ipv4.ip_forward_use_pmtu", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.fwmark_reflect", "net.ipv4.ip_default_ttl", "net.ipv4.neigh.", "net.ipv6.neigh.", "net.ipv6.flowlabel_", "net.ipv6.auto_flowlabels", "net.netfilter.", "kernel.", "fs.", "vm.",
    "net.inet.tcp.hostcache.", "net.inet.tcp.log", "net.inet.tcp.syncache.", "net.inet.tcp.per_cpu_timers", "net.inet.tcp.ack_war_", "net.inet.tcp.bb.",
    "net.inet.tcp.functions_inherit", "net.inet.tcp.hpts.", "net.inet.ip.", "net.inet.icmp.", "net.inet6.", "net.link.", "kern.ipc.maxsockbuf", "kern.ipc.", "kern.", "security.", "hw.", "net.inet.tcp.hc", "net.inet.tcp.reass.",
};

static bool is_harmless(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(harmless); i++)
        if (strncmp(name, harmless[i], strlen(harmless[i])) == 0)
            return true;
    return false;
}

/* /proc/sys/net/ipv4/tcp_sack -> net.ipv4.tcp_sack */
static const char *dotted(const char *name, char *text, size_t size)
{
    bool path = strncmp(name, "/proc/sys/", 10) == 0;
    snprintf(text, size, "%s", path ? name + 10 : name);
    for (char *p = text; *p; p++)
        if (*p == '/')
            *p = '.';
    return text;
}

static int set_or_skip(struct shell *shell, const char *name, const char *value)
{
    int error = lil_sysctl_set(shell->run->host, name, value);
    if (error == -ENOENT && (shell->lenient || is_harmless(name)))
        return 0;
    if (error == -ENOENT)
        run_skip(shell->run, "command: no sysctl %s here", name);
    if (error < 0 && !shell->lenient && !is_harmless(name))
        run_skip(shell->run, "command: sysctl %s cannot be \"%s\" here", name, value);
    return 0;
}

static int set_rfc1323(struct shell *shell, long value)
{
    char number[8];
    snprintf(number, sizeof number, "%d", value == 1 || value == 2);
    set_or_skip(shell, "net.ipv4.tcp_window_scaling", number);
    snprintf(number, sizeof number, "%d", value == 1 || value == 3);
    return set_or_skip(shell, "net.ipv4.tcp_timestamps", number);
}

static int set_freebsd(struct shell *shell, const struct sysctl_name *known, const char *value)
{
    char text[64];
    long number = strtol(value, NULL, 0);
    switch (known->how) {
    case RFC1323:
        return set_rfc1323(shell, number);
    case HALVES_MS:
        snprintf(text, sizeof text, "%ld", number * 2);
        return set_or_skip(shell, known->ours, text);
    case SECONDS_MS:
        snprintf(text, sizeof text, "%ld", number * 1000);
        return set_or_skip(shell, known->ours, text);
    case CONGESTION:
        return set_or_skip(shell, known->ours, strcmp(value, "newreno") == 0 ? "reno" : value);
    case ONLY_DEFAULT:
        if (number != known->value)
            run_skip(shell->run, "command: sysctl %s=%s is not supported", known->name, value);
        return 0;
    case HARMLESS:
        return 0;
    default:
        return set_or_skip(shell, known->ours, value);
    }
}

int shell_sysctl_set(struct shell *shell, const char *name, const char *value)
{
    char text[128], trimmed[256];
    name = dotted(name, text, sizeof text);
    while (isspace((unsigned char)*value))
        value++;
    snprintf(trimmed, sizeof trimmed, "%s", value);
    for (size_t n = strlen(trimmed); n && isspace((unsigned char)trimmed[n - 1]); n--)
        trimmed[n - 1] = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(translated); i++)
        if (strcmp(name, translated[i].name) == 0)
            return set_freebsd(shell, &translated[i], trimmed);
    if (strcmp(name, "net.inet.tcp.functions_default") == 0) {
        if (strcmp(trimmed, "freebsd") != 0 && strcmp(trimmed, "default") != 0)
            run_skip(shell->run, "command: no TCP stack %s here", trimmed);
        return 0;
    }
    return set_or_skip(shell, name, trimmed);
}

int shell_sysctl_get(struct shell *shell, const char *name, char *value, size_t size)
{
    char text[128];
    name = dotted(name, text, sizeof text);
    for (unsigned i = 0; i < ARRAY_COUNT(translated); i++) {
        if (strcmp(name, translated[i].name) != 0) {
            continue;
        } else if (translated[i].how == ONLY_DEFAULT) {
            snprintf(value, size, "%ld", translated[i].value);
            return 0;
        } else if (translated[i].ours) {
            name = translated[i].ours;
        }
    }
    int error = lil_sysctl_get(shell->run->host, name, value, size);
    if (error < 0 && !is_harmless(name))
        run_skip(shell->run, "command: no sysctl %s here", name);
    if (error < 0)
        snprintf(value, size, "0");
    return 0;
}

/* defaults.sh: the settings that Linux's collections of scripts begin with: a fresh host is one, but for these. */
void shell_defaults(struct shell *shell, const char *file_text)
{
    static const struct { const char *name, *value; } defaults[] = {
        {"net.ipv4.tcp_rmem", "4096 540000 15728640"}, {"net.ipv4.tcp_wmem", "4096 262144 4194304"}, {"net.ipv4.tcp_timestamps", "1"},
        {"net.ipv4.tcp_syn_retries", "5"}, {"net.ipv4.tcp_synack_retries", "5"}, {"net.ipv4.tcp_frto", "2"}, {"net.ipv4.tcp_sack", "1"},
        {"net.ipv4.tcp_dsack", "1"}, {"net.ipv4.tcp_reordering", "3"}, {"net.ipv4.tcp_congestion_control", "cubic"},
        {"net.ipv4.tcp_slow_start_after_idle", "0"}, {"net.ipv4.tcp_early_retrans", "4"}, {"net.ipv4.tcp_recovery", "1"},
        {"net.ipv4.tcp_ecn", "0"}, {"net.ipv4.tcp_pacing_ss_ratio", "200"}, {"net.ipv4.tcp_pacing_ca_ratio", "120"},
        {"net.ipv4.tcp_notsent_lowat", "4294967295"}, {"net.ipv4.tcp_fastopen", "0x3"},
        {"net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"}, {"net.ipv4.tcp_syncookies", "1"}};
    const char *profile = shell->run->config.profile;
    if (profile && strncmp(profile, "linux", 5) != 0)
        return;
    for (unsigned i = 0; i < ARRAY_COUNT(defaults); i++)
        (void)lil_sysctl_set(shell->run->host, defaults[i].name, defaults[i].value);
    /* The collection's own file may say otherwise: its sysctl lines only. */
    struct arena *arena = &shell->run->script.arena;
    struct shell inner = {.run = shell->run, .lenient = true, .depth = shell->depth + 1};
    struct shell_io io = {.input = "", .output = arena_alloc(arena, SHELL_OUTPUT)};
    for (const char *p = file_text; p && *p;) {
        size_t length = strcspn(p, "\n");
        if (strncmp(p, "sysctl ", 7) == 0 && p[length ? length - 1 : 0] != '\\')
            shell_run(&inner, arena_copy(arena, p, length), &io);
        p += length + (p[length] == '\n');
    }
}
