/* buf.c: packets: a header area and slices of blocks. The memory under them is pool.c's. Read buf.h first. */
#include "base/pool.h"
#include "base/csum.h"

enum { COPY_HEADROOM = 32, COPY_HEAD_MAX = PACKET_HEAD - COPY_HEADROOM, FLATTEN_ROOM = 16384 };

struct lil_packet *packet_copy(struct pool *pool, const void *bytes, size_t length)
{
    if (length > UINT32_MAX / 2)
        return NULL;
    struct lil_packet *packet = packet_new(pool);
    if (!packet)
        return NULL;
    if (length <= COPY_HEAD_MAX) {
        packet->head_off = COPY_HEADROOM;
        packet->head_len = (uint16_t)length;
        packet->length = (uint32_t)length;
        memcpy(packet->head + packet->head_off, bytes, length);
        return packet;
    }
    if (!packet_append(packet, bytes, length)) {
        packet_free(packet);
        return NULL;
    }
    return packet;
}

struct lil_packet *packet_clone(const struct lil_packet *packet)
{
    struct lil_packet *clone = packet_new(packet->pool);
    if (!clone)
        return NULL;
    memcpy(clone, packet, offsetof(struct lil_packet, slices));
    clone->next = NULL;
    memcpy(clone->head + clone->head_off, packet->head + packet->head_off, packet->head_len);
    for (unsigned i = 0; i < packet->slice_count; i++) {
        clone->slices[i] = packet->slices[i];
        block_ref(clone->slices[i].block);
    }
    return clone;
}

static void drop_first_slices(struct lil_packet *packet, unsigned count)
{
    packet->slice_count -= (uint8_t)count;
    memmove(packet->slices, packet->slices + count, packet->slice_count * sizeof(packet->slices[0]));
}

const uint8_t *packet_pull_slow(struct lil_packet *packet, size_t n)
{
    if (n > packet->length || n > PACKET_HEAD)
        return NULL;
    if (packet->head_off + n > PACKET_HEAD) {
        size_t off = (PACKET_HEAD - n) / 2; /* leave headroom, too */
        memmove(packet->head + off, packet->head + packet->head_off, packet->head_len);
        packet->head_off = (uint16_t)off;
    }
    unsigned emptied = 0;
    for (struct slice *s = packet->slices; packet->head_len < n; s++) {
        uint32_t part = min_u32(s->len, (uint32_t)(n - packet->head_len));
        memcpy(packet->head + packet->head_off + packet->head_len, s->block->data + s->off, part);
        packet->head_len += (uint16_t)part;
        s->off += part;
        s->len -= part;
        if (!s->len) {
            block_unref(s->block);
            emptied++;
        }
    }
    drop_first_slices(packet, emptied);
    packet->flags &= (uint8_t)~PACKET_HAS_SUM;
    return packet->head + packet->head_off;
}

void packet_trim_front_slow(struct lil_packet *packet, size_t n)
{
    assert(n <= packet->length);
    packet->length -= (uint32_t)n;
    packet->csum_start -= (uint16_t)n;
    uint32_t part = min_u32((uint32_t)n, packet->head_len);
    packet->head_off += (uint16_t)part;
    packet->head_len -= (uint16_t)part;
    n -= part;
    if (!n)
        return;
    unsigned emptied = 0;
    for (struct slice *s = packet->slices; n; s++) {
        part = min_u32(s->len, (uint32_t)n);
        s->off += part;
        s->len -= part;
        n -= part;
        if (!s->len) {
            block_unref(s->block);
            emptied++;
        }
    }
    drop_first_slices(packet, emptied);
    packet->flags &= (uint8_t)~PACKET_HAS_SUM;
}

void packet_trim_to(struct lil_packet *packet, size_t length)
{
    if (length >= packet->length)
        return;
    size_t cut = packet->length - length;
    packet->length = (uint32_t)length;
    if (packet->slice_count)
        packet->flags &= (uint8_t)~PACKET_HAS_SUM;
    while (cut && packet->slice_count) {
        struct slice *s = &packet->slices[packet->slice_count - 1];
        if (s->len > cut) {
            s->len -= (uint32_t)cut;
            return;
        }
        cut -= s->len;
        block_unref(s->block);
        packet->slice_count--;
    }
    packet->head_len -= (uint16_t)cut;
}

bool packet_add_slice(struct lil_packet *packet, struct block *block, uint32_t off, uint32_t len)
{
    struct slice *s = &packet->slices[packet->slice_count];
    if (!len)
        return true;
    if (packet->slice_count && s[-1].block == block && s[-1].off + s[-1].len == off) {
        s[-1].len += len;
    } else {
        if (packet->slice_count == PACKET_SLICES)
            return false;
        *s = (struct slice){block_ref(block), off, len};
        packet->slice_count++;
    }
    packet->length += len;
    packet->flags &= (uint8_t)~PACKET_HAS_SUM;
    return true;
}

