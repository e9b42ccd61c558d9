/* recording.h: a script's packets as a file: pcapng, raw IP, nanoseconds. */
#ifndef SCRIPT_PACKET_RECORDING_H
#define SCRIPT_PACKET_RECORDING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;
struct recording *recording_open(const char *path, bool append); /* append: one more section */
void recording_packet(struct recording *capture, const void *bytes, size_t length, uint64_t now_ns, const char *comment);
void recording_close(struct recording *capture);
#endif
