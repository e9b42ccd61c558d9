/* show.c: draws the time line. A line of the page is an array of cells, one glyph each: the hosts' life lines first,
 * then what happens over them. A packet on a wire without delay is one arrow; with a delay its departure and its
 * arrival are two lines. */
#include <stdlib.h>
#include "cli/show.h"
#include "host/host.h"
#include "sim/sim_node.h"

enum { SHOW_COLUMNS = 12, SHOW_PAGE = 240, SHOW_TIME = 13, SHOW_FRAME = 2048 };
enum { COLOR_NONE, COLOR_PACKET, COLOR_STATE, COLOR_QUEUE, COLOR_CALL, COLOR_DROP, COLOR_OUTPUT, COLOR_TIMER };

struct cell {
    char glyph[5]; /* UTF-8 */
    uint8_t color;
};
struct show_column {
    struct host_node *node;
    char name[SIM_NAME];
    unsigned x;
};
struct show {
    struct lil_world *world;
    struct show_config config;
    struct sim_tap tap;
    struct label_flows *flows;
    struct timer_watch *timers;
    struct show_column columns[SHOW_COLUMNS];
    unsigned count, page;
    uint64_t last_ns;
    bool any;
    struct cell cells[SHOW_PAGE];
    unsigned used; /* cells to print */
};
struct glyphs {
    const char *life, *dash, *dots, *left, *right, *right_head, *left_head, *lost, *state, *loop, *timer, *tcp;
};
static const struct glyphs unicode_glyphs = {"│", "─", "┄", "├", "┤", "▶", "◀", "✗", "●", "↻", "◷", "◆"};
static const struct glyphs ascii_glyphs = {"|", "-", ".", "|", "|", ">", "<", "X", "*", "@", "t", "#"};

static const struct glyphs *glyphs_of(const struct show *show)
{
    return show->config.ascii ? &ascii_glyphs : &unicode_glyphs;
}

int show_parse(const char *text, unsigned *what, const char **bad)
{
    static const char *const words[] = {"packets", "states", "queues", "calls", "output", "timers", "tcp", "all"};
    *what = SHOW_OUTPUT;
    while (*text) {
        size_t length = strcspn(text, ","), i = 0;
        while (i < ARRAY_COUNT(words) && (strlen(words[i]) != length || strncmp(words[i], text, length) != 0))
            i++;
        *bad = text;
        if (i == ARRAY_COUNT(words))
            return -EINVAL;
        *what |= i == ARRAY_COUNT(words) - 1 ? (1u << i) - 1 : 1u << i;
        text += length + (text[length] == ',');
    }
    return 0;
}

/* --- a line of the page ------------------------------------------------------------------------------------------- */
static void put(struct show *show, unsigned x, const char *glyph, unsigned color)
{
    if (x >= SHOW_PAGE - 1)
        return;
    snprintf(show->cells[x].glyph, sizeof(show->cells[x].glyph), "%s", glyph);
    show->cells[x].color = (uint8_t)color;
    if (x + 1 > show->used)
        show->used = x + 1;
}

