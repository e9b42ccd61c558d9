/* nearest.c: "did you mean": the edit distance of two words. */
#include "base/nearest.h"
#include <stdio.h>
#include <string.h>

/* Letters put in, left out, replaced, or two that changed places. */
static unsigned distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    size_t n = strlen(b), m = strlen(a);
    unsigned rows[3][MOST + 1];

    if (n > MOST || m > MOST)
        return MOST;
    for (size_t i = 0; i <= m; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = row[j - 1] + 1;
            if (i && above[j] + 1 < best)
                best = above[j] + 1;
            if (i && above[j - 1] + (a[i - 1] != b[j - 1]) < best)
                best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && twice[j - 2] + 1 < best)
                best = twice[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[m % 3][n];
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 2 + 1;

    for (; *words; words++) {
        unsigned d = distance(word, *words);
        if (d < best_distance) {
            best_distance = d;
            best = *words;
        }
    }
    return best;
}

const char *nearest_hint(const char *near, char out[NEAREST_HINT])
{
    out[0] = 0;
    if (near)
        snprintf(out, NEAREST_HINT, "; did you mean \"%s\"?", near);
    return out;
}
