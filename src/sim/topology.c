/* topology.c: the grammar of a lab file (docs/LABS.md): YAML to struct topology. Read topology.h. */
#include <stdio.h>
#include <stdlib.h>
#include "sim/topology_read.h"

/* --- general ------------------------------------------------------------------------------------------------------ */
static int general_seed(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct topology *topology = object;
    topology->has_seed = true;
    return reader_number(reader, node, UINT64_MAX, &topology->seed, where);
}

static int general_stop(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_time(reader, node, &((struct topology *)object)->stop_ns, where);
}

static int general_time(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct topology_text text;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    ((struct topology *)object)->real_time = strcmp(text.text, "real") == 0;
    if (strcmp(text.text, "real") != 0 && strcmp(text.text, "virtual") != 0)
        return reader_fail(reader, node, "%s: \"%s\": virtual or real is wanted here", where, text.text);
    return 0;
}

static int general_profile(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_text(reader, node, &((struct topology *)object)->default_profile, where);
}

static int read_general(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    static const struct field fields[] = {{"seed", general_seed},
                                          {"stop_time", general_stop},
                                          {"time", general_time},
                                          {"profile", general_profile},
                                          {NULL, NULL}};
    return reader_mapping(reader, node, fields, object, where);
}

/* --- links -------------------------------------------------------------------------------------------------------- */
enum {
    GIVEN_DELAY = 1,
    GIVEN_JITTER = 2,
    GIVEN_LOSS = 4,
    GIVEN_DUPLICATE = 8,
    GIVEN_CORRUPT = 16,
    GIVEN_REORDER = 32,
    GIVEN_GAP = 64,
    GIVEN_RATE = 128,
    GIVEN_QUEUE = 256,
    GIVEN_MTU = 512,
    GIVEN_DOWN = 1024,
    GIVEN_GSO = 2048
};
struct link_reading {
    struct lil_link_config *config;
    uint32_t given;
    struct topology_link *link;   /* NULL: an event */
    struct topology_event *event; /* NULL: a link */
    struct topology_texts ports;  /* of a switch */
    bool has_time;                /* an event's at */
};

static int link_delay(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_DELAY;
    return reader_time(reader, node, &reading->config->delay_ns, where);
}

static int link_jitter(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_JITTER;
    return reader_time(reader, node, &reading->config->jitter_ns, where);
}

static int link_loss(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_LOSS;
    return reader_percent(reader, node, &reading->config->loss, where);
}

static int link_duplicate(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_DUPLICATE;
    return reader_percent(reader, node, &reading->config->duplicate, where);
}

static int link_corrupt(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_CORRUPT;
    return reader_percent(reader, node, &reading->config->corrupt, where);
}

static int link_reorder(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_REORDER;
    return reader_percent(reader, node, &reading->config->reorder, where);
}

static int link_gap(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_GAP;
    return reader_unsigned(reader, node, &reading->config->reorder_gap, where);
}

static int link_rate(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    struct topology_text text;
    const char *why;
    reading->given |= GIVEN_RATE;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    if (topology_rate(text.text, &reading->config->rate_bps, &why) < 0)
        return reader_fail(reader, node, "%s: \"%s\": %s", where, text.text, why);
    return 0;
}

static int link_queue(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_QUEUE;
    return reader_unsigned(reader, node, &reading->config->queue_packets, where);
}

static int link_mtu(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_MTU;
    return reader_unsigned(reader, node, &reading->config->mtu, where);
}

static int link_gso(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_GSO;
    return reader_unsigned(reader, node, &reading->config->gso_max, where);
}

static int link_down(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    reading->given |= GIVEN_DOWN;
    return reader_bool(reader, node, &reading->config->down, where);
}

static int link_endpoints(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct link_reading *reading = object;
    struct topology_texts ends = {0};
    int result = reader_texts(reader, node, &ends, where);
    if (result == 0 && (!fy_node_is_sequence(node) || ends.count != 2))
        result = reader_fail(reader, node, "%s should be two: [\"a:eth0\", \"b:eth0\"]", where);
    if (result == 0) {
        reading->link->from = ends.items[0];
        reading->link->to = ends.items[1];
    }
    free(ends.items);
    return result;
}

static int switch_ports(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_texts(reader, node, &((struct link_reading *)object)->ports, where);
}

static int event_at(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    ((struct link_reading *)object)->has_time = true;
    return reader_time(reader, node, &((struct link_reading *)object)->event->at_ns, where);
}

static int event_link(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_text(reader, node, &((struct link_reading *)object)->event->link, where);
}

static int event_crash(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_text(reader, node, &((struct link_reading *)object)->event->crash, where);
}

#define LINK_FIELDS                                                                                                    \
    {"delay", link_delay}, {"jitter", link_jitter}, {"loss", link_loss}, {"duplicate", link_duplicate},                \
        {"corrupt", link_corrupt}, {"reorder", link_reorder}, {"gap", link_gap}, {"rate", link_rate},                  \
        {"queue", link_queue}, {"mtu", link_mtu}, {"gso", link_gso}, {"down", link_down},                              \
    {                                                                                                                  \
        NULL, NULL                                                                                                     \
    }

