/* plugin.c: packetdrill_interface_init: the host behind it, the device, the clock. Read plugin.h first. */
#include "script/plugin/plugin.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "script/programs/programs.h"
#include "script/programs/sysctl_defaults.h"

/* At birth, of gettimeofday and of the host alike: its timestamps (SO_TIMESTAMPING) are compared with packetdrill's clock. */
static const uint64_t plugin_birth_ns = 1000 * 1000000000ull;

/* --- the device ------------------------------------------------------------------------------------------------------ */
static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct plugin *plugin = ctx;
    size_t length = lil_packet_length(packet);
    struct plugin_packet *copy = malloc(sizeof *copy + length);
    (void)ifindex;
    if (!copy)
        return -EAGAIN;
    copy->next = NULL;
    copy->time_ns = plugin->now_ns;
    copy->length = lil_packet_read(packet, 0, copy->bytes, length);
    *plugin->last = copy;
    plugin->last = &copy->next;
    lil_packet_free(packet);
    return 0;
}

static int netdev_send(void *userdata, const void *buffer, size_t count)
{
    struct plugin *plugin = userdata;
    pthread_mutex_lock(&plugin->lock);
    plugin_machine_follow(plugin);
    struct lil_packet *packet = lil_packet_copy(plugin->host, buffer, count);
    if (packet)
        (void)lil_host_input(plugin->host, plugin->ifindex, packet, plugin->now_ns);
    plugin_settle(plugin);
    pthread_mutex_unlock(&plugin->lock);
    return packet ? 0 : -1;
}

/* Lets time pass until a packet comes; -1 when none can any more. */
static int netdev_receive(void *userdata, void *buffer, size_t *count, long long *time_usecs)
{
    struct plugin *plugin = userdata;
    pthread_mutex_lock(&plugin->lock);
    plugin_settle(plugin);
    while (!plugin->first && plugin_step(plugin, LIL_NEVER))
        ;
    struct plugin_packet *packet = plugin->first;
    if (packet) {
        plugin->first = packet->next;
        if (!plugin->first)
            plugin->last = &plugin->first;
        if (packet->length < *count)
            *count = packet->length;
        memcpy(buffer, packet->bytes, *count);
        *time_usecs = (long long)(packet->time_ns / 1000);
        free(packet);
    }
    pthread_mutex_unlock(&plugin->lock);
    return packet ? 0 : -1;
}

/* --- the clock ---------------------------------------------------------------------------------------------------------- */
static int plugin_usleep(void *userdata, useconds_t usecs)
{
    struct plugin *plugin = userdata;
    pthread_mutex_lock(&plugin->lock);
    plugin_machine_follow(plugin);
    plugin_advance(plugin, plugin->now_ns + (uint64_t)usecs * 1000);
    pthread_mutex_unlock(&plugin->lock);
    return 0;
}

static int plugin_gettimeofday(void *userdata, struct timeval *time, struct timezone *zone)
{
    struct plugin *plugin = userdata;
    (void)zone;
    pthread_mutex_lock(&plugin->lock);
    plugin_tick(plugin);
    time->tv_sec = (time_t)(plugin->now_ns / 1000000000);
    time->tv_usec = (suseconds_t)(plugin->now_ns / 1000 % 1000000);
    pthread_mutex_unlock(&plugin->lock);
    return 0;
}

/* A call that still waits is woken (EINTR), and all stays: its thread will ask for the time. */
static bool is_in_use(struct plugin *plugin)
{
    pthread_mutex_lock(&plugin->lock);
    bool sleeps = plugin->sleeper;
    if (sleeps) {
        plugin->is_ending = plugin->sleeper_woken = true;
        pthread_cond_broadcast(&plugin->changed);
    }
    pthread_mutex_unlock(&plugin->lock);
    return sleeps;
}

static void plugin_free(void *userdata)
{
    struct plugin *plugin = userdata;
    if (is_in_use(plugin))
        return;
    for (int i = 0; i < PLUGIN_FDS; i++)
        if (plugin->fds[i] >= 0)
            close(i);
    if (plugin->proc)
        lil_proc_free(plugin->proc);
    if (plugin->host)
        lil_host_free(plugin->host);
    if (plugin->machine_fd >= 0)
        close(plugin->machine_fd);
    while (plugin->first) {
        struct plugin_packet *next = plugin->first->next;
        free(plugin->first);
        plugin->first = next;
    }
    pthread_mutex_destroy(&plugin->lock);
    pthread_cond_destroy(&plugin->changed);
    free(plugin);
}

/* --- birth --------------------------------------------------------------------------------------------------------------- */
enum { PARAMETERS = 64 };
struct settings {
    char local[128], profile[128];
    char parameters[PARAMETERS][128]; /* "net.ipv4.tcp_sack=0" */
    bool defaults, machine;
    unsigned parameter_count;
    unsigned long long seed;
    unsigned mtu;
};

static void read_flag(struct settings *settings, const char *flag)
{
    while (*flag == '-')
        flag++;
    if (strncmp(flag, "local_ip=", 9) == 0)
        snprintf(settings->local, sizeof settings->local, "%s", flag + 9);
    else if (strncmp(flag, "profile=", 8) == 0)
        snprintf(settings->profile, sizeof settings->profile, "%s", flag + 8);
    else if (strncmp(flag, "seed=", 5) == 0)
        settings->seed = strtoull(flag + 5, NULL, 0);
    else if (strncmp(flag, "mtu=", 4) == 0)
        settings->mtu = (unsigned)atoi(flag + 4);
    else if (strcmp(flag, "defaults") == 0)
        settings->defaults = true;
    else if (strcmp(flag, "machine=off") == 0)
        settings->machine = false;
    else if (strchr(flag, '=') && memchr(flag, '.', strcspn(flag, "=")) && settings->parameter_count < PARAMETERS)
        snprintf(settings->parameters[settings->parameter_count++], sizeof settings->parameters[0], "%s", flag);
    else if (!strchr(flag, '=') && strpbrk(flag, ".:"))
        snprintf(settings->local, sizeof settings->local, "%s", flag);
    else
        fprintf(stderr, "liblilliput-packetdrill: unknown flag \"%s\"\n", flag);
}

