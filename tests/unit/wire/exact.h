/* exact.h: a copy of bytes in memory of exactly their length, so that the sanitizer sees every byte read past the end. */
#ifndef TEST_EXACT_H
#define TEST_EXACT_H
#include <stdlib.h>
#include "unit/check.h"

static inline uint8_t *exact(const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    return copy;
}
/* Every prefix of BYTES must be refused by PARSE with -EMSGSIZE, and the whole accepted. PARSE is (copy, length) -> int. */
#define CHECK_TRUNCATED(bytes, length, PARSE)                        \
    do {                                                             \
        for (size_t n_ = 0; n_ <= (length); n_++) {                  \
            uint8_t *copy_ = exact(bytes, n_);                       \
            int got_ = PARSE(copy_, n_);                             \
            assert_int_equal(got_, n_ < (length) ? -EMSGSIZE : (int)(length)); \
            free(copy_);                                             \
        }                                                            \
    } while (0)

#endif
