/* unix.c: frames as datagrams of a UNIX socket (unix(7)), as vde_plug and qemu's "-netdev dgram" speak. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "driver/driver_inner.h"

static int name_of(const char *path, struct sockaddr_un *name)
{
    if (strlen(path) >= sizeof name->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(name->sun_path, path, strlen(path));
    return 0;
}

static int bind_to(int fd, const char *local)
{
    struct sockaddr_un name;
    struct stat st;
    if (name_of(local, &name) < 0)
        return -1;
    if (stat(local, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(local);
    return bind(fd, (struct sockaddr *)&name, sizeof name);
}

struct lil_driver *lil_driver_unix(const char *local, const char *peer)
{
    struct sockaddr_un name = {0};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return NULL;
    if ((local && bind_to(fd, local) < 0) || (peer && name_of(peer, &name) < 0)) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    struct lil_driver *driver = driver_new(fd);
    if (!driver)
        return NULL;
    driver->peer = name;
    driver->has_peer = peer != NULL;
    driver->unlink_path = local ? strdup(local) : NULL;
    return driver;
}
