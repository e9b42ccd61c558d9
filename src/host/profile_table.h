/* profile_table.h: how the profile_*.c files say what a profile sets: identifier, value as text, source, confidence.
 * Sources: the letters of FACTS.md (C, M, L24, F13, X, S, U3, T1), RFCs, manual pages. */
#ifndef HOST_PROFILE_TABLE_H
#define HOST_PROFILE_TABLE_H
#include "host/profile.h"
#include "host/profile_fields.h"

enum profile_field {
#define X(identifier, member, type, words) F_##identifier,
    PROFILE_FIELDS(X)
#undef X
    PROFILE_FIELD_COUNT
};
struct profile_override {
    uint16_t field;         /* enum profile_field */
    const char *value, *source;
    const char *confidence; /* "H", "M", "L" */
};
struct profile_source {
    const char *name, *base, *summary; /* base NULL: a root, which sets everything that is not 0 */
    const struct profile_override *overrides;
    unsigned count;
};
#define SET(identifier, value, source, confidence) {F_##identifier, value, source, confidence}
#define PROFILE_SOURCE(name, base, summary, overrides) {name, base, summary, overrides, sizeof overrides / sizeof *overrides}

/* In FACTS' order; a base may come later. Ends with a NULL name. */
extern const struct profile_source profile_bsd[], profile_linux[], profile_other[], profile_listen[];

#endif
