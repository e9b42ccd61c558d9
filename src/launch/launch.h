/* launch.h: unmodified programs on virtual hosts. The theory of the whole launcher; read it first, then supervise.c. Then by room: call.h
 * (a call that the supervisor answers), desc.h (a socket of a program), task.h, clock.h, timers.h (virtual time).
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
 *   end         the outer end is shut for writing
 *   error       it is closed with filler unread (ECONNRESET)
 * The supervisor keeps no copy of the inner end: its last close must show as EPOLLHUP on the outer one. Whose socket a
 * descriptor of the program is, is asked at each call (pidfd_getfd and SO_COOKIE), which is right after dup, fork and
 * SCM_RIGHTS (but see is_known() in notify.c: names and what is set, right after a call on the same descriptor). Where
 * pidfd_getfd is refused, and for closes that the outer end does not tell of: sweep.c.
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
#include <signal.h>
#include <sys/types.h>
#include "base/list.h"
#include "base/prng.h"
#include "host/runtime.h"
#include "launch/place.h"
#include "lilliput/lilliput.h"

struct launcher;
struct program;
struct desc;

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

/* Fast mode: a thread's last call on a socket: notify.c. */
enum { KNOWN = 64 };
struct known {
    pid_t tid;
    int fd;
    uint64_t cookie, at_ns;
};

/* Virtual: how long a program goes on at one instant, by calls or by computing, and when the clock is to follow it: clock.c,
 * launcher_count_burn(). CPU times are the programs'. */
struct spin {
    uint32_t calls_here;    /* on descriptors, at this instant */
    uint32_t fruitless;     /* calls that might have moved something and did not, one after the other: clock_tried */
    uint64_t work_base_ns;  /* CPU used when a thread was found that may work for the one that calls; 0: not sampled */
    uint64_t cpu_ns;        /* CPU used when the last event came that is no clock read; 0: not sampled */
    uint32_t reads;         /* clock.reads at that time, or at the last step since */
    bool has_read;          /* the clock has been read since that time */
    uint64_t burned_ns;     /* by which the clock followed a program that computes without a call */
};

struct timers; /* timers.c */
enum { LISTENERS_DIRECT = 8, SAID = 128 };

struct launcher {
    /* As configured. */
    struct lil_world *world;
    const struct names *names;
    bool virtual_time, has_file_times, exact, verbose, detect_hang, follow_last, hurries;
    uint64_t limit_ns, date_ns;
    bool has_chance;         /* virtual: what is random to programs comes from a seed: two runs are one */
    struct prng chance;      /* of the programs' first threads */

    /* What it serves: the lists are of struct program, task (threads seen under ptrace: virtual) and desc. */
    struct list programs, tasks, descs;
    struct list dirty;       /* descriptors whose lil_ socket changed */
    struct list dead;        /* descriptors to be freed at the end of this turn */
    struct desc **table;     /* by cookie; open addressing */
    unsigned table_mask, table_count;
    struct list held;        /* every held call */
    struct list held_unix;   /* calls on the programs' own AF_UNIX sockets that wait with a time limit: call_unix.c */
    unsigned timed_calls;    /* held ones with a deadline */
    struct list sysctl_pipes, closed_pipes; /* call_open.c */
    struct list answerers;   /* hosts that have a DNS answerer */
    struct { int fd; unsigned length; char name[110]; } hub; /* the AF_UNIX listener that inner ends connect to */
    struct known known[KNOWN]; /* by tid */
    uint64_t next_id;
    bool has_sockets;        /* programs may have some: notify.c */
    bool has_random_devices; /* a program has opened /dev/random or /dev/urandom, and has_chance */

