/*
 * An Arduino UNO as it comes out of its box: an ATmega328P on simavr with Arduino's boot loader,
 * its USART on a pseudo-terminal.
 *
 *   uno_with_optiboot OPTIBOOT.BIN
 *
 * takes what belongs at 0x7e00 and prints "READY <terminal>". Opening the terminal resets the part,
 * as DTR does through a capacitor on the board. A line on standard input asks for something, each
 * answer is a line:
 *
 *   erased    pages of flash that were erased so far
 *   timed     rising and falling edges of PB0, the pin around the timed region
 *
 * The end of standard input ends it.
 */
#define _GNU_SOURCE
#include <avr_ioport.h>
#include <avr_uart.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sim_avr.h>
#include <sim_io.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_HZ         16000000u
#define CYCLES_PER_SLICE (CLOCK_HZ / 1000u)
#define NS_PER_S         INT64_C(1000000000)

/* Fuses of an UNO start the part in its last 512 bytes (high fuse 0xde; data sheet DS40002061,
 * section 27.8.16). */
#define BOOT_ADDRESS 0x7e00u
/* SPMCSR, and what it holds to erase a page (section 27.9.1). */
#define SPMCSR     0x57u
#define ERASE_PAGE 0x03u
/* Where hil/emulators/atmega328p/README.md says that firmware asks whether it is emulated. */
#define EMULATOR_NAME 0xf0u

static const char name[] = "simavr";

typedef struct uno {
    avr_t *avr;
    avr_irq_t *receive;
    int terminal;
    bool open;
    bool receiver_has_room;
    uint8_t to_part[4096];
    size_t to_part_begin, to_part_end;
    size_t name_at;
    unsigned erased_pages, rising_edges, falling_edges;
} uno;

static void die(const char *what) {
    fprintf(stderr, "uno_with_optiboot: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* What is sent while nobody has the port open is lost, as it is behind a USB converter. */
static void on_sent(avr_irq_t *irq, uint32_t value, void *param) {
    uno *board = param;
    const uint8_t byte = (uint8_t)value;
    (void)irq;
    if (board->open && write(board->terminal, &byte, 1) != 1 && errno != EIO && errno != EAGAIN) {
        die("pseudo-terminal");
    }
}

static void on_ready_to_receive(avr_irq_t *irq, uint32_t value, void *param) {
    uno *board = param;
    (void)irq;
    (void)value;
    board->receiver_has_room = true;
}

static void on_receiver_full(avr_irq_t *irq, uint32_t value, void *param) {
    uno *board = param;
    (void)irq;
    (void)value;
    board->receiver_has_room = false;
}

static void on_spmcsr(avr_irq_t *irq, uint32_t value, void *param) {
    uno *board = param;
    (void)irq;
    board->erased_pages += (value & 0x1fu) == ERASE_PAGE;
}

static void on_timed_pin(avr_irq_t *irq, uint32_t value, void *param) {
    uno *board = param;
    board->rising_edges += value && !irq->value;
    board->falling_edges += !value && irq->value;
}

static uint8_t on_name(avr_t *avr, avr_io_addr_t address, void *param) {
    uno *board = param;
    (void)avr;
    (void)address;
    const char letter = name[board->name_at];
    board->name_at = (board->name_at + 1) % sizeof name;
    return (uint8_t)letter;
}

/* Sleeping costs no time here: slices are paced. */
static void on_sleep(avr_t *avr, avr_cycle_count_t cycles) {
    (void)avr;
    (void)cycles;
}

static void load(avr_t *avr, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die(path);
    }
    if (fread(avr->flash + BOOT_ADDRESS, 1, avr->flashend + 1u - BOOT_ADDRESS, file) == 0) {
        die(path);
    }
    fclose(file);
}

/* Optiboot listens after this kind of reset alone (optiboot.c, main). */
static void reset_by_pin(uno *board) {
    board->to_part_begin = board->to_part_end = 0;
    board->receiver_has_room = true;
    board->name_at = 0;
    avr_reset(board->avr);
    avr_regbit_set(board->avr, board->avr->reset_flags.extrf);
}

static void start(uno *board, const char *boot_loader) {
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    if (avr == NULL) {
        die("atmega328p");
    }
    board->avr = avr;
    avr_init(avr);
    avr->frequency = CLOCK_HZ;
    avr->log = LOG_ERROR;
    avr->sleep = on_sleep;
    memset(avr->flash, 0xff, avr->flashend + 1u);
    load(avr, boot_loader);
    avr->codeend = avr->flashend;
    avr->reset_pc = avr->pc = BOOT_ADDRESS;

    uint32_t flags = 0; /* neither lines on the console nor sleeps of its own */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_t *uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
    board->receive = uart + UART_IRQ_INPUT;
    avr_irq_register_notify(uart + UART_IRQ_OUTPUT, on_sent, board);
    avr_irq_register_notify(uart + UART_IRQ_OUT_XON, on_ready_to_receive, board);
    avr_irq_register_notify(uart + UART_IRQ_OUT_XOFF, on_receiver_full, board);
    avr_irq_register_notify(avr_iomem_getirq(avr, SPMCSR, NULL, AVR_IOMEM_IRQ_ALL), on_spmcsr,
                            board);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 0), on_timed_pin,
                            board);
    avr_register_io_read(avr, EMULATOR_NAME, on_name, board);
}

