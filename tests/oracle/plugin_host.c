/* plugin_host.c: the script runner against liblilliput-packetdrill.so: the lil_* calls that src/script makes, done
 * through the structure that the library fills for the stock packetdrill. What packetdrill does with it is done here:
 * calls that a script says to block run on a second thread, which asks for the time when its call has ended; packets go
 * by netdev_send and netdev_receive; the main thread lets time pass by usleep. So the scripts of this repository, those
 * without commands, check the plug-in. tests/script/test_plugin_scripts.sh runs it.
 *
 * Packetdrill asks for a packet when a line expects one, and then waits for it; the runner collects what is there. So
 * this driver looks into the library's own structure (plugin.h) for whether a packet is there, and for the next
 * deadline. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/runtime.h"
#include "lilliput/lilliput.h"
#include "script/plugin/plugin.h"
#include "script/programs/programs.h"
#include "script/report.h"
#include "script/run/run.h"
#include "runner_packet.h"

enum { FDS = 1024 };
static struct packetdrill_interface pd;
static struct plugin *inside;
static void (*interface_init)(const char *flags, struct packetdrill_interface *interface);

enum operation { ACCEPT, CONNECT, READ, READV, RECVFROM, RECVMSG, WRITE, WRITEV, SENDTO, SENDMSG, POLL, EPOLL_WAIT, CLOSE };
struct job { /* a call on the second thread */
    enum operation operation;
    long a[6], result;
    int error;
    _Atomic bool is_done;
};
struct lil_host {
    lil_transmit_fn *transmit;
    struct run *run;
    unsigned mtu;
    char profile[64], address[80];
    uint64_t seed, virtual_origin_ns, origin_ns;
    const struct script_event *first_event; /* the first that is not a command whose parameters the flags have */
};
struct lil_proc {
    struct lil_host *host;
    const struct proc_runtime *runtime;
    struct job *job;
} the_proc;
static struct lil_host the_host;
static bool has_namespace; /* what commands write is seen by the plug-in alone */
static struct { struct sockaddr_storage address; socklen_t length; bool connecting; } names[FDS];
static uint16_t first_port; /* of the last SYN, or of the first datagram after connect() */

/* --- time ---------------------------------------------------------------------------------------------------------- */
static uint64_t inside_now(bool *sleeps)
{
    pthread_mutex_lock(&inside->lock);
    uint64_t now = inside->now_ns;
    if (sleeps)
        *sleeps = inside->sleeper && !inside->sleeper_woken;
    pthread_mutex_unlock(&inside->lock);
    return now;
}

static uint64_t virtual_ns(uint64_t ns)
{
    return ns == LIL_NEVER ? LIL_NEVER : the_host.virtual_origin_ns + (ns - the_host.origin_ns);
}

/* A call of the main thread that waited has let time pass. */
static void follow(void)
{
    uint64_t now = virtual_ns(inside_now(NULL));
    if (now > the_host.run->now_ns)
        the_host.run->now_ns = now;
}

/* The second thread has ended its call, or sleeps in it. */
static bool job_rests(const struct job *job)
{
    bool sleeps;
    (void)inside_now(&sleeps);
    return job->is_done || sleeps;
}

