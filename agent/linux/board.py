"""What this board is, and what it offers."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from pathlib import Path

import attrs

from agent.linux.engines.offers import find_interpreters
from agent.linux.engines.plan_process import PlanProcess
from agent.linux.machine import Machine
from protocol.capabilities import Capabilities, EngineOffer, Feature
from protocol.messages import Engine, ModelFormat

MAX_PAYLOAD_BYTES = 8192
"""As the posix build's, to which frames are passed on."""
MAX_BATCH = 1000
MOST_THREADS = 4
"""By default: more help few models."""
TICK_HZ = 1_000_000_000


@attrs.frozen(kw_only=True)
class Settings:
    """How the agent is to run; ``threads`` and ``cpus`` are for a model that names none."""

    board: str
    store: Path
    model_bytes: int
    threads: int
    cpus: tuple[int, ...]
    hang_s: float
    pc_agent: Path | None
    pool_bytes: int | None = None
    emulator: str = ""


def default_threads(cpus: Sequence[int]) -> int:
    return min(MOST_THREADS, len(cpus))


async def describe(settings: Settings, machine: Machine, plans: PlanProcess | None) -> Capabilities:
    """What HELLO's capabilities say.

    Raises:
        Refusal: the plan process does not start.
    """
    engines = list(find_interpreters())
    offered = Capabilities(max_batch=MAX_BATCH)
    if plans is not None:
        await plans.start()
        offered = plans.capabilities
        engines.append(
            EngineOffer(Engine.JUMP_RT, frozenset({int(ModelFormat.PLAN)}), offered.engine)
        )
    return attrs.evolve(
        offered,
        firmware=_version(),
        board=settings.board,
        domain="mpu",
        uid=machine.uid,
        core=machine.core,
        clock_hz=machine.clock_hz(settings.cpus[0]),
        tick_hz=TICK_HZ,
        max_payload_bytes=min(MAX_PAYLOAD_BYTES, offered.max_payload_bytes or MAX_PAYLOAD_BYTES),
        features=offered.features | Feature.RESET,
        build=f"agent/linux, {platform.python_implementation()} {platform.python_version()}; "
        f"{offered.build}".removesuffix("; "),
        emulator=settings.emulator,
        engines=tuple(engines),
        model_bytes=settings.model_bytes,
    )


def _version() -> str:
    try:
        return importlib.metadata.version("jumpstation-hil")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "of a checkout"
