/* code_eval.h: private to the evaluator: code.c (statements), code_eval.c (expressions), code_names.c (variables),
 * code_call.c (functions and methods of text), code_data.c (lists, dictionaries, sets), code_text.c (values as text,
 * formats). */
#ifndef SCRIPT_CODE_CODE_EVAL_H
#define SCRIPT_CODE_CODE_EVAL_H
#include <setjmp.h>
#include "script/code/code.h"

enum { CODE_ITEMS = 4096, CODE_ROUNDS = 100000, CODE_DEPTH = 32 };
enum code_jump { CODE_ON, CODE_BREAK, CODE_CONTINUE, CODE_RETURN };
struct program;
struct box {
    unsigned count, capacity;
    struct value *items;  /* a dictionary's keys */
    struct value *others; /* a dictionary's values */
};
struct span { /* what can be gone through */
    const struct value *items;
    unsigned count;
};
struct code_function {
    struct code_function *next;
    const char *name, *parameters, *parameters_end;
    const char *body, *body_end;  /* a lambda's expression; NULL: a def, at LINE of PROGRAM */
    struct program *program;
    unsigned line;
    struct code_variable *outer;  /* the variables of the function that it stands in */
};
struct eval {
    struct code *code;
    struct program *program;
    unsigned current;     /* its line */
    const char *at, *end; /* the logical line */
    bool live;            /* false: parse only (the branch not taken) */
    enum code_jump jump;
    struct value returned;
    unsigned depth;       /* of calls */
    struct code_variable *locals, *outer; /* of the function that runs, and of the one that it stands in; NULL in the block itself */
    const char *error_class;      /* of what is being raised: "AssertionError"; NULL: the evaluator's own complaint */
    const char *error_text;
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
/* code_names.c */
/* The next C outside of brackets and quotes in FROM ... TO; TO: there is none. */
const char *eval_outside(const char *from, const char *to, char c);
const struct value *eval_find(struct eval *eval, const char *name, size_t length);
void eval_assign(struct eval *eval, const char *name, size_t length, struct value value);
/* The targets of "a, b[0] = ..." and "for a, (b, c) in ...": what stands between FROM and TO. */
void eval_assign_all(struct eval *eval, const char *from, const char *to, struct value value);
struct value eval_augmented(struct eval *eval, const char *op, const char *from, const char *to, struct value value); /* TARGET OP= value */
void eval_delete(struct eval *eval, const char *from, const char *to);       /* del a, del a[i] */
/* code_data.c: lists, dictionaries, sets */
struct value data_tuple(struct eval *eval, const struct value *items, unsigned count);
struct value data_list(struct eval *eval, const struct value *items, unsigned count);
struct value data_empty(struct eval *eval, enum value_kind kind);
void data_add(struct eval *eval, struct value *data, struct value item);                        /* to a list's end; to a set once */
void data_put(struct eval *eval, struct value *data, const struct value *key, struct value value); /* by index or key */
struct value data_get(struct eval *eval, const struct value *data, const struct value *key);
void data_remove(struct eval *eval, struct value *data, const struct value *key);
bool data_has(const struct value *data, const struct value *item);
struct span data_span(struct eval *eval, const struct value *data); /* a dictionary's keys, a string's characters; fails for what is none */
bool data_is(const struct value *value);                            /* list, tuple, dictionary, set, string */
unsigned data_length(const struct value *value);
struct value data_slice(struct eval *eval, const struct value *data, const int64_t *from, const int64_t *to, int64_t step);
struct value data_arithmetic(struct eval *eval, const char *op, const struct value *a, const struct value *b);
int data_compare(const struct value *a, const struct value *b);
/* code_call.c */
enum { CODE_ARGUMENTS = 64 };
struct arguments {
    unsigned count;
    struct value values[CODE_ARGUMENTS];
    const char *names[CODE_ARGUMENTS]; /* NAME=value, or NULL */
};
void eval_arguments(struct eval *eval, struct arguments *arguments); /* behind "(" */
struct value eval_call(struct eval *eval, const char *name, const struct arguments *arguments);
struct value eval_method(struct eval *eval, struct value *self, const char *name, const struct arguments *arguments);
struct value data_method(struct eval *eval, struct value *self, const char *name, const struct arguments *arguments); /* code_data.c */
struct value call_value(struct eval *eval, const struct value *function, const struct arguments *arguments);
double code_round_down(double x);
double code_power(double base, int64_t exponent);
double code_root(double x);
/* code_text.c */
struct value text_percent(struct eval *eval, const char *pattern, const struct value *values); /* "%d" % values */
struct value text_braces(struct eval *eval, const char *pattern, const struct arguments *arguments); /* "{}".format(...); NULL: f"..." */
struct value text_format(struct eval *eval, const struct value *value, const char *spec);
struct value text_string(struct eval *eval); /* at a quote, or the letters before it */
int text_repr(const struct value *value, char *text, size_t size);
/* code.c: a function that the script defined. */
const struct code_function *program_function(const struct eval *eval, const char *name); /* NULL: none of this name */
struct value program_call(struct eval *eval, const struct code_function *function, const struct arguments *arguments);

static inline struct value code_integer(int64_t number)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = number};
}
static inline struct value code_bool(bool yes)
{
    return (struct value){.kind = VALUE_INTEGER, .is_bool = true, .integer = yes};
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
