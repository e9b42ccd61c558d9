"""kernel_grammar_listen.py: kernel_grammar's areas about listeners: several peers' ports at once, queues that fill, cookies, requests that go again and are
given up, deferred accepts, migration; fast open's servers and clients, one connection after the other."""

PORTS = list(range(1001, 1009))

class Peers:
    """The connections of an area, by the peer's port: what each may say next."""
    def __init__(self, g, ts):
        self.g, self.ts, self.next, self.fds = g, ts, {}, {}
        self.opts = '<mss 1000,sackOK,TS val 1000 ecr 0,nop,wscale 7>' if ts else '<mss 1000,nop,nop,sackOK>'
        self.answer = '<mss 1460,sackOK,TS val 100 ecr 1000,nop,wscale 7>' if ts else '<...>'

    def stamp(self): return ' <nop,nop,TS val %d ecr 100>' % self.g.pick(1010, 1010, 1010, 1010, 900) if self.ts else ''

    def syn(self, port, answered=True, seq=0, delta=.13, opts=None, length=0):
        self.g.add('< %d > BINDPORT S %d:%d(%d) win 65535 %s' % (port, seq, seq + length, length, opts or self.opts), delta)
        self.next[port] = seq + 1
        if answered: self.g.add('> BINDPORT > %d S. 0:0(0) ack %d %s' % (port, seq + 1, self.answer if opts is None else '<...>'))

    def say(self, port, flags='.', length=0, ack=1, seq=None, delta=None, win=500):
        seq = self.next.get(port, 1) if seq is None else seq
        self.g.add('< %d > BINDPORT %s %d:%d(%d)%s win %d%s' % (port, flags, seq, seq + length, length, ' ack %d' % ack if '.' in flags else '', win, self.stamp()),
                   self.g.pick(.01, .02, .05) if delta is None else delta)
        if seq == self.next.get(port): self.next[port] += length + ('F' in flags)

def area_overload(g): # queues that fill and empty
    g.sys = {}
    cookies = g.pick(0, 0, 1, 1, 2)
    g.add('`sysctl -q net.ipv4.tcp_syncookies=%d net.ipv4.tcp_abort_on_overflow=%d net.ipv4.tcp_max_syn_backlog=%d net.ipv4.tcp_synack_retries=%d`' %
          (cookies, g.pick(0, 0, 1), g.pick(128, 128, 4, 8), g.pick(5, 5, 1, 2)))
    migrate = g.chance(.2)
    if migrate: g.add('`sysctl -q net.ipv4.tcp_migrate_req=%d`' % g.pick(0, 1, 1))
    backlog = g.pick(0, 1, 2, 3, 5, 8)
    def listener(fd):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = %d' % fd)
        if migrate: g.add('setsockopt(%d, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0' % fd)
        g.add('bind(%d, ..., ...) = 0' % fd)
        if g.chance(.25): g.add('setsockopt(%d, IPPROTO_TCP, TCP_DEFER_ACCEPT, [%d], 4) = 0' % (fd, g.pick(1, 2, 5)))
        if g.chance(.2): g.add('setsockopt(%d, IPPROTO_TCP, TCP_SYNCNT, [%d], 4) = 0' % (fd, g.pick(1, 2, 3)))
        g.add('listen(%d, %d) = 0' % (fd, backlog))
    listener(3)
    peers, at, lfd, fd, waiting, begun = Peers(g, g.chance(.4)), 0, 3, 10, 0, 0
    for _ in range(g.pick(5, 9, 14, 20)):
        what = g.rng.random()
        if what < .4 and at < len(PORTS):
            peers.syn(PORTS[at], answered=waiting <= backlog and (cookies or begun <= backlog))
            at, begun = at + 1, begun + 1
        elif what < .45 and at: peers.syn(g.pick(*PORTS[:at]), answered=False, seq=g.pick(0, 0, 0, 1, 100000), delta=g.pick(.02, .6))
        elif what < .65 and at:
            port = g.pick(*PORTS[:at])
            peers.say(port, length=g.pick(0, 0, 0, 10), flags=g.pick('.', '.', 'P.'), ack=g.pick(1, 1, 1, 1, 2)); waiting += 1; begun = max(0, begun - 1)
        elif what < .7 and at: peers.say(g.pick(*PORTS[:at]), flags=g.pick('R', 'R.', 'F.', 'FP.', 'S', 'SF'), seq=g.pick(None, None, 100, 70000))
        elif what < .82: g.add('accept4(%d, ..., ..., SOCK_NONBLOCK) = %d' % (lfd, fd), .01); fd += 1; waiting = max(0, waiting - 1)
        elif what < .86: backlog = g.pick(0, 1, 5); g.add('listen(%d, %d) = ...' % (lfd, backlog), .01)
        elif what < .89 and migrate and lfd == 3: listener(4); g.add('close(3) = 0', .05); lfd = 4
        elif what < .91: g.add('poll([{fd=%d, events=POLLIN|POLLOUT|POLLHUP, revents=...}], 1, 0) = ...' % lfd)
        elif what < .92: g.add('shutdown(%d, SHUT_RD) = ...' % lfd, .01)
        else: g.add('usleep(1000) = 0', g.pick(.3, 1.1, 2.3, 5))
    g.add('usleep(1000) = 0', g.pick(.3, 4, 9))
    for _ in range(3): g.add('accept4(%d, ..., ..., SOCK_NONBLOCK) = %d' % (lfd, fd), .01); fd += 1

