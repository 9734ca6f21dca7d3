/**
 * WATCHDOG with its tick generator, and TIMER.
 *
 * One module because they hang together on the part: the watchdog block divides clk_ref into the tick that TIMER and
 * the watchdog count (RP2040 datasheet 4.6, 4.7). Firmware that never sets WATCHDOG.TICK has a TIMER that stands
 * still, here as on the part.
 */
import { BasePeripheral } from 'rp2040js';
import { StopRun, hex } from '../common/stop.mjs';

// WATCHDOG registers, datasheet 4.7.6.
const WD_CTRL = 0x00;
const WD_LOAD = 0x04;
const WD_REASON = 0x08;
const WD_SCRATCH0 = 0x0c;
const WD_SCRATCH7 = 0x28;
const WD_TICK = 0x2c;
const CTRL_TRIGGER = 0x80000000;
const CTRL_ENABLE = 0x40000000;
const CTRL_WRITABLE = 0x47000000;
const COUNT_MASK = 0xffffff;
const TICK_ENABLE = 1 << 9;
const TICK_RUNNING = 1 << 10;
export const REASON_TIMER = 1;
export const REASON_FORCE = 2;
/** Erratum RP2040-E1: the counter goes down by two a tick. */
const COUNTS_PER_TICK = 2;

export class Watchdog extends BasePeripheral {
  /**
   * @param {object} rp2040
   * @param {string} name
   * @param {{ reason: number, scratch: Uint32Array }} kept what survives a watchdog reset
   */
  constructor(rp2040, name, kept) {
    super(rp2040, name);
    this.reason = kept.reason;
    this.scratch = kept.scratch;
    this.ctrl = 0x07000000; // PAUSE_DBG1, PAUSE_DBG0, PAUSE_JTAG
    this.tick = TICK_ENABLE;
    this.count = 0;
    this.countNanos = 0;
    this.alarm = rp2040.clock.createAlarm(() => this.fire(REASON_TIMER));
    /** Ticks a second; 0 while the generator is off or its divider unset. */
    this.tickHz = 0;
    /** @type {(() => void)[]} called before and after the tick rate changes */
    this.tickListeners = [];
    this.onFire = (_reason) => {};
  }

  /** To be called when the tick divider or clk_ref has changed. */
  updateTick() {
    const cycles = this.tick & 0x1ff;
    const tickHz = this.tick & TICK_ENABLE && cycles > 0 ? this.rp2040.clocks.refFreq / cycles : 0;
    if (tickHz === this.tickHz) {
      return;
    }
    const count = this.currentCount();
    this.tickListeners.forEach((listener) => listener());
    this.tickHz = tickHz;
    this.tickListeners.forEach((listener) => listener());
    this.restart(count);
  }

  get running() {
    return (this.ctrl & CTRL_ENABLE) !== 0 && this.tickHz > 0;
  }

  fire(reason) {
    this.reason = reason;
    this.onFire(reason);
  }

  currentCount() {
    if (!this.running) {
      return this.count;
    }
    const elapsed = ((this.rp2040.clock.nanos - this.countNanos) * this.tickHz * COUNTS_PER_TICK) / 1e9;
    return Math.max(0, this.count - Math.floor(elapsed));
  }

  /** Takes the counter's present value as the new base, and plans its expiry from there. */
  restart(count) {
    this.count = count;
    this.countNanos = this.rp2040.clock.nanos;
    this.alarm.cancel();
    if (this.running) {
      this.alarm.schedule((count * 1e9) / (this.tickHz * COUNTS_PER_TICK));
    }
  }

  readUint32(offset) {
    if (offset >= WD_SCRATCH0 && offset <= WD_SCRATCH7) {
      return this.scratch[(offset - WD_SCRATCH0) >>> 2];
    }
    switch (offset) {
      case WD_CTRL:
        return this.ctrl | this.currentCount();
      case WD_LOAD:
        return 0;
      case WD_REASON:
        return this.reason;
      case WD_TICK:
        return this.tick | (this.tickHz > 0 ? TICK_RUNNING : 0);
    }
    throw new StopRun('unmodelled', `WATCHDOG has no register at ${hex(offset)}`);
  }

  writeUint32(offset, value) {
    if (offset >= WD_SCRATCH0 && offset <= WD_SCRATCH7) {
      this.scratch[(offset - WD_SCRATCH0) >>> 2] = value;
      return;
    }
    switch (offset) {
      case WD_CTRL: {
        const count = this.currentCount();
        this.ctrl = value & CTRL_WRITABLE;
        this.restart(count);
        if (value & CTRL_TRIGGER) {
          this.fire(REASON_FORCE);
        }
        return;
      }
      case WD_LOAD:
        this.restart(value & COUNT_MASK);
        return;
      case WD_TICK:
        this.tick = value & 0x3ff;
        this.updateTick();
        return;
    }
    throw new StopRun('unmodelled', `WATCHDOG has no writable register at ${hex(offset)}`);
  }
}

