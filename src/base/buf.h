/* buf.h: memory for packets and stream data. Read this before anything else in src/.
 *
 * pool    one thread's free lists of packets and blocks, last in first out so that what is reused is in
 *         the cache; hosts of one world share one. Reference counted; has a byte limit.
 * block   reference-counted bytes. Once a range of it is in a packet that range is immutable;
 *         bytes behind the last used one may still be appended by the block's only writer.
 * slice   a range of a block; holds one reference.
 * packet  a header area (contiguous, with headroom) followed by slices: the frame's bytes in order.
 *         Input parses by packet_pull (makes the first n bytes contiguous in the header area) and
 *         packet_trim_front; after the last header is trimmed the packet is payload only.
 *         Output attaches payload slices and prepends headers with packet_push. */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "lilliput/packet.h"

struct pool;
struct pool_stats {
    uint64_t bytes_now, bytes_peak, limit_bytes; /* blocks and packets handed out, with their headers */
    uint64_t packets_now, blocks_now, failures;
};
/* ALLOCATE/RELEASE may be NULL: malloc and free. Used for slabs and for nothing per packet. */
struct pool_config {
    void *(*allocate)(void *ctx, size_t size);
    void (*release)(void *ctx, void *memory, size_t size);
    void *ctx;
    uint64_t limit_bytes; /* 0: none */
    bool direct; /* no free lists: every object is a call of ALLOCATE (fault tests; always so under AddressSanitizer) */
};
struct pool *pool_new(const struct pool_config *config); /* NULL config: defaults. Reference 1. */
struct pool *pool_ref(struct pool *pool);
void pool_unref(struct pool *pool); /* memory is released when blocks and packets are back too */
void pool_get_stats(const struct pool *pool, struct pool_stats *stats);
/* General memory through the same allocator and limit (tcbs, tables, sockets): may return NULL. Zeroed. */
void *pool_alloc(struct pool *pool, size_t size);
void pool_free(struct pool *pool, void *memory, size_t size);
/* All of MEMORY, just allocated, will soon be written: the kernel makes its pages in one go, not one a fault. Advice: nothing fails. */
void pool_touch(struct pool *pool, void *memory, size_t size);

struct block {
    uint32_t refs;
    uint32_t size; /* capacity of data in bytes */
    uint32_t used; /* bytes written so far; an appender writes at data + used */
    uint32_t cls;  /* free list */
    struct pool *pool;
    uint8_t data[];
};
/* Capacity at least SIZE (classes 512, 2048, 4096, 16 KiB, 64 KiB+, then exact); NULL: limit reached. used = 0, refs = 1. */
struct block *block_new(struct pool *pool, size_t size);
void block_free_last(struct block *block); /* private to block_unref */
static inline struct block *block_ref(struct block *block)
{
    block->refs++;
    return block;
}
static inline void block_unref(struct block *block)
{
    if (--block->refs == 0)
        block_free_last(block);
}

struct slice {
    struct block *block;
    uint32_t off, len;
};

/* A packet's checksum: what is known of the transport checksum of its payload. */
enum packet_csum {
    CSUM_NONE,     /* nothing known: the receiver must verify */
    CSUM_PARTIAL,  /* the field holds the pseudo-header sum: filled at egress (csum_start, csum_offset) */
    CSUM_COMPUTED, /* the field is right as sent, the receiver verifies */
    CSUM_VOUCHED   /* verified below (a driver's offload): the receiver need not look */
};

/* The headroom holds Ethernet (14), IPv6 (40) and TCP with all its options (60): host_output.c asserts it. */
enum { PACKET_SLICES = 6, PACKET_HEAD = 256, PACKET_HEADROOM = 120 };

struct lil_packet {
    struct lil_packet *next; /* owner's list */
    struct pool *pool;
    uint32_t length;         /* bytes in all: header area + slices */
    uint16_t head_off;       /* the header area is head[head_off .. head_off + head_len) */
    uint16_t head_len;
    uint8_t slice_count;
    uint8_t csum;            /* enum packet_csum */
    uint8_t ecn;             /* the two ECN bits of the IP header, noted at input */
    uint8_t flags;           /* PACKET_* */
    uint16_t csum_start;     /* CSUM_PARTIAL: transport header from the packet's first byte (push and trim keep it right) ... */
    uint16_t csum_offset;    /* ... and the field's place in it */
    uint16_t gso_size;       /* payload bytes a wire packet; 0: not a GSO segment */
    uint16_t ifindex;        /* interface it came in by */
    uint32_t payload_sum;    /* PACKET_HAS_SUM: folded-later sum of the slices, as csum_add gives it */
    uint32_t mark;           /* owner's note: sequence number in a reassembly queue, hop, ... */
    uint64_t time_ns;        /* receive or departure time, the owner says which */
    struct slice slices[PACKET_SLICES];
    uint8_t head[PACKET_HEAD];
};
enum {
    PACKET_HAS_SUM = 1,   /* payload_sum is valid for the slices as they are */
    PACKET_BROADCAST = 2, /* came as link broadcast */
    PACKET_MULTICAST = 4, /* came as link multicast */
    PACKET_LOOPBACK = 8,  /* came from this host */
    PACKET_FORWARDED = 16
};

