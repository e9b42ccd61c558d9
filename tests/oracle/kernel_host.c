/* kernel_host.c: the script runner against the running Linux kernel: the lil_* calls that src/script makes, done by
 * real system calls and a TUN device, in real time, in a network namespace of the script's own. scripts/kernel-oracle
 * builds it with src/script and runs it as root: an oracle for "what a kernel passes, this must pass".
 *
 * With --serve it makes one namespace and one device, and runs the scripts that it reads of (path, peer's address,
 * port: each has its own), one after the other, each in a child, with its output in PATH.out: each finds the sysctls as
 * they were at first. scripts/kernel-fuzz uses that, for making and removing a namespace costs the machine more than a
 * script does.
 *
 * The runner's virtual clock becomes the real one here: lil_host_poll(now) returns when NOW has come, and asks to be
 * called again a quantum later; packets are stamped with the quantum in which they were read. Calls that may block run
 * on a thread; one that is not done in 2 ms waits on the script's coroutine. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/runtime.h"
#include "lilliput/lilliput.h"
#include "script/call/disk_file.h"
#include "script/report.h"
#include "script/run/run.h"
#include "script/programs/programs.h"
#include "script/run/coroutine.h"
#include "runner_packet.h"

static const uint64_t quantum_ns = 250000;
static bool tells_origin; /* --verbose */
static uint64_t tired_ns = 100 * 1000000000ull; /* nothing for so long: nothing will come */

struct job {
    long number, a[6];
    long result;
    int error;
    bool is_done;
    int job_done; /* the host's */
    pthread_mutex_t mutex;
    pthread_cond_t done;
};
struct lil_host {
    int tun;
    lil_transmit_fn *transmit;
    void *ctx;
    uint64_t real_origin_ns, virtual_origin_ns, active_ns;
    uint64_t seen_ns; /* something is there to read since then: poll() slept until it came, the script's time is not there yet */
    int job_done;     /* an eventfd */
};
struct lil_proc {
    struct lil_host *host;
    const struct proc_runtime *runtime;
    struct job *job;
};

static uint64_t clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Told, so that who compares knows where the kernel's ticks are in the script's time. */
static void set_origin(struct lil_host *host, uint64_t origin_ns)
{
    host->real_origin_ns = origin_ns;
    if (tells_origin)
        fprintf(stderr, "#origin %llu\n", (unsigned long long)origin_ns);
}

/* Real time needs a thread to run when its time has come. Not so commands: two sysctl that wait for one lock (rtnl)
 * spin, and whoever holds it would never run. */
static void go_first(void)
{
    struct sched_param parameters = {.sched_priority = 20};
    (void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters);
}

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int status = system(text); /* NOLINT */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* --- one namespace for many scripts (--serve) -------------------------------------------------------------------- */
enum { SAVED_SYSCTLS = 400, SAVED_SIZE = 80 };
static struct { char path[96], value[SAVED_SIZE]; } saved[SAVED_SYSCTLS];
static unsigned saved_count;
static int shared_tun = -1;

static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

static void save_sysctls(const char *folder, const char *prefix)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) && saved_count < SAVED_SYSCTLS;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || strstr(entry->d_name, "available") || strstr(entry->d_name, "tcp_mem"))
            continue;
        snprintf(saved[saved_count].path, sizeof saved[0].path, "%s/%s", folder, entry->d_name);
        saved_count += read_text(saved[saved_count].path, saved[saved_count].value, SAVED_SIZE);
    }
    if (dir)
        closedir(dir);
}

static void restore_sysctls(void)
{
    char now[SAVED_SIZE];
    for (unsigned i = 0; i < saved_count; i++) {
        if (!read_text(saved[i].path, now, sizeof now) || strcmp(now, saved[i].value) == 0)
            continue;
        int fd = open(saved[i].path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, saved[i].value, strlen(saved[i].value)) < 0)
            fprintf(stderr, "oracle: %s cannot be restored\n", saved[i].path);
        if (fd >= 0)
            close(fd);
    }
}

