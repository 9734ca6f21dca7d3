"""Bundles for tests, put together here and not by the builder; and an agent's, without a wire."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import zlib
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import attrs

from agent.linux.board import Settings, describe
from agent.linux.bundles.bundles import Bundles, Launched
from agent.linux.bundles.slots import Slot, Slots
from agent.linux.engines.plan_process import PlanProcess
from agent.linux.machine import Machine
from agent.linux.refusal import Refusal
from host.compiler import compile_graph
from host.models.loader import load_model
from host.reference import expected_output
from protocol.bundle import (
    BundledModel,
    Contents,
    FileEntry,
    Manifest,
    Requirements,
    SelfTest,
    SelfTestVector,
    TensorSpec,
    VersionRange,
    check_fits,
    pack,
    unpack,
    verify,
)
from protocol.bundle.contents import MANIFEST_NAME, SIGNATURE_NAME
from protocol.bundle.signing import SigningKey
from protocol.capabilities import Capabilities
from protocol.generator import draw_input
from tests.support.make import ROOT
from tests.support.pc_agent import build_pc_agent

Result = TypeVar("Result")

MODEL = ROOT / "examples" / "digits_mlp_int8.tflite"
SEEDS = (0, 7)
POOL_BYTES = 300_000


@functools.cache
def _plan() -> tuple[bytes, int, tuple[int, ...]]:
    """A plan's bytes, its arena in bytes, its kinds of ops."""
    plan = compile_graph(load_model(MODEL))
    return plan.data, plan.arena_bytes, tuple(sorted({int(op.kind) for op in plan.ops}))


@functools.cache
def _vectors() -> tuple[SelfTestVector, ...]:
    graph = load_model(MODEL)
    inputs = [draw_input(seed, 0, 64) for seed in SEEDS]
    answers = [expected_output(graph, MODEL.read_bytes(), [data]).crc32 for data in inputs]
    return tuple(
        SelfTestVector(seed=seed, input_crc32=zlib.crc32(data), output_crc32=answer)
        for seed, data, answer in zip(SEEDS, inputs, answers, strict=True)
    )


def sample_files() -> dict[str, bytes]:
    return {"model.plan": _plan()[0], "target.json": b'{"target": "pc"}'}


def sample_manifest(key: SigningKey, name: str = "digits") -> Manifest:
    """Of the digits MLP's plan, for the agent of this computer."""
    _, arena_bytes, ops = _plan()

    def tensor(name: str, elements: int, scale: float, zero_point: int) -> TensorSpec:
        return TensorSpec(
            name=name,
            shape=(1, elements),
            dtype="int8",
            scale=scale,
            zero_point=zero_point,
            meaning="",
        )

    return Manifest(
        name=name,
        created=datetime(2026, 11, 21, 12, tzinfo=UTC),
        host_version="0.1.0",
        signer=key.public.id,
        model=BundledModel(
            framework="tflite",
            precision="int8",
            weights="model.plan",
            flops=4786,
            peak_ram_kb=0.21875,
            latency_ms_turbo=None,
            targeting_version="0.1.0",
            inputs=(tensor("pixels", 64, 1 / 255, -128),),
            outputs=(tensor("scores", 10, 1 / 256, -128),),
            sha256=hashlib.sha256(MODEL.read_bytes()).hexdigest(),
        ),
        requires=Requirements(
            board="pc",
            domain="mpu",
            backend="tflite_micro",
            engine="jump_rt",
            engine_version=VersionRange(at_least="0.1.0", below="0.2"),
            protocol=1,
            plan_version=(1, 0),
            ops=ops,
            arena_bytes=arena_bytes,
        ),
        self_test=SelfTest(vectors=_vectors(), outputs=None, steps=0, relative=0),
        thresholds={"reject": 0.6},
        target="target.json",
        image=None,
        files=entries(sample_files()),
    )


