/* code_eval.h: private to the evaluator: code.c (statements), code_eval.c (expressions), code_call.c (functions and methods), code_text.c
 * (values as text, formats). */
#ifndef SCRIPT_CODE_EVAL_H
#define SCRIPT_CODE_EVAL_H
#include <setjmp.h>
#include "script/code.h"

enum { CODE_ITEMS = 4096, CODE_ROUNDS = 100000, CODE_DEPTH = 32 };
enum code_jump { CODE_ON, CODE_BREAK, CODE_CONTINUE, CODE_RETURN };
struct program;
struct eval {
    struct code *code;
    struct program *program;
    unsigned current;     /* its line */
    const char *at, *end; /* the logical line */
    bool live;            /* false: parse only (the branch not taken) */
    enum code_jump jump;
    struct value returned;
    unsigned depth;       /* of calls */
    struct code_variable *locals; /* of the function that runs; NULL in the block itself */
    jmp_buf fail;
    enum code_result result;
    char *message;
    size_t size;
    char names[256];      /* "tcpi_cwnd=10, ..." as they were looked up */
};
_Noreturn void eval_fail(struct eval *eval, enum code_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* code_eval.c */
struct value eval_expression(struct eval *eval);
struct value eval_tuple(struct eval *eval); /* a, b */
struct value eval_generator(struct eval *eval); /* an argument: an expression, or one with "for" */
bool eval_true(const struct value *value);
void eval_blank(struct eval *eval);
bool eval_take(struct eval *eval, const char *text);
bool eval_word(struct eval *eval, const char *word);
struct value eval_arithmetic(struct eval *eval, const char *operator, struct value a, struct value b);
int eval_compare(const struct value *a, const struct value *b); /* 2: unequal, without an order */
struct value eval_list(struct eval *eval, const struct value *items, unsigned count);
const struct value *eval_find(struct eval *eval, const char *name, size_t length);
void eval_assign(struct eval *eval, const char *name, size_t length, struct value value);
/* The targets of "a, b = ..." and "for a, b in ...": names between FROM and TO, parted by commas. */
void eval_assign_all(struct eval *eval, const char *from, const char *to, struct value value);
/* code_call.c */
enum { CODE_ARGUMENTS = 24 };
struct arguments {
    unsigned count;
    struct value values[CODE_ARGUMENTS];
    const char *names[CODE_ARGUMENTS]; /* NAME=value, or NULL */
};
void eval_arguments(struct eval *eval, struct arguments *arguments); /* behind "(" */
struct value eval_call(struct eval *eval, const char *name, const struct arguments *arguments);
struct value eval_method(struct eval *eval, const struct value *self, const char *variable, const char *name,
                         const struct arguments *arguments);
double code_round_down(double x);
double code_power(double base, int64_t exponent);
/* code_text.c */
struct value text_percent(struct eval *eval, const char *pattern, const struct value *values); /* "%d" % values */
struct value text_braces(struct eval *eval, const char *pattern, const struct arguments *arguments); /* "{}".format(...); NULL: f"..." */
struct value text_format(struct eval *eval, const struct value *value, const char *spec);
struct value text_string(struct eval *eval); /* at a quote, or the letters before it */
/* code.c: a function that the script defined; false: none of this name. */
bool program_call(struct eval *eval, const char *name, const struct arguments *arguments, struct value *result);

static inline struct value code_integer(int64_t number)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = number};
}
static inline struct value code_real(double number)
{
    return (struct value){.kind = VALUE_FLOAT, .real = number};
}
static inline struct value code_string(const char *text)
{
    return (struct value){.kind = VALUE_STRING, .text = text};
}
static inline bool value_is_number(const struct value *value)
{
    return value->kind == VALUE_INTEGER || value->kind == VALUE_FLOAT;
}
static inline double value_to_real(const struct value *value)
{
    return value->kind == VALUE_FLOAT ? value->real : (double)value->integer;
}
#endif
