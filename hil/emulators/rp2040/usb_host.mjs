/**
 * A USB host with one port, strict by USB 2.0: it enumerates what it finds, checks every descriptor, and carries bytes
 * to and from a CDC-ACM device. What the device does wrong ends the run.
 *
 * Emulated time alone drives it. Requests are coroutines that yield how long to wait; the bulk pipes go on between
 * them. A pipe that gets NAK waits for the controller's buffer instead of asking over and over: the device cannot tell.
 */
import { StopRun } from '../common/stop.mjs';
import { UsbBus } from './usb_bus.mjs';
import { DEVICE, UsbRequests, getDescriptor } from './usb_requests.mjs';

const MS = 1e6;
const DEBOUNCE_NANOS = 100 * MS; // USB 2.0 7.1.7.3
const RESET_NANOS = 10 * MS; // 7.1.7.5
const RESET_RECOVERY_NANOS = 10 * MS; // 7.1.7.5
const ADDRESS_RECOVERY_NANOS = 2 * MS; // 9.2.6.3
const RETRY_NANOS = 10_000;
const ADDRESS = 5;
const LINE_CODING = Buffer.from('00100e00000008', 'hex'); // 921600 8N1
const DTR_RTS = 3;
/** A read of Linux's cdc-acm ends when this many bytes have come, or with a short packet. */
const READ_BYTES = 128;
const QUEUE_LIMIT_BYTES = 65536;

export class UsbHost {
  /** @param {(bytes: Buffer) => void} deliver what the device has sent */
  constructor(deliver) {
    this.deliver = deliver;
    this.bus = new UsbBus();
    this.requests = new UsbRequests(this.bus);
    this.plugged = true;
    this.queue = Buffer.alloc(0);
    this.received = [];
    this.reading = [];
    this.readingBytes = 0;
    this.jobs = [];
    this.resets = 0;
    this.busFreeAt = 0;
    this.onDrained = () => {};
    this.forget();
  }

  /** Nothing is known of the device: unplugged, or reset. */
  forget() {
    this.state = 'detached';
    this.requests.address = 0;
    this.device = null;
    this.configuration = null;
    this.endpoints = null;
    this.strings = [];
    this.bus.resetToggles();
    this.reading = [];
    this.readingBytes = 0;
    this.outReady = false;
    this.inReady = false;
    this.outTurn = true;
    /** Slots that answered STALL: left alone until clearHalt. */
    this.halted = new Set();
  }

  /** Joins the port to a chip that has just come out of reset: its pull-up is off. */
  attach(chip) {
    const { usb, clock } = chip;
    this.clock = clock;
    this.requests.clock = clock;
    this.controller = usb;
    this.bus.controller = usb;
    this.alarm = clock.createAlarm(() => this.step());
    this.failJobs('the board was reset');
    this.queue = Buffer.alloc(0);
    this.wakeAt = Infinity;
    this.busFreeAt = 0;
    this.forget();
    usb.onAttach = (attached) => (attached ? this.deviceAppeared() : this.deviceGone());
    usb.onArmed = (slot) => this.armed(slot);
  }

  get busy() {
    return this.alarm.scheduled;
  }

  /** The byte link works, or will not before something is plugged in. */
  get ready() {
    return this.state === 'configured' || !this.plugged;
  }

  deviceAppeared() {
    if (this.plugged) {
      this.startJob(this.enumerate(DEBOUNCE_NANOS));
    }
  }

  deviceGone() {
    this.failJobs('the device is gone');
    this.forget();
  }

  // The byte link.

  /** @param {Buffer} bytes @returns {boolean} false: send no more until onDrained */
  fromHost(bytes) {
    this.queue = this.queue.length > 0 ? Buffer.concat([this.queue, bytes]) : bytes;
    if (this.state === 'configured') {
      this.outReady = !this.halted.has(2 * this.endpoints.dataOut + 1);
      this.schedule();
    }
    return this.queue.length < QUEUE_LIMIT_BYTES;
  }

  flush() {
    if (this.received.length > 0) {
      this.deliver(Buffer.concat(this.received));
      this.received = [];
    }
  }

  // What can be done to the port.

  unplug() {
    this.plugged = false;
    this.deviceGone();
    this.controller.suspend(); // no start of frame any more
    this.queue = Buffer.alloc(0);
    this.flush();
  }

  plug() {
    this.plugged = true;
    if (this.controller.attached && this.state === 'detached') {
      this.startJob(this.enumerate(DEBOUNCE_NANOS));
    }
  }

  /** A bus reset, whatever goes on; the device is enumerated anew. What was to be sent is lost, as with any driver. */
  reset() {
    this.queue = Buffer.alloc(0);
    this.failJobs('the bus was reset');
    this.forget();
    return this.startJob(this.enumerate(0));
  }

  suspend() {
    this.state = 'suspended';
    this.controller.suspend();
  }

  resume() {
    this.state = 'configured';
    this.controller.resume();
    this.outReady = this.queue.length > 0;
    this.inReady = true;
    this.schedule();
  }

  /** @returns {Promise<{ stalled: boolean, bytes: Buffer }>} */
  request(setup, data) {
    return this.startJob(this.requests.control(setup, data));
  }

  /** CLEAR_FEATURE(ENDPOINT_HALT), after which both sides begin with DATA0 (USB 2.0 9.4.5). */
  clearHalt(endpointAddress) {
    const host = this;
    return this.startJob(
      (function* () {
        const answer = yield* host.requests.control(Buffer.from([0x02, 1, 0, 0, endpointAddress, 0, 0, 0]));
        if (!answer.stalled) {
          const slot = 2 * (endpointAddress & 15) + (endpointAddress & 0x80 ? 0 : 1);
          host.bus.data1[slot] = false;
          host.bus.mayRepeat.delete(slot);
          host.halted.delete(slot);
          host.outReady = host.queue.length > 0;
          host.inReady = true;
        }
        return answer;
      })(),
    );
  }

