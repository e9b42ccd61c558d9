/* call_socket.c: the notified calls that make, connect, name and set sockets (see call_io.c for those that move data). Each
 * handler may run again for a held call: call->tries tells. Errnos are the stack's own; families without a stack fail
 * with EAFNOSUPPORT, as on a kernel without them, and are logged. */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/names.h"
#include "launch/notify.h"
#include "launch/sweep.h"

enum { ADDRESS_MAX = sizeof(struct sockaddr_storage), OPTION_MAX = 1024 };

void call_record(struct call *call, const char *name, int error)
{
    static const char *const told[] = {"connect", "accept", "accept4", "read", "readv", "recvfrom", "recvmsg", "recvmmsg", "recv",
                                       "write", "writev", "sendto", "sendmsg", "sendmmsg", "send", "sendfile", NULL};
    struct program_record *record = &call->program->record;

    if (error == EAGAIN || error == EINPROGRESS || error == EALREADY || error == EINTR || error == EISCONN)
        return; /* EISCONN: hiredis asks by a second connect() whether the first has succeeded */
    if (call->desc && (call->desc->asked_length || call->desc->family == AF_NETLINK ||
                       (call->desc->kind == DESC_DGRAM && !strcmp(name, "connect"))))
        return; /* name resolution, and its sorting of addresses by trial */
    for (int i = 0; told[i]; i++)
        if (!strcmp(told[i], name)) {
            record->call = name;
            record->error = error;
        }
}

bool call_is_blocking(const struct call *call, int flags)
{
    return !(flags & MSG_DONTWAIT) && !(fcntl(call->inner, F_GETFL) & O_NONBLOCK);
}

/* The inner end has the option itself: it was set natively. */
uint64_t call_deadline(const struct call *call, int option)
{
    struct timeval timeout = {0};
    socklen_t length = sizeof timeout;

    if (call->deadline_ns != LIL_NEVER)
        return call->deadline_ns;
    if (getsockopt(call->inner, SOL_SOCKET, option, &timeout, &length) < 0 || (!timeout.tv_sec && !timeout.tv_usec))
        return LIL_NEVER;
    return clock_add(call->program->launcher->now_ns, clock_span(timeout.tv_sec, timeout.tv_usec * 1000));
}

bool call_begin_wait(struct call *call, int flags, int option)
{
    if (!call_is_blocking(call, flags))
        return false;
    call->deadline_ns = call_deadline(call, option);
    return call->program->launcher->now_ns < call->deadline_ns;
}

static int64_t result_of(int64_t rc) { return rc < 0 ? -errno : rc; }

/* Reads the address at argument INDEX, its length at the next; the length or -errno. */
static int64_t read_address(struct call *call, int index, struct sockaddr_storage *address)
{
    int length = (int)call->args[index + 1]; /* the register's upper half may hold anything: mpd's does */
    memset(address, 0, sizeof *address);
    if (length < 0 || length > ADDRESS_MAX)
        return -EINVAL;
    return memory_read(call->tid, call->args[index], address, (size_t)length) < 0 ? -EFAULT : length;
}

static int64_t write_address(struct call *call, uint64_t to, uint64_t length_at, const struct sockaddr_storage *address, socklen_t length)
{
    socklen_t room = 0;

    if (!to || !length_at)
        return 0;
    if (memory_read(call->tid, length_at, &room, sizeof room) < 0)
        return -EFAULT;
    if ((int)room < 0)
        return -EINVAL;
    return memory_write_two(call->tid, to, address, room < length ? room : length, length_at, &length, sizeof length);
}

/* getsockname and getpeername must be told where; accept need not. */
static int64_t write_name(struct call *call, const struct sockaddr_storage *name, socklen_t length)
{
    return call->args[1] && call->args[2] ? write_address(call, call->args[1], call->args[2], name, length) : -EFAULT;
}

