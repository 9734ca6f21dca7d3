"""Results and flags of the emulated UNO's instructions, and when it takes interrupts.

The model is the AVR Instruction Set Manual (DS40002198), chapter 6: its Boolean formulas for each
flag, bit by bit, so that it shares nothing with an implementation that computes them otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.avr_assembly import assembly
from tests.hil.dialogue import ask, read_bytes

OPERANDS = (0x00, 0x01, 0x0F, 0x10, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xF0, 0xFE, 0xFF)
ANSWER_BYTES = 3
C, Z, N, V, S, H, T = (1 << bit for bit in range(7))
FLAGS = (0, C, Z, C | Z, C | Z | N | V | S | H | T)
ADIW_CONSTANT = 63


class Outcome(NamedTuple):
    """What an instruction leaves: ``flags`` of those in ``affected``."""

    result: int
    flags: int
    affected: int


def _bit(value: int, bit: int) -> bool:
    return bool(value >> bit & 1)


def _flags(**values: bool) -> int:
    places = {"c": C, "z": Z, "n": N, "v": V, "s": S, "h": H}
    return sum(places[name] for name, value in values.items() if value)


def _add(a: int, b: int, carry: int) -> Outcome:
    r = (a + b + carry) & 0xFF

    def carried(bit: int) -> bool:
        d, s, x = _bit(a, bit), _bit(b, bit), _bit(r, bit)
        return (d and s) or (s and not x) or (not x and d)

    n = _bit(r, 7)
    v = (_bit(a, 7) and _bit(b, 7) and not n) or (not _bit(a, 7) and not _bit(b, 7) and n)
    flags = _flags(c=carried(7), z=r == 0, n=n, v=v, s=n != v, h=carried(3))
    return Outcome(r, flags, C | Z | N | V | S | H)


def _subtract(a: int, b: int, carry: int, chained_z: bool | None = None) -> Outcome:
    r = (a - b - carry) & 0xFF

    def borrowed(bit: int) -> bool:
        d, s, x = _bit(a, bit), _bit(b, bit), _bit(r, bit)
        return (not d and s) or (s and x) or (x and not d)

    n = _bit(r, 7)
    v = (_bit(a, 7) and not _bit(b, 7) and not n) or (not _bit(a, 7) and _bit(b, 7) and n)
    z = r == 0 and (chained_z is None or chained_z)
    flags = _flags(c=borrowed(7), z=z, n=n, v=v, s=n != v, h=borrowed(3))
    return Outcome(r, flags, C | Z | N | V | S | H)


def _logic(r: int, v: bool = False) -> Outcome:
    n = _bit(r, 7)
    return Outcome(r, _flags(z=r == 0, n=n, v=v, s=n != v), Z | N | V | S)


def _shift(r: int, c: bool) -> Outcome:
    n = _bit(r, 7)
    v = n != c
    return Outcome(r, _flags(c=c, z=r == 0, n=n, v=v, s=n != v), C | Z | N | V | S)


def _multiply(a: int, b: int, shift: int) -> Outcome:
    exact = a * b
    r = exact << shift & 0xFFFF
    return Outcome(r, _flags(c=_bit(exact, 15), z=r == 0), C | Z)


def _word(a: int, r: int, v: bool, c: bool) -> Outcome:
    n = _bit(r, 15)
    return Outcome(r, _flags(c=c, z=r == 0, n=n, v=v, s=n != v), C | Z | N | V | S)


def _add_word(a: int) -> Outcome:
    r = (a + ADIW_CONSTANT) & 0xFFFF
    return _word(a, r, v=not _bit(a, 15) and _bit(r, 15), c=not _bit(r, 15) and _bit(a, 15))


def _subtract_word(a: int) -> Outcome:
    r = (a - ADIW_CONSTANT) & 0xFFFF
    return _word(a, r, v=_bit(a, 15) and not _bit(r, 15), c=_bit(r, 15) and not _bit(a, 15))


def _signed(value: int) -> int:
    return value - 256 if value & 0x80 else value


def _compare(outcome: Outcome, a: int) -> Outcome:
    return outcome._replace(result=a)


Model = Callable[[int, int, int], Outcome]

TWO_REGISTERS: dict[str, Model] = {
    "add": lambda a, b, f: _add(a, b, 0),
    "adc": lambda a, b, f: _add(a, b, f & C),
    "sub": lambda a, b, f: _subtract(a, b, 0),
    "sbc": lambda a, b, f: _subtract(a, b, f & C, bool(f & Z)),
    "cp": lambda a, b, f: _compare(_subtract(a, b, 0), a),
    "cpc": lambda a, b, f: _compare(_subtract(a, b, f & C, bool(f & Z)), a),
    "and": lambda a, b, f: _logic(a & b),
    "or": lambda a, b, f: _logic(a | b),
    "eor": lambda a, b, f: _logic(a ^ b),
    "mov": lambda a, b, f: Outcome(b, 0, 0),
}
ONE_REGISTER: dict[str, Model] = {
    "com": lambda a, b, f: Outcome(a ^ 0xFF, _logic(a ^ 0xFF).flags | C, C | Z | N | V | S),
    "neg": lambda a, b, f: _subtract(0, a, 0),
    "inc": lambda a, b, f: _logic((a + 1) & 0xFF, v=a == 0x7F),
    "dec": lambda a, b, f: _logic((a - 1) & 0xFF, v=a == 0x80),
    "lsr": lambda a, b, f: _shift(a >> 1, _bit(a, 0)),
    "asr": lambda a, b, f: _shift(a >> 1 | a & 0x80, _bit(a, 0)),
    "ror": lambda a, b, f: _shift(a >> 1 | (f & C) << 7, _bit(a, 0)),
    "swap": lambda a, b, f: Outcome((a << 4 | a >> 4) & 0xFF, 0, 0),
}
WITH_CONSTANT: dict[str, Model] = {
    "subi": lambda a, b, f: _subtract(a, 0x81, 0),
    "sbci": lambda a, b, f: _subtract(a, 0x81, f & C, bool(f & Z)),
    "cpi": lambda a, b, f: _compare(_subtract(a, 0x81, 0), a),
    "andi": lambda a, b, f: _logic(a & 0x81),
    "ori": lambda a, b, f: _logic(a | 0x81),
}
PRODUCTS: dict[str, Model] = {
    "mul": lambda a, b, f: _multiply(a, b, 0),
    "muls": lambda a, b, f: _multiply(_signed(a), _signed(b), 0),
    "mulsu": lambda a, b, f: _multiply(_signed(a), b, 0),
    "fmul": lambda a, b, f: _multiply(a, b, 1),
    "fmuls": lambda a, b, f: _multiply(_signed(a), _signed(b), 1),
    "fmulsu": lambda a, b, f: _multiply(_signed(a), b, 1),
}
WORDS: dict[str, Model] = {
    "adiw": lambda a, b, f: _add_word(a | b << 8),
    "sbiw": lambda a, b, f: _subtract_word(a | b << 8),
}

# a in r24, b in r22, SREG in r20; returned: the result in r23:r22, SREG in r24 (MOV keeps flags).
_OPERATION = """
operation_{name}:
  mov r21, r24
  mov r26, r24
  mov r27, r22
  out 0x3f, r20
  {code}
  in r24, 0x3f
  mov r22, {low}
  mov r23, {high}
  clr r1
  clr r25
  ret
