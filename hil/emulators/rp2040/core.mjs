/**
 * State and exceptions of the Cortex-M0+; `execute.mjs` has the instructions.
 *
 * Stands in for rp2040js's core, with the fields its peripherals use. Why: that one takes a masked interrupt on WFI
 * and then may never wake, gets the carry of shifts by zero wrong, ignores undefined instructions and
 * branches to ARM state, charges nothing for exceptions and too little for PUSH {LR} and POP {PC}, and tests up to
 * seventy patterns in a row for every instruction.
 *
 * Architecture: ARMv6-M architecture reference manual (ARM DDI 0419). Cycles: Cortex-M0+ technical reference manual
 * (ARM DDI 0484), table 3-1.
 */
import { StopRun, hex } from '../common/stop.mjs';

const EXC_NMI = 2;
const EXC_SVCALL = 11;
const EXC_PENDSV = 14;
const EXC_SYSTICK = 15;
const EXC_IRQ0 = 16;
const NO_PRIORITY = 4; // below the lowest of the four levels
/** Interrupt latency with zero-wait memory, TRM section 1.1. */
const ENTRY_CYCLES = 15;
/** Eight words unstacked; the branch itself is charged by its instruction. The manual gives no figure. */
const RETURN_CYCLES = 8;
const FRAME_BYTES = 32;

export class Core {
  constructor() {
    this.registers = new Uint32Array(16);
    /** The same registers, signed: what the instructions work on. */
    this.r = new Int32Array(this.registers.buffer);
    this.cycles = 0;
    this.bus = null;
    /** N is the sign of `n`, Z is `z === 0`; C and V are 0 or 1. */
    this.n = 0;
    this.z = 1;
    this.c = 0;
    this.v = 0;
    this.primask = false;
    /** Thread mode on the process stack. */
    this.useProcessStack = false;
    this.nPriv = false;
    this.otherSP = 0;
    /** Number of the exception being handled; 0 is thread mode. */
    this.IPSR = 0;
    this.waiting = false;
    this.eventRegistered = false;
    // Named as rp2040js's NVIC registers expect them.
    this.VTOR = 0;
    this.SHPR2 = 0;
    this.SHPR3 = 0;
    this.interruptLines = 0;
    this.pendingInterrupts = 0;
    this.enabledInterrupts = 0;
    this.interruptPriorities = [0xffffffff, 0, 0, 0];
    this.interruptNMIMask = 0;
    this.pendingNMI = false;
    this.pendingPendSV = false;
    this.pendingSVCall = false;
    this.pendingSystick = false;
    this.interruptsUpdated = false;
    this.onBreakpoint = (_number, _pc) => {};
  }

  get PC() {
    return this.registers[15];
  }

  set PC(value) {
    this.registers[15] = value;
  }

  get LR() {
    return this.registers[14];
  }

  set LR(value) {
    this.registers[14] = value;
  }

  get SP() {
    return this.registers[13];
  }

  set SP(value) {
    this.registers[13] = value & ~3;
  }

  get apsr() {
    return (
      ((this.n < 0 ? 0x80000000 : 0) | (this.z === 0 ? 0x40000000 : 0) | (this.c << 29) | (this.v << 28)) >>> 0
    );
  }

  set apsr(value) {
    this.n = value & 0x80000000;
    this.z = value & 0x40000000 ? 0 : 1;
    this.c = (value >>> 29) & 1;
    this.v = (value >>> 28) & 1;
  }

  /** @param {boolean} process which stack pointer r13 is to be */
  selectStack(process) {
    if (this.useProcessStack !== process) {
      const sp = this.SP;
      this.SP = this.otherSP;
      this.otherSP = sp;
      this.useProcessStack = process;
    }
  }

