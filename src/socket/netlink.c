/* netlink.c: the socket side of netlink(7): requests are answered while they are sent, answers wait in a queue of
 * datagrams. A dump is cut into datagrams as the kernel cuts it. Members of NETLINK_ROUTE's groups are told of changes (netlink_tell). */
#include "socket/netlink.h"

enum { ANSWERS_MAX = 64 << 20, NEWS_MAX = 212992 /* net.core.rmem_default */, GROUPS = 64, FIRST_FREE_PORT = -4096, NETLINK_LEVEL = 270 };

struct answer {
    struct list node;
    uint32_t length;
    uint32_t groups; /* the mask of the one that was told; 0: it was asked for */
    uint8_t bytes[];
};

static struct netlink *netlink_of(struct file *file)
{
    return container_of(file, struct netlink, sock.file);
}

/* --- answers ---------------------------------------------------------------------------------- */
static void queue_answer(struct nl_out *out, unsigned length)
{
    struct netlink *netlink = out->netlink;
    struct answer *answer = NULL;

    if (!length)
        return;
    if (netlink->queued_bytes + length <= ANSWERS_MAX)
        answer = pool_alloc(netlink->sock.file.sockets->pool, sizeof *answer + length);
    if (!answer) {
        out->error = -ENOBUFS;
        return;
    }
    answer->length = length;
    memcpy(answer->bytes, out->bytes, length);
    list_push_back(&netlink->queue, &answer->node);
    netlink->queued_bytes += length;
}

static struct nlmsghdr *header_at(struct nl_out *out, unsigned at)
{
    return (struct nlmsghdr *)(void *)(out->bytes + at);
}

static void *reserve(struct nl_out *out, size_t size)
{
    void *at = out->bytes + out->length;

    if (out->length + NLMSG_ALIGN(size) > NL_ROOM) {
        out->error = -ENOBUFS;
        return NULL;
    }
    memset(at, 0, NLMSG_ALIGN(size));
    out->length += (unsigned)NLMSG_ALIGN(size);
    return at;
}

void nl_begin(struct nl_out *out, uint16_t type, const void *body, size_t size)
{
    struct nlmsghdr *header;
    void *to;

    out->begin = out->length;
    header = reserve(out, sizeof *header);
    to = reserve(out, size);
    if (!header || !to)
        return;
    *header = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = out->flags, .nlmsg_seq = out->seq,
                                .nlmsg_pid = out->netlink ? out->netlink->port_id : 0};
    memcpy(to, body, size);
}

void nl_put(struct nl_out *out, uint16_t attribute, const void *data, size_t size)
{
    struct nlattr *to = reserve(out, NLA_HDRLEN + size);

    if (!to)
        return;
    to->nla_type = attribute;
    to->nla_len = (uint16_t)(NLA_HDRLEN + size);
    memcpy(to + 1, data, size);
}

void nl_put_u8(struct nl_out *out, uint16_t attribute, uint8_t value)
{
    nl_put(out, attribute, &value, sizeof value);
}

void nl_put_u32(struct nl_out *out, uint16_t attribute, uint32_t value)
{
    nl_put(out, attribute, &value, sizeof value);
}

void nl_put_text(struct nl_out *out, uint16_t attribute, const char *text)
{
    nl_put(out, attribute, text, strlen(text) + 1);
}

void nl_put_addr(struct nl_out *out, uint16_t attribute, const struct addr *addr)
{
    nl_put(out, attribute, addr_is_v4(addr) ? addr->b + 12 : addr->b, addr_is_v4(addr) ? 4 : 16);
}

unsigned nl_nest(struct nl_out *out, uint16_t attribute)
{
    unsigned at = out->length;

    nl_put(out, attribute, NULL, 0);
    return at;
}

void nl_nest_end(struct nl_out *out, unsigned nest)
{
    if (!out->error)
        ((struct nlattr *)(void *)(out->bytes + nest))->nla_len = (uint16_t)(out->length - nest);
}

