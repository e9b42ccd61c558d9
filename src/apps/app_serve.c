/* app_serve.c: one process, many connections: poll(2) over a listening socket and what it accepted (UNP 6.11), or a UDP
 * socket. */
#include <poll.h>
#include "apps/apps.h"

enum { SERVE_MAX = 256 };

static void accept_one(struct lil_proc *p, struct pollfd *fds, nfds_t *count, const struct app_service *service)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    int fd = lil_accept(p, fds[0].fd, (struct sockaddr *)&peer, &length);
    if (fd < 0)
        return;
    if ((service->accepted && !service->accepted(p, fd)) || *count == SERVE_MAX) {
        lil_close(p, fd);
        return;
    }
    fds[(*count)++] = (struct pollfd){
        .fd = fd, .events = (short)((service->readable ? POLLIN : 0) | (service->writable ? POLLOUT : 0))};
}

static bool serve_one(struct lil_proc *p, const struct pollfd *fd, const struct app_service *service)
{
    if (fd->revents & (POLLERR | POLLNVAL))
        return false;
    if ((fd->revents & (POLLIN | POLLHUP)) && service->readable && !service->readable(p, fd->fd))
        return false;
    return !(fd->revents & POLLOUT) || !service->writable || service->writable(p, fd->fd);
}

int app_serve(struct lil_proc *p, const struct app_options *options, const struct app_service *service)
{
    struct pollfd fds[SERVE_MAX];
    nfds_t count = 1;
    fds[0] = (struct pollfd){.fd = app_server_socket(p, options), .events = POLLIN};
    if (fds[0].fd < 0)
        return 1;
    for (;;) {
        if (options->udp) {
            service->datagram(p, fds[0].fd);
            continue;
        }
        if (lil_poll(p, fds, count, -1) < 0)
            return errno == EINTR ? 0 : app_error(p, "poll");
        for (nfds_t i = count - 1; i > 0; i--) {
            if (!fds[i].revents || serve_one(p, &fds[i], service))
                continue;
            lil_close(p, fds[i].fd);
            fds[i] = fds[--count];
        }
        if (fds[0].revents)
            accept_one(p, fds, &count, service);
    }
}
