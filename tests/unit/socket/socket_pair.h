/* socket_pair.h: two hosts, one wire, a process on each whose calls never block: what the socket tests stand on. */
#ifndef TEST_SOCKET_PAIR_H
#define TEST_SOCKET_PAIR_H
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "unit/check.h"
#include "lilliput/lilliput.h"

#define A4 "192.0.2.1"
#define B4 "192.0.2.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"

struct pair {
    struct lil_world *world;
    struct lil_host *a, *b;
    struct lil_proc *pa, *pb;
};
union name {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

static inline void pair_init(struct pair *pair, const char *profile_a, const char *profile_b)
{
    pair->world = lil_world_new(7);
    pair->a = lil_world_host(pair->world, "a", profile_a);
    pair->b = lil_world_host(pair->world, "b", profile_b);
    assert_non_null(pair->a);
    assert_non_null(pair->b);
    assert_non_null(lil_world_link(pair->world, pair->a, A4 "/24", pair->b, B4 "/24", NULL));
    (void)lil_address_add(pair->a, lil_interface_index(pair->a, "eth0"), A6 "/64"); /* historic ones have no IPv6 */
    (void)lil_address_add(pair->b, lil_interface_index(pair->b, "eth0"), B6 "/64");
    pair->pa = lil_proc_new(pair->a);
    pair->pb = lil_proc_new(pair->b);
}

static inline void pair_fini(struct pair *pair)
{
    lil_proc_free(pair->pa);
    lil_proc_free(pair->pb);
    lil_world_free(pair->world);
}

static inline void pair_run(struct pair *pair, unsigned ms)
{
    lil_world_run(pair->world, lil_world_now(pair->world) + ms * 1000000ull);
}

/* "192.0.2.1" or "2001:db8::1"; the family follows from it. */
static inline socklen_t name_of(union name *name, const char *text, unsigned port)
{
    memset(name, 0, sizeof *name);
    if (strchr(text, ':')) {
        name->in6.sin6_family = AF_INET6;
        name->in6.sin6_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET6, text, &name->in6.sin6_addr), 1);
        return sizeof name->in6;
    }
    name->in.sin_family = AF_INET;
    name->in.sin_port = htons((uint16_t)port);
    assert_int_equal(inet_pton(AF_INET, text, &name->in.sin_addr), 1);
    return sizeof name->in;
}

static inline int bind_to(struct lil_proc *p, int fd, const char *text, unsigned port)
{
    union name name;
    socklen_t length = name_of(&name, text, port);

    return lil_bind(p, fd, &name.sa, length) < 0 ? -errno : 0;
}

static inline int connect_to(struct lil_proc *p, int fd, const char *text, unsigned port)
{
    union name name;
    socklen_t length = name_of(&name, text, port);

    return lil_connect(p, fd, &name.sa, length) < 0 ? -errno : 0;
}

static inline const char *name_text(const union name *name, unsigned *port)
{
    static char text[INET6_ADDRSTRLEN];

    *port = ntohs(name->in.sin_port); /* at one place in both */
    if (name->sa.sa_family == AF_INET6)
        return inet_ntop(AF_INET6, &name->in6.sin6_addr, text, sizeof text);
    return inet_ntop(AF_INET, &name->in.sin_addr, text, sizeof text);
}

static inline const char *local_text(struct lil_proc *p, int fd, unsigned *port)
{
    union name name;
    socklen_t length = sizeof name;

    assert_int_equal(lil_getsockname(p, fd, &name.sa, &length), 0);
    return name_text(&name, port);
}

static inline unsigned local_port(struct lil_proc *p, int fd)
{
    unsigned port;

    (void)local_text(p, fd, &port);
    return port;
}

static inline const char *peer_text(struct lil_proc *p, int fd, unsigned *port)
{
    union name name;
    socklen_t length = sizeof name;

    assert_int_equal(lil_getpeername(p, fd, &name.sa, &length), 0);
    return name_text(&name, port);
}

static inline int set_int(struct lil_proc *p, int fd, int level, int option, int value)
{
    return lil_setsockopt(p, fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static inline int get_int(struct lil_proc *p, int fd, int level, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    return lil_getsockopt(p, fd, level, option, &value, &length) < 0 ? -errno : value;
}

/* A listener of PROC. */
static inline int listen_on(struct lil_proc *p, const char *text, unsigned port, int backlog)
{
    int fd = lil_socket(p, strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind_to(p, fd, text, port), 0);
    assert_int_equal(lil_listen(p, fd, backlog), 0);
    return fd;
}

/* A connection from a to b's LISTENER at TEXT:PORT: both ends. */
static inline void pair_connect(struct pair *pair, int listener, const char *text, unsigned port, int *at_a, int *at_b)
{
    *at_a = lil_socket(pair->pa, strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    assert_true(*at_a >= 0);
    assert_int_equal(connect_to(pair->pa, *at_a, text, port), -EINPROGRESS);
    pair_run(pair, 100);
    *at_b = lil_accept(pair->pb, listener, NULL, NULL);
    assert_true(*at_b >= 0);
    assert_string_equal(lil_tcp_state(pair->pa, *at_a), "ESTABLISHED");
}

#define assert_fails(call, error)                                                                                      \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        assert_int_equal((call), -1);                                                                                  \
        assert_string_equal(strerrorname_np(errno), strerrorname_np(error));                                           \
    } while (0)

#endif