static int set_mtu(unsigned mtu)
{
    struct ifreq request = {.ifr_mtu = (int)mtu};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strcpy(request.ifr_name, "tun0");
    int result = ioctl(fd, SIOCSIFMTU, &request);
    close(fd);
    return result;
}

/* --- the host ------------------------------------------------------------------------------------------------------ */
struct lil_host *lil_host_new(const struct lil_host_config *config)
{
    struct lil_host *host = calloc(1, sizeof *host);
    if (!host || (shared_tun < 0 && unshare(CLONE_NEWNET | CLONE_NEWNS) < 0))
        return NULL;
    host->tun = shared_tun;
    host->job_done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    host->virtual_origin_ns = config->now_ns;
    if (shared_tun >= 0)
        return host;
    (void)shell("mount --make-rprivate / 2>/dev/null; mount -t sysfs sysfs /sys 2>/dev/null; ip link set lo up; . "
                "${ORACLE_DIR:-.}/defaults.sh; oracle_boot");
    return host;
}

void lil_host_free(struct lil_host *host)
{
    if (host->tun >= 0)
        close(host->tun);
    free(host);
}

int lil_interface_add(struct lil_host *host, const struct lil_interface_config *config)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    host->transmit = config->transmit;
    host->ctx = config->ctx;
    if (shared_tun >= 0)
        return set_mtu(config->mtu) < 0 ? -errno : 2;
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", config->name);
    host->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (host->tun < 0 || ioctl(host->tun, TUNSETIFF, &request) < 0)
        return -errno;
    return shell("ip link set %s mtu %u up txqueuelen 5000", config->name, config->mtu) ? -EINVAL : 2;
}

int lil_address_add(struct lil_host *host, int ifindex, const char *address)
{
    (void)host, (void)ifindex;
    bool is_v6 = strchr(address, ':') != NULL;
    int status = shared_tun >= 0 ? 0 : shell("ip addr add %s dev tun0%s", address, is_v6 ? " nodad" : "");
    if (is_v6) /* an IPv6 address is tentative, and deaf, until a worker of the kernel has been at it */
        usleep(5000);
    return status ? -EINVAL : 0;
}

int lil_route_add(struct lil_host *host, const char *destination, const char *via)
{
    (void)host;
    int error = shared_tun < 0 && shell("ip route add %s %s", destination, via) ? -EINVAL : 0;
    set_origin(host, clock_ns()); /* the last that setup_host does */
    return error;
}

int lil_host_input(struct lil_host *host, int ifindex, struct lil_packet *packet, uint64_t now_ns)
{
    (void)ifindex;
    host->active_ns = now_ns;
    if (write(host->tun, packet->bytes, packet->length) < 0)
        fprintf(stderr, "oracle: tun: %s\n", strerror(errno));
    free(packet);
    return 0;
}

static void drain(struct lil_host *host, uint64_t now_ns)
{
    static uint8_t bytes[65536 + 64];
    for (ssize_t n; (n = read(host->tun, bytes, sizeof bytes)) > 0;) {
        host->active_ns = now_ns;
        host->transmit(host->ctx, 2, lil_packet_copy(host, bytes, (size_t)n));
    }
}

static void look_at_job(struct lil_host *host, uint64_t now_ns);

static uint64_t real_ns(const struct lil_host *host, uint64_t virtual_ns)
{
    return host->real_origin_ns + (virtual_ns - host->virtual_origin_ns);
}

