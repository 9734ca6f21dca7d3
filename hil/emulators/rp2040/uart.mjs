/**
 * UART0 as the PL011 of RP2040 datasheet 4.2: FIFOs of 32, both directions at the baud rate of emulated time.
 *
 * rp2040js's own UART sends at once, knows no overrun and no receive timeout; firmware that ignores TXFF or is late
 * in its interrupt handler would pass on it and fail on the part.
 */
import { BasePeripheral } from 'rp2040js';
import { StopRun, hex } from '../common/stop.mjs';

// Registers, datasheet 4.2.8.
const UARTDR = 0x000;
const UARTRSR = 0x004;
const UARTFR = 0x018;
const UARTIBRD = 0x024;
const UARTFBRD = 0x028;
const UARTLCR_H = 0x02c;
const UARTCR = 0x030;
const UARTIFLS = 0x034;
const UARTIMSC = 0x038;
const UARTRIS = 0x03c;
const UARTMIS = 0x040;
const UARTICR = 0x044;
const UARTDMACR = 0x048;
const PERIPHERAL_ID = 0xfe0; // eight bytes of identification, one a word

const IDENTIFICATION = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

const DR_FRAMING_ERROR = 1 << 8;
const DR_OVERRUN_ERROR = 1 << 11;
const RSR_OVERRUN_ERROR = 1 << 3;

const FR_BUSY = 1 << 3;
const FR_RXFE = 1 << 4;
const FR_TXFF = 1 << 5;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;

const LCR_PARITY = 1 << 1;
const LCR_TWO_STOP_BITS = 1 << 3;
const LCR_FIFO_ENABLE = 1 << 4;

const CR_UARTEN = 1 << 0;
const CR_TXE = 1 << 8;
const CR_RXE = 1 << 9;

const INT_RX = 1 << 4;
const INT_TX = 1 << 5;
const INT_RX_TIMEOUT = 1 << 6;
const INT_FRAMING_ERROR = 1 << 7;
const INT_OVERRUN_ERROR = 1 << 10;
const INT_ALL = 0x7ff;

const FIFO_DEPTH = 32;
/** IFLS codes 0..4 as fractions of the FIFO, datasheet 4.2.8 (UARTIFLS). */
const FIFO_LEVELS = [4, 8, 16, 24, 28];
const RX_TIMEOUT_BITS = 32;
/** Beyond this the stop bit is sampled wrong: 10 bits, half a bit of tolerance. */
const BAUD_TOLERANCE = 0.05;

export class Uart extends BasePeripheral {
  /**
   * @param {object} rp2040
   * @param {string} name
   * @param {number} irq
   * @param {{ peripheralHz: () => number, txRouted: () => boolean, rxRouted: () => boolean }} wiring clk_peri and
   *   whether the pads are switched to this UART
   */
  constructor(rp2040, name, irq, wiring) {
    super(rp2040, name);
    this.irq = irq;
    this.wiring = wiring;
    this.rxFifo = [];
    this.txFifo = [];
    /** The character on the wire, or -1. */
    this.txShift = -1;
    this.integerDivisor = 0;
    this.fractionalDivisor = 0;
    /** The divisor takes effect on a write to UARTLCR_H only (datasheet 4.2.3.2). */
    this.divisor = 0;
    this.lineControl = 0;
    this.control = CR_TXE | CR_RXE;
    this.fifoLevelSelect = 0x12;
    this.mask = 0;
    this.raw = 0;
    this.receiveStatus = 0;
    this.overrunPending = false;
    this.txAlarm = rp2040.clock.createAlarm(() => this.txDone());
    this.timeoutAlarm = rp2040.clock.createAlarm(() => this.raise(INT_RX_TIMEOUT));
    /** Set by the board: a character has left the part. */
    this.onByte = (_value, _baud) => {};
  }

  get baud() {
    return this.divisor === 0 ? 0 : this.wiring.peripheralHz() / (16 * this.divisor);
  }

  get fifoDepth() {
    return this.lineControl & LCR_FIFO_ENABLE ? FIFO_DEPTH : 1;
  }

  /** Start, data, parity and stop bits. */
  get frameBits() {
    const { lineControl } = this;
    const dataBits = 5 + ((lineControl >>> 5) & 3);
    return 2 + dataBits + (lineControl & LCR_PARITY ? 1 : 0) + (lineControl & LCR_TWO_STOP_BITS ? 1 : 0);
  }

  get rxLevel() {
    return this.fifoDepth === 1 ? 1 : FIFO_LEVELS[Math.min((this.fifoLevelSelect >>> 3) & 7, 4)];
  }

  get txLevel() {
    return this.fifoDepth === 1 ? 0 : FIFO_LEVELS[Math.min(this.fifoLevelSelect & 7, 4)];
  }

  get receiving() {
    return (
      (this.control & (CR_UARTEN | CR_RXE)) === (CR_UARTEN | CR_RXE) && this.baud > 0 && this.wiring.rxRouted()
    );
  }

  get transmitting() {
    return this.txShift >= 0;
  }

