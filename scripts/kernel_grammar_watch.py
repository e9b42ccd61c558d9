"""kernel_grammar_watch.py: kernel_grammar's areas that look after each step: epoll (level, edge, once), poll, SO_ERROR, the queues' lengths; messages with control
data; two connections at once; ICMP in every state; sockets that connect again."""
import kernel_grammar_flows as flows

ALL = 'POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI'

def look(g, fd=4, epfd=None):
    """What a process sees now."""
    if epfd and g.chance(.9): g.add('epoll_wait(%d, [...], 1, 0) = ...' % epfd)
    if g.chance(.6): g.add('poll([{fd=%d, events=%s, revents=...}], 1, 0) = ...' % (fd, ALL))
    if g.chance(.25): g.add('ioctl(%d, %s, ...) = ...' % (fd, g.pick('SIOCINQ', 'SIOCOUTQ', 'SIOCOUTQNSD', 'SIOCATMARK')))
    if g.chance(.15): g.add('getsockopt(%d, SOL_SOCKET, SO_ERROR, [...], [4]) = ...' % fd)
    if g.chance(.2): g.info()

def area_events(g): # epoll and poll after each step of a connection's life
    g.sysctls(1, ('tcp_stdurg', 'tcp_wmem', 'tcp_notsent_lowat', 'tcp_fin_timeout'))
    if g.chance(.3):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        g.add('epoll_create(1) = 5')
        watch = 'EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLPRI' + g.pick('', '|EPOLLET', '|EPOLLET', '|EPOLLONESHOT')
        g.add('epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=%s, fd=4}) = ...' % watch); look(g, 4, 5)
        g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>'); look(g, 4, 5)
        if g.chance(.2): g.add(g.pick('< R. 0:0(0) ack 1 win 0', '< S 0:0(0) win 65535 <mss 1000>', '< . 1:1(0) ack 5 win 65535'), .02); look(g, 4, 5)
        g.win, g.scale, g.mss, g.ts, g.sack = 65535, None, 1000, False, False
        g.add('< S. 0:0(0) ack 1 win 65535 <mss 1000>', .02)
    else:
        flows.opened(g, ts=False, scale=None, win=g.pick(65535, 65535, 2000), rtt=.011)
        g.add('epoll_create(1) = 5')
        watch = 'EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLPRI' + g.pick('', '|EPOLLET', '|EPOLLET', '|EPOLLONESHOT')
        g.add('epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=%s, fd=4}) = ...' % watch)
    g.open = True
    for o in ('SOL_SOCKET, SO_SNDBUF, [5000]', 'SOL_SOCKET, SO_RCVLOWAT, [1500]', 'SOL_SOCKET, SO_OOBINLINE, [1]', 'SOL_SOCKET, SO_RCVBUF, [3000]'):
        if g.chance(.15): g.add('setsockopt(4, %s, 4) = ...' % o)
    look(g, 4, 5)
    una = 1
    for _ in range(g.pick(4, 8, 12)):
        what = g.rng.random()
        if what < .2: g.data(g.pick(1, 100, 1000, 2000), delta=.011, stamp=0)
        elif what < .3: g.read(delta=.011)
        elif what < .45: g.write(n=g.pick(1, 1000, 5000, 20000, 300000))
        elif what < .58: una = min(g.h, una + g.pick(1000, 3000, 20000, 1000000)); g.segment('.', ack=una, stamp=0, delta=.02, win=g.pick(g.win, g.win, 0))
        elif what < .64: n = g.pick(1, 10, 1000); g.segment('PU.', length=n, urg=g.pick(n, 1, n + 1), stamp=0, delta=.011); g.p += n
        elif what < .69: g.odd_data()
        elif what < .74: g.shutdown()
        elif what < .79: g.fin()
        elif what < .82: g.segment(g.pick('R', 'R.', 'S'), stamp=0, delta=.011)
        elif what < .86: g.icmp()
        elif what < .9: g.add('epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=%s, fd=4}) = ...' % g.pick('EPOLLIN', 'EPOLLOUT|EPOLLET', 'EPOLLIN|EPOLLOUT|EPOLLRDHUP', 'EPOLLOUT|EPOLLONESHOT'))
        else: g.opt()
        look(g, 4, 5)
    g.end()