static void await_job(const struct job *job)
{
    while (!job_rests(job))
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

/* --- the host ------------------------------------------------------------------------------------------------------ */
struct lil_host *lil_host_new(const struct lil_host_config *config)
{
    the_host = (struct lil_host){.seed = config->seed, .virtual_origin_ns = config->now_ns};
    snprintf(the_host.profile, sizeof the_host.profile, "%s", config->profile ? config->profile : "linux");
    return &the_host;
}

void lil_host_free(struct lil_host *host)
{
    (void)host;
    if (!the_proc.job) /* a call may still wait on the second thread; then the end of the process frees all */
        pd.free(pd.userdata);
}

int lil_interface_add(struct lil_host *host, const struct lil_interface_config *config)
{
    host->transmit = config->transmit;
    host->run = config->ctx;
    host->mtu = config->mtu;
    return 2;
}

int lil_address_add(struct lil_host *host, int ifindex, const char *address)
{
    (void)ifindex;
    snprintf(host->address, sizeof host->address, "%.*s", (int)strcspn(address, "/"), address);
    return 0;
}

/* A command of a script's beginning, as flags: `sysctl -q NAME=VALUE ...`, `.../defaults.sh`, lists of them. False: it
 * is something else. */
static bool add_flags(FILE *flags, const char *command)
{
    char text[4096], *line_rest = NULL, *rest;
    if (snprintf(text, sizeof text, "%s", command) >= (int)sizeof text || strpbrk(text, "|$<>(){}&#"))
        return false;
    for (char *line = strtok_r(text, "\n;", &line_rest); line; line = strtok_r(NULL, "\n;", &line_rest)) {
        char *word = strtok_r(line, " \t", &rest), value[256];
        size_t length = word ? strlen(word) : 0;
        if (!word)
            continue;
        if (length >= 11 && strcmp(word + length - 11, "defaults.sh") == 0) {
            fprintf(flags, " defaults");
            continue;
        }
        if (strcmp(word, "kldload") == 0 || strcmp(word, "true") == 0)
            continue;
        if (strcmp(word, "sysctl") != 0)
            return false;
        while ((word = strtok_r(NULL, " \t", &rest))) {
            char *equals = strchr(word, '=');
            if (word[0] == '-' && strcmp(word, "-n") != 0)
                continue;
            if (!equals || equals[1] == '\'')
                return false;
            *equals++ = 0;
            if (*equals == '"') { /* up to the closing one, over blanks */
                snprintf(value, sizeof value, "%s%s%s", equals + 1, strchr(equals + 1, '"') ? "" : ":",
                         strchr(equals + 1, '"') ? "" : strtok_r(NULL, "\"", &rest));
                value[strcspn(value, "\"")] = 0;
            } else {
                snprintf(value, sizeof value, "%s", equals);
            }
            for (char *p = value; *p; p++)
                *p = (char)(*p == ' ' || *p == '\t' ? ':' : *p);
            fprintf(flags, " %s=%s", word, value);
            if (strcmp(word, "net.inet.tcp.udp_tunneling_port") == 0)
                the_host.run->tunnel_port = (uint32_t)atoi(value);
        }
    }
    return true;
}

int lil_route_add(struct lil_host *host, const char *destination, const char *via)
{
    char *flags = NULL, *more;
    size_t size;
    (void)destination, (void)via;
    const struct script_event *event = host->run->script.events;
    FILE *out = open_memstream(&flags, &size);
    fprintf(out, "%s profile=%s seed=%llu mtu=%u", host->address, host->profile, (unsigned long long)host->seed, host->mtu);
    for (; event && event->kind == EVENT_COMMAND; event = event->next) {
        size_t length;
        FILE *words = open_memstream(&more, &length);
        bool ok = add_flags(words, event->text);
        fclose(words);
        if (ok)
            fputs(more, out);
        free(more);
        if (!ok)
            break;
    }
    fclose(out);
    host->first_event = event;
    interface_init(flags, &pd);
    free(flags);
    inside = pd.userdata;
    host->origin_ns = inside->now_ns;
    return 0;
}

int lil_host_input(struct lil_host *host, int ifindex, struct lil_packet *packet, uint64_t now_ns)
{
    (void)host, (void)ifindex, (void)now_ns;
    int result = pd.netdev_send(pd.userdata, packet->bytes, packet->length);
    free(packet);
    return result;
}

static void collect(void)
{
    static uint8_t bytes[65536 + 64];
    while (inside->first) {
        size_t count = sizeof bytes;
        long long usecs;
        if (pd.netdev_receive(pd.userdata, bytes, &count, &usecs) < 0)
            abort();
        struct ip ip;
        if (ip_parse(&ip, bytes, count) >= 0) {
            const uint8_t *tcp = bytes + ip.header_length + (ip.protocol == IPPROTO_UDP ? 8 : 0); /* in UDP (RFC 6951's way), or at once */
            bool is_tcp = ip.protocol == IPPROTO_TCP ||
                          (ip.protocol == IPPROTO_UDP && the_host.run->tunnel_port && count >= ip.header_length + 28u);
            if (is_tcp ? (tcp[13] & 0x12) == 0x02 : ip.protocol == IPPROTO_UDP && !the_host.run->tunnel_port && !first_port) {
                const uint8_t *ports = is_tcp ? tcp : bytes + ip.header_length;
                first_port = (uint16_t)(ports[0] << 8 | ports[1]);
            }
        }
        the_host.transmit(the_host.run, 2, lil_packet_copy(NULL, bytes, count));
    }
}

uint64_t lil_host_poll(struct lil_host *host, uint64_t now_ns)
{
    uint64_t due = host->origin_ns + (now_ns - host->virtual_origin_ns), now;
    do { /* useconds_t ends at 4,294 s */
        now = inside_now(NULL);
        uint64_t usecs = due > now ? (due - now) / 1000 : 0;
        pd.usleep(pd.userdata, (useconds_t)(usecs < 1000000000 ? usecs : 1000000000));
    } while (due > now + 1000000000000);
    if (the_proc.job) {
        await_job(the_proc.job);
        if (the_proc.job->is_done) {
            pd.usleep(pd.userdata, 0); /* what its call has left to do */
            the_proc.runtime->wake(the_proc.runtime->ctx, &the_proc);
        }
    }
    collect();
    pthread_mutex_lock(&inside->lock);
    uint64_t next = inside->next_ns;
    if (inside->sleeper && inside->sleeper_deadline_ns < next)
        next = inside->sleeper_deadline_ns;
    pthread_mutex_unlock(&inside->lock);
    next = virtual_ns(next);
    return next > now_ns ? next : now_ns + 1000;
}

/* --- calls --------------------------------------------------------------------------------------------------------- */
#define P(i) ((void *)a[i])
static long perform(enum operation operation, const long *a)
{
    void *u = pd.userdata;
    int fd = (int)a[0];
    switch (operation) {
    case ACCEPT:
        return pd.accept(u, fd, P(1), P(2));
    case CONNECT:
        return pd.connect(u, fd, P(1), (socklen_t)a[2]);
    case READ:
        return pd.read(u, fd, P(1), (size_t)a[2]);
    case READV:
        return pd.readv(u, fd, P(1), (int)a[2]);
    case RECVFROM:
        return a[4] ? pd.recvfrom(u, fd, P(1), (size_t)a[2], (int)a[3], P(4), P(5)) : pd.recv(u, fd, P(1), (size_t)a[2], (int)a[3]);
    case RECVMSG:
        return pd.recvmsg(u, fd, P(1), (int)a[2]);
    case WRITE:
        return pd.write(u, fd, P(1), (size_t)a[2]);
    case WRITEV:
        return pd.writev(u, fd, P(1), (int)a[2]);
    case SENDTO:
        return a[4] ? pd.sendto(u, fd, P(1), (size_t)a[2], (int)a[3], P(4), (socklen_t)a[5])
                    : pd.send(u, fd, P(1), (size_t)a[2], (int)a[3]);
    case SENDMSG:
        return pd.sendmsg(u, fd, P(1), (int)a[2]);
    case POLL:
        return pd.poll(u, P(0), (nfds_t)a[1], (int)a[2]);
    case EPOLL_WAIT:
        return pd.epoll_wait(u, fd, P(1), (int)a[2], (int)a[3]);
    case CLOSE:
        return pd.close(u, fd);
    }
    abort();
}

static void *do_job(void *argument)
{
    struct job *job = argument;
    struct timeval time;
    errno = 0;
    job->result = perform(job->operation, job->a);
    job->error = errno;
    pd.gettimeofday(pd.userdata, &time, NULL); /* as packetdrill does at once */
    job->is_done = true;
    return NULL;
}

static long call(enum operation operation, long a, long b, long c, long d, long e, long f)
{
    const struct script_event *event = the_host.run->event;
    const long arguments[6] = {a, b, c, d, e, f};
    if (!event || event->kind != EVENT_CALL || !event->call->blocking) {
        long result = perform(operation, arguments);
        int saved = errno;
        follow();
        errno = saved;
        return result;
    }
    struct job *job = calloc(1, sizeof *job);
    pthread_t thread;
    job->operation = operation;
    memcpy(job->a, arguments, sizeof arguments);
    if (pthread_create(&thread, NULL, do_job, job) != 0)
        abort();
    pthread_detach(thread);
    await_job(job);
    the_proc.job = job;
    int error = 0;
    while (!job->is_done && !error)
        error = the_proc.runtime->wait(the_proc.runtime->ctx, &the_proc, LIL_NEVER);
    the_proc.job = NULL;
    errno = job->is_done ? job->error : EINTR;
    return job->is_done ? job->result : -1;
}
#define A(x) ((long)(x))

ssize_t lil_read(struct lil_proc *p, int fd, void *buffer, size_t size)
{
    (void)p;
    return call(READ, fd, A(buffer), A(size), 0, 0, 0);
}

ssize_t lil_write(struct lil_proc *p, int fd, const void *buffer, size_t size)
{
    (void)p;
    return call(WRITE, fd, A(buffer), A(size), 0, 0, 0);
}

ssize_t lil_readv(struct lil_proc *p, int fd, const struct iovec *iov, int count)
{
    (void)p;
    return call(READV, fd, A(iov), count, 0, 0, 0);
}

ssize_t lil_writev(struct lil_proc *p, int fd, const struct iovec *iov, int count)
{
    (void)p;
    return call(WRITEV, fd, A(iov), count, 0, 0, 0);
}

ssize_t lil_recvfrom(struct lil_proc *p, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
    (void)p;
    return call(RECVFROM, fd, A(buffer), A(size), flags, A(address), A(length));
}

ssize_t lil_recv(struct lil_proc *p, int fd, void *buffer, size_t size, int flags)
{
    return lil_recvfrom(p, fd, buffer, size, flags, NULL, NULL);
}

ssize_t lil_sendto(struct lil_proc *p, int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t length)
{
    (void)p;
    names[fd >= 0 && fd < FDS ? fd : 0].connecting = true; /* MSG_FASTOPEN */
    return call(SENDTO, fd, A(buffer), A(size), flags, A(address), length);
}

ssize_t lil_send(struct lil_proc *p, int fd, const void *buffer, size_t size, int flags)
{
    (void)p;
    return call(SENDTO, fd, A(buffer), A(size), flags, 0, 0);
}

ssize_t lil_recvmsg(struct lil_proc *p, int fd, struct msghdr *message, int flags)
{
    (void)p;
    return call(RECVMSG, fd, A(message), flags, 0, 0, 0);
}

ssize_t lil_sendmsg(struct lil_proc *p, int fd, const struct msghdr *message, int flags)
{
    (void)p;
    names[fd >= 0 && fd < FDS ? fd : 0].connecting = true;
    return call(SENDMSG, fd, A(message), flags, 0, 0, 0);
}

int lil_close(struct lil_proc *p, int fd)
{
    (void)p;
    return (int)call(CLOSE, fd, 0, 0, 0, 0, 0);
}

int lil_poll(struct lil_proc *p, struct pollfd *fds, nfds_t count, int timeout)
{
    (void)p;
    return (int)call(POLL, A(fds), A(count), timeout, 0, 0, 0);
}

int lil_epoll_wait(struct lil_proc *p, int epfd, struct epoll_event *events, int max, int timeout)
{
    (void)p;
    return (int)call(EPOLL_WAIT, epfd, A(events), max, timeout, 0, 0);
}

int lil_fcntl(struct lil_proc *p, int fd, int command, long argument)
{
    (void)p;
    return pd.fcntl(pd.userdata, fd, command, argument);
}

int lil_accept(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)p;
    int result = (int)call(ACCEPT, fd, A(address), A(length), 0, 0, 0);
    if (result >= 0 && result < FDS && fd < FDS)
        names[result] = names[fd];
    return result;
}

