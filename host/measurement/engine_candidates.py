"""A model for a board whose own engine loads it as it is."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import attrs

from host.compiler import PlannedOp, TensorContract, compile_graph
from host.errors import BoardError, ConfigError, JumpstationError
from host.models.loader import load_model
from host.reference.engines import ModelContract, inspect_model
from protocol.capabilities import Capabilities
from protocol.messages import Engine, ModelFormat, Store

_FORMATS = {".tflite": ModelFormat.TFLITE, ".onnx": ModelFormat.ONNX}
_READS = {Engine.LITERT: ModelFormat.TFLITE, Engine.ONNXRUNTIME: ModelFormat.ONNX}


@attrs.frozen(kw_only=True)
class EngineCandidate:
    """A model file and the engine of one board that is to load it.

    ``macs`` is None where no importer of ours reads the model.
    """

    path: Path
    data: bytes
    model_format: ModelFormat
    engine: Engine
    version: str
    threads: int
    contract: ModelContract
    macs: int | None

    inputs_overwritten = False
    store: Store | None = None
    ops: tuple[PlannedOp, ...] = ()

    @property
    def precision(self) -> str:
        return self.contract.precision

    @property
    def inputs(self) -> tuple[TensorContract, ...]:
        return self.contract.inputs

    @property
    def outputs(self) -> tuple[TensorContract, ...]:
        return self.contract.outputs

    @property
    def crc32(self) -> int:
        return zlib.crc32(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def source_format(self) -> str:
        return self.model_format.name.lower()


def choose_engine(wanted: Engine | None, capabilities: Capabilities, path: Path) -> Engine:
    """Who runs the model at ``path``: JUMP_RT (a plan), or an engine that loads it as it is.

    A plan where the board takes plans and nobody wants otherwise: that is what is bit-exact on
    every board.

    Raises:
        BoardError: the board has no such engine.
        ConfigError: the engine does not read such a file.
    """
    takes_plans = bool(capabilities.stores and capabilities.op_set)
    if wanted is None:
        if takes_plans or not capabilities.engines:
            return Engine.JUMP_RT
        reads = _format_of(path)
        fitting = (engine for engine, its in _READS.items() if its == reads)
        wanted = next((engine for engine in fitting if capabilities.offer(engine)), Engine.ANY)
    if wanted == Engine.JUMP_RT and (takes_plans or not capabilities.engines):
        return wanted  # without either, the plan's own checks say what is missing
    if wanted == Engine.JUMP_RT or capabilities.offer(wanted) is None:
        has = {Engine(offer.engine).name.lower() for offer in capabilities.engines}
        has |= {"jump_rt"} if takes_plans else set()
        name = f"engine for {path.name}" if wanted == Engine.ANY else wanted.name.lower()
        raise BoardError(
            f"{capabilities.board} has no {name} (it has: {', '.join(sorted(has)) or 'none'})",
            hint="choose one of these with --engine, or install it beside the agent",
        )
    if _format_of(path) != _READS[wanted]:
        raise ConfigError(
            f"{wanted.name.lower()} reads .{_READS[wanted].name.lower()} files, not {path.name}"
        )
    return wanted


def prepare_for_engine(
    path: Path, engine: Engine, capabilities: Capabilities, threads: int
) -> EngineCandidate:
    """Reads a model and has the same engine look at it here.

    Raises:
        ConfigError: no such file.
        ModelError: the engine does not load it here either.
        BoardError: it is larger than the board takes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; name a model file") from error
    if len(data) > capabilities.model_bytes:
        raise BoardError(
            f"{path.name} is too large for {capabilities.board}: "
            f"{len(data):,} bytes, it takes {capabilities.model_bytes:,}",
            needed=len(data),
            available=capabilities.model_bytes,
        )
    offer = capabilities.offer(engine)
    assert offer is not None  # choose_engine looked
    return EngineCandidate(
        path=path,
        data=data,
        model_format=_READS[engine],
        engine=engine,
        version=offer.version,
        threads=threads,
        contract=inspect_model(engine, path),
        macs=_macs_of(path),
    )


def _format_of(path: Path) -> ModelFormat | None:
    return _FORMATS.get(path.suffix.lower())


def _macs_of(path: Path) -> int | None:
    try:
        return compile_graph(load_model(path)).macs
    except JumpstationError:
        return None
