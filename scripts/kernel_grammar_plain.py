"""kernel_grammar_plain.py: kernel_grammar's areas of what people write scripts about: a connection, a few steps, and a look after each. One subject an area: an
option set in the middle, a message of the error queue, a timer that fires, a call that waits, an address that is taken. Losses and answers are as a peer would make them."""
import kernel_grammar_flows as flows
from kernel_grammar_watch import ALL, look

def pass_time(g, *choices): g.add('usleep(1000) = 0', g.pick(*choices))

def option(g, text, fd=4, size=4, delta=0):
    g.add('setsockopt(%d, %s, %d) = ...' % (fd, text, size), delta)

def active(g, ts=False, win=65535, scale=None, mss=1000):
    """A connection that the host opens."""
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
    g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>')
    g.mss, g.scale, g.ts, g.sack, g.win, g.tsval, g.rtt = mss, scale, ts, True, win >> (scale or 0), 1000, .02
    g.begin = len(g.events)
    g.add('< S. 0:0(0) ack 1 win %d <mss %d,%ssackOK%s>' % (win, mss, 'TS val 1000 ecr 100,' if ts else 'nop,nop,', ',nop,wscale %d' % scale if scale is not None else ''), .02)
    g.open, g.unit = True, mss - 12 * ts

def either(g, **kw):
    """A connection by either side's doing."""
    if g.chance(.3): active(g, ts=g.chance(.3))
    else: flows.opened(g, rtt=g.pick(.011, .03, .05), **kw)

def step(g, una, weights='wwaarrdks'):
    """One thing that happens to any connection; the new una."""
    what = g.pick(*weights)
    if what == 'w': n = g.pick(1, 100, 500, 1000, 1000, 2000, 5000, 10000, 20000); g.add('write(4, ..., %d) = ...' % n, g.pick(0, .01, .05)); g.h += 0 if g.wr_shut else n
    elif what == 'a':
        una = g.pick(g.h, g.h, min(g.h, una + g.unit), min(g.h, una + 2 * g.unit), una); flows.answer(g, una, delta=g.pick(.005, g.rtt, g.rtt, .25)); g.hu = una
    elif what == 'd': n = g.pick(1, 100, 1000, 1000, 2000); g.data(n, delta=g.pick(.005, .02, .05), stamp=0)
    elif what == 'r': g.add('read(4, ..., %d) = ...' % g.pick(10, 100, 1000, 10000), g.pick(0, .01))
    elif what == 'k' and g.h > una + 2 * g.unit and g.sack:
        a = una + g.unit * g.pick(1, 1, 2)
        flows.answer(g, una, [(a, min(g.h, a + g.unit * g.pick(1, 2, 3)))], delta=g.pick(.001, g.rtt))
    elif what == 's': pass_time(g, .05, .25, .5, 1.1)
    return una

def area_plain(g): # a connection's life, nothing odd
    g.sysctls(1, ('tcp_timestamps', 'tcp_sack', 'tcp_congestion_control'))
    either(g)
    una = 1
    for _ in range(g.pick(3, 6, 10)):
        una = step(g, una)
        if g.chance(.6): g.info()
        if g.chance(.3): look(g)
    for what in g.pick(['close'], ['shut', 'fin', 'close'], ['fin', 'close'], ['shut', 'close'], ['fin', 'shut'], ['rst'], ['shut', 'rst']):
        if what == 'close': g.close(.01)
        elif what == 'shut': g.add('shutdown(4, %s) = 0' % g.pick('SHUT_WR', 'SHUT_RDWR'), .01); g.h += 1; g.wr_shut = True
        elif what == 'fin': g.segment('F.', ack=una, stamp=0, delta=.02); g.p += 1
        else: g.segment('R.', ack=una, stamp=0, delta=.02)
        if g.open: look(g); g.info()
        if g.chance(.7): una = g.h; flows.answer(g, una, delta=.02)
    if g.chance(.5): g.segment('F.', ack=g.h, stamp=0, delta=.02)
    g.end()

def area_stamps(g): # SO_TIMESTAMPING and its relatives: what the error queue holds after each step
    g.sysctls(1, ('tcp_timestamps',))
    either(g)
    flags = 'SOF_TIMESTAMPING_SOFTWARE|' + '|'.join('SOF_TIMESTAMPING_' + f for f in g.rng.sample(['TX_SCHED', 'TX_SOFTWARE', 'TX_ACK', 'OPT_ID', 'OPT_TSONLY', 'RX_SOFTWARE', 'OPT_CMSG', 'OPT_ID_TCP'], g.pick(2, 3, 4, 5))) + '|SOF_TIMESTAMPING_RX_SOFTWARE'
    late = g.chance(.2)
    if not late: option(g, 'SOL_SOCKET, %s, [%s]' % (g.pick('SO_TIMESTAMPING', 'SO_TIMESTAMPING', 'SO_TIMESTAMPING_NEW'), flags))
    zerocopy = g.chance(.3) # both wait in one queue
    if zerocopy: option(g, 'SOL_SOCKET, SO_ZEROCOPY, [1]'); option(g, 'SOL_SOCKET, SO_SNDBUF, [1000000]') # what its pages cost is not followed
    if g.chance(.2): option(g, 'SOL_SOCKET, %s, [1]' % g.pick('SO_TIMESTAMP', 'SO_TIMESTAMPNS'))
    if g.chance(.2): option(g, 'IPPROTO_TCP, TCP_NODELAY, [1]')
    una = 1
    errors = lambda n=3000: g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., %d}], msg_flags=0, msg_control=[...]}, MSG_ERRQUEUE) = ...' % n, .001)
    for _ in range(g.pick(3, 5, 8)):
        what = g.rng.random()
        n = g.pick(1, 100, 1000, 1500, 3000, 15000)
        if what < .2: g.add('write(4, ..., %d) = ...' % n, .005); g.h += n
        elif what < .35: g.add('send(4, ..., %d, %s) = ...' % (n, g.pick('MSG_MORE', 'MSG_EOR', '0', *['MSG_ZEROCOPY', 'MSG_ZEROCOPY|MSG_MORE'] * zerocopy)), .005); g.h += n
        elif what < .5:
            g.add('sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., %d}], msg_flags=0, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMPING, cmsg_data=%s}]}, %s) = ...' % (n, '|'.join('SOF_TIMESTAMPING_' + f for f in g.rng.sample(['TX_SCHED', 'TX_SOFTWARE', 'TX_ACK'], g.pick(1, 2))), g.pick('0', '0', 'MSG_MORE', *['MSG_ZEROCOPY'] * zerocopy)), .005); g.h += n
        elif what < .8: una = step(g, una, 'aaakks')
        elif what < .87: g.data(g.pick(1, 1000), delta=.01, stamp=0); g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 3000}], msg_flags=0, msg_control=[...]}, 0) = ...', .004)
        elif what < .93: option(g, 'SOL_SOCKET, SO_TIMESTAMPING, [%s]' % g.pick(flags, '0'))
        else: g.shutdown()
        for _ in range(g.pick(0, 1, 1, 2, 3)): errors(g.pick(0, 10, 3000, 3000))
        if g.chance(.3): look(g)
    for _ in range(3): errors()
    g.end()

