/* timers.h: the alarms, timers and timer descriptors of programs in virtual time: timers.c. */
#ifndef LAUNCH_TIMERS_H
#define LAUNCH_TIMERS_H
#include "launch/call.h"

struct task;
int timers_init(struct launcher *launcher);
void timers_free(struct launcher *launcher);
int timers_check_clock(int id); /* 0: timers and sleeps may have this clock; -EOPNOTSUPP: it only tells the time */
uint64_t timers_next(const struct launcher *launcher);
void timers_fire(struct launcher *launcher);
void timers_signal(struct launcher *launcher, const struct task *task, int signal); /* is about to be delivered */
void timers_process_gone(struct launcher *launcher, pid_t tgid);
call_handler timers_call_alarm, timers_call_setitimer, timers_call_getitimer, timers_call_create, timers_call_settime, timers_call_gettime,
    timers_call_getoverrun, timers_call_delete, timers_call_fd_create, timers_call_fd_settime, timers_call_fd_gettime;
#endif
