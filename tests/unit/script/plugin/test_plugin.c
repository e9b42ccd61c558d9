/* test_plugin.c: a driver of liblilliput-packetdrill.so that does what packetdrill does: loads it with dlopen, makes blocking
 * calls on a second thread and looks at /proc for its state, and plays the peer through the device. */
#include "unit/check.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/csum.h"
#include "script/language/big_endian.h"
#include "script/plugin/packetdrill.h"
#include "wire/wire.h"

static struct packetdrill_interface pd;
static void *library;
static bool v6;

/* --- the peer's side --------------------------------------------------------------------------------------------------- */
struct segment {
    uint32_t seq, ack;
    uint16_t flags, local_port, remote_port, window;
    uint32_t payload;
    long long usecs;
};

static void send_segment(const struct segment *segment)
{
    uint8_t bytes[2048];
    struct ip ip = {.version = v6 ? 6 : 4, .protocol = IPPROTO_TCP, .ttl = 64, .payload_length = 20 + segment->payload};
    assert_int_equal(addr_parse(v6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1", &ip.source), 0);
    assert_int_equal(addr_parse(v6 ? "fd3d:0a0b:17d6::1" : "192.168.0.1", &ip.dest), 0);
    size_t header = ip_emit(&ip, bytes);
    uint8_t *p = put16(put16(bytes + header, segment->remote_port), segment->local_port);
    p = put32(put32(p, segment->seq), segment->ack);
    p = put16(put16(p, 5u << 12 | segment->flags), segment->window ? segment->window : 65535);
    put16(put16(p, 0), 0);
    memset(bytes + header + 20, 'x', segment->payload);
    uint32_t sum = addr_pseudo_sum(&ip.source, &ip.dest, IPPROTO_TCP, ip.payload_length);
    uint16_t checksum = (uint16_t)~csum_fold(csum_partial(bytes + header, ip.payload_length, sum));
    memcpy(bytes + header + 16, &checksum, 2);
    assert_int_equal(pd.netdev_send(pd.userdata, bytes, header + ip.payload_length), 0);
}

static int receive_segment(struct segment *segment)
{
    uint8_t bytes[65536];
    size_t count = sizeof bytes;
    if (pd.netdev_receive(pd.userdata, bytes, &count, &segment->usecs) < 0)
        return -1;
    struct ip ip;
    assert_true(ip_parse(&ip, bytes, count) >= 0);
    if (ip.protocol == IPPROTO_ICMPV6) /* neighbour discovery and reports: packetdrill does not look at them either */
        return receive_segment(segment);
    assert_int_equal(ip.protocol, IPPROTO_TCP);
    const uint8_t *p = bytes + ip.header_length;
    segment->local_port = (uint16_t)get16(p);
    segment->remote_port = (uint16_t)get16(p + 2);
    segment->seq = get32(p + 4);
    segment->ack = get32(p + 8);
    segment->flags = get16(p + 12) & 0x1ff;
    segment->payload = ip.payload_length - (p[12] >> 4) * 4u;
    return 0;
}

static long long now(void)
{
    struct timeval time;
    assert_int_equal(pd.gettimeofday(pd.userdata, &time, NULL), 0);
    return time.tv_sec * 1000000ll + time.tv_usec;
}

/* --- a call on the second thread ---------------------------------------------------------------------------------------- */
enum what { ACCEPT, READ, WRITE, CONNECT, POLL, EPOLL };
struct second {
    pthread_t thread;
    _Atomic int tid, ended;
    enum what what;
    int fd, size, timeout; /* ms */
    long result;
    int error;
    long long end_usecs;
};
static void peer_name(struct sockaddr_storage *name, socklen_t *length)
{
    memset(name, 0, sizeof *name);
    if (v6) {
        struct sockaddr_in6 *in6 = (void *)name;
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(80)};
        assert_int_equal(inet_pton(AF_INET6, "fd3d:fa7b:d17d::1", &in6->sin6_addr), 1);
        *length = sizeof *in6;
    } else {
        *(struct sockaddr_in *)name = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = inet_addr("192.0.2.1")};
        *length = sizeof(struct sockaddr_in);
    }
}