  report() {
    const { state, resets, endpoints, strings, device, configuration } = this;
    return {
      state,
      address: this.requests.address,
      resets,
      endpoints,
      strings,
      device: device?.toString('hex'),
      configuration: configuration?.toString('hex'),
      queuedBytes: this.queue.length,
      ...this.bus.counts,
    };
  }

  // Coroutines, one at a time.

  startJob(coroutine) {
    const done = new Promise((resolve, reject) => this.jobs.push({ coroutine, resolve, reject }));
    done.catch(() => {});
    if (this.jobs.length === 1) {
      this.wakeAt = this.clock.nanos;
    }
    this.schedule();
    return done;
  }

  failJobs(reason) {
    for (const { reject } of this.jobs.splice(0)) {
      reject(new Error(reason));
    }
    this.wakeAt = Infinity;
  }

  runJob() {
    const job = this.jobs[0];
    const { done, value } = job.coroutine.next();
    if (this.jobs[0] !== job) {
      return; // the step has ended all jobs
    }
    if (done) {
      this.jobs.shift();
      job.resolve(value);
    }
    this.wakeAt = done ? (this.jobs.length > 0 ? this.clock.nanos : Infinity) : this.clock.nanos + value;
  }

  // The bus.

  armed(slot) {
    if (this.halted.has(slot)) {
      return;
    }
    if (this.endpoints && slot === 2 * this.endpoints.dataIn) {
      this.inReady = true;
    } else if (this.endpoints && slot === 2 * this.endpoints.dataOut + 1) {
      this.outReady = this.queue.length > 0;
    }
    this.schedule(RETRY_NANOS);
  }

  get pipesReady() {
    return this.state === 'configured' && (this.outReady || this.inReady);
  }

  schedule(delayNanos = 0) {
    const pipesAt = this.pipesReady ? this.clock.nanos + delayNanos : Infinity;
    const due = Math.max(Math.min(this.wakeAt, pipesAt), this.busFreeAt);
    if (due < Infinity && !(this.alarm.scheduled && this.alarm.nanos <= due)) {
      this.alarm.scheduleAt(due);
    }
  }

  step() {
    if (this.wakeAt <= this.clock.nanos + 1) {
      this.runJob();
    } else if (this.pipesReady) {
      this.busFreeAt = this.clock.nanos + this.pump();
    }
    this.schedule();
  }

  /** One transaction of a bulk pipe, the two in turn. @returns {number} nanoseconds until the bus is free */
  pump() {
    this.outTurn = this.outReady && (this.outTurn || !this.inReady);
    const nanos = this.outTurn ? this.pumpOut() : this.pumpIn();
    this.outTurn = !this.outTurn;
    return nanos;
  }

  pumpOut() {
    const { dataOut, packetBytes } = this.endpoints;
    const packet = this.queue.subarray(0, packetBytes);
    const answer = this.bus.out(this.requests.address, dataOut, packet);
    if (answer === 'ack') {
      const before = this.queue.length;
      this.queue = this.queue.subarray(packet.length);
      if (before > QUEUE_LIMIT_BYTES / 2 && this.queue.length <= QUEUE_LIMIT_BYTES / 2) {
        this.onDrained();
      }
    }
    this.outReady = this.queue.length > 0 && !this.parks(answer, 2 * dataOut + 1);
    return UsbBus.nanos(packet.length);
  }

  pumpIn() {
    const { dataIn, packetBytes } = this.endpoints;
    const { handshake, bytes } = this.bus.in(this.requests.address, dataIn);
    if (handshake === 'data') {
      this.readingBytes += bytes.length;
      this.reading.push(bytes);
      if (bytes.length < packetBytes || this.readingBytes >= READ_BYTES) {
        this.received.push(...this.reading);
        this.reading = [];
        this.readingBytes = 0;
      }
    }
    this.inReady = !this.parks(handshake, 2 * dataIn);
    return UsbBus.nanos(bytes?.length ?? 0);
  }

  /** Nothing can come of the pipe before the firmware has acted; an injected NAK is asked again. */
  parks(answer, slot) {
    if (answer === 'stall') {
      this.halted.add(slot);
    }
    return answer === 'stall' || (answer === 'nak' && !this.controller.isArmed(slot));
  }

  /** USB 2.0 9.1.2, and what a driver of a serial port then asks. */
  *enumerate(debounceNanos) {
    const { requests } = this;
    yield debounceNanos;
    this.resets++;
    this.controller.busReset();
    yield RESET_NANOS + RESET_RECOVERY_NANOS;
    this.state = 'default';
    yield* requests.descriptor(DEVICE, 0, 8);
    yield* requests.must([0x00, 5, ADDRESS, 0, 0, 0, 0, 0]);
    yield ADDRESS_RECOVERY_NANOS;
    if (this.bus.setup(0, getDescriptor(DEVICE, 0, 18, 0)) !== 'timeout') {
      throw new StopRun('usb-address', 'the device still answers at address 0');
    }
    requests.address = ADDRESS;
    this.state = 'address';
    Object.assign(this, yield* requests.describe());
    const { value, communication } = this.endpoints;
    yield* requests.must([0x00, 9, value, 0, 0, 0, 0, 0]);
    this.bus.data1.fill(false, 2);
    yield* requests.must([0x21, 0x20, 0, 0, communication, 0, LINE_CODING.length, 0], LINE_CODING);
    yield* requests.must([0x21, 0x22, DTR_RTS, 0, communication, 0, 0, 0]);
    this.state = 'configured';
    this.outReady = this.queue.length > 0;
    this.inReady = true;
  }
}
