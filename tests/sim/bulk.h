/* bulk.h: bulk transfers between two hosts over one link, in virtual time: what the golden tables and the fairness test
 * share. */
#ifndef TESTS_SIM_BULK_H
#define TESTS_SIM_BULK_H
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lilliput/lilliput.h"
#include "lilliput/world.h"

enum { TRANSFER_FLOWS = 16, TRANSFER_SYSCTLS = 8 };
struct transfer {
    /* what is asked for */
    uint64_t seed;
    const char *profile;                     /* NULL: linux */
    const char *sysctl[TRANSFER_SYSCTLS][2]; /* on both hosts */
    struct lil_link_config link;             /* from the sender; the way back has its delay alone */
    unsigned flows, seconds, skip_seconds;   /* skip: not measured at the beginning */
    uint64_t stagger_ns;                     /* between the flows' beginnings */
    const char *congestion[2];               /* TCP_CONGESTION of the flows with an even and with an odd number; NULL: the host's */
    uint64_t bytes;                          /* > 0: each flow sends so much and ends */
    lil_link_filter_fn *filter;              /* sees the packets of both directions; ctx is the transfer */
    void *ctx;
    /* what was seen */
    uint64_t received[TRANSFER_FLOWS], measured[TRANSFER_FLOWS]; /* bytes; measured: after skip_seconds */
    uint64_t ended_ns[TRANSFER_FLOWS];
    bool is_corrupt;
    uint64_t retransmitted, timeouts, fast, dsacks, undone, probes, sent;
};
struct transfer_flow {
    struct transfer *transfer;
    unsigned index;
};

static inline uint8_t transfer_byte(uint64_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 11 ^ offset);
}

static int transfer_server(struct lil_proc *proc, void *argument)
{
    struct transfer_flow *flow = argument;
    struct transfer *transfer = flow->transfer;
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(5000 + flow->index))};
    static char buffer[1 << 16];
    int listener = lil_socket(proc, AF_INET, SOCK_STREAM, 0);
    if (lil_bind(proc, listener, (struct sockaddr *)&sin, sizeof sin) < 0 || lil_listen(proc, listener, 4) < 0)
        return 1;
    int fd = lil_accept(proc, listener, NULL, NULL);
    if (fd < 0)
        return 2;
    ssize_t got;
    while ((got = lil_read(proc, fd, buffer, sizeof buffer)) > 0) {
        uint64_t at = transfer->received[flow->index];
        for (ssize_t i = 0; i < got; i += 97)
            transfer->is_corrupt |= (uint8_t)buffer[i] != transfer_byte(at + (uint64_t)i);
        transfer->received[flow->index] += (uint64_t)got;
        if (lil_now_ns(proc) >= transfer->skip_seconds * 1000000000ull)
            transfer->measured[flow->index] += (uint64_t)got;
    }
    transfer->ended_ns[flow->index] = lil_now_ns(proc);
    lil_close(proc, fd);
    return got < 0 ? 3 : 0;
}

static int transfer_client(struct lil_proc *proc, void *argument)
{
    struct transfer_flow *flow = argument;
    struct transfer *transfer = flow->transfer;
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(5000 + flow->index))};
    char buffer[16384];
    uint64_t sent = 0;
    inet_pton(AF_INET, "10.0.0.2", &sin.sin_addr);
    lil_sleep_ns(proc, 1000000 + flow->index * transfer->stagger_ns);
    int fd = lil_socket(proc, AF_INET, SOCK_STREAM, 0);
    const char *congestion = transfer->congestion[flow->index % 2];
    if (congestion && lil_setsockopt(proc, fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) < 0)
        return 6;
    if (lil_connect(proc, fd, (struct sockaddr *)&sin, sizeof sin) < 0)
        return 4;
    while (!transfer->bytes || sent < transfer->bytes) {
        size_t want = sizeof buffer;
        if (transfer->bytes && transfer->bytes - sent < want)
            want = (size_t)(transfer->bytes - sent);
        for (size_t i = 0; i < want; i++)
            buffer[i] = (char)transfer_byte(sent + i);
        ssize_t done = lil_write(proc, fd, buffer, want);
        if (done <= 0)
            return 5;
        sent += (uint64_t)done;
    }
    lil_close(proc, fd);
    return 0;
}

static int transfer_run(struct transfer *transfer)
{
    struct lil_world *world = lil_world_new(transfer->seed);
    const char *profile = transfer->profile ? transfer->profile : "linux";
    struct lil_host *a = lil_world_host(world, "a", profile), *b = lil_world_host(world, "b", profile);
    struct lil_link *link = lil_world_link(world, a, "10.0.0.1/24", b, "10.0.0.2/24", &transfer->link);
    struct lil_link_config back = {.delay_ns = transfer->link.delay_ns};
    struct transfer_flow flows[TRANSFER_FLOWS];
    lil_link_set(link, 2, &back);
    if (transfer->filter)
        lil_link_set_filter(link, transfer->filter, transfer->ctx);
    for (unsigned i = 0; i < TRANSFER_SYSCTLS && transfer->sysctl[i][0]; i++) {
        if (lil_sysctl_set(a, transfer->sysctl[i][0], transfer->sysctl[i][1]) < 0 ||
            lil_sysctl_set(b, transfer->sysctl[i][0], transfer->sysctl[i][1]) < 0)
            return 100;
    }
    unsigned count = transfer->flows ? transfer->flows : 1;
    for (unsigned i = 0; i < count; i++) {
        flows[i] = (struct transfer_flow){transfer, i};
        lil_world_spawn(world, b, transfer_server, &flows[i]);
        lil_world_spawn(world, a, transfer_client, &flows[i]);
    }
    int status = lil_world_run(world, transfer->seconds * 1000000000ull);
    transfer->retransmitted = lil_counter_get(a, "TcpRetransSegs");
    transfer->timeouts = lil_counter_get(a, "TcpExtTCPTimeouts");
    transfer->fast = lil_counter_get(a, "TcpExtTCPFastRetrans");
    transfer->dsacks = lil_counter_get(a, "TcpExtTCPDSACKRecv");
    transfer->undone = lil_counter_get(a, "TcpExtTCPFullUndo") + lil_counter_get(a, "TcpExtTCPDSACKUndo") +
                       lil_counter_get(a, "TcpExtTCPLossUndo") + lil_counter_get(a, "TcpExtTCPPartialUndo");
    transfer->probes = lil_counter_get(a, "TcpExtTCPLossProbes");
    transfer->sent = lil_counter_get(a, "TcpOutSegs");
    lil_world_free(world);
    return status;
}

#endif
