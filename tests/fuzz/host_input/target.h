/* target.h: what an input of the host_input target is made of.
 *
 * byte 0   flags: FUZZ_ROUTER, FUZZ_VOUCH (transport checksums are taken as verified: mutations reach deeper), FUZZ_BSD (profile 4.4bsd),
 *          FUZZ_AUTO (IPv6 configures itself, and advertises on a router)
 * then records, each 2 bytes of kind and length, then bytes:
 *   kind 0 (high bits 00)  a frame of 14-bit length for the Ethernet
 *   kind 1 (01)            a packet for the TUN
 *   kind 2 (10)            time goes on by (14-bit number)^2 microseconds
 *   kind 3 (11)            the program acts: low byte chooses what (accept, read, write, connect, send, close) */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_ROUTER = 1, FUZZ_VOUCH = 2, FUZZ_BSD = 4, FUZZ_AUTO = 8 };
enum { FUZZ_ETHER, FUZZ_TUN, FUZZ_TIME, FUZZ_ACT };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* For the corpus' maker: called with each packet that leaves by the TUN (ether false) or the Ethernet. */
extern void (*fuzz_sent)(int is_ether, const uint8_t *bytes, size_t length);

#endif
