/* topology_hosts.c: the hosts of a lab file: interfaces, routes, overrides, programs. Read topology.h, then topology.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include "sim/topology_read.h"

int topology_read_hosts(struct reader *reader, struct fy_node *node, void *object, const char *where);

struct host_reading {
    unsigned host; /* index: the array may move */
};

static struct topology_host *host_of(struct reader *reader, const void *object)
{
    return &reader->topology->hosts[((const struct host_reading *)object)->host];
}

/* --- interfaces --------------------------------------------------------------------------------------------------- */
static int interface_addresses(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_texts(reader, node, &((struct topology_interface *)object)->addresses, where);
}

static int interface_mac(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_text(reader, node, &((struct topology_interface *)object)->mac, where);
}

static int interface_mtu(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct topology_text text;
    const char *why;
    uint64_t value;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    if (topology_number(text.text, 65535, &value, &why) < 0 || value < 68)
        return reader_fail(reader, node, "%s: \"%s\": 68 to 65535 is wanted here", where, text.text);
    ((struct topology_interface *)object)->mtu = (unsigned)value;
    return 0;
}

static int interface_advertise(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_bool(reader, node, &((struct topology_interface *)object)->advertise, where);
}

static int host_interfaces(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    static const struct field fields[] = {
        {"address", interface_addresses}, {"addresses", interface_addresses}, {"mac", interface_mac},
        {"mtu", interface_mtu},           {"advertise", interface_advertise}, {NULL, NULL}};
    struct topology_host *host = host_of(reader, object);
    void *at = NULL;
    if (!node || !fy_node_is_mapping(node))
        return reader_fail(reader, node, "%s should be a mapping {eth0: 192.0.2.1/24}", where);
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        struct topology_interface *interface = READER_GROW(host->interfaces, host->interface_count);
        struct fy_node *value = fy_node_pair_value(pair);
        char place[160];
        if (reader_text(reader, fy_node_pair_key(pair), &interface->name, where) < 0)
            return -EINVAL;
        reader->line = interface->name.line;
        reader->column = interface->name.column;
        snprintf(place, sizeof(place), "%s.%s", where, interface->name.text);
        if (strlen(interface->name.text) > 15)
            return reader_fail(reader, fy_node_pair_key(pair), "%s: an interface's name has at most 15 letters", place);
        if (value && fy_node_is_mapping(value) ? reader_mapping(reader, value, fields, interface, place) < 0
                                               : reader_texts(reader, value, &interface->addresses, place) < 0)
            return -EINVAL;
    }
    return 0;
}

/* --- programs ----------------------------------------------------------------------------------------------------- */
static int program_path(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_text(reader, node, &((struct topology_program *)object)->path, where);
}

/* A list, or one text that is split at spaces. */
static int program_args(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    struct topology_program *program = object;
    if (!node || !fy_node_is_scalar(node))
        return reader_texts(reader, node, &program->arguments, where);
    struct topology_text whole;
    if (reader_text(reader, node, &whole, where) < 0)
        return -EINVAL;
    for (char *word = (char *)whole.text; *word;) { /* the document's own copy, which is ours to cut */
        while (*word == ' ')
            *word++ = 0;
        if (!*word)
            break;
        struct topology_text *item = READER_GROW(program->arguments.items, program->arguments.count);
        *item = (struct topology_text){word, whole.line, whole.column};
        while (*word && *word != ' ')
            word++;
    }
    return 0;
}

static int program_start(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_time(reader, node, &((struct topology_program *)object)->start_ns, where);
}

static int program_stop(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_time(reader, node, &((struct topology_program *)object)->stop_ns, where);
}

static int program_environment(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_pairs(reader, node, &((struct topology_program *)object)->environment, where);
}

static int final_number(struct reader *reader, struct fy_node *node, struct topology_program *program,
                        const char *where)
{
    uint64_t value = 0;
    int result = reader_number(reader, node, 255, &value, where);
    program->final_value = (int)value;
    return result;
}

static int final_exited(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    ((struct topology_program *)object)->final = TOPOLOGY_EXITED;
    return final_number(reader, node, object, where);
}

