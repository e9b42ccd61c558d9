/* verb_book.c: `lilliput book`: the main job: UNP's daytime client under several stacks against each way in which connect()
 * can end, in one table. Each row is a world of its own, built from labs/unp.yaml; times count from the client's start.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apps/apps.h"
#include "cli/cli.h"
#include "run/real_clock.h"
#include "sim/sim_node.h"
#include "sim/topology.h"

enum { BOOK_TIMES = 16, BOOK_PROFILES = 24 };
static const uint64_t book_start_ns = 10 * NS_PER_S; /* the full queue is full by then; a whole number of BSD's ticks */

struct book_target {
    const char *name, *address;
    bool full_queue;
};
static const struct book_target targets[] = {
    {"a server that answers", "206.62.226.35", false},
    {"a routed black hole", "192.5.5.1", false},
    {"no such host on the local net", "206.62.226.55", false},
    {"the router, no daytime there", "140.252.1.4", false},
    {"host unreachable, says a router", "192.3.4.5", false},
    {"a port with a full accept queue", "206.62.226.36", true},
};
struct book_row {
    const struct book_target *target;
    const char *profile;
    int error; /* 0: connected */
    bool returned;
    uint64_t virtual_ns, real_ns;
    uint64_t arp_ns[BOOK_TIMES], syn_ns[BOOK_TIMES];
    unsigned arps, syns;
    char answer[64];
};
struct book_run {
    struct book_row *row;
    const struct host_node *client;
    struct lil_world *world;
};

/* --- one row ------------------------------------------------------------------------------------------------------ */
/* The daytime client of figure 1.5, down to its connect(). */
static int client_main(struct lil_proc *p, void *argument)
{
    struct book_run *run = argument;
    struct book_row *row = run->row;
    struct sockaddr_storage address;
    socklen_t length;
    app_address(row->target->address, 13, &address, &length);
    int fd = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    int result = fd < 0 ? -1 : lil_connect(p, fd, (struct sockaddr *)&address, length);
    row->error = result < 0 ? errno : 0;
    row->virtual_ns = lil_now_ns(p) - book_start_ns;
    row->returned = true;
    if (result == 0) {
        ssize_t n = lil_read(p, fd, row->answer, sizeof(row->answer) - 1);
        row->answer[n > 0 ? n : 0] = 0;
        row->answer[strcspn(row->answer, "\r\n")] = 0;
    }
    lil_close(p, fd);
    lil_world_stop(run->world);
    return 0;
}

static void note_time(uint64_t *times, unsigned *count, uint64_t now_ns)
{
    if (now_ns >= book_start_ns && *count < BOOK_TIMES)
        times[(*count)++] = now_ns - book_start_ns;
}