int lil_accept4(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int result = lil_accept(p, fd, address, length);
    if (result >= 0)
        (void)lil_fcntl(p, result, F_SETFL, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0));
    return result;
}

int lil_connect(struct lil_proc *p, int fd, const struct sockaddr *address, socklen_t length)
{
    (void)p;
    if (fd >= 0 && fd < FDS)
        names[fd].connecting = true;
    first_port = 0;
    return (int)call(CONNECT, fd, A(address), length, 0, 0, 0);
}

int lil_socket(struct lil_proc *p, int domain, int type, int protocol)
{
    (void)p;
    int fd = pd.socket(pd.userdata, domain, type, protocol);
    if (fd >= 0 && fd < FDS)
        memset(&names[fd], 0, sizeof names[fd]);
    return fd;
}

int lil_bind(struct lil_proc *p, int fd, const struct sockaddr *address, socklen_t length)
{
    (void)p;
    int result = pd.bind(pd.userdata, fd, address, length);
    if (result == 0 && fd < FDS && length <= sizeof names[fd].address) {
        memcpy(&names[fd].address, address, length);
        names[fd].length = length;
    }
    return result;
}

int lil_listen(struct lil_proc *p, int fd, int backlog)
{
    (void)p;
    return pd.listen(pd.userdata, fd, backlog);
}

