/* launch.h: unmodified programs on virtual hosts. The theory of the whole launcher; read it first, then supervise.c.
 *
 * MECHANISM. A program is started (spawn.c) under a seccomp filter (filter.c) whose listener the supervisor holds. A
 * filtered system call stops in the kernel until the supervisor answers it (notify.c): with a result, with a
 * descriptor put into the program, or "go on". No root, no LD_PRELOAD, no namespaces; fork, exec, threads and static
 * binaries inherit the filter. The supervisor is the process that runs the world: one thread, one epoll.
 *
 * SIGNALS. Once received, a call waits "killable" (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV): a signal neither breaks it
 * nor makes its answer get lost. While the answer is on its way nothing is to be done. A held call must end: a thread
 * that a signal wakes there goes to sleep again in another way ('D' in /proc/TID/stat), and the supervisor, which looks
 * (notify_look), answers -ERESTARTSYS: the kernel then runs the handler and makes the call again or ends it with EINTR,
 * as sigaction(2) was told. docs/decisions/0315-signals.md.
 *
 * DESCRIPTORS. socket() gives the program an AF_UNIX socket, the *inner* end; the supervisor holds the *outer* end and
 * a lil_ socket (desc.c). What poll(2), select(2) and epoll(7) say about the inner end is kept equal to what they would
 * say of the real socket, so that event loops, which wait on many kinds of descriptor, run natively:
 *   readable    bytes in the inner end's queue: data (fast) or a token (exact)
 *   unwritable  filler in the outer end's queue (connecting, send buffer full, listener)
 *   end the outer end is shut for writing error it is closed with filler unread (ECONNRESET) The supervisor keeps no
 *   copy of the inner end: its last close must show as EPOLLHUP on the outer one. Whose socket a descriptor of the
 *   program is, is asked at each call (pidfd_getfd and SO_COOKIE), which is right after dup, fork and SCM_RIGHTS (but
 *   see is_known() in notify.c: names and what is set, right after a call on the same descriptor). Where pidfd_getfd is
 *   refused, and for closes that the outer end does not tell of: sweep.c.
 *
 * TWO MODES. fast: data flows natively through the pair and is pumped (desc_pump.c); only calls with addresses or
 * options are notified (not SO_KEEPALIVE, which every server sets: keepalive.c). exact: every call on a socket is
 * notified and served from the lil_ socket (call_io.c), so that each errno is the stack's own; the pair carries tokens.
 * Virtual time implies exact (docs/decisions/0301-virtual-implies-exact.md).
 *
 * VIRTUAL TIME. The clock is launcher.now_ns, the same number as the world's. It stands still while any thread of a
 * program can run. Clock reads find it in a shared page (vdso.c) or are notified (clock.c). Timed waits stop under
 * ptrace (wait.c), are made untimed, and are ended by the supervisor when the clock reaches them: the kernel's own
 * timers never run. Alarms and timers: timers.c. When every thread sleeps (quiesce.c) the clock jumps to the earliest
 * deadline of world, waits and timers.
 *
 * INVARIANTS
 *  1. A supervised program holds no socket of the real network: socket() never continues for a family but AF_UNIX.
 *  2. A notification is answered exactly once; a held call is on its descriptor's list (or held_unix) and no other's,
 *  and on launcher.held.
 *  3. The clock jumps only after a scan that shows every thread asleep and a poll, after that scan, that shows nothing
 *  pending.
 *  4. now_ns never goes back, and is never past an unserved deadline when a call is answered.
 *  5. A wait record exists exactly between a thread's seccomp stop and its syscall-exit stop.
 *  6. desc.tokens counts the token bytes in the inner queue, desc.fill the filler bytes in the outer queue. */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include "base/list.h"
#include "base/prng.h"
#include "host/runtime.h"
#include "lilliput/lilliput.h"

struct launcher;
struct program;
struct desc;
struct call;

/* Something in the supervisor's epoll. */
struct source {
    int fd;
    void (*ready)(struct source *source, uint32_t events);
};

struct names;
struct launcher_config {
    struct lil_world *world;  /* borrowed */
    const struct names *names; /* borrowed; what name resolution in the lab knows; may be NULL */
    bool virtual_time, exact; /* virtual_time implies exact */
    bool file_times;          /* virtual: what stat(2) tells is virtual too; costs 8 us a call */
    bool verbose;             /* log calls that are refused quietly by default (netlink) */
    bool detect_hang;         /* virtual: when nothing can ever happen, end with hang; else wait for the outside */
    bool follow_last;         /* the run ends when all programs (but those that keep running) have ended, not with the first */
    bool hurries;             /* virtual: a program that spins makes the clock go ever faster, up to LIMIT_NS: clock_tried */
    uint64_t limit_ns;        /* virtual time after which the run ends as a hang; 0: none */
    uint64_t chance_seed;     /* virtual: of what getrandom(), /dev/random and AT_RANDOM give; addresses are not random; 0: the kernel's */
    uint64_t date_ns;         /* virtual: CLOCK_REALTIME when the first program starts; 0: the real one */
    unsigned processor;       /* virtual: the programs' is the n-th (from 1, modulo their number) of those we may use; 0: the present one */
};

