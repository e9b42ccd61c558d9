"""kernel_grammar.py: the scripts that kernel-fuzz tries: a grammar over packetdrill's language, with a model of the connection beside it, so that
segments are plausible and often just wrong. One Script a seed; a function an area (AREAS at the end). A script is options at its head and events, each
(delta, text); the only packet that it expects is the host's SYN or SYN/ACK, whose numbers the runner learns."""
import random
import kernel_grammar_calls, kernel_grammar_ecn, kernel_grammar_flows, kernel_grammar_listen, kernel_grammar_plain, kernel_grammar_watch

DELTAS = [0, 0, 0, .003, .007, .013, .021, .033, .055, .073, .113, .157, .231, .317, .533]
STATES = ['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options', 'snd_mss', 'rcv_mss', 'unacked', 'sacked', 'lost', 'retrans', 'pmtu', 'rcv_ssthresh',
          'snd_ssthresh', 'snd_cwnd', 'advmss', 'reordering', 'rcv_space', 'total_retrans', 'bytes_acked', 'bytes_received', 'segs_out', 'segs_in', 'notsent_bytes',
          'data_segs_in', 'data_segs_out', 'delivered', 'delivered_ce', 'bytes_sent', 'bytes_retrans', 'dsack_dups', 'reord_seen', 'rcv_ooopack', 'snd_wnd', 'rcv_wnd']
SYSCTLS = { # name: values; the first is the default
    'tcp_timestamps': [1, 0, 2], 'tcp_sack': [1, 0], 'tcp_window_scaling': [1, 0], 'tcp_ecn': [2, 0, 1], 'tcp_dsack': [1, 0],
    'tcp_abort_on_overflow': [0, 1], 'tcp_fin_timeout': [60, 1, 3], 'tcp_rfc1337': [0, 1], 'tcp_syncookies': [1, 0, 2], 'tcp_adv_win_scale': [1, 2, -2],
    'tcp_rmem': ['4096 131072 6291456', '4096 4096 4096', '4096 16384 262144', '4096 540000 15728640', '4096 60000 60000'],
    'tcp_wmem': ['4096 16384 4194304', '4096 4096 4096', '4096 262144 4194304'], 'tcp_shrink_window': [0, 1], 'tcp_workaround_signed_windows': [0, 1],
    'tcp_stdurg': [0, 1], 'tcp_autocorking': [1, 0], 'tcp_challenge_ack_limit': [2147483647, 1, 3, 100], 'tcp_invalid_ratelimit': [500, 0, 50],
    'tcp_moderate_rcvbuf': [1, 0], 'tcp_comp_sack_nr': [44, 0, 2], 'tcp_comp_sack_delay_ns': [1000000, 0, 20000000], 'tcp_pingpong_thresh': [1, 3],
    'tcp_synack_retries': [5, 1], 'tcp_syn_retries': [6, 1], 'tcp_syn_linear_timeouts': [4, 0], 'tcp_retries2': [15, 2], 'tcp_orphan_retries': [0, 1], 'tcp_early_retrans': [3, 0],
    'tcp_recovery': [1, 0], 'tcp_frto': [2, 0], 'tcp_slow_start_after_idle': [1, 0], 'tcp_tw_reuse': [2, 0, 1], 'tcp_min_snd_mss': [48, 500],
    'tcp_fastopen': [1, 3, 0x203, 0x602], 'tcp_rto_min_us': [200000, 40000], 'tcp_congestion_control': ['cubic', 'reno'], 'ip_no_pmtu_disc': [0, 1],
    'tcp_mtu_probing': [0, 1], 'tcp_max_syn_backlog': [128, 1], 'tcp_ecn_fallback': [1, 0], 'tcp_ecn_option': [2, 0, 1], 'tcp_limit_output_bytes': [4194304, 3000], 'tcp_notsent_lowat': [4294967295, 1000],
    'tcp_max_tw_buckets': [8192, 0], 'tcp_reordering': [3, 1], 'tcp_backlog_ack_defer': [1, 0],
    'tcp_no_metrics_save': [0, 1], 'tcp_thin_linear_timeouts': [0, 1], 'tcp_keepalive_time': [7200, 1], 'tcp_keepalive_probes': [9, 1], 'tcp_base_mss': [1024, 200],
}

class Script:
    def __init__(self, seed, area, rng):
        self.seed, self.area, self.rng = seed, area, rng
        self.options, self.events = [], []
        self.v6 = False

    def add(self, text, delta=0): # odd by a little: our timers, whole milliseconds, and the script never act in one instant
        self.events.append((round(delta + .0004 + len(self.events) * .000037 % .0009, 6) if delta else 0, text))

    def text(self, events=None):
        lines = ['--%s' % o for o in self.options]
        events = self.events if events is None else events
        for i, (delta, text) in enumerate(events):
            lines.append(('0' if i == 0 else '+%s' % ('%.6f' % delta).rstrip('0').rstrip('.')) + (text if text[:3] == '...' else ' ' + text)) # "...3 read(": a call that waits
        return '\n'.join(lines) + '\n'

