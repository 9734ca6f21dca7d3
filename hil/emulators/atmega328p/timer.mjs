/**
 * A timer/counter (chapters 15, 16, 18) in normal or CTC mode, counting the system clock through a prescaler.
 *
 * Nothing happens per count: the counter is computed when somebody looks, and one alarm stands at the next enabled
 * interrupt, so that a sleeping core can skip to it.
 */
import { StopRun } from '../common/stop.mjs';

export const TOV = 1 << 0;
export const OCFA = 1 << 1;
export const OCFB = 1 << 2;
export const ICF = 1 << 5;

export const STOPPED = 0;
export const EXTERNAL = -1;

/** Counts since reset or since GTCCR last cleared it (chapter 17); timers 0 and 1 share one. */
export class Prescaler {
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
export class Timer {
  /**
   * @param {import('./core.mjs').Core} core
   * @param {import('../common/clock.mjs').CycleClock} clock
   * @param {Prescaler} prescaler
   * @param {object} config
   * @param {string} config.name in messages
   * @param {number} config.max of the counter
   * @param {number[]} config.dividers by CS bits: a divider, STOPPED or EXTERNAL
   * @param {number} config.flagMask
   * @param {Record<number, number>} config.vectors by flag
   * @param {number} config.compareMode the WGM bits of CTC with OCRnA on top
   * @param {number} config.controlBMask bits of TCCRnB that are remembered
   * @param {number} config.powerBit of PRR
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
      throw new StopRun('unmodelled', `${this.name}: waveform mode ${mode} is not modelled, only normal and CTC`);
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
    core.define(TCCRA, {
      powerBit,
      read: () => this.controlA,
      write: (value) => this.setControl(value, this.controlB),
    });
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
