/* desc_pump.c: fast mode: bytes between the outer end and the lil_ socket, both ways, until one of them would block.
 * What was taken from one side and not yet by the other waits in a buffer of the descriptor. Ends: the program's shutdown
 * or close shows as end of file (FIN when all is sent); a close with unread data as ECONNRESET (RST); an RST from the net as a
 * poisoned close (desc_reset). Datagrams: at most one lies in the inner queue, so that its source is known. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/call.h"
#include "launch/desc.h"

enum { PUMP_TURNS = 4, CHUNK = 1 << 17 }; /* what one end gave is passed on while the processor's cache still has it */

static int keep(uint8_t **to, size_t *length, size_t *offset, const uint8_t *from, size_t size)
{
    uint8_t *copy = malloc(size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, from, size);
    *to = copy;
    *length = size;
    *offset = 0;
    return 0;
}

/* What the stack was just given leaves before a reset can overtake it, as on a kernel, where send() itself transmits. */
static void send_first(struct desc *desc)
{
    struct launcher *l = desc->launcher;
    if (lil_world_next(l->world) <= l->now_ns)
        lil_world_step(l->world, l->now_ns);
}

static void abort_lil(struct desc *desc)
{
    struct linger at_once = {1, 0};
    send_first(desc);
    lil_setsockopt(desc->program->proc, desc->lil_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    desc_free(desc);
}

/* An error that sending meets is told but once, and here: pump_to_program shows it, after what there is to read. */
static ssize_t give_to_net(struct desc *desc, const uint8_t *data, size_t size)
{
    ssize_t n = lil_send(desc->program->proc, desc->lil_fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        desc->net_error = errno;
        desc->woken |= POLLERR;
    }
    return n;
}

/* The kept bytes first; false: the stack takes no more now. */
static bool flush_to_net(struct desc *desc)
{
    while (desc->to_net_offset < desc->to_net_length) {
        ssize_t n = give_to_net(desc, desc->to_net + desc->to_net_offset, desc->to_net_length - desc->to_net_offset);
        if (n < 0 && errno == EAGAIN)
            return false;
        desc->to_net_offset += n < 0 ? desc->to_net_length - desc->to_net_offset : (size_t)n;
    }
    free(desc->to_net);
    desc->to_net = NULL;
    desc->to_net_length = desc->to_net_offset = 0;
    return true;
}

enum pumped { PUMP_MORE, PUMP_BLOCKED, PUMP_GONE };

static enum pumped end_of_program(struct desc *desc, bool reset)
{
    if (reset || (desc->hung_up && desc->resets_at_close)) {
        abort_lil(desc);
        return PUMP_GONE;
    }
    if (!desc->fin_sent) {
        desc->fin_sent = true;
        if (!desc->launcher->exact)
            lil_shutdown(desc->program->proc, desc->lil_fd, SHUT_WR);
    }
    if (desc->hung_up) { /* closed, or both directions shut: nothing can come any more */
        desc_free(desc);
        return PUMP_GONE;
    }
    return PUMP_BLOCKED;
}

/* The urgent byte, when all before it has been passed on; at it recv() stops. 1: there was one, and it went; 0: none;
 * -1: it cannot go now. */
static int urgent_to_net(struct desc *desc)
{
    int at_mark = 0;
    char byte;

    if (!desc->is_urgent || ioctl(desc->outer.fd, SIOCATMARK, &at_mark) < 0 || !at_mark)
        return 0;
    if (recv(desc->outer.fd, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) != 1)
        return 0;
    if (lil_send(desc->program->proc, desc->lil_fd, &byte, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN)
        return -1;
    (void)!recv(desc->outer.fd, &byte, 1, MSG_OOB | MSG_DONTWAIT);
    desc->is_urgent = false;
    return 1;
}

static int urgent_to_program(struct desc *desc)
{
    int at_mark = 0;
    char byte;

    if (!(desc->woken & POLLPRI) || lil_ioctl(desc->program->proc, desc->lil_fd, SIOCATMARK, &at_mark) < 0 || !at_mark)
        return 0;
    if (lil_recv(desc->program->proc, desc->lil_fd, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) != 1)
        return 0;
    if (send(desc->outer.fd, &byte, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN) {
        desc_want_room(desc);
        return -1;
    }
    (void)!lil_recv(desc->program->proc, desc->lil_fd, &byte, 1, MSG_OOB | MSG_DONTWAIT);
    desc->woken &= ~(unsigned)POLLPRI;
    return 1;
}

static enum pumped pump_to_net(struct desc *desc)
{
    uint8_t *buffer = desc->launcher->scratch;
    const ssize_t chunk = desc->pair_out ? desc->pair_out : CHUNK;
    ssize_t n, sent;

    if (desc->outer.fd < 0 || !flush_to_net(desc))
        return PUMP_BLOCKED;
    if (desc->fin_sent)
        return end_of_program(desc, false);
    if (!desc->readable)
        return PUMP_BLOCKED;
    switch (urgent_to_net(desc)) {
    case 1: return PUMP_MORE;
    case -1: return PUMP_BLOCKED;
    }
    n = recv(desc->outer.fd, buffer, (size_t)chunk, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        desc->readable = false;
        return PUMP_BLOCKED;
    }
    if (n < 0)
        /* exact: a token was unread; lil_close() knows of data */
        return end_of_program(desc, errno == ECONNRESET && !desc->launcher->exact);
    if (n == 0)
        return end_of_program(desc, false);
    desc->readable = n == chunk || desc->stays_readable; /* a short read has emptied the queue: what comes now is a new event */
    sent = give_to_net(desc, buffer, (size_t)n);
    if (sent < 0 && errno != EAGAIN)
        return PUMP_MORE; /* a dead connection: pump_to_program shows it */
    if (sent < 0)
        sent = 0;
    if (sent < n && keep(&desc->to_net, &desc->to_net_length, &desc->to_net_offset, buffer + sent, (size_t)(n - sent)) < 0)
        abort_lil(desc);
    return sent < n ? PUMP_BLOCKED : PUMP_MORE;
}

int desc_unsent(const struct desc *desc)
{
    int queued = 0;

    if (desc->launcher->exact || desc->kind != DESC_STREAM || desc->state != DESC_OPEN)
        return 0;
    if (desc->outer.fd >= 0)
        ioctl(desc->outer.fd, FIONREAD, &queued);
    return queued + (int)(desc->to_net_length - desc->to_net_offset);
}

static bool flush_to_program(struct desc *desc)
{
    while (desc->to_program_offset < desc->to_program_length) {
        ssize_t n = send(desc->outer.fd, desc->to_program + desc->to_program_offset, desc->to_program_length - desc->to_program_offset,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            desc_want_room(desc);
            return false;
        }
        desc->to_program_offset += n < 0 ? desc->to_program_length - desc->to_program_offset : (size_t)n;
    }
    free(desc->to_program);
    desc->to_program = NULL;
    desc->to_program_length = desc->to_program_offset = 0;
    return true;
}

/* A reset after the end: reads go on giving 0; the next write shall fail with EPIPE, as on a kernel: without unread bytes at our end. */
static enum pumped reset_after_end(struct desc *desc)
{
    int error = desc->net_error;
    socklen_t length = sizeof error;

    if (!(desc->woken & POLLERR) || desc->outer.fd < 0)
        return PUMP_BLOCKED;
    desc->woken &= ~(unsigned)POLLERR;
    if (!error)
        lil_getsockopt(desc->program->proc, desc->lil_fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (!error)
        return PUMP_BLOCKED;
    desc->error = error;
    while (recv(desc->outer.fd, desc->launcher->scratch, LAUNCH_SCRATCH, MSG_DONTWAIT) > 0)
        ;
    desc_close_outer(desc);
    return PUMP_BLOCKED;
}

static enum pumped pump_to_program(struct desc *desc)
{
    uint8_t *buffer = desc->launcher->scratch;
    size_t size = CHUNK;
    ssize_t n, sent;

    if (desc->fin_shown)
        return reset_after_end(desc);
    if (desc->outer.fd < 0 || !flush_to_program(desc) || !(desc->woken & ~(unsigned)(POLLOUT | POLLWRNORM)))
        return PUMP_BLOCKED;
    switch (urgent_to_program(desc)) {
    case 1: return PUMP_MORE;
    case -1: return PUMP_BLOCKED;
    }
    if (desc->lending && !(buffer = lend_buffer(desc, &size))) {
        desc_want_room(desc);
        return PUMP_BLOCKED;
    }
    n = lil_recv(desc->program->proc, desc->lil_fd, buffer, size, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        desc->woken = 0; /* the next bytes, end or error wake us */
        return PUMP_BLOCKED;
    }
    if (n < 0 || (n == 0 && desc->net_error && desc->net_error != EPIPE)) {
        desc->error = n < 0 ? errno : desc->net_error; /* SO_ERROR is exact where the pair can only say ECONNRESET */
        call_record(&(struct call){.program = desc->program, .desc = desc}, "recv", desc->error);
        desc_reset(desc);
        return PUMP_BLOCKED;
    }
    if (n == 0) {
        desc->fin_shown = true;
        shutdown(desc->outer.fd, SHUT_WR);
        return PUMP_BLOCKED;
    }
    sent = desc->lending ? lend_send(desc, buffer, (size_t)n) : send(desc->outer.fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == CHUNK)
        lend_begin(desc); /* a bulk transfer */
    if (sent < 0)
        sent = errno == EAGAIN ? 0 : n; /* the program is gone: its end of file follows */
    if (sent < n && keep(&desc->to_program, &desc->to_program_length, &desc->to_program_offset, buffer + sent, (size_t)(n - sent)) < 0)
        desc_reset(desc);
    if (sent < n)
        desc_want_room(desc);
    return sent < n ? PUMP_BLOCKED : PUMP_MORE;
}

/* --- datagrams ------------------------------------------------------------------------------------------------------------ */
/* The next thing that the program wrote; 0 also for its end. */
static ssize_t dgram_written(struct desc *desc, uint8_t *buffer, bool *ended)
{
    struct pollfd ends = {desc->outer.fd, 0, 0};
    ssize_t n = recv(desc->outer.fd, buffer, LAUNCH_SCRATCH, MSG_DONTWAIT);

    if (n < 0 && errno == ECONNRESET) /* closed with something unread: told once, before what was written and the end */
        n = recv(desc->outer.fd, buffer, LAUNCH_SCRATCH, MSG_DONTWAIT);
    *ended = n == 0 && poll(&ends, 1, 0) == 1 && ends.revents & POLLHUP; /* else it is an empty datagram */
    return n;
}

/* False: the program has closed it. */
static bool dgram_to_net(struct desc *desc)
{
    uint8_t *buffer = desc->launcher->scratch;
    bool ended;
    ssize_t n;

    while ((n = dgram_written(desc, buffer, &ended)) >= 0 && !ended)
        lil_send(desc->program->proc, desc->lil_fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (ended)
        desc_free(desc);
    return !ended;
}

static bool is_consumed(struct desc *desc)
{
    int bytes = 0;
    return ioctl(desc->outer.fd, SIOCOUTQ, &bytes) == 0 && bytes == 0;
}

/* The program has read the copy: the original goes too. */
static void dgram_consumed(struct desc *desc)
{
    char dump;
    if (!desc->queued_mark)
        (void)!lil_recv(desc->program->proc, desc->lil_fd, &dump, sizeof dump, MSG_DONTWAIT);
    desc->queued = desc->queued_mark = false;
}

/* The inner queue has a copy of the first datagram, for read() and the like; the original stays with the stack, which alone can tell
 * its source, its control data and its flags. */
static void dgram_to_program(struct desc *desc)
{
    uint8_t *buffer = desc->launcher->scratch;
    ssize_t n;

    if (desc->queued && !is_consumed(desc))
        return;
    if (desc->queued)
        dgram_consumed(desc);
    n = lil_recv(desc->program->proc, desc->lil_fd, buffer, LAUNCH_SCRATCH, MSG_DONTWAIT | MSG_PEEK);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0) { /* an ICMP error: wakes the program; a call with an address then says which */
        desc->error = errno;
        desc->queued_mark = true;
        n = 0;
    }
    desc->queued = send(desc->outer.fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n;
    desc->queued_mark &= desc->queued;
}

int desc_dgram_claim(struct desc *desc, int inner, int flags)
{
    bool is_mark = desc->queued_mark;
    int error = desc->error;
    char dump;

    if (!desc->queued || flags & MSG_ERRQUEUE)
        return 0;
    if (flags & MSG_PEEK && !is_mark) {
        if (is_consumed(desc))
            dgram_consumed(desc);
        return 0;
    }
    if (recv(inner, &dump, sizeof dump, MSG_DONTWAIT) < 0)
        dgram_consumed(desc); /* another thread's read() was there first */
    desc->queued = desc->queued_mark = false;
    if (!is_mark)
        return 0;
    desc->error = 0;
    return -error;
}

void desc_pump(struct desc *desc)
{
    enum pumped out = PUMP_MORE, in = PUMP_MORE;

    if (desc->kind == DESC_DGRAM) {
        if (dgram_to_net(desc))
            dgram_to_program(desc);
        return;
    }
    for (int turn = 0; turn < PUMP_TURNS && (out == PUMP_MORE || in == PUMP_MORE); turn++) {
        out = pump_to_net(desc);
        if (out == PUMP_GONE)
            return;
        in = desc->launcher->exact ? PUMP_BLOCKED : pump_to_program(desc);
    }
    if (out == PUMP_MORE || in == PUMP_MORE)
        desc_dirty(desc);
}
