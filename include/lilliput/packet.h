/* packet.h: a packet as drivers and links see it. The structure is private (src/base/buf.h);
 * an embedder copies frames in, reads frames out, and frees them. A packet belongs to one
 * thread; hosts that share a pool (one world, one thread) pass packets by reference. */
#ifndef LILLIPUT_PACKET_H
#define LILLIPUT_PACKET_H
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct lil_host;
struct lil_packet;

#ifdef __cplusplus
#define LIL_API extern "C" __attribute__((visibility("default")))
#else
#define LIL_API __attribute__((visibility("default")))
#endif

/* Copies LENGTH bytes of FRAME into a new packet; NULL when memory or the host's limit is reached.
 * The caller owns the packet until it gives it to lil_host_input or lil_packet_free. */
LIL_API struct lil_packet *lil_packet_copy(struct lil_host *host, const void *frame, size_t length);
/* The length in bytes, link header included. */
LIL_API size_t lil_packet_length(const struct lil_packet *packet);
/* Copies at most SIZE bytes from OFFSET out into BUFFER; returns the number copied.
 * Fills in a partial checksum first, so that what is read is what a wire carries. */
LIL_API size_t lil_packet_read(struct lil_packet *packet, size_t offset, void *buffer, size_t size);
/* The packet's pieces in order, for writev: at most MAX are written to IOV; returns how many there are.
 * Borrowed until the packet is freed. */
LIL_API int lil_packet_iov(struct lil_packet *packet, struct iovec *iov, int max);
/* GSO: the payload bytes that each wire packet of this segment carries; 0: one wire packet. */
LIL_API unsigned lil_packet_gso_size(const struct lil_packet *packet);
/* Gives the packet back. NULL is allowed. */
LIL_API void lil_packet_free(struct lil_packet *packet);

#endif
