/* supervise.c: the supervisor's loop, after launch.h. One turn: take what the kernel has for us (notifications, stops,
 * bytes), run the world up to the present, serve the sockets that changed, fire what is due; then, in real time, sleep until the
 * next of these; in virtual time, if every thread sleeps, let the clock jump. */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "launch/clock.h"
#include "launch/desc.h"
#include "launch/memory.h"
#include "launch/notify.h"
#include "launch/sweep.h"
#include "launch/task.h"
#include "launch/timers.h"

enum { EVENTS = 128, FIRST_PAUSE_NS = 5000, ROUNDS = 16 };
/* A thread that computes for this long without a call makes the clock run with it (and only then: what a program computes at
 * its start must not be seen in its times). */
static const uint64_t burn_limit_ns = 100 * NS_PER_MS, burn_step_ns = 10 * NS_PER_MS;
static const uint64_t burn_limit_reading_ns = NS_PER_S; /* where it reads the clock meanwhile: a virtual machine's start does */
static const uint64_t farewell_ns = 1 * NS_PER_S; /* world time after the end, for the last FIN */

void launcher_log(struct launcher *l, const char *format, ...)
{
    va_list arguments;
    (void)l;
    va_start(arguments, format);
    fputs("lilliput: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* poll(2) hands on seccomp's "wake it on the caller's processor"; an epoll between loses that, and the sleeping supervisor is woken
 * on another processor, ten times as late in a virtual machine. So the first listeners are polled directly. */
int launcher_watch_listener(struct launcher *l, struct source *source)
{
    if (l->direct_count == LISTENERS_DIRECT)
        return launcher_watch(l, source, EPOLLIN);
    l->direct[l->direct_count++] = source;
    return 0;
}

int launcher_watch(struct launcher *l, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

int launcher_rewatch(struct launcher *l, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

static void on_signals(struct source *source, uint32_t events)
{
    struct launcher *l = container_of(source, struct launcher, signals);
    struct signalfd_siginfo infos[4]; /* what is left makes the descriptor readable again */
    ssize_t n = read(source->fd, infos, sizeof infos);
    (void)events;

    for (int i = 0; i < n / (ssize_t)sizeof *infos; i++) {
        if (infos[i].ssi_signo == SIGCHLD)
            continue;
        l->end.stopped |= l->end.signal && l->end.signal != SIGINT; /* the second time the programs are not asked */
        l->end.signal = (int)infos[i].ssi_signo;
        if (infos[i].ssi_code == SI_USER) /* from a terminal the programs get it themselves */
            list_each(node, &l->programs) {
                struct program *program = list_entry(node, struct program, node);
                if (program->started && !program->ended)
                    kill(program->pid, (int)infos[i].ssi_signo);
            }
    }
    tracer_reap(l);
}

static void on_timer(struct source *source, uint32_t events)
{
    (void)events;
    container_of(source, struct launcher, timer)->timer_ns = LIL_NEVER;
}

static int open_hub(struct launcher *l)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t length = sizeof name;
    uint64_t secret[2];

    /* A name that no program can guess: one that connected to it over and over would leave no room for us. */
    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        return -EIO;
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "lilliput-%016llx%016llx", (unsigned long long)secret[0],
             (unsigned long long)secret[1]);

    l->hub.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->hub.fd < 0 || bind(l->hub.fd, (struct sockaddr *)&name, (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name.sun_path + 1))) < 0 ||
        listen(l->hub.fd, 16) < 0 || getsockname(l->hub.fd, (struct sockaddr *)&name, &length) < 0)
        return -errno;
    memcpy(l->hub.name, &name, length);
    l->hub.length = length;
    return 0;
}

struct launcher *launcher_new(const struct launcher_config *config)
{
    struct launcher *l = calloc(1, sizeof *l);
    struct rlimit files;
    sigset_t mask;

