"""kernel_grammar_calls.py: kernel_grammar's areas about socket calls: options of all levels with right and wrong sizes, calls in any order on sockets in
any state, listeners."""
SOL = ['SO_DEBUG', 'SO_REUSEADDR', 'SO_TYPE', 'SO_ERROR', 'SO_DONTROUTE', 'SO_BROADCAST', 'SO_SNDBUF', 'SO_RCVBUF', 'SO_KEEPALIVE', 'SO_OOBINLINE', 'SO_NO_CHECK', 'SO_PRIORITY', 'SO_BSDCOMPAT', 'SO_REUSEPORT',
       'SO_PASSCRED', 'SO_RCVLOWAT', 'SO_SNDLOWAT', 'SO_ACCEPTCONN', 'SO_TIMESTAMP', 'SO_TIMESTAMPNS', 'SO_PROTOCOL', 'SO_DOMAIN', 'SO_RXQ_OVFL', 'SO_PEEK_OFF', 'SO_NOFCS', 'SO_LOCK_FILTER', 'SO_SELECT_ERR_QUEUE',
       'SO_BUSY_POLL', 'SO_MAX_PACING_RATE', 'SO_BPF_EXTENSIONS', 'SO_ZEROCOPY', 'SO_BUF_LOCK', 'SO_TXREHASH', 'SO_TIMESTAMPING', 'SO_MARK', 'SO_PREFER_BUSY_POLL', 'SO_RCVPRIORITY', 'SO_PASSSEC', '999', '-1']
TCP = ['TCP_NODELAY', 'TCP_MAXSEG', 'TCP_CORK', 'TCP_KEEPIDLE', 'TCP_KEEPINTVL', 'TCP_KEEPCNT', 'TCP_SYNCNT', 'TCP_LINGER2', 'TCP_DEFER_ACCEPT', 'TCP_WINDOW_CLAMP', 'TCP_QUICKACK', 'TCP_THIN_LINEAR_TIMEOUTS',
       'TCP_THIN_DUPACK', 'TCP_USER_TIMEOUT', 'TCP_FASTOPEN', 'TCP_FASTOPEN_CONNECT', 'TCP_FASTOPEN_NO_COOKIE', 'TCP_NOTSENT_LOWAT', 'TCP_SAVE_SYN', 'TCP_INQ', 'TCP_TX_DELAY', 'TCP_RTO_MAX_MS', 'TCP_RTO_MIN_US',
       'TCP_DELACK_MAX_US', 'TCP_IS_MPTCP', '999', '0', '-1']
IP = ['IP_TOS', 'IP_TTL', 'IP_HDRINCL', 'IP_RECVOPTS', 'IP_RETOPTS', 'IP_PKTINFO', 'IP_MTU_DISCOVER', 'IP_RECVERR', 'IP_RECVTTL', 'IP_RECVTOS', 'IP_MTU', 'IP_FREEBIND', 'IP_PASSSEC', 'IP_TRANSPARENT', 'IP_RECVORIGDSTADDR',
      'IP_MINTTL', 'IP_NODEFRAG', 'IP_CHECKSUM', 'IP_BIND_ADDRESS_NO_PORT', 'IP_RECVFRAGSIZE', 'IP_RECVERR_RFC4884', 'IP_MULTICAST_TTL', 'IP_MULTICAST_LOOP', 'IP_MULTICAST_ALL', 'IP_LOCAL_PORT_RANGE', 'IP_PROTOCOL', '999']
IP6 = ['IPV6_V6ONLY', 'IPV6_UNICAST_HOPS', 'IPV6_MULTICAST_HOPS', 'IPV6_MULTICAST_LOOP', 'IPV6_MTU_DISCOVER', 'IPV6_RECVERR', 'IPV6_MTU', 'IPV6_TCLASS', 'IPV6_RECVTCLASS', 'IPV6_RECVPKTINFO', 'IPV6_RECVHOPLIMIT',
       'IPV6_DONTFRAG', 'IPV6_AUTOFLOWLABEL', 'IPV6_MINHOPCOUNT', 'IPV6_FLOWINFO_SEND', 'IPV6_TRANSPARENT', 'IPV6_FREEBIND', 'IPV6_RECVFRAGSIZE', 'IPV6_ADDR_PREFERENCES', '999']
