/* sysctl.c: parameters by the names that scripts use: Linux's (the host knows them by these names), FreeBSD's
 * (sysctl_bsd.c), and those that change nothing a script could see here. An unknown one makes the script skipped. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script/shell.h"

struct sysctl_name { /* where only one value is so here */
    const char *name;
    long value;
};
static const struct sysctl_name fixed[] = {
    {"net.ipv4.tcp_adv_win_scale", 1}, {"net.ipv4.tcp_max_ssthresh", 0}, {"net.ipv4.tcp_reflect_tos", 0}, {"net.ipv4.tcp_shrink_window", 0},
    {"net.ipv4.tcp_stdurg", 0}, {"net.ipv4.tcp_thin_dupack", 0}, {"net.ipv4.tcp_thin_linear_timeouts", 0}, {"net.ipv4.tcp_tw_reuse_delay", 1000},
    {"net.ipv4.ip_nonlocal_bind", 0}, {"net.ipv6.bindv6only", 0}, {"net.ipv4.tcp_mtu_probe_floor", 48}, {"net.mptcp.enabled", 0},
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

int shell_sysctl_set(struct shell *shell, const char *name, const char *value)
{
    char text[128], trimmed[256];
    name = dotted(name, text, sizeof text);
    while (isspace((unsigned char)*value))
        value++;
    snprintf(trimmed, sizeof trimmed, "%s", value);
    for (size_t n = strlen(trimmed); n && isspace((unsigned char)trimmed[n - 1]); n--)
        trimmed[n - 1] = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(fixed); i++) {
        if (strcmp(name, fixed[i].name) != 0)
            continue;
        if (strtol(trimmed, NULL, 0) != fixed[i].value)
            run_skip(shell->run, "command: sysctl %s=%s is not supported", name, trimmed);
        return 0;
    }
    if (shell_sysctl_bsd_set(shell, name, trimmed))
        return 0;
    return set_or_skip(shell, name, trimmed);
}

int shell_sysctl_get(struct shell *shell, const char *name, char *value, size_t size)
{
    char text[128];
    name = dotted(name, text, sizeof text);
    for (unsigned i = 0; i < ARRAY_COUNT(fixed); i++) {
        if (strcmp(name, fixed[i].name) == 0) {
            snprintf(value, size, "%ld", fixed[i].value);
            return 0;
        }
    }
    if (shell_sysctl_bsd_get(shell, name, value, size))
        return 0;
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
