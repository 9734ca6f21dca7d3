/**
 * The boot ROM, as far as firmware can tell: the function table of RP2040 datasheet 2.8.3 and the flash
 * functions behind it.
 *
 * The ROM itself is not shipped with rp2040js. Every function here is two instructions, `bkpt #n; bx lr`; the breakpoint
 * calls the host. The flash functions take the typical times of the W25Q16JV data sheet (section 9.6).
 */
import { StopRun, hex } from '../common/stop.mjs';

/** W25Q16JV data sheet 9.6, typical times. */
export const SECTOR_ERASE_MS = 45; // 4 KB, tSE
export const BLOCK_ERASE_MS = 150; // 64 KB, tBE2
export const PAGE_PROGRAM_MS = 0.4; // 256 bytes, tPP
export const SECTOR_BYTES = 4096;
export const BLOCK_BYTES = 65536;
export const PAGE_BYTES = 256;
const BLOCK_ERASE_COMMAND = 0xd8;

const ROM_BYTES = 0x4000;
const MAGIC = 0x10; // 'M', 'u', 1, version
const FUNCTION_TABLE_POINTER = 0x14;
const DATA_TABLE_POINTER = 0x16;
const LOOKUP_POINTER = 0x18;
const FUNCTION_TABLE = 0x100;
const DATA_TABLE = 0x180;
const STUBS = 0x200;
/** Where the port finds what it runs on; the part's ROM has code here, so it reads this only off-ASIC. */
export const DESCRIPTION_ADDRESS = 0x3f00;
export const UID_ADDRESS = 0x3f80;
const DESCRIPTION_BYTES = UID_ADDRESS - DESCRIPTION_ADDRESS;
export const UID_BYTES = 8;

const code = (name) => name.charCodeAt(0) | (name.charCodeAt(1) << 8);

export class Rom {
  /**
   * @param {import('./chip.mjs').Chip} chip
   * @param {string} description what runs the firmware
   * @param {Uint8Array} uid eight bytes
   */
  constructor(chip, description, uid) {
    this.chip = chip;
    this.bytes = new Uint8Array(ROM_BYTES);
    this.view = new DataView(this.bytes.buffer);
    /** @type {((core: object) => void)[]} */
    this.handlers = [];
    this.build(description, uid);
  }

  build(description, uid) {
    const { bytes, view } = this;
    bytes.set([0x4d, 0x75, 0x01, 0x03], MAGIC);
    const lookup = this.addStub((core) => this.lookup(core));
    view.setUint16(FUNCTION_TABLE_POINTER, FUNCTION_TABLE, true);
    view.setUint16(DATA_TABLE_POINTER, DATA_TABLE, true);
    view.setUint16(LOOKUP_POINTER, lookup, true);
    const functions = {
      IF: () => this.connectInternalFlash(),
      EX: () => this.flashExitXip(),
      RE: (core) => this.flashRangeErase(...core.registers.subarray(0, 4)),
      RP: (core) => this.flashRangeProgram(...core.registers.subarray(0, 3)),
      FC: () => this.flashFlushCache(),
      CX: () => this.flashEnterCmdXip(),
      UB: () => {
        throw new StopRun('usb-boot', 'the firmware called reset_to_usb_boot: the board waits for a new image');
      },
    };
    let entry = FUNCTION_TABLE;
    for (const [name, handler] of Object.entries(functions)) {
      view.setUint16(entry, code(name), true);
      view.setUint16(entry + 2, this.addStub(handler), true);
      entry += 4;
    }
    bytes.set(new TextEncoder().encode(description).subarray(0, DESCRIPTION_BYTES - 1), DESCRIPTION_ADDRESS);
    bytes.set(uid, UID_ADDRESS);
  }

  /** @returns {number} the stub's address with the Thumb bit */
  addStub(handler) {
    const index = this.handlers.push(handler) - 1;
    const address = STUBS + index * 4;
    this.view.setUint16(address, 0xbe00 | index, true); // bkpt #index
    this.view.setUint16(address + 2, 0x4770, true); // bx lr
    return address | 1;
  }

  /** A breakpoint instruction was executed. */
  breakpoint(number, pc) {
    const handler = pc < ROM_BYTES ? this.handlers[number] : undefined;
    if (!handler) {
      throw new StopRun('bkpt', `bkpt #${number} without a debugger (a HardFault on the part)`);
    }
    handler(this.chip.core);
  }

  /** rom_table_lookup(table, code): the function or data pointer, or 0. */
  lookup(core) {
    let entry = core.registers[0];
    for (; this.view.getUint16(entry, true) !== 0; entry += 4) {
      if (this.view.getUint16(entry, true) === (core.registers[1] & 0xffff)) {
        core.registers[0] = this.view.getUint16(entry + 2, true);
        return;
      }
    }
    core.registers[0] = 0;
  }

  connectInternalFlash() {
    this.chip.xip.close('connect_internal_flash has put the QSPI pins back to their reset state');
    this.chip.flashSerial = false;
  }

  flashExitXip() {
    this.chip.ssi.enterSerialMode();
    this.chip.xip.close('flash_exit_xip was called and XIP has not been set up again');
    this.chip.flashSerial = true;
    this.chip.flashSelectForced = true;
  }

  flashFlushCache() {
    this.chip.xip.flush();
    this.chip.flashSelectForced = false;
  }

  flashEnterCmdXip() {
    this.chip.ssi.enterCommandXip();
    this.chip.xip.setTiming(this.chip.ssi);
    this.chip.openXip();
  }

  /** flash_range_erase(addr, count, block_size, block_cmd): the larger erase wherever it fits. */
  flashRangeErase(offset, count, blockBytes, blockCommand) {
    this.checkRange('flash_range_erase', offset, count, SECTOR_BYTES);
    const { flash } = this.chip;
    const useBlocks = blockCommand === BLOCK_ERASE_COMMAND && blockBytes === BLOCK_BYTES;
    let milliseconds = 0;
    for (let at = offset; at < offset + count; ) {
      const block = useBlocks && at % BLOCK_BYTES === 0 && offset + count - at >= BLOCK_BYTES;
      const size = block ? BLOCK_BYTES : SECTOR_BYTES;
      flash.fill(0xff, at, at + size);
      milliseconds += block ? BLOCK_ERASE_MS : SECTOR_ERASE_MS;
      at += size;
    }
    this.chip.flashChanged();
    this.spend(milliseconds);
  }

  /** flash_range_program(addr, data, count): bits go from 1 to 0 only. */
  flashRangeProgram(offset, source, count) {
    this.checkRange('flash_range_program', offset, count, PAGE_BYTES);
    const { flash, bus } = this.chip;
    for (let i = 0; i < count; i++) {
      flash[offset + i] &= bus.read8((source + i) >>> 0);
    }
    this.chip.flashChanged();
    this.spend((count / PAGE_BYTES) * PAGE_PROGRAM_MS);
  }

  checkRange(name, offset, count, unit) {
    if (!this.chip.flashSerial) {
      throw new StopRun('flash-in-xip', `${name} was called without flash_exit_xip before it`);
    }
    if (offset % unit !== 0 || count % unit !== 0) {
      throw new StopRun('flash-range', `${name}(${hex(offset)}, ${count}): not in units of ${unit} bytes`);
    }
    if (offset + count > this.chip.flash.length) {
      throw new StopRun('flash-range', `${name}(${hex(offset)}, ${count}) ends beyond the flash`);
    }
  }

  spend(milliseconds) {
    this.chip.core.cycles += Math.round((milliseconds * this.chip.clock.frequencyHz) / 1000);
  }
}
