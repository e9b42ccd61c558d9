/* profile.c: personalities by name: the descriptors of every value, their text, and the table made from profile_bsd.c,
 * profile_linux.c, profile_other.c and profile_listen.c before main and never changed. Read profile.h first. */
#include "host/profile_table.h"
#include "lilliput/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum type { SHIFT /* by how many bits */, U8, U16, U32, I32, BOOL, ERRNO, WORD, SCHEDULE, ROW, BYTES };
struct field {
    const char *name;
    uint16_t offset;
    uint8_t type;
    const char *const *words;
};

static const char *const syn_rst_words[] = {"refuse", "retry", NULL};
static const char *const isn_words[] = {"rfc6528", "bsd", NULL};
static const char *const icmp_policy_words[] = {"soft", "abort", "abort-all", "store", "wake", "soft-4s", NULL};
static const char *const backlog_count_words[] = {"both", "complete", "linux24", NULL};
static const char *const backlog_rule_words[] = {"b", "b+1", "b+3", "3b/2+1", "max(1,3b/2)", "solaris29", NULL};
static const char *const full_words[] = {"drop", "rst", NULL};
static const char *const full_ack_words[] = {"ignore", "rst", "queue", NULL};
static const char *const option_order_words[] = {"linux", "bsd", "windows", NULL};
static const char *const rto_words[] = {"rfc6298", "bsd", "bsd42", "linux", "freebsd", NULL};
static const char *const input_words[] = {"rfc9293", "bsd", "linux", NULL};
static const char *const output_words[] = {"plain", "linux", NULL};
static const char *const call_words[] = {"plain", "bsd", "linux", NULL};
static const char *const persist_words[] = {"rto", "srtt", NULL};
static const char *const hystart_words[] = {"off", "linux", "rfc9406", NULL};
static const char *const cc_words[] = {"none", "tahoe", "reno", "newreno", "cubic", "dctcp", "bbr", "htcp", "vegas", "hd", "chd", "cdg",
                                       NULL};
static const char *const ack_words[] = {"bsd", "rfc1122", "linux", NULL};
static const char *const ephemeral_words[] = {"sequential", "random", "linux", NULL};
static const char *const neighbor_words[] = {"bsd42", "bsd44", "rfc4861", NULL};
static const char *const bind_words[] = {"bsd", "linux", NULL};
static const char *const connect_any_words[] = {"EADDRNOTAVAIL", "primary", "loopback", "ENETUNREACH", NULL};
static const char *const action_words[] = {"ignore", "policy", "now", "pmtu", "soft", NULL};

static const struct field fields[] = {
#define X(identifier, member, type, words) {#member, offsetof(struct profile, member), type, words},
    PROFILE_FIELDS(X)
#undef X
};

static const struct {
    const char *name;
    int value;
} errno_names[] = {
#define E(name) {#name, name}
    E(EPERM), E(ENOENT), E(EINTR), E(EIO), E(EAGAIN), E(ENOMEM), E(EACCES), E(EINVAL), E(EPIPE), E(EMSGSIZE), E(EPROTOTYPE), E(ENOPROTOOPT),
    E(EPROTONOSUPPORT), E(ESOCKTNOSUPPORT), E(EOPNOTSUPP), E(EPFNOSUPPORT), E(EAFNOSUPPORT), E(EADDRINUSE), E(EADDRNOTAVAIL), E(ENETDOWN),
    E(ENETUNREACH), E(ENETRESET), E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN), E(ENOTCONN), E(ESHUTDOWN), E(ETIMEDOUT),
    E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY), E(EINPROGRESS), E(EPROTO), E(ENONET), E(EDESTADDRREQ), E(ENOSYS),
#undef E
};

static const char *errno_name(int value)
{
    for (size_t i = 0; i < ARRAY_COUNT(errno_names); i++)
        if (errno_names[i].value == value)
            return errno_names[i].name;
    return "0";
}

