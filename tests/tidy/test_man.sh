#!/usr/bin/env bash
# test_man.sh: each verb has a man page, and page and --help name the same options.
set -u
cd "$SOURCE_DIR"
fails=0
options() { grep -oE -- '(^|[^-a-z])--[a-z][-a-z0-9]*' | grep -oE -- '--[a-z][-a-z0-9]*' | grep -vx -- --help | sort -u; }
for verb in gauntlet run book script profile bench doctor; do
  page=docs/man/lilliput-$verb.1
  [ -f "$page" ] || { echo "$page is missing"; fails=$((fails + 1)); continue; }
  help=$("$LILLIPUT" "$verb" --help | sed "s/\`[^\`]*\`//g" | options) # of other verbs: between backticks
  man=$(sed -e 's/\\-/-/g' -e 's/\\f[BIRP]/ /g' "$page" | options)
  [ "$help" = "$man" ] || { echo "$verb: --help and $page differ:"; diff <(echo "$help") <(echo "$man"); fails=$((fails + 1)); }
done
[ $fails -eq 0 ] || { echo "$fails failures"; exit 1; }
