/* csum.c: the Internet checksum, RFC 1071, a vector at a time. A sum of 64-bit words w = lo + 2^32 hi is what we want of
 * lo + hi: A = sum of w modulo 2^64 and B = sum of hi are kept, and sum of lo = A - 2^32 B. That is three operations a
 * vector. Byte order never matters: a sum of swapped words is the swapped sum (RFC 1071 2 (B)). */
#include "base/csum.h"
#include "base/base.h"
#include "base/buf.h"
#if defined(__x86_64__)
#include <immintrin.h>
#define CSUM_X86 1
#endif

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t fold64(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    return (uint32_t)(sum + (sum >> 32));
}

/* Adds fewer than 2^29 bytes to a 64-bit sum of 32-bit words: it cannot overflow. */
static inline uint64_t sum_words(const uint8_t *p, size_t length, uint64_t sum)
{
    for (; length >= 16; p += 16, length -= 16) {
        uint64_t a = load64(p), b = load64(p + 8);
        sum += (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32);
    }
    if (length & 8) {
        uint64_t a = load64(p);
        sum += (a & 0xffffffff) + (a >> 32);
        p += 8;
    }
    if (length & 4) {
        sum += load32(p);
        p += 4;
    }
    if (length & 2) {
        uint16_t pair;
        memcpy(&pair, p, 2);
        sum += pair;
        p += 2;
    }
    if (length & 1) {
        uint16_t last = 0;
        memcpy(&last, p, 1); /* followed by a zero byte, in either byte order */
        sum += last;
    }
    return sum;
}

/* For headers: loads no wider than the stores that have just written them. */
static inline uint32_t sum_header(const uint8_t *p, size_t length, uint32_t sum)
{
    uint64_t total = sum;
    for (; length >= 4; p += 4, length -= 4) {
        total += load32(p);
        __asm__("" : "+r"(total)); /* not vectorised, for the same reason */
    }
    return fold64(sum_words(p, length, total));
}

static inline uint64_t add64(uint64_t a, uint64_t b) /* the carry comes round */
{
    a += b;
    return a + (a < b);
}

/* A few dozen bytes, in 64-bit words: two sums side by side. */
static inline uint32_t sum_short(const uint8_t *p, size_t length, uint32_t sum)
{
    uint64_t a = sum, b = 0;
    for (; length >= 16; p += 16, length -= 16) {
        a = add64(a, load64(p));
        b = add64(b, load64(p + 8));
    }
    a = fold64(add64(a, b));
    return length ? fold64(sum_words(p, length, a)) : (uint32_t)a;
}

static inline uint32_t copy_short(uint8_t *to, const uint8_t *from, size_t length, uint32_t sum)
{
    uint64_t a = sum, b = 0;
    for (; length >= 16; from += 16, to += 16, length -= 16) {
        uint64_t v = load64(from), w = load64(from + 8);
        memcpy(to, &v, sizeof v);
        memcpy(to + 8, &w, sizeof w);
        a = add64(a, v);
        b = add64(b, w);
    }
    a = fold64(add64(a, b));
    if (!length)
        return (uint32_t)a;
    memcpy(to, from, length);
    return fold64(sum_words(to, length, a));
}

static uint32_t partial_scalar(const uint8_t *p, size_t length, uint32_t sum)
{
    uint64_t total = sum;
    while (length > 1u << 24) {
        total = fold64(sum_words(p, 1u << 24, total));
        p += 1u << 24;
        length -= 1u << 24;
    }
    return fold64(sum_words(p, length, total));
}

static uint32_t copy_scalar(uint8_t *to, const uint8_t *from, size_t length, uint32_t sum)
{
    uint64_t total = sum;
    while (length >= 4096) { /* in the cache between the two passes */
        memcpy(to, from, 4096);
        total = fold64(sum_words(to, 4096, total));
        to += 4096;
        from += 4096;
        length -= 4096;
    }
    memcpy(to, from, length);
    return fold64(sum_words(to, length, total));
}

#ifdef CSUM_X86
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

/* A and B as the file's head has them. B is below 2^32 times the number of vectors, so A - 2^32 B is exact while the
 * sum of lo is below 2^64. */
