/* real_clock.h: the only reader of clocks in the library, and the only place that waits for one: labs in real time, tools that measure. */
#ifndef RUN_REAL_CLOCK_H
#define RUN_REAL_CLOCK_H
#include <stdint.h>

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void);
void clock_sleep_until(uint64_t when_ns); /* of clock_monotonic_ns(); returns at once when it has passed */

#endif