/* --- socket ------------------------------------------------------------------------------------------------------------------ */
/* ERROR: what the stack said. Netlink's families (udev's, audit's, generic) and MPTCP are asked for by many who do without. */
static int64_t refuse_socket(struct call *call, int domain, int type, int protocol, int error)
{
    bool is_usual = domain == AF_NETLINK || protocol == IPPROTO_MPTCP;

    if (domain != AF_INET && domain != AF_INET6 && domain != AF_NETLINK)
        call_log(call, "socket(family %d): not in the lab (EAFNOSUPPORT)", domain);
    else if (((type != SOCK_STREAM && type != SOCK_DGRAM) || error == EPROTONOSUPPORT) && (!is_usual || call->program->launcher->verbose))
        call_log(call, "socket(%d, %d, %d): not in the lab (%s)", domain, type, protocol, strerrorname_np(error));
    return -error;
}

int64_t call_socket(struct call *call)
{
    int domain = (int)call->args[0], type = (int)call->args[1] & 0xf, flags = (int)call->args[1] & ~0xf, protocol = (int)call->args[2];
    struct program *program = call->program;
    struct desc *desc;
    int fd, inner, one = 1;

    if (domain != AF_INET && domain != AF_INET6 && domain != AF_NETLINK)
        return refuse_socket(call, domain, type, protocol, EAFNOSUPPORT);
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (domain == AF_NETLINK)
        fd = desc_open_netlink(program, type, protocol, call->tid);
    else
        fd = lil_socket(program->proc, domain, type, protocol);
    if (fd < 0)
        return refuse_socket(call, domain, type, protocol, errno);
    program->launcher->has_sockets = true;
    sweep_if_many(program->launcher);
    desc = desc_new(program, type == SOCK_STREAM ? DESC_STREAM : DESC_DGRAM, fd, false, flags & SOCK_NONBLOCK, &inner);
    if (!desc) {
        lil_close(program->proc, fd);
        return -ENOBUFS;
    }
    desc->family = domain;
    desc->type = type;
    desc->protocol = protocol;
    if (program->record.default_keepalive && type == SOCK_STREAM)
        lil_setsockopt(program->proc, fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (notify_add_fd(call, inner, flags & SOCK_CLOEXEC) < 0)
        desc_free(desc);
    close(inner);
    return CALL_REPLIED;
}

/* --- bind, listen, connect ----------------------------------------------------------------------------------------------------- */
int64_t call_bind(struct call *call)
{
    struct launcher *l = call->program->launcher;
    struct sockaddr_storage address;
    int64_t length = read_address(call, 1, &address), rc;

    if (length < 0)
        return length;
    rc = result_of(lil_bind(call->program->proc, call->desc->lil_fd, (struct sockaddr *)&address, (socklen_t)length));
    if (rc != -EADDRINUSE)
        return rc;
    call->desc->is_busy = true;
    launcher_take_events(l); /* the other one may be closed, and we have not seen it yet */
    desc_service_all(l);
    sweep(l);
    call->desc->is_busy = false;
    return result_of(lil_bind(call->program->proc, call->desc->lil_fd, (struct sockaddr *)&address, (socklen_t)length));
}

int64_t call_listen(struct call *call)
{
    struct desc *desc = call->desc;
    int rc;

    if (desc->lil_fd < 0)
        return -EINVAL;
    if (lil_listen(call->program->proc, desc->lil_fd, (int)call->args[1]) < 0)
        return -errno;
    if (desc->state != DESC_LISTENING && desc->kind == DESC_STREAM) {
        desc->state = DESC_LISTENING;
        rc = desc_attach_hub(desc, call->inner);
        if (rc < 0)
            return rc;
        shutdown(call->inner, SHUT_WR); /* with its filler: poll(2) never shows POLLOUT, and what writes to it gets EPIPE */
        desc_sync(desc, call->inner);
    }
    return 0;
}

/* nscd and systemd-resolved resolve names through the real network: as if they did not run. */
static int64_t connect_unix(struct call *call)
{
    static const char *const refused[] = {"/run/nscd",           "/var/run/nscd",         "/run/systemd/resolve",
                                          "/run/systemd/userdb", "/var/run/.nscd_socket", NULL};
    struct sockaddr_un address = {0};
    size_t length = (uint32_t)call->args[2];

    if (length > sizeof address || length < sizeof(sa_family_t) || memory_read(call->tid, call->args[1], &address, length) < 0)
        return CALL_CONTINUE;
    if (address.sun_family == AF_UNIX)
        for (int i = 0; refused[i]; i++)
            if (!strncmp(address.sun_path, refused[i], strlen(refused[i])))
                return -ENOENT;
    return CALL_CONTINUE;
}

int64_t call_connect_state(struct call *call)
{
    struct desc *desc = call->desc;
    int error = desc->error;

    switch (desc->state) {
    case DESC_OPEN:
        if (desc->is_told)
            return -EISCONN;
        desc->is_told = true;
        return 0;
    case DESC_LISTENING:
        return -EISCONN;
    case DESC_FAILED:
        desc->error = 0;
        desc->is_told = true;
        return error ? -error : -ECONNABORTED;
    case DESC_CONNECTING:
        if (!call_is_blocking(call, 0))
            return call->tries ? -EINPROGRESS : -EALREADY;
        return call_begin_wait(call, 0, SO_SNDTIMEO) ? CALL_HOLD : -EINPROGRESS;
    default:
        return -EINVAL;
    }
}

/* Fast mode: a peer on this host, or near, has answered by the time that connect() returns: nothing to wait for, no filler. As
 * on Linux a non-blocking connect() says EINPROGRESS all the same. */
static bool connect_at_once(struct call *call, bool pending, int64_t *result)
{
    struct desc *desc = call->desc;
    struct launcher *l = call->program->launcher;
    int events;

    if (l->exact || desc->state != DESC_NEW)
        return false;
    if (pending)
        lil_world_step(l->world, l->now_ns);
    events = proc_poll_events(call->program->proc, desc->lil_fd);
    if (!(events & POLLOUT) || events & (POLLERR | POLLHUP))
        return false;
    *result = desc_attach_open(desc, call->inner);
    desc_dirty(desc);
    if (*result == 0 && pending && !call_is_blocking(call, 0))
        *result = -EINPROGRESS;
    desc->is_told = *result == 0;
    return true;
}

static int64_t begin_connect(struct call *call, const struct sockaddr_storage *address, socklen_t length)
{
    struct desc *desc = call->desc;
    int rc = lil_connect(call->program->proc, desc->lil_fd, (const struct sockaddr *)address, length);

    /* The end of the attempt whose error connect() told. */
    if (rc < 0 && errno == ECONNABORTED && desc->state == DESC_FAILED && desc->is_told)
        rc = lil_connect(call->program->proc, desc->lil_fd, (const struct sockaddr *)address, length);
    if (rc < 0 && errno != EINPROGRESS && errno != EAGAIN)
        return -errno;
    return call_connect_begun(call, rc < 0);
}

int64_t call_connect_begun(struct call *call, bool pending)
{
    struct desc *desc = call->desc;
    int64_t result;

    if (desc->state == DESC_FAILED && desc_renew(call) < 0) /* calls work as they should, poll(2) goes on saying HUP */
        call_log(call, "connect() again on one socket: poll shows its first failure");
    if (connect_at_once(call, pending, &result))
        return result;
    if (desc->state == DESC_NEW) {
        int attached = desc_attach_hub(desc, call->inner);
        if (attached < 0)
            return attached;
    }
    desc->state = DESC_CONNECTING;
    if (!pending) {
        desc_established(desc);
        desc_dirty(desc);
        desc->is_told = true;
        return 0;
    }
    call->tries++; /* what comes now is this call's own state, not EALREADY */
    if (call->program->launcher->exact) { /* a peer on this host has answered, and has its accept() ready, when connect() returns */
        lil_world_step(call->program->launcher->world, call->program->launcher->now_ns);
        desc_end_connecting(desc);
    }
    return call_is_blocking(call, 0) ? call_connect_state(call) : -EINPROGRESS;
}

/* connect(AF_UNSPEC): no peer any more (UNP 8.11; for TCP Linux alone). */
static int64_t dissolve(struct call *call, const struct sockaddr_storage *address, socklen_t length)
{
    struct desc *desc = call->desc;
    int64_t rc = result_of(lil_connect(call->program->proc, desc->lil_fd, (const struct sockaddr *)address, length));

    if (rc == 0 && desc->state != DESC_NEW && desc_renew(call) < 0)
        desc_failed(desc, 0); /* poll(2) shows more than HUP */
    return rc;
}

int64_t call_connect(struct call *call)
{
    struct desc *desc = call->desc;
    struct sockaddr_storage address;
    socklen_t length;
    int64_t rc;

    if (!desc)
        return connect_unix(call);
    if (call->tries)
        return call_connect_state(call);
    rc = read_address(call, 1, &address);
    if (rc < 0)
        return rc;
    length = (socklen_t)rc;
    if (desc->kind == DESC_STREAM && desc->lil_fd >= 0 && length >= sizeof address.ss_family && address.ss_family == AF_UNSPEC)
        return dissolve(call, &address, length);
    if (desc->kind == DESC_STREAM && desc->state != DESC_NEW && !(desc->state == DESC_FAILED && !desc->error))
        return call_connect_state(call);
    desc->asked_length = 0;
    dns_redirect(desc, &address, &length);
    if (desc->kind == DESC_STREAM && call->program->launcher->keeps_inner)
        sweep(call->program->launcher); /* a listener that was closed before refuses */
    if (desc->lil_fd < 0)
        return -ECONNABORTED;
    if (desc->kind == DESC_STREAM) {
        call->program->record.talks_tcp = true;
        return begin_connect(call, &address, length);
    }
    return result_of(lil_connect(call->program->proc, desc->lil_fd, (struct sockaddr *)&address, length));
}

/* --- accept, shutdown, close ------------------------------------------------------------------------------------------------------ */
/* To the program, or, when a signal has just broken the call, back to the listener. */
static int64_t give_accepted(struct call *call, struct desc *fresh, int inner, int flags)
{
    struct desc *listener = call->desc;

    write_address(call, call->args[1], call->args[2], &fresh->remote, fresh->remote_length);
    fresh->last_tid = call->tid;
    fresh->last_fd = notify_add_fd(call, inner, flags & SOCK_CLOEXEC);
    listener->returned = NULL;
    if (fresh->last_fd == -ENOENT || fresh->last_fd == -ESRCH) { /* before the answer, or while it was on its way */
        listener->returned = fresh;
        listener->returned_inner = inner;
        return CALL_REPLIED;
    }
    if (fresh->last_fd >= 0)
        notify_know(call->program->launcher, call->tid, fresh->last_fd, fresh);
    else
        desc_free(fresh); /* Linux loses the connection too when the table is full after it was taken */
    close(inner);
    return CALL_REPLIED;
}

int64_t call_accept(struct call *call)
{
    struct desc *desc = call->desc, *fresh;
    struct program *program = call->program;
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int flags = call->nr == __NR_accept4 ? (int)call->args[3] : 0, fd, inner;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (desc->returned)
        return give_accepted(call, desc->returned, desc->returned_inner, flags);
    fd = lil_accept(program->proc, desc->lil_fd, (struct sockaddr *)&peer, &length);
    if (fd < 0 && errno == EAGAIN) {
        desc_sync(desc, call->inner);
        return call_begin_wait(call, 0, SO_RCVTIMEO) ? CALL_HOLD : -EAGAIN;
    }
    if (fd < 0)
        return -errno;
    fresh = desc_new(program, DESC_STREAM, fd, true, flags & SOCK_NONBLOCK, &inner);
    if (!fresh) {
        lil_close(program->proc, fd);
        return -ENOBUFS;
    }
    fresh->family = desc->family;
    fresh->type = SOCK_STREAM;
    fresh->is_told = true;
    if (!program->launcher->exact) {
        desc_inherit_pair(fresh, inner, desc);
        keepalive_inherit(call->inner, inner);
        keepalive_expect(fresh);
    }
    desc_remember_names(fresh);
    memcpy(&fresh->remote, &peer, sizeof peer);
    fresh->remote_length = length;
    desc_sync(desc, call->inner);
    desc_dirty(fresh);
    return give_accepted(call, fresh, inner, flags);
}

/* A listener whose reading side is shut is no listener any more, but as before listen(): POLLOUT and POLLHUP, and it may listen again.
 * Who waits in poll(2) on the old inner end wakes (to POLLIN and POLLRDHUP as well); the next one to ask sees the new one. */
static void end_listening(struct call *call)
{
    struct desc *desc = call->desc;

    desc_drain_fill(desc); /* unread it would be an error */
    desc_close_outer(desc);
    if (desc_renew(call) < 0) /* it has copies: poll(2) goes on saying POLLIN, too */
        desc->state = DESC_NEW;
}

int64_t call_shutdown(struct call *call)
{
    struct desc *desc = call->desc;
    bool exact = call->program->launcher->exact;
    int how = (int)call->args[1];

    if (desc->lil_fd < 0)
        return -ENOTCONN;
    if (!exact && desc->kind == DESC_STREAM && desc->state == DESC_OPEN) {
        if (how == SHUT_RD && lil_shutdown(call->program->proc, desc->lil_fd, SHUT_RD) < 0)
            return -errno;
        return CALL_CONTINUE; /* the outer end sees it after the data: the pump sends the FIN */
    }
    if (!exact && desc->kind == DESC_DGRAM)
        desc_pump(desc); /* what was written natively goes first */
    if (lil_shutdown(call->program->proc, desc->lil_fd, how) < 0)
        return -errno;
    if (desc->state == DESC_LISTENING && proc_poll_events(call->program->proc, desc->lil_fd) & POLLHUP)
        end_listening(call);
    desc_dirty(desc);
    return 0;
}

static bool is_closing(const struct call *call)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    return lil_getsockopt(call->program->proc, call->desc->lil_fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           (info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_CLOSING || info.tcpi_state == TCP_LAST_ACK);
}

/* SO_LINGER with a time: the last close() waits until the peer has all, and our FIN, or the time is over; whatever O_NONBLOCK says, and it
 * returns 0 in any case. A signal ends the wait: the call is then made again, and goes on. Unread data: lil_close() resets at once. */
static int64_t linger(struct call *call)
{
    struct desc *desc = call->desc;
    struct lil_proc *proc = call->program->proc;
    struct linger linger = {0};
    socklen_t length = sizeof linger;
    int unread = 0;

    if (desc->kind != DESC_STREAM || desc->state != DESC_OPEN || desc->lil_fd < 0)
        return CALL_CONTINUE;
    if (call->tries)
        return call->deadline_ns > call->program->launcher->now_ns && is_closing(call) ? CALL_HOLD : CALL_CONTINUE;
    if (desc->has_lingered || lil_getsockopt(proc, desc->lil_fd, SOL_SOCKET, SO_LINGER, &linger, &length) < 0 || !linger.l_onoff ||
        linger.l_linger <= 0)
        return CALL_CONTINUE;
    if (lil_ioctl(proc, desc->lil_fd, FIONREAD, &unread) < 0 || unread || sweep_holders(call->program->launcher, desc) > 1)
        return CALL_CONTINUE;
    if (!desc->fill)
        desc_pump(desc); /* what was written natively */
    lil_shutdown(proc, desc->lil_fd, SHUT_WR);
    desc_dirty(desc);
    desc->has_lingered = true;
    call->deadline_ns = clock_add(call->program->launcher->now_ns, clock_span(linger.l_linger, 0));
    return is_closing(call) ? CALL_HOLD : CALL_CONTINUE;
}

/* The outer end tells when the last inner one is closed: at once, and not when the program goes on, if its descriptor
 * is another's by then. */
static void let_go(const struct call *call)
{
    struct launcher *l = call->program->launcher;
    struct seccomp_notif_addfd null = {
        .id = call->id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .srcfd = (uint32_t)l->null_fd, .newfd = (uint32_t)call->args[0]};

    if (!l->keeps_inner && l->null_fd >= 0)
        ioctl(call->program->listener.fd, SECCOMP_IOCTL_NOTIF_ADDFD, &null);
}

int64_t call_close(struct call *call)
{
    int64_t rc = linger(call);

    if (rc == CALL_HOLD)
        return rc;
    notify_unhold(call); /* those that are held on it end with it */
    if (call->desc->outer.fd >= 0)
        let_go(call);
    else if (call->desc->state != DESC_NEW)
        desc_free(call->desc); /* nothing tells: this close is taken for the last */
    call->desc = NULL;
    return CALL_CONTINUE;
}

/* --- names -------------------------------------------------------------------------------------------------------------------------- */
int64_t call_getsockname(struct call *call)
{
    struct desc *desc = call->desc;
    struct sockaddr_storage name = desc->local;
    socklen_t length = desc->local_length;

    if (desc->lil_fd >= 0) {
        length = sizeof name;
        if (lil_getsockname(call->program->proc, desc->lil_fd, (struct sockaddr *)&name, &length) < 0)
            return -errno;
    }
    return write_name(call, &name, length);
}

int64_t call_getpeername(struct call *call)
{
    struct desc *desc = call->desc;
    struct sockaddr_storage name = desc->remote;
    socklen_t length = desc->remote_length;

    if (desc->lil_fd >= 0) {
        length = sizeof name;
        if (lil_getpeername(call->program->proc, desc->lil_fd, (struct sockaddr *)&name, &length) < 0)
            return -errno;
    }
    if (desc->asked_length)
        return write_name(call, &desc->asked, desc->asked_length);
    return length ? write_name(call, &name, length) : -ENOTCONN;
}

/* --- options -------------------------------------------------------------------------------------------------------------------------- */
static bool is_timeout_option(const struct call *call)
{
    int name = (int)call->args[2];
    return (int)call->args[1] == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO || name == 66 || name == 67);
}