static long call_second(struct second *second)
{
    static char buffer[1 << 20];
    struct sockaddr_storage name;
    socklen_t length;
    struct pollfd poll = {.fd = second->fd, .events = POLLIN};
    struct epoll_event event;
    switch (second->what) {
    case ACCEPT:
        return pd.accept(pd.userdata, second->fd, NULL, NULL);
    case READ:
        return pd.read(pd.userdata, second->fd, buffer, (size_t)second->size);
    case WRITE:
        return pd.write(pd.userdata, second->fd, buffer, (size_t)second->size);
    case CONNECT:
        peer_name(&name, &length);
        return pd.connect(pd.userdata, second->fd, (struct sockaddr *)&name, length);
    case POLL:
        return pd.poll(pd.userdata, &poll, 1, second->timeout);
    default:
        return pd.epoll_wait(pd.userdata, second->fd, &event, 1, second->timeout);
    }
}

static void *second_main(void *argument)
{
    struct second *second = argument;
    second->tid = (int)syscall(SYS_gettid);
    second->result = call_second(second);
    second->error = errno;
    second->end_usecs = now(); /* as packetdrill does at once */
    second->ended = 1;
    return NULL;
}

static char state_of(int tid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return '?';
    char *got = fgets(text, sizeof text, file);
    fclose(file);
    const char *end = got ? strrchr(text, ')') : NULL;
    return end ? end[2] : '?';
}

/* Starts the call and waits until it sleeps, as packetdrill does. */
static void start_call(struct second *second, enum what what, int fd, int size, int timeout)
{
    memset(second, 0, sizeof *second);
    second->what = what;
    second->fd = fd;
    second->size = size;
    second->timeout = timeout;
    assert_int_equal(pthread_create(&second->thread, NULL, second_main, second), 0);
    while (!second->ended && (!second->tid || state_of(second->tid) != 'S'))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void start_second(struct second *second, int fd, int size)
{
    start_call(second, size ? READ : ACCEPT, fd, size, 0);
}

static void start(const char *flags)
{
    void (*init)(const char *, struct packetdrill_interface *);
    *(void **)&init = dlsym(library, "packetdrill_interface_init");
    assert_non_null(init);
    init(flags, &pd);
}

static int listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_port = htons(8080)};
    int fd = pd.socket(pd.userdata, v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(pd.bind(pd.userdata, fd, v6 ? (struct sockaddr *)&address6 : (struct sockaddr *)&address,
                             v6 ? sizeof address6 : sizeof address),
                     0);
    assert_int_equal(pd.listen(pd.userdata, fd, 5), 0);
    return fd;
}

