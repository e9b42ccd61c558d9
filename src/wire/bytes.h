/* bytes.h: network byte order, for wire/ alone: reads and writes of big-endian numbers at any alignment, and a bounded
 * text writer for the printers. */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/base.h"

static inline uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return ntohs(v);
}
static inline uint32_t get24(const uint8_t *p) { return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]; }
static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return ntohl(v);
}
static inline void put16(uint8_t *p, uint32_t value)
{
    uint16_t v = htons((uint16_t)value);
    memcpy(p, &v, sizeof(v));
}
static inline void put24(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 16);
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)value;
}
static inline void put32(uint8_t *p, uint32_t value)
{
    uint32_t v = htonl(value);
    memcpy(p, &v, sizeof(v));
}
/* Words as they lie in memory, for headers that are read, summed and written in words (plain.h, bare.h). */
static inline uint32_t get_word(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}
static inline void put_word(uint8_t *p, uint32_t word)
{
    memcpy(p, &word, sizeof word);
}
static inline uint32_t word_of_halves(uint16_t first, uint16_t second) /* also as they lie in memory: a checksum field is such a half */
{
    return __BYTE_ORDER == __LITTLE_ENDIAN ? (uint32_t)second << 16 | first : (uint32_t)first << 16 | second;
}
/* A checksum field as it lies in memory: what csum_fold gives and takes. */
static inline uint16_t get_csum(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline void put_csum(uint8_t *p, uint16_t value) { memcpy(p, &value, sizeof(value)); }

/* Text that may not fit: LENGTH counts what was wanted, as snprintf does. */
struct text {
    char *out;
    size_t size, length;
};
__attribute__((format(printf, 2, 3))) static inline void text_add(struct text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool room = t->length < t->size;
    int n = vsnprintf(room ? t->out + t->length : NULL, room ? t->size - t->length : 0, format, arguments);
    va_end(arguments);
    if (n > 0)
        t->length += (size_t)n;
}

#endif
