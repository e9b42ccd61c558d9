#!/usr/bin/env bash
# setup-system.sh: installs the real programs that tests/system runs in the lab, and says why. `--survey` adds the survey's.
# As root it installs; otherwise it prints the one command. Nothing is done when all is there.
set -eu
packages=(
  "curl client" "wget client" "python3 clients and servers" "nodejs clients" "golang-go a static client and server" "redis-server server"
  "redis-tools client" "nginx-light server with workers" "socat client and server" "dnsutils dig" "iperf3 client and server" "iputils-ping ICMP"
  "iproute2 ip and ss" "net-tools ifconfig, netstat, arp" "gcc the tests' own programs"
)
if [ "${1:-}" = --survey ]; then
  packages+=("aria2 client" "git client" "openssh-client client" "postgresql-client psql" "default-mysql-client mysql" "mosquitto-clients client"
    "lftp client" "rsync client" "openssl s_client" "ntpsec-ntpdate NTP" "snmp snmpget" "links client" "netcat-openbsd nc" "telnet client"
    "openssh-server ssh's" "mosquitto its own" "mariadb-server mysql's" "postgresql psql's" "snmpd snmpget's")
fi
missing=()
for entry in "${packages[@]}"; do
  name=${entry%% *}
  case $name in # another version may stand in for the package
    python3) command -v python3 >/dev/null && continue ;;
    nodejs) command -v node >/dev/null && continue ;;
    golang-go) command -v go >/dev/null && continue ;;
    postgresql) command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && continue ;;
    dnsutils) command -v dig >/dev/null && continue ;;
  esac
  dpkg -s "$name" >/dev/null 2>&1 || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0
command="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
  printf 'The system tests need these Debian packages; not root, so please run:\n  sudo %s\n' "$command" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # servers run in the lab: none is started here
apt-get update -qq
$command >/dev/null