def area_cookies(g): # the ACK that brings a cookie back, with all that may have changed meanwhile
    g.sysctls(1, ('tcp_timestamps', 'tcp_sack', 'tcp_window_scaling', 'tcp_ecn', 'tcp_rmem'))
    g.add('`sysctl -q net.ipv4.tcp_syncookies=2`')
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
    g.add('bind(3, ..., ...) = 0')
    if g.chance(.3): g.sockopt(3)
    g.add('listen(3, %d) = 0' % g.pick(0, 5, 5))
    g.ts, g.sack, g.scale, g.tsval, g.p = g.chance(.6), g.chance(.7), g.pick(None, 0, 7, 14), 1000, 1
    mss = g.pick(100, 535, 536, 1000, 1299, 1300, 1439, 1440, 1460, 9000)
    o = ['mss %d' % mss] + (['sackOK'] if g.sack else ['nop', 'nop']) + (['TS val 1000 ecr 0'] if g.ts else []) + (['nop', 'wscale %d' % g.scale] if g.scale is not None else [])
    known = g.ts and g.sack and g.scale is not None and not g.sys # the timestamp is learned where the answer can be told
    g.add('< %s 0:0(0) win %d <%s>' % (g.pick('S', 'S', 'SEW'), g.pick(65535, 1000), ','.join(o)))
    g.add('> S. 0:0(0) ack 1 %s' % ('<mss 1460,sackOK,TS val 100 ecr 1000,nop,wscale 7>' if known else '<...>'))
    if not known: g.ts = False
    if g.chance(.15): g.add('`sysctl -q net.ipv4.%s`' % g.pick('tcp_syncookies=0', 'tcp_syncookies=1', 'tcp_timestamps=0', 'tcp_sack=0', 'tcp_window_scaling=0'))
    length = g.pick(0, 0, 0, 10, 1000)
    g.win = g.pick(500, 65535, 0)
    g.segment(g.pick('.', '.', 'P.', 'F.', 'R.', 'E.'), seq=g.pick(1, 1, 1, 1, 2), ack=g.pick(1, 1, 1, 1, 2), length=length, delta=g.pick(.011, .1, 1.3), win=g.win)
    if g.chance(.3): g.segment('P.', length=10, ack=1)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4', .01)
    g.p, g.open = 1 + length, True
    g.ask()
    g.mix(g.pick(1, 3, 5), write=3, data=2, ack=2, read=1, odd_segment=.5)
    g.end()

def cookie_option(g): return g.pick(*['FO TFO_COOKIE'] * 6, 'FO', 'FO', 'FO 0011223344556677', 'FOEXP TFO_COOKIE', 'FOEXP', 'FO 00112233', '')

