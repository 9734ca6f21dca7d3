/**
 * The small blocks a start-up sequence touches, stricter than rp2040js has them: RESETS, PLL, SYSINFO,
 * VREG_AND_CHIP_RESET, ROSC, and a bank for registers that only need to keep what was written.
 */
import { BasePeripheral } from 'rp2040js';
import { StopRun, hex } from '../common/stop.mjs';

/** RESETS bits by the upper bits of a block's address, datasheet 2.14.3. */
const RESET_BITS = {
  0x4004c: 0, // ADC
  0x40030: 1, // BUSCTRL
  0x50000: 2, // DMA
  0x40044: 3, // I2C0
  0x40048: 4, // I2C1
  0x40014: 5, // IO_BANK0
  0x40018: 6, // IO_QSPI
  0x4001c: 8, // PADS_BANK0
  0x40020: 9, // PADS_QSPI
  0x50200: 10, // PIO0
  0x50300: 11, // PIO1
  0x40028: 12, // PLL_SYS
  0x4002c: 13, // PLL_USB
  0x40050: 14, // PWM
  0x4005c: 15, // RTC
  0x4003c: 16, // SPI0
  0x40040: 17, // SPI1
  0x40004: 18, // SYSCFG
  0x40000: 19, // SYSINFO
  0x4006c: 20, // TBMAN
  0x40054: 21, // TIMER
  0x40034: 22, // UART0
  0x40038: 23, // UART1
  0x50110: 24, // USBCTRL
};
const ALL_RESETS = 0x01ffffff;
/** The ROM has taken these out of reset to reach the flash. */
const RELEASED_BY_ROM = (1 << 6) | (1 << 9);

/** RESETS, datasheet 2.14: everything is held after a reset, and a held block must not be touched. */
export class Resets extends BasePeripheral {
  constructor(rp2040, name) {
    super(rp2040, name);
    this.held = ALL_RESETS & ~RELEASED_BY_ROM;
    this.watchdogSelect = 0;
  }

  /** @param {number} block address >>> 12, lowest two bits clear */
  holds(block) {
    const bit = RESET_BITS[block];
    return bit !== undefined && (this.held & (1 << bit)) !== 0;
  }

  readUint32(offset) {
    switch (offset) {
      case 0x0: // RESET
        return this.held;
      case 0x4: // WDSEL
        return this.watchdogSelect;
      case 0x8: // RESET_DONE
        return ALL_RESETS & ~this.held;
    }
    throw new StopRun('unmodelled', `RESETS has no register at ${hex(offset)}`);
  }

  writeUint32(offset, value) {
    switch (offset) {
      case 0x0:
        this.held = value & ALL_RESETS;
        return;
      case 0x4:
        this.watchdogSelect = value & ALL_RESETS;
        return;
    }
    throw new StopRun('unmodelled', `RESETS has no writable register at ${hex(offset)}`);
  }
}

// PLL, datasheet 2.18.4.
const PLL_CS = 0x0;
const PLL_PWR = 0x4;
const PLL_FBDIV = 0x8;
const PLL_PRIM = 0xc;
const CS_LOCK = 0x80000000;
const CS_BYPASS = 1 << 8;
const PWR_PD = 1 << 0;
const PWR_POSTDIVPD = 1 << 3;
const PWR_VCOPD = 1 << 5;
const VCO_MIN_HZ = 750e6; // datasheet 2.18.2
const VCO_MAX_HZ = 1600e6;

/** A PLL that locks only when it is powered, fed by a running crystal and inside its VCO range. */
export class Pll extends BasePeripheral {
  constructor(rp2040, name) {
    super(rp2040, name);
    this.cs = 1;
    this.power = 0x2d;
    this.feedback = 0;
    this.postDividers = 0x77000;
  }

  get referenceHz() {
    return this.rp2040.xoscRunning() ? this.rp2040.xoscFreq / (this.cs & 0x3f || 1) : 0;
  }

  get vcoHz() {
    return this.power & (PWR_PD | PWR_VCOPD) ? 0 : this.referenceHz * this.feedback;
  }

  get locked() {
    return this.vcoHz >= VCO_MIN_HZ && this.vcoHz <= VCO_MAX_HZ;
  }

  /** Hz at the output, 0 when there is none. Read by rp2040js's CLOCKS. */
  get frequency() {
    if (this.cs & CS_BYPASS) {
      return this.referenceHz;
    }
    if (!this.locked || this.power & PWR_POSTDIVPD) {
      return 0;
    }
    const divide1 = (this.postDividers >>> 16) & 7;
    const divide2 = (this.postDividers >>> 12) & 7;
    return divide1 && divide2 ? this.vcoHz / (divide1 * divide2) : 0;
  }

  readUint32(offset) {
    switch (offset) {
      case PLL_CS:
        return (this.cs | (this.locked ? CS_LOCK : 0)) >>> 0;
      case PLL_PWR:
        return this.power;
      case PLL_FBDIV:
        return this.feedback;
      case PLL_PRIM:
        return this.postDividers;
    }
    throw new StopRun('unmodelled', `${this.name} has no register at ${hex(offset)}`);
  }

  writeUint32(offset, value) {
    switch (offset) {
      case PLL_CS:
        this.cs = value & 0x13f;
        break;
      case PLL_PWR:
        this.power = value & 0x2d;
        break;
      case PLL_FBDIV:
        this.feedback = value & 0xfff;
        break;
      case PLL_PRIM:
        this.postDividers = value & 0x77000;
        break;
      default:
        throw new StopRun('unmodelled', `${this.name} has no register at ${hex(offset)}`);
    }
    this.rp2040.updateClocks();
  }
}

/** SYSINFO, datasheet 2.20: PLATFORM says FPGA, for this is not the ASIC. */
export class SysInfo extends BasePeripheral {
  readUint32(offset) {
    switch (offset) {
      case 0x00: // CHIP_ID: revision 1, part 2, manufacturer 0x927
        return 0x10002927;
      case 0x04: // PLATFORM: bit 1 ASIC, bit 0 FPGA
        return 0x1;
      case 0x40: // GITREF_RP2040
        return 0;
    }
    throw new StopRun('unmodelled', `SYSINFO has no register at ${hex(offset)}`);
  }
}

const HAD_POR = 1 << 8;
const HAD_RUN = 1 << 16;

/** VREG_AND_CHIP_RESET, datasheet 2.10.6. */
export class ChipReset extends BasePeripheral {
  /** @param {"power" | "pin"} cause of the last chip-level reset; a watchdog reset does not change it */
  constructor(rp2040, name, cause) {
    super(rp2040, name);
    this.registers = [0xb1, 0x91, cause === 'pin' ? HAD_RUN : HAD_POR];
  }

  readUint32(offset) {
    return this.registers[offset >>> 2] ?? 0;
  }

  writeUint32(offset, value) {
    if (offset < 8) {
      this.registers[offset >>> 2] = value;
    }
  }
}

/** Registers that keep what is written and do nothing, for ROSC and IO_QSPI. */
export class RegisterBank extends BasePeripheral {
  constructor(rp2040, name, initial = {}) {
    super(rp2040, name);
    this.registers = new Map(Object.entries(initial).map(([offset, value]) => [Number(offset), value]));
  }

  readUint32(offset) {
    return this.registers.get(offset) ?? 0;
  }

  writeUint32(offset, value) {
    this.registers.set(offset, value);
  }
}
