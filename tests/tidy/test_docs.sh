#!/usr/bin/env bash
# test_docs.sh: what the documents show is so: README's table is what `lilliput book` prints, the lab and the script in LABS.md and
# SCRIPT.md run, the built-in programs named are there, every decision is in the index, and every link leads to a file.
set -u
cd "$SOURCE_DIR"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fails=0
fail() { printf '%s\n' "$*"; fails=$((fails + 1)); }
block() { # FILE LANGUAGE: its first fenced block
  awk -v start="\`\`\`$2" '$0 == start && !on && !done { on = 1; next } /^```/ && on { on = 0; done = 1 } on' "$1"
}
# README's table: all but the real time, whose digits differ.
squeeze() { sed -E 's/ +[0-9.]+ ms$//; s/ +REAL TIME$//; s/ +/ /g; s/ $//'; }
awk '/^TARGET .*REAL TIME$/ { on = 1 } /^```/ { on = 0 } on' README.md | squeeze >"$work/readme"
"$LILLIPUT" book | squeeze >"$work/book"
diff "$work/readme" "$work/book" >"$work/diff" || fail "README's table is not what lilliput book prints:" "$(cat "$work/diff")"
# README's rows of the gauntlet: all but the real time (another curl may give up otherwise: where it is Debian 12's).
if "$LILLIPUT" doctor >/dev/null && curl --version 2>/dev/null | grep -q '^curl 7\.88'; then
  awk '/^CASE / { on = 1; next } /^\.\.\.$/ { exit } on' README.md | sed -E 's/ [0-9]+ ms//' >"$work/readme"
  options=(); while read -r name _; do options+=(--case "$name"); done <"$work/readme"
  "$LILLIPUT" gauntlet "${options[@]}" -- curl -sS --max-time 150 http://server.test/ | sed -E '1d; /^[0-9]+ cases/,$d; s/ [0-9]+ ms//' |
    diff <(squeeze <"$work/readme") <(squeeze) >"$work/diff" || fail "README's rows are not what the gauntlet prints:" "$(cat "$work/diff")"
fi
# LABS.md: its first lab.
block docs/LABS.md yaml >"$work/lab.yaml"
"$LILLIPUT" run "$work/lab.yaml" --show all >"$work/out" 2>&1 || fail "the lab in LABS.md: $(tail -1 "$work/out")"
grep -oE '^\| [a-z][a-z0-9, -]* \| `' docs/LABS.md | tr -d '|`' | tr ',' '\n' | tr -d ' ' | sort -u | while read -r name; do
  printf 'hosts: {a: {programs: [{path: "builtin:%s", expected_final_state: any, stop_time: 1s}]}}\n' "$name" >"$work/builtin.yaml"
  "$LILLIPUT" run "$work/builtin.yaml" 2>&1 | grep -F 'no such builtin'
done >"$work/missing"
[ -s "$work/missing" ] && fail "LABS.md names builtins that are not there: $(cat "$work/missing")"
# SCRIPT.md: its first script.
block docs/SCRIPT.md "" >"$work/example.pkt"
"$LILLIPUT" script --both "$work/example.pkt" >"$work/out" 2>&1 || fail "the script in SCRIPT.md: $(cat "$work/out")"
# Every decision is in their index.
for page in docs/decisions/0*.md; do
  grep -qF "(${page##*/})" docs/decisions/README.md || fail "docs/decisions/README.md lacks ${page##*/}"
done
# Links.
for file in README.md CHANGELOG.md docs/*.md docs/decisions/*.md; do
  while IFS= read -r link; do
    [ -e "$(dirname "$file")/${link%%#*}" ] || fail "$file: $link is not there"
  done < <(grep -oE '\]\([^)#][^)]*\)' "$file" | sed 's/^](//; s/)$//' | grep -vE '^(https?|mailto):')
done
[ $fails -eq 0 ] || { echo "$fails failures"; exit 1; }