def area_zerocopy(g): # MSG_ZEROCOPY: notifications
    g.sysctls(1, ('tcp_wmem',))
    either(g, ts=False)
    if g.chance(.9): option(g, 'SOL_SOCKET, SO_ZEROCOPY, [1]')
    if g.chance(.3): option(g, 'SOL_SOCKET, SO_SNDBUF, [%d]' % g.pick(5000, 30000))
    una = 1
    for _ in range(g.pick(3, 5, 8)):
        what = g.rng.random()
        n = g.pick(0, 1, 100, 1000, 4000, 10000, 40000)
        if what < .4: g.add('send(4, ..., %d, %s) = ...' % (n, g.pick('MSG_ZEROCOPY', 'MSG_ZEROCOPY', 'MSG_ZEROCOPY|MSG_MORE', 'MSG_ZEROCOPY|MSG_EOR', 'MSG_ZEROCOPY|MSG_DONTWAIT')), .005); g.h += n
        elif what < .5: g.add('write(4, ..., %d) = ...' % n, .005); g.h += n
        elif what < .8: una = step(g, una, 'aaaks')
        elif what < .85: g.shutdown()
        elif what < .9: g.segment(g.pick('R.', 'F.'), ack=una, stamp=0, delta=.02)
        else: option(g, 'SOL_SOCKET, SO_ZEROCOPY, [%d]' % g.pick(0, 1, 2))
        for _ in range(g.pick(0, 1, 1, 2)): g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., %d}], msg_flags=0, msg_control=[...]}, MSG_ERRQUEUE) = ...' % g.pick(0, 100), .001)
        if g.chance(.4): look(g)
    for _ in range(3): g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0, msg_control=[...]}, MSG_ERRQUEUE) = ...', .001)
    g.end()

def area_alive(g): # keepalive, with and without a user timeout; answered, late, not at all
    g.sysctls(1, ('tcp_keepalive_time', 'tcp_keepalive_probes', 'tcp_timestamps'))
    if g.chance(.3): g.add('`sysctl -q net.ipv4.tcp_keepalive_intvl=%d`' % g.pick(1, 2))
    either(g)
    on = lambda: option(g, 'SOL_SOCKET, SO_KEEPALIVE, [%d]' % g.pick(1, 1, 1, 0), delta=g.pick(0, 0, .3))
    knobs = [lambda: option(g, 'IPPROTO_TCP, TCP_KEEPIDLE, [%d]' % g.pick(1, 1, 2), delta=g.pick(0, 0, .4)), lambda: option(g, 'IPPROTO_TCP, TCP_KEEPINTVL, [%d]' % g.pick(1, 2), delta=g.pick(0, 0, .4)),
             lambda: option(g, 'IPPROTO_TCP, TCP_KEEPCNT, [%d]' % g.pick(1, 2, 3)), lambda: option(g, 'IPPROTO_TCP, TCP_USER_TIMEOUT, [%d]' % g.pick(500, 1500, 2500, 0))]
    first = g.chance(.5)
    if first: on()
    for k in knobs[:2]: k() if g.chance(.95) else None
    for k in knobs[2:]: k() if g.chance(.6) else None
    if not first: on()
    una = 1
    if g.chance(.3): option(g, 'IPPROTO_IP, IP_RECVERR, [1]')
    for _ in range(g.pick(2, 3, 5)):
        what = g.rng.random()
        if what < .4: pass_time(g, .7, 1.1, 1.3, 2.2)
        elif what < .65: una = step(g, una, 'aawdr')
        elif what < .75: g.segment('.', ack=g.h, seq=g.p + g.pick(0, -1), stamp=0, delta=g.pick(.01, .3))
        elif what < .82: g.pick(*knobs)()
        elif what < .88: on()
        elif what < .91: g.icmp()
        elif what < .94: g.add('shutdown(4, SHUT_WR) = 0', .01); g.h += not g.wr_shut; g.wr_shut = True
        else: g.segment('F.', ack=una, stamp=0, delta=.02); g.p += 1
        if g.chance(.5): g.info()
        if g.chance(.4): look(g)
    pass_time(g, 1.3, 2.6, 3.4)
    g.end()

def area_lingers(g): # SO_LINGER and close(): waiting or not, with text unsent, unread, unacknowledged; dup
    g.options.append('tolerance_usecs=100000000')
    g.sysctls(1, ('tcp_fin_timeout', 'tcp_orphan_retries'))
    either(g, win=g.pick(65535, 65535, 2000), scale=None)
    wait = g.chance(.5)
    if wait: g.add('fcntl(4, F_SETFL, O_RDWR) = 0')
    option(g, 'SOL_SOCKET, SO_LINGER, {onoff=%d, linger=%d}' % (g.pick(0, 1, 1, 1), g.pick(0, 1, 1, 2)), size=8)
    if g.chance(.2): option(g, 'IPPROTO_TCP, TCP_LINGER2, [%d]' % g.pick(-1, 0, 1, 2))
    if g.chance(.15): option(g, 'IPPROTO_TCP, TCP_CORK, [1]')
    una = 1
    for _ in range(g.pick(0, 1, 2, 3)): una = step(g, una, 'wwadrk')
    if g.chance(.2): g.add('shutdown(4, SHUT_WR) = 0', .01); g.h += 1; g.wr_shut = True
    if g.chance(.2): g.segment('F.', ack=una, stamp=0, delta=.02); g.p += 1
    if g.chance(.1): g.add('dup(4) = 6')
    if g.chance(.2): g.add(g.pick('read(4, ..., 100000) = ...', 'fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0'))
    g.add('...3 close(4) = ...' if wait else 'close(4) = ...', .01); g.h += not g.wr_shut; g.wr_shut, g.open = True, False
    for _ in range(g.pick(1, 2, 4)):
        what = g.rng.random()
        if what < .4: una = g.pick(g.h, g.h, g.h - 1, min(g.h, una + 1000)); flows.answer(g, una, delta=g.pick(.02, .1, .4))
        elif what < .6: g.segment('F.', ack=una, stamp=0, delta=.02); g.p += 1
        elif what < .7: g.data(100, delta=.02, stamp=0)
        elif what < .75: g.segment('R.', ack=una, stamp=0, delta=.02)
        else: pass_time(g, .25, .6, 1.2)
    pass_time(g, .6, 1.3)