/* A script's own call that packetdrill's interface has no place for. */
static bool skips(const char *name)
{
    const struct script_event *event = the_host.run->event;
    bool own = event && event->kind == EVENT_CALL && strcmp(event->call->name, name) == 0;
    if (own)
        run_note(the_host.run, event, SCRIPT_SKIPPED, "packetdrill has no %s()", name);
    return own;
}

/* Packetdrill learns a port from bind()'s argument, from the SYN or from the first datagram. */
int lil_getsockname(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)p;
    if (skips("getsockname"))
        return -1;
    if (fd < 0 || fd >= FDS || (!names[fd].length && !(names[fd].connecting && first_port)))
        return -1;
    if (!names[fd].length)
        names[fd].length =
            addr_to_sockaddr(&the_host.run->local, first_port, 0,
                             the_host.run->config.ip == SCRIPT_IPV4 ? AF_INET : AF_INET6, &names[fd].address);
    memcpy(address, &names[fd].address, names[fd].length);
    *length = names[fd].length;
    return 0;
}

int lil_getpeername(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)p, (void)fd, (void)address, (void)length;
    (void)skips("getpeername");
    return -1;
}

int lil_shutdown(struct lil_proc *p, int fd, int how)
{
    (void)p;
    return pd.shutdown(pd.userdata, fd, how);
}

