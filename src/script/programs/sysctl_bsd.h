/* sysctl_bsd.h: FreeBSD's parameters that change nothing a script could see here, with what a fresh FreeBSD 15 says of
 * them: caches and hashes of the kernel, limits that no script reaches, logs, hardware. What was written is read back.
 * Families stand for what is not listed. */
#ifndef SCRIPT_PROGRAMS_SYSCTL_BSD_H
#define SCRIPT_PROGRAMS_SYSCTL_BSD_H

static const struct sysctl_text {
    const char *name, *value;
} harmless_names[] = {
    {"net.inet.tcp.sack.tso", "0"},
    {"net.inet.tcp.sack.globalmaxholes", "65536"},
    {"net.inet.tcp.do_prr_conservative", "0"},
    {"net.inet.tcp.sendbuf_inc", "8192"},
    {"net.inet.tcp.sendbuf_auto_lowat", "0"},
    {"net.inet.tcp.recvbuf_inc", "16384"},
    {"net.inet.tcp.syncache.see_other", "0"},
    {"net.inet.tcp.syncache.bucketlimit", "30"},
    {"net.inet.tcp.syncache.cachelimit", "15375"},
    {"net.inet.tcp.syncache.hashsize", "512"},
    {"net.inet.tcp.syncache.count", "0"},
    {"net.inet.tcp.hostcache.prune", "300"},
    {"net.inet.tcp.hostcache.purge", "0"},
    {"net.inet.tcp.hostcache.bucketlimit", "30"},
    {"net.inet.tcp.hostcache.hashsize", "512"},
    {"net.inet.tcp.hostcache.cachelimit", "15360"},
    {"net.inet.tcp.reass.maxsegments", "65536"},
    {"net.inet.tcp.reass.cursegments", "0"},
    {"net.inet.tcp.reass.new_limit", "0"},
    {"net.inet.tcp.reass.queueguard", "16"},
    {"net.inet.tcp.blackhole_local", "0"},
    {"net.inet.tcp.msl_local", "10000"},
    {"net.inet.tcp.nolocaltimewait", "1"},
    {"net.inet.tcp.tso", "1"},
    {"net.inet.tcp.do_tcpdrain", "1"},
    {"net.inet.tcp.soreceive_stream", "0"},
    {"net.inet.tcp.isn_reseed_interval", "0"},
    {"net.inet.tcp.require_unique_port", "0"},
    {"net.inet.tcp.per_cpu_timers", "0"},
    {"net.inet.tcp.log_in_vain", "0"},
    {"net.inet.tcp.log_debug", "0"},
    {"net.inet.tcp.pcbcount", "0"},
    {"net.inet.tcp.functions_inherit_listen_socket_stack", "1"},
    {"net.inet.tcp.functions_available",
     "\nStack                           D Alias                            PCB count\nfreebsd                         "
     "* freebsd                          0\n"},
    {"net.inet.tcp.cc.available", "\nCCmod           D PCB count\ncubic           * 0\nnewreno           0\n"},
    {"net.inet.tcp.cc.abe_frlossreduce", "0"}, /* newreno_cong_signal() asks for it in a condition that is never true */
    {"net.inet.tcp.cc.hystartplusplus.bblogs", "0"},
    {"net.inet.tcp.cc.hystartplusplus.css_rounds", "5"},
    {"net.inet.tcp.cc.hystartplusplus.css_growth_div", "4"},
    {"net.inet.tcp.cc.hystartplusplus.n_rttsamples", "8"},
    {"net.inet.tcp.cc.hystartplusplus.maxrtt_thresh", "16000"},
    {"net.inet.tcp.cc.hystartplusplus.minrtt_thresh", "4000"},
    {"net.inet.tcp.cc.hd.queue_threshold", "20"},
    {"net.inet.tcp.cc.hd.queue_min", "5"},
    {"net.inet.tcp.cc.hd.pmax", "5"},
    {"net.inet.tcp.cc.chd.queue_threshold", "20"},
    {"net.inet.tcp.cc.chd.queue_min", "5"},
    {"net.inet.tcp.cc.chd.pmax", "50"},
    {"net.inet.tcp.cc.chd.loss_fair", "1"},
    {"net.inet.tcp.cc.chd.use_max", "1"},
    {"net.inet.tcp.cc.cdg.alpha_inc", "0"},
    {"net.inet.tcp.cc.cdg.beta_delay", "70"},
    {"net.inet.tcp.cc.cdg.beta_loss", "50"},
    {"net.inet.tcp.cc.cdg.exp_backoff_scale", "3"},
    {"net.inet.tcp.cc.cdg.smoothing_factor", "8"},
    {"net.inet.tcp.cc.cdg.loss_compete_consec_cong", "5"},
    {"net.inet.tcp.cc.cdg.loss_compete_hold_backoff", "5"},
    {"net.inet.tcp.fastopen.autokey", "120"},
    {"net.inet.tcp.fastopen.ccache_bucket_limit", "16"},
    {"net.inet.tcp.fastopen.ccache_buckets", "2048"},
    {"net.inet.tcp.fastopen.keylen", "16"},
    {"net.inet.tcp.fastopen.maxkeys", "2"},
    {"net.inet.tcp.fastopen.maxpsks", "10"},
    {"net.inet.icmp.drop_redirect", "0"},
    {"net.inet.ip.portrange.hifirst", "49152"},
    {"net.inet.ip.portrange.hilast", "65535"},
    {"net.inet.ip.portrange.lowfirst", "1023"},
    {"net.inet.ip.portrange.lowlast", "600"},
    {"net.inet.ip.portrange.randomized", "1"},
    {"net.inet.ip.portrange.reservedhigh", "1023"},
    {"net.inet.ip.rfc6864", "1"},
    {"net.inet.udp.log_in_vain", "0"},
    {"net.inet.tcp.perconn_stats_enable", "0"},
    {"net.inet.tcp.perconn_stats_sample_rates", "0"},
    {"net.fibs", "1"},
    {"net.inet6.ip6.auto_flowlabel", "1"},
    {"net.inet6.icmp6.errppslimit", "100"},
    {"kern.hz", "1000"},
    {"kern.ostype", "FreeBSD"},
    {"kern.osrelease", "15.0-RELEASE"},
    {"kern.osreldate", "1500068"},
};
/* Beside these numbers the kernel refuses what is written (EINVAL). */
static const struct sysctl_range {
    const char *name;
    long least, most;
} ranges[] = {
    {"net.inet.tcp.cc.newreno.beta", 1, 100}, {"net.inet.tcp.cc.newreno.beta_ecn", 1, 100},
    {"net.inet.tcp.cc.dctcp.alpha", 0, 1024}, {"net.inet.tcp.cc.dctcp.shift_g", 0, 10},
    {"net.inet.tcp.cc.dctcp.slowstart", 0, 1}, {"net.inet.tcp.retries", 1, 12},
    {"net.inet.tcp.syncache.rexmtlimit", 0, 12}, {"net.inet.tcp.mssdflt", 216, 65535},
    {"net.inet.tcp.v6mssdflt", 216, 65535}, {"net.inet.tcp.udp_tunneling_port", 0, 65535},
    {"net.inet.tcp.udp_tunneling_overhead", 8, 1024}, {"net.inet.tcp.msl", 1, INT32_MAX}, {"net.inet.tcp.keepidle", 1, INT32_MAX},
    {"net.inet.tcp.keepintvl", 1, INT32_MAX}, {"net.inet.tcp.keepinit", 1, INT32_MAX}, {"net.inet.tcp.delacktime", 1, INT32_MAX},
    {"net.inet.tcp.persmin", 1, INT32_MAX}, {"net.inet.tcp.persmax", 1, INT32_MAX}, {"net.inet.tcp.rexmit_min", 1, INT32_MAX},
    {"net.inet.tcp.rexmit_initial", 1, INT32_MAX}, {"net.inet.tcp.rexmit_slop", 1, INT32_MAX}, /* sysctl_msec_to_ticks() */
    {"net.inet.tcp.finwait2_timeout", 1, INT32_MAX}, {"net.inet.tcp.maxunacktime", 1, INT32_MAX},
    {"kern.ipc.soacceptqueue", 1, INT32_MAX / 3}, {"kern.ipc.somaxconn", 1, INT32_MAX / 3}, {"kern.ipc.maxsockbuf", 2304, INT32_MAX},
};
/* Of these another value than the fresh one would change something. */
static const char *const fixed_families[] = {"net.inet.tcp.cc.hd.", "net.inet.tcp.cc.chd.", "net.inet.tcp.cc.cdg."};
static const char *const harmless_families[] = {
    "net.inet.tcp.hostcache.", "net.inet.tcp.log", "net.inet.tcp.bb", "net.inet.tcp.functions_", "net.inet.tcp.hpts.", "net.inet.tcp.hc",
    "net.inet.tcp.reass.", "net.inet.tcp.pacing_", "net.inet.tcp.dgp", "net.inet.tcp.hw_", "net.inet.tcp.bind_all_fibs",
    "net.inet.tcp.use_",
    "net.inet.tcp.tcbhashsize", "net.inet.tcp.states", "net.inet.tcp.setsockopt_", "net.inet.tcp.hystart", "net.inet.tcp.insecure_",
    "net.inet.tcp.pcap_", "net.inet.tcp.lro", "net.inet.tcp.tso", "net.inet.tcp.rack", "net.inet.tcp.cc.", "net.inet.tcp.split_limit",
    "net.inet.tcp.map_", "net.inet.tcp.inflight", "net.inet.tcp.timer_race", "net.inet.tcp.experimental.", "net.inet.tcp.ackbytes_",
    "net.inet.tcp.sack.", "net.inet.tcp.fastopen.", "net.inet.tcp.keepalive_", "net.inet.tcp.stats", "net.inet.tcp.syncache.",
    "net.inet.ip.", "net.inet.icmp.", "net.inet6.", "net.inet.udp.", "net.inet.sctp.", "net.link.", "net.isr.", "kern.", "security.", "hw.",
    "debug.",
};

#endif