static int final_signaled(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    ((struct topology_program *)object)->final = TOPOLOGY_SIGNALED;
    return final_number(reader, node, object, where);
}

/* Shadow's words: running, or {exited: 0}, {signaled: 9}. */
static int program_final(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    static const struct field fields[] = {{"exited", final_exited}, {"signaled", final_signaled}, {NULL, NULL}};
    struct topology_text text;
    if (node && fy_node_is_mapping(node))
        return reader_mapping(reader, node, fields, object, where);
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    ((struct topology_program *)object)->final = strcmp(text.text, "any") ? TOPOLOGY_RUNNING : TOPOLOGY_ANY;
    if (strcmp(text.text, "running") != 0 && strcmp(text.text, "any") != 0)
        return reader_fail(reader, node, "%s: \"%s\": running, any, {exited: 0} or {signaled: 9} is wanted here", where,
                           text.text);
    return 0;
}

static int host_programs(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    static const struct field fields[] = {{"path", program_path},
                                          {"args", program_args},
                                          {"start_time", program_start},
                                          {"stop_time", program_stop},
                                          {"environment", program_environment},
                                          {"expected_final_state", program_final},
                                          {NULL, NULL}};
    struct topology *topology = reader->topology;
    struct topology_host *host = host_of(reader, object);
    void *at = NULL;
    if (!node || !fy_node_is_sequence(node))
        return reader_fail(reader, node, "%s should be a list [{path: builtin:daytime}]", where);
    host->first_program = topology->program_count;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &at)); host->program_count++) {
        struct topology_program *program = READER_GROW(topology->programs, topology->program_count);
        char place[160];
        program->stop_ns = LIL_NEVER;
        program->host = host->name;
        snprintf(place, sizeof(place), "%s[%u]", where, host->program_count);
        if (reader_mapping(reader, item, fields, program, place) < 0)
            return -EINVAL;
        if (!program->path.text)
            return reader_fail(reader, item, "%s has no path", place);
    }
    return 0;
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */
static int host_profile_name(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_text(reader, node, &host_of(reader, object)->profile, where);
}

static int host_router(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_bool(reader, node, &host_of(reader, object)->router, where);
}

static int host_routes(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_pairs(reader, node, &host_of(reader, object)->routes, where);
}

static int host_overrides(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_pairs(reader, node, &host_of(reader, object)->overrides, where);
}

static int host_sysctls(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_pairs(reader, node, &host_of(reader, object)->sysctls, where);
}

static int host_neighbors(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    return reader_pairs(reader, node, &host_of(reader, object)->neighbors, where);
}

int topology_read_hosts(struct reader *reader, struct fy_node *node, void *object, const char *where)
{
    static const struct field fields[] = {
        {"profile", host_profile_name}, {"router", host_router},       {"interfaces", host_interfaces},
        {"routes", host_routes},        {"overrides", host_overrides}, {"sysctls", host_sysctls},
        {"neighbors", host_neighbors},  {"programs", host_programs},   {NULL, NULL}};
    struct topology *topology = object;
    void *at = NULL;
    if (!node || !fy_node_is_mapping(node))
        return reader_fail(reader, node, "%s should be a mapping {name: {...}}", where);
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        struct topology_host *host = READER_GROW(topology->hosts, topology->host_count);
        struct host_reading reading = {topology->host_count - 1};
        char place[160];
        if (reader_text(reader, fy_node_pair_key(pair), &host->name, where) < 0)
            return -EINVAL;
        reader->line = host->name.line;
        reader->column = host->name.column;
        snprintf(place, sizeof(place), "%s.%s", where, host->name.text);
        if (strlen(host->name.text) > 40 || strchr(host->name.text, ':'))
            return reader_fail(reader, fy_node_pair_key(pair), "%s: a host's name has no colon and at most 40 letters",
                               place);
        if (reader_mapping(reader, fy_node_pair_value(pair), fields, &reading, place) < 0)
            return -EINVAL;
    }
    return 0;
}
