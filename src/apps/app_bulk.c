/* app_bulk.c: a bulk sender and its sink: bytes that both ends can compute, so that the sink proves that they arrived
 * intact. */
#include <stdio.h>
#include "apps/app_mains.h"

enum { BULK_CHUNK = 65536 };

/* The byte at OFFSET of every bulk stream: a mixing function, so that a shift or a swap shows. */
static uint8_t bulk_byte(uint64_t offset)
{
    uint64_t x = (offset >> 3) * 0x9e3779b97f4a7c15ull;
    x ^= x >> 29;
    return (uint8_t)(x >> (8 * (offset & 7)));
}

static void print_rate(struct lil_proc *p, const char *what, uint64_t bytes, uint64_t ns)
{
    uint64_t ms = ns / 1000000, kbit = ms ? bytes * 8 / ms : 0;
    lil_printf(p, "%s %llu bytes in %llu.%03llu s%s%llu.%03llu Mbit/s\n", what, (unsigned long long)bytes,
               (unsigned long long)ms / 1000, (unsigned long long)ms % 1000, ", ", (unsigned long long)kbit / 1000,
               (unsigned long long)kbit % 1000);
}

int app_bulk(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 5001, .size = 1000000};
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int fd = app_client_socket(p, &options);
    uint8_t *chunk = fd < 0 ? NULL : malloc(BULK_CHUNK);
    uint64_t start_ns = lil_now_ns(p), sent = 0, total = (uint64_t)options.size;
    int status = chunk ? 0 : 1;
    while (sent < total && !status) {
        size_t size = total - sent < BULK_CHUNK ? (size_t)(total - sent) : BULK_CHUNK;
        for (size_t i = 0; i < size; i++)
            chunk[i] = bulk_byte(sent + i);
        if (app_write_all(p, fd, chunk, size) < 0)
            status = app_error(p, "write");
        else
            sent += size;
    }
    free(chunk);
    if (!status) {
        /* The sink's close tells that it has all: then the time is that of the data, not of our buffer. */
        char end;
        lil_shutdown(p, fd, SHUT_WR);
        if (lil_read(p, fd, &end, 1) < 0)
            status = app_error(p, "read");
        else
            print_rate(p, "sent", sent, lil_now_ns(p) - start_ns);
    }
    if (fd >= 0)
        lil_close(p, fd);
    return status;
}

/* Receives one connection; how many bytes, or -1 with *WRONG the offset of the first wrong one. */
static int64_t sink_one(struct lil_proc *p, int fd, int64_t *wrong)
{
    uint8_t *chunk = malloc(BULK_CHUNK);
    int64_t got = 0;
    *wrong = -1;
    for (ssize_t n; chunk && (n = lil_read(p, fd, chunk, BULK_CHUNK)) != 0;) {
        if (n < 0) {
            got = -1;
            break;
        }
        for (ssize_t i = 0; i < n && *wrong < 0; i++)
            if (chunk[i] != bulk_byte((uint64_t)(got + i)))
                *wrong = got + i;
        got += n;
    }
    free(chunk);
    return got;
}

int app_sink(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 5001, .backlog = 128, .count = -1};
    if (!app_options(p, argc, argv, &options, 0))
        return 2;
    int listener = app_server_socket(p, &options), status = 0;
    if (listener < 0)
        return 1;
    for (long i = 0; i != options.count; i++) {
        int64_t wrong;
        int fd = lil_accept(p, listener, NULL, NULL);
        if (fd < 0)
            return errno == EINTR ? status : app_error(p, "accept");
        uint64_t start_ns = lil_now_ns(p);
        int64_t got = sink_one(p, fd, &wrong);
        if (got < 0)
            status = app_error(p, "read");
        else if (wrong >= 0)
            status = lil_printf(p, "WRONG byte at offset %lld\n", (long long)wrong) > 0;
        else if (!options.quiet)
            print_rate(p, "received, all right,", (uint64_t)got, lil_now_ns(p) - start_ns);
        lil_close(p, fd);
    }
    return status;
}
