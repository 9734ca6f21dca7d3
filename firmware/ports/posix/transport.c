#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define DESCRIPTORS_VARIABLE "PC_AGENT_DESCRIPTORS"

static void fail(const char *what) {
    perror(what);
    exit(2);
}

static void open_tcp(transport *link, uint16_t tcp_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(tcp_port)};
    socklen_t address_bytes = sizeof address;
    int reuse = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (link->listener < 0 ||
        setsockopt(link->listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) != 0 ||
        bind(link->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(link->listener, 1) != 0 ||
        getsockname(link->listener, (struct sockaddr *)&address, &address_bytes) != 0) {
        fail("pc-agent: cannot listen");
    }
    printf("READY %u\n", ntohs(address.sin_port));
}

static void open_pty(transport *link) {
    struct termios settings;
    const char *path;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        (path = ptsname(master)) == NULL) {
        fail("pc-agent: cannot open a pseudo-terminal");
    }
    /* Kept open, or the master would read an error whenever the last client closes. */
    link->listener = open(path, O_RDWR | O_NOCTTY);
    if (link->listener < 0 || tcgetattr(link->listener, &settings) != 0) {
        fail("pc-agent: cannot set up the pseudo-terminal");
    }
    cfmakeraw(&settings);
    if (tcsetattr(link->listener, TCSANOW, &settings) != 0) {
        fail("pc-agent: cannot set up the pseudo-terminal");
    }
    link->input = master;
    link->output = master;
    printf("READY %s\n", path);
}

void transport_open(transport *link, transport_kind kind, uint16_t tcp_port) {
    link->kind = kind;
    link->listener = -1;
    link->input = -1;
    link->output = -1;
    if (kind == TRANSPORT_TCP) {
        open_tcp(link, tcp_port);
    } else if (kind == TRANSPORT_PTY) {
        open_pty(link);
    } else {
        link->input = STDIN_FILENO;
        link->output = STDOUT_FILENO;
    }
    fflush(stdout);
}

void transport_save(const transport *link) {
    char text[64];
    snprintf(text, sizeof text, "%d %d %d", link->listener, link->input, link->output);
    setenv(DESCRIPTORS_VARIABLE, text, 1);
}

int transport_restore(transport *link, transport_kind kind) {
    const char *text = getenv(DESCRIPTORS_VARIABLE);
    link->kind = kind;
    return text != NULL &&
           sscanf(text, "%d %d %d", &link->listener, &link->input, &link->output) == 3;
}

static void hang_up(transport *link) {
    if (link->kind == TRANSPORT_STDIO) {
        exit(0);
    }
    if (link->kind == TRANSPORT_TCP) {
        close(link->input);
        link->input = -1;
        link->output = -1;
    }
}

static int is_readable(int descriptor, int timeout_ms) {
    struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
    return poll(&wanted, 1, timeout_ms) > 0;
}

static void accept_client(transport *link) {
    int no_delay = 1;
    if (!is_readable(link->listener, 0)) {
        return;
    }
    link->input = accept(link->listener, NULL, NULL);
    link->output = link->input;
    if (link->input >= 0) {
        /* Answers are small and awaited one by one. */
        setsockopt(link->input, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
    }
}

uint32_t transport_read(transport *link, uint8_t *buffer, uint32_t capacity) {
    ssize_t count;
    if (link->input < 0) {
        accept_client(link);
    }
    if (link->input < 0 || !is_readable(link->input, 0)) {
        return 0;
    }
    count = read(link->input, buffer, capacity);
    if (count > 0) {
        return (uint32_t)count;
    }
    if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        hang_up(link);
    }
    return 0;
}

void transport_write(transport *link, const uint8_t *data, uint32_t count) {
    while (count > 0 && link->output >= 0) {
        ssize_t written = write(link->output, data, count);
        if (written > 0) {
            data += written;
            count -= (uint32_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd wanted = {.fd = link->output, .events = POLLOUT};
            poll(&wanted, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            hang_up(link);
            return;
        }
    }
}

void transport_wait(const transport *link, int timeout_ms) {
    is_readable(link->input >= 0 ? link->input : link->listener, timeout_ms);
}