/* Fast mode: urgent bytes are in the pair's own queue, marked there. */
static bool is_urgent_option(const struct call *call)
{
    return (int)call->args[1] == SOL_SOCKET && (int)call->args[2] == SO_OOBINLINE && call->desc->kind == DESC_STREAM &&
           !call->program->launcher->exact;
}

/* Fast mode, a stream: what the pair does itself. */
static void note_option(struct call *call, int name, const void *value)
{
    const struct linger *linger = value;
    int bytes = *(const int *)value;

    if (name == SO_LINGER)
        call->desc->resets_at_close = linger->l_onoff && !linger->l_linger;
    if (name == SO_SNDBUF || name == SO_RCVBUF || name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE)
        desc_size_pair(call->desc, call->inner, name == SO_SNDBUF || name == SO_SNDBUFFORCE, bytes);
}

int64_t call_setsockopt(struct call *call)
{
    struct desc *desc = call->desc;
    int level = (int)call->args[1], name = (int)call->args[2];
    size_t length = (uint32_t)call->args[4];
    uint8_t value[OPTION_MAX] = {0};

    if (is_timeout_option(call))
        return CALL_CONTINUE; /* kept by the inner end, read by call_deadline */
    if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_BPF || name == SO_DETACH_FILTER))
        return 0; /* ping's filter only saves work */
    if ((int)length < 0 || length > sizeof value)
        return -EINVAL;
    if (memory_read(call->tid, call->args[3], value, length) < 0)
        return -EFAULT;
    if (is_urgent_option(call)) {
        desc->keeps_urgent = *(int *)value != 0;
        return CALL_CONTINUE;
    }
    if (desc->lil_fd < 0)
        return 0;
    if (lil_setsockopt(call->program->proc, desc->lil_fd, level, name, value, (socklen_t)length) < 0)
        return -errno;
    if (level == SOL_SOCKET && desc->kind == DESC_STREAM && !call->program->launcher->exact && length >= sizeof(int))
        note_option(call, name, value);
    if (level == IPPROTO_TCP && name == TCP_KEEPIDLE)
        keepalive_expect(desc);
    return 0;
}

