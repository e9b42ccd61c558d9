/* plugin.h: Lilliput behind the stock packetdrill's --so_filename. packetdrill.h's structure is the contract; the rest is ours.
 *
 * Two threads come in: packetdrill's main thread, and one on which it makes the calls that are to block. One mutex
 * guards the host. Time is virtual and moves only on the main thread (usleep, netdev_receive, a call that blocks there) and
 * by 1 us at each gettimeofday. A call that blocks on the second thread sleeps on a condition: packetdrill sees an S in its
 * /proc stat. When something wakes it, time stands still until it has asked for the time (or sleeps again): that is the
 * moment which packetdrill takes for the call's end. */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H
#include <pthread.h>
#include "host/runtime.h"
#include "lilliput/lilliput.h"
#include "script/plugin/packetdrill.h"

enum { PLUGIN_FDS = 1024 };
struct plugin_packet {
    struct plugin_packet *next;
    uint64_t time_ns;
    size_t length;
    uint8_t bytes[];
};
struct plugin {
    pthread_mutex_t lock;
    pthread_cond_t changed;       /* any of the flags below */
    pthread_t main;
    struct lil_host *host;
    struct lil_proc *proc;
    struct proc_runtime runtime;
    int ifindex;
    uint64_t now_ns, next_ns;
    int fds[PLUGIN_FDS];          /* real descriptor -> the host's; -1: none */
    struct plugin_packet *first, **last;
    int machine_fd;               /* an inotify of the machine's parameters; -1: they are not followed */
    bool main_woken;
    bool sleeper, sleeper_woken;  /* the second thread is in wait(); it may go on */
    bool sleeper_owes_time;       /* woken, and has not asked for the time yet */
    uint64_t sleeper_deadline_ns;
    bool is_ending;               /* free() came while it slept */
};

/* plugin_time.c; all with the lock held */
int plugin_wait(void *ctx, struct lil_proc *proc, uint64_t deadline_ns);
void plugin_wake(void *ctx, struct lil_proc *proc);
void plugin_settle(struct plugin *plugin);
/* To the next thing that happens; false: nothing does until LIMIT. */
bool plugin_step(struct plugin *plugin, uint64_t limit_ns);
void plugin_advance(struct plugin *plugin, uint64_t until_ns);
void plugin_tick(struct plugin *plugin); /* gettimeofday's microsecond */

/* plugin_machine.c */
int plugin_machine_watch(void);                    /* a descriptor, or -1 */
void plugin_machine_follow(struct plugin *plugin); /* what was written since */

/* plugin_calls.c */
void plugin_fill(struct packetdrill_interface *interface);
#endif
