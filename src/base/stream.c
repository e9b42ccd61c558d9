/* stream.c: a ring of pieces, each a range of a block, in stream order. A written piece is one unit (a segment's
 * payload as the writer expects it) with its checksum, or a part of one where a block ends or a write came in between.
 * Pieces know their position, so any offset is found by bisection and the next one by the cursor. Read stream.h first. */
#include "base/stream.h"
#include "base/csum.h"
#include "base/pool.h"

enum {
    PIECES_INLINE = 2,
    SUM_NONE = 0,          /* a sum of zero bytes only is kept as the other zero of one's complement */
    UNIT_MIN = 256,        /* smaller units are not worth a piece each */
    PIECES_SPARSE = 64,    /* with more pieces than this, small ones are extended whatever was read already */
    SMALL_MAX = 512,       /* bytes of a first write that takes the short way: the smallest block */
    CRUMBS = 128,          /* room in a tail block that a large write leaves unused */
};
struct piece {
    struct block *block;
    uint32_t off, len;
    uint32_t position; /* stream position of its first byte, modulo 2^32 */
    uint32_t sum;      /* of its bytes, as if at an even offset; SUM_NONE: not known */
    uint32_t charge; /* memory that goes with this piece */
};
struct stream {
    struct pool *pool;
    struct piece *ring;
    uint32_t first, count, mask; /* ring[(first + i) & mask], i < count */
    uint32_t cursor;             /* the piece where the last read ended */
    uint32_t position;           /* of the first byte */
    uint32_t length, charge;
    uint32_t fill; /* bytes in the unit that is still open at the end */
    bool sent_early; /* the open unit was closed because all of it was read as a short segment */
    bool own_tail;   /* the last piece ends in a block made here: its free bytes are ours */
    struct piece room[PIECES_INLINE];
};

static struct piece *piece_at(const struct stream *s, uint32_t i)
{
    return &s->ring[(s->first + i) & s->mask];
}

static struct piece *piece_last(const struct stream *s)
{
    return s->count ? piece_at(s, s->count - 1) : NULL;
}

static uint32_t block_charge(const struct block *block)
{
    return block->size + (uint32_t)sizeof(*block);
}

size_t stream_length(const struct stream *stream)
{
    return stream ? stream->length : 0;
}

uint32_t stream_charge(const struct stream *stream)
{
    return stream ? stream->charge : 0;
}

uint32_t stream_pieces(const struct stream *stream)
{
    return stream ? stream->count : 0;
}

static struct stream *stream_new(struct pool *pool)
{
    struct stream *s = pool_take(pool, pool_general_class(sizeof(*s)));
    if (s) {
        memset(s, 0, offsetof(struct stream, room));
        s->pool = pool;
        s->ring = s->room;
        s->mask = PIECES_INLINE - 1;
    }
    return s;
}

static void ring_free(struct stream *s)
{
    if (s->ring != s->room)
        pool_free(s->pool, s->ring, ((size_t)s->mask + 1) * sizeof(*s->ring));
}

void stream_free(struct stream **stream)
{
    struct stream *s = *stream;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        block_unref(piece_at(s, i)->block);
    ring_free(s);
    pool_give(s->pool, pool_general_class(sizeof(*s)), s);
    *stream = NULL;
}

/* The same of one that has a single piece, as small messages are. */
static inline void free_single(struct stream **stream)
{
    struct stream *s = *stream;
    if (s->ring != s->room) {
        stream_free(stream);
        return;
    }
    block_unref(s->room[s->first & (PIECES_INLINE - 1)].block);
    pool_give(s->pool, pool_general_class(sizeof(*s)), s);
    *stream = NULL;
}

static bool ring_grow(struct stream *s)
{
    size_t capacity = ((size_t)s->mask + 1) * (s->mask < PIECES_SPARSE ? 4 : 2);
    struct piece *ring = pool_alloc(s->pool, capacity * sizeof(*ring));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        ring[i] = *piece_at(s, i);
    ring_free(s);
    s->ring = ring;
    s->first = 0;
    s->mask = (uint32_t)capacity - 1;
    return true;
}