def area_fastserver(g): # several fast opens at one listener
    g.sysctls(1, ('tcp_timestamps', 'tcp_sack'))
    mode = g.pick(2, 2, 2, 3, 0x402, 0x602, 0x202)
    g.add('`sysctl -q net.ipv4.tcp_fastopen=%d net.ipv4.tcp_synack_retries=%d net.ipv4.tcp_abort_on_overflow=%d`' % (mode, g.pick(5, 5, 1), g.pick(0, 0, 1)))
    g.add('`sysctl -q net.ipv4.tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`')
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
    g.add('bind(3, ..., ...) = 0')
    if not mode & 0x400 or g.chance(.5): g.add('setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [%d], 4) = 0' % g.pick(1, 2, 5, 5))
    if g.chance(.1): g.add('setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, [1], 4) = 0')
    if g.chance(.15): g.add('setsockopt(3, IPPROTO_TCP, TCP_DEFER_ACCEPT, [2], 4) = 0')
    g.add('listen(3, %d) = 0' % g.pick(0, 1, 5, 5))
    peers, at, fd, fds = Peers(g, False), 0, 10, []
    for _ in range(g.pick(4, 8, 12, 16)):
        what = g.rng.random()
        if what < .35 and at < len(PORTS):
            n = g.pick(0, 10, 100, 1000, 1400)
            o = ','.join(x for x in ('mss 1000', g.pick('sackOK', 'nop,nop'), cookie_option(g)) if x)
            port = PORTS[at]
            g.add('< %d > BINDPORT S 0:%d(%d) win %d <%s>' % (port, n, n, g.pick(65535, 65535, 1000), o), .13)
            g.add('> BINDPORT > %d S. 0:0(0) ack 1~65535 <...>' % port)
            peers.next[port] = g.pick(n + 1, n + 1, n + 1, 1)
            at += 1
        elif what < .4 and at: peers.syn(g.pick(*PORTS[:at]), answered=False, opts='<mss 1000,%s>' % (cookie_option(g) or 'nop'), length=g.pick(0, 10, 1000), delta=g.pick(.02, .6))
        elif what < .6 and at: peers.say(g.pick(*PORTS[:at]), length=g.pick(0, 0, 0, 10, 1000), flags=g.pick('.', '.', 'P.'), ack=g.pick(1, 1, 1, 1, 2, 101), win=65535)
        elif what < .68 and at: peers.say(g.pick(*PORTS[:at]), flags=g.pick('R', 'R', 'R.', 'F.', 'F.', 'S'), ack=g.pick(1, 1, 101))
        elif what < .78: g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = %d' % fd, .01); fds.append(fd); fd += 1
        elif what < .9 and fds:
            f = g.pick(*fds)
            g.add(g.pick('read(%d, ..., 10000) = ...', 'write(%d, ..., 100) = ...', 'write(%d, ..., 3000) = ...', 'shutdown(%d, SHUT_WR) = ...', 'close(%d) = ...',
                         'getsockopt(%d, SOL_SOCKET, SO_ERROR, [...], [4]) = ...', 'poll([{fd=%d, events=POLLIN|POLLOUT|POLLRDHUP, revents=...}], 1, 0) = ...') % f, .01)
        elif what < .92: g.add('`sysctl -q net.ipv4.tcp_fastopen_key=%s`' % g.pick('00000000-00000000-00000000-00000000,a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4', 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4'))
        elif what < .935: g.add('close(3) = 0', .01)
        else: g.add('usleep(1000) = 0', g.pick(.3, 1.1, 2.3, 5))
    g.add('usleep(1000) = 0', g.pick(.3, 1.5))

def area_fastclient(g): # one fast open after the other to one server
    g.sysctls(1, ('tcp_timestamps', 'tcp_sack', 'tcp_syn_linear_timeouts'))
    mode = g.pick(1, 1, 1, 3, 5, 5, 7)
    g.add('`sysctl -q net.ipv4.tcp_fastopen=%d net.ipv4.tcp_fastopen_blackhole_timeout_sec=%d`' % (mode, g.pick(0, 0, 3600, 2)))
    g.add('`ip tcp_metrics flush all`') # a namespace has many scripts
    known = mode & 4 != 0
    for i in range(g.pick(1, 2, 3, 4)):
        fd, n = 4 + i, g.pick(1, 100, 500, 1000, 1400, 2000, 3000, 0)
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = %d' % fd, .1)
        if g.chance(.1): g.sockopt(fd)
        if g.chance(.1): g.add('setsockopt(%d, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, [1], 4) = 0' % fd); known = True
        if g.chance(.35):
            g.add('setsockopt(%d, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0' % fd)
            g.add('connect(%d, ..., ...) = ...' % fd)
            if g.chance(.2): g.add('poll([{fd=%d, events=POLLIN|POLLOUT|POLLRDHUP, revents=...}], 1, 0) = ...' % fd)
            if g.chance(.1): g.add('shutdown(%d, SHUT_WR) = ...' % fd)
            g.add(g.pick('write(%d, ..., %d) = ...', 'write(%d, ..., %d) = ...', 'sendto(%d, ..., %d, MSG_FASTOPEN, ..., ...) = ...', 'sendto(%d, ..., %d, MSG_MORE, NULL, 0) = ...') % (fd, n))
        else: g.add('sendto(%d, ..., %d, %s, ..., ...) = ...' % (fd, n, g.pick('MSG_FASTOPEN', 'MSG_FASTOPEN', 'MSG_FASTOPEN', 'MSG_FASTOPEN|MSG_MORE')))
        sent = min(n, 1420) if known else 0
        g.add('> S 0:%d(%d) <...>' % (sent, sent))
        g.fd, g.open, g.p, g.h, g.hu, g.wr_shut, g.ts, g.pfin = fd, True, 1, 1 + n, 1, False, False, False
        if g.chance(.2): g.add(g.pick('write(%d, ..., 100) = ...', 'close(%d) = 0', 'shutdown(%d, SHUT_WR) = 0', 'read(%d, ..., 100) = ...') % fd, .01)
        if g.chance(.25): g.add('usleep(1000) = 0', g.pick(1.1, 2.2, 3.4))
        o = ','.join(x for x in ('mss %d' % g.pick(1000, 1000, 1460, 500), g.pick('sackOK', 'nop,nop'), g.pick('FO 0011223344556677', 'FO 0011223344556677', '', 'FO 001122', 'FO', 'FOEXP 00112233', 'FO 00112233445566778899aabbccddeeff')) if x)
        what = g.rng.random()
        if what < .75:
            length = g.pick(0, 0, 0, 0, 10)
            g.add('< %s 0:%d(%d) ack %d win %d <%s>' % (g.pick('S.', 'S.', 'S.', 'SE.'), length, length, g.pick(1, 1, n + 1, n + 1, sent + 1, max(1, sent // 2), n + 2), g.pick(65535, 65535, 1000, 0), o), g.pick(.011, .1))
            known = known or 'FO 0011' in o
        elif what < .8: g.add('< S 0:0(0) win 65535 <%s>' % o, .02)
        elif what < .85: g.add('< R. 0:0(0) ack 1 win 0', .02)
        elif what < .9: g.add('icmp unreachable port_unreachable [0:0(0)]' if False else '< R 0:0(0) win 0', .02)
        for _ in range(g.pick(0, 1, 2, 4)):
            what = g.rng.random()
            if what < .3: g.segment('.', ack=g.pick(1, sent + 1, n + 1), win=65535, delta=g.pick(.01, .1))
            elif what < .5: g.segment(g.pick('P.', 'F.'), length=g.pick(0, 10), ack=g.pick(1, n + 1), seq=g.pick(1, 1, 11), win=65535, delta=.02)
            elif what < .6: g.segment('R', seq=g.pick(1, 1, 11), delta=.02)
            elif what < .75: g.add(g.pick('write(%d, ..., 100) = ...', 'write(%d, ..., 3000) = ...', 'read(%d, ..., 100) = ...') % fd, .01)
            elif what < .85: g.add('usleep(1000) = 0', g.pick(.3, 1.1, 3))
            else: g.ask()
        g.add("%{ print('syn_data', tcpi_options & 32, 'fail', tcpi_fastopen_client_fail, 'state', tcpi_state) }%")
        if g.chance(.6): g.add('close(%d) = ...' % fd, .01)
        if g.chance(.5): g.segment('R', seq=g.pick(1, 1, 11), delta=.02)
    g.add('usleep(1000) = 0', .3)
