/* script_packet.h: the packets of a script: what the runner sends and what the host sent. */
#ifndef SCRIPT_PACKET_SCRIPT_PACKET_H
#define SCRIPT_PACKET_SCRIPT_PACKET_H
#include "script/run/run.h"

/* packet_md5.c: writes the digest of a whole segment's MD5 option; false: no such option, or no key. */
bool packet_sign(const struct run *run, const struct addr *source, const struct addr *dest, uint8_t *tcp, uint32_t length);
void packet_sign_key(struct run *run, const struct addr *peer, const void *bytes, unsigned length);

/* inject.c: what the runner sends; match.c: what the host sent */
uint32_t packet_options(const struct spec_packet *spec, const struct conn *conn, uint32_t ts_live, uint32_t ts_echo, uint8_t bytes[128]);
void packet_inject(struct run *run, const struct script_event *event);
void packet_expect(struct run *run, const struct script_event *event);
struct sent *sent_new(const void *bytes, size_t length, uint64_t now_ns);
void sent_unwrap(struct sent *sent, uint32_t port); /* TCP in UDP from PORT is TCP; 0: there is none */
bool sent_is_relevant(struct run *run, const struct sent *sent);

/* print.c: packets in the language's words */
void spec_print(const struct spec_packet *spec, char *text, size_t size);
void sent_print(const struct conn *conn, const struct sent *sent, char *text, size_t size);
#endif