static int errno_parse(const char *text, int *value)
{
    size_t i = 0;
    bool is_none = !strcmp(text, "0");
    while (i < ARRAY_COUNT(errno_names) && strcmp(errno_names[i].name, text) != 0)
        i++;
    if (i == ARRAY_COUNT(errno_names) && !is_none)
        return -EINVAL;
    *value = is_none ? 0 : errno_names[i].value;
    return 0;
}

/* --- text to value ----------------------------------------------------------------------------------------------------------- */

static int number_parse(const char *text, long long low, long long high, long long *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 0);
    return errno || end == text || *end || *value < low || *value > high ? -EINVAL : 0;
}

static int word_parse(const char *const *words, const char *text, uint8_t *value)
{
    for (int i = 0; words[i]; i++)
        if (!strcasecmp(words[i], text)) {
            *value = (uint8_t)i;
            return 0;
        }
    return -EINVAL;
}

/* "3.375" seconds to milliseconds; *TEXT moves behind it. */
static int seconds_parse(const char **text, uint32_t *ms)
{
    const char *p = *text;
    uint64_t value = 0;
    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++)
        if ((value = value * 10 + (uint64_t)(*p - '0')) > 4000000)
            return -EINVAL;
    value *= 1000;
    if (*p == '.') {
        unsigned scale = 100;
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            value += (uint64_t)(*p - '0') * scale;
    }
    *ms = (uint32_t)value;
    *text = p;
    return 0;
}

/* "0,6,30 75": the instants of transmission in seconds, then when it is given up. */
static int schedule_parse(const char *text, struct tcp_schedule *out)
{
    struct tcp_schedule s = {0};
    uint32_t last = 0, at;
    int error = seconds_parse(&text, &at);
    if (error || at)
        return -EINVAL;
    while (*text == ',') {
        text++;
        if (seconds_parse(&text, &at) || at <= last || s.count == ARRAY_COUNT(s.interval_ms) - 1)
            return -EINVAL;
        s.interval_ms[s.count++] = at - last;
        last = at;
    }
    s.retries = s.count;
    while (*text == ' ')
        text++;
    if (seconds_parse(&text, &s.give_up_ms) || *text || s.give_up_ms <= last)
        return -EINVAL;
    s.interval_ms[s.count++] = s.give_up_ms - last;
    *out = s;
    return 0;
}

/* "policy EHOSTUNREACH", "now ECONNREFUSED", "ignore", "pmtu" */
static int row_parse(const char *text, struct tcp_icmp_row *out)
{
    char action[16], error[24] = "0";
    int value;
    struct tcp_icmp_row row;
    if (sscanf(text, "%15s %23s", action, error) < 1 || word_parse(action_words, action, &row.action) || errno_parse(error, &value))
        return -EINVAL;
    row.error = (uint8_t)value;
    *out = row;
    return 0;
}

static int bytes_parse(const char *text, uint8_t bytes[16])
{
    uint8_t out[16] = {0};
    for (int i = 0; *text; i++) {
        char *end;
        long value = strtol(text, &end, 10);
        if (i == 16 || end == text || value < 0 || value > 255 || (*end && *end != ','))
            return -EINVAL;
        out[i] = (uint8_t)value;
        text = *end ? end + 1 : end;
    }
    memcpy(bytes, out, sizeof out);
    return 0;
}

static int bool_parse(const char *text, bool *value)
{
    static const char *const words[] = {"0", "1", "no", "yes", "false", "true", "off", "on", NULL};
    uint8_t which;
    if (word_parse(words, text, &which))
        return -EINVAL;
    *value = which & 1;
    return 0;
}