    /* The loop: supervise.c. */
    pid_t pid;               /* our own */
    int epoll_fd;
    struct source *direct[LISTENERS_DIRECT]; /* seccomp listeners that are not in the epoll */
    unsigned direct_count;
    struct source signals;   /* SIGCHLD, SIGINT, SIGTERM, SIGHUP */
    struct source timer;     /* real: for what is due next, or earlier */
    uint64_t timer_ns;       /* world time; LIL_NEVER: it is not set */
    uint64_t keep_due_ns;    /* of the next descriptor's; LIL_NEVER */
    bool progress;           /* something happened in this turn of the loop */
    unsigned idle_turns;
    uint64_t awake_ns;       /* virtual: a thread got something since the last poll: it is left to run for so long (real); 0: none */
    bool sees_signal;        /* virtual: a scan met one that a signal waits for */
    struct { uint64_t due_ns, pause_ns, rest_ns; } look; /* real: when held calls are looked at for signals, and not before: notify_look */
    struct placement placement;

    /* Time: clock.c, vdso.c. */
    uint64_t now_ns;         /* world time */
    uint64_t start_real_ns;  /* CLOCK_MONOTONIC at world time 0 */
    uint64_t real_base_ns;   /* CLOCK_REALTIME at world time 0 */
    uint64_t mono_base_ns;   /* what CLOCK_MONOTONIC says at world time 0 */
    bool has_begun;          /* virtual: the first program has started */
    struct clock_page *clock, own_clock; /* virtual; clock: shared with the programs where that is possible */
    int clock_id;            /* of the shared memory; -1: none */
    uint64_t counter;        /* the processor's, as it was read last */
    unsigned long timer_slack_ns; /* the programs'; 0: unchanged */
    struct timers *timers;
    struct filetimes *filetimes; /* virtual */
    struct spin spin;        /* virtual */
    uint64_t descriptor_calls; /* all notified ones */

    /* Descriptors where the kernel does not tell of closes (sweep.c), and bytes by reference (desc_lend.c). */
    bool keeps_inner;        /* pidfd_getfd is refused */
    struct { unsigned count; uint64_t due_ns, pause_ns; } sweep; /* count: of sockets, at which closed ones are looked for; real times */
    struct { int pipe[2]; uint8_t *spare_ring; } lend; /* pipe: 0: not open */
    void *scratch;           /* LAUNCH_SCRATCH bytes for one call's data */
    int null_fd;             /* /dev/null: call_close */

    /* How it ended; what is told of it. */
    struct {
        bool stopped; /* by a signal, or by the gauntlet */
        int signal;
        bool hung, spun; /* spun: a hang that never sleeps */
        bool waits_on;   /* a hang whose wait has an end, and comes again */
    } end;
    struct { uint64_t jumps, notifications, stops, scans; } counts;
    struct { uint64_t hashes[SAID]; unsigned next; } said; /* what call_log() has said: a ring */
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

/* --- supervise.c --------------------------------------------------------------------------------------------------- */
struct launcher *launcher_new(const struct launcher_config *config); /* NULL with errno */
void launcher_free(struct launcher *launcher); /* ends what still runs */
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

/* --- launched.c ----------------------------------------------------------------------------------------------------- */
struct program *launcher_add(struct launcher *launcher, const struct program_config *config); /* NULL with errno */
struct program *launcher_program_of(struct launcher *launcher, pid_t pid); /* by its ancestors; NULL */
/* Programs of hosts that have crashed (lil_world_crash) are killed; those that have not started yet never will. */
void launcher_end_crashed(struct launcher *launcher);
void launcher_read_output(struct program *program, int which); /* what is there of its stdout (0) or stderr (1), to config.output */
void launcher_forget(struct program *program); /* it has been taken from launcher.programs */

/* --- guard.c ------------------------------------------------------------------------------------------------------- */
/* Runs the supervisor in a child that is watched: when either dies, the programs die. Returns the body's result. */
int launcher_guard(int (*body)(void *ctx), void *ctx);
pid_t launcher_guardian(void); /* the process that watches us; 0: none */
void launcher_kill_tree(pid_t root); /* all below it, not itself */
void launcher_each_descendant(pid_t root, void (*each)(void *ctx, pid_t pid), void *ctx);

/* --- spawn.c --------------------------------------------------------------------------------------------------------- */
int program_start(struct program *program); /* -Exxx */
int program_status_to_exit(int status);     /* 128 + signal for a death by signal */
#endif
