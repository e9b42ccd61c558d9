/* symbols.h: the constants that scripts name, with the values of this system (the sockets of Lilliput take them). */
#ifndef SCRIPT_LANGUAGE_SYMBOLS_H
#define SCRIPT_LANGUAGE_SYMBOLS_H
#include <stdbool.h>
#include <stdint.h>

/* Values that are no constant of this system: the call that gets one acts on them itself (syscall_option.c). */
enum symbol_special { SYMBOL_SPECIAL = 0x40000000, SYMBOL_FUNCTION_BLK, SYMBOL_FUNCTION_ALIAS, SYMBOL_FIONSPACE };
const char *symbol_nearest(const char *name); /* for "did you mean"; NULL: none is near */
bool symbol_find(const char *name, int64_t *value);
const char *symbol_errno(int error);        /* "EAGAIN", or a number as text */
int symbol_errno_find(const char *name);    /* -1: unknown */
#endif
