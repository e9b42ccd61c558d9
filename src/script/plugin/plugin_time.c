/* plugin_time.c: virtual time between two real threads. See plugin.h. */
#include <errno.h>
#include "run/real_clock.h"
#include "script/plugin/plugin.h"

/* Real time that the second thread is given to take notice, once it is woken: only a lost thread uses it up. */
enum { PLUGIN_PATIENCE_S = 5 };

static bool is_main(const struct plugin *plugin)
{
    return pthread_equal(pthread_self(), plugin->main);
}

/* Time stands still until the woken thread has asked for it. */
static void await_sleeper(struct plugin *plugin)
{
    if (!is_main(plugin))
        return;
    uint64_t limit_ns = clock_realtime_ns() + PLUGIN_PATIENCE_S * 1000000000ull;
    struct timespec limit = {.tv_sec = (time_t)(limit_ns / 1000000000), .tv_nsec = (long)(limit_ns % 1000000000)};
    while (plugin->sleeper_owes_time)
        if (pthread_cond_timedwait(&plugin->changed, &plugin->lock, &limit) == ETIMEDOUT)
            plugin->sleeper_owes_time = false;
}

static void rouse(struct plugin *plugin)
{
    if (!plugin->sleeper || plugin->sleeper_woken)
        return;
    plugin->sleeper_woken = plugin->sleeper_owes_time = true;
    pthread_cond_broadcast(&plugin->changed);
}

void plugin_wake(void *ctx, struct lil_proc *proc)
{
    struct plugin *plugin = ctx;
    (void)proc;
    plugin->main_woken = true;
    rouse(plugin);
}

void plugin_settle(struct plugin *plugin)
{
    plugin->next_ns = lil_host_poll(plugin->host, plugin->now_ns);
    if (plugin->sleeper && plugin->now_ns >= plugin->sleeper_deadline_ns)
        rouse(plugin);
    await_sleeper(plugin);
    if (lil_host_is_due(plugin->host)) /* the sleeper's call may have left work */
        plugin->next_ns = lil_host_poll(plugin->host, plugin->now_ns);
}

bool plugin_step(struct plugin *plugin, uint64_t limit_ns)
{
    uint64_t next = plugin->next_ns;
    if (plugin->sleeper && plugin->sleeper_deadline_ns < next)
        next = plugin->sleeper_deadline_ns;
    if (next == LIL_NEVER || next > limit_ns)
        return false;
    plugin->now_ns = next > plugin->now_ns ? next : plugin->now_ns + 1000; /* a host that asks for the past moves on */
    plugin_settle(plugin);
    return true;
}

void plugin_advance(struct plugin *plugin, uint64_t until_ns)
{
    plugin_settle(plugin);
    while (plugin->now_ns < until_ns && plugin_step(plugin, until_ns))
        ;
    if (plugin->now_ns < until_ns) {
        plugin->now_ns = until_ns;
        plugin_settle(plugin); /* calls use the host's last time */
    }
}

void plugin_tick(struct plugin *plugin)
{
    if (!is_main(plugin)) {
        plugin->sleeper_owes_time = false;
        pthread_cond_broadcast(&plugin->changed);
    }
    plugin->now_ns += 1000;
    bool ends = plugin->sleeper && plugin->sleeper_deadline_ns <= plugin->now_ns; /* a call's own time has come */
    if (is_main(plugin) && (plugin->next_ns <= plugin->now_ns || ends))
        plugin_settle(plugin);
}

/* On the main thread nobody else moves time: the call does. */
static int wait_on_main(struct plugin *plugin, uint64_t deadline_ns)
{
    plugin->main_woken = false;
    plugin_settle(plugin);
    while (!plugin->main_woken) {
        if (plugin->now_ns >= deadline_ns)
            return -ETIMEDOUT;
        if (!plugin_step(plugin, deadline_ns)) {
            if (deadline_ns == LIL_NEVER)
                return -EINTR; /* nothing will ever wake it */
            plugin->now_ns = deadline_ns;
        }
    }
    return 0;
}

int plugin_wait(void *ctx, struct lil_proc *proc, uint64_t deadline_ns)
{
    struct plugin *plugin = ctx;
    (void)proc;
    if (is_main(plugin))
        return wait_on_main(plugin, deadline_ns);
    plugin->sleeper = true;
    plugin->sleeper_woken = plugin->sleeper_owes_time = false; /* it sleeps again: nothing is owed */
    plugin->sleeper_deadline_ns = deadline_ns;
    pthread_cond_broadcast(&plugin->changed);
    while (!plugin->sleeper_woken)
        pthread_cond_wait(&plugin->changed, &plugin->lock);
    plugin->sleeper = false;
    if (plugin->is_ending)
        return -EINTR;
    return plugin->now_ns >= deadline_ns ? -ETIMEDOUT : 0;
}
