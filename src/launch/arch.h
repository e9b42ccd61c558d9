/* arch.h: what the supervisor knows of a processor: how a traced thread's registers name its system call, and which calls there
 * are. To add one, write its block here; everything else is written against these few names. x86-64 is tested; aarch64 is
 * compiled only (tests/tidy/test_aarch64.sh): what it lacks is the clock page of vdso.c, so that clock reads are notified calls. */
#ifndef LAUNCH_ARCH_H
#define LAUNCH_ARCH_H
#include <linux/audit.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#if defined(__x86_64__)
#define ARCH_NAME "x86_64" /* as uname(2) says */
#define ARCH_AUDIT AUDIT_ARCH_X86_64
#define ARCH_OPEN __NR_open
#define ARCH_X32_BIT 0x40000000u /* x32 calls come under the same audit number with this bit */
struct arch_regs {
    struct user_regs_struct r;
};
static inline int arch_get(pid_t tid, struct arch_regs *regs) { return (int)ptrace(PTRACE_GETREGS, tid, 0, &regs->r); }
static inline int arch_set(pid_t tid, const struct arch_regs *regs) { return (int)ptrace(PTRACE_SETREGS, tid, 0, &regs->r); }
static inline uint64_t arch_call(const struct arch_regs *regs) { return regs->r.orig_rax; }
static inline void arch_set_call(struct arch_regs *regs, uint64_t nr) { regs->r.orig_rax = nr; }
static inline int64_t arch_result(const struct arch_regs *regs) { return (int64_t)regs->r.rax; }
static inline void arch_set_result(struct arch_regs *regs, int64_t value) { regs->r.rax = (uint64_t)value; }
/* To go on with call NR by the system call instruction at PC. */
#define ARCH_SYSCALL_BYTE_0 0x0f
#define ARCH_SYSCALL_BYTE_1 0x05
static inline void arch_prepare_call(struct arch_regs *regs, uint64_t pc, uint64_t nr, const uint64_t a[6])
{
    regs->r.rip = pc, regs->r.rax = nr, regs->r.orig_rax = (uint64_t)-1;
    regs->r.rdi = a[0], regs->r.rsi = a[1], regs->r.rdx = a[2], regs->r.r10 = a[3], regs->r.r8 = a[4], regs->r.r9 = a[5];
}
static inline uint64_t arch_stack(const struct arch_regs *regs) { return regs->r.rsp; }
static inline void arch_arguments(const struct arch_regs *regs, uint64_t a[6])
{
    a[0] = regs->r.rdi, a[1] = regs->r.rsi, a[2] = regs->r.rdx, a[3] = regs->r.r10, a[4] = regs->r.r8, a[5] = regs->r.r9;
}
static inline void arch_set_arguments(struct arch_regs *regs, const uint64_t a[6])
{
    regs->r.rdi = a[0], regs->r.rsi = a[1], regs->r.rdx = a[2], regs->r.r10 = a[3], regs->r.r8 = a[4], regs->r.r9 = a[5];
}
/* The processor's own counter (rdtsc, rdtscp): from now on, in this thread and in what it starts, it is a SIGSEGV; but not in a virtual
 * machine whose kernel is itself one of the host's programs (PVM), where prctl() promises it all the same. */
static inline void arch_hide_counter(void) { prctl(PR_SET_TSC, PR_TSC_SIGSEGV); }
static inline void arch_read_counter(void) { __asm__ volatile("rdtsc" ::: "rax", "rdx"); }
enum { ARCH_COUNTER_BYTES = 3 };
static inline uint64_t arch_pc(const struct arch_regs *regs) { return regs->r.rip; }
/* The instruction at the program counter, as if it had been done. False: it is another one. */
static inline bool arch_give_counter(struct arch_regs *regs, const uint8_t code[ARCH_COUNTER_BYTES], uint64_t value)
{
    bool is_rdtscp = code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9;

    if (!is_rdtscp && (code[0] != 0x0f || code[1] != 0x31))
        return false;
    regs->r.rip += is_rdtscp ? 3 : 2;
    regs->r.rax = (uint32_t)value;
    regs->r.rdx = value >> 32;
    if (is_rdtscp)
        regs->r.rcx = 0; /* processor 0 */
    return true;
}
/* At the exit stop: number and arguments as the program gave them; the result stays. */
static inline void arch_restore_call(struct arch_regs *regs, uint64_t nr, const uint64_t a[6])
{
    arch_set_call(regs, nr);
    arch_set_arguments(regs, a);
}

