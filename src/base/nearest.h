/* nearest.h: what somebody who mistyped a word may have meant. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/* The one of WORDS (NULL-terminated) that WORD is nearest to; NULL: none is near. */
const char *nearest_word(const char *word, const char *const *words);
enum { NEAREST_HINT = 120 };
/* "; did you mean "NEAR"?", for the end of a message; "" where NEAR is NULL. */
const char *nearest_hint(const char *near, char out[NEAREST_HINT]);
#endif
