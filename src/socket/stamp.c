/* stamp.c: SO_TIMESTAMPING (Linux's timestamping.rst): the error queue tells when a send's last byte was handed to the device
 * (SCM_TSTAMP_SCHED), sent (SND) and acknowledged (ACK). tcp_stamp.c notes the moments; here they become control data. Of datagrams
 * they are noted here. */
#include <time.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include "socket/sock.h"

enum {
    DATAGRAM_NOTES = 128,
    OPT_ID_TCP = 1 << 16, OPT_RX_FILTER = 1 << 17, TX_COMPLETION = 1 << 18,
    RECORDS = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK |
              TX_COMPLETION,
    KNOWN = (1 << 19) - 1
};

struct note { /* what the error queue tells of one packet */
    unsigned kind;           /* SCM_TSTAMP_* */
    uint32_t id, size;       /* SOF_TIMESTAMPING_OPT_ID's number; bytes of the packet, or of the statistics */
    uint64_t time_ns;
    struct addr source;
    const uint8_t *stats;
};
struct datagram_stamps {
    uint32_t next_id, first, count;
    struct note notes[DATAGRAM_NOTES];
};

/* What Linux looks at when a moment comes, not when the send was made. */
static void tell_style(const struct sock *sock, struct tcb *tcb)
{
    uint32_t flags = sock->ext->tsflags;
    const struct tcp_stamp_style style = {.is_bare = flags & SOF_TIMESTAMPING_OPT_TSONLY,
                                          .has_stats = flags & SOF_TIMESTAMPING_OPT_STATS && flags & SOF_TIMESTAMPING_OPT_TSONLY,
                                          .has_ids = flags & SOF_TIMESTAMPING_OPT_ID,
                                          .base = sock->ext->ts_base};

    tcp_stamp_set_style(tcb, &style);
}

int stamp_enable(struct sock *sock, uint32_t flags, bool is_new)
{
    struct sock_ext *ext = sock_need_ext(sock);
    struct tcb *tcb;

    if (!ext)
        return -ENOBUFS;
    if (flags & ~(uint32_t)KNOWN || (flags & OPT_ID_TCP && !(flags & SOF_TIMESTAMPING_OPT_ID)) ||
        (flags & SOF_TIMESTAMPING_OPT_STATS && !(flags & SOF_TIMESTAMPING_OPT_TSONLY)))
        return -EINVAL;
    if (flags & SOF_TIMESTAMPING_OPT_ID && !(ext->tsflags & SOF_TIMESTAMPING_OPT_ID) && sock_is_stream(sock)) {
        tcb = stream_tcb(sock);
        if (!tcb || tcp_get_state(tcb) == TCPS_CLOSED || tcp_get_state(tcb) == TCPS_TIME_WAIT)
            return -EINVAL;
        ext->ts_base = flags & OPT_ID_TCP ? tcp_write_seq(tcb) : tcp_acked_seq(tcb);
    }
    if (flags & SOF_TIMESTAMPING_BIND_PHC) /* no device here has a clock of its own */
        return -EOPNOTSUPP;
    if (flags & SOF_TIMESTAMPING_OPT_ID && !(ext->tsflags & SOF_TIMESTAMPING_OPT_ID) && ext->datagram_stamps)
        ext->datagram_stamps->next_id = 0;
    ext->tsflags = flags;
    sock->flags = is_new ? sock->flags | SF_STAMPS_NEW : sock->flags & ~(uint32_t)SF_STAMPS_NEW;
    if (flags & RECORDS)
        sock->flags |= SF_STAMPS;
    else
        sock->flags &= ~(uint32_t)SF_STAMPS;
    tcb = sock_is_stream(sock) && !(sock->flags & SF_LISTENING) ? stream_tcb(sock) : NULL;
    if (tcb)
        tell_style(sock, tcb);
    return 0;
}

