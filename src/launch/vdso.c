/* vdso.c: virtual time's clock without a system call. Programs read the clock through the vDSO, a small shared object that
 * the kernel maps and names in the auxiliary vector (vdso(7)). At exec we map our own instead: one page with an ELF image that
 * has clock_gettime, gettimeofday and time, and one page of data that all programs share with the supervisor, with the virtual
 * time in it. Reads are counted there: from CLOCK_FREE_READS at one instant on they are system calls again, which the
 * supervisor answers and charges (clock.c). The mapping is made by system calls that the stopped program is made to do. Where that
 * fails the vDSO is hidden, and every read is a notified call. docs/decisions/0310-clock-page.md. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "launch/arch.h"
#include "launch/clock.h"
#include "launch/memory.h"
#include "launch/task.h"

enum { PAGE = 4096, CODE_AT = 0x400, CODE_MAX = PAGE - CODE_AT };

#if defined(__x86_64__)
enum { HAS_CODE = 1 };
/* The code finds the data (struct clock_page) in the page behind its own. 0xbf3: the clocks that are virtual (not 2, 3: CPU
 * time); 0x921: of these the wall clocks. Anything else is the system call. */
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define COUNT_A_READ /* ahead to 9 when there were too many */ \
    "  leaq clock_code + " STRING(0x1000 - 0x400) "(%rip), %rdx\n" \
    "  movl $1, %ecx\n" \
    "  lock xaddl %ecx, 24(%rdx)\n" \
    "  cmpl 28(%rdx), %ecx\n" \
    "  jae 9f\n" \
    "  movq (%rdx), %rax\n"
#define TO_SECONDS /* rax: nanoseconds; then rax: seconds, rdx: the rest */ \
    "  xorl %edx, %edx\n" \
    "  movl $1000000000, %ecx\n" \
    "  divq %rcx\n"
__asm__(".pushsection .rodata\n"
        ".globl clock_code, clock_code_gettimeofday, clock_code_time, clock_code_end\n"
        ".hidden clock_code, clock_code_gettimeofday, clock_code_time, clock_code_end\n"
        ".balign 64\n"
        "clock_code:\n" /* clock_gettime(edi: clock, rsi: struct timespec *) */
        "  cmpl $11, %edi\n"
        "  ja 9f\n"
        "  movl $0xbf3, %eax\n"
        "  btl %edi, %eax\n"
        "  jnc 9f\n" COUNT_A_READ
        "  movl $0x921, %ecx\n"
        "  btl %edi, %ecx\n"
        "  jc 1f\n"
        "  addq 16(%rdx), %rax\n"
        "  jmp 2f\n"
        "1: addq 8(%rdx), %rax\n"
        "2:\n" TO_SECONDS
        "  movq %rax, (%rsi)\n"
        "  movq %rdx, 8(%rsi)\n"
        "  xorl %eax, %eax\n"
        "  ret\n"
        "9: movl $228, %eax\n"
        "  syscall\n"
        "  ret\n"
        ".balign 64\n"
        "clock_code_gettimeofday:\n" /* rdi: struct timeval *, rsi: struct timezone * */
        "  testq %rdi, %rdi\n"
        "  jz 9f\n"
        "  testq %rsi, %rsi\n"
        "  jnz 9f\n" COUNT_A_READ
        "  addq 8(%rdx), %rax\n" TO_SECONDS
        "  movq %rax, (%rdi)\n"
        "  movq %rdx, %rax\n"
        "  xorl %edx, %edx\n"
        "  movl $1000, %ecx\n"
        "  divq %rcx\n"
        "  movq %rax, 8(%rdi)\n"
        "  xorl %eax, %eax\n"
        "  ret\n"
        "9: movl $96, %eax\n"
        "  syscall\n"
        "  ret\n"
        ".balign 64\n"
        "clock_code_time:\n" /* rdi: time_t * or NULL */
        COUNT_A_READ
        "  addq 8(%rdx), %rax\n" TO_SECONDS
        "  testq %rdi, %rdi\n"
        "  jz 1f\n"
        "  movq %rax, (%rdi)\n"
        "1: ret\n"
        "9: movl $201, %eax\n"
        "  syscall\n"
        "  ret\n"
        "clock_code_end:\n"
        ".popsection\n");
extern const char clock_code[], clock_code_gettimeofday[], clock_code_time[], clock_code_end[];
#else /* no code for this processor yet: the vDSO is hidden */
enum { HAS_CODE = 0 };
static const char clock_code[1], clock_code_gettimeofday[1], clock_code_time[1], clock_code_end[1];
#endif

/* The image, as ld.so, musl and Go's runtime read it: two program headers, symbols, a hash table of one bucket, one version. */
struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Sym symbols[4];
    char names[80];
    uint32_t hash[7]; /* one bucket, four in the chain */
    Elf64_Half versions[4];
    Elf64_Verdef version;
    Elf64_Verdaux version_name;
    Elf64_Dyn dynamic[9];
};
_Static_assert(sizeof(struct image) <= CODE_AT, "the code begins behind the headers");
_Static_assert(offsetof(struct clock_page, real_base_ns) == 8 && offsetof(struct clock_page, mono_base_ns) == 16 &&
                   offsetof(struct clock_page, reads) == 24 && offsetof(struct clock_page, free_reads) == 28,
               "as the code above has it");

