/* calltext.c: a call with its arguments and its result in the words of strace(1): what `--show calls` prints and what a
 * test of "what did the program see" compares. */
#include <ctype.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include "socket/call_border.h"

struct word {
    int value;
    const char *name;
};

static const char *find_word(const struct word *words, size_t count, int value, char text[CALL_TEXT])
{
    for (size_t i = 0; i < count; i++)
        if (words[i].value == value)
            return words[i].name;
    snprintf(text, CALL_TEXT, "%#x", (unsigned)value);
    return text;
}

static const char *join_words(const struct word *words, size_t count, unsigned value, char text[CALL_TEXT])
{
    size_t used = 0;

    if (value == 0)
        return "0";
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if ((value & (unsigned)words[i].value) == (unsigned)words[i].value) {
            used += (size_t)snprintf(text + used, CALL_TEXT - used, "%s%s", used ? "|" : "", words[i].name);
            value &= ~(unsigned)words[i].value;
        }
    if (value && used < CALL_TEXT - 16)
        snprintf(text + used, CALL_TEXT - used, "%s%#x", used ? "|" : "", value);
    return text;
}

#define WORD(name)                                                                                                     \
    {                                                                                                                  \
        name, #name                                                                                                    \
    }
const char *call_family(int family, char text[CALL_TEXT])
{
    static const struct word words[] = {WORD(AF_UNSPEC), WORD(AF_UNIX),    WORD(AF_INET),
                                        WORD(AF_INET6),  WORD(AF_NETLINK), WORD(AF_PACKET)};

    return find_word(words, ARRAY_COUNT(words), family, text);
}

const char *call_type(int type, char text[CALL_TEXT])
{
    static const struct word words[] = {WORD(SOCK_STREAM), WORD(SOCK_DGRAM), WORD(SOCK_RAW), WORD(SOCK_RDM),
                                        WORD(SOCK_SEQPACKET)};
    char number[CALL_TEXT];

    snprintf(text, CALL_TEXT, "%.40s%s%s",
             find_word(words, ARRAY_COUNT(words), type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), number),
             type & SOCK_CLOEXEC ? "|SOCK_CLOEXEC" : "", type & SOCK_NONBLOCK ? "|SOCK_NONBLOCK" : "");
    return text;
}

const char *call_protocol(int protocol, char text[CALL_TEXT])
{
    static const struct word words[] = {WORD(IPPROTO_IP),  WORD(IPPROTO_ICMP),   WORD(IPPROTO_TCP),
                                        WORD(IPPROTO_UDP), WORD(IPPROTO_ICMPV6), WORD(IPPROTO_SCTP)};

    return find_word(words, ARRAY_COUNT(words), protocol, text);
}

const char *call_msg_flags(int flags, char text[CALL_TEXT])
{
    static const struct word words[] = {WORD(MSG_OOB),      WORD(MSG_PEEK), WORD(MSG_DONTROUTE), WORD(MSG_TRUNC),
                                        WORD(MSG_DONTWAIT), WORD(MSG_EOR),  WORD(MSG_WAITALL),   WORD(MSG_ERRQUEUE),
                                        WORD(MSG_NOSIGNAL), WORD(MSG_MORE)};

    return join_words(words, ARRAY_COUNT(words), (unsigned)flags, text);
}

const char *call_poll_events(unsigned events, char text[CALL_TEXT])
{
    static const struct word words[] = {WORD(POLLIN),     WORD(POLLPRI),    WORD(POLLOUT),    WORD(POLLERR),
                                        WORD(POLLHUP),    WORD(POLLNVAL),   WORD(POLLRDNORM), WORD(POLLRDBAND),
                                        WORD(POLLWRNORM), WORD(POLLWRBAND), WORD(POLLRDHUP)};

    return join_words(words, ARRAY_COUNT(words), events, text);
}

const char *call_level(int level, char text[CALL_TEXT])
{
    static const struct word words[] = {
        WORD(SOL_SOCKET), {IPPROTO_IP, "SOL_IP"}, {IPPROTO_TCP, "SOL_TCP"}, {IPPROTO_IPV6, "SOL_IPV6"}};

    return find_word(words, ARRAY_COUNT(words), level, text);
}

