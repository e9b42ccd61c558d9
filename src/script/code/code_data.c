/* code_data.c: tuples, lists, dictionaries and sets of %{ code }%, and their methods. A list, dictionary or set is a
 * box that all who name it share, as in Python. Keys are found by going through them: there are few. See code.h. */
#include "script/code/code_eval.h"
#include <stdlib.h>
#include <string.h>

struct value data_tuple(struct eval *eval, const struct value *items, unsigned count)
{
    struct value tuple = {.kind = VALUE_TUPLE, .count = count};
    tuple.items = arena_alloc(eval->code->arena, (count + 1) * sizeof *tuple.items);
    if (count)
        memcpy(tuple.items, items, count * sizeof *items);
    return tuple;
}

struct value data_empty(struct eval *eval, enum value_kind kind)
{
    struct value data = {.kind = kind, .box = arena_alloc(eval->code->arena, sizeof *data.box)};
    *data.box = (struct box){0};
    return data;
}

static void reserve(struct eval *eval, struct box *box)
{
    if (box->count < box->capacity)
        return;
    unsigned capacity = box->capacity ? box->capacity * 2 : 8;
    if (capacity > CODE_ITEMS * 4)
        eval_fail(eval, CODE_UNSUPPORTED, "more than %d items", CODE_ITEMS * 4);
    struct value *items = arena_alloc(eval->code->arena, capacity * sizeof *items),
                 *others = arena_alloc(eval->code->arena, capacity * sizeof *others);
    if (box->count) {
        memcpy(items, box->items, box->count * sizeof *items);
        memcpy(others, box->others, box->count * sizeof *others);
    }
    *box = (struct box){.count = box->count, .capacity = capacity, .items = items, .others = others};
}

static void append(struct eval *eval, struct box *box, struct value item, struct value other)
{
    reserve(eval, box);
    box->items[box->count] = item;
    box->others[box->count++] = other;
}

struct value data_list(struct eval *eval, const struct value *items, unsigned count)
{
    struct value list = data_empty(eval, VALUE_LIST);
    for (unsigned i = 0; i < count; i++)
        append(eval, list.box, items[i], (struct value){0});
    return list;
}

static int find(const struct box *box, const struct value *item)
{
    for (unsigned i = 0; i < box->count; i++)
        if (eval_compare(&box->items[i], item) == 0)
            return (int)i;
    return -1;
}

bool data_is(const struct value *value)
{
    return value->kind == VALUE_TUPLE || value->kind == VALUE_STRING || value->box;
}

unsigned data_length(const struct value *value)
{
    return value->kind == VALUE_STRING ? (unsigned)strlen(value->text) : value->box ? value->box->count : value->count;
}

struct span data_span(struct eval *eval, const struct value *data)
{
    if (data->kind == VALUE_TUPLE)
        return (struct span){data->items, data->count};
    if (data->box)
        return (struct span){data->box->items, data->box->count};
    if (data->kind != VALUE_STRING)
        eval_fail(eval, CODE_ERROR, "what is no list cannot be gone through");
    unsigned count = (unsigned)strlen(data->text);
    struct value *items = arena_alloc(eval->code->arena, (count + 1) * sizeof *items);
    for (unsigned i = 0; i < count; i++)
        items[i] = code_string(arena_copy(eval->code->arena, data->text + i, 1));
    return (struct span){items, count};
}

void data_add(struct eval *eval, struct value *data, struct value item)
{
    if (data->kind != VALUE_SET || find(data->box, &item) < 0)
        append(eval, data->box, item, (struct value){0});
}

/* The place of an index, from the end when it is negative. */
static unsigned place(struct eval *eval, const struct value *data, const struct value *key)
{
    int64_t count = data_length(data), i = key->integer < 0 ? key->integer + count : key->integer;
    if (key->kind != VALUE_INTEGER)
        eval_fail(eval, CODE_ERROR, "an index is a whole number");
    if (i < 0 || i >= count) {
        eval->error_class = "IndexError";
        eval_fail(eval, CODE_ERROR, "index out of range");
    }
    return (unsigned)i;
}

static int find_key(struct eval *eval, const struct value *data, const struct value *key)
{
    int i = find(data->box, key);
    char text[80];
    if (i < 0) {
        eval->error_class = "KeyError";
        text_repr(key, text, sizeof text);
        eval_fail(eval, CODE_ERROR, "no key %s", text);
    }
    return i;
}

