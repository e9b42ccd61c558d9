"""kernel_grammar_ecn.py: kernel-fuzz's areas of explicit congestion notification: RFC 3168's, AccECN's (RFC 9768), DCTCP's."""
FIELDS = ['', '', '[ect0] ', '[ect0] ', '[ce] ', '[ect1] ']
INFO = ['options', 'ecn_mode', 'accecn_opt_seen', 'accecn_fail_mode', 'received_ce', 'delivered_ce', 'received_e0_bytes', 'received_e1_bytes', 'received_ce_bytes', 'delivered_e0_bytes',
        'delivered_e1_bytes', 'delivered_ce_bytes', 'delivered', 'ca_state', 'snd_cwnd', 'snd_ssthresh', 'snd_mss', 'state', 'unacked', 'retrans', 'lost', 'sacked', 'total_retrans', 'rcv_ooopack']

def letters(ace): return ('E' if ace & 1 else '') + ('W' if ace & 2 else '') + ('A' if ace & 4 else '')

class Ecn:
    """What the peer of an AccECN host knows: G is the grammar."""
    def __init__(self, g):
        self.g, self.marks, self.bytes = g, 0, {'e0b': 1, 'ceb': 0, 'e1b': 1}

    def info(self):
        self.g.add('%{ ' + '; '.join('print(%s)' % ', '.join("'%s', tcpi_%s" % (n, n) for n in INFO[i:i + 12]) for i in (0, 12)) + ' }%')

    def option(self, wrong=.06):
        """The option's text with padding: counters as they stand, all of them or some, in either order, now and then not as they should be."""
        g = self.g
        given, n = dict(self.bytes), g.pick(3, 3, 3, 3, 2, 1, 0)
        if g.chance(wrong): given[g.pick('e0b', 'ceb', 'e1b')] = g.pick(0, 1, 5000, 16777215, 8388608, 8388607)
        names = g.pick(['e0b', 'ceb', 'e1b'], ['e1b', 'ceb', 'e0b'])
        if g.chance(wrong / 2): return [g.pick('0xac03aa', '0xae04aabb', '0xac06000001aa', '0xae0f%s' % ('000001' * 4 + 'aa'), '0xac0e%s' % ('000102' * 4), '0xae07%s' % '0000010000', '0xfe07accf000001', '0xac0200', '0xae02')]
        return ['ECN' + ''.join(' %s %d' % (k, given[k] & 0xffffff) for k in names[:n])] + ['nop'] * (-(2 + 3 * n) % 4)

    def ace(self, wrong=.1): return letters((5 + self.marks) & 7 if not self.g.chance(wrong) else self.g.rng.randint(0, 7))

    def goes(self, n=None):
        """The host's next write arrives: some of it marked."""
        g = self.g
        marked = g.pick(0, 0, 0, 1, 1, 2, 3, 8)
        self.marks += marked
        self.bytes['ceb'] += marked * (988 if g.ts else 1000)
        self.bytes[g.pick('e0b', 'e0b', 'e1b')] += g.pick(0, 1000, 3000)

    def step(self):
        g, ip, what = self.g, self.g.pick(*FIELDS), self.g.rng.random()
        if g.h > g.hu and what < .75 and g.chance(.5): self.goes()
        if g.chance(.6): g.hu = min(g.h, g.hu + 1000 * g.pick(1, 2, 3, 8, 20))
        elif g.chance(.3): g.hu = g.h
        o = g.stamp(.02) + (self.option() if g.chance(.6) else [])
        kw = dict(ip=ip, ack=g.hu, opts=o, win=g.win)
        if what < .3: n = g.pick(1, 100, 1000, 1000); g.segment('P' + self.ace() + '.', length=n, **kw); g.p += n
        elif what < .42: g.segment('P' + self.ace() + '.', seq=g.p + g.pick(-1000, -1000, 1000, 2000, 4000, 6000, -500, 70000), length=1000, **kw)
        elif what < .65: g.segment(self.ace() + '.', **kw)
        elif what < .72 and g.sack and g.h > g.hu:
            a = g.hu + g.pick(1000, 2000, 1000, 5000)
            kw['opts'] = (g.stamp(0) + ['nop', 'nop', 'sack %d:%d' % (a, min(max(g.h, a + 1), a + g.pick(1000, 2000, 5000)))] + (self.option() if g.chance(.6) else []))
            size = 12 * g.ts + 12 + 12
            if size <= 40: g.segment(self.ace() + '.', **kw)
        elif what < .92:
            n = g.pick(100, 1000, 1000, 3000, 10000, 20000)
            g.add('write(4, ..., %d) = ...' % n, g.delta())
            if not g.wr_shut: g.h += n
        elif what < .94: g.segment('S' + g.pick('.', '.', '') + letters(g.rng.randint(0, 7)), seq=g.pick(0, 0, g.p), ip=ip, ack=1, opts=o, win=g.win)
        elif what < .95: g.segment(g.pick('.', 'R.', 'R', 'F.') + self.ace(), seq=g.any_seq(), ip=ip, ack=g.any_ack(), opts=o, win=g.win)
        elif what < .97: g.add('`sysctl -q net.ipv4.tcp_ecn_option=%d`' % g.pick(0, 1, 2, 3)) if g.chance(.3) else g.add('`true`', g.pick(.25, .25, .7, 2.1))
        else: g.mix(1, read=2, fin=.4, shutdown=.3)
        if g.chance(.15): self.info()

