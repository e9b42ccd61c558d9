#!/usr/bin/env bash
# In virtual time: files are as old as the program's own clock says. Prints "ok", or what is not so.
cd "$1" || exit 1
wrong() { echo "$1: $2, not $3"; exit 1; }
unset MAKEFLAGS MAKELEVEL MFLAGS # `make test` has them
is() { [ "$2" = "$3" ] || wrong "$1" "$2" "$3"; }
age() { python3 -c 'import os, sys, time; print(round(time.time() - os.stat(sys.argv[1]).st_mtime))' "$1"; }
/bin/true; touch early
is 'before the clock has moved' "$(python3 -c 'import os, time; print(os.stat("early").st_mtime_ns <= time.time_ns())')" True
touch first; sleep 100; touch second
is 'a file that was made 100 s ago' "$(age first)" 100
is 'a file that was just made' "$(age second)" 0
is 'of the same moment, by its descriptor' "$(python3 -c 'import os, time; print(round(time.time() - os.fstat(0).st_mtime))' <first)" 100
is 'find' "$(find . -newermt '-50 seconds' -name '*s*')" ./second
touch -d '30 seconds ago' second; cp -p second third; sleep 10
is 'a time that was set, 10 s later' "$(age second)" 40
is 'and copied' "$(age third)" 40
touch -d 1969-07-20T02:56Z moon
is 'before 1970' "$(stat -c %Y moon)" -14245440
printf 'x: y\n\tcp y x\n' >Makefile; touch y
is 'make' "$(make 2>&1)" 'cp y x'
is 'make again' "$(make 2>&1)" "make: 'x' is up to date."
sleep 1; touch y
is 'make after a change' "$(make 2>&1)" 'cp y x'
[ -z "$(find / -maxdepth 1 -newermt '+1 seconds')" ] || wrong 'files from the future' some none
echo ok
