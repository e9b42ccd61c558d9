/* clock.h: the time that programs are told: clock.c; in virtual time also filetime.c (of files), uptime.c (of /proc), vdso.c (read without
 * a call). */
#ifndef LAUNCH_CLOCK_H
#define LAUNCH_CLOCK_H
#include <sys/types.h>
#include <time.h>
#include "launch/call.h"

struct task;
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
call_handler clock_call_gettime, clock_call_gettimeofday, clock_call_time, clock_call_adjust;
call_handler call_getrandom;

/* filetime.c */
void filetime_start(struct launcher *launcher);
void filetime_end(struct launcher *launcher);
void filetime_jump(struct launcher *launcher); /* the clock has */
call_handler filetime_call_stat, filetime_call_set;

/* uptime.c */
call_handler uptime_call_times, uptime_call_sysinfo;
bool uptime_is_in(const char *path);                                           /* a file of /proc that counts from the start */
char *uptime_text(struct launcher *launcher, pid_t caller, const char *path); /* malloc'ed; NULL: there is none */

/* vdso.c */
void vdso_init(struct launcher *launcher);
void vdso_fini(struct launcher *launcher);
bool vdso_replace(struct launcher *launcher, struct task *task, int *status);
#endif
