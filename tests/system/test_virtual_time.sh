#!/usr/bin/env bash
# Fast-forward: every clock and every timed wait of unmodified programs; right durations, and no false jump.
. "$(dirname "$0")/common.sh"
setup
here=$SOURCE_DIR/tests/system
cc=${CC:-gcc}
virtual() { check "$1" "$2" "$3" "$LILLIPUT" run --time virtual --stats -- "${@:4}"; }

virtual 'sleep 100' 0 'lilliput: 100\.0' sleep 100
virtual 'timeout 30 sleep 100' 124 'lilliput: 30\.0' timeout 30 sleep 100
virtual 'curl on a silent server' 28 'lilliput: 75\.0' curl -s --max-time 75 http://silent.test/
virtual 'shell jobs' 0 '^20$' bash -c 'sleep 10 & sleep 20; wait; echo $SECONDS'
virtual 'read -t' 0 '^35$' bash -c 'read -t 5 x < <(sleep 100); read -t 30 x < <(sleep 100); echo $SECONDS'
virtual 'python' 0 '^ok$' python3 "$here/waits.py"
virtual 'node' 0 '^node 10 10000[0-5]$' node -e 'const t=Date.now();let n=0;const i=setInterval(()=>{if(++n==10){clearInterval(i);setTimeout(()=>console.log("node",n,Date.now()-t),90000)}},1000)'
cat >"$work/go.go" <<'END'
package main
import ("fmt"; "time"; "context")
func main() {
	t := time.Now(); time.Sleep(50 * time.Second)
	ctx, c := context.WithTimeout(context.Background(), 30*time.Second); defer c(); <-ctx.Done()
	k := time.NewTicker(time.Second); for i := 0; i < 20; i++ { <-k.C }
	fmt.Println("go", time.Since(t).Round(100*time.Millisecond))
}
END
(cd "$work" && GOCACHE=$work/cache CGO_ENABLED=0 go build -o go go.go) || exit 1
virtual 'static Go' 0 '^go 1m40s' "$work/go"
$cc -O1 -o "$work/timers" "$here/timers.c" -lpthread && $cc -g -fsanitize=address -o "$work/timers-asan" "$here/timers.c" -lpthread || exit 1
virtual 'timerfd, POSIX timers, alarm' 0 '^1 2 1 fired 70 alarm 1 35\.5 s' "$work/timers"
virtual 'the same with -fsanitize=address' 0 '^1 2 1 fired 70 alarm 1 35\.5 s' "$work/timers-asan"
$cc -O1 -o "$work/alltimes" "$here/alltimes.c" -lpthread -lrt || exit 1
virtual 'every timed wait of the kernel' 0 '^all in time' "$work/alltimes"
$cc -O1 -o "$work/timeedges" "$here/timeedges.c" -lrt || exit 1
virtual 'the edges of timed calls' 0 '^ok' "$work/timeedges"
mkdir "$work/files"
virtual 'file times' 0 '^ok' bash "$here/filetimes.sh" "$work/files"
virtual 'SO_RCVTIMEO and SO_SNDTIMEO on AF_UNIX' 0 '^all in time' python3 "$here/unixtimes.py"
$cc -O1 -o "$work/mmsg" "$here/mmsg.c" || exit 1
"$LILLIPUT" run --time virtual -- "$work/mmsg" >"$work/messages" 2>&1
diff "$work/messages" - <<END && echo 'ok recvmmsg' || failures=$((failures + 1))
all: 4 after 4 s
one: 1 after 1 s
limit: 2 after 2 s
none: -11 after 0 s
SO_RCVTIMEO: 1 after 3 s
SO_RCVTIMEO, nothing: -11 after 2 s
END
"$LILLIPUT" run --time virtual -- python3 "$here/linger.py" >"$work/linger" 2>&1
diff "$work/linger" - <<END && echo 'ok a close() that lingers' || failures=$((failures + 1))
acknowledged at once 0
nobody reads 3
not blocking 3
read after 2 s 2
not the last 0 the last 3
exit of a child 0 close 5
unread data 0
a signal 2 closed
END
$cc -O1 -o "$work/clocks" "$here/clocks.c" || exit 1
# a PVM guest does not let the counter be hidden, whatever prctl() says: the rest is looked at there
bare=() word=ok
[ "$("$work/clocks" -t)" = hidden ] || bare=(-b) word='NO  '
check 'doctor on the counter' 0 "^$word .*counter hidden" "$LILLIPUT" doctor
virtual 'all clocks agree; a loop on one ends' 0 '^ok' "$work/clocks" "${bare[@]}"
virtual 'the same under a filter of its own' 0 '^ok' "$work/clocks" -f "$work/clocks" "${bare[@]}"
virtual 'looks without a time limit move the clock sooner than its reads' 0 '^True' python3 -c 'import select, time
began, looks = time.time(), 0
while time.time() == began:
    looks += bool(select.select([], [], [], 0))
print(looks < 100)'
virtual 'the clock follows who computes until it shows a later time' 0 '^True' python3 -c 'import hashlib, time
data, began = bytes(20_000_000), time.monotonic() # some 20 ms of CPU for each read: 4,096 reads without a price would be a minute
while time.monotonic() - began < 0.5:
    hashlib.sha256(data).digest()
print(time.process_time() < 20)'
$cc -O1 -o "$work/nojump" "$here/nojump.c" -lpthread || exit 1
virtual '500 waits for real work: no false jump' 0 '^500 waits, 0 ran out' "$work/nojump" 500
for kind in thread undefined; do # where the compiler has them
  ! $cc -O1 -w -fsanitize=$kind -o "$work/nojump-$kind" "$here/nojump.c" -lpthread 2>/dev/null ||
    virtual "the same with -fsanitize=$kind" 0 '^50 waits, 0 ran out' "$work/nojump-$kind" 50
done
virtual 'a debugger is told why it cannot' 1 'ptrace: virtual time traces every thread itself' python3 -c 'import ctypes, sys; l = ctypes.CDLL(None, use_errno=True)
sys.exit(l.ptrace(0, 0, 0, 0) == -1 and ctypes.get_errno() == 1)'
# the same while both processors are busy
for i in 1 2 3; do sh -c 'while :; do :; done' & burners="${burners:-} $!"; done
virtual '500 more under load' 0 '^500 waits, 0 ran out' "$work/nojump" 500
kill $burners
finish
