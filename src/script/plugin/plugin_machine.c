/* plugin_machine.c: what a script's commands write to the machine's parameters. Packetdrill runs `commands` as the machine's own,
 * and tells the plug-in nothing of them: so a write below /proc/sys/net/{ipv4,ipv6,core} in packetdrill's network namespace counts
 * for the host, too, with the value that the kernel made of it. What the machine had before does not: a host begins as its profile
 * has it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "script/plugin/plugin.h"

static const char *const folders[] = {"ipv4", "ipv6", "core"};
enum { FOLDERS = sizeof folders / sizeof folders[0] };

int plugin_machine_watch(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    for (int i = 0; fd >= 0 && i < FOLDERS; i++) { /* in this order: the watches are 1, 2 ... */
        char path[64];
        snprintf(path, sizeof path, "/proc/sys/net/%s", folders[i]);
        if (inotify_add_watch(fd, path, IN_CLOSE_WRITE) != i + 1) {
            close(fd);
            fd = -1;
        }
    }
    return fd;
}

static void follow(struct plugin *plugin, const char *folder, const char *file)
{
    char path[300], name[300], value[256], own[256];
    snprintf(path, sizeof path, "/proc/sys/net/%s/%s", folder, file);
    snprintf(name, sizeof name, "net.%s.%s", folder, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, value, sizeof value - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return;
    value[length] = 0;
    value[strcspn(value, "\n")] = 0;
    for (char *p = value; *p; p++)
        *p = (char)(*p == '\t' ? ' ' : *p);
    if (lil_sysctl_set(plugin->host, name, value) < 0 && lil_sysctl_get(plugin->host, name, own, sizeof own) >= 0)
        fprintf(stderr, "liblilliput-packetdrill: %s cannot be \"%s\" here\n", name, value);
}

void plugin_machine_follow(struct plugin *plugin)
{
    _Alignas(struct inotify_event) char buffer[4096];
    int saved = errno;
    ssize_t length;
    while (plugin->machine_fd >= 0 && (length = read(plugin->machine_fd, buffer, sizeof buffer)) > 0)
        for (const char *p = buffer; p < buffer + length;) {
            const struct inotify_event *event = (const struct inotify_event *)p;
            if (event->len && event->wd >= 1 && event->wd <= FOLDERS)
                follow(plugin, folders[event->wd - 1], event->name);
            p += sizeof *event + event->len;
        }
    errno = saved;
}
