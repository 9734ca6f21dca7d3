/**
 * USART0 (chapter 20), asynchronous 8N1: two received characters are kept and a third waits in the shift register; the
 * start bit of the next one overwrites that. Both directions take the time of the baud rate.
 */
import { StopRun, hex } from '../common/stop.mjs';

// Registers, section 20.11.
const UCSR0A = 0xc0;
const UCSR0B = 0xc1;
const UCSR0C = 0xc2;
const UBRR0L = 0xc4;
const UBRR0H = 0xc5;
const UDR0 = 0xc6;

const RXC = 1 << 7;
const TXC = 1 << 6;
const UDRE = 1 << 5;
const FRAME_ERROR = 1 << 4;
const DATA_OVERRUN = 1 << 3;
const U2X = 1 << 1;
const MPCM = 1 << 0;

const RXCIE = 1 << 7;
const TXCIE = 1 << 6;
const UDRIE = 1 << 5;
const RXEN = 1 << 4;
const TXEN = 1 << 3;
const UCSZ2 = 1 << 2;
const UCSRB_WRITABLE = 0xfc;

const FRAME_8N1 = 0x06;
const FRAME_BITS = 10;
const RX_DEPTH = 2;
const PRUSART0 = 1 << 1;

const VECTOR_RX = 18;
const VECTOR_UDRE = 19;
const VECTOR_TX = 20;

/** Slowest and fastest line that is sampled right, as a ratio to our own rate (section 20.8.3). */
const TOLERANCE = { 16: [0.9536, 1.0458], 8: [0.96, 1.039] };

export class Uart {
  /**
   * @param {import('./core.mjs').Core} core
   * @param {import('../common/clock.mjs').CycleClock} clock
   */
  constructor(core, clock) {
    this.core = core;
    this.clock = clock;
    this.control = 0;
    this.divisor = 0;
    this.doubleSpeed = false;
    /** Up to RX_DEPTH of { value, flags }. */
    this.received = [];
    /** A complete character in the shift register, or null. */
    this.waiting = null;
    this.lost = false;
    /** The characters in UDR0 and on the wire, or -1. */
    this.txBuffer = -1;
    this.txShift = -1;
    this.txComplete = false;
    this.txAlarm = clock.createAlarm(() => this.txDone());
    /** Set by the line: a character has left the part. */
    this.onByte = (_value, _baud) => {};
    this.defineRegisters();
  }

  defineRegisters() {
    const { core } = this;
    const define = (address, read, write) => core.define(address, { read, write, powerBit: PRUSART0 });
    define(UCSR0A, () => this.status, (value, mask) => this.writeStatus(value & mask));
    define(UCSR0B, () => this.control, (value) => this.writeControl(value));
    define(UCSR0C, () => FRAME_8N1, (value) => {
      if (value !== FRAME_8N1) {
        throw new StopRun('unmodelled', `UCSR0C ${hex(value, 2)}: only asynchronous 8N1 (0x06) is modelled`);
      }
    });
    define(UBRR0L, () => this.divisor & 0xff, (value) => (this.divisor = (this.divisor & 0xf00) | value));
    define(UBRR0H, () => this.divisor >>> 8, (value) => (this.divisor = (this.divisor & 0xff) | ((value & 0xf) << 8)));
    define(UDR0, () => this.read(), (value) => this.write(value));
    core.acknowledge[VECTOR_TX] = () => {
      this.txComplete = false;
      this.updateInterrupts();
    };
  }

  get clocksPerBit() {
    return this.doubleSpeed ? 8 : 16;
  }

  /** Table 20-1. */
  get baud() {
    return this.clock.frequencyHz / (this.clocksPerBit * (this.divisor + 1));
  }

  get receiving() {
    return (this.control & RXEN) !== 0;
  }

  get transmitting() {
    return this.txShift >= 0;
  }

  get status() {
    return (
      (this.received.length > 0 ? RXC | this.received[0].flags : 0) |
      (this.txComplete ? TXC : 0) |
      (this.txBuffer < 0 ? UDRE : 0) |
      (this.doubleSpeed ? U2X : 0)
    );
  }

  writeStatus(value) {
    if (value & MPCM) {
      throw new StopRun('unmodelled', 'multi-processor communication of USART0 is not modelled');
    }
    this.doubleSpeed = (value & U2X) !== 0;
    if (value & TXC) {
      this.txComplete = false;
    }
    this.updateInterrupts();
  }

  writeControl(value) {
    if (value & UCSZ2) {
      throw new StopRun('unmodelled', 'characters of nine bits are not modelled');
    }
    this.control = value & UCSRB_WRITABLE;
    if (!(value & RXEN)) {
      this.received = []; // section 20.7.6: disabling the receiver flushes its buffer
      this.waiting = null;
      this.lost = false;
    }
    this.updateInterrupts();
  }

  /** The line: a start bit. Without room the character before it is lost (section 20.7.4, DORn). */
  frameStarted() {
    if (this.waiting !== null) {
      this.waiting = null;
      this.lost = true;
    }
  }

  /** The line: a character has arrived. */
  receive(value, lineBaud) {
    if (!this.receiving) {
      return;
    }
    const [slowest, fastest] = TOLERANCE[this.clocksPerBit];
    const ratio = lineBaud / this.baud;
    const torn = ratio < slowest || ratio > fastest;
    const character = {
      value: torn ? value ^ 0xff : value,
      flags: (torn ? FRAME_ERROR : 0) | (this.lost ? DATA_OVERRUN : 0),
    };
    this.lost = false;
    if (this.received.length < RX_DEPTH) {
      this.received.push(character);
      this.updateInterrupts();
    } else {
      this.waiting = character;
    }
  }

  read() {
    const value = this.received.shift()?.value ?? 0;
    if (this.waiting !== null) {
      this.received.push(this.waiting);
      this.waiting = null;
    }
    this.updateInterrupts();
    return value;
  }

  /** Ignored while UDRE is clear (section 20.6.3), or with the transmitter off. */
  write(value) {
    if (!(this.control & TXEN) || this.txBuffer >= 0) {
      return;
    }
    this.txBuffer = value;
    if (this.txShift < 0) {
      this.shiftOut(this.clock.nanos);
    }
    this.updateInterrupts();
  }

  shiftOut(fromNanos) {
    this.txShift = this.txBuffer;
    this.txBuffer = -1;
    this.txAlarm.scheduleAt(fromNanos + (FRAME_BITS * 1e9) / this.baud);
  }

  txDone() {
    this.onByte(this.txShift, this.baud);
    this.txShift = -1;
    if (this.txBuffer >= 0) {
      this.shiftOut(this.txAlarm.nanos);
    } else {
      this.txComplete = true;
    }
    this.updateInterrupts();
  }

  updateInterrupts() {
    const { core, control } = this;
    core.setInterrupt(VECTOR_RX, this.received.length > 0 && (control & RXCIE) !== 0);
    core.setInterrupt(VECTOR_UDRE, this.txBuffer < 0 && (control & UDRIE) !== 0);
    core.setInterrupt(VECTOR_TX, this.txComplete && (control & TXCIE) !== 0);
  }
}