int lil_dup(struct lil_proc *p, int fd)
{
    return lil_fcntl(p, fd, F_DUPFD, 0);
}

void lil_proc_set_uid(struct lil_proc *p, unsigned uid)
{
    (void)p, (void)uid;
    (void)skips("cap_set");
}

int lil_pipe2(struct lil_proc *p, int fds[2], int flags)
{
    int result = pd.pipe(pd.userdata, fds);
    for (int i = 0; i < 2 && result == 0 && flags & O_NONBLOCK; i++)
        (void)lil_fcntl(p, fds[i], F_SETFL, O_RDWR | O_NONBLOCK);
    return result;
}

int lil_getsockopt(struct lil_proc *p, int fd, int level, int name, void *value, socklen_t *length)
{
    (void)p;
    return pd.getsockopt(pd.userdata, fd, level, name, value, length);
}

int lil_setsockopt(struct lil_proc *p, int fd, int level, int name, const void *value, socklen_t length)
{
    (void)p;
    return pd.setsockopt(pd.userdata, fd, level, name, value, length);
}

int lil_ioctl(struct lil_proc *p, int fd, unsigned long request, void *argument)
{
    (void)p;
    return pd.ioctl(pd.userdata, fd, request, argument);
}

int lil_epoll_create1(struct lil_proc *p, int flags)
{
    (void)p;
    if (flags & ~EPOLL_CLOEXEC) {
        errno = EINVAL;
        return -1;
    }
    return pd.epoll_create(pd.userdata, 1);
}

