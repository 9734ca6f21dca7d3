/**
 * The one way a run ends on the board's own account.
 *
 * Thrown from the middle of an instruction; `Board` adds the program counter and reports it. On the part
 * most of these are a HardFault or a lockup, some are silent corruption: here all of them end the run.
 */
export class StopRun extends Error {
  /**
   * @param {string} kind stable machine-readable name, such as "misaligned" or "xip-off"
   * @param {string} message one sentence for people
   */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** @param {number} value @param {number} digits */
export const hex = (value, digits = 8) => `0x${(value >>> 0).toString(16).padStart(digits, '0')}`;
