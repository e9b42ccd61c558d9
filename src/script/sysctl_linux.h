/* sysctl_linux.h: Linux's parameters (6.18's, and some older and newer ones) that src/host/sysctl.c has no place for, as a fresh network namespace
 * shows them. FIXED: the host does what this value says and nothing else, so another makes the script skipped. The others change
 * nothing that a script could see of a virtual host: queues of a device, memory of a machine, hashes, routing protocols. */
#ifndef SCRIPT_SYSCTL_LINUX_H
#define SCRIPT_SYSCTL_LINUX_H
#include <stdbool.h>

struct sysctl_linux {
    const char *name, *value;
    bool fixed;
};
/* clang-format off */
static const struct sysctl_linux linux_names[] = {
    {"net.core.bpf_jit_enable", "1", false}, {"net.core.busy_poll", "0", false}, {"net.core.busy_read", "0", false},
    {"net.core.default_qdisc", "pfifo_fast", false}, {"net.core.dev_weight", "64", false}, {"net.core.fb_tunnels_only_for_init_net", "0", false},
    {"net.core.flow_limit_cpu_bitmap", "0", false}, {"net.core.gro_normal_batch", "8", false}, {"net.core.high_order_alloc_disable", "0", false},
    {"net.core.max_skb_frags", "17", false}, {"net.core.netdev_budget", "300", false}, {"net.core.netdev_max_backlog", "1000", false},
    {"net.core.netdev_tstamp_prequeue", "1", false}, {"net.core.optmem_max", "131072", false}, {"net.core.rmem_max", "4194304", false},
    {"net.core.rps_default_mask", "0", false}, {"net.core.rps_sock_flow_entries", "0", false}, {"net.core.skb_defer_max", "64", false},
    {"net.core.tstamp_allow_data", "1", false}, {"net.core.txrehash", "1", false}, {"net.core.warnings", "0", false},
    {"net.core.wmem_max", "4194304", false}, {"net.core.xfrm_acq_expires", "30", false}, {"net.core.xfrm_aevent_etime", "10", false},
    {"net.core.xfrm_aevent_rseqth", "2", false}, {"net.core.xfrm_larval_drop", "1", false}, {"net.ipv4.fib_multipath_hash_fields", "7", false},
    {"net.ipv4.fib_multipath_hash_policy", "0", false}, {"net.ipv4.fib_multipath_hash_seed", "0", false},
    {"net.ipv4.fib_multipath_use_neigh", "0", false}, {"net.ipv4.fib_notify_on_flag_change", "0", false}, {"net.ipv4.fwmark_reflect", "0", false},
    {"net.ipv4.icmp_echo_enable_probe", "0", false},    {"net.ipv4.icmp_errors_extension_mask", "0", false}, {"net.ipv4.icmp_errors_use_inbound_ifaddr", "0", false}, {"net.ipv4.icmp_ignore_bogus_error_responses", "1", false},
    {"net.ipv4.icmp_ratelimit", "1000", false}, {"net.ipv4.icmp_ratemask", "6168", false}, {"net.ipv4.igmp_link_local_mcast_reports", "1", false},
    {"net.ipv4.igmp_max_memberships", "20", false}, {"net.ipv4.igmp_max_msf", "10", false}, {"net.ipv4.igmp_qrv", "2", false},
    {"net.ipv4.ip_autobind_reuse", "0", true}, {"net.ipv4.ip_dynaddr", "0", false}, {"net.ipv4.ip_early_demux", "1", false},
    {"net.ipv4.ip_forward_update_priority", "1", false}, {"net.ipv4.ip_forward_use_pmtu", "0", true}, {"net.ipv4.ip_local_port_step_width", "0", false}, {"net.ipv4.ip_local_reserved_ports", "", false},
    {"net.ipv4.ipfrag_low_thresh", "3145728", false}, {"net.ipv4.nexthop_compat_mode", "1", false},
    {"net.ipv4.ping_group_range", "1 0", false}, {"net.ipv4.raw_l3mdev_accept", "1", false}, {"net.ipv4.route.min_adv_mss", "256", false},
    {"net.ipv4.tcp_adv_win_scale", "1", false}, {"net.ipv4.tcp_allowed_congestion_control", "reno cubic dctcp bbr", false},
    {"net.ipv4.tcp_app_win", "31", false}, {"net.ipv4.tcp_autocorking", "1", false},
    {"net.ipv4.tcp_available_congestion_control", "reno cubic dctcp bbr", false}, {"net.ipv4.tcp_backlog_ack_defer", "1", false},
    {"net.ipv4.tcp_child_ehash_entries", "0", false}, {"net.ipv4.tcp_collapse_max_bytes", "0", false},
    {"net.ipv4.tcp_comp_sack_slack_ns", "100000", false},
    {"net.ipv4.tcp_early_demux", "1", false}, {"net.ipv4.tcp_ehash_entries", "-262144", false},
    {"net.ipv4.tcp_fack", "0", false}, {"net.ipv4.tcp_fwmark_accept", "0", false},
    {"net.ipv4.tcp_l3mdev_accept", "0", false}, {"net.ipv4.tcp_limit_output_bytes", "4194304", false}, {"net.ipv4.tcp_low_latency", "0", false},
    {"net.ipv4.tcp_max_ssthresh", "0", true}, {"net.ipv4.tcp_mem", "187281 249711 374562", false},
    {"net.ipv4.tcp_migrate_req", "0", true},
    {"net.ipv4.tcp_no_ssthresh_metrics_save", "1", false}, {"net.ipv4.tcp_pacing_shift", "10", false},
    {"net.ipv4.tcp_plb_cong_thresh", "128", false}, {"net.ipv4.tcp_plb_enabled", "0", false}, {"net.ipv4.tcp_plb_idle_rehash_rounds", "3", false},
    {"net.ipv4.tcp_plb_rehash_rounds", "12", false}, {"net.ipv4.tcp_plb_suspend_rto_sec", "60", false},
    {"net.ipv4.tcp_rcvbuf_low_rtt", "1000", false},
    {"net.ipv4.tcp_thin_dupack", "0", true},
    {"net.ipv4.udp_child_hash_entries", "0", false}, {"net.ipv4.udp_early_demux", "1", false},
    {"net.ipv4.udp_hash_entries", "-16384", false}, {"net.ipv4.udp_l3mdev_accept", "0", false}, {"net.ipv4.udp_mem", "376149 501532 752298", false},
    {"net.ipv4.udp_rmem_min", "4096", false}, {"net.ipv4.udp_wmem_min", "4096", false}, {"net.ipv4.xfrm4_gc_thresh", "32768", false},
    {"net.ipv6.anycast_src_echo_reply", "0", false}, {"net.ipv6.auto_flowlabels", "1", false},    {"net.ipv6.fib_multipath_hash_fields", "7", false}, {"net.ipv6.fib_multipath_hash_policy", "0", false},
    {"net.ipv6.fib_notify_on_flag_change", "0", false}, {"net.ipv6.flowlabel_consistency", "1", false}, {"net.ipv6.flowlabel_reflect", "0", true},
    {"net.ipv6.flowlabel_state_ranges", "0", false}, {"net.ipv6.fwmark_reflect", "0", false},    {"net.ipv6.icmp.echo_ignore_anycast", "0", false}, {"net.ipv6.icmp.echo_ignore_multicast", "0", false},
    {"net.ipv6.icmp.error_anycast_as_unicast", "0", false}, {"net.ipv6.icmp.ratelimit", "100", false}, {"net.ipv6.icmp.ratemask", "0-1,3-127", false},
    {"net.ipv6.idgen_delay", "1", false}, {"net.ipv6.idgen_retries", "3", false}, {"net.ipv6.ioam6_id", "16777215", false},
    {"net.ipv6.ioam6_id_wide", "72057594037927935", false}, {"net.ipv6.ip6frag_high_thresh", "4194304", false},
    {"net.ipv6.ip6frag_low_thresh", "3145728", false}, {"net.ipv6.ip6frag_time", "60", false},    {"net.ipv6.max_dst_opts_length", "2147483647", false}, {"net.ipv6.max_dst_opts_number", "8", false},
    {"net.ipv6.max_hbh_length", "2147483647", false}, {"net.ipv6.max_hbh_opts_number", "8", false}, {"net.ipv6.route.gc_elasticity", "9", false},
    {"net.ipv6.route.gc_interval", "30", false}, {"net.ipv6.route.gc_min_interval", "0", false}, {"net.ipv6.route.gc_min_interval_ms", "500", false},
    {"net.ipv6.route.gc_thresh", "1024", false}, {"net.ipv6.route.gc_timeout", "60", false}, {"net.ipv6.route.max_size", "2147483647", false},
    {"net.ipv6.route.min_adv_mss", "1220", false}, {"net.ipv6.route.mtu_expires", "600", false},
    {"net.ipv6.route.skip_notify_on_dev_down", "0", false}, {"net.ipv6.seg6_flowlabel", "0", false}, {"net.ipv6.xfrm6_gc_thresh", "32768", false},
    {"net.mptcp.add_addr_timeout", "120", false}, {"net.mptcp.allow_join_initial_addr_port", "1", false},
    {"net.mptcp.available_path_managers", "kernel userspace", false}, {"net.mptcp.available_schedulers", "default", false},
    {"net.mptcp.blackhole_timeout", "3600", false}, {"net.mptcp.checksum_enabled", "0", false}, {"net.mptcp.close_timeout", "60", false},
    {"net.mptcp.enabled", "0", true}, {"net.mptcp.path_manager", "kernel", false}, {"net.mptcp.pm_type", "0", false},
    {"net.mptcp.scheduler", "default", false}, {"net.mptcp.stale_loss_cnt", "4", false}, {"net.mptcp.syn_retrans_before_tcp_fallback", "2", false},
    {"net.unix.max_dgram_qlen", "10", false},
};
/* clang-format on */
/* Whole families: of every interface, neighbour table or subsystem. */
static const char *const linux_families[] = {"net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh.", "net.ipv4.route.", "net.ipv6.route.", "net.ipv4.icmp_", "net.ipv4.igmp_", "net.ipv4.udp_",
                                             "net.core.", "net.netfilter.", "net.nf_conntrack", "net.ipv4.tcp_plb_", "net.ipv4.cipso_", "net.unix.", "kernel.", "fs.", "vm.", "debug.", "dev.", "user."};
#endif