static void make_image(struct image *image)
{
    static const char names[] = "\0LINUX_2.6\0__vdso_clock_gettime\0__vdso_gettimeofday\0__vdso_time";
    const char *const code[] = {clock_code, clock_code_gettimeofday, clock_code_time};
    const uint32_t hash[7] = {1, 4, 1, 0, 2, 3, 0};
    const unsigned version = 2;
    unsigned name = 1 + sizeof "LINUX_2.6";

    *image = (struct image){
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_DYN,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_phoff = offsetof(struct image, segments),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segments = {{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = PAGE, .p_memsz = PAGE, .p_align = PAGE},
                     {.p_type = PT_DYNAMIC,
                      .p_flags = PF_R,
                      .p_offset = offsetof(struct image, dynamic),
                      .p_vaddr = offsetof(struct image, dynamic),
                      .p_filesz = sizeof image->dynamic,
                      .p_memsz = sizeof image->dynamic,
                      .p_align = 8}},
        .dynamic = {{DT_HASH, {offsetof(struct image, hash)}},
                    {DT_STRTAB, {offsetof(struct image, names)}},
                    {DT_SYMTAB, {offsetof(struct image, symbols)}},
                    {DT_STRSZ, {sizeof names}},
                    {DT_SYMENT, {sizeof(Elf64_Sym)}},
                    {DT_VERSYM, {offsetof(struct image, versions)}},
                    {DT_VERDEF, {offsetof(struct image, version)}},
                    {DT_VERDEFNUM, {1}}},
        .version = {.vd_version = VER_DEF_CURRENT,
                    .vd_ndx = version,
                    .vd_cnt = 1,
                    .vd_hash = 0x3ae75f6,
                    .vd_aux = sizeof(Elf64_Verdef)},
        .version_name = {.vda_name = 1}};
    _Static_assert(offsetof(struct image, version_name) == offsetof(struct image, version) + sizeof(Elf64_Verdef), "as vd_aux says");
    memcpy(image->names, names, sizeof names);
    memcpy(image->hash, hash, sizeof hash);
    for (unsigned i = 0; i < 3; i++) {
        image->versions[1 + i] = version;
        image->symbols[1 + i] = (Elf64_Sym){.st_name = name, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1,
                                            .st_value = CODE_AT + (uint64_t)(code[i] - clock_code), .st_size = 64};
        name += (unsigned)strlen(names + name) + 1;
    }
}

void vdso_init(struct launcher *l)
{
    struct image image;
    char *memory;

    l->clock = &l->own_clock;
    l->clock_id = -1;
    if (!HAS_CODE)
        return;
    l->clock_id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0700);
    if (l->clock_id < 0)
        return;
    memory = shmat(l->clock_id, NULL, 0);
    shmctl(l->clock_id, IPC_RMID, NULL); /* goes with its last user; meanwhile Linux lets it be attached by its number */
    if (memory == (char *)-1) {
        l->clock_id = -1;
        return;
    }
    make_image(&image);
    memcpy(memory, &image, sizeof image);
    memcpy(memory + CODE_AT, clock_code, (size_t)(clock_code_end - clock_code));
    l->clock = (struct clock_page *)(memory + PAGE);
}

void vdso_fini(struct launcher *l)
{
    if (l->clock && l->clock != &l->own_clock)
        shmdt((char *)l->clock - PAGE);
    l->clock = NULL;
    l->clock_id = -1;
}

/* --- in the program ------------------------------------------------------------------------------------------------------- */
/* A thread that is made to do system calls of ours, at a stop. SIGNALS came meanwhile and are sent again afterwards. */
struct guest {
    struct task *task;
    uint64_t at;             /* of a system call instruction in its memory */
    struct arch_regs regs;   /* as they were */
    uint64_t signals;
    bool dead;
    int status;
};

/* Resumes it with REQUEST until the stop that this makes; false: it died. */
static bool run_to_stop(struct guest *guest, int request, int expected)
{
    for (int tries = 0; tries < 64; tries++) {
        if (ptrace(request, guest->task->tid, 0, 0) < 0 || waitpid(guest->task->tid, &guest->status, __WALL) < 0)
            return false;
        if (!WIFSTOPPED(guest->status)) {
            guest->dead = true;
            return false;
        }
        if (!(guest->status >> 16) && WSTOPSIG(guest->status) == expected)
            return true;
        if (!(guest->status >> 16) && WSTOPSIG(guest->status) < 64)
            guest->signals |= 1ull << WSTOPSIG(guest->status);
    }
    return false;
}

static int64_t guest_call(struct guest *guest, long nr, const uint64_t arguments[6])
{
    struct arch_regs regs = guest->regs;

    arch_prepare_call(&regs, guest->at, (uint64_t)nr, arguments);
    if (arch_set(guest->task->tid, &regs) < 0 || !run_to_stop(guest, PTRACE_SINGLESTEP, SIGTRAP) || arch_get(guest->task->tid, &regs) < 0)
        return -ESRCH;
    return arch_result(&regs);
}

