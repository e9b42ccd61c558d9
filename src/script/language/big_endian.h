/* big_endian.h: big-endian fields of the headers that the runner writes itself (a script may want what wire/ would not emit). */
#ifndef SCRIPT_LANGUAGE_BIG_ENDIAN_H
#define SCRIPT_LANGUAGE_BIG_ENDIAN_H
#include <stdint.h>

static inline uint8_t *put8(uint8_t *p, unsigned v)
{
    *p = (uint8_t)v;
    return p + 1;
}
static inline uint8_t *put16(uint8_t *p, unsigned v)
{
    return put8(put8(p, v >> 8), v);
}
static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v >> 16), v & 0xffff);
}
static inline unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}
static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}
#endif
