"""Looks for the cause of a sample that is wrong, from the outside in.

The order is digest, logits, layers, operator or arena: each step only says something where the one
before it has not explained all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hil.golden.layers import LayerReplay, Layers
from hil.golden.result import DivergentOp, SampleFailure, Triage
from hil.golden.runner import SampleRunner
from host.errors import BoardError, ModelError
from host.measurement.candidates import Candidate
from protocol.errors import ErrorCode

_CANNOT = (ErrorCode.UNSUPPORTED, ErrorCode.UNKNOWN_TYPE)


def triage(runner: SampleRunner, failure: SampleFailure, keep: Path | None) -> Triage:
    """Runs the sample again, whole and then op by op.

    Args:
        keep: folder for the tensors of the first op that is wrong.
    """
    lines = []
    again = runner.run(failure.sample)
    if again.input_crc32 != again.sent_crc32:
        lines.append(
            f"input digest: differs again (CRC-32 0x{again.input_crc32:08x}, sent "
            f"0x{again.sent_crc32:08x}): nothing below compares like with like"
        )
        return Triage(sample=failure.sample, lines=tuple(lines))
    first = "differed, but not when it was sent again" if "input" in failure.what else "the same"
    lines.append(f"input digest: {first}")
    if again.outputs is None:
        lines.append(
            "logits: right when run again: the board is not deterministic, or its link or RAM is "
            "not sound"
        )
        return Triage(sample=failure.sample, lines=tuple(lines))
    lines.append(f"logits: {failure.reason}")
    layers = _replay_layers(runner, failure.sample, lines)
    if layers is None:
        return Triage(sample=failure.sample, lines=tuple(lines))
    if layers.op is None:
        lines.append(
            f"layers: all {layers.replayed} ops are right where the run stops behind them: an op "
            "spoils what an earlier one wrote, or the plan's end differs"
        )
        return Triage(sample=failure.sample, lines=tuple(lines))
    lines += _blame(layers.op)
    if keep is not None:
        path = runner.write(
            keep, f"sample-{failure.sample:03}-op-{layers.op.index}", dict(layers.tensors)
        )
        lines.append(f"tensors: {path}")
    return Triage(sample=failure.sample, lines=tuple(lines), op=layers.op)


def _replay_layers(runner: SampleRunner, sample: int, lines: list[str]) -> Layers | None:
    """None where they cannot be replayed; ``lines`` then says why."""
    candidate = runner.candidate
    if not isinstance(candidate, Candidate):
        lines.append(
            f"layers: cannot be replayed: {candidate.version} shows nothing of a run but its "
            "outputs"
        )
        return None
    inputs = [array[sample] for array in runner.golden.inputs]
    try:
        replay = LayerReplay(runner.session, candidate.plan, candidate.graph, inputs)
    except ModelError as error:
        lines.append(f"layers: cannot be replayed: no reference runs them here: {error}")
        return None
    for found, kept in zip(replay.outputs, runner.golden.outputs, strict=True):
        if not np.array_equal(found, kept[sample]):
            lines.append("layers: cannot be judged: this host's reference is not the set's own")
            return None
    try:
        return replay.find()
    except BoardError as error:
        if error.code not in _CANNOT:
            raise
        board = runner.session.capabilities.board
        lines.append(
            f"layers: cannot be replayed: {board} does not stop after an op or shows no arena"
        )
        return None


def _blame(op: DivergentOp) -> list[str]:
    lines = [
        f"layers: {op.title} is the first that differs, in {op.different} of {op.elements} "
        f"elements; the first is {op.first_element}: {op.found} instead of {op.expected}"
    ]
    if op.cause == "operator":
        return [*lines, f"operator: {op.kind} read what is right and wrote what is wrong"]
    if op.overwritten_by is None:
        return [*lines, f"arena: what {op.kind} reads was right once, and is not when it is read"]
    by = f"op {op.overwritten_by}"
    return [*lines, f"arena: what {op.kind} reads was right once, and {by} overwrote it"]