class Gen(Script):
    """The grammar's words; the model of the connection under test: p* of the peer (the script), h* of the host."""
    def __init__(self, seed, area, rng):
        super().__init__(seed, area, rng)
        self.p, self.h, self.hu, self.isn = 1, 1, 1, 0  # peer's next, host's next, what the peer acknowledged of it
        self.win, self.scale, self.mss = 65535, 0, 1000
        self.ts, self.tsval, self.sack = False, 1000, False
        self.fd, self.lfd, self.open, self.wr_shut, self.pfin = 4, 3, False, False, False
        self.rd_shut = False

    def pick(self, *choices): return self.rng.choice(choices)
    def chance(self, p): return self.rng.random() < p
    def delta(self): return self.rng.choice(DELTAS)
    def size(self): return self.pick(1, 2, 10, 100, 100, 500, 536, 999, 1000, 1000, 1001, 1460, 2000, 3000, 5000, 10000)

    # --- sysctls and options -----------------------------------------------------------------------------------------
    def sysctls(self, most=3, likely=()):
        got = {}
        for name in likely:
            if self.chance(.4): got[name] = self.rng.choice(SYSCTLS[name])
        for _ in range(self.rng.randint(0, most) if self.chance(.6) else 0):
            name = self.rng.choice(sorted(SYSCTLS))
            got[name] = self.rng.choice(SYSCTLS[name])
        self.sys = got
        for name, value in got.items():
            self.add('`sysctl -q net.ipv4.%s="%s"`' % (name, value))

    def sockopt(self, fd, when='any'):
        o = self.pick(
            'SOL_SOCKET, SO_RCVBUF, [%d]' % self.pick(0, 1000, 2000, 4000, 8000, 20000, 100000), 'SOL_SOCKET, SO_SNDBUF, [%d]' % self.pick(0, 2000, 5000, 20000, 100000),
            'SOL_SOCKET, SO_RCVLOWAT, [%d]' % self.pick(1, 100, 3000, 100000), 'SOL_SOCKET, SO_LINGER, {onoff=1, linger=%d}' % self.pick(0, 0, 1), 'SOL_SOCKET, SO_KEEPALIVE, [1]',
            'SOL_SOCKET, SO_OOBINLINE, [1]', 'IPPROTO_TCP, TCP_NODELAY, [%d]' % self.pick(0, 1), 'IPPROTO_TCP, TCP_CORK, [%d]' % self.pick(0, 1), 'IPPROTO_TCP, TCP_QUICKACK, [%d]' % self.pick(0, 1, 1, 2, 3, 5),
            'IPPROTO_TCP, TCP_MAXSEG, [%d]' % self.pick(88, 500, 1000, 1400, 9000), 'IPPROTO_TCP, TCP_WINDOW_CLAMP, [%d]' % self.pick(0, 1, 1000, 3000, 10000, 100000), 'IPPROTO_TCP, TCP_LINGER2, [%d]' % self.pick(-1, 0, 1, 70),
            'IPPROTO_TCP, TCP_USER_TIMEOUT, [%d]' % self.pick(0, 100, 700, 2000), 'IPPROTO_TCP, TCP_KEEPIDLE, [1]', 'IPPROTO_TCP, TCP_KEEPINTVL, [1]', 'IPPROTO_TCP, TCP_KEEPCNT, [%d]' % self.pick(1, 2),
            'IPPROTO_TCP, TCP_SYNCNT, [1]', 'IPPROTO_TCP, TCP_DEFER_ACCEPT, [%d]' % self.pick(1, 3), 'IPPROTO_TCP, TCP_NOTSENT_LOWAT, [%d]' % self.pick(1, 2000), 'IPPROTO_TCP, TCP_FASTOPEN, [%d]' % self.pick(0, 5),
            'IPPROTO_TCP, TCP_FASTOPEN_CONNECT, [1]', 'IPPROTO_TCP, TCP_RTO_MAX_MS, [1000]', 'IPPROTO_TCP, TCP_RTO_MIN_US, [%d]' % self.pick(40000, 500000), 'IPPROTO_TCP, TCP_DELACK_MAX_US, [%d]' % self.pick(1000, 20000, 80000),
            'IPPROTO_TCP, TCP_INQ, [1]', 'SOL_SOCKET, SO_MAX_PACING_RATE, [100000]', 'SOL_SOCKET, SO_PEEK_OFF, [0]', 'SOL_SOCKET, SO_BUSY_POLL, [0]', 'IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, [1]')
        self.add('setsockopt(%d, %s, %d) = ...' % (fd, o, 8 if 'LINGER,' in o else 4), 0)

    def info(self, delta=0):
        groups = [STATES[i:i + 12] for i in range(0, len(STATES), 12)]
        self.add('%{ ' + '; '.join('print(%s)' % ', '.join("'%s', tcpi_%s" % (n, n) for n in g) for g in groups) + ' }%', delta)

    def state(self):
        self.add("%{ print('state', tcpi_state, 'rcv_mss', tcpi_rcv_mss, 'rcv_ssthresh', tcpi_rcv_ssthresh, 'options', tcpi_options) }%")

    def syn_options(self):
        """Options of the peer's SYN as text; sets the model."""
        r, opts = self.rng, []
        self.ts = self.chance(.4)
        self.sack = self.chance(.6)
        self.mss = self.pick(1460, 1000, 1000, 1000, 1460, 536, 100, 48, 9000)
        if self.chance(.9): opts.append('mss %d' % self.pick(self.mss, self.mss, self.mss, self.mss, self.mss, 0, 1, 40, 87, 65535))
        if self.sack: opts.append('sackOK')
        if self.ts:
            self.tsval = self.pick(1000, 1000, 1000, 1, 0, 4294967200, 2147483600)
            opts.append('TS val %d ecr %d' % (self.tsval, self.pick(0, 0, 0, 0, 5)))
        self.scale = None
        if self.chance(.6):
            self.scale = self.pick(0, 1, 2, 7, 7, 7, 8, 14, 15)
            opts.append('wscale %d' % self.scale)
        if self.chance(.1): opts.append(self.pick('0xfd04abcd', '0x0102', '0xfe08aabbccddeeff', '0x1c0400ff'))
        if self.chance(.1): opts.append(self.pick('FO', 'FO', '0x2202'))
        if self.chance(.15): r.shuffle(opts)
        if self.chance(.1): 
            odd = self.pick('eol', '0x0203', '0x0300', '0x0402', '0x080a0001', '0x0204', '0x03', '0x020400', '0xff00', '0xff01', 'mss 700', 'nop')
            opts.insert(len(opts) if odd in ('0x0300', '0xff00', '0xff01', '0x080a0001') else r.randint(0, len(opts)), odd) # before 5 bytes more the oracle's kernel, which has TCP_AO, drops it
        size = lambda o: 4 if o[:3] == 'mss' else 2 if o == 'sackOK' else 10 if o[:2] == 'TS' else 3 if o[:6] == 'wscale' else 1 if o in ('nop', 'eol') else 2 if o == 'FO' else len(o) // 2 - 1
        while sum(size(o) for o in opts) > 40: opts.pop()
        total = sum(size(o) for o in opts)
        if self.chance(.7):
            while total % 4: opts.append('nop'); total += 1
        return '<%s>' % ','.join(opts) if opts else ''

    # --- segments ------------------------------------------------------------------------------------------------------
    def tick(self, events_s=0):
        self.tsval = (self.tsval + self.pick(0, 1, 5, 10, 50)) & 0xffffffff

    def stamp(self, wrong=.05):
        if not self.ts: return []
        self.tick()
        v = self.tsval
        if self.chance(wrong): v = (v - self.pick(1, 10, 1000, 2**31 - 1, 2**31, 2**31 + 5)) & 0xffffffff
        elif self.chance(wrong / 3): return []
        e = self.pick(100, 100, 100, 100, 150, 0, 99) if self.chance(.3) else 100
        return ['nop', 'nop', 'TS val %d ecr %d' % (v, e)]

    def segment(self, flags='.', seq=None, length=0, ack=None, win=None, urg=None, opts=None, ip='', delta=None, stamp=.05):
        seq = (self.p if seq is None else seq) & 0xffffffff
        ack = (self.h if ack is None else ack) & 0xffffffff
        win = self.window() if win is None else win
        o = self.stamp(stamp) if opts is None else opts
        text = '< %s%s %d:%d(%d)' % (ip, flags, seq, (seq + length) & 0xffffffff, length)
        if '.' in flags or self.chance(.05): text += ' ack %d' % ack
        text += ' win %d' % win
        if urg is not None: text += ' urg %d' % urg
        if o: text += ' <%s>' % ','.join(o)
        self.add(text, self.delta() if delta is None else delta)

    def window(self):
        return self.pick(self.win, self.win, self.win, self.win, self.win, 0, 1, 500, 1000, 65535) if self.chance(.2) else self.win

    def any_seq(self):
        w = self.pick(1000, 2000, 5000, 29200, 64240, 65535)
        return (self.p + self.pick(0, 0, 0, 0, -1, 1, -100, 100, -1000, 1000, 2000, w, w - 1, w + 1, -w, 2**31, -2**31 + 1, self.rng.randint(-3000, 3000))) & 0xffffffff

    def any_ack(self):
        return (self.pick(self.h, self.h, self.h, self.hu) + self.pick(0, 0, 0, -1, 1, 1000, -1000, 70000, -70000, 2**31, self.rng.randint(-2000, 2000))) & 0xffffffff

    def data(self, length=None, delta=None, **kw):
        """In-order data."""
        length = self.size() if length is None else length
        while length > 1460:
            self.segment(self.pick('.', 'P.'), length=1000, delta=0, **kw); self.p += 1000; length -= 1000
        self.segment(self.pick('P.', 'P.', '.'), length=length, delta=delta, **kw)
        self.p = (self.p + length) & 0xffffffff

    def odd_data(self):
        """Text that is not simply next: hole, overlap, duplicate, far away."""
        start = self.p + self.pick(1000, 1000, 2000, 100, 1, 3000, -500, -1000, -100, -1, self.rng.randint(-3000, 5000), 10000, 30000, 64000)
        self.segment(self.pick('P.', '.', '.'), seq=start, length=self.size() % 1461 or 1)

    def fill_hole(self):
        length = self.pick(1000, 1000, 1000, 2000, 500, 3000, 100)
        while length > 1460: self.segment('.', length=1000, delta=0); self.p += 1000; length -= 1000
        self.segment('P.', length=length); self.p = (self.p + length) & 0xffffffff

    def odd_segment(self):
        flags = self.pick('.', '.', '.', 'P.', 'F.', 'S', 'S.', 'R', 'R.', 'R', 'F', 'P', '-', 'SF', 'SR', 'FR.', 'U.', 'S.', 'E.', 'W.', 'FP.', 'FPU', 'EW.', 'A.')
        length = self.pick(0, 0, 0, 1, 100, 1000)
        exact = self.chance(.3)
        self.segment(flags, seq=self.p if exact else self.any_seq(), length=length, ack=self.any_ack(), urg=self.pick(1, 100) if 'U' in flags else None,
                     opts=None if self.chance(.9) else self.pick(['sackOK', 'nop', 'nop'], ['mss 500'], ['wscale 3', 'nop'], ['nop', 'nop', 'TS val 5 ecr 5'], ['nop', 'nop', 'sack 1:1001'], ['0xfd04abcd'], []))

    def ack(self, **kw):
        """An acknowledgment of all, or of a part."""
        a = self.h if self.chance(.7) else self.rng.randint(self.hu, self.h) if self.hu <= self.h else self.h
        self.segment('.', ack=a, **kw)
        self.hu = a

    def dup_ack(self):
        o = self.stamp()
        if self.sack and self.h > self.hu + 1:
            start = self.rng.randint(self.hu, self.h - 1)
            o = o + ['nop', 'nop', 'sack %d:%d' % (start, self.rng.randint(start, self.h + self.pick(0, 0, 0, 1)))]
        self.segment('.', ack=self.hu, opts=o)

    def fin(self):
        n = self.pick(0, 0, 0, 100, 1000)
        self.segment(self.pick('F.', 'F.', 'FP.'), length=n)
        self.p += n + 1
        self.pfin = True

    def icmp(self):
        q = self.pick(self.hu, self.hu, self.h, self.hu - 1, self.h + 1, self.h - 1, 0, self.h + 100000)
        quote = '[%s%d:%d(%d)]' % (self.pick('', '', '', 'S ', 'P. '), q & 0xffffffff, (q + 100) & 0xffffffff, 100) if self.chance(.85) else self.pick('', '[udp (100)]')
        if self.v6:
            what = self.pick(*['unreachable ' + c for c in ('no_route', 'admin_prohibited', 'beyond_scope', 'address_unreachable', 'port_unreachable', 'failed_policy', 'reject_route')],
                             'packet_too_big mtu %d' % self.pick(1280, 1400, 1000, 1519, 1520, 2000, 0, 68), 'time_exceeded hop_limit', 'parameter_problem header_field', 'parameter_problem unknown_next_header')
            self.add('< icmpv6 %s %s' % (what, quote), self.delta())
        else:
            what = self.pick(*['unreachable ' + c for c in ('net_unreachable', 'host_unreachable', 'protocol_unreachable', 'port_unreachable', 'source_route_failed', 'net_unknown', 'host_unknown', 'host_isolated',
                               'net_prohibited', 'host_prohibited', 'net_unreachable_tos', 'host_unreachable_tos', 'packet_filtered', 'precedence_violation', 'precedence_cutoff')],
                             *['unreachable frag_needed mtu %d' % m for m in (0, 60, 200, 552, 576, 1000, 1400, 1499, 1500, 9000)], 'time_exceeded ttl', 'time_exceeded reassembly', 'parameter_problem pointer', 'source_quench', 'redirect host')
            self.add('< icmp %s %s' % (what, quote), self.delta())

    # --- calls ---------------------------------------------------------------------------------------------------------
    def read(self, delta=None):
        d = self.delta() if delta is None else delta
        n = self.pick(1, 10, 100, 500, 1000, 1000, 2000, 5000, 20000, 100000, 1000000)
        self.add(self.pick(*['read(%d, ..., %d) = ...' % (self.fd, n)] * 6, 'recv(%d, ..., %d, MSG_PEEK) = ...' % (self.fd, n), 'recv(%d, ..., %d, MSG_TRUNC) = ...' % (self.fd, n),
                           'recv(%d, ..., 1, MSG_OOB) = ...' % self.fd, 'recv(%d, ..., %d, MSG_WAITALL|MSG_DONTWAIT) = ...' % (self.fd, n)), d)

    def ask(self):
        self.add(self.pick('ioctl(%d, SIOCINQ, ...) = ...' % self.fd, 'ioctl(%d, SIOCOUTQ, ...) = ...' % self.fd, 'ioctl(%d, SIOCATMARK, ...) = ...' % self.fd,
                           'getsockopt(%d, SOL_SOCKET, SO_ERROR, [...], [4]) = ...' % self.fd, 'getsockopt(%d, IPPROTO_TCP, TCP_QUICKACK, [...], [4]) = ...' % self.fd,
                           'getsockopt(%d, IPPROTO_TCP, TCP_MAXSEG, [...], [4]) = ...' % self.fd, 'getsockopt(%d, SOL_SOCKET, SO_RCVBUF, [...], [4]) = ...' % self.fd,
                           'getsockopt(%d, IPPROTO_TCP, TCP_WINDOW_CLAMP, [...], [4]) = ...' % self.fd,
                           'getpeername(%d, ..., ...) = ...' % self.fd, *['poll([{fd=%d, events=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI, revents=...}], 1, 0) = ...' % self.fd] * 3))

    def write(self, n=None):
        n = n or self.pick(1, 10, 100, 500, 999, 1000, 1001, 1460, 2000, 3000, 5000, 10000)
        self.add(self.pick(*['write(%d, ..., %d) = ...' % (self.fd, n)] * 5, 'send(%d, ..., %d, MSG_OOB) = ...' % (self.fd, n), 'send(%d, ..., %d, MSG_MORE) = ...' % (self.fd, n)), self.delta())
        if not self.wr_shut: self.h += n

    def shutdown(self):
        how = self.pick('SHUT_WR', 'SHUT_WR', 'SHUT_RDWR', 'SHUT_RD')
        self.add('shutdown(%d, %s) = ...' % (self.fd, how), self.delta())
        if how != 'SHUT_RD' and not self.wr_shut: self.h += 1; self.wr_shut = True

    def close(self, delta=None):
        self.add('close(%d) = ...' % self.fd, self.delta() if delta is None else delta)
        if not self.wr_shut: self.h += 1
        self.wr_shut, self.open = True, False

    # --- openings ------------------------------------------------------------------------------------------------------
    def listener(self, opts=True, backlog=None):
        self.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
        if self.chance(.5): self.add('setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0')
        while opts and self.chance(.25): self.sockopt(3)
        self.add('bind(3, ..., ...) = 0')
        self.add('listen(3, %d) = 0' % (backlog if backlog is not None else 1))

    def established(self, plain=.5, wild=True):
        """A passive or active open, well behaved, options at random."""
        o = self.syn_options()
        if self.chance(plain):
            self.mss, self.scale, self.ts, self.sack = self.pick(1000, 1460), self.pick(None, 7), self.chance(.4), self.chance(.6)
            self.tsval = 1000
            o = '<%s>' % ','.join(['mss %d' % self.mss] + (['sackOK'] if self.sack else []) + (['TS val 1000 ecr 0'] if self.ts else []) + (['nop', 'wscale %d' % self.scale] if self.scale else []))
            if not self.ts and self.sack: o = o.replace('sackOK', 'nop,nop,sackOK')
        win = self.pick(65535, 65535, 32792, 10000, 5000, 1000)
        rtt = self.pick(.0, .011, .05, .1)
        if self.chance(.75):
            self.listener(opts=self.chance(.4))
            self.add('< %sS 0:0(0) win %d %s' % (self.ip_bits() if wild else '', win, o))
            self.expect_synack(o)
            self.win = win if self.scale is None else max(1, win >> min(self.scale, 14))
            n = self.pick(0, 0, 0, 100, 1000) if wild else 0
            self.segment('.' if not n else 'P.', length=n, ack=1, delta=rtt, stamp=0); self.p += n
            self.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
            self.fd = 4
        else:
            self.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
            while self.chance(.2): self.sockopt(4)
            self.add('connect(4, ..., ...) = ...')
            self.add('> S 0:0(0) %s' % self.host_options('S', o))
            if self.ts: o = o.replace('ecr 0', 'ecr 100')
            self.add('< %sS. 0:0(0) ack 1 win %d %s' % (self.ip_bits() if wild else '', win, o), rtt)
            self.win = win if self.scale is None else max(1, win >> min(self.scale, 14))
            self.fd = 4
        self.open = True
        while wild and self.chance(.2): self.sockopt(4)

    def ip_bits(self): return '' if self.chance(.9) else self.pick('[ect0] ', '[ect1] ', '[ce] ', '[noecn] ')

    def host_options(self, flags, o=''):
        ts = self.sys.get('tcp_timestamps', 1)
        if flags == 'S': return '<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>' if ts else '<...>'
        return '<mss 1460,sackOK,TS val 100 ecr %d,nop,wscale 7>' % self.tsval if self.ts and ts else '<...>'

    def expect_synack(self, o):
        self.add('> S. 0:0(0) ack 1 %s' % self.host_options('S.', o))

    # --- ends ----------------------------------------------------------------------------------------------------------
    def end(self):
        if self.open:
            self.info(self.pick(.1, .317, .7))
            self.add('getsockopt(%d, SOL_SOCKET, SO_ERROR, [...], [4]) = ...' % self.fd)
            self.add('poll([{fd=%d, events=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI, revents=...}], 1, 0) = ...' % self.fd)
            self.add('read(%d, ..., 1000000) = ...' % self.fd)
            self.add('read(%d, ..., 1000000) = ...' % self.fd)
            self.info(.02)
        self.add('usleep(1000) = 0', self.pick(.5, 1.2))

    def mix(self, count, **weights):
        names = sorted(weights)
        for _ in range(count):
            name = self.rng.choices(names, [weights[n] for n in names])[0]
            if name in CALLS and not self.open: continue
            getattr(self, name)()

