"""Cycles of the emulated UNO: every class of instruction against the data sheet.

The expected figures are those of the ATmega48A/PA/88A/PA/168A/PA/328/P data sheet, DS40002061:
"Instruction Set Summary", column "#Clocks", under the headings that the lists below have;
interrupts are section 7.7.1. The board times itself with Timer 1 at the system clock.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from hil.emulators.process import EmulatorProcess
from host.links.emulator import EmulatorLink
from tests.hil.avr_assembly import assembly
from tests.hil.dialogue import ask

LDS_CYCLES = 2
"""Between the two readings of Timer 1 there is always one of them."""


class Sequence(NamedTuple):
    """Code between two readings of the timer; r16 to r27, r30, r31, r0 and r1 are its own."""

    name: str
    cycles: int
    code: str
    before: str = ""
    after: str = ""


# Arithmetic and logic instructions, and the register moves.
ARITHMETIC = [
    *(
        Sequence(name, 1, f"{name} r16, r17")
        for name in ("add", "adc", "sub", "sbc", "and", "or", "eor", "cp", "cpc", "mov")
    ),
    *(
        Sequence(name, 1, f"{name} r16, 3")
        for name in ("subi", "sbci", "andi", "ori", "cpi", "ldi", "sbr", "cbr")
    ),
    *(
        Sequence(name, 1, f"{name} r16")
        for name in ("com", "neg", "inc", "dec", "tst", "clr", "ser", "lsl", "lsr", "rol", "ror")
    ),
    *(Sequence(name, 1, f"{name} r16") for name in ("asr", "swap")),
    Sequence("movw", 1, "movw r16, r18"),
    Sequence("adiw", 2, "adiw r26, 1"),
    Sequence("sbiw", 2, "sbiw r26, 1"),
    *(
        Sequence(name, 2, f"{name} r16, r17")
        for name in ("mul", "muls", "mulsu", "fmul", "fmuls", "fmulsu")
    ),
]

# Bit and bit-test instructions, IN and OUT, MCU control instructions.
BITS = [
    Sequence("bset", 1, "set"),
    Sequence("bclr", 1, "clt"),
    Sequence("bst", 1, "bst r16, 3"),
    Sequence("bld", 1, "bld r16, 3"),
    Sequence("sbi", 2, "sbi 0x1e, 0"),  # GPIOR0
    Sequence("cbi", 2, "cbi 0x1e, 0"),
    Sequence("in", 1, "in r16, 0x1e"),
    Sequence("out", 1, "out 0x1e, r16"),
    Sequence("nop", 1, "nop"),
    Sequence("wdr", 1, "wdr"),
    Sequence("sleep without SE", 1, "sleep"),
]

_POINTERS = "ldi r26, 0x00\nldi r27, 0x02\nmovw r30, r26\nmovw r28, r26"
# Data transfer instructions.
MEMORY = [
    *(
        Sequence(f"ld {mode}", 2, f"ld r16, {mode}", _POINTERS)
        for mode in ("X", "X+", "-X", "Y", "Y+", "-Y", "Z", "Z+", "-Z")
    ),
    *(Sequence(f"ldd {mode}", 2, f"ldd r16, {mode}", _POINTERS) for mode in ("Y+5", "Z+5")),
    # To memory of their own: what they store is random.
    *(
        Sequence(f"st {mode}", 2, f"st {mode}, r16", _POINTERS)
        for mode in ("X", "X+", "-X", "Y", "Y+", "-Y", "Z", "Z+", "-Z")
    ),
    *(Sequence(f"std {mode}", 2, f"std {mode}, r16", _POINTERS) for mode in ("Y+5", "Z+5")),
    Sequence("lds", 2, "lds r16, 0x0200"),
    Sequence("sts", 2, "sts 0x0200, r16"),
    Sequence("lpm r0", 3, "lpm", _POINTERS),
    Sequence("lpm Z", 3, "lpm r16, Z", _POINTERS),
    Sequence("lpm Z+", 3, "lpm r16, Z+", _POINTERS),
    Sequence("push", 2, "push r16", after="pop r16"),
    Sequence("pop", 2, "pop r16", before="push r16"),
]

_CLEAR_Z, _SET_Z = "clz", "sez"
# Branch instructions.
BRANCHES = [
    Sequence("rjmp", 2, "rjmp 1f\n1:"),
    Sequence("jmp", 3, "jmp 1f\n1:"),
    Sequence("ijmp", 2, "ijmp\n1:", "ldi r30, pm_lo8(1f)\nldi r31, pm_hi8(1f)"),
    # The call, its ret of 4, and an rjmp of 2 over the callee.
    Sequence("rcall, ret", 3 + 4 + 2, "rcall 1f\nrjmp 2f\n1: ret\n2:"),
    Sequence("call, ret", 4 + 4 + 2, "call 1f\nrjmp 2f\n1: ret\n2:"),
    Sequence(
        "icall, ret",
        3 + 4 + 2,
        "icall\nrjmp 2f\n1: ret\n2:",
        "ldi r30, pm_lo8(1f)\nldi r31, pm_hi8(1f)",
    ),
    Sequence("rcall, reti", 3 + 4 + 2, "rcall 1f\nrjmp 2f\n1: reti\n2:", after="cli"),
    Sequence("brbs, taken", 2, "breq 1f\n1:", _SET_Z),
    Sequence("brbs, not taken", 1, "breq 1f\n1:", _CLEAR_Z),
    Sequence("brbc, taken", 2, "brne 1f\n1:", _CLEAR_Z),
    Sequence("brbc, not taken", 1, "brne 1f\n1:", _SET_Z),
]

_BIT_SET = "ldi r16, 1\nldi r17, 1\nout 0x1e, r16"
_BIT_CLEAR = "ldi r16, 0\nldi r17, 1\nout 0x1e, r16"
# Branch instructions that skip: 1, or 2 and 3 over one and two words.
SKIPS = [
    Sequence(
        f"{name}, {what}", cycles + other, f"{code}\n{skipped}", _BIT_SET if is_set else _BIT_CLEAR
    )
    for name, code, skips_when_set in (
        ("cpse", "cpse r16, r17", True),
        ("sbrs", "sbrs r16, 0", True),
        ("sbrc", "sbrc r16, 0", False),
        ("sbis", "sbis 0x1e, 0", True),
        ("sbic", "sbic 0x1e, 0", False),
    )
    for what, is_set, cycles, other, skipped in (
        ("no skip", not skips_when_set, 1, 1, "nop"),
        ("one word", skips_when_set, 2, 0, "nop"),
        ("two words", skips_when_set, 3, 0, "lds r18, 0x0200"),
        ("a call", skips_when_set, 3, 0, "call main"),
    )
]

# OCF1A is set beforehand: the interrupt is pending as soon as TIMSK1 enables it. Its handler (rjmp
# from the vector, 2; sts, 2; reti, 4) runs once and switches it off again.
_PENDING = (
    "ldi r16, 0xff\nsts 0x88 + 1, r1\nsts 0x88, r1\nsts 0x84 + 1, r1\nsts 0x84, r1\n"
    "ldi r17, 2\nnop\nnop"
)
_VECTOR_CYCLES = 3  # avr-libc's vectors are JMP
_HANDLER_CYCLES = 2 + 4
INTERRUPTS = [
    Sequence(
        "interrupt entry",
        2 + 4 + _VECTOR_CYCLES + _HANDLER_CYCLES,
        "sts 0x6f, r17",
        _PENDING + "\nsei",
        "cli",
    ),
    Sequence(
        "entry out of sleep",
        2 + 1 + 1 + (4 + 4) + _VECTOR_CYCLES + _HANDLER_CYCLES,
        "sts 0x6f, r17\nsei\nsleep",
        _PENDING + "\nldi r16, 1\nout 0x33, r16",  # SMCR: idle, SE
        "cli\nout 0x33, r1",
    ),
]

SEQUENCES = [
    *(Sequence("nothing", 0, ""), *ARITHMETIC, *BITS, *MEMORY, *BRANCHES, *SKIPS, *INTERRUPTS),
]

_FUNCTION = """
sequence_{index}:
  push r16
  push r17
  push r28
  push r29
  clt
  {before}
  lds r24, 0x84          ; TCNT1L
  {code}
  lds r25, 0x84
  {after}
  sub r25, r24
  mov r22, r25
  clr r1
  clr r23
  clr r24
  clr r25
  pop r29
  pop r28
  pop r17
  pop r16
  ret
"""

_SUFFIX = """
.global __vector_11      ; TIMER1_COMPA
__vector_11:
  sts 0x6f, r1
  reti
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def indented(code: str) -> str:
        return "\n  ".join(code.split("\n"))

    functions = [
        _FUNCTION.format(
            index=index,
            before=indented(sequence.before),
            code=indented(sequence.code),
            after=indented(sequence.after),
        )
        for index, sequence in enumerate(SEQUENCES)
    ]
    count = f".global sequence_count\nsequence_count: .byte {len(SEQUENCES)}\n"
    path = tmp_path_factory.mktemp("cycles") / "table.S"
    path.write_text(assembly(functions, "sequences", _SUFFIX) + f"\n{count}")
    return path


def test_every_class_of_instruction_costs_what_the_data_sheet_says(
    source: Path,
    start_uno: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    link = connect(start_uno("sequences", source=source))
    measured = ask(link, b"?", len(SEQUENCES))
    cycles = {
        sequence.name: value - LDS_CYCLES
        for sequence, value in zip(SEQUENCES, measured, strict=True)
    }
    assert cycles == {sequence.name: sequence.cycles for sequence in SEQUENCES}