/* Room behind the last slice that only this packet can write to. */
static uint32_t tail_room(const struct lil_packet *packet)
{
    if (!packet->slice_count)
        return 0;
    const struct slice *s = &packet->slices[packet->slice_count - 1];
    return s->block->refs == 1 && s->off + s->len == s->block->used ? s->block->size - s->block->used : 0;
}

bool packet_append(struct lil_packet *packet, const void *bytes, size_t length)
{
    if (!length)
        return true;
    if (length > UINT32_MAX / 2 - packet->length)
        return false;
    if (!packet->slice_count && (size_t)packet->head_off + packet->head_len + length <= PACKET_HEAD) {
        memcpy(packet->head + packet->head_off + packet->head_len, bytes, length);
        packet->head_len += (uint16_t)length;
        packet->length += (uint32_t)length;
        return true;
    }
    if (tail_room(packet) >= length) {
        struct slice *s = &packet->slices[packet->slice_count - 1];
        memcpy(s->block->data + s->block->used, bytes, length);
        s->block->used += (uint32_t)length;
        s->len += (uint32_t)length;
        packet->length += (uint32_t)length;
        packet->flags &= (uint8_t)~PACKET_HAS_SUM;
        return true;
    }
    if (packet->slice_count == PACKET_SLICES)
        return false;
    struct block *block = block_new(packet->pool, length);
    if (!block)
        return false;
    memcpy(block->data, bytes, length);
    block->used = (uint32_t)length;
    packet_add_slice(packet, block, 0, (uint32_t)length);
    block_unref(block);
    return true;
}

static size_t head_bytes(const struct lil_packet *packet, size_t offset, uint8_t *bytes, size_t size)
{
    if (offset >= packet->head_len)
        return 0;
    size_t n = min_u64(packet->head_len - offset, size);
    memcpy(bytes, packet->head + packet->head_off + offset, n);
    return n;
}

size_t packet_read(const struct lil_packet *packet, size_t offset, void *bytes, size_t size)
{
    uint8_t *to = bytes;
    size_t done = head_bytes(packet, offset, to, size);
    offset = offset > packet->head_len ? offset - packet->head_len : 0;
    for (unsigned i = 0; i < packet->slice_count && done < size; i++) {
        const struct slice *s = &packet->slices[i];
        if (offset >= s->len) {
            offset -= s->len;
            continue;
        }
        size_t n = min_u64(s->len - offset, size - done);
        memcpy(to + done, s->block->data + s->off + offset, n);
        done += n;
        offset = 0;
    }
    return done;
}

int packet_iov(const struct lil_packet *packet, struct iovec *iov, int max)
{
    int count = 0;
    if (packet->head_len) {
        if (count < max)
            iov[count] = (struct iovec){(uint8_t *)packet->head + packet->head_off, packet->head_len};
        count++;
    }
    for (unsigned i = 0; i < packet->slice_count; i++, count++)
        if (count < max)
            iov[count] = (struct iovec){packet->slices[i].block->data + packet->slices[i].off, packet->slices[i].len};
    return count;
}

/* Replaces the slices of PACKET (from header area's end) by one private block with ROOM bytes to spare. */
static int slices_to_block(struct lil_packet *packet, size_t room)
{
    size_t length = packet->length - packet->head_len;
    struct block *block = block_new(packet->pool, length + room);
    if (!block)
        return -ENOMEM;
    packet_read(packet, packet->head_len, block->data, length);
    block->used = (uint32_t)length;
    for (unsigned i = 0; i < packet->slice_count; i++)
        block_unref(packet->slices[i].block);
    packet->slices[0] = (struct slice){block, 0, (uint32_t)length};
    packet->slice_count = 1;
    return 0;
}

int packet_flatten(struct lil_packet *packet)
{
    if (!packet->slice_count || (packet->slice_count == 1 && packet->slices[0].block->refs == 1))
        return 0;
    return slices_to_block(packet, 0);
}

/* Whether SOURCE's bytes can hang behind DEST's by reference, without moving a header area's bytes. */
static bool can_join_slices(const struct lil_packet *dest, const struct lil_packet *source)
{
    return !source->head_len && dest->slice_count + source->slice_count <= PACKET_SLICES;
}

