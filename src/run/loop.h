/* loop.h: hosts on real drivers in real time: the one place that blocks. Add interfaces with their drivers
 * (lilliput/driver.h), run; the loop reads the clock, feeds frames in batches, polls each host once after them, and
 * sleeps until the earliest deadline. */
#ifndef RUN_LOOP_H
#define RUN_LOOP_H
#include "lilliput/driver.h"

struct loop;
struct loop *loop_new(void);       /* NULL and errno */
void loop_free(struct loop *loop); /* hosts and drivers stay their owner's */
/* HOST is polled by this loop from now on. -ENOMEM. */
int loop_add_host(struct loop *loop, struct lil_host *host) __attribute__((warn_unused_result));
/* Frames of DRIVER go to HOST's interface. -Exxx. */
int loop_add_driver(struct loop *loop, struct lil_host *host, int ifindex, struct lil_driver *driver)
    __attribute__((warn_unused_result));
/* Called after every round, before sleeping: the embedder's own calls (inline sockets). Returns false to stop the loop.
 */
typedef bool loop_round_fn(void *ctx, uint64_t now_ns);
/* Runs until ROUND says no, or TIMEOUT_NS have passed (LIL_NEVER: never). 0, or -Exxx when a driver's descriptor
 * failed. */
int loop_run(struct loop *loop, loop_round_fn *round, void *ctx, uint64_t timeout_ns);
uint64_t loop_now(void);
void loop_sleep_until(uint64_t when_ns); /* of loop_now; returns at once when it has passed */

#endif
