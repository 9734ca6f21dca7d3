"""Builds a bundle: compiles, has the board run the self-test, collects, signs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import attrs

from host.bundle.declared import Declaration, read_declaration
from host.bundle.entries import (
    declared_thresholds,
    default_name,
    golden,
    image_entry,
    model_entry,
    requirements,
    weights_name,
)
from host.bundle.image import merge
from host.bundle.keys import signing_key
from host.bundle.opened import refusals
from host.bundle.self_test import run_self_test
from host.errors import ConfigError
from host.files import write_bytes
from host.measurement.candidates import Candidate
from host.measurement.engine_candidates import EngineCandidate
from host.measurement.evidence import find_profile
from host.measurement.observer import Observer
from host.measurement.on_board import Loaded, on_board, prepare_candidate
from host.measurement.request import MeasureRequest
from host.session import Session
from protocol.bundle import (
    Bundle,
    FileEntry,
    Manifest,
    SelfTest,
    pack,
    verify,
)
from protocol.bundle.contents import MANIFEST_NAME, SIGNATURE_NAME
from protocol.bundle.fitness import ENGINE_OF_BACKEND
from protocol.bundle.signing import SigningKey
from protocol.capabilities import Capabilities
from protocol.messages import Domain, Engine, Store

_TARGET_NAME = "target.json"
_OUTPUTS_NAME = "outputs.bin"
_STEPS = 1
"""Of a quantized output, where the engine's kernels follow the processor (decision 0014)."""
_RELATIVE = 1e-3
"""The same of a float32 output."""


@attrs.frozen(kw_only=True)
class BuildRequest:
    """What to build. None leaves the choice to the declaration.

    ``meanings`` are texts by tensor name; ``thresholds`` are the application's.
    """

    target: Path
    key: Path
    output: Path
    model: Path | None = None
    board: str | None = None
    port: str | None = None
    engine: Engine | None = None
    name: str | None = None
    meanings: Mapping[str, str] = attrs.field(factory=dict)
    thresholds: Mapping[str, float] = attrs.field(factory=dict)
    vectors: int = 3


@attrs.frozen
class BuiltBundle:
    """What was written, and how long its model took on the board it was tried on."""

    path: Path
    bundle: Bundle
    archive_bytes: int
    slowest_ms: float


def build_bundle(request: BuildRequest, observer: Observer) -> BuiltBundle:
    """Builds, tries and writes a bundle; nothing is written where it does not pass.

    Raises:
        ConfigError: the declaration, the key, the model or the request cannot be used.
        ModelError: the model cannot be compiled for the board.
        BoardError, LinkError, DeadlineExceeded: the board it is tried on failed.
        MismatchError: that board does not answer as it must.
    """
    key = signing_key(request.key)
    declared = read_declaration(request.target)
    asked = _measure_request(request, declared)

    def prepare(board: Capabilities) -> _Draft:
        return _prepare(request, declared, asked, board, key, observer)

    def use(session: Session, draft: _Draft, _: Loaded) -> tuple[_Draft, float]:
        observer.stage(f"running the self-test on {session.capabilities.board}")
        with refusals("the new bundle"):
            return draft, run_self_test(session, draft.bundle)

    draft, slowest_ms = on_board(asked, observer, prepare, use)
    archive = pack(draft.contents)
    write_bytes(request.output, archive)
    return BuiltBundle(request.output, draft.bundle, len(archive), slowest_ms)


@attrs.frozen
class _Draft:
    """A bundle that no board has run yet."""

    candidate: Candidate | EngineCandidate
    contents: Mapping[str, bytes]
    bundle: Bundle


def _measure_request(request: BuildRequest, declared: Declaration) -> MeasureRequest:
    board = request.board or declared.board
    if request.board is None and not declared.met:
        raise ConfigError(
            f"{declared.path}: no board meets the requirements, so none can be bundled for",
            hint="--board ID builds for one all the same; the declaration stays as it is",
        )
    engine, domain = request.engine, Domain.ANY
    if board == declared.board:
        domain = Domain[(declared.domain or "any").upper()]
        if engine is None and declared.engine in set(ENGINE_OF_BACKEND.values()):
            engine = Engine[declared.engine.upper()]
    return MeasureRequest(
        model=declared.model(request.model),
        board=board,
        port=request.port,
        engine=engine,
        domain=domain,
    )


def _prepare(
    request: BuildRequest,
    declared: Declaration,
    asked: MeasureRequest,
    board: Capabilities,
    key: SigningKey,
    observer: Observer,
) -> _Draft:
    is_microcontroller = board.domain == Domain.MCU.name.lower()
    if is_microcontroller:
        asked = attrs.evolve(asked, plan_store=Store.FLASH)
    candidate = prepare_candidate(asked, board, observer)
    if board.board != declared.board:
        observer.note(f"{declared.path} chose {declared.board}: its evidence is not of this board")
    elif declared.measured_plans and candidate.crc32 not in declared.measured_plans:
        observer.note(
            "the declaration measured other bytes of this model: measure again with "
            "`host target` for evidence of these"
        )
    requires = requirements(candidate, board)
    if board.board == declared.board and requires.backend != declared.backend:
        observer.note(
            f"{declared.path} chose the backend {declared.backend}, which no bundle is for: "
            f"this is for {requires.backend}"
        )
    observer.stage("computing what the self-test must answer")
    vectors, outputs = golden(candidate, request.vectors)
    files = {weights_name(candidate): candidate.data, _TARGET_NAME: declared.data}
    if outputs is not None:
        files[_OUTPUTS_NAME] = outputs
    image = None
    if is_microcontroller:
        profile = find_profile(board.board)
        assert profile is not None  # on_board has looked
        merged = merge(profile, board, candidate.data, vectors[0])
        files[merged.name] = merged.data
        image = image_entry(merged, board)
    manifest = Manifest(
        name=request.name or default_name(request.model or declared.vector.model_path),
        created=datetime.now(UTC).replace(microsecond=0),
        host_version=version("jumpstation-hil"),
        signer=key.public.id,
        model=model_entry(candidate, declared, request.meanings),
        requires=requires,
        self_test=SelfTest(
            vectors=vectors,
            outputs=None if outputs is None else _OUTPUTS_NAME,
            steps=0 if outputs is None else _STEPS,
            relative=0 if outputs is None else _RELATIVE,
        ),
        thresholds={**declared_thresholds(declared), **request.thresholds},
        target=_TARGET_NAME,
        image=image,
        files=tuple(
            FileEntry(name=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name, data in sorted(files.items())
        ),
    )
    data = manifest.to_bytes()
    contents = {MANIFEST_NAME: data, SIGNATURE_NAME: key.sign(data), **files}
    with refusals("the new bundle"):  # by the checks of those who will install it
        return _Draft(candidate, contents, verify(contents, [key.public]))
