/* icmphdr.c: the ICMP header of both versions: RFC 792, RFC 1191 (the MTU), RFC 4443. */
#include "wire/bytes.h"
#include "wire/wire.h"

static bool is_echo(int version, uint8_t type)
{
    if (version == 4)
        return type == ICMP4_ECHO_REQUEST || type == ICMP4_ECHO_REPLY;
    return type == ICMP6_ECHO_REQUEST_ || type == ICMP6_ECHO_REPLY_;
}

int icmp_parse(struct icmp *icmp, int version, const uint8_t *bytes, size_t available)
{
    if (available < ICMP_LENGTH)
        return -EMSGSIZE;
    icmp->type = bytes[0];
    icmp->code = bytes[1];
    icmp->checksum = get_csum(bytes + 2);
    if (is_echo(version, icmp->type)) {
        icmp->echo.id = get16(bytes + 4);
        icmp->echo.sequence = get16(bytes + 6);
    } else if (version == 4 && icmp->type == ICMP4_UNREACHABLE && icmp->code == 4) {
        icmp->mtu = get16(bytes + 6);
    } else {
        icmp->rest = get32(bytes + 4);
    }
    return ICMP_LENGTH;
}

size_t icmp_emit(const struct icmp *icmp, int version, uint8_t *bytes)
{
    bytes[0] = icmp->type;
    bytes[1] = icmp->code;
    put_csum(bytes + 2, icmp->checksum);
    if (is_echo(version, icmp->type)) {
        put16(bytes + 4, icmp->echo.id);
        put16(bytes + 6, icmp->echo.sequence);
    } else {
        put32(bytes + 4, icmp->rest);
    }
    return ICMP_LENGTH;
}

static const char *const unreachable4[] = {"net", "host", "protocol", "port", "need to frag", "source route failed",
    "net unknown", "host unknown", "source host isolated", "net prohibited", "host prohibited", "net for tos",
    "host for tos", "admin prohibited", "precedence violation", "precedence cutoff"};
static const char *const unreachable6[] = {"no route", "admin prohibited", "beyond scope", "address", "port",
    "source policy", "reject route", "source route"};

static int print4(const struct icmp *icmp, char *text, size_t size)
{
    switch (icmp->type) {
    case ICMP4_ECHO_REQUEST:
    case ICMP4_ECHO_REPLY:
        return snprintf(text, size, "icmp: echo %s id %u seq %u", icmp->type ? "request" : "reply", icmp->echo.id,
                        icmp->echo.sequence);
    case ICMP4_UNREACHABLE:
        if (icmp->code == 4)
            return snprintf(text, size, "icmp: unreachable - need to frag (mtu %u)", icmp->mtu);
        if (icmp->code < ARRAY_COUNT(unreachable4))
            return snprintf(text, size, "icmp: unreachable - %s", unreachable4[icmp->code]);
        return snprintf(text, size, "icmp: unreachable - code %u", icmp->code);
    case ICMP4_QUENCH:
        return snprintf(text, size, "icmp: source quench");
    case ICMP4_REDIRECT_:
        return snprintf(text, size, "icmp: redirect %s", icmp->code == 1 ? "host" : "net");
    case ICMP4_TIME_EXCEEDED:
        return snprintf(text, size, "icmp: time exceeded %s", icmp->code ? "in reassembly" : "in transit");
    case ICMP4_PARAMETER:
        return snprintf(text, size, "icmp: parameter problem at %u", icmp->rest >> 24);
    default:
        return snprintf(text, size, "icmp: type %u code %u", icmp->type, icmp->code);
    }
}

static int print6(const struct icmp *icmp, char *text, size_t size)
{
    switch (icmp->type) {
    case ICMP6_ECHO_REQUEST_:
    case ICMP6_ECHO_REPLY_:
        return snprintf(text, size, "icmp6: echo %s id %u seq %u",
                        icmp->type == ICMP6_ECHO_REQUEST_ ? "request" : "reply", icmp->echo.id, icmp->echo.sequence);
    case ICMP6_UNREACHABLE:
        if (icmp->code < ARRAY_COUNT(unreachable6))
            return snprintf(text, size, "icmp6: unreachable - %s", unreachable6[icmp->code]);
        return snprintf(text, size, "icmp6: unreachable - code %u", icmp->code);
    case ICMP6_TOO_BIG:
        return snprintf(text, size, "icmp6: packet too big (mtu %u)", icmp->mtu);
    case ICMP6_TIME_EXCEEDED_:
        return snprintf(text, size, "icmp6: time exceeded %s", icmp->code ? "in reassembly" : "in transit");
    case ICMP6_PARAMETER:
        return snprintf(text, size, "icmp6: parameter problem code %u at %u", icmp->code, icmp->pointer);
    case ICMP6_ROUTER_SOLICIT:
        return snprintf(text, size, "icmp6: router sol");
    case ICMP6_ROUTER_ADVERT:
        return snprintf(text, size, "icmp6: router adv");
    case ICMP6_NEIGHBOR_SOLICIT:
        return snprintf(text, size, "icmp6: neighbor sol");
    case ICMP6_NEIGHBOR_ADVERT:
        return snprintf(text, size, "icmp6: neighbor adv");
    default:
        return snprintf(text, size, "icmp6: type %u code %u", icmp->type, icmp->code);
    }
}

int icmp_print(const struct icmp *icmp, int version, char *text, size_t size)
{
    return version == 4 ? print4(icmp, text, size) : print6(icmp, text, size);
}
