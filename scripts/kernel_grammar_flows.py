"""kernel_grammar_flows.py: kernel_grammar's areas about whole flows: a sender's episodes one after the other, a receiver behind a bad path whose reader stops and
starts, marks, mixes of corks and limits, TIME-WAIT's reuse, simultaneous opens and closes. TCP_INFO is printed after each step."""

def opened(g, ts=None, mss=1000, win=65535, scale=7, rtt=None, ecn=False):
    """A plain passive open by a peer with SACK as a rule; the model's numbers are those of its options. Its clock starts with the SYN."""
    g.mss, g.ts, g.sack, g.scale, g.tsval, g.sys['tcp_sack'] = mss, g.chance(.4) if ts is None else ts, g.chance(.85), scale, 1000, 1
    o = ['mss %d' % mss] + (['sackOK'] if g.sack else []) + (['TS val 1000 ecr 0'] if g.ts else []) + (['nop', 'wscale %d' % scale] if scale is not None else [])
    o = '<%s>' % ','.join(o).replace('sackOK,nop', 'nop,nop,sackOK,nop')
    g.listener(opts=False)
    g.add('< S%s 0:0(0) win %d %s' % ('EW' if ecn else '', win, o)); g.expect_synack(o) if not ecn else g.add('> SE. 0:0(0) ack 1 <...>')
    g.win = win >> (scale or 0)
    g.rtt = g.pick(.011, .03, .05, .1) if rtt is None else rtt
    g.begin = len(g.events)
    g.segment('.', ack=1, delta=g.rtt, stamp=0)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    g.open, g.unit = True, mss - 12 * g.ts

def now_ms(g):
    """Milliseconds since the host's first timestamp, which is 100."""
    return int(sum(d for d, _ in g.events[g.begin:]) * 1000)

def answer(g, ack, blocks=(), delta=0, age=None, flags='.', ip='', win=None):
    """The peer's ACK. AGE: how many milliseconds before this moment the host sent what its timestamp echoes."""
    o = []
    if g.ts:
        g.tsval += g.pick(1, 5, 10)
        o = ['nop', 'nop', 'TS val %d ecr %d' % (g.tsval, 100 + max(0, now_ms(g) + int(delta * 1000) - (int(g.rtt * 1000) if age is None else age)))]
    if blocks and g.sack: o += ['nop', 'nop', 'sack ' + ' '.join('%d:%d' % b for b in blocks[:3 if g.ts else 4])]
    g.segment(flags, ack=ack, opts=o, delta=delta, ip=ip, win=g.win if win is None else win)

def blocks_of(got):
    """The ranges of the segments that arrived, [(start, end)] sorted."""
    ranges = []
    for s, e in sorted(got):
        if ranges and s <= ranges[-1][1]: ranges[-1] = (ranges[-1][0], max(e, ranges[-1][1]))
        else: ranges.append((s, e))
    return ranges