    if (!l)
        return NULL;
    l->world = config->world;
    l->names = config->names;
    l->virtual_time = config->virtual_time;
    l->has_file_times = config->virtual_time && config->file_times;
    l->exact = config->exact || config->virtual_time;
    l->verbose = config->verbose;
    l->detect_hang = config->detect_hang;
    l->hurries = config->hurries;
    l->follow_last = config->follow_last;
    l->limit_ns = config->limit_ns;
    l->has_chance = config->chance_seed != 0;
    prng_seed(&l->chance, config->chance_seed);
    l->date_ns = config->date_ns;
    l->now_ns = lil_world_now(l->world);
    l->pid = getpid();
    list_init(&l->programs);
    list_init(&l->tasks);
    list_init(&l->descs);
    list_init(&l->dirty);
    list_init(&l->held);
    list_init(&l->held_unix);
    list_init(&l->dead);
    list_init(&l->sysctl_pipes);
    list_init(&l->closed_pipes);
    list_init(&l->answerers);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->scratch = malloc(LAUNCH_SCRATCH);
    l->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    l->signals = (struct source){signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK), on_signals};
    l->timer = (struct source){timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), on_timer};
    l->timer_ns = l->keep_due_ns = LIL_NEVER;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    l->keeps_inner = sweep_is_needed();
    clock_start(l);
    place_init(l, config->processor);
    if (l->virtual_time) { /* what goes to sleep in a program is seen by looking again, after microseconds */
        l->timer_slack_ns = (unsigned long)prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
        prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    }
    if (!l->scratch || l->epoll_fd < 0 || launcher_watch(l, &l->timer, EPOLLIN | EPOLLET) < 0 || timers_init(l) < 0 || open_hub(l) < 0) {
        launcher_free(l);
        return NULL;
    }
    return l;
}

static bool start_due(struct launcher *l)
{
    bool any = false;
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        int rc;
        if (program->started || program->start_ns > l->now_ns)
            continue;
        clock_begin(l);
        rc = program_start(program);
        for (int i = 1; program->output && i < 3; i++) { /* our copies: only the program's end of file shall count */
            close(program->stdio[i]);
            program->stdio[i] = -1;
        }
        if (rc < 0)
            launcher_log(l, "%s: cannot be started: %s", program->name, strerror(-rc));
        any = true;
    }
    return any;
}

/* --- the turn ------------------------------------------------------------------------------------------------------------- */
static void drop_closed_listeners(struct launcher *l)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < l->direct_count; i++)
        if (l->direct[i]->fd >= 0)
            l->direct[kept++] = l->direct[i];
    l->direct_count = kept;
}

void launcher_take_events(struct launcher *l)
{
    struct epoll_event events[EVENTS];
    int n = EVENTS;

    while (n == EVENTS) {
        n = epoll_wait(l->epoll_fd, events, EVENTS, 0);
        for (int i = 0; i < n; i++) {
            struct source *source = events[i].data.ptr;
            if (source->ready != notify_ready && source->fd >= 0)
                source->ready(source, events[i].events);
        }
    }
    if (l->keeps_inner)
        sweep(l);
}

void launcher_settle(struct launcher *l, bool with_events)
{
    if (with_events)
        launcher_take_events(l);
    for (int rounds = 0; (lil_world_next(l->world) <= l->now_ns || !list_is_empty(&l->dirty)) && rounds < ROUNDS; rounds++) {
        if (lil_world_next(l->world) <= l->now_ns)
            lil_world_step(l->world, l->now_ns);
        desc_service_all(l);
    }
}

static struct timespec timespec_of(uint64_t ns) { return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)}; }

/* In real time a wait has no limit of its own: the kernel would set and cancel a timer for each, at a third of what the wait costs, or more
 * than all the rest where it is the processor's next (a virtual machine's timer is its host's: 0318). One in the epoll has the limit.
 * What is due later leaves it as it is: it fires once too early, and is set anew. */
