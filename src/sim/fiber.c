/* fiber.c: switching stacks: by hand on x86-64 and aarch64 (System V ABI: only callee-saved registers), by ucontext
 * elsewhere or with -DLIL_FIBER_UCONTEXT. The sanitizers are told of every switch. Read fiber.h first. */
#include "sim/fiber.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(LIL_FIBER_UCONTEXT)
#define LIL_FIBER_UCONTEXT 1
#endif
#ifdef LIL_FIBER_UCONTEXT
#include <ucontext.h>
#endif

enum { FIBER_STACK_BYTES = 256 * 1024 }; /* only touched pages cost memory */
struct fiber_stack {                     /* lies at the top of its own mapping */
    struct fiber_stack *next;
    uint8_t *mapping;
    size_t mapping_size, guard_size;
};
struct fiber {
    struct fiber_set *set;
    fiber_main_fn *main;
    void *argument;
    struct fiber_stack *stack;
    void *sp;
    int saved_errno;
    bool done;
    void *fake_stack, *tsan;
#ifdef LIL_FIBER_UCONTEXT
    ucontext_t context;
#endif
};

#ifndef LIL_FIBER_UCONTEXT
/* Saves the callee-saved registers on this stack, its pointer in *SAVE, and goes on where LOAD was saved. */
void lil_fiber_switch(void **save, void *load) __attribute__((visibility("hidden")));
void lil_fiber_start(void) __attribute__((visibility("hidden")));
#endif
#if defined(__x86_64__) && !defined(LIL_FIBER_UCONTEXT)
__asm__(
    ".text\n.hidden lil_fiber_switch\n.globl lil_fiber_switch\n.type lil_fiber_switch,@function\nlil_fiber_switch:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    subq $8, %rsp\n    stmxcsr (%rsp)\n    fnstcw 4(%rsp)\n"
    "    movq %rsp, (%rdi)\n    movq %rsi, %rsp\n"
    "    ldmxcsr (%rsp)\n    fldcw 4(%rsp)\n    addq $8, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n    ret\n"
    ".size lil_fiber_switch,.-lil_fiber_switch\n"
    /* The first frame: r12 holds the function, r13 its argument; nothing to return to. */
    ".hidden lil_fiber_start\n.globl lil_fiber_start\n.type lil_fiber_start,@function\nlil_fiber_start:\n"
    "    xorl %ebp, %ebp\n    movq %r13, %rdi\n    callq *%r12\n    ud2\n"
    ".size lil_fiber_start,.-lil_fiber_start\n");
static void *prepare_stack(uint8_t *top, void (*entry)(struct fiber *), struct fiber *fiber)
{
    uint64_t *sp = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15);
    *--sp = 0; /* so that lil_fiber_start's call leaves the ABI's alignment */
    *--sp = 0;
    *--sp = (uint64_t)(uintptr_t)lil_fiber_start;
    *--sp = 0;                              /* rbp */
    *--sp = 0;                              /* rbx */
    *--sp = (uint64_t)(uintptr_t)entry;     /* r12 */
    *--sp = (uint64_t)(uintptr_t)fiber;     /* r13 */
    *--sp = 0;                              /* r14 */
    *--sp = 0;                              /* r15 */
    *--sp = 0x1f80 | (uint64_t)0x37f << 32; /* mxcsr and x87 control word as at program start */
    return sp;
}
#elif defined(__aarch64__) && !defined(LIL_FIBER_UCONTEXT)
__asm__(
    ".text\n.hidden lil_fiber_switch\n.globl lil_fiber_switch\n.type lil_fiber_switch,%function\nlil_fiber_switch:\n"
    "    sub sp, sp, #160\n    stp x19, x20, [sp, #0]\n    stp x21, x22, [sp, #16]\n    stp x23, x24, [sp, #32]\n"
    "    stp x25, x26, [sp, #48]\n    stp x27, x28, [sp, #64]\n    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n    stp d10, d11, [sp, #112]\n    stp d12, d13, [sp, #128]\n    stp d14, d15, [sp, "
    "#144]\n"
    "    mov x9, sp\n    str x9, [x0]\n    mov sp, x1\n"
    "    ldp x19, x20, [sp, #0]\n    ldp x21, x22, [sp, #16]\n    ldp x23, x24, [sp, #32]\n"
    "    ldp x25, x26, [sp, #48]\n    ldp x27, x28, [sp, #64]\n    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n    ldp d10, d11, [sp, #112]\n    ldp d12, d13, [sp, #128]\n    ldp d14, d15, [sp, "
    "#144]\n"
    "    add sp, sp, #160\n    ret\n.size lil_fiber_switch,.-lil_fiber_switch\n"
    ".hidden lil_fiber_start\n.globl lil_fiber_start\n.type lil_fiber_start,%function\nlil_fiber_start:\n"
    "    mov x29, #0\n    mov x30, #0\n    mov x0, x20\n    blr x19\n    brk #1\n"
    ".size lil_fiber_start,.-lil_fiber_start\n");