static int join_copy(struct lil_packet *dest, struct lil_packet *source)
{
    size_t length = source->length;
    bool fits_head = !dest->slice_count && (size_t)dest->head_off + dest->head_len + length <= PACKET_HEAD;
    if (fits_head) {
        packet_read(source, 0, dest->head + dest->head_off + dest->head_len, length);
        dest->head_len += (uint16_t)length;
        dest->length += (uint32_t)length;
        return 0;
    }
    if (tail_room(dest) < length) {
        /* Room as large as what is held, so that joining many small packets copies each byte about twice. */
        int error = slices_to_block(dest, length + max_u64(dest->length, min_u64(FLATTEN_ROOM, 4 * length)));
        if (error)
            return error;
    }
    struct slice *s = &dest->slices[dest->slice_count - 1];
    packet_read(source, 0, s->block->data + s->block->used, length);
    s->block->used += (uint32_t)length;
    s->len += (uint32_t)length;
    dest->length += (uint32_t)length;
    return 0;
}

int packet_join_take(struct lil_packet *dest, struct lil_packet *source)
{
    bool dest_sum = dest->flags & PACKET_HAS_SUM || dest->head_len == dest->length;
    bool keep_sum = dest_sum && source->flags & PACKET_HAS_SUM && !source->head_len && source->length;
    uint32_t before = dest->head_len == dest->length ? 0 : dest->payload_sum;
    size_t position = dest->length - dest->head_len;
    if (source->length > UINT32_MAX / 2 - dest->length)
        return -ENOMEM;
    if (can_join_slices(dest, source)) {
        for (unsigned i = 0; i < source->slice_count; i++)
            packet_add_slice(dest, source->slices[i].block, source->slices[i].off, source->slices[i].len);
    } else {
        int error = join_copy(dest, source);
        if (error)
            return error;
        keep_sum = keep_sum && dest->slice_count;
    }
    if (source->length)
        dest->flags &= (uint8_t)~PACKET_HAS_SUM;
    if (keep_sum) {
        dest->payload_sum = csum_add(before, position & 1 ? csum_swap(source->payload_sum) : source->payload_sum);
        dest->flags |= PACKET_HAS_SUM;
    }
    packet_free(source);
    return 0;
}

uint32_t packet_charge(const struct lil_packet *packet)
{
    uint32_t charge = sizeof(*packet);
    for (unsigned i = 0; i < packet->slice_count; i++) {
        const struct slice *s = &packet->slices[i];
        charge += s->block->refs == 1 ? s->block->size + (uint32_t)sizeof(struct block) : s->len;
    }
    return charge;
}

void packet_fill_csum(struct lil_packet *packet)
{
    if (packet->csum != CSUM_PARTIAL)
        return;
    /* The field holds the pseudo-header's sum, so the sum over all bytes is the whole sum. */
    uint16_t value = (uint16_t)~csum_fold(csum_packet(packet, packet->csum_start));
    if (packet->csum_offset == 6 && !value)
        value = 0xffff; /* RFC 768: a UDP checksum of zero is sent as all ones */
    size_t end = (size_t)packet->csum_start + packet->csum_offset + 2;
    uint8_t *head = (uint8_t *)packet_pull(packet, end);
    assert(head);
    memcpy(head + end - 2, &value, 2);
    packet->csum = CSUM_COMPUTED;
}

/* --- queues --------------------------------------------------------------------------------- */

void packet_queue_init(struct packet_queue *queue)
{
    *queue = (struct packet_queue){.last = &queue->first};
}

void packet_queue_push(struct packet_queue *queue, struct lil_packet *packet)
{
    packet->next = NULL;
    *queue->last = packet;
    queue->last = &packet->next;
    queue->count++;
}

struct lil_packet *packet_queue_pop(struct packet_queue *queue)
{
    struct lil_packet *packet = queue->first;
    if (!packet)
        return NULL;
    queue->first = packet->next;
    if (!queue->first)
        queue->last = &queue->first;
    packet->next = NULL;
    queue->count--;
    return packet;
}

void packet_queue_clear(struct packet_queue *queue)
{
    for (struct lil_packet *packet; (packet = packet_queue_pop(queue));)
        packet_free(packet);
}

/* --- the embedder's view (lilliput/packet.h); lil_packet_copy needs a host and lives there ---------- */

size_t lil_packet_length(const struct lil_packet *packet)
{
    return packet->length;
}

size_t lil_packet_read(struct lil_packet *packet, size_t offset, void *buffer, size_t size)
{
    packet_fill_csum(packet);
    return packet_read(packet, offset, buffer, size);
}

int lil_packet_iov(struct lil_packet *packet, struct iovec *iov, int max)
{
    packet_fill_csum(packet);
    return packet_iov(packet, iov, max);
}

unsigned lil_packet_gso_size(const struct lil_packet *packet)
{
    return packet->gso_size;
}

void lil_packet_free(struct lil_packet *packet)
{
    packet_free(packet);
}
