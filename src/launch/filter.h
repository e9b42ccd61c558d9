/* filter.h: the seccomp filter of a program: filter.c. */
#ifndef LAUNCH_FILTER_H
#define LAUNCH_FILTER_H
#include <sys/types.h>

enum filter_mode { FILTER_FAST, FILTER_EXACT, FILTER_VIRTUAL, FILTER_VIRTUAL_FILES /* and file times */ };
struct sock_filter;
enum { FILTER_MAX = 512 };
/* The number of instructions. LAB: the supervisor and its guardian, at which programs aim no signals. */
int filter_build(enum filter_mode mode, const pid_t lab[2], struct sock_filter *out);
#endif