/* What the code in programs knows of the clock (vdso.c has these offsets). Programs can write to it: nothing here is trusted. */
struct clock_page {
    uint64_t now_ns;                     /* launcher.now_ns */
    uint64_t real_base_ns, mono_base_ns; /* the launcher's */
    _Atomic uint32_t reads;              /* at this instant */
    uint32_t free_reads;                 /* so many cost nothing */
};

/* Where those who call often run: place.c. */
enum { CALLERS = 64 };
struct placement {
    bool is_off;               /* one processor, a program that sets its own, or (virtual) that computes on several */
    bool is_together, is_trial;
    cpu_set_t all, home;       /* the processors that we were given; ours, while together */
    struct caller {
        pid_t tid;
        unsigned calls;        /* in this window */
        bool is_moved;
    } callers[CALLERS];        /* by tid */
    uint64_t calls, rate_apart;
    uint64_t window_began_ns, due_ns, stray_due_ns; /* due: of the next trial, or of the next look at how it is apart */
    unsigned failures;         /* trials that did not pay, one after the other */
};

/* Fast mode: a thread's last call on a socket: notify.c. */
enum { KNOWN = 64 };
struct known {
    pid_t tid;
    int fd;
    uint64_t cookie, at_ns;
};

struct timers; /* timers.c */
enum { LISTENERS_DIRECT = 8, SAID = 128 };

struct launcher {
    struct lil_world *world;
    bool virtual_time, has_file_times, exact, verbose, detect_hang, follow_last, hurries;
    uint64_t limit_ns;
    int epoll_fd;
    struct source *direct[LISTENERS_DIRECT]; /* seccomp listeners that are not in the epoll */
    unsigned direct_count;
    struct list held;      /* every held call */
    unsigned timed_calls;  /* those with a deadline */
    uint64_t look_due_ns, look_pause_ns, look_rest_ns; /* real: when they are looked at for signals, and not before: notify_look */
    bool has_sockets;      /* programs may have some: notify.c */
    bool sees_signal;      /* virtual: a scan met one that a signal waits for */
    struct source signals; /* SIGCHLD, SIGINT, SIGTERM, SIGHUP */
    struct source timer;   /* real: for what is due next, or earlier: supervise.c */
    uint64_t timer_ns;     /* world time; LIL_NEVER: it is not set */
    uint64_t keep_due_ns;  /* of the next descriptor's; LIL_NEVER */
    pid_t pid;             /* our own */
    int hub_fd;            /* the AF_UNIX listener that inner ends connect to */
    unsigned hub_length;
    char hub_name[110];
    uint64_t now_ns;       /* world time */
    uint64_t start_real_ns;  /* CLOCK_MONOTONIC at world time 0 */
    uint64_t real_base_ns;   /* CLOCK_REALTIME at world time 0 */
    uint64_t mono_base_ns;   /* what CLOCK_MONOTONIC says at world time 0 */
    struct list programs;
    struct list tasks;       /* threads seen under ptrace (virtual) */
    struct list descs;
    struct list dirty;       /* descriptors whose lil_ socket changed */
    struct list held_unix;   /* calls on the programs' own AF_UNIX sockets that wait with a time limit: call_unix.c */
    struct list dead;        /* descriptors to be freed at the end of this turn */
    struct list sysctl_pipes, closed_pipes; /* call_open.c */
    struct desc **table;     /* by cookie; open addressing */
    unsigned table_mask, table_count;
    struct timers *timers;
    const struct names *names;
    struct list answerers;   /* hosts that have a DNS answerer */
    struct clock_page *clock, own_clock; /* virtual; clock: shared with the programs where that is possible */
    int clock_id;            /* of the shared memory; -1: none */
    uint64_t burn_base_ns;   /* CPU used when the last event came that is no clock read; 0: not sampled */
    struct filetimes *filetimes; /* virtual */
    uint64_t counter;        /* the processor's, as it was read last */
    uint32_t burn_reads;     /* clock.reads at that time, or at the last step since */
    bool burn_has_read;      /* it has been read since that time */
    uint32_t calls_here;     /* virtual: on sockets, at this instant */
    uint64_t descriptor_calls; /* all notified ones */
    uint32_t fruitless;      /* virtual: calls that might have moved something and did not, one after the other: clock_tried */
    uint64_t spin_base_ns;   /* virtual: CPU used when one was found that another thread may work for; 0: not sampled */
    uint64_t burned_ns;      /* virtual: by which the clock followed a program that computes without a call */
    unsigned idle_turns;
    uint64_t awake_ns;       /* virtual: a thread got something since the last poll: it is left to run for so long (real); 0: none */
    bool has_chance;         /* virtual: what is random to programs comes from a seed: two runs are one */
    struct prng chance;      /* of the programs' first threads */
    bool has_random_devices; /* a program has opened /dev/random or /dev/urandom, and has_chance */
    uint64_t date_ns;        /* as configured */
    unsigned long timer_slack_ns; /* the programs'; 0: unchanged */
    uint64_t jumps, notifications, stops, scans;
    bool progress;           /* something happened in this turn of the loop */
    bool has_begun;          /* virtual: the first program has started */
    bool stopped, hung, spun; /* spun: a hang that never sleeps */
    bool waits_on;           /* a hang whose wait has an end, and comes again */
    int stop_signal;
    uint64_t next_id;
    bool keeps_inner;        /* pidfd_getfd is refused: sweep.c */
    unsigned sweep_count;    /* of sockets, at which those that are closed are looked for */
    uint64_t sweep_due_ns, sweep_pause_ns; /* real */
    void *scratch;           /* LAUNCH_SCRATCH bytes for one call's data */
    int lend_pipe[2];        /* desc_lend.c; 0: not open */
    int null_fd;             /* /dev/null: call_close */
    uint8_t *spare_ring;     /* desc_lend.c */
    struct placement placement;
    struct known known[KNOWN]; /* by tid */
    uint64_t said[SAID];       /* hashes of what call_log() has said: a ring */
    unsigned said_next;
};
enum { LAUNCH_SCRATCH = 1 << 18 };