static void set_timer(struct launcher *l, uint64_t due_ns)
{
    const struct itimerspec at = {.it_value = timespec_of(due_ns + l->start_real_ns)};

    if (due_ns < l->timer_ns && timerfd_settime(l->timer.fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
        l->timer_ns = due_ns;
}

static void poll_events(struct launcher *l, uint64_t timeout_ns)
{
    struct epoll_event events[EVENTS];
    const bool has_limit = timeout_ns == 0 || (l->virtual_time && timeout_ns != LIL_NEVER);
    const struct timespec limit = timespec_of(timeout_ns);
    struct pollfd fds[LISTENERS_DIRECT + 2];
    unsigned direct = l->direct_count;
    int n = 0;

    if (!has_limit && timeout_ns != LIL_NEVER)
        set_timer(l, clock_add(l->now_ns, timeout_ns));
    /* The listeners first: a close before a call that is seen is then seen, too. */
    for (unsigned i = 0; i < direct; i++)
        fds[i] = (struct pollfd){l->direct[i]->fd, POLLIN, 0};
    fds[direct] = (struct pollfd){l->epoll_fd, POLLIN, 0};
    fds[direct + 1] = (struct pollfd){l->signals.fd, POLLIN, 0};
    if (ppoll(fds, direct + 2, has_limit ? &limit : NULL, NULL) <= 0) {
        clock_update(l);
        return;
    }
    if (fds[direct].revents)
        n = epoll_wait(l->epoll_fd, events, EVENTS, 0);
    clock_update(l);
    if (lil_world_now(l->world) < l->now_ns)
        lil_world_step(l->world, l->now_ns); /* calls take the world's time: it must be the present */
    l->progress = n != 1 || events[0].data.ptr != &l->timer; /* that time has passed is none */
    /* What programs did to their descriptors is looked at before what they now ask: a close before the next call. */
    if (fds[direct + 1].revents)
        on_signals(&l->signals, POLLIN);
    if (n || fds[direct + 1].revents)
        l->spin.cpu_ns = 0;
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        if (source->ready != notify_ready && source->fd >= 0)
            source->ready(source, events[i].events);
    }
    if (n == EVENTS)
        launcher_take_events(l);
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        if (source->ready == notify_ready && source->fd >= 0)
            source->ready(source, events[i].events);
    }
    for (unsigned i = 0; i < direct; i++)
        if (fds[i].revents && l->direct[i]->fd == fds[i].fd)
            notify_ready(l->direct[i], (uint32_t)fds[i].revents);
    drop_closed_listeners(l);
}

static uint64_t held_next(const struct launcher *l)
{
    uint64_t next = LIL_NEVER;
    if (!l->timed_calls)
        return next;
    list_each(node, &l->held)
        if (!list_entry(node, struct call, held_node)->is_broken)
            next = min_u64(next, list_entry(node, struct call, held_node)->deadline_ns);
    return next;
}

static void held_fire(struct launcher *l)
{
    if (!l->timed_calls)
        return;
    list_each(node, &l->held) {
        const struct call *call = list_entry(node, struct call, held_node);
        if (call->desc && !call->is_broken && call->deadline_ns <= l->now_ns)
            desc_dirty(call->desc); /* its handler sees that the time is over */
    }
}

/* In real time a transfer goes on within one turn for as long as its ends keep up: after ROUNDS what the programs ask is looked at. */
static void world_turn(struct launcher *l)
{
    int rounds = 0;

    do {
        held_fire(l);
        if (lil_world_next(l->world) <= l->now_ns || lil_world_now(l->world) < l->now_ns)
            lil_world_step(l->world, l->now_ns);
        desc_service_all(l);
    } while (lil_world_next(l->world) <= l->now_ns && (l->virtual_time || ++rounds < ROUNDS));
    while (!list_is_empty(&l->dead)) {
        struct desc *desc = list_entry(list_pop_front(&l->dead), struct desc, node);
        free(desc);
    }
    while (!list_is_empty(&l->closed_pipes))
        free(list_pop_front(&l->closed_pipes)); /* the node is the first member */
}

