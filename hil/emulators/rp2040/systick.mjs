// SYST_CSR bits.
const CSR_COUNTFLAG = 1 << 16;
const CSR_CLKSOURCE = 1 << 2;
const CSR_TICKINT = 1 << 1;
const CSR_ENABLE = 1 << 0;
const SYSTICK_MASK = 0xffffff;

/** SysTick, ARMv6-M reference manual B3.3: 24 bits down, period RVR + 1, counting the core's cycles exactly. */
export class SysTick {
  constructor(rp2040, watchdog) {
    this.rp2040 = rp2040;
    this.watchdog = watchdog;
    this.csr = 0;
    this.reload = 0;
    this.value = 0;
    this.base = 0;
    this.countFlag = false;
    this.alarm = rp2040.clock.createAlarm(() => this.wrapped());
  }

  /** The count of the selected clock, without an origin. */
  get now() {
    const { core, clock } = this.rp2040;
    return this.csr & CSR_CLKSOURCE ? core.cycles : Math.floor((clock.nanos * this.watchdog.tickHz) / 1e9);
  }

  /** Brings value, base and COUNTFLAG up to the present. */
  update() {
    const { now } = this;
    if (!(this.csr & CSR_ENABLE)) {
      this.base = now;
      return;
    }
    const elapsed = now - this.base;
    this.base = now;
    if (elapsed < this.value) {
      this.value -= elapsed;
      return;
    }
    if (this.value > 0) {
      this.countFlag = true;
    }
    if (this.reload === 0) {
      this.value = 0;
      return;
    }
    // Reaching zero sets the flag; the next count loads RVR.
    const beyond = elapsed - this.value;
    if (beyond === 0) {
      this.value = 0;
      return;
    }
    const period = this.reload + 1;
    const intoPeriod = (beyond - 1) % period;
    if (beyond - 1 >= this.reload) {
      this.countFlag = true;
    }
    this.value = this.reload - intoPeriod;
  }

  /** Plans the interrupt at the next arrival at zero. */
  plan() {
    this.alarm.cancel();
    const { clock } = this.rp2040;
    const rateHz = this.csr & CSR_CLKSOURCE ? clock.frequencyHz : this.watchdog.tickHz;
    const wanted = CSR_ENABLE | CSR_TICKINT;
    if ((this.csr & wanted) === wanted && rateHz > 0 && (this.value > 0 || this.reload > 0)) {
      const counts = this.value > 0 ? this.value : this.reload + 1;
      this.alarm.schedule((counts * 1e9) / rateHz);
    }
  }

  wrapped() {
    this.update();
    this.rp2040.core.pendingSystick = true;
    this.rp2040.core.interruptsUpdated = true;
    this.plan();
  }

  read(offset) {
    this.update();
    switch (offset) {
      case 0x10: {
        const result = this.csr | (this.countFlag ? CSR_COUNTFLAG : 0);
        this.countFlag = false;
        return result;
      }
      case 0x14:
        return this.reload;
      case 0x18:
        return this.value;
      default: // CALIB: no reference value on RP2040 (datasheet 2.4.8)
        return 0;
    }
  }

  write(offset, value) {
    this.update();
    switch (offset) {
      case 0x10:
        this.csr = value & (CSR_CLKSOURCE | CSR_TICKINT | CSR_ENABLE);
        this.base = this.now;
        break;
      case 0x14:
        this.reload = value & SYSTICK_MASK;
        break;
      case 0x18:
        this.value = 0;
        this.countFlag = false;
        break;
    }
    this.plan();
  }
}
