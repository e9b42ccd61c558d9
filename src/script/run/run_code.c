/* run_code.c: %{ code }%: the names it may use are TCP_INFO's fields of the connection under test, taken when the event
 * comes, those of TCP_CC_INFO, and the constants of symbols.c. */
#include "base/nearest.h"
#include "script/run/run.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include "script/language/symbols.h"

/* struct tcp_info as Linux 6.18 has it: headers of today's distributions end earlier. */
struct info_field {
    const char *name;
    uint16_t offset;
    uint8_t size, shift, bits; /* bits: of a bit-field */
};
#define FIELD(name, offset, size) {#name, offset, size, 0, 0}
static const struct info_field fields[] = {
    FIELD(tcpi_state, 0, 1),
    FIELD(tcpi_ca_state, 1, 1),
    FIELD(tcpi_retransmits, 2, 1),
    FIELD(tcpi_probes, 3, 1),
    FIELD(tcpi_backoff, 4, 1),
    FIELD(tcpi_options, 5, 1),
    {"tcpi_snd_wscale", 6, 1, 0, 4},
    {"tcpi_rcv_wscale", 6, 1, 4, 4},
    {"tcpi_delivery_rate_app_limited", 7, 1, 0, 1},
    {"tcpi_fastopen_client_fail", 7, 1, 1, 2},
    FIELD(tcpi_rto, 8, 4),
    FIELD(tcpi_ato, 12, 4),
    FIELD(tcpi_snd_mss, 16, 4),
    FIELD(tcpi_rcv_mss, 20, 4),
    FIELD(tcpi_unacked, 24, 4),
    FIELD(tcpi_sacked, 28, 4),
    FIELD(tcpi_lost, 32, 4),
    FIELD(tcpi_retrans, 36, 4),
    FIELD(tcpi_fackets, 40, 4),
    FIELD(tcpi_last_data_sent, 44, 4),
    FIELD(tcpi_last_ack_sent, 48, 4),
    FIELD(tcpi_last_data_recv, 52, 4),
    FIELD(tcpi_last_ack_recv, 56, 4),
    FIELD(tcpi_pmtu, 60, 4),
    FIELD(tcpi_rcv_ssthresh, 64, 4),
    FIELD(tcpi_rtt, 68, 4),
    FIELD(tcpi_rttvar, 72, 4),
    FIELD(tcpi_snd_ssthresh, 76, 4),
    FIELD(tcpi_snd_cwnd, 80, 4),
    FIELD(tcpi_advmss, 84, 4),
    FIELD(tcpi_reordering, 88, 4),
    FIELD(tcpi_rcv_rtt, 92, 4),
    FIELD(tcpi_rcv_space, 96, 4),
    FIELD(tcpi_total_retrans, 100, 4),
    FIELD(tcpi_pacing_rate, 104, 8),
    FIELD(tcpi_max_pacing_rate, 112, 8),
    FIELD(tcpi_bytes_acked, 120, 8),
    FIELD(tcpi_bytes_received, 128, 8),
    FIELD(tcpi_segs_out, 136, 4),
    FIELD(tcpi_segs_in, 140, 4),
    FIELD(tcpi_notsent_bytes, 144, 4),
    FIELD(tcpi_min_rtt, 148, 4),
    FIELD(tcpi_data_segs_in, 152, 4),
    FIELD(tcpi_data_segs_out, 156, 4),
    FIELD(tcpi_delivery_rate, 160, 8),
    FIELD(tcpi_busy_time, 168, 8),
    FIELD(tcpi_rwnd_limited, 176, 8),
    FIELD(tcpi_sndbuf_limited, 184, 8),
    FIELD(tcpi_delivered, 192, 4),
    FIELD(tcpi_delivered_ce, 196, 4),
    FIELD(tcpi_bytes_sent, 200, 8),
    FIELD(tcpi_bytes_retrans, 208, 8),
    FIELD(tcpi_dsack_dups, 216, 4),
    FIELD(tcpi_reord_seen, 220, 4),
    FIELD(tcpi_rcv_ooopack, 224, 4),
    FIELD(tcpi_snd_wnd, 228, 4),
    FIELD(tcpi_rcv_wnd, 232, 4),
    FIELD(tcpi_rehash, 236, 4),
    FIELD(tcpi_total_rto, 240, 2),
    FIELD(tcpi_total_rto_recoveries, 242, 2),
    FIELD(tcpi_total_rto_time, 244, 4),
    FIELD(tcpi_received_ce, 248, 4),
    FIELD(tcpi_delivered_e1_bytes, 252, 4),
    FIELD(tcpi_delivered_e0_bytes, 256, 4),
    FIELD(tcpi_delivered_ce_bytes, 260, 4),
    FIELD(tcpi_received_e1_bytes, 264, 4),
    FIELD(tcpi_received_e0_bytes, 268, 4),
    FIELD(tcpi_received_ce_bytes, 272, 4),
    {"tcpi_ecn_mode", 276, 4, 0, 2},
    {"tcpi_accecn_opt_seen", 276, 4, 2, 2},
    {"tcpi_accecn_fail_mode", 276, 4, 4, 4},
    {"tcpi_options2", 276, 4, 8, 24},
    /* FreeBSD's */
    FIELD(tcpi_snd_bwnd, 280, 4),
    FIELD(tcpi_snd_nxt, 284, 4),
    FIELD(tcpi_rcv_nxt, 288, 4),
    FIELD(tcpi_toe_tid, 292, 4),
    FIELD(tcpi_snd_rexmitpack, 296, 4),
    FIELD(tcpi_snd_zerowin, 300, 4),
    FIELD(tcpi_snd_una, 304, 4),
    FIELD(tcpi_snd_max, 308, 4),
    FIELD(tcpi_rcv_numsacks, 312, 4),
    FIELD(tcpi_rcv_adv, 316, 4),
    FIELD(tcpi_dupacks, 320, 4),
    FIELD(tcpi_rttmin, 324, 4),
    FIELD(tcpi_total_tlp, 328, 4), /* of RACK */
    FIELD(tcpi_total_tlp_bytes, 336, 8),
};

