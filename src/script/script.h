/* script.h: packetdrill scripts in virtual time. Read docs/SCRIPT.md for the language, language/ast.h for the tree,
 * run/run.h for the runner. script_run_file is the whole of it for tests and for `lilliput script`. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "script/language/ast.h"

enum script_outcome { SCRIPT_PASSED, SCRIPT_FAILED, SCRIPT_SKIPPED };
enum script_ip { SCRIPT_IPV4, SCRIPT_IPV6, SCRIPT_IPV4_MAPPED };

/* What a command line and a script's head may set; strings are borrowed. */
struct script_config {
    const char *profile;            /* NULL: linux */
    enum script_ip ip;
    uint64_t seed;
    unsigned mtu;                   /* 0: 1500, or 1520 for IPv6 (so that the MSS is 1460 in both) */
    const char *local_ip, *remote_ip, *gateway_ip, *netmask_ip; /* NULL: packetdrill's */
    uint16_t bind_port, connect_port;
    uint64_t tolerance_ns;          /* 4 ms */
    double tolerance_percent;       /* 12.5: of the gap since the previous event */
    uint64_t patience_ns;           /* how long past its time an event is waited for, to report when it came: 300 s */
    uint64_t ts_tick_ns;            /* 0: outbound TS val is not compared with the clock */
    bool strict_segments;
    bool strict;                    /* packets that no line expects fail the script at its end */
    bool non_fatal_packet, non_fatal_call;
    bool dry_run;                   /* parse only */
    const char *init_scripts;
    const struct define *defines;
    FILE *verbose;                  /* every event as it happens; NULL: quiet */
    FILE *output;                   /* of print in code; NULL: discarded */
    const char *capture;            /* pcapng file; NULL: none */
    bool capture_append;            /* one more section of it */
    const char *fixed[32];          /* options that the command line gave: a script's own do not change them */
    unsigned fixed_count;
};
struct script_report {
    enum script_outcome outcome;
    int line;                       /* of the event that failed, or 0 */
    char message[400];              /* what failed, or why it was skipped */
    char source[300];               /* the event as written */
    char expected[400], actual[400]; /* of a packet, in the language's words; may be "" */
    unsigned events, packets_in, packets_out;
    uint64_t virtual_ns;            /* how long the script ran */
};
void script_config_init(struct script_config *config);
/* Sets one --name=value. -ENOENT: no such option, -EINVAL: bad value. */
int script_config_set(struct script_config *config, const char *name, const char *value);
const char *script_config_form(const char *name); /* what its value should be, in words */
/* Runs the file. The config is the command line's; the script's own options go before it. */
void script_run_file(const char *path, const struct script_config *config, struct script_report *report);
void script_run_text(const char *path, const char *text, const struct script_config *config, struct script_report *report);

#endif