/* Where our image is in the program's memory; 0: it could not be mapped. (Shared memory of System V: by its number, in one call
 * that no filter notifies.) */
static uint64_t map_image(struct launcher *l, struct guest *guest)
{
    int64_t at = guest_call(guest, __NR_shmat, (uint64_t[6]){(uint64_t)l->clock_id, 0, SHM_EXEC});

    if (at <= 0)
        return 0;
    if (guest_call(guest, __NR_mprotect, (uint64_t[6]){(uint64_t)at, PAGE, PROT_READ | PROT_EXEC}) == 0)
        return (uint64_t)at;
    guest_call(guest, __NR_shmdt, (uint64_t[6]){(uint64_t)at});
    return 0;
}

/* A system call instruction in the kernel's vDSO; ours is the same as the program's. Its offset; 0: there is none. */
static uint64_t find_call_instruction(void)
{
    const uint8_t *own = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);

    for (uint64_t i = 0; own && i < PAGE - 1; i++)
        if (own[i] == ARCH_SYSCALL_BYTE_0 && own[i + 1] == ARCH_SYSCALL_BYTE_1)
            return i;
    return 0;
}

/* The place of TYPE's entry on the stack of a program that has just been exec'ed: argc, argv, NULL, environment, NULL, auxiliary
 * vector. 0: there is none. */
static uint64_t find_entry(pid_t tid, uint64_t stack, uint64_t type, uint64_t *value)
{
    uint64_t word[512], at = stack;
    unsigned count = 0;
    bool in_auxv = false, is_ours = false;

    if (memory_read(tid, at, word, 8) < 0)
        return 0;
    at += 8 * (1 + word[0] + 1); /* past argc, argv and its NULL */
    for (;;) {
        /* Near the top of the stack less than a full buffer is left: read page by page. */
        size_t want = min_u64(sizeof word, PAGE - at % PAGE);
        if (memory_read(tid, at, word, want) < 0)
            return 0;
        for (unsigned i = 0; i < want / 8; i++) {
            if (!in_auxv) {
                in_auxv = !word[i];
            } else if (count++ % 2) {
                *value = word[i];
                if (is_ours)
                    return at + 8 * i - 8;
            } else {
                is_ours = word[i] == type;
                if (word[i] == AT_NULL)
                    return 0;
            }
        }
        at += want;
    }
}

/* A program that has put a filter of its own over ours may be killed for calls that it did not foresee: it is not made to do any. */
static int count_filters(const char *process)
{
    char path[64], text[4096], *at;

    snprintf(path, sizeof path, "/proc/%s/status", process);
    memory_proc_text(path, text, sizeof text);
    at = strstr(text, "\nSeccomp_filters:");
    return at ? atoi(at + strlen("\nSeccomp_filters:")) : -1; /* before Linux 5.9 */
}

static bool has_own_filter(pid_t tid)
{
    char number[16];
    int own = count_filters("self");

    snprintf(number, sizeof number, "%d", tid);
    return own < 0 || count_filters(number) != own + 1;
}

/* The kernel's 16 random bytes: C libraries and Go draw their own from them. */
static void seed_random(struct launcher *l, pid_t tid, uint64_t stack)
{
    uint64_t at = 0, words[2];

    if (l->has_chance && find_entry(tid, stack, AT_RANDOM, &at))
        memory_write(tid, at, words, clock_chance(l, tid, words, sizeof words));
}

/* At the exec stop. The task is left stopped. False: it died meanwhile, with *STATUS. */
bool vdso_replace(struct launcher *l, struct task *task, int *status)
{
    struct guest guest = {.task = task, .at = find_call_instruction()};
    uint64_t entry, value, image = 0;

    if (arch_get(task->tid, &guest.regs) < 0)
        return true;
    seed_random(l, task->tid, arch_stack(&guest.regs));
    entry = find_entry(task->tid, arch_stack(&guest.regs), AT_SYSINFO_EHDR, &value);
    if (!entry)
        return true;
    /* Out of execve() first: its result would be put into the registers that we set. */
    if (guest.at && l->clock_id >= 0 && !has_own_filter(task->tid) && run_to_stop(&guest, PTRACE_SYSCALL, SIGTRAP | 0x80) &&
        arch_get(task->tid, &guest.regs) == 0) {
        guest.at += value;
        image = map_image(l, &guest);
        if (!guest.dead)
            arch_set(task->tid, &guest.regs);
    }
    if (guest.dead) {
        *status = guest.status;
        return false;
    }
    value = AT_IGNORE;
    if (image)
        memory_write(task->tid, entry + 8, &image, sizeof image);
    else
        memory_write(task->tid, entry, &value, sizeof value);
    for (int sig = 1; sig < 64; sig++)
        if (guest.signals >> sig & 1)
            syscall(SYS_tgkill, task->tgid, task->tid, sig);
    return true;
}