CALLS = {'read', 'write', 'ask', 'shutdown', 'close', 'opt', 'state'}
Gen.opt = lambda self: self.sockopt(self.fd)

def area_handshake(g):
    g.sysctls(3, ('tcp_timestamps', 'tcp_sack', 'tcp_window_scaling', 'tcp_syncookies'))
    g.listener(backlog=g.pick(0, 1, 1, 5))
    for _ in range(g.pick(0, 0, 1, 2)): g.odd_segment(); g.p = 1
    o = g.syn_options()
    n = g.pick(0, 0, 0, 100)
    win = g.pick(65535, 1000, 0)
    syn = '< %s%s 0:%d(%d) win %d %s' % (g.ip_bits(), g.pick('S', 'S', 'S', 'S', 'SEW', 'SP', 'SEWA', 'SA'), n, n, win, o)
    g.add(syn)
    g.add('> S. 0:0(0) ack 1 %s' % g.host_options('S.', o))
    g.win = win
    for _ in range(g.pick(0, 1, 2, 3, 4)):
        what = g.rng.random()
        if what < .3: g.odd_segment()
        elif what < .5: g.add(syn, g.delta())
        elif what < .6: g.segment('.', ack=g.pick(0, 2, 1001, -1), length=g.pick(0, 100))
        elif what < .7: g.add('< S %d:%d(0) win 1000 %s' % ((g.pick(1, -1, 1000),) * 2 + (g.pick('', '<mss 500>'),)), g.delta()) if False else g.segment('S', seq=g.pick(1, 2**32 - 1, 1000))
        elif what < .8: g.icmp()
        else: g.segment('R' if g.chance(.5) else 'R.', seq=g.any_seq())
    if g.chance(.8):
        n = g.pick(0, 0, 100, 1000)
        g.segment(g.pick('.', '.', 'P.', 'F.'), length=n, ack=1, delta=g.pick(.011, .1, 1.2, 3.3)); g.p += n
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4', g.pick(0, .05))
    g.open = True
    g.mix(g.pick(1, 3, 6), data=3, odd_segment=2, read=2, write=2, ask=1, fin=1, shutdown=1, ack=2, opt=.5)
    g.end()

