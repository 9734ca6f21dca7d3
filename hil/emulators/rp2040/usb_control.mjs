/**
 * What can be done to the USB port from outside: `{"command": "usb", "action": ...}` on the control port.
 *
 *   report                        state, descriptors in hex, counts of the bus
 *   unplug, plug                  the cable; the byte link's socket closes with it
 *   reset                         a bus reset, answered when the device is configured again
 *   suspend, resume
 *   faults, "nak", "loss"         probabilities of an answer of NAK, and of a lost packet or handshake
 *   request, "setup", "data"      a control transfer, in hex; answered with "stalled" and "data"
 *   clear-halt, "endpoint"        CLEAR_FEATURE(ENDPOINT_HALT) on an endpoint address
 */

/** @returns {(message: object) => Promise<object>} a handler of the command */
export function usbCommand(host, board, server) {
  const actions = {
    report: () => host.report(),
    unplug() {
      host.unplug();
      server.setGone(true);
    },
    plug() {
      server.setGone(false);
      host.plug();
    },
    reset: () => host.reset(),
    suspend: () => host.suspend(),
    resume: () => host.resume(),
    faults({ nak = 0, loss = 0 }) {
      host.bus.nakRate = nak;
      host.bus.lossRate = loss;
    },
    request: async ({ setup, data = '' }) => {
      const answer = await host.request(Buffer.from(setup, 'hex'), Buffer.from(data, 'hex'));
      return { stalled: answer.stalled, data: answer.bytes.toString('hex') };
    },
    'clear-halt': async ({ endpoint }) => ({ stalled: (await host.clearHalt(endpoint)).stalled }),
  };
  return async (message) => {
    const answer = { command: 'usb', action: message.action };
    const action = actions[message.action];
    if (!action) {
      return { ...answer, error: 'unknown action' };
    }
    try {
      const running = action(message);
      board.poke();
      return { ...answer, ...(await running) };
    } catch (error) {
      return { ...answer, error: error.message };
    }
  };
}
