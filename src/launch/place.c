/* place.c: which processor the supervisor and those who call it much run on. A caller waits for its answer, so it and the
 * supervisor never run at once: on two processors they gain nothing, and pay for waking each other across (in a virtual machine 4 us
 * each way, and cold caches). seccomp's synchronous wake-up keeps a call on one processor, but whom bytes in a socket wake the kernel
 * sends to an idle one. So, where it is seen to be faster, threads that call often are put on the supervisor's processor for as long
 * as they do: a window of time apart, a window together; the better one holds for a second (docs/decisions/0314-one-processor.md).
 *
 * In virtual time all of them are on one processor from the start: a switch is most of what a call costs, and cases of the gauntlet run
 * beside each other. When two threads compute at once, without a call, for milliseconds, they have all processors again.
 *
 * Programs must not notice: what asks for its processors is released first, and one that sets them itself ends this for the run. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "launch/call.h"
#include "launch/memory.h"
#include "launch/place.h"

static const uint64_t window_ns = 10 * NS_PER_MS, stray_pause_ns = 100 * NS_PER_MS, hold_ns = NS_PER_S;
enum {
    RATE_MIN = 5000,   /* calls a second, all together: below it there is nothing to gain */
    RATE_CALLER = 1000, /* of a thread that is put beside the supervisor */
    GAIN_PERCENT = 110, /* together must be so much faster */
    FAILURES_MAX = 7,
    MASK_MAX = 1024    /* bytes of sched_getaffinity's answer: 8,192 processors */
};

static uint64_t rate_of(uint64_t calls, uint64_t elapsed_ns) { return calls * NS_PER_S / elapsed_ns; }

static bool has_processors(pid_t tid, const cpu_set_t *wanted)
{
    cpu_set_t own;
    return sched_getaffinity(tid, sizeof own, &own) == 0 && CPU_EQUAL(&own, wanted);
}

/* The processor that is number WHICH - 1 of ours. */
static int nth_processor(const cpu_set_t *all, unsigned which)
{
    unsigned left = (which - 1) % (unsigned)CPU_COUNT(all);
    int cpu = 0;

    while (!CPU_ISSET(cpu, all) || left--)
        cpu++;
    return cpu;
}

static bool choose_home(struct placement *p, int cpu)
{
    if (cpu < 0 || !CPU_ISSET(cpu, &p->all))
        return false;
    CPU_ZERO(&p->home);
    CPU_SET(cpu, &p->home);
    return sched_setaffinity(0, sizeof p->home, &p->home) == 0;
}

void place_init(struct launcher *l, unsigned processor)
{
    struct placement *p = &l->placement;

    p->is_off = sched_getaffinity(0, sizeof p->all, &p->all) < 0 || CPU_COUNT(&p->all) < 2;
    if (l->virtual_time && !p->is_off) /* programs are our children: they begin where we are */
        p->is_together = choose_home(p, processor ? nth_processor(&p->all, processor) : sched_getcpu());
}

void place_note(struct launcher *l, pid_t tid)
{
    struct placement *p = &l->placement;
    struct caller *caller = &p->callers[(unsigned)tid % CALLERS];

    p->calls++;
    if (caller->tid != tid && caller->is_moved)
        return; /* its place is taken */
    if (caller->tid != tid)
        *caller = (struct caller){.tid = tid};
    caller->calls++;
}

/* --- together ------------------------------------------------------------------------------------------------------------------ */
/* Who calls often and has all processors is put on ours. True: at least one is there. */
static bool gather(struct placement *p, uint64_t elapsed_ns)
{
    bool any = false;

    for (int i = 0; i < CALLERS; i++) {
        struct caller *caller = &p->callers[i];
        if (!caller->is_moved && rate_of(caller->calls, elapsed_ns) >= RATE_CALLER && has_processors(caller->tid, &p->all))
            caller->is_moved = sched_setaffinity(caller->tid, sizeof p->home, &p->home) == 0;
        any |= caller->is_moved;
    }
    return any;
}

static void release_caller(struct placement *p, struct caller *caller)
{
    if (caller->is_moved && has_processors(caller->tid, &p->home))
        sched_setaffinity(caller->tid, sizeof p->all, &p->all);
    caller->is_moved = false;
}

/* Threads and children that began on our processor because their maker was there. */
static void release_strays(void *ctx, pid_t pid)
{
    struct placement *p = ctx;
    char path[32];
    DIR *threads;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    threads = opendir(path);
    for (struct dirent *entry; threads && (entry = readdir(threads));) {
        pid_t tid = atoi(entry->d_name);
        const struct caller *caller = &p->callers[(unsigned)tid % CALLERS];
        if (tid > 0 && !(caller->tid == tid && caller->is_moved) && has_processors(tid, &p->home))
            sched_setaffinity(tid, sizeof p->all, &p->all);
    }
    if (threads)
        closedir(threads);
}

