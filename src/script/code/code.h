/* code.h: a small evaluator for %{ code }%: the part of Python that scripts use. Statements: assert, print, assignment
 * (also +=, a, *b = ... and a[i] = ...), if/elif/else, for and while with else, break, continue, def, return,
 * try/except/else/finally, raise, del, pass, global, import (ignored); expressions: numbers, strings (also f"..."),
 * tuples, lists, dictionaries, sets, comprehensions, lambda, arithmetic, comparison chains, and/or/not/in, conditional
 * expressions, [index] and [from:to:step], % and {} formats, and the functions and methods of code_call.c and
 * code_data.c. */
#ifndef SCRIPT_CODE_CODE_H
#define SCRIPT_CODE_CODE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "script/language/arena.h"

enum value_kind { VALUE_NONE, VALUE_INTEGER, VALUE_FLOAT, VALUE_STRING, VALUE_TUPLE, VALUE_LIST, VALUE_DICT, VALUE_SET, VALUE_FUNCTION };
struct box; /* what a list, dictionary or set holds: shared by all that name it */
struct value {
    enum value_kind kind;
    bool is_bool;                      /* an integer that is True or False */
    int64_t integer;
    double real;
    const char *text;                  /* also a function's name */
    unsigned count;                    /* of a tuple */
    struct value *items;
    struct box *box;
    const struct code_function *function; /* NULL: one of the evaluator's own */
};

struct code_variable {
    struct code_variable *next;
    const char *name;
    struct value value;
    bool is_global;                    /* within a function: "global NAME" */
};
struct code_function;
struct code {
    struct arena *arena;               /* variables and strings live here */
    struct code_variable *variables;   /* kept from block to block, as in one Python program */
    struct code_function *functions;
    /* Names that are no variable: tcpi_*, constants. False: unknown. May be NULL. */
    bool (*lookup)(void *ctx, const char *name, struct value *value);
    void *ctx;
    FILE *output;                      /* of print; NULL: discarded */
    int exit_status;                   /* of sys.exit() */
};
enum code_result { CODE_OK, CODE_FAILED /* an assertion */, CODE_ERROR, CODE_UNSUPPORTED };
/* Runs TEXT. Not OK: MESSAGE says what with the values of both sides, LINE the line within TEXT (from 0). */
enum code_result code_run(struct code *code, const char *text, char *message, size_t size, int *line);
/* "tcpi_cwnd=10" for each name of EXPRESSION that lookup knows. */
int value_print(const struct value *value, char *text, size_t size);
#endif