static struct timespec left_until(uint64_t due_ns)
{
    uint64_t now = clock_ns(), left = due_ns > now ? due_ns - now : 0;
    return (struct timespec){.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
}

/* Sleeps until a packet or a call's end is there to look at, or the script acts; the time to look again, by quanta. */
static uint64_t sleep_ahead(struct lil_host *host, uint64_t now_ns)
{
    const struct run *run = host->ctx;
    uint64_t limit = run->limit_ns, deadline = coroutine_deadline(run->coroutine), soon = now_ns + quantum_ns;
    if (deadline < limit)
        limit = deadline;
    if (deadline <= now_ns) /* the call ends now, and the runner has no new limit yet */
        host->active_ns = now_ns;
    if (limit > now_ns + NS_PER_S) /* the runner thinks that nothing will come when a host has no time to look again */
        limit = now_ns + NS_PER_S;
    if (limit <= soon || host->active_ns == now_ns) /* what just happened may give the script something to do */
        return soon;
    struct timespec wait = left_until(real_ns(host, limit));
    struct pollfd fds[] = {{.fd = host->tun, .events = POLLIN}, {.fd = host->job_done, .events = POLLIN}};
    if (ppoll(fds, 2, &wait, NULL) <= 0)
        return limit;
    uint64_t quanta = (clock_ns() - real_ns(host, now_ns)) / quantum_ns;
    host->seen_ns = now_ns + (quanta ? quanta : 1) * quantum_ns;
    return host->seen_ns;
}

uint64_t lil_host_poll(struct lil_host *host, uint64_t now_ns)
{
    if (host->seen_ns > now_ns)
        return host->seen_ns;
    drain(host, now_ns);
    for (struct timespec wait; wait = left_until(real_ns(host, now_ns)), wait.tv_sec || wait.tv_nsec;)
        nanosleep(&wait, NULL);
    drain(host, now_ns);
    look_at_job(host, now_ns);
    if (now_ns > host->active_ns + tired_ns)
        return LIL_NEVER;
    return sleep_ahead(host, now_ns);
}

/* --- calls that may wait ------------------------------------------------------------------------------------------- */
static struct lil_proc *the_proc;

static void look_at_job(struct lil_host *host, uint64_t now_ns)
{
    eventfd_t count;
    (void)eventfd_read(host->job_done, &count);
    if (!the_proc || !the_proc->job)
        return;
    pthread_mutex_lock(&the_proc->job->mutex);
    bool is_done = the_proc->job->is_done;
    pthread_mutex_unlock(&the_proc->job->mutex);
    if (is_done) {
        host->active_ns = now_ns;
        the_proc->runtime->wake(the_proc->runtime->ctx, the_proc);
    }
}

static void *do_job(void *argument)
{
    struct job *job = argument;
    errno = 0;
    long result = syscall(job->number, job->a[0], job->a[1], job->a[2], job->a[3], job->a[4], job->a[5]);
    pthread_mutex_lock(&job->mutex);
    job->result = result;
    job->error = errno;
    job->is_done = true;
    (void)eventfd_write(job->job_done, 1);
    pthread_cond_signal(&job->done);
    pthread_mutex_unlock(&job->mutex);
    return NULL;
}

#define A(x) ((long)(x))
static long waiting_call(struct lil_proc *p, long number, long a, long b, long c, long d, long e, long f)
{
    struct job *job = calloc(1, sizeof *job); /* forgotten when the script ends first */
    *job = (struct job){.number = number, .a = {a, b, c, d, e, f}, .job_done = p->host->job_done};
    pthread_mutex_init(&job->mutex, NULL);
    pthread_cond_init(&job->done, NULL);
    pthread_t thread;
    pthread_attr_t attributes; /* SCHED_RESET_ON_FORK is for threads, too */
    struct sched_param parameters = {.sched_priority = 20};
    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &parameters);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, do_job, job) != 0 && pthread_create(&thread, NULL, do_job, job) != 0)
        abort();
    pthread_attr_destroy(&attributes);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 2000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&job->mutex);
    while (!job->is_done && pthread_cond_timedwait(&job->done, &job->mutex, &until) == 0)
        ;
    bool is_done = job->is_done;
    pthread_mutex_unlock(&job->mutex);
    p->job = job;
    while (!is_done && p->runtime->wait(p->runtime->ctx, p, LIL_NEVER) == 0)
        is_done = job->is_done;
    p->job = NULL;
    errno = is_done ? job->error : EINTR;
    return is_done ? job->result : -1;
}