def parameters(g, ecn):
    option = g.pick(2, 2, 2, 1, 1, 0, 3)
    g.sys['tcp_ecn_option'] = option
    g.add('`sysctl -q net.ipv4.tcp_ecn=%d net.ipv4.tcp_ecn_option=%d net.ipv4.tcp_ecn_option_beacon=%d net.ipv4.tcp_ecn_fallback=%d`' % (ecn, option, g.pick(0, 1, 2, 3, 3), g.pick(0, 1, 1, 1)))

def syn_text(g):
    """The peer's options, padded, and those of the host's answer without and with AccECN's option; TS val is to be learned."""
    g.mss, g.ts, g.sack, g.tsval = 1000, g.chance(.4), g.chance(.7), 1000
    g.scale = 7 if g.chance(.8) else None
    g.win = 511 if g.scale else 65535
    return 'mss 1000,' + ('sackOK,' if g.sack else 'nop,nop,') + ('TS val 1000 ecr %d,' if g.ts else '%.0s') + ('nop,wscale 7,' if g.scale else '')

def answer(g, told):
    """The options of the host's SYN/ACK: known only where a timestamp's value must be learned."""
    if not g.ts or not g.sys.get('tcp_timestamps', 1): return '<...>'
    parts = ['mss 1460'] + (['sackOK'] if g.sack and g.sys.get('tcp_sack', 1) else ['nop', 'nop']) + ['TS val 100 ecr 1000']
    wide = ['wscale 7'] if g.scale else []
    if not told: return '<%s>' % ','.join(parts + (['nop'] + wide if wide else []))
    return '<%s>' % ','.join(parts + ['ECN e1b 1 ceb 0 e0b 1'] + (wide or ['nop']))

def server(g, e, ecn):
    o = syn_text(g)
    cookie = g.ts and g.chance(.15)
    if cookie: g.add('`sysctl -q net.ipv4.tcp_syncookies=2`')
    g.listener(opts=False)
    first = option_text(g, e) if g.chance(.2) else ''
    flags = 'S' + letters(g.pick(7, 7, 7, 7, 3, 0, 1, 2, 4, 5, 6))
    told = ecn >= 3 and flags not in ('S', 'SEW') and g.sys['tcp_ecn_option'] and not (first and g.chance(0))
    syn = lambda: '< %s%s 0:0(0) win 65535 <%s%s>' % (g.pick('', '', '', '[ect0] ', '[ect1] ', '[ce] '), flags, (o % 0), first)
    trim = lambda t: t.replace(',>', '>')
    g.add(trim(syn()))
    g.add('> S. 0:0(0) ack 1 %s' % answer(g, told))
    for _ in range(g.pick(0, 0, 0, 1, 2)): # again, either side
        if g.chance(.5): g.add('`true`', g.pick(.5, 1.1, 3.2, 7.3))
        else:
            if g.chance(.3): flags = 'S' + letters(g.rng.randint(0, 7))
            g.add(trim(syn()), g.pick(.011, .3, 1.2))
    for _ in range(g.pick(0, 0, 0, 0, 1)): g.segment(g.pick('.', 'P.', 'R', 'F.') + letters(g.rng.randint(0, 7)), ack=g.pick(0, 2, 1000), length=g.pick(0, 100), ip=g.pick(*FIELDS), opts=g.stamp(.5))
    n = g.pick(0, 0, 0, 0, 100, 1000)
    blocks = g.sack and g.chance(.05) # Linux: with SACK blocks it is not the first
    third = lambda: g.stamp(0) + (['nop', 'nop', 'sack 1:2'] if blocks else e.option(.2) if g.chance(.6) else [])
    if g.chance(.15) and n: # the pure ACK is lost or late
        g.segment(g.pick('P.', '.') + letters(g.pick(2, 3, 4, 6, 5)), length=n, ack=1, delta=.05, ip=g.pick(*FIELDS), opts=third(), win=g.win); g.p += n
        if g.chance(.5): g.segment('.' + letters(g.pick(2, 3, 4, 6, 5)), seq=1, ack=1, delta=.01, ip=g.pick(*FIELDS), opts=third(), win=g.win)
    else:
        g.segment(g.pick('.', '.', '.', '.', '.', 'F.') + letters(g.pick(2, 2, 2, 3, 4, 6, 0, 1, 5, 7)), ack=1, delta=g.pick(.05, .05, .011, .3), ip=g.pick(*FIELDS), opts=third(), win=g.win)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    g.open = True