/* What the client's NIC sends: ARP requests and SYNs. */
static void on_sent(void *ctx, const struct sim_passage *passage)
{
    struct book_run *run = ctx;
    uint8_t frame[128];
    struct eth eth;
    struct arp arp;
    struct ip ip;
    struct tcphdr_ tcp;
    if (!passage->from->nic || passage->from->nic->owner != run->client)
        return;
    size_t length = packet_read(passage->packet, 0, frame, sizeof(frame));
    if (eth_parse(&eth, frame, length) < 0)
        return;
    const uint8_t *bytes = frame + ETH_LENGTH;
    length -= ETH_LENGTH;
    if (eth.type == ETHERTYPE_ARPP) {
        if (arp_parse(&arp, bytes, length) >= 0 && arp.operation == ARP_REQUEST)
            note_time(run->row->arp_ns, &run->row->arps, passage->now_ns);
        return;
    }
    int header = eth.type == ETHERTYPE_V4 ? ip_parse(&ip, bytes, length) : -EINVAL;
    if (header < 0 || ip.protocol != IPPROTO_TCP || tcphdr_parse(&tcp, bytes + header, length - (size_t)header) < 0)
        return;
    if ((tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
        note_time(run->row->syn_ns, &run->row->syns, passage->now_ns);
}

static struct app_start *spawn_app(struct lil_world *world, const char *host, const char *name, int argc,
                                   const char *const *argv)
{
    struct app_start *start = app_start_new(app_find(name), argc, argv);
    if (!start || !app_spawn(world, lil_world_find(world, host), 0, start))
        abort();
    return start;
}

static int run_row(struct topology *lab, struct book_row *row, char error[TOPOLOGY_ERROR])
{
    struct topology copy = *lab; /* the same internet without its programs, and the client with this row's stack */
    struct topology_host *client = NULL;
    uint64_t begin_ns = clock_monotonic_ns();
    copy.program_count = copy.event_count = 0;
    for (unsigned i = 0; i < copy.host_count && !client; i++)
        if (strcmp(copy.hosts[i].name.text, "solaris") == 0)
            client = &copy.hosts[i];
    if (!client) {
        snprintf(error, TOPOLOGY_ERROR, "%s: no host named solaris: the client runs there", lab->file);
        return -EINVAL;
    }
    client->profile.text = row->profile;
    struct lil_world *world = lil_world_new(copy.seed ? copy.seed : 1);
    struct book_run run = {.row = row, .world = world};
    struct sim_tap tap = {.sent = on_sent, .ctx = &run};
    struct app_start *starts[3] = {0};
    int result = topology_build(&copy, world, NULL, NULL, error);
    if (result == 0) {
        struct lil_host *host = lil_world_find(world, "solaris");
        lil_sysctl_set(host, "tcp.tick_phase_ms", "0"); /* BSD's clock ticks when the client starts */
        run.client = host_node_find(world, host);
        world_add_tap(world, &tap);
        starts[0] = spawn_app(world, "bsdi", "daytime", 0, NULL);
        if (row->target->full_queue) {
            static const char *const backlog[] = {"-b", "1"}, *const fill[] = {"-n", "2", "-t", "1000",
                                                                               "206.62.226.36"};
            starts[1] = spawn_app(world, "unpserver", "backlog", 2, backlog);
            starts[2] = spawn_app(world, "laptop", "connect", 5, fill);
        }
        lil_world_spawn_at(world, host, book_start_ns, client_main, &run);
        lil_world_run(world, book_start_ns + 1000 * NS_PER_S);
    }
    lil_world_free(world);
    for (int i = 0; i < 3; i++)
        app_start_free(starts[i]);
    row->real_ns = clock_monotonic_ns() - begin_ns;
    return result;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */
static const char *print_times(const uint64_t *times, unsigned count, char *text, size_t size)
{
    size_t at = 0;
    snprintf(text, size, "-");
    for (unsigned i = 0; i < count && at + 16 < size; i++) {
        uint64_t ms = times[i] / NS_PER_MS;
        char decimals[8];
        snprintf(decimals, sizeof(decimals), ".%03u", (unsigned)(ms % 1000));
        for (size_t n = strlen(decimals); n > 0 && (decimals[n - 1] == '0' || decimals[n - 1] == '.'); n--)
            decimals[n - 1] = 0;
        at += (size_t)snprintf(text + at, size - at, "%s%llu%s", i ? "," : "", (unsigned long long)ms / 1000, decimals);
    }
    return text;
}

static const char *print_result(const struct book_row *row, char *text, size_t size)
{
    const char *name = strerrorname_np(row->error);
    if (!row->returned)
        snprintf(text, size, "still waiting");
    else if (row->error)
        snprintf(text, size, "%s (%s)", name ? name : "?", strerror(row->error));
    else
        snprintf(text, size, "connected: %s", row->answer);
    return text;
}

enum {
    COLUMN_TARGET,
    COLUMN_ADDRESS,
    COLUMN_PROFILE,
    COLUMN_RESULT,
    COLUMN_ARP,
    COLUMN_SYN,
    COLUMN_VIRTUAL,
    COLUMN_REAL,
    COLUMNS
};
struct book_line {
    char cells[COLUMNS][128];
};

static void fill_line(struct book_line *line, const struct book_row *row, bool repeats)
{
    uint64_t ms = row->virtual_ns / NS_PER_MS, us = row->real_ns / NS_PER_US;
    snprintf(line->cells[COLUMN_TARGET], 128, "%s", repeats ? "" : row->target->name);
    snprintf(line->cells[COLUMN_ADDRESS], 128, "%s", repeats ? "" : row->target->address);
    snprintf(line->cells[COLUMN_PROFILE], 128, "%s", row->profile);
    print_result(row, line->cells[COLUMN_RESULT], 128);
    print_times(row->arp_ns, row->arps, line->cells[COLUMN_ARP], 128);
    print_times(row->syn_ns, row->syns, line->cells[COLUMN_SYN], 128);
    snprintf(line->cells[COLUMN_VIRTUAL], 128, "%llu.%03llu s", (unsigned long long)ms / 1000,
             (unsigned long long)ms % 1000);
    snprintf(line->cells[COLUMN_REAL], 128, "%llu.%03llu ms", (unsigned long long)us / 1000,
             (unsigned long long)us % 1000);
}

static void print_line(const struct book_line *line, const size_t widths[COLUMNS], bool real)
{
    char text[COLUMNS * 132] = "";
    for (int i = 0; i < (real ? COLUMNS : COLUMN_REAL); i++) {
        bool right = i >= COLUMN_VIRTUAL;
        snprintf(text + strlen(text), sizeof(text) - strlen(text), right ? "%*s  " : "%-*s  ", (int)widths[i],
                 line->cells[i]);
    }
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = 0;
    puts(text);
}

static void print_table(const struct book_row *rows, unsigned count, bool real)
{
    static const struct book_line head = {
        {"TARGET", "ADDRESS", "PROFILE", "CONNECT() RETURNS", "ARP AT (s)", "SYN AT (s)", "VIRTUAL TIME", "REAL TIME"}};
    struct book_line line;
    size_t widths[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        widths[i] = strlen(head.cells[i]);
    for (unsigned r = 0; r < count; r++) {
        fill_line(&line, &rows[r], false);
        for (int i = 0; i < COLUMNS; i++)
            widths[i] = strlen(line.cells[i]) > widths[i] ? strlen(line.cells[i]) : widths[i];
    }
    print_line(&head, widths, real);
    for (unsigned r = 0; r < count; r++) {
        bool repeats = r > 0 && rows[r - 1].target == rows[r].target;
        if (r > 0 && !repeats)
            putchar('\n');
        fill_line(&line, &rows[r], repeats);
        print_line(&line, widths, real);
    }
}

static json_t *times_json(const uint64_t *times, unsigned count)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(array, json_integer((json_int_t)times[i]));
    return array;
}

static json_t *row_json(const struct book_row *row)
{
    const char *name = row->error ? strerrorname_np(row->error) : "";
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:I, s:I}", "target", row->target->name, "address",
                     row->target->address, "profile", row->profile, "returned", row->returned, "errno",
                     name ? name : "?", "arp_ns", times_json(row->arp_ns, row->arps), "syn_ns",
                     times_json(row->syn_ns, row->syns), "virtual_ns", (json_int_t)row->virtual_ns, "real_ns",
                     (json_int_t)row->real_ns);
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */
static const char help[] =
    "usage: lilliput book [--profiles A,B,C] [--lab FILE] [--no-real] [--json]\n"
    "\n"
    "Runs UNP's daytime client under 4.2bsd, 4.4bsd and linux (or the profiles given) against six targets on the\n"
    "book's network (labs/unp.yaml) and prints what connect() returned, when ARP requests and SYNs went out, and\n"
    "how long it took in virtual and in real time (--no-real leaves that out).\n";

static int load_lab(struct topology **lab, const char *file, char error[TOPOLOGY_ERROR])
{
    static const char own[] = "labs/unp.yaml";
    static const char *const above[] = {"/../", "/../" LILLIPUT_DATA "/"}; /* of build/ in the source, of bin/ as installed */
    char beside[4096], at[4096];
    ssize_t n = readlink("/proc/self/exe", beside, sizeof beside - 1);
    if (!file && access(own, R_OK) == 0)
        file = own;
    beside[n > 0 ? n : 0] = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(above) && !file; i++) {
        snprintf(at, sizeof at, "%.*s%s%s", (int)(strrchr(beside, '/') ? strrchr(beside, '/') - beside : 0), beside, above[i], own);
        if (access(at, R_OK) == 0)
            file = at;
    }
    return topology_load(lab, file ? file : own, error);
}

static int run_table(struct topology *lab, char *const *profiles, unsigned count, bool real, bool as_json)
{
    struct book_row rows[ARRAY_COUNT(targets) * BOOK_PROFILES] = {0};
    unsigned total = (unsigned)ARRAY_COUNT(targets) * count;
    char error[TOPOLOGY_ERROR];
    for (unsigned i = 0; i < total; i++) {
        rows[i].target = &targets[i / count];
        rows[i].profile = profiles[i % count];
        if (run_row(lab, &rows[i], error) < 0) {
            fprintf(stderr, "lilliput book: %s\n", error);
            return CLI_USAGE;
        }
    }
    if (!as_json) {
        print_table(rows, total, real);
        return CLI_OK;
    }
    json_t *array = json_array();
    for (unsigned i = 0; i < total; i++)
        json_array_append_new(array, row_json(&rows[i]));
    cli_print_json(array);
    return CLI_OK;
}

int book_main(int argc, char **argv)
{
    static const struct option options[] = {{"profiles", required_argument, NULL, 'p'}, {"lab", required_argument, NULL, 'l'},
                                            {"no-real", no_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'}, {0}};
    char *profiles[BOOK_PROFILES] = {"4.2bsd", "4.4bsd", "linux"}, error[TOPOLOGY_ERROR];
    const char *file = NULL;
    unsigned count = 3;
    bool real = true, as_json = false;
    int option;

    optind = 1;
    while ((option = cli_getopt("book", argc, argv, options)) != -1)
        switch (option) {
        case 'p':
            count = 0;
            for (char *word = strtok(optarg, ","); word && count < BOOK_PROFILES; word = strtok(NULL, ","))
                profiles[count++] = word;
            break;
        case 'l': file = optarg; break;
        case 'n': real = false; break;
        case 'j': as_json = true; break;
        case 'h': fputs(help, stdout); return CLI_OK;
        default: return CLI_USAGE;
        }
    if (cli_no_operands("book", argc, argv, NULL) != CLI_OK)
        return CLI_USAGE;
    for (unsigned i = 0; i < count; i++)
        if (cli_profile("book", profiles[i]) != CLI_OK)
            return CLI_USAGE;
    struct topology *lab;
    if (load_lab(&lab, file, error) < 0) {
        fprintf(stderr, "lilliput book: %s\n", error);
        return CLI_USAGE;
    }
    int result = run_table(lab, profiles, count, real, as_json);
    topology_free(lab);
    return result;
}
