"""bsd_model.py: what FreeBSD 15's base stack does with single segments and calls, as its sources tell it (tcp_input.c, tcp_output.c, tcp_subr.c,
tcp_usrreq.c, tcp_timewait.c, tcp_syncache.c), for bsd-matrix: an independent second reading, in script numbers (both ISNs are 0). Of timers
there is the delayed ACK alone; of loss recovery nothing: a script that comes to a third duplicate is passed over (Skip). SACK blocks are not told."""

class Skip(Exception): pass

S, F, R, P, A, U = 'SFRP.U'
M32 = 1 << 32
def d(a, b): return (a - b + (M32 >> 1)) % M32 - (M32 >> 1) # a - b, signed
def lt(a, b): return d(a, b) < 0
def le(a, b): return d(a, b) <= 0

class Segment:
    def __init__(self, flags, seq, length=0, ack=0, win=65535, ts=None, urp=0, opts=None):
        self.flags, self.seq, self.len, self.ack, self.win, self.ts, self.urp, self.opts = set(flags), seq % M32, length, ack % M32, win, ts, urp, opts or {}

MAXWIN, DELACK = 65535, 0.040
SYN_STATES = ('SYN_SENT', 'SYN_RECEIVED')
ORDER = ['CLOSED', 'LISTEN', 'SYN_SENT', 'SYN_RECEIVED', 'ESTABLISHED', 'CLOSE_WAIT', 'FIN_WAIT_1', 'CLOSING', 'LAST_ACK', 'FIN_WAIT_2', 'TIME_WAIT']
OUT = {'CLOSED': 'R.', 'SYN_SENT': 'S', 'SYN_RECEIVED': 'S.', 'FIN_WAIT_1': 'F.', 'CLOSING': 'F.', 'LAST_ACK': 'F.'}