def area_active(g):
    g.sysctls(3, ('tcp_timestamps', 'tcp_sack', 'tcp_window_scaling', 'tcp_ecn'))
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
    while g.chance(.3): g.sockopt(4)
    g.add('connect(4, ..., ...) = ...')
    g.add('> S 0:0(0) %s' % g.host_options('S'))
    g.open = True
    for _ in range(g.pick(0, 0, 1, 1, 2, 3)):
        what = g.rng.random()
        o = g.syn_options()
        g.p = g.pick(0, 0, 1)
        if what < .35: g.odd_segment()
        elif what < .5: g.add('< S 0:0(0) win 1000 %s' % o, g.delta())
        elif what < .6: g.segment('S.', seq=0, ack=g.pick(0, 2, 1000, 2**31), length=0)
        elif what < .7: g.icmp()
        elif what < .85: g.segment(g.pick('R', 'R.'), seq=g.pick(0, 1, 1000), ack=g.pick(0, 1, 1, 2))
        else: g.ask()
    o = g.syn_options()
    if g.ts: o = o.replace('ecr 0', 'ecr %d' % g.pick(100, 100, 100, 100, 99, 5000, 0))
    win = g.pick(65535, 1000, 0, 100)
    n = g.pick(0, 0, 0, 100)
    if g.chance(.85): g.add('< %s%s 0:%d(%d) ack 1 win %d %s' % (g.ip_bits(), g.pick('S.', 'S.', 'S.', 'S.', 'SE.', 'SEW.', 'SF.', 'SP.', 'SW.', 'SA.'), n, n, win, o), g.delta())
    g.win = win if g.scale is None else max(1, win >> min(g.scale, 14))
    g.p = 1 + n
    g.ask()
    g.mix(g.pick(1, 3, 6), data=3, odd_segment=2, read=2, write=3, ask=2, fin=1, shutdown=1, ack=2, opt=.5, icmp=.5)
    g.end()