def option_text(g, e): return ','.join(e.option(.3))

def client(g, e, ecn):
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
    if g.chance(.1) and not g.v6: g.add('setsockopt(4, IPPROTO_IP, IP_TOS, [%d], 4) = 0' % g.pick(1, 2, 3, 8, 0xff))
    g.add('connect(4, ..., ...) = ...')
    o = syn_text(g)
    g.ts = g.ts and g.sack
    if not g.ts and 'TS' in o: o = o.replace('TS val 1000 ecr %d,', '%.0s')
    g.add('> S%s 0:0(0) %s' % (letters(7 if ecn == 3 else 3 if ecn in (1, 4) else 0), '<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>' if g.ts else '<...>'))
    g.open = True
    for _ in range(g.pick(0, 0, 0, 1, 2)): g.add('`true`', g.pick(.5, 1.1, 2.2, 3.3))
    opts = lambda: ','.join(x for x in [(o % 100).rstrip(','), option_text(g, e) if g.chance(.6) else ''] if x)
    how = g.rng.random()
    if how < .12: # crossed SYNs
        f = 'S' + letters(g.pick(7, 7, 7, 3, 0, 2, 4, 1, 5, 6))
        g.add('< %s%s 0:0(0) win 65535 <%s>' % (g.pick(*FIELDS), f, opts()), .05)
        for _ in range(g.pick(0, 0, 1, 2)): g.add('`true`', g.pick(1.1, 3.2))
        e.info()
        if g.chance(.5): g.add('< %sS.%s 0:0(0) ack 1 win 65535 <%s>' % (g.pick(*FIELDS), letters(g.rng.randint(0, 7)), opts()), .05)
        else: g.segment('.' + letters(g.rng.randint(0, 7)), ack=1, delta=.05, ip=g.pick(*FIELDS), opts=g.stamp(0) + (e.option() if g.chance(.5) else []), win=g.win)
    else:
        if g.chance(.1): g.add('setsockopt(4, IPPROTO_TCP, TCP_QUICKACK, [0], 4) = 0')
        f = letters(g.pick(2, 2, 2, 3, 4, 6, 5, 1, 0, 7))
        g.add('< %sS.%s 0:0(0) ack 1 win 65535 <%s>' % (g.pick(*FIELDS), f, opts()), .05)
        while g.chance(.15): g.add('< %sS.%s 0:0(0) ack 1 win 65535 <%s>' % (g.pick(*FIELDS), g.pick(f, letters(g.rng.randint(0, 7))), opts()), g.pick(.011, .6, 1.1))

def area_accecn(g):
    g.sysctls(1, ('tcp_sack', 'tcp_dsack', 'tcp_timestamps')) if g.chance(.3) else setattr(g, 'sys', {})
    g.sys.pop('tcp_ecn', None)
    ecn = g.pick(3, 3, 3, 3, 3, 3, 4, 5, 1, 2)
    parameters(g, ecn)
    e = Ecn(g)
    if g.chance(.55) or ecn in (2, 5): server(g, e, ecn)
    else: client(g, e, ecn)
    e.info()
    for _ in range(g.pick(2, 4, 8, 12, 20)): e.step()
    e.info()

