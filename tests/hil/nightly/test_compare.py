"""A night against a baseline: what is found, and what it is put down to."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import pytest

from hil.nightly import CellVerdict, Status, accept, compare
from host.errors import ConfigError, ExitCode
from protocol.measurement import Budget, Conditions, Cycles, Evidence, Fidelity, Source, Verdict
from protocol.measurement import Measurement as Record
from tests.support.nights import (
    EMULATED,
    GCC,
    PHYSICAL,
    at_night,
    latency,
    physical_nights,
    session_medians,
    slower,
)


def night_of(*tonight: Record, before: tuple[Record, ...] = (EMULATED,)) -> CellVerdict:
    """The verdict of the only cell."""
    (cell,) = compare(accept("b", "test", before), [at_night(r, 40) for r in tonight]).cells
    return cell


def with_board(record: Record, **values: object) -> Record:
    return attrs.evolve(record, board=attrs.evolve(record.board, **values))


def test_the_same_again_is_no_regression() -> None:
    cell = night_of(EMULATED, EMULATED)
    assert (cell.status, cell.findings, cell.sessions) == (Status.SAME, (), 2)


def test_three_percent_more_cycles_name_the_op_and_what_changed() -> None:
    night = compare(
        accept("b", "test", [EMULATED]),
        [at_night(with_board(slower(EMULATED, 0.03), build=f"{GCC}, 1234567"), 1)],
    )
    assert night.exit_code == ExitCode.REGRESSION
    (cell,) = night.having(Status.REGRESSION)
    assert [finding.what for finding in cell.findings] == ["cycles"]
    assert "+2.99%" in cell.findings[0].text
    assert [(op.index, op.kind, op.before, op.after) for op in cell.ops] == [
        (0, "CONV_2D", 60_000, 62_992)
    ]
    assert [(change.what, change.after) for change in cell.changes] == [
        ("firmware build", "1234567")
    ]


def test_one_cycle_of_an_emulated_core_is_a_change() -> None:
    assert EMULATED.cycles is not None
    one_more = attrs.evolve(EMULATED, cycles=attrs.evolve(EMULATED.cycles, max=100_401))
    assert night_of(one_more).status == Status.REGRESSION
    one_less = attrs.evolve(EMULATED, cycles=Cycles(min=99_999, median=99_999, max=100_400))
    assert night_of(one_less).status == Status.IMPROVED


def test_instructions_of_a_core_without_time_model_do_not_gate() -> None:
    proxy = Evidence(source=Source.EMULATED, fidelity=Fidelity.ISA_PROXY, emulator="qemu 7 sim")
    before = attrs.evolve(EMULATED, evidence=proxy)
    cell = night_of(slower(before, 0.1), before=(before,))
    assert cell.status == Status.CHANGED
    assert "instructions" in cell.findings[0].text


def arena(record: Record) -> Record:
    return attrs.evolve(record, memory=attrs.evolve(record.memory, arena_bytes=4100))


def output(record: Record) -> Record:
    return attrs.evolve(record, output=attrs.evolve(record.output, crc32=3, expected_crc32=3))


def wrong(record: Record) -> Record:
    wrong = attrs.evolve(record.output, crc32=3, verdict=Verdict.MISMATCH)
    return attrs.evolve(record, output=wrong)


def unstable(record: Record) -> Record:
    unstable = attrs.evolve(record.output, unstable_at=4, verdict=Verdict.NONDETERMINISTIC)
    return attrs.evolve(record, output=unstable)


def digest(record: Record) -> Record:
    return attrs.evolve(record, input=attrs.evolve(record.input, crc32=9))


def budget(record: Record) -> Record:
    return attrs.evolve(record, budget=Budget(ms=0.5, met=False))


@pytest.mark.parametrize("record", [EMULATED, PHYSICAL])
@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (arena, "arena"),
        (output, "output"),
        (wrong, "output"),
        (unstable, "output"),
        (digest, "input"),
        (budget, "budget"),
    ],
)
def test_what_is_strict_is_strict_everywhere(
    record: Record, spoil: Callable[[Record], Record], what: str
) -> None:
    cell = night_of(record, spoil(record), before=(record,))
    assert cell.status == Status.REGRESSION
    assert [finding.what for finding in cell.findings] == [what]


def test_another_model_may_give_another_output() -> None:
    other = output(attrs.evolve(EMULATED, model=attrs.evolve(EMULATED.model, sha256="cd" * 32)))
    cell = night_of(other)
    assert cell.status == Status.SAME
    assert [change.what for change in cell.changes] == ["model"]


def test_an_unexplained_change_says_that_it_is() -> None:
    cell = night_of(slower(EMULATED, 0.03))
    assert not cell.changes
    assert any("look at the board" in note for note in cell.notes)
    dirty = with_board(EMULATED, build=f"{GCC}, b9e226c-dirty")
    cell = night_of(slower(dirty, 0.03), before=(dirty,))
    assert any("uncommitted sources" in note for note in cell.notes)


GENERATOR = np.random.default_rng(11)
PAST = tuple(physical_nights(session_medians(GENERATOR, (30, 12))))


def tonight(ratio: float = 1.0, record: Record = PHYSICAL) -> list[Record]:
    medians = ratio * session_medians(np.random.default_rng(12), (1, 12))
    return physical_nights(medians, record, first_night=40)


def test_a_physical_slow_down_comes_with_effect_and_confidence() -> None:
    cell = night_of(*tonight(1.05), before=PAST)
    assert cell.status == Status.REGRESSION
    assert cell.shift is not None
    assert cell.shift.ci95[0] < 0.05 < cell.shift.ci95[1]
    assert "95 % CI" in cell.findings[0].text


def test_a_physical_board_as_it_was_is_the_same() -> None:
    cell = night_of(*tonight(), before=PAST)
    assert cell.status == Status.SAME
    assert cell.shift is not None


def test_few_nights_teach_too_little() -> None:
    cell = night_of(*tonight(2.0), before=PAST[: 4 * 12])
    assert cell.status == Status.LEARNING
    assert "4 of the 5 nights" in cell.notes[0]


def test_nights_of_a_new_build_each_teach_nothing_of_noise() -> None:
    builds = [
        at_night(with_board(PHYSICAL, build=f"{GCC}, {night:07x}"), night) for night in range(12)
    ]
    cell = night_of(attrs.evolve(builds[-1], latency_ms=latency(2.0)), before=tuple(builds))
    assert cell.status == Status.LEARNING
    assert "1 of the 5 nights" in cell.notes[0]


@pytest.mark.parametrize(
    ("drifted", "flag"),
    [
        (with_board(PHYSICAL, uid="other"), "identity"),
        (with_board(PHYSICAL, clock_hz=125_000_000), "clock: 125 MHz"),
        (attrs.evolve(PHYSICAL, conditions=Conditions(temperature_c=(30, 71))), "temperature"),
        (
            attrs.evolve(PHYSICAL, conditions=Conditions(temperature_c=(30, 35), throttled=True)),
            "throttled",
        ),
    ],
)
def test_a_board_that_drifted_is_flagged_not_averaged_away(drifted: Record, flag: str) -> None:
    # One session of the night is enough.
    records = [*tonight(1.5)[:-1], at_night(attrs.evolve(drifted, latency_ms=latency(1.5)), 40, 11)]
    if "other" in str(drifted.board.uid):
        records = tonight(1.5, drifted)
    cell = night_of(*records, before=PAST)
    assert cell.status == Status.FLAGGED
    assert any(flag in text for text in cell.flags)
    assert cell.shift is None


def test_two_equal_boards_are_two_cells() -> None:
    twin = with_board(EMULATED, uid="twin")
    night = compare(
        accept("b", "test", [EMULATED, twin]), [at_night(twin, 1), at_night(EMULATED, 1)]
    )
    assert [cell.status for cell in night.cells] == [Status.SAME, Status.SAME]


def test_what_was_not_measured_is_missing_and_what_is_new_is_new() -> None:
    other = attrs.evolve(EMULATED, model=attrs.evolve(EMULATED.model, name="other.tflite"))
    night = compare(accept("b", "test", [EMULATED]), [at_night(other, 1)])
    assert sorted(cell.status for cell in night.cells) == [Status.MISSING, Status.NEW]
    assert night.exit_code == ExitCode.BOARD_OR_LINK


def test_a_session_apart_is_left_out_and_said() -> None:
    records = tonight()
    records[3] = attrs.evolve(records[3], latency_ms=latency(3.0))
    cell = night_of(*records, before=PAST)
    assert cell.status == Status.SAME
    assert any("1 of 12 sessions stand apart" in note for note in cell.notes)


def test_an_empty_night_is_refused() -> None:
    with pytest.raises(ConfigError, match="no measurement to compare"):
        compare(accept("b", "test", [EMULATED]), [])
