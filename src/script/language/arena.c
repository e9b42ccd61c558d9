/* arena.c: memory for one script's tree. See arena.h. */
#include "script/language/arena.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

void arena_init(struct arena *arena)
{
    arena->chunks = NULL;
}

void arena_fini(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (!arena->chunks || arena->chunks->size - arena->chunks->used < size) {
        size_t room = size > 16384 ? size : 16384;
        struct arena_chunk *chunk = malloc(sizeof *chunk + room);
        if (!chunk) {
            fputs("lilliput script: out of memory\n", stderr);
            exit(1);
        }
        chunk->next = arena->chunks;
        chunk->used = 0;
        chunk->size = room;
        arena->chunks = chunk;
    }
    void *memory = arena->chunks->bytes + arena->chunks->used;
    arena->chunks->used += size;
    return memset(memory, 0, size);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    char *copy = arena_copy(arena, length < 0 ? "" : text, length < 0 ? 0 : (size_t)length);
    free(text);
    return copy;
}