def area_messages(g): # recvmsg and sendmsg: control data, flags, several pieces
    g.sysctls(1, ('tcp_stdurg',))
    flows.opened(g, ts=False, rtt=.011)
    for o in ('IPPROTO_TCP, TCP_INQ, [1]', 'SOL_SOCKET, SO_OOBINLINE, [1]', 'SOL_SOCKET, SO_PEEK_OFF, [0]', 'SOL_SOCKET, SO_RCVLOWAT, [500]', 'IPPROTO_IP, IP_RECVTTL, [1]', 'IPPROTO_IP, IP_RECVTOS, [1]'):
        if g.chance(.3): g.add('setsockopt(4, %s, 4) = ...' % o)
    for _ in range(g.pick(4, 8, 14)):
        what = g.rng.random()
        pieces = ', '.join('{..., %d}' % g.pick(0, 1, 10, 100, 1000) for _ in range(g.pick(1, 1, 2, 3)))
        flags = g.pick('0', '0', 'MSG_PEEK', 'MSG_TRUNC', 'MSG_WAITALL|MSG_DONTWAIT', 'MSG_OOB', 'MSG_PEEK|MSG_TRUNC', 'MSG_ERRQUEUE', 'MSG_PEEK|MSG_OOB', 'MSG_CMSG_CLOEXEC')
        if what < .3: g.data(g.pick(1, 10, 100, 1000, 1460), delta=.011, stamp=0)
        elif what < .65: g.add('recvmsg(4, {msg_name(...)=..., msg_iov(%d)=[%s], msg_flags=0, msg_control=[...]}, %s) = ...' % (pieces.count('{'), pieces, flags), .004)
        elif what < .72: n = g.pick(1, 10, 100); g.segment('PU.', length=n, urg=g.pick(n, 1), stamp=0, delta=.011); g.p += n
        elif what < .8: g.add('sendmsg(4, {msg_name(...)=..., msg_iov(%d)=[%s], msg_flags=0}, %s) = ...' % (pieces.count('{'), pieces, g.pick('0', 'MSG_MORE', 'MSG_EOR', 'MSG_OOB', 'MSG_DONTWAIT|MSG_NOSIGNAL')), .004)
        elif what < .86: g.segment('.', ack=g.h, stamp=0, delta=.02)
        elif what < .9: g.fin()
        elif what < .93: g.shutdown()
        elif what < .95: g.odd_data()
        else: g.add('getsockopt(4, SOL_SOCKET, SO_PEEK_OFF, [...], [4]) = ...')
        if g.chance(.3): look(g)
    g.end()

