/* pcapng.c: writes pcapng blocks in the machine's byte order, as the format allows. Read pcapng.h. */
#include "sim/pcapng.h"
#include <stdio.h>

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPTION_COMMENT = 1, OPTION_APPLICATION = 4, OPTION_NAME = 2, OPTION_RESOLUTION = 9, OPTION_FLAGS = 2 };

struct block_text { /* a block's body before it is written */
    uint8_t bytes[1024];
    size_t length;
};

static void put(struct block_text *block, const void *bytes, size_t length)
{
    if (block->length + length > sizeof(block->bytes))
        return;
    memcpy(block->bytes + block->length, bytes, length);
    block->length += length;
}

static void put32(struct block_text *block, uint32_t value)
{
    put(block, &value, 4);
}

static void put16(struct block_text *block, uint16_t value)
{
    put(block, &value, 2);
}

static void put_option(struct block_text *block, uint16_t code, const void *bytes, size_t length)
{
    static const uint8_t zero[4];
    length = length < 800 ? length : 800;
    put16(block, code);
    put16(block, (uint16_t)length);
    put(block, bytes, length);
    put(block, zero, (4 - length % 4) % 4);
}

static void out(struct pcapng *pcapng, const void *bytes, size_t length)
{
    if (length && !pcapng->error && fwrite(bytes, length, 1, pcapng->file) != 1)
        pcapng->error = -EIO;
}

static void write_block(struct pcapng *pcapng, uint32_t type, const struct block_text *head, const void *data,
                        size_t data_length, const struct block_text *tail)
{
    static const uint8_t zero[4];
    size_t pad = (4 - data_length % 4) % 4;
    uint32_t total = (uint32_t)(12 + head->length + data_length + pad + (tail ? tail->length : 0));
    out(pcapng, &type, 4);
    out(pcapng, &total, 4);
    out(pcapng, head->bytes, head->length);
    out(pcapng, data, data_length);
    out(pcapng, zero, pad);
    if (tail)
        out(pcapng, tail->bytes, tail->length);
    out(pcapng, &total, 4);
}

int pcapng_open(struct pcapng *pcapng, const char *path, const char *application)
{
    *pcapng = (struct pcapng){.file = fopen(path, "wb")};
    if (!pcapng->file)
        return -errno;
    struct block_text block = {.length = 0};
    put32(&block, 0x1a2b3c4d); /* byte order magic */
    put16(&block, 1);          /* version 1.0 */
    put16(&block, 0);
    put32(&block, 0xffffffff); /* section length: unknown */
    put32(&block, 0xffffffff);
    put_option(&block, OPTION_APPLICATION, application, strlen(application));
    put32(&block, 0);
    write_block(pcapng, BLOCK_SECTION, &block, NULL, 0, NULL);
    return pcapng->error;
}

int pcapng_interface(struct pcapng *pcapng, const char *name, uint16_t link_type)
{
    struct block_text block = {.length = 0};
    uint8_t resolution = 9; /* 10^-9 s */
    put16(&block, link_type);
    put16(&block, 0);
    put32(&block, 0); /* no snap length */
    put_option(&block, OPTION_NAME, name, strlen(name));
    put_option(&block, OPTION_RESOLUTION, &resolution, 1);
    put32(&block, 0);
    write_block(pcapng, BLOCK_INTERFACE, &block, NULL, 0, NULL);
    return (int)pcapng->interfaces++;
}

void pcapng_packet(struct pcapng *pcapng, uint32_t interface, uint64_t time_ns, const void *bytes, size_t length,
                   unsigned direction, const char *comment)
{
    struct block_text head = {.length = 0}, tail = {.length = 0};
    put32(&head, interface);
    put32(&head, (uint32_t)(time_ns >> 32));
    put32(&head, (uint32_t)time_ns);
    put32(&head, (uint32_t)length);
    put32(&head, (uint32_t)length);
    uint32_t flags = direction;
    put_option(&tail, OPTION_FLAGS, &flags, 4);
    if (comment)
        put_option(&tail, OPTION_COMMENT, comment, strlen(comment));
    put32(&tail, 0);
    write_block(pcapng, BLOCK_PACKET, &head, bytes, length, &tail);
}

int pcapng_close(struct pcapng *pcapng)
{
    if (pcapng->file && fclose(pcapng->file) != 0 && !pcapng->error)
        pcapng->error = -errno;
    pcapng->file = NULL;
    return pcapng->error;
}
