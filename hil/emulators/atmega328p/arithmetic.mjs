/**
 * Instructions that avr8js 0.21.1 gets wrong, as the AVR Instruction Set Manual (DS40002198, chapter 6) has them:
 *
 *   ADD, ADC, SUB, SUBI, SBC, SBCI, CP, CPI, CPC, NEG   H comes from bit 0 instead of bit 3
 *   SBC, SBCI, CPC   Z is cleared where 0 - 255 - 1 leaves 0
 *   NEG              V and S are clear for 0x80
 *   SBIW             changes H
 *   FMULSU           Z is inverted
 */

const SREG = 0x5f;
const C = 1;
const Z = 2;
const N = 4;
const V = 8;
const S = 16;
const KEPT_BY_ARITHMETIC = 0xc0; // I, T

/** S, V, N from the result and the overflow, in their places. */
const signs = (negative, overflow) => (negative ? N : 0) | (overflow ? V : 0) | (negative !== overflow ? S : 0);

/** @returns {number} the sum of eight bits; `data[SREG]` is set */
export function add(data, a, b, carry) {
  const result = (a + b + carry) & 0xff;
  const carries = (a & b) | (b & ~result) | (~result & a);
  data[SREG] =
    (data[SREG] & KEPT_BY_ARITHMETIC) |
    ((carries >>> 7) & C) |
    (result === 0 ? Z : 0) |
    signs((result & 0x80) !== 0, ((a ^ result) & (b ^ result) & 0x80) !== 0) |
    ((carries & 0x08) << 2);
  return result;
}

/**
 * @param {boolean} chained the flags continue those of a lower byte: Z can only be cleared
 * @returns {number} the difference of eight bits; `data[SREG]` is set
 */
export function subtract(data, a, b, carry, chained) {
  const result = (a - b - carry) & 0xff;
  const borrows = (~a & b) | (b & result) | (result & ~a);
  const zero = result === 0 && (!chained || (data[SREG] & Z) !== 0);
  data[SREG] =
    (data[SREG] & KEPT_BY_ARITHMETIC) |
    ((borrows >>> 7) & C) |
    (zero ? Z : 0) |
    signs((result & 0x80) !== 0, ((a ^ b) & (a ^ result) & 0x80) !== 0) |
    ((borrows & 0x08) << 2);
  return result;
}

/** SBIW: a register pair less a constant. */
export function subtractWord(data, opcode) {
  const low = 24 + ((opcode >>> 3) & 6);
  const a = data[low] | (data[low + 1] << 8);
  const result = (a - ((opcode & 0xf) | ((opcode >>> 2) & 0x30))) & 0xffff;
  data[low] = result;
  data[low + 1] = result >>> 8;
  data[SREG] =
    (data[SREG] & 0xe0) |
    (result > a ? C : 0) |
    (result === 0 ? Z : 0) |
    signs((result & 0x8000) !== 0, (a & ~result & 0x8000) !== 0);
}

/** FMULSU: signed by unsigned fractions, shifted left by one. */
export function multiplyFraction(data, opcode) {
  const a = (data[16 + ((opcode >>> 4) & 7)] << 24) >> 24;
  const product = a * data[16 + (opcode & 7)];
  const result = (product << 1) & 0xffff;
  data[0] = result;
  data[1] = result >>> 8;
  data[SREG] = (data[SREG] & 0xfc) | ((product >>> 15) & C) | (result === 0 ? Z : 0);
}
