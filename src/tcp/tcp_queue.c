/* tcp_queue.c: what waits to be sent. RFC 9293 3.9.1.2 leaves to the implementation where PSH goes between the ends of
 * writes (MUST-60, 61); Linux's answer follows from its buffers: a write fills the last one and begins others, each as
 * large as what the device takes at once (tcp_xmit_size_goal); a full one is handed down before the rest is copied, and
 * has PSH when half the peer's largest window was written since the last PSH (forced_push). The first takes from the
 * second what it lacks of a full chunk (tcp_grow_skb), and its PSH moves along. Kept are the ends of all buffers but
 * the last (queue_marks) and where that began. MSG_EOR ends a buffer early. */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

enum { GSO_MOST = 65536 - 321 /* headers' room */, MSS_LEAST = 536, BUFFER_COST = 960 /* of a buffer beside its text (M: SO_MEMINFO) */ };

/* Of the buffers whose ends are not kept, those that have not left: as if they were of one size. */
static uint32_t unmarked_left(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    uint32_t from = seq_max(tcb->snd_nxt, ext->unmarked.start), end = ext->unmarked.end;
    if (!seq_lt(from, end))
        return 0;
    return (uint32_t)((uint64_t)ext->unmarked.count * (end - from) / (end - ext->unmarked.start));
}

/* What the buffers of what waits or is in flight, and of SIZE bytes more at their most, take of the send buffer beside the text. */
uint32_t queue_cost(const struct tcb *tcb, size_t size)
{
    if (tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX)
        return 0;
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    uint32_t count = tcb->tx ? tcb->tx->count - tcb->tx->glued : 0;
    if (seq_lt(tcb->snd_nxt, tcb->write_seq))
        count++;
    for (uint32_t i = ext->mark_count; i && seq_gt(ext->marks[i - 1].end, tcb->snd_nxt); i--)
        count++;
    if (__builtin_expect(ext->unmarked.count, 0))
        count += unmarked_left(tcb);
    if (size)
        count += (uint32_t)min_u64(size / max_u32(tcb->mss, 1) + 2, UINT16_MAX);
    return count * BUFFER_COST + (ext->stamps ? zerocopy_waste(tcb) : 0);
}

/* A write on its way into the queue, as far as it has come. */
struct walk {
    uint32_t seq, tail, sent; /* written so far; where the last buffer began; what has left */
    uint32_t can;             /* what the windows let out */
    bool by_window;           /* it is the peer's that ends it */
    uint32_t pushed;          /* the last PSH */
    uint32_t hurried;         /* how far what goes down before the end does not heed Nagle's rule */
    uint32_t mss, goal;
    uint32_t alone;           /* how far what goes down by the chunk goes */
    bool push, sealed;        /* of the last buffer */
    bool urgent;              /* MSG_OOB: nothing goes down before all is copied */
    uint32_t pieces;          /* buffers more: those that began, and those that what was sent was cut into */
    uint32_t head;            /* the bytes of the first that waits */
};

/* Half the peer's largest window, while there was one (tcp_bound_to_half_wnd). */
static uint32_t buffer_most(const struct tcb *tcb)
{
    uint32_t half = tcb->max_window > MSS_LEAST ? tcb->max_window / 2 : tcb->max_window;
    return half ? min_u32(GSO_MOST, half) : GSO_MOST;
}

/* How much a paced connection lets out at once: a chunk, and nothing until that has left; but its first segments go free (cwnd_pace). */
COLD static uint32_t paced_most(const struct tcb *tcb, uint32_t mss)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    if (ext->pacing_ns)
        return 0;
    uint32_t chunk = max_u32(cwnd_chunk_segs(tcb), 1), most = CWND_FREE_SEGMENTS;
    uint32_t free = ext->data_segs_out < most ? most - ext->data_segs_out : 1;
    return (free + chunk - 1) / chunk * chunk * mss;
}

static void walk_open(const struct tcb *tcb, struct walk *walk)
{
    walk->can = walk->sent;
    uint32_t flight = tcb_in_flight(tcb), right = tcb->snd_una + tcb->snd_wnd;
    if (seq_gt(right, walk->sent) && tcb->cwnd > flight) {
        uint64_t most = (uint64_t)(tcb->cwnd - flight) * walk->mss;
        walk->by_window = right - walk->sent < most;
        walk->can += walk->by_window ? right - walk->sent : (uint32_t)most;
    }
    if (cwnd_is_paced(tcb) && walk->can - walk->sent > paced_most(tcb, walk->mss)) {
        walk->can = walk->sent + paced_most(tcb, walk->mss);
        walk->by_window = false;
    }
}