ssize_t lil_read(struct lil_proc *p, int fd, void *buffer, size_t size)
{
    return waiting_call(p, SYS_read, fd, A(buffer), A(size), 0, 0, 0);
}

ssize_t lil_write(struct lil_proc *p, int fd, const void *buffer, size_t size)
{
    return waiting_call(p, SYS_write, fd, A(buffer), A(size), 0, 0, 0);
}

ssize_t lil_readv(struct lil_proc *p, int fd, const struct iovec *iov, int count)
{
    return waiting_call(p, SYS_readv, fd, A(iov), count, 0, 0, 0);
}

ssize_t lil_writev(struct lil_proc *p, int fd, const struct iovec *iov, int count)
{
    return waiting_call(p, SYS_writev, fd, A(iov), count, 0, 0, 0);
}

ssize_t lil_recvfrom(struct lil_proc *p, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
    return waiting_call(p, SYS_recvfrom, fd, A(buffer), A(size), flags, A(address), A(length));
}

ssize_t lil_recv(struct lil_proc *p, int fd, void *buffer, size_t size, int flags)
{
    return lil_recvfrom(p, fd, buffer, size, flags, NULL, NULL);
}

ssize_t lil_sendto(struct lil_proc *p, int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t length)
{
    return waiting_call(p, SYS_sendto, fd, A(buffer), A(size), flags, A(address), A(length));
}

ssize_t lil_send(struct lil_proc *p, int fd, const void *buffer, size_t size, int flags)
{
    return lil_sendto(p, fd, buffer, size, flags, NULL, 0);
}

ssize_t lil_recvmsg(struct lil_proc *p, int fd, struct msghdr *message, int flags)
{
    return waiting_call(p, SYS_recvmsg, fd, A(message), flags, 0, 0, 0);
}

ssize_t lil_sendmsg(struct lil_proc *p, int fd, const struct msghdr *message, int flags)
{
    return waiting_call(p, SYS_sendmsg, fd, A(message), flags, 0, 0, 0);
}

int lil_accept4(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return (int)waiting_call(p, SYS_accept4, fd, A(address), A(length), flags, 0, 0);
}

int lil_accept(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length)
{
    return lil_accept4(p, fd, address, length, 0);
}

int lil_connect(struct lil_proc *p, int fd, const struct sockaddr *address, socklen_t length)
{
    return (int)waiting_call(p, SYS_connect, fd, A(address), (long)length, 0, 0, 0);
}

int lil_close(struct lil_proc *p, int fd)
{
    return (int)waiting_call(p, SYS_close, fd, 0, 0, 0, 0, 0);
}

int lil_poll(struct lil_proc *p, struct pollfd *fds, nfds_t count, int timeout)
{
    return (int)waiting_call(p, SYS_poll, A(fds), A(count), timeout, 0, 0, 0);
}

int lil_epoll_wait(struct lil_proc *p, int epfd, struct epoll_event *events, int max, int timeout)
{
    return (int)waiting_call(p, SYS_epoll_wait, epfd, A(events), max, timeout, 0, 0);
}

/* --- files ----------------------------------------------------------------------------------------------------------- */
int file_open(struct run *run, const char *path)
{
    const char *script = run->script.path, *slash = strrchr(script, '/');
    char beside[4096];
    snprintf(beside, sizeof beside, "%.*s/%s", slash ? (int)(slash - script) : 1, slash ? script : ".", path);
    int fd = path[0] != '/' ? open(beside, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (fd = memfd_create("file", MFD_CLOEXEC)) >= 0 && ftruncate(fd, 64 << 20) < 0)
        return -1;
    return fd;
}

int file_close(struct run *run, int fd)
{
    return lil_close(run->proc, fd);
}

ssize_t file_read(struct run *run, int fd, void *buffer, size_t size)
{
    return lil_read(run->proc, fd, buffer, size);
}

ssize_t file_send(struct run *run, int to, const struct fd_entry *from, int64_t *offset, size_t size)
{
    return waiting_call(run->proc, SYS_sendfile, to, from->live_fd, A(offset), A(size), 0, 0);
}