  /** A level from a peripheral. Its rise is latched as pending; a level still high after the handler pends again. */
  setInterrupt(irq, level) {
    const bit = 1 << irq;
    if (!level) {
      this.interruptLines &= ~bit;
    } else if (!(this.interruptLines & bit)) {
      this.interruptLines |= bit;
      this.pendingInterrupts |= bit;
      this.interruptsUpdated = true;
    }
  }

  /** NVIC_ICPR: a level that is high stays pending. */
  clearPending(bits) {
    this.pendingInterrupts &= ~(bits & ~this.interruptLines);
  }

  /** WFI and WFE end on a pending enabled interrupt, whether or not PRIMASK masks it (B1.5.19). */
  get wakes() {
    return (
      (this.pendingInterrupts & this.enabledInterrupts) !== 0 ||
      this.pendingSystick ||
      this.pendingPendSV ||
      this.pendingNMI
    );
  }

  priorityOf(exception) {
    switch (exception) {
      case 0:
        return NO_PRIORITY;
      case EXC_NMI:
        return -2;
      case EXC_SVCALL:
        return this.SHPR2 >>> 30;
      case EXC_PENDSV:
        return (this.SHPR3 >>> 22) & 3;
      case EXC_SYSTICK:
        return this.SHPR3 >>> 30;
    }
    const bit = 1 << (exception - EXC_IRQ0);
    return this.interruptPriorities.findIndex((mask) => mask & bit);
  }

  /** The pending exception of highest priority, the lowest number among equals; 0 if there is none. */
  get vectPending() {
    const candidates = [];
    if (this.pendingNMI) {
      return EXC_NMI;
    }
    if (this.pendingSVCall) {
      candidates.push(EXC_SVCALL);
    }
    if (this.pendingPendSV) {
      candidates.push(EXC_PENDSV);
    }
    if (this.pendingSystick) {
      candidates.push(EXC_SYSTICK);
    }
    for (let rest = this.pendingInterrupts & this.enabledInterrupts; rest !== 0; rest &= rest - 1) {
      candidates.push(EXC_IRQ0 + 31 - Math.clz32(rest & -rest));
    }
    let best = 0;
    for (const exception of candidates) {
      if (this.priorityOf(exception) < this.priorityOf(best)) {
        best = exception;
      }
    }
    return best;
  }

  /** Enters the pending exception if its priority is higher than the present one. */
  takeInterrupt() {
    this.interruptsUpdated = false;
    const exception = this.vectPending;
    if (exception === 0) {
      return;
    }
    const active = this.priorityOf(this.IPSR);
    const current = this.primask ? Math.min(active, 0) : active;
    if (this.priorityOf(exception) >= current) {
      return;
    }
    switch (exception) {
      case EXC_NMI:
        this.pendingNMI = false;
        break;
      case EXC_SVCALL:
        this.pendingSVCall = false;
        break;
      case EXC_PENDSV:
        this.pendingPendSV = false;
        break;
      case EXC_SYSTICK:
        this.pendingSystick = false;
        break;
      default:
        this.pendingInterrupts &= ~(1 << (exception - EXC_IRQ0));
    }
    this.enterException(exception);
  }

  /** SVC is taken at once, or is a HardFault (B1.5.14). */
  supervisorCall() {
    this.pendingSVCall = true;
    const before = this.IPSR;
    this.takeInterrupt();
    if (this.pendingSVCall || this.IPSR === before) {
      throw new StopRun('hardfault', 'svc where its exception cannot be taken: a HardFault');
    }
  }