/* What no longer fits the datagram goes into the next. */
void nl_end(struct nl_out *out)
{
    unsigned size = out->length - out->begin;

    if (out->error) {
        out->length = out->begin;
        return;
    }
    header_at(out, out->begin)->nlmsg_len = size;
    if (out->length <= NL_DATAGRAM || !out->begin)
        return;
    queue_answer(out, out->begin);
    memmove(out->bytes, out->bytes + out->begin, size);
    out->length = size;
    out->begin = 0;
}

static void put_error(struct nl_out *out, const struct nlmsghdr *request, int error)
{
    struct nlmsgerr body = {.error = error, .msg = *request};

    out->flags = 0;
    if (error && !out->netlink->caps_ack && request->nlmsg_len <= 2048) {
        nl_begin(out, NLMSG_ERROR, &body, sizeof body);
        void *rest = reserve(out, request->nlmsg_len - sizeof *request);
        if (rest)
            memcpy(rest, request + 1, request->nlmsg_len - sizeof *request);
    } else {
        out->flags = NLM_F_CAPPED;
        nl_begin(out, NLMSG_ERROR, &body, sizeof body);
    }
    nl_end(out);
}

/* --- questions -------------------------------------------------------------------------------- */
void nl_body(const struct nl_request *request, void *body, size_t size)
{
    memset(body, 0, size);
    memcpy(body, request->body, request->length < size ? request->length : size);
}

const uint8_t *nl_find(const struct nl_request *request, size_t body, uint16_t attribute, size_t *length)
{
    for (size_t at = NLMSG_ALIGN(body); at + sizeof(struct nlattr) <= request->length;) {
        struct nlattr one;

        memcpy(&one, request->body + at, sizeof one);
        if (one.nla_len < sizeof one || one.nla_len > request->length - at)
            return NULL;
        if ((one.nla_type & NLA_TYPE_MASK) == attribute) {
            *length = one.nla_len - sizeof one;
            return request->body + at + sizeof one;
        }
        at += NLA_ALIGN(one.nla_len);
    }
    return NULL;
}

bool nl_find_u32(const struct nl_request *request, size_t body, uint16_t attribute, uint32_t *value)
{
    size_t length;
    const uint8_t *data = nl_find(request, body, attribute, &length);

    if (!data || length < sizeof *value)
        return false;
    memcpy(value, data, sizeof *value);
    return true;
}

bool nl_find_addr(const struct nl_request *request, size_t body, uint16_t attribute, struct addr *addr)
{
    size_t length;
    const uint8_t *data = nl_find(request, body, attribute, &length);

    if (!data || (length != 4 && length != 16))
        return false;
    *addr = addr_v4(0);
    memcpy(length == 4 ? addr->b + 12 : addr->b, data, length);
    return true;
}

static int answer(struct lil_proc *proc, struct netlink *netlink, struct nl_request *request, struct nl_out *out)
{
    uint16_t type = request->header->nlmsg_type;
    int result;

    if (netlink->sock.file.protocol == NETLINK_SOCK_DIAG)
        return netlink_diag_request(request, out);
    if (type < 16 || type % 4 != 2) /* RTM_NEW..., RTM_DEL..., RTM_GET..., RTM_SET...: 16, 17, 18, 19 */
        return proc_is_privileged(proc) ? netlink_change_request(request) : -EPERM;
    result = netlink_route_request(request, out);
    return result;
}

static void take_request(struct lil_proc *proc, struct netlink *netlink, const struct nlmsghdr *header)
{
    struct nl_out out = {.netlink = netlink, .seq = header->nlmsg_seq};
    struct nl_request request = {.proc = proc,
                                 .host = netlink->sock.file.sockets->host,
                                 .header = header,
                                 .body = (const uint8_t *)(header + 1),
                                 .length = header->nlmsg_len - sizeof *header,
                                 .is_dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP};
    int error = 0, done = 0;

    if (!(header->nlmsg_flags & NLM_F_REQUEST))
        return;
    /* NLM_F_DUMP's bits mean other things in what changes. */
    if (netlink->sock.file.protocol == NETLINK_ROUTE && header->nlmsg_type % 4 != 2)
        request.is_dump = false;
    if (header->nlmsg_type >= NLMSG_MIN_TYPE) {
        out.flags = request.is_dump ? NLM_F_MULTI : 0;
        error = answer(proc, netlink, &request, &out);
        if (!error)
            error = out.error;
    }
    if (!error && request.is_dump && header->nlmsg_type >= NLMSG_MIN_TYPE) {
        nl_begin(&out, NLMSG_DONE, &done, sizeof done);
        nl_end(&out);
    } else if (error || header->nlmsg_flags & NLM_F_ACK) {
        put_error(&out, header, error);
    }
    queue_answer(&out, out.length);
    if (!list_is_empty(&netlink->queue))
        file_wake(&netlink->sock.file, POLLIN | POLLRDNORM);
}