def area_user_timeout(g): # TCP_USER_TIMEOUT, TCP_SYNCNT, retries: how a connection is given up
    g.sysctls(1, ('tcp_retries2', 'tcp_syn_retries', 'tcp_syn_linear_timeouts', 'tcp_thin_linear_timeouts'))
    if g.chance(.2):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        for o in ('IPPROTO_TCP, TCP_USER_TIMEOUT, [%d]' % g.pick(500, 1500, 2500), 'IPPROTO_TCP, TCP_SYNCNT, [%d]' % g.pick(1, 2)):
            if g.chance(.6): option(g, o)
        g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>'); g.open = True
        for _ in range(g.pick(2, 3)): pass_time(g, .6, 1.2, 1.3); look(g); g.info() if g.chance(.4) else None
        if g.chance(.4): g.add('< S. 0:0(0) ack 1 win 65535 <mss 1000>', .02)
        pass_time(g, 1.2, 2.1); look(g); g.end(); return
    either(g, ts=False, win=g.pick(65535, 5000), scale=None)
    t = lambda: option(g, 'IPPROTO_TCP, TCP_USER_TIMEOUT, [%d]' % g.pick(1, 300, 700, 1000, 1500, 3000, 0), delta=g.pick(0, 0, .3))
    if g.chance(.8): t()
    if g.chance(.2): option(g, 'IPPROTO_TCP, TCP_RTO_MAX_MS, [1000]')
    if g.chance(.2): option(g, 'IPPROTO_TCP, TCP_RTO_MIN_US, [%d]' % g.pick(50000, 400000))
    una = 1
    for _ in range(g.pick(1, 2, 3)): una = step(g, una, 'wwad')
    if g.chance(.4): flows.answer(g, una, delta=.02, win=0); g.add('write(4, ..., %d) = ...' % g.pick(100, 3000))
    elif g.h == una: g.add('write(4, ..., 1000) = ...', .01); g.h += 1000
    for _ in range(g.pick(2, 3, 5)):
        what = g.rng.random()
        if what < .5: pass_time(g, .3, .7, 1.1, 1.6)
        elif what < .6: flows.answer(g, una, delta=.02, win=g.pick(0, g.win))
        elif what < .75: una = step(g, una, 'awk')
        elif what < .85: t()
        elif what < .9: g.close(.01); break
        else: g.icmp()
        g.info()
        if g.chance(.5): look(g)
    pass_time(g, .7, 1.6, 3.1)
    g.end()

def area_waits(g): # calls that wait, and how long
    g.options.append('tolerance_usecs=100000000') # no range says when
    g.sysctls(1, ('tcp_wmem',))
    g.add('socket(..., SOCK_STREAM, IPPROTO_TCP) = 3'); g.add('bind(3, ..., ...) = 0'); g.add('listen(3, 1) = 0')
    g.mss, g.ts, g.sack, g.scale, g.win, g.rtt, g.unit, g.fd = 1000, False, False, None, g.pick(65535, 65535, 3000), .02, 1000, 4
    if g.chance(.3): g.add('...5 accept(3, ..., ...) = 4'); waiting = True
    else: waiting = False
    g.add('< S 0:0(0) win %d <mss 1000>' % g.win, .02); g.add('> S. 0:0(0) ack 1 <mss 1460>')
    g.segment('.', ack=1, delta=.02, stamp=0)
    g.begin = len(g.events)
    if not waiting: g.add('accept(3, ..., ...) = 4')
    g.open = True
    if g.chance(.3): option(g, 'SOL_SOCKET, SO_SNDBUF, [%d]' % g.pick(5000, 20000))
    if g.chance(.3): option(g, 'SOL_SOCKET, SO_RCVLOWAT, [%d]' % g.pick(2, 1500))
    for o in ('SO_RCVTIMEO', 'SO_SNDTIMEO'):
        if g.chance(.3): option(g, 'SOL_SOCKET, %s, {tv_sec=0, tv_usec=%d}' % (o, g.pick(120000, 520000)), size=16)
    una = 1
    for _ in range(g.pick(1, 2, 3)):
        call = g.pick('read(4, ..., %d) = ...' % g.pick(10, 1000, 3000), 'recv(4, ..., %d, MSG_WAITALL) = ...' % g.pick(10, 1500, 3000), 'recv(4, ..., 2000, MSG_PEEK) = ...', 'recv(4, ..., 2000, MSG_PEEK|MSG_WAITALL) = ...', 'write(4, ..., %d) = ...' % g.pick(10000, 200000),
                      'poll([{fd=4, events=%s, revents=...}], 1, %d) = ...' % (g.pick('POLLIN', 'POLLIN|POLLRDHUP', 'POLLIN|POLLPRI', '0', 'POLLIN|POLLERR'), g.pick(200, 1000)), 'recv(4, ..., 1, MSG_OOB) = ...', 'recv(4, ..., 3000, MSG_WAITALL|MSG_TRUNC) = ...')
        if call.startswith('write'): g.h += 10000
        g.add('...4 ' + call, .01)
        for _ in range(g.pick(1, 2, 4)):
            what = g.rng.random()
            if what < .4: g.data(g.pick(1, 100, 1000, 2000), delta=g.pick(.02, .05), stamp=0)
            elif what < .5: n = g.pick(1, 10, 100); g.segment('PU.', length=n, urg=g.pick(n, 1), stamp=0, delta=.02); g.p += n
            elif what < .75: una = min(g.h, una + g.pick(1000, 5000, 20000)); flows.answer(g, una, delta=.02)
            elif what < .83: g.segment(g.pick('F.', 'F.', 'R.'), ack=una, stamp=0, delta=.02); g.p += 1
            else: g.odd_data()
        g.add('usleep(1000) = 0', g.pick(.3, 1.1)) # the call has ended by then, or another one waits after it
        if g.chance(.5): break
    g.segment('R.', ack=una, stamp=0, delta=.05)
    look(g)
    pass_time(g, .5)

def area_low_water(g): # SO_RCVLOWAT, SO_RCVBUF, TCP_WINDOW_CLAMP: readiness and windows
    g.sysctls(1, ('tcp_rmem', 'tcp_moderate_rcvbuf', 'tcp_shrink_window'))
    either(g, ts=False)
    g.add('epoll_create(1) = 5'); g.add('epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLRDHUP%s, fd=4}) = ...' % g.pick('', '|EPOLLET'))
    knob = lambda: option(g, g.pick('SOL_SOCKET, SO_RCVLOWAT, [%d]' % g.pick(0, 1, 100, 1500, 5000, 60000, 1000000), 'SOL_SOCKET, SO_RCVBUF, [%d]' % g.pick(1000, 3000, 8000, 20000, 200000), 'IPPROTO_TCP, TCP_WINDOW_CLAMP, [%d]' % g.pick(500, 3000, 20000, 200000)), delta=g.pick(0, .01))
    knob()
    for _ in range(g.pick(4, 7, 11)):
        what = g.rng.random()
        if what < .5: g.data(g.pick(10, 100, 1000, 1000, 3000, 8000), delta=.01, stamp=0)
        elif what < .6: g.odd_data()
        elif what < .75: g.add('read(4, ..., %d) = ...' % g.pick(10, 500, 1000, 4000, 100000), .01)
        elif what < .9: knob()
        elif what < .95: g.segment('F.', stamp=0, delta=.01); g.p += 1
        else: n = 10; g.segment('PU.', length=n, urg=n, stamp=0, delta=.01); g.p += n
        look(g, 4, 5)
        if g.chance(.3): g.state()
    g.end()

