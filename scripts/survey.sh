#!/usr/bin/env bash
# survey.sh: real clients through all cases of the gauntlet; writes docs/SURVEY.md. Only what was seen in this run is written.
# Clients of other protocols than HTTP, echo and DNS meet their own real server where its package is installed (openssh-server, git, rsync,
# redis-server, mosquitto, postgresql, mariadb-server, snmpd; none is started outside the lab), else the built-in one.
set -u
cd "$(dirname "$0")/.."
LILLIPUT=${LILLIPUT:-$PWD/build/lilliput}
out=${1:-docs/SURVEY.md}
"$LILLIPUT" doctor >/dev/null || { echo "the kernel forbids it: lilliput doctor"; exit 77; }
scripts/setup-system.sh --survey || exit 1
work=$(mktemp -d); chmod 777 "$work"; trap 'rm -rf "$work"' EXIT
export HOME=$work LILLIPUT_WORK=$work LC_ALL=C
python=/usr/bin/python3; [ -x $python ] || python=python3
cat >"$work/get.go" <<'END'
package main
import ("io"; "net/http"; "os")
func main() { r, err := http.Get(os.Args[1]); if err != nil { println(err.Error()); os.Exit(1) }; if _, err := io.Copy(io.Discard, r.Body); err != nil { println(err.Error()); os.Exit(2) } }
END
(cd "$work" && GOCACHE=$work/cache CGO_ENABLED=0 go build -o get get.go) || exit 1
cat >"$work/aio.py" <<'END'
import asyncio, sys
async def main():
    r, w = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    w.write(b"GET / HTTP/1.0\r\n\r\n"); await w.drain()
    head = await r.readuntil(b"\r\n\r\n")
    n = int([l for l in head.lower().split(b"\r\n") if l.startswith(b"content-length")][0].split(b":")[1])
    await r.readexactly(n)
asyncio.run(main())
END

cat >"$work/ntp.py" <<'END'
import os, socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", int(os.environ["LILLIPUT_PORT"])))
while True:
    b, a = s.recvfrom(100)
    t = struct.pack("!II", int(time.time()) + 2208988800, int(time.time() % 1 * 2**32))
    s.sendto(bytes([(b[0] & 0x38) | 4, 1, b[2], 0xec]) + bytes(4) + struct.pack("!I", 1 << 16) + b"GPS\0" + t + b[40:48] + t + t, a)
END

# --- servers: each a shell command that listens on $LILLIPUT_PORT, or empty when its package is missing
have() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }
as_nobody=''; [ "$(id -u)" -ne 0 ] || as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
git_server='' ssh_server='' rsync_server='' redis_server='' mqtt_server='' pg_server='' my_server='' snmp_server=''
if have git; then
  git init -q --bare "$work/repo.git" && git init -q "$work/seed" &&
    git -C "$work/seed" -c user.email=a@b.test -c user.name=a commit -q --allow-empty -m one && git -C "$work/seed" push -q "$work/repo.git" HEAD:master
  git_server="git daemon --reuseaddr --base-path=$work --export-all --port=\$LILLIPUT_PORT $work"