  /** A character has arrived on the RX pin. Lost when the receiver is off or its FIFO is full. */
  receive(value, lineBaud) {
    if (!this.receiving) {
      return;
    }
    const framingError = Math.abs(this.baud / lineBaud - 1) > BAUD_TOLERANCE;
    if (this.rxFifo.length >= this.fifoDepth) {
      this.overrunPending = true;
      this.receiveStatus |= RSR_OVERRUN_ERROR;
      this.raise(INT_OVERRUN_ERROR);
      return;
    }
    const flags = (framingError ? DR_FRAMING_ERROR : 0) | (this.overrunPending ? DR_OVERRUN_ERROR : 0);
    this.overrunPending = false;
    this.rxFifo.push((framingError ? value ^ 0xff : value) | flags);
    if (framingError) {
      this.raise(INT_FRAMING_ERROR);
    }
    if (this.rxFifo.length >= this.rxLevel) {
      this.raise(INT_RX);
    }
    this.timeoutAlarm.schedule((RX_TIMEOUT_BITS * 1e9) / this.baud);
  }

  /** Called by rp2040js; the baud rate is computed from clk_peri whenever it is needed. */
  clkPeriChanged() {}

  raise(bits) {
    this.raw |= bits;
    this.updateInterrupt();
  }

  updateInterrupt() {
    this.rp2040.setInterrupt(this.irq, (this.raw & this.mask) !== 0);
  }

  /** @param {number} fromNanos when the transmitter has become free */
  startTx(fromNanos) {
    const enabled = (this.control & (CR_UARTEN | CR_TXE)) === (CR_UARTEN | CR_TXE);
    if (this.txShift >= 0 || this.txFifo.length === 0 || !enabled || this.baud === 0) {
      return;
    }
    const before = this.txFifo.length;
    this.txShift = this.txFifo.shift();
    if (before > this.txLevel && this.txFifo.length <= this.txLevel) {
      this.raise(INT_TX);
    }
    this.txAlarm.scheduleAt(fromNanos + (this.frameBits * 1e9) / this.baud);
  }

  txDone() {
    const value = this.txShift;
    this.txShift = -1;
    if (this.wiring.txRouted()) {
      this.onByte(value, this.baud);
    }
    if (this.fifoDepth === 1) {
      this.raise(INT_TX);
    }
    this.startTx(this.txAlarm.nanos);
  }

  readData() {
    if (this.rxFifo.length === 0) {
      return 0;
    }
    const value = this.rxFifo.shift();
    this.receiveStatus = (this.receiveStatus & RSR_OVERRUN_ERROR) | ((value >>> 8) & 7);
    if (this.rxFifo.length < this.rxLevel) {
      this.raw &= ~INT_RX;
    }
    if (this.rxFifo.length === 0) {
      this.raw &= ~INT_RX_TIMEOUT;
      this.timeoutAlarm.cancel();
    }
    this.updateInterrupt();
    return value;
  }

  get flags() {
    const { rxFifo, txFifo, fifoDepth } = this;
    return (
      (this.txShift >= 0 || txFifo.length > 0 ? FR_BUSY : 0) |
      (rxFifo.length === 0 ? FR_RXFE : 0) |
      (txFifo.length >= fifoDepth ? FR_TXFF : 0) |
      (rxFifo.length >= fifoDepth ? FR_RXFF : 0) |
      (txFifo.length === 0 ? FR_TXFE : 0)
    );
  }

  readUint32(offset) {
    switch (offset) {
      case UARTDR:
        return this.readData();
      case UARTRSR:
        return this.receiveStatus;
      case UARTFR:
        return this.flags;
      case UARTIBRD:
        return this.integerDivisor;
      case UARTFBRD:
        return this.fractionalDivisor;
      case UARTLCR_H:
        return this.lineControl;
      case UARTCR:
        return this.control;
      case UARTIFLS:
        return this.fifoLevelSelect;
      case UARTIMSC:
        return this.mask;
      case UARTRIS:
        return this.raw;
      case UARTMIS:
        return this.raw & this.mask;
      case UARTICR:
      case UARTDMACR:
        return 0;
    }
    if (offset >= PERIPHERAL_ID) {
      return IDENTIFICATION[(offset - PERIPHERAL_ID) >>> 2];
    }
    throw new StopRun('unmodelled', `${this.name} has no register at ${hex(offset)}`);
  }

  writeUint32(offset, value) {
    switch (offset) {
      case UARTDR:
        // A full FIFO drops the character, as the part does when firmware ignores TXFF.
        if (this.txFifo.length < this.fifoDepth) {
          this.txFifo.push(value & 0xff);
          if (this.txFifo.length > this.txLevel) {
            this.raw &= ~INT_TX;
          }
          this.startTx(this.rp2040.clock.nanos);
          this.updateInterrupt();
        }
        return;
      case UARTRSR:
        this.receiveStatus = 0;
        return;
      case UARTIBRD:
        this.integerDivisor = value & 0xffff;
        return;
      case UARTFBRD:
        this.fractionalDivisor = value & 0x3f;
        return;
      case UARTLCR_H:
        this.lineControl = value & 0xff;
        this.divisor = this.integerDivisor === 0 ? 0 : this.integerDivisor + this.fractionalDivisor / 64;
        return;
      case UARTCR:
        this.control = value & 0xff87;
        this.startTx(this.rp2040.clock.nanos);
        return;
      case UARTIFLS:
        this.fifoLevelSelect = value & 0x3f;
        return;
      case UARTIMSC:
        this.mask = value & INT_ALL;
        this.updateInterrupt();
        return;
      case UARTICR:
        this.raw &= ~(this.rawWriteValue & INT_ALL);
        this.updateInterrupt();
        return;
      case UARTDMACR:
        if (value & 3) {
          throw new StopRun('unmodelled', `DMA requests of ${this.name} are not modelled`);
        }
        return;
    }
    throw new StopRun('unmodelled', `${this.name} has no writable register at ${hex(offset)}`);
  }
}