def area_send_buffer(g): # SO_SNDBUF, writes that do not fit, POLLOUT, what is queued and not sent
    g.sysctls(1, ('tcp_wmem', 'tcp_notsent_lowat', 'tcp_autocorking'))
    either(g, ts=False, win=g.pick(65535, 10000, 4000), scale=None)
    g.add('epoll_create(1) = 5'); g.add('epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT%s, fd=4}) = ...' % g.pick('', '|EPOLLET'))
    knob = lambda: option(g, g.pick('SOL_SOCKET, SO_SNDBUF, [%d]' % g.pick(1000, 5000, 10000, 30000, 200000), 'IPPROTO_TCP, TCP_NOTSENT_LOWAT, [%d]' % g.pick(1, 1000, 5000, 20000)), delta=g.pick(0, .01))
    if g.chance(.8): knob()
    una = 1
    for _ in range(g.pick(4, 7, 11)):
        what = g.rng.random()
        if what < .5: n = g.pick(100, 1000, 5000, 20000, 100000, 1000000); g.add('%s = ...' % g.pick('write(4, ..., %d)', 'write(4, ..., %d)', 'send(4, ..., %d, MSG_MORE)', 'send(4, ..., %d, MSG_EOR)') % n, g.pick(0, .01)); g.h += min(n, 10000)
        elif what < .85: una = min(g.h, una + g.pick(1000, 2000, 4000, 10000)); flows.answer(g, una, delta=g.pick(.02, .02, .25)); g.hu = una
        elif what < .95: knob()
        else: g.shutdown()
        look(g, 4, 5)
        if g.chance(.4): g.info()
    g.end()

def area_ip_options(g): # TTL, TOS, class, MINTTL, priority, mark: what the packets say
    g.sysctls(1, ('tcp_ecn',))
    if g.chance(.3): g.add('`sysctl -q net.ipv4.ip_default_ttl=%d`' % g.pick(1, 33, 255)) # put back by the oracle
    if g.chance(.2): g.add('`sysctl -q net.ipv4.tcp_reflect_tos=1`')
    v6 = g.v6
    knob = lambda fd: option(g, g.pick('IPPROTO_IP, IP_TTL, [%d]' % g.pick(1, 33, 255, -1, 0, 256), 'IPPROTO_IP, IP_TOS, [%d]' % g.pick(0, 1, 3, 4, 0x10, 0x2e, 0xb8, 0xff, 256), 'IPPROTO_IP, IP_MINTTL, [%d]' % g.pick(0, 1, 64, 255), 'SOL_SOCKET, SO_PRIORITY, [%d]' % g.pick(0, 3, 6, 7),
                                  'SOL_SOCKET, SO_MARK, [%d]' % g.pick(0, 7), 'IPPROTO_IP, IP_RECVERR, [1]', 'IPPROTO_IP, IP_MTU_DISCOVER, [%d]' % g.pick(0, 1, 2, 3),
                                  *(['IPPROTO_IPV6, IPV6_TCLASS, [%d]' % g.pick(0, 1, 0x20, 0xb8, 255, -1, 256), 'IPPROTO_IPV6, IPV6_UNICAST_HOPS, [%d]' % g.pick(1, 33, 255, -1, 256), 'IPPROTO_IPV6, IPV6_MINHOPCOUNT, [%d]' % g.pick(0, 64, 255)] * 3 if v6 else [])), fd, delta=g.pick(0, .01))
    ask = lambda fd: g.add('getsockopt(%d, %s, [...], [4]) = ...' % (fd, g.pick('IPPROTO_IP, IP_TTL', 'IPPROTO_IP, IP_TOS', 'IPPROTO_IP, IP_MINTTL', 'SOL_SOCKET, SO_PRIORITY', 'SOL_SOCKET, SO_MARK', *(['IPPROTO_IPV6, IPV6_TCLASS', 'IPPROTO_IPV6, IPV6_UNICAST_HOPS'] if v6 else []))))
    dressed = lambda: g.pick('', '', '', '[ttl 1] ', '[ttl 63] ', '[ttl 255] ', '[tos 0x10] ', '[tos 0xb8] ', '[ect0] ') if not v6 else g.pick('', '', '[hlim 1] ', '[hlim 255] ', '[class 0x20] ', '[ect0] ')
    if g.chance(.7):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
        for _ in range(g.pick(0, 1, 2)): knob(3)
        g.add('bind(3, ..., ...) = 0'); g.add('listen(3, 1) = 0')
        g.add('< %sS 0:0(0) win 65535 <mss 1000>' % dressed()); g.add('> S. 0:0(0) ack 1 <...>')
        if g.chance(.2): knob(3)
        if g.chance(.2): pass_time(g, 1.2)
        g.segment('.', ack=1, delta=.02, opts=[], ip=dressed())
        g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4'); ask(4)
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        for _ in range(g.pick(0, 1, 2)): knob(4)
        g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>')
        if g.chance(.2): pass_time(g, 1.2)
        g.add('< %sS. 0:0(0) ack 1 win 65535 <mss 1000>' % dressed(), .02)
    g.open, g.ts = True, False
    for _ in range(g.pick(3, 5, 8)):
        what = g.rng.random()
        if what < .3: knob(4); ask(4)
        elif what < .5: g.write(n=g.pick(100, 1000, 3000))
        elif what < .7: n = g.pick(1, 100, 1000); g.segment('P.', length=n, opts=[], ip=dressed(), delta=.02); g.p += n
        elif what < .85: g.segment('.', opts=[], ip=dressed(), delta=.02)
        elif what < .9: g.segment(g.pick('R', 'S', 'P.'), seq=g.p + g.pick(0, 1000, -100), length=0, opts=[], ip=dressed(), delta=.02)
        elif what < .95: pass_time(g, .3, .7)
        else: ask(4)
    g.close(.01) if g.chance(.4) else None
    g.segment('.', opts=[], ip=dressed(), delta=.02)
    if g.chance(.5): g.segment('F.', opts=[], ip=dressed(), delta=.02)
    if g.chance(.5): g.segment(g.pick('P.', 'S'), seq=g.p + 1, length=0, opts=[], ip=dressed(), delta=.05)
    pass_time(g, .3)

