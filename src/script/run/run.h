/* run.h: the runner's inside. One host under test on an IP interface; the runner is the whole rest of the network.
 *
 * Time is virtual. An event's moment is awaited by letting the host run its timers up to (not including) it: at one
 * instant the script acts first, as it does on a real kernel whose timers fire late. Packets that the host sends are
 * queued with their times and compared only when a line expects one; what is left at the end does no harm (unless
 * --strict), as in packetdrill. Calls run on a coroutine (coroutine.c): a call that would block lets time pass until it ends,
 * or, written a...b, lets the script go on meanwhile.
 *
 * Numbers are the script's on the page and the live ones on the wire: conn.c knows each connection's two ISNs,
 * ports and timestamps. The peer's own numbers are used as written. */
#ifndef SCRIPT_RUN_RUN_H
#define SCRIPT_RUN_RUN_H
#include <setjmp.h>
#include "lilliput/lilliput.h"
#include "script/code/code.h"
#include "script/script.h"
#include "script/run/coroutine.h"
#include "wire/wire.h"

enum conn_state { CONN_IDLE, CONN_LISTENING, CONN_PASSIVE, CONN_CONNECTING, CONN_CONNECTED };
enum { TS_PAIRS = 64 };
struct conn {
    struct conn *next;
    enum conn_state state;
    enum spec_protocol protocol;
    int live_fd;                       /* -1: not accepted yet, or closed */
    struct addr local, remote;         /* on the wire */
    uint16_t local_port, remote_port;  /* live; 0: not known yet */
    uint16_t script_local_port, script_remote_port; /* 0: the script names none */
    uint16_t tunnel_local, tunnel_remote; /* as the host last sent it; 0: bare */
    uint32_t script_flow_label, live_flow_label; /* of its packets; 0: none was named yet */
    bool has_local_isn;
    uint32_t live_local_isn, script_local_isn;
    unsigned ts_count;                 /* outbound TS val: script -> live, the newest last */
    struct { uint32_t script, live; } ts[TS_PAIRS];
    bool ts_started;
    uint32_t ts_first_script, ts_first_live;
    uint64_t ts_first_ns;
};
enum fd_kind { FD_SOCKET, FD_EPOLL, FD_PIPE, FD_FILE };
struct fd_entry {
    struct fd_entry *next;
    int script_fd, live_fd;
    enum fd_kind kind;
    struct conn *conn;
};
struct sent { /* a packet of the host */
    struct sent *next;
    uint64_t time_ns;
    uint32_t length;
    struct ip ip;                        /* the innermost header, if it came in others */
    uint32_t encap_length;               /* of those before it (encap.h) */
    const uint8_t *transport;
    uint32_t transport_length;
    uint16_t tunnel_source, tunnel_dest; /* TCP came out of a datagram between these ports; 0: bare */
    uint8_t bytes[];
};
struct signing_key { /* of RFC 2385, as setsockopt(TCP_MD5SIG) was given it */
    struct signing_key *next;
    struct addr peer;
    unsigned length;
    uint8_t bytes[80];
};
struct counter {
    struct counter *next;
    const char *name;
    uint64_t value;
};
struct run {
    uint32_t tunnel_port;       /* net.inet.tcp.udp_tunneling_port */
    struct script_config config;
    struct script_report *report;
    struct script script;
    struct arena memory;               /* what is needed before the script's own arena is there */
    struct lil_host *host;
    struct lil_proc *proc;
    struct proc_runtime *runtime;
    struct coroutine *coroutine;
    struct recording *capture;
    int ifindex, ip_version;
    uint64_t now_ns, next_ns;          /* next: the host's own deadline */
    uint64_t limit_ns;                 /* the script acts after it at the earliest: a host in real time may sleep so long (tests/oracle) */
    uint64_t origin_ns;                /* the host's time at the script's time 0 */
    uint64_t last_event_ns;            /* script time of the event before */
    struct script_event *event;
    struct script_event *blocked;      /* its call is waiting in the coroutine */
    struct sent *queue, **queue_last;
    uint64_t netem_delay_ns;           /* `tc qdisc ... netem delay`: so late the host's packets leave */
    bool netem_loses;                  /* ... loss 100%: none leaves */
    uint64_t netem_rate, netem_last_ns; /* ... rate: bytes a second, 0: as fast as may be; when the last one leaves */
    struct conn *conns, *under_test;
    struct fd_entry *fds;
    struct addr local, remote;
    uint16_t next_port, next_id;
    int next_file_fd;
    struct file *opened;               /* disk_file.c */
    struct code code;
    struct signing_key *signing_keys;
    struct counter *counters;          /* nstat's history */
    struct shell_variable *routes;     /* what `ip route` added: destination, way */
    uint32_t features_off;             /* ethtool -K: a bit each (devices.c) */
    unsigned next_labels;              /* devices that put MPLS labels on */
    unsigned next_temporary;           /* mktemp */
    struct made_file *made;            /* what commands wrote and removed (made.c) */
    struct shell_variable *parameters; /* ... wrote to parameters without an effect here */
    jmp_buf over;                      /* run_fail and run_skip on the main stack */
};

/* run.c */
_Noreturn void run_over(struct run *run); /* leaves with what report says; not on the coroutine's stack */
void run_note(struct run *run, const struct script_event *event, enum script_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
_Noreturn void run_fail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_fail_packet(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3))); /* returns with --non_fatal=packet */
bool run_is_freebsd(const struct run *run); /* its profile is one of FreeBSD */
_Noreturn void run_skip(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_settle(struct run *run);                  /* lets the host and the coroutine do what they can now */
void run_until(struct run *run, uint64_t time_ns); /* up to, and not including, what is due at that moment */
bool run_step(struct run *run, uint64_t limit_ns); /* to the next thing that happens; false: nothing up to the limit */
uint64_t run_script_ns(const struct run *run, uint64_t live_ns);
bool run_in_time(const struct run *run, const struct when *when, uint64_t live_ns, char *text, size_t size);
void run_say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_say_at(struct run *run, uint64_t time_ns, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* run_code.c: a field of struct tcp_info by name; false: unknown, or LENGTH ends before it. */
bool run_tcp_info_field(const uint8_t *bytes, size_t length, const char *name, struct value *value);
void run_code(struct run *run, const struct script_event *event);

/* conn.c */
struct conn *conn_new(struct run *run, enum spec_protocol protocol);
struct conn *conn_for_spec(struct run *run, const struct spec_packet *spec); /* NULL: none */
struct conn *conn_for_sent(struct run *run, const struct sent *sent);
void conn_refresh(struct run *run, struct conn *conn); /* learns the local port */
void conn_set_ts(struct conn *conn, uint32_t script, uint32_t live);
uint32_t conn_ts_live(const struct conn *conn, uint32_t script);
struct fd_entry *fd_find(struct run *run, int script_fd);
struct fd_entry *fd_add(struct run *run, int script_fd, int live_fd, enum fd_kind kind, struct conn *conn);
void fd_remove(struct run *run, int script_fd);
#endif