static struct walk walk_begin(const struct tcb *tcb, bool urgent)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    struct walk walk = {.seq = tcb->write_seq, .sent = tcb->snd_nxt, .pushed = ext->pushed_seq, .push = tcb->psh_end};
    walk.hurried = walk.alone = tcb->snd_nxt;
    walk.mss = max_u32(mss_current(tcb), 1);
    walk.urgent = urgent;
    walk.goal = urgent ? walk.mss : max_u32(buffer_most(tcb) / walk.mss, 1) * walk.mss;
    walk.tail = seq_gt(ext->tail_start, walk.sent) && seq_le(ext->tail_start, walk.seq) ? ext->tail_start : walk.sent;
    walk.head = ext->mark_count && seq_gt(ext->marks[0].end, walk.sent) ? ext->marks[0].end - walk.sent : 0;
    walk_open(tcb, &walk);
    return walk;
}

static bool ends_record(const struct tcb *tcb, uint32_t seq)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return ext->eor_count && ext->eor_marks[ext->eor_count - 1] == seq;
}

/* What the last buffer still takes; 0: a new one begins. */
static uint32_t walk_room(const struct tcb *tcb, const struct walk *walk)
{
    uint32_t head = seq_gt(walk->tail, walk->sent) ? walk->tail : walk->sent;
    if (walk->seq == walk->sent || walk->seq - head >= walk->goal || ends_record(tcb, walk->seq))
        return 0;
    return walk->goal - (walk->seq - head);
}

/* What does not leave for want of the peer's window: the first buffer takes from the next what it lacks of a chunk. */
static void walk_grow(struct walk *walk, uint32_t chunk)
{
    uint32_t waits = walk->seq - walk->sent, head = walk->head ? walk->head : min_u32(waits, walk->goal);
    walk->head = head;
    if (head >= chunk || waits <= head || (walk->can == walk->sent && !walk->by_window))
        return;
    uint32_t next = min_u32(waits - head, walk->goal), takes = min_u32(chunk - head, next);
    walk->head += takes;
    walk->pieces -= takes == next && walk->pieces;
}

/* A full buffer goes down while the rest is being copied: all that may go with a PSH, else one piece of it if it is the first. */
static void walk_full(struct tcb *tcb, struct walk *walk, bool mark)
{
    uint32_t most = seq_gt(walk->can, walk->sent) ? seq_min(walk->can, walk->seq) - walk->sent : 0,
             chunk = (tcb->ext->snd_urgent ? 1 : max_u32(cwnd_chunk_segs(tcb), 1)) * walk->mss;
    if (walk->sent + most != walk->seq && (!walk->by_window || most % chunk < walk->mss))
        most -= most % walk->mss;
    if (walk->seq - walk->pushed > tcb->max_window >> 1 && seq_gt(walk->seq, walk->pushed)) {
        uint32_t rest = most % chunk; /* the last chunk may wait, until the buffer is full once more */
        bool is_recent = most > rest || walk->sent != tcb->snd_nxt || tcb->ext->wstamp_ns + NS_PER_MS >= tcb_now(tcb);
        bool is_large = walk->seq - (walk->sent + most - rest) > walk->mss; /* what is one segment never waits so */
        if (rest && is_large && is_recent && cwnd_waits_for_ack(tcb, walk->can - (walk->sent + most - rest), chunk / walk->mss))
            most -= rest;
        walk->push = true;
        walk->pushed = walk->seq;
        walk->hurried = walk->seq;
    } else if (seq_gt(walk->tail, walk->sent)) {
        return;
    } else {
        most = min_u32(most, min_u32(chunk, max_u32(tcb->cwnd >> 1, 1) * walk->mss));
        tcb->ext->push_first |= mark && most && walk->sent == tcb->snd_nxt;
        walk->hurried = walk->alone = walk->sent + most;
    }
    if (most) {
        walk->pieces += (most + chunk - 1) / chunk - (walk->sent + most == walk->seq);
        walk->head = 0;
    }
    walk->sent += most;
    if (walk->push && walk->sent != walk->seq)
        walk_grow(walk, chunk);
    walk->sealed = walk->sent == walk->seq;
}