"""


def operations() -> Iterator[tuple[str, Model, str]]:
    """Name, model and source of every operation."""
    forms = (
        (TWO_REGISTERS, "{name} r21, r22", "r21", "r25"),
        (ONE_REGISTER, "{name} r21", "r21", "r25"),
        (WITH_CONSTANT, "{name} r21, 0x81", "r21", "r25"),
        (PRODUCTS, "{name} r21, r22", "r0", "r1"),
        (WORDS, f"{{name}} r26, {ADIW_CONSTANT}", "r26", "r27"),
    )
    for models, code, low, high in forms:
        for name, model in models.items():
            clear = "ldi r25, 0\n  " if high == "r25" else ""
            text = clear + code.format(name=name)
            yield name, model, _OPERATION.format(name=name, code=text, low=low, high=high)


OPERATIONS = list(operations())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = assembly([operation[2] for operation in OPERATIONS], "operations")
    text += "\n.global operands, operand_count, flags, flags_count\n"
    text += f"operands: .byte {', '.join(map(str, OPERANDS))}\n"
    text += f"operand_count: .byte {len(OPERANDS)}\n"
    text += f"flags: .byte {', '.join(map(str, FLAGS))}\n"
    text += f"flags_count: .byte {len(FLAGS)}\n"
    path = tmp_path_factory.mktemp("alu") / "table.S"
    path.write_text(text)
    return path


def test_results_and_flags_are_the_manuals(
    source: Path,
    start_uno: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    link = connect(start_uno("alu", source=source))
    cases = list(product(OPERANDS, OPERANDS, FLAGS))
    wrong = []
    for index, (name, model, _) in enumerate(OPERATIONS):
        link.write(bytes([index]))
        answers = read_bytes(link, ANSWER_BYTES * len(cases))
        for case, (a, b, before) in enumerate(cases):
            answer = answers[ANSWER_BYTES * case : ANSWER_BYTES * (case + 1)]
            result, flags, affected = model(a, b, before)
            expected = result.to_bytes(2, "little") + bytes([before & ~affected | flags])
            if answer != expected:
                wrong.append((name, a, b, before, answer.hex(), expected.hex()))
    assert wrong == []


# Vector 19 is USART_UDRE, a level: it is pending whenever UDRIE0 lets it.
_ONE_BETWEEN = """
one_between:
  clr r20
  clr r21
  lds r18, 0xc1         ; UCSR0B
  mov r19, r18
  ori r18, 0x20         ; UDRIE0
  sts 0xc1, r18
  sei
  .rept 8
  inc r20
  .endr
  cli
  mov r22, r23
  clr r23
  clr r24
  clr r25
  ret
"""

_HANDLER = """
.global __vector_19
__vector_19:
  inc r21
  mov r23, r20
  cpi r21, 4
  brne 1f
  sts 0xc1, r19
1:
  reti
"""


def test_one_instruction_follows_sei_and_reti_before_an_interrupt(
    start_uno: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
    tmp_path: Path,
) -> None:
    # Section 7.7: the handler runs four times, with one INC before each.
    source = tmp_path / "table.S"
    source.write_text(
        assembly([_ONE_BETWEEN], "sequences", _HANDLER)
        + "\n.global sequence_count\nsequence_count: .byte 1\n"
    )
    link = connect(start_uno("sequences", source=source))
    assert ask(link, b"?", 1) == [4]
