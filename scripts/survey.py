"""survey.py: docs/SURVEY.md from the gauntlet's JSON files. Arguments: directory, output, kernel, date."""
import json, os, sys

work, out, kernel, date = sys.argv[1:5]
names = open(os.path.join(work, "names")).read().split()
runs, broken = {}, []
for name in names:
    try:
        cases = json.load(open(os.path.join(work, name + ".json")))["cases"]
        runs[name] = {c["case"]: c for c in cases}
    except (ValueError, KeyError):
        broken.append(name)

def cell(c):
    seconds = c["virtual_ms"] / 1000
    time = "%.1f s" % seconds if seconds < 10 else "%.0f s" % seconds
    if c["hang"]:
        return "**HANG** (%s)" % c["call"]
    word = c["errno"] or ("limit" if c["call"] else "")
    return "%s%s, %s" % (c["exit"], " " + word if word else "", time)

def who(test):
    found = [n for n in runs if test(runs[n])]
    return ", ".join(found) if found else "none"

def hung(case):
    return lambda r: case in r and r[case]["hang"]

def table(f, cases, members):
    f.write("| case | " + " | ".join(members) + " |\n|---" * 1 + "|---" * len(members) + "|\n")
    for case in cases:
        f.write("| %s | " % case + " | ".join(cell(runs[m][case]) if case in runs[m] else "" for m in members) + " |\n")
    f.write("\n")

order = []
for r in runs.values():
    order += [c for c in r if c not in order]
fine = {n for n in runs if "fine" in runs[n] and runs[n]["fine"]["exit"] == "0"}
with open(out, "w") as f:
    f.write("# The survey: real clients through the gauntlet\n\n"
            "`make survey` ran each client, unmodified and with its own defaults, through every case (`lilliput gauntlet --list` explains them)\n"
            "in virtual time: profile linux, seed 1, kernel %s, Debian's packages, %s. A cell is the exit status, the errno of the last\n"
            "socket call that failed, and how long the client took in virtual seconds. HANG: no end within 9,000 s, or nothing could happen any\n"
            "more; the call that waits is named. *limit*: a time limit of the client's own. Clients of other protocols than HTTP and DNS meet their own real\n"
            "server, unmodified too, behind the fault. A HANG is also who tries again\n"
            "and again for longer than 9,000 s (lftp: 1,000 times, as its manual says).\n\n" % (kernel, date))
    f.write("## What was seen\n\n")
    f.write("- **Hang on a server that accepts and never answers** (`silent`): %s.\n" % who(hung("silent")))
    f.write("- **Hang on a half-open connection** (`half-open`): %s.\n" % who(hung("half-open")))
    f.write("- **Still hang with SO_KEEPALIVE set for them** (`half-open-keepalive`): %s.\n" % who(hung("half-open-keepalive")))
    f.write("- **Hang after a NAT forgot the connection** (`nat-expiry-silent`): %s.\n" % who(hung("nat-expiry-silent")))
    f.write("- **Any hang at all**: %s.\n" % who(lambda r: any(c["hang"] for c in r.values())))
    f.write("- **Take more than 10 minutes to give up on a black hole** (`blackhole`): %s.\n"
            % who(lambda r: "blackhole" in r and (r["blackhole"]["hang"] or r["blackhole"]["virtual_ms"] > 600000)))
    f.write("- **Take more than an hour to notice a dead peer** (`half-open`, no hang): %s.\n"
            % who(lambda r: "half-open" in r and not r["half-open"]["hang"] and r["half-open"]["virtual_ms"] > 3600000))
    f.write("- **Crash** (end by a signal): %s.\n" % who(lambda r: any(c["exit"].startswith("SIG") for c in r.values())))
    works = lambda r: "fine" in r and r["fine"]["exit"] == "0"
    f.write("- **Never reach the second address** (`first-address-dead`; of those that succeed in `fine`): %s.\n"
            % who(lambda r: works(r) and "first-address-dead" in r and r["first-address-dead"]["exit"] != "0"))
    f.write("- **Reach it only after more than 60 s**: %s.\n"
            % who(lambda r: works(r) and "first-address-dead" in r and r["first-address-dead"]["exit"] == "0" and r["first-address-dead"]["virtual_ms"] > 60000))
    f.write("- **Fail although only IPv6 is broken** (`ipv6-broken`): %s.\n"
            % who(lambda r: works(r) and "ipv6-broken" in r and r["ipv6-broken"]["exit"] != "0"))
    f.write("- **Report success for half an answer** (`fin-after`, exit 0; nc and bash have no way to know): %s.\n" % who(lambda r: "fin-after" in r and r["fin-after"]["exit"] == "0" and works(r)))
    f.write("- **Report success for a reset answer** (`rst-after`, exit 0): %s.\n" % who(lambda r: "rst-after" in r and r["rst-after"]["exit"] == "0" and works(r)))
    if broken:
        f.write("- Could not be surveyed: %s.\n" % ", ".join(broken))
    f.write("\n## The clients\n\n")
    for n in runs:
        command = open(os.path.join(work, n + ".cmd")).read().strip().replace(work, "DIR")
        server = open(os.path.join(work, n + ".server")).read().strip()
        word = server.replace("exec ", "").replace("setpriv --reuid=65534 --regid=65534 --clear-groups ", "").split(";")[-1].split() if server else []
        name = next((os.path.basename(w) for w in word if not w.startswith("-")), "") + (" " + word[1] if word and word[0] in ("git", "openssl") else "")
        remark = ", to %s" % ("ntp.py, a responder of 6 lines" if "ntp.py" in server else name) if server else ""
        f.write("- %s%s: `%s`%s\n" % (n, remark, command[:160].replace("\n", " "), "" if n in fine else " (fails in `fine`)"))
    f.write("\n## All cells\n\n")
    members = list(runs)
    for i in range(0, len(members), 6):
        table(f, order, members[i:i + 6])
