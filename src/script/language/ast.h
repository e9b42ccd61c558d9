/* ast.h: a packetdrill script as a tree. parse.c makes it, script.c walks it. All memory is one arena's.
 * The language is described in docs/SCRIPT.md. Sequence numbers here are the script's (0-based), times are in ns
 * from the script's first event or, when relative, from the event before. */
#ifndef SCRIPT_LANGUAGE_AST_H
#define SCRIPT_LANGUAGE_AST_H
#include <stdbool.h>
#include <stdint.h>
#include "script/language/arena.h"

enum when_kind { WHEN_ABSOLUTE, WHEN_RELATIVE, WHEN_ABSOLUTE_RANGE, WHEN_RELATIVE_RANGE, WHEN_ANY };
struct when {
    enum when_kind kind;
    int64_t start_ns, end_ns; /* end: of a range */
};

/* An argument or a result of a call. */
enum expr_kind {
    EXPR_ELLIPSIS, /* ... */
    EXPR_NUMBER,
    EXPR_WORD,     /* a symbolic constant */
    EXPR_STRING,   /* text, length */
    EXPR_LIST,     /* [a, b] */
    EXPR_STRUCT,   /* {name = a, b}: names[i] may be NULL */
    EXPR_CALL,     /* htons(1), inet_addr("1.2.3.4"): text is the name */
    EXPR_BINARY,   /* text is the operator */
    EXPR_UNARY
};
struct expr {
    enum expr_kind kind;
    int line;
    int64_t number;
    const char *text;
    unsigned length; /* of a string, which may hold NULs */
    unsigned count;
    struct expr **items;
    const char **names;
};

enum { SPEC_OPTIONS = 24, SPEC_SACKS = 8 };
enum option_kind {
    OPTION_EOL, OPTION_NOP, OPTION_MSS, OPTION_WSCALE, OPTION_SACKOK, OPTION_SACK, OPTION_TIMESTAMP, OPTION_MD5,
    OPTION_FASTOPEN, OPTION_FASTOPEN_EXP, OPTION_ACCECN, OPTION_RAW
};
enum spec_md5 { MD5_OPEN /* any digest; zeros when sent */, MD5_VALID /* by the key that the script has set */, MD5_INVALID };
struct spec_option {
    enum option_kind kind;
    uint32_t value, echo;              /* mss, wscale, TS val and ecr */
    bool value_any, echo_any;          /* TS val * ecr * */
    bool echo_live;                    /* ecr N!: N is the number on the wire, not the script's */
    uint8_t length;                    /* of bytes; MD5: 0 is no digest given */
    uint8_t md5;                       /* enum spec_md5, when none is given */
    uint8_t bytes[40];                 /* cookie, digest, raw option with kind and length */
    uint8_t count;                     /* sack blocks, AccECN fields */
    bool order1;                       /* AccECN: e1b first (kind 174) */
    struct { uint32_t start, end; } sack[SPEC_SACKS];
    uint32_t fields[3];                /* AccECN in the order written */
};

enum spec_protocol { SPEC_TCP, SPEC_UDP, SPEC_ICMP, SPEC_RAW /* quoted alone: an IP packet of protocol 255 */ };
enum spec_ecn { ECN_ANY = -1, ECN_NONE = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_ECT01 = 4 };
struct spec_packet {
    bool inbound;
    enum spec_protocol protocol;
    const char *unsupported; /* what no host here can do with it (SCTP ...) */
    struct spec_encap *encap; /* the headers before its own, the first first (encap.h); NULL: none */
    int ecn;                 /* enum spec_ecn */
    bool has_tos, has_dscp, has_ttl, has_ports;  /* dscp: six bits of tos alone */
    bool has_flow_label, flow_label_live;       /* live: as it is on the wire (flowlabel 0x1!) */
    uint8_t tos, ttl;
    uint32_t flow_label;
    uint16_t source_port, dest_port;
    bool has_tunnel;         /* /udp(9899 > 9899): in a datagram between these ports */
    uint16_t tunnel_source, tunnel_dest;
    uint16_t flags;          /* TCP_* of wire.h */
    bool has_ack, has_window, has_urgent, options_any, has_ace;
    bool seq_any, ack_any;   /* "*" */
    bool seq_live;           /* 1:1(0)!: the number on the wire */
    uint32_t ack_high, window_high; /* ack 1~5, win 100~200; else as low */
    uint8_t ace;             /* RFC 9768: the three bits AE CWR ECE as a number */
    uint32_t seq, length, ack, urgent;
    const char *payload;     /* what a "<" line says that it carries; NULL: anything */
    unsigned payload_length;
    uint32_t window;
    unsigned option_count;
    struct spec_option options[SPEC_OPTIONS];
    uint8_t icmp_version, icmp_type, icmp_code;
    bool has_mtu, has_quote, has_echo;
    uint32_t mtu, echo_id, echo_sequence;
    enum spec_protocol quote_protocol;
    uint32_t quote_seq, quote_length;
    uint16_t quote_flags;
};

struct spec_call {
    const char *name;
    unsigned count;
    struct expr **arguments;
    bool blocking;
    int64_t end_ns;
    struct expr *result;      /* EXPR_ELLIPSIS: any */
    const char *error;        /* "EAGAIN" or NULL */
};

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_COMMAND, EVENT_CODE };
struct script_event {
    struct script_event *next;
    enum event_kind kind;
    int line;
    struct when when;
    const char *source;       /* the event as written, on one line */
    struct spec_packet *packet;
    struct spec_call *call;
    const char *text;         /* command or code */
};
struct script_option {
    struct script_option *next;
    int line;
    const char *name, *value; /* without the dashes; value "" when there is none */
};
struct script {
    struct arena arena;
    const char *path;
    struct script_option *options;
    struct script_event *events;
    unsigned event_count;
    int error_line;
    char error[200];          /* of the parser */
};

struct define { /* -D NAME=VALUE */
    struct define *next;
    const char *name, *value;
};

/* Parses TEXT (copied). IP_VERSION 4 or 6 decides what "icmp" means, SYSTEM ("Linux", "FreeBSD") which #ifdef counts.
 * 0, or -EINVAL with error and error_line set; script_fini in both cases. DEFINES are borrowed for the call. */
int script_parse(struct script *script, const char *path, const char *text, int ip_version,
                 const struct define *defines, const char *system);
/* Reads only the --options at the script's head. */
int script_parse_options(struct script *script, const char *path, const char *text);
void script_fini(struct script *script);

#endif
