"""What was another one: by what a record says of its model, plan, firmware, tools and board."""

from __future__ import annotations

from hil.nightly.verdicts import Change, OpChange
from protocol.measurement import Measurement

_TEMPERATURE_MARGIN_C = 10.0
"""Farther than this from every accepted night, and oscillators and governors behave otherwise."""

_CLOCK_TOLERANCE = 1e-3


def split_build(build: str | None) -> tuple[str, str]:
    """Compiler with flags, and source revision, of ``gcc 12.2.1 -O2 -mcpu=..., b9e226c``."""
    compiler, comma, revision = (build or "").rpartition(", ")
    return (compiler, revision) if comma else (build or "", "")


def changes(before: Measurement, after: Measurement) -> tuple[Change, ...]:
    """What differs, the cause nearest to the user first; empty where the records tell nothing."""
    compiler_before, revision_before = split_build(before.board.build)
    compiler_after, revision_after = split_build(after.board.build)
    pairs: list[tuple[str, object, object]] = [
        ("model", before.model.sha256[:12], after.model.sha256[:12]),
        ("plan", _plan(before), _plan(after)),
        ("plan store", before.memory.plan_store, after.memory.plan_store),
        ("compiler", compiler_before, compiler_after),
        ("firmware build", revision_before, revision_after),
        ("firmware version", before.board.firmware, after.board.firmware),
        ("engine", before.board.engine, after.board.engine),
        ("emulator", before.evidence.emulator, after.evidence.emulator),
        ("board", before.board.uid, after.board.uid),
        ("clock", before.board.clock_hz, after.board.clock_hz),
        ("power mode", before.conditions.power_mode, after.conditions.power_mode),
        ("governor", before.conditions.governor, after.conditions.governor),
    ]
    return tuple(Change(what, _shown(old), _shown(new)) for what, old, new in pairs if old != new)


def unexplained(before: Measurement, after: Measurement) -> str:
    """What to look at where the records name no difference at all."""
    if "dirty" in f"{before.board.build} {after.board.build}":
        return (
            "nothing that the records name has changed; but a build is of uncommitted sources "
            f"({split_build(after.board.build)[1]}), which one revision cannot tell apart"
        )
    return "nothing that the records name has changed: look at the board and its surroundings"


def op_changes(before: Measurement, after: Measurement) -> tuple[OpChange, ...]:
    """Ops whose cycles differ, the largest slow-down first; none without two alike profiles."""
    if before.ops is None or after.ops is None:
        return ()
    if [op.kind for op in before.ops] != [op.kind for op in after.ops]:
        return ()
    found = [
        OpChange(index=new.index, kind=new.kind, before=old.cycles, after=new.cycles)
        for old, new in zip(before.ops, after.ops, strict=True)
        if new.cycles != old.cycles
    ]
    return tuple(sorted(found, key=lambda op: op.before - op.after))


def drift(
    before: Measurement, after: Measurement, temperatures_c: tuple[float, float] | None
) -> tuple[str, ...]:
    """Why a physical board's latency cannot be compared with its past.

    Args:
        temperatures_c: lowest and highest that the accepted nights saw.
    """
    flags: list[str] = []
    if before.board.uid != after.board.uid:
        flags.append(
            f"identity: this is board {after.board.uid or 'without a serial number'}, the "
            f"baseline's is {before.board.uid or 'without one'}"
        )
    old_hz, new_hz = before.board.clock_hz, after.board.clock_hz
    if old_hz and new_hz and abs(new_hz / old_hz - 1) > _CLOCK_TOLERANCE:
        flags.append(f"clock: {new_hz / 1e6:g} MHz, the baseline's was {old_hz / 1e6:g} MHz")
    if before.conditions.governor != after.conditions.governor:
        flags.append(
            f"clock: governor {after.conditions.governor}, was {before.conditions.governor}"
        )
    if before.conditions.power_mode != after.conditions.power_mode:
        flags.append(
            f"clock: power mode {after.conditions.power_mode}, was {before.conditions.power_mode}"
        )
    if after.conditions.throttled:
        flags.append("clock: the board throttled itself")
    seen = after.conditions.temperature_c
    if seen is not None and temperatures_c is not None:
        low, high = temperatures_c
        if max(seen) > high + _TEMPERATURE_MARGIN_C or min(seen) < low - _TEMPERATURE_MARGIN_C:
            flags.append(
                f"temperature: {min(seen):g} to {max(seen):g} °C, the baseline's nights had "
                f"{low:g} to {high:g} °C"
            )
    return tuple(flags)


def _plan(record: Measurement) -> str:
    return f"0x{record.candidate.plan_crc32:08x}, {record.candidate.plan_bytes:,} bytes"


def _shown(value: object) -> str:
    return "none" if value in (None, "") else str(value)