AVX2 static inline uint64_t finish_avx2(__m256i a, __m256i b)
{
    __m256i lo = _mm256_sub_epi64(a, _mm256_slli_epi64(b, 32));
    uint64_t l[4], h[4];
    _mm256_storeu_si256((__m256i *)l, lo);
    _mm256_storeu_si256((__m256i *)h, b);
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum += fold64(l[i]) + (uint64_t)fold64(h[i]);
    return sum;
}

#define ADD256(v, a, b) (a = _mm256_add_epi64(a, v), b = _mm256_add_epi64(b, _mm256_srli_epi64(v, 32)))

AVX2 static uint32_t partial_avx2(const uint8_t *p, size_t length, uint32_t sum)
{
    __m256i a0 = _mm256_setzero_si256(), b0 = a0, a1 = a0, b1 = a0;
    for (; length >= 64; p += 64, length -= 64) {
        __m256i v = _mm256_loadu_si256((const __m256i *)p), w = _mm256_loadu_si256((const __m256i *)(p + 32));
        ADD256(v, a0, b0);
        ADD256(w, a1, b1);
    }
    uint64_t total = sum + finish_avx2(_mm256_add_epi64(a0, a1), _mm256_add_epi64(b0, b1));
    return fold64(sum_words(p, length, total));
}

AVX2 static uint32_t copy_avx2(uint8_t *to, const uint8_t *from, size_t length, uint32_t sum)
{
    __m256i a0 = _mm256_setzero_si256(), b0 = a0, a1 = a0, b1 = a0;
    for (; length >= 64; from += 64, to += 64, length -= 64) {
        __m256i v = _mm256_loadu_si256((const __m256i *)from), w = _mm256_loadu_si256((const __m256i *)(from + 32));
        _mm256_storeu_si256((__m256i *)to, v);
        _mm256_storeu_si256((__m256i *)(to + 32), w);
        ADD256(v, a0, b0);
        ADD256(w, a1, b1);
    }
    uint64_t total = sum + finish_avx2(_mm256_add_epi64(a0, a1), _mm256_add_epi64(b0, b1));
    memcpy(to, from, length);
    return fold64(sum_words(to, length, total));
}

AVX512 static inline uint32_t finish_avx512(__m512i a, __m512i b, uint32_t sum)
{
    const __m512i low = _mm512_set1_epi64(0xffffffff);
    __m512i lo = _mm512_sub_epi64(a, _mm512_slli_epi64(b, 32));
    /* Fold each lane once so that eight of them cannot overflow. */
    lo = _mm512_add_epi64(_mm512_and_si512(lo, low), _mm512_srli_epi64(lo, 32));
    return fold64(sum + (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(lo, b)));
}

#define ADD512(v, a, b) (a = _mm512_add_epi64(a, v), b = _mm512_add_epi64(b, _mm512_srli_epi64(v, 32)))
enum {
    ALIGN_MIN = 256, /* from here on it pays to begin with a part that makes the rest line-aligned */
    AHEAD = 1024,
    LARGE_MIN = 16384, /* what does not fit the first cache beside another: read and written in four places at once, which keeps more of
                        * the second cache's lines on their way. Summed from the end, which was written last; the reader begins at
                        * the start, which is then what was touched last. */
    STREAMS = 4,
};

static inline size_t misalignment(const void *p)
{
    size_t n = -(uintptr_t)p & 63;
    return n & 1 ? 0 : n; /* an odd part would swap the bytes of all that follows */
}

AVX512 static inline __mmask64 first_bytes(size_t n)
{
    return ((__mmask64)1 << n) - 1;
}

