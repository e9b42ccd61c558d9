/* tcp_stamp_inner.h: what tcp_stamp.c and tcp_zerocopy.c keep of the sends they watch. */
#ifndef TCP_TCP_STAMP_INNER_H
#define TCP_TCP_STAMP_INNER_H
#include "tcp/sockopt/tcp_stamp.h"

enum { BUFFER_COST = 960 /* of a buffer beside its text: tcp_queue.c */ };
struct stats {
    uint16_t length;
    uint8_t bytes[TCP_STAMP_STATS_MOST];
};
struct entry { /* what the error queue tells of */
    struct tcp_stamp stamp;
    uint32_t cost;
    uint32_t start, end; /* the text that it holds; none when it is told without */
    struct stats *stats; /* NULL: none were wanted */
};
struct watch { /* a buffer has one key at most: its last send's */
    uint32_t end;
    unsigned want;
    uint64_t late_ns; /* its send found no more room: what leaves in that instant has left before the send was noted */
};
struct pinned { /* sends that share a completion: [START, END), FIRST of COUNT numbers; what their pages have beside the
                   text */
    uint32_t start, end, first, count, waste;
};
struct records {
    void *items;
    uint32_t count, room;
};
struct stamps {
    struct records watches, pinned, queue;
    struct tcp_stamp_style style;
    uint32_t waste; /* of all that is pinned */
};

static inline struct watch *watches_of(const struct stamps *stamps)
{
    return stamps->watches.items;
}
static inline struct pinned *pinned_of(const struct stamps *stamps)
{
    return stamps->pinned.items;
}
static inline struct entry *queue_of(const struct stamps *stamps)
{
    return stamps->queue.items;
}

struct stamps *stamps_need(struct tcp *tcp, struct tcb *tcb);              /* NULL: no memory */
void *records_push(struct tcp *tcp, struct records *records, size_t size); /* the place of one more; NULL: no memory */
void records_shift(struct records *records, uint32_t count, size_t size);  /* the first COUNT go */
bool zerocopy_complete(struct tcb *tcb, uint32_t seq); /* those of text before SEQ are done; true: there were any */
void zerocopy_complete_all(struct tcb *tcb);           /* the connection is over */
#endif