def area_path_mtu(g): # ICMP tells of a smaller MTU while text is out; MSS limits; probing
    g.sysctls(1, ('tcp_mtu_probing', 'ip_no_pmtu_disc', 'tcp_base_mss', 'tcp_min_snd_mss'))
    either(g, ts=g.chance(.3), mss=1460) if g.chance(.8) else active(g, mss=1460)
    if g.chance(.2): option(g, 'IPPROTO_IP, IP_MTU_DISCOVER, [%d]' % g.pick(0, 1, 2, 3))
    una = 1
    for _ in range(g.pick(3, 5, 8)):
        what = g.rng.random()
        if what < .35: n = g.pick(1000, 1460, 3000, 5840, 14600); g.add('write(4, ..., %d) = ...' % n, g.pick(0, .01)); g.h += n
        elif what < .6:
            kind = 'icmpv6 packet_too_big mtu %d' % g.pick(1280, 1300, 1400, 1500) if g.v6 else 'icmp unreachable frag_needed mtu %d' % g.pick(0, 576, 600, 1000, 1200, 1400, 1490)
            g.add('< %s [%d:%d(1460)]' % (kind, una, una + 1460), g.pick(.01, .02))
        elif what < .85: una = step(g, una, 'aakks'); g.hu = una
        elif what < .92: option(g, 'IPPROTO_TCP, TCP_MAXSEG, [%d]' % g.pick(500, 1000, 1400))
        else: g.add('getsockopt(4, IPPROTO_%s_MTU, [...], [4]) = ...' % ('IPV6, IPV6' if g.v6 else 'IP, IP'))
        if g.chance(.6): g.info()
    pass_time(g, .3, 1.2)
    g.info()
    g.end()

def area_segment_size(g): # TCP_MAXSEG before and after, on listeners and their children; the peer's own
    g.sysctls(1, ('tcp_timestamps', 'tcp_min_snd_mss', 'tcp_rmem'))
    limit = lambda fd: option(g, 'IPPROTO_TCP, TCP_MAXSEG, [%d]' % g.pick(0, 48, 87, 88, 100, 536, 700, 1000, 1460, 2000, 32767, 32768), fd)
    ask = lambda fd: g.add('getsockopt(%d, IPPROTO_TCP, TCP_MAXSEG, [...], [4]) = ...' % fd)
    if g.chance(.6):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
        if g.chance(.6): limit(3)
        g.add('bind(3, ..., ...) = 0'); g.add('listen(3, 1) = 0'); ask(3)
        g.ts, g.tsval = g.chance(.3), 1000
        g.add('< S 0:0(0) win %d <mss %d%s>' % (g.pick(65535, 4000), g.pick(100, 536, 1000, 1460, 9000), ',sackOK,TS val 1000 ecr 0' if g.ts else ''))
        g.ts = g.ts and g.sys.get('tcp_timestamps', 1) != 0
        g.add('> S. 0:0(0) ack 1 <...>')
        g.segment('.', ack=1, delta=.02, opts=[] if not g.ts else None, stamp=0)
        g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        if g.chance(.6): limit(4)
        g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>'); ask(4)
        g.add('< S. 0:0(0) ack 1 win 65535 <mss %d>' % g.pick(100, 536, 1000, 1460, 9000), .02); g.ts = False
    g.open, g.rtt, g.unit, g.begin = True, .02, 1000, len(g.events)
    ask(4); g.info()
    for _ in range(g.pick(2, 4)):
        what = g.rng.random()
        if what < .5: g.write(n=g.pick(500, 2000, 5000))
        elif what < .65: limit(4); ask(4)
        elif what < .8: g.data(g.pick(100, 536, 1000, 1460), stamp=0, delta=.01)
        else: g.segment('.', stamp=0, delta=.02)
        if g.chance(.5): g.info()
    g.end()

def area_taken(g): # SO_REUSEADDR, SO_REUSEPORT, SO_BINDTODEVICE, addresses: who may bind and who gets a connection
    g.sys = {}
    fds = []
    address = lambda: g.pick('...', '...', '...', '{sa_family = AF_INET, sin_port = htons(BINDPORT), sin_addr = inet_addr("0.0.0.0")}', '{sa_family = AF_INET, sin_port = htons(BINDPORT), sin_addr = inet_addr("127.0.0.1")}', '{sa_family = AF_INET, sin_port = htons(BINDPORT), sin_addr = inet_addr("192.168.0.1")}')
    kind = g.pick('SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP', 'SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP', 'SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP', 'SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP')
    tcp = 'STREAM' in kind
    for fd in range(3, 3 + g.pick(2, 3, 4)):
        g.add('socket(%s, %s) = %d' % ('...' if g.v6 else g.pick('AF_INET', '...'), kind, fd)); fds.append(fd)
        for o in ('SO_REUSEADDR', 'SO_REUSEPORT'):
            if g.chance(.4): option(g, 'SOL_SOCKET, %s, [1]' % o, fd)
        if g.chance(.2): g.add('setsockopt(%d, SOL_SOCKET, SO_BINDTODEVICE, "%s", %d) = ...' % ((fd,) + g.pick(('tun0', 4), ('lo', 2), ('nosuch', 6), ('', 0))))
        g.add('bind(%d, %s, ...) = ...' % (fd, '...' if g.v6 else address()))
        if tcp and g.chance(.7): g.add('listen(%d, %d) = ...' % (fd, g.pick(0, 1, 5)))
    port = 40000
    for _ in range(g.pick(3, 6, 9)):
        what, fd = g.rng.random(), g.rng.choice(fds)
        if tcp and what < .35:
            port += 1
            g.add('< %d > BINDPORT S 0:0(0) win 65535 <mss 1000>' % port, .02)
            g.add('usleep(1000) = 0', .01)
        elif what < .35: g.add('< udp (%d)' % g.pick(10, 100), .02)
        elif what < .5: g.add('accept4(%d, ..., ..., SOCK_NONBLOCK) = ...' % fd) if tcp else g.add('read(%d, ..., 1000) = ...' % fd)
        elif what < .6: g.add('close(%d) = ...' % fd)
        elif what < .7: g.add('listen(%d, 1) = ...' % fd)
        elif what < .8: g.add('bind(%d, %s, ...) = ...' % (fd, '...' if g.v6 else address()))
        elif what < .9: g.add('poll([{fd=%d, events=%s, revents=...}], 1, 0) = ...' % (fd, ALL))
        else: option(g, 'SOL_SOCKET, %s, [%d]' % (g.pick('SO_REUSEADDR', 'SO_REUSEPORT'), g.pick(0, 1)), fd)
    for fd in fds: g.add('getsockname(%d, ..., ...) = ...' % fd)
    pass_time(g, .3)

