/* test_desc.c: descriptors: what poll(2) says of the inner end follows the virtual socket; identity; the last close. The program is this
 * process, its host a host of a world of two. */
#include "unit/check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/base.h"
#include "gauntlet/zoo.h"
#include "launch/call.h"
#include "launch/desc.h"
#include "launch/sweep.h"

static struct zoo zoo;
static struct launcher *lab;
static struct program program;

static int setup(void **state)
{
    (void)state;
    if (zoo_full(&zoo, 1, "linux") < 0)
        return -1;
    lab = launcher_new(&(struct launcher_config){.world = zoo.world, .exact = true});
    program = (struct program){.launcher = lab, .host = zoo.client, .proc = lil_proc_new(zoo.client), .name = (char *)"test"};
    return lab && program.proc ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    while (!list_is_empty(&lab->descs))
        desc_free(list_entry(lab->descs.next, struct desc, node));
    lil_proc_free(program.proc);
    launcher_free(lab);
    zoo_fini(&zoo);
    return 0;
}

static short ready(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void run(uint64_t ns)
{
    uint64_t end = lil_world_now(zoo.world) + ns;
    lil_world_step(zoo.world, end);
    lab->now_ns = end;
    desc_service_all(lab);
}

static struct desc *stream(int *inner)
{
    int fd = lil_socket(program.proc, AF_INET, SOCK_STREAM, 0);
    struct desc *desc = desc_new(&program, DESC_STREAM, fd, false, SOCK_NONBLOCK, inner);
    assert_non_null(desc);
    desc->family = AF_INET;
    return desc;
}

static int64_t call(call_handler *handler, struct desc *desc, int inner, uint64_t a1, uint64_t a2)
{
    struct call one = {.program = &program, .desc = desc, .inner = inner, .tid = getpid(), .deadline_ns = LIL_NEVER, .args = {0, a1, a2}};
    return handler(&one);
}

static int64_t dial(struct desc *desc, int inner, const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    return call(call_connect, desc, inner, (uint64_t)(uintptr_t)&to, sizeof to);
}

/* Which socket a descriptor is: after dup too, and not what only has its number. */
static void test_identity(void **state)
{
    enum { MANY = 700 }; /* the table grows */
    int inner[MANY], copy, other = socket(AF_UNIX, SOCK_STREAM, 0);
    struct desc *desc[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++)
        desc[i] = stream(&inner[i]);
    for (int i = 0; i < MANY; i += 7)
        assert_ptr_equal(desc_find(lab, inner[i]), desc[i]);
    copy = dup(inner[99]);
    assert_ptr_equal(desc_find(lab, copy), desc[99]);
    assert_null(desc_find(lab, other));
    assert_null(desc_find(lab, 0));
    for (int i = 0; i < MANY; i += 2)
        desc_free(desc[i]);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(desc_find(lab, inner[i]), i % 2 ? desc[i] : NULL);
    close(copy);
    close(other);
    for (int i = 0; i < MANY; i++)
        close(inner[i]);
}

/* connect(): not writable before the answer, then writable; then data, and the peer's end. */
static void test_connection(void **state)
{
    int inner;
    struct desc *desc = stream(&inner);
    (void)state;
    assert_int_equal(ready(inner) & POLLOUT, POLLOUT);
    assert_int_equal(ready(inner) & POLLHUP, POLLHUP); /* as a new TCP socket */
    assert_int_equal(dial(desc, inner, "203.0.113.10", 13), -EINPROGRESS);
    assert_int_equal(ready(inner), 0);
    assert_int_equal(dial(desc, inner, "203.0.113.10", 13), -EALREADY);
    run(5 * NS_PER_MS);
    assert_int_equal(desc->state, DESC_CONNECTING);
    assert_int_equal(ready(inner), 0);
    run(2 * NS_PER_S);
    assert_int_equal(desc->state, DESC_OPEN);
    assert_int_equal(ready(inner), POLLOUT | POLLIN | POLLRDHUP); /* daytime has spoken, and closed */
    assert_int_equal(dial(desc, inner, "203.0.113.10", 13), 0); /* once, as Linux says it (tests/system/signals.c) */
    assert_int_equal(dial(desc, inner, "203.0.113.10", 13), -EISCONN);
    close(inner);
    assert_true(poll(&(struct pollfd){lab->epoll_fd, POLLIN, 0}, 1, 0) == 1); /* the outer end tells of the last close */
    launcher_take_events(lab);
    assert_int_equal(desc->state, DESC_CLOSED);
}

static void test_refused(void **state)
{
    int inner, error = 0;
    socklen_t length = sizeof error;
    struct desc *desc = stream(&inner);
    struct call ask = {.program = &program, .desc = desc, .inner = inner, .tid = getpid(),
                       .args = {0, SOL_SOCKET, SO_ERROR, (uint64_t)(uintptr_t)&error, (uint64_t)(uintptr_t)&length}};
    (void)state;
    assert_int_equal(dial(desc, inner, "203.0.113.10", 9999), -EINPROGRESS);
    run(2 * NS_PER_S);
    assert_int_equal(desc->state, DESC_FAILED);
    assert_int_equal(ready(inner) & (POLLIN | POLLOUT | POLLERR | POLLHUP), POLLIN | POLLOUT | POLLERR | POLLHUP);
    assert_int_equal(call_getsockopt(&ask), 0);
    assert_int_equal(error, ECONNREFUSED);
    assert_int_equal(call_getsockopt(&ask), 0);
    assert_int_equal(error, 0); /* said once */
    close(inner);
}

/* A listener: never writable; readable while a connection waits. */
static void test_listener(void **state)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(5000)};
    int inner, client;
    struct desc *desc = stream(&inner), *other;
    (void)state;
    assert_int_equal(call(call_bind, desc, inner, (uint64_t)(uintptr_t)&any, sizeof any), 0);
    assert_int_equal(call(call_listen, desc, inner, 5, 0), 0);
    assert_int_equal(ready(inner), 0);
    other = stream(&client);
    assert_int_equal(call(call_bind, other, client, (uint64_t)(uintptr_t)&any, sizeof any), -EADDRINUSE);
    assert_int_equal(dial(other, client, "127.0.0.1", 5000), -EINPROGRESS);
    run(NS_PER_S);
    assert_int_equal(other->state, DESC_OPEN);
    assert_int_equal(ready(inner), POLLIN);
    close(client);
    close(inner);
}

/* Where pidfd_getfd is refused: by inode, with a copy, and the copy is closed when no program has the socket (this process is none). */
static void test_kept(void **state)
{
    int inner;
    struct desc *desc;
    (void)state;
    lab->keeps_inner = true;
    desc = stream(&inner);
    assert_true(desc->kept_fd >= 0);
    assert_true(desc->cookie == desc->inode);
    int copy;
    assert_ptr_equal(sweep_find(lab, getpid(), inner, &copy), desc);
    assert_true(copy >= 0);
    assert_int_equal(sweep_domain(getpid(), inner), AF_UNIX);
    assert_int_equal(sweep_domain(getpid(), lab->epoll_fd), -1);
    assert_null(sweep_find(lab, getpid(), lab->epoll_fd, &(int){0}));
    assert_int_equal(sweep_holders(lab, desc), 0);
    assert_true(sweep(lab));
    assert_int_equal(desc->state, DESC_CLOSED);
    assert_false(sweep(lab));
    close(copy);
    close(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identity, setup, teardown), cmocka_unit_test_setup_teardown(test_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),  cmocka_unit_test_setup_teardown(test_listener, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