def area_two(g): # two peers of one listener, step by step in turns
    g.sysctls(2, ('tcp_timestamps', 'tcp_sack', 'tcp_challenge_ack_limit', 'tcp_fin_timeout', 'tcp_tw_reuse'))
    g.listener(opts=g.chance(.3), backlog=g.pick(1, 5))
    class Side: pass
    sides = []
    for port in (1001, 1002):
        s = Side(); s.port, s.p, s.h, s.hu, s.sack, s.shut = port, 1, 1, 1, g.chance(.6), False
        o = 'mss 1000' + (',nop,nop,sackOK' if s.sack else '') + (',nop,wscale 7' if g.chance(.3) else '')
        g.add('< %d > BINDPORT S 0:0(0) win 65535 <%s>' % (port, o), .03); g.add('> BINDPORT > %d S. 0:0(0) ack 1 <...>' % port)
        sides.append(s)
    def say(s, flags, length=0, seq=None, ack=None, delta=.011):
        seq = (s.p if seq is None else seq) & 0xffffffff
        g.add('< %d > BINDPORT %s %d:%d(%d)%s win 65535' % (s.port, flags, seq, (seq + length) & 0xffffffff, length, ' ack %d' % ((s.h if ack is None else ack) & 0xffffffff) if '.' in flags else ''), delta)
    for s in g.rng.sample(sides, 2): say(s, '.')
    for i, s in enumerate(sides): g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = %d' % (4 + i)); s.fd = 4 + i
    for _ in range(g.pick(6, 12, 20)):
        s, what = g.pick(*sides), g.rng.random()
        if what < .2: n = g.pick(1, 100, 1000); say(s, 'P.', n); s.p += n
        elif what < .35: n = g.pick(1, 100, 1000, 3000); g.add('write(%d, ..., %d) = ...' % (s.fd, n), g.pick(0, .004)); s.h += 0 if s.shut else n
        elif what < .5: s.hu = g.pick(s.h, s.hu, min(s.h, s.hu + 1000)); say(s, '.', ack=s.hu, delta=g.pick(.011, .05))
        elif what < .6: say(s, g.pick('.', 'P.'), 100, seq=s.p + g.pick(-100, 100, 1000, -50, 70000))
        elif what < .68: g.add('read(%d, ..., %d) = ...' % (s.fd, g.pick(10, 1000, 100000)), .004)
        elif what < .73: say(s, 'F.'); s.p += 1
        elif what < .79: g.add('shutdown(%d, %s) = ...' % (s.fd, g.pick('SHUT_WR', 'SHUT_RDWR', 'SHUT_RD'))); s.h += not s.shut; s.shut = True
        elif what < .83: say(s, g.pick('R', 'R.', 'S', 'S.'), seq=s.p + g.pick(0, 0, 1, 1000), delta=g.pick(.011, .3))
        elif what < .87: g.add('close(%d) = ...' % s.fd); s.h += not s.shut; s.shut = True
        elif what < .92: g.add('poll([{fd=4, events=%s, revents=...}, {fd=5, events=%s, revents=...}], 2, 0) = ...' % (ALL, ALL))
        else: g.add('usleep(1000) = 0', g.pick(.05, .25, .7))
    g.add('usleep(1000) = 0', g.pick(.5, 1.2))

def area_icmp_states(g): # ICMP while the handshake is on, at an orphan, in TIME-WAIT
    g.sysctls(1, ('ip_no_pmtu_disc', 'tcp_syn_retries', 'tcp_orphan_retries', 'tcp_mtu_probing'))
    how = g.pick('syn', 'request', 'crossed', 'orphan', 'orphan', 'finwait2', 'timewait', 'closing', 'lastack', 'rto', 'listen')
    if how in ('syn', 'crossed'):
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        if g.chance(.3): g.add('setsockopt(4, IPPROTO_IP, IP_RECVERR, [1], 4) = 0')
        g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>')
        g.open, g.hu, g.h, g.p = True, 0, 1, 0
        if how == 'crossed': g.add('< S 0:0(0) win 65535 <mss 1000>', .011); g.p = 1
    elif how in ('request', 'listen'):
        g.listener(opts=False)
        if how == 'request': g.add('< S 0:0(0) win 65535 <mss 1000>'); g.add('> S. 0:0(0) ack 1 <...>'); g.hu, g.h = 0, 1
    else:
        flows.opened(g, rtt=.011)
        if g.chance(.4): g.add('setsockopt(4, IPPROTO_IP, IP_RECVERR, [1], 4) = 0')
        if how in ('orphan', 'rto', 'closing', 'lastack') and g.chance(.6): g.write(n=g.pick(100, 1000, 3000))
        if how == 'lastack': g.segment('F.', ack=g.hu, stamp=0); g.p += 1
        if how != 'rto': g.close(.011) if how in ('orphan', 'timewait') or g.chance(.4) else (g.add('shutdown(4, SHUT_WR) = 0', .011), setattr(g, 'h', g.h + 1), setattr(g, 'wr_shut', True))
        if how == 'closing': g.segment('F.', ack=g.hu, stamp=0); g.p += 1
        if how in ('finwait2', 'timewait'): g.segment('.', stamp=0); g.hu = g.h
        if how == 'timewait': g.segment('F.', stamp=0); g.p += 1
    for _ in range(g.pick(1, 2, 4)):
        g.icmp()
        if g.chance(.3): g.add('usleep(1000) = 0', g.pick(.1, .25, .5, 1.1))
        if g.open: look(g)
        if g.open and g.chance(.2): g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0, msg_control=[...]}, MSG_ERRQUEUE) = ...')
        if g.chance(.2): g.segment('.', stamp=0, delta=.011)
    if how == 'request': g.segment('.', ack=1, stamp=0, delta=.011); g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4'); g.open = True
    g.end()

