/* desc_netlink.c: netlink sockets of programs. The virtual host answers (socket/netlink.h); what it cannot know is told here:
 * the inode by which /proc/PID/fd names a socket (so that `ss -p` finds its process), and what lies in the pair in fast mode. */
#include <sys/ioctl.h>
#include <unistd.h>
#include "launch/desc.h"
#include "launch/memory.h"
#include "socket/netlink.h"

static void describe(void *ctx, struct file *file, struct netlink_seen *seen)
{
    struct desc *desc = desc_of_file(file);
    int inner, unread = 0;

    (void)ctx;
    if (!desc)
        return;
    seen->inode = desc->inode;
    if (desc->launcher->exact || desc->kind != DESC_STREAM || desc->state != DESC_OPEN)
        return;
    seen->unread_bytes = (uint32_t)(desc->to_program_length - desc->to_program_offset);
    seen->unsent_bytes = (uint32_t)(desc->to_net_length - desc->to_net_offset);
    inner = desc_find_inner(desc);
    if (inner >= 0 && ioctl(inner, FIONREAD, &unread) == 0)
        seen->unread_bytes += (uint32_t)unread;
    if (inner >= 0)
        close(inner);
}

static void prepare(void *ctx) { keepalive_turn(ctx, true); }

int desc_open_netlink(struct program *program, int type, int protocol, pid_t tid)
{
    struct netlink_owner owner = {.prepare = prepare, .describe = describe, .ctx = program->launcher};
    pid_t tgid = memory_tgid(tid);
    int fd = netlink_socket(program->proc, type, protocol, tgid > 0 ? (uint32_t)tgid : 0, &owner);

    if (fd < 0)
        errno = -fd;
    return fd < 0 ? -1 : fd;
}
