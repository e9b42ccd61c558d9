/* test_list.c: the intrusive list against an array, and the seeded generator: the same seed gives the same numbers,
 * bounds are kept and met, a child does not depend on what its parent draws later. */
#include "unit/check.h"
#include "base/list.h"
#include "base/prng.h"

enum { NODES = 32, STEPS = 20000 };
struct node {
    int number;
    struct list link;
};

static void same(struct list *head, const int *model, int count)
{
    int i = 0;
    list_each(it, head)
    {
        assert_true(i < count);
        assert_int_equal(list_entry(it, struct node, link)->number, model[i++]);
        assert_ptr_equal(it->next->prev, it);
    }
    assert_int_equal(i, count);
    assert_int_equal(list_is_empty(head), count == 0);
}

static int drop(int *model, int count, int number)
{
    int at = 0;
    while (at < count && model[at] != number)
        at++;
    if (at == count)
        return count;
    memmove(model + at, model + at + 1, (size_t)(count - at - 1) * sizeof *model);
    return count - 1;
}

static void test_list(void **state)
{
    struct node nodes[NODES] = {0};
    struct list head;
    struct prng prng;
    int model[NODES], count = 0;
    (void)state;
    prng_seed(&prng, 1);
    list_init(&head);
    assert_null(list_pop_front(&head));
    for (int i = 0; i < NODES; i++)
        nodes[i].number = i;
    for (int step = 0; step < STEPS; step++) {
        int number = (int)prng_below(&prng, NODES);
        struct node *node = &nodes[number];
        switch (prng_below(&prng, 4)) {
        case 0:
            if (list_is_linked(&node->link))
                break;
            list_push_back(&head, &node->link);
            model[count++] = number;
            break;
        case 1:
            if (list_is_linked(&node->link))
                break;
            list_push_front(&head, &node->link);
            memmove(model + 1, model, (size_t)count++ * sizeof *model);
            model[0] = number;
            break;
        case 2: /* safe when it is not in the list */
            list_remove(&node->link);
            count = drop(model, count, number);
            break;
        default: {
            struct list *first = list_pop_front(&head);
            assert_int_equal(first != NULL, count > 0);
            if (first)
                assert_int_equal(list_entry(first, struct node, link)->number, model[0]);
            count = count ? drop(model, count, model[0]) : 0;
        }
        }
        same(&head, model, count);
    }
    list_each(it, &head) list_remove(it); /* the loop survives the removal of where it is */
    assert_true(list_is_empty(&head));
}

static void test_prng(void **state)
{
    struct prng a, b, other, child, again;
    unsigned seen[6] = {0};
    (void)state;
    prng_seed(&a, 7);
    prng_seed(&b, 7);
    prng_seed(&other, 8);
    unsigned equal = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = prng_next(&a);
        assert_int_equal(value, prng_next(&b));
        equal += value == prng_next(&other);
    }
    assert_int_equal(equal, 0);
    prng_fork(&a, 1, &child);
    prng_fork(&b, 1, &again);
    (void)prng_next(&b);
    for (int i = 0; i < 100; i++)
        assert_int_equal(prng_next(&child), prng_next(&again));
    prng_fork(&a, 2, &again);
    assert_int_not_equal(prng_next(&child), prng_next(&again));
    for (int i = 0; i < 6000; i++)
        seen[prng_below(&a, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 850, 1150); /* 1000, five deviations */
    assert_int_equal(prng_below(&a, 0), 0);
    assert_int_equal(prng_below(&a, 1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(prng_below(&a, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_prng)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
