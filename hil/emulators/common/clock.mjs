/**
 * Emulated time, derived from the core's cycle counter.
 *
 * rp2040js ticks its own clock after every instruction by a number of nanoseconds for a fixed 125 MHz. Here
 * the cycle counter is the only thing that advances; nanoseconds are computed from it when somebody asks, so
 * that timers are exact at any clk_sys and the run loop compares one number per instruction.
 *
 * The interface (`nanos`, `micros`, `createAlarm`) is the one rp2040js's peripherals expect of a clock.
 */

class Alarm {
  constructor(clock, callback) {
    this.clock = clock;
    this.callback = callback;
    this.nanos = 0;
    this.scheduled = false;
  }

  /** @param {number} deltaNanos from now, of emulated time */
  schedule(deltaNanos) {
    this.scheduleAt(this.clock.nanos + deltaNanos);
  }

  /** @param {number} nanos absolute emulated time */
  scheduleAt(nanos) {
    if (this.scheduled) {
      this.clock.remove(this);
    }
    this.nanos = nanos;
    this.clock.insert(this);
  }

  cancel() {
    if (this.scheduled) {
      this.clock.remove(this);
    }
  }
}

export class CycleClock {
  /** @param {number} frequencyHz clk_sys out of reset */
  constructor(frequencyHz) {
    this.frequencyHz = frequencyHz;
    this.core = { cycles: 0 };
    this.baseCycles = 0;
    this.baseNanos = 0;
    /** Alarms in order of time, earliest first. There are never more than a few. */
    this.alarms = [];
    /** Cycle count at which the earliest alarm is due; Infinity when there is none. */
    this.dueCycles = Infinity;
  }

  get nanos() {
    return this.baseNanos + ((this.core.cycles - this.baseCycles) * 1e9) / this.frequencyHz;
  }

  get micros() {
    return this.nanos / 1000;
  }

  /** @param {() => void} callback */
  createAlarm(callback) {
    return new Alarm(this, callback);
  }

  /** Follows a change of clk_sys; the time reached so far is kept. */
  setFrequency(frequencyHz) {
    this.baseNanos = this.nanos;
    this.baseCycles = this.core.cycles;
    this.frequencyHz = frequencyHz;
    this.updateDue();
  }

  /** @param {number} nanos absolute emulated time @returns {number} the first cycle at or after it */
  cyclesAt(nanos) {
    return this.baseCycles + Math.ceil(((nanos - this.baseNanos) * this.frequencyHz) / 1e9 - 1e-6);
  }

  insert(alarm) {
    const { alarms } = this;
    let index = alarms.length;
    while (index > 0 && alarms[index - 1].nanos > alarm.nanos) {
      index--;
    }
    alarms.splice(index, 0, alarm);
    alarm.scheduled = true;
    this.updateDue();
  }

  remove(alarm) {
    this.alarms.splice(this.alarms.indexOf(alarm), 1);
    alarm.scheduled = false;
    this.updateDue();
  }

  updateDue() {
    this.dueCycles = this.alarms.length > 0 ? this.cyclesAt(this.alarms[0].nanos) : Infinity;
  }

  /** Calls every alarm that is due at the core's present cycle. */
  runDue() {
    while (this.core.cycles >= this.dueCycles) {
      const alarm = this.alarms.shift();
      alarm.scheduled = false;
      this.updateDue();
      alarm.callback();
    }
  }
}
