/* nearest.h: "did you mean": the word of WORDS (NULL-terminated) that WORD is nearest to, or NULL when none is near. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

const char *nearest_word(const char *word, const char *const *words);
#endif
