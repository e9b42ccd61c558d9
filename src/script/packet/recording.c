/* recording.c: a pcapng file of one script: one interface of raw IP packets, nanoseconds from the script's start. */
#include "script/packet/recording.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recording {
    FILE *file;
};
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, LINKTYPE_RAW = 101 };

static void put(struct recording *capture, const void *bytes, size_t length)
{
    fwrite(bytes, 1, length, capture->file);
}

static void put_word(struct recording *capture, uint32_t word)
{
    put(capture, &word, sizeof word); /* pcapng is in the writer's byte order */
}

static void put_padded(struct recording *capture, const void *bytes, size_t length)
{
    put(capture, bytes, length);
    put(capture, "\0\0\0", (4 - length % 4) % 4);
}

struct recording *recording_open(const char *path, bool append)
{
    struct recording *capture = calloc(1, sizeof *capture);
    if (!capture)
        return NULL;
    capture->file = fopen(path, append ? "ae" : "we");
    if (!capture->file) {
        free(capture);
        return NULL;
    }
    const uint32_t section[] = {BLOCK_SECTION, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28};
    put(capture, section, sizeof section);
    const uint32_t interface[] = {BLOCK_INTERFACE, 32, LINKTYPE_RAW, 0, 9 | 1 << 16, 9 /* if_tsresol: ns */, 0, 32};
    put(capture, interface, sizeof interface);
    return capture;
}

void recording_packet(struct recording *capture, const void *bytes, size_t length, uint64_t now_ns, const char *comment)
{
    size_t padded = (length + 3) & ~(size_t)3, note = comment ? strlen(comment) : 0;
    size_t options = comment ? 4 + ((note + 3) & ~(size_t)3) + 4 : 0;
    uint32_t total = (uint32_t)(32 + padded + options);
    put_word(capture, BLOCK_PACKET);
    put_word(capture, total);
    put_word(capture, 0);
    put_word(capture, (uint32_t)(now_ns >> 32));
    put_word(capture, (uint32_t)now_ns);
    put_word(capture, (uint32_t)length);
    put_word(capture, (uint32_t)length);
    put_padded(capture, bytes, length);
    if (comment) {
        put_word(capture, 1 | (uint32_t)note << 16);
        put_padded(capture, comment, note);
        put_word(capture, 0);
    }
    put_word(capture, total);
}

void recording_close(struct recording *capture)
{
    if (!capture)
        return;
    fclose(capture->file);
    free(capture);
}
