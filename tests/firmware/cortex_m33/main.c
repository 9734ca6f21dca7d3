/*
 * Loads and runs plans on a bare Cortex-M33. Jobs come from the file that the semihosting command
 * line names, answers go to that name with ".out" added. A job, all 32 bits little-endian:
 *
 *     plan bytes | arena bytes | 1 to count what every op costs | plan | arena
 *
 * and its answer:
 *
 *     jr_load's code | stack bytes | 1 if the guards around the arena are whole | ops counted |
 *     cycles and instructions of every op, 64 bits each | arena
 */
#include <string.h>

#include "jump_rt.h"

#define PLAN_BYTES  0x80000u
#define ARENA_BYTES 0x80000u
#define GUARD_BYTES 16u
#define SPARE_BYTES 128u /* of stack, for what measures it */
#define FILL        0xA5u
#define MAX_OPS     128u
#define PATH_BYTES  256u

/* Semihosting for AArch32 and AArch64, section 5. */
enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_FLEN = 0x0C };
enum { SYS_GET_CMDLINE = 0x15, SYS_EXIT = 0x18 };
#define OPEN_READ           1u /* "rb" */
#define OPEN_WRITE          5u /* "wb" */
#define EXIT_DONE           0x20026u
#define EXIT_RUN_TIME_ERROR 0x20023u

/* CMSDK UART1 (Application Note AN505, table 3-5): the counter plug-in answers through it. */
#define UART1_DATA  (*(volatile uint32_t *)0x50201000u)
#define UART1_STATE (*(volatile uint32_t *)0x50201004u)
#define UART1_CTRL  (*(volatile uint32_t *)0x50201008u)
#define UART1_BAUD  (*(volatile uint32_t *)0x50201010u)
#define RX_FULL     2u

/* Places that image.ld gives. */
extern uint8_t plan[], guarded_arena[], stack_limit[], stack_top[];

typedef struct count {
    uint64_t cycles, instructions;
} count;

typedef struct counts {
    count start;
    uint32_t ops;
    count op[MAX_OPS];
} counts;

static uintptr_t semihosting(uintptr_t operation, const void *block) {
    register uintptr_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = block;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uintptr_t reason) {
    for (;;) {
        semihosting(SYS_EXIT, (const void *)reason);
    }
}

static void require(int condition) {
    if (!condition) {
        leave(EXIT_RUN_TIME_ERROR);
    }
}

static uintptr_t open(const char *path, uintptr_t mode) {
    const uintptr_t block[] = {(uintptr_t)path, mode, strlen(path)};
    const uintptr_t file = semihosting(SYS_OPEN, block);
    require(file != UINTPTR_MAX);
    return file;
}

static void read(uintptr_t file, void *to, uint32_t bytes) {
    const uintptr_t block[] = {file, (uintptr_t)to, bytes};
    require(bytes == 0 || semihosting(SYS_READ, block) == 0);
}

static void write(uintptr_t file, const void *from, uint32_t bytes) {
    const uintptr_t block[] = {file, (uintptr_t)from, bytes};
    require(semihosting(SYS_WRITE, block) == 0);
}

/* Stops the counter; count_on() lets it go on. */
static count read_counter(void) {
    count result;
    uint8_t *to = (uint8_t *)&result;
    uint32_t i;
    __asm volatile("dbg #1" ::: "memory");
    for (i = 0; i < sizeof result; i++) {
        while ((UART1_STATE & RX_FULL) == 0) {
        }
        to[i] = (uint8_t)UART1_DATA;
    }
    return result;
}

static void count_on(void) {
    __asm volatile("dbg #2" ::: "memory");
}

static void before_op(void *context, uint16_t op) {
    (void)op;
    ((counts *)context)->start = read_counter();
    count_on();
}

static void after_op(void *context, uint16_t op) {
    counts *c = (counts *)context;
    const count end = read_counter();
    require(op < MAX_OPS);
    c->op[op].cycles = end.cycles - c->start.cycles;
    c->op[op].instructions = end.instructions - c->start.instructions;
    c->ops = op + 1u;
    count_on();
}

/* Marks the stack below the caller's; returns where. */
static uint8_t *__attribute__((noinline)) mark_stack(void) {
    uint8_t *const here = (uint8_t *)__builtin_frame_address(0) - SPARE_BYTES;
    memset(stack_limit, FILL, (size_t)(here - stack_limit));
    return here;
}

static uint32_t stack_depth(const uint8_t *marked) {
    const uint8_t *deepest = stack_limit;
    while (*deepest == FILL && deepest != marked) {
        deepest++;
    }
    return (uint32_t)(marked - deepest);
}

static uint32_t guards_are_whole(uint32_t arena_bytes) {
    uint32_t i;
    for (i = 0; i < GUARD_BYTES; i++) {
        if (guarded_arena[i] != FILL || guarded_arena[GUARD_BYTES + arena_bytes + i] != FILL) {
            return 0;
        }
    }
    return 1;
}

static void run_job(uintptr_t in, uintptr_t out, counts *c) {
    const jr_hooks hooks = {before_op, after_op, c};
    uint8_t *const arena = guarded_arena + GUARD_BYTES;
    uint32_t job[3], answer[4];
    const uint8_t *marked;
    jr_engine engine;
    jr_fault fault;
    read(in, job, sizeof job);
    require(job[0] <= PLAN_BYTES && job[1] <= ARENA_BYTES - 2u * GUARD_BYTES);
    read(in, plan, job[0]);
    memset(guarded_arena, FILL, job[1] + 2u * GUARD_BYTES);
    read(in, arena, job[1]);
    c->ops = 0;
    answer[0] = (uint32_t)jr_load(&engine, plan, job[0], arena, job[1], &fault);
    marked = mark_stack();
    if (answer[0] == JSP_E_OK) {
        jr_run(&engine, JSP_ALL_OPS, job[2] != 0 ? &hooks : NULL);
    }
    answer[1] = stack_depth(marked);
    answer[2] = guards_are_whole(job[1]);
    answer[3] = c->ops;
    write(out, answer, sizeof answer);
    write(out, c->op, c->ops * sizeof(count));
    write(out, arena, job[1]);
}

static void __attribute__((used)) run(void) {
    char path[PATH_BYTES];
    const uintptr_t command[] = {(uintptr_t)path, sizeof path - 4u};
    static counts c;
    uintptr_t in, out;
    uint32_t jobs;
    require(semihosting(SYS_GET_CMDLINE, command) == 0);
    in = open(path, OPEN_READ);
    strcat(path, ".out");
    out = open(path, OPEN_WRITE);
    UART1_BAUD = 16;
    UART1_CTRL = 3;
    read(in, &jobs, sizeof jobs);
    for (; jobs > 0; jobs--) {
        run_job(in, out, &c);
    }
    semihosting(SYS_CLOSE, &out);
    leave(EXIT_DONE);
}

void reset(void);
void __attribute__((naked)) reset(void) {
    __asm volatile("bl run");
}

static void fault(void) {
    leave(EXIT_RUN_TIME_ERROR);
}

typedef void (*handler)(void);

/* Every fault escalates to HardFault, the third. */
static const struct {
    uint8_t *stack;
    handler handlers[3];
} vectors __attribute__((used, section(".vectors"))) = {stack_top, {reset, fault, fault}};