struct value data_get(struct eval *eval, const struct value *data, const struct value *key)
{
    if (data->kind == VALUE_DICT)
        return data->box->others[find_key(eval, data, key)];
    if (data->kind == VALUE_STRING)
        return code_string(arena_copy(eval->code->arena, data->text + place(eval, data, key), 1));
    if (data->kind != VALUE_TUPLE && data->kind != VALUE_LIST)
        eval_fail(eval, CODE_ERROR, "what is no list has no index");
    return data->kind == VALUE_TUPLE ? data->items[place(eval, data, key)] : data->box->items[place(eval, data, key)];
}

void data_put(struct eval *eval, struct value *data, const struct value *key, struct value value)
{
    if (data->kind == VALUE_LIST) {
        data->box->items[place(eval, data, key)] = value;
        return;
    }
    if (data->kind != VALUE_DICT)
        eval_fail(eval, CODE_ERROR, "what is neither a list nor a dictionary cannot be changed");
    int i = find(data->box, key);
    if (i < 0)
        append(eval, data->box, *key, value);
    else
        data->box->others[i] = value;
}

static void remove_at(struct box *box, unsigned i)
{
    memmove(box->items + i, box->items + i + 1, (box->count - i - 1) * sizeof *box->items);
    memmove(box->others + i, box->others + i + 1, (box->count - i - 1) * sizeof *box->others);
    box->count--;
}

void data_remove(struct eval *eval, struct value *data, const struct value *key)
{
    if (!data->box || data->kind == VALUE_SET)
        eval_fail(eval, CODE_ERROR, "nothing can be taken out of this");
    remove_at(data->box, data->kind == VALUE_DICT ? (unsigned)find_key(eval, data, key) : place(eval, data, key));
}

bool data_has(const struct value *data, const struct value *item)
{
    if (data->kind == VALUE_STRING)
        return item->kind == VALUE_STRING && strstr(data->text, item->text) != NULL;
    if (data->box)
        return find(data->box, item) >= 0;
    for (unsigned i = 0; i < data->count; i++)
        if (eval_compare(&data->items[i], item) == 0)
            return true;
    return false;
}

struct value data_slice(struct eval *eval, const struct value *data, const int64_t *from, const int64_t *to, int64_t step)
{
    int64_t count = data_length(data), first = step > 0 ? 0 : count - 1, last = step > 0 ? count : -1;
    struct span span = data_span(eval, data);
    if (step == 0 || data->kind == VALUE_DICT || data->kind == VALUE_SET)
        eval_fail(eval, CODE_ERROR, "no slice of this");
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1;
    if (from)
        first = *from < 0 ? *from + count : *from;
    if (to)
        last = *to < 0 ? *to + count : *to;
    first = first < low ? low : first > high ? high : first;
    last = last < low ? low : last > high ? high : last;
    struct value *items = arena_alloc(eval->code->arena, (size_t)(count + 1) * sizeof *items);
    unsigned n = 0;
    for (int64_t i = first; step > 0 ? i < last : i > last; i += step)
        items[n++] = span.items[i];
    if (data->kind == VALUE_STRING) {
        char *text = arena_alloc(eval->code->arena, n + 1);
        for (unsigned i = 0; i < n; i++)
            text[i] = items[i].text[0];
        text[n] = 0;
        return code_string(text);
    }
    return data->kind == VALUE_LIST ? data_list(eval, items, n) : data_tuple(eval, items, n);
}

