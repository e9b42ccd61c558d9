/* sysctl_linux.h: Linux's parameters that a host has no place for: what a fresh network namespace shows for them. They are
 * there to be read; of what is written the host knows nothing. */
#ifndef HOST_SYSCTL_LINUX_H
#define HOST_SYSCTL_LINUX_H
#include <stdbool.h>

/* FIXED: the host does what this value says and nothing else. The others change nothing that a program or a script could see of a
 * virtual host: queues of a device, memory of a machine, hashes, routing protocols. */
struct sysctl_linux {
    const char *name, *value;
    bool fixed;
};
const struct sysctl_linux *sysctl_linux_find(const char *name); /* "net.core.rmem_max"; NULL: none */
const struct sysctl_linux *sysctl_linux_at(unsigned index);     /* NULL: no more */
/* "net.ipv4.conf.eth0.rp_filter", of any interface; NULL: none */
const struct sysctl_linux *sysctl_linux_find_interface(const char *name);
#endif