/* When the first of the programs' own waits is over. */
static uint64_t launcher_own_next(struct launcher *l)
{
    uint64_t next = held_next(l);
    return l->virtual_time ? min_u64(min_u64(next, call_next_unix(l)), min_u64(wait_next(l), timers_next(l))) : next;
}

static uint64_t launcher_next(struct launcher *l)
{
    uint64_t next = min_u64(lil_world_next(l->world), launcher_own_next(l));
    if (!list_is_empty(&l->dirty))
        return l->now_ns;
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        if (!program->started)
            next = min_u64(next, program->start_ns);
    }
    return next;
}

/* A read of the clock is no call here: who computes until it shows a later time reads it over and over. */
void launcher_count_burn(struct launcher *l)
{
    uint64_t used = quiesce_cpu_ns(l), limit_ns;
    bool is_awaited = !list_is_empty(&l->held) || launcher_own_next(l) != LIL_NEVER;

    if (!l->spin.cpu_ns) {
        l->spin.cpu_ns = used;
        l->spin.reads = l->clock->reads;
        l->spin.has_read = false;
        return;
    }
    l->spin.has_read |= l->clock->reads != l->spin.reads;
    limit_ns = l->spin.has_read ? burn_limit_reading_ns : burn_limit_ns;
    while (used > l->spin.cpu_ns + limit_ns + burn_step_ns) {
        clock_burn(l, burn_step_ns, is_awaited);
        l->spin.cpu_ns += burn_step_ns;
        l->spin.reads = l->clock->reads;
    }
}

/* SPINS: it never sleeps. */
static void end_as_hang(struct launcher *l, bool spins)
{
    l->end.hung = true;
    l->end.spun = spins;
    l->end.waits_on = !spins && launcher_own_next(l) != LIL_NEVER;
    l->end.stopped = true;
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        if (!program->started || program->ended)
            continue;
        program->record.waiting = !spins ? quiesce_waiting(l, program) : l->spin.fruitless ? program->record.tried : NULL;
    }
}

static void note_awake(struct launcher *l)
{
    if (l->progress && !l->awake_ns)
        l->awake_ns = FIRST_PAUSE_NS;
}

/* A pause for those that run. */
static void wait_awhile(struct launcher *l)
{
    uint64_t pause_ns = FIRST_PAUSE_NS << min_u32(l->idle_turns++, 11);

    poll_events(l, pause_ns);
    if (l->progress || pause_ns <= 2 * NS_PER_MS)
        return;
    launcher_count_burn(l);
    if (l->placement.is_together && quiesce_running(l) > 1)
        place_separate(l);
}

static void jump(struct launcher *l)
{
    uint64_t next = launcher_next(l);

    if (l->limit_ns && next > l->limit_ns && l->detect_hang) {
        end_as_hang(l, false);
    } else if (next == LIL_NEVER) {
        poll_events(l, notify_look_left(l)); /* a signal from outside would not be seen */
        notify_look(l, false);
    } else if (next > l->now_ns) {
        clock_jump(l, next);
        l->counts.jumps++;
    }
}

/* All that is due at this instant; then, when that woke somebody, a moment for it: to look whether it sleeps costs more than to wait
 * for what it does next. Every turn ends with a poll, or with a jump, after which nothing else has changed: so none begins with one. */