static unsigned text_width(const char *text)
{
    unsigned width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void put_text(struct show *show, unsigned x, const char *text, unsigned color)
{
    for (; *text; x++) {
        char glyph[5] = {*text++};
        for (int n = 1; n < 4 && ((unsigned char)*text & 0xc0) == 0x80; n++)
            glyph[n] = *text++;
        put(show, x, glyph, color);
    }
}

static void line_begin(struct show *show, uint64_t now_ns)
{
    for (unsigned x = 0; x < SHOW_PAGE; x++)
        show->cells[x] = (struct cell){" ", COLOR_NONE};
    show->used = 0;
    for (unsigned i = 0; i < show->count; i++)
        put(show, show->columns[i].x, glyphs_of(show)->life, COLOR_NONE);
    if (show->any && now_ns == show->last_ns)
        return;
    char time[24];
    snprintf(time, sizeof(time), "%4llu.%06llu", (unsigned long long)(now_ns / NS_PER_S),
             (unsigned long long)(now_ns % NS_PER_S / 1000));
    put_text(show, 0, time, COLOR_NONE);
    show->any = true;
    show->last_ns = now_ns;
}

static void line_end(struct show *show)
{
    static const char *const colors[] = {"\033[0m",  "\033[36m",   "\033[1;32m", "\033[35m",
                                         "\033[33m", "\033[1;31m", "\033[1m",    "\033[34m"};
    unsigned color = COLOR_NONE;
    for (unsigned x = 0; x < show->used; x++) {
        if (show->config.color && show->cells[x].color != color)
            fputs(colors[color = show->cells[x].color], show->config.out);
        fputs(show->cells[x].glyph, show->config.out);
    }
    if (color != COLOR_NONE)
        fputs(colors[COLOR_NONE], show->config.out);
    fputc('\n', show->config.out);
}

static const struct show_column *column_of(const struct show *show, const char *name)
{
    for (unsigned i = 0; i < show->count; i++)
        if (strcmp(show->columns[i].name, name) == 0)
            return &show->columns[i];
    return NULL;
}

/* A call's socket addresses as "192.0.2.2:13" and "[::1]:13", for a page with no room for strace's words. */
static void shorten_addresses(const char *text, char *out, size_t size)
{
    size_t at = 0;
    while (*text && at + 64 < size) {
        char address[64];
        unsigned port;
        int end = 0;
        bool v6 = false;
        if (strncmp(text, "{sa_family=", 11) == 0 &&
            sscanf(text, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%63[^\"]\")}%n", &port, address,
                   &end) != 2)
            v6 = sscanf(text, "{sa_family=AF_INET6, sin6_port=htons(%u), inet_pton(\"%63[^\"]\")}%n", &port, address,
                        &end) == 2;
        if (end) {
            at += (size_t)snprintf(out + at, size - at, v6 ? "[%s]:%u" : "%s:%u", address, port);
            text += end;
        } else {
            out[at++] = *text++;
        }
    }
    out[at] = 0;
}

/* Something at one host: a mark on its life line, or none, and words beside it. */
static void line_at_host(struct show *show, const struct show_column *column, uint64_t now_ns, const char *mark,
                         const char *text, unsigned color)
{
    char shorter[512];
    line_begin(show, now_ns);
    if (mark)
        put(show, column->x, mark, color);
    unsigned width = text_width(text), x = column->x + 2;
    if (x + width > (column + 1 < show->columns + show->count ? column[1].x : show->page)) {
        shorten_addresses(text, shorter, sizeof(shorter));
        text = shorter;
        width = text_width(text);
    }
    /* The last column has no room to its right on a narrow page: write to the left of it. */
    if (x + width > show->page && column->x > width + SHOW_TIME + 2)
        x = column->x - 1 - width;
    put_text(show, x, text, color);
    line_end(show);
}

/* --- arrows ------------------------------------------------------------------------------------------------------- */
enum arrow_kind { ARROW_WHOLE, ARROW_LEAVES, ARROW_ARRIVES, ARROW_LOST };

/* "SYN" of "SYN 1:1(0) win 4096": the words before the first number. */
static void short_label(const char *label, char *word, size_t size)
{
    size_t end = strcspn(label, "0123456789<");
    while (end > 0 && label[end - 1] != ' ')
        end--;
    while (end > 0 && label[end - 1] == ' ')
        end--;
    bool acks = end > 0 && strstr(label, " ack ") && strncmp(label, "ack", 3) != 0;
    snprintf(word, size, "%.*s%s", (int)end, label, acks ? " ack" : "");
}

static void put_label(struct show *show, unsigned low, unsigned span, const char *label, unsigned color)
{
    unsigned width = text_width(label), x = low + 1 + (span - width) / 2;
    put(show, x - 1, " ", color);
    put_text(show, x, label, color);
    put(show, x + width, " ", color);
}

static void draw_arrow(struct show *show, const struct show_column *from, const struct show_column *to,
                       enum arrow_kind kind, const char *label, const char *note, uint64_t now_ns)
{
    const struct glyphs *g = glyphs_of(show);
    bool right = to->x > from->x;
    unsigned low = right ? from->x : to->x, high = right ? to->x : from->x, span = high - low - 1;
    unsigned color = kind == ARROW_LOST ? COLOR_DROP : COLOR_PACKET;
    line_begin(show, now_ns);
    unsigned reach = kind == ARROW_LEAVES ? span - span / 4 : kind == ARROW_LOST && span > 3 ? span - 3 : span;
    for (unsigned i = 0; i < span; i++) { /* i counts from the sender */
        unsigned x = right ? low + 1 + i : high - 1 - i;
        bool dotted = kind == ARROW_ARRIVES ? i < span / 4 : i >= reach;
        if (kind == ARROW_ARRIVES || i < reach)
            put(show, x, dotted ? g->dots : g->dash, color);
        else if (kind == ARROW_LEAVES)
            put(show, x, g->dots, color);
    }
    if (kind != ARROW_ARRIVES)
        put(show, from->x, right ? g->left : g->right, color);
    if (kind == ARROW_LOST)
        put(show, right ? high - 2 : low + 2, g->lost, color);
    else if (kind != ARROW_LEAVES)
        put(show, right ? high - 1 : low + 1, right ? g->right_head : g->left_head, color);
    if (text_width(label) + 6 <= span) {
        put_label(show, low, span, label, color);
    } else { /* a word on the arrow, the whole beside the last column */
        char word[32];
        short_label(label, word, sizeof(word));
        if (word[0] && text_width(word) + 4 <= span)
            put_label(show, low, span, word, color);
        put_text(show, show->columns[show->count - 1].x + 3, label, color);
    }
    if (note)
        put_text(show, show->used + 1, note, color);
    line_end(show);
}

/* The NIC with this address, wherever it is. */
static const struct sim_nic *nic_of_mac(const struct show *show, const struct mac *mac)
{
    for (unsigned i = 0; i < show->count; i++)
        for (const struct sim_nic *nic = show->columns[i].node->nics; nic; nic = nic->next)
            if (memcmp(nic->mac.b, mac->b, 6) == 0)
                return nic;
    return NULL;
}

static bool is_slow(const struct lil_link *link, int side)
{
    const struct lil_link_config *config = &link->directions[side].config;
    return config->delay_ns || config->jitter_ns || config->rate_bps;
}

static bool is_slow_way(const struct sim_nic *from, const struct sim_nic *to)
{
    return (from->link && is_slow(from->link, from->side)) || (to->link && is_slow(to->link, !to->side));
}

static const struct show_column *column_of_nic(const struct show *show, const struct sim_nic *nic)
{
    return nic ? column_of(show, nic->owner->node.name) : NULL;
}

/* A broadcast: an arrow as far as the last host of the same switch, or to the other end; those who hear it later have
 * an arrow each when they do. */
static void draw_broadcast(struct show *show, const struct show_column *from, const struct sim_passage *passage,
                           const char *label)
{
    const struct show_column *far = NULL, *far_left = NULL;
    bool slow = false;
    for (unsigned i = 0; i < show->count; i++) {
        for (const struct sim_nic *nic = show->columns[i].node->nics; nic; nic = nic->next) {
            bool same = nic->link && nic != passage->from->nic &&
                        (nic->link == passage->link ||
                         (!passage->to->nic && nic->link->ends[!nic->side].node == passage->to->node));
            slow |= same && is_slow_way(passage->from->nic, nic);
            if (same && &show->columns[i] != from && show->columns[i].x > from->x)
                far = &show->columns[i];
            if (same && &show->columns[i] != from && show->columns[i].x < from->x && !far_left)
                far_left = &show->columns[i];
        }
    }
    enum arrow_kind kind = slow ? ARROW_LEAVES : ARROW_WHOLE;
    if (far)
        draw_arrow(show, from, far, kind, label, NULL, passage->now_ns);
    if (far_left)
        draw_arrow(show, from, far_left, kind, far ? "\"" : label, NULL, passage->now_ns);
    if (!far && !far_left)
        line_at_host(show, from, passage->now_ns, glyphs_of(show)->left, label, COLOR_PACKET);
}

static const uint8_t *frame_of(const struct sim_passage *passage, uint8_t frame[SHOW_FRAME], size_t *length,
                               struct eth *eth)
{
    *length = packet_read(passage->packet, 0, frame, SHOW_FRAME);
    return eth_parse(eth, frame, *length) < 0 ? NULL : frame;
}

static void on_sent(void *ctx, const struct sim_passage *passage)
{
    struct show *show = ctx;
    uint8_t frame[SHOW_FRAME];
    char label[256], note[64];
    size_t length;
    struct eth eth;
    if (!frame_of(passage, frame, &length, &eth) || (!passage->from->nic && passage->drop == LIL_DROP_NONE))
        return;
    const struct sim_nic *source = nic_of_mac(show, &eth.source), *dest = nic_of_mac(show, &eth.dest);
    const struct show_column *from = column_of_nic(show, source), *to = column_of_nic(show, dest);
    if (!from)
        return;
    label_frame(show->flows, frame, length, label, sizeof(label));
    if (passage->drop != LIL_DROP_NONE) {
        snprintf(note, sizeof(note), "%s %s", glyphs_of(show)->lost, lil_drop_name(passage->drop));
        if (!to && passage->to->nic)
            to = column_of_nic(show, passage->to->nic);
        if (to && to != from)
            draw_arrow(show, from, to, ARROW_LOST, label, note, passage->now_ns);
        else
            line_at_host(show, from, passage->now_ns, glyphs_of(show)->left, note, COLOR_DROP);
    } else if (eth.dest.b[0] & 1) {
        draw_broadcast(show, from, passage, label);
    } else if (to && to != from) {
        draw_arrow(show, from, to, is_slow_way(source, dest) ? ARROW_LEAVES : ARROW_WHOLE, label, passage->fault,
                   passage->now_ns);
    } else {
        line_at_host(show, from, passage->now_ns, glyphs_of(show)->left, label, COLOR_PACKET);
    }
}

static void on_arrived(void *ctx, const struct sim_passage *passage)
{
    struct show *show = ctx;
    uint8_t frame[SHOW_FRAME];
    char label[256];
    size_t length;
    struct eth eth;
    if (!passage->to->nic || !frame_of(passage, frame, &length, &eth))
        return;
    bool to_all = eth.dest.b[0] & 1;
    const struct sim_nic *source = nic_of_mac(show, &eth.source);
    const struct sim_nic *dest = to_all ? passage->to->nic : nic_of_mac(show, &eth.dest);
    const struct show_column *from = column_of_nic(show, source), *to = column_of_nic(show, dest);
    if (!from || !to || dest != passage->to->nic || !is_slow_way(source, dest))
        return;
    label_frame(show->flows, frame, length, label, sizeof(label));
    draw_arrow(show, from, to, ARROW_ARRIVES, label, NULL, passage->now_ns);
}

/* --- what hosts say ----------------------------------------------------------------------------------------------- */
static bool is_dull(enum lil_drop drop)
{
    return drop == LIL_DROP_ETH_NOT_MINE || drop == LIL_DROP_IP_NOT_MINE || drop == LIL_DROP_TCP_NO_PORT ||
           drop == LIL_DROP_UDP_NO_PORT;
}

/* A packet to the host itself never leaves it: a mark on the life line and the label. */
static void on_loopback(struct show *show, const struct show_column *column, const struct lil_trace *event)
{
    uint8_t bytes[SHOW_FRAME];
    char label[256];
    size_t length = event->packet ? packet_read(event->packet, 0, bytes, sizeof(bytes)) : 0;
    if (label_packet(show->flows, bytes, length, label, sizeof(label)))
        line_at_host(show, column, event->now_ns, glyphs_of(show)->loop, label, COLOR_PACKET);
}

/* A step of loss recovery or congestion control, with where it leaves the connection. */
static void on_tcp(struct show *show, const struct show_column *column, const struct lil_trace *event)
{
    enum { CWND = 3, SSTHRESH, SRTT_US, RTO_MS, IN_FLIGHT };
    char text[128], ssthresh[32] = "";
    if (event->numbers[SSTHRESH] < INT32_MAX)
        snprintf(ssthresh, sizeof(ssthresh), ", ssthresh %u", event->numbers[SSTHRESH]);
    snprintf(text, sizeof(text), "%u>%u %s: cwnd %u%s, in flight %u, RTO %u ms", event->local_port, event->remote_port, event->text,
             event->numbers[CWND], ssthresh, event->numbers[IN_FLIGHT], event->numbers[RTO_MS]);
    line_at_host(show, column, event->now_ns, glyphs_of(show)->tcp, text, COLOR_TIMER);
}

struct timer_line {
    struct show *show;
    const struct show_column *column;
    uint64_t now_ns;
};

static void on_timer(void *ctx, const char *text)
{
    const struct timer_line *line = ctx;
    line_at_host(line->show, line->column, line->now_ns, glyphs_of(line->show)->timer, text, COLOR_TIMER);
}

static void on_instant(void *ctx, uint64_t now_ns)
{
    struct show *show = ctx;
    for (unsigned i = 0; i < show->count; i++) {
        struct timer_line line = {show, &show->columns[i], now_ns};
        timer_watch_look(show->timers, host_tcp(show->columns[i].node->host), now_ns, on_timer, &line);
    }
}

static void on_trace(void *ctx, const struct lil_trace *event)
{
    struct show *show = ctx;
    const struct show_column *column = event->host ? column_of(show, event->host) : NULL;
    char text[256];
    unsigned what = show->config.what;
    if (!column)
        return;
    if (event->kind == LIL_TRACE_STATE && (what & SHOW_STATES)) {
        line_at_host(show, column, event->now_ns, glyphs_of(show)->state, event->new_state, COLOR_STATE);
    } else if (event->kind == LIL_TRACE_QUEUES && (what & SHOW_QUEUES)) {
        snprintf(text, sizeof(text), "port %u: incomplete %u, completed %u (backlog %u)", event->local_port,
                 event->incomplete, event->complete, event->backlog);
        line_at_host(show, column, event->now_ns, NULL, text, COLOR_QUEUE);
    } else if (event->kind == LIL_TRACE_TCP && (what & SHOW_TCP)) {
        on_tcp(show, column, event);
    } else if (event->kind == LIL_TRACE_CALL && (what & SHOW_CALLS)) {
        line_at_host(show, column, event->now_ns, NULL, event->text, COLOR_CALL);
    } else if (event->kind == LIL_TRACE_PACKET_IN && event->ifindex == 1 && (what & SHOW_PACKETS)) {
        on_loopback(show, column, event);
    } else if (event->kind == LIL_TRACE_HINT) {
        snprintf(text, sizeof(text), "hint: %s", event->text);
        line_at_host(show, column, event->now_ns, NULL, text, COLOR_DROP);
    } else if (event->kind == LIL_TRACE_DROP && (what & SHOW_PACKETS) && !is_dull(event->drop)) {
        snprintf(text, sizeof(text), "dropped: %s", lil_drop_name(event->drop));
        line_at_host(show, column, event->now_ns, glyphs_of(show)->lost, text, COLOR_DROP);
    }
}

void show_output(struct show *show, struct lil_proc *proc, const char *line, uint64_t now_ns)
{
    const struct show_column *column = column_of(show, lil_host_name(lil_proc_host(proc)));
    char text[512];
    snprintf(text, sizeof(text), "%s %.*s", show->config.ascii ? ">>" : "»", (int)strcspn(line, "\r\n"), line);
    if (column)
        line_at_host(show, column, now_ns, NULL, text, COLOR_OUTPUT);
}

/* --- the page ---------------------------------------------------------------------------------------------------------------- */
static bool is_wanted(const char *hosts, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = hosts; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
            return true;
    return !hosts;
}

static void print_heads(struct show *show)
{
    for (unsigned x = 0; x < SHOW_PAGE; x++)
        show->cells[x] = (struct cell){" ", COLOR_NONE};
    show->used = 0;
    put_text(show, 3, "seconds", COLOR_NONE);
    for (unsigned i = 0; i < show->count; i++) {
        unsigned width = text_width(show->columns[i].name), x = show->columns[i].x;
        put_text(show, x > width / 2 ? x - width / 2 : 0, show->columns[i].name, COLOR_OUTPUT);
    }
    line_end(show);
}

struct show *show_new(struct lil_world *world, const struct show_config *config)
{
    struct show *show = calloc(1, sizeof(*show));
    if (!show || !(show->flows = label_flows_new())) {
        free(show);
        return NULL;
    }
    show->world = world;
    show->config = *config;
    show->page = config->width ? config->width : 120;
    if (show->page >= SHOW_PAGE)
        show->page = SHOW_PAGE - 1;
    list_each(at, &world->nodes)
    {
        struct host_node *node = host_node_of(list_entry(at, struct lil_node, list));
        if (!node || show->count == SHOW_COLUMNS || !is_wanted(config->hosts, node->node.name))
            continue;
        struct show_column *column = &show->columns[show->count++];
        column->node = node;
        snprintf(column->name, sizeof(column->name), "%s", node->node.name);
    }
    /* Two columns take the page but for what hangs to the right of the last; many share it. */
    unsigned room = show->page - SHOW_TIME - 4, step = room / (show->count ? show->count : 1);
    unsigned beside = room > 100 ? 50 : room > 60 ? 34 : room / 2; /* what hangs there: calls, whole labels */
    if (show->count > 1)
        step = (room - (show->count == 2 ? beside : step > 24 ? 24 : step)) / (show->count - 1);
    for (unsigned i = 0; i < show->count; i++)
        show->columns[i].x = SHOW_TIME + 4 + i * step;
    show->tap = (struct sim_tap){.ctx = show};
    if (config->what & SHOW_PACKETS) {
        show->tap.sent = on_sent;
        show->tap.arrived = on_arrived;
    }
    if (config->what & SHOW_TIMERS) {
        show->tap.instant = on_instant;
        if (!(show->timers = timer_watch_new())) {
            show_free(show);
            return NULL;
        }
    }
    world_add_tap(world, &show->tap);
    lil_world_add_trace(world, on_trace, show);
    print_heads(show);
    return show;
}

void show_free(struct show *show)
{
    if (!show)
        return;
    timer_watch_free(show->timers);
    label_flows_free(show->flows);
    free(show);
}