/* --- the socket ------------------------------------------------------------------------------- */
static bool port_is_taken(const struct netlink *netlink, uint32_t port_id)
{
    const struct sockets *sockets = netlink->sock.file.sockets;

    list_each(node, &sockets->procs) {
        const struct lil_proc *proc = list_entry(node, struct lil_proc, node);
        for (uint32_t fd = 0; fd < proc->capacity; fd++) {
            struct file *file = proc_file(proc, (int)fd);
            if (file && file->ops == netlink->sock.file.ops && file != &netlink->sock.file &&
                file->protocol == netlink->sock.file.protocol && netlink_of(file)->is_bound &&
                netlink_of(file)->port_id == port_id)
                return true;
        }
    }
    return false;
}

static void set_groups(struct netlink *netlink, uint64_t groups)
{
    if (groups && !netlink->groups)
        list_push_back(&netlink->sock.file.sockets->members, &netlink->member);
    else if (!groups && netlink->groups)
        list_remove(&netlink->member);
    netlink->groups = groups;
}

/* What does not fit is lost, and the next receive says so (netlink(7)). */
static void tell_member(struct netlink *netlink, const struct nl_out *news, unsigned group)
{
    struct answer *answer = NULL;

    if (netlink->queued_bytes + news->length <= NEWS_MAX)
        answer = pool_alloc(netlink->sock.file.sockets->pool, sizeof *answer + news->length);
    if (answer) {
        answer->length = news->length;
        answer->groups = group <= 32 ? 1u << (group - 1) : 0;
        memcpy(answer->bytes, news->bytes, news->length);
        list_push_back(&netlink->queue, &answer->node);
        netlink->queued_bytes += news->length;
    } else {
        netlink->error = ENOBUFS;
    }
    file_wake(&netlink->sock.file, answer ? POLLIN | POLLRDNORM : POLLERR);
}

void netlink_tell(void *ctx, enum host_change what, const void *it, int ifindex, bool is_gone)
{
    struct sockets *sockets = ctx;
    struct nl_out news;
    unsigned group;

    if (list_is_empty(&sockets->members))
        return;
    memset(&news, 0, offsetof(struct nl_out, bytes));
    group = netlink_route_news(sockets->host, &news, what, it, ifindex, is_gone);
    list_each(node, &sockets->members) {
        struct netlink *netlink = list_entry(node, struct netlink, member);
        if (news.length && netlink->sock.file.protocol == NETLINK_ROUTE && netlink->groups & 1ull << (group - 1))
            tell_member(netlink, &news, group);
    }
}

static int bind_port(struct netlink *netlink, uint32_t port_id)
{
    int32_t next = FIRST_FREE_PORT;

    if (netlink->is_bound)
        return !port_id || port_id == netlink->port_id ? 0 : -EINVAL;
    if (port_id && port_is_taken(netlink, port_id))
        return -EADDRINUSE;
    if (!port_id)
        port_id = netlink->port_hint;
    while (!port_id || port_is_taken(netlink, port_id))
        port_id = (uint32_t)next--;
    netlink->port_id = port_id;
    netlink->is_bound = true;
    return 0;
}