static void virtual_turn(struct launcher *l)
{
    uint64_t awake_ns;

    if (l->limit_ns && l->now_ns > l->limit_ns && l->detect_hang) {
        end_as_hang(l, true);
        return;
    }
    l->progress = false;
    wait_fire(l);
    timers_fire(l);
    call_retry_unix(l);
    world_turn(l);
    l->progress |= start_due(l);
    note_awake(l);
    if (l->progress) {
        l->idle_turns = 0;
        return;
    }
    if (l->awake_ns) {
        awake_ns = l->awake_ns;
        l->awake_ns = l->idle_turns = 0;
        poll_events(l, awake_ns);
    } else if (!quiesce_scan(l)) {
        notify_look(l, l->sees_signal); /* before the pause: one that runs may wait for what a handler does */
        if (!l->progress)
            wait_awhile(l);
    } else {
        poll_events(l, 0);
        if (!l->progress && !call_retry_unix(l) && !(l->keeps_inner && sweep(l))) /* invariant 3 */
            jump(l);
    }
    note_awake(l);
}

static void real_turn(struct launcher *l)
{
    uint64_t next;

    start_due(l);
    world_turn(l);
    if (call_next_unix(l) <= l->now_ns)
        call_retry_unix(l);
    next = min_u64(launcher_next(l), l->keep_due_ns);
    clock_update(l);
    l->progress = false;
    next = next == LIL_NEVER ? LIL_NEVER : next > l->now_ns ? next - l->now_ns : 0;
    poll_events(l, min_u64(min_u64(next, sweep_left(l)), min_u64(place_left(l), notify_look_left(l))));
    place_turn(l);
    keepalive_turn(l, false);
    sweep_if_due(l);
    notify_look(l, false);
    if (l->limit_ns && l->now_ns > l->limit_ns)
        end_as_hang(l, false);
}

static bool is_over(struct launcher *l)
{
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        if (!l->follow_last)
            return program->ended;
        if (!program->ended && !program->keeps_running)
            return false;
    }
    return true;
}

/* The programs are dead: their sockets close, and the network carries what they had written, and FIN or RST. */
static void farewell(struct launcher *l)
{
    const uint64_t end = l->now_ns + farewell_ns;
    uint64_t next = l->now_ns;

    launcher_take_events(l);
    list_each(node, &l->descs)
        desc_program_closed(list_entry(node, struct desc, node));
    for (; next <= end; next = lil_world_next(l->world)) {
        lil_world_step(l->world, next);
        desc_service_all(l);
    }
}

int launcher_run(struct launcher *l)
{
    while (!l->end.stopped && !is_over(l)) {
        if (l->virtual_time)
            virtual_turn(l);
        else
            real_turn(l);
    }
    launcher_kill_tree(l->pid);
    place_release(l);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    farewell(l);
    list_each(node, &l->programs) {
        struct program *program = list_entry(node, struct program, node);
        for (int i = 0; i < 2; i++)
            while (program->started && program->outputs[i].fd >= 0)
                launcher_read_output(program, i);
    }
    return 0;
}

void launcher_free(struct launcher *l)
{
    if (!l)
        return;
    tracer_free_all(l);
    while (!list_is_empty(&l->descs))
        desc_free(list_entry(l->descs.next, struct desc, node));
    while (!list_is_empty(&l->dead))
        free(list_entry(list_pop_front(&l->dead), struct desc, node));
    while (!list_is_empty(&l->held_unix))
        notify_free(list_entry(l->held_unix.next, struct call, node));
    while (!list_is_empty(&l->programs))
        launcher_forget(list_entry(list_pop_front(&l->programs), struct program, node));
    timers_free(l);
    while (!list_is_empty(&l->closed_pipes))
        free(list_pop_front(&l->closed_pipes));
    while (!list_is_empty(&l->sysctl_pipes)) /* their descriptors end with us */
        free(list_pop_front(&l->sysctl_pipes));
    vdso_fini(l);
    filetime_end(l);
    while (!list_is_empty(&l->answerers))
        free(list_pop_front(&l->answerers)); /* the node is the first member */
    lend_fini(l);
    close(l->null_fd);
    close(l->hub.fd);
    close(l->signals.fd);
    close(l->timer.fd);
    close(l->epoll_fd);
    free(l->table);
    free(l->scratch);
    free(l);
}
