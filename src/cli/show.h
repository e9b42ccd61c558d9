/* show.h: the time line of a world, drawn as it happens: a column a host, segments as arrows with their flags and
 * numbers, states, queue lengths, calls and results, timers, in the manner of TCP/IP Illustrated's figures. show_label.c words
 * a frame, show_timers.c watches timers, show.c draws. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H
#include <stdio.h>
#include "lilliput/world.h"

enum { SHOW_PACKETS = 1, SHOW_STATES = 2, SHOW_QUEUES = 4, SHOW_CALLS = 8, SHOW_OUTPUT = 16, SHOW_TIMERS = 32, SHOW_TCP = 64 };
struct show_config {
    FILE *out;
    unsigned what;  /* SHOW_* */
    unsigned width; /* of the page; 0: 120 */
    bool ascii, color;
    const char *hosts; /* "a,b,c": the columns; NULL: all that fit */
};
struct show;
struct show *show_new(struct lil_world *world, const struct show_config *config); /* after the hosts are made */
void show_free(struct show *show);                                                /* after the world's last step */
void show_output(struct show *show, struct lil_proc *proc, const char *line, uint64_t now_ns);
/* "packets,states" to flags; -EINVAL with the bad word in *BAD. */
int show_parse(const char *text, unsigned *what, const char **bad);

struct label_flows; /* initial sequence numbers, so that what follows a SYN is told relative to it */
struct label_flows *label_flows_new(void);
void label_flows_free(struct label_flows *flows);
/* "SYN 1415531521:1415531521(0) win 4096 <mss 1024>". */
void label_frame(struct label_flows *flows, const uint8_t *frame, size_t length, char *text, size_t size);
/* The same for a packet that begins at its IP header (loopback); false: it is none. */
bool label_packet(struct label_flows *flows, const uint8_t *bytes, size_t length, char *text, size_t size);

/* show_timers.c: tells SAY each TCP timer of a host that has started, was put off, expired or stopped since the last look. */
struct tcp;
struct timer_watch;
struct timer_watch *timer_watch_new(void);
void timer_watch_free(struct timer_watch *watch);
void timer_watch_look(struct timer_watch *watch, struct tcp *tcp, uint64_t now_ns, void (*say)(void *ctx, const char *text), void *ctx);

#endif