static int read_name(const struct sockaddr *address, socklen_t length, struct sockaddr_nl *name)
{
    if (length < sizeof *name)
        return -EINVAL;
    memcpy(name, address, sizeof *name);
    return name->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

static int netlink_bind(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_nl name;
    struct netlink *netlink = netlink_of(file);
    int result = read_name(address, length, &name);

    (void)proc;
    if (!result)
        result = bind_port(netlink, name.nl_pid);
    if (!result)
        set_groups(netlink, (netlink->groups & ~(uint64_t)UINT32_MAX) | name.nl_groups);
    return result;
}

static int netlink_connect(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_nl name;
    int result = read_name(address, length, &name);

    (void)proc;
    if (address && length >= sizeof address->sa_family && address->sa_family == AF_UNSPEC)
        return 0;
    if (!result && name.nl_pid)
        result = -ECONNREFUSED; /* other processes' netlink sockets are not reached */
    return result ? result : bind_port(netlink_of(file), 0);
}

static ssize_t netlink_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags)
{
    struct netlink *netlink = netlink_of(file);
    size_t total = iov_total(message->msg_iov, message->msg_iovlen), at = 0;
    struct sockaddr_nl name = {0};
    uint8_t *copy;
    int result = message->msg_name ? read_name(message->msg_name, message->msg_namelen, &name) : 0;

    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (!total)
        return -ENODATA;
    if (!result)
        result = bind_port(netlink, 0);
    if (result)
        return result;
    if (name.nl_pid)
        return -ECONNREFUSED;
    if (total > 212960)
        return -EMSGSIZE;
    copy = pool_alloc(file->sockets->pool, total + 1);
    if (!copy)
        return -ENOBUFS;
    for (size_t i = 0; i < message->msg_iovlen; at += message->msg_iov[i++].iov_len)
        if (message->msg_iov[i].iov_len)
            memcpy(copy + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    for (at = 0; at + sizeof(struct nlmsghdr) <= total;) {
        const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)(copy + at);
        if (header->nlmsg_len < sizeof *header || header->nlmsg_len > total - at)
            break;
        take_request(proc, netlink, header);
        at += NLMSG_ALIGN(header->nlmsg_len);
    }
    pool_free(file->sockets->pool, copy, total + 1);
    return (ssize_t)total;
}

static ssize_t give(struct netlink *netlink, struct msghdr *message, int flags)
{
    struct answer *first = list_entry(netlink->queue.next, struct answer, node);
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = first->groups};
    size_t length = first->length, done = message_put_text(message, first->bytes, length);

    if (message->msg_name) {
        memcpy(message->msg_name, &name, message->msg_namelen < sizeof name ? message->msg_namelen : sizeof name);
        message->msg_namelen = sizeof name;
    }
    message->msg_controllen = 0;
    message->msg_flags = done < length ? MSG_TRUNC : 0;
    if (!(flags & MSG_PEEK)) {
        netlink->queued_bytes -= first->length;
        list_remove(&first->node);
        pool_free(netlink->sock.file.sockets->pool, first, sizeof *first + first->length);
    }
    return (ssize_t)(flags & MSG_TRUNC ? length : done);
}

static ssize_t netlink_receive(struct lil_proc *proc, struct file *file, struct msghdr *message, int flags)
{
    struct netlink *netlink = netlink_of(file);

    if (flags & (MSG_OOB | MSG_ERRQUEUE))
        return flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
    while (netlink->error || list_is_empty(&netlink->queue)) {
        if (netlink->error) {
            int error = netlink->error;
            netlink->error = 0;
            return -error;
        }
        int result = file_is_blocking(file, flags) ? wait_file(proc, file, POLLIN, LIL_NEVER) : -EAGAIN;
        if (result < 0)
            return result;
    }
    return give(netlink, message, flags);
}

static unsigned netlink_events(struct file *file)
{
    const struct netlink *netlink = netlink_of(file);
    return POLLOUT | POLLWRNORM | (list_is_empty(&netlink->queue) ? 0 : POLLIN | POLLRDNORM) | (netlink->error ? POLLERR : 0);
}

