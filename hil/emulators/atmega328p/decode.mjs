/**
 * Which way an opcode is executed: most by avr8js, the kinds below by `core.mjs`. A table over all 65,536, built once
 * from the encodings of the AVR Instruction Set Manual (DS40002198) that are in the data sheet's Instruction Set
 * Summary: what no pattern fits is undefined on the part, be it XCH, ELPM, EIJMP or DES.
 */

/** Kinds as small integers: the core switches on them. */
export const KIND = Object.freeze({
  PLAIN: 0,
  UNDEFINED: 1,
  OUTSIDE: 2,
  SPM: 3,
  BREAK: 4,
  SLEEP: 5,
  SET_FLAG: 6,
  PUSH: 7,
  POP: 8,
  CALL: 9,
  RET: 10,
  RETI: 11,
  LPM: 12,
  CBI: 13,
  ADD: 14,
  ADC: 15,
  SUB: 16,
  SBC: 17,
  SUBI: 18,
  SBCI: 19,
  CP: 20,
  CPC: 21,
  CPI: 22,
  NEG: 23,
  SBIW: 24,
  FMULSU: 25,
});

/** Pattern, most significant bit first, x: any. Patterns do not overlap. */
const PATTERNS = [
  ['PLAIN', '0000000000000000'], // NOP
  ['PLAIN', '00000001xxxxxxxx'], // MOVW
  ['PLAIN', '00000010xxxxxxxx'], // MULS
  ['PLAIN', '000000110xxxxxxx'], // MULSU, FMUL
  ['PLAIN', '000000111xxx0xxx'], // FMULS
  ['FMULSU', '000000111xxx1xxx'],
  ['CPC', '000001xxxxxxxxxx'],
  ['SBC', '000010xxxxxxxxxx'],
  ['ADD', '000011xxxxxxxxxx'],
  ['PLAIN', '000100xxxxxxxxxx'], // CPSE
  ['CP', '000101xxxxxxxxxx'],
  ['SUB', '000110xxxxxxxxxx'],
  ['ADC', '000111xxxxxxxxxx'],
  ['PLAIN', '0010xxxxxxxxxxxx'], // AND, EOR, OR, MOV
  ['CPI', '0011xxxxxxxxxxxx'],
  ['SBCI', '0100xxxxxxxxxxxx'],
  ['SUBI', '0101xxxxxxxxxxxx'],
  ['PLAIN', '011xxxxxxxxxxxxx'], // ORI, ANDI
  ['PLAIN', '10x0xxxxxxxxxxxx'], // LDD, STD with Y or Z
  ['PLAIN', '100100xxxxxx0000'], // LDS, STS
  ['PLAIN', '100100xxxxxxx001'], // LD, ST with Z+ or Y+
  ['PLAIN', '100100xxxxxxx010'], // LD, ST with -Z or -Y
  ['LPM', '1001000xxxxx010x'],
  ['PLAIN', '100100xxxxxx1100'], // LD, ST with X
  ['PLAIN', '100100xxxxxx1101'], // LD, ST with X+
  ['PLAIN', '100100xxxxxx1110'], // LD, ST with -X
  ['POP', '1001000xxxxx1111'],
  ['PUSH', '1001001xxxxx1111'],
  ['PLAIN', '1001010xxxxx0000'], // COM
  ['NEG', '1001010xxxxx0001'],
  ['PLAIN', '1001010xxxxx001x'], // SWAP, INC
  ['PLAIN', '1001010xxxxx0101'], // ASR
  ['PLAIN', '1001010xxxxx011x'], // LSR, ROR
  ['PLAIN', '1001010xxxxx1010'], // DEC
  ['SET_FLAG', '100101000xxx1000'],
  ['PLAIN', '100101001xxx1000'], // BCLR
  ['PLAIN', '1001010000001001'], // IJMP
  ['CALL', '1001010100001001'], // ICALL
  ['RET', '1001010100001000'],
  ['RETI', '1001010100011000'],
  ['SLEEP', '1001010110001000'],
  ['BREAK', '1001010110011000'],
  ['PLAIN', '1001010110101000'], // WDR
  ['LPM', '1001010111001000'],
  ['SPM', '1001010111101000'],
  ['PLAIN', '1001010xxxxx110x'], // JMP
  ['CALL', '1001010xxxxx111x'],
  ['PLAIN', '10010110xxxxxxxx'], // ADIW
  ['SBIW', '10010111xxxxxxxx'],
  ['CBI', '10011000xxxxxxxx'],
  ['PLAIN', '10011001xxxxxxxx'], // SBIC
  ['PLAIN', '1001101xxxxxxxxx'], // SBI, SBIS
  ['PLAIN', '100111xxxxxxxxxx'], // MUL
  ['PLAIN', '1011xxxxxxxxxxxx'], // IN, OUT
  ['PLAIN', '1100xxxxxxxxxxxx'], // RJMP
  ['CALL', '1101xxxxxxxxxxxx'], // RCALL
  ['PLAIN', '1110xxxxxxxxxxxx'], // LDI
  ['PLAIN', '11110xxxxxxxxxxx'], // BRBS, BRBC
  ['PLAIN', '11111xxxxxxx0xxx'], // BLD, BST, SBRC, SBRS
];

const bits = (pattern, symbol) => parseInt([...pattern].map((bit) => (bit === symbol ? '1' : '0')).join(''), 2);

function buildTable() {
  const table = new Uint8Array(65536).fill(KIND.UNDEFINED);
  for (const [kind, pattern] of PATTERNS) {
    const any = bits(pattern, 'x');
    const value = bits(pattern, '1');
    for (let low = any; ; low = (low - 1) & any) {
      table[value | low] = KIND[kind];
      if (low === 0) {
        break;
      }
    }
  }
  for (let register = 0; register < 32; register++) {
    const operand = register << 4;
    const changed = { 26: [0xd, 0xe], 28: [0x9, 0xa], 30: [0x1, 0x2] }[register & 30] ?? [];
    for (const mode of changed) {
      // A pointer that is loaded or stored as it moves: undefined (instruction set manual, LD and ST).
      table[0x9000 | operand | mode] = table[0x9200 | operand | mode] = KIND.UNDEFINED;
    }
    if (register >= 30) {
      table[0x9005 | operand] = KIND.UNDEFINED; // LPM Zx, Z+
    }
  }
  return table;
}

const KINDS = buildTable();
const isLongJump = (opcode) => (opcode & 0xfe0c) === 0x940c; // JMP, CALL

/**
 * @param {Uint16Array} program every word that the PC can name
 * @param {number} flashWords how many of them the part has
 * @returns {Uint8Array} the kind of the instruction at every word
 */
export function decode(program, flashWords) {
  const kinds = new Uint8Array(program.length).fill(KIND.OUTSIDE);
  for (let word = 0; word < flashWords; word++) {
    const opcode = program[word];
    const farJump = isLongJump(opcode) && ((opcode & 0x1f1) !== 0 || program[word + 1] >= flashWords);
    kinds[word] = farJump ? KIND.OUTSIDE : KINDS[opcode];
  }
  return kinds;
}
