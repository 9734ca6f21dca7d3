"""What ops were measured to take: the file a calibration can be fitted from again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from host.compiler import PlannedOp
from host.errors import ConfigError
from host.evidence import History
from host.files import write_text
from protocol.plan import PlanOp

_SCALING = ("multiplier", "shift", "offset", "zero_point")
_NOT_WORK = frozenset(
    {
        *_SCALING,
        *(f"{side}_{what}" for side in ("input", "output") for what in _SCALING),
        *(f"input{which}_{what}" for which in (1, 2) for what in _SCALING),
        *("left_shift", "activation_min", "activation_max", "pad_value", "value"),
    }
)
"""Parameters that change results, not work."""


@attrs.frozen
class Sample:
    """Cycles of one op on a board.

    ``store``: where its plan lay, ``ram`` or ``flash``; ``plan_bytes``: all of its constants.
    """

    op: PlannedOp
    cycles: int
    store: str
    plan_bytes: int

    def to_dict(self) -> dict[str, Any]:
        measured = {"cycles": self.cycles, "store": self.store, "plan_bytes": self.plan_bytes}
        return {**measured, **describe(self.op)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Sample:
        return cls(planned(values), values["cycles"], values["store"], values["plan_bytes"])


def describe(op: PlannedOp) -> dict[str, Any]:
    """What of an op its work follows from, as plain JSON values."""
    return {
        "kind": op.kind.name,
        "macs": op.macs,
        "scratch_bytes": op.scratch_bytes,
        "input_bytes": list(op.input_bytes),
        "output_bytes": op.output_bytes,
        "constant_bytes": op.constant_bytes,
        "in_place": op.in_place,
        "parameters": {
            name: value for name, value in op.parameters.items() if name not in _NOT_WORK
        },
    }


def planned(values: dict[str, Any]) -> PlannedOp:
    """The op that :func:`describe` described."""
    return PlannedOp(
        kind=PlanOp[values["kind"]],
        macs=values["macs"],
        scratch_bytes=values["scratch_bytes"],
        source_index=None,
        source_name="",
        parameters=values["parameters"],
        input_bytes=tuple(values["input_bytes"]),
        output_bytes=values["output_bytes"],
        constant_bytes=values["constant_bytes"],
        in_place=values["in_place"],
    )


def write_samples(path: Path, head: dict[str, Any], samples: Iterable[Sample]) -> None:
    """One JSON object a line: what was measured on, then a sample each."""
    lines = [head, *(sample.to_dict() for sample in samples)]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    write_text(path, text)


def read_samples(path: Path) -> tuple[dict[str, Any], list[Sample]]:
    """What :func:`write_samples` wrote.

    Raises:
        ConfigError: it cannot be read, or a line is not what it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror or error}",
            hint="`host calibrate --board ID` measures and writes it",
        ) from error
    head: dict[str, Any] = {}
    samples = []
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            if number == 1:
                head = values
            else:
                samples.append(Sample.from_dict(values))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path}: line {number}: no sample: {error!r}") from error
    return head, samples


def samples_path(calibration: Path) -> Path:
    """Where the samples of a calibration's file lie."""
    return calibration.with_name(f"{calibration.stem}_samples.jsonl")


def samples_of_history(history: History, head: dict[str, Any]) -> list[Sample]:
    """Profiled ops of the board and firmware that ``head`` names.

    Those that were stored without their buffers' sizes are left out.
    """
    found = []
    for entry in history.op_samples(board_id=head["board"]):
        same = (entry.build, entry.emulator) == (head["build"], head["emulator"])
        if not same or entry.plan_store is None or "in_place" not in entry.parameters:
            continue
        values = {**entry.parameters, "kind": entry.kind, "macs": entry.macs}
        op = planned({**values, "parameters": entry.parameters})
        found.append(Sample(op, entry.cycles, entry.plan_store, entry.plan_bytes))
    return found