/* Linux (__sock_cmsg_send): a control message of the socket's level is one of these, or the send fails. */
int stamp_check_control(const struct sock *sock, const struct msghdr *message)
{
    struct msghdr copy = *message;
    uint32_t flags;

    for (struct cmsghdr *cmsg = copy.msg_controllen ? CMSG_FIRSTHDR(&copy) : NULL; cmsg; cmsg = CMSG_NXTHDR(&copy, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET)
            continue;
        switch (cmsg->cmsg_type) {
        case SO_TIMESTAMPING:
        case SO_TIMESTAMPING_NEW:
            if (cmsg->cmsg_len != CMSG_LEN(sizeof flags))
                return -EINVAL;
            memcpy(&flags, CMSG_DATA(cmsg), sizeof flags);
            if (flags & ~(uint32_t)RECORDS)
                return -EINVAL;
            break;
        case SO_MARK:
        case SO_PRIORITY:
            if (cmsg->cmsg_len != CMSG_LEN(sizeof flags))
                return -EINVAL;
            break;
        case SO_TXTIME:
            if (!sock->ext || (!sock->ext->txtime[0] && !sock->ext->txtime[1])) /* it was not set */
                return -EINVAL;
            break;
        case SCM_RIGHTS:
        case SCM_CREDENTIALS:
            break;
        default:
            return -EINVAL;
        }
    }
    return 0;
}

/* What this send is to be told of: the socket's records, or those of its own control message. */
static uint32_t records_of(const struct sock *sock, const struct msghdr *message)
{
    uint32_t records = sock->ext ? sock->ext->tsflags & RECORDS : 0, own;
    struct msghdr copy = *message;

    for (struct cmsghdr *cmsg = copy.msg_controllen ? CMSG_FIRSTHDR(&copy) : NULL; cmsg; cmsg = CMSG_NXTHDR(&copy, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || (cmsg->cmsg_type != SO_TIMESTAMPING && cmsg->cmsg_type != SO_TIMESTAMPING_NEW) ||
            cmsg->cmsg_len < CMSG_LEN(sizeof own))
            continue;
        memcpy(&own, CMSG_DATA(cmsg), sizeof own);
        records = own & RECORDS;
    }
    return records;
}

void stamp_note(struct sock *sock, const struct msghdr *message, size_t taken)
{
    uint32_t records = records_of(sock, message);
    struct tcb *tcb = stream_tcb(sock);
    unsigned want = (records & SOF_TIMESTAMPING_TX_SCHED ? TCP_STAMP_SCHEDULED : 0u) |
                    (records & SOF_TIMESTAMPING_TX_SOFTWARE ? TCP_STAMP_SENT : 0u) |
                    (records & SOF_TIMESTAMPING_TX_ACK ? TCP_STAMP_ACKED : 0u);

    if (!records || !tcb || tcp_get_state(tcb) == TCPS_SYN_SENT || !sock_need_ext(sock)) /* what a SYN carries is not told of */
        return;
    tcp_stamp_watch(sock->file.sockets->tcp, tcb, want, taken < iov_total(message->msg_iov, message->msg_iovlen));
    tell_style(sock, tcb);
}

bool stamp_is_ready(const struct sock *sock)
{
    if (sock->ext && sock->ext->datagram_stamps)
        return sock->ext->datagram_stamps->count != 0;
    struct tcb *tcb = sock->ext && sock_is_stream(sock) && !(sock->flags & SF_LISTENING) ? stream_tcb(sock) : NULL;

    return tcb && tcp_stamp_peek(tcb, NULL);
}

static void put_time(const struct sock *sock, struct msghdr *message, size_t room, uint64_t time_ns)
{
    struct timespec times[3] = {{.tv_sec = (time_t)(time_ns / NS_PER_S), .tv_nsec = (long)(time_ns % NS_PER_S)}};

    control_put(message, room, SOL_SOCKET, sock->flags & SF_STAMPS_NEW ? SO_TIMESTAMPING_NEW : SO_TIMESTAMPING, times, sizeof times);
}

