"""The plug-in counts what there is to count, the same every time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, read_bytes
from tests.hil.mps2_sequences import SEQUENCES, build_sequences, count


@pytest.fixture(scope="module")
def link() -> Iterator[EmulatorLink]:
    with EmulatorLink(build_sequences().start()) as link:
        yield link


@pytest.mark.parametrize("name", SEQUENCES)
def test_instructions_and_cycles(link: EmulatorLink, name: str) -> None:
    around = count(link, None)
    instructions, cycles = count(link, name)
    found = (instructions - around[0], cycles - around[1])
    assert found == (SEQUENCES[name].instructions, SEQUENCES[name].cycles)


def test_the_same_every_time_whatever_the_host_does(link: EmulatorLink) -> None:
    first = count(link, "loop")
    for _ in range(20):
        assert count(link, "loop") == first


def test_an_answer_that_a_reset_cut_off_is_dropped() -> None:
    board = build_sequences().start()
    with EmulatorLink(board) as link, Control(board) as control:
        expected = count(link, "loop")
        for _ in range(5):
            link.write(bytes(200))  # two hundred readings, interrupted
            control.command("pin")
            while control.next_message() != {"event": "reset", "cause": "pin"}:
                pass
            while read_bytes(link, 1, timeout_s=1.0):
                pass
            assert count(link, "loop") == expected