/* tc-netem(8) says the same: what overtakes must have something to overtake. */
static int check_link(struct reader *reader, struct fy_node *node, const struct link_reading *reading,
                      const char *where)
{
    if (reading->config->reorder && !reading->config->delay_ns && !reading->event)
        return reader_fail(reader, node, "%s: reorder needs a delay", where);
    if (reading->config->jitter_ns > reading->config->delay_ns && !reading->event)
        return reader_fail(reader, node, "%s: jitter is more than the delay", where);
    return 0;
}

static int read_link(struct reader *reader, struct fy_node *node, const char *where)
{
    static const struct field fields[] = {{"endpoints", link_endpoints}, LINK_FIELDS};
    struct topology *topology = reader->topology;
    struct topology_link *link = READER_GROW(topology->links, topology->link_count);
    struct link_reading reading = {.config = &link->config, .link = link};
    link->to_switch = -1;
    if (reader_mapping(reader, node, fields, &reading, where) < 0)
        return -EINVAL;
    if (!link->from.text)
        return reader_fail(reader, node, "%s has no endpoints: [\"a:eth0\", \"b:eth0\"]", where);
    return check_link(reader, node, &reading, where);
}

static int read_event(struct reader *reader, struct fy_node *node, const char *where)
{
    static const struct field fields[] = {{"at", event_at}, {"link", event_link}, {"crash", event_crash}, LINK_FIELDS};
    struct topology *topology = reader->topology;
    struct topology_event *event = READER_GROW(topology->events, topology->event_count);
    struct link_reading reading = {.config = &event->config, .event = event};
    if (reader_mapping(reader, node, fields, &reading, where) < 0)
        return -EINVAL;
    event->given = reading.given;
    if (!reading.has_time)
        return reader_fail(reader, node, "%s has no time: {at: 5s, ...}", where);
    if (!event->link.text == !event->crash.text)
        return reader_fail(reader, node, "%s names either a link (\"host:eth0\") or a host to crash", where);
    return 0;
}

static int read_list(struct reader *reader, struct fy_node *node, const char *where,
                     int (*read)(struct reader *, struct fy_node *, const char *))
{
    void *at = NULL;
    unsigned index = 0;
    if (!node || !fy_node_is_sequence(node))
        return reader_fail(reader, node, "%s should be a list [...]", where);
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &at)); index++) {
        char place[160];
        snprintf(place, sizeof(place), "%s[%u]", where, index);
        if (read(reader, item, place) < 0)
            return -EINVAL;
    }
    return 0;
}

static int read_links(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    (void)object;
    return read_list(reader, node, where, read_link);
}

static int read_events(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    (void)object;
    return read_list(reader, node, where, read_event);
}

/* name: [ports], or name: {ports: [...], delay: ...} for all its cables. */
static int read_switch(struct reader *reader, struct fy_node *key, struct fy_node *node, const char *where)
{
    static const struct field fields[] = {{"ports", switch_ports}, LINK_FIELDS};
    struct topology *topology = reader->topology;
    struct lil_link_config config = {0};
    struct link_reading reading = {.config = &config};
    struct topology_switch *item = READER_GROW(topology->switches, topology->switch_count);
    int result = reader_text(reader, key, &item->name, where);
    if (result == 0)
        result = fy_node_is_mapping(node) ? reader_mapping(reader, node, fields, &reading, where)
                                          : reader_texts(reader, node, &reading.ports, where);
    if (result == 0)
        result = check_link(reader, node, &reading, where);
    for (unsigned i = 0; i < reading.ports.count && result == 0; i++) {
        struct topology_link *link = READER_GROW(topology->links, topology->link_count);
        link->from = reading.ports.items[i];
        link->to_switch = (int)topology->switch_count - 1;
        link->config = config;
    }
    free(reading.ports.items);
    return result;
}

static int read_named(struct reader *reader, struct fy_node *node, const char *where,
                      int (*read)(struct reader *, struct fy_node *, struct fy_node *, const char *))
{
    void *at = NULL;
    if (!node || !fy_node_is_mapping(node))
        return reader_fail(reader, node, "%s should be a mapping {name: ...}", where);
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        char place[160];
        struct topology_text key;
        if (reader_text(reader, fy_node_pair_key(pair), &key, where) < 0)
            return -EINVAL;
        reader->line = key.line;
        reader->column = key.column;
        snprintf(place, sizeof(place), "%s.%s", where, key.text);
        if (read(reader, fy_node_pair_key(pair), fy_node_pair_value(pair), place) < 0)
            return -EINVAL;
    }
    return 0;
}

static int read_switches(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    (void)object;
    return read_named(reader, node, where, read_switch);
}