NUMBERS = [0, 1, 1, 2, 3, 5, 7, 8, 60, 100, 255, 256, 500, 1000, 1460, 4096, 32767, 32768, 65535, 65536, 100000, 1000000, 2147483647, -1, -2, -2147483648]
POLL = 'poll([{fd=%d, events=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP|POLLPRI, revents=...}], 1, 0) = ...'

def option(g, fd, v6=False):
    level, names = g.pick(('SOL_SOCKET', SOL), ('IPPROTO_TCP', TCP), ('IPPROTO_TCP', TCP), ('IPPROTO_IP', IP), *([('IPPROTO_IPV6', IP6)] * 3 if v6 else []))
    name = g.rng.choice(names)
    if g.chance(.03): level, name = g.pick('IPPROTO_UDP', '77', 'IPPROTO_IPV6'), '999'
    if g.chance(.6):
        g.add('setsockopt(%d, %s, %s, %s, %d) = ...' % (fd, level, name, '[%d]' % g.rng.choice(NUMBERS) if g.chance(.95) else 'NULL', g.pick(4, 4, 4, 4, 4, 4, 4, 0, 1, 2, 3, 8)))
        if g.chance(.7): g.add('getsockopt(%d, %s, %s, [...], [4]) = ...' % (fd, level, name))
    else: g.add('getsockopt(%d, %s, %s, [...], [%d]) = ...' % (fd, level, name, g.pick(4, 4, 4, 0, 1, 2, 3, 8)))

def area_options(g):
    g.sys = {}
    g.v6 = g.chance(.3)
    if g.v6 and 'ip_version=ipv6' not in g.options: g.options.append('ip_version=ipv6')
    how = g.pick('new', 'new', 'listen', 'connect', 'established', 'established', 'closed', 'udp')
    if how == 'established': g.established(plain=1, wild=False)
    elif how == 'udp': g.add('socket(..., SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP) = 4')
    else:
        g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 4')
        if how == 'listen': g.add('bind(4, ..., ...) = 0'); g.add('listen(4, 1) = 0')
        if how in ('connect', 'closed'): g.add('connect(4, ..., ...) = ...'); g.add('> S 0:0(0) <...>')
        if how == 'closed': g.add('< R. 0:0(0) ack 1 win 0', .01)
    for _ in range(g.pick(4, 8, 12)): option(g, 4, g.v6)
    if how == 'listen': # what a child inherits
        g.add('< S 0:0(0) win 65535 <mss 1000>'); g.add('> S. 0:0(0) ack 1 <...>'); g.add('< . 1:1(0) ack 1 win 65535', .01)
        g.add('accept(4, ..., ...) = 5')
        for _ in range(4):
            level, names = g.pick(('SOL_SOCKET', SOL), ('IPPROTO_TCP', TCP), ('IPPROTO_IP', IP))
            g.add('getsockopt(5, %s, %s, [...], [4]) = ...' % (level, g.rng.choice(names)))
    g.add(POLL % 4)

def any_call(g, fd):
    n = g.pick(0, 1, 100, 1000, 70000)
    return g.pick('bind(%d, ..., ...) = ...' % fd, 'listen(%d, %d) = ...' % (fd, g.pick(0, 1, 5, -1)), 'accept(%d, ..., ...) = ...' % fd, 'connect(%d, ..., ...) = ...' % fd, 'connect(%d, {sa_family=AF_UNSPEC}, ...) = ...' % fd,
                  'read(%d, ..., %d) = ...' % (fd, n), 'write(%d, ..., %d) = ...' % (fd, n), 'send(%d, ..., %d, %s) = ...' % (fd, n, g.pick('0', 'MSG_OOB', 'MSG_MORE', 'MSG_DONTROUTE', 'MSG_EOR', 'MSG_NOSIGNAL', 'MSG_PEEK')),
                  'recv(%d, ..., %d, %s) = ...' % (fd, n, g.pick('0', 'MSG_PEEK', 'MSG_OOB', 'MSG_TRUNC', 'MSG_ERRQUEUE', 'MSG_WAITALL', 'MSG_PEEK|MSG_OOB', 'MSG_PEEK|MSG_TRUNC')), 'shutdown(%d, %s) = ...' % (fd, g.pick('SHUT_RD', 'SHUT_WR', 'SHUT_RDWR', '3', '-1')),
                  'shutdown(%d, SHUT_WR) = ...' % fd, 'getsockname(%d, ..., ...) = ...' % fd, 'getpeername(%d, ..., ...) = ...' % fd, POLL % fd, POLL % fd, 'ioctl(%d, %s, ...) = ...' % (fd, g.pick('SIOCINQ', 'SIOCOUTQ', 'SIOCATMARK', 'SIOCOUTQNSD')),
                  'fcntl(%d, F_GETFL) = ...' % fd, 'fcntl(%d, F_GETFD) = ...' % fd, 'fcntl(%d, F_SETFL, O_RDWR|O_NONBLOCK) = ...' % fd, 'getsockopt(%d, SOL_SOCKET, SO_ERROR, [...], [4]) = ...' % fd, 'getsockopt(%d, SOL_SOCKET, SO_ACCEPTCONN, [...], [4]) = ...' % fd,
                  'sendto(%d, ..., %d, %s, ..., ...) = ...' % (fd, n, g.pick('0', '0', 'MSG_FASTOPEN')), 'recvfrom(%d, ..., %d, 0, ..., ...) = ...' % (fd, n), 'readv(%d, [{..., 10}, {..., 0}, {..., 20}], 3) = ...' % fd, 'writev(%d, [{..., 10}, {..., 0}, {..., 20}], 3) = ...' % fd)

