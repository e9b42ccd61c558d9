/* topology_read.h: walking a lab file: errors with their place, keys by table, synonyms and near words. Private to
 * topology*.c. */
#ifndef SIM_TOPOLOGY_READ_H
#define SIM_TOPOLOGY_READ_H
#include <libfyaml.h>
#include "sim/topology.h"

struct reader {
    const char *file;
    char *error; /* TOPOLOGY_ERROR bytes; the first error stays */
    bool failed;
    struct topology *topology;
    int line, column; /* of the last key: for what has no place of its own */
};
/* One key of a mapping. read gets the value and the object that the mapping fills. */
struct field {
    const char *name;
    int (*read)(struct reader *reader, struct fy_node *value, void *object, const char *where);
};
int reader_fail_at(struct reader *reader, int line, int column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int reader_fail(struct reader *reader, struct fy_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads MAPPING by FIELDS (ends with a NULL name). WHERE: "links[1]" or "" for the file itself. */
int reader_mapping(struct reader *reader, struct fy_node *mapping, const struct field *fields, void *object,
                   const char *where);
/* The text of a scalar with its place; fails on anything else. */
int reader_text(struct reader *reader, struct fy_node *node, struct topology_text *text, const char *where);
/* A scalar or a list of scalars. */
int reader_texts(struct reader *reader, struct fy_node *node, struct topology_texts *texts, const char *where);
/* A scalar with a meaning; what is wrong with it is said with its place. */
int reader_number(struct reader *reader, struct fy_node *node, uint64_t max, uint64_t *value, const char *where);
int reader_unsigned(struct reader *reader, struct fy_node *node, unsigned *value, const char *where);
int reader_time(struct reader *reader, struct fy_node *node, uint64_t *ns, const char *where);
int reader_percent(struct reader *reader, struct fy_node *node, uint32_t *parts, const char *where);
int reader_bool(struct reader *reader, struct fy_node *node, bool *value, const char *where);
/* A mapping of scalars. */
int reader_pairs(struct reader *reader, struct fy_node *node, struct topology_pairs *pairs, const char *where);
/* Grows *ITEMS by one zeroed element and returns it; NULL: memory. */
void *reader_grow(void *items, unsigned *count, size_t size);
#define READER_GROW(array, count) (reader_grow(&(array), &(count), sizeof(*(array))))
/* The known word nearest to WORD: a synonym, or at most two letters away; NULL. NAMES is visited by NAME(i). */
const char *reader_nearest(const char *word, const char *const *names);

#endif
