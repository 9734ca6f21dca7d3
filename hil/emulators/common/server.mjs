/**
 * The board's TCP ports on the loopback interface: raw bytes of each line, and JSON lines to control it.
 *
 * Control, one JSON object a line, each answered with one carrying the same "command":
 *   {"command": "power"}   power off and on        {"command": "pin"}   pull its reset pin
 *   {"command": "status"}  cycles, emulated time   {"command": "kill"}  end the process
 *   others  handlers of the board
 * Unasked come {"event": "reset", "cause": ...} and {"event": "stopped", "kind": ..., "reason": ..., "pc": ...}.
 */
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
const LINE_LIMIT_BYTES = 4096;

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => resolve(server.address().port));
  });
}

/** A line's bytes; a serial port has one user, so a second connection is refused. */
export class LineServer {
  constructor(board, line) {
    this.line = line;
    this.client = null;
    this.gone = false;
    this.server = createServer((socket) => this.accept(socket, board));
  }

  listen(port) {
    return listen(this.server, port);
  }

  accept(socket, board) {
    if (this.client || this.gone) {
      socket.destroy();
      return;
    }
    this.client = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      if (!this.line.fromHost(bytes)) {
        socket.pause();
      }
      board.poke();
    });
    socket.on('error', () => {});
    socket.on('close', () => (this.client = null));
    this.line.onDrained = () => socket.resume();
  }

  /** The port vanishes from the host's machine, or comes back. */
  setGone(gone) {
    this.gone = gone;
    if (gone) {
      this.client?.destroy();
    }
  }

  /** Bytes without a listener are lost, as on a pin with nothing connected. */
  send(bytes) {
    this.client?.write(bytes);
  }
}

export class ControlServer {
  /**
   * @param {import('./board.mjs').EmulatedBoard} board
   * @param {Record<string, (message: object) => object | Promise<object>>} handlers of further commands, by name
   * @param {() => void} end
   */
  constructor(board, handlers, end) {
    this.board = board;
    this.handlers = handlers;
    this.end = end;
    this.clients = new Set();
    this.server = createServer((socket) => this.accept(socket));
  }

  listen(port) {
    return listen(this.server, port);
  }

  accept(socket) {
    this.clients.add(socket);
    let pending = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop();
      if (pending.length > LINE_LIMIT_BYTES) {
        socket.destroy();
      }
      for (const line of lines.filter((entry) => entry.trim())) {
        Promise.resolve(this.handle(line)).then((answer) => socket.write(`${JSON.stringify(answer)}\n`));
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => this.clients.delete(socket));
  }

  handle(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return { error: 'not a JSON object' };
    }
    const { command } = message;
    switch (command) {
      case 'power':
      case 'pin':
        this.board.requestReset(command);
        return { command };
      case 'status':
        return { command, ...this.board.status() };
      case 'kill':
        setImmediate(this.end);
        return { command };
    }
    const handler = this.handlers[command];
    return handler ? handler(message) : { command, error: 'unknown command' };
  }

  send(message) {
    for (const socket of this.clients) {
      socket.write(`${JSON.stringify(message)}\n`);
    }
  }

  /** Ends the process once what was sent has left it. */
  flushThen(end) {
    const open = [...this.clients].filter((socket) => !socket.destroyed);
    Promise.all(open.map((socket) => new Promise((resolve) => socket.end(resolve)))).then(end);
    setTimeout(end, 500);
  }
}
