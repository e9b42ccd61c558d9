/* code_eval.h: private to code.c (statements) and code_eval.c (expressions). */
#ifndef SCRIPT_CODE_EVAL_H
#define SCRIPT_CODE_EVAL_H
#include <setjmp.h>
#include "script/code.h"

struct eval {
    struct code *code;
    const char *at, *end; /* the logical line */
    bool live;            /* false: parse only (the branch not taken) */
    jmp_buf fail;
    enum code_result result;
    char *message;
    size_t size;
    char names[256];      /* "tcpi_cwnd=10, ..." as they were looked up */
};
_Noreturn void eval_fail(struct eval *eval, enum code_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct value eval_expression(struct eval *eval);
struct value eval_tuple(struct eval *eval); /* a, b */
bool eval_true(const struct value *value);
void eval_blank(struct eval *eval);
bool eval_take(struct eval *eval, const char *text);
bool eval_word(struct eval *eval, const char *word);
struct value eval_arithmetic(struct eval *eval, const char *operator, struct value a, struct value b);
#endif