def area_episodes(g): # losses, timeouts, reordering, reneging, DSACK, one episode after the other
    g.sysctls(1, ('tcp_timestamps', 'tcp_recovery', 'tcp_reordering', 'tcp_congestion_control', 'tcp_early_retrans', 'tcp_frto', 'tcp_thin_linear_timeouts'))
    opened(g, ts=g.chance(.5) and g.sys.get('tcp_timestamps', 1) != 0, rtt=g.pick(.02, .05, .1))
    una = 1
    for _ in range(g.pick(1, 2, 2, 3)):
        n = g.pick(1, 2, 3, 5, 8, 10, 12, 20)
        g.add('write(4, ..., %d) = ...' % (n * g.unit + g.pick(0, 0, 0, 1, 300)), g.pick(0, .01, .3)); g.h += n * g.unit
        g.info()
        got, sent = set(), min(n, 10)
        wait = g.pick(g.rtt, g.rtt, g.rtt, .15, .27, .33, .7, 1.5)
        kind = g.pick('loss', 'loss', 'reorder', 'rto', 'rto', 'renege', 'tail', 'dsack', 'all')
        segs = [(una + i * g.unit, una + (i + 1) * g.unit) for i in range(sent)]
        if kind in ('loss', 'reorder', 'renege'):
            lost = set(g.rng.sample(segs, min(len(segs), g.pick(1, 1, 2, 3))))
            order = [s for s in segs if s not in lost]
            if kind == 'reorder': order += sorted(lost)
            for i, s in enumerate(order):
                if g.chance(.1): continue
                got.add(s)
                ranges = blocks_of(got)
                if ranges and ranges[0][0] <= una: una = max(una, ranges[0][1])
                shown = [r for r in ranges if r[0] > una][::-1]
                if kind == 'renege' and g.chance(.3): shown, got = [], set()
                answer(g, una, shown, delta=wait if i == 0 else g.pick(0, 0, .001, .004))
                if g.chance(.5): g.info()
        elif kind == 'tail':
            for i in range(g.pick(0, 1, 2)):
                if i < len(segs): una = segs[i][1]; answer(g, una, delta=wait if i == 0 else 0)
        elif kind == 'all':
            una = min(g.h, una + sent * g.unit); answer(g, una, delta=wait)
        for _ in range(g.pick(0, 1, 2, 4)): # what comes after: of the first transmission, of the second, of both
            g.add('usleep(1000) = 0', g.pick(.02, .1, .25, .5, 1.1)) if g.chance(.5) else None
            what = g.rng.random()
            if what < .4: una = min(g.h, una + g.unit * g.pick(1, 1, 2, 3, 10)); answer(g, una, [r for r in blocks_of(got) if r[0] > una][::-1], delta=g.pick(0, .01, g.rtt), age=g.pick(None, 0, 5, 250, 400))
            elif what < .6: answer(g, una, [(una - g.unit, una)] + [r for r in blocks_of(got) if r[0] > una][::-1], delta=g.pick(0, .01, g.rtt)) if una > 1 else None
            elif what < .75:
                a = una + g.unit * g.rng.randint(1, 8)
                answer(g, una, [(a, a + g.unit * g.pick(1, 1, 2))], delta=g.pick(0, .01, g.rtt)) if a + 2 * g.unit <= g.h else None
            elif what < .85: answer(g, una, delta=g.pick(0, .005))
            else: g.add('write(4, ..., %d) = ...' % g.unit, g.pick(0, .01)); g.h += g.unit
            g.info()
    una = g.h
    if g.chance(.5): answer(g, una, delta=g.rtt); g.info()
    g.end()

