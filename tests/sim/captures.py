#!/usr/bin/env python3
"""captures.py: what tshark's expert says of every capture. A capture is split by NIC first: a packet that two NICs saw
would look like a retransmission. Called by test_captures.sh; prints what is wrong, and ends with 1 if anything is."""
import concurrent.futures, glob, os, struct, subprocess, sys

def split(path, folder):
    """One pcapng file an interface; returns [(name, file, packets)]."""
    data = open(path, "rb").read()
    at, section, interfaces, outs = 0, b"", [], []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        block = data[at:at + size]
        if kind == 0x0A0D0D0A:
            section, interfaces = block, []
        elif kind == 1:
            name, options = "script", 16
            while options + 4 <= size - 4:
                code, length = struct.unpack_from("<HH", block, options)
                if code == 0:
                    break
                if code == 2:
                    name = block[options + 4:options + 4 + length].decode()
                options += 4 + (length + 3) // 4 * 4
            file = os.path.join(folder, f"{os.path.basename(path)}.{len(outs)}")
            interfaces.append([name, file, 0, open(file, "wb")])
            outs.append(interfaces[-1])
            outs[-1][3].write(section + block)
        elif kind == 6:
            out = interfaces[struct.unpack_from("<I", block, 8)[0]]
            out[2] += 1
            out[3].write(block[:8] + struct.pack("<I", 0) + block[12:])
        at += size
    for out in outs:
        out[3].close()
    return [out[:3] for out in outs if out[2]]

OPTIONS = ["--disable-protocol", "http", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]

def expert(file):
    """[(frame, comment, is it a good ICMP message, [(severity, group, message)])] of one file, and tshark's complaints."""
    fields = ["frame.number", "frame.comment", "icmp.checksum.status", "icmpv6.checksum.status", "_ws.expert.severity", "_ws.expert.group", "_ws.expert.message"]
    words = ["tshark", "-r", file, *OPTIONS, "-Y", "_ws.expert", "-T", "fields", "-E", "aggregator=|", "-E", "separator=/t"]
    for field in fields:
        words += ["-e", field]
    got = subprocess.run(words, capture_output=True, text=True)
    rows = []
    for line in got.stdout.splitlines():
        number, comment, icmp4, icmp6, severity, group, message = (line.split("\t") + [""] * 7)[:7]
        rows.append((number, comment, "1" in (icmp4[:1], icmp6[:1]), list(zip(severity.split("|"), group.split("|"), message.split("|")))))
    complaints = [line for line in got.stderr.splitlines() if "Running as user" not in line]
    return rows, complaints

# --- what may be there, and why -----------------------------------------------------------------------------------------

CHECKSUM, MALFORMED, PROTOCOL, ERROR = 0x01000000, 0x07000000, 0x09000000, 0x00800000
RETRANSMISSION = ("retransmission", "out-of-order", "Previous segment", "wasn't captured", "D-SACK", "same ports")

# Retransmissions (and gaps, which are what a repaired loss looks like from the receiver) only in these, for this reason.
LABS = {
    "connect-refused-windows": "the SYN goes again after an RST",
    "connect-timeout-44bsd": "a black hole", "connect-timeout-linux": "a black hole",
    "connect-unreachable-44bsd": "a soft error: the SYN schedule goes on",
    "listen-backlog": "SYNs beyond the backlog are dropped", "listen-full-queue": "SYNs beyond the backlog are dropped",
    "listen-removal-44bsd": "the third segment is lost, the SYN/ACK goes again",
    "recovery": "the link loses one packet in eight", "reset-crash": "the peer has lost its power",
    "unp": "192.3.4.5 behind a router that answers host unreachable",
}
# In a script each packet has a line of its own: no retransmission is looked for there.
# What is neither malformed nor a wrong checksum, but is said with that severity: scripts send it on purpose, or it is so.
FINE = ("4 NOP in a row",)  # a fast open cookie's padding beside SACK's, as Linux has it

