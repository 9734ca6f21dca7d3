"""Instructions whose number and cycles are known, and a board that counts them.

Cycles are those of the Cortex-M4's table (Technical Reference Manual, table 3-1), to which Arm
publishes no counterpart for the Cortex-M33; stores take one (there is a write buffer), taken
branches two, divisions six.
"""

from __future__ import annotations

import struct

import attrs

from host.links.emulator import EmulatorLink
from tests.firmware.uno_q.images import Image, built
from tests.hil.dialogue import read_bytes
from tests.support.make import BUILD_DIR

_ANSWER = struct.Struct("<QQ")


@attrs.frozen
class Sequence:
    """Assembly that may change r0 to r3, r12 and flags; r0 points to 16 words."""

    code: str
    instructions: int
    cycles: int


SEQUENCES = {
    "nops": Sequence("nop; nop; nop; nop.w", 4, 4),
    "load": Sequence("ldr r1, [r0]", 1, 2),
    "load byte": Sequence("ldrb r1, [r0, #1]", 1, 2),
    "load half": Sequence("ldrh r1, [r0, #2]", 1, 2),
    "load, register": Sequence("movs r1, #4; ldr r1, [r0, r1]", 2, 3),
    "load signed half": Sequence("movs r1, #2; ldrsh r1, [r0, r1]", 2, 3),
    "load signed byte": Sequence("movs r1, #2; ldrsb r1, [r0, r1]", 2, 3),
    "load, wide": Sequence("ldr.w r12, [r0, #4]", 1, 2),
    "load half, writing back": Sequence("ldrh.w r1, [r0], #2", 1, 2),
    "load literal": Sequence("ldr r1, [pc, #0]", 1, 2),
    "load from the stack": Sequence("ldr r1, [sp]", 1, 2),
    "load exclusive": Sequence("ldrex r1, [r0]", 1, 2),
    "store": Sequence("str r1, [r0]", 1, 1),
    "store half, register": Sequence("movs r1, #2; strh r1, [r0, r1]", 2, 2),
    "store, wide": Sequence("str.w r12, [r0, #4]", 1, 1),
    "load multiple": Sequence("ldm r0!, {r1, r2, r3}", 1, 4),
    "load multiple, wide": Sequence("ldm.w r0, {r1, r2, r3, r12}", 1, 5),
    "store multiple": Sequence("stm r0!, {r1, r2}", 1, 3),
    "store multiple, wide": Sequence("stmdb.w sp!, {r1, r2, r12}; add sp, #12", 2, 5),
    "push and pop": Sequence("push {r1, r2, r3}; pop {r1, r2, r3}", 2, 8),
    "load double": Sequence("ldrd r1, r2, [r0, #8]", 1, 3),
    "store double": Sequence("strd r1, r2, [r0, #8]", 1, 3),
    "multiply": Sequence("mul r1, r0, r0; mla r1, r0, r0, r1; muls r2, r1, r2", 3, 3),
    "multiply long": Sequence("smull r1, r2, r0, r0; umlal r1, r2, r0, r0", 2, 2),
    "DSP": Sequence("smlad r1, r0, r0, r1; sxtb16 r2, r0, ror #8; smlald r1, r2, r0, r0", 3, 3),
    "saturate": Sequence("ssat r1, #8, r0; qadd r1, r1, r0; pkhbt r2, r0, r1, lsl #16", 3, 3),
    "divide": Sequence("movs r1, #7; udiv r2, r0, r1; sdiv r2, r0, r1", 3, 13),
    "branch not taken": Sequence("cmp r0, r0; bne 1f; nop; 1:", 3, 3),
    "branch taken": Sequence("b 1f; nop; 1:", 1, 2),
    "branch taken, wide": Sequence("cmp r0, r0; beq.w 1f; .space 300; 1:", 2, 3),
    "branch on zero": Sequence("movs r1, #0; cbz r1, 1f; nop; 1:", 2, 3),
    "loop": Sequence("movs r1, #10; 1: subs r1, #1; bne 1b", 21, 30),
    "loop of two branches": Sequence("movs r1, #5; 1: subs r1, #1; cbz r1, 2f; b 1b; 2:", 15, 20),
    "call": Sequence("mov r12, lr; bl 1f; mov lr, r12; b 2f; 1: bx lr; 2:", 5, 8),
    "call by register": Sequence(
        "mov r12, lr; adr r1, 1f; adds r1, #1; blx r1; b 2f; .balign 4; 1: bx lr; 2: mov lr, r12",
        7,
        10,
    ),
    "skipped by IT": Sequence("cmp r0, r0; itt ne; addne r1, #1; addne r1, #1", 4, 4),
    "table branch": Sequence("movs r1, #0; tbb [pc, r1]; .byte 1, 1; 1:", 2, 4),
    # A block of the translator ends where a page does, of 1 KB here; nothing is to be seen of it.
    "across pages": Sequence(".rept 1500; nop; .endr", 1500, 1500),
}

_MAIN = """
#include "port.h"

typedef void (*sequence)(uint32_t *words);
{functions}
static const sequence sequences[] = {{ {names} }};

static void answer(uint64_t number) {{
    port_write((const uint8_t *)&number, sizeof number);
}}

int main(void) {{
    static uint32_t words[16];
    uint8_t index;
    port_init();
    for (;;) {{
        port_feed_watchdog();
        if (port_read(&index, 1) == 0) {{
            port_idle();
            continue;
        }}
        const sequence run = sequences[index];
        const uint64_t cycles = port_ticks();
        const uint64_t instructions = port_instructions();
        run(words);
        const uint64_t passed = port_ticks() - cycles;
        answer(port_instructions() - instructions);
        answer(passed);
    }}
}}
"""
_FUNCTION = """
static void __attribute__((naked, aligned(4))) sequence_{index}(uint32_t *words) {{
    (void)words;
    __asm volatile("{code}\\n\\tbx lr");
}}
"""


def build_sequences() -> Image:
    """An image that runs the sequence whose index it is sent; the first is empty."""
    codes = ["", *(sequence.code for sequence in SEQUENCES.values())]
    functions = (_FUNCTION.format(index=i, code=code) for i, code in enumerate(codes))
    names = ", ".join(f"sequence_{i}" for i in range(len(codes)))
    text = _MAIN.format(functions="".join(functions), names=names)
    # Beside what is built from it, which is looked at again by the next test run.
    main = BUILD_DIR / "uno_q-sequences" / "sequences.c"
    main.parent.mkdir(parents=True, exist_ok=True)
    if not main.is_file() or main.read_text() != text:
        main.write_text(text)
    return built("uno_q-an505", "sequences", f"MAIN={main}")


def count(link: EmulatorLink, name: str | None) -> tuple[int, int]:
    """Instructions and cycles of a sequence with what surrounds it; ``None``: of that alone."""
    index = 0 if name is None else 1 + list(SEQUENCES).index(name)
    link.write(bytes([index]))
    data = read_bytes(link, _ANSWER.size)
    assert len(data) == _ANSWER.size, data
    instructions, cycles = _ANSWER.unpack(data)
    return instructions, cycles