ssize_t file_splice(struct run *run, const struct fd_entry *from, const struct fd_entry *to, size_t size, unsigned flags)
{
    return waiting_call(run->proc, SYS_splice, from->live_fd, 0, to->live_fd, 0, A(size), flags);
}

/* --- calls that do not --------------------------------------------------------------------------------------------- */
/* A namespace may not choose what its machine does not allow; a socket of root's may. */
static char congestion[16] = "cubic";

static void note_congestion(const char *text)
{
    const char *at = strstr(text, "tcp_congestion_control=");
    if (at && sscanf(at + 23, "%*[\"' ]%15[a-z_0-9]", congestion) <= 0)
        (void)sscanf(at + 23, "%15[a-z_0-9]", congestion);
}

int lil_socket(struct lil_proc *p, int domain, int type, int protocol)
{
    (void)p;
    int fd = socket(domain, type, protocol);
    if (fd >= 0 && (type & 15) == SOCK_STREAM)
        (void)setsockopt(fd, IPPROTO_TCP, 13 /* TCP_CONGESTION */, congestion, strlen(congestion));
    return fd;
}

int lil_bind(struct lil_proc *p, int fd, const struct sockaddr *address, socklen_t length)
{
    (void)p;
    return bind(fd, address, length);
}

int lil_listen(struct lil_proc *p, int fd, int backlog)
{
    (void)p;
    return listen(fd, backlog);
}

int lil_getsockname(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)p;
    return getsockname(fd, address, length);
}

int lil_getpeername(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length)
{
    (void)p;
    return getpeername(fd, address, length);
}

int lil_shutdown(struct lil_proc *p, int fd, int how)
{
    (void)p;
    return shutdown(fd, how);
}

int lil_dup(struct lil_proc *p, int fd)
{
    (void)p;
    return dup(fd);
}

void lil_proc_set_uid(struct lil_proc *p, unsigned uid) /* of this thread alone: its capabilities go, too */
{
    (void)p;
    if (syscall(SYS_setresuid, -1, uid, -1) < 0)
        fprintf(stderr, "oracle: setresuid: %s\n", strerror(errno));
}

int lil_dup2(struct lil_proc *p, int fd, int to)
{
    (void)p;
    return dup2(fd, to);
}

int lil_pipe2(struct lil_proc *p, int fds[2], int flags)
{
    (void)p;
    return pipe2(fds, flags);
}

/* Linux 6.19 and before tell AccECN's failures and option in 16 bits each; since then they are bit-fields behind the mode (run_code.c). */
static void renew_info(uint8_t *info, socklen_t length)
{
    uint16_t modes[2];
    struct utsname system;
    if (length < 280 || uname(&system) < 0 || atoi(system.release) >= 7)
        return;
    memcpy(modes, info + 276, sizeof modes);
    uint32_t fields = (modes[1] & 3u) << 2 | (modes[0] & 15u) << 4;
    memcpy(info + 276, &fields, sizeof fields);
}

int lil_getsockopt(struct lil_proc *p, int fd, int level, int name, void *value, socklen_t *length)
{
    (void)p;
    int result = getsockopt(fd, level, name, value, length);
    if (result == 0 && level == IPPROTO_TCP && name == 11 /* TCP_INFO */)
        renew_info(value, *length);
    return result;
}

int lil_setsockopt(struct lil_proc *p, int fd, int level, int name, const void *value, socklen_t length)
{
    (void)p;
    return setsockopt(fd, level, name, value, length);
}

int lil_ioctl(struct lil_proc *p, int fd, unsigned long request, void *argument)
{
    (void)p;
    return ioctl(fd, request, argument);
}

int lil_fcntl(struct lil_proc *p, int fd, int command, long argument)
{
    (void)p;
    return fcntl(fd, command, argument);
}

int lil_epoll_create1(struct lil_proc *p, int flags)
{
    (void)p;
    return epoll_create1(flags);
}