/* Most of [P, P + LENGTH), from its end; what is left lies at the start. */
AVX512 static uint32_t large_partial_avx512(const uint8_t *p, size_t *length, uint32_t sum)
{
    __m512i a0 = _mm512_setzero_si512(), b0 = a0, a1 = a0, b1 = a0, v, w;
    const uint8_t *end = p + *length;
    size_t last = (uintptr_t)end & 63, part = (*length - last) / STREAMS & ~(size_t)127;
    end -= last;
    v = _mm512_maskz_loadu_epi8(first_bytes(last), end);
    ADD512(v, a0, b0);
    end -= STREAMS * part;
    for (size_t i = part; i; i -= 128) {
#pragma GCC unroll 4
        for (size_t k = 0; k < STREAMS; k++) {
            const uint8_t *at = end + k * part + i - 128;
            v = _mm512_load_si512(at + 64);
            w = _mm512_load_si512(at);
            ADD512(v, a0, b0);
            ADD512(w, a1, b1);
        }
    }
    *length = (size_t)(end - p);
    return finish_avx512(_mm512_add_epi64(a0, a1), _mm512_add_epi64(b0, b1), sum);
}

AVX512 static uint32_t partial_avx512(const uint8_t *p, size_t length, uint32_t sum)
{
    __m512i a0 = _mm512_setzero_si512(), b0 = a0, a1 = a0, b1 = a0, v, w;
    if (length >= LARGE_MIN && !((uintptr_t)p & 1)) /* words keep their parity */
        sum = large_partial_avx512(p, &length, sum);
    size_t first = length >= ALIGN_MIN ? misalignment(p) : 0;
    if (first) {
        v = _mm512_maskz_loadu_epi8(first_bytes(first), p);
        ADD512(v, a0, b0);
        p += first;
        length -= first;
    }
    for (; length >= 128; p += 128, length -= 128) {
        _mm_prefetch(p + AHEAD, _MM_HINT_T0); /* often the next packet's payload */
        _mm_prefetch(p + AHEAD + 64, _MM_HINT_T0);
        v = _mm512_loadu_si512(p);
        w = _mm512_loadu_si512(p + 64);
        ADD512(v, a0, b0);
        ADD512(w, a1, b1);
    }
    if (length >= 64) {
        v = _mm512_loadu_si512(p);
        ADD512(v, a0, b0);
        p += 64;
        length -= 64;
    }
    w = _mm512_maskz_loadu_epi8(first_bytes(length), p);
    ADD512(w, a1, b1);
    return finish_avx512(_mm512_add_epi64(a0, a1), _mm512_add_epi64(b0, b1), sum);
}

/* Copies and sums the first N bytes, a multiple of 512. */
AVX512 static uint32_t large_copy_avx512(uint8_t *to, const uint8_t *from, size_t n, uint32_t sum)
{
    __m512i a0 = _mm512_setzero_si512(), b0 = a0, a1 = a0, b1 = a0, v, w;
    size_t part = n / STREAMS;
    for (size_t i = 0; i < part; i += 128) {
#pragma GCC unroll 4
        for (size_t k = 0; k < STREAMS; k++) {
            const uint8_t *source = from + k * part + i;
            v = _mm512_loadu_si512(source);
            w = _mm512_loadu_si512(source + 64);
            _mm512_storeu_si512(to + k * part + i, v);
            _mm512_storeu_si512(to + k * part + i + 64, w);
            ADD512(v, a0, b0);
            ADD512(w, a1, b1);
        }
    }
    return finish_avx512(_mm512_add_epi64(a0, a1), _mm512_add_epi64(b0, b1), sum);
}

AVX512 static uint32_t copy_avx512(uint8_t *to, const uint8_t *from, size_t length, uint32_t sum)
{
    __m512i a0 = _mm512_setzero_si512(), b0 = a0, a1 = a0, b1 = a0, v, w;
    size_t first = length >= ALIGN_MIN ? misalignment(to) : 0;
    if (first) {
        v = _mm512_maskz_loadu_epi8(first_bytes(first), from);
        _mm512_mask_storeu_epi8(to, first_bytes(first), v);
        ADD512(v, a0, b0);
        from += first;
        to += first;
        length -= first;
    }
    if (length >= LARGE_MIN) {
        size_t n = length & ~(size_t)(STREAMS * 128 - 1);
        sum = large_copy_avx512(to, from, n, sum);
        from += n;
        to += n;
        length -= n;
    }
    for (; length >= 128; from += 128, to += 128, length -= 128) {
        v = _mm512_loadu_si512(from);
        w = _mm512_loadu_si512(from + 64);
        _mm512_storeu_si512(to, v);
        _mm512_storeu_si512(to + 64, w);
        ADD512(v, a0, b0);
        ADD512(w, a1, b1);
    }
    if (length >= 64) {
        v = _mm512_loadu_si512(from);
        _mm512_storeu_si512(to, v);
        ADD512(v, a0, b0);
        from += 64;
        to += 64;
        length -= 64;
    }
    w = _mm512_maskz_loadu_epi8(first_bytes(length), from);
    _mm512_mask_storeu_epi8(to, first_bytes(length), w);
    ADD512(w, a1, b1);
    return finish_avx512(_mm512_add_epi64(a0, a1), _mm512_add_epi64(b0, b1), sum);
}
#endif

