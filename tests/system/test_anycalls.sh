#!/usr/bin/env bash
# Every call on every kind of descriptor answers as Linux does; calls at random, broken by signals, neither kill nor hang the lab.
. "$(dirname "$0")/common.sh"
here=$SOURCE_DIR/tests/system
for program in everykind anycalls; do ${CC:-gcc} -O1 -o "$work/$program" "$here/$program.c" -lpthread || exit 1; done

# Not as Linux: splice() with a socket of the lab is EINVAL (programs then read and write); sendfile() to a socket that is not connected has the
# lab's own errno; a failed connect() keeps its port; a FIN counts as unsent until the host was polled, a refused SYN not at all;
# UDP_CORK; in virtual time a timerfd is an eventfd underneath.
known='splice_|sendfile_to|udp_cork|tcp refused +(bind_any|outq) |tcp half shut +outqnsd|timerfd +(writev_0|poll_now|epoll_add)'
same() { # MODE
  # shellcheck disable=SC2086
  "$LILLIPUT" run $1 -- "$work/everykind" 2>/dev/null | grep -vE "$known" | diff <(grep -vE "$known" "$here/everykind.linux") -
}
export LILLIPUT known here work
export -f same
for mode in --exact "--time virtual"; do check "every call on every kind, $mode" 0 '' bash -c "same '$mode'"; done
check 'every call on every kind, fast' 0 '^none +close_twice' "$LILLIPUT" run -- "$work/everykind"
for mode in "" --exact "--time virtual"; do
  for seed in 1 2 3 4 21; do
    # shellcheck disable=SC2086
    check "calls at random ${mode:-fast}, seed $seed" 0 '' bash -c "'$LILLIPUT' run $mode -- '$work/anycalls' $seed 1500 >/dev/null 2>&1"
  done
done
finish