  /** ARMv6-M reference manual B1.5.6. */
  enterException(exception) {
    const { bus, registers } = this;
    const sp = registers[13];
    const frame = ((sp - FRAME_BYTES) & ~4) >>> 0;
    bus.write32(frame, registers[0]);
    bus.write32((frame + 4) >>> 0, registers[1]);
    bus.write32((frame + 8) >>> 0, registers[2]);
    bus.write32((frame + 12) >>> 0, registers[3]);
    bus.write32((frame + 16) >>> 0, registers[12]);
    bus.write32((frame + 20) >>> 0, registers[14]);
    bus.write32((frame + 24) >>> 0, registers[15]);
    bus.write32((frame + 28) >>> 0, this.apsr | this.IPSR | (sp & 4 ? 1 << 9 : 0) | (1 << 24));
    this.SP = frame;
    this.LR = this.IPSR !== 0 ? 0xfffffff1 : this.useProcessStack ? 0xfffffffd : 0xfffffff9;
    this.IPSR = exception;
    this.selectStack(false);
    this.eventRegistered = true;
    this.cycles += ENTRY_CYCLES;
    const vector = bus.read32((this.VTOR + 4 * exception) >>> 0);
    this.branchTo(vector, `the vector of exception ${exception}`);
  }

  /** ARMv6-M reference manual B1.5.8. */
  returnFromException(excReturn) {
    const { bus, registers } = this;
    const returned = this.IPSR;
    if (returned >= EXC_IRQ0) {
      this.pendingInterrupts |= this.interruptLines & (1 << (returned - EXC_IRQ0));
    }
    this.selectStack((excReturn & 0xf) === 0xd);
    const frame = registers[13];
    registers[0] = bus.read32(frame);
    registers[1] = bus.read32((frame + 4) >>> 0);
    registers[2] = bus.read32((frame + 8) >>> 0);
    registers[3] = bus.read32((frame + 12) >>> 0);
    registers[12] = bus.read32((frame + 16) >>> 0);
    registers[14] = bus.read32((frame + 20) >>> 0);
    registers[15] = bus.read32((frame + 24) >>> 0) & ~1;
    const psr = bus.read32((frame + 28) >>> 0);
    this.SP = (frame + FRAME_BYTES) | (psr & (1 << 9) ? 4 : 0);
    this.apsr = psr;
    this.IPSR = psr & 0x3f;
    this.eventRegistered = true;
    this.interruptsUpdated = true;
    this.cycles += RETURN_CYCLES;
  }

  /** A branch that loads the T bit from bit 0: BX, BLX, POP, vectors. */
  branchTo(address, what) {
    if (!(address & 1)) {
      throw new StopRun('arm-state', `${what} is ${hex(address)}, without the Thumb bit: a HardFault`);
    }
    this.registers[15] = address & ~1;
  }

  /** BX and POP {PC}, which also return from exceptions. */
  interwork(address, what) {
    if (this.IPSR !== 0 && address >>> 28 === 0xf) {
      this.returnFromException(address);
    } else {
      this.branchTo(address, what);
    }
  }

  readSpecial(number) {
    switch (number) {
      case 0: // APSR
        return this.apsr;
      case 1: // IAPSR
      case 3: // XPSR
        return (this.apsr | this.IPSR) >>> 0;
      case 5: // IPSR
        return this.IPSR;
      case 8: // MSP
        return this.useProcessStack ? this.otherSP : this.SP;
      case 9: // PSP
        return this.useProcessStack ? this.SP : this.otherSP;
      case 16: // PRIMASK
        return this.primask ? 1 : 0;
      case 20: // CONTROL
        return (this.useProcessStack ? 2 : 0) | (this.nPriv ? 1 : 0);
    }
    throw new StopRun('undefined', `mrs of special register ${number}`);
  }

  writeSpecial(number, value) {
    switch (number) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.apsr = value;
        return;
      case 8:
      case 9:
        if (this.useProcessStack === (number === 9)) {
          this.SP = value;
        } else {
          this.otherSP = (value & ~3) >>> 0;
        }
        return;
      case 16:
        this.primask = (value & 1) !== 0;
        this.interruptsUpdated = true;
        return;
      case 20:
        this.nPriv = (value & 1) !== 0;
        if (this.IPSR === 0) {
          this.selectStack((value & 2) !== 0);
        }
        return;
    }
    throw new StopRun('undefined', `msr of special register ${number}`);
  }
}
