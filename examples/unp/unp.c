/* unp.c: the wrapper functions. Compiled with override.h like the programs. */
#include "unp.h"

void err_sys(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void err_quit(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

int Socket(int family, int type, int protocol)
{
    int fd = socket(family, type, protocol);

    if (fd < 0)
        err_sys("socket error");
    return fd;
}

void Bind(int fd, const SA *address, socklen_t length)
{
    if (bind(fd, address, length) < 0)
        err_sys("bind error");
}

void Connect(int fd, const SA *address, socklen_t length)
{
    if (connect(fd, address, length) < 0)
        err_sys("connect error");
}

void Listen(int fd, int backlog)
{
    if (listen(fd, backlog) < 0)
        err_sys("listen error");
}

int Accept(int fd, SA *address, socklen_t *length)
{
    int connected = accept(fd, address, length);

    if (connected < 0)
        err_sys("accept error");
    return connected;
}

ssize_t Read(int fd, void *buffer, size_t size)
{
    ssize_t n = read(fd, buffer, size);

    if (n < 0)
        err_sys("read error");
    return n;
}

void Writen(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0)
            err_sys("writen error");
        at += n;
        size -= (size_t)n;
    }
}

ssize_t Readline(int fd, char *line, size_t size)
{
    size_t n = 0;

    while (n < size - 1) {
        char c;
        ssize_t got = Read(fd, &c, 1);

        if (got == 0)
            break;
        line[n++] = c;
        if (c == '\n')
            break;
    }
    line[n] = '\0';
    return (ssize_t)n;
}

void Close(int fd)
{
    if (close(fd) < 0)
        err_sys("close error");
}

void Inet_pton(const char *text, struct in_addr *address)
{
    if (inet_pton(AF_INET, text, address) <= 0)
        err_quit("inet_pton error");
}
