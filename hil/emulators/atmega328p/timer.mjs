/**
 * Timer/counters 0, 1 and 2 (chapters 15, 16, 18) in normal and CTC mode, counting the system clock through a prescaler.
 *
 * Nothing happens per count: the counter is computed when somebody looks, and one alarm stands at the next enabled interrupt,
 * so that a sleeping core can skip to it.
 */
import { StopRun, hex } from '../common/stop.mjs';

const GTCCR = 0x43;
const GTCCR_TSM = 1 << 7;
const GTCCR_PSRASY = 1 << 1;
const GTCCR_PSRSYNC = 1 << 0;
const ASSR = 0xb6;

const TOV = 1 << 0;
const OCFA = 1 << 1;
const OCFB = 1 << 2;
const ICF = 1 << 5;

const STOPPED = 0;
const EXTERNAL = -1;
const SYNC_DIVIDERS = [STOPPED, 1, 8, 64, 256, 1024, EXTERNAL, EXTERNAL]; // tables 15-9, 16-5
const ASYNC_DIVIDERS = [STOPPED, 1, 8, 32, 64, 128, 256, 1024]; // table 18-9

/** Counts since reset or since GTCCR last cleared it (chapter 17); timers 0 and 1 share one. */
class Prescaler {
  constructor() {
    this.startCycle = 0;
    this.timers = [];
  }

  clear(cycle) {
    this.timers.forEach((timer) => timer.synchronize());
    this.startCycle = cycle;
    this.timers.forEach((timer) => timer.schedule());
  }
}

/** Compare and overflow flags are set by the count after the match (figures 15-9, 16-9), so by leaving a value. */
class Timer {
  /**
   * @param {import('./core.mjs').Core} core
   * @param {import('../common/clock.mjs').CycleClock} clock
   * @param {Prescaler} prescaler
   * @param {{ name: string, max: number, dividers: number[], flagMask: number, vectors: Record<number, number> }} config
   *   `vectors`: by flag
   */
  constructor(core, clock, prescaler, config) {
    Object.assign(this, { core, clock, prescaler, ...config });
    prescaler.timers.push(this);
    this.count = 0;
    this.atCycle = 0;
    this.divider = STOPPED;
    this.top = this.max;
    this.controlA = 0;
    this.controlB = 0;
    this.compareA = 0;
    this.compareB = 0;
    this.capture = 0;
    this.flags = 0;
    this.enabled = 0;
    this.alarm = clock.createAlarm(() => {
      this.synchronize();
      this.schedule();
    });
    for (const [flag, vector] of Object.entries(config.vectors)) {
      core.acknowledge[vector] = () => this.clearFlags(Number(flag));
    }
  }

  /** The values whose leaving sets a flag. */
  get events() {
    const events = [
      [this.compareA, OCFA],
      [this.compareB, OCFB],
      [this.max, TOV],
    ];
    return this.topIsCapture ? [...events, [this.capture, ICF]] : events;
  }

  /** @returns {number} counts until `value` is left; Infinity if it is not reached */
  countsToLeave(value) {
    const { count, top, max } = this;
    if (count <= top) {
      return value > top ? Infinity : ((value - count + top + 1) % (top + 1)) + 1;
    }
    if (value >= count) {
      return value - count + 1; // on to the maximum, past a top that was lowered below the counter
    }
    return value > top ? Infinity : max - count + 1 + value + 1;
  }

  /** Brings counter and flags up to the present cycle. */
  synchronize() {
    const { core, divider } = this;
    const now = core.cycles;
    if (divider > 0) {
      const { startCycle } = this.prescaler;
      this.advance(Math.floor((now - startCycle) / divider) - Math.floor((this.atCycle - startCycle) / divider));
    }
    this.atCycle = now;
    this.updateInterrupts();
  }

  advance(counts) {
    for (const [value, flag] of this.events) {
      if (counts >= this.countsToLeave(value)) {
        this.flags |= flag;
      }
    }
    const { count, top, max } = this;
    const beforeWrap = count > top ? max - count + 1 : 0;
    if (counts < beforeWrap) {
      this.count = count + counts;
    } else {
      this.count = ((beforeWrap > 0 ? 0 : count) + counts - beforeWrap) % (top + 1);
    }
  }

  /** Sets the alarm to the next interrupt. Call after synchronize() and a change. */
  schedule() {
    this.alarm.cancel();
    const { divider, prescaler } = this;
    if (divider <= 0) {
      return;
    }
    const awaited = this.enabled & ~this.flags;
    const counts = this.events
      .filter(([, flag]) => awaited & flag)
      .reduce((least, [value]) => Math.min(least, this.countsToLeave(value)), Infinity);
    if (counts < Infinity) {
      const ticks = Math.floor((this.atCycle - prescaler.startCycle) / divider) + counts;
      this.alarm.scheduleAt(((prescaler.startCycle + ticks * divider) * 1e9) / this.clock.frequencyHz);
    }
  }