// TIMER registers, datasheet 4.6.5.
const TIMEHW = 0x00;
const TIMELW = 0x04;
const TIMEHR = 0x08;
const TIMELR = 0x0c;
const ALARM0 = 0x10;
const ALARM3 = 0x1c;
const ARMED = 0x20;
const TIMERAWH = 0x24;
const TIMERAWL = 0x28;
const DBGPAUSE = 0x2c;
const PAUSE = 0x30;
const INTR = 0x34;
const INTE = 0x38;
const INTF = 0x3c;
const INTS = 0x40;
const WORD = 2 ** 32;

export class Timer extends BasePeripheral {
  /**
   * @param {object} rp2040
   * @param {string} name
   * @param {Watchdog} watchdog the source of its tick
   */
  constructor(rp2040, name, watchdog) {
    super(rp2040, name);
    this.watchdog = watchdog;
    this.baseTicks = 0;
    this.baseNanos = rp2040.clock.nanos;
    this.writeLow = 0;
    this.latchedHigh = 0;
    this.paused = false;
    this.armed = 0;
    this.interruptRaw = 0;
    this.interruptEnable = 0;
    this.interruptForce = 0;
    this.targets = new Uint32Array(4);
    this.alarms = [0, 1, 2, 3].map((index) => rp2040.clock.createAlarm(() => this.fire(index)));
    watchdog.tickListeners.push(() => this.rebase(this.ticks));
  }

  get rateHz() {
    return this.paused ? 0 : this.watchdog.tickHz;
  }

  /** Ticks since reset: microseconds when the firmware has set the tick generator for that. */
  get ticks() {
    const elapsed = ((this.rp2040.clock.nanos - this.baseNanos) * this.rateHz) / 1e9;
    // Nanoseconds are computed in floating point: a tick that is due to the last digit has happened.
    return this.baseTicks + Math.floor(elapsed + 1e-6);
  }

  rebase(ticks) {
    this.baseTicks = ticks;
    this.baseNanos = this.rp2040.clock.nanos;
    for (let index = 0; index < 4; index++) {
      if (this.armed & (1 << index)) {
        this.arm(index);
      }
    }
  }

  /** An alarm compares 32 bits for equality: a target just passed is met 72 minutes later (datasheet 4.6.3). */
  arm(index) {
    this.armed |= 1 << index;
    this.alarms[index].cancel();
    if (this.rateHz > 0) {
      const delta = (this.targets[index] - (this.ticks % WORD) + WORD) % WORD || WORD;
      const dueTicks = this.ticks + delta - this.baseTicks;
      this.alarms[index].scheduleAt(this.baseNanos + (dueTicks * 1e9) / this.rateHz);
    }
  }

  disarm(bits) {
    this.armed &= ~bits;
    for (let index = 0; index < 4; index++) {
      if (bits & (1 << index)) {
        this.alarms[index].cancel();
      }
    }
  }

  fire(index) {
    this.disarm(1 << index);
    this.interruptRaw |= 1 << index;
    this.updateInterrupts();
  }

  get interruptStatus() {
    return (this.interruptRaw & this.interruptEnable) | this.interruptForce;
  }

  updateInterrupts() {
    for (let index = 0; index < 4; index++) {
      this.rp2040.setInterrupt(index, (this.interruptStatus & (1 << index)) !== 0);
    }
  }

  readUint32(offset) {
    if (offset >= ALARM0 && offset <= ALARM3) {
      return this.targets[(offset - ALARM0) >>> 2];
    }
    switch (offset) {
      case TIMEHR:
        return this.latchedHigh;
      case TIMELR: {
        const { ticks } = this;
        this.latchedHigh = Math.floor(ticks / WORD);
        return ticks % WORD;
      }
      case TIMERAWH:
        return Math.floor(this.ticks / WORD);
      case TIMERAWL:
        return this.ticks % WORD;
      case ARMED:
        return this.armed;
      case DBGPAUSE:
        return 7;
      case PAUSE:
        return this.paused ? 1 : 0;
      case INTR:
        return this.interruptRaw;
      case INTE:
        return this.interruptEnable;
      case INTF:
        return this.interruptForce;
      case INTS:
        return this.interruptStatus;
    }
    throw new StopRun('unmodelled', `TIMER has no readable register at ${hex(offset)}`);
  }

  writeUint32(offset, value) {
    if (offset >= ALARM0 && offset <= ALARM3) {
      const index = (offset - ALARM0) >>> 2;
      this.targets[index] = value;
      this.arm(index);
      return;
    }
    switch (offset) {
      case TIMELW:
        this.writeLow = value >>> 0;
        return;
      case TIMEHW:
        this.rebase((value >>> 0) * WORD + this.writeLow);
        return;
      case ARMED:
        this.disarm(this.rawWriteValue & 0xf);
        return;
      case DBGPAUSE: // no debugger here
        return;
      case PAUSE: {
        const { ticks } = this;
        this.paused = (value & 1) !== 0;
        this.rebase(ticks);
        return;
      }
      case INTR:
        this.interruptRaw &= ~this.rawWriteValue;
        break;
      case INTE:
        this.interruptEnable = value & 0xf;
        break;
      case INTF:
        this.interruptForce = value & 0xf;
        break;
      default:
        throw new StopRun('unmodelled', `TIMER has no writable register at ${hex(offset)}`);
    }
    this.updateInterrupts();
  }
}
