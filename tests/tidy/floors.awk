# floors.awk: prints each violation as file:line: what (see test_floors.sh, which names the rules).
BEGIN {
    split("base 1 wire 1 tcp 2 udp 2 ip 2 link 2 host 3 socket 4 sim 4 run 4 driver 4 apps 5 script 5 launch 5 gauntlet 6 cli 7", f, " ")
    for (i = 1; i in f; i += 2) floor_of[f[i]] = f[i + 1]
    # The rooms of script/: an include goes down here, too. Its own files ("top") are above all but the plug-in.
    split("language 1 code 2 run 3 packet 4 shell 4 programs 5 call 5 top 6 plugin 7", r, " ")
    for (i = 1; i in r; i += 2) room_of[r[i]] = r[i + 1]
    order = "(^|[^A-Za-z0-9_])(ntoh[sl]|hton[sl]|be(16|32|64)toh|htobe(16|32|64)|bswap_(16|32|64)|__builtin_bswap(16|32|64)) *\\("
    clock = "(^|[^A-Za-z0-9_.>])(clock_gettime|gettimeofday|time|rand|srand|random) *\\("
}
function report(line, what) { printf "%s:%d: %s\n", FILENAME, line, what; bad = 1 }
FNR == 1 {
    n = split(FILENAME, part, "/")
    own = (part[1] == "src" && n > 2) ? part[2] : ""
    room = own != "script" ? "" : n > 3 ? part[3] : "top"
    if (room != "" && !(room in room_of)) { report(1, "script has no room " room); room = "" }
    in_comment = 0; body = 0
}
# A column-0 { opens a function, a column-0 } closes it.
/^\{/ { body = FNR }
/^\}/ { if (body && FNR - body + 1 > 70) report(body, "function of " (FNR - body + 1) " lines (70 at most)"); body = 0 }
length($0) > 140 { report(FNR, "line of " length($0) " columns (140 at most; .clang-format aims at 120)") }
FNR == 801 { report(FNR, "file of more than 800 lines") }
own == "" { next }
# An include goes down, or sideways to base and within its own folder.
!in_comment && /^[ \t]*#[ \t]*include[ \t]*"/ {
    target = $0
    sub(/^[^"]*"/, "", target); sub(/".*/, "", target)
    m = split(target, path, "/")
    to = path[1]
    if (m > 1 && to != own && to != "lilliput" && (to in floor_of)) {
        if (own == "apps") { if (to != "sim") report(FNR, "apps includes " target ": public headers and sim only") }
        else if (floor_of[to] > floor_of[own]) report(FNR, own " includes " target ": an include must not go up")
        else if (floor_of[to] == floor_of[own] && to != "base") report(FNR, own " includes " target ": folders of one floor are strangers")
    }
    if (room != "" && to == own && target != "script/script.h") {
        into = m > 2 ? path[2] : "top"
        if (into != room && room_of[into] >= room_of[room]) report(FNR, "script/" room " includes " target ": an include must not go up")
    }
    if (m > 1 && to == "..") report(FNR, own " includes " target ": by its path from src/")
    next
}
{
    # What is left of the line without strings and comments.
    code = ""; rest = $0
    while (rest != "") {
        if (in_comment) {
            if ((at = index(rest, "*/")) == 0) break
            rest = substr(rest, at + 2); in_comment = 0; continue
        }
        if (!match(rest, /\/\*|\/\/|"([^"\\]|\\.)*"|'([^'\\]|\\.[^']*)'/)) { code = code rest; break }
        code = code substr(rest, 1, RSTART - 1) " "
        token = substr(rest, RSTART, 2)
        if (token == "//") break
        if (token == "/*") { in_comment = 1; rest = substr(rest, RSTART + 2) }
        else rest = substr(rest, RSTART + RLENGTH)
    }
    if (code ~ order && own !~ /^(wire|socket|launch|driver|apps|gauntlet|cli)$/) report(FNR, "network byte order outside wire/")
    if (code ~ clock && own !~ /^(run|launch)$/ && FILENAME !~ /script\/plugin\//) report(FNR, "a clock or rand() outside run/")
}
END { exit bad }