/* SO_TIMESTAMP and SO_TIMESTAMPNS: of the error queue's messages, too. */
static void put_plain_time(const struct sock *sock, struct msghdr *message, size_t room, uint64_t time_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(time_ns / NS_PER_S), .tv_nsec = (long)(time_ns % NS_PER_S)};
    struct timeval tv = {.tv_sec = ts.tv_sec, .tv_usec = (suseconds_t)(ts.tv_nsec / 1000)};
    bool is_new = sock->flags & SF_STAMPS_NEW;

    if (sock->flags & SF_TIMESTAMP)
        control_put(message, room, SOL_SOCKET, is_new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP, &tv, sizeof tv);
    else if (sock->flags & SF_TIMESTAMPNS)
        control_put(message, room, SOL_SOCKET, is_new ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS, &ts, sizeof ts);
}

/* The packet itself is not kept: its text is zeros, or the statistics that were asked for. */
static ssize_t tell(struct sock *sock, const struct note *note, struct msghdr *message, size_t room)
{
    const struct sock_extended_err error = {
        .ee_errno = ENOMSG, .ee_origin = SO_EE_ORIGIN_TIMESTAMPING, .ee_info = note->kind, .ee_data = note->id};
    bool v4 = sock->file.family == AF_INET;
    uint32_t flags = sock->ext->tsflags;
    size_t taken = message_put_text(message, note->stats, note->size);
    bool has_packet = note->size && !note->stats && note->kind != SCM_TSTAMP_ACK; /* with headers and a device */

    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = MSG_ERRQUEUE | (taken < note->size ? MSG_TRUNC : 0);
    put_plain_time(sock, message, room, note->time_ns);
    if (flags & SOF_TIMESTAMPING_SOFTWARE)
        put_time(sock, message, room, note->time_ns);
    if (note->stats && flags & SOF_TIMESTAMPING_SOFTWARE)
        control_put(message, room, SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS, note->stats, note->size);
    /* the packet's source: IPv4 tells it to who asks for control data (ipv4_datagram_support_cmsg), IPv6 to all */
    bool has_source = has_packet && (!v4 || flags & SOF_TIMESTAMPING_OPT_CMSG);
    control_put_error(sock, message, room, &error, has_source ? &note->source : NULL);
    return (ssize_t)taken;
}

ssize_t stamp_receive(struct sock *sock, struct msghdr *message, size_t room)
{
    struct tcb *tcb = stream_tcb(sock);
    struct tcp_stamp stamp;
    struct note note;
    ssize_t taken;

    if (!tcb || !tcp_stamp_peek(tcb, &stamp))
        return -EAGAIN;
    if (stamp.kind == TCP_STAMP_KIND_ZEROCOPY) {
        taken = zerocopy_tell(sock, &stamp, message, room);
    } else {
        note = (struct note){.kind = stamp.kind, .id = stamp.id, .size = stamp.size, .time_ns = stamp.time_ns,
                             .source = tcp_get_flow(tcb)->local, .stats = stamp.stats};
        taken = tell(sock, &note, message, room);
    }
    tcp_stamp_drop(tcb);
    return taken;
}

/* --- datagrams: they leave at once, so their notes are there as soon as the send is over ------------------------------------- */
void stamp_datagram(struct sock *sock, const struct msghdr *message, const struct addr *source, uint32_t size)
{
    static const struct { uint32_t flag; unsigned kind; } kinds[] = {
        {SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED}, {SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND}};
    uint32_t records = records_of(sock, message);
    struct sock_ext *ext = records ? sock_need_ext(sock) : NULL;
    struct datagram_stamps *stamps;

    if (!ext)
        return;
    if (!ext->datagram_stamps)
        ext->datagram_stamps = pool_alloc(sock->file.sockets->pool, sizeof *ext->datagram_stamps);
    stamps = ext->datagram_stamps;
    if (!stamps)
        return;
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
        if (records & kinds[i].flag && stamps->count < DATAGRAM_NOTES)
            stamps->notes[(stamps->first + stamps->count++) % DATAGRAM_NOTES] =
                (struct note){.kind = kinds[i].kind,
                              .id = ext->tsflags & SOF_TIMESTAMPING_OPT_ID ? stamps->next_id : 0,
                              .size = ext->tsflags & SOF_TIMESTAMPING_OPT_TSONLY ? 0 : size,
                              .time_ns = sock_now(&sock->file),
                              .source = *source};
    stamps->next_id += ext->tsflags & SOF_TIMESTAMPING_OPT_ID ? 1 : 0;
    if (stamps->count)
        file_wake(&sock->file, POLLERR);
}