/* Blanks and commas separate; not the comma of a value that is a list (tcp_fastopen_key=A,B). */
static size_t flag_length(const char *flags)
{
    size_t length = strcspn(flags, " ,\t\n");
    bool has_value = memchr(flags, '=', length) && memchr(flags, '.', length);
    while (has_value && flags[length] == ',') {
        size_t next = strcspn(flags + length + 1, " ,\t\n");
        if (next == 0 || memchr(flags + length + 1, '=', next))
            break;
        length += 1 + next;
    }
    return length;
}

static void read_flags(struct settings *settings, const char *flags)
{
    char word[128];
    while (flags && *flags) {
        size_t length = flag_length(flags);
        if (length && length < sizeof word) {
            memcpy(word, flags, length);
            word[length] = 0;
            read_flag(settings, word);
        }
        flags += length + (flags[length] != 0);
    }
}

static _Noreturn void give_up(struct run *run, const char *format, va_list arguments)
{
    fprintf(stderr, "liblilliput-packetdrill: ");
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    longjmp(run->over, 1);
}

/* How sysctl_bsd.c says that a parameter cannot be so. */
_Noreturn void run_fail(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    give_up(run, format, arguments);
}

_Noreturn void run_skip(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    give_up(run, format, arguments);
}

/* By Linux's names or FreeBSD's; a ":" stands for a blank: net.ipv4.tcp_rmem=4096:87380:6291456. */
static void set_parameter(struct run *run, const char *name, char *value)
{
    struct shell shell = {.run = run};
    for (char *p = value; *p; p++)
        *p = (char)(*p == ':' ? ' ' : *p);
    if (setjmp(run->over))
        return;
    if (lil_sysctl_set(run->host, name, value) < 0 && shell_sysctl_bsd_set(&shell, name, value) != 0)
        fprintf(stderr, "liblilliput-packetdrill: %s cannot be \"%s\"\n", name, value);
}

static void set_parameters(struct lil_host *host, struct settings *settings)
{
    struct run *run = calloc(1, sizeof *run); /* as much of one as sysctl_bsd.c wants */
    for (unsigned i = 0; settings->defaults && i < ARRAY_COUNT(collection_defaults); i++)
        (void)lil_sysctl_set(host, collection_defaults[i].name, collection_defaults[i].value);
    if (run)
        run->host = host;
    for (unsigned i = 0; run && i < settings->parameter_count; i++) {
        char *value = strchr(settings->parameters[i], '=');
        *value++ = 0;
        set_parameter(run, settings->parameters[i], value);
    }
    free(run);
}

static bool make_host(struct plugin *plugin, struct settings *settings)
{
    struct lil_host_config config = {
        .profile = settings->profile[0] ? settings->profile : NULL, .seed = settings->seed, .name = "host", .now_ns = plugin->now_ns};
    plugin->host = lil_host_new(&config);
    if (!plugin->host)
        return false;
    bool v6 = strchr(settings->local, ':') != NULL;
    struct lil_interface_config interface = {.kind = LIL_IP,
                                             .name = "tun0",
                                             .mtu = settings->mtu ? settings->mtu
                                                    : v6          ? 1520
                                                                  : 1500,
                                             .transmit = transmit,
                                             .ctx = plugin};
    char address[160];
    snprintf(address, sizeof address, "%.*s/%d", (int)strcspn(settings->local, "/"), settings->local, v6 ? 48 : 16);
    plugin->ifindex = lil_interface_add(plugin->host, &interface);
    if (plugin->ifindex < 0 || lil_address_add(plugin->host, plugin->ifindex, address) < 0 ||
        lil_route_add(plugin->host, v6 ? "::/0" : "default", "dev tun0") < 0)
        return false;
    set_parameters(plugin->host, settings);
    plugin->proc = lil_proc_new(plugin->host);
    if (!plugin->proc)
        return false;
    plugin->runtime = (struct proc_runtime){.wait = plugin_wait, .wake = plugin_wake, .ctx = plugin};
    proc_set_runtime(plugin->proc, &plugin->runtime);
    if (settings->machine)
        plugin->machine_fd = plugin_machine_watch();
    return true;
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface)
{
    struct settings settings = {.local = "192.168.0.1", .seed = 1, .machine = true};
    struct plugin *plugin = calloc(1, sizeof *plugin);
    read_flags(&settings, flags);
    if (plugin) {
        pthread_mutex_init(&plugin->lock, NULL);
        pthread_cond_init(&plugin->changed, NULL);
        plugin->main = pthread_self();
        plugin->now_ns = plugin_birth_ns;
        plugin->last = &plugin->first;
        plugin->machine_fd = -1;
        for (int i = 0; i < PLUGIN_FDS; i++)
            plugin->fds[i] = -1;
    }
    if (!plugin || !make_host(plugin, &settings)) {
        fprintf(stderr, "liblilliput-packetdrill: no host of profile %s at %s\n",
                settings.profile[0] ? settings.profile : "linux", settings.local);
        exit(1); /* packetdrill has no way to hear of it */
    }
    plugin_fill(interface);
    interface->userdata = plugin;
    interface->free = plugin_free;
    interface->netdev_send = netdev_send;
    interface->netdev_receive = netdev_receive;
    interface->usleep = plugin_usleep;
    interface->gettimeofday = plugin_gettimeofday;
}
