/* pc-agent: the agent as a process. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent.h"
#include "posix_port.h"

#define STACK_BYTES         (512u * 1024u)
#define DEFAULT_POOL_BYTES  (64u * 1024u * 1024u)
#define DEFAULT_FLASH_BYTES (2u * 1024u * 1024u)
#define SMALLEST_POOL_BYTES 4096u

static const char usage[] =
    "usage: pc-agent (--stdio | --tcp PORT | --pty)\n"
    "                [--pool-bytes N] [--flash-file PATH [--flash-bytes N] [--flash-programmed]]\n"
    "\n"
    "  --stdio             serve standard input and output\n"
    "  --tcp PORT          serve a port of 127.0.0.1 (0: any free one), one client at a time\n"
    "  --pty               serve a pseudo-terminal\n"
    "  --pool-bytes N      memory that plan and arena share (67108864)\n"
    "  --flash-file PATH   offer a flash store that keeps its plan in this file\n"
    "  --flash-bytes N     its size (2097152)\n"
    "  --flash-programmed  the agent does not write the file, as on a board with a programmer\n"
    "\n"
    "Prints \"READY <port or path>\" once it can be reached.\n";

static void refuse(const char *why, const char *argument) {
    fprintf(stderr, "pc-agent: %s: %s\n\n%s", why, argument, usage);
    exit(2);
}

static uint32_t parse_number(const char *option, const char *text, uint32_t low, uint32_t high) {
    char *end;
    unsigned long value = text == NULL ? 0 : strtoul(text, &end, 10);
    if (text == NULL || end == text || *end != '\0' || value < low || value > high) {
        refuse("needs a number in its range", option);
    }
    return (uint32_t)value;
}

static void parse_options(int count, char **arguments, posix_options *options) {
    int chosen = 0;
    for (int i = 1; i < count; i++) {
        const char *option = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (strcmp(option, "--stdio") == 0) {
            options->kind = TRANSPORT_STDIO;
            chosen++;
        } else if (strcmp(option, "--pty") == 0) {
            options->kind = TRANSPORT_PTY;
            chosen++;
        } else if (strcmp(option, "--tcp") == 0) {
            options->kind = TRANSPORT_TCP;
            options->tcp_port = (uint16_t)parse_number(option, value, 0, 65535);
            chosen++;
            i++;
        } else if (strcmp(option, "--pool-bytes") == 0) {
            options->pool_bytes = parse_number(option, value, SMALLEST_POOL_BYTES, UINT32_MAX);
            i++;
        } else if (strcmp(option, "--flash-file") == 0) {
            if (value == NULL) {
                refuse("needs a path", option);
            }
            options->flash_path = value;
            i++;
        } else if (strcmp(option, "--flash-bytes") == 0) {
            options->flash_bytes = parse_number(option, value, JSP_PLAN_HEADER_BYTES, UINT32_MAX);
            i++;
        } else if (strcmp(option, "--flash-programmed") == 0) {
            options->flash_programmed = true;
        } else if (strcmp(option, "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        } else {
            refuse("no such option", option);
        }
    }
    if (chosen != 1) {
        refuse("choose one of", "--stdio, --tcp, --pty");
    }
}

static void *serve(void *context) {
    jsa_agent_main(context);
    return NULL;
}

int main(int count, char **arguments) {
    static jsa_agent agent;
    posix_options options = {
        .pool_bytes = DEFAULT_POOL_BYTES,
        .flash_bytes = DEFAULT_FLASH_BYTES,
        .arguments = arguments,
    };
    pthread_attr_t attributes;
    pthread_t thread;
    void *stack;
    parse_options(count, arguments, &options);
    posix_port_set_options(&options);
    signal(SIGPIPE, SIG_IGN);

    /* A stack of the agent's own can be filled with a pattern first. */
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        perror("pc-agent: no memory for the stack");
        return 1;
    }
    posix_port_set_stack(stack, STACK_BYTES);
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, STACK_BYTES) != 0 ||
        pthread_create(&thread, &attributes, serve, &agent) != 0) {
        fputs("pc-agent: cannot start the agent's thread\n", stderr);
        return 1;
    }
    pthread_join(thread, NULL);
    return 0;
}
