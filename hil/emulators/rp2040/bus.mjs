/**
 * The bus fabric between the core and everything else, as strict as the part.
 *
 * rp2040js logs a misaligned access and goes on, answers an unmapped read with ones, and lets a store into the XIP window
 * program the flash. Here each of these ends the run.
 */
import { StopRun, hex } from '../common/stop.mjs';
import { XIP_CACHED, XIP_OFF } from './xip.mjs';

const ROM_BYTES = 0x4000;
const SRAM_BASE = 0x20000000;
const SRAM_BYTES = 0x42000;
const XIP_WINDOW_END = 0x14000000;
const USB_DPRAM_BASE = 0x50100000;
const USB_DPRAM_BYTES = 0x1000;
const USB_BLOCK = 0x50110;
const SIO_BASE = 0xd0000000;
const SIO_BYTES = 0x1000;
const PPB_PAGE = 0xe000e;
const NVIC_ICPR = 0x280;
const NVIC_AIRCR = 0xd0c;
const NVIC_SCR = 0xd10;
const NVIC_CCR = 0xd14;
const NVIC_SHCSR = 0xd24;
const AIRCR_KEY = 0x05fa;
const AIRCR_SYSRESETREQ = 1 << 2;
/** Beyond the two cycles of a load or store: APB takes 3 cycles to read, 4 to write (datasheet 2.1.4). */
const APB_READ_CYCLES = 2;
const APB_WRITE_CYCLES = 3;
/** SIO is on the core's single-cycle port: a load or store takes one cycle (datasheet 2.3.1). */
const SIO_CYCLES = -1;

export class Bus {
  /** @param {import('./chip.mjs').Chip} chip */
  constructor(chip) {
    this.chip = chip;
    this.core = chip.core;
    this.xip = chip.xip;
    this.sram = chip.sram;
    this.sram16 = new Uint16Array(chip.sram.buffer, 0, SRAM_BYTES / 2);
    this.sram32 = new Uint32Array(chip.sram.buffer, 0, SRAM_BYTES / 4);
    this.flash = chip.flash;
    this.flash16 = new Uint16Array(chip.flash.buffer, 0, chip.flash.length / 2);
    this.flash32 = new Uint32Array(chip.flash.buffer, 0, chip.flash.length / 4);
    this.rom = chip.rom.bytes;
    this.rom16 = new Uint16Array(this.rom.buffer);
    this.rom32 = new Uint32Array(this.rom.buffer);
  }

  /** Charges a flash access its wait states. @returns {number} offset into the flash */
  flashOffset(address) {
    const { xip } = this;
    if (xip.mode === XIP_OFF) {
      throw new StopRun('xip-off', `access to flash at ${hex(address)} while ${xip.offReason}`);
    }
    const offset = address & 0xffffff;
    if (offset >= this.flash.length) {
      throw new StopRun('unmapped', `access to ${hex(address)}, beyond the flash`);
    }
    if (xip.mode === XIP_CACHED) {
      this.core.cycles += xip.waitCycles(address);
    }
    return offset;
  }

