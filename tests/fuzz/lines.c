/* lines.c: a new text of an old one, for scripts and labs: lines removed, repeated, exchanged, taken from another text;
 * in a line a number moved to an edge; in a packet of a script its direction, place, flags, options or time changed.
 * What it writes can nearly always be read: the target says which lines may be moved and changed (fuzz_may_change), and
 * a packet's length is what its sequence numbers say. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "fuzz.h"

enum { LINES_MAX = 1024, LINE_MAX_BYTES = 1024 };
struct span {
    const char *text;
    size_t length;
};
struct page {
    struct span lines[LINES_MAX];
    size_t count;
};

static void split(struct page *page, const struct fuzz_input *input)
{
    const char *at = (const char *)input->bytes, *end = at + input->size;
    page->count = 0;
    while (at < end && page->count < LINES_MAX) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop + 1 : end;
        page->lines[page->count++] = (struct span){at, (size_t)(stop - at)};
        at = stop;
    }
}

static bool is_free(struct span line)
{
    return line.length && fuzz_may_change(line.text, line.length);
}

/* May TO stand where FROM does? A list's or mapping's entry (of a lab) only among its like. */
static bool fits(struct span from, struct span to)
{
    return is_free(from) && is_free(to) && strspn(from.text, " -") == strspn(to.text, " -");
}

static void remove_line(struct page *page, size_t at)
{
    memmove(&page->lines[at], &page->lines[at + 1], (--page->count - at) * sizeof *page->lines);
}

static void insert_line(struct page *page, size_t at, struct span line)
{
    if (page->count == LINES_MAX)
        return;
    memmove(&page->lines[at + 1], &page->lines[at], (page->count++ - at) * sizeof *page->lines);
    page->lines[at] = line;
}

static void change_lines(struct prng *prng, struct page *page, const struct page *other)
{
    size_t at = prng_below(prng, page->count), to = prng_below(prng, page->count);
    struct span line = page->lines[at];
    if (!fits(line, page->lines[to]))
        return;
    switch (prng_below(prng, 5)) {
    case 0:
        remove_line(page, at);
        break;
    case 1:
        insert_line(page, to, line);
        break;
    case 2:
        page->lines[at] = page->lines[to];
        page->lines[to] = line;
        break;
    case 3:
        for (size_t n = 1 + prng_below(prng, 4), from = other->count ? prng_below(prng, other->count) : 0;
             n-- && from < other->count; from++)
            if (fits(line, other->lines[from]))
                insert_line(page, at++, other->lines[from]);
        break;
    default:
        to = other->count ? prng_below(prng, other->count) : 0;
        if (to < other->count && fits(line, other->lines[to]))
            page->lines[at] = other->lines[to];
    }
}

/* Writes what stands for the number at TEXT (DIGITS long): an edge, a neighbour, or another. */
static int new_number(struct prng *prng, const char *text, int digits, char *out, size_t size)
{
    static const char *const edges[] = {"0",     "1",     "2",          "-1",         "536",        "1460",
                                        "65535", "65536", "2147483647", "2147483648", "4294967295", "1000000"};
    long value = 0;
    for (int i = 0; i < digits && i < 10; i++)
        value = value * 10 + (text[i] - '0');
    switch (prng_below(prng, 4)) {
    case 0:
        return snprintf(out, size, "%s", edges[prng_below(prng, sizeof edges / sizeof *edges)]);
    case 1:
        return snprintf(out, size, "%ld", value + 1);
    case 2:
        return snprintf(out, size, "%ld", value ? value - 1 : 7);
    default:
        return snprintf(out, size, "%ld", value * (2 + (long)prng_below(prng, 30)));
    }
}

static const char *find_number(struct prng *prng, struct span line, int *digits)
{
    const char *found = NULL, *end = line.text + line.length;
    unsigned seen = 0;
    for (const char *at = line.text; at < end;) {
        const char *stop = at;
        while (stop < end && isdigit((unsigned char)*stop))
            stop++;
        bool is_place = (at > line.text && (at[-1] == ':' || at[-1] == '(')) || (stop < end && *stop == ':'); /* move_packet's */
        if (stop > at && !is_place && prng_below(prng, ++seen) == 0) {
            found = at;
            *digits = (int)(stop - at);
        }
        at = stop > at ? stop : at + 1;
    }
    return found;
}

static size_t splice(struct span line, const char *from, size_t gone, const char *with, char *out, size_t most)
{
    size_t before = (size_t)(from - line.text), after = line.length - before - gone, put = strlen(with);
    if (before + put + after > most)
        return 0;
    memcpy(out, line.text, before);
    memcpy(out + before, with, put);
    memcpy(out + before + put, from + gone, after);
    return before + put + after;
}

