/* pcapng.h: a writer of pcapng files (draft-ietf-opsawg-pcapng): a section, an interface block per interface with its
 * name and nanoseconds, packets with a comment. No clock, no host name: the same packets give the same bytes. */
#ifndef SIM_PCAPNG_H
#define SIM_PCAPNG_H
#include "base/base.h"

enum { PCAPNG_ETHERNET = 1, PCAPNG_RAW_IP = 101 };
enum { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };
struct pcapng {
    void *file; /* FILE * */
    uint32_t interfaces;
    int error; /* the first failure, sticky */
};
int pcapng_open(struct pcapng *pcapng, const char *path, const char *application) MUST_CHECK;
int pcapng_interface(struct pcapng *pcapng, const char *name, uint16_t link_type); /* its number */
/* COMMENT may be NULL. */
void pcapng_packet(struct pcapng *pcapng, uint32_t interface, uint64_t time_ns, const void *bytes, size_t length,
                   unsigned direction, const char *comment);
int pcapng_close(struct pcapng *pcapng); /* 0, or the first error */

#endif
