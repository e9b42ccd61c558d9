# defaults.sh: for scripts/kernel-oracle: a fresh kernel's values (a namespace inherits some of the machine's), and what collections' defaults.sh sets.
sysctl() { case "$*" in *tcp_congestion_control=*) command sysctl "$@" >/dev/null 2>&1 || true;; *) command sysctl "$@";; esac; }
modprobe() { [ ! -x /sbin/modprobe ] || /sbin/modprobe "$@"; } # there is none where all is built in
set_kernel() { command sysctl -q -w "$@" 2>/dev/null; }
oracle_boot() {
  set_kernel net.ipv4.tcp_congestion_control=cubic net.ipv4.tcp_rmem="4096 131072 6291456" net.ipv4.tcp_wmem="4096 16384 4194304" \
    net.ipv4.tcp_fastopen=1 net.ipv4.tcp_syncookies=1
  for i in all default lo; do echo 1 > /proc/sys/net/ipv4/conf/$i/accept_local; echo 0 > /proc/sys/net/ipv4/conf/$i/rp_filter; done 2>/dev/null
  set_kernel net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.all.disable_ipv6=0
}
oracle_defaults() {
  set_kernel net.ipv4.tcp_rmem="4096 540000 15728640" net.ipv4.tcp_wmem="4096 262144 4194304" net.ipv4.tcp_timestamps=1 net.ipv4.tcp_syn_retries=5 \
    net.ipv4.tcp_synack_retries=5 net.ipv4.tcp_sack=1 net.ipv4.tcp_dsack=1 net.ipv4.tcp_reordering=3 net.ipv4.tcp_congestion_control=cubic \
    net.ipv4.tcp_slow_start_after_idle=0 net.ipv4.tcp_early_retrans=4 net.ipv4.tcp_recovery=1 net.ipv4.tcp_ecn=0 \
    net.ipv4.tcp_pacing_ss_ratio=200 net.ipv4.tcp_pacing_ca_ratio=120 net.ipv4.tcp_fastopen=0x3 net.ipv4.tcp_syncookies=1
  sysctl -q net.ipv4.tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4
  true
}
set_sysctls_py() { for pair; do echo "${pair#*=}" > "${pair%%=*}"; done; }
export NSTAT_HISTORY=/tmp/nstat.$PPID