/* + and * of strings and lists, | & - of sets. */
struct value data_arithmetic(struct eval *eval, const char *op, const struct value *a, const struct value *b)
{
    if (op[0] == '*' && !op[1] && a->kind == VALUE_INTEGER) {
        const struct value *swap = a;
        a = b;
        b = swap;
    }
    struct value out = a->kind == VALUE_SET || a->kind == VALUE_DICT ? data_empty(eval, a->kind) : data_empty(eval, VALUE_LIST);
    bool is_repeat = op[0] == '*' && !op[1] && b->kind == VALUE_INTEGER && a->kind != VALUE_SET && a->kind != VALUE_DICT;
    bool is_joint = op[0] == '+' && a->kind == b->kind && a->kind != VALUE_SET && a->kind != VALUE_DICT;
    bool is_set = a->kind == VALUE_SET && b->kind == VALUE_SET && strchr("|&-", op[0]);
    if (!is_repeat && !is_joint && !is_set && !(a->kind == VALUE_DICT && b->kind == VALUE_DICT && op[0] == '|'))
        eval_fail(eval, CODE_ERROR, "operator %s on what is no number", op);
    if (a->kind == VALUE_STRING) {
        const char *text = is_joint ? arena_printf(eval->code->arena, "%s%s", a->text, b->text) : "";
        for (int64_t i = 0; is_repeat && i < b->integer && strlen(text) < 65536; i++)
            text = arena_printf(eval->code->arena, "%s%s", text, a->text);
        return code_string(text);
    }
    struct span left = data_span(eval, a);
    for (int64_t round = 0; round < (is_repeat ? b->integer : 1); round++)
        for (unsigned i = 0; i < left.count; i++)
            if (!is_set || op[0] == '|' || data_has(b, &left.items[i]) == (op[0] == '&'))
                append(eval, out.box, left.items[i], a->kind == VALUE_DICT ? a->box->others[i] : (struct value){0});
    if (is_joint || op[0] == '|') {
        struct span right = data_span(eval, b);
        for (unsigned i = 0; i < right.count; i++)
            if (a->kind == VALUE_DICT)
                data_put(eval, &out, &right.items[i], b->box->others[i]);
            else
                data_add(eval, &out, right.items[i]);
    }
    return a->kind == VALUE_TUPLE ? data_tuple(eval, out.box->items, out.box->count) : out;
}

int data_compare(const struct value *a, const struct value *b)
{
    unsigned m = data_length(a), n = data_length(b);
    const struct value *x = a->box ? a->box->items : a->items, *y = b->box ? b->box->items : b->items;
    if (a->kind != b->kind)
        return 2;
    if (a->kind == VALUE_SET || a->kind == VALUE_DICT) {
        for (unsigned i = 0; i < m; i++) {
            int at = find(b->box, &x[i]);
            if (at < 0 || (a->kind == VALUE_DICT && eval_compare(&a->box->others[i], &b->box->others[at]) != 0))
                return 2;
        }
        return m == n ? 0 : 2;
    }
    for (unsigned i = 0; i < m && i < n; i++) {
        int order = eval_compare(&x[i], &y[i]);
        if (order)
            return order;
    }
    return (m > n) - (m < n);
}

/* --- methods ---------------------------------------------------------------------------------------------------------------- */
static struct value pairs_of(struct eval *eval, const struct box *box)
{
    struct value list = data_empty(eval, VALUE_LIST);
    for (unsigned i = 0; i < box->count; i++)
        data_add(eval, &list, data_tuple(eval, (struct value[]){box->items[i], box->others[i]}, 2));
    return list;
}

static bool dict_method(struct eval *eval, struct value *self, const char *name, const struct arguments *arguments, struct value *out)
{
    struct box *box = self->box;
    const struct value *first = arguments->values, none = {.kind = VALUE_NONE};
    const struct value *other = arguments->count > 1 ? &arguments->values[1] : &none;
    if (strcmp(name, "keys") == 0) {
        *out = data_list(eval, box->items, box->count);
    } else if (strcmp(name, "values") == 0) {
        *out = data_list(eval, box->others, box->count);
    } else if (strcmp(name, "items") == 0) {
        *out = pairs_of(eval, box);
    } else if (strcmp(name, "get") == 0 && arguments->count) {
        int i = find(box, first);
        *out = i < 0 ? *other : box->others[i];
    } else if (strcmp(name, "setdefault") == 0 && arguments->count) {
        if (find(box, first) < 0)
            append(eval, box, *first, *other);
        *out = box->others[find(box, first)];
    } else if (strcmp(name, "pop") == 0 && arguments->count) {
        int i = arguments->count > 1 ? find(box, first) : find_key(eval, self, first);
        *out = i < 0 ? *other : box->others[i];
        if (i >= 0)
            remove_at(box, (unsigned)i);
    } else if (strcmp(name, "update") == 0 && (!arguments->count || first->kind == VALUE_DICT)) {
        for (unsigned i = 0; arguments->count && !arguments->names[0] && i < first->box->count; i++)
            data_put(eval, self, &first->box->items[i], first->box->others[i]);
        for (unsigned i = 0; i < arguments->count; i++)
            if (arguments->names[i])
                data_put(eval, self, &(struct value){.kind = VALUE_STRING, .text = arguments->names[i]}, arguments->values[i]);
    } else {
        return false;
    }
    return true;
}