#elif defined(__aarch64__)
#include <elf.h>
#include <sys/uio.h>
#define ARCH_NAME "aarch64"
#define ARCH_AUDIT AUDIT_ARCH_AARCH64
#define ARCH_X32_BIT 0u /* 32-bit programs come under an audit number of their own */
/* Old calls that this processor never had: rows of the tables with these numbers match nothing. */
enum { ARCH_ABSENT = 1000, ARCH_OPEN = ARCH_ABSENT };
#define __NR_poll (ARCH_ABSENT + 1)
#define __NR_select (ARCH_ABSENT + 2)
#define __NR_epoll_wait (ARCH_ABSENT + 3)
#define __NR_alarm (ARCH_ABSENT + 4)
#define __NR_time (ARCH_ABSENT + 5)
#define __NR_vfork (ARCH_ABSENT + 6)
#define __NR_pause (ARCH_ABSENT + 7)
#define __NR_stat (ARCH_ABSENT + 8)
#define __NR_lstat (ARCH_ABSENT + 9)
#define __NR_utimes (ARCH_ABSENT + 10)
#define __NR_futimesat (ARCH_ABSENT + 11)
struct arch_regs {
    struct user_pt_regs_ {
        uint64_t x[31], sp, pc, pstate;
    } r;
    int call; /* x8 is only where the program put it: what the kernel does is this register set */
};
static inline int arch_get(pid_t tid, struct arch_regs *regs)
{
    struct iovec all = {&regs->r, sizeof regs->r}, call = {&regs->call, sizeof regs->call};
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) < 0)
        return -1;
    return (int)ptrace(PTRACE_GETREGSET, tid, NT_ARM_SYSTEM_CALL, &call);
}
static inline int arch_set(pid_t tid, const struct arch_regs *regs)
{
    struct arch_regs copy = *regs;
    struct iovec all = {&copy.r, sizeof copy.r}, call = {&copy.call, sizeof copy.call};
    if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all) < 0)
        return -1;
    return (int)ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &call);
}
static inline uint64_t arch_call(const struct arch_regs *regs) { return (uint64_t)(int64_t)regs->call; }
static inline void arch_set_call(struct arch_regs *regs, uint64_t nr) { regs->call = (int)nr; }
static inline int64_t arch_result(const struct arch_regs *regs) { return (int64_t)regs->r.x[0]; }
static inline void arch_set_result(struct arch_regs *regs, int64_t value) { regs->r.x[0] = (uint64_t)value; }
#define ARCH_SYSCALL_BYTE_0 0x01 /* svc #0 begins so; without a clock page nobody looks for it */
#define ARCH_SYSCALL_BYTE_1 0x00
static inline void arch_prepare_call(struct arch_regs *regs, uint64_t pc, uint64_t nr, const uint64_t a[6])
{
    regs->r.pc = pc, regs->r.x[8] = nr, regs->call = -1;
    for (int i = 0; i < 6; i++)
        regs->r.x[i] = a[i];
}
static inline uint64_t arch_stack(const struct arch_regs *regs) { return regs->r.sp; }
static inline void arch_hide_counter(void) {} /* CNTVCT_EL0 cannot be hidden */
static inline void arch_read_counter(void) {}
enum { ARCH_COUNTER_BYTES = 4 };
static inline uint64_t arch_pc(const struct arch_regs *regs) { return regs->r.pc; }
static inline bool arch_give_counter(struct arch_regs *regs, const uint8_t code[ARCH_COUNTER_BYTES], uint64_t value)
{
    (void)regs, (void)code, (void)value;
    return false;
}
static inline void arch_arguments(const struct arch_regs *regs, uint64_t a[6])
{
    for (int i = 0; i < 6; i++)
        a[i] = regs->r.x[i];
}
static inline void arch_set_arguments(struct arch_regs *regs, const uint64_t a[6])
{
    for (int i = 0; i < 6; i++)
        regs->r.x[i] = a[i];
}
/* x0 is the result by now; where the call is made again the kernel itself puts its first argument back (orig_x0). */
static inline void arch_restore_call(struct arch_regs *regs, uint64_t nr, const uint64_t a[6])
{
    (void)nr;
    for (int i = 1; i < 6; i++)
        regs->r.x[i] = a[i];
}
#else
#error "the launcher knows x86-64 and aarch64: add this processor's block to arch.h"
#endif

#endif
