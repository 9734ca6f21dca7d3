"""The holder's requests on a board that takes signed models alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import attrs

from agent.linux.board import Settings
from agent.linux.bundles.bundles import Bundles, Launched
from agent.linux.bundles.slots import Slots
from agent.linux.engines.loaded import Alive
from agent.linux.machine import Machine
from agent.linux.model_requests import ModelRequests
from agent.linux.model_store import Announcement, ModelStore, checked_name
from agent.linux.refusal import Refusal
from agent.linux.reports import Reporter
from agent.linux.uploads import answer_begin, answer_end
from protocol.bundle import BundleError, Stage, read_public_key
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.messages import (
    MODEL_BEGIN_REQUEST,
    MessageType,
    ModelFormat,
)
from protocol.report import Report

_LOG = logging.getLogger(__name__)
_CODES = {
    Stage.PARSE: ErrorCode.BUNDLE_FORMAT,
    Stage.SIZES: ErrorCode.BUNDLE_SIZE,
    Stage.SIGNATURE: ErrorCode.BUNDLE_SIGNATURE,
    Stage.HASHES: ErrorCode.BUNDLE_HASH,
    Stage.COMPATIBILITY: ErrorCode.BUNDLE_UNFIT,
    Stage.SELF_TEST: ErrorCode.BUNDLE_SELF_TEST,
}


async def _unheard(_: bytes) -> None:
    """At a start nobody waits for signs of life."""


def bundles_alone(board: Capabilities) -> Capabilities:
    """What such a board offers: each engine for bundles, and no store for plans."""
    engines = tuple(
        attrs.evolve(offer, formats=frozenset({int(ModelFormat.BUNDLE)})) for offer in board.engines
    )
    return attrs.evolve(board, stores=(), engines=engines)


def open_service(
    folder: Path,
    trusted: Sequence[Path],
    settings: Settings,
    machine: Machine,
    board: Capabilities,
) -> BundleService:
    """Serves what is installed in ``folder``.

    Args:
        trusted: public keys, as PEM files.
        board: with its engines and kernels, as it would be without bundles.

    Raises:
        OSError: the folder or a key cannot be read.
        KeyFileError: a file holds no such key.
    """
    keys = [read_public_key(path) for path in trusted]
    return BundleService(
        Bundles(Slots(folder), keys, settings, board),
        ModelStore(settings.store, settings.model_bytes),
        Reporter(machine),
        board.max_payload_bytes,
    )


class BundleService(ModelRequests):
    """Implements :class:`agent.linux.service.Service`: what runs is the bundle installed last."""

    def __init__(
        self, bundles: Bundles, store: ModelStore, reporter: Reporter, max_payload_bytes: int
    ) -> None:
        super().__init__(store)
        self._bundles = bundles
        self._reporter = reporter
        self._max_payload_bytes = max_payload_bytes
        self._running: Launched | None = None
        self._has_failed = False
        """Whether its process is to be started anew."""
        self._refused: str | None = None
        """Why nothing runs."""

    async def start(self) -> None:
        """Launches what is installed; where that cannot be, the board waits for another bundle."""
        self._reporter.begin()
        self._refused, self._has_failed = None, False
        try:
            self._running = await self._bundles.launch(_unheard)
        except (BundleError, OSError) as error:
            self._refused = str(error)
            _LOG.error("no bundle runs: %s", error)

    async def _serve_plan(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        raise Refusal(ErrorCode.BUNDLE_ONLY)

    async def _serve_loaded(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        if self._has_failed:
            await self.start()
        if self._running is None:
            raise Refusal(ErrorCode.NO_PLAN, self._refused or "no bundle is installed")
        try:
            return await self._running.model.serve(kind, payload, alive)
        except Refusal as refusal:
            if refusal.code == ErrorCode.ENGINE_FAILED:
                await self._stop()
                self._has_failed = True
            raise

    async def forget_inputs(self) -> None:
        if self._running is not None:
            await self._running.model.forget_inputs()

    async def restart(self) -> None:
        await self.close()
        await self.start()

    async def close(self) -> None:
        await self._stop()
        self._store.clear()
        self._end_answer = None

    async def _stop(self) -> None:
        if self._running is not None:
            await self._running.model.close()
            self._running = None

    async def _begin(self, payload: bytes) -> bytes:
        request = MODEL_BEGIN_REQUEST.parse(payload)
        name = checked_name(request.name)
        if request.format != ModelFormat.BUNDLE:
            raise Refusal(ErrorCode.BUNDLE_ONLY)
        if self._store.begin(Announcement(request.size_bytes, bytes(request.sha256))):
            self._end_answer = None
            _LOG.info("bundle %s: %d bytes", name, request.size_bytes)
        return answer_begin(self._store.next_offset, self._max_payload_bytes)

    async def _take_up(self, path: Path, alive: Alive) -> bytes:
        running = self._running
        self._reporter.begin()
        try:
            launched = await self._bundles.install(
                path.read_bytes(), running.slot if running is not None else None, alive
            )
        except BundleError as error:
            raise Refusal(_CODES[error.stage], error.reason) from error
        except OSError as error:
            raise Refusal(ErrorCode.STORE_FAULT, str(error)) from error
        await self._stop()
        self._running, self._refused, self._has_failed = launched, None, False
        model = launched.bundle.manifest.model
        return answer_end(len(model.inputs), len(model.outputs), launched.load_us)

    def _take_report(self) -> Report:
        running = self._running
        pid = None if running is None else running.model.pid
        if running is None or pid is None:
            raise Refusal(ErrorCode.NO_PLAN, self._refused or "no bundle is installed")
        return attrs.evolve(
            self._reporter.report(running.model, pid),
            bundle=running.bundle.id,
            bundle_name=running.bundle.manifest.name,
            bundle_note=running.note,
        )
