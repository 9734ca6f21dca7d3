/** Addition and subtraction with the flags they set, shared by the instructions that need them. */

/** @returns {number} the 32-bit result; N, Z, C and V are set in `core` */
export function add(core, a, b) {
  const result = (a + b) | 0;
  core.c = result >>> 0 < a >>> 0 ? 1 : 0;
  core.v = ((a ^ result) & (b ^ result)) >>> 31;
  core.n = core.z = result;
  return result;
}

/** @returns {number} the 32-bit result; N, Z, C and V are set in `core` */
export function subtract(core, a, b) {
  const result = (a - b) | 0;
  core.c = a >>> 0 >= b >>> 0 ? 1 : 0;
  core.v = ((a ^ b) & (a ^ result)) >>> 31;
  core.n = core.z = result;
  return result;
}

/** @returns {number} the 32-bit result; N, Z, C and V are set in `core` */
export function addWithCarry(core, a, b) {
  const sum = (a >>> 0) + (b >>> 0) + core.c;
  const result = sum | 0;
  core.c = sum > 0xffffffff ? 1 : 0;
  core.v = ((a ^ result) & (b ^ result)) >>> 31;
  core.n = core.z = result;
  return result;
}
