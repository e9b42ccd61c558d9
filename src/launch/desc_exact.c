/* desc_exact.c: exact mode's (and every listener's) readiness: tokens and filler that make poll(2) on the inner end say
 * what it would say of the lil_ socket. A token is one byte (one packet, for datagrams) that no program ever reads: reads are
 * served from the lil_ socket. More data while a token is there is another token: the edge that EPOLLET waits for. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launch/desc.h"

enum { TOKENS_MAX = 16 };

static void add_token(struct desc *desc)
{
    if (send(desc->outer.fd, "t", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        desc->tokens++;
}

static void take_tokens(struct desc *desc, int inner, unsigned but)
{
    char dump[TOKENS_MAX];
    while (desc->tokens > but) {
        ssize_t n = recv(inner, dump, desc->kind == DESC_STREAM ? desc->tokens - but : 1, MSG_DONTWAIT);
        if (n <= 0)
            break;
        desc->tokens -= (unsigned)n;
    }
}

/* Readable, or more to read than before. Who never empties the stack's queue (nginx reads what FIONREAD told it) waits for each edge. */
static void show_readable(struct desc *desc, int inner)
{
    if (desc->tokens == TOKENS_MAX) {
        int found = inner < 0 ? desc_find_inner(desc) : -1;
        take_tokens(desc, inner < 0 ? found : inner, 1); /* one stays: it is readable all the time */
        if (found >= 0)
            close(found);
    }
    if (desc->tokens < TOKENS_MAX)
        add_token(desc);
}

/* POLLPRI while the stack has an urgent byte. */
static void sync_urgent(struct desc *desc, bool is_urgent, int inner)
{
    char dump;

    if (is_urgent && !desc->shows_urgent)
        desc->shows_urgent = send(desc->outer.fd, "u", 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
    if (!is_urgent && desc->shows_urgent && inner >= 0) {
        (void)!recv(inner, &dump, sizeof dump, MSG_OOB | MSG_DONTWAIT);
        desc->shows_urgent = false;
    }
}

/* Readable from now on: a token is there that stays. So the inner end is closed with something unread, which the outer one is told
 * as an error: that tells its HUP from one that is ours (show_end). */
static void show_fin(struct desc *desc)
{
    if (desc->fin_shown || desc->kind != DESC_STREAM)
        return;
    if (!desc->tokens)
        add_token(desc);
    desc->fin_shown = true;
    shutdown(desc->outer.fd, SHUT_WR);
}

/* Both directions are shut: POLLHUP. */
static void show_end(struct desc *desc)
{
    if (desc->end_shown || !desc->fin_shown || !desc->tokens)
        return;
    desc->end_shown = true;
    shutdown(desc->outer.fd, SHUT_RD);
}

void desc_sync(struct desc *desc, int inner)
{
    int events;
    unsigned woken = desc->woken;

    desc->woken = 0;
    if (desc->is_reset && desc->lil_fd >= 0 && inner >= 0 && !(proc_poll_events(desc->program->proc, desc->lil_fd) & POLLERR))
        desc_take_error(inner); /* a call has told it */
    if (desc->lil_fd < 0 || desc->outer.fd < 0 || desc->state == DESC_CONNECTING || desc->state == DESC_NEW)
        return;
    events = proc_poll_events(desc->program->proc, desc->lil_fd);
    if (events & POLLERR && desc->kind == DESC_STREAM) { /* in one step: who waits must not wake to a part of it */
        desc_reset(desc);
        return;
    }
    if (desc->kind == DESC_STREAM && desc->state == DESC_OPEN)
        sync_urgent(desc, events & POLLPRI, inner); /* before an end, after which no token goes in */
    if (events & POLLRDHUP && !(events & POLLERR))
        show_fin(desc);
    if (events & POLLHUP && !(events & POLLERR))
        show_end(desc);
    if (events & (POLLIN | POLLPRI | POLLERR)) {
        if (!desc->tokens || woken & POLLIN)
            show_readable(desc, inner);
    } else if (desc->tokens && inner >= 0) {
        take_tokens(desc, inner, 0);
    }
    if (desc->state == DESC_OPEN && desc->kind == DESC_STREAM) {
        if (events & POLLOUT)
            desc_drain_fill(desc);
        else if (!desc->fill && inner >= 0)
            desc_fill(desc, inner);
    }
}