def area_path(g): # the receiver: reordered, repeated, overlapping, recut; the reader stops and starts
    g.sysctls(1, ('tcp_timestamps', 'tcp_dsack', 'tcp_rmem', 'tcp_sack', 'tcp_moderate_rcvbuf'))
    if g.chance(.8): g.add('`sysctl -q net.ipv4.tcp_comp_sack_nr=0`') # its timer is too short for a busy machine
    opened(g, ts=g.chance(.4) and g.sys.get('tcp_timestamps', 1) != 0, mss=g.pick(1000, 1460), win=1000, scale=g.pick(None, 7))
    if g.chance(.4): g.add('setsockopt(4, SOL_SOCKET, SO_RCVBUF, [%d], 4) = 0' % g.pick(2000, 5000, 10000, 30000, 100000))
    if g.chance(.15): g.add('setsockopt(4, IPPROTO_TCP, TCP_WINDOW_CLAMP, [%d], 4) = 0' % g.pick(2000, 5000, 20000))
    at, reads = 1, g.chance(.6)
    for _ in range(g.pick(1, 2, 3, 4)):
        n, size = g.pick(3, 6, 12, 25), g.pick(100, 536, 1000, 1000, g.mss - 12)
        segs = [(at + i * size, size) for i in range(n)]
        at += n * size
        order = []
        for i, s in enumerate(segs):
            late = g.pick(0, 0, 0, 0, 0, 0, 1, 2, 3, 6, 50) if g.chance(.6) else 0
            if g.chance(.03): continue
            order.append((i + late + .5 * (late > 0), s))
            if g.chance(.05): order.append((i + g.pick(1, 3), s))
            if g.chance(.05): order.append((i + 1.2, (s[0] - size // 2, size)))
        for _, (seq, length) in sorted(order):
            g.segment(g.pick('.', '.', 'P.'), seq=seq, length=length, delta=g.pick(0, 0, .001, .003, .013), stamp=.01)
            if reads and g.chance(.15): g.add('read(4, ..., %d) = ...' % g.pick(1000, 5000, 100000))
            if g.chance(.05): g.state()
        g.p = at
        if g.chance(.5): g.segment('P.', seq=g.pick(1, 1 + size, at - n * size), length=g.pick(size, 1460, 1000), delta=.01, stamp=0) # a repair, cut otherwise
        if g.chance(.3): reads = not reads
        g.info(g.pick(.01, .05, .4))
        if g.chance(.4): g.add('read(4, ..., %d) = ...' % g.pick(1000, 10000, 1000000), .01)
        if g.chance(.1): g.write(n=g.pick(1, 1000))
    g.end()

def area_corks(g): # MSG_MORE, MSG_EOR, corks, Nagle, low-water marks
    g.sysctls(1, ('tcp_autocorking', 'tcp_notsent_lowat', 'tcp_limit_output_bytes', 'tcp_wmem'))
    opened(g, ts=False, win=g.pick(65535, 65535, 4000), scale=None)
    if g.chance(.3): g.add('setsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0')
    if g.chance(.3): g.add('setsockopt(4, IPPROTO_TCP, TCP_NOTSENT_LOWAT, [%d], 4) = 0' % g.pick(1, 1000, 5000))
    una = 1
    for _ in range(g.pick(4, 8, 14)):
        what, n = g.rng.random(), g.pick(1, 100, 400, 999, 1000, 1001, 2500, 6000, 15000)
        if what < .25: g.add('write(4, ..., %d) = ...' % n, g.pick(0, 0, .004, .02)); g.h += n
        elif what < .45: g.add('send(4, ..., %d, %s) = ...' % (n, g.pick('MSG_MORE', 'MSG_MORE', 'MSG_EOR', 'MSG_EOR|MSG_MORE', 'MSG_OOB')), g.pick(0, 0, .004, .02)); g.h += n
        elif what < .6: g.add('setsockopt(4, IPPROTO_TCP, %s, [%d], 4) = 0' % (g.pick('TCP_CORK', 'TCP_CORK', 'TCP_NODELAY'), g.pick(0, 1)), g.pick(0, .01, .25))
        elif what < .85: una = g.pick(g.h, min(g.h, una + 1000), min(g.h, una + 3000), una); answer(g, una, delta=g.pick(.005, .02, .25)); g.hu = una
        elif what < .9: g.add('writev(4, [{..., 10}, {..., %d}, {..., 20}], 3) = ...' % n); g.h += 30 + n
        else: g.add('poll([{fd=4, events=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI, revents=...}], 1, 0) = ...')
        if g.chance(.4): g.info()
    if g.chance(.4): g.shutdown()
    answer(g, g.h, delta=.02)
    g.end()

def area_marks(g): # ECN both ways, with losses
    g.sysctls(1, ('tcp_congestion_control', 'tcp_timestamps'))
    g.add('`sysctl -q net.ipv4.tcp_ecn=1`')
    opened(g, ts=False, ecn=True)
    una = 1
    for _ in range(g.pick(2, 3, 5)):
        n = g.pick(1, 3, 6, 10)
        g.add('write(4, ..., %d) = ...' % (n * 1000), .01); g.h += n * 1000
        for i in range(g.pick(1, 2, 4)):
            flags = g.pick('.', '.', 'E.', 'E.', 'W.')
            if g.chance(.7): una = min(g.h, una + 1000 * g.pick(1, 1, 2)); blocks = []
            else: a = una + 1000 * g.pick(1, 2, 3); blocks = [(a, a + 1000 * g.pick(1, 2))]
            answer(g, una, blocks, delta=g.rtt if i == 0 else g.pick(0, .002), flags=flags)
            g.info()
        for _ in range(g.pick(0, 0, 2, 3)):
            length = g.pick(100, 1000)
            g.segment(g.pick('P.', 'PW.', 'PE.', '.'), length=length, ack=una, ip=g.pick('[ect0] ', '[ect0] ', '[ce] ', '', '[ect1] '), delta=g.pick(0, .005, .05), stamp=0); g.p += length
    g.end()

def area_reuse(g): # TIME-WAIT, and the next connection of the same two ports
    g.sysctls(1, ('tcp_tw_reuse', 'tcp_timestamps', 'tcp_rfc1337', 'tcp_fin_timeout'))
    opened(g, rtt=.011)
    for _ in range(g.pick(0, 1, 2)): g.mix(1, data=1, write=1, ack=1)
    g.add('shutdown(4, SHUT_WR) = 0', .01) if g.chance(.3) else g.close(.01)
    if g.open: g.h += 1; g.wr_shut = True
    answer(g, g.h, delta=.01); g.segment('F.', stamp=0, delta=.01); g.p += 1
    if g.open: g.close(.01)
    for _ in range(g.pick(1, 2, 3)):
        g.ts = g.ts and g.chance(.9)
        o = ['mss 1000'] + (['sackOK'] if g.sack else []) + (['TS val %d ecr 0' % (g.tsval + g.pick(-5, 0, 1, 100, 5000))] if g.ts else [])
        g.add('< S %d:%d(0) win 65535 <%s>' % ((g.p + g.pick(-2, -1, 0, 1, 1000, 100000, 2**31),) * 2 + (','.join(o),)) if False else
              '< S %s win 65535 <%s>' % (('%d:%d(0)' % (((g.p + g.pick(-2, -1, 0, 1, 1000, 100000)) & 0xffffffff,) * 2)), ','.join(o)), g.pick(.01, .5, 1.2))
        if g.chance(.3): g.odd_segment()
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = ...', .05)
    g.add('usleep(1000) = 0', 1.2)

def area_crossing(g): # simultaneous opens and closes
    g.sysctls(1, ('tcp_timestamps', 'tcp_sack', 'tcp_ecn', 'tcp_fin_timeout'))
    if g.chance(.5):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4'); g.add('connect(4, ..., ...) = ...')
        g.add('> %s 0:0(0) <...>' % ('SEW' if g.sys.get('tcp_ecn') == 1 else 'S'))
        o = g.syn_options()
        g.begin, g.rtt = len(g.events), .011
        n = g.pick(0, 0, 0, 10)
        g.add('< %s 0:%d(%d) win 65535 %s' % (g.pick('S', 'S', 'S', 'SEW', 'SF'), n, n, o), .011)
        g.open, g.win, g.p = True, 65535 >> (min(14, g.scale) if g.scale else 0), 1 + n
        if g.chance(.3): g.write(n=100)
        for _ in range(g.pick(1, 1, 2)):
            what = g.rng.random()
            if what < .5: g.add('< %s 0:0(0) ack 1 win 65535 %s' % (g.pick('S.', 'S.', 'SE.'), o.replace('ecr 0', 'ecr 100')), g.pick(0, .011, 1.1))
            elif what < .8: g.segment('.', ack=1, stamp=0)
            else: g.data(100, stamp=0)
        g.info()
        g.mix(g.pick(1, 2), data=2, write=2, ack=1, read=1)
    else: opened(g)
    if g.open:
        for _ in range(g.pick(0, 1, 2)): g.mix(1, data=1, write=1)
        how = g.pick('shutdown', 'close')
        n = g.pick(0, 0, 100)
        g.add('shutdown(4, SHUT_WR) = 0', .01) if how == 'shutdown' else g.close(.01)
        if how == 'shutdown': g.h += 1; g.wr_shut = True
        for _ in range(g.pick(1, 2, 3)):
            what = g.rng.random()
            if what < .5: g.segment('F.', ack=g.pick(g.h - 1, g.h - 1, g.h), length=n, stamp=0)
            elif what < .8: g.segment('.', seq=g.p + 1 + n, ack=g.pick(g.h, g.h, g.h - 1), stamp=0)
            elif what < .9: g.segment('P.', length=100, stamp=0)
            else: g.odd_segment()
            if g.open: g.info()
        g.p += 1 + n
        g.segment('.', ack=g.h, stamp=0, delta=.05)
    g.end()

def area_farewell(g): # closing with text in flight or held back, lost or not
    g.sysctls(1, ('tcp_orphan_retries', 'tcp_fin_timeout', 'tcp_early_retrans', 'tcp_sack'))
    opened(g, ts=g.chance(.3), win=g.pick(65535, 65535, 5000), scale=g.pick(7, None), rtt=g.pick(.02, .05))
    una, n = 1, g.pick(1, 2, 5, 9, 10, 11, 14)
    g.add('write(4, ..., %d) = ...' % (n * g.unit + g.pick(0, 0, 1, 300)), .01); g.h += n * g.unit
    if g.chance(.3): una = 1 + g.unit * g.pick(1, 2); answer(g, una, delta=g.rtt)
    for step in g.pick(['close'], ['close'], ['shut'], ['shut', 'close'], ['fin', 'close'], ['fin', 'shut']):
        if step == 'close': g.close(g.pick(0, .01, .3))
        elif step == 'shut': g.add('shutdown(4, SHUT_WR) = 0', g.pick(0, .01, .3)); g.h += 1; g.wr_shut = True
        else: g.segment('F.', ack=una, stamp=0, delta=.01); g.p += 1
    if g.open: g.info()
    for _ in range(g.pick(1, 2, 4, 6)):
        what = g.rng.random()
        end = g.h # the FIN included
        if what < .35: una = min(end, una + g.unit * g.pick(1, 1, 2, 5)); answer(g, una, delta=g.pick(.001, g.rtt, .3))
        elif what < .55:
            a = min(end - 1, una + g.unit * g.pick(1, 2, 3))
            answer(g, una, [(a, min(end, a + g.unit * g.pick(1, 2, 20)))], delta=g.pick(.001, g.rtt, .3)) if a < end - 1 else None
        elif what < .7: una = g.pick(end, end, end - 1); answer(g, una, delta=g.pick(.01, g.rtt, .3))
        elif what < .8: g.segment('F.', ack=una, stamp=0, delta=.01)
        elif what < .85: g.segment('R', stamp=0, delta=.01)
        else: g.add('usleep(1000) = 0', g.pick(.25, .7, 1.5))
        if g.open: g.info()
    if g.chance(.5): answer(g, g.h, delta=.05); g.segment('F.', ack=g.h, stamp=0, delta=.01)
    g.end()

def area_shut_window(g): # the peer's window closes, opens, shrinks while text waits
    g.sysctls(1, ('tcp_timestamps', 'tcp_retries2', 'tcp_congestion_control'))
    opened(g, ts=False, win=g.pick(2000, 5000, 10000), scale=None, rtt=g.pick(.02, .05))
    una, win = 1, g.win
    for _ in range(g.pick(2, 4, 7)):
        what = g.rng.random()
        if what < .35: n = g.pick(100, 1000, 1500, 3000, 12000); g.add('write(4, ..., %d) = ...' % n, g.pick(0, .01)); g.h += n
        elif what < .75:
            una = min(g.h, una + g.pick(0, 1000, 2000, win)); win = g.pick(0, 0, 0, 1, 300, 1000, 1500, 4000, 10000)
            answer(g, una, delta=g.pick(.01, g.rtt, .22, .5), win=win)
        elif what < .85: g.segment('P.', length=g.pick(100, 1000), ack=una, win=win, stamp=0, delta=.01); g.p += 1
        elif what < .9 and not g.wr_shut: g.add('shutdown(4, SHUT_WR) = 0', .01); g.h += 1; g.wr_shut = True
        else: g.add('usleep(1000) = 0', g.pick(.25, .7, 1.5))
        g.info()
    answer(g, una, win=10000, delta=.1)
    g.info(.05)
    g.end()