def area_receiver(g):
    g.sysctls(2, ('tcp_timestamps', 'tcp_sack', 'tcp_rmem', 'tcp_dsack'))
    g.established()
    g.mix(g.pick(3, 6, 10, 16), data=5, odd_data=5, fill_hole=4, read=2, ask=.5, write=.5, odd_segment=.5, fin=.3, state=1, opt=.3)
    g.end()

def area_acks(g): # when acknowledgments leave
    g.sysctls(1, ('tcp_timestamps', 'tcp_pingpong_thresh', 'tcp_moderate_rcvbuf'))
    g.established(plain=.9)
    for _ in range(g.pick(1, 2, 3)):
        n, length, gap = g.pick(1, 3, 8, 20, 40), g.pick(1, 10, 100, 500, 1000, 1000, g.mss), g.pick(0, .002, .011, .023, .05, .1)
        for _ in range(n):
            g.data(min(length, 1460), delta=gap, stamp=0)
            if g.chance(.1): g.read(delta=.001)
            if g.chance(.05): g.write(n=g.pick(1, 100, 1000))
        g.mix(g.pick(1, 2, 4), data=3, read=4, write=2, ack=2, opt=.7, ask=.3)
    g.end()

def area_window(g): # zero windows, tiny buffers, updates, autotuning
    g.sysctls(2, ('tcp_rmem', 'tcp_moderate_rcvbuf', 'tcp_shrink_window', 'tcp_window_scaling', 'tcp_timestamps'))
    if g.chance(.5):
        g.established(plain=.8)
    else:
        g.established(plain=1, wild=False)
        g.add('setsockopt(%d, SOL_SOCKET, SO_RCVBUF, [%d], 4) = 0' % (g.fd, g.pick(1, 2000, 4000, 10000, 30000)))
    for _ in range(g.pick(2, 4, 7)):
        n, length = g.pick(1, 3, 10, 30, 60), g.pick(1, 100, 1000, 1000, 1460)
        gap = g.pick(0, 0, .003, .011)
        for _ in range(n): g.data(length, delta=gap, stamp=0)
        g.mix(g.pick(1, 2, 3), read=5, odd_data=1, state=1, ask=.3, opt=.5, data=1, odd_segment=.3)
    g.end()

def area_states(g):
    g.sysctls(2, ('tcp_fin_timeout', 'tcp_rfc1337', 'tcp_invalid_ratelimit', 'tcp_challenge_ack_limit', 'tcp_timestamps'))
    g.established(plain=.8)
    if g.chance(.3): g.data(100)
    if g.chance(.3): g.write(n=100)
    if g.chance(.3): g.ack()
    for step in g.pick(['fin'], ['close'], ['shutdown'], ['fin', 'close'], ['close', 'ack'], ['shutdown', 'ack'], ['close', 'finack'], ['shutdown', 'cross'], ['fin', 'shutdown', 'ack'], ['close', 'ack', 'fin'], ['close', 'cross', 'ack'], ['shutdown', 'ack', 'fin']):
        if step == 'finack': g.segment('F.'); g.p += 1
        elif step == 'cross': g.segment('F.', ack=g.h - 1); g.p += 1
        elif step == 'ack': g.segment('.', ack=g.h); g.hu = g.h
        else: getattr(g, step)()
    g.mix(g.pick(1, 2, 4, 6), odd_segment=6, data=2, odd_data=1, read=1, write=1, ask=1, ack=1, fin=.5, shutdown=.5, close=.5, icmp=.3, opt=.2)
    g.end()

