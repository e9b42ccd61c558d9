/* arena.h: memory that lives as long as one script: allocated piece by piece, freed as a whole. */
#ifndef SCRIPT_LANGUAGE_ARENA_H
#define SCRIPT_LANGUAGE_ARENA_H
#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
};
void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
/* Zeroed; the program ends when memory does (a script's tree is small). */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length); /* NUL-terminated */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
