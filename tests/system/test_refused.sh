#!/usr/bin/env bash
# A kernel or container that refuses what the launcher needs: doctor names it and what to do; run and gauntlet end with 77, or say what they do instead.
. "$(dirname "$0")/common.sh"
[ "$(uname -m)" = x86_64 ] || exit 77
${CC:-gcc} -O1 -o "$work/refuse" "$SOURCE_DIR/tests/system/refuse.c" || exit 1
pidfd_getfd=438 process_vm_readv=310 ptrace=101 seccomp=317
for call in pidfd_getfd process_vm_readv; do
  check "doctor without $call" 77 "^NO .*$call.* needed to run programs" "$work/refuse" ${!call} "$LILLIPUT" doctor
  check "what to do without $call" 77 'cap-add SYS_PTRACE|as above' "$work/refuse" ${!call} "$LILLIPUT" doctor
  check "run without $call" 77 "$call is refused here; in a container: --cap-add SYS_PTRACE" "$work/refuse" ${!call} "$LILLIPUT" run -- true
done
check 'doctor without ptrace' 0 '^NO .*ptrace of a child.* needed for virtual time' "$work/refuse" $ptrace "$LILLIPUT" doctor
check 'run without ptrace: real time' 0 'ptrace is not permitted here.*real time instead' "$work/refuse" $ptrace "$LILLIPUT" run --time virtual -- true
check 'gauntlet without ptrace' 77 'ptrace' "$work/refuse" $ptrace "$LILLIPUT" gauntlet --case refused -- true
check 'doctor without seccomp' 77 '^NO .*seccomp user notification' "$work/refuse" $seccomp "$LILLIPUT" doctor
check 'run without seccomp' 77 "seccomp's user notification is refused here" "$work/refuse" $seccomp "$LILLIPUT" run -- true
finish
