#!/usr/bin/env bash
# test_floors.sh: the rules of the house (DESIGN.md 1, 4, 5), each violation as file:line: what.
#   - no include goes up a floor: base wire | tcp udp ip link | host | socket sim run driver | apps script launch | gauntlet | cli;
#     folders of one floor do not include each other (wire may include base); apps: public headers and sim only
#     within script: language | code | run | packet shell | programs call | its own files | plugin (all may include script/script.h)
#   - network byte order only in wire (and socket, driver, launch, gauntlet, where the system's structures want it)
#   - clocks and rand only in run (and launch, which lives in real time)
#   - basenames in src/ are unique
#   - files of src/, include/ and tests/ at most 800 lines, functions at most 70, lines at most 140 columns
set -eu
cd "${SOURCE_DIR:-$(dirname "$0")/../..}"
check() { (cd "$1" && find src include tests \( -name '*.c' -o -name '*.h' -o -name '*.S' \) -print0 | sort -z | xargs -0 -r awk -f "$awk_file"); }
awk_file=$PWD/tests/tidy/floors.awk

# The checker itself must see what it is for.
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
mkdir -p "$trial"/src/{base,wire,tcp,udp,host,sim,socket,apps,run,script/run,script/call,script/attic} "$trial"/{include,tests}
echo '#include "wire/wire.h"' >"$trial/src/base/a.c"
printf '#include "udp/udp.h"\n#include "base/buf.h"\n#include "tcp/tcp.h"\n#include "host/host.h"\n' >"$trial/src/tcp/b.c"
printf '#include "socket/socket.h"\n#include "run/clock.h"\n#include "lilliput/host.h"\n' >"$trial/src/sim/c.c"
printf '#include "host/host.h"\n#include "sim/world.h"\n' >"$trial/src/apps/d.c"
printf '/* ntohs(x)\n time(0) */ int x; // htonl(1)\nchar *s = "htons(1)"; int q = %s"%s;\nint y = x + htons(1);\n' "'" "'" >"$trial/src/host/e.c"
printf 'int f(void)\n{\n    return p->time(0) + lil_time(0);\n}\nint g(void)\n{\n    return time(0) + ntohs(1);\n}\n' >"$trial/src/socket/f.c"
{ echo 'int f(void)'; echo '{'; for _ in $(seq 69); do echo; done; echo '}'; } >"$trial/tests/g.c"
{ echo 'int f(void)'; echo '{'; for _ in $(seq 68); do echo; done; echo '}'; for _ in $(seq 740); do echo; done; } >"$trial/tests/h.c"
printf '/* %141s */\n' x >"$trial/include/i.h"
printf '#include "script/script.h"\n#include "script/language/ast.h"\n#include "script/call/call.h"\n' >"$trial/src/script/run/j.c"
printf '#include "script/run/run.h"\n#include "script/programs/programs.h"\n#include "script/setup.h"\n' >"$trial/src/script/call/k.c"
echo '#include "script/call/call.h"' >"$trial/src/script/l.c"
echo >"$trial/src/script/attic/m.c"
expected='include/i.h:1 src/apps/d.c:1 src/base/a.c:1 src/host/e.c:4 src/script/attic/m.c:1 src/script/call/k.c:2 src/script/call/k.c:3 src/script/run/j.c:3 src/sim/c.c:1 src/sim/c.c:2 src/socket/f.c:7 src/tcp/b.c:1 src/tcp/b.c:4 tests/g.c:2 tests/h.c:801'
found=$(check "$trial" | cut -d: -f1,2 | LC_ALL=C sort | xargs || true)
if [ "$found" != "$expected" ]; then
    printf 'the checker is wrong:\n  expected %s\n  found    %s\n' "$expected" "$found"
    exit 1
fi
twice=$(find src \( -name '*.c' -o -name '*.h' \) -printf '%f\n' | LC_ALL=C sort | uniq -d | xargs)
[ -z "$twice" ] || { echo "basenames that occur twice in src/: $twice"; exit 1; }
check .