def area_again(g): # one socket, several connections: after errors, AF_UNSPEC, shutdown
    g.sysctls(1, ('tcp_syn_retries', 'tcp_timestamps', 'tcp_tw_reuse'))
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
    g.open, g.v = True, 0
    for _ in range(g.pick(2, 3, 4)):
        if g.chance(.2): g.sockopt(4)
        g.add('connect(4, ..., ...) = ...', .05); g.add('> S 0:0(0) <...>'); look(g)
        g.p, g.h, g.hu, g.ts, g.win, g.wr_shut = 1, 1, 1, False, 65535, False
        how = g.pick('refused', 'open', 'open', 'open', 'icmp', 'silence', 'crossed')
        if how == 'refused': g.add('< R. 0:0(0) ack 1 win 0', .011)
        elif how == 'icmp': g.hu = 0; g.icmp(); g.hu = 1
        elif how == 'open':
            g.add('< S. 0:0(0) ack 1 win 65535 <mss 1000%s>' % g.pick('', ',nop,nop,sackOK'), .011); look(g)
            g.mix(g.pick(0, 2, 4), data=2, write=2, ack=1, read=1, fin=.4, shutdown=.4)
            if g.chance(.4): g.segment(g.pick('R', 'R.', 'F.'), stamp=0, delta=.011)
        elif how == 'crossed': g.add('< S 0:0(0) win 65535 <mss 1000>', .011)
        look(g)
        if g.chance(.7): g.add(g.pick('connect(4, {sa_family=AF_UNSPEC}, ...) = ...', 'connect(4, {sa_family=AF_UNSPEC}, ...) = ...', 'connect(4, ..., ...) = ...', 'shutdown(4, SHUT_RDWR) = ...', 'getsockopt(4, SOL_SOCKET, SO_ERROR, [...], [4]) = ...', 'listen(4, 1) = ...'), .011); look(g)
        if g.chance(.3): g.add('getsockname(4, ..., ...) = ...'); g.add('getpeername(4, ..., ...) = ...')
    g.add('usleep(1000) = 0', .5)

def area_wrap(g): # the peer's numbers and its clock pass 2^32
    g.sysctls(1, ('tcp_sack', 'tcp_dsack', 'tcp_invalid_ratelimit'))
    start = (2**32 - g.pick(1, 2, 100, 1001, 3000, 70000)) & 0xffffffff
    g.mss, g.ts, g.sack, g.scale, g.tsval = 1000, g.chance(.5), g.chance(.8), 7, g.pick(4294967290, 4294967200, 2147483640, 1000)
    o = 'mss 1000,' + ('sackOK,' if g.sack else 'nop,nop,') + ('TS val %d ecr 0,' % g.tsval if g.ts else '') + 'nop,wscale 7'
    g.listener(opts=False)
    g.add('< S %d:%d(0) win 65535 <%s>' % (start, start, o)); g.add('> S. 0:0(0) ack %d %s' % ((start + 1) & 0xffffffff, '<mss 1460,sackOK,TS val 100 ecr %d,nop,wscale 7>' % g.tsval if g.ts and g.sack else '<...>'))
    g.p, g.win = (start + 1) & 0xffffffff, 511
    g.segment('.', ack=1, delta=.03, stamp=0)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = 4'); g.open = True
    g.mix(g.pick(6, 12, 20), data=4, odd_data=4, fill_hole=2, read=2, write=2, ack=2, odd_segment=2, fin=.2, state=1, shutdown=.2)
    g.end()

