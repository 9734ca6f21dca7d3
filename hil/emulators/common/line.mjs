/**
 * The serial line between the board's UART and the host: ten bits a character, at a fixed rate of emulated time.
 *
 * The host's bytes come through a socket as fast as they please; on the line they queue. What the board sends at a
 * rate that is off by more than a receiver tolerates arrives as noise.
 */

const BITS_PER_CHARACTER = 10; // 8N1
const BAUD_TOLERANCE = 0.05;
const NOISE = 0xff;
/** Beyond this many queued bytes the socket is not read. */
const QUEUE_LIMIT_BYTES = 65536;

export class SerialLine {
  /**
   * @param {number} baud of the host's end
   * @param {(bytes: Buffer) => void} deliver to the host
   */
  constructor(baud, deliver) {
    this.baud = baud;
    this.deliver = deliver;
    this.queue = Buffer.alloc(QUEUE_LIMIT_BYTES * 2);
    this.start = 0;
    this.end = 0;
    this.sent = Buffer.alloc(4096);
    this.sentBytes = 0;
    this.clock = null;
    this.alarm = null;
    this.uart = null;
    this.onDrained = () => {};
  }

  /** The board listens. */
  get ready() {
    return this.uart.receiving;
  }

  get characterNanos() {
    return (BITS_PER_CHARACTER * 1e9) / this.baud;
  }

  get queuedBytes() {
    return this.end - this.start;
  }

  /** Characters are on the wire, or waiting for it, in either direction. */
  get busy() {
    return this.queuedBytes > 0 || this.uart.transmitting;
  }

  /** Joins the line to a chip that has just come out of reset. */
  attach(chip) {
    this.uart = chip.uart0;
    this.uart.onByte = (value, baud) => this.fromBoard(value, baud);
    this.clock = chip.clock;
    this.alarm = chip.clock.createAlarm(() => this.characterArrived());
    if (this.queuedBytes > 0) {
      this.startCharacter(chip.clock.nanos);
    }
  }

  /** The start bit of the next character in the queue. A receiver that has no use for it lacks `frameStarted`. */
  startCharacter(nanos) {
    this.alarm.scheduleAt(nanos + this.characterNanos);
    this.uart.frameStarted?.();
  }

  /** @param {Buffer} bytes from the host @returns {boolean} false: send no more until onDrained */
  fromHost(bytes) {
    if (this.end + bytes.length > this.queue.length) {
      this.queue.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
      if (this.end + bytes.length > this.queue.length) {
        this.queue = Buffer.concat([this.queue], this.end + bytes.length + QUEUE_LIMIT_BYTES);
      }
    }
    bytes.copy(this.queue, this.end);
    this.end += bytes.length;
    if (!this.alarm.scheduled) {
      this.startCharacter(this.clock.nanos);
    }
    return this.queuedBytes < QUEUE_LIMIT_BYTES;
  }

  characterArrived() {
    const value = this.queue[this.start++];
    if (this.queuedBytes === QUEUE_LIMIT_BYTES / 2 || this.queuedBytes === 0) {
      this.onDrained();
    }
    this.uart.receive(value, this.baud);
    if (this.start < this.end && !this.alarm.scheduled) {
      // From when this one was due: the callback comes up to an instruction later.
      this.startCharacter(this.alarm.nanos);
    }
  }

  fromBoard(value, baud) {
    if (this.sentBytes === this.sent.length) {
      this.flush();
    }
    this.sent[this.sentBytes++] = Math.abs(baud / this.baud - 1) > BAUD_TOLERANCE ? NOISE : value;
  }

  /** Hands the host what the board has sent since the last call. */
  flush() {
    if (this.sentBytes > 0) {
      this.deliver(Buffer.from(this.sent.subarray(0, this.sentBytes)));
      this.sentBytes = 0;
    }
  }
}