  /** Makes a change at the present cycle. */
  change(apply) {
    this.synchronize();
    apply();
    this.updateInterrupts();
    this.schedule();
  }

  clearFlags(flags) {
    this.change(() => (this.flags &= ~flags));
  }

  readFlags() {
    this.synchronize();
    return this.flags;
  }

  readCount() {
    this.synchronize();
    return this.count;
  }

  updateInterrupts() {
    const pending = this.flags & this.enabled;
    for (const [flag, vector] of Object.entries(this.vectors)) {
      this.core.setInterrupt(vector, (pending & flag) !== 0);
    }
  }

  /** Waveform generation bits; pins are not modelled, and so neither are the PWM modes that exist for them. */
  setControl(controlA, controlB) {
    this.change(() => {
      this.controlA = controlA;
      this.controlB = controlB;
      this.divider = this.dividers[controlB & 7];
      if (this.divider === EXTERNAL) {
        throw new StopRun('unmodelled', `${this.name}: counting a pin is not modelled`);
      }
      this.updateTop();
    });
  }

  updateTop() {
    const { mode, topIsCapture } = this;
    if (mode === 0) {
      this.top = this.max;
    } else if (topIsCapture) {
      this.top = this.capture;
    } else if (mode === this.compareMode) {
      this.top = this.compareA;
    } else {
      throw new StopRun('unmodelled', `${this.name}: of the waveform modes only normal and CTC are modelled, not ${mode}`);
    }
  }

  setCompare(which, value) {
    this.change(() => {
      this[which] = value;
      this.updateTop();
    });
  }

  /** Registers that all three have, at data-space addresses. */
  defineCommon({ TCCRA, TCCRB, TIMSK, TIFR }) {
    const { core, powerBit, flagMask } = this;
    core.define(TCCRA, { powerBit, read: () => this.controlA, write: (value) => this.setControl(value, this.controlB) });
    core.define(TCCRB, {
      powerBit,
      read: () => this.controlB,
      write: (value) => this.setControl(this.controlA, value & this.controlBMask),
    });
    core.define(TIMSK, {
      read: () => this.enabled,
      write: (value) => this.change(() => (this.enabled = value & flagMask)),
    });
    core.define(TIFR, {
      read: () => this.readFlags(),
      write: (value, mask) => this.clearFlags(value & mask & flagMask),
    });
  }
}

/** Timers 0 and 2: registers TCCRnA, TCCRnB, TCNTn, OCRnA, OCRnB in a row. */
class Timer8 extends Timer {
  constructor(core, clock, prescaler, config) {
    super(core, clock, prescaler, { max: 0xff, flagMask: TOV | OCFA | OCFB, controlBMask: 0x0f, compareMode: 2, ...config });
    const { base, powerBit, TIMSK, TIFR } = config;
    this.defineCommon({ TCCRA: base, TCCRB: base + 1, TIMSK, TIFR });
    core.define(base + 2, {
      powerBit,
      read: () => this.readCount(),
      write: (value) => this.change(() => (this.count = value)),
    });
    core.define(base + 3, { powerBit, read: () => this.compareA, write: (value) => this.setCompare('compareA', value) });
    core.define(base + 4, { powerBit, read: () => this.compareB, write: (value) => this.setCompare('compareB', value) });
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
    super(core, clock, prescaler, { max: 0xffff, flagMask: TOV | OCFA | OCFB | ICF, controlBMask: 0xdf, compareMode: 4, ...config });
    this.highByte = 0;
    const { powerBit } = this;
    this.defineCommon({ TCCRA: TCCR1A, TCCRB: TCCR1B, TIMSK: 0x6f, TIFR: 0x36 });
    core.define(TCCR1C, { powerBit, read: () => 0, write: () => {} }); // forces compare pins only
    const word = (address, read, write) => {
      core.define(address, { powerBit, read: () => read() & 0xff, write: (value) => write((this.highByte << 8) | value) });
      core.define(address + 1, { powerBit, read: () => read() >>> 8, write: (value) => (this.highByte = value) });
    };
    const latched = (address, read, write) => {
      word(address, read, write);
      core.define(address, {
        powerBit,
        read: () => {
          const value = read();
          this.highByte = value >>> 8;
          return value & 0xff;
        },
        write: (value) => write((this.highByte << 8) | value),
      });
      core.define(address + 1, { powerBit, read: () => this.highByte, write: (value) => (this.highByte = value) });
    };
    latched(TCNT1, () => this.readCount(), (value) => this.change(() => (this.count = value)));
    latched(ICR1, () => this.capture, (value) => this.setCompare('capture', value));
    word(OCR1A, () => this.compareA, (value) => this.setCompare('compareA', value));
    word(OCR1B, () => this.compareB, (value) => this.setCompare('compareB', value));
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
