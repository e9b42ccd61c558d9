/* verb_doctor.c: lilliput doctor: what this kernel or container allows of what the launcher needs, tried, not guessed; and
 * what to do about what is missing. Exit 0: all of it; 77: unmodified programs cannot be run here. */
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/cli.h"
#include "launch/arch.h"
#include "launch/memory.h"
#include "launch/sweep.h"
#include "launch/task.h"

enum need { NEEDED, FOR_VIRTUAL_TIME, FOR_SPEED, FOR_SIGNALS, FOR_COUNTER, NEEDS };
static const char *const need_words[NEEDS] = {"needed to run programs", "needed for virtual time", "only speed",
                                              "only where signals break calls", "only what reads the counter itself"};

struct finding {
    unsigned missing[NEEDS];
    json_t *checks; /* NULL: they are printed */
};

static void tell(struct finding *finding, const char *what, bool works, enum need need, const char *remedy)
{
    finding->missing[need] += !works;
    if (finding->checks)
        json_array_append_new(finding->checks, json_pack("{s:s, s:b, s:s, s:s*}", "what", what, "works", works, "need", need_words[need],
                                                         "remedy", works ? NULL : remedy));
    else if (works)
        printf("ok   %s\n", what);
    else
        printf("NO   %-46s %s\n       %s\n", what, need_words[need], remedy);
}

/* A child under a filter that notifies getppid; what it reports through its exit status. */
static bool try_listener(void)
{
    struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter) < 0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

struct child_access {
    bool get_fd, proc_fd, memory, proc_syscall, proc_schedstat;
};

static struct child_access try_access(void)
{
    struct child_access found = {0};
    static char word[8] = "lab";
    char seen[8] = "", path[64];
    struct iovec local = {seen, sizeof seen}, remote = {word, sizeof word};
    int fd, lent = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    if (pid < 0) {
        close(lent);
        return found;
    }
    fd = memory_get_fd(pid, 0);
    found.get_fd = fd >= 0 || fd == -EBADF;
    if (fd >= 0)
        close(fd);
    found.proc_fd = sweep_domain(pid, lent) == AF_UNIX;
    close(lent);
    found.memory = process_vm_readv(pid, &local, 1, &remote, 1, 0) == sizeof seen && !strcmp(seen, "lab");
    snprintf(path, sizeof path, "/proc/%d/syscall", pid);
    fd = open(path, O_RDONLY);
    found.proc_syscall = fd >= 0 && read(fd, seen, sizeof seen) > 0;
    close(fd);
    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    fd = open(path, O_RDONLY);
    found.proc_schedstat = fd >= 0 && read(fd, seen, sizeof seen) > 0;
    close(fd);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return found;
}

static bool has_cookie(void)
{
    unsigned long long cookie = 0;
    socklen_t length = sizeof cookie;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool works = fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 && cookie;
    close(fd);
    return works;
}

