/** The watchdog timer (section 11.8) on its own 128 kHz oscillator; the fuse WDTON is not programmed on an UNO. */
const WDTCSR = 0x60;
const WDIF = 1 << 7;
const WDIE = 1 << 6;
const WDP3 = 1 << 5;
const WDCE = 1 << 4;
const WDE = 1 << 3;
const WDP = WDP3 | 7;

const VECTOR = 6;
const OSCILLATOR_HZ = 128_000;
const SHORTEST_TICKS = 2048; // table 11-2: 16 ms
const LONGEST_CODE = 9;
/** Cycles in which a change may follow its announcement. */
const CHANGE_CYCLES = 4;

export class Watchdog {
  /**
   * @param {import('./core.mjs').Core} core
   * @param {import('../common/clock.mjs').CycleClock} clock
   * @param {() => boolean} resetFlag whether MCUSR.WDRF is set: then it cannot be switched off
   * @param {() => void} onReset
   */
  constructor(core, clock, resetFlag, onReset) {
    Object.assign(this, { core, clock, resetFlag, onReset });
    /** WDE as written, WDIE, WDIF and the prescaler. */
    this.control = 0;
    this.changeUntil = -1;
    this.startNanos = 0;
    this.alarm = clock.createAlarm(() => this.timedOut());
    core.define(WDTCSR, { read: () => this.read(), write: (value) => this.write(value) });
    core.onWatchdogReset = () => this.restart(clock.nanos);
    core.acknowledge[VECTOR] = () => this.acknowledged();
    this.restart(0);
  }

  get resets() {
    return (this.control & WDE) !== 0 || this.resetFlag();
  }

  get running() {
    return this.resets || (this.control & WDIE) !== 0;
  }

  get periodNanos() {
    const code = (this.control & 7) | ((this.control & WDP3) >>> 2);
    return ((SHORTEST_TICKS << Math.min(code, LONGEST_CODE)) * 1e9) / OSCILLATOR_HZ;
  }

  get changing() {
    return this.core.cycles <= this.changeUntil;
  }

  read() {
    return this.control | (this.resets ? WDE : 0) | (this.changing ? WDCE : 0);
  }

  /** WDE can be set at any time; clearing it, and the prescaler, takes the timed sequence of section 11.9.2. */
  write(value) {
    const wasRunning = this.running;
    const allowed = this.changing && !(value & WDCE);
    const kept = allowed ? 0 : this.control & (WDE | WDP);
    const taken = allowed ? value & (WDE | WDP) : value & WDE;
    this.control = (this.control & WDIF & ~value) | (value & WDIE) | kept | taken;
    this.changeUntil = value & WDCE && value & WDE ? this.core.cycles + CHANGE_CYCLES : -1;
    this.core.setInterrupt(VECTOR, (this.control & WDIF) !== 0 && (this.control & WDIE) !== 0);
    if (this.running && !wasRunning) {
      this.startNanos = this.clock.nanos;
    }
    this.schedule();
  }

  /** Called when MCUSR has changed. */
  schedule() {
    this.alarm.cancel();
    if (this.running) {
      this.alarm.scheduleAt(this.startNanos + this.periodNanos);
    }
  }

  restart(nanos) {
    this.startNanos = nanos;
    this.schedule();
  }

  timedOut() {
    if (this.control & WDIE && !(this.control & WDIF)) {
      this.control |= WDIF;
      this.core.setInterrupt(VECTOR, true);
      this.restart(this.startNanos + this.periodNanos);
    } else if (this.resets) {
      this.onReset();
    } else {
      this.restart(this.startNanos + this.periodNanos);
    }
  }

  /** The handler runs; with WDE the next time-out is a reset (table 11-1). */
  acknowledged() {
    this.control &= this.resets ? ~(WDIF | WDIE) : ~WDIF;
    this.core.setInterrupt(VECTOR, false);
  }
}
