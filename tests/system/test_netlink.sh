#!/usr/bin/env bash
# ip, ss, getifaddrs() and what asks like them see the virtual host, in every mode.
. "$(dirname "$0")/common.sh"
setup
python=/usr/bin/python3; [ -x $python ] || python=python3
cat >"$work/net.go" <<'END'
package main
import ("fmt"; "net")
func main() {
	l, err := net.Interfaces(); if err != nil { panic(err) }
	for _, i := range l { a, err := i.Addrs(); if err != nil { panic(err) }; fmt.Println(i.Index, i.Name, i.MTU, i.HardwareAddr, a) }
}
END
(cd "$work" && GOCACHE=$work/cache CGO_ENABLED=0 go build -o net net.go) || exit 1
all() { # NAME PATTERN SCRIPT
  local mode
  for mode in "" "--exact" "--time virtual"; do
    # shellcheck disable=SC2086
    check "$1 ${mode:-fast}" 0 "$2" "$LILLIPUT" run $mode -- bash -c "cd $work; $3"
  done
}
all 'ip addr' 'inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0' 'ip addr'
all 'ip -6 addr' 'inet6 2001:db8:0:1::2/64 scope global' 'ip -6 addr'
all 'ip link' '^2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500' 'ip link show dev eth0; ! ip link show dev nope'
all 'ip route' '^default via 10.0.0.1 dev eth0' 'ip route'
all 'ip -6 route' '^default via 2001:db8:0:1::1 dev eth0' 'ip -6 route'
all 'ip route get' '^203.0.113.10 via 10.0.0.1 dev eth0 src 10.0.0.2' 'ip route get 203.0.113.10'
all 'ip route get local' '^local 127.0.0.1 dev lo' 'ip route get 127.0.0.1'
all 'ip route table all' '^broadcast 10.0.0.255 dev eth0 table local' 'ip route show table all'
all 'ip neigh' '^10.0.0.1 dev eth0 lladdr 02:.* REACHABLE' 'ping -4 -c 1 -q server.test >/dev/null; ip neigh'
all 'ip rule' '32766:.*lookup main' 'ip rule'
all 'ip as root' '^prohibit 203.0.113.10.*Permission|^curl: .7.' 'ip route add prohibit 203.0.113.10/32; ip route; ip -6 route add blackhole 2001:db8:f::10/128; curl -sS http://server.test/; true'
all 'ip link down' 'state DOWN' 'ip link set eth0 down; ip link show dev eth0; ! curl -s http://server.test/'
all 'ip monitor' '^eth0 down, 10.0.0.77, net gone, 10.0.0.99 failed$' '
  ip monitor >monitor & sleep 0.3
  ip addr add 10.0.0.77/24 dev eth0; ip route add 198.51.100.0/24 via 10.0.0.1; ip route del 198.51.100.0/24
  ping -c 1 -w 4 10.0.0.99 >/dev/null; ip link set eth0 down; sleep 0.3; kill %1
  grep -q "eth0: .*state DOWN" monitor && echo -n "eth0 down, "; grep -q "^2: eth0 .*inet 10.0.0.77/24" monitor && echo -n "10.0.0.77, "
  grep -q "^Deleted 198.51.100.0/24 via 10.0.0.1" monitor && echo -n "net gone, "; grep -q "^10.0.0.99 .*FAILED" monitor && echo "10.0.0.99 failed"'
all 'getifaddrs of node' '"cidr":"10.0.0.2/24"' "node -e 'console.log(JSON.stringify(require(\"os\").networkInterfaces()))'"
all 'if_nameindex of python' "\(2, 'eth0'\)" "$python -c 'import socket; print(socket.if_nameindex())'"
all 'AI_ADDRCONFIG' '203.0.113.10.*2001:db8:f::10|2001:db8:f::10.*203.0.113.10' \
  "$python -c 'import socket; print([a[4][0] for a in socket.getaddrinfo(\"server.test\", 80, flags=socket.AI_ADDRCONFIG, type=1)])'"
all 'net.Interfaces of Go' '^2 eth0 1500 02:.*10.0.0.2/24 .*2001:db8:0:1::2/64' ./net
all 'ss -tan' '^ESTAB 0 +0 +10.0.0.2:[0-9]+ +203.0.113.10:7' 'exec 3<>/dev/tcp/203.0.113.10/7; ss -tan'
all 'ss -tanp' 'users:\(\("python3",pid=[0-9]+,fd=[0-9]+\)\)' \
  "$python -c 'import socket, time; s = socket.create_server((\"\", 8000), backlog=5); time.sleep(5)' & sleep 1; ss -ltnp; kill %1"