/* A new last piece; takes over the reference to BLOCK. The caller has made sure of a free place (piece_room). */
static struct piece *piece_push(struct stream *s, struct block *block, uint32_t off, uint32_t len)
{
    struct piece *p = piece_at(s, s->count++);
    *p = (struct piece){.block = block, .off = off, .len = len, .position = s->position + s->length};
    s->length += len;
    return p;
}

static bool piece_room(struct stream *s)
{
    return s->count <= s->mask || ring_grow(s);
}

static uint32_t sum_known(uint32_t sum)
{
    return sum ? sum : 0xffffffff;
}

static uint32_t sum_join(uint32_t sum, size_t position, uint32_t part)
{
    return csum_add(sum, position & 1 ? csum_swap(part) : part);
}

/* --- writing ----------------------------------------------------------------------------- */

/* The capacity of the next block: as large as what is to come, or as what is held already, so that a tiny connection
 * stays tiny and a bulk one uses few blocks. */
static size_t block_wanted(const struct stream *s, size_t coming)
{
    static const uint32_t steps[] = {512, 2048, 4096, 16384, 65536};
    size_t want = max_u64(coming, s->length);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++)
        if (want <= steps[i])
            return steps[i];
    return 65536;
}

/* Free bytes behind the tail that are this stream's. */
static uint32_t own_room(const struct stream *s)
{
    const struct piece *p = piece_last(s);
    return p && s->own_tail ? p->block->size - p->block->used : 0;
}

/* Makes the tail block one with room; the first piece in it is pushed empty. */
static bool tail_new(struct stream *s, size_t coming)
{
    if (!piece_room(s))
        return false;
    struct block *block = block_new(s->pool, block_wanted(s, coming));
    if (!block && coming > 512)
        block = block_new(s->pool, 512); /* near the limit: go on in small steps */
    if (!block)
        return false;
    struct piece *p = piece_push(s, block, 0, 0);
    p->charge = block_charge(block);
    s->charge += p->charge;
    s->own_tail = true;
    return true;
}

/* Whether bytes that follow the tail's go into the last piece: it is the open unit and its sum can go on. */
static bool tail_extends(const struct stream *s, const struct piece *p, size_t unit)
{
    if (!p->len)
        return true;
    if (!unit)
        return p->sum == SUM_NONE;
    return p->sum != SUM_NONE && (s->fill || (s->sent_early && s->count > PIECES_SPARSE && p->len < UNIT_MIN));
}

/* Copies at most N bytes into the free bytes of P's block, which is the tail: whole units, each a piece, while places in
 * the ring last. P is the last piece and may take the first of them. */
static size_t write_units(struct stream *s, struct piece *p, const uint8_t *from, size_t n, size_t unit)
{
    struct block *block = p->block;
    size_t done = 0, fill = s->fill < unit ? s->fill : 0;
    for (;;) {
        uint32_t part = (uint32_t)min_u64(n - done, unit - fill);
        uint32_t sum = csum_copy(block->data + block->used, from + done, part, 0);
        p->sum = sum_known(p->len ? sum_join(p->sum, p->len, sum) : sum);
        p->len += part;
        block->used += part;
        s->length += part;
        done += part;
        fill += part;
        if (fill == unit)
            fill = 0;
        if (done == n || s->count > s->mask)
            break;
        p = piece_push(s, block_ref(block), block->used, 0);
    }
    s->fill = (uint32_t)fill;
    return done;
}