/* A packet's START:END(LENGTH) moved or of another length; 0: none there. */
static size_t move_packet(struct prng *prng, struct span line, char *out, size_t most)
{
    static const long steps[] = {1, -1, 1000, -1000, 100, 65535, -65535, 1L << 30, (1L << 31) - 1, 1L << 31};
    static const unsigned lengths[] = {0, 1, 10, 536, 1000, 1400, 1460};
    char text[LINE_MAX_BYTES], fresh[64];
    if (line.length >= sizeof text)
        return 0;
    memcpy(text, line.text, line.length);
    text[line.length] = '\0';
    for (char *at = text; (at = strchr(at, ':')); at++) {
        unsigned long start, end, length;
        char *from = at;
        int used = 0;
        while (from > text && isdigit((unsigned char)from[-1]))
            from--;
        if (sscanf(from, "%lu:%lu(%lu)%n", &start, &end, &length, &used) != 3 || !used)
            continue;
        if (prng_below(prng, 2))
            start += (unsigned long)steps[prng_below(prng, sizeof steps / sizeof *steps)];
        else
            length = lengths[prng_below(prng, sizeof lengths / sizeof *lengths)];
        snprintf(fresh, sizeof fresh, "%u:%u(%u)", (unsigned)start, (unsigned)(start + length), (unsigned)length);
        return splice(line, line.text + (from - text), (size_t)used, fresh, out, most);
    }
    return 0;
}

/* The line with one of its words changed; 0: as it was. */
static size_t change_word(struct prng *prng, struct span line, char *out, size_t most)
{
    static const char *const flags[] = {" S ",   " . ", " P. ", " F. ", " R ",  " R. ",  " S. ",
                                        " FP. ", " . ", " SF ", " U. ", " E. ", " SEW ", " - "};
    static const char *const options[] = {"", "<mss 1000>", "<sack 1:1001,nop,nop>", "<nop,nop,TS val 1 ecr 0>", "<mss 1460,nop,wscale 14>",
                                          "<nop,nop,sack 1001:2001 3001:4001>", "<FO 0123456789abcdef,nop,nop>", "<sackOK,eol>"};
    static const char *const times[] = {"+0", "+.01", "+.2", "+1", "+3", "+70", "*", "+0~+1", "0"};
    const char *end = line.text + line.length, *at;
    char number[32];
    int digits = 0;
    size_t moved;
    switch (prng_below(prng, 8)) {
    case 0: /* the packet's direction */
        at = memchr(line.text, ' ', line.length);
        if (at && at + 1 < end && (at[1] == '<' || at[1] == '>'))
            return splice(line, at + 1, 1, at[1] == '<' ? ">" : "<", out, most);
        return 0;
    case 1: /* its flags */
        at = memchr(line.text, ' ', line.length);
        if (!at || at + 3 >= end || (at[1] != '<' && at[1] != '>') || at[2] != ' ')
            return 0;
        const char *stop = memchr(at + 3, ' ', (size_t)(end - at - 3));
        return stop ? splice(line, at + 2, (size_t)(stop + 1 - at - 2),
                             flags[prng_below(prng, sizeof flags / sizeof *flags)], out, most)
                    : 0;
    case 2: /* its options */
        at = memchr(line.text, '<', line.length);
        const char *open = at ? memchr(at + 1, '<', (size_t)(end - at - 1)) : NULL,
                   *shut = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
        return shut ? splice(line, open, (size_t)(shut + 1 - open),
                             options[prng_below(prng, sizeof options / sizeof *options)], out, most)
                    : 0;
    case 3: /* its time */
        at = memchr(line.text, ' ', line.length);
        return at && (isdigit((unsigned char)*line.text) || *line.text == '+') ?
            splice(line, line.text, (size_t)(at - line.text), times[prng_below(prng, sizeof times / sizeof *times)], out, most) : 0;
    case 4: /* its place and length */
    case 5:
        moved = move_packet(prng, line, out, most);
        if (moved)
            return moved;
        /* fall through */
    default:
        at = find_number(prng, line, &digits);
        if (!at)
            return 0;
        (void)new_number(prng, at, digits, number, sizeof number);
        return splice(line, at, (size_t)digits, number, out, most);
    }
}

size_t fuzz_mutate(struct prng *prng, const struct fuzz_input *from, const struct fuzz_input *other, uint8_t *out, size_t most)
{
    static struct page page, donor;
    static char changed[8][LINE_MAX_BYTES];
    size_t size = 0;
    split(&page, from);
    split(&donor, other);
    for (unsigned changes = 1 + (unsigned)prng_below(prng, 8), i = 0; i < changes && page.count; i++) {
        size_t at = prng_below(prng, page.count), length = 0;
        if (prng_below(prng, 3) && is_free(page.lines[at]))
            length = change_word(prng, page.lines[at], changed[i], LINE_MAX_BYTES);
        if (length)
            page.lines[at] = (struct span){changed[i], length};
        else
            change_lines(prng, &page, &donor);
    }
    for (size_t i = 0; i < page.count && size + page.lines[i].length <= most; i++) {
        memcpy(out + size, page.lines[i].text, page.lines[i].length);
        size += page.lines[i].length;
    }
    return size;
}