/* --- the choice: the one static state in the library, set before main ----------------------- */

struct csum_variant {
    const char *name;
    uint32_t (*partial)(const uint8_t *, size_t, uint32_t);
    uint32_t (*copy)(uint8_t *, const uint8_t *, size_t, uint32_t);
};
static const struct csum_variant variants[] = {
#ifdef CSUM_X86
    {"avx512", partial_avx512, copy_avx512},
    {"avx2", partial_avx2, copy_avx2},
#endif
    {"scalar", partial_scalar, copy_scalar},
};
static const struct csum_variant *chosen = &variants[ARRAY_COUNT(variants) - 1];

static bool variant_runs(const char *name)
{
#ifdef CSUM_X86
    __builtin_cpu_init();
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
    if (!strcmp(name, "avx2"))
        return __builtin_cpu_supports("avx2");
#endif
    return !strcmp(name, "scalar");
}

const char *csum_select(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(variants); i++)
        if ((!name || !strcmp(name, variants[i].name)) && variant_runs(variants[i].name)) {
            chosen = &variants[i];
            break;
        }
    return chosen->name;
}

__attribute__((constructor)) static void csum_choose(void)
{
    csum_select(NULL);
}

enum { CSUM_SMALL = 64, CSUM_SHORT = 160 }; /* below them the call through a pointer costs more than it saves */

uint32_t csum_partial(const void *bytes, size_t length, uint32_t sum)
{
    if (length < CSUM_SMALL)
        return sum_header(bytes, length, sum);
    if (length < CSUM_SHORT)
        return sum_short(bytes, length, sum);
    return chosen->partial(bytes, length, sum);
}

uint32_t csum_copy(void *to, const void *from, size_t length, uint32_t sum)
{
    if (length < CSUM_SHORT)
        return copy_short(to, from, length, sum);
    return chosen->copy(to, from, length, sum);
}

/* --- packets ------------------------------------------------------------------------------- */

static uint32_t add_at(uint32_t sum, size_t position, uint32_t part)
{
    return csum_add(sum, position & 1 ? csum_swap(part) : part);
}

static uint32_t packet_sum(const struct lil_packet *packet, size_t offset, bool trust)
{
    uint32_t sum = 0;
    size_t position = 0; /* bytes summed so far: its parity turns the next part */
    if (offset < packet->head_len) {
        position = packet->head_len - offset;
        sum = csum_partial(packet->head + packet->head_off + offset, position, 0);
        offset = 0;
    } else {
        offset -= packet->head_len;
    }
    if (trust && !offset && packet->flags & PACKET_HAS_SUM)
        return add_at(sum, position, packet->payload_sum);
    for (unsigned i = 0; i < packet->slice_count; i++) {
        const struct slice *s = &packet->slices[i];
        if (offset >= s->len) {
            offset -= s->len;
            continue;
        }
        size_t n = s->len - offset;
        sum = add_at(sum, position, csum_partial(s->block->data + s->off + offset, n, 0));
        position += n;
        offset = 0;
    }
    return sum;
}

uint32_t csum_packet(const struct lil_packet *packet, size_t offset)
{
    return packet_sum(packet, offset, true);
}

uint32_t csum_packet_bytes(const struct lil_packet *packet, size_t offset)
{
    return packet_sum(packet, offset, false);
}
