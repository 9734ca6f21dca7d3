/**
 * One ATmega328P between two resets. A reset makes a new Chip with every I/O register at its initial value; SRAM, the
 * general purpose registers and MCUSR's flags are handed over.
 */
import { CycleClock } from '../common/clock.mjs';
import { StopRun, hex } from '../common/stop.mjs';
import { Core, SRAM_START } from './core.mjs';
import { Timers } from './timers.mjs';
import { Uart } from './uart.mjs';
import { Watchdog } from './watchdog.mjs';

const CLOCK_HZ = 16e6;
const GENERAL_REGISTERS = 32;

// Registers with an effect or a limit of their own; sections 9 to 14.
const GPIOR0 = 0x3e;
const GPIOR1 = 0x4a;
const GPIOR2 = 0x4b;
const ACSR = 0x50;
const SMCR = 0x53;
const MCUSR = 0x54;
const MCUCR = 0x55;
const SPMCSR = 0x57;
const CLKPR = 0x61;
const PRR = 0x64;
const ADCSRA = 0x7a;
const DIDR0 = 0x7e;
const DIDR1 = 0x7f;
/** PINB, PINC and PIND; DDRx and PORTx follow each (section 14.4). */
const PINS = [0x23, 0x26, 0x29];
/** Reserved on the part, where it reads 0: see README.md. */
const IDENTIFICATION = 0xf0;

const ACSR_ACD = 1 << 7;
const CLKPR_CHANGE_ENABLE = 1 << 7;
const MCUCR_PLAIN = 0x70; // BODS, BODSE, PUD; not the vectors' place

/** MCUSR, section 11.9.1. */
export const RESET_FLAG = Object.freeze({ power: 1 << 0, pin: 1 << 1, watchdog: 1 << 3 });

export class Chip {
  /**
   * @param {object} state
   * @param {Uint8Array} state.flash FLASH_BYTES
   * @param {Uint8Array} state.registers R0 to R31 as the last chip left them
   * @param {Uint8Array} state.sram SRAM_BYTES, likewise
   * @param {number} state.resetFlags MCUSR
   * @param {string} state.description what the firmware is told it runs on
   */
  constructor({ flash, registers, sram, resetFlags, description }) {
    this.core = new Core(flash);
    this.core.data.set(registers);
    this.core.data.set(sram, SRAM_START);
    this.clock = new CycleClock(CLOCK_HZ);
    this.clock.core = this.core;
    this.resetFlags = resetFlags;
    this.onWatchdogReset = () => {};
    this.uart0 = new Uart(this.core, this.clock);
    this.timers = new Timers(this.core, this.clock);
    this.watchdog = new Watchdog(
      this.core,
      this.clock,
      () => (this.resetFlags & RESET_FLAG.watchdog) !== 0,
      () => this.onWatchdogReset(),
    );
    this.defineSystemRegisters();
    PINS.forEach((address) => this.definePort(address));
    this.defineIdentification(description);
  }

  get registers() {
    return this.core.data.subarray(0, GENERAL_REGISTERS);
  }

  get sram() {
    return this.core.data.subarray(SRAM_START);
  }

  /** Without a boot loader the part starts at 0. */
  boot() {
    this.core.pc = 0;
  }

  defineSystemRegisters() {
    const { core } = this;
    core.definePlain(GPIOR0, GPIOR1, GPIOR2, SMCR, PRR, DIDR0, DIDR1);
    core.define(MCUSR, {
      read: () => this.resetFlags,
      write: (value) => {
        this.resetFlags &= value; // section 11.9.1: flags are cleared, never set
        this.watchdog.schedule();
      },
    });
    this.defineLimited(ACSR, 'ACSR', ACSR_ACD);
    this.defineLimited(MCUCR, 'MCUCR', MCUCR_PLAIN);
    this.defineLimited(CLKPR, 'CLKPR', CLKPR_CHANGE_ENABLE);
    this.defineLimited(ADCSRA, 'ADCSRA', 0);
    core.define(SPMCSR, {
      read: () => 0,
      write: () => {
        throw new StopRun('spm', 'SPMCSR was written: neither self-programming nor the signature row is modelled');
      },
    });
  }

  /** A register of which only some bits are modelled, and have no effect here. */
  defineLimited(address, name, modelled) {
    this.core.define(address, {
      write: (value) => {
        if (value & ~modelled) {
          throw new StopRun('unmodelled', `${name} ${hex(value, 2)} is not modelled`);
        }
        this.core.data[address] = value;
      },
    });
  }

  /** A port with nothing connected: an input reads its pull-up. */
  definePort(pin) {
    const { core } = this;
    const port = pin + 2;
    core.definePlain(pin + 1, port);
    core.define(pin, {
      read: () => core.data[port],
      write: (value, mask) => (core.data[port] ^= value & mask), // section 14.2.2
    });
  }

  defineIdentification(description) {
    const text = Buffer.from(`${description}\0`, 'latin1');
    let next = 0;
    this.core.define(IDENTIFICATION, { read: () => text[next++ % text.length] });
  }
}