struct program_config {
    struct lil_host *host;
    char *const *argv;
    char *const *environment;   /* additions and replacements "NAME=value"; NULL-terminated or NULL */
    const char *name;           /* for the log; NULL: argv[0] */
    int stdin_fd, stdout_fd, stderr_fd; /* -1: inherited */
    uint64_t start_ns;          /* world time */
    unsigned uid;               /* for ports below 1024; the virtual one */
    const char *directory;      /* NULL: the present one */
    bool keeps_running;         /* the run does not wait for its end */
    /* Gets each line of its stdout and stderr without the newline (what is longer than 1,000 bytes: in pieces); NULL:
     * both are inherited. */
    void (*output)(void *ctx, bool is_error, const char *line, size_t length);
    void *output_ctx;
};

/* What the gauntlet's table wants to know of a run. */
struct program_record {
    const char *call;     /* the last call on a socket that failed, and its errno; cleared when a later connect() succeeds */
    int error;
    const char *timed_out; /* the last timed wait that ran out */
    uint64_t heard_ns;    /* when the network last had something for one of its sockets */
    const char *waiting;  /* at a hang: the call that waits, or is made over and over */
    const char *tried;    /* the last call that might have moved something and did not */
    uint64_t ended_ns;
    bool talks_tcp, talks_udp, asks_names; /* it connected a stream; it sent a datagram (name resolution apart) */
    bool default_keepalive; /* in: SO_KEEPALIVE is set on every TCP socket */
};

struct program {
    struct list node;
    struct launcher *launcher;
    struct lil_host *host;
    struct lil_proc *proc;     /* the table of its lil_ sockets */
    struct source listener;    /* the seccomp listener */
    char *name;
    char **argv, **environment;
    char *directory;
    int stdio[3];
    void (*output)(void *ctx, bool is_error, const char *line, size_t length);
    void *output_ctx;
    struct source outputs[2];  /* stdout, stderr, when it has OUTPUT */
    char *line[2];
    unsigned line_length[2];
    uint64_t start_ns;
    pid_t pid;
    bool started, ended, keeps_running;
    int status;                /* as wait(2) says */
    struct program_record record;
};

/* A thread under ptrace (virtual time only). */
struct wait_kind;
struct task {
    struct list node;
    struct program *program;   /* NULL until known */
    pid_t tid, tgid;
    int syscall_fd, schedstat_fd, stat_fd;
    char schedstat[64];        /* as the first pass of a scan saw it */
    bool is_known;             /* it was asleep then, in this call, as both passes saw */
    long known_nr;
    int state;                 /* enum task_state */
    const struct wait_kind *wait; /* invariant 5 */
    uint64_t args[6];          /* of the wait, as the program gave them */
    uint64_t nr;
    uint64_t deadline_ns;
    uint64_t began_ns, calls;  /* of the wait; launcher.descriptor_calls when the last that ended at once did */
    bool timed_out;
    bool listening;            /* stopped as by SIGSTOP */
    uint64_t born_ns;
    struct prng chance;        /* what is random to it: tracer_chance */
    bool has_chance;
    bool has_exec;             /* it has called exec since its birth */
    pid_t vfork_child;         /* lives and has not called exec: this task waits for it; 0: none */
    uint64_t resume_ns;        /* a wait broken by a stop, not by a handler, goes on to this deadline; 0: none */
    uint64_t resume_nr, resume_arg;
    uint64_t native_ns;        /* the kernel's own call with a time limit ends then, when it still waits: wait_natively; 0: none */
    long native_nr;
    uint64_t native_fd;
    bool native_over;          /* it has been interrupted for that */
};