def area_reset(g):
    g.sysctls(2, ('tcp_challenge_ack_limit', 'tcp_invalid_ratelimit', 'tcp_timestamps', 'tcp_sack'))
    g.established(plain=.7)
    g.mix(g.pick(0, 2, 4), data=2, odd_data=2, write=1, read=1)
    for _ in range(g.pick(1, 2, 3, 6)):
        g.segment(g.pick('R', 'R', 'R.', 'S', 'S.', '.', 'RP.', 'RF'), seq=g.any_seq(), ack=g.any_ack(), length=g.pick(0, 0, 0, 10), stamp=.3)
    g.mix(g.pick(1, 3), data=2, ack=1, write=1, read=2, ask=2, odd_segment=2)
    g.end()

def area_ack(g): # acknowledgments right and wrong while data is out
    g.sysctls(2, ('tcp_timestamps', 'tcp_sack', 'tcp_invalid_ratelimit'))
    g.established(plain=.8)
    for _ in range(g.pick(1, 2, 3)):
        g.write(n=g.pick(100, 1000, 2000, 5000))
        g.mix(g.pick(1, 2, 4), ack=4, dup_ack=2, odd_segment=3, data=1, read=.5, ask=.5, write=.5)
    g.end()

def area_close(g):
    g.sysctls(2, ('tcp_fin_timeout', 'tcp_orphan_retries', 'tcp_timestamps'))
    g.established(plain=.8)
    g.mix(g.pick(1, 2, 4), data=3, odd_data=1, write=3, read=1, ack=1, opt=.7, shutdown=.5, fin=.4)
    g.close()
    g.mix(g.pick(1, 3, 5), ack=3, data=2, fin=2, odd_segment=3, odd_data=1, icmp=.3)
    g.end()

def area_urgent(g):
    g.sysctls(2, ('tcp_stdurg', 'tcp_timestamps'))
    g.established(plain=.9)
    if g.chance(.3): g.add('setsockopt(%d, SOL_SOCKET, SO_OOBINLINE, [1], 4) = 0' % g.fd)
    for _ in range(g.pick(1, 2, 3, 5)):
        length = g.pick(0, 1, 1, 10, 100, 1000)
        g.segment(g.pick('PU.', 'U.', 'FPU.', 'PU.', 'PU.'), seq=g.p if g.chance(.8) else g.any_seq(), length=length, urg=g.pick(0, 1, length, length + 1, length - 1 if length else 0, 5, 1000, 65535))
        g.p += length
        g.mix(g.pick(0, 1, 2, 3), data=1, read=4, ask=3, odd_data=.5, fill_hole=.5)
    g.end()

def area_paws(g):
    g.sysctls(2, ('tcp_timestamps', 'tcp_sack', 'tcp_invalid_ratelimit', 'tcp_dsack'))
    g.established(plain=.2)
    for _ in range(g.pick(2, 4, 8)):
        what = g.rng.random()
        if what < .3: g.data(g.pick(1, 100, 1000), stamp=.5)
        elif what < .5: g.segment('.', ack=g.any_ack() if g.chance(.3) else g.h, stamp=.6)
        elif what < .6: g.segment(g.pick('R', 'R.', 'S', 'F.', 'S.'), seq=g.any_seq() if g.chance(.5) else g.p, stamp=.6)
        elif what < .8: g.segment('P.', seq=g.p + g.pick(1000, 2000, -100), length=1000, stamp=.4)
        else: g.mix(1, read=1, write=1, ack=1, fill_hole=1)
    g.end()

def area_icmp(g):
    g.v6 = g.chance(.4)
    if g.v6: g.options.append('ip_version=ipv6')
    g.sysctls(1, ('tcp_mtu_probing', 'ip_no_pmtu_disc'))
    if g.chance(.25):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        if g.chance(.3): g.add('setsockopt(4, IPPROTO_IP, IP_RECVERR, [1], 4) = 0')
        if g.chance(.2): g.add('setsockopt(4, IPPROTO_IP, IP_MTU_DISCOVER, [%d], 4) = 0' % g.pick(0, 1, 2, 3))
        g.add('connect(4, ..., ...) = ...')
        g.add('> S 0:0(0) <...>')
        g.open, g.hu, g.h = True, 0, 1
        g.mix(g.pick(1, 2, 3), icmp=5, ask=2)
    else:
        g.established(plain=.9)
        if g.chance(.3): g.add('setsockopt(%d, IPPROTO_IP, IP_RECVERR, [1], 4) = 0' % g.fd)
        if g.chance(.2): g.add('setsockopt(%d, IPPROTO_IP, IP_MTU_DISCOVER, [%d], 4) = 0' % (g.fd, g.pick(0, 1, 2, 3)))
        g.mix(g.pick(2, 4, 7), icmp=5, write=4, ack=1, ask=2, data=1, read=1, close=.2, shutdown=.2)
    g.end()

def area_udp(g):
    g.v6 = g.chance(.3)
    if g.v6: g.options.append('ip_version=ipv6')
    g.sys = {}
    g.add('socket(..., SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP) = 4')
    g.open = True
    if g.chance(.6): g.add('bind(4, ..., ...) = ...')
    if g.chance(.3): g.add('setsockopt(4, IPPROTO_IP, IP_RECVERR, [1], 4) = 0')
    if g.chance(.2): g.add('setsockopt(4, SOL_SOCKET, SO_RCVBUF, [%d], 4) = 0' % g.pick(0, 2000, 5000))
    if g.chance(.2): g.add('setsockopt(4, SOL_SOCKET, SO_SNDBUF, [%d], 4) = 0' % g.pick(0, 2000, 5000))
    if g.chance(.2): g.add('setsockopt(4, IPPROTO_IP, IP_MTU_DISCOVER, [%d], 4) = 0' % g.pick(0, 1, 2, 3))
    if g.chance(.6): g.add('connect(4, ..., ...) = 0')
    for _ in range(g.pick(2, 4, 7, 10)):
        what = g.rng.random()
        n = g.pick(0, 1, 100, 1000, 1472, 1473, 5000, 65507, 65508)
        if what < .25: g.add('< udp (%d)' % g.pick(0, 1, 100, 1000, 1400), g.delta())
        elif what < .4: g.add(g.pick('write(4, ..., %d) = ...' % n, 'send(4, ..., %d, %s) = ...' % (n, g.pick('0', 'MSG_MORE', 'MSG_CONFIRM', 'MSG_OOB', 'MSG_DONTROUTE')), 'sendto(4, ..., %d, 0, ..., ...) = ...' % n), g.delta())
        elif what < .55: g.add(g.pick('read(4, ..., %d) = ...' % g.pick(0, 1, 50, 2000), 'recv(4, ..., %d, %s) = ...' % (g.pick(1, 2000), g.pick('MSG_PEEK', 'MSG_TRUNC', 'MSG_OOB', 'MSG_PEEK|MSG_TRUNC', 'MSG_ERRQUEUE', 'MSG_WAITALL'))), g.delta())
        elif what < .75:
            g.icmp()
            d, t = g.events.pop()
            if '[' in t: t = t[:t.index('[')] + '[udp (%d)]' % g.pick(0, 100)
            g.add(t, d)
        elif what < .9:
            g.add(g.pick('poll([{fd=4, events=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI, revents=...}], 1, 0) = ...', 'getsockopt(4, SOL_SOCKET, SO_ERROR, [...], [4]) = ...', 'ioctl(4, SIOCINQ, ...) = ...', 'ioctl(4, SIOCOUTQ, ...) = ...', 'getpeername(4, ..., ...) = ...',
                         'getsockopt(4, IPPROTO_IP, IP_MTU, [...], [4]) = ...'))
        else: g.add(g.pick('shutdown(4, %s) = ...' % g.pick('SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'), 'connect(4, ..., ...) = ...', 'connect(4, {sa_family=AF_UNSPEC}, ...) = ...', 'listen(4, 1) = ...', 'accept(4, ..., ...) = ...'))
    g.add('poll([{fd=4, events=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI, revents=...}], 1, 0) = ...', .1)
    g.add('read(4, ..., 65536) = ...'); g.add('read(4, ..., 65536) = ...')
    g.add('getsockopt(4, SOL_SOCKET, SO_ERROR, [...], [4]) = ...')
    g.add('usleep(1000) = 0', .3)