int lil_epoll_ctl(struct lil_proc *p, int epfd, int operation, int fd, struct epoll_event *event)
{
    (void)p;
    return pd.epoll_ctl(pd.userdata, epfd, operation, fd, event);
}

/* --- the process ---------------------------------------------------------------------------------------------------- */
struct lil_proc *lil_proc_new(struct lil_host *host)
{
    the_proc.host = host;
    return &the_proc;
}

void lil_proc_free(struct lil_proc *proc)
{
    (void)proc;
}

void proc_set_runtime(struct lil_proc *proc, const struct proc_runtime *runtime)
{
    proc->runtime = runtime;
}

void run_command(struct run *run, const char *text)
{
    for (const struct script_event *event = run->script.events; event && event != the_host.first_event; event = event->next)
        if (event->text == text) { /* the flags have it; packetdrill's own system() does the plug-in no harm */
            if (system("exit 0") != 0) /* NOLINT */
                run_fail(run, "system() fails");
            return;
        }
    char *words = NULL;
    size_t length;
    FILE *memory = open_memstream(&words, &length);
    bool is_sysctl = add_flags(memory, text);
    fclose(memory);
    is_sysctl &= strstr(words, " defaults") == NULL;
    free(words);
    if (!has_namespace || !is_sysctl)
        run_skip(run, "such commands do not reach the host behind the plug-in");
    if (system(text) != 0) /* NOLINT: as packetdrill does; the plug-in sees what is written */
        run_skip(run, "this machine's kernel refuses the command");
}

/* A network namespace of our own: what commands write to its parameters concerns nobody else. */
static bool enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    char map[64];
    snprintf(map, sizeof map, "0 %u 1", (unsigned)getuid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, map, strlen(map)) > 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static int run_one(const char *path, const struct script_config *config)
{
    struct results results = {0};
    struct script_report report;
    alarm(60);
    has_namespace = enter_namespace();
    script_run_file(path, config, &report);
    results_add(&results, path, "plug-in", true, &report);
    result_print(&results.items[0], stdout);
    fflush(NULL);
    return report.outcome;
}

int main(int argc, char **argv)
{
    struct script_config config;
    unsigned outcomes[3] = {0};
    bool in_one = false; /* scripts one after the other, each with a plug-in of its own */
    const char *path = getenv("PLUGIN");
    void *library = dlopen(path ? path : "build/liblilliput-packetdrill.so", RTLD_NOW | RTLD_LOCAL);
    *(void **)&interface_init = library ? dlsym(library, "packetdrill_interface_init") : NULL;
    if (!interface_init) {
        fprintf(stderr, "plugin_host: %s\n", dlerror());
        return 2;
    }
    script_config_init(&config);
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            config.verbose = config.output = stderr;
        } else if (strcmp(argv[i], "--ipv6") == 0) {
            config.ip = SCRIPT_IPV6;
        } else if (strcmp(argv[i], "--one-process") == 0) {
            in_one = true;
        } else if (in_one) {
            int outcome = run_one(argv[i], &config);
            outcomes[outcome < 3 ? outcome : SCRIPT_FAILED]++;
        } else {
            fflush(NULL);
            pid_t child = fork();
            if (child == 0)
                _exit(run_one(argv[i], &config));
            int status;
            while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
            if (!WIFEXITED(status))
                printf("FAIL  %s: died of signal %d\n", argv[i], WTERMSIG(status));
            outcomes[WIFEXITED(status) && WEXITSTATUS(status) < 3 ? WEXITSTATUS(status) : SCRIPT_FAILED]++;
        }
    }
    printf("%u passed, %u failed, %u skipped\n", outcomes[0], outcomes[1], outcomes[2]);
    return outcomes[1] != 0;
}
