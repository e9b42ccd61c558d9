/* clock.h: the only reader of a clock in the library: run/ drives hosts in real time, tools measure. */
#ifndef RUN_CLOCK_H
#define RUN_CLOCK_H
#include <stdint.h>

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void);

#endif