def area_accecn_long(g):
    """A connection whose handshake went well: long flights, marks, losses, ACKs thinned out."""
    g.sys = {}
    parameters(g, 3)
    e = Ecn(g)
    g.add('`sysctl -q net.ipv4.tcp_congestion_control=%s`' % g.pick('cubic', 'reno', 'dctcp'))
    g.mss, g.ts, g.sack, g.scale, g.tsval, g.win = 1000, g.chance(.3), g.chance(.8), 7, 1000, 511
    g.listener(opts=False)
    g.add('< SEWA 0:0(0) win 65535 <mss 1000,%s%snop,wscale 7>' % ('sackOK,' if g.sack else 'nop,nop,', 'TS val 1000 ecr 0,' if g.ts else ''))
    g.add('> SW. 0:0(0) ack 1 %s' % answer(g, g.sys['tcp_ecn_option']))
    g.segment('.W', ack=1, delta=g.pick(.011, .05, .1), opts=g.stamp(0) + (e.option(0) if g.chance(.7) else []), win=g.win)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    g.open, g.win = True, 511
    unit = 988 if g.ts else 1000
    for _ in range(g.pick(1, 2, 3)):
        n = g.pick(2, 4, 10, 20, 40)
        g.add('write(4, ..., %d) = ...' % (n * unit), g.delta()); g.h += n * unit
        for _ in range(g.pick(2, 5, 9)):
            m = g.pick(0, 1, 1, 2, 2, 3, 7, 8, 9, 10, 16, 20)
            step = min(m * unit, g.h - g.hu)
            g.hu += step
            if step:
                marked = min(step // unit, g.pick(0, 0, 1, 1, 2, 3, 8, 10))
                e.marks += marked; e.bytes['ceb'] += marked * unit; e.bytes['e0b'] += step - marked * unit
            o = g.stamp(0)
            if g.sack and g.chance(.3) and g.h - g.hu > 2 * unit:
                a = g.hu + unit * g.pick(1, 1, 2, 3)
                b = min(g.h, a + unit * g.pick(1, 2, 5))
                if a < b:
                    o = o + ['nop', 'nop', 'sack %d:%d' % (a, b)]
                    if g.chance(.5): e.marks += 1; e.bytes['ceb'] += unit
            if g.chance(.7) and not (g.ts and 'sack' in str(o) and 0): o = o + (e.option(.01) if not (g.ts and 'sack' in ' '.join(o)) else [])
            g.segment('.' + e.ace(.03), ack=g.hu, opts=o, win=g.win, ip=g.pick('', '', '[ect0] ', '[ce] '), delta=g.pick(.002, .011, .05, .1, .3))
            if g.chance(.3): e.info()
        if g.chance(.3):
            for _ in range(g.pick(1, 3, 8)): g.segment('P.' + e.ace(.03), length=unit, ack=g.hu, opts=g.stamp(0), win=g.win, ip=g.pick(*FIELDS), delta=g.pick(0, .001, .011)); g.p += unit
    e.info()

def area_ecn(g):
    g.sysctls(1, ('tcp_timestamps', 'tcp_sack'))
    ecn = g.pick(1, 1, 2, 0, 4, 5)
    g.add('`sysctl -q net.ipv4.tcp_ecn=%d`' % ecn)
    if g.chance(.15): g.add('`ip route add 192.0.2.0/24 dev tun0 features ecn`')
    e = Ecn(g)
    if g.chance(.6):
        g.listener(opts=False)
        g.add('< %s%s 0:0(0) win 65535 <mss 1000%s>' % (g.pick('', '', '[ect0] ', '[ce] ', '[ect1] '), g.pick('SEW', 'SEW', 'SEW', 'SEWA', 'S', 'SE', 'SW', 'SA'), g.pick('', ',sackOK,nop,nop')))
        g.add('> S. 0:0(0) ack 1 <...>')
        g.segment(g.pick('.', '.', '.', 'E.', 'W.', 'A.', 'EW.', 'EA.', 'WA.', 'EWA.'), ack=1, delta=.05, ip=g.pick('', '', '[ect0] ', '[ce] ', '[ect1] '), opts=[])
        g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        g.add('connect(4, ..., ...) = ...')
        g.add('> %s 0:0(0) <...>' % ('SEW' if ecn in (1, 4) else 'S'))
        for _ in range(g.pick(0, 0, 0, 1, 2)): g.add('`true`', g.pick(.5, 1.1, 2.2))
        g.add('< %s%s 0:0(0) ack 1 win 65535 <mss 1000%s>' % (g.pick('', '', '[ect0] ', '[ce] ', '[ect1] '), g.pick('S.', 'SE.', 'SE.', 'SE.', 'SW.', 'SA.', 'SEW.', 'SWA.', 'SEA.', 'SEWA.'), g.pick('', ',sackOK,nop,nop')), .05)
    g.open = True
    for _ in range(g.pick(2, 4, 8, 16)):
        ip = g.pick('[ect0] ', '[ect0] ', '[ce] ', '', '[ect1] ')
        what = g.rng.random()
        extra = g.pick('', '', 'E', 'E', 'W', 'EW', 'A', 'EA', 'WA', 'EWA')
        if what < .35: n = g.pick(1, 100, 1000); g.segment('P' + extra + '.', length=n, ip=ip); g.p += n
        elif what < .65:
            if g.chance(.6): g.hu = min(g.h, g.hu + 1000 * g.pick(1, 2, 3, 8))
            g.segment(extra + '.', ip=ip, ack=g.hu)
        elif what < .85: g.write(n=g.pick(100, 1000, 3000, 10000))
        elif what < .9: g.add('`true`', g.pick(.25, .7))
        else: g.mix(1, read=1, fin=.3, odd_data=1)
        if g.chance(.2): e.info()
    e.info()
    g.end()

def area_dctcp(g):
    """DCTCP (RFC 8257): CE's echo, alpha by round, losses; by sysctl or socket option, both roles, agreed on or not."""
    g.sys = {}
    g.add('`sysctl -q net.ipv4.tcp_ecn=%d`' % g.pick(0, 1, 2, 3, 3))
    early = g.chance(.7)
    if early: g.add('`sysctl -q net.ipv4.tcp_congestion_control=dctcp`')
    e = Ecn(g)
    g.mss, g.ts, g.sack, g.scale, g.tsval, g.win = 1000, False, g.chance(.8), 7, 1000, 511
    o = 'mss 1000,%snop,wscale 7' % ('sackOK,nop,nop,' if g.sack else '')
    accecn = False
    if g.chance(.6):
        g.listener(opts=False)
        if not early and g.chance(.5): g.add('setsockopt(3, IPPROTO_TCP, TCP_CONGESTION, "dctcp", 5) = 0')
        g.add('< %sS%s 0:0(0) win 65535 <%s>' % (g.pick('', '[ect0] ', '[ect0] ', '[ce] '), g.pick('EW', 'EW', 'EW', 'EWA', '', 'E'), o))
        g.add('> S. 0:0(0) ack 1 <...>')
        g.segment('.' + g.pick('', '', 'W', 'A'), ack=1, delta=.05, ip=g.pick('', '[ect0] ', '[ect0] ', '[ce] '), opts=[], win=g.win)
        g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        if not early: g.add('setsockopt(4, IPPROTO_TCP, TCP_CONGESTION, "dctcp", 5) = 0')
        g.add('connect(4, ..., ...) = ...')
        g.add('> S 0:0(0) <...>')
        if g.chance(.2): g.add('`true`', 1.1)
        g.add('< %sS.%s 0:0(0) ack 1 win 65535 <%s>' % (g.pick('', '[ect0] ', '[ect0] ', '[ce] '), g.pick('E', 'E', 'E', '', 'W', 'WA', 'EW'), o), .05)
    if g.chance(.1): g.add('setsockopt(4, IPPROTO_TCP, TCP_CONGESTION, "%s", 5) = ...' % g.pick('cubic', 'dctcp', 'reno'))
    g.open, g.win = True, 511
    more = "%{ print('alpha', dctcp_alpha, 'enabled', dctcp_enabled, 'ce_state', dctcp_ce_state, 'ab_ecn', dctcp_ab_ecn, 'ab_tot', dctcp_ab_tot) }%"
    for _ in range(g.pick(4, 8, 16, 25)):
        ip, what = g.pick('[ect0] ', '[ect0] ', '[ce] ', '[ce] ', ''), g.rng.random()
        extra = g.pick('', '', 'E', 'E', 'W', 'EW', 'A')
        if what < .35: n = g.pick(100, 1000, 1000); g.segment(g.pick('P', '') + extra + '.', length=n, ip=ip, opts=[], win=g.win); g.p += n
        elif what < .7:
            if g.chance(.7): g.hu = min(g.h, g.hu + 1000 * g.pick(1, 2, 3, 8, 10))
            g.segment(extra + '.', ip=ip, ack=g.hu, opts=[], win=g.win)
        elif what < .9: n = g.pick(100, 1000, 3000, 10000, 30000); g.add('write(4, ..., %d) = ...' % n, g.delta()); g.h += n
        elif what < .95: g.add('`true`', g.pick(.05, .25, .7))
        else: g.mix(1, read=1, odd_data=1)
        if g.chance(.2): e.info(); g.chance(.5) and g.add(more)
    e.info(); g.add(more)