def area_deferred(g): # TCP_DEFER_ACCEPT, TCP_SAVE_SYN, options that a child has of its listener
    g.sysctls(1, ('tcp_synack_retries', 'tcp_syncookies', 'tcp_abort_on_overflow'))
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
    if g.chance(.8): option(g, 'IPPROTO_TCP, TCP_DEFER_ACCEPT, [%d]' % g.pick(0, 1, 2, 5), 3); g.add('getsockopt(3, IPPROTO_TCP, TCP_DEFER_ACCEPT, [...], [4]) = ...')
    inherited = ['TCP_NODELAY, [1]', 'TCP_CORK, [1]', 'TCP_QUICKACK, [0]', 'TCP_KEEPIDLE, [1]', 'TCP_USER_TIMEOUT, [700]', 'TCP_LINGER2, [1]', 'TCP_WINDOW_CLAMP, [5000]', 'TCP_NOTSENT_LOWAT, [1000]', 'TCP_SYNCNT, [2]', 'TCP_INQ, [1]']
    for o in g.rng.sample(inherited, g.pick(0, 1, 2)): option(g, 'IPPROTO_TCP, ' + o, 3)
    if g.chance(.3): option(g, 'SOL_SOCKET, SO_RCVBUF, [%d]' % g.pick(3000, 20000), 3)
    g.add('bind(3, ..., ...) = 0'); g.add('listen(3, %d) = 0' % g.pick(0, 1, 2))
    g.mss, g.ts, g.sack, g.scale, g.win, g.rtt, g.unit = 1000, False, False, None, 65535, .02, 1000
    g.add('< S 0:0(0) win 65535 <mss 1000>'); g.add('> S. 0:0(0) ack 1 <...>')
    for _ in range(g.pick(1, 2, 3)):
        what = g.rng.random()
        if what < .5: g.segment('.', ack=1, delta=g.pick(.02, .02, 1.2), stamp=0)
        elif what < .75: n = g.pick(1, 100); g.segment('P.', length=n, ack=1, delta=.02, stamp=0); g.p += n
        elif what < .85: g.segment('F.', ack=1, delta=.02, stamp=0); g.p += 1
        else: pass_time(g, .5, 1.2, 3.2)
        if g.chance(.5): g.add('poll([{fd=3, events=POLLIN, revents=...}], 1, 0) = ...')
    if g.chance(.8): n = g.pick(1, 1000); g.segment('P.', length=n, ack=1, delta=.02, stamp=0); g.p += n
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4', g.pick(0, .02)); g.open = True
    for o in g.rng.sample(inherited, 2): g.add('getsockopt(4, IPPROTO_TCP, %s, [...], [4]) = ...' % o.split(',')[0])
    una = 1
    for _ in range(g.pick(1, 3)): una = step(g, una, 'wadrs')
    g.end()

def area_splices(g): # sendfile, splice, pipes, duplicates of a descriptor
    g.sysctls(1, ('tcp_wmem', 'tcp_autocorking'))
    either(g, ts=False, win=g.pick(65535, 65535, 5000), scale=None)
    g.add('open("zeros.bin", O_RDONLY) = 6'); g.add('pipe([7, 8]) = 0') if g.chance(.6) else None
    piped = 'pipe' in g.events[-1][1]
    una = 1
    for _ in range(g.pick(3, 5, 8)):
        what, n = g.rng.random(), g.pick(1, 100, 1000, 4096, 10000)
        if what < .3: g.add('sendfile(4, 6, [%d], %d) = ...' % (g.pick(0, 0, 10), n), g.pick(0, .01)); g.h += n
        elif what < .5 and piped: g.add(g.pick('splice(4, NULL, 8, NULL, %d, %s) = ...' % (n, g.pick('0', 'SPLICE_F_NONBLOCK')), 'splice(7, NULL, 4, NULL, %d, %s) = ...' % (n, g.pick('SPLICE_F_NONBLOCK', 'SPLICE_F_NONBLOCK|SPLICE_F_MORE')), 'write(8, ..., %d) = ...' % n), .005)
        elif what < .65: g.data(g.pick(100, 1000, 2000), delta=.01, stamp=0)
        elif what < .9: una = step(g, una, 'aawr')
        elif what < .95: g.shutdown()
        else: g.segment('F.', ack=una, stamp=0, delta=.01); g.p += 1
        if g.chance(.5): look(g)
        if g.chance(.3): g.info()
    g.end()

def area_repaired(g): # TCP_REPAIR on a connection and on a new socket; TCP_ULP and TCP_MD5SIG that are refused or kept
    g.sysctls(0)
    either(g, ts=False)
    una = 1
    for _ in range(g.pick(1, 2)): una = step(g, una, 'wwad')
    option(g, 'IPPROTO_TCP, TCP_REPAIR, [1]')
    for _ in range(g.pick(3, 6, 10)):
        o = g.pick('TCP_REPAIR_QUEUE, [%d]' % g.pick(0, 1, 2, 3), 'TCP_QUEUE_SEQ, [%d]' % g.pick(1, 1000, 100000), 'TCP_REPAIR, [%d]' % g.pick(0, 1, -1, 2), 'TCP_TIMESTAMP, [%d]' % g.pick(1, 5000), 'TCP_REPAIR_OPTIONS, [{2, 500}, {3, 7}]', 'TCP_REPAIR_WINDOW, {1, 1000, 2000, 1000, 1}')
        size = 16 if 'OPTIONS' in o else 20 if 'WINDOW' in o else 4
        what = g.rng.random()
        if what < .5: option(g, 'IPPROTO_TCP, ' + o, size=size)
        elif what < .65: g.add('getsockopt(4, IPPROTO_TCP, %s, [...], [4]) = ...' % g.pick('TCP_REPAIR', 'TCP_REPAIR_QUEUE'))
        elif what < .75: g.add('recv(4, ..., 1000, MSG_PEEK) = ...')
        elif what < .85: g.add('write(4, ..., 100) = ...')
        elif what < .92: g.segment(g.pick('.', 'P.', 'F.', 'R'), stamp=0, delta=.02)
        else: look(g)
    if g.chance(.5): option(g, 'IPPROTO_TCP, TCP_REPAIR, [%d]' % g.pick(0, -1))
    for _ in range(2): una = step(g, una, 'wards')
    if g.chance(.5): g.close(.01)
    g.end()

def area_one_peer_after_another(g): # one listener, connections that end in different ways; accept's order, errors and what is left
    g.sysctls(1, ('tcp_abort_on_overflow', 'tcp_fin_timeout', 'tcp_timestamps'))
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3'); g.add('bind(3, ..., ...) = 0'); g.add('listen(3, %d) = 0' % g.pick(1, 2, 5))
    fd = 4
    for port in range(40001, 40001 + g.pick(2, 3)):
        say = lambda text, delta=.02: g.add('< %d > BINDPORT %s' % (port, text), delta)
        say('S 0:0(0) win 65535 <mss 1000,nop,nop,sackOK>'); g.add('> BINDPORT > %d S. 0:0(0) ack 1 <...>' % port)
        say('. 1:1(0) ack 1 win 65535')
        how = g.pick('data', 'fin', 'rst', 'none', 'fin')
        p = 1
        if how == 'data': say('P. 1:101(100) ack 1 win 65535'); p = 101
        if how == 'fin': say('F. 1:1(0) ack 1 win 65535'); p = 2
        if how == 'rst': say('R. 1:1(0) ack 1 win 65535')
        g.add('poll([{fd=3, events=%s, revents=...}], 1, 0) = ...' % ALL)
        g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = %d' % fd)
        for _ in range(g.pick(1, 2, 3)):
            g.add(g.pick('write(%d, ..., 1000) = ...', 'read(%d, ..., 1000) = ...', 'getpeername(%d, ..., ...) = ...', 'getsockopt(%d, SOL_SOCKET, SO_ERROR, [...], [4]) = ...', 'shutdown(%d, SHUT_WR) = ...', 'poll([{fd=%d, events=' + ALL + ', revents=...}], 1, 0) = ...', 'ioctl(%d, SIOCOUTQ, ...) = ...') % fd, .005)
        if g.chance(.7): g.add('close(%d) = ...' % fd, .01); say('. %d:%d(0) ack %d win 65535' % (p, p, g.pick(1, 2, 1001, 1002))); say('%s %d:%d(0) ack %d win 65535' % (g.pick('F.', 'R', '.'), p, p, g.pick(2, 1002)))
        fd += 1
    pass_time(g, .5, 1.2)

