/* sysctl_linux.c: Linux's parameters (6.18's, and some older and newer ones) that sysctl.c has no place for, as a fresh network
 * namespace shows them: sysctl_linux.h. */
#include "host/sysctl_linux.h"
#include <stdio.h>
#include <string.h>
#include "base/base.h"

/* clang-format off */
static const struct sysctl_linux names[] = {
    {"net.core.bpf_jit_enable", "1", false}, {"net.core.busy_poll", "0", false}, {"net.core.busy_read", "0", false},
    {"net.core.default_qdisc", "pfifo_fast", false}, {"net.core.dev_weight", "64", false},
    {"net.core.fb_tunnels_only_for_init_net", "0", false}, {"net.core.flow_limit_cpu_bitmap", "0", false},
    {"net.core.gro_normal_batch", "8", false}, {"net.core.high_order_alloc_disable", "0", false},
    {"net.core.max_skb_frags", "17", false}, {"net.core.netdev_budget", "300", false},
    {"net.core.netdev_max_backlog", "1000", false}, {"net.core.netdev_tstamp_prequeue", "1", false},
    {"net.core.optmem_max", "131072", false}, {"net.core.rmem_max", "4194304", false},
    {"net.core.rps_default_mask", "0", false}, {"net.core.rps_sock_flow_entries", "0", false},
    {"net.core.skb_defer_max", "64", false}, {"net.core.tstamp_allow_data", "1", false},
    {"net.core.bypass_prot_mem", "0", false}, {"net.core.txq_reselection_ms", "1000", false},
    {"net.core.txrehash", "1", false}, {"net.core.warnings", "0", false}, {"net.core.wmem_max", "4194304", false},
    {"net.core.xfrm_acq_expires", "30", false}, {"net.core.xfrm_aevent_etime", "10", false},
    {"net.core.xfrm_aevent_rseqth", "2", false}, {"net.core.xfrm_larval_drop", "1", false},
    {"net.ipv4.fib_multipath_hash_fields", "7", false}, {"net.ipv4.fib_multipath_hash_policy", "0", false},
    {"net.ipv4.fib_multipath_hash_seed", "0", false}, {"net.ipv4.fib_multipath_use_neigh", "0", false},
    {"net.ipv4.fib_notify_on_flag_change", "0", false}, {"net.ipv4.fwmark_reflect", "0", false},
    {"net.ipv4.icmp_echo_enable_probe", "0", false}, {"net.ipv4.icmp_errors_extension_mask", "0", false},
    {"net.ipv4.icmp_errors_use_inbound_ifaddr", "0", false}, {"net.ipv4.icmp_ignore_bogus_error_responses", "1", false},
    {"net.ipv4.icmp_ratelimit", "1000", false}, {"net.ipv4.icmp_ratemask", "6168", false},
    {"net.ipv4.igmp_link_local_mcast_reports", "1", false}, {"net.ipv4.igmp_max_memberships", "20", false},
    {"net.ipv4.igmp_max_msf", "10", false}, {"net.ipv4.igmp_qrv", "2", false},
    {"net.ipv4.ip_autobind_reuse", "0", true}, {"net.ipv4.ip_dynaddr", "0", false},
    {"net.ipv4.ip_early_demux", "1", false}, {"net.ipv4.ip_forward_update_priority", "1", false},
    {"net.ipv4.ip_forward_use_pmtu", "0", true}, {"net.ipv4.ip_local_port_step_width", "0", false},
    {"net.ipv4.ipfrag_low_thresh", "3145728", false},
    {"net.ipv4.nexthop_compat_mode", "1", false}, {"net.ipv4.ping_group_range", "1 0", false},
    {"net.ipv4.raw_l3mdev_accept", "1", false}, {"net.ipv4.route.min_adv_mss", "256", false},
    {"net.ipv4.tcp_adv_win_scale", "1", false},
    {"net.ipv4.tcp_allowed_congestion_control", "reno cubic dctcp bbr", false},
    {"net.ipv4.tcp_autocorking", "1", false},
    {"net.ipv4.tcp_available_congestion_control", "reno cubic dctcp bbr", false},
    {"net.ipv4.tcp_backlog_ack_defer", "1", false}, {"net.ipv4.tcp_child_ehash_entries", "0", false},
    {"net.ipv4.tcp_collapse_max_bytes", "0", false},
    {"net.ipv4.tcp_early_demux", "1", false}, {"net.ipv4.tcp_ehash_entries", "-262144", false},
    {"net.ipv4.tcp_fack", "0", false}, {"net.ipv4.tcp_fwmark_accept", "0", false},
    {"net.ipv4.tcp_l3mdev_accept", "0", false}, {"net.ipv4.tcp_limit_output_bytes", "4194304", false},
    {"net.ipv4.tcp_low_latency", "0", false}, {"net.ipv4.tcp_max_ssthresh", "0", true},
    {"net.ipv4.tcp_mem", "187281 249711 374562", false},
    {"net.ipv4.tcp_pacing_shift", "10", false},
    {"net.ipv4.tcp_thin_dupack", "0", true},
    {"net.ipv4.udp_child_hash_entries", "0", false}, {"net.ipv4.udp_early_demux", "1", false},
    {"net.ipv4.udp_hash_entries", "-16384", false}, {"net.ipv4.udp_l3mdev_accept", "0", false},
    {"net.ipv4.udp_mem", "376149 501532 752298", false}, {"net.ipv4.udp_rmem_min", "4096", false},
    {"net.ipv4.udp_wmem_min", "4096", false}, {"net.ipv4.xfrm4_gc_thresh", "32768", false},
    {"net.ipv6.anycast_src_echo_reply", "0", false}, 
    {"net.ipv6.fib_multipath_hash_fields", "7", false}, {"net.ipv6.fib_multipath_hash_policy", "0", false},
    {"net.ipv6.fib_notify_on_flag_change", "0", false}, {"net.ipv6.flowlabel_consistency", "1", false},
    {"net.ipv6.flowlabel_state_ranges", "0", false},
    {"net.ipv6.fwmark_reflect", "0", false}, {"net.ipv6.icmp.echo_ignore_anycast", "0", false},
    {"net.ipv6.icmp.echo_ignore_multicast", "0", false}, {"net.ipv6.icmp.error_anycast_as_unicast", "0", false},
    {"net.ipv6.icmp.errors_extension_mask", "0", false},
    {"net.ipv6.icmp.ratelimit", "100", false}, {"net.ipv6.icmp.ratemask", "0-1,3-127", false},
    {"net.ipv6.idgen_delay", "1", false}, {"net.ipv6.idgen_retries", "3", false},
    {"net.ipv6.ioam6_id", "16777215", false}, {"net.ipv6.ioam6_id_wide", "72057594037927935", false},
    {"net.ipv6.ip6frag_high_thresh", "4194304", false}, {"net.ipv6.ip6frag_low_thresh", "3145728", false},
    {"net.ipv6.ip6frag_time", "60", false}, {"net.ipv6.max_dst_opts_length", "2147483647", false},
    {"net.ipv6.max_dst_opts_number", "8", false}, {"net.ipv6.max_hbh_length", "2147483647", false},
    {"net.ipv6.max_hbh_opts_number", "8", false}, {"net.ipv6.route.gc_elasticity", "9", false},
    {"net.ipv6.route.gc_interval", "30", false}, {"net.ipv6.route.gc_min_interval", "0", false},
    {"net.ipv6.route.gc_min_interval_ms", "500", false}, {"net.ipv6.route.gc_thresh", "1024", false},
    {"net.ipv6.route.gc_timeout", "60", false}, {"net.ipv6.route.max_size", "2147483647", false},
    {"net.ipv6.route.min_adv_mss", "1220", false}, {"net.ipv6.route.mtu_expires", "600", false},
    {"net.ipv6.route.skip_notify_on_dev_down", "0", false}, {"net.ipv6.seg6_flowlabel", "0", false},
    {"net.ipv6.xfrm6_gc_thresh", "32768", false}, {"net.mptcp.add_addr_timeout", "120", false},
    {"net.mptcp.allow_join_initial_addr_port", "1", false},
    {"net.mptcp.available_path_managers", "kernel userspace", false},
    {"net.mptcp.available_schedulers", "default", false}, {"net.mptcp.blackhole_timeout", "3600", false},
    {"net.mptcp.checksum_enabled", "0", false}, {"net.mptcp.close_timeout", "60", false},
    {"net.mptcp.enabled", "0", true}, {"net.mptcp.path_manager", "kernel", false}, {"net.mptcp.pm_type", "0", false},
    {"net.mptcp.scheduler", "default", false}, {"net.mptcp.stale_loss_cnt", "4", false},
    {"net.mptcp.syn_retrans_before_tcp_fallback", "2", false},
    {"net.unix.max_dgram_qlen", "10", false},
};
/* net.ipvN.conf.INTERFACE.NAME: "N.NAME" */
static const struct sysctl_linux interface_names[] = {
    {"4.accept_local", "0", false}, {"4.accept_redirects", "1", false}, {"4.accept_source_route", "1", false},
    {"4.arp_accept", "0", false}, {"4.arp_announce", "0", false}, {"4.arp_evict_nocarrier", "1", false},
    {"4.arp_filter", "0", false}, {"4.arp_ignore", "0", false}, {"4.arp_notify", "0", false},
    {"4.bc_forwarding", "0", false}, {"4.bootp_relay", "0", false}, {"4.disable_policy", "0", false},
    {"4.disable_xfrm", "0", false}, {"4.drop_gratuitous_arp", "0", false},
    {"4.drop_unicast_in_l2_multicast", "0", false}, {"4.force_igmp_version", "0", false}, {"4.forwarding", "0", false},
    {"4.igmpv2_unsolicited_report_interval", "10000", false}, {"4.igmpv3_unsolicited_report_interval", "1000", false},
    {"4.ignore_routes_with_linkdown", "0", false}, {"4.log_martians", "0", false}, {"4.mc_forwarding", "0", false},
    {"4.medium_id", "0", false}, {"4.promote_secondaries", "0", false}, {"4.proxy_arp", "0", false},
    {"4.proxy_arp_pvlan", "0", false}, {"4.route_localnet", "0", false}, {"4.rp_filter", "0", false},
    {"4.secure_redirects", "1", false}, {"4.send_redirects", "1", false}, {"4.shared_media", "1", false},
    {"4.src_valid_mark", "0", false}, {"4.tag", "0", false}, {"6.accept_dad", "1", false}, {"6.accept_ra", "1", false},
    {"6.accept_ra_defrtr", "1", false}, {"6.accept_ra_from_local", "0", false},
    {"6.accept_ra_min_hop_limit", "1", false}, {"6.accept_ra_min_lft", "0", false}, {"6.accept_ra_mtu", "1", false},
    {"6.accept_ra_pinfo", "1", false}, {"6.accept_ra_rt_info_max_plen", "0", false},
    {"6.accept_ra_rt_info_min_plen", "0", false}, {"6.accept_ra_rtr_pref", "1", false},
    {"6.accept_redirects", "1", false}, {"6.accept_source_route", "0", false}, {"6.accept_untracked_na", "0", false},
    {"6.addr_gen_mode", "0", false}, {"6.autoconf", "1", false}, {"6.dad_transmits", "1", false},
    {"6.disable_ipv6", "0", false}, {"6.disable_policy", "0", false}, {"6.drop_unicast_in_l2_multicast", "0", false},
    {"6.drop_unsolicited_na", "0", false}, {"6.enhanced_dad", "1", false}, {"6.force_forwarding", "0", false},
    {"6.force_mld_version", "0", false}, {"6.force_tllao", "0", false}, {"6.forwarding", "0", false},
    {"6.hop_limit", "64", false}, {"6.ignore_routes_with_linkdown", "0", false}, {"6.keep_addr_on_down", "0", false},
    {"6.max_addresses", "16", false}, {"6.max_desync_factor", "600", false}, {"6.mc_forwarding", "0", false},
    {"6.mldv1_unsolicited_report_interval", "10000", false}, {"6.mldv2_unsolicited_report_interval", "1000", false},
    {"6.mtu", "1500", false}, {"6.ndisc_evict_nocarrier", "1", false}, {"6.ndisc_notify", "0", false},
    {"6.ndisc_tclass", "0", false}, {"6.optimistic_dad", "0", false}, {"6.proxy_ndp", "0", false},
    {"6.ra_defrtr_metric", "1024", false}, {"6.regen_max_retry", "3", false}, {"6.regen_min_advance", "2", false},
    {"6.router_probe_interval", "60", false}, {"6.router_solicitation_delay", "1", false},
    {"6.router_solicitation_interval", "4", false}, {"6.router_solicitation_max_interval", "3600", false},
    {"6.router_solicitations", "-1", false}, {"6.suppress_frag_ndisc", "1", false},
    {"6.temp_prefered_lft", "86400", false}, {"6.temp_valid_lft", "604800", false},
    {"6.use_oif_addrs_only", "0", false}, {"6.use_optimistic", "0", false}, {"6.use_tempaddr", "0", false},
};
/* clang-format on */

const struct sysctl_linux *sysctl_linux_at(unsigned index) { return index < ARRAY_COUNT(names) ? &names[index] : NULL; }

static const struct sysctl_linux *find(const struct sysctl_linux *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct sysctl_linux *sysctl_linux_find(const char *name) { return find(names, ARRAY_COUNT(names), name); }

const struct sysctl_linux *sysctl_linux_find_interface(const char *name)
{
    const char *last = strrchr(name, '.');
    char key[64];

    if ((strncmp(name, "net.ipv4.conf.", 14) && strncmp(name, "net.ipv6.conf.", 14)) || last < name + 14)
        return NULL;
    snprintf(key, sizeof key, "%c%s", name[7], last);
    return find(interface_names, ARRAY_COUNT(interface_names), key);
}