const char *call_option(int level, int name, char text[CALL_TEXT])
{
    static const struct word sock[] = {
        WORD(SO_DEBUG),     WORD(SO_REUSEADDR), WORD(SO_TYPE),         WORD(SO_ERROR),     WORD(SO_DONTROUTE),
        WORD(SO_BROADCAST), WORD(SO_SNDBUF),    WORD(SO_RCVBUF),       WORD(SO_KEEPALIVE), WORD(SO_OOBINLINE),
        WORD(SO_PRIORITY),  WORD(SO_LINGER),    WORD(SO_REUSEPORT),    WORD(SO_RCVLOWAT),  WORD(SO_SNDLOWAT),
        WORD(SO_RCVTIMEO),  WORD(SO_SNDTIMEO),  WORD(SO_BINDTODEVICE), WORD(SO_TIMESTAMP), WORD(SO_ACCEPTCONN),
        WORD(SO_PROTOCOL),  WORD(SO_DOMAIN)};
    static const struct word tcp[] = {
        WORD(TCP_NODELAY), WORD(TCP_MAXSEG),   WORD(TCP_CORK),       WORD(TCP_KEEPIDLE),     WORD(TCP_KEEPINTVL),
        WORD(TCP_KEEPCNT), WORD(TCP_SYNCNT),   WORD(TCP_LINGER2),    WORD(TCP_DEFER_ACCEPT), WORD(TCP_WINDOW_CLAMP),
        WORD(TCP_INFO),    WORD(TCP_QUICKACK), WORD(TCP_CONGESTION), WORD(TCP_USER_TIMEOUT), WORD(TCP_FASTOPEN)};
    static const struct word ip[] = {WORD(IP_TOS),
                                     WORD(IP_TTL),
                                     WORD(IP_HDRINCL),
                                     WORD(IP_OPTIONS),
                                     WORD(IP_RECVERR),
                                     WORD(IP_PKTINFO),
                                     WORD(IP_MTU),
                                     WORD(IP_MTU_DISCOVER),
                                     WORD(IP_RECVTTL),
                                     WORD(IP_RECVTOS),
                                     WORD(IP_MULTICAST_IF),
                                     WORD(IP_MULTICAST_TTL),
                                     WORD(IP_MULTICAST_LOOP),
                                     WORD(IP_ADD_MEMBERSHIP),
                                     WORD(IP_DROP_MEMBERSHIP)};
    static const struct word ip6[] = {WORD(IPV6_V6ONLY),       WORD(IPV6_UNICAST_HOPS), WORD(IPV6_RECVPKTINFO),
                                      WORD(IPV6_RECVERR),      WORD(IPV6_MTU),          WORD(IPV6_TCLASS),
                                      WORD(IPV6_RECVHOPLIMIT), WORD(IPV6_RECVTCLASS),   WORD(IPV6_MULTICAST_IF)};

    switch (level) {
    case SOL_SOCKET:
        return find_word(sock, ARRAY_COUNT(sock), name, text);
    case IPPROTO_TCP:
        return find_word(tcp, ARRAY_COUNT(tcp), name, text);
    case IPPROTO_IP:
        return find_word(ip, ARRAY_COUNT(ip), name, text);
    default:
        return find_word(ip6, ARRAY_COUNT(ip6), name, text);
    }
}

const char *call_sockaddr(const struct sockaddr *address, socklen_t length, char text[CALL_TEXT])
{
    struct addr addr;
    char name[ADDR_TEXT], number[CALL_TEXT];
    uint16_t port;
    uint32_t scope;

    if (call_is_wild(address))
        return "NULL";
    if (!address)
        return "NULL";
    if (addr_from_sockaddr(address, length, &addr, &port, &scope) < 0) {
        snprintf(text, CALL_TEXT, "{sa_family=%.60s}", length >= 2 ? call_family(address->sa_family, number) : "?");
        return text;
    }
    if (address->sa_family == AF_INET)
        snprintf(text, CALL_TEXT, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%s\")}", port,
                 addr_print(&addr, name));
    else
        snprintf(text, CALL_TEXT, "{sa_family=AF_INET6, sin6_port=htons(%u), inet_pton(\"%s\")}", port,
                 addr_print(&addr, name));
    return text;
}

const char *call_bytes(const void *bytes, long length, char text[CALL_TEXT])
{
    const unsigned char *b = bytes;
    size_t used = 0;

    if (call_is_wild(b) || length < 0)
        return "\"\"";
    text[used++] = '"';
    for (long i = 0; i < length && i < 32; i++) {
        if (b[i] == '\n' || b[i] == '\r' || b[i] == '\t' || b[i] == '"' || b[i] == '\\') {
            text[used++] = '\\';
            text[used++] = b[i] == '\n' ? 'n' : b[i] == '\r' ? 'r' : b[i] == '\t' ? 't' : (char)b[i];
        } else if (isprint(b[i])) {
            text[used++] = (char)b[i];
        } else {
            used += (size_t)snprintf(text + used, 5, "\\%o", b[i]);
        }
    }
    snprintf(text + used, CALL_TEXT - used, "\"%s", length > 32 ? "..." : "");
    return text;
}

const char *call_iov(const struct iovec *iov, size_t count, long length, char text[CALL_TEXT])
{
    if (count == 0 || call_is_wild(iov))
        return "\"\"";
    return call_bytes(iov->iov_base, length < (long)iov->iov_len ? length : (long)iov->iov_len, text);
}

void call_trace(struct lil_proc *proc, long result, const char *format, ...)
{
    struct lil_trace event = {.kind = LIL_TRACE_CALL, .pid = proc->pid};
    char text[640];
    va_list arguments;
    int used, saved = errno;

    va_start(arguments, format);
    used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (used < 0 || (size_t)used > sizeof text - 100)
        used = sizeof text - 100;
    if (result < 0)
        snprintf(text + used, sizeof text - (size_t)used, " = -1 %s (%s)", strerrorname_np((int)-result),
                 strerrordesc_np((int)-result));
    else
        snprintf(text + used, sizeof text - (size_t)used, " = %ld", result);
    event.text = text;
    host_trace(proc->sockets->host, &event);
    errno = saved;
}