def area_growth(g): # the window over many round trips: limited by it or not, idle, reduced by a loss or a mark
    g.sysctls(1, ('tcp_congestion_control', 'tcp_slow_start_after_idle', 'tcp_timestamps', 'tcp_early_retrans'))
    g.add('`sysctl -q net.ipv4.tcp_congestion_control=%s`' % g.pick('cubic', 'reno'))
    flows.opened(g, ts=g.chance(.3) and g.sys.get('tcp_timestamps', 1) != 0, rtt=g.pick(.03, .05))
    una = 1
    for _ in range(g.pick(4, 7)):
        n = g.pick(1, 2, 5, 10, 10, 20, 40)
        g.add('write(4, ..., %d) = ...' % (n * g.unit), g.pick(0, .01, .01, .4, 1.5)); g.h += n * g.unit
        if g.chance(.15) and g.h - una > 4 * g.unit: # one segment is lost, and sent again
            for i in range(2, 5): flows.answer(g, una, [(una + g.unit, una + i * g.unit)], delta=g.rtt if i == 2 else 0)
            g.info()
        while una < g.h and g.chance(.85): # no round trip of no time: RACK and CUBIC would go by microseconds
            una = min(g.h, una + g.unit * g.pick(1, 2, 2, 2, 4)); flows.answer(g, una, delta=g.pick(g.rtt / 3, g.rtt))
            if g.chance(.3): g.info()
        g.info()
    una = g.h; flows.answer(g, una, delta=.05)
    g.end()

def area_congestion(g): # TCP_CONGESTION in the middle, TCP_CC_INFO's owners, windows set by it
    g.sysctls(1, ('tcp_slow_start_after_idle', 'tcp_recovery'))
    either(g)
    una = 1
    for _ in range(g.pick(3, 5, 7)):
        una = step(g, una, 'wwwaaks')
        if g.chance(.4): g.add('setsockopt(4, IPPROTO_TCP, TCP_CONGESTION, "%s", %d) = ...' % g.pick(('reno', 4), ('cubic', 5), ('reno', 5), ('nosuch', 6), ('', 0)), g.pick(0, .01))
        if g.chance(.3): g.add('getsockopt(4, IPPROTO_TCP, TCP_CONGESTION, ..., [%d]) = ...' % g.pick(16, 4, 20))
        g.info()
    g.end()

def area_routes(g): # a route's own metrics, and a route that goes away
    g.sysctls(0)
    what = g.rng.sample(['mtu %d' % g.pick(600, 1000, 1400), 'mtu lock %d' % g.pick(600, 1000), 'advmss %d' % g.pick(500, 1000), 'initcwnd %d' % g.pick(1, 3, 20), 'initrwnd %d' % g.pick(2, 10, 40), 'window %d' % g.pick(2000, 20000), 'rto_min %dms' % g.pick(40, 500), 'quickack 1',
                         'hoplimit %d' % g.pick(33, 255), 'congctl reno', 'features ecn', 'reordering %d' % g.pick(3, 8), 'cwnd %d' % g.pick(3, 20), 'ssthresh 5', 'rtt 300ms'], g.pick(1, 1, 2))
    route = lambda verb, more: g.add('`ip %sroute %s REMOTEADDR%s dev tun0 %s`' % ('-6 ' if g.v6 else '', verb, '/128' if g.v6 else '/32', more))
    route('add', ' '.join(what))
    either(g, ts=g.chance(.3))
    una = 1
    for _ in range(g.pick(3, 5)):
        una = step(g, una, 'wwaaddkrs'); g.info()
        if g.chance(.1): route('change', g.rng.choice(what))
    g.end()

def area_signed(g): # TCP_MD5SIG: signed, unsigned and badly signed segments
    g.sysctls(0)
    key = '{tcpm_addr=..., tcpm_keylen=4, tcpm_key="abcd"}'
    g.mss, g.ts, g.sack, g.scale, g.win, g.unit, g.rtt = 1000, False, False, None, 65535, 1000, .02
    mark = lambda: g.pick('md5 valid', 'md5 valid', 'md5 valid', 'md5 valid', 'md5 invalid', '')
    def say(flags, seq, length, ack, delta=.02, good=None):
        o = mark() if good is None else 'md5 valid'
        g.add('< %s %d:%d(%d)%s win 65535%s' % (flags, seq, seq + length, length, ' ack %d' % ack if '.' in flags else '', ' <%s,nop,nop>' % o if o else ''), delta)
    if g.chance(.6):
        g.listener(opts=False)
        g.add('setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, %s, 216) = ...' % key)
        say('S', 0, 0, 0, 0, g.chance(.8) or None); g.add('> S. 0:0(0) ack 1 <...>'); say('.', 1, 0, 1, .02, g.chance(.8) or None)
        g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4')
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4'); g.add('setsockopt(4, IPPROTO_TCP, TCP_MD5SIG, %s, 216) = ...' % key)
        g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>'); say('S.', 0, 0, 1, .02, g.chance(.8) or None)
    g.open, p, h = True, 1, 1
    for _ in range(g.pick(3, 5, 8)):
        what = g.rng.random()
        if what < .35: n = g.pick(1, 100, 1000); say('P.', p, n, h); p += n
        elif what < .6: n = g.pick(100, 1000, 3000); g.add('write(4, ..., %d) = ...' % n, .005); h += n
        elif what < .75: say('.', p, 0, h)
        elif what < .82: say(g.pick('R', 'R.', 'F.', 'S'), p, 0, h)
        elif what < .9: g.add('read(4, ..., 1000) = ...')
        else: pass_time(g, .3)
        if g.chance(.4): look(g)
    g.close(.01); say('.', p, 0, h + 1); say('F.', p, 0, h + 1); say(g.pick('F.', '.', 'P.'), p, 0, h + 1)
    pass_time(g, .5)