/* Copies at most N bytes behind the tail. 0: no memory. */
static size_t write_some(struct stream *s, const uint8_t *from, size_t n, size_t coming, size_t unit)
{
    uint32_t room = own_room(s);
    if (!room || (room < CRUMBS && coming > 4 * CRUMBS)) {
        if (!tail_new(s, coming))
            return 0;
        room = own_room(s);
    }
    struct piece *p = piece_last(s);
    if (!tail_extends(s, p, unit)) {
        if (!piece_room(s))
            return 0;
        p = piece_last(s);
        p = piece_push(s, block_ref(p->block), p->block->used, 0);
    }
    s->sent_early = false;
    n = min_u64(n, room);
    if (unit)
        return write_units(s, p, from, n, unit);
    memcpy(p->block->data + p->block->used, from, n);
    s->fill = 0;
    p->block->used += (uint32_t)n;
    p->len += (uint32_t)n;
    s->length += (uint32_t)n;
    return n;
}

/* A failure may leave a stream without bytes; the owner's pointer is NULL then, too. */
static void free_if_empty(struct stream **stream)
{
    if (*stream && !(*stream)->length)
        stream_free(stream);
}

/* A small write where nothing is held: one block of the smallest class takes all. False: not so small, or no memory. */
static bool write_first(struct stream **stream, struct pool *pool, const uint8_t *from, uint32_t n, size_t unit)
{
    if (n > SMALL_MAX || n > unit)
        return false;
    struct stream *s = stream_new(pool);
    struct block *block = s ? block_new_small(pool) : NULL;
    if (!block) {
        stream_free(&s);
        return false;
    }
    struct piece *p = piece_push(s, block, 0, n);
    p->sum = sum_known(csum_copy(block->data, from, n, 0));
    p->charge = s->charge = block_charge(block);
    block->used = n;
    s->own_tail = true;
    s->fill = n < unit ? n : 0;
    *stream = s;
    return true;
}

static size_t write_part(struct stream *s, const uint8_t *from, size_t n, size_t coming, size_t unit)
{
    size_t done = 0;
    while (done < n) {
        size_t part = write_some(s, from + done, n - done, coming - done, unit);
        if (!part)
            break;
        done += part;
    }
    return done;
}

static size_t unit_of(size_t unit)
{
    return unit < UNIT_MIN ? 0 : unit;
}

static size_t most_of(const struct stream *s, size_t n)
{
    return min_u64(n, (UINT32_MAX / 2) - min_u64(stream_length(s), UINT32_MAX / 2));
}

ssize_t stream_write_bytes(struct stream **stream, struct pool *pool, const void *from, size_t n, size_t unit)
{
    if (!*stream && write_first(stream, pool, from, (uint32_t)min_u64(n, UINT32_MAX), unit_of(unit)))
        return (ssize_t)n;
    struct iovec iov = {(void *)(uintptr_t)from, n};
    return stream_write(stream, pool, &iov, 1, n, unit);
}

ssize_t stream_write(struct stream **stream, struct pool *pool, const struct iovec *iov, int count, size_t limit,
                     size_t unit)
{
    size_t coming = 0, done = 0;
    for (int i = 0; i < count && coming < limit; i++)
        coming += min_u64(iov[i].iov_len, limit - coming);
    coming = most_of(*stream, coming);
    if (!coming)
        return 0;
    if (!*stream && !(*stream = stream_new(pool)))
        return -ENOMEM;
    for (int i = 0; i < count && coming; i++) {
        size_t left = min_u64(iov[i].iov_len, coming), n = write_part(*stream, iov[i].iov_base, left, coming, unit_of(unit));
        coming -= n;
        done += n;
        if (n < left)
            break;
    }
    free_if_empty(stream);
    return done ? (ssize_t)done : -ENOMEM;
}

/* --- receiving ------------------------------------------------------------------------------ */

static int append_copy(struct stream *s, const uint8_t *bytes, size_t length)
{
    while (length) {
        size_t n = write_some(s, bytes, length, length, 0);
        if (!n)
            return -ENOMEM;
        bytes += n;
        length -= n;
    }
    return 0;
}

