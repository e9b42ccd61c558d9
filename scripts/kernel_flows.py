"""kernel_flows.py: some fifty short lives of a connection, each as a packetdrill script without expectations, for kernel-matrix: what the host sends
and what TCP_INFO says of it are compared. flows() gives {name: text}; a name that ends in 'ts' is the flow with timestamps."""

FIELDS = {'st': 'state', 'ca': 'ca_state', 'cwnd': 'snd_cwnd', 'ssth': 'snd_ssthresh', 'un': 'unacked', 'sck': 'sacked', 'lost': 'lost', 'ret': 'retrans',
          'tot': 'total_retrans', 'bo': 'backoff', 'pr': 'probes', 'reord': 'reordering', 'mss': 'snd_mss', 'amss': 'advmss', 'pmtu': 'pmtu',
          'rmss': 'rcv_mss', 'rss': 'rcv_ssthresh', 'rsp': 'rcv_space', 'opt': 'options', 'app': 'delivery_rate_app_limited', 'dlv': 'delivered',
          'dce': 'delivered_ce', 'nsb': 'notsent_bytes', 'ooo': 'rcv_ooopack', 'swnd': 'snd_wnd', 'rwnd': 'rcv_wnd', 'trto': 'total_rto',
          'si': 'segs_in', 'so': 'segs_out'}
STATE = '%{ print(' + ','.join("'%s',tcpi_%s" % pair for pair in FIELDS.items()) + ",'ato',tcpi_ato//5000) }%"

class Flow:
    """A script in the making: step(delay, event) and what is built on it. TS: with timestamps."""
    def __init__(self, ts):
        self.ts, self.lines = ts, []

    def step(self, delay, *events):
        for event in events:
            self.lines.append('+%s %s' % (delay, event))
            delay = 0
        return self

    def segment(self, delay, ack, seq=1, length=0, flags='.', win=500, sack='', echo=100):
        options = (['nop,nop,TS val 200 ecr %d' % echo] if self.ts else []) + (['nop,nop,sack ' + sack] if sack else [])
        told = ' <%s>' % ','.join(options) if options else ''
        return self.step(delay, '< %s %d:%d(%d) ack %d win %d%s' % (flags, seq, seq + length, length, ack, win, told))

    def state(self, delay=0): return self.step(delay, STATE)
    def write(self, length, delay=0, fd=4): return self.step(delay, 'write(%d, ..., %d) = %d' % (fd, length, length))
    def read(self, length, delay=0, most=None): return self.step(delay, 'read(4, ..., %d) = %d' % (most or length, length))
    def close(self, delay=0, fd=4): return self.step(delay, 'close(%d) = 0' % fd)
    def text(self): return '\n'.join(self.lines) + '\n'

def syn(ts, mss=1000, wscale=7):
    return '<mss %d,%s,nop,wscale %d>' % (mss, 'sackOK,TS val 100 ecr 0' if ts else 'nop,nop,sackOK', wscale)

SYNACK = {True: '<mss 1460,sackOK,TS val 100 ecr 100,nop,wscale 7>', False: '<...>'}

def served(ts, mss=1000, ecn='', backlog=5, before=(), accept=True, marks=('', '')):
    """A connection that the host accepted at 0.05 s, non-blocking, as descriptor 4."""
    flow = Flow(ts).step(0, 'socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', 'setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0', 'bind(3, ..., ...) = 0')
    flow.step(0, *before).step(0, 'listen(3, %d) = 0' % backlog, '<%s S%s 0:0(0) win 65535 %s' % (marks[0], ecn, syn(ts, mss)), '> S. 0:0(0) ack 1 ' + SYNACK[ts])
    flow.step(.05, '<%s . 1:1(0) ack 1 win 500%s' % (marks[1], ' <nop,nop,TS val 120 ecr 100>' if ts else ''))
    return flow.step(0, 'accept(3, ..., ...) = 4', 'fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0') if accept else flow

def opened(fd=3):
    """A connection that the host opens, non-blocking: its SYN is out."""
    return Flow(False).step(0, 'socket(..., SOCK_STREAM, IPPROTO_TCP) = %d' % fd, 'fcntl(%d, F_SETFL, O_RDWR|O_NONBLOCK) = 0' % fd,
                            'connect(%d, ..., ...) = -1 EINPROGRESS' % fd, '> S 0:0(0) <...>')

def listening(backlog=1):
    return Flow(False).step(0, 'socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', 'bind(3, ..., ...) = 0', 'listen(3, %d) = 0' % backlog)

# --- flows of an accepted connection, with and without timestamps -----------------------------------------------------------
def sack(ts):
    f = served(ts).write(10000).segment(.05, 1001).segment(0, 1001, sack='2001:3001').segment(.001, 1001, sack='2001:4001')
    f.segment(.001, 1001, sack='2001:5001').state().segment(.001, 1001, sack='2001:6001').state().segment(.05, 6001).state()
    return f.segment(3, 10001).state().write(20000).segment(.05, 30001).state().close(1).segment(2, 30002)

def rto(ts): return served(ts).write(3000).state(1).state(60).segment(1, 1001).state().segment(.5, 3001).state().state(1000)

