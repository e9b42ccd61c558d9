#!/usr/bin/env bash
# Every call on every kind of descriptor answers as Linux does; calls at random, broken by signals, neither kill nor hang the lab.
. "$(dirname "$0")/common.sh"
here=$SOURCE_DIR/tests/system
for program in everykind anycalls; do ${CC:-gcc} -O1 -o "$work/$program" "$here/$program.c" -lpthread || exit 1; done

# Not as Linux: a refused SYN does not count as unsent; in virtual time a timerfd is an eventfd underneath.
known='tcp refused +outq |timerfd +(writev_0|poll_now|epoll_add)'
# In fast mode read, write, send and recv without an address go to the inner end itself, an AF_UNIX socket, whose errors are others before a
# connection and after one that failed; and a datagram that has no address is taken.
native='(send_|sendto_null|recv_[01npt]|write_|read_|readv_|sendfile_to)'
known_fast="$known|^tcp half shut +outq |^tcp(4|6| bound| listening| refused) +$native|^udp(4|6| with data) +($native|splice_to)|^(tcp listening|netlink) +fionread|^netlink +$native"
same() { # MODE KNOWN
  # shellcheck disable=SC2086
  "$LILLIPUT" run $1 -- "$work/everykind" 2>/dev/null | grep -vE "$2" | diff <(grep -vE "$2" "$here/everykind.linux") -
}
export LILLIPUT known known_fast here work
export -f same
for mode in --exact "--time virtual"; do check "every call on every kind, $mode" 0 '' bash -c "same '$mode' \"\$known\""; done
check 'every call on every kind, fast' 0 '' bash -c 'same "" "$known_fast"'
for mode in "" --exact "--time virtual"; do
  for seed in 1 2 3 4 21; do
    # shellcheck disable=SC2086
    check "calls at random ${mode:-fast}, seed $seed" 0 '' bash -c "'$LILLIPUT' run $mode -- '$work/anycalls' $seed 1500 >/dev/null 2>&1"
  done
done
finish