# a listener's queues: three connections wait for accept(), the backlog is 5
all 'ss -ltn queues' '^LISTEN 3 +5 +0.0.0.0:8000' "$python -c '
import socket, subprocess, time
s = socket.create_server((\"\", 8000), backlog=5)
c = [socket.create_connection((\"127.0.0.1\", 8000)) for i in range(3)]
time.sleep(0.2)
print(subprocess.run([\"ss\", \"-ltn\"], capture_output=True, text=True).stdout)'"
all 'ss Recv-Q' '^ESTAB +5 +0 +127.0.0.1:8000' "$python -c '
import socket, subprocess, time
s = socket.create_server((\"\", 8000))
c = socket.create_connection((\"127.0.0.1\", 8000)); a = s.accept()[0]
c.send(b\"hello\"); time.sleep(0.2)
print(subprocess.run([\"ss\", \"-tan\"], capture_output=True, text=True).stdout)'"
all 'ss -ti' 'cubic .*wscale:.*mss:1448.*cwnd:10' 'exec 3<>/dev/tcp/203.0.113.10/7; echo hello >&3; ss -ti'
all 'ss timers' 'FIN-WAIT-2.*203.0.113.10:7.*timer:\(timewait|SYN-SENT.*192.0.2.1:80.*timer:\(on,' 'timeout 3 bash -c "exec 3<>/dev/tcp/192.0.2.1/80" & sleep 0.5; ss -tano'
all 'ss -uan' '^UNCONN 0 +0 +0.0.0.0:5000' "$python -c '
import socket, subprocess
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"\", 5000))
print(subprocess.run([\"ss\", \"-uan\"], capture_output=True, text=True).stdout)'"
all 'ss -s' '^TCP 3/2/1 UDP 2/1/1$' "$python -c '
import socket, subprocess
u = [socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)]
for s in u: s.bind((\"\", 0))
l = [socket.create_server((\"\", 8000)), socket.create_server((\"\", 8001), family=socket.AF_INET6)]
c = socket.create_connection((\"203.0.113.10\", 7))
t = {w[0]: w[1:] for w in map(str.split, subprocess.run([\"ss\", \"-s\"], capture_output=True, text=True).stdout.splitlines()) if len(w) == 4}
print(\"TCP\", \"/\".join(t[\"TCP\"]), \"UDP\", \"/\".join(t[\"UDP\"]))'"
all 'ss filter' '^ESTAB .*203.0.113.10:7' 'exec 3<>/dev/tcp/203.0.113.10/7; ss -tan dport = :7; ! ss -tan dport = :8 | grep -q ESTAB'
all 'ss -K' 'ended' 'exec 3<>/dev/tcp/203.0.113.16/80 || exit; (cat <&3; echo ended) & sleep 0.5; ss -K dst 203.0.113.16 >/dev/null; wait'
all 'ss -x shows none of the real machine' '^1$' 'ss -xa | wc -l'
# the older ways: /proc/net, ioctl
all 'ifconfig' 'inet 10.0.0.2  netmask 255.255.255.0  broadcast 10.0.0.255' 'ifconfig -a'
all 'ifconfig inet6' 'inet6 2001:db8:0:1::2  prefixlen 64' 'ifconfig eth0'
all 'ifconfig names no other' '^eth0: lo: $' "ifconfig -a | grep -oE '^[a-z0-9]+: ' | tr -d '\n'; echo"
all 'netstat' 'tcp +0 +0 10.0.0.2:[0-9]+ +203.0.113.10:7 +ESTABLISHED [0-9]+/bash' 'exec 3<>/dev/tcp/203.0.113.10/7; netstat -tanp 2>/dev/null'
all 'route' '^0.0.0.0 +10.0.0.1 +0.0.0.0 +UG' 'route -n'
all 'arp' '10.0.0.1. at 02:00' 'ping -4 -c 1 -q server.test >/dev/null; arp -an'
all 'netstat -s' '1 active connection openings' 'exec 3<>/dev/tcp/203.0.113.10/7; netstat -s'
all '/proc/net by a relative path' 'rem_address' 'cd /proc/self/net; cat tcp'
all '/proc/net: the groups (Go asks)' '^2 +eth0 +ff0200000000000000000001ff000002 ' 'cat /proc/net/igmp /proc/net/igmp6'
all '/proc/net, what the lab has not' '^cat: /proc/net/nf_conntrack: No such file' 'cat /proc/net/nf_conntrack; true'
all 'sysctl' '^net.ipv4.tcp_syn_retries = 6$' 'sysctl net.ipv4.tcp_syn_retries'
all 'sysctl of another profile' '^60' 'cat /proc/sys/net/ipv4/tcp_fin_timeout'
check 'sysctl -w' 0 'after 7000 ms' "$LILLIPUT" run --time virtual -- bash -c 'sysctl -qw net.ipv4.tcp_syn_retries=2; curl -sS http://192.0.2.1/; true'
finish