def area_calls(g):
    g.sys = {}
    kind = g.pick('SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP', 'SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP', 'SOCK_STREAM|SOCK_NONBLOCK, 0', 'SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP')
    g.add('socket(..., %s) = 3' % kind)
    g.open = True
    for _ in range(g.pick(6, 12, 20)):
        what = g.rng.random()
        if what < .85: g.add(any_call(g, g.pick(3, 3, 3, 3, 3, 4)), g.pick(0, 0, 0, .01, .05))
        elif what < .9: g.add('close(3) = ...'); g.add('socket(..., %s) = 3' % kind)
        else: option(g, 3)
    g.add('usleep(1000) = 0', .3)

def area_calls_connected(g):
    g.sys = {}
    g.established(plain=1, wild=False)
    for _ in range(g.pick(5, 10, 16)):
        what = g.rng.random()
        if what < .5: g.add(any_call(g, 4), g.delta())
        elif what < .6: option(g, 4)
        else: g.mix(1, data=3, ack=2, fin=.7, write=2, read=2, odd_segment=.3, dup_ack=.3, shutdown=.3)
    g.end()

def area_listeners(g): # queues, overflow, what becomes of them
    g.sysctls(1, ('tcp_syncookies', 'tcp_abort_on_overflow', 'tcp_max_syn_backlog', 'tcp_synack_retries', 'tcp_timestamps'))
    if g.chance(.2): g.add('`sysctl -q net.core.somaxconn=%d`' % g.pick(0, 1, 2))
    backlog = g.pick(0, 0, 1, 1, 2, 5, -1)
    g.add('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3')
    for _ in range(2):
        if g.chance(.25): g.sockopt(3)
    g.add('bind(3, ..., ...) = 0'); g.add('listen(3, %d) = 0' % backlog)
    ports, peers, fds, known = list(range(40000, 40000 + g.pick(2, 4, 6))), {}, [], False
    for _ in range(g.pick(6, 12, 20)):
        what, port = g.rng.random(), g.rng.choice(ports)
        if what < .35 or port not in peers:
            o = g.pick('mss 1000', 'mss 1000,sackOK,nop,nop', 'mss 1000,nop,wscale 7', 'mss 1000,sackOK,TS val 100 ecr 0')
            g.add('< %d > BINDPORT S 0:0(0) win 65535 <%s>' % (port, o), g.delta())
            peers[port] = True
            if not known: g.add('> S. 0:0(0) ack 1 <...>'); known = True
        elif what < .7:
            n = g.pick(0, 0, 10, 1000)
            g.add('< %d > BINDPORT %s 1:%d(%d) ack 1 win 65535' % (port, g.pick('.', '.', '.', 'P.', 'F.', 'R', 'R.'), n + 1, n), g.delta())
        elif what < .85: g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = ...', g.delta())
        elif what < .9: g.odd_segment()
        elif what < .93: g.add('listen(3, %d) = ...' % g.pick(0, 1, 3))
        elif what < .96: g.add('shutdown(3, %s) = ...' % g.pick('SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'), g.delta())
        elif what < .98: g.add('close(3) = ...', g.delta())
        else: g.add(POLL % 3)
    g.add('accept4(3, ..., ..., SOCK_NONBLOCK) = ...', .1)
    g.add(POLL % 3)
    g.add('usleep(1000) = 0', g.pick(1.2, 3.5))