def area_timewait(g):
    g.sysctls(1, ('tcp_rfc1337', 'tcp_tw_reuse', 'tcp_timestamps', 'tcp_max_tw_buckets', 'tcp_invalid_ratelimit'))
    g.established(plain=.9)
    if g.chance(.5): g.close(); how = 'close'
    else: g.add('shutdown(%d, SHUT_WR) = 0' % g.fd); g.h += 1; g.wr_shut = True; how = ''
    if g.chance(.3): g.segment('.'); g.segment('F.')
    elif g.chance(.3): g.segment('F.', ack=g.h - 1); g.p += 1; g.segment('.'); g.p -= 1
    else: g.segment('F.')
    g.p += 1
    if not how and g.chance(.7): g.close()
    for _ in range(g.pick(1, 3, 5)):
        what = g.rng.random()
        if what < .4: g.odd_segment()
        elif what < .6:
            g.segment('S', seq=g.p + g.pick(0, 1, 1000, -1, -1000, 100000, 2**31), opts=(['mss 1000', 'nop', 'nop'] if g.chance(.3) else []) + g.stamp(.3))
        elif what < .8: g.segment('R', seq=g.pick(g.p, g.p, g.any_seq()))
        else: g.segment('F.', seq=g.p - 1)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 5', .1)
    g.end()

def area_fastopen(g):
    g.sysctls(1)
    g.sys['tcp_fastopen'] = g.pick(0x3, 0x203, 0x602, 0x1, 0x7, 0x603, 0x205)
    g.add('`sysctl -q net.ipv4.tcp_fastopen=%d`' % g.sys['tcp_fastopen'])
    g.add('`sysctl -q net.ipv4.tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`')
    if g.chance(.6):
        g.listener(opts=False, backlog=g.pick(1, 5)) if False else g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
        g.add('bind(3, ..., ...) = 0')
        if g.chance(.8): g.add('setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [%d], 4) = 0' % g.pick(1, 5, 5))
        g.add('listen(3, %d) = 0' % g.pick(1, 5))
        n = g.pick(0, 10, 100, 1000, 1400)
        o = g.pick('FO', 'FO', 'FO 0011223344556677', 'FOEXP', 'FO 00112233', 'FOEXP 0011223344556677', 'FO 00112233445566778899aabbccddeeff', '0x2205aabbcc', '')
        g.mss = 1000
        ts = g.ts = g.chance(.3); g.tsval = 1000
        opts = ','.join(x for x in ('mss 1000', 'sackOK' if g.chance(.5) else '', 'TS val 1000 ecr 0' if ts else '', o) if x)
        g.add('< S%s 0:%d(%d) win 65535 <%s>' % (g.pick('', '', 'F', 'P'), n, n, opts))
        g.add('> S. 0:0(0) ack %d <...>' % (n + 1))
        g.p = g.pick(n + 1, n + 1, 1)
        if g.chance(.4): g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4'); g.open = True; g.fd = 4; g.mix(g.pick(1, 2), write=2, read=2, shutdown=.5, close=.3, ask=1)
        g.mix(g.pick(0, 0, 1, 2), odd_segment=2, data=1, icmp=.5)
        g.segment('.', ack=g.pick(1, 1, g.h), delta=g.pick(.011, .1, 1.2))
        if not g.open: g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4'); g.open = True; g.fd = 4
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        n = g.pick(1, 100, 1000, 2000, 0)
        if g.chance(.3): g.add('setsockopt(4, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0'); g.add('connect(4, ..., ...) = ...'); g.add('write(4, ..., %d) = ...' % n)
        else: g.add('sendto(4, ..., %d, MSG_FASTOPEN, ..., ...) = ...' % n)
        g.add('> S 0:%d(%d) <...>' % ((n, n) if g.sys['tcp_fastopen'] & 4 else (0, 0)))
        g.open = True
        g.h = 1 + n
        g.add('< S%s 0:0(0) ack %d win %d <%s>' % (g.pick('.', '.', '.', '.', ''), g.pick(1, 1, n + 1), g.pick(65535, 1000, 0), ','.join(x for x in ('mss 1000', g.pick('sackOK', 'nop,nop'), g.pick('FO 0011223344556677', '', 'FO 001122', 'FOEXP 00112233')) if x)), g.pick(.011, .1, 1.3))
    g.mix(g.pick(1, 3, 5), data=2, ack=2, write=2, read=2, odd_segment=1, ask=1, fin=.5)
    if g.chance(.35): # again, with what was learned
        g.close(); g.segment('R', delta=.05)
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 5')
        g.add('sendto(5, ..., 500, MSG_FASTOPEN, ..., ...) = ...')
        g.add('> S 0:500(500) <...>')
        g.add('< S. 0:0(0) ack %d win 65535 <mss 1000>' % g.pick(1, 501, 501, 300), g.pick(.011, .1))
        g.fd, g.open, g.p, g.h, g.hu, g.wr_shut, g.ts = 5, True, 1, 501, 501, False, False
        g.mix(2, ack=1, data=1, read=1, write=1)
    g.end()