struct lil_packet *packet_new(struct pool *pool); /* empty, headroom PACKET_HEADROOM; NULL: limit reached */
struct lil_packet *packet_copy(struct pool *pool, const void *bytes, size_t length);
void packet_free(struct lil_packet *packet); /* NULL allowed */
/* A second packet with the same bytes: header copied, slices shared. NULL: limit reached. */
struct lil_packet *packet_clone(const struct lil_packet *packet);
/* The first N bytes contiguous in the header area, or NULL if the packet is shorter or N > PACKET_HEAD. */
const uint8_t *packet_pull_slow(struct lil_packet *packet, size_t n); /* private to packet_pull */
static inline const uint8_t *packet_pull(struct lil_packet *packet, size_t n)
{
    return n <= packet->head_len ? packet->head + packet->head_off : packet_pull_slow(packet, n);
}
void packet_trim_front_slow(struct lil_packet *packet, size_t n); /* private to packet_trim_front */
static inline void packet_trim_front(struct lil_packet *packet, size_t n) /* n <= length */
{
    if (n > packet->head_len) {
        packet_trim_front_slow(packet, n);
        return;
    }
    packet->head_off = (uint16_t)(packet->head_off + n);
    packet->head_len = (uint16_t)(packet->head_len - n);
    packet->length -= (uint32_t)n;
    packet->csum_start = (uint16_t)(packet->csum_start - n);
}
static inline void packet_trim_headers(struct lil_packet *packet) /* nothing but headers is in it, and they were read */
{
    packet->head_off = (uint16_t)(packet->head_off + packet->head_len);
    packet->head_len = 0;
    packet->length = 0;
}
void packet_trim_to(struct lil_packet *packet, size_t length); /* cuts the end; drops PACKET_HAS_SUM */
/* Makes room for N header bytes in front and returns where to emit them. Asserts on lack of headroom. */
static inline uint8_t *packet_push(struct lil_packet *packet, size_t n)
{
    assert(n <= packet->head_off);
    packet->head_off = (uint16_t)(packet->head_off - n);
    packet->head_len = (uint16_t)(packet->head_len + n);
    packet->length += (uint32_t)n;
    packet->csum_start = (uint16_t)(packet->csum_start + n);
    return packet->head + packet->head_off;
}
/* Appends a slice (takes a reference of its own). False: no slot is left (see packet_flatten). */
bool packet_add_slice(struct lil_packet *packet, struct block *block, uint32_t off, uint32_t len);
/* Copies bytes to the packet's end (header area if it fits and there are no slices, else a block of its own). */
bool packet_append(struct lil_packet *packet, const void *bytes, size_t length);
/* Moves SOURCE's bytes behind DEST's by reference, or by copy when slots run out; frees SOURCE. -ENOMEM: both intact. */
int packet_join_take(struct lil_packet *dest, struct lil_packet *source);
/* The payload slices into one private block (a fault that flips bits, and then clears PACKET_HAS_SUM; too many slices). */
int packet_flatten(struct lil_packet *packet);
size_t packet_read(const struct lil_packet *packet, size_t offset, void *bytes, size_t size);
int packet_iov(const struct lil_packet *packet, struct iovec *iov, int max);
/* Memory this packet keeps from others, in bytes: blocks by size, shared ones by the slice. */
uint32_t packet_charge(const struct lil_packet *packet);

/* Fills in a partial checksum (wire_csum_fill); no-op otherwise. */
void packet_fill_csum(struct lil_packet *packet);

/* Queues of packets through packet->next. */
struct packet_queue {
    struct lil_packet *first, **last;
    uint32_t count;
};
void packet_queue_init(struct packet_queue *queue);
void packet_queue_push(struct packet_queue *queue, struct lil_packet *packet);
struct lil_packet *packet_queue_pop(struct packet_queue *queue); /* NULL when empty */
void packet_queue_clear(struct packet_queue *queue);             /* frees all */

#endif