/* --- profiles ----------------------------------------------------------------------------------------------------- */
/* name: {base: 4.4bsd, tcp.rto_min_ms: 200} */
static int read_profile(struct reader *reader, struct fy_node *key, struct fy_node *node, const char *where)
{
    struct topology *topology = reader->topology;
    struct topology_profile *profile = READER_GROW(topology->profiles, topology->profile_count);
    if (reader_text(reader, key, &profile->name, where) < 0 ||
        reader_pairs(reader, node, &profile->overrides, where) < 0)
        return -EINVAL;
    for (unsigned i = 0; i < profile->overrides.count; i++) {
        if (strcmp(profile->overrides.items[i].key.text, "base") != 0)
            continue;
        profile->base = profile->overrides.items[i].value;
        profile->overrides.items[i] = profile->overrides.items[--profile->overrides.count];
        break;
    }
    return profile->base.text ? 0 : reader_fail(reader, key, "%s has no base: 4.4bsd, linux ...", where);
}

static int read_profiles(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    (void)object;
    return read_named(reader, node, where, read_profile);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */
int topology_read_hosts(struct reader *reader, struct fy_node *node, void *object, const char *where);

static int load_document(struct reader *reader, struct fy_document *document)
{
    static const struct field fields[] = {{"general", read_general},
                                          {"profiles", read_profiles},
                                          {"hosts", topology_read_hosts},
                                          {"switches", read_switches},
                                          {"links", read_links},
                                          {"events", read_events},
                                          {NULL, NULL}};
    struct fy_node *root = document ? fy_document_root(document) : NULL;
    if (!root)
        return reader_fail_at(reader, 1, 1, "the file is empty");
    if (reader_mapping(reader, root, fields, reader->topology, "") < 0)
        return -EINVAL;
    return reader->topology->host_count ? 0 : reader_fail(reader, root, "a lab needs hosts");
}

static void keep_quiet(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag, (void)user, (void)text, (void)length;
}

/* libfyaml's words, with what to do about them where that helps. */
static int bad_yaml(struct reader *reader, const struct fy_diag_error *problem)
{
    static const char *const help[][2] = {
        {"did not find expected", "; is a brace, a bracket or a quote before it not closed?"},
        {"duplicate key", ": each key of a mapping may stand once"},
        {"tab character", ": use spaces"},
    };
    const char *more = "";
    for (size_t i = 0; i < ARRAY_COUNT(help); i++)
        if (strstr(problem->msg, help[i][0]))
            more = help[i][1];
    return reader_fail_at(reader, problem->line, problem->column, "%s%s", problem->msg, more);
}

static int load(struct topology **out, const char *name, const char *yaml, char error[TOPOLOGY_ERROR])
{
    struct topology *topology = calloc(1, sizeof(*topology));
    struct reader reader = {.file = name, .error = error, .topology = topology, .line = 1, .column = 1};
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.output_fn = keep_quiet;
    struct fy_diag *diag = fy_diag_create(&quiet);
    *out = NULL;
    if (!topology || !diag)
        abort();
    topology->stop_ns = LIL_NEVER;
    topology->file = strdup(name);
    topology->yaml = strdup(yaml);
    if (!topology->file || !topology->yaml)
        abort();
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag};
    topology->document = fy_document_build_from_string(&config, topology->yaml, FY_NT);
    void *at = NULL;
    struct fy_diag_error *problem = fy_diag_errors_iterate(diag, &at);
    int result;
    if (problem)
        result = bad_yaml(&reader, problem);
    else
        result = load_document(&reader, topology->document);
    fy_diag_destroy(diag);
    if (result < 0)
        topology_free(topology);
    else
        *out = topology;
    return result;
}

int topology_load(struct topology **out, const char *path, char error[TOPOLOGY_ERROR])
{
    char *yaml = NULL;
    size_t length = 0;
    FILE *file = fopen(path, "r");
    int result = file && getdelim(&yaml, &length, 0, file) >= 0 ? 0 : file && feof(file) ? 0 : -errno;
    *out = NULL;
    if (result < 0)
        snprintf(error, TOPOLOGY_ERROR, "%s: the lab file cannot be read: %s", path, strerror(-result));
    else if (!feof(file))
        result = -EINVAL, snprintf(error, TOPOLOGY_ERROR, "%s: not a text file", path);
    else
        result = load(out, path, yaml ? yaml : "", error);
    if (file)
        fclose(file);
    free(yaml);
    return result;
}

int topology_parse(struct topology **out, const char *name, const char *yaml, char error[TOPOLOGY_ERROR])
{
    return load(out, name, yaml, error);
}

void topology_free(struct topology *topology)
{
    if (!topology)
        return;
    for (unsigned i = 0; i < topology->host_count; i++) {
        struct topology_host *host = &topology->hosts[i];
        for (unsigned j = 0; j < host->interface_count; j++)
            free(host->interfaces[j].addresses.items);
        free(host->interfaces);
        free(host->routes.items);
        free(host->overrides.items);
        free(host->sysctls.items);
        free(host->neighbors.items);
    }
    for (unsigned i = 0; i < topology->program_count; i++) {
        free(topology->programs[i].arguments.items);
        free(topology->programs[i].environment.items);
    }
    for (unsigned i = 0; i < topology->profile_count; i++)
        free(topology->profiles[i].overrides.items);
    free(topology->profiles);
    free(topology->hosts);
    free(topology->switches);
    free(topology->links);
    free(topology->programs);
    free(topology->events);
    fy_document_destroy(topology->document);
    free(topology->yaml);
    free(topology->file);
    free(topology);
}