static int netlink_name(struct file *file, enum file_name which, struct sockaddr_storage *address)
{
    struct netlink *netlink = netlink_of(file);
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_pid = which == NAME_OWN && netlink->is_bound ? netlink->port_id : 0,
                               .nl_groups = which == NAME_OWN ? (uint32_t)netlink->groups : 0};

    memcpy(address, &name, sizeof name);
    return sizeof name;
}

static void netlink_close(struct sockets *sockets, struct file *file)
{
    struct netlink *netlink = netlink_of(file);

    set_groups(netlink, 0);
    while (!list_is_empty(&netlink->queue)) {
        struct answer *answer = list_entry(list_pop_front(&netlink->queue), struct answer, node);
        pool_free(sockets->pool, answer, sizeof *answer + answer->length);
    }
    sockets->file_count--;
    pool_free(sockets->pool, netlink, sizeof *netlink);
}

enum { OPTION_LAST = 84 }; /* of SOL_SOCKET, in Linux 6.18 */

static int change_membership(struct netlink *netlink, int group, bool is_in)
{
    if (group < 1 || group > GROUPS)
        return -EINVAL;
    set_groups(netlink, is_in ? netlink->groups | 1ull << (group - 1) : netlink->groups & ~(1ull << (group - 1)));
    return 0;
}

/* Buffers and filters change nothing here; memberships and the size of an error's answer do. */
static int netlink_setopt(struct lil_proc *proc, struct file *file, int level, int name, const void *value, socklen_t length)
{
    (void)proc;
    if ((level != SOL_SOCKET || name > OPTION_LAST) && level != NETLINK_LEVEL)
        return -ENOPROTOOPT;
    if (length < sizeof(int))
        return -EINVAL;
    if (level == NETLINK_LEVEL && (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP))
        return change_membership(netlink_of(file), *(const int *)value, name == NETLINK_ADD_MEMBERSHIP);
    if (level == NETLINK_LEVEL && name == NETLINK_CAP_ACK)
        netlink_of(file)->caps_ack = *(const int *)value;
    return 0;
}

static int netlink_getopt(struct lil_proc *proc, struct file *file, int level, int name, void *value, socklen_t *length)
{
    int number = 0;

    (void)proc;
    if (level == SOL_SOCKET && name <= OPTION_LAST)
        number = name == SO_TYPE ? file->type : name == SO_DOMAIN ? AF_NETLINK : name == SO_PROTOCOL ? file->protocol
                 : name == SO_SNDBUF || name == SO_RCVBUF ? 212992 : 0;
    else if (level != NETLINK_LEVEL)
        return -ENOPROTOOPT;
    return option_give(value, length, &number, sizeof number);
}

static const struct file_ops netlink_ops = {
    .is_socket = true,
    .send = netlink_send,
    .receive = netlink_receive,
    .events = netlink_events,
    .close = netlink_close,
    .bind = netlink_bind,
    .connect = netlink_connect,
    .name = netlink_name,
    .setopt = netlink_setopt,
    .getopt = netlink_getopt,
};

int netlink_socket(struct lil_proc *proc, int type, int protocol, uint32_t port_id, const struct netlink_owner *owner)
{
    struct netlink *netlink;
    int fd;

    if ((type & 0xf) != SOCK_RAW && (type & 0xf) != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG)
        return -EPROTONOSUPPORT;
    fd = proc_next(proc, 0);
    if (fd < 0)
        return fd;
    netlink = pool_alloc(proc->sockets->pool, sizeof *netlink);
    if (!netlink)
        return -ENOBUFS;
    netlink->sock.file = (struct file){.ops = &netlink_ops,
                                       .sockets = proc->sockets,
                                       .refs = 1,
                                       .flags = type & SOCK_NONBLOCK ? FILE_NONBLOCK : 0,
                                       .family = AF_NETLINK,
                                       .type = (uint8_t)(type & 0xf),
                                       .protocol = (uint8_t)protocol};
    list_init(&netlink->queue);
    netlink->port_hint = port_id;
    if (owner)
        netlink->owner = *owner;
    proc->sockets->file_count++;
    proc_put(proc, fd, &netlink->sock.file, type & SOCK_CLOEXEC);
    return fd;
}