/* SYN, SYN/ACK, ACK; returns our next sequence numbers in *PEER. */
static void handshake(struct segment *peer)
{
    struct segment got;
    *peer = (struct segment){.seq = 1000, .flags = TCP_SYN, .local_port = 8080, .remote_port = 40000};
    send_segment(peer);
    assert_int_equal(receive_segment(&got), 0);
    assert_int_equal(got.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(got.ack, 1001);
    peer->seq = 1001;
    peer->ack = got.seq + 1;
    peer->flags = TCP_ACK;
    send_segment(peer);
}

/* --- tests -------------------------------------------------------------------------------------------------------------- */
static void test_clock(void **state)
{
    (void)state;
    start("192.168.0.1");
    long long before = now(), after = now();
    assert_true(after > before); /* at least 1 us a call */
    assert_int_equal(pd.usleep(pd.userdata, 5000), 0);
    assert_in_range(now() - after, 5000, 5010);
    pd.free(pd.userdata);
}

static void test_descriptors_are_real(void **state)
{
    (void)state;
    struct stat status;
    start("local_ip=192.168.0.1 profile=linux seed=7");
    int fd = pd.socket(pd.userdata, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(pd.close(pd.userdata, fd), 0);
    assert_int_equal(fstat(fd, &status), -1);
    errno = 0;
    assert_int_equal(pd.listen(pd.userdata, fd, 1), -1);
    assert_int_equal(errno, EBADF);
    pd.free(pd.userdata);
}

/* Parameters in the flags: without window scaling, SACK and timestamps a SYN offers the MSS alone. */
static void test_parameters(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t count = sizeof bytes;
    long long usecs;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = inet_addr("192.0.2.1")};
    start("192.168.0.1 mtu=1400 net.ipv4.tcp_sack=0,net.ipv4.tcp_window_scaling=0 net.ipv4.tcp_timestamps=0 "
          "net.ipv4.tcp_rmem=4096:8192:16384");
    int fd = pd.socket(pd.userdata, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(pd.fcntl(pd.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    assert_int_equal(pd.connect(pd.userdata, fd, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(pd.netdev_receive(pd.userdata, bytes, &count, &usecs), 0);
    assert_int_equal(count, 20 + 24);
    assert_int_equal(get32(bytes + 40), 0x02040000 | 1360);
    pd.free(pd.userdata);
}

static void test_nothing_can_come(void **state)
{
    (void)state;
    struct segment got;
    start("192.168.0.1");
    assert_int_equal(receive_segment(&got), -1);
    pd.free(pd.userdata);
}

static void test_blocking_accept_and_read(void **state)
{
    (void)state;
    struct segment peer;
    struct second second;
    start("192.168.0.1");
    int fd = listener();
    start_second(&second, fd, 0);
    assert_false(second.ended);
    pd.usleep(pd.userdata, 10000);
    handshake(&peer);
    long long woken = now();
    pthread_join(second.thread, NULL);
    assert_true(second.result >= 0);
    assert_in_range(llabs(second.end_usecs - woken), 0, 50);

    int connection = (int)second.result;
    start_second(&second, connection, 100);
    assert_false(second.ended);
    pd.usleep(pd.userdata, 20000);
    long long sent = now();
    peer.payload = 60;
    peer.flags = TCP_ACK | TCP_PSH;
    send_segment(&peer);
    /* However long we sleep now, the call ends at the time that the data came. */
    pd.usleep(pd.userdata, 1000000);
    pthread_join(second.thread, NULL);
    assert_int_equal(second.result, 60);
    assert_in_range(second.end_usecs - sent, 0, 50);
    assert_int_equal(pd.close(pd.userdata, connection), 0);
    pd.free(pd.userdata);
}

static void test_connect_retransmits(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = inet_addr("192.0.2.1")};
    struct segment first, second;
    start("192.168.0.1");
    int fd = pd.socket(pd.userdata, AF_INET, SOCK_STREAM, 0), on = 1;
    assert_int_equal(pd.fcntl(pd.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    assert_int_equal(pd.connect(pd.userdata, fd, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_int_equal(receive_segment(&first), 0);
    assert_int_equal(first.flags & (TCP_SYN | TCP_ACK), TCP_SYN);
    assert_int_equal(receive_segment(&second), 0); /* time passes until it comes */
    assert_int_equal(second.seq, first.seq);
    assert_in_range(second.usecs - first.usecs, 990000, 1010000);
    assert_int_equal(pd.ioctl(pd.userdata, fd, FIONBIO, &on), 0);
    pd.free(pd.userdata);
}

static void test_poll_on_main_thread(void **state)
{
    (void)state;
    start("192.168.0.1");
    struct pollfd poll = {.fd = listener(), .events = POLLIN};
    long long before = now();
    assert_int_equal(pd.poll(pd.userdata, &poll, 1, 250), 0); /* nobody else moves time: the call does */
    assert_in_range(now() - before, 250000, 250100);
    int epoll = pd.epoll_create(pd.userdata, 1);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = 77}, out;
    assert_int_equal(pd.epoll_ctl(pd.userdata, epoll, EPOLL_CTL_ADD, poll.fd, &event), 0);
    struct segment peer;
    handshake(&peer);
    assert_int_equal(pd.epoll_wait(pd.userdata, epoll, &out, 1, 0), 1);
    assert_int_equal(out.data.fd, 77);
    pd.free(pd.userdata);
}

static void test_pipe_and_splice(void **state)
{
    (void)state;
    struct segment peer, got;
    char buffer[64];
    int pipe[2];
    start("192.168.0.1");
    int fd = listener();
    handshake(&peer);
    int connection = pd.accept(pd.userdata, fd, NULL, NULL);
    assert_true(connection >= 0);
    assert_int_equal(pd.pipe(pd.userdata, pipe), 0);
    peer.payload = 40;
    send_segment(&peer);
    assert_int_equal(pd.splice(pd.userdata, connection, NULL, pipe[1], NULL, 64, 0), 40);
    assert_int_equal(pd.read(pd.userdata, pipe[0], buffer, sizeof buffer), 40);
    assert_int_equal(pd.write(pd.userdata, pipe[1], "abcdef", 6), 6);
    assert_int_equal(pd.splice(pd.userdata, pipe[0], NULL, connection, NULL, 6, 0), 6);
    do
        assert_int_equal(receive_segment(&got), 0);
    while (got.payload == 0);
    assert_int_equal(got.payload, 6);
    pd.free(pd.userdata);
}

/* --- blocking calls of all kinds ---------------------------------------------------------------------------------------------- */
/* A peer's SYN/ACK wakes connect(); a reset fails it; nobody lets it time out. */
static void connect_blocks(void)
{
    struct segment syn, answer;
    struct second second;
    int fd = pd.socket(pd.userdata, v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    start_call(&second, CONNECT, fd, 0, 0);
    assert_false(second.ended);
    assert_int_equal(receive_segment(&syn), 0);
    assert_int_equal(syn.flags, TCP_SYN);
    pd.usleep(pd.userdata, 50000);
    answer = (struct segment){.seq = 500,
                              .ack = syn.seq + 1,
                              .flags = TCP_SYN | TCP_ACK,
                              .local_port = syn.local_port,
                              .remote_port = syn.remote_port};
    long long sent = now();
    send_segment(&answer);
    pd.usleep(pd.userdata, 300000);
    pthread_join(second.thread, NULL);
    assert_int_equal(second.result, 0);
    assert_in_range(second.end_usecs - sent, 0, 50);
    assert_int_equal(receive_segment(&syn), 0); /* the ACK */
    assert_int_equal(syn.ack, 501);

    fd = pd.socket(pd.userdata, v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    start_call(&second, CONNECT, fd, 0, 0);
    assert_int_equal(receive_segment(&syn), 0);
    answer = (struct segment){.ack = syn.seq + 1, .flags = TCP_RST | TCP_ACK, .local_port = syn.local_port, .remote_port = syn.remote_port};
    send_segment(&answer);
    pthread_join(second.thread, NULL);
    assert_int_equal(second.result, -1);
    assert_int_equal(second.error, ECONNREFUSED);

    fd = pd.socket(pd.userdata, v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    start_call(&second, CONNECT, fd, 0, 0);
    long long begin = now();
    while (receive_segment(&syn) == 0) /* its SYNs, and then nothing ever */
        assert_int_equal(syn.flags, TCP_SYN);
    pthread_join(second.thread, NULL);
    assert_int_equal(second.error, ETIMEDOUT);
    assert_in_range(second.end_usecs - begin, 100000000, 200000000);
}

static void test_connect_blocks(void **state)
{
    (void)state;
    start("192.168.0.1");
    connect_blocks();
    pd.free(pd.userdata);
}

static void test_ipv6(void **state)
{
    struct segment peer;
    struct second second;
    (void)state;
    v6 = true;
    start("fd3d:0a0b:17d6::1");
    int fd = listener();
    start_second(&second, fd, 0);
    handshake(&peer);
    pthread_join(second.thread, NULL);
    assert_true(second.result >= 0);
    connect_blocks();
    pd.free(pd.userdata);
    v6 = false;
}

/* poll() and epoll_wait() end at their time, or when data come, whatever the main thread does meanwhile. */
static void test_poll_blocks(void **state)
{
    struct segment peer;
    struct second second;
    (void)state;
    start("192.168.0.1");
    int fd = listener();
    handshake(&peer);
    int connection = pd.accept(pd.userdata, fd, NULL, NULL), epoll = pd.epoll_create(pd.userdata, 1);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(pd.epoll_ctl(pd.userdata, epoll, EPOLL_CTL_ADD, connection, &event), 0);
    for (int i = 0; i < 6; i++) {
        bool comes = i % 3 == 1, far = i % 3 == 2; /* time out within one usleep, be woken, time out over many */
        char buffer[64];
        start_call(&second, i < 3 ? POLL : EPOLL, i < 3 ? connection : epoll, 0, 100);
        long long begin = now();
        if (comes) {
            pd.usleep(pd.userdata, 40000);
            peer.payload = 10;
            send_segment(&peer);
            peer.seq += 10;
        }
        for (int k = 0; far && k < 50; k++)
            pd.usleep(pd.userdata, 4000);
        pd.usleep(pd.userdata, 1000000);
        pthread_join(second.thread, NULL);
        assert_int_equal(second.result, comes);
        assert_in_range(second.end_usecs - begin, comes ? 40000 : 99990, comes ? 40050 : 100100);
        if (comes)
            assert_int_equal(pd.read(pd.userdata, connection, buffer, sizeof buffer), 10);
    }
    pd.free(pd.userdata);
}

/* write() of more than the buffer takes ends when the peer has acknowledged enough; the peer's zero window is probed meanwhile. */
static void test_write_blocks(void **state)
{
    struct segment peer, got;
    struct second second;
    int size = 20000;
    (void)state;
    start("192.168.0.1");
    int fd = listener();
    assert_int_equal(pd.setsockopt(pd.userdata, fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    handshake(&peer);
    int connection = pd.accept(pd.userdata, fd, NULL, NULL);
    start_call(&second, WRITE, connection, 200000, 0);
    assert_false(second.ended);
    uint32_t next = peer.ack;
    unsigned segments = 0;
    while (!second.ended) {
        if (receive_segment(&got) < 0)
            break;
        segments++;
        if (got.seq == next)
            next += got.payload;
        peer.ack = next;
        peer.window = segments == 5 ? 1 : 60000;
        pd.usleep(pd.userdata, 1000);
        send_segment(&peer);
    }
    pthread_join(second.thread, NULL);
    assert_int_equal(second.result, 200000);
    assert_true(segments > 50);
    pd.free(pd.userdata);
}

/* The peer's FIN ends a read, close() sends ours, and TIME-WAIT ends in silence: netdev_receive says so. */
static void test_life(void **state)
{
    struct segment peer, got;
    struct second second;
    (void)state;
    start("192.168.0.1");
    int fd = listener();
    for (int i = 0; i < 3; i++) {
        handshake(&peer);
        int connection = pd.accept(pd.userdata, fd, NULL, NULL);
        start_second(&second, connection, 100);
        peer.flags = TCP_FIN | TCP_ACK;
        send_segment(&peer);
        pthread_join(second.thread, NULL);
        assert_int_equal(second.result, 0);
        assert_int_equal(pd.close(pd.userdata, connection), 0);
        while (receive_segment(&got) == 0 && !(got.flags & TCP_FIN))
            ;
        assert_true(got.flags & TCP_FIN);
        peer.flags = TCP_ACK;
        peer.seq++;
        peer.ack = got.seq + 1;
        send_segment(&peer);
        assert_int_equal(receive_segment(&got), -1);
    }
    pd.free(pd.userdata);
}

/* A duplicate is a descriptor of its own; what is left open is closed with the interface. */
static void test_descriptors_end(void **state)
{
    struct stat status;
    (void)state;
    start("192.168.0.1");
    int fd = pd.socket(pd.userdata, AF_INET, SOCK_STREAM, 0), other = pd.fcntl(pd.userdata, fd, F_DUPFD, 0);
    assert_true(other >= 0 && other != fd);
    assert_int_equal(fstat(other, &status), 0);
    assert_int_equal(pd.close(pd.userdata, fd), 0);
    assert_int_equal(pd.listen(pd.userdata, other, 1), 0);
    pd.free(pd.userdata);
    assert_int_equal(fstat(other, &status), -1);
}

/* The main thread reads the clock again and again, as packetdrill does in a short wait: timers run, and a call that ends is noticed. */
static void test_spinning(void **state)
{
    struct segment peer;
    struct second second;
    (void)state;
    start("192.168.0.1");
    int fd = listener();
    handshake(&peer);
    int connection = pd.accept(pd.userdata, fd, NULL, NULL);
    start_call(&second, POLL, connection, 0, 2);
    long long begin = now(), at = begin;
    while (at < begin + 3000) {
        long long next = now();
        assert_true(next > at);
        at = next;
    }
    pthread_join(second.thread, NULL);
    assert_int_equal(second.result, 0);
    assert_in_range(second.end_usecs - begin, 1990, 2050);
    pd.free(pd.userdata);
}

static int setup(void **state)
{
    char path[4096];
    (void)state;
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    assert_true(length > 0);
    path[length] = 0;
    for (int i = 0; i < 2; i++)
        *strrchr(path, '/') = 0; /* build/tests/NAME -> build */
    strcat(path, "/liblilliput-packetdrill.so");
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        print_error("%s\n", dlerror());
    return library ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clock),
                                       cmocka_unit_test(test_descriptors_are_real),
                                       cmocka_unit_test(test_parameters),
                                       cmocka_unit_test(test_nothing_can_come),
                                       cmocka_unit_test(test_blocking_accept_and_read),
                                       cmocka_unit_test(test_connect_retransmits),
                                       cmocka_unit_test(test_poll_on_main_thread),
                                       cmocka_unit_test(test_pipe_and_splice),
                                       cmocka_unit_test(test_connect_blocks),
                                       cmocka_unit_test(test_ipv6),
                                       cmocka_unit_test(test_poll_blocks),
                                       cmocka_unit_test(test_write_blocks),
                                       cmocka_unit_test(test_life),
                                       cmocka_unit_test(test_descriptors_end),
                                       cmocka_unit_test(test_spinning)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
