/* md5.c: RFC 1321 3. Numbers are little-endian whatever the machine is. */
#include "base/md5.h"
#include <string.h>

/* floor(2^32 * abs(sin(i + 1))), RFC 1321 3.4. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
    0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
    0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
    0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
    0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void add_block(struct md5 *md5, const uint8_t *block)
{
    uint32_t a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f, sum;
        unsigned k, shift = shifts[i / 16][i % 4];
        switch (i / 16) {
        case 0: f = (b & c) | (~b & d); k = i; break;
        case 1: f = (b & d) | (c & ~d); k = 5 * i + 1; break;
        case 2: f = b ^ c ^ d; k = 3 * i + 5; break;
        default: f = c ^ (b | ~d); k = 7 * i; break;
        }
        sum = a + f + word(block + 4 * (k % 16)) + sines[i];
        a = d;
        d = c;
        c = b;
        b += sum << shift | sum >> (32 - shift);
    }
    md5->state[0] += a;
    md5->state[1] += b;
    md5->state[2] += c;
    md5->state[3] += d;
}

void md5_init(struct md5 *md5)
{
    *md5 = (struct md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void md5_add(struct md5 *md5, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    while (length) {
        size_t used = md5->length % sizeof md5->block, n = sizeof md5->block - used;
        n = n < length ? n : length;
        memcpy(md5->block + used, from, n);
        md5->length += n;
        from += n;
        length -= n;
        if (used + n == sizeof md5->block)
            add_block(md5, md5->block);
    }
}

void md5_end(struct md5 *md5, uint8_t digest[MD5_LENGTH])
{
    uint64_t bits = md5->length * 8;
    uint8_t tail[8];
    md5_add(md5, "\x80", 1);
    while (md5->length % sizeof md5->block != sizeof md5->block - sizeof tail)
        md5_add(md5, "", 1);
    for (unsigned i = 0; i < sizeof tail; i++)
        tail[i] = (uint8_t)(bits >> 8 * i);
    md5_add(md5, tail, sizeof tail);
    for (unsigned i = 0; i < MD5_LENGTH; i++)
        digest[i] = (uint8_t)(md5->state[i / 4] >> 8 * (i % 4));
}
