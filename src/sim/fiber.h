/* fiber.h: a C function on a stack of its own that can stop in the middle and go on later: how a simulated program
 * blocks. One set of fibers a world; fiber_resume runs one from the set's owner until it suspends or ends, never from
 * another fiber. errno is each fiber's own. A stack (with a guard page below it) is mapped at the first run and goes
 * back to the set's pool at the end. */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H
#include "base/base.h"

struct fiber;
struct fiber_stack;
struct fiber_set {
    struct fiber *current; /* NULL: the owner runs */
    struct fiber_stack *free_stacks;
    uint32_t stacks_mapped;
    void *owner_sp;          /* where fiber_resume was called */
    void *owner_context;     /* ucontext fallback */
    const void *owner_stack; /* what the address sanitizer calls the owner's stack */
    size_t owner_stack_size;
    void *owner_fake_stack, *owner_tsan;
};
typedef void fiber_main_fn(void *argument);

void fiber_set_init(struct fiber_set *set);
void fiber_set_fini(struct fiber_set *set);                                          /* all fibers are freed already */
struct fiber *fiber_new(struct fiber_set *set, fiber_main_fn *main, void *argument); /* NULL: memory */
void fiber_free(struct fiber *fiber); /* a suspended one is forgotten where it stands */
/* Runs FIBER until it suspends or ends. -ENOMEM: no stack. */
int fiber_resume(struct fiber *fiber) MUST_CHECK;
void fiber_suspend(struct fiber_set *set);
/* Ends the current fiber here, without returning through its callers. */
_Noreturn void fiber_exit(struct fiber_set *set);
bool fiber_is_started(const struct fiber *fiber);
bool fiber_is_done(const struct fiber *fiber);

#endif