static int field_set(struct profile *profile, const struct field *field, const char *text)
{
    void *at = (char *)profile + field->offset;
    long long number;
    int error;
    switch (field->type) {
    case SHIFT:
    case U8:
        error = number_parse(text, 0, field->type == SHIFT ? 31 : UINT8_MAX, &number);
        if (!error)
            *(uint8_t *)at = (uint8_t)number;
        return error;
    case U16:
        error = number_parse(text, 0, UINT16_MAX, &number);
        if (!error)
            *(uint16_t *)at = (uint16_t)number;
        return error;
    case U32:
        error = number_parse(text, 0, UINT32_MAX, &number);
        if (!error)
            *(uint32_t *)at = (uint32_t)number;
        return error;
    case I32:
        error = number_parse(text, INT32_MIN, INT32_MAX, &number);
        if (!error)
            *(int32_t *)at = (int32_t)number;
        return error;
    case BOOL:
        return bool_parse(text, at);
    case ERRNO:
        return errno_parse(text, at);
    case WORD:
        return word_parse(field->words, text, at);
    case SCHEDULE:
        return schedule_parse(text, at);
    case ROW:
        return row_parse(text, at);
    default:
        return bytes_parse(text, at);
    }
}

/* --- value to text ----------------------------------------------------------------------------------------------------------- */

static int seconds_print(char *text, size_t size, uint32_t ms)
{
    int n = snprintf(text, size, "%u", ms / 1000);
    if (ms % 1000) {
        n += snprintf(text + n, size - (size_t)n, ".%03u", ms % 1000);
        while (text[n - 1] == '0')
            text[--n] = 0;
    }
    return n;
}

static void schedule_print(const struct tcp_schedule *s, char *text, size_t size)
{
    char out[256];
    uint32_t at = 0;
    int n = snprintf(out, sizeof out, "0");
    for (unsigned i = 0; i < s->retries && n < 230 && s->count; i++) {
        at += s->interval_ms[min_u32(i, s->count - 1u)];
        out[n++] = ',';
        n += seconds_print(out + n, sizeof out - (size_t)n, at);
    }
    out[n++] = ' ';
    uint32_t end = s->give_up_ms;
    if (!end && s->count)
        end = at + s->interval_ms[min_u32(s->retries, s->count - 1u)];
    seconds_print(out + n, sizeof out - (size_t)n, end);
    snprintf(text, size, "%s", out);
}

static void row_print(const struct tcp_icmp_row *row, char *text, size_t size)
{
    const char *action = row->action < ARRAY_COUNT(action_words) - 1 ? action_words[row->action] : "?";
    if (row->action == TCP_ICMP_IGNORE || (row->action == TCP_ICMP_PMTU && !row->error))
        snprintf(text, size, "%s", action);
    else
        snprintf(text, size, "%s %s", action, errno_name(row->error));
}