int lil_epoll_ctl(struct lil_proc *p, int epfd, int operation, int fd, struct epoll_event *event)
{
    (void)p;
    return epoll_ctl(epfd, operation, fd, event);
}

/* --- the process ---------------------------------------------------------------------------------------------------- */
struct lil_proc *lil_proc_new(struct lil_host *host)
{
    the_proc = calloc(1, sizeof *the_proc);
    the_proc->host = host;
    return the_proc;
}

void lil_proc_free(struct lil_proc *proc)
{
    (void)proc; /* the end of the child closes all */
}

void proc_set_runtime(struct lil_proc *proc, const struct proc_runtime *runtime)
{
    proc->runtime = runtime;
}

/* Commands are the system's own; what collections call defaults.sh is ours. */
void run_command(struct run *run, const char *text)
{
    char *script = NULL;
    size_t length = 0;
    note_congestion(text);
    FILE *memory = open_memstream(&script, &length);
    fputs(". ${ORACLE_DIR:-.}/defaults.sh\n", memory);
    while (*text) {
        size_t word = strcspn(text, " \t\n;&|");
        bool known = (word > 11 && strncmp(text + word - 11, "defaults.sh", 11) == 0) ||
                     (word == 11 && strncmp(text, "defaults.sh", 11) == 0);
        if (known)
            fputs("oracle_defaults", memory);
        else
            fwrite(text, 1, word, memory);
        text += word;
        if (*text)
            fputc(*text++, memory);
    }
    fclose(memory);
    int status = system(script); /* NOLINT */
    free(script);
    set_origin(run->host, clock_ns() - (run->now_ns - run->host->virtual_origin_ns)); /* a command takes no time in a script */
    if (status)
        run_fail(run, "the command ended with status %d", WEXITSTATUS(status));
    run_settle(run);
}

/* --- serving -- */
/* JOB: "PATH REMOTE-ADDRESS PORT". */
static void serve_one(char *job, struct script_config *config)
{
    static char out[4096];
    struct script_report report;
    struct results results = {0};
    char *path = strtok(job, " "), *remote = strtok(NULL, " "), *port = strtok(NULL, " ");
    if (!path || !remote || !port)
        _exit(2);
    snprintf(out, sizeof out, "%s.out", path);
    if (!freopen(out, "w", stdout) || dup2(fileno(stdout), STDERR_FILENO) < 0)
        _exit(2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    config->remote_ip = remote;
    config->bind_port = (uint16_t)atoi(port);
    go_first();
    script_run_file(path, config, &report);
    results_add(&results, path, "kernel", true, &report);
    result_print(&results.items[0], stdout);
    fflush(NULL);
    _exit(0);
}

static int serve(struct script_config *config)
{
    static char path[4096];
    struct lil_host *host = lil_host_new(&(struct lil_host_config){0});
    struct lil_interface_config interface = {.name = "tun0", .mtu = 1500};
    if (!host || lil_interface_add(host, &interface) < 0 || lil_address_add(host, 2, "192.168.0.1/16") < 0 ||
        lil_address_add(host, 2, "fd3d:0a0b:17d6::1/48") < 0 || lil_route_add(host, "default", "dev tun0") < 0 ||
        lil_route_add(host, "::/0", "dev tun0") < 0)
        return 2;
    shared_tun = host->tun;
    save_sysctls("/proc/sys/net/ipv4", "tcp_");
    save_sysctls("/proc/sys/net/ipv4", "ip_");
    save_sysctls("/proc/sys/net/ipv4", "icmp_");
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        static char bytes[65536];
        while (read(host->tun, bytes, sizeof bytes) > 0)
            ; /* what sockets of scripts before still said */
        pid_t child = fork();
        if (child == 0)
            serve_one(path, config);
        int status;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        restore_sysctls();
        printf("done\n");
        fflush(stdout);
    }
    return 0;
}