static int dead_option(const struct desc *desc, int level, int name)
{
    if (level != SOL_SOCKET)
        return 0;
    return name == SO_TYPE ? desc->type : name == SO_DOMAIN ? desc->family : name == SO_PROTOCOL ? desc->protocol : 0;
}

/* Fast mode: a read() that has met the error took it from the inner end, which says ECONNRESET for all of them. */
static int untold_error(const struct call *call)
{
    struct desc *desc = call->desc;
    int error = desc->error;

    if (desc->kind == DESC_DGRAM && call->inner >= 0 && desc->queued_mark)
        return -desc_dgram_claim(desc, call->inner, 0);
    desc->error = 0;
    if (call->inner < 0 || !(desc->is_reset || desc->state == DESC_FAILED))
        return error;
    return desc_take_error(call->inner) ? error : 0;
}

int64_t call_getsockopt(struct call *call)
{
    struct desc *desc = call->desc;
    int level = (int)call->args[1], name = (int)call->args[2];
    uint8_t value[OPTION_MAX] = {0};
    socklen_t length = 0;
    bool is_error = level == SOL_SOCKET && name == SO_ERROR;

    if (is_timeout_option(call) || is_urgent_option(call))
        return CALL_CONTINUE;
    if (memory_read(call->tid, call->args[4], &length, sizeof length) < 0)
        return -EFAULT;
    if ((int)length < 0)
        return -EINVAL;
    if (length > sizeof value)
        length = sizeof value;
    if ((is_error && desc->error) || desc->lil_fd < 0) {
        int number = is_error && desc->error ? untold_error(call) : dead_option(desc, level, name);
        memcpy(value, &number, sizeof number);
        length = min_u32(length, sizeof number);
    } else if (lil_getsockopt(call->program->proc, desc->lil_fd, level, name, value, &length) < 0) {
        return -errno;
    }
    if (is_error && desc->is_reset && call->inner >= 0)
        desc_take_error(call->inner);
    if (is_error && call->program->launcher->exact && desc->lil_fd >= 0)
        desc_sync(desc, call->inner); /* poll(2) shows it no more */
    if (is_error && *(int *)value)
        call_record(call, desc->state == DESC_FAILED ? "connect" : "recv", *(int *)value);
    if (memory_write(call->tid, call->args[3], value, length) < 0 || memory_write(call->tid, call->args[4], &length, sizeof length) < 0)
        return -EFAULT;
    return 0;
}

