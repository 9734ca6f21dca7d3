"""Whether a board can run a bundle, by what the board says of itself."""

from __future__ import annotations

import re

from protocol.bundle.errors import BundleError, Stage
from protocol.bundle.manifest import Manifest, VersionRange
from protocol.capabilities import Capabilities
from protocol.framing import PROTOCOL_VERSION
from protocol.messages import Engine
from protocol.plan import PlanOp

ENGINE_OF_BACKEND = {"tflite_micro": "jump_rt", "litert": "litert", "onnxruntime": "onnxruntime"}
PRECISIONS = {
    "jump_rt": frozenset({"int8", "int4"}),
    "litert": frozenset({"int8", "int4", "int16", "float16", "float32"}),
    "onnxruntime": frozenset({"int8", "float16", "float32"}),
}
"""What an engine executes."""


def check_fits(manifest: Manifest, board: Capabilities) -> None:
    """Compares what the bundle requires with what a board offers.

    Raises:
        BundleError: of the stage COMPATIBILITY; with both sides.
    """
    wanted = manifest.requires
    if wanted.board != board.board:
        raise _unfit(f"made for the board {wanted.board}, this is {board.board or 'unnamed'}")
    if wanted.domain != board.domain:
        raise _unfit(f"made for the domain {wanted.domain}, this is {board.domain or 'unnamed'}")
    if ENGINE_OF_BACKEND[wanted.backend] != wanted.engine:
        raise _unfit(f"the backend {wanted.backend} is not fulfilled by {wanted.engine}")
    precision = manifest.model.precision
    if precision not in PRECISIONS[wanted.engine]:
        raise _unfit(f"{wanted.engine} does not execute {precision}")
    if wanted.protocol != PROTOCOL_VERSION:
        raise _unfit(f"protocol version {wanted.protocol}, this is {PROTOCOL_VERSION}")
    _check_engine(manifest, board)
    _check_plan(manifest, board)


def _check_engine(manifest: Manifest, board: Capabilities) -> None:
    wanted = manifest.requires
    offer = board.offer(Engine[wanted.engine.upper()])
    text = offer.version if offer is not None else board.engine
    name, _, version = text.partition(" ")
    if name != wanted.engine:
        raise _unfit(f"needs the engine {wanted.engine}, the board has {text or 'none'}")
    accepted = wanted.engine_version
    if not is_within(version, accepted):
        raise _unfit(
            f"needs {wanted.engine} from {accepted.at_least} to below {accepted.below}, "
            f"the board has {version or 'no version'}"
        )


def _check_plan(manifest: Manifest, board: Capabilities) -> None:
    wanted = manifest.requires
    if wanted.plan_version is not None:
        major, minor = wanted.plan_version
        if major != board.plan_version[0] or minor > board.plan_version[1]:
            has = ".".join(map(str, board.plan_version))
            raise _unfit(f"needs plan version {major}.{minor}, the board reads {has}")
    lacking = set(wanted.ops or ()) - board.op_set
    if lacking:
        names = ", ".join(_op_name(op) for op in sorted(lacking))
        raise _unfit(f"needs ops that the board has no kernels for: {names}")
    if wanted.arena_bytes is not None and wanted.arena_bytes > board.pool_bytes:
        raise _unfit(
            f"needs an arena of {wanted.arena_bytes:,} bytes, the board has {board.pool_bytes:,}"
        )


def is_within(version: str, accepted: VersionRange) -> bool:
    """Whether the numbers that ``version`` begins with lie in the range; what has none does not."""
    numbers = _numbers(version)
    return bool(numbers) and _numbers(accepted.at_least) <= numbers < _numbers(accepted.below)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while len(numbers) > 1 and numbers[-1] == 0:  # 1.0 is 1
        numbers.pop()
    return tuple(numbers)


def _op_name(op: int) -> str:
    return PlanOp(op).name if op in set(PlanOp) else str(op)


def _unfit(reason: str) -> BundleError:
    return BundleError(Stage.COMPATIBILITY, reason)
