/* clock.c: the clock that a program sees. World time begins at 0 with the launcher; CLOCK_REALTIME is the real one when the
 * first program starts (files and certificates fit), or a given one; CLOCK_MONOTONIC begins at a fixed value. Virtual time: a
 * loop that spins on the clock must end, so reads move it by 1 us each, but only from the 4,097th at one instant on: how often
 * the threads of an ordinary program read it then does not show in its times (docs/decisions/0302-clock-reads.md). Calls on
 * descriptors count likewise: a program that sends for two seconds, or that asks a socket over and over, must end too. The
 * longer it goes on at one instant the more each costs, up to about what it costs us: so such a loop takes about as long in
 * real time as in virtual. Where a run ends after so much virtual time (the gauntlet) a loop that gets nothing by its calls, or
 * computes without one, makes the clock go ever faster: 9,000 s of it take seconds. The only reader of the kernel's clocks in
 * launch/. And getrandom() and the devices of randomness, which the gauntlet answers from its seed. */
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/memory.h"
#include "launch/task.h"

enum { CLOCK_READ_COST_NS = 1000, CLOCK_FREE = 4096, LOOK_READS = 256, READS_A_LOOK = 64 };
enum { SOCKET_CALL_COST = 4, BYTES_A_COST = 2048, DEAREST = 16 };
enum { COUNTER_STEP = 20 };
/* A loop that spins: from so many calls on, the clock's steps double each SPIN_DOUBLE calls (so a step is 1/6000 of what
 * it has spun for: its own time limit is met that well); and when it computes, from so long on, each so long. */
enum { SPIN_FREE = 16384, SPIN_DOUBLE = 4096, SPIN_MOST = 32 };
static const uint64_t burn_free_ns = 5 * NS_PER_S, burn_double_ns = 2 * NS_PER_S;
/* Who computes while another waits, or asks over and over, may be working for it. */
static const uint64_t work_ns = 15 * NS_PER_S;

uint64_t clock_kernel_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t clock_real_ns(void) { return clock_kernel_ns(CLOCK_MONOTONIC); }

void clock_start(struct launcher *l)
{
    l->start_real_ns = clock_real_ns() - l->now_ns;
    l->real_base_ns = clock_kernel_ns(CLOCK_REALTIME) - l->now_ns;
    l->mono_base_ns = 1000 * NS_PER_S;
    l->clock_id = -1;
    if (!l->virtual_time)
        return;
    vdso_init(l);
    *l->clock = (struct clock_page){l->now_ns, l->real_base_ns, l->mono_base_ns, 0, CLOCK_FREE};
}

void clock_begin(struct launcher *l)
{
    if (!l->virtual_time || l->has_begun)
        return;
    l->has_begun = true;
    l->real_base_ns = l->clock->real_base_ns = (l->date_ns ? l->date_ns : clock_kernel_ns(CLOCK_REALTIME)) - l->now_ns;
    if (l->has_file_times)
        filetime_start(l);
}

static void set_now(struct launcher *l, uint64_t now_ns)
{
    l->now_ns = now_ns;
    l->clock->now_ns = now_ns;
}

void clock_jump(struct launcher *l, uint64_t now_ns)
{
    set_now(l, now_ns);
    l->clock->reads = 0;
    l->spin.calls_here = 0;
    filetime_jump(l);
}

/* The Nth at one instant. */
static uint64_t price(uint32_t n) { return n < CLOCK_FREE ? 0 : min_u32(n / CLOCK_FREE, DEAREST) * (uint64_t)CLOCK_READ_COST_NS; }

void clock_charge(struct launcher *l, bool is_ours, int64_t bytes)
{
    uint64_t cost = is_ours ? SOCKET_CALL_COST + (bytes > 0 ? (uint64_t)bytes / BYTES_A_COST : 0) : 1;

    l->descriptor_calls++;
    if (l->virtual_time && l->spin.calls_here++ >= CLOCK_FREE)
        set_now(l, l->now_ns + cost * price(l->spin.calls_here));
}

/* By a thread that runs while the caller of this call has our attention, and does not come to an end by itself. */
static bool is_worked_for(struct launcher *l)
{
    uint64_t used;

    if (!quiesce_running(l))
        return false;
    used = quiesce_cpu_ns(l);
    if (!l->spin.work_base_ns)
        l->spin.work_base_ns = used;
    return used - l->spin.work_base_ns < work_ns;
}

void clock_tried(struct program *program, const char *name, bool is_fruitless)
{
    struct launcher *l = program->launcher;

    l->spin.burned_ns = 0;
    if (!is_fruitless || !l->hurries) {
        clock_slept(l);
        return;
    }
    program->record.tried = name;
    if (l->spin.fruitless++ < SPIN_FREE)
        return;
    if ((l->spin.fruitless - SPIN_FREE) % SPIN_DOUBLE == 1 && is_worked_for(l)) {
        l->spin.fruitless = SPIN_FREE - SPIN_DOUBLE;
        return;
    }
    set_now(l, l->now_ns + (SOCKET_CALL_COST * price(UINT32_MAX) << min_u32((l->spin.fruitless - SPIN_FREE) / SPIN_DOUBLE, SPIN_MOST)));
}

void clock_slept(struct launcher *l)
{
    l->spin.fruitless = 0;
    l->spin.work_base_ns = 0;
}

void clock_burn(struct launcher *l, uint64_t step, bool is_awaited)
{
    uint64_t free_ns = is_awaited ? work_ns : burn_free_ns;
    uint64_t more = l->hurries && l->spin.burned_ns > free_ns ? (l->spin.burned_ns - free_ns) / burn_double_ns : 0;

    l->spin.burned_ns += step;
    clock_jump(l, l->now_ns + (step << min_u64(more, SPIN_MOST)));
}