/* --- ioctl -------------------------------------------------------------------------------------------------------- */
static int64_t ioctl_list(struct call *call, struct ifconf *conf)
{
    uint64_t to = (uint64_t)(uintptr_t)conf->ifc_buf;
    int room = conf->ifc_len;
    uint8_t *buffer = call->program->launcher->scratch;

    if (room < 0)
        return -EINVAL;
    if (room > 65536)
        conf->ifc_len = room = 65536;
    conf->ifc_buf = to ? (char *)buffer : NULL;
    if (lil_ioctl(call->program->proc, call->desc->lil_fd, SIOCGIFCONF, conf) < 0)
        return -errno;
    if (to && memory_write(call->tid, to, buffer, (size_t)min_u32((uint32_t)conf->ifc_len, (uint32_t)room)) < 0)
        return -EFAULT;
    conf->ifc_buf = (char *)(uintptr_t)to;
    return memory_write(call->tid, call->args[2], conf, sizeof *conf);
}

/* How much of the argument is the program's: an int of all but the interfaces' requests. */
static size_t ioctl_size(unsigned long request)
{
    return request == SIOCGIFCONF                                   ? sizeof(struct ifconf)
           : request >= SIOCGIFNAME && request < SIOCGIFNAME + 0x80 ? sizeof(struct ifreq)
                                                                    : sizeof(int);
}

