/* defines.c: the words that collections of scripts define on packetdrill's command line, by IP version; -D comes first. */
#include <stdio.h>
#include <string.h>
#include "base/siphash.h"
#include "script/setup.h"

static void define(struct run *run, const char *name, const char *value)
{
    struct define *define = arena_alloc(&run->memory, sizeof *define), **last = (struct define **)&run->config.defines;
    *define = (struct define){.name = name, .value = arena_copy(&run->memory, value, strlen(value))};
    while (*last)
        last = &(*last)->next;
    *last = define;
}

/* Linux's fast open cookie: SipHash-2-4 of both addresses, by the key that defaults.sh sets, and by zeros. */
static void define_cookie(struct run *run, const char *name, const struct siphash_key *key)
{
    uint8_t addresses[32];
    char text[20];
    size_t size = run->ip_version == 6 ? 16 : 4;
    memcpy(addresses, run->remote.b + 16 - size, size);
    memcpy(addresses + size, run->local.b + 16 - size, size);
    uint64_t cookie = siphash24(key, addresses, 2 * size);
    for (int i = 0; i < 8; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)(cookie >> (8 * i) & 0xff));
    define(run, name, text);
}

void setup_defines(struct run *run)
{
    static const struct siphash_key key = {0xb2b2b2b2a1a1a1a1, 0xd4d4d4d4c3c3c3c3}, zeros = {0, 0};
    const struct define *user = run->config.defines;
    run->config.defines = NULL;
    for (; user; user = user->next) /* copied: the list is borrowed */
        define(run, user->name, user->value);
    bool v6 = run->config.ip != SCRIPT_IPV4; /* of the sockets: a mapped address has an AF_INET6 one */
    define(run, "CMSG_LEVEL_IP", v6 ? "SOL_IPV6" : "SOL_IP");
    define(run, "CMSG_TYPE_RECVERR", v6 ? "IPV6_RECVERR" : "IP_RECVERR");
    define_cookie(run, "TFO_COOKIE", &key);
    define_cookie(run, "TFO_COOKIE_ZERO", &zeros);
}
