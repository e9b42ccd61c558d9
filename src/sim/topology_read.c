/* topology_read.c: libfyaml's tree read by tables of keys. Read topology_read.h. */
#include "sim/topology_read.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int fail_va(struct reader *reader, int line, int column, const char *format, va_list arguments)
{
    if (reader->failed)
        return -EINVAL;
    reader->failed = true;
    int n = snprintf(reader->error, TOPOLOGY_ERROR, "%s:%d:%d: ", reader->file, line, column);
    vsnprintf(reader->error + n, (size_t)(TOPOLOGY_ERROR - n), format, arguments);
    return -EINVAL;
}

int reader_fail_at(struct reader *reader, int line, int column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_va(reader, line, column, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Where a node begins, counted from 1; for a collection that of its first scalar. */
static void reader_place(const struct reader *reader, struct fy_node *node, int *line, int *column)
{
    void *at = NULL;
    *line = reader->line;
    *column = reader->column;
    while (node && !fy_node_is_scalar(node)) {
        at = NULL;
        if (fy_node_is_sequence(node)) {
            node = fy_node_sequence_iterate(node, &at);
        } else {
            struct fy_node_pair *pair = fy_node_mapping_iterate(node, &at);
            node = pair ? fy_node_pair_key(pair) : NULL;
        }
    }
    struct fy_token *token = node ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (mark) {
        *line = mark->line + 1;
        *column = mark->column + 1;
    }
}

int reader_fail(struct reader *reader, struct fy_node *node, const char *format, ...)
{
    int line, column;
    va_list arguments;
    reader_place(reader, node, &line, &column);
    va_start(arguments, format);
    fail_va(reader, line, column, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* --- near words --------------------------------------------------------------------------------------------------- */
static const char *const synonyms[][2] = {
    {"latency", "delay"},
    {"bandwidth", "rate"},
    {"speed", "rate"},
    {"drop", "loss"},
    {"packet_loss", "loss"},
    {"dup", "duplicate"},
    {"corruption", "corrupt"},
    {"limit", "queue"},
    {"buffer", "queue"},
    {"queue_packets", "queue"},
    {"nodes", "hosts"},
    {"nics", "interfaces"},
    {"ifaces", "interfaces"},
    {"ip", "interfaces"},
    {"processes", "programs"},
    {"apps", "programs"},
    {"stack", "profile"},
    {"personality", "profile"},
    {"duration", "stop_time"},
    {"until", "stop_time"},
    {"bridges", "switches"},
    {"argv", "args"},
    {"arguments", "args"},
    {"env", "environment"},
    {"command", "path"},
    {"program", "path"},
    {"name", "path"},
    {"forwarding", "router"},
    {"gateway", "routes"},
    {"mss", "mtu"},
    {"nodes", "endpoints"},
    {"time", "at"},
    {"start", "start_time"},
    {"stop", "stop_time"},
    {"shutdown_time", "stop_time"},
    {"links", "endpoints"},
};

static unsigned distance(const char *a, const char *b)
{
    unsigned row[64], lengths[2] = {(unsigned)strlen(a), (unsigned)strlen(b)};
    if (lengths[1] >= ARRAY_COUNT(row))
        return 99;
    for (unsigned j = 0; j <= lengths[1]; j++)
        row[j] = j;
    for (unsigned i = 1; i <= lengths[0]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= lengths[1]; j++) {
            unsigned up = row[j], change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = up;
            row[j] = min_u32(change, min_u32(up + 1, row[j - 1] + 1));
        }
    }
    return row[lengths[1]];
}

const char *reader_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    unsigned best_distance = 3;
    for (unsigned i = 0; i < ARRAY_COUNT(synonyms); i++)
        for (unsigned j = 0; names[j] && strcmp(word, synonyms[i][0]) == 0; j++)
            if (strcmp(names[j], synonyms[i][1]) == 0)
                return names[j];
    for (unsigned j = 0; names[j]; j++) {
        unsigned d = distance(word, names[j]);
        if (d < best_distance && d < strlen(names[j])) {
            best = names[j];
            best_distance = d;
        }
    }
    return best;
}

/* --- values ------------------------------------------------------------------------------------------------------- */
void *reader_grow(void *items, unsigned *count, size_t size)
{
    void **array = items;
    uint8_t *grown = realloc(*array, (*count + 1) * size);
    if (!grown)
        abort(); /* reading a file at the start: nothing sensible is left to do */
    *array = grown;
    return memset(grown + (*count)++ * size, 0, size);
}

int reader_text(struct reader *reader, struct fy_node *node, struct topology_text *text, const char *where)
{
    reader_place(reader, node, &text->line, &text->column);
    text->text = node && fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;
    if (!text->text || fy_node_is_null(node))
        return reader_fail(reader, node, "%s should be one value", where);
    return 0;
}

int reader_texts(struct reader *reader, struct fy_node *node, struct topology_texts *texts, const char *where)
{
    void *at = NULL;
    if (!node || !fy_node_is_sequence(node))
        return reader_text(reader, node, READER_GROW(texts->items, texts->count), where);
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &at));)
        if (reader_text(reader, item, READER_GROW(texts->items, texts->count), where) < 0)
            return -EINVAL;
    return 0;
}