ICMP4 = ['unreachable ' + c for c in ('net_unreachable', 'host_unreachable', 'protocol_unreachable', 'port_unreachable', 'source_route_failed', 'packet_filtered', 'precedence_cutoff', 'frag_needed mtu 1300')] + [
    'time_exceeded ttl', 'parameter_problem pointer', 'source_quench']
ICMP6 = ['unreachable ' + c for c in ('no_route', 'admin_prohibited', 'beyond_scope', 'address_unreachable', 'port_unreachable', 'reject_route')] + ['packet_too_big mtu 1300', 'time_exceeded hop_limit', 'parameter_problem header_field']

def area_refused(g): # an ICMP message in any state, what it tells of its way, and who is told: error queue, SO_ERROR, poll, the next call
    g.sys = {}
    v6 = g.v6 or 'ip_version=ipv4-mapped-ipv6' in g.options
    level, names = ('IPPROTO_IPV6', ['IPV6_RECVERR', 'IPV6_RECVHOPLIMIT', 'IPV6_RECVTCLASS', 'IPV6_RECVPKTINFO', 'IPV6_2292HOPLIMIT']) if v6 else ('IPPROTO_IP', ['IP_RECVERR', 'IP_RECVTTL', 'IP_RECVTOS', 'IP_PKTINFO'])
    options = ['%s, %s, [1]' % (level, n) for n in names if g.chance(.7 if 'ERR' in n else .3)]
    if g.chance(.2): options.append('SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_SOFTWARE|SOF_TIMESTAMPING_RX_SOFTWARE]')
    how = g.pick('opening', 'opening', 'fast', 'established', 'established')
    if how == 'established':
        g.established(plain=1, wild=False)
        for o in options: g.add('setsockopt(4, %s, 4) = 0' % o)
        if g.chance(.8): g.add('write(4, ..., 2000) = ...'); g.h += 2000
    else:
        if how == 'fast': g.add('`sysctl -q net.ipv4.tcp_fastopen=0x607`')
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        for o in options: g.add('setsockopt(4, %s, 4) = 0' % o)
        g.add('sendto(4, ..., 100, MSG_FASTOPEN, ..., ...) = ...' if how == 'fast' else 'connect(4, ..., ...) = ...')
        g.add('> S 0:100(100) <...>' if how == 'fast' else '> S 0:0(0) <...>')
    for _ in range(g.pick(1, 2, 3)):
        quote = g.pick('[0:0(0)]', '[0:100(100)]') if how != 'established' else g.pick('[1:1001(1000)]', '[1001:2001(1000)]', '[9001:10001(1000)]')
        ip = g.pick('', '', '[class 12] ', '[hlim 9] ') if g.v6 else g.pick('', '', '[tos 12] ', '[ttl 9] ')
        g.add('< %s%s %s %s' % (ip, 'icmpv6' if g.v6 else 'icmp', g.rng.choice(ICMP6 if g.v6 else ICMP4), quote), g.pick(.011, .3))
        look(g)
        for _ in range(g.pick(0, 1, 2)): g.add('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., %d}], msg_flags=0, msg_control=[...]}, MSG_ERRQUEUE) = ...' % g.pick(0, 10, 2000))
        g.add(g.pick('getsockopt(4, SOL_SOCKET, SO_ERROR, [...], [4]) = ...', 'write(4, ..., 100) = ...', 'connect(4, ..., ...) = ...', 'read(4, ..., 100) = ...', 'usleep(1000) = 0'))
    look(g)