static bool list_method(struct eval *eval, struct value *self, const char *name, const struct arguments *arguments, struct value *out)
{
    struct box *box = self->box;
    const struct value *first = arguments->values;
    if (strcmp(name, "append") == 0 && arguments->count == 1) {
        append(eval, box, *first, (struct value){0});
    } else if (strcmp(name, "extend") == 0 && arguments->count == 1) {
        struct span span = data_span(eval, first);
        for (unsigned i = 0; i < span.count; i++)
            append(eval, box, span.items[i], (struct value){0});
    } else if (strcmp(name, "insert") == 0 && arguments->count == 2) {
        int64_t at = first->integer < 0 ? first->integer + box->count : first->integer;
        at = at < 0 ? 0 : at > box->count ? box->count : at;
        append(eval, box, arguments->values[1], (struct value){0});
        memmove(box->items + at + 1, box->items + at, (box->count - 1 - (unsigned)at) * sizeof *box->items);
        box->items[at] = arguments->values[1];
    } else if (strcmp(name, "pop") == 0) {
        unsigned at = place(eval, self, arguments->count ? first : &(struct value){.kind = VALUE_INTEGER, .integer = -1});
        *out = box->items[at];
        remove_at(box, at);
    } else if (strcmp(name, "reverse") == 0) {
        for (unsigned i = 0; i < box->count / 2; i++) {
            struct value swap = box->items[i];
            box->items[i] = box->items[box->count - 1 - i];
            box->items[box->count - 1 - i] = swap;
        }
    } else if (strcmp(name, "sort") == 0) {
        struct arguments sorting = *arguments;
        memmove(sorting.values + 1, arguments->values, arguments->count * sizeof *sorting.values);
        memmove(sorting.names + 1, arguments->names, arguments->count * sizeof *sorting.names);
        sorting.values[0] = *self;
        sorting.names[0] = NULL;
        sorting.count = arguments->count + 1;
        struct value sorted = eval_call(eval, "sorted", &sorting);
        memcpy(box->items, sorted.box->items, box->count * sizeof *box->items);
    } else if (strcmp(name, "remove") == 0 && arguments->count == 1 && find(box, first) >= 0) {
        remove_at(box, (unsigned)find(box, first));
    } else {
        return false;
    }
    return true;
}

struct value data_method(struct eval *eval, struct value *self, const char *name, const struct arguments *arguments)
{
    struct value out = {.kind = VALUE_NONE};
    const struct value *first = arguments->values;
    struct span span = data_span(eval, self);
    if (self->kind == VALUE_DICT && dict_method(eval, self, name, arguments, &out))
        return out;
    if (self->kind == VALUE_LIST && list_method(eval, self, name, arguments, &out))
        return out;
    if (self->kind == VALUE_SET && (strcmp(name, "add") == 0 || strcmp(name, "discard") == 0) && arguments->count == 1) {
        int i = find(self->box, first);
        if (name[0] == 'a')
            data_add(eval, self, *first);
        else if (i >= 0)
            remove_at(self->box, (unsigned)i);
        return out;
    }
    if (self->box && strcmp(name, "clear") == 0) {
        self->box->count = 0;
        return out;
    }
    if (self->box && strcmp(name, "copy") == 0)
        return self->kind == VALUE_LIST ? data_list(eval, span.items, span.count) : data_arithmetic(eval, "|", self, self);
    if (strcmp(name, "count") == 0 && arguments->count == 1) {
        for (unsigned i = 0; i < span.count; i++)
            out.integer += eval_compare(&span.items[i], first) == 0;
        return code_integer(out.integer);
    }
    if (strcmp(name, "index") == 0 && arguments->count == 1) {
        for (unsigned i = 0; i < span.count; i++)
            if (eval_compare(&span.items[i], first) == 0)
                return code_integer(i);
        eval->error_class = "ValueError";
        eval_fail(eval, CODE_ERROR, "index(): it is not there");
    }
    eval_fail(eval, CODE_UNSUPPORTED, "the method %s() is not known here", name);
}