/* A notified system call. */
struct call {
    struct list node;          /* while held: on desc->held or launcher.held_unix */
    struct list held_node;     /* and on launcher.held */
    struct program *program;
    struct desc *desc;         /* the descriptor of its first argument, when it is ours */
    int inner;                 /* a duplicate of the program's end for the time of the handling; -1 */
    uint64_t id;
    pid_t tid;
    long nr;
    uint64_t args[6];
    uint64_t deadline_ns;      /* of a held call; LIL_NEVER */
    uint64_t done;             /* bytes moved so far by a held call */
    unsigned messages;         /* recvmmsg, sendmmsg: those that are done */
    uint64_t until_ns;         /* recvmmsg's time limit */
    unsigned tries;            /* how often it was handled before */
    bool is_killable;          /* its thread waits in state D, with a signal or without */
    bool is_timed;             /* counted in launcher.timed_calls */
    bool looks_again;          /* its deadline is no end, but when it is handled again */
    bool is_broken;            /* no longer waits in the kernel; kept on its list until its thread comes again, or is gone */
    bool is_answered;          /* and this is the answer that it missed (before Linux 5.19) */
    int64_t answer;
};
/* What the kernel says inside when a signal (or we) broke a call: it may be made again, or ends with EINTR. */
enum { ERESTARTSYS_ = 512, ERESTARTNOINTR_ = 513, ERESTARTNOHAND_ = 514, ERESTART_RESTARTBLOCK_ = 516 };
/* What a handler returns besides a result (>= 0) or -errno. */
enum { CALL_CONTINUE = -100001, CALL_HOLD = -100002, CALL_REPLIED = -100003 };