void place_release(struct launcher *l)
{
    struct placement *p = &l->placement;

    if (!p->is_together)
        return;
    p->is_together = false;
    for (int i = 0; i < CALLERS; i++)
        release_caller(p, &p->callers[i]);
    launcher_each_descendant(l->pid, release_strays, p);
    sched_setaffinity(0, sizeof p->all, &p->all);
}

static void come_together(struct launcher *l, uint64_t elapsed_ns)
{
    struct placement *p = &l->placement;

    if (!choose_home(p, sched_getcpu()))
        return;
    p->is_together = p->is_trial = true;
    p->stray_due_ns = l->now_ns + stray_pause_ns;
    if (!gather(p, elapsed_ns))
        place_release(l);
}

/* --- the windows ---------------------------------------------------------------------------------------------------------------- */
static void end_trial(struct launcher *l, uint64_t rate)
{
    struct placement *p = &l->placement;

    p->is_trial = false;
    if (rate * 100 >= p->rate_apart * GAIN_PERCENT) {
        p->failures = 0;
        p->due_ns = l->now_ns + hold_ns;
        return;
    }
    place_release(l);
    p->failures += p->failures < FAILURES_MAX;
    p->due_ns = l->now_ns + (window_ns << p->failures);
}

static void stay_together(struct launcher *l, uint64_t elapsed_ns)
{
    struct placement *p = &l->placement;

    for (int i = 0; i < CALLERS; i++)
        if (rate_of(p->callers[i].calls, elapsed_ns) < RATE_CALLER / 2)
            release_caller(p, &p->callers[i]);
    if (!gather(p, elapsed_ns) || l->now_ns >= p->due_ns) {
        place_release(l);
        p->due_ns = 0;
    } else if (l->now_ns >= p->stray_due_ns) {
        launcher_each_descendant(l->pid, release_strays, p);
        p->stray_due_ns = l->now_ns + stray_pause_ns;
    }
}

void place_turn(struct launcher *l)
{
    struct placement *p = &l->placement;
    uint64_t elapsed_ns = l->now_ns - p->window_began_ns, rate;

    if (p->is_off || elapsed_ns < window_ns)
        return;
    rate = rate_of(p->calls, elapsed_ns);
    if (p->is_together && p->is_trial)
        end_trial(l, rate);
    else if (p->is_together)
        stay_together(l, elapsed_ns);
    else if (rate >= RATE_MIN && l->now_ns >= p->due_ns) {
        p->rate_apart = rate;
        come_together(l, elapsed_ns);
    }
    for (int i = 0; i < CALLERS; i++)
        p->callers[i].calls = 0;
    p->calls = 0;
    p->window_began_ns = l->now_ns;
}

uint64_t place_left(const struct launcher *l)
{
    uint64_t end_ns = l->placement.window_began_ns + window_ns;
    if (!l->placement.is_together)
        return LIL_NEVER;
    return end_ns > l->now_ns ? end_ns - l->now_ns : 0;
}

void place_separate(struct launcher *l)
{
    place_release(l);
    l->placement.is_off = true;
}

/* Virtual time: as if its thread were not beside us. */
static int64_t tell_processors(struct call *call, pid_t tid)
{
    const struct placement *p = &call->program->launcher->placement;
    uint8_t mask[MASK_MAX] = {0};
    long n = syscall(SYS_sched_getaffinity, tid, min_u64((uint32_t)call->args[1], sizeof mask), mask);

    if (n < 0)
        return -errno;
    if (p->is_together && has_processors(tid, &p->home))
        memcpy(mask, &p->all, min_u64(sizeof p->all, (uint64_t)n));
    return memory_write(call->tid, call->args[2], mask, (size_t)n) < 0 ? -EFAULT : n;
}

int64_t call_affinity(struct call *call)
{
    struct launcher *l = call->program->launcher;
    bool is_set = call->nr == __NR_sched_setaffinity;
    pid_t tid = call->args[0] ? (pid_t)call->args[0] : call->tid;

    if (l->placement.is_together && (is_set || !l->virtual_time)) {
        place_release(l);
        l->placement.due_ns = l->now_ns + window_ns;
    }
    l->placement.is_off |= is_set;
    if (is_set || (tid != call->tid && !l->virtual_time))
        return CALL_CONTINUE;
    return tell_processors(call, tid); /* now: the thread may go on later */
}
