/* stream.h: a queue of stream bytes held in blocks: TCP's send and receive buffers. Bytes are copied in
 * once (with the checksum folded into the copy) and out once; in between they move by reference.
 * An empty stream owns nothing. Offsets count from the first byte still held. */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H
#include "base/buf.h"

struct stream;  /* private: a list of pieces with a cursor for sequential reads */

/* Streams are made at the first byte and freed with the last: the owner holds a pointer that may be NULL. */
size_t stream_length(const struct stream *stream); /* NULL: 0 */
uint32_t stream_charge(const struct stream *stream); /* bytes of memory kept, by block size */
uint32_t stream_pieces(const struct stream *stream); /* of how many pieces what is held is made */
/* Copies IOV in. UNIT is the segment size expected: sums are kept for each UNIT bytes so that
 * stream_read_packet of the same shape needs no pass over the data; 0: no sums.
 * Returns bytes taken, or -ENOMEM if none could be. */
ssize_t stream_write(struct stream **stream, struct pool *pool, const struct iovec *iov, int count, size_t limit, size_t unit);
/* The same for one buffer, N bytes of it. */
ssize_t stream_write_bytes(struct stream **stream, struct pool *pool, const void *from, size_t n, size_t unit);
/* Takes the packet's payload behind the stream (small data in large blocks is copied). Consumes PACKET always. */
int stream_append_take(struct stream **stream, struct lil_packet *packet);
/* Attaches bytes [offset, offset + length) to PACKET by reference and sets payload_sum when it is known
 * or WANT_SUM (computed then). -ENOMEM: the packet is as before. */
int stream_read_packet(struct stream *stream, size_t offset, size_t length, bool want_sum, struct lil_packet *packet);
/* Copies out from OFFSET without consuming. */
size_t stream_peek(struct stream *stream, size_t offset, const struct iovec *iov, int count, size_t limit);
/* Drops N bytes at the front; the stream is freed and *STREAM NULL when none is left. */
void stream_consume(struct stream **stream, size_t n);
/* Peek at offset 0 and consume, in one pass: the first N bytes, which must be there. */
void stream_take(struct stream **stream, void *to, size_t n);
void stream_free(struct stream **stream);

#endif