/* What is before END has left. True: a buffer with PSH ended there. */
static bool queue_pass_marks(struct tcb *tcb, uint32_t end)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t passed = 0, pushes = 0, count = ext->mark_count;
    while (passed < count && seq_le(ext->marks[passed].end, end))
        pushes += ext->marks[passed++].push;
    if (passed == 0)
        return false;
    memmove(ext->marks, ext->marks + passed, (count - passed) * sizeof ext->marks[0]);
    ext->mark_count = (uint8_t)(count - passed);
    return pushes;
}

static void add_mark(struct tcb *tcb, uint32_t end, bool push, bool sealed)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->mark_count && seq_le(ext->marks[0].end, tcb->snd_nxt))
        queue_pass_marks(tcb, tcb->snd_nxt);
    if (ext->mark_count == ARRAY_COUNT(ext->marks)) { /* those beyond are cut as one buffer */
        ext->unmarked.count = unmarked_left(tcb) + 1;
        if (ext->unmarked.count == 1)
            ext->unmarked.start = ext->marks[ext->mark_count - 1].end;
        ext->unmarked.end = end;
        return;
    }
    ext->marks[ext->mark_count].end = end;
    ext->marks[ext->mark_count].sealed = sealed;
    ext->marks[ext->mark_count++].push = push;
}

/* The next piece of at most LIMIT bytes, behind which the write GOES_ON (what it had no room for). Returns how many. */
static uint32_t walk_on(struct tcb *tcb, struct walk *walk, uint32_t limit, bool goes_on, bool mark)
{
    uint32_t room = walk_room(tcb, walk);
    if (room == 0) {
        if (mark && walk->seq != tcb->snd_nxt)
            add_mark(tcb, walk->seq, walk->push, walk->sealed);
        if (mark && !tcb->tx && walk->sent == tcb->snd_nxt) { /* others: when it goes out (tcp_output.c) */
            cwnd_check_idle(tcb);
            walk_open(tcb, walk);
        }
        walk->tail = walk->seq;
        walk->push = walk->sealed = false;
        walk->pieces++;
        room = walk->goal;
    } else if (walk->seq == tcb->write_seq) {
        walk->push = false; /* the write's PSH comes at its end */
    }
    uint32_t take = min_u32(room, limit);
    walk->seq += take;
    if (take == room && (take < limit || goes_on) && !walk->urgent)
        walk_full(tcb, walk, mark);
    return take;
}

/* How much of LIMIT a write takes: Linux asks for room only when it begins a buffer, and fills that one whatever the limit says. */
uint32_t queue_room(struct tcb *tcb, size_t limit, bool urgent)
{
    struct walk walk = walk_begin(tcb, urgent);
    uint32_t queued = (uint32_t)stream_length(tcb->snd_stream) + queue_cost(tcb, 0), taken = 0;
    uint32_t lowat = tcb->opt->notsent_lowat ? tcb->opt->notsent_lowat : tcb_params(tcb)->notsent_lowat;
    while (taken < limit) {
        if (walk_room(tcb, &walk) == 0 &&
            (queued + taken + walk.pieces * BUFFER_COST >= tcb->sndbuf || (lowat && walk.seq - walk.sent >= lowat)))
            break;
        taken += walk_on(tcb, &walk, (uint32_t)min_u64(limit - taken, UINT32_MAX / 4), false, false);
    }
    return taken;
}

/* BYTES were added to the buffer by one write, SND.NXT and WRITE_SEQ are as before. MORE: no PSH at its end yet (MSG_MORE).
 * IS_CUT: the write had more, and no room. */
void queue_note(struct tcb *tcb, uint32_t bytes, bool more, bool urgent, bool is_cut)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX) {
        uint32_t waits = tcb->write_seq - tcb->snd_nxt;
        if (tcb->psh_end && (int32_t)waits > 0 && tcb->mss && waits % tcb->mss == 0)
            add_mark(tcb, tcb->write_seq, true, false); /* the earlier write filled its segment: its PSH stays */
        tcb->psh_end = !more;
        return;
    }
    struct walk walk = walk_begin(tcb, urgent);
    uint32_t end = walk.seq + bytes;
    while (walk.seq != end)
        (void)walk_on(tcb, &walk, end - walk.seq, is_cut, true);
    ext->tail_start = walk.tail;
    bool is_gone = is_cut && walk.sent == walk.seq; /* as a full buffer */
    if (!is_gone && (!more || (walk.seq - walk.pushed > tcb->max_window >> 1 && seq_gt(walk.seq, walk.pushed)))) {
        walk.push = true;
        walk.pushed = end;
    }
    tcb->psh_end = walk.push;
    ext->pushed_seq = walk.pushed;
    ext->hurried_end = walk.hurried;
    ext->alone_end = walk.alone;
}