class Host:
    """One listener at most, one connection at most."""
    def __init__(self, **sysctl):
        self.sysctl = {'insecure_rst': 0, 'insecure_syn': 0, 'insecure_ack': 0, 'drop_synfin': 0, 'tolerate_missing_ts': 1, 'delayed_ack': 1, 'blackhole': 0}
        self.sysctl.update(sysctl)
        self.now, self.out, self.tp, self.entry, self.listens, self.rcvbuf = 0.0, [], None, None, False, 65536
        self.wscale, self.mss, self.fd_open = 6, 1460, False

    def emit(self, flags, seq, length, ack, win, ts=None, urp=0):
        self.out.append((round(self.now, 3), ''.join(sorted(flags)), None if seq is None else seq % M32, length, ack % M32, win, ts, urp))

    # --- answers without a connection -------------------------------------------------------------------------------------------
    def reset_for(self, seg, tp=None):
        if R in seg.flags: return
        ts = tp.ts_recent if tp and tp.rcvd_ts else None
        if A in seg.flags: self.emit({R}, seg.ack, 0, 0, 0, ts)
        else: self.emit({R, A}, None, 0, seg.seq + seg.len + (S in seg.flags) + (F in seg.flags), 0, ts)

    def closed_port(self, seg):
        hole = self.sysctl['blackhole']
        if (hole == 1 and S in seg.flags) or hole > 1: return
        self.reset_for(seg)

    # --- input ------------------------------------------------------------------------------------------------------------------
    def input(self, seg):
        tp = self.tp
        if tp and tp.state == 'TIME_WAIT':
            if not self.twcheck(seg): return
            self.tp = tp = None
        if tp: return tp.segment(seg)
        if not self.listens: return self.closed_port(seg)
        f = seg.flags & {R, A, S}
        if f == {A}: return self.expand(seg)
        if R in seg.flags: return self.chkrst(seg)
        if S not in seg.flags or A in seg.flags: return
        if F in seg.flags and self.sysctl['drop_synfin']: return
        self.add(seg)

    def add(self, seg):
        e = self.entry
        if e: # the same SYN/ACK again, whatever its number
            if e['ts'] is not None and seg.ts is not None: e['ts'] = seg.ts
            else: e['ts'] = None
        else:
            self.entry = e = {'irs': seg.seq, 'wnd': min(self.rcvbuf, MAXWIN), 'ts': seg.ts, 'opts': seg.opts, 'swnd': seg.win, 'count': 0}
        self.syn_ack()

    def syn_ack(self):
        e = self.entry
        self.emit({S, A}, 0, 0, e['irs'] + 1, e['wnd'], e['ts'])

    def challenge_entry(self):
        e = self.entry
        if e['count'] < 5:
            e['count'] += 1
            self.emit({A}, 1, 0, e['irs'] + 1, e['wnd'], e['ts'])

    def chkrst(self, seg):
        e = self.entry
        if not e: return
        nxt = e['irs'] + 1
        if (le(nxt, seg.seq) and lt(seg.seq, nxt + e['wnd'])) or (e['wnd'] == 0 and seg.seq == nxt):
            if self.sysctl['insecure_rst'] or seg.seq == nxt: self.entry = None
            else: self.challenge_entry()

    def expand(self, seg):
        e = self.entry
        if not e: return self.reset_for(seg)
        if e['ts'] is not None and seg.ts is not None and lt(seg.ts, e['ts']): return
        if e['ts'] is not None and seg.ts is None and not self.sysctl['tolerate_missing_ts']: return
        if le(seg.seq, e['irs']) or lt(e['irs'] + e['wnd'], seg.seq): return self.challenge_entry()
        if seg.ack != 1: return self.reset_for(seg)
        self.entry = None
        tp = self.tp = Tcp(self)
        o = e['opts']
        tp.state, tp.irs, tp.rcv_nxt, tp.rcv_up = 'SYN_RECEIVED', e['irs'], e['irs'] + 1, e['irs'] + 1
        tp.snd_una, tp.snd_nxt, tp.snd_max, tp.snd_wl1 = 0, 1, 1, e['irs']
        tp.rcv_wnd, tp.last_ack_sent = e['wnd'], tp.rcv_nxt
        tp.rcv_adv = tp.rcv_nxt + e['wnd']
        tp.challenges = e['count']
        tp.rcvd_ts, tp.ts_recent = e['ts'] is not None, e['ts'] or 0
        tp.sack = 'sackOK' in o
        tp.scales = 'wscale' in o
        tp.snd_scale, tp.request_scale = o.get('wscale', 0), self.wscale
        tp.take_mss(o.get('mss', 536))
        tp.segment(seg)

    def twcheck(self, seg):
        tp = self.tp
        if R in seg.flags: return False
        if {S, F} <= seg.flags and self.sysctl['drop_synfin']: return False
        if seg.flags & {S, A} == {S} and lt(tp.rcv_nxt, seg.seq): return True
        if A not in seg.flags: return False
        if seg.ts is None and tp.ts_recent and not self.sysctl['tolerate_missing_ts']: return False
        if seg.flags != {A} or seg.len or seg.seq != tp.rcv_nxt or seg.ack != tp.snd_nxt: tp.respond()
        return False