void stamp_datagram_free(struct sock *sock)
{
    pool_free(sock->file.sockets->pool, sock->ext->datagram_stamps, sizeof *sock->ext->datagram_stamps);
    sock->ext->datagram_stamps = NULL;
}

ssize_t stamp_receive_datagram(struct sock *sock, struct msghdr *message, size_t room)
{
    struct datagram_stamps *stamps = sock->ext ? sock->ext->datagram_stamps : NULL;
    ssize_t taken;

    if (!stamps || !stamps->count)
        return -EAGAIN;
    taken = tell(sock, &stamps->notes[stamps->first], message, room);
    stamps->first = (stamps->first + 1) % DATAGRAM_NOTES;
    stamps->count--;
    return taken;
}

/* The ICMP message that ended a connect(): the quoted TCP header is its text, here of zeros. */
ssize_t stamp_receive_icmp(struct sock *sock, struct msghdr *message, size_t room)
{
    enum { QUOTED = 20 };
    struct tcb *tcb = stream_tcb(sock);
    const struct flow *flow = tcb ? tcp_get_flow(tcb) : NULL;
    struct sockaddr_storage name;
    struct tcp_icmp_note note;
    size_t taken;

    if (!tcb || !tcp_icmp_note(tcb, &note))
        return -EAGAIN;
    (void)tcp_error(tcb, true); /* it was the socket's error, too (sock_dequeue_err_skb) */
    taken = message_put_text(message, NULL, QUOTED);
    message->msg_controllen = 0;
    message->msg_flags = MSG_ERRQUEUE | (taken < QUOTED ? MSG_TRUNC : 0);
    message_put_name(message, &name, sock_print(sock, &flow->remote, flow->remote_port, 0, &name));
    const struct sock_extended_err error = {.ee_errno = note.error,
                                            .ee_origin = note.icmp.version == 6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
                                            .ee_type = note.icmp.type,
                                            .ee_code = note.icmp.code};
    stamp_print_arrival(sock, message, room, sock_now(&sock->file));
    control_put_arrival(sock, &(struct udp_info){.flow = *flow, .ttl = note.icmp.ttl, .tos = note.icmp.tos, .version = note.icmp.version,
                                                 .ifindex = note.icmp.ifindex}, message, room);
    control_put_error(sock, message, room, &error, &flow->remote);
    return (ssize_t)taken;
}

void stamp_print_received(struct sock *sock, struct msghdr *message, size_t room)
{
    struct tcb *tcb = stream_tcb(sock);
    uint64_t time_ns = tcb ? tcp_last_received_ns(tcb) : 0;

    if (time_ns)
        stamp_print_arrival(sock, message, room, time_ns);
}

void stamp_print_arrival(const struct sock *sock, struct msghdr *message, size_t room, uint64_t time_ns)
{
    uint32_t flags = sock->ext ? sock->ext->tsflags : 0;

    put_plain_time(sock, message, room, time_ns);
    /* the packet has its time whoever wanted it (here always): telling it is enough, unless only its receiver's own wish counts */
    if (flags & SOF_TIMESTAMPING_SOFTWARE && (flags & SOF_TIMESTAMPING_RX_SOFTWARE || !(flags & OPT_RX_FILTER)))
        put_time(sock, message, room, time_ns);
}