/* In virtual time a read of the processor's counter has to be a SIGSEGV: a child tries one. */
static bool try_counter(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        arch_hide_counter();
        arch_read_counter();
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static bool is_at_least(const char *release, int major, int minor)
{
    int a = 0, b = 0;
    return sscanf(release, "%d.%d", &a, &b) == 2 && (a > major || (a == major && b >= minor));
}

static void try_all(struct finding *finding, const struct utsname *kernel)
{
    struct child_access access = try_access();
    tell(finding, ARCH_NAME, !strcmp(kernel->machine, ARCH_NAME), NEEDED,
         "This binary was built for another processor's calls (src/launch/arch.h).");
    tell(finding, "seccomp user notification", try_listener(), NEEDED,
         "Linux 5.14 or newer with CONFIG_SECCOMP_FILTER; another listener on this process chain excludes a second "
         "(lilliput inside lilliput).");
    tell(finding, "descriptors of a child (pidfd_getfd)", access.get_fd, FOR_SPEED,
         "Copies are kept instead, and a close is found by looking into /proc, up to 40 ms late. In a container: --cap-add SYS_PTRACE.");
    if (!access.get_fd)
        tell(finding, "descriptors of a child (/proc/PID/fd)", access.proc_fd, NEEDED,
             "/proc mounted without hidepid; Linux 3.7 or newer.");
    tell(finding, "memory of a child (process_vm_readv)", access.memory, NEEDED,
         "kernel.yama.ptrace_scope above 1, or a container: --cap-add SYS_PTRACE, or --security-opt seccomp=unconfined.");
    tell(finding, "socket identity (SO_COOKIE)", has_cookie(), NEEDED, "Linux 4.12 or newer.");
    tell(finding, "ptrace of a child", tracer_is_permitted(), FOR_VIRTUAL_TIME,
         "Is a debugger attached, or kernel.yama.ptrace_scope 3? In a container: --cap-add SYS_PTRACE. Without it: real time only.");
    tell(finding, "/proc/PID/syscall", access.proc_syscall, FOR_VIRTUAL_TIME,
         "CONFIG_HAVE_ARCH_TRACEHOOK, and /proc mounted without hidepid.");
    tell(finding, "/proc/PID/schedstat", access.proc_schedstat, FOR_VIRTUAL_TIME,
         "A kernel with CONFIG_SCHED_INFO (all distributions' have it).");
    tell(finding, "answers that no signal can lose (Linux 5.19)", is_at_least(kernel->release, 5, 19), FOR_SIGNALS,
         "A signal that breaks a call can lose what it moved, on an older kernel (docs/decisions/0315-signals.md).");
    tell(finding, "the processor's counter hidden (PR_SET_TSC)", try_counter(), FOR_COUNTER,
         "rdtsc shows real time in virtual time, too: this processor or virtual machine does not let it be hidden.");
    tell(finding, "same-processor wakeups (Linux 6.6)", is_at_least(kernel->release, 6, 6), FOR_SPEED,
         "An older kernel takes about ten times as long for each notified call.");
}

static void conclude(const struct finding *finding, const struct utsname *kernel)
{
    bool programs = !finding->missing[NEEDED], virtual_time = programs && !finding->missing[FOR_VIRTUAL_TIME], all = virtual_time;
    for (unsigned i = 0; i < NEEDS; i++)
        all = all && !finding->missing[i];

    if (finding->checks)
        cli_print_json(json_pack("{s:s, s:s, s:b, s:b, s:O}", "kernel", kernel->release, "machine", kernel->machine, "programs", programs,
                                 "virtual_time", virtual_time, "checks", finding->checks));
    else if (virtual_time)
        printf("%s. Lilliput is a test bench, not a sandbox: do not run what you do not trust.\n",
               all ? "Everything works here" : "Programs run here, in virtual time, too, but for what is said above");
    else if (programs)
        printf("Programs run in real time here; the gauntlet needs virtual time.\n");
    else
        printf("Unmodified programs cannot be run here. The library, labs and scripts do not need any of this.\n");
}

int doctor_main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct finding finding = {0};
    struct utsname kernel;
    int option;

    optind = 1;
    while ((option = cli_getopt("doctor", argc, argv, options)) != -1)
        switch (option) {
        case 'j': finding.checks = json_array(); break;
        case 'h':
            printf("usage: lilliput doctor [--json]\n  Tries what `lilliput run -- PROGRAM` and `lilliput gauntlet` need of this "
                   "kernel and container.\n  Exit: 0 programs can be run, 77 they cannot.\n");
            return CLI_OK;
        default: return CLI_USAGE;
        }
    if (cli_no_operands("doctor", argc, argv, "`lilliput doctor` tries all there is to try") != CLI_OK)
        return CLI_USAGE;
    uname(&kernel);
    if (!finding.checks)
        printf("Linux %s, %s, uid %d\n", kernel.release, kernel.machine, getuid());
    try_all(&finding, &kernel);
    conclude(&finding, &kernel);
    json_decref(finding.checks);
    return finding.missing[NEEDED] ? CLI_FORBIDDEN : CLI_OK;
}