int64_t call_ioctl(struct call *call)
{
    struct desc *desc = call->desc;
    unsigned long request = (uint32_t)call->args[1];
    size_t size = ioctl_size(request);
    union {
        int number;
        struct ifreq interface;
        struct ifconf conf;
    } argument;
    bool is_there;

    if (request == FIOSETOWN || request == SIOCSPGRP)
        return call_set_owner(call);
    if (request == FIOGETOWN || request == SIOCGPGRP)
        return call_get_owner(call);
    if (desc->lil_fd < 0)
        return -EINVAL;
    memset(&argument, 0, sizeof argument);
    is_there = memory_read(call->tid, call->args[2], &argument, size) >= 0;
    if (!is_there && size > sizeof(int))
        return -EFAULT;
    if (request == SIOCGIFCONF)
        return ioctl_list(call, &argument.conf);
    if (lil_ioctl(call->program->proc, desc->lil_fd, request, &argument) < 0) {
        if (errno != EINVAL && errno != ENODEV && errno != EADDRNOTAVAIL && size > sizeof(int))
            call_log(call, "ioctl(0x%lx): not in the lab (%s)", request, strerrorname_np(errno));
        return -errno;
    }
    if (request == SIOCOUTQ)
        argument.number += desc_unsent(desc);
    return is_there ? memory_write(call->tid, call->args[2], &argument, size) : -EFAULT;
}