def area_send(g): # the sender: sizes, windows, probes
    g.sysctls(2, ('tcp_timestamps', 'tcp_sack', 'tcp_autocorking', 'tcp_wmem'))
    g.established(plain=.9)
    g.mix(g.pick(3, 6, 10), write=5, ack=6, dup_ack=.5, data=1, opt=1, ask=1, read=.3)
    g.end()

def area_blocks(g): # SACK and DSACK blocks, right and wrong
    g.sysctls(1, ('tcp_timestamps', 'tcp_dsack', 'tcp_recovery', 'tcp_reordering', 'tcp_congestion_control', 'tcp_early_retrans'))
    g.mss, g.scale, g.ts, g.sack, g.tsval, g.sys['tcp_sack'] = 1000, 7, g.chance(.4), True, 1000, 1
    o = '<mss 1000,sackOK,%snop,wscale 7>' % ('TS val 1000 ecr 0,' if g.ts else 'nop,nop,')
    g.listener(opts=False)
    g.add('< S 0:0(0) win 65535 %s' % o); g.expect_synack(o)
    g.win = 511
    g.segment('.', ack=1, delta=g.pick(.011, .05, .1), stamp=0)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    g.open = True
    for _ in range(g.pick(1, 2, 3)):
        n = g.pick(2, 4, 10, 15) * (988 if g.ts else 1000)
        g.add('write(4, ..., %d) = ...' % n, g.delta()); g.h += n
        for _ in range(g.pick(1, 2, 4, 6)):
            unit = 988 if g.ts else 1000
            edge = lambda: g.pick(g.hu + unit * g.rng.randint(0, 12), g.hu + unit * g.rng.randint(0, 12), g.rng.randint(g.hu, g.h), g.h, g.hu, g.h + 1, g.hu - 1, g.hu - unit, 1, 0, g.h + 70000, 2**31) & 0xffffffff
            blocks = []
            for _ in range(g.pick(0, 1, 1, 1, 2, 3)):
                a, b = edge(), edge()
                if g.chance(.85) and a > b: a, b = b, a
                blocks.append('%d:%d' % (a, b))
            if g.chance(.4): g.hu = min(g.h, g.hu + unit * g.pick(1, 1, 2, 3))
            g.segment('.', ack=g.hu, opts=g.stamp(0) + (['nop', 'nop', 'sack ' + ' '.join(blocks)] if blocks else []), win=511, delta=g.pick(0, 0, .001, .011, .05, .1))
    g.end()

def area_positions(g): # RST, SYN, ACK, FIN and text at every place of the window, in every state
    g.sysctls(1, ('tcp_timestamps', 'tcp_invalid_ratelimit', 'tcp_challenge_ack_limit'))
    how = g.pick('synsent', 'synrecv', 'established', 'established', 'finwait1', 'finwait2', 'closewait', 'lastack', 'closing', 'timewait', 'orphan1', 'orphan2', 'simultaneous')
    if how in ('synsent', 'simultaneous'):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4'); g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>')
        g.open, g.hu, g.h, g.p = True, 0, 1, 0
        if how == 'simultaneous': g.add('< S 0:0(0) win 65535 <mss 1000%s>' % g.pick('', ',sackOK,nop,nop', ',nop,wscale 7'), .011); g.p = 1
    elif how == 'synrecv':
        g.listener(opts=False)
        g.add('< S 0:0(0) win 65535 <mss 1000%s>' % g.pick('', ',sackOK,nop,nop', ',nop,wscale 7')); g.add('> S. 0:0(0) ack 1 <...>')
    else:
        g.established(plain=1, wild=False)
        steps = {'finwait1': ['shut'], 'finwait2': ['shut', 'ack'], 'closewait': ['fin'], 'lastack': ['fin', 'shut'], 'closing': ['shut', 'cross'], 'timewait': ['shut', 'ack', 'fin'], 'orphan1': ['close'], 'orphan2': ['close', 'ack']}.get(how, [])
        for step in steps:
            if step == 'shut': g.add('shutdown(4, SHUT_WR) = 0', .011); g.h += 1; g.wr_shut = True
            elif step == 'close': g.close(.011)
            elif step == 'ack': g.segment('.', stamp=0)
            elif step == 'fin': g.segment('F.', stamp=0); g.p += 1
            else: g.segment('F.', ack=g.h - 1, stamp=0); g.p += 1
    win = g.pick(64240, 65535, 29200, 64000)
    for _ in range(g.pick(1, 2, 4)):
        seq = g.p + g.pick(0, 0, 1, -1, win - 1, win, win + 1, 1000, -1000, 2**31 - 1, -2**31, 100000)
        ack = g.pick(g.h, g.h, g.h, g.h + 1, g.hu, g.hu - 1, g.h - 1, g.h + 2**31, 0, g.h - 70000)
        g.segment(g.pick('R', 'R', 'R.', 'S', 'S.', 'SF', '.', '.', 'F.', 'P.', 'F', '-', 'RF.', 'SR', 'SP.'), seq=seq, ack=ack, length=g.pick(0, 0, 0, 1, 10, 1000), stamp=.1, delta=g.pick(0, .013, .113, .6))
        if g.open and g.chance(.3): g.state()
    if g.open: g.ask()
    if how == 'synrecv': g.segment('.', ack=1, stamp=0); g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    g.mix(g.pick(0, 1, 2), read=1, write=1, data=1, ack=1) if g.open else None
    g.end()

def area_closed(g): # nobody listens
    g.sys = {}
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
    g.add('bind(3, ..., ...) = 0')
    if g.chance(.3): g.add('listen(3, 1) = 0')
    for _ in range(g.pick(1, 3, 5)): g.odd_segment()
    if g.chance(.3): g.add('connect(3, ..., ...) = ...')
    g.add('usleep(1000) = 0', .3)

AREAS = {name[5:]: f for name, f in list(globals().items()) + list(vars(kernel_grammar_calls).items()) + list(vars(kernel_grammar_ecn).items()) + list(vars(kernel_grammar_flows).items()) + list(vars(kernel_grammar_listen).items()) + list(vars(kernel_grammar_plain).items()) + list(vars(kernel_grammar_watch).items()) if name.startswith('area_')}

def generate(seed, area=None):
    rng = random.Random(seed)
    name = area or rng.choice(sorted(AREAS))
    g = Gen(seed, name, rng)
    g.sys = {}
    if name not in ('icmp', 'udp', 'options') and rng.random() < .15:
        g.v6 = True
        g.options.append('ip_version=ipv6')
    elif name not in ('icmp', 'udp', 'options', 'calls') and rng.random() < .08: g.options.append('ip_version=ipv4-mapped-ipv6')
    AREAS[name](g)
    return g