/* It costs us what some hundred reads cost, and where a rounded time is waited for it is made over and over: R's sleep of 0.1 s
 * does so while a double of today's date says that 0.1 us is left; nng waits so until a moment long past, and reads no clock. */
void clock_looked(struct launcher *l)
{
    l->clock->reads += LOOK_READS;
    if (l->clock->reads >= CLOCK_FREE)
        set_now(l, l->now_ns + price(l->clock->reads));
}

void clock_update(struct launcher *l)
{
    uint64_t now = clock_real_ns() - l->start_real_ns;
    if (!l->virtual_time && now > l->now_ns)
        l->now_ns = now;
}

uint64_t clock_add(uint64_t a, uint64_t b) { return a > LIL_NEVER - b ? LIL_NEVER : a + b; }

uint64_t clock_span(int64_t seconds, int64_t nanoseconds)
{
    if (seconds < 0)
        return 0;
    if (seconds >= (int64_t)(LIL_NEVER / NS_PER_S / 2))
        return LIL_NEVER;
    return (uint64_t)seconds * NS_PER_S + (uint64_t)nanoseconds;
}

static bool is_wall(int id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_REALTIME_ALARM || id == CLOCK_TAI; }

uint64_t clock_to_world(const struct launcher *l, int id, int64_t seconds, int64_t nanoseconds)
{
    uint64_t base = is_wall(id) ? l->real_base_ns : l->mono_base_ns;
    uint64_t at = clock_span(seconds, nanoseconds);
    if (at == LIL_NEVER)
        return at;
    return at > base ? at - base : 0;
}

uint64_t clock_from_world(const struct launcher *l, int id, uint64_t world_ns)
{
    return world_ns + (is_wall(id) ? l->real_base_ns : l->mono_base_ns);
}

static uint64_t read_clock(struct call *call, int id)
{
    struct launcher *l = call->program->launcher;
    if (l->clock->reads++ >= CLOCK_FREE) {
        set_now(l, l->now_ns + price(l->clock->reads));
        if (l->clock->reads % READS_A_LOOK == 0)
            launcher_count_burn(l);
    }
    return clock_from_world(l, id, l->now_ns);
}

uint64_t clock_counter(struct launcher *l)
{
    l->counter = max_u64(l->counter + COUNTER_STEP, clock_from_world(l, CLOCK_MONOTONIC, l->now_ns));
    if (l->clock->reads++ >= CLOCK_FREE)
        set_now(l, l->now_ns + price(l->clock->reads));
    return l->counter;
}

int64_t clock_call_gettime(struct call *call)
{
    uint64_t now = read_clock(call, (int)call->args[0]);
    struct timespec t = {(time_t)(now / NS_PER_S), (long)(now % NS_PER_S)};
    return memory_write(call->tid, call->args[1], &t, sizeof t);
}

int64_t clock_call_gettimeofday(struct call *call)
{
    uint64_t now = read_clock(call, CLOCK_REALTIME);
    struct timeval t = {(time_t)(now / NS_PER_S), (long)(now % NS_PER_S / NS_PER_US)};
    struct timezone zone = {0};
    int rc = call->args[0] ? memory_write(call->tid, call->args[0], &t, sizeof t) : 0;
    return rc < 0 || !call->args[1] ? rc : memory_write(call->tid, call->args[1], &zone, sizeof zone);
}

int64_t clock_call_time(struct call *call)
{
    int64_t seconds = (int64_t)(read_clock(call, CLOCK_REALTIME) / NS_PER_S);
    if (call->args[0] && memory_write(call->tid, call->args[0], &seconds, sizeof seconds) < 0)
        return -EFAULT;
    return seconds;
}

/* adjtimex, clock_adjtime: who only asks (logger, time clients) is told of the machine's clock, as of the program's time. */
int64_t clock_call_adjust(struct call *call)
{
    bool has_id = call->nr == __NR_clock_adjtime;
    struct timex t;
    uint64_t now;
    int state;

    if (has_id && (int)call->args[0] != CLOCK_REALTIME)
        return call_refuse(call);
    if (memory_read(call->tid, call->args[has_id], &t, sizeof t) < 0)
        return -EFAULT;
    if (t.modes != 0 && t.modes != ADJ_OFFSET_SS_READ)
        return call_refuse(call);
    state = adjtimex(&t);
    if (state < 0)
        return -errno;
    now = clock_from_world(call->program->launcher, CLOCK_REALTIME, call->program->launcher->now_ns);
    t.time.tv_sec = (time_t)(now / NS_PER_S);
    t.time.tv_usec = (suseconds_t)(now % NS_PER_S / (t.status & STA_NANO ? 1 : NS_PER_US));
    return memory_write(call->tid, call->args[has_id], &t, sizeof t) < 0 ? -EFAULT : state;
}

/* The other thing in which two runs of a program differ. */
size_t clock_chance(struct launcher *l, pid_t tid, uint64_t *words, size_t size)
{
    struct prng *chance = tracer_chance(l, tid);

    for (size_t i = 0; i < (size + 7) / 8; i++)
        words[i] = prng_next(chance);
    return size;
}

int64_t call_getrandom(struct call *call)
{
    struct launcher *l = call->program->launcher;
    uint64_t size = min_u64(call->args[1], LAUNCH_SCRATCH);

    if (!l->has_chance)
        return CALL_CONTINUE;
    return memory_write(call->tid, call->args[0], l->scratch, clock_chance(l, call->tid, l->scratch, size)) < 0 ? -EFAULT : (int64_t)size;
}