def ooo(ts):
    f = served(ts).segment(0, 1, 1001, 1000, 'P.').segment(.001, 1, 3001, 1000).segment(.001, 1, 2001, 1000).state()
    f.segment(.01, 1, 1, 500).segment(.01, 1, 1, 1000).segment(.01, 1, 1, 1000).state().read(4000, most=10000)
    return f.segment(.1, 1, 4001, 100, 'P.').segment(.1, 1, 3500, 400).segment(.2, 1, 4101, 0, 'F.').state().close(.1).segment(2, 2, 4102).state()

def recv(ts):
    f = served(ts)
    for i in range(40): f.segment(.002, 1, 1 + i * 1000, 1000)
    f.state().read(20000, .1).read(20000, .1, 50000).state()
    for i in range(40, 60): f.segment(.01, 1, 1 + i * 1000, 1000).read(1000, most=10000)
    return f.state()

def orphan(ts): return served(ts).write(2000).close(.1).segment(200, 2001).segment(10, 2002)
def finwait2(ts): return served(ts).close().segment(.05, 2).segment(7, 2, 1, 100, 'P.').segment(70, 2, flags='F.').segment(1, 2, flags='F.')
def keepalive(ts): return served(ts).step(0, 'setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0').segment(40, 1).state().state(9000)

def zero_window(ts):
    return served(ts).write(2000).segment(.05, 2001, win=0).write(3000).segment(20, 2001, win=0).state().segment(30, 2001).state().segment(.1, 5001)

def idle(ts):
    f = served(ts).write(10000).segment(.05, 10001).write(40000, 10).state()
    for i in range(20): f.segment(.01, min(12001 + i * 2000, 50001))
    return f.state()

def time_wait(ts):
    stamp = ',nop,nop,TS val %d ecr 0' if ts else '%.0s'
    f = served(ts).close().segment(.05, 2, flags='F.').step(1, '< S 0:0(0) win 500 <mss 1000%s>' % (stamp % 300))
    return f.step(1, '< S 100000:100000(0) win 500 <mss 1000%s>' % (stamp % 400)).step(1, '< R 2:2(0) win 0').step(61, '< . 2:2(0) ack 2 win 500')

def mtu(ts):
    f = served(ts, 1460).write(20000).step(.01, '< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]').segment(.05, 1).state()
    return f.segment(30, 1461).state().segment(1, 20001).state().write(20000, 5).segment(.1, 40001).state()

def black_hole(ts): return served(ts, 1460).write(5000).state(100).segment(1, 537).state()

def small(ts):
    f = served(ts).write(100).write(100).write(1500).segment(.05, 101).step(0, 'send(4, ..., 300, MSG_MORE) = 300').segment(.3, 1201)
    f.step(0, 'setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0').write(100).step(.5, 'setsockopt(4, SOL_TCP, TCP_CORK, [0], 4) = 0').state()
    return f.step(0, 'setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0').write(10).write(10).segment(.1, 2101).state()

def challenges(ts):
    f = served(ts).step(0, '< S 5:5(0) win 500').step(.1, '< S 1:1(0) win 500')
    for i in (2, 3, 4): f.step(.001, '< R %d:%d(0) win 0' % (i, i))
    f.segment(.001, 2000000).segment(.001, 0).segment(.001, 1, 100000, 10).segment(.001, 1, 0).segment(.6, 1, 0).segment(.6, 1, 0).state()
    f.step(1.1, '< S 7:7(0) win 500').step(.001, '< S 8:8(0) win 500').step(.1, '< R 1:1(0) win 0')
    return f.step(0, 'read(4, ..., 10) = -1 ECONNRESET')

def slow_start(ts):
    f = served(ts).write(100000)
    for i in range(30): f.segment(.003, 2001 + i * 2000)
    return f.state()

def frto(ts):
    f = served(ts).write(10000).segment(.05, 1001).segment(2, 2001, echo=100 if ts else 0).state().segment(.001, 3001).state()
    return f.segment(.001, 4001).state().segment(.05, 10001).state().write(30000).state()

def reordering(ts):
    f = served(ts).write(10000)
    for end, delay in ((6001, .05), (7001, .001), (8001, .001)): f.segment(delay, 1, sack='5001:%d' % end)
    return f.state().segment(.02, 5001, sack='5001:8001').state().segment(.001, 8001, sack='1:1001').state().segment(.1, 10001).state()

def interactive(ts):
    f = served(ts)
    for i in range(8): f.segment(.2, 1 + i * 50, 1 + i * 100, 100, 'P.').read(100, most=1000).write(50, .02)
    return f.state()

def small_buffer(ts):
    f = served(ts, before=('setsockopt(3, SOL_SOCKET, SO_RCVBUF, [8000], 4) = 0',))
    for i in range(14): f.segment(.01, 1, 1 + i * 700, 700)
    return f.state().read(3000, .1).segment(.1, 1, 9801, 700).read(3000, .1, 30000).state()