/* A slave that was opened and closed is what tells the master that nobody has it open. */
static void open_terminal(uno *board) {
    int slave;
    char path[64];
    if (openpty(&board->terminal, &slave, path, NULL, NULL) != 0) {
        die("openpty");
    }
    struct termios raw;
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    close(slave);
    fcntl(board->terminal, F_SETFL, O_NONBLOCK);
    printf("READY %s\n", path);
    fflush(stdout);
}

static void answer(const uno *board, const char *question) {
    if (strncmp(question, "erased\n", 7) == 0) {
        printf("%u\n", board->erased_pages);
    } else if (strncmp(question, "timed\n", 6) == 0) {
        printf("%u %u\n", board->rising_edges, board->falling_edges);
    } else {
        printf("?\n");
    }
    fflush(stdout);
}

/* False once standard input has ended. */
static bool attend(uno *board) {
    struct pollfd sources[2] = {{board->terminal, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    poll(sources, 2, 0);
    const bool open = !(sources[0].revents & POLLHUP);
    if (open && !board->open) {
        reset_by_pin(board);
    }
    board->open = open;
    if (open && (sources[0].revents & POLLIN) && board->to_part_begin == board->to_part_end) {
        const ssize_t count = read(board->terminal, board->to_part, sizeof board->to_part);
        board->to_part_begin = 0;
        board->to_part_end = count > 0 ? (size_t)count : 0;
    }
    while (board->receiver_has_room && board->to_part_begin < board->to_part_end) {
        avr_raise_irq(board->receive, board->to_part[board->to_part_begin++]);
    }
    if (sources[1].revents & (POLLIN | POLLHUP)) {
        char question[32] = {0};
        if (read(STDIN_FILENO, question, sizeof question - 1) <= 0) {
            return false;
        }
        answer(board, question);
    }
    return true;
}

/* Returns the cycles that went by; a part that sleeps goes on to its next event. */
static avr_cycle_count_t run_slice(avr_t *avr) {
    const avr_cycle_count_t begin = avr->cycle;
    while (avr->cycle - begin < CYCLES_PER_SLICE) {
        const int part = avr_run(avr);
        if (part == cpu_Done || part == cpu_Crashed) {
            fprintf(stderr, "uno_with_optiboot: the part stopped at 0x%04x\n", avr->pc);
            exit(1);
        }
    }
    return avr->cycle - begin;
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int main(int argc, char **argv) {
    static uno board;
    if (argc != 2) {
        fprintf(stderr, "usage: uno_with_optiboot OPTIBOOT.BIN\n");
        return 2;
    }
    start(&board, argv[1]);
    open_terminal(&board);
    int64_t due_ns = now_ns();
    while (attend(&board)) {
        due_ns += (int64_t)run_slice(board.avr) * NS_PER_S / CLOCK_HZ;
        /* Never faster than the part, or Optiboot's second is over before avrdude has begun; what
         * was lost to a busy computer is not made up for. */
        const int64_t now = now_ns();
        if (now > due_ns) {
            due_ns = now;
        } else {
            const struct timespec due = {due_ns / NS_PER_S, due_ns % NS_PER_S};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        }
    }
    return 0;
}