/* --- the first process of a kernel in user space (scripts/kernel-virtual) ------------------------------------------ */
/* The fallback devices of tunnels (tunl0, gre0 ...), which `ip tunnel add` asks for, are in a new namespace if PATH makes a tunnel.
 * Otherwise there are none: the TUN device is the second interface then, as scripts print it. */
static void choose_fallback_tunnels(const char *path)
{
    static char text[65536];
    int fd = open("/proc/sys/net/core/fb_tunnels_only_for_init_net", O_WRONLY | O_CLOEXEC);
    bool wanted = path && read_text(path, text, sizeof text) && (strstr(text, "tunnel add") || strstr(text, "link add"));
    if (fd < 0 || write(fd, wanted ? "0" : "2", 1) < 0)
        fprintf(stderr, "oracle: fb_tunnels_only_for_init_net cannot be written\n");
    if (fd >= 0)
        close(fd);
}

/* JOB: "OUTPUT ARGUMENT ...", without spaces in any of them: this program with these arguments, a namespace of its own. */
static void run_job(char *self, char *job)
{
    char *arguments[32] = {self};
    char *output = strtok(job, " ");
    int count = 1;
    for (char *word; count < 31 && (word = strtok(NULL, " ")); count++)
        arguments[count] = word;
    choose_fallback_tunnels(arguments[count - 1]);
    pid_t child = fork();
    if (child == 0) {
        if (!output || !freopen(output, "w", stdout) || dup2(fileno(stdout), STDERR_FILENO) < 0)
            _exit(2);
        execv(self, arguments);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    for (pid_t rest; (rest = waitpid(-1, &status, WNOHANG)) > 0;)
        ; /* orphans come to the first process */
}

/* Runs the lines of JOBS, then ends the machine. */
static int be_init(char *self, const char *jobs)
{
    static char line[8192];
    setenv("ORACLE_IS_VIRTUAL", "1", 1);
    (void)shell("mount -t proc proc /proc; mount -t sysfs sysfs /sys; "
                "mount -t tmpfs tmpfs /run; ip link set lo up");
    sleep(1); /* below 64 ms a SYN cookie's timestamp, which goes back to hold the options, would be before the boot */
    FILE *file = fopen(jobs, "r");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        run_job(self, line);
    }
    sync();
    return reboot(RB_POWER_OFF);
}

/* --- main ------------------------------------------------------------------------------------------------------------- */
int main(int argc, char **argv)
{
    struct script_config config;
    int failed = 0;
    script_config_init(&config);
    (void)signal(SIGPIPE, SIG_IGN);
    config.patience_ns = 3000000000u;
    bool serves = false;
    if (getenv("ORACLE_IS_VIRTUAL"))
        tired_ns *= 100; /* waiting costs nothing there */
    for (int i = 1; i < argc; i++) {
        struct script_report report;
        if (strcmp(argv[i], "--verbose") == 0) {
            config.verbose = config.output = stderr;
            tells_origin = true;
        } else if (strcmp(argv[i], "--init") == 0 && i + 1 < argc) {
            return be_init(argv[0], argv[i + 1]);
        } else if (strcmp(argv[i], "--serve") == 0) {
            serves = true;
        } else if (strcmp(argv[i], "--ipv6") == 0) {
            config.ip = SCRIPT_IPV6;
        } else if (strncmp(argv[i], "--", 2) == 0) {
            char *equals = strchr(argv[i], '=');
            if (equals)
                *equals = 0;
            if (script_config_set(&config, argv[i] + 2, equals ? equals + 1 : "") < 0) {
                fprintf(stderr, "kernel-oracle: bad option %s\n", argv[i]);
                return 2;
            }
        } else {
            struct results results = {0};
            go_first();
            script_run_file(argv[i], &config, &report);
            results_add(&results, argv[i], "kernel", true, &report);
            result_print(&results.items[0], stdout);
            failed |= report.outcome == SCRIPT_FAILED;
            fflush(stdout);
            break; /* one script a process: it has a namespace of its own */
        }
    }
    fflush(NULL);
    _exit(serves ? serve(&config) : failed); /* calls that still wait are left behind */
}
