/* packet_md5.c: the peer's side of TCP's MD5 signatures: RFC 2385, 2.0. */
#include <string.h>
#include "base/md5.h"
#include "script/language/big_endian.h"
#include "script/packet/script_packet.h"

void packet_sign_key(struct run *run, const struct addr *peer, const void *bytes, unsigned length)
{
    struct signing_key *key = arena_alloc(&run->script.arena, sizeof *key);
    key->peer = *peer;
    key->length = length < sizeof key->bytes ? length : sizeof key->bytes;
    memcpy(key->bytes, bytes, key->length);
    key->next = run->signing_keys;
    run->signing_keys = key;
}

static const struct signing_key *find_key(const struct run *run, const struct addr *a, const struct addr *b)
{
    const struct signing_key *key = run->signing_keys;
    while (key && !addr_equal(&key->peer, a) && !addr_equal(&key->peer, b))
        key = key->next;
    return key ? key : run->signing_keys; /* a prefix: the script has one peer */
}

static uint8_t *find_option(uint8_t *tcp, unsigned header)
{
    for (uint8_t *p = tcp + 20; p + 1 < tcp + header && *p != 0; p += *p == 1 ? 1 : p[1]) {
        if (*p == 1)
            continue;
        if (p[1] < 2 || p + p[1] > tcp + header)
            return NULL;
        if (*p == 19 && p[1] == 18)
            return p + 2;
    }
    return NULL;
}

bool packet_sign(const struct run *run, const struct addr *source, const struct addr *dest, uint8_t *tcp,
                 uint32_t length)
{
    unsigned header = (unsigned)(tcp[12] >> 4) * 4;
    const struct signing_key *key = find_key(run, source, dest);
    uint8_t *digest = header >= 20 && header <= length ? find_option(tcp, header) : NULL, pseudo[40], bare[20];
    if (!digest || !key || !key->length)
        return false;
    bool v4 = addr_is_v4(source);
    size_t size = v4 ? 4 : 16;
    memcpy(pseudo, source->b + 16 - size, size);
    memcpy(pseudo + size, dest->b + 16 - size, size);
    if (v4)
        put16(put16(pseudo + 8, IPPROTO_TCP), length);
    else
        put32(put32(pseudo + 32, length), IPPROTO_TCP);
    memcpy(bare, tcp, 20);
    put16(bare + 16, 0);
    struct md5 md5;
    md5_init(&md5);
    md5_add(&md5, pseudo, v4 ? 12 : 40);
    md5_add(&md5, bare, 20);
    md5_add(&md5, tcp + header, length - header);
    md5_add(&md5, key->bytes, key->length);
    md5_end(&md5, digest);
    return true;
}