  fetch16(address) {
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      return this.sram16[offset >>> 1];
    }
    const { xip } = this;
    if (address >>> 3 === xip.fetchLine) {
      return this.flash16[(address & 0xffffff) >>> 1];
    }
    if (address >>> 28 === 1 && address < XIP_WINDOW_END) {
      const flashOffset = this.flashOffset(address);
      if (xip.mode === XIP_CACHED && xip.enabled && address >>> 24 === 0x10) {
        xip.fetchLine = address >>> 3;
      }
      return this.flash16[flashOffset >>> 1];
    }
    if (address < ROM_BYTES) {
      return this.rom16[address >>> 1];
    }
    throw new StopRun('unmapped', `instruction fetch from ${hex(address)}`);
  }

  read32(address) {
    if (address & 3) {
      throw new StopRun('misaligned', `word read from ${hex(address)}`);
    }
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      return this.sram32[offset >>> 2];
    }
    if (address >>> 28 === 1 && address < XIP_WINDOW_END) {
      return this.flash32[this.flashOffset(address) >>> 2];
    }
    return this.readSlow(address);
  }

  read16(address) {
    if (address & 1) {
      throw new StopRun('misaligned', `halfword read from ${hex(address)}`);
    }
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      return this.sram16[offset >>> 1];
    }
    if (address >>> 28 === 1 && address < XIP_WINDOW_END) {
      return this.flash16[this.flashOffset(address) >>> 1];
    }
    return (this.readSlow((address & ~3) >>> 0) >>> ((address & 2) * 8)) & 0xffff;
  }

  read8(address) {
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      return this.sram[offset];
    }
    if (address >>> 28 === 1 && address < XIP_WINDOW_END) {
      return this.flash[this.flashOffset(address)];
    }
    return (this.readSlow((address & ~3) >>> 0) >>> ((address & 3) * 8)) & 0xff;
  }

  write32(address, value) {
    if (address & 3) {
      throw new StopRun('misaligned', `word store to ${hex(address)}`);
    }
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      this.sram32[offset >>> 2] = value;
      return;
    }
    this.writeSlow(address, value >>> 0);
  }

  write16(address, value) {
    if (address & 1) {
      throw new StopRun('misaligned', `halfword store to ${hex(address)}`);
    }
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      this.sram16[offset >>> 1] = value;
      return;
    }
    this.writeNarrow(address, value & 0xffff, 2);
  }

  write8(address, value) {
    const offset = address - SRAM_BASE;
    if (offset >= 0 && offset < SRAM_BYTES) {
      this.sram[offset] = value;
      return;
    }
    this.writeNarrow(address, value & 0xff, 1);
  }

  /** A peripheral sees a narrow store replicated across the word (datasheet 2.1.4). */
  writeNarrow(address, value, bytes) {
    const aligned = (address & ~3) >>> 0;
    if (aligned >= USB_DPRAM_BASE && aligned < USB_DPRAM_BASE + USB_DPRAM_BYTES) {
      const shift = (address & 3) * 8;
      const mask = (bytes === 1 ? 0xff : 0xffff) << shift;
      this.writeSlow(aligned, ((this.readSlow(aligned) & ~mask) | (value << shift)) >>> 0);
      return;
    }
    const replicated = bytes === 1 ? Math.imul(value, 0x01010101) : Math.imul(value, 0x00010001);
    this.writeSlow(aligned, replicated >>> 0);
  }

  readSlow(address) {
    if (address < ROM_BYTES) {
      return this.rom32[address >>> 2];
    }
    if (address >>> 12 === PPB_PAGE) {
      return this.readPpb(address & 0xfff);
    }
    if (address >= SIO_BASE && address < SIO_BASE + SIO_BYTES) {
      this.core.cycles += SIO_CYCLES;
      return this.chip.rp2040.sio.readUint32(address - SIO_BASE);
    }
    if (address >= USB_DPRAM_BASE && address < USB_DPRAM_BASE + USB_DPRAM_BYTES) {
      this.checkReleased(USB_BLOCK, 'read from', address);
      return this.chip.rp2040.usbDPRAMView.getUint32(address - USB_DPRAM_BASE, true);
    }
    const peripheral = this.peripheralAt(address, 'read from');
    if (address >>> 28 === 4) {
      this.core.cycles += APB_READ_CYCLES;
    }
    return peripheral.readUint32(address & 0xfff);
  }

  writeSlow(address, value) {
    if (address >>> 28 === 1 && address < XIP_WINDOW_END) {
      throw new StopRun('xip-store', `store to flash at ${hex(address)}`);
    }
    if (address >>> 12 === PPB_PAGE) {
      this.writePpb(address & 0xfff, value);
    } else if (address >= SIO_BASE && address < SIO_BASE + SIO_BYTES) {
      this.core.cycles += SIO_CYCLES;
      this.chip.rp2040.sio.writeUint32(address - SIO_BASE, value);
    } else if (address >= USB_DPRAM_BASE && address < USB_DPRAM_BASE + USB_DPRAM_BYTES) {
      this.checkReleased(USB_BLOCK, 'store to', address);
      const offset = address - USB_DPRAM_BASE;
      this.chip.rp2040.usbDPRAMView.setUint32(offset, value, true);
      this.chip.usb.DPRAMUpdated(offset, value);
    } else if (address < ROM_BYTES) {
      throw new StopRun('unmapped', `store to ROM at ${hex(address)}`);
    } else {
      const peripheral = this.peripheralAt(address, 'store to');
      if (address >>> 28 === 4) {
        this.core.cycles += APB_WRITE_CYCLES;
      }
      peripheral.writeUint32Atomic(address & 0xfff, value, (address >>> 12) & 3);
    }
  }

  /** @returns {object} the block at an APB or AHB address, which must exist and be out of reset */
  peripheralAt(address, what) {
    const block = (address >>> 14) << 2;
    const peripheral = this.chip.rp2040.peripherals[block];
    if (!peripheral) {
      throw new StopRun('unmapped', `${what} ${hex(address)}`);
    }
    this.checkReleased(block, what, address);
    return peripheral;
  }

  checkReleased(block, what, address) {
    if (this.chip.resets.holds(block)) {
      throw new StopRun('in-reset', `${what} ${hex(address)}, a block that RESETS holds in reset`);
    }
  }

  readPpb(offset) {
    if (offset >= 0x10 && offset <= 0x1c) {
      return this.chip.sysTick.read(offset);
    }
    switch (offset) {
      case NVIC_AIRCR: // VECTKEYSTAT, little-endian
        return 0xfa050000;
      case NVIC_SCR:
      case NVIC_SHCSR:
        return 0;
      case NVIC_CCR: // STKALIGN, UNALIGN_TRP: fixed on ARMv6-M
        return 0x208;
    }
    return this.chip.rp2040.ppb.readUint32(offset);
  }

  writePpb(offset, value) {
    if (offset >= 0x10 && offset <= 0x1c) {
      this.chip.sysTick.write(offset, value);
    } else if (offset === NVIC_AIRCR) {
      if (value >>> 16 === AIRCR_KEY && value & AIRCR_SYSRESETREQ) {
        this.chip.onResetRequest('software');
      }
    } else if (offset === NVIC_ICPR) {
      this.core.clearPending(value);
    } else if (offset !== NVIC_SCR) {
      this.chip.rp2040.ppb.writeUint32(offset, value);
    }
  }
}