static void *prepare_stack(uint8_t *top, void (*entry)(struct fiber *), struct fiber *fiber)
{
    uint64_t *sp = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15) - 20;
    memset(sp, 0, 160);
    sp[0] = (uint64_t)(uintptr_t)entry;            /* x19 */
    sp[1] = (uint64_t)(uintptr_t)fiber;            /* x20 */
    sp[11] = (uint64_t)(uintptr_t)lil_fiber_start; /* x30 */
    return sp;
}
#endif

void fiber_set_init(struct fiber_set *set)
{
    memset(set, 0, sizeof(*set));
}

static void stack_unmap(struct fiber_stack *stack)
{
    munmap(stack->mapping, stack->mapping_size);
}

void fiber_set_fini(struct fiber_set *set)
{
    while (set->free_stacks) {
        struct fiber_stack *stack = set->free_stacks;
        set->free_stacks = stack->next;
        stack_unmap(stack);
    }
#ifdef LIL_FIBER_UCONTEXT
    free(set->owner_context);
#endif
    memset(set, 0, sizeof(*set));
}

static struct fiber_stack *stack_new(struct fiber_set *set)
{
    struct fiber_stack *stack = set->free_stacks;
    if (stack) {
        set->free_stacks = stack->next;
        return stack;
    }
    size_t guard = (size_t)sysconf(_SC_PAGESIZE), size = FIBER_STACK_BYTES + guard;
    uint8_t *mapping =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED)
        return NULL;
    if (mprotect(mapping, guard, PROT_NONE) != 0) {
        munmap(mapping, size);
        return NULL;
    }
    stack = (struct fiber_stack *)(mapping + size) - 1;
    *stack = (struct fiber_stack){.mapping = mapping, .mapping_size = size, .guard_size = guard};
    set->stacks_mapped++;
    return stack;
}

static void stack_give_back(struct fiber *fiber)
{
    if (!fiber->stack)
        return;
#ifdef FIBER_ASAN
    /* What the forgotten frames left poisoned must not hurt the next user. */
    ASAN_UNPOISON_MEMORY_REGION(fiber->stack->mapping + fiber->stack->guard_size, FIBER_STACK_BYTES);
#endif
    fiber->stack->next = fiber->set->free_stacks;
    fiber->set->free_stacks = fiber->stack;
    fiber->stack = NULL;
}

struct fiber *fiber_new(struct fiber_set *set, fiber_main_fn *main, void *argument)
{
    struct fiber *fiber = calloc(1, sizeof(*fiber));
    if (!fiber)
        return NULL;
    fiber->set = set;
    fiber->main = main;
    fiber->argument = argument;
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return;
    assert(fiber->set->current != fiber);
    stack_give_back(fiber);
#ifdef FIBER_TSAN
    if (fiber->tsan)
        __tsan_destroy_fiber(fiber->tsan);
#endif
    free(fiber);
}

