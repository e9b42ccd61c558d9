/* scan.h: the cursor over a script's text and the small readers that all parsers here share. The language depends on
 * its context too much for a token stream ("P." "1.5" "0...1"), so each reader looks at the characters itself.
 * An error jumps out to scan->fail. */
#ifndef SCRIPT_LANGUAGE_SCAN_H
#define SCRIPT_LANGUAGE_SCAN_H
#include <setjmp.h>
#include "script/language/ast.h"

struct scan {
    const char *at, *start;
    struct arena *arena;
    const struct define *defines;
    int ip_version;
    bool in_list;              /* a comma would do as well as the bracket that is missing */
    jmp_buf fail;
    char *error;
    size_t error_size;
    const char *error_at;
};
void scan_init(struct scan *scan, struct arena *arena, const char *text, char *error, size_t error_size);
_Noreturn void scan_fail(struct scan *scan, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *scan_show(const struct scan *scan);      /* what is next, for messages: "\"abc\"" or "the end of the line" */
int scan_line(const struct scan *scan, const char *at);
void scan_space(struct scan *scan);                 /* blanks, newlines and comments */
/* The cursor is on another line than BEFORE, or at the end. */
bool scan_next_line(const struct scan *scan, const char *before);
bool scan_char(struct scan *scan, char c);          /* takes C if it is next */
void scan_expect(struct scan *scan, char c);
bool scan_text(struct scan *scan, const char *text); /* takes TEXT if it is next */
bool scan_keyword(struct scan *scan, const char *word); /* a whole word */
bool scan_is_word(const struct scan *scan);
char *scan_word(struct scan *scan);                 /* [A-Za-z_][A-Za-z0-9_]* */
bool scan_peek_number(const struct scan *scan);
int64_t scan_integer(struct scan *scan);            /* decimal or hex, a define */
int64_t scan_time(struct scan *scan);               /* "1", ".5", "1.25" in ns */
char *scan_string(struct scan *scan, unsigned *length);
struct expr *scan_expr(struct scan *scan);          /* parse_expr.c */
size_t scan_bare(const char *value);                /* how long a definition's text is, without quotes; it begins behind the first */
const char *scan_define(const struct scan *scan, const char *name, size_t length);
struct spec_packet *scan_packet(struct scan *scan); /* parse_packet.c; at '<' or '>' */
#endif
