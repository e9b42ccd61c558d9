/* desc_lend.c: fast mode: what a bulk transfer brings goes to the program by reference, not by a copy into the kernel:
 * the bytes lie in a ring of the descriptor, its pages go through a pipe into the outer end's queue (vmsplice(2),
 * splice(2)), and the program's read() copies from them. A slot of the ring is used again when the kernel has let go of
 * its pages: SIOCOUTQ tells how much the outer end still has in the queue, which is first in, first out.
 *
 * A program can take pages from the queue without a copy, by splice(2) into a pipe: then nothing tells when they are
 * free. So splice is notified: before the first one from a descriptor its ring is unmapped (pages live for as long as
 * anybody has them), and what comes later is copied. The same at the end of the outer end: what is in the queue then
 * outlives the ring. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "launch/desc.h"

enum {
    SLOTS = 8,
    SLOT = 1 << 16, /* the pages of a pipe */
    WORTH = 1 << 14,
    RING = 1 << 21 /* one huge page, of which the slots use a part */
};

struct lending {
    uint8_t *ring;
    unsigned first, count; /* slots that are lent, the oldest first */
    int charge[SLOTS];     /* what each added to the queue, at least */
    int limit;             /* the queue takes one more while it holds less */
};

static int queued(const struct desc *desc)
{
    int bytes = 0;
    return ioctl(desc->outer.fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

bool lend_open_pipe(struct launcher *l)
{
    return l->lend.pipe[1] > 0 || pipe2(l->lend.pipe, O_CLOEXEC | O_NONBLOCK) == 0;
}

/* In one huge page where the kernel has one to give: it counts and hands on a range of that as one thing, and not page by page. */
static uint8_t *take_ring(struct launcher *l)
{
    uint8_t *at, *ring = l->lend.spare_ring;

    l->lend.spare_ring = NULL;
    if (ring)
        return ring;
    at = mmap(NULL, 2 * RING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    ring = at + (RING - (uintptr_t)at % RING) % RING;
    if (ring > at)
        munmap(at, (size_t)(ring - at));
    if (ring < at + RING)
        munmap(ring + RING, (size_t)(at + RING - ring));
    madvise(ring, RING, MADV_HUGEPAGE);
    return ring;
}

bool lend_begin(struct desc *desc)
{
    struct lending *lending;
    socklen_t length = sizeof lending->limit;

    if (desc->never_lends || desc->lending || desc->outer.fd < 0 || !lend_open_pipe(desc->launcher))
        return desc->lending != NULL;
    lending = calloc(1, sizeof *lending);
    if (!lending)
        return false;
    lending->ring = take_ring(desc->launcher);
    if (!lending->ring || fcntl(desc->outer.fd, F_SETFL, O_NONBLOCK) < 0 /* splice(2) into it asks only that */ ||
        getsockopt(desc->outer.fd, SOL_SOCKET, SO_SNDBUF, &lending->limit, &length) < 0) {
        if (lending->ring)
            munmap(lending->ring, RING);
        free(lending);
        return false;
    }
    desc->lending = lending;
    return true;
}

void lend_end(struct desc *desc)
{
    struct launcher *l = desc->launcher;
    int in_queue;

    if (!desc->lending)
        return;
    if (!desc->never_lends && !l->lend.spare_ring && ioctl(desc->outer.fd, SIOCOUTQ, &in_queue) == 0 && !in_queue)
        l->lend.spare_ring = desc->lending->ring;
    else
        munmap(desc->lending->ring, RING);
    free(desc->lending);
    desc->lending = NULL;
}

void lend_fini(struct launcher *l)
{
    if (l->lend.spare_ring)
        munmap(l->lend.spare_ring, RING);
    for (int i = 0; i < 2; i++)
        if (l->lend.pipe[i] > 0)
            close(l->lend.pipe[i]);
}

static void take_back(struct lending *lending, int in_queue)
{
    int behind = 1; /* what came after the oldest; the kernel tells of room while it still counts one byte of what was read (sock_wfree) */

    for (unsigned i = 1; i < lending->count; i++)
        behind += lending->charge[(lending->first + i) % SLOTS];
    while (lending->count && in_queue <= behind) {
        lending->first = (lending->first + 1) % SLOTS;
        if (--lending->count)
            behind -= lending->charge[lending->first];
    }
}

uint8_t *lend_buffer(struct desc *desc, size_t *size)
{
    struct lending *lending = desc->lending;
    int in_queue = queued(desc);

    take_back(lending, in_queue);
    *size = SLOT;
    return in_queue >= lending->limit || lending->count == SLOTS
               ? NULL
               : lending->ring + (size_t)((lending->first + lending->count) % SLOTS) * SLOT;
}

/* What the queue did not take must not stay in the pipe: the next bytes would come behind it. */
void lend_empty_pipe(struct launcher *l, size_t left)
{
    while (left) {
        ssize_t n = read(l->lend.pipe[0], l->scratch, left < LAUNCH_SCRATCH ? left : LAUNCH_SCRATCH);
        if (n <= 0)
            return;
        left -= (size_t)n;
    }
}

/* N bytes through the pipe; how many the queue took, or -1 with errno. */
static ssize_t pass(struct desc *desc, const uint8_t *buffer, size_t n)
{
    struct launcher *l = desc->launcher;
    size_t done = 0;

    while (done < n) {
        struct iovec iov = {(void *)(uintptr_t)(buffer + done), n - done};
        ssize_t in = vmsplice(l->lend.pipe[1], &iov, 1, SPLICE_F_NONBLOCK), out = 0;
        if (in <= 0)
            return done ? (ssize_t)done : in;
        for (ssize_t k = 1; out < in && k > 0; out += k > 0 ? k : 0)
            k = splice(l->lend.pipe[0], NULL, desc->outer.fd, NULL, (size_t)(in - out), SPLICE_F_NONBLOCK);
        done += (size_t)out;
        if (out < in) {
            int error = errno;
            lend_empty_pipe(l, (size_t)(in - out));
            errno = error;
            return done ? (ssize_t)done : -1;
        }
    }
    return (ssize_t)done;
}

ssize_t lend_send(struct desc *desc, const uint8_t *buffer, size_t n)
{
    struct lending *lending = desc->lending;
    int before;
    ssize_t sent;

    if (n < WORTH)
        return send(desc->outer.fd, buffer, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    before = queued(desc);
    sent = pass(desc, buffer, n);
    if (sent > 0) { /* what is read meanwhile makes it less: the slot is then held for longer */
        int charge = queued(desc) - before;
        lending->charge[(lending->first + lending->count++) % SLOTS] = charge > 0 ? charge : 0;
    }
    return sent;
}
