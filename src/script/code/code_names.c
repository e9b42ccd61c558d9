/* code_names.c: the variables of %{ code }%, and what an assignment may have on its left: names, a[i], a, *b, (a, b). See code.h. */
#include <ctype.h>
#include <string.h>
#include "base/base.h"
#include "script/code/code_eval.h"

/* --- variables: those of the function first ----------------------------------------------------------------------- */
static struct code_variable *find_in(struct code_variable *list, const char *name, size_t length)
{
    while (list && (strlen(list->name) != length || memcmp(list->name, name, length) != 0))
        list = list->next;
    return list;
}

const struct value *eval_find(struct eval *eval, const char *name, size_t length)
{
    struct code_variable *found = find_in(eval->locals, name, length);
    if (!found)
        found = find_in(eval->outer, name, length);
    if (!found || found->is_global)
        found = find_in(eval->code->variables, name, length);
    return found ? &found->value : NULL;
}

void eval_assign(struct eval *eval, const char *name, size_t length, struct value value)
{
    struct code_variable **list = eval->depth ? &eval->locals : &eval->code->variables,
                         *found = find_in(*list, name, length);
    if (!eval->live)
        return;
    if (found && found->is_global) {
        list = &eval->code->variables;
        found = find_in(*list, name, length);
    }
    if (!found) {
        found = arena_alloc(eval->code->arena, sizeof *found);
        found->name = arena_copy(eval->code->arena, name, length);
        found->next = *list;
        *list = found;
    }
    found->value = value;
}

static struct value eval_text(struct eval *eval, const char *from, const char *to)
{
    const char *at = eval->at, *end = eval->end;
    eval->at = from;
    eval->end = to;
    struct value value = eval_tuple(eval);
    eval_blank(eval);
    if (eval->at < eval->end)
        eval_fail(eval, CODE_ERROR, "syntax error at \"%.*s\"", (int)(eval->end - eval->at > 20 ? 20 : eval->end - eval->at), eval->at);
    eval->at = at;
    eval->end = end;
    return value;
}

const char *eval_outside(const char *from, const char *to, char c)
{
    int depth = 0;
    char quote = 0;
    for (; from < to; from++) {
        if (quote)
            quote = *from == quote ? 0 : quote;
        else if (*from == '\'' || *from == '"')
            quote = *from;
        else if (depth == 0 && *from == c)
            return from;
        else if (strchr("([{", *from))
            depth++;
        else if (strchr(")]}", *from))
            depth--;
    }
    return to;
}

static void trim(const char **from, const char **to)
{
    while (*from < *to && isspace((unsigned char)**from))
        (*from)++;
    while (*to > *from && isspace((unsigned char)(*to)[-1]))
        (*to)--;
}

/* The bracket that the last one of FROM ... TO closes: a[b][c] -> [c]. */
static const char *last_index(const char *from, const char *to)
{
    const char *found = NULL;
    for (const char *p = from; (p = eval_outside(p, to, '[')) < to; p++) {
        found = p;
        for (int depth = 0; p < to; p++) {
            depth += (*p == '[') - (*p == ']');
            if (depth == 0)
                break;
        }
    }
    return found && to[-1] == ']' ? found : NULL;
}

static void assign_many(struct eval *eval, const char *from, const char *to, struct value value)
{
    unsigned count = 0, star = ~0u, k = 0;
    for (const char *p = from; p < to; count++) {
        const char *end = eval_outside(p, to, ','), *begin = p, *last = end;
        trim(&begin, &last);
        if (begin == last)
            break;
        star = *begin == '*' ? count : star;
        p = end + 1;
    }
    struct span span = data_span(eval, &value);
    unsigned rest = star != ~0u && span.count + 1 >= count ? span.count + 1 - count : 0;
    if (span.count + (star != ~0u) < count)
        eval_fail(eval, CODE_ERROR, "too few values to unpack");
    if (span.count > count && star == ~0u)
        eval_fail(eval, CODE_ERROR, "too many values to unpack");
    for (unsigned i = 0; i < count; i++) {
        const char *end = eval_outside(from, to, ','), *begin = from, *last = end;
        trim(&begin, &last);
        if (i == star)
            eval_assign_all(eval, begin + 1, last, data_list(eval, span.items + k, rest));
        else
            eval_assign_all(eval, begin, last, span.items[k]);
        k += i == star ? rest : 1;
        from = end + 1;
    }
}

void eval_assign_all(struct eval *eval, const char *from, const char *to, struct value value)
{
    trim(&from, &to);
    if (!eval->live || from == to)
        return;
    if (eval_outside(from, to, ',') < to) {
        assign_many(eval, from, to, value);
        return;
    }
    if (*from == '(' || *from == '[') {
        assign_many(eval, from + 1, to - 1, value);
        return;
    }
    const char *index = last_index(from, to);
    if (index) {
        struct value data = eval_text(eval, from, index), key = eval_text(eval, index + 1, to - 1);
        data_put(eval, &data, &key, value);
        return;
    }
    const char *colon = eval_outside(from, to, ':'); /* x: int = 5 */
    to = colon < to ? colon : to;
    trim(&from, &to);
    for (const char *p = from; p < to; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            eval_fail(eval, *p == '.' ? CODE_UNSUPPORTED : CODE_ERROR, "cannot assign to %.*s", (int)(to - from), from);
    eval_assign(eval, from, (size_t)(to - from), value);
}

struct value eval_augmented(struct eval *eval, const char *op, const char *from, const char *to, struct value value)
{
    struct value old = eval_text(eval, from, to);
    if (old.kind != VALUE_LIST || strcmp(op, "+") != 0)
        return eval_arithmetic(eval, op, old, value);
    struct span span = data_span(eval, &value); /* a list is changed itself */
    for (unsigned i = 0, count = span.count; i < count; i++)
        data_add(eval, &old, span.items[i]);
    return old;
}

void eval_delete(struct eval *eval, const char *from, const char *to)
{
    trim(&from, &to);
    const char *index = last_index(from, to);
    if (!eval->live)
        return;
    if (!index) {
        struct code_variable **list = eval->depth ? &eval->locals : &eval->code->variables,
                             *found = find_in(*list, from, (size_t)(to - from));
        while (*list && *list != found)
            list = &(*list)->next;
        if (!found)
            eval_fail(eval, CODE_ERROR, "unknown name %.*s", (int)(to - from), from);
        *list = found->next;
        return;
    }
    struct value data = eval_text(eval, from, index), key = eval_text(eval, index + 1, to - 1);
    data_remove(eval, &data, &key);
}
