#!/usr/bin/env bash
# A kernel or container that refuses what the launcher needs: doctor names it and what to do; run and gauntlet end with 77, or say what they do instead.
. "$(dirname "$0")/common.sh"
[ "$(uname -m)" = x86_64 ] || exit 77
${CC:-gcc} -O1 -o "$work/refuse" "$SOURCE_DIR/tests/system/refuse.c" || exit 1
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" # looks for leaks by ptrace
pidfd_getfd=438 process_vm_readv=310 ptrace=101 seccomp=317
check 'doctor without process_vm_readv' 77 '^NO .*process_vm_readv.* needed to run programs' "$work/refuse" $process_vm_readv "$LILLIPUT" doctor
check 'what to do without process_vm_readv' 77 'cap-add SYS_PTRACE' "$work/refuse" $process_vm_readv "$LILLIPUT" doctor
check 'run without process_vm_readv' 77 'process_vm_readv is refused here; in a container: --cap-add SYS_PTRACE' "$work/refuse" $process_vm_readv "$LILLIPUT" run -- true
# Docker's default profile: everything works, by copies of the descriptors
check 'doctor without pidfd_getfd' 0 '^NO .*pidfd_getfd.* only speed' "$work/refuse" $pidfd_getfd "$LILLIPUT" doctor
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "run without pidfd_getfd ${mode:-fast}" 0 '^all closed' "$work/refuse" $pidfd_getfd "$LILLIPUT" run $mode -- python3 "$SOURCE_DIR/tests/system/closing.py"
  # shellcheck disable=SC2086
  check "curl without pidfd_getfd ${mode:-fast}" 0 'hello from the lab' "$work/refuse" $pidfd_getfd "$LILLIPUT" run $mode -- curl -s http://server.test/
done
check 'gauntlet without pidfd_getfd' 0 '^rst-after +recvfrom +ECONNRESET +56' "$work/refuse" $pidfd_getfd "$LILLIPUT" gauntlet --case rst-after -- curl -s 'http://{host}/'
check 'doctor without ptrace' 0 '^NO .*ptrace of a child.* needed for virtual time' "$work/refuse" $ptrace "$LILLIPUT" doctor
check 'run without ptrace: real time' 0 'ptrace is not permitted here.*real time instead' "$work/refuse" $ptrace "$LILLIPUT" run --time virtual -- true
check 'gauntlet without ptrace' 77 'ptrace' "$work/refuse" $ptrace "$LILLIPUT" gauntlet --case refused -- true
check 'doctor without seccomp' 77 '^NO .*seccomp user notification' "$work/refuse" $seccomp "$LILLIPUT" doctor
check 'run without seccomp' 77 "seccomp's user notification is refused here" "$work/refuse" $seccomp "$LILLIPUT" run -- true
finish
