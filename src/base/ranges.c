/* ranges.c: sorted disjoint ranges of sequence space in a small array; neighbours that touch are one range. */
#include "base/ranges.h"
#include <string.h>

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* The first range that ends at or after SEQ (touching counts), or count. */
static uint32_t first_reaching(const struct ranges *ranges, uint32_t seq)
{
    uint32_t low = 0, high = ranges->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (before(ranges->r[middle].end, seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t ranges_add(struct ranges *ranges, uint32_t start, uint32_t end)
{
    if (!before(start, end))
        return 0;
    struct range *r = ranges->r;
    uint32_t i = first_reaching(ranges, start), j = i, held = 0;
    int64_t forgotten = 0;
    for (; j < ranges->count && !before(end, r[j].start); j++) {
        held += r[j].end - r[j].start;
        if (before(r[j].start, start))
            start = r[j].start;
        if (before(end, r[j].end))
            end = r[j].end;
    }
    if (i == j) { /* touches none: a place is needed */
        if (ranges->count == RANGES_MAX) {
            if (i == RANGES_MAX)
                return 0; /* it is itself the highest */
            ranges->count--;
            forgotten = r[ranges->count].end - r[ranges->count].start;
        }
        memmove(r + i + 1, r + i, (ranges->count - i) * sizeof(*r));
        ranges->count++;
    } else {
        memmove(r + i + 1, r + j, (ranges->count - j) * sizeof(*r));
        ranges->count -= j - i - 1;
    }
    r[i] = (struct range){start, end};
    return (int64_t)(end - start) - held - forgotten;
}

uint32_t ranges_trim(struct ranges *ranges, uint32_t seq)
{
    uint32_t forgotten = 0, n = 0;
    struct range *r = ranges->r;
    while (n < ranges->count && !before(seq, r[n].end)) {
        forgotten += r[n].end - r[n].start;
        n++;
    }
    ranges->count -= n;
    memmove(r, r + n, ranges->count * sizeof(*r));
    if (ranges->count && before(r[0].start, seq)) {
        forgotten += seq - r[0].start;
        r[0].start = seq;
    }
    return forgotten;
}

/* The first range that ends after SEQ. */
static uint32_t first_beyond(const struct ranges *ranges, uint32_t seq)
{
    uint32_t i = first_reaching(ranges, seq);
    return i < ranges->count && ranges->r[i].end == seq ? i + 1 : i;
}

bool ranges_has(const struct ranges *ranges, uint32_t seq)
{
    uint32_t i = first_beyond(ranges, seq);
    return i < ranges->count && !before(seq, ranges->r[i].start);
}

bool ranges_gap(const struct ranges *ranges, uint32_t seq, struct range *gap)
{
    uint32_t i = first_beyond(ranges, seq);
    if (i == ranges->count)
        return false;
    if (before(seq, ranges->r[i].start)) {
        *gap = (struct range){seq, ranges->r[i].start};
        return true;
    }
    if (i + 1 == ranges->count)
        return false;
    *gap = (struct range){ranges->r[i].end, ranges->r[i + 1].start};
    return true;
}

uint32_t ranges_bytes(const struct ranges *ranges)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < ranges->count; i++)
        bytes += ranges->r[i].end - ranges->r[i].start;
    return bytes;
}