/* Whether a slice is better copied than kept: it is a small part of its block and its siblings do not come here. */
static bool slice_is_wasteful(const struct stream *s, const struct slice *slice)
{
    const struct block *block = slice->block;
    if (slice->len >= block->size / 4)
        return false;
    const struct piece *last = piece_last(s);
    if (last && last->block == block && last->off + last->len == slice->off)
        return false;
    if (block->refs > 1 && (uint64_t)block->used * 3 >= (uint64_t)block->size * 2)
        return false;
    return s->count || block->size > 1024; /* a single small message in a small block stays where it is */
}

static int append_reference(struct stream *s, const struct slice *slice)
{
    struct piece *p = piece_last(s);
    bool follows = p && p->block == slice->block && p->off + p->len == slice->off && !s->own_tail;
    if (follows) {
        p->len += slice->len;
        p->sum = SUM_NONE;
        s->length += slice->len;
    } else {
        if (!piece_room(s))
            return -ENOMEM;
        p = piece_push(s, block_ref(slice->block), slice->off, slice->len);
        s->own_tail = false;
    }
    /* The packet's reference and ours: nobody else keeps the block. */
    uint32_t charge = slice->block->refs > 2 ? slice->len : block_charge(slice->block);
    charge = min_u32(charge, block_charge(slice->block) > p->charge ? block_charge(slice->block) - p->charge : 0);
    p->charge += charge;
    s->charge += charge;
    s->fill = 0;
    return 0;
}

static int append_packet(struct stream *s, const struct lil_packet *packet)
{
    int error = append_copy(s, packet->head + packet->head_off, packet->head_len);
    for (unsigned i = 0; i < packet->slice_count && !error; i++) {
        const struct slice *slice = &packet->slices[i];
        if (slice_is_wasteful(s, slice))
            error = append_copy(s, slice->block->data + slice->off, slice->len);
        else
            error = append_reference(s, slice);
    }
    return error;
}

/* Cuts the stream back to LENGTH bytes: a packet is taken whole or not at all. */
static void stream_cut(struct stream *s, size_t length)
{
    while (s->length > length || (s->count && !piece_last(s)->len)) {
        struct piece *p = piece_last(s);
        uint32_t n = min_u32(p->len, s->length - (uint32_t)length);
        p->len -= n;
        s->length -= n;
        p->sum = SUM_NONE;
        s->own_tail = false;
        if (!p->len) {
            s->charge -= p->charge;
            block_unref(p->block);
            s->count--;
        }
    }
    s->cursor = 0;
    s->fill = 0;
}

/* The next part of the block that the tail already has, as a bulk sender in this process sends it. */
static bool append_next(struct stream *s, const struct lil_packet *packet)
{
    struct piece *p = piece_last(s);
    const struct slice *slice = packet->slices;
    if (packet->head_len || packet->slice_count != 1 || s->own_tail || slice->block != p->block ||
        slice->off != p->off + p->len || slice->block->refs <= 2)
        return false;
    uint32_t charge = min_u32(slice->len, block_charge(p->block) - p->charge);
    p->len += slice->len;
    p->sum = SUM_NONE;
    p->charge += charge;
    s->charge += charge;
    s->length += slice->len;
    return true;
}

/* The first bytes, in one slice that is kept: its reference goes from the packet to the stream. */
static bool append_first(struct stream **stream, struct lil_packet *packet)
{
    const struct slice *slice = packet->slices;
    if (packet->head_len || packet->slice_count != 1 || (slice->block->size > 1024 && slice->len < slice->block->size / 4))
        return false;
    struct stream *s = stream_new(packet->pool);
    if (!s)
        return false;
    struct piece *p = piece_push(s, slice->block, slice->off, slice->len);
    packet->slice_count = 0;
    p->charge = block_charge(slice->block);
    if (slice->block->refs > 1)
        p->charge = min_u32(slice->len, p->charge);
    s->charge = p->charge;
    *stream = s;
    return true;
}