fi
if have sshd && have ssh-keygen; then
  ssh-keygen -q -t ed25519 -N '' -f "$work/hostkey" && ssh-keygen -q -t ed25519 -N '' -f "$work/userkey"
  printf 'HostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\n' "$work/hostkey" "$work/userkey.pub" >"$work/sshd.conf"
  [ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
  ssh_server="$(command -v sshd || echo /usr/sbin/sshd) -D -f $work/sshd.conf -p \$LILLIPUT_PORT"
fi
if have rsync; then
  mkdir "$work/module"; seq 20000 >"$work/module/file"
  printf '[m]\npath=%s\nuse chroot=no\n' "$work/module" >"$work/rsyncd.conf"
  rsync_server="rsync --daemon --no-detach --config=$work/rsyncd.conf --port=\$LILLIPUT_PORT"
fi
if have redis-server; then redis_server="redis-server --port \$LILLIPUT_PORT --save '' --protected-mode no --dir $work"; fi
if have mosquitto; then
  mqtt_server="printf 'listener %s\nallow_anonymous true\n' \$LILLIPUT_PORT >$work/mosquitto.conf; exec mosquitto -c $work/mosquitto.conf"
fi
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
if [ -x "$pg/postgres" ]; then
  mkdir "$work/pg"; [ -z "$as_nobody" ] || chown 65534:65534 "$work/pg"
  # shellcheck disable=SC2086
  $as_nobody "$pg/initdb" -D "$work/pg" -U nobody -A trust --no-sync >/dev/null 2>&1 && echo 'host all all all trust' >>"$work/pg/pg_hba.conf" &&
    pg_server="exec $as_nobody $pg/postgres -D $work/pg -p \$LILLIPUT_PORT -k '' -h '*' -F"
fi
if have mariadbd; then
  mkdir "$work/my"
  if mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$work/my" --auth-root-authentication-method=normal >/dev/null 2>&1; then
    printf "FLUSH PRIVILEGES;\nCREATE USER 'nobody'@'%%';\n" | mariadbd --no-defaults --user="$(id -un)" --datadir="$work/my" --bootstrap >/dev/null 2>&1
    my_server="exec mariadbd --no-defaults --user=$(id -un) --datadir=$work/my --skip-name-resolve --socket=$work/my.sock --pid-file=$work/my.pid --port=\$LILLIPUT_PORT"
  fi
fi
if have snmpd; then
  snmp_server="printf 'rocommunity public\nagentAddress udp:%s\n' \$LILLIPUT_PORT >$work/snmpd.conf; exec snmpd -f -C -c $work/snmpd.conf -Lf $work/snmpd.log -p $work/snmpd.pid"
fi

only=${SURVEY_ONLY:-}
survey() { meet '' "$@"; }
meet() { # SERVER NAME PORT COMMAND...: SERVER empty: the built-in one
  local server=$1 name=$2 port=$3 options=()
  shift 3
  case " $only " in '  ' | *" $name "*) ;; *) return ;; esac
  [ -z "$server" ] || options=(--server "$server" --jobs 1) # one data directory each
  printf '%s ... ' "$name" >&2
  timeout -k 5 400 "$LILLIPUT" gauntlet --json --port "$port" "${options[@]}" -- "$@" >"$work/$name.json" 2>"$work/$name.err" </dev/null
  printf 'exit %s\n' $? >&2
  printf '%s\n' "$*" >"$work/$name.cmd"
  printf '%s\n' "$server" >"$work/$name.server"
  echo "$name" >>"$work/names"
}
url='http://{host}:{port}/'
survey curl 80 curl -s "$url"
survey wget 80 wget -q -O /dev/null "$url"
survey aria2 80 bash -c 'aria2c -q -d "$(mktemp -d -p "$LILLIPUT_WORK")" -o file "http://$LILLIPUT_HOST:$LILLIPUT_PORT/"' 
survey python-urllib 80 $python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' "$url"
survey python-asyncio 80 $python "$work/aio.py" '{host}' '{port}'
survey node-http 80 node -e 'require("http").get(process.argv[1], r => r.resume()).on("error", e => process.exit(1))' "$url"
survey node-fetch 80 node -e 'fetch(process.argv[1]).then(r => r.text()).catch(e => process.exit(1))' "$url"
survey go-http 80 "$work/get" "$url"
survey lftp 80 lftp -c "open $url; cat /"
survey links 80 links -source "$url"
survey nc 80 bash -c 'printf "GET / HTTP/1.0\r\n\r\n" | nc -N $LILLIPUT_HOST $LILLIPUT_PORT'
survey bash-dev-tcp 80 bash -c 'exec 3<>/dev/tcp/$LILLIPUT_HOST/$LILLIPUT_PORT && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 30 -subj /CN=server.test 2>/dev/null
meet "openssl s_server -quiet -www -accept \$LILLIPUT_PORT -cert $work/cert.pem -key $work/key.pem" openssl 443 \
  bash -c 'printf "GET / HTTP/1.0\r\n\r\n" | openssl s_client -quiet -connect $LILLIPUT_HOST:$LILLIPUT_PORT'
meet "$git_server" git 9418 git ls-remote 'git://{host}:{port}/repo.git'
meet "$ssh_server" ssh 22 ssh -F none -i "$work/userkey" -o BatchMode=yes -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -p '{port}' '{host}' 'seq 20000'
meet "$redis_server" redis-cli 6379 redis-cli -h '{host}' -p '{port}' ping
meet "$pg_server" psql 5432 psql -w -h '{host}' -p '{port}' -U nobody -c 'select * from generate_series(1, 5000)' postgres
meet "$my_server" mysql 3306 mysql -h '{host}' -P '{port}' -u nobody --skip-ssl -e 'select * from information_schema.collations'
meet "$mqtt_server" mosquitto_pub 1883 mosquitto_pub -h '{host}' -p '{port}' -t t -m m
meet "$rsync_server" rsync 873 rsync 'rsync://{host}:{port}/m/file' "$work/copy"
survey dig 53 dig '@{addr}' -p '{port}' '{host}'
meet "$snmp_server" snmpget 161 snmpget -v 2c -c public '{host}:{port}' 1.3.6.1.2.1.1.1.0
meet "$python $work/ntp.py" ntpdate 123 /usr/sbin/ntpdate -q '{host}'
$python scripts/survey.py "$work" "$out" "$(uname -r)" "$(date -u +%Y-%m-%d)"