/* Has the segment up to END, which is about to leave for the first time, PSH? A buffer that ends in it had, or all there is ends with it
 * (MUST-61). */
bool queue_pass_push(struct tcb *tcb, uint32_t end)
{
    bool push = tcb->ext->mark_count && queue_pass_marks(tcb, end), is_bsd = tcb_params(tcb)->input_policy == TCP_INPUT_BSD;
    if (end == tcb->write_seq && (tcb->psh_end || is_bsd)) /* BSD: whatever the writes were */
        return true;
    return push && !is_bsd;
}

/* Where the first buffer of what has not left ends. */
uint32_t queue_first_end(struct tcb *tcb)
{
    queue_pass_marks(tcb, tcb->snd_nxt);
    return tcb->ext->mark_count ? tcb->ext->marks[0].end : tcb->write_seq;
}

/* Where the last buffer of what has not left begins, as far as that is known. */
uint32_t queue_tail_start(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX && seq_gt(ext->tail_start, tcb->snd_nxt) &&
                   seq_le(ext->tail_start, tcb->write_seq)
               ? ext->tail_start
               : tcb->snd_nxt;
}

/* Where the buffer ends that holds the byte before SEQ, which has not left. */
uint32_t queue_end_of(const struct tcb *tcb, uint32_t seq)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    for (uint32_t i = 0; i < ext->mark_count; i++)
        if (seq_ge(ext->marks[i].end, seq))
            return ext->marks[i].end;
    return tcb->write_seq;
}

/* Up to BYTES may go next: the first buffer takes what it lacks from the second. Returns where the first ends. */
uint32_t queue_grow(struct tcb *tcb, uint32_t bytes)
{
    struct tcb_ext *ext = tcb->ext;
    queue_pass_marks(tcb, tcb->snd_nxt);
    if (ext->mark_count == 0 || tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX)
        return tcb->write_seq;
    uint32_t end = ext->marks[0].end, has = end - tcb->snd_nxt;
    if (has >= bytes || ext->marks[0].sealed || (ext->eor_count && ext->eor_marks[0] == end))
        return end;
    bool is_last = ext->mark_count == 1, push = ext->marks[0].push;
    uint32_t next_end = is_last ? tcb->write_seq : ext->marks[1].end;
    if (next_end - end > bytes - has)
        return ext->marks[0].end = tcb->snd_nxt + bytes;
    queue_pass_marks(tcb, end);
    if (is_last) {
        tcb->psh_end |= push;
        ext->tail_start = tcb->snd_nxt;
    } else {
        ext->marks[0].push |= push;
    }
    return next_end;
}

/* MSG_EOR: what is written next begins a segment of its own. */
void queue_end_record(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->eor_count < ARRAY_COUNT(ext->eor_marks))
        ext->eor_marks[ext->eor_count++] = tcb->write_seq;
}

/* MSG_EOR: no segment holds bytes from both sides of such an end. How many of LENGTH bytes at SEQ come before one? */
uint32_t queue_until_eor(const struct tcb *tcb, uint32_t seq, uint32_t length)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    for (uint32_t i = 0; i < ext->eor_count; i++)
        if (seq_gt(ext->eor_marks[i], seq))
            return min_u32(length, ext->eor_marks[i] - seq);
    return length;
}

/* True when END is one; those up to END are forgotten. */
bool queue_pass_eor(struct tcb_ext *ext, uint32_t end)
{
    uint32_t kept = 0;
    bool found = false;
    for (uint32_t i = 0; i < ext->eor_count; i++) {
        found |= ext->eor_marks[i] == end;
        if (seq_gt(ext->eor_marks[i], end))
            ext->eor_marks[kept++] = ext->eor_marks[i];
    }
    ext->eor_count = (uint8_t)kept;
    return found;
}
