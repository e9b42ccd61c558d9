/* truesize.h: what a received packet costs as Linux counts it: the buffer that it came in (from a TUN device), not its bytes. */
#ifndef BASE_TRUESIZE_H
#define BASE_TRUESIZE_H
#include <stdint.h>

enum { TRUESIZE_PAD = 64, TRUESIZE_TAIL = 320, TRUESIZE_HEAD = 256, TRUESIZE_PAGE = 4096, TRUESIZE_SMALL = 704 };

/* Buffers come in powers of two, then in pages. PACKET: bytes from the IP header on; ROOM: what fits behind them. */
static inline uint32_t truesize_of(uint32_t packet, uint32_t *room)
{
    uint32_t linear = (packet + TRUESIZE_PAD + 63) / 64 * 64 + TRUESIZE_TAIL;
    *room = 0;
    if (packet + TRUESIZE_PAD <= TRUESIZE_SMALL - TRUESIZE_TAIL) {
        *room = TRUESIZE_SMALL - TRUESIZE_TAIL - TRUESIZE_PAD - packet;
        return TRUESIZE_SMALL + TRUESIZE_HEAD;
    }
    for (uint32_t size = 1024; size <= 2 * TRUESIZE_PAGE; size *= 2) {
        if (linear > size || (size > TRUESIZE_PAGE && packet + TRUESIZE_PAD >= TRUESIZE_PAGE))
            continue;
        *room = size - TRUESIZE_TAIL - TRUESIZE_PAD - packet;
        return size + TRUESIZE_HEAD;
    }
    return TRUESIZE_PAGE + TRUESIZE_HEAD +
           (packet - (TRUESIZE_PAGE - TRUESIZE_TAIL - TRUESIZE_PAD) + TRUESIZE_PAGE - 1) / TRUESIZE_PAGE * TRUESIZE_PAGE;
}

#endif
