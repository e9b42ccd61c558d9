/* md5.h: the MD5 digest (RFC 1321), for TCP's signatures (RFC 2385) alone: it protects nothing else here. */
#ifndef BASE_MD5_H
#define BASE_MD5_H
#include "base/base.h"

enum { MD5_LENGTH = 16 };
struct md5 {
    uint32_t state[4];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
};
void md5_init(struct md5 *md5);
void md5_add(struct md5 *md5, const void *bytes, size_t length);
void md5_end(struct md5 *md5, uint8_t digest[MD5_LENGTH]);

#endif
