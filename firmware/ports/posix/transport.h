/*
 * Bytes in and out of the process: standard streams, a TCP port of the loopback
 * interface that serves one client at a time, or a pseudo-terminal.
 */
#ifndef POSIX_TRANSPORT_H
#define POSIX_TRANSPORT_H

#include <stdint.h>

typedef enum transport_kind { TRANSPORT_STDIO, TRANSPORT_TCP, TRANSPORT_PTY } transport_kind;

typedef struct transport {
    transport_kind kind;
    int listener; /* TCP: waits for clients. PTY: holds the terminal open. -1: none */
    int input;    /* -1 while no client is connected */
    int output;
} transport;

/*
 * Opens the transport and, where a client has to find it, prints "READY <port or path>"
 * on standard output. Exits with a message where that fails.
 */
void transport_open(transport *link, transport_kind kind, uint16_t tcp_port);

/* Hands the open descriptors to the program that replaces this one, and takes them back there. */
void transport_save(const transport *link);
int transport_restore(transport *link, transport_kind kind);

/* Reads without waiting; 0 where nothing has come. Standard input's end ends the process. */
uint32_t transport_read(transport *link, uint8_t *buffer, uint32_t capacity);

/* Writes everything, waiting as long as it takes; drops it where there is no client. */
void transport_write(transport *link, const uint8_t *data, uint32_t count);

/* Waits until something may be read, at most `timeout_ms`. */
void transport_wait(const transport *link, int timeout_ms);

#endif