class Tcp:
    def __init__(self, host):
        self.host, self.iss, self.state = host, 0, 'CLOSED'
        self.snd_una = self.snd_nxt = self.snd_max = self.snd_up = self.snd_wnd = self.max_sndwnd = self.snd_wl1 = self.snd_wl2 = 0
        self.snd_scale = self.rcv_scale = self.request_scale = self.ts_recent = 0
        self.rcvd_ts = self.sack = self.scales = self.acknow = self.delack_flag = self.rxwin0 = self.needfin = self.needsyn = False
        self.sentfin = self.closed = self.cantrcv = self.rexmt = self.persist = self.no_iss_check = self.nodelay = self.forced = False
        self.delack_at = None
        self.dupacks = self.challenges = self.sb_rcv = self.sb_snd = self.sacked = 0
        self.segq, self.maxseg, self.hiwat, self.cwnd = [], 1460, host.rcvbuf, None
        self.rcv_nxt = self.rcv_adv = self.rcv_wnd = self.last_ack_sent = self.rcv_up = self.irs = 0
        self.has_dsack = self.had_urgent = False

    def take_mss(self, offer):
        self.maxseg = max(min(max(offer, 216), self.host.mss), 64)
        if self.hiwat > self.maxseg: self.hiwat = -(-self.hiwat // self.maxseg) * self.maxseg

    def seg_data(self): return self.maxseg - (12 if self.rcvd_ts else 0)
    def space(self): return max(self.hiwat - self.sb_rcv, 0)
    def has_fin(self): return self.state in ('CLOSE_WAIT', 'CLOSING', 'LAST_ACK', 'TIME_WAIT')
    def is_open(self): return ORDER.index(self.state) >= ORDER.index('ESTABLISHED')
    def gone(self): self.state, self.host.tp = 'CLOSED', None

    def respond(self, flags=A, seq=None):
        win = min(self.space(), MAXWIN << self.rcv_scale) >> self.rcv_scale
        self.host.emit({flags}, self.snd_nxt if seq is None else seq, 0, self.rcv_nxt, win, self.ts_recent if self.rcvd_ts else None)

    def challenge(self):
        if self.challenges >= 5: return
        self.challenges += 1
        self.respond()
        self.last_ack_sent = self.rcv_nxt

    def delays(self, length):
        return self.delack_at is None and not self.rxwin0 and length <= self.maxseg and (self.host.sysctl['delayed_ack'] or self.needsyn)

    def set_delack(self):
        if self.delack_flag:
            self.delack_flag = False
            self.delack_at = self.host.now + DELACK

    # --- tcp_do_segment() ---------------------------------------------------------------------------------------------------------
    def segment(self, g):
        f, sysctl = set(g.flags), self.host.sysctl
        no_data, seq, length, urp = g.len == 0, g.seq, g.len, g.urp
        if {S, F} <= f and sysctl['drop_synfin']: return
        if self.state == 'SYN_SENT' and A in f and (le(g.ack, self.iss) or lt(self.snd_max, g.ack)): return self.host.reset_for(g, self)
        win = g.win << self.snd_scale
        if self.state == 'SYN_SENT' and S in f:
            self.scales = 'wscale' in g.opts
            self.snd_scale = g.opts.get('wscale', 0)
            self.snd_wnd = g.win
            self.rcvd_ts = g.ts is not None
            self.ts_recent = g.ts or 0
            if 'mss' in g.opts: self.take_mss(g.opts['mss'])
            self.sack = 'sackOK' in g.opts
        ts = g.ts
        if self.rcvd_ts and ts is None and R not in f and not sysctl['tolerate_missing_ts']: return
        paws_ts = ts # the source looks at it whatever was agreed on
        if self.predicts(g, f, win):
            if paws_ts is not None and le(seq, self.last_ack_sent): self.ts_recent = paws_ts
            if no_data:
                if lt(self.snd_una, g.ack) and le(g.ack, self.snd_max): return self.predicted_ack(g)
            elif g.ack == self.snd_una and length <= self.space(): return self.predicted_data(g)
        self.rcv_wnd = max(self.space(), d(self.rcv_adv, self.rcv_nxt))
        need = False
        if self.state == 'SYN_RECEIVED' and R not in f and A in f and (le(g.ack, self.snd_una) or lt(self.snd_max, g.ack)):
            return self.host.reset_for(g, self)
        if self.state == 'SYN_SENT':
            if R in f:
                if A in f: self.gone()
                return
            if S not in f: return
            self.irs = seq
            self.rcv_nxt = self.rcv_adv = (seq + 1) % M32
            if A in f:
                if self.scales: self.rcv_scale = self.request_scale
                self.rcv_adv = (self.rcv_adv + min(self.rcv_wnd, MAXWIN << self.rcv_scale)) % M32
                self.snd_una += 1
                if lt(self.snd_nxt, self.snd_una): self.snd_nxt = self.snd_una
                if self.delays(length) and length: self.delack_at = self.host.now + DELACK
                else: self.acknow = True
                if self.needfin: self.state, self.needfin = 'FIN_WAIT_1', False; f.discard(S)
                else: self.state = 'ESTABLISHED'
                self.cwnd = 10 * self.maxseg
            else:
                self.acknow = self.needsyn = True
                self.rexmt = False
                self.state = 'SYN_RECEIVED'
            seq = (seq + 1) % M32
            if length > self.rcv_wnd: length = self.rcv_wnd; f.discard(F)
            self.snd_wl1 = seq - 1
            self.rcv_up = seq
            return self.process_ack(g, f, seq, length, urp, win, no_data, False, F in f) if A in f else self.step6(g, f, seq, length, urp, win, no_data, need)
        if R in f:
            if (le(self.last_ack_sent, seq) and lt(seq, self.last_ack_sent + self.rcv_wnd)) or (self.rcv_wnd == 0 and self.last_ack_sent == seq):
                if sysctl['insecure_rst'] or seq == self.last_ack_sent: self.gone()
                else: self.challenge()
            return
        if S in f and self.state not in SYN_STATES:
            if sysctl['insecure_syn'] and le(self.last_ack_sent, seq) and lt(seq, self.last_ack_sent + self.rcv_wnd): return self.drop()
            return self.challenge()
        if paws_ts is not None and self.ts_recent and lt(paws_ts, self.ts_recent):
            return self.after_ack(g, f) if length else None
        if self.state == 'SYN_RECEIVED' and lt(seq, self.irs): return self.host.reset_for(g, self)
        todrop = d(self.rcv_nxt, seq)
        if todrop > 0:
            if S in f:
                f.discard(S)
                seq = (seq + 1) % M32
                todrop -= 1
                if urp > 1: urp -= 1
                else: f.discard(U)
            if todrop > length or (todrop == length and F not in f):
                f.discard(F)
                self.acknow = True
                todrop = length
            if todrop > 0 and self.sack: self.acknow = self.has_dsack = True
            seq = (seq + todrop) % M32
            length -= todrop
            if urp > todrop: urp -= todrop
            else: f.discard(U); urp = 0
        if self.closed and length > 0 and not self.has_fin():
            self.gone()
            return self.host.reset_for(Segment(g.flags, seq, length, g.ack))
        todrop = d(seq + length, self.rcv_nxt + self.rcv_wnd)
        header_fin = F in g.flags
        if todrop > 0:
            if todrop >= length:
                if self.rcv_wnd == 0 and seq == self.rcv_nxt: self.acknow = True
                else: return self.after_ack(g, f)
            length -= todrop
            f -= {P, F}
        if paws_ts is not None and le(seq, self.last_ack_sent) and le(self.last_ack_sent, seq + length + bool(f & {S, F})): self.ts_recent = paws_ts
        if A not in f:
            if self.state == 'SYN_RECEIVED' or self.needsyn: return self.step6(g, f, seq, length, urp, win, no_data, need, header_fin)
            return self.after_ack(g, f) if self.acknow else None
        if lt(self.iss + (MAXWIN << self.snd_scale), self.snd_una): self.no_iss_check = True
        if not sysctl['insecure_ack']:
            oldest = self.snd_una - self.max_sndwnd
            if not self.no_iss_check and lt(oldest, self.iss + 1): oldest = self.iss + 1
            if lt(g.ack, oldest): return self.challenge()
        incforsyn = False
        if self.state == 'SYN_RECEIVED':
            if self.scales: self.rcv_scale = self.request_scale
            self.snd_wnd = win
            if self.needfin: self.state, self.needfin = 'FIN_WAIT_1', False
            else:
                self.state = 'ESTABLISHED'
                self.cwnd = 10 * self.maxseg
            incforsyn = lt(self.snd_una, g.ack) and not self.needsyn
            if length == 0 and F not in f: self.present()
            self.snd_wl1 = seq - 1
        if lt(self.snd_max, g.ack): return self.after_ack(g, f)
        if lt(g.ack, self.snd_una): return self.step6(g, f, seq, length, urp, win, no_data, need, header_fin)
        if g.ack == self.snd_una:
            if self.sack or not no_data or win != self.snd_wnd: pass
            elif F in f and not self.has_fin(): self.dupacks = 0
            elif not self.rexmt: self.dupacks = 0
            else:
                self.dupacks += 1
                if self.dupacks >= 3: raise Skip
            return self.step6(g, f, seq, length, urp, win, no_data, need, header_fin)
        self.dupacks = 0
        if self.needsyn:
            self.needsyn = False
            self.snd_una += 1
            if self.scales: self.rcv_scale = self.request_scale
        self.process_ack(g, f, seq, length, urp, win, no_data, incforsyn, header_fin)

    def process_ack(self, g, f, seq, length, urp, win, no_data, incforsyn, header_fin=False):
        need = False
        if incforsyn: self.snd_una += 1
        acked = d(g.ack, self.snd_una)
        if g.ack == self.snd_max:
            self.rexmt = False
            need = True
        elif not self.persist: self.rexmt = True
        if acked:
            over = acked > self.sb_snd
            took = min(acked, self.sb_snd)
            self.snd_wnd = max(self.snd_wnd - took, 0)
            self.sb_snd -= took
            self.snd_una = g.ack
            if lt(self.snd_nxt, self.snd_una): self.snd_nxt = self.snd_una
            if over and self.state == 'FIN_WAIT_1': self.state = 'FIN_WAIT_2'
            elif over and self.state == 'CLOSING': return self.twstart()
            elif over and self.state == 'LAST_ACK': return self.gone()
        self.step6(g, f, seq, length, urp, win, no_data, need, header_fin)

    def step6(self, g, f, seq, length, urp, win, no_data, need, header_fin=None):
        if header_fin is None: header_fin = F in f
        if A in f and (lt(self.snd_wl1, seq) or (self.snd_wl1 == seq and (lt(self.snd_wl2, g.ack) or (self.snd_wl2 == g.ack and win > self.snd_wnd)))):
            self.snd_wnd, self.snd_wl1, self.snd_wl2 = win, seq, g.ack
            self.max_sndwnd = max(self.max_sndwnd, win)
            need = True
        oob = 0
        self.had_urgent |= U in f
        if U in f and urp and not self.has_fin():
            if lt(self.rcv_up, seq + urp): self.rcv_up = seq + urp
            if urp <= length: oob = 1
        elif lt(self.rcv_up, self.rcv_nxt): self.rcv_up = self.rcv_nxt
        fin = False
        if (length or F in f) and not self.has_fin():
            if seq == self.rcv_nxt and not self.segq and self.is_open():
                if self.delays(length): self.delack_flag = True
                else: self.acknow = True
                self.rcv_nxt += length
                fin = header_fin
                if not self.cantrcv: self.sb_rcv += length - oob
            else:
                if oob: raise Skip
                if self.sack and length: self.has_dsack = True
                fin = self.reass(seq, length, header_fin)
                self.acknow = True
        if fin:
            if not self.has_fin():
                self.cantrcv = True
                if self.needsyn: self.delack_flag = True
                else: self.acknow = True
                self.rcv_nxt += 1
            if self.state in ('SYN_RECEIVED', 'ESTABLISHED'): self.state = 'CLOSE_WAIT'
            elif self.state == 'FIN_WAIT_1': self.state = 'CLOSING'
            elif self.state == 'FIN_WAIT_2': return self.twstart()
        if need or self.acknow: self.output()
        self.set_delack()

    def reass(self, seq, length, fin):
        """What waits out of order: ranges that do not overlap, the FIN at the last one's end."""
        top = max((e for _, e, _ in self.segq), default=None, key=lambda e: d(e, self.rcv_nxt))
        if length or fin:
            if self.segq and fin and lt(seq + length, top): return False
            for s, e, with_fin in self.segq:
                if with_fin and le(s, seq) and lt(e, seq + length): return False
                if with_fin and lt(e, seq + length): raise Skip # how it is joined matters there
            self.segq.append((seq % M32, (seq + length) % M32, fin))
        return self.present()

    def present(self):
        if not self.is_open(): return False
        fin, moved = False, True
        while moved:
            moved = False
            for item in list(self.segq):
                s, e, with_fin = item
                if le(s, self.rcv_nxt):
                    self.segq.remove(item)
                    moved = True
                    if lt(self.rcv_nxt, e):
                        if not self.cantrcv: self.sb_rcv += d(e, self.rcv_nxt)
                        self.rcv_nxt = e
                    if with_fin: fin = True
        return fin

    def twstart(self):
        self.state, self.delack_at = 'TIME_WAIT', None
        if self.acknow: self.output()

    def after_ack(self, g, f):
        if self.state == 'SYN_RECEIVED' and A in f and (lt(g.ack, self.snd_una) or lt(self.snd_max, g.ack)): return self.host.reset_for(g, self)
        self.acknow = True
        self.output()

    def drop(self):
        self.state = 'CLOSED'
        self.output()
        self.gone()

    def predicts(self, g, f, win):
        return (self.state == 'ESTABLISHED' and g.seq == self.rcv_nxt and f & {S, F, R, U, A} == {A} and self.snd_nxt == self.snd_max and win and
                win == self.snd_wnd and not self.needsyn and not self.needfin and not self.segq and (g.ts is None or le(self.ts_recent, g.ts)))

    def predicted_ack(self, g):
        acked = d(g.ack, self.snd_una)
        self.sb_snd -= acked
        self.snd_una = self.snd_wl2 = g.ack
        self.dupacks = 0
        if self.snd_una == self.snd_max: self.rexmt = False
        elif not self.persist: self.rexmt = True
        if self.acknow or self.sb_snd >= d(self.snd_max, self.snd_una): self.output()
        self.set_delack()

    def predicted_data(self, g):
        self.rcv_nxt += g.len
        self.snd_wl1 = g.seq
        self.rcv_up = self.rcv_nxt
        if not self.cantrcv: self.sb_rcv += g.len
        if self.delays(g.len): self.delack_flag = True
        else:
            self.acknow = True
            self.output()
        self.set_delack()

    # --- tcp_output() ---------------------------------------------------------------------------------------------------------------
    def output(self):
        idle = self.snd_max == self.snd_una
        while self.output_one(idle): pass

    def output_one(self, idle):
        again = False
        off = d(self.snd_nxt, self.snd_una)
        sendwin = min(self.snd_wnd, self.cwnd if self.cwnd is not None else 1 << 30)
        flags = set(OUT.get(self.state, '.'))
        if self.needfin: flags.add(F)
        if self.needsyn: flags.add(S)
        if self.forced and sendwin == 0:
            if off < self.sb_snd: flags.discard(F)
            sendwin = 1
        elif self.forced: self.persist = False
        length = min(self.sb_snd, sendwin) - off
        if S in flags and lt(self.snd_una, self.snd_nxt):
            if self.state != 'SYN_RECEIVED': flags.discard(S)
            off -= 1; length += 1
        if S in flags: length = 0
        if length <= 0:
            length = 0
            if sendwin == 0 and self.is_open() and off < self.sb_snd and not self.persist:
                self.rexmt = False
                self.snd_nxt = self.snd_una
                self.persist = True
        if lt(self.snd_nxt + length, self.snd_una + self.sb_snd): flags.discard(F)
        recwin = min(self.space(), MAXWIN << self.rcv_scale)
        send = False
        if length:
            options = 12 if self.rcvd_ts else 0
            send = (length >= self.maxseg or options + length >= self.maxseg or ((idle or self.nodelay) and length + off >= self.sb_snd) or
                    self.forced or (self.max_sndwnd > 0 and length >= self.max_sndwnd >> 1) or lt(self.snd_nxt, self.snd_max))
        if not send and recwin > 0 and not self.needsyn and not self.delack_flag and not self.has_fin():
            adv = recwin
            old = max(d(self.rcv_adv, self.rcv_nxt), 0)
            adv = max(adv - old, 0)
            if old >> self.rcv_scale < (adv + old) >> self.rcv_scale:
                send = (adv >= 2 * self.maxseg and (adv >= self.hiwat >> 2 or recwin <= self.hiwat >> 3 or self.hiwat <= 8 * self.maxseg or
                                                    adv >= MAXWIN << self.rcv_scale)) or 2 * adv >= self.hiwat
        send = send or self.acknow or R in flags or (S in flags and not self.needsyn) or lt(self.snd_una, self.snd_up)
        send = send or (F in flags and (not self.sentfin or self.snd_nxt == self.snd_una))
        if not send:
            if self.sack and lt(self.snd_una, self.snd_max) and not self.rexmt and not self.persist: self.rexmt = True
            elif self.sb_snd and not self.rexmt and not self.persist: self.persist = True
            return False
        if S in flags: self.snd_nxt = self.iss
        if self.sack and (self.segq or self.has_dsack) and self.is_open() and length > self.seg_data() - 36: raise Skip # blocks take their room
        if length > self.seg_data():
            flags.discard(F)
            length = self.seg_data()
            again = True
        if length and off + length == self.sb_snd and S not in flags: flags.add(P)
        if F in flags and self.sentfin and self.snd_nxt == self.snd_max: self.snd_nxt -= 1
        seq = self.snd_nxt if length or flags & {S, F} or self.persist else self.snd_max
        if R in flags: recwin = 0
        else:
            if recwin < self.hiwat >> 2 and recwin < self.maxseg: recwin = 0
            recwin = max(recwin, d(self.rcv_adv, self.rcv_nxt))
        if S in flags: win = min(self.space(), MAXWIN)
        else:
            unit = 1 << self.rcv_scale
            recwin = -(-recwin // unit) * unit
            win = recwin >> self.rcv_scale & 0xffff
        self.rxwin0 = win == 0
        urp = 0
        if lt(self.snd_nxt, self.snd_up):
            urp = d(self.snd_up, self.snd_nxt)
            flags.add(U)
        else: self.snd_up = self.snd_una
        asks = self.state == 'SYN_SENT' # its SYN has all options
        self.host.emit(flags, seq, length, 0 if asks else self.rcv_nxt, win, self.ts_recent if self.rcvd_ts or asks else None, urp)
        if R in flags: return False
        if not self.forced or not self.persist:
            self.snd_nxt += (S in flags) + (F in flags) + length
            if F in flags: self.sentfin = True
            if lt(self.snd_max, self.snd_nxt): self.snd_max = self.snd_nxt
            if not self.rexmt and self.snd_nxt != self.snd_una:
                self.persist = False
                self.rexmt = True
            elif length == 0 and self.sb_snd and not self.rexmt and not self.persist: self.persist = True
        else:
            more = length + (F in flags)
            if F in flags: self.sentfin = True
            if lt(self.snd_max, self.snd_nxt + more): self.snd_max = self.snd_nxt + more
        if lt(self.rcv_adv, self.rcv_nxt + recwin): self.rcv_adv = self.rcv_nxt + recwin
        self.last_ack_sent = self.rcv_nxt
        self.acknow = self.delack_flag = self.has_dsack = False
        self.delack_at = None
        return again

    # --- calls ------------------------------------------------------------------------------------------------------------------------
    def write(self, n):
        self.sb_snd += n
        self.output()

    def write_urgent(self, n):
        self.sb_snd += n
        self.snd_up = self.snd_una + self.sb_snd
        self.forced = True
        self.output()
        self.forced = False

    def read(self, n):
        n = min(n, self.sb_rcv)
        self.sb_rcv -= n
        self.output()
        return n

    def usrclosed(self):
        if self.state in SYN_STATES: self.needfin = True
        elif self.state == 'ESTABLISHED': self.state = 'FIN_WAIT_1'
        elif self.state == 'CLOSE_WAIT': self.state = 'LAST_ACK'

    def shutdown(self):
        self.usrclosed()
        self.output()

    def close(self):
        if self.state == 'TIME_WAIT': return
        self.closed = True
        if ORDER.index(self.state) < ORDER.index('ESTABLISHED'): return self.gone()
        self.sb_rcv = 0
        self.cantrcv = True # soisdisconnecting()
        self.usrclosed()
        self.output()

    def tick(self):
        if self.delack_at is not None and self.delack_at <= self.host.now + 1e-9:
            self.delack_at = None
            self.acknow = True
            self.output()
