"""kernel_compare.py: what kernel-diff and kernel-fuzz share: one script here and against the running kernel, and the two listings side by side.

A listing is what --verbose says, in order: ('in', time, line of the script), ('out', time, a packet of the host), ('call', time, a call's result),
('print', None, a line of %{ print }%). Packets are compared in all fields but the timestamp's value, in packetdrill's own tolerance of time."""
import itertools, os, re, subprocess, tempfile, threading

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
binary = os.environ.get('LILLIPUT', root + '/build/lilliput')
oracle = os.environ.get('ORACLE_BUILD', root + '/build/oracle') + '/oracle'
is_virtual = os.environ.get('KERNEL') == 'virtual' # scripts/kernel-virtual's kernel, which has no noise; otherwise the running one
if is_virtual: oracle = root + '/scripts/kernel-virtual'
os.environ['ORACLE_DIR'] = root + '/tests/oracle'
slack = float(os.environ.get('SLACK', .009)) # seconds; a busy machine needs more
calls_with_fd = ('socket', 'accept', 'accept4', 'dup', 'epoll_create', 'epoll_create1', 'pipe', 'open')

def build_oracle():
    subprocess.run([root + '/scripts/kernel-oracle', '/dev/null'], stdout=subprocess.DEVNULL)
    os.environ['ORACLE_BUILT'] = '1'

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
        if 'wheel_phase_us' in line: continue
        if line.startswith('#script '): continue
        if line.startswith('#origin '): own.origin_us = int(line[8:]) // 1000
        elif not m:
            if re.match(r'(ok|FAIL|skip) ', line): result = line
            elif line.strip() and not re.match(r'(===|      (script|expected|actual)|\d+ passed)', line): got.append(('print', None, line.strip()))
        if not m: continue
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

def run_virtual(paths, options=()):
    """As run_kernel() for many files in one boot: {path: ((events, result line), when its ticks are)}."""
    out = subprocess.run([oracle, '--verbose', '--non_fatal=packet,syscall'] + list(options) + list(paths), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors='replace', env=dict(os.environ, JOBS='1')).stdout
    real, got = {os.path.realpath(path): path for path in paths}, {}
    for part in re.split(r'^#script ', out, flags=re.M)[1:]:
        name, _, told = part.partition('\n')
        own.origin_us = None
        heard = listing(told)
        got[real[name]] = heard, own.origin_us
    return got

def run_ours(path, options=()):
    return run([binary, 'script', '--verbose', '--non_fatal=packet,syscall'] + list(options) + [path])

def run_ours_alike(path, options=()):
    """As run_ours(), after run_kernel() in the same thread: where that told when its ticks are, our timers are as late as the kernel's (its wheel: an
    eighth of what is waited for), so that what differs differs by something else."""
    return run_ours_at(getattr(own, 'origin_us', None) if is_virtual else None, path, options)

def run_ours_at(origin_us, path, options=()):
    if origin_us is None: return run_ours(path, options)
    phase_us = (origin_us - 300000000 + 2**32 * 1000 - 1000000000) % (2**19 * 1000) # jiffies begin at -300 s, our host at 1000 s
    handle, alike = tempfile.mkstemp('.pkt', prefix='.alike.', dir=os.path.dirname(os.path.abspath(path)))
    with open(path) as f: lines = f.read().split('\n')
    at = next((i for i, line in enumerate(lines) if re.match(r'[+*\d`%]', line)), 0)
    os.write(handle, '\n'.join(lines[:at] + ['0 `sysctl -q tcp.wheel_phase_us=%d`' % phase_us] + lines[at:]).encode()); os.close(handle)
    try: got, result = run_ours(alike, options)
    finally: os.unlink(alike)
    return got, result.replace(alike, path)

own = threading.local()
is_shared = not is_virtual # many scripts in one namespace: to make one takes the running kernel long
numbers = itertools.count(os.getpid() * 977)