def not_sent(ts):
    wait = 'epoll_wait(5, {...}, 1, 0) = %d'
    f = served(ts).step(0, 'epoll_create(1) = 5', 'epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0', wait % 1)
    return f.write(500000).segment(.05, 10001).step(.01, wait % 0).segment(.05, 30001).step(.01, wait % 0).state()

def marks(ts, asked='EW'):
    stamp = ' <nop,nop,TS val 300 ecr 100>' if ts else ''
    f = served(ts, ecn=asked).write(5000).segment(.05, 1001, flags='E.').state().segment(.05, 5001, flags='W.').write(3000)
    return f.step(0, '<[ce] P. 1:101(100) ack 5001 win 500' + stamp).state()

def accecn(ts): return marks(ts, 'EWA')

def overflow(ts):
    f = served(ts, backlog=0, accept=False)
    for port in (40000, 40001, 40002):
        f.step(.1, '< %d > 8080 S 0:0(0) win 500 %s' % (port, syn(ts)))
        f.step(.01, '< %d > 8080 . 1:1(0) ack 1 win 500%s' % (port, ' <nop,nop,TS val 120 ecr 100>' if ts else ''))
    return f.step(30, 'accept(3, ..., ...) = 4')

# --- the others -------------------------------------------------------------------------------------------------------------
def synack_repeats(): return listening().step(0, '< S 0:0(0) win 500 ' + syn(False), '> S. 0:0(0) ack 1 <...>').step(200, '< . 1:1(0) ack 1 win 500')

def many_requests():
    f = listening()
    for i in range(6): f.step(.1, '< %d > 8080 S 0:0(0) win 500 <mss 1000,sackOK>' % (40000 + i))
    return f.step(5, '< 40001 > 8080 . 1:1(0) ack 1 win 500')

def no_answer(): return opened().step(1500, 'connect(3, ..., ...) = -1 ETIMEDOUT')

def client():
    f = opened().step(.05, '< S. 0:0(0) ack 1 win 5840 <mss 1460,nop,nop,sackOK,nop,wscale 3>', 'connect(3, ..., ...) = 0').state()
    f.write(4000, .1, 3).segment(.05, 4001).state().segment(.1, 4001, flags='F.').write(100, .1, 3).step(.1, '< R 2:2(0) win 0').state()
    return f.step(0, 'write(3, ..., 1) = -1 ECONNRESET')

def fast_server():
    f = served(True, accept=False, before=('setsockopt(3, SOL_TCP, TCP_FASTOPEN, [5], 4) = 0',)).step(0, 'accept(3, ..., ...) = 4')
    for port, length, option in ((40000, 100, ',nop,nop,FO TFO_COOKIE,nop,nop'), (40001, 0, ',nop,nop,FO,nop,nop'),
                                 (40002, 100, ',nop,nop,FO 1234567812345678,nop,nop'), (40003, 100, '')):
        f.step(.1, '< %d > 8080 S 0:%d(%d) win 500 <mss 1000,sackOK%s>' % (port, length, length, option))
    return f.step(1, 'accept(3, ..., ...) = 5')

def fast_client():
    def send(flow, fd, delay, result):
        return flow.step(delay, 'socket(..., SOCK_STREAM, IPPROTO_TCP) = %d' % fd, 'fcntl(%d, F_SETFL, O_RDWR|O_NONBLOCK) = 0' % fd,
                         'sendto(%d, ..., 500, MSG_FASTOPEN, ..., ...) = %s' % (fd, result))
    f = send(Flow(False), 3, 0, '-1 EINPROGRESS').step(0, '> S 0:0(0) <...>')
    f.step(.05, '< S. 0:0(0) ack 1 win 5840 <mss 1460,nop,nop,sackOK,nop,wscale 3,FO abcd1234abcd1234,nop,nop>')
    f.segment(.05, 501).close(.1, 3).segment(.05, 502, flags='F.')
    send(f, 4, .5, '500').step(0, '> S 0:500(500) <...>').close(5)
    return send(f, 5, 1, '500').close(5, 5)

def urgent():
    f = served(False).step(0, 'send(4, ..., 100, MSG_OOB) = 100').segment(.05, 101).step(0, '< PU. 1:101(100) ack 101 win 500 urg 50')
    return f.read(49, .1, 1000).step(0, '< PU. 101:201(100) ack 101 win 500 urg 100').read(49, .1, 1000)

def tos():
    f = served(False, marks=('[tos 0x28]', '[tos 0x48]')).write(100).segment(.05, 101).step(0, 'getsockopt(4, IPPROTO_IP, IP_TOS, [0], [4]) = 0')
    return f.close(.1).segment(.1, 102, flags='F.').segment(.1, 102, 2)

BOTH = (sack, rto, ooo, recv, orphan, finwait2, keepalive, zero_window, idle, time_wait, mtu, black_hole, small, challenges, slow_start, frto, reordering,
        interactive, small_buffer, not_sent, marks, accecn, overflow)
ALONE = (synack_repeats, many_requests, no_answer, client, fast_server, fast_client, urgent, tos)

def flows():
    named = {make.__name__ + ('ts' if ts else ''): make(ts).text() for make in BOTH for ts in (False, True)}
    return dict(named, **{make.__name__: make().text() for make in ALONE})
