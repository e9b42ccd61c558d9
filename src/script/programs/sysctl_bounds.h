/* sysctl_bounds.h: what Linux refuses to write (EINVAL), whatever the host could do with it. 6.18's bounds, but for
 * tcp_ecn and tcp_ecn_option, which have those of the kernels with all of AccECN (7.0). */
#ifndef SCRIPT_PROGRAMS_SYSCTL_BOUNDS_H
#define SCRIPT_PROGRAMS_SYSCTL_BOUNDS_H

/* clang-format off */
static const struct sysctl_bounds {
    const char *name;
    unsigned long low, high;
} linux_bounds[] = {
    {"net.ipv4.tcp_ecn", 0, 5}, {"net.ipv4.tcp_ecn_option", 0, 3}, {"net.ipv4.tcp_ecn_option_beacon", 0, 3},
    {"net.ipv4.tcp_ecn_fallback", 0, 1}, {"net.ipv4.tcp_syn_retries", 1, 127},
    {"net.ipv4.tcp_syn_linear_timeouts", 0, 127}, {"net.ipv4.tcp_shrink_window", 0, 1},
    {"net.ipv4.tcp_early_retrans", 0, 4}, {"net.ipv4.tcp_comp_sack_rtt_percent", 1, 1000},
    {"net.ipv4.tcp_pingpong_thresh", 1, 255}, {"net.ipv4.tcp_rto_min_us", 1, 2147483647},
    {"net.ipv4.tcp_rto_max_ms", 1000, 120000}, {"net.ipv4.tcp_pacing_ss_ratio", 0, 1000},
    {"net.ipv4.tcp_pacing_ca_ratio", 0, 1000}, {"net.ipv4.tcp_max_reordering", 1, 2147483647},
    {"net.ipv4.tcp_reordering", 1, 300}, {"net.ipv4.tcp_min_rtt_wlen", 0, 86400}, {"net.ipv4.tcp_tw_reuse", 0, 2},
    {"net.ipv4.tcp_tw_reuse_delay", 1, 60000}, {"net.ipv4.tcp_reflect_tos", 0, 1},
    {"net.ipv4.tcp_min_tso_segs", 1, 255}, {"net.ipv4.tcp_min_snd_mss", 48, 65535},
    {"net.ipv4.tcp_mtu_probe_floor", 48, 65535}, {"net.ipv4.ip_default_ttl", 1, 255},
    {"net.ipv6.conf.all.hop_limit", 1, 255}, {"net.ipv4.icmp_echo_ignore_all", 0, 1},
    {"net.ipv4.icmp_echo_ignore_broadcasts", 0, 1}, {"net.ipv4.tcp_synack_retries", 0, 255},
    {"net.ipv4.tcp_syncookies", 0, 255}, {"net.ipv4.tcp_abort_on_overflow", 0, 255},
    {"net.ipv4.tcp_window_scaling", 0, 255}, {"net.ipv4.tcp_sack", 0, 255}, {"net.ipv4.tcp_dsack", 0, 255},
    {"net.ipv4.tcp_timestamps", 0, 255}, {"net.ipv4.tcp_moderate_rcvbuf", 0, 255},
    {"net.ipv4.tcp_workaround_signed_windows", 0, 255}, {"net.ipv4.tcp_stdurg", 0, 255},
    {"net.ipv4.tcp_thin_linear_timeouts", 0, 255}, {"net.ipv4.tcp_retries1", 0, 255}, {"net.ipv4.tcp_retries2", 0, 255},
    {"net.ipv4.tcp_orphan_retries", 0, 255}, {"net.ipv4.tcp_frto", 0, 255}, {"net.ipv4.tcp_recovery", 0, 255},
    {"net.ipv4.tcp_comp_sack_nr", 0, 255}, {"net.ipv4.tcp_retrans_collapse", 0, 255},
    {"net.ipv4.tcp_slow_start_after_idle", 0, 255}, {"net.ipv4.tcp_no_metrics_save", 0, 255},
    {"net.ipv4.tcp_rfc1337", 0, 255}, {"net.ipv4.tcp_tso_rtt_log", 0, 255}, {"net.ipv4.tcp_tso_win_divisor", 0, 255},
    {"net.ipv4.tcp_keepalive_probes", 0, 255}, {"net.ipv4.tcp_mtu_probing", 0, 255},
    {"net.ipv4.tcp_plb_enabled", 0, 1}, {"net.ipv4.tcp_plb_cong_thresh", 0, 256}, {"net.ipv4.tcp_plb_rehash_rounds", 0, 31},
    {"net.ipv4.tcp_plb_idle_rehash_rounds", 0, 31}, {"net.ipv4.tcp_plb_suspend_rto_sec", 0, 255},
    {"net.ipv4.ip_no_pmtu_disc", 0, 255}, {"net.ipv6.flowlabel_reflect", 0, 7},
};
/* clang-format on */
#endif