def place(text):
    """A peer's address and a port that no script before had, of the version that TEXT asks for."""
    n = next(numbers)
    return 'fd3d:fa7b:d17d::%x' % (1 + n % 60000) if 'ip_version=ipv6\n' in text else '198.18.%d.%d' % (n // 250 % 250, 1 + n % 250), 10000 + n % 20000

def placed(where):
    return ['--remote_ip=%s' % where[0], '--bind_port=%d' % where[1]]

def serve_kernel(path, where):
    """As run_kernel, by this thread's own server (oracle --serve): one namespace for many scripts. WHERE: place()."""
    if not is_shared: return run_kernel(path, placed(where))
    server = getattr(own, 'server', None)
    if server is None or server.poll() is not None:
        server = own.server = subprocess.Popen([oracle, '--verbose', '--non_fatal=packet,syscall', '--serve'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server.stdin.write('%s %s %d\n' % (path, *where)); server.stdin.flush()
    if server.stdout.readline() != 'done\n': return [], 'the server ended'
    with open(path + '.out', errors='replace') as f: out = f.read()
    os.unlink(path + '.out')
    return listing(out)

def with_bands(events, exact=False):
    """Each event with how much later the kernel may be: its wheel rounds a timer up by an eighth of what it waits (and by a tick), so what comes by a
    timer has a share of the time since the segment that armed it; the rest happens when the script acts. None: not by a timer. And the time since the
    packet before (timers run on, each from the last) and since the event before (a kernel whose packet does not come is waited for).
    EXACT: in virtual time what the script does has its answer in the same instant."""
    acted = armed = sent = 0.0
    got = []
    for kind, time, text in events:
        band = None
        if kind in ('in', 'call'): acted = time
        elif kind == 'out':
            if time - acted > (0 if exact else .0006): band = .009 + .125 * max(time - armed, (time - acted))
            if not re.search(r'\d+:\d+\(0\)', text) or re.match(r'\S*[SF]', text) or band: armed = time
        got.append((kind, time, text, band, 0 if time is None else time - sent, 0 if time is None else time - acted))
        if kind == 'out': sent = time
    return got

def plain(kind, text):
    """Without what chance makes: timestamps, and numbers that stand where the runner knows no connection's."""
    if kind != 'out': return text
    text = re.sub(r'md5 [0-9a-f]{32}', 'md5', re.sub(r'TS val \d+', 'TS val', text))
    raw = re.match(r'(\S*[RS.]\S*) (\d+):(\d+)(\(0\).*)', text)
    return '%s raw%s' % (raw[1], raw[4]) if raw and 1 << 20 < int(raw[2]) < (1 << 32) - (1 << 20) else text

def same(a, b):
    if a[0] != b[0] or plain(a[0], a[2]) != plain(b[0], b[2]): return False
    if a[0] != 'out': return True
    return min(abs(a[1] - b[1]), abs(a[4] - b[4]), abs(a[5] - b[5])) <= max(slack, a[3] or 0, b[3] or 0)

def in_order(events):
    """EVENTS by time, for a packet that no line asks for may be told late, and one that netem holds back early; SYN/ACKs that go again in one instant in any
    order (a bucket of the kernel's wheel is emptied from its last timer on)."""
    got, acted = [], 0 # [(event, its time: a print's is the call's before it)]
    for event in events:
        at, is_out = len(got), event[0] == 'out'
        if not is_out: acted = acted if event[1] is None else event[1]
        time = event[1] if is_out else acted
        while at and (got[at - 1][1] > time + .001 or got[at - 1][0][0] == 'print' and got[at - 1][1] > time - .001) if is_out else \
              at and got[at - 1][0][0] == 'out' and got[at - 1][1] > time + .00001: at -= 1
        while at and event[2].startswith('S.') and got[at - 1][0][0] == 'out' and got[at - 1][0][2].startswith('S.') and got[at - 1][1] > time - .001 and \
              plain('out', got[at - 1][0][2]) > plain('out', event[2]): at -= 1
        got.insert(at, (event, time))
    while got and got[-1][0][0] == 'out' and got[-1][1] > acted + .0001: got.pop() # netem still held it when the script ended
    return [event for event, _ in got]

def compare(kernel, ours):
    """[(mark, event)]: ' ' in both, '-' the kernel's alone, '+' ours alone."""
    if is_virtual: kernel, ours = in_order(kernel), in_order(ours)
    kernel, ours = with_bands(kernel), with_bands(ours, True)
    start = 0 # what is alike from the first event on needs no table
    while start < min(len(kernel), len(ours)) and same(kernel[start], ours[start]): start += 1
    lines, kernel, ours = [(' ', event) for event in kernel[:start]], kernel[start:], ours[start:]
    n, m = len(kernel), len(ours)
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

def split_prints(events):
    """A print of 'name value name value ...' becomes one event a name: a difference shows its name."""
    got, closed = [], False
    for kind, time, text in events:
        words = text.split(' ')
        if kind != 'print': closed = False
        if kind == 'print' and text.startswith('state 7 '): closed = True; got.append((kind, time, 'state 7'))
        if kind == 'print' and closed and len(words) % 2 == 0: continue # what a dead connection leaves behind nobody asks for
        if kind == 'print' and re.match(r'#kernel|Ip6|Icmp6(In|Out)(Msgs|MLD|Group|Router|Neigh)|IpExt(In|Out)(Octets|Mcast|Bcast)|IpOutTransmits|Arp', text): continue
        if kind == 'print' and len(words) % 2 == 0 and len(words) > 2: got += [(kind, time, '%s %s' % pair) for pair in zip(words[::2], words[1::2])]
        elif kind == 'call' and re.match(r'(sendfile|splice)\(\)', text): # may sleep: its result is told before or after what it sent
            at = len(got)
            while at and got[at - 1][0] == 'out': at -= 1
            got.insert(at, (kind, time, text))
        elif kind == 'in' and 'print(' in text: got.append((kind, time, text.split(' ')[0] + ' %{ print(...) }%'))
        else: got.append((kind, time, text))
    return got

def kind_of(mark, event):
    """A difference's kind: its words without the numbers."""
    text = event[2]
    if event[0] == 'out': text = re.sub(r'-?\d+', 'N', re.sub(r'sack( \d+:\d+)+', 'sack', text))
    elif event[0] == 'print': text = text.split(' ')[0]
    elif event[0] == 'call': text = re.sub(r'\d+', 'N', text)
    return (mark if event[0] != 'print' else '', event[0], text)

def kinds(lines):
    return [kind_of(mark, event) for mark, event in lines or [] if mark != ' ' and event[0] != 'in']

def signature(lines):
    """The first difference: the kernel's and our kinds up to the next event in both."""
    found = []
    for mark, event in lines or []:
        if mark == ' ' and found and event[0] != 'print': break
        if mark != ' ' and event[0] != 'in': found.append(kind_of(mark, event))
        elif mark != ' ': found.append((mark, 'in', 'stops')); break
    return tuple(sorted(set(found)))

def print_lines(lines):
    return '\n'.join('%s %10s  %s%s' % (mark, '' if e[1] is None else '%.4f' % e[1], {'in': '', 'out': '                > ', 'call': '    ', 'print': '    | '}[e[0]], e[2])
                     for mark, e in lines)