bool fiber_is_started(const struct fiber *fiber)
{
    return fiber->stack != NULL || fiber->done;
}

bool fiber_is_done(const struct fiber *fiber)
{
    return fiber->done;
}

/* --- the switch, with what the sanitizers want to know before and after it ---------------------------------------- */
static void enter_fiber_side(struct fiber *fiber)
{
    (void)fiber;
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &fiber->set->owner_stack, &fiber->set->owner_stack_size);
#endif
}

static void leave_fiber(struct fiber *fiber)
{
    struct fiber_set *set = fiber->set;
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(fiber->done ? NULL : &fiber->fake_stack, set->owner_stack, set->owner_stack_size);
#endif
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(set->owner_tsan, 0);
#endif
#ifdef LIL_FIBER_UCONTEXT
    swapcontext(&fiber->context, set->owner_context);
#else
    lil_fiber_switch(&fiber->sp, set->owner_sp);
#endif
    enter_fiber_side(fiber);
}

static void fiber_entry(struct fiber *fiber)
{
    enter_fiber_side(fiber);
    errno = 0;
    fiber->main(fiber->argument);
    fiber_exit(fiber->set);
}

#ifdef LIL_FIBER_UCONTEXT
static void ucontext_entry(unsigned high, unsigned low)
{
    fiber_entry((struct fiber *)(uintptr_t)((uint64_t)high << 32 | low));
}
#endif

static int fiber_start(struct fiber *fiber)
{
    fiber->stack = stack_new(fiber->set);
    if (!fiber->stack)
        return -ENOMEM;
#ifdef FIBER_TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
#ifdef LIL_FIBER_UCONTEXT
    struct fiber_set *set = fiber->set;
    if (!set->owner_context && !(set->owner_context = calloc(1, sizeof(ucontext_t))))
        return -ENOMEM;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack->mapping + fiber->stack->guard_size;
    fiber->context.uc_stack.ss_size = FIBER_STACK_BYTES - sizeof(struct fiber_stack);
    fiber->context.uc_link = NULL;
    uint64_t address = (uint64_t)(uintptr_t)fiber;
    makecontext(&fiber->context, (void (*)(void))ucontext_entry, 2, (unsigned)(address >> 32), (unsigned)address);
#else
    fiber->sp = prepare_stack((uint8_t *)fiber->stack, fiber_entry, fiber);
#endif
    return 0;
}

int fiber_resume(struct fiber *fiber)
{
    struct fiber_set *set = fiber->set;
    assert(!set->current && !fiber->done);
    int result = fiber->stack ? 0 : fiber_start(fiber), owner_errno = errno;
    if (result < 0)
        return result;
    set->current = fiber;
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(&set->owner_fake_stack, fiber->stack->mapping + fiber->stack->guard_size,
                                   FIBER_STACK_BYTES);
#endif
#ifdef FIBER_TSAN
    set->owner_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan, 0);
#endif
    errno = fiber->saved_errno;
#ifdef LIL_FIBER_UCONTEXT
    swapcontext(set->owner_context, &fiber->context);
#else
    lil_fiber_switch(&set->owner_sp, fiber->sp);
#endif
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(set->owner_fake_stack, NULL, NULL);
#endif
    set->current = NULL;
    errno = owner_errno;
    if (fiber->done)
        stack_give_back(fiber);
    return 0;
}

void fiber_suspend(struct fiber_set *set)
{
    struct fiber *fiber = set->current;
    assert(fiber);
    fiber->saved_errno = errno;
    leave_fiber(fiber);
    errno = fiber->saved_errno;
}

_Noreturn void fiber_exit(struct fiber_set *set)
{
    struct fiber *fiber = set->current;
    assert(fiber);
    fiber->done = true;
    leave_fiber(fiber);
    abort(); /* nobody resumes what is done */
}