static void bytes_print(const uint8_t bytes[16], char *text, size_t size)
{
    int count = 16, n = 0;
    while (count && !bytes[count - 1])
        count--;
    text[0] = 0;
    for (int i = 0; i < count && n >= 0 && (size_t)n < size; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%u", i ? "," : "", bytes[i]);
}

static void field_print(const struct profile *profile, const struct field *field, char *text, size_t size)
{
    const void *at = (const char *)profile + field->offset;
    switch (field->type) {
    case SHIFT:
    case U8:
        snprintf(text, size, "%u", *(const uint8_t *)at);
        return;
    case U16:
        snprintf(text, size, "%u", *(const uint16_t *)at);
        return;
    case U32:
        snprintf(text, size, "%u", *(const uint32_t *)at);
        return;
    case I32:
        snprintf(text, size, "%d", *(const int32_t *)at);
        return;
    case BOOL:
        snprintf(text, size, "%d", *(const bool *)at);
        return;
    case ERRNO:
        snprintf(text, size, "%s", errno_name(*(const int *)at));
        return;
    case WORD:
        snprintf(text, size, "%s", field->words[*(const uint8_t *)at]);
        return;
    case SCHEDULE:
        schedule_print(at, text, size);
        return;
    case ROW:
        row_print(at, text, size);
        return;
    default:
        bytes_print(at, text, size);
    }
}

/* --- by name ------------------------------------------------------------------------------------------------------------------ */

static const struct field *field_find(const char *name)
{
    for (size_t i = 0; i < PROFILE_FIELD_COUNT; i++)
        if (!strcmp(fields[i].name, name))
            return &fields[i];
    return NULL;
}

int profile_set(struct profile *profile, const char *name, const char *value)
{
    const struct field *field = field_find(name);
    return field ? field_set(profile, field, value) : -ENOENT;
}

int profile_get(const struct profile *profile, const char *name, char *value, size_t size)
{
    const struct field *field = field_find(name);
    if (!field)
        return -ENOENT;
    field_print(profile, field, value, size);
    return 0;
}

const char *profile_field_name(unsigned index)
{
    return index < PROFILE_FIELD_COUNT ? fields[index].name : NULL;
}

/* --- the table ------------------------------------------------------------------------------------------------------------------ */

enum { PROFILES_MAX = 32 };
static struct profile table[PROFILES_MAX];           /* made before main, constant from then on */
static const struct profile_source *sources[PROFILES_MAX];
static const char *names[PROFILES_MAX + 1];
static unsigned profile_count;

static const struct profile_source *source_find(const char *name)
{
    for (unsigned i = 0; i < profile_count; i++)
        if (!strcmp(sources[i]->name, name))
            return sources[i];
    return NULL;
}

static void build(const struct profile_source *source, struct profile *profile)
{
    const struct profile_source *base = source->base ? source_find(source->base) : NULL;
    if (base)
        build(base, profile);
    for (unsigned i = 0; i < source->count; i++) {
        int error = field_set(profile, &fields[source->overrides[i].field], source->overrides[i].value);
        assert(!error);
        (void)error;
    }
    snprintf(profile->name, sizeof profile->name, "%s", source->name);
    snprintf(profile->base, sizeof profile->base, "%s", source->base ? source->base : "");
    profile->summary = source->summary;
}

__attribute__((constructor)) static void profiles_make(void)
{
    const struct profile_source *const groups[] = {profile_bsd, profile_other, profile_linux, profile_listen};
    /* FACTS' order */
    static const char *const order[] = {"4.2bsd",    "4.3bsd",    "tahoe",     "4.4bsd",  "freebsd",
                                        "freebsd14", "freebsd13", "macos",     "solaris", "linux24",
                                        "linux61",   "linux",     "windows",   "aix51",   "hpux1111",
                                        "linux247",  "freebsd48", "solaris29", "macos102"};
    for (size_t i = 0; i < ARRAY_COUNT(order); i++)
        for (size_t g = 0; g < ARRAY_COUNT(groups); g++)
            for (const struct profile_source *s = groups[g]; s->name; s++)
                if (!strcmp(s->name, order[i]))
                    sources[profile_count++] = s;
    for (unsigned i = 0; i < profile_count; i++) {
        build(sources[i], &table[i]);
        names[i] = table[i].name;
    }
}

const struct profile *profile_find(const char *name)
{
    for (unsigned i = 0; i < profile_count; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

const char *const *lil_profile_names(void)
{
    return names;
}

static const struct profile_override *override_find(const struct profile_source *source, unsigned field)
{
    for (unsigned i = source->count; i-- > 0;)
        if (source->overrides[i].field == field)
            return &source->overrides[i];
    return NULL;
}

int lil_profile_each(const char *name,
                     void (*visit)(void *ctx, const char *name, const char *value, const char *source,
                                   const char *confidence),
                     void *ctx)
{
    const struct profile *profile = profile_find(name);
    if (!profile)
        return -ENOENT;
    const struct profile_source *own = source_find(name);
    for (unsigned i = 0; i < PROFILE_FIELD_COUNT; i++) {
        char value[256], assumed[64];
        const char *source = assumed, *confidence = "L";
        field_print(profile, &fields[i], value, sizeof value);
        const struct profile_override *override = override_find(own, i);
        if (override) {
            source = override->source;
            confidence = override->confidence;
        } else {
            snprintf(assumed, sizeof assumed, "assumed: %s", own->base ? own->base : "off");
        }
        visit(ctx, fields[i].name, value, source, confidence);
    }
    return 0;
}
