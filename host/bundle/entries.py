"""The parts of a manifest, from what was compiled, tried and declared."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from host.bundle.declared import Declaration
from host.bundle.image import MergedImage
from host.compiler import TensorContract
from host.errors import ConfigError
from host.measurement.candidates import Candidate
from host.measurement.engine_candidates import EngineCandidate
from host.measurement.inputs import seeded_inputs
from host.reference import expected_output
from host.reference.engines import engine_outputs
from protocol.bundle import (
    BundledModel,
    Image,
    Requirements,
    SelfTestVector,
    TensorSpec,
    VersionRange,
)
from protocol.bundle.fitness import ENGINE_OF_BACKEND
from protocol.capabilities import Capabilities
from protocol.framing import PROTOCOL_VERSION
from protocol.messages import Engine
from protocol.plan import PLAN_HEADER


def golden(
    candidate: Candidate | EngineCandidate, count: int
) -> tuple[tuple[SelfTestVector, ...], bytes | None]:
    """Vectors and, for an engine that rounds by its processor, the outputs themselves."""
    vectors: list[SelfTestVector] = []
    outputs: list[bytes] = []
    for seed in range(count):
        inputs = seeded_inputs(candidate.inputs, seed)
        if isinstance(candidate, EngineCandidate):
            answer = engine_outputs(
                candidate.engine, candidate.path, candidate.contract, inputs.data
            )
        else:
            expected = expected_output(candidate.graph, candidate.path.read_bytes(), inputs.data)
            answer = tuple(output.tobytes() for output in expected.outputs)
        outputs += answer
        vectors.append(
            SelfTestVector(
                seed=seed,
                input_crc32=inputs.crc32,
                output_crc32=zlib.crc32(b"".join(answer)),
            )
        )
    return tuple(vectors), b"".join(outputs) if isinstance(candidate, EngineCandidate) else None


def model_entry(
    candidate: Candidate | EngineCandidate, declared: Declaration, meanings: Mapping[str, str]
) -> BundledModel:
    contracts = (*candidate.inputs, *candidate.outputs)
    if unknown := set(meanings) - {contract.name for contract in contracts}:
        names = ", ".join(contract.name for contract in contracts)
        raise ConfigError(
            f"--meaning: the model has no {', '.join(sorted(unknown))}", hint=f"it has: {names}"
        )

    def described(entries: tuple[TensorContract, ...]) -> tuple[TensorSpec, ...]:
        return tuple(_tensor(entry, meanings.get(entry.name, "")) for entry in entries)

    return BundledModel(
        framework=candidate.source_format,
        precision=candidate.precision,
        weights=weights_name(candidate),
        flops=declared.vector.flops,
        peak_ram_kb=declared.vector.peak_ram_kb,
        latency_ms_turbo=declared.vector.latency_dxm1_ms,
        targeting_version=declared.targeting_version,
        inputs=described(candidate.inputs),
        outputs=described(candidate.outputs),
        sha256=candidate.sha256,
    )


def _tensor(contract: TensorContract, meaning: str) -> TensorSpec:
    is_quantized = not contract.dtype.startswith("float")
    return TensorSpec(
        name=contract.name,
        shape=contract.shape,
        dtype=contract.dtype,
        scale=contract.scale if is_quantized else None,
        zero_point=contract.zero_point if is_quantized else None,
        meaning=meaning,
    )


def requirements(candidate: Candidate | EngineCandidate, board: Capabilities) -> Requirements:
    engine = candidate.engine if isinstance(candidate, EngineCandidate) else Engine.JUMP_RT
    name = engine.name.lower()
    offer = board.offer(engine)
    backends = {engine: backend for backend, engine in ENGINE_OF_BACKEND.items()}
    plan_version, ops, arena_bytes = None, None, None
    if isinstance(candidate, Candidate):
        header = PLAN_HEADER.parse(candidate.data)
        plan_version = (int(header.version_major), int(header.version_minor))
        ops = tuple(sorted({int(op.kind) for op in candidate.ops}))
        arena_bytes = candidate.plan.arena_bytes
    return Requirements(
        board=board.board,
        domain=board.domain,
        backend=backends[name],
        engine=name,
        engine_version=_compatible((offer.version if offer else board.engine).split()[-1]),
        protocol=PROTOCOL_VERSION,
        plan_version=plan_version,
        ops=ops,
        arena_bytes=arena_bytes,
    )


def _compatible(tried: str) -> VersionRange:
    """From what was tried to the next that may break, as semantic versions promise it."""
    major, minor = (*map(int, tried.split(".")[:2]), 0)[:2]
    below = f"{major + 1}" if major > 0 else f"0.{minor + 1}"
    return VersionRange(at_least=tried, below=below)


def image_entry(merged: MergedImage, board: Capabilities) -> Image:
    return Image(
        file=merged.name,
        address=merged.address,
        plan_address=merged.plan_address,
        firmware_version=board.firmware,
        firmware_build=board.build,
    )


def declared_thresholds(declared: Declaration) -> dict[str, float]:
    budget_ms = declared.latency_budget_ms
    return {
        "tolerance": declared.tolerance,
        **({} if budget_ms is None else {"latency_budget_ms": budget_ms}),
    }


def default_name(model: Path | None) -> str:
    """A bundle's name from its model's, of the characters that a name may have."""
    stem = "" if model is None else model.stem
    return re.sub(r"[^A-Za-z0-9._ -]", "_", stem).lstrip("._ -")[:64] or "model"


def weights_name(candidate: Candidate | EngineCandidate) -> str:
    if isinstance(candidate, Candidate):
        return "model.plan"
    return f"model.{candidate.source_format}"
