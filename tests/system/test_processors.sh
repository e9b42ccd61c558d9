#!/usr/bin/env bash
# Threads that call often run on the supervisor's processor for a while (launch/place.c): programs do not notice.
. "$(dirname "$0")/common.sh"
${CC:-gcc} -O1 -o "$work/processors" "$SOURCE_DIR/tests/system/processors.c" || exit 1
check 'on the kernel' 0 '^kept; moved 0' "$work/processors"
check 'in the lab' 0 '^kept' "$LILLIPUT" run -- "$work/processors"
check 'in the lab, exact' 0 '^kept' "$LILLIPUT" run --exact -- "$work/processors"
check 'in the lab, virtual' 0 '^kept' "$LILLIPUT" run --time virtual -- "$work/processors"
# Threads that compute at once are beside the supervisor no longer.
cat >"$work/two.py" <<'END'
import multiprocessing, os, time
def burn(_):
    end = time.process_time() + 0.2
    while time.process_time() < end: pass
    return open('/proc/self/status').read().split('Cpus_allowed_list:')[1].split()[0]
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool: print(len(os.sched_getaffinity(0)) == 1 or any(c for c in pool.map(burn, range(2)) if not c.isdigit()))
END
check 'two that compute, virtual' 0 True "$LILLIPUT" run --time virtual -- python3 "$work/two.py"
finish