int reader_pairs(struct reader *reader, struct fy_node *node, struct topology_pairs *pairs, const char *where)
{
    void *at = NULL;
    if (!node || !fy_node_is_mapping(node))
        return reader_fail(reader, node, "%s should be a mapping {key: value}", where);
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        struct topology_pair *item = READER_GROW(pairs->items, pairs->count);
        char place[160];
        if (reader_text(reader, fy_node_pair_key(pair), &item->key, where) < 0)
            return -EINVAL;
        reader->line = item->key.line;
        reader->column = item->key.column;
        snprintf(place, sizeof(place), "%s.%s", where, item->key.text);
        if (reader_text(reader, fy_node_pair_value(pair), &item->value, place) < 0)
            return -EINVAL;
    }
    return 0;
}

/* --- values with units -------------------------------------------------------------------------------------------- */
static int bad_value(struct reader *reader, struct fy_node *node, const char *where, const char *text, const char *why)
{
    return reader_fail(reader, node, "%s: \"%s\": %s", where, text, why);
}

int reader_number(struct reader *reader, struct fy_node *node, uint64_t max, uint64_t *value, const char *where)
{
    struct topology_text text;
    const char *why;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    return topology_number(text.text, max, value, &why) < 0 ? bad_value(reader, node, where, text.text, why) : 0;
}

int reader_unsigned(struct reader *reader, struct fy_node *node, unsigned *value, const char *where)
{
    uint64_t number = 0;
    int result = reader_number(reader, node, UINT32_MAX, &number, where);
    *value = (unsigned)number;
    return result;
}

int reader_time(struct reader *reader, struct fy_node *node, uint64_t *ns, const char *where)
{
    struct topology_text text;
    const char *why;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    return topology_time(text.text, ns, &why) < 0 ? bad_value(reader, node, where, text.text, why) : 0;
}

int reader_percent(struct reader *reader, struct fy_node *node, uint32_t *parts, const char *where)
{
    struct topology_text text;
    const char *why;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    return topology_percent(text.text, parts, &why) < 0 ? bad_value(reader, node, where, text.text, why) : 0;
}

int reader_bool(struct reader *reader, struct fy_node *node, bool *value, const char *where)
{
    struct topology_text text;
    const char *why;
    if (reader_text(reader, node, &text, where) < 0)
        return -EINVAL;
    return topology_bool(text.text, value, &why) < 0 ? bad_value(reader, node, where, text.text, why) : 0;
}

static int unknown_key(struct reader *reader, const struct topology_text *key, const struct field *fields,
                       const char *where)
{
    const char *names[32] = {0};
    char list[256] = "";
    for (unsigned i = 0; fields[i].name && i + 1 < ARRAY_COUNT(names); i++) {
        names[i] = fields[i].name;
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", fields[i].name);
    }
    const char *near = reader_nearest(key->text, names);
    char place[170];
    snprintf(place, sizeof(place), "%s%s", where[0] ? " in " : "", where);
    if (near)
        return reader_fail_at(reader, key->line, key->column, "unknown key \"%s\"%s; did you mean \"%s\"?", key->text,
                              place, near);
    return reader_fail_at(reader, key->line, key->column, "unknown key \"%s\"%s; it may have %s", key->text, place,
                          list);
}

int reader_mapping(struct reader *reader, struct fy_node *mapping, const struct field *fields, void *object,
                   const char *where)
{
    void *at = NULL;
    if (!mapping || !fy_node_is_mapping(mapping))
        return reader_fail(reader, mapping, "%s should be a mapping {key: value}", where[0] ? where : "a lab file");
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &at));) {
        struct topology_text key;
        const struct field *field = fields;
        char place[160];
        if (reader_text(reader, fy_node_pair_key(pair), &key, "a key") < 0)
            return -EINVAL;
        reader->line = key.line;
        reader->column = key.column;
        while (field->name && strcmp(field->name, key.text) != 0)
            field++;
        if (!field->name)
            return unknown_key(reader, &key, fields, where);
        snprintf(place, sizeof(place), "%s%s%s", where, where[0] ? "." : "", key.text);
        if (field->read(reader, fy_node_pair_value(pair), object, place) < 0)
            return -EINVAL;
    }
    return 0;
}
