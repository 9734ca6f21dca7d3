/**
 * The board around a chip: its lines to the host, its power and reset pins, and the loop that runs it.
 *
 * Time. A busy core runs as fast as the host can. A core that waits for an interrupt with characters on the line jumps
 * to the next event; with a silent line it sleeps with the host until the event is due by the wall clock, so an idle
 * board costs no CPU. A periodic tick does not wake the host each time: emulated time is caught up with in steps of
 * IDLE_STEP_MS.
 *
 * A kind of board extends this with:
 *   makeChip(cause)   the chip after a reset. It has a CycleClock `clock`, `boot()`, and a `core` with `cycles`,
 *                     `waiting` (for an interrupt) and `wakes` (one is there)
 *   execute(end)      instructions until `core.cycles` reaches `end`, `pendingReset` is set, or the core waits in vain
 *   stopReport()      where the core stands: `place` for people, and fields of its own
 *   status()          answer to the control command of that name
 */
import { StopRun } from './stop.mjs';

/** Cycles between two looks at the sockets: some ten milliseconds of host time. */
const SLICE_CYCLES = 200_000;
const IDLE_STEP_MS = 20;
const IDLE_LIMIT_MS = 1000;
const BOOT_LIMIT_NANOS = 500e6;

export class EmulatedBoard {
  /**
   * @param {object[]} lines what is connected: `attach(chip)`, `ready`, `busy`, `flush()`
   * @param {object} events
   * @param {(message: string) => void} events.warn
   * @param {(cause: string) => void} events.onReset
   * @param {(report: object) => void} events.onStop
   */
  constructor(lines, events) {
    this.lines = lines;
    this.events = events;
    this.chip = null;
    this.stopped = false;
    this.pendingReset = null;
    this.wake = null;
  }

  /** @param {"power" | "pin" | "watchdog" | "software"} cause */
  reset(cause) {
    this.chip = this.makeChip(cause);
    this.lines.forEach((line) => line.attach(this.chip));
    try {
      this.chip.boot();
    } catch (error) {
      this.stop(error);
    }
    this.events.onReset(cause);
  }

  /** @returns {boolean} true while the part would still have to boot before it can be talked to */
  get booting() {
    const ready = this.lines.every((line) => line.ready);
    return !this.stopped && !ready && this.chip.clock.nanos < BOOT_LIMIT_NANOS;
  }

  /** Runs until stopped; yields to the host's event loop between slices. */
  async run() {
    while (!this.stopped) {
      const idle = this.runSlice(SLICE_CYCLES);
      this.flushLines();
      if (this.stopped) {
        break;
      }
      if (idle) {
        await this.sleep();
      } else {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.flushLines();
  }

  flushLines() {
    this.lines.forEach((line) => line.flush());
  }

  /**
   * @param {number} cycles at least this many, unless the core comes to wait on a silent line
   * @returns {boolean} true when it waits so
   */
  runSlice(cycles) {
    try {
      const end = this.chip.core.cycles + cycles;
      while (this.chip.core.cycles < end) {
        this.execute(end);
        if (this.pendingReset) {
          const cause = this.pendingReset;
          this.pendingReset = null;
          this.reset(cause);
          return false;
        }
        const { core, clock } = this.chip;
        if (core.waiting) {
          if (!this.lines.some((line) => line.busy)) {
            return true;
          }
          core.cycles = Math.max(core.cycles, clock.dueCycles);
          clock.runDue();
        }
      }
    } catch (error) {
      this.stop(error);
    }
    return false;
  }

  /** The core waits and the line is silent: follows the wall clock until something happens. */
  async sleep() {
    const { core, clock } = this.chip;
    const dueMs = ((clock.dueCycles - core.cycles) * 1e3) / clock.frequencyHz;
    const before = performance.now();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.max(dueMs, IDLE_STEP_MS), IDLE_LIMIT_MS));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
    this.catchUp(((performance.now() - before) / 1e3) * clock.frequencyHz);
  }

  /** Lets emulated time pass with the core mostly waiting, without sleeping in between. */
  catchUp(cycles) {
    const { chip } = this;
    const target = chip.core.cycles + Math.round(cycles);
    try {
      while (this.chip === chip && !this.stopped && !this.pendingReset && chip.core.cycles < target) {
        const { core, clock } = chip;
        if (core.waiting && !core.wakes) {
          core.cycles = Math.max(core.cycles, Math.min(clock.dueCycles, target));
          clock.runDue();
        } else {
          this.execute(Math.min(target, core.cycles + SLICE_CYCLES));
          if (!core.waiting) {
            return; // it has found work: back to the ordinary loop
          }
        }
      }
    } catch (error) {
      this.stop(error);
    }
  }

  /** Something came from outside: a sleeping board looks at it at once. */
  poke() {
    this.wake?.();
  }

  /** @param {"power" | "pin"} cause */
  requestReset(cause) {
    this.pendingReset = cause;
    this.chip.core.waiting = false;
    this.poke();
  }

  /** Ends the run; a StopRun is the board's doing, anything else a bug in here. */
  stop(error) {
    if (!(error instanceof StopRun)) {
      throw error;
    }
    const { core, clock } = this.chip;
    this.stopped = true;
    this.events.onStop({
      kind: error.kind,
      reason: error.message,
      ...this.stopReport(),
      cycles: core.cycles,
      emulatedMs: clock.nanos / 1e6,
    });
  }
}

/** Memory at power-on holds no zeros to rely on; a fixed generator, so that runs repeat. */
export function fillWithNoise(bytes) {
  let state = 0x2545f491;
  for (let index = 0; index < bytes.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
}
