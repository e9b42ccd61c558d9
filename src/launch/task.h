/* task.h: threads under ptrace (virtual time only): tracer.c has them, wait.c their timed waits, quiesce.c says when all sleep. */
#ifndef LAUNCH_TASK_H
#define LAUNCH_TASK_H
#include "launch/call.h"
#include "launch/launch.h"

struct call;
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

/* tracer.c */
int tracer_seize(struct program *program, pid_t pid);   /* -Exxx */
call_handler tracer_call_wait;
void tracer_reap(struct launcher *launcher);            /* every pending wait status: stops and deaths */
struct task *tracer_find(struct launcher *launcher, pid_t tid);
/* Each thread's own, of its creator's: siblings that race do not change what the others have. */
struct prng *tracer_chance(struct launcher *launcher, pid_t tid);
void tracer_free_all(struct launcher *launcher);
bool tracer_is_permitted(void);

/* wait.c */
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

/* quiesce.c */
bool quiesce_scan(struct launcher *launcher);
bool quiesce_is_in(struct task *task, long nr, uint64_t argument); /* it sleeps in this call, with this first argument */
uint64_t quiesce_cpu_ns(struct launcher *launcher);
unsigned quiesce_running(struct launcher *launcher); /* how many threads run, or could */
const char *quiesce_waiting(struct launcher *launcher, struct program *program); /* the call that its first thread waits in */
#endif