struct snapshot {
    struct run *run;
    bool taken;
    uint8_t bytes[512];
    socklen_t length;
};

static uint64_t read_field(const uint8_t *bytes, const struct info_field *field)
{
    uint16_t two;
    uint32_t four;
    uint64_t value = bytes[field->offset];
    if (field->size == 2) {
        memcpy(&two, bytes + field->offset, 2);
        value = two;
    } else if (field->size == 4) {
        memcpy(&four, bytes + field->offset, 4);
        value = four;
    } else if (field->size == 8) {
        memcpy(&value, bytes + field->offset, 8);
    }
    return field->bits ? value >> field->shift & ((1u << field->bits) - 1) : value;
}

static void take_snapshot(struct snapshot *snapshot)
{
    struct run *run = snapshot->run;
    snapshot->taken = true;
    snapshot->length = sizeof snapshot->bytes;
    if (!run->under_test || run->under_test->live_fd < 0)
        run_fail(run, "the connection under test has no descriptor yet: no TCP_INFO");
    if (lil_getsockopt(run->proc, run->under_test->live_fd, IPPROTO_TCP, 11 /* TCP_INFO */, snapshot->bytes, &snapshot->length) < 0)
        run_fail(run, "getsockopt(TCP_INFO): %s", strerror(errno));
}

static const struct info_field *find_field(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

bool run_tcp_info_field(const uint8_t *bytes, size_t length, const char *name, struct value *value)
{
    const struct info_field *field = find_field(name);
    if (strncmp(name, "__tcpi_", 7) == 0) { /* FreeBSD has room for Linux's names, and never anything in it */
        *value = (struct value){.kind = VALUE_INTEGER};
        return true;
    }
    if (!field || (size_t)field->offset + field->size > length)
        return false;
    *value = (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)read_field(bytes, field)};
    return true;
}

