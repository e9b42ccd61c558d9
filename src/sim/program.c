/* program.c: programs on simulated hosts: fibers whose sleeping calls are events of the world. Implements struct
 * proc_runtime (host/ runtime.h) and the program part of world.h. A killed program finds its blocking call interrupted
 * (EINTR) once, so that the call's own state is taken down; at its next blocking call it is gone. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/sim_node.h"

enum { PROGRAM_LINE = 2048 };

/* --- waiting ----------------------------------------------------------------------------------------------------------------- */
static int program_wait(void *ctx, struct lil_proc *proc, uint64_t deadline_ns)
{
    struct program *program = ctx;
    struct lil_world *world = program->world;
    (void)proc;
    if (!program->fiber || world->fibers.current != program->fiber)
        return -EAGAIN; /* someone else uses this process: it cannot sleep */
    if (program->killed && program->unwound)
        fiber_exit(&world->fibers);
    if (!program->killed && !program->woken && deadline_ns > world->now_ns) {
        program->waiting = true;
        if (deadline_ns != LIL_NEVER)
            world_schedule(world, &program->event, deadline_ns);
        fiber_suspend(&world->fibers);
        program->waiting = false;
        event_cancel(&world->events, &program->event);
    }
    if (program->killed) {
        program->unwound = true;
        return -EINTR;
    }
    bool woken = program->woken;
    program->woken = false;
    return woken ? 0 : -ETIMEDOUT;
}

static void program_wake(void *ctx, struct lil_proc *proc)
{
    struct program *program = ctx;
    (void)proc;
    if (program->woken || program->ended)
        return;
    program->woken = true;
    if (program->waiting)
        world_schedule(program->world, &program->event, program->world->now_ns);
}

static void program_exit(void *ctx, struct lil_proc *proc, int status)
{
    struct program *program = ctx;
    (void)proc;
    program->status = status;
    fiber_exit(&program->world->fibers);
}

static void program_output(void *ctx, struct lil_proc *proc, const char *line)
{
    struct program *program = ctx;
    struct lil_world *world = program->world;
    if (world->output && !program->killed)
        world->output(world->output_ctx, proc, line, world->now_ns);
}

/* --- life -------------------------------------------------------------------------------------------------------------------- */
static void program_main(void *argument)
{
    struct program *program = argument;
    program->status = program->main(program->proc, program->argument);
}

static void program_end(struct program *program)
{
    program->ended = true;
    lil_proc_close_all(program->proc); /* as exit() does */
    fiber_free(program->fiber);
    program->fiber = NULL;
    event_cancel(&program->world->events, &program->event);
    if (program->status && !program->killed && !program->world->status)
        program->world->status = program->status;
}

/* The program runs on as the thread's current process (override.h). */
static int resume(struct program *program)
{
    struct lil_proc *before = lil_set_current(program->proc);
    int error = fiber_resume(program->fiber);
    lil_set_current(before);
    return error;
}

static void program_run(struct program *program)
{
    host_node_sync(program->node, program->world->now_ns); /* INVARIANT 4 */
    if (resume(program) < 0) {
        program->status = 127;
        program_end(program);
    } else if (fiber_is_done(program->fiber)) {
        program_end(program);
    }
}

static void program_event(struct event *event, uint64_t now_ns)
{
    struct program *program = container_of(event, struct program, event);
    (void)now_ns;
    if (program->killed)
        program_unwind(program);
    else
        program_run(program);
}

void program_unwind(struct program *program)
{
    if (program->ended)
        return;
    program->killed = true;
    if (!program->status)
        program->status = 128 + 9;
    while (fiber_is_started(program->fiber) && !fiber_is_done(program->fiber)) {
        if (resume(program) < 0)
            break;
    }
    program_end(program);
}

static void program_kill(struct program *program)
{
    if (program->ended)
        return;
    program->killed = true;
    if (!program->status)
        program->status = 128 + 9;
    world_schedule(program->world, &program->event, program->world->now_ns);
}

void program_free(struct program *program)
{
    list_remove(&program->list);
    event_cancel(&program->world->events, &program->event);
    fiber_free(program->fiber);
    lil_proc_free(program->proc);
    free(program);
}

struct lil_proc *lil_world_spawn_at(struct lil_world *world, struct lil_host *host, uint64_t at_ns, lil_main_fn *main,
                                    void *argument)
{
    struct program *program = calloc(1, sizeof(*program));
    struct host_node *node = host_node_find(world, host);
    if (!program || !node || node->crashed)
        goto fail;
    program->world = world;
    program->node = node;
    program->main = main;
    program->argument = argument;
    program->event.run = program_event;
    program->runtime = (struct proc_runtime){program_wait, program_wake, program_output, program_exit, program};
    program->fiber = fiber_new(&world->fibers, program_main, program);
    program->proc = lil_proc_new(host);
    if (!program->proc || !program->fiber)
        goto fail;
    lil_proc_set_pid(program->proc, world->next_pid++);
    proc_set_runtime(program->proc, &program->runtime);
    list_push_back(&world->programs, &program->list);
    world_schedule(world, &program->event, at_ns);
    return program->proc;
fail:
    if (program) {
        lil_proc_free(program->proc);
        fiber_free(program->fiber);
        free(program);
    }
    return NULL;
}

struct lil_proc *lil_world_spawn(struct lil_world *world, struct lil_host *host, lil_main_fn *main, void *argument)
{
    return lil_world_spawn_at(world, host, world->now_ns, main, argument);
}

/* The program that PROC is, or NULL (inline, supervised). */
static struct program *program_of(const struct lil_proc *proc)
{
    const struct proc_runtime *runtime = proc_get_runtime(proc);
    return runtime && runtime->wait == program_wait ? runtime->ctx : NULL;
}

void lil_world_kill(struct lil_world *world, struct lil_proc *proc)
{
    struct program *program = program_of(proc);
    (void)world;
    if (program)
        program_kill(program);
}

bool lil_proc_ended(const struct lil_proc *proc, int *status)
{
    const struct program *program = program_of(proc);
    if (!program || !program->ended)
        return false;
    if (status)
        *status = program->status;
    return true;
}

/* --- what a program uses ------------------------------------------------------------------------------------------ */
uint64_t lil_now_ns(struct lil_proc *proc)
{
    return lil_host_now(lil_proc_host(proc));
}

void lil_sleep_ns(struct lil_proc *proc, uint64_t ns)
{
    const struct proc_runtime *runtime = proc_get_runtime(proc);
    uint64_t until_ns = lil_now_ns(proc) + ns;
    if (until_ns < ns)
        until_ns = LIL_NEVER;
    while (runtime && lil_now_ns(proc) < until_ns && runtime->wait(runtime->ctx, proc, until_ns) == 0)
        continue;
}

int lil_printf(struct lil_proc *proc, const char *format, ...)
{
    const struct proc_runtime *runtime = proc_get_runtime(proc);
    char line[PROGRAM_LINE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (runtime && runtime->output)
        runtime->output(runtime->ctx, proc, line);
    else
        fputs(line, stdout);
    return length;
}

void lil_world_set_output(struct lil_world *world, lil_output_fn *output, void *ctx)
{
    world->output = output;
    world->output_ctx = ctx;
}
