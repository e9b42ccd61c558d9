"""kernel_compare.py: what kernel-diff and kernel-fuzz share: one script here and against the running kernel, and the two listings side by side.

A listing is what --verbose says, in order: ('in', time, line of the script), ('out', time, a packet of the host), ('call', time, a call's result),
('print', None, a line of %{ print }%). Packets are compared in all fields but the timestamp's value, in packetdrill's own tolerance of time."""
import os, re, subprocess, threading

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
binary = os.environ.get('LILLIPUT', root + '/build/lilliput')
oracle = os.environ.get('ORACLE_BUILD', root + '/build/oracle') + '/oracle'
os.environ['ORACLE_DIR'] = root + '/tests/oracle'
slack = float(os.environ.get('SLACK', .009)) # seconds; a busy machine needs more
calls_with_fd = ('socket', 'accept', 'accept4', 'dup', 'epoll_create', 'epoll_create1', 'pipe', 'open')

def build_oracle():
    subprocess.run([root + '/scripts/kernel-oracle', '/dev/null'], stdout=subprocess.DEVNULL)

def run(argv):
    try:
        return listing(subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', timeout=300).stdout)
    except subprocess.TimeoutExpired:
        return [], 'timeout'

def listing(out):
    """The events of one run, and its result line ("ok ...", "FAIL ...", "skip ...")."""
    got, result = [], ''
    for line in out.splitlines():
        m = re.match(r' *(\d+\.\d+)  (.*)', line)
        if not m:
            if re.match(r'(ok|FAIL|skip) ', line): result = line
            elif line.strip() and not re.match(r'(===|      (script|expected|actual)|\d+ passed)', line): got.append(('print', None, line.strip()))
            continue
        time, text = float(m[1]), m[2]
        if text.strip().startswith('host: '): got.append(('out', time, ' '.join(text.strip()[6:].split())))
        elif text.startswith('  no line expects'): continue
        elif text.startswith('    '):
            call = re.match(r'(\w+)\(\) = (\d+)$', text.strip())
            got.append(('call', time, call[1] + '() = FD' if call and call[1] in calls_with_fd else text.strip()))
        else: got.append(('in', time, text.strip()))
    return got, result

def run_kernel(path, options=()):
    return run([oracle, '--verbose', '--non_fatal=packet,syscall'] + list(options) + [path])

def run_ours(path, options=()):
    return run([binary, 'script', '--verbose', '--non_fatal=packet,syscall'] + list(options) + [path])

own = threading.local()

def serve_kernel(path):
    """As run_kernel, by this thread's own server (oracle --serve): one namespace for many scripts."""
    server = getattr(own, 'server', None)
    if server is None or server.poll() is not None:
        server = own.server = subprocess.Popen([oracle, '--verbose', '--non_fatal=packet,syscall', '--serve'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server.stdin.write(path + '\n'); server.stdin.flush()
    if server.stdout.readline() != 'done\n': return [], 'the server ended'
    with open(path + '.out', errors='replace') as f: out = f.read()
    os.unlink(path + '.out')
    return listing(out)

def with_gaps(events):
    """Each event with the gap before it, of which packetdrill's tolerance is a share, and the time since the last packet that was sent."""
    last, sent, got = 0.0, 0.0, []
    for kind, time, text in events:
        gap = 0 if time is None else max(time - last, (time - sent) / 2) # timers run on from what was sent last
        got.append((kind, time, text, gap, 0 if time is None else time - sent))
        if time is not None: last = time
        if kind == 'out': sent = time
    return got

def plain(kind, text):
    return re.sub(r'TS val \d+', 'TS val', text) if kind == 'out' else text

def same(a, b):
    if a[0] != b[0] or plain(a[0], a[2]) != plain(b[0], b[2]): return False
    if a[0] != 'out': return True
    late = min(abs(a[1] - b[1]), abs(a[4] - b[4])) # the kernel's timers are rounded up, each on from the last
    return late <= max(slack, .125 * a[3])

def compare(kernel, ours):
    """[(mark, event)]: ' ' in both, '-' the kernel's alone, '+' ours alone."""
    kernel, ours = with_gaps(kernel), with_gaps(ours)
    n, m, lines = len(kernel), len(ours), []
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            best[i][j] = best[i + 1][j + 1] + 1 if same(kernel[i], ours[j]) else max(best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < n or j < m:
        if i < n and j < m and same(kernel[i], ours[j]): lines.append((' ', kernel[i])); i += 1; j += 1
        elif i < n and (j == m or best[i + 1][j] >= best[i][j + 1]): lines.append(('-', kernel[i])); i += 1
        else: lines.append(('+', ours[j])); j += 1
    return lines

def print_lines(lines):
    return '\n'.join('%s %10s  %s%s' % (mark, '' if e[1] is None else '%.4f' % e[1], {'in': '', 'out': '                > ', 'call': '    ', 'print': '    | '}[e[0]], e[2])
                     for mark, e in lines)