int stream_append_take(struct stream **stream, struct lil_packet *packet)
{
    int error = 0;
    if (!*stream && append_first(stream, packet)) {
        packet_free(packet);
        return 0;
    }
    if (*stream && packet->length <= UINT32_MAX / 2 - (*stream)->length && append_next(*stream, packet)) {
        packet_free(packet);
        return 0;
    }
    if (packet->length) {
        if (!*stream)
            *stream = stream_new(packet->pool);
        size_t before = stream_length(*stream);
        error = !*stream || packet->length > UINT32_MAX / 2 - before ? -ENOMEM : append_packet(*stream, packet);
        if (error && *stream) {
            stream_cut(*stream, before);
            free_if_empty(stream);
        }
    }
    packet_free(packet);
    return error;
}

/* --- reading --------------------------------------------------------------------------------- */

/* The piece that holds OFFSET, which is below the length. */
static uint32_t piece_find(const struct stream *s, size_t offset)
{
    uint32_t position = s->position + (uint32_t)offset;
    for (uint32_t i = s->cursor; i < s->count && i < s->cursor + 2; i++) {
        const struct piece *p = piece_at(s, i);
        if (position - p->position < p->len)
            return i;
    }
    uint32_t low = 0, high = s->count - 1; /* the last piece that begins at or before OFFSET */
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (piece_at(s, middle)->position - s->position <= offset || middle == 0)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct sum_state {
    uint32_t sum;
    bool known;
};

/* Adds the sum of part [OFF, OFF + LEN) of the piece, which lies DONE bytes into what is read. */
static void sum_part(struct sum_state *state, const struct piece *p, uint32_t off, uint32_t len, size_t done, bool want)
{
    if (!state->known)
        return;
    uint32_t part = p->sum;
    if (part == SUM_NONE || off || len != p->len) {
        if (!want) {
            state->known = false;
            return;
        }
        part = csum_partial(p->block->data + p->off + off, len, 0);
    }
    state->sum = sum_join(state->sum, done, part);
}

/* Too many pieces for the packet's slices: one block with a copy. */
static int read_copy(struct stream *s, size_t offset, size_t length, struct lil_packet *packet)
{
    struct block *block = block_new(s->pool, length);
    if (!block)
        return -ENOMEM;
    struct iovec iov = {block->data, length};
    stream_peek(s, offset, &iov, 1, length);
    block->used = (uint32_t)length;
    int error = packet_add_slice(packet, block, 0, (uint32_t)length) ? 0 : -ENOMEM;
    block_unref(block);
    return error;
}

static uint32_t last_slice_sum(const struct lil_packet *packet)
{
    const struct slice *last = &packet->slices[packet->slice_count - 1];
    return csum_partial(last->block->data + last->off, last->len, 0);
}

/* What is written next begins a segment when all was read, though the last unit is not full. */
static void close_unit(struct stream *s, size_t end)
{
    if (end == s->length && s->fill) {
        s->fill = 0;
        s->sent_early = true;
    }
}

/* The common case: the piece at the cursor, whole, into a packet without payload. */
static bool read_unit(struct stream *s, size_t offset, size_t length, struct lil_packet *packet)
{
    const struct piece *p = piece_at(s, s->cursor);
    if (packet->slice_count || s->cursor >= s->count || p->len != length ||
        p->position != s->position + (uint32_t)offset || p->sum == SUM_NONE)
        return false;
    packet->slices[0] = (struct slice){block_ref(p->block), p->off, p->len};
    packet->slice_count = 1;
    packet->length += p->len;
    packet->payload_sum = p->sum;
    packet->flags |= PACKET_HAS_SUM;
    s->cursor += s->cursor + 1 < s->count;
    close_unit(s, offset + length);
    return true;
}

int stream_read_packet(struct stream *stream, size_t offset, size_t length, bool want_sum, struct lil_packet *packet)
{
    struct stream *s = stream;
    if (!length || read_unit(s, offset, length, packet))
        return 0;
    assert(s && offset + length <= s->length);
    size_t held = packet->length - packet->head_len, done = 0;
    uint32_t before = packet->length, had_sum = packet->flags & PACKET_HAS_SUM;
    struct sum_state state = {held ? packet->payload_sum : 0, !held || had_sum};
    uint32_t i = piece_find(s, offset);
    for (bool fits = true; done < length; i++) {
        const struct piece *p = piece_at(s, i);
        uint32_t off = s->position + (uint32_t)(offset + done) - p->position;
        uint32_t len = (uint32_t)min_u64(p->len - off, length - done);
        fits = fits && packet_add_slice(packet, p->block, p->off + off, len);
        sum_part(&state, p, off, len, held + done, want_sum);
        done += len;
        s->cursor = off + len == p->len && i + 1 < s->count ? i + 1 : i;
        if (fits)
            continue;
        packet_trim_to(packet, before);
        packet->flags |= (uint8_t)had_sum;
        state = (struct sum_state){held ? packet->payload_sum : 0, want_sum && (!held || had_sum)};
        int error = read_copy(s, offset, length, packet);
        if (error)
            return error;
        if (state.known)
            state.sum = sum_join(state.sum, held, last_slice_sum(packet));
        break;
    }
    if (state.known) {
        packet->payload_sum = state.sum;
        packet->flags |= PACKET_HAS_SUM;
    }
    close_unit(s, offset + length);
    return 0;
}

size_t stream_peek(struct stream *stream, size_t offset, const struct iovec *iov, int count, size_t limit)
{
    struct stream *s = stream;
    if (offset >= stream_length(s) || !limit)
        return 0;
    size_t left = min_u64(s->length - offset, limit), done = 0;
    uint32_t i = piece_find(s, offset);
    uint32_t off = s->position + (uint32_t)offset - piece_at(s, i)->position;
    for (int v = 0; v < count && left; v++) {
        uint8_t *to = iov[v].iov_base;
        size_t space = min_u64(iov[v].iov_len, left);
        left -= space;
        done += space;
        while (space) {
            const struct piece *p = piece_at(s, i);
            uint32_t n = (uint32_t)min_u64(p->len - off, space);
            memcpy(to, p->block->data + p->off + off, n);
            to += n;
            space -= n;
            off += n;
            if (off == p->len) {
                off = 0;
                i++;
            }
        }
    }
    return done;
}

void stream_take(struct stream **stream, void *to, size_t n)
{
    struct stream *s = *stream;
    struct piece *p = piece_at(s, 0);
    if (s->count == 1 && n == p->len) { /* all there is */
        memcpy(to, p->block->data + p->off, n);
        free_single(stream);
        return;
    }
    struct iovec iov = {to, n};
    stream_peek(s, 0, &iov, 1, n);
    stream_consume(stream, n);
}

void stream_consume(struct stream **stream, size_t n)
{
    struct stream *s = *stream;
    assert(n <= stream_length(s));
    if (!s)
        return;
    if (n == s->length) {
        if (s->count == 1)
            free_single(stream);
        else
            stream_free(stream);
        return;
    }
    s->length -= (uint32_t)n;
    s->position += (uint32_t)n;
    while (n) {
        struct piece *p = piece_at(s, 0);
        if (p->len > n) {
            p->off += (uint32_t)n;
            p->len -= (uint32_t)n;
            p->position += (uint32_t)n;
            p->sum = SUM_NONE;
            return;
        }
        n -= p->len;
        struct piece *next = piece_at(s, 1);
        if (next->block == p->block && !next->charge)
            next->charge = p->charge; /* our own block goes on */
        else
            s->charge -= p->charge;
        block_unref(p->block);
        s->first++;
        s->count--;
        s->cursor -= s->cursor > 0;
    }
}
