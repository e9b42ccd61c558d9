/* arch.h: what the supervisor knows of a processor: how a traced thread's registers name its system call. To add one,
 * write its block here (aarch64: PTRACE_GETREGSET with NT_PRSTATUS, the number through NT_ARM_SYSTEM_CALL); everything
 * else is written against these few names. */
#ifndef LAUNCH_ARCH_H
#define LAUNCH_ARCH_H
#include <linux/audit.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#if defined(__x86_64__)
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
#else
#error "the launcher knows x86-64 only: add this processor's block to arch.h"
#endif

#endif