def entries(files: Mapping[str, bytes]) -> tuple[FileEntry, ...]:
    return tuple(
        FileEntry(name=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in sorted(files.items())
    )


def signed(
    manifest: Manifest | bytes, key: SigningKey, files: Mapping[str, bytes] | None = None
) -> Contents:
    """The bundle of a manifest, or of any bytes in its place."""
    data = manifest if isinstance(manifest, bytes) else manifest.to_bytes()
    files = sample_files() if files is None else files
    return {MANIFEST_NAME: data, SIGNATURE_NAME: key.sign(data), **files}


def sample_archive(key: SigningKey, name: str = "digits") -> bytes:
    return pack(signed(sample_manifest(key, name), key))


def manifest_id(archive_contents: Contents) -> str:
    return hashlib.sha256(archive_contents[MANIFEST_NAME]).hexdigest()


def declaration(model: Path, *, board: str = "pc", domain: str = "mpu") -> dict[str, Any]:
    """The parts of a target.json that a bundle needs."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    return {
        "target": board,
        "domain": domain,
        "backend": "tflite_micro",
        "engine": "jump_rt",
        "precision": "int8",
        "met": True,
        "tolerance": 0.02,
        "targeting_version": "0.1.0",
        "limits": {"latency_budget_ms": None},
        "profile": {
            "flops": 4786,
            "peak_ram_kb": 0.21875,
            "latency_cpu_ms": 0.01,
            "latency_dxm1_ms": None,
            "throughput_fps": 100000.0,
            "int8_error_mean": 0.001,
            "int4_error_mean": None,
            "input_shape": [1, 64],
            "output_shape": [1, 10],
            "details": {
                "model": {"path": str(model), "sha256": digest},
                "candidates": {"int8": digest},
            },
        },
        "devices": [],
    }


def write_declaration(path: Path, model: Path = MODEL, **fields: Any) -> Path:
    path.write_text(json.dumps(declaration(model, **fields)))
    return path


async def unheard(_: bytes) -> None:
    """Nobody waits for signs of life here."""


@attrs.frozen
class Desk:
    """The agent's bundles on this computer, without a wire: real processes run the models."""

    folder: Path
    key: SigningKey
    settings: Settings
    board: Capabilities

    @classmethod
    def make(cls, folder: Path, key: SigningKey) -> Desk:
        store = folder / "store"
        store.mkdir(parents=True, exist_ok=True)
        machine = Machine()
        settings = Settings(
            board="pc",
            store=store,
            model_bytes=1 << 24,
            threads=1,
            cpus=machine.fastest_cpus(),
            hang_s=30,
            pc_agent=build_pc_agent(),
            pool_bytes=POOL_BYTES,
        )
        return cls(folder / "bundles", key, settings, asyncio.run(_describe(settings, machine)))

    def bundles(self, slots: Slots) -> Bundles:
        return Bundles(slots, [self.key.public], self.settings, self.board)

    def install(self, archive: bytes, before: Callable[[], None] = lambda: None) -> str:
        """Installs as an agent that launched before; returns the id of what then runs.

        Args:
            before: is called between the launch and the install.
        """

        async def install(slots: Slots) -> str:
            bundles = self.bundles(slots)
            launched = await bundles.launch(unheard)
            running = None if launched is None else launched.slot
            before()
            try:
                installed = await bundles.install(archive, running, unheard)
                await installed.model.close()
                return installed.bundle.id
            finally:
                if launched is not None:
                    await launched.model.close()

        return self._with_slots(install)

    def check(self, archive: bytes) -> None:
        """What an install does before it starts anything."""
        check_fits(verify(unpack(archive), [self.key.public]).manifest, self.board)

    def install_over_nothing(self, archive: bytes) -> str:
        """Installs as an agent in which nothing runs."""

        async def install(slots: Slots) -> str:
            installed = await self.bundles(slots).install(archive, None, unheard)
            await installed.model.close()
            return installed.bundle.id

        return self._with_slots(install)

    def launch(self) -> Launched | None:
        """What a start launches; its process is ended again."""

        async def launch(slots: Slots) -> Launched | None:
            launched = await self.bundles(slots).launch(unheard)
            if launched is not None:
                assert launched.model.pid is not None
                await launched.model.close()
            return launched

        return self._with_slots(launch)

    def slot_file(self, slot: Slot) -> Path:
        return self.folder / f"{slot}.jbundle"

    def _with_slots(self, use: Callable[[Slots], Coroutine[Any, Any, Result]]) -> Result:
        slots = Slots(self.folder)
        try:
            return asyncio.run(use(slots))
        finally:
            slots.close()


async def _describe(settings: Settings, machine: Machine) -> Capabilities:
    assert settings.pc_agent is not None
    plans = PlanProcess(
        settings.pc_agent,
        cpus=settings.cpus,
        hang_s=settings.hang_s,
        pool_bytes=settings.pool_bytes,
    )
    try:
        return await describe(settings, machine, plans)
    except Refusal as refusal:
        raise AssertionError("the agent of this computer does not start") from refusal
    finally:
        await plans.close()