/* --- supervise.c --------------------------------------------------------------------------------------------------- */
struct launcher *launcher_new(const struct launcher_config *config); /* NULL with errno */
void launcher_free(struct launcher *launcher); /* ends what still runs */
struct program *launcher_add(struct launcher *launcher, const struct program_config *config); /* NULL with errno */
/* Runs until the first program added (or all) has ended. 0; hung and stopped say how else it ended. */
int launcher_run(struct launcher *launcher);
int launcher_watch(struct launcher *launcher, struct source *source, uint32_t events);
/* What programs did to their descriptors up to now: closes before the call that is being handled. Those who call are not looked at. */
void launcher_take_events(struct launcher *launcher);
/* The world up to now, and what of it programs can see, before a call is answered. WITH_EVENTS: launcher_take_events() first. */
void launcher_settle(struct launcher *launcher, bool with_events);
/* Virtual: the clock follows a program that has computed for long since its last call. */
void launcher_count_burn(struct launcher *launcher);
int launcher_rewatch(struct launcher *launcher, struct source *source, uint32_t events); /* other events; what is there now is told anew */
int launcher_watch_listener(struct launcher *launcher, struct source *source);
void launcher_log(struct launcher *launcher, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct program *launcher_program_of(struct launcher *launcher, pid_t pid);
/* Programs of hosts that have crashed (lil_world_crash) are killed; those that have not started yet never will. */
void launcher_end_crashed(struct launcher *launcher);
/* Runs the supervisor in a child that is watched: when either dies, the programs die. Returns the body's result. */
int launcher_guard(int (*body)(void *ctx), void *ctx);
pid_t launcher_guardian(void); /* the process that watches us; 0: none */
void launcher_kill_tree(pid_t root); /* all below it, not itself */
void launcher_each_descendant(pid_t root, void (*each)(void *ctx, pid_t pid), void *ctx);

/* --- spawn.c --------------------------------------------------------------------------------------------------------- */
int program_start(struct program *program); /* -Exxx */
int program_status_to_exit(int status);     /* 128 + signal for a death by signal */

/* --- filter.c -------------------------------------------------------------------------------------------------------- */
enum filter_mode { FILTER_FAST, FILTER_EXACT, FILTER_VIRTUAL, FILTER_VIRTUAL_FILES /* and file times */ };
struct sock_filter;
enum { FILTER_MAX = 512 };
/* The number of instructions. LAB: the supervisor and its guardian, at which programs aim no signals. */
int filter_build(enum filter_mode mode, const pid_t lab[2], struct sock_filter *out);

/* --- memory.c -------------------------------------------------------------------------------------------------------- */
/* The target's memory. 0, or -EFAULT when not all of it could be moved. */
int memory_read(pid_t tid, uint64_t from, void *to, size_t size);
int memory_read_path(pid_t tid, uint64_t from, char *out); /* PATH_MAX bytes; -EFAULT, -ENAMETOOLONG */
int memory_write(pid_t tid, uint64_t to, const void *from, size_t size);
int memory_write_two(pid_t tid, uint64_t to, const void *from, size_t size, uint64_t to2, const void *from2, size_t size2);
/* Vectors in the target, moved to and from one buffer; the number of bytes, or -EFAULT. */
struct iovec;
ssize_t memory_gather(pid_t tid, const struct iovec *remote, int count, size_t skip, void *to, size_t size);
ssize_t memory_scatter(pid_t tid, const struct iovec *remote, int count, size_t skip, const void *from, size_t size);
int memory_get_fd(pid_t tid, int fd);        /* a duplicate of the target's descriptor; -errno */
/* The file that the target has at FD, to be read from; SHARES_PLACE: lseek() moves the target's place too. -ENOTSUP
 * where that cannot be had. */
int memory_open(pid_t tid, int fd, bool shares_place);
/* what one read of a file in /proc gives, ended by 0; "" where there is none */
void memory_proc_text(const char *path, char *text, size_t size);
pid_t memory_tgid(pid_t tid);                /* /proc/TID/status; -ESRCH */
pid_t memory_parent(pid_t tid);

/* --- notify.c -------------------------------------------------------------------------------------------------------- */
void notify_ready(struct source *source, uint32_t events);
/* Whose socket descriptor FD of thread TID is; NULL: none of ours. INNER: a duplicate of it, for the caller to close, or -1. */
struct desc *notify_find(struct launcher *launcher, pid_t tid, int fd, int *inner);
/* -EACCES, and a line in the log, when CALL's descriptor FD (call->inner, not ours) is a socket of the real network; else 0 */
int64_t notify_refuse_real(const struct call *call, int fd);
/* DESC is FD of TID now, as it calls or is answered */
void notify_know(struct launcher *launcher, pid_t tid, int fd, const struct desc *desc);
bool notify_retry(struct call *call);        /* a held call, handled again; true: it has ended, and is freed */
bool notify_reply(struct call *call, int64_t result); /* false: its thread does not wait for it any more */
int notify_add_fd(struct call *call, int fd, bool cloexec); /* answers the call with FD put into the program; the number or -errno */
void notify_free(struct call *call);
void notify_unhold(struct call *call);       /* from its lists; its answer is still to come */
const char *notify_name(long nr);
/* A handler begins to run in the thread whose call its signal broke: true: the call ends, with this result. */
bool notify_break(struct launcher *launcher, pid_t tid, int64_t *result);
bool notify_is_quick(long nr);               /* notified, and never held: no signal may break it */
/* Held calls whose thread has a signal to take are broken, so that it can; NOW: not only when a look is due. */
void notify_look(struct launcher *launcher, bool now);
bool notify_is_asleep(struct launcher *launcher, pid_t tid); /* virtual: in state D all the same */
uint64_t notify_look_left(const struct launcher *launcher); /* real time to the next look that is due */
/* A line in the log, which begins with the calling program's name. What was said of a program of this name is not said again. */
void call_log(const struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
typedef int64_t call_handler(struct call *call);

/* --- calls ------------------------------------------------------------------------------------------------------------- */
call_handler call_socket, call_bind, call_connect, call_listen, call_accept, call_shutdown, call_getsockname,
    call_getpeername, call_setsockopt, call_getsockopt, call_ioctl, call_close, call_recv, call_send, call_sendfile,
    call_splice /* call_splice.c */;
call_handler call_read_random; /* reads of any kind, on a descriptor that is no socket: call_io.c */
call_handler call_open, call_ioctl_foreign, call_mount, call_refuse, call_ptrace; /* call_open.c */
call_handler call_affinity; /* place.c */
call_handler call_kill, call_spare_lab, call_set_owner, call_get_owner; /* call_kill.c */
int64_t call_wait_unix(struct call *call, int option); /* call_unix.c; OPTION: SO_RCVTIMEO or SO_SNDTIMEO */
call_handler call_receive_unix;                         /* reads of any kind, on an AF_UNIX socket of the program's own */
bool call_retry_unix(struct launcher *launcher);       /* true: one that waited goes on */
uint64_t call_next_unix(const struct launcher *launcher);
call_handler call_getrandom; /* clock.c */
call_handler clock_call_gettime, clock_call_gettimeofday, clock_call_time, clock_call_adjust;
call_handler timers_call_alarm, timers_call_setitimer, timers_call_getitimer, timers_call_create, timers_call_settime, timers_call_gettime,
    timers_call_getoverrun, timers_call_delete, timers_call_fd_create, timers_call_fd_settime, timers_call_fd_gettime;
bool call_is_blocking(const struct call *call, int flags); /* no O_NONBLOCK, no MSG_DONTWAIT */
/* The deadline that SO_RCVTIMEO or SO_SNDTIMEO gives a call that begins to wait now. */
uint64_t call_deadline(const struct call *call, int option);
/* A call that found nothing begins to wait: its deadline is set. false: it does not block, or that deadline has passed. */
bool call_begin_wait(struct call *call, int flags, int option);
/* The stack has begun to connect the call's socket (PENDING: and is not done): the call's answer, or CALL_HOLD. */
int64_t call_connect_begun(struct call *call, bool pending);
int64_t call_connect_state(struct call *call); /* the same, when it is handled again */
/* What a failed connect() left behind is the next call's answer, once; 0: nothing. */
int call_take_error(struct call *call, int flags);
void call_record(struct call *call, const char *name, int error);
int64_t call_broken_pipe(struct call *call, int flags); /* EPIPE and, without MSG_NOSIGNAL, the signal */

/* --- clock.c ----------------------------------------------------------------------------------------------------------- */
uint64_t clock_kernel_ns(clockid_t id); /* what the kernel says; nobody else in launch/ asks it */
uint64_t clock_real_ns(void);      /* the kernel's CLOCK_MONOTONIC */
void clock_start(struct launcher *launcher);
void clock_begin(struct launcher *launcher);                  /* a program is about to start: the date begins with the first */
void clock_jump(struct launcher *launcher, uint64_t now_ns); /* virtual */
/* A call on a descriptor (IS_OURS: one of the launcher's sockets), with its result: many at one instant take time. */
void clock_charge(struct launcher *launcher, bool is_ours, int64_t bytes);
/* A call that moves data, connects, accepts or waits has ended at once. IS_FRUITLESS: with nothing. */
void clock_tried(struct program *program, const char *name, bool is_fruitless);
void clock_slept(struct launcher *launcher);
/* A program has computed for so long without a call. IS_AWAITED: another thread waits, perhaps for what comes of it. */
void clock_burn(struct launcher *launcher, uint64_t step_ns, bool is_awaited);
void clock_looked(struct launcher *launcher); /* a timed wait of no length counts as many clock reads */
/* SIZE bytes, or some more, of what is random to thread TID; SIZE. */
size_t clock_chance(struct launcher *launcher, pid_t tid, uint64_t *words, size_t size);
uint64_t clock_counter(struct launcher *launcher); /* virtual: the processor's: nanoseconds; each read says more than the last */
void clock_update(struct launcher *launcher); /* real time: now_ns follows the kernel's clock */
/* World time of TIME on clock ID (absolute), saturating. */
uint64_t clock_to_world(const struct launcher *launcher, int id, int64_t seconds, int64_t nanoseconds);
uint64_t clock_from_world(const struct launcher *launcher, int id, uint64_t world_ns);
uint64_t clock_add(uint64_t a_ns, uint64_t b_ns); /* saturating */
uint64_t clock_span(int64_t seconds, int64_t nanoseconds);

/* --- filetime.c (virtual time) ----------------------------------------------------------------------------------------------- */
void filetime_start(struct launcher *launcher);
void filetime_end(struct launcher *launcher);
void filetime_jump(struct launcher *launcher); /* the clock has */
call_handler filetime_call_stat, filetime_call_set;

/* --- uptime.c (virtual time) ------------------------------------------------------------------------------------------------- */
call_handler uptime_call_times, uptime_call_sysinfo;
bool uptime_is_in(const char *path);                                           /* a file of /proc that counts from the start */
char *uptime_text(struct launcher *launcher, pid_t caller, const char *path); /* malloc'ed; NULL: there is none */

/* --- place.c ----------------------------------------------------------------------------------------------------------- */
void place_init(struct launcher *launcher, unsigned processor);
void place_note(struct launcher *launcher, pid_t tid);     /* it has called */
void place_turn(struct launcher *launcher);                /* once a turn of the loop */
void place_release(struct launcher *launcher);             /* everybody has its processors again */
uint64_t place_left(const struct launcher *launcher);      /* time to the next turn that is needed; LIL_NEVER */
void place_separate(struct launcher *launcher);            /* and that is all: for the rest of the run */

/* --- vdso.c (virtual time) --------------------------------------------------------------------------------------------- */
struct task;
void vdso_init(struct launcher *launcher);
void vdso_fini(struct launcher *launcher);
bool vdso_replace(struct launcher *launcher, struct task *task, int *status);

/* --- tracer.c, wait.c, quiesce.c, timers.c (virtual time) ---------------------------------------------------------------- */
enum { TASK_OPTIONS_NONE = 0 };
int tracer_seize(struct program *program, pid_t pid);   /* -Exxx */
void tracer_reap(struct launcher *launcher);            /* every pending wait status: stops and deaths */
struct task *tracer_find(struct launcher *launcher, pid_t tid);
/* Each thread's own, of its creator's: siblings that race do not change what the others have. */
struct prng *tracer_chance(struct launcher *launcher, pid_t tid);
void tracer_free_all(struct launcher *launcher);
bool tracer_is_permitted(void);
void wait_enter(struct launcher *launcher, struct task *task); /* at a seccomp stop; resumes the task */
void wait_exit(struct launcher *launcher, struct task *task);  /* at its syscall-exit stop; resumes the task */
void wait_signal(struct launcher *launcher, struct task *task, int signal); /* is delivered: a handler's ends a broken wait */
void wait_stop(struct launcher *launcher, struct task *task);       /* it stops as by SIGSTOP */
/* CALL goes on in the kernel, which cannot tell when it will end: at DEADLINE_NS it ends with EAGAIN. */
void wait_natively(struct launcher *launcher, const struct call *call, uint64_t deadline_ns);
void wait_interrupted(struct task *task);                       /* its stop after PTRACE_INTERRUPT */
uint64_t wait_next(const struct launcher *launcher);
void wait_fire(struct launcher *launcher);                      /* ends those whose time has come */
const char *wait_name(const struct wait_kind *kind);
bool quiesce_scan(struct launcher *launcher);
bool quiesce_is_in(struct task *task, long nr, uint64_t argument); /* it sleeps in this call, with this first argument */
uint64_t quiesce_cpu_ns(struct launcher *launcher);
unsigned quiesce_running(struct launcher *launcher); /* how many threads run, or could */
const char *quiesce_waiting(struct launcher *launcher, struct program *program); /* the call that its first thread waits in */
int timers_init(struct launcher *launcher);
void timers_free(struct launcher *launcher);
int timers_check_clock(int id); /* 0: timers and sleeps may have this clock; -EOPNOTSUPP: it only tells the time */
uint64_t timers_next(const struct launcher *launcher);
void timers_fire(struct launcher *launcher);
void timers_signal(struct launcher *launcher, const struct task *task, int signal); /* is about to be delivered */
void timers_process_gone(struct launcher *launcher, pid_t tgid);

/* --- desc.c, desc_pump.c, desc_exact.c ------------------------------------------------------------------------------------- */
enum desc_kind { DESC_STREAM, DESC_DGRAM };
enum desc_state { DESC_NEW, DESC_CONNECTING, DESC_OPEN, DESC_LISTENING, DESC_FAILED, DESC_CLOSED };
struct desc {
    struct list node, dirty_node;
    struct source outer;       /* fd -1: gone */
    struct launcher *launcher;
    struct program *program;
    enum desc_kind kind;
    enum desc_state state;
    int family, type, protocol;
    int lil_fd;                /* -1: closed */
    uint64_t cookie;
    ino_t inode;
    struct waiter waiter;
    unsigned woken;            /* events since the last service (exact), since the stack last had nothing to read (fast) */
    struct list held;          /* calls */
    unsigned fill, tokens;     /* invariant 6 */
    int error;                 /* of a connect that failed, until SO_ERROR or connect() says it */
    int net_error;             /* fast: sending met it */
    int last_tid, last_fd;     /* where the inner end was seen last */
    int keeps_alive;           /* fast: what the stack was told of SO_KEEPALIVE, which the inner end has */
    uint64_t keep_due_ns;      /* and when the inner end is looked at next; 0, LIL_NEVER: it is not */
    struct desc *returned;     /* of a listener: accepted for a call that a signal broke; the next accept() has it */
    int returned_inner;
    int kept_fd;               /* without pidfd_getfd: a copy of the inner end; -1 */
    int pair_out, pair_in;     /* fast: bytes that the pair may hold, where the program set SO_SNDBUF, SO_RCVBUF; 0: as it comes */
    bool is_urgent;            /* fast: the outer end has an urgent byte */
    bool keeps_urgent;         /* fast: SO_OOBINLINE, which the inner end has itself; an accepted one inherits it */
    bool resets_at_close;      /* SO_LINGER with no time */
    bool shows_urgent;         /* exact: a token is urgent */
    bool is_held;              /* a sweep has seen it in a program */
    bool is_busy;              /* a call on it is being handled: no sweep frees it */
    bool is_told;              /* a connect() has said what became of it: the next one says EISCONN, or tries again */
    bool has_lingered;         /* its close() has begun to wait */
    bool fin_shown, fin_sent, is_reset;
    bool end_shown;            /* exact: the outer end is shut both ways, by us */
    bool readable, hung_up;    /* fast: the outer end's events: bytes or an end may be there; no inner end is left */
    bool wants_room;           /* the outer end's room is an event too */
    bool stays_readable;       /* an end, or urgent data: a short read may have ended at its mark, and no new event tells of the rest */
    struct lending *lending;   /* fast: bytes that go to the program by reference: desc_lend.c; NULL: none */
    bool never_lends;          /* it splices */
    /* fast: what one side gave and the other could not yet take */
    uint8_t *to_net, *to_program;
    size_t to_net_length, to_net_offset, to_program_length, to_program_offset;
    bool queued, queued_mark;  /* datagrams, fast: one is in the inner queue: a copy of the stack's first, or an empty one: an error */
    /* DNS: the server that was asked, when the lab's answerer stands in for it */
    struct sockaddr_storage asked;
    socklen_t asked_length;
    /* names, for what is asked after the lil_ socket is gone */
    struct sockaddr_storage local, remote;
    socklen_t local_length, remote_length;
};
/* CONNECTED: with both ends (accept; datagrams always). FLAGS: 0 or SOCK_NONBLOCK. INNER is the caller's to give away
 * and close. NULL with errno. */
struct desc *desc_new(struct program *program, enum desc_kind kind, int lil_fd, bool connected, int flags, int *inner);
struct desc *desc_find(struct launcher *launcher, int fd);   /* of a duplicate of the inner end; NULL: not ours */
struct desc *desc_find_identity(struct launcher *launcher, uint64_t identity); /* the cookie, or without pidfd_getfd the inode */
void desc_free(struct desc *desc);
void desc_dirty(struct desc *desc);
void desc_service_all(struct launcher *launcher);
int desc_attach_hub(struct desc *desc, int inner);           /* connect or listen: makes the outer end, filled */
int desc_attach_open(struct desc *desc, int inner);          /* fast: the connection is there already: outer end, not filled */
void desc_established(struct desc *desc);
void desc_failed(struct desc *desc, int error);              /* connect() failed */
void desc_reset(struct desc *desc);                          /* a connection died: ECONNRESET natively */
void desc_close_outer(struct desc *desc);
int desc_replace_inner(struct desc *desc, int inner);        /* for one that has no connection any more: as new; -Exxx */
int desc_take_error(int inner);                              /* the inner end's own; poll(2) then shows no POLLERR any more */
int desc_find_inner(struct desc *desc);                      /* a duplicate, or -1 */
void desc_fill(struct desc *desc, int inner);
/* Fast mode, a stream: the program has set SO_SNDBUF (OUT) or SO_RCVBUF; an accepted one inherits from its listener. */
void desc_size_pair(struct desc *desc, int inner, bool out, int bytes);
void desc_inherit_pair(struct desc *desc, int inner, const struct desc *listener);
void desc_want_room(struct desc *desc);                      /* from now on we are told when the outer end can be written to */
void desc_drain_fill(struct desc *desc);
void desc_sync(struct desc *desc, int inner);                /* exact: tokens and filler follow the lil_ socket; INNER may be -1 */
void desc_pump(struct desc *desc);                           /* fast */
int desc_unsent(const struct desc *desc);                     /* fast, a stream: what the program wrote and the stack has not yet */
void desc_remember_names(struct desc *desc);
void desc_program_closed(struct desc *desc);                 /* the last inner end is gone */
/* Fast mode, before a call with FLAGS receives a datagram from the stack: its copy leaves the inner queue. 0, or the
 * error that was queued there. */
int desc_dgram_claim(struct desc *desc, int inner, int flags);

/* --- desc_lend.c: fast: a bulk transfer's bytes to the program by reference -------------------------------------------------- */
bool lend_begin(struct desc *desc);                          /* false: they are copied */
void lend_end(struct desc *desc);                            /* what is lent stays as it is for as long as the kernel has it */
void lend_fini(struct launcher *launcher);
bool lend_open_pipe(struct launcher *launcher);              /* lend_pipe: of our own; what it holds never outlives a call */
void lend_empty_pipe(struct launcher *launcher, size_t left);
uint8_t *lend_buffer(struct desc *desc, size_t *size);       /* for what comes next; NULL: the program has not read enough yet */
ssize_t lend_send(struct desc *desc, const uint8_t *buffer, size_t n); /* as send(2); BUFFER: from lend_buffer */

/* --- keepalive.c: fast mode: SO_KEEPALIVE, which only the inner end is told -------------------------------------------------- */
void keepalive_expect(struct desc *desc);                    /* it is connected, or TCP_KEEPIDLE has changed: that may matter then */
void keepalive_inherit(int listener, int inner);             /* an accepted one's; both are inner ends */
void keepalive_turn(struct launcher *launcher, bool all);    /* tells the stack, of those that are due */

/* desc_renew.c: gives the program of CALL a new inner end for its socket, which has no connection any more, at the same number. -Exxx. */
int desc_renew(struct call *call);

int desc_open_netlink(struct program *program, int type, int protocol, pid_t tid); /* desc_netlink.c: a lil_ descriptor; -1 with errno */
struct file;
struct desc *desc_of_file(const struct file *file);          /* NULL: none of the launcher's */

/* --- sweep.c ----------------------------------------------------------------------------------------------------------------- */
bool sweep_is_needed(void);                                  /* pidfd_getfd is refused */
bool sweep(struct launcher *launcher);                       /* frees what no program holds any more; true: there was something */
unsigned sweep_holders(struct launcher *launcher, const struct desc *desc); /* how many descriptors of programs are this socket */
void sweep_if_many(struct launcher *launcher);
void sweep_if_due(struct launcher *launcher);
uint64_t sweep_left(const struct launcher *launcher);        /* real time to the next one that is due */
/* Without pidfd_getfd: of the program's descriptor FD; INNER: a duplicate of it, or -1. */
struct desc *sweep_find(struct launcher *launcher, pid_t tid, int fd, int *inner);
int sweep_domain(pid_t tid, int fd);                         /* AF_UNIX; AF_UNSPEC: another family; -1: not a socket */

/* --- call_open.c, procnet.c ------------------------------------------------------------------------------------------------ */
enum open_what { OPEN_NATIVE, OPEN_PROC_NET, OPEN_SYSCTL, OPEN_ABSENT };
void open_normalize(char *path);
enum open_what open_classify(const char *path, const char **rest); /* REST: what follows the directory */
/* The text of /proc/net/NAME, of /proc/sys/net/PATH on the program's host; malloc'ed; NULL: there is none. */
char *procnet_text(struct program *program, const char *name, size_t *length);
char *procnet_sysctl(struct program *program, const char *path, size_t *length);

/* --- names.c, dns.c ---------------------------------------------------------------------------------------------------------- */
enum { NAME_ADDRESSES = 6 };
enum dns_mode { DNS_RIGHT, DNS_SERVFAIL, DNS_SILENT };
struct name {
    char *name;
    struct name_address {
        uint8_t bytes[16]; /* IPv4: the first 4 */
        bool is_v4;
    } address[NAME_ADDRESSES]; /* in the order of the answer */
    unsigned count;
};
struct names { /* the lab's names; zeroed: empty */
    struct name *entries;
    unsigned count;
    enum dns_mode mode;
    uint64_t delay_ns; /* of every answer */
};
int names_add(struct names *names, const char *name, const char *address); /* may be repeated for more; -EINVAL, -ENOMEM */
void names_fini(struct names *names);
const struct name *names_find(const struct names *names, const char *name);
/* The answer to QUERY in ANSWER; its length, 0 for no answer. */
size_t dns_answer(const struct names *names, const uint8_t *query, size_t length, uint8_t *answer, size_t size);
/* Port 53 where nothing in the lab serves it: the answerer on the program's own host (127.0.0.53, ::1) instead, started at
 * the first question. True when ADDRESS was changed. */
bool dns_redirect(struct desc *desc, struct sockaddr_storage *address, socklen_t *length);

#endif
