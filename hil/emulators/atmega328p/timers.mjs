/** Timers 0 and 2 of 8 bits, timer 1 of 16, and the prescalers they count by. */
import { StopRun, hex } from '../common/stop.mjs';
import { EXTERNAL, ICF, OCFA, OCFB, Prescaler, STOPPED, TOV, Timer } from './timer.mjs';

const GTCCR = 0x43;
const GTCCR_TSM = 1 << 7;
const GTCCR_PSRASY = 1 << 1;
const GTCCR_PSRSYNC = 1 << 0;
const ASSR = 0xb6;

const SYNC_DIVIDERS = [STOPPED, 1, 8, 64, 256, 1024, EXTERNAL, EXTERNAL]; // tables 15-9, 16-5
const ASYNC_DIVIDERS = [STOPPED, 1, 8, 32, 64, 128, 256, 1024]; // table 18-9
const FLAGS_8_BITS = TOV | OCFA | OCFB;

/** Timers 0 and 2: registers TCCRnA, TCCRnB, TCNTn, OCRnA, OCRnB in a row. */
class Timer8 extends Timer {
  constructor(core, clock, prescaler, config) {
    const common = { max: 0xff, flagMask: FLAGS_8_BITS, controlBMask: 0x0f, compareMode: 2 };
    super(core, clock, prescaler, { ...common, ...config });
    const { base, powerBit, TIMSK, TIFR } = config;
    this.defineCommon({ TCCRA: base, TCCRB: base + 1, TIMSK, TIFR });
    const define = (address, read, write) => core.define(address, { powerBit, read, write });
    define(
      base + 2,
      () => this.readCount(),
      (value) => this.change(() => (this.count = value)),
    );
    define(
      base + 3,
      () => this.compareA,
      (value) => this.setCompare('compareA', value),
    );
    define(
      base + 4,
      () => this.compareB,
      (value) => this.setCompare('compareB', value),
    );
  }

  get topIsCapture() {
    return false;
  }

  get mode() {
    return (this.controlA & 3) | ((this.controlB >>> 1) & 4);
  }
}

const TCCR1A = 0x80;
const TCCR1B = 0x81;
const TCCR1C = 0x82;
const TCNT1 = 0x84;
const ICR1 = 0x86;
const OCR1A = 0x88;
const OCR1B = 0x8a;
const TIMER1_CTC_ICR = 12; // table 16-4

/** Timer 1: 16 bits through one temporary register for the high byte (section 16.3). */
class Timer16 extends Timer {
  constructor(core, clock, prescaler, config) {
    const common = { max: 0xffff, flagMask: FLAGS_8_BITS | ICF, controlBMask: 0xdf, compareMode: 4 };
    super(core, clock, prescaler, { ...common, ...config });
    this.highByte = 0;
    const { powerBit } = this;
    this.defineCommon({ TCCRA: TCCR1A, TCCRB: TCCR1B, TIMSK: 0x6f, TIFR: 0x36 });
    core.define(TCCR1C, { powerBit, read: () => 0, write: () => {} }); // forces compare pins only
    /** TCNT1 and ICR1 take the high byte along when the low one is read; OCR1x do not. */
    const define = (address, latched, read, write) => {
      const readLow = () => {
        const value = read();
        if (latched) {
          this.highByte = value >>> 8;
        }
        return value & 0xff;
      };
      core.define(address, { powerBit, read: readLow, write: (value) => write((this.highByte << 8) | value) });
      core.define(address + 1, {
        powerBit,
        read: () => (latched ? this.highByte : read() >>> 8),
        write: (value) => (this.highByte = value),
      });
    };
    define(
      TCNT1,
      true,
      () => this.readCount(),
      (value) => this.change(() => (this.count = value)),
    );
    for (const [address, latched, register] of [
      [ICR1, true, 'capture'],
      [OCR1A, false, 'compareA'],
      [OCR1B, false, 'compareB'],
    ]) {
      define(
        address,
        latched,
        () => this[register],
        (value) => this.setCompare(register, value),
      );
    }
  }

  get topIsCapture() {
    return this.mode === TIMER1_CTC_ICR;
  }

  get mode() {
    return (this.controlA & 3) | ((this.controlB >>> 1) & 0xc);
  }
}

/** All three, and the registers between them. */
export class Timers {
  constructor(core, clock) {
    const synchronous = new Prescaler();
    const asynchronous = new Prescaler();
    new Timer8(core, clock, synchronous, {
      ...{ name: 'timer 0', base: 0x44, TIMSK: 0x6e, TIFR: 0x35, powerBit: 1 << 5, dividers: SYNC_DIVIDERS },
      vectors: { [OCFA]: 14, [OCFB]: 15, [TOV]: 16 },
    });
    new Timer16(core, clock, synchronous, {
      ...{ name: 'timer 1', powerBit: 1 << 3, dividers: SYNC_DIVIDERS },
      vectors: { [ICF]: 10, [OCFA]: 11, [OCFB]: 12, [TOV]: 13 },
    });
    new Timer8(core, clock, asynchronous, {
      ...{ name: 'timer 2', base: 0xb0, TIMSK: 0x70, TIFR: 0x37, powerBit: 1 << 6, dividers: ASYNC_DIVIDERS },
      vectors: { [OCFA]: 7, [OCFB]: 8, [TOV]: 9 },
    });
    core.define(GTCCR, {
      read: () => 0,
      write: (value) => {
        if (value & GTCCR_TSM) {
          throw new StopRun('unmodelled', `GTCCR ${hex(value, 2)}: halting the timers is not modelled`);
        }
        if (value & GTCCR_PSRSYNC) {
          synchronous.clear(core.cycles);
        }
        if (value & GTCCR_PSRASY) {
          asynchronous.clear(core.cycles);
        }
      },
    });
    core.define(ASSR, {
      read: () => 0,
      write: (value) => {
        if (value !== 0) {
          throw new StopRun('unmodelled', `ASSR ${hex(value, 2)}: there is no 32 kHz crystal on the board`);
        }
      },
    });
  }
}