static _Noreturn void unknown_field(struct run *run, const char *name)
{
    const char *names[ARRAY_COUNT(fields) + 1] = {NULL};
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++)
        names[i] = fields[i].name;
    char hint[NEAREST_HINT];
    run_skip(run, "TCP_INFO has no %s here%s", name, nearest_hint(nearest_word(name, names), hint));
}

/* TCP_CC_INFO (union tcp_cc_info in linux/inet_diag.h): the algorithm's own. */
static bool find_cc_field(struct run *run, const char *name, struct value *value)
{
    static const struct info_field cc_fields[] = {
        FIELD(tcpv_enabled, 0, 4),     FIELD(tcpv_rttcnt, 4, 4),    FIELD(tcpv_rtt, 8, 4),    FIELD(tcpv_minrtt, 12, 4),
        FIELD(dctcp_enabled, 0, 2),    FIELD(dctcp_ce_state, 2, 2), FIELD(dctcp_alpha, 4, 4), FIELD(dctcp_ab_ecn, 8, 4),
        FIELD(dctcp_ab_tot, 12, 4),    FIELD(bbr_bw_lo, 0, 4),      FIELD(bbr_bw_hi, 4, 4),   FIELD(bbr_min_rtt, 8, 4),
        FIELD(bbr_pacing_gain, 12, 4), FIELD(bbr_cwnd_gain, 16, 4),
    };
    for (unsigned i = 0; i < ARRAY_COUNT(cc_fields); i++) {
        uint8_t bytes[64];
        socklen_t length = sizeof bytes;
        if (strcmp(cc_fields[i].name, name) != 0)
            continue;
        if (!run->under_test || run->under_test->live_fd < 0)
            run_fail(run, "the connection under test has no descriptor yet: no TCP_CC_INFO");
        if (lil_getsockopt(run->proc, run->under_test->live_fd, IPPROTO_TCP, 26 /* TCP_CC_INFO */, bytes, &length) < 0)
            run_fail(run, "getsockopt(TCP_CC_INFO): %s", strerror(errno));
        if (cc_fields[i].offset + cc_fields[i].size > length)
            run_fail(run, "TCP_CC_INFO of this algorithm has no %s", name);
        *value = (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)read_field(bytes, &cc_fields[i])};
        return true;
    }
    return false;
}

static bool lookup(void *ctx, const char *name, struct value *value)
{
    struct snapshot *snapshot = ctx;
    if (find_field(name) || strncmp(name, "__tcpi_", 7) == 0) {
        if (!snapshot->taken)
            take_snapshot(snapshot);
        if (!run_tcp_info_field(snapshot->bytes, snapshot->length, name, value))
            run_skip(snapshot->run, "this host's TCP_INFO has no %s", name);
        return true;
    }
    if (find_cc_field(snapshot->run, name, value))
        return true;
    int64_t number;
    if (strncmp(name, "tcpi_", 5) == 0)
        unknown_field(snapshot->run, name);
    if (!symbol_find(name, &number))
        return false;
    *value = (struct value){.kind = VALUE_INTEGER, .integer = number};
    return true;
}

void run_code(struct run *run, const struct script_event *event)
{
    struct snapshot snapshot = {.run = run};
    char message[300];
    int line;
    run->code.lookup = lookup;
    run->code.ctx = &snapshot;
    enum code_result result = code_run(&run->code, event->text, message, sizeof message, &line);
    if (result == CODE_OK)
        return;
    struct script_event here = *event; /* the line within the block */
    here.line += line;
    run_note(run, &here, result == CODE_UNSUPPORTED ? SCRIPT_SKIPPED : SCRIPT_FAILED, "%s", message);
    run_over(run);
}
