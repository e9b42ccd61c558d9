#!/usr/bin/env bash
# rfc-table.sh: writes docs/RFC.md: every MUST and SHOULD of RFC 9293 with the function that keeps it and the test that shows it, from the
# labels cited in src/ and tests/. `rfc-table.sh --check` prints each MUST that lacks either (and is not in docs/rfc9293-waived.tsv) and
# exits 1; it exits 1 too when docs/RFC.md is not what the tool would write.
set -eu
cd "$(dirname "$0")/.."
# file:function of each citation. The function is the one that encloses the line, or the next one when the line is in its comment.
citations() {
  find "$@" -type f \( -name '*.c' -o -name '*.h' -o -name '*.pkt' -o -name '*.sh' \) | LC_ALL=C sort | xargs awk '
    function name_of(line) { gsub(/__attribute__\(\([^)]*\)\)/, "", line); sub(/\(.*/, "", line); n = split(line, w, /[ *]+/); return w[n] }
    function flush_pending(where,  i) { for (i = 0; i < pending; i++) print waiting[i] "\t" where; pending = 0 }
    FNR == 1 { flush_pending(last); fn = ""; last = FILENAME }
    { script = FILENAME !~ /\.[ch]$/ }
    !script && /^[A-Za-z_].*\(/ && !/;[ \t]*$/ && !/^(#|typedef|struct [a-z_]+ \{)/ { fn = name_of($0); flush_pending(FILENAME ":" fn) }
    !script && /^}/ { fn = "" }
    { rest = $0
      while (match(rest, /(MUST|SHLD)-[0-9]+/)) {
        label = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
        if (script) print label "\t" FILENAME
        else if (fn != "") print label "\t" FILENAME ":" fn
        else waiting[pending++] = label
      } }
    END { flush_pending(last) }' | LC_ALL=C sort -u
}
make_table() {
  cat <<'HEAD'
# RFC 9293: what keeps it, what shows it

Made by `scripts/rfc-table.sh` from the labels cited in code and tests; do not edit. `SHLD` is SHOULD.
A waived label names its reason (`docs/rfc9293-waived.tsv`).

| label | section | requirement | kept by | shown by |
|---|---|---|---|---|
HEAD
  awk -F'\t' -v OFS=' | ' '
    FILENAME == ARGV[1] { kept[$1] = kept[$1] (kept[$1] ? ", " : "") "`" $2 "`"; next }
    FILENAME == ARGV[2] { shown[$1] = shown[$1] (shown[$1] ? ", " : "") "`" $2 "`"; next }
    FILENAME == ARGV[3] { waived[$1] = $2; next }
    { k = kept[$1]; s = shown[$1]; if (k == "" && waived[$1]) k = "waived: " waived[$1]
      gsub(/src\//, "", k); gsub(/tests\//, "", s); print "| " $1, $2, $3, k, s " |" }' "$1" "$2" docs/rfc9293-waived.tsv docs/rfc9293.tsv
}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
touch docs/rfc9293-waived.tsv
citations src > "$work/kept"; citations tests > "$work/shown"
make_table "$work/kept" "$work/shown" > "$work/RFC.md"
if [ "${1:-}" = --check ]; then
  status=0
  while IFS=$'\t' read -r label section text; do
    case $label in MUST-*) ;; *) continue ;; esac
    grep -q "^$label	" docs/rfc9293-waived.tsv && continue
    grep -q "^$label	" "$work/kept" || { echo "$label ($section, $text): no citation in src/"; status=1; }
    grep -q "^$label	" "$work/shown" || { echo "$label ($section, $text): no citation in tests/"; status=1; }
  done < docs/rfc9293.tsv
  cmp -s "$work/RFC.md" docs/RFC.md || { echo "docs/RFC.md is out of date: run scripts/rfc-table.sh"; status=1; }
  exit $status
fi
cp "$work/RFC.md" docs/RFC.md