def judge(name, kind, interface, file):
    rows, wrong = expert(file)
    allowed = kind in ("bytes", "faulty") or LABS.get(os.path.basename(name).removesuffix(".yaml"))
    seen = False
    for number, comment, is_icmp, notes in rows:
        for severity, group, message in notes:
            severity, group = int(severity or 0), int(group or 0)
            broken = kind == "faulty" and comment.startswith(("dropped: ", "link: "))  # told of, and found by the receiver
            if group == CHECKSUM and is_icmp:
                continue  # that of the segment it quotes, of which a part is missing
            if name == "gauntlet corrupt.pcapng" and group == CHECKSUM and interface.startswith(("gw:", "core:")):
                continue  # what a link damaged goes on through routers, which do not check TCP's sum: the ends do
            if name.startswith("gauntlet ") and message.startswith(("DNS query retrans", "DNS response retrans")):
                continue  # glibc draws the id from the clock: A and AAAA asked at one virtual instant share it
            if group in (CHECKSUM, MALFORMED) or severity >= ERROR or (group == PROTOCOL and not message.startswith(FINE)):
                if not broken:
                    wrong.append(f"frame {number}: {message}")
            elif any(word in message for word in RETRANSMISSION):
                seen = True
                if not allowed:
                    wrong.append(f"frame {number}: {message}, which nothing in this scenario causes")
    return [f"{name} at {interface}: {line}" for line in wrong], seen and allowed

# --- the captures -------------------------------------------------------------------------------------------------------

def call(*words, **extra):
    environment = dict(os.environ, **extra)
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment).returncode

def captures(lilliput, build, folder, every):
    """[(name, kind, file)]; kind: "lab"; "bytes": no sequence numbers to follow; "faulty": the link makes errors.
    EVERY: also forty lossy transfers and the gauntlet's cases."""
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    jobs = []
    def job(name, kind):
        jobs.append((name, kind, os.path.join(folder, f"{len(jobs)}.pcapng")))
        return jobs[-1][2]
    for name in sorted(glob.glob(f"{source}/labs/*.yaml") + glob.glob(f"{source}/labs/book/*.yaml")):
        call(lilliput, "run", name, "--capture", job(name, "lab"))
    scripts = sorted(glob.glob(f"{source}/tests/script/**/*.pkt", recursive=True))
    for version in "46":
        call(lilliput, "script", "--ipv" + version, "--capture", job("scripts over IPv" + version, "bytes"), *scripts)
        for seed in range(1, 41) if every else (22, 31):  # 22: 30 % lost, reordered, doubled, corrupted; 31: none lost
            file = job(f"transfer, seed {seed}, IPv{version}", "faulty")
            environment = {"LILLIPUT_SEED": str(seed), "LILLIPUT_CAPTURE": file, **({"LILLIPUT_IPV6": "1"} if version == "6" else {})}
            call(os.path.join(build, "tests/sim_test_transfer"), **environment)
    gauntlet = os.path.join(folder, "gauntlet")
    os.makedirs(gauntlet)
    if every and call(lilliput, "gauntlet", "--capture", gauntlet, "--", "curl", "-sS", "http://server.test/") != 77:
        jobs += [("gauntlet " + file, "faulty", os.path.join(gauntlet, file)) for file in sorted(os.listdir(gauntlet))]
    return jobs

def main():
    lilliput, build, folder = sys.argv[1:4]
    every = os.environ.get("LILLIPUT_LONG")
    pieces = [(name, kind, interface, file) for name, kind, capture in captures(lilliput, build, folder, every)
              for interface, file, _ in (split(capture, folder) if kind != "bytes" else [("all", capture, 0)])]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda piece: judge(*piece), pieces))
    wrong = [line for lines, _ in results for line in lines]
    reasons = {reason for _, reason in results}
    wrong += [f"{name}: is said to retransmit ({why}), and does not" for name, why in LABS.items() if why not in reasons]
    print(f"{len(pieces)} interfaces' captures read")
    for line in wrong[:40]:
        print(line)
    return 1 if wrong or len(pieces) < 50 else 0

if __name__ == "__main__":
    sys.exit(main())