def area_datagrams(g): # UDP: connected and not, control data, errors, peeks, sizes
    g.sysctls(0)
    g.add('socket(..., SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP) = 4'); g.add('bind(4, ..., ...) = 0'); g.open = True
    options = ['SOL_SOCKET, SO_RCVBUF, [%d]' % g.pick(2000, 5000), 'SOL_SOCKET, SO_PEEK_OFF, [0]', 'SOL_SOCKET, SO_RXQ_OVFL, [1]', 'IPPROTO_UDP, UDP_SEGMENT, [500]', 'IPPROTO_UDP, UDP_CORK, [1]', 'SOL_SOCKET, SO_TIMESTAMP, [1]', 'SOL_SOCKET, SO_BROADCAST, [1]'] + \
        (['IPPROTO_IPV6, IPV6_RECVERR, [1]', 'IPPROTO_IPV6, IPV6_RECVHOPLIMIT, [1]', 'IPPROTO_IPV6, IPV6_RECVTCLASS, [1]', 'IPPROTO_IPV6, IPV6_TCLASS, [32]', 'IPPROTO_IPV6, IPV6_UNICAST_HOPS, [33]', 'IPPROTO_IPV6, IPV6_DONTFRAG, [1]'] if g.v6 else
         ['IPPROTO_IP, IP_RECVERR, [1]', 'IPPROTO_IP, IP_RECVTTL, [1]', 'IPPROTO_IP, IP_RECVTOS, [1]', 'IPPROTO_IP, IP_PKTINFO, [1]', 'IPPROTO_IP, IP_TOS, [16]', 'IPPROTO_IP, IP_TTL, [33]', 'IPPROTO_IP, IP_MTU_DISCOVER, [%d]' % g.pick(0, 2, 3)])
    for o in g.rng.sample(options, g.pick(0, 1, 2, 3)): option(g, o)
    if g.chance(.6): g.add('connect(4, ..., ...) = 0')
    for _ in range(g.pick(4, 7, 11)):
        what, n = g.rng.random(), g.pick(0, 1, 100, 1000, 1400)
        if what < .3: g.add('< udp (%d)' % n, .01)
        elif what < .45: g.add(g.pick('sendto(4, ..., %d, 0, ..., ...) = ...', 'write(4, ..., %d) = ...', 'send(4, ..., %d, MSG_MORE) = ...') % g.pick(0, 1, 1000, 1473, 3000, 9000, 70000), .005)
        elif what < .6: g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., %d}], msg_flags=0, msg_control=[...]}, %s) = ...' % (g.pick(0, 50, 2000), g.pick('0', '0', 'MSG_PEEK', 'MSG_TRUNC', 'MSG_ERRQUEUE', 'MSG_PEEK|MSG_TRUNC')))
        elif what < .7: g.add('recv(4, ..., %d, %s) = ...' % (g.pick(0, 50, 2000), g.pick('0', 'MSG_PEEK', 'MSG_WAITALL', 'MSG_OOB')))
        elif what < .8:
            kind = g.pick('icmpv6 unreachable port_unreachable', 'icmpv6 unreachable no_route', 'icmpv6 packet_too_big mtu 1300') if g.v6 else g.pick('icmp unreachable port_unreachable', 'icmp unreachable host_unreachable', 'icmp unreachable frag_needed mtu 1000', 'icmp time_exceeded ttl')
            g.add('< %s [udp (%d)]' % (kind, g.pick(1, 100)), .01)
        elif what < .87: g.add('ioctl(4, %s, ...) = ...' % g.pick('SIOCINQ', 'SIOCOUTQ'))
        elif what < .92: g.add(g.pick('connect(4, {sa_family=AF_UNSPEC}, ...) = ...', 'connect(4, ..., ...) = ...', 'shutdown(4, %s) = ...' % g.pick('SHUT_RD', 'SHUT_WR', 'SHUT_RDWR')))
        else: option(g, g.rng.choice(options))
        if g.chance(.4): g.add('poll([{fd=4, events=%s, revents=...}], 1, 0) = ...' % ALL)
    g.add('getsockopt(4, SOL_SOCKET, SO_ERROR, [...], [4]) = ...')
    pass_time(g, .1)

def area_halves(g): # shutdown in all orders, data that crosses it, what calls and peers get then
    g.sysctls(1, ('tcp_fin_timeout',))
    either(g, ts=g.chance(.3))
    una = 1
    for _ in range(g.pick(0, 1, 2)): una = step(g, una, 'wda')
    for _ in range(g.pick(3, 5, 8)):
        what = g.rng.random()
        if what < .25: g.shutdown()
        elif what < .35: g.segment('F.', ack=una, stamp=0, delta=.01); g.p += 1
        elif what < .5: una = step(g, una, 'a')
        elif what < .65: n = g.pick(1, 100, 1000); g.segment('P.', length=n, ack=una, stamp=0, delta=.02); g.p += n
        elif what < .75: g.add('send(4, ..., %d, %s) = ...' % (g.pick(1, 1000), g.pick('0', 'MSG_NOSIGNAL', 'MSG_OOB', 'MSG_MORE')))
        elif what < .85: g.add('recv(4, ..., %d, %s) = ...' % (g.pick(0, 10, 1000), g.pick('0', 'MSG_PEEK', 'MSG_WAITALL', 'MSG_TRUNC', 'MSG_OOB')))
        elif what < .9: g.segment('R.', ack=una, stamp=0, delta=.02)
        elif what < .93: g.close(.01)
        else: pass_time(g, .3, 1.2)
        if not g.open: break
        look(g)
    if g.chance(.5): flows.answer(g, g.h, delta=.02)
    g.end()

def area_listener_ends(g): # a listener that closes, or is shut, with requests and connections waiting
    g.sysctls(1, ('tcp_synack_retries', 'tcp_syncookies'))
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3'); g.add('bind(3, ..., ...) = 0'); g.add('listen(3, %d) = 0' % g.pick(0, 1, 2))
    say = lambda port, text, delta=.02: g.add('< %d > BINDPORT %s' % (port, text), delta)
    for port in (40001, 40002, 40003)[:g.pick(1, 2, 3)]:
        say(port, 'S 0:0(0) win 65535 <mss 1000>'); g.add('> BINDPORT > %d S. 0:0(0) ack 1 <...>' % port)
        how = g.rng.random()
        if how < .7: say(port, '. 1:1(0) ack 1 win 65535')
        if how < .3: say(port, g.pick('P. 1:101(100) ack 1 win 65535', 'F. 1:1(0) ack 1 win 65535', 'R 1:1(0) win 0'))
    if g.chance(.3): g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = ...')
    g.add(g.pick('close(3) = 0', 'close(3) = 0', 'shutdown(3, SHUT_RD) = ...', 'shutdown(3, SHUT_RDWR) = ...', 'shutdown(3, SHUT_WR) = ...', 'listen(3, 0) = ...', 'connect(3, {sa_family=AF_UNSPEC}, ...) = ...'), .02)
    g.add('poll([{fd=3, events=%s, revents=...}], 1, 0) = ...' % ALL)
    for port in (40001, 40002):
        for _ in range(g.pick(0, 1, 2)): say(port, g.pick('. 1:1(0) ack 1 win 65535', 'P. 1:11(10) ack 1 win 65535', 'F. 1:1(0) ack 1 win 65535', 'S 0:0(0) win 65535 <mss 1000>', 'R 1:1(0) win 0'), g.pick(.02, .3))
    g.add(g.pick('listen(3, 1) = ...', 'accept4(3, ..., ..., SOCK_NONBLOCK) = ...', 'getsockname(3, ..., ...) = ...'), .02)
    pass_time(g, .3, 1.3)
