"""What a model takes on a board, quantized to int8: before pruning, and after."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs

import devices
from host.compiler import compile_graph
from host.errors import ConfigError
from host.evidence import History
from host.models.tflite_importer import import_tflite
from host.targeting.bench import EvidenceBench
from host.targeting.catalog import PLAN_CONTRACT, devices_for
from host.targeting.latency import LatencyFigure
from host.targeting.site import Device, Site
from host.targeting.sizing import plan_vector

PRECISION = "int8"

NOTICEABLE = 0.01
"""Less than this is no gain: kernels branch on values, so that other weights of the same shapes
take a little more or less time."""


@attrs.frozen(kw_only=True)
class Footprint:
    """Of one int8 model on one board.

    ``output``: the verdict on what came out there, None where it was not run; ``note`` says why a
    latency is not measured, or missing.
    """

    arena_bytes: int
    plan_bytes: int
    macs: int
    latency: LatencyFigure | None
    output: str | None
    note: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        latency = self.latency
        return {
            "arena_bytes": self.arena_bytes,
            "plan_bytes": self.plan_bytes,
            "macs": self.macs,
            "latency_ms": None if latency is None else latency.median_ms,
            "latency_evidence": None
            if latency is None
            else {
                "method": str(latency.method),
                "source": str(latency.evidence.source),
                "fidelity": str(latency.evidence.fidelity),
                "label": latency.label,
                "low_ms": latency.low_ms,
                "high_ms": latency.high_ms,
            },
            "output": self.output,
            "note": self.note,
        }


def plan_device(board: str) -> Device:
    """A board with the one domain of it that runs plans.

    Raises:
        ConfigError: there is no such board, or no plan runs there.
    """
    known = devices_for(devices.load_all(), include=(board,))
    device = next(device for device in known if device.id == board)
    for site in device.sites:
        if any(backend.name == PLAN_CONTRACT for backend in site.backends):
            return attrs.evolve(device, sites=(site,))
    raise ConfigError(f"--target {board}: runs no plans; name a board with a microcontroller")


def plan_site(board: str) -> Site:
    """That domain. Raises ConfigError likewise."""
    return plan_device(board).sites[0]


def footprint(tflite: bytes, name: str, site: Site, history: History | None = None) -> Footprint:
    """Compiles the model and runs it: on the emulated board where it can be started, else the
    latency is foretold. ``history`` keeps what is measured.

    Raises:
        ModelError: no plan can be made of the model.
    """
    graph = import_tflite(tflite, name)
    plan = compile_graph(graph)
    vector = plan_vector(graph, plan)
    with tempfile.TemporaryDirectory(prefix="jumpstation-prune-") as folder:
        path = Path(folder, f"{name}.tflite")
        path.write_bytes(tflite)
        bench = EvidenceBench(vector, {PRECISION: path}, devices.load_all(), history=history)
        trial = bench.try_out(site, PRECISION)
    failure = None if trial.failure is None else trial.failure.text
    return Footprint(
        arena_bytes=plan.arena_bytes,
        plan_bytes=len(plan.data),
        macs=plan.macs,
        latency=trial.figure,
        output=None if trial.record is None else str(trial.record.output.verdict),
        note=failure or trial.unmeasured,
    )


@attrs.frozen(kw_only=True)
class Gain:
    """Shares of what there was before that are gone; negative where there is more now."""

    ram: float
    flash: float
    latency: float | None

    @classmethod
    def between(cls, before: Footprint, after: Footprint) -> Gain:
        latency = None
        if before.latency is not None and after.latency is not None:
            latency = 1.0 - after.latency.median_ms / before.latency.median_ms
        return cls(
            ram=1.0 - after.arena_bytes / before.arena_bytes,
            flash=1.0 - after.plan_bytes / before.plan_bytes,
            latency=latency,
        )

    @property
    def is_none(self) -> bool:
        """Whether neither RAM nor latency fell."""
        return self.ram < NOTICEABLE and (self.latency is None or self.latency < NOTICEABLE)
