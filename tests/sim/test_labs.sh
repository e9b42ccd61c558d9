#!/usr/bin/env bash
# test_labs.sh: every lab runs as it expects, and its time line has what its "# expect:" lines say.
set -u
cd "$SOURCE_DIR"
fails=0
for lab in labs/*.yaml labs/book/*.yaml; do
  out=$("$LILLIPUT" run "$lab" --show all --ascii --no-color --width 200 2>&1); status=$?
  if [ $status -ne 0 ]; then echo "$lab: exit status $status: $(tail -1 <<<"$out")"; fails=$((fails + 1)); fi
  while IFS= read -r want; do
    if ! grep -qF -- "$want" <<<"$out"; then echo "$lab: nowhere \"$want\""; fails=$((fails + 1)); fi
  done < <(sed -n 's/^# expect: //p' "$lab")
done
[ $fails -eq 0 ] || { echo "$fails failures"; exit 1; }
