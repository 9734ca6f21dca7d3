"""The model or plan that the board has, from its upload to its report."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from agent.linux.board import MAX_BATCH, Settings
from agent.linux.engines.interpreter_process import InterpreterProcess
from agent.linux.engines.loaded import Alive, LoadedModel
from agent.linux.engines.plan_process import PlanProcess
from agent.linux.machine import Machine
from agent.linux.model_requests import ModelRequests
from agent.linux.model_store import Announcement, ModelStore, checked_name
from agent.linux.refusal import Refusal
from agent.linux.reports import Reporter
from agent.linux.uploads import answer_begin, answer_end
from protocol.capabilities import Capabilities, EngineOffer
from protocol.errors import ErrorCode
from protocol.messages import (
    MODEL_BEGIN_REQUEST,
    Engine,
    MessageType,
    ModelFormat,
)
from protocol.plan import PLAN_HEADER
from protocol.report import Report

_LOG = logging.getLogger(__name__)


@attrs.frozen
class _Wanted:
    """How the announced model is to be run."""

    name: str
    offer: EngineOffer
    threads: int


class Models(ModelRequests):
    """Serves the holder's requests about models and plans, one at a time."""

    def __init__(
        self,
        capabilities: Capabilities,
        settings: Settings,
        machine: Machine,
        plans: PlanProcess | None,
    ) -> None:
        super().__init__(ModelStore(settings.store, settings.model_bytes))
        self._capabilities = capabilities
        self._settings = settings
        self._reporter = Reporter(machine)
        self._plans = plans
        self._wanted: _Wanted | None = None
        self._loaded: LoadedModel | None = plans

    async def start(self) -> None:
        """Nothing: models come over the link."""

    async def _serve_loaded(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        if self._loaded is None:
            raise Refusal(ErrorCode.NO_PLAN)
        return await self._ask_loaded(self._loaded, kind, payload, alive)

    async def forget_inputs(self) -> None:
        """The holder has changed."""
        if self._loaded is not None:
            await self._loaded.forget_inputs()

    async def restart(self) -> None:
        """The next request starts afresh."""
        await self.close()

    async def close(self) -> None:
        """Ends every process and deletes what was uploaded."""
        await self._unload()
        if self._plans is not None:
            await self._plans.close()
        self._loaded = self._plans
        self._store.clear()
        self._wanted = None

    async def _begin(self, payload: bytes) -> bytes:
        request = MODEL_BEGIN_REQUEST.parse(payload)
        name = checked_name(request.name)
        wanted = _Wanted(
            name,
            self._choose(request.format, request.engine),
            request.threads or self._settings.threads,
        )
        is_new = self._store.begin(Announcement(request.size_bytes, bytes(request.sha256)))
        if is_new or wanted != self._wanted or self._end_answer is None:
            await self._unload()
            _LOG.info("%s for %s: %d bytes", name, wanted.offer.version, request.size_bytes)
        self._wanted = wanted
        return answer_begin(self._store.next_offset, self._capabilities.max_payload_bytes)

    def _choose(self, model_format: int, engine: int) -> EngineOffer:
        """The offered engine, or any that reads the format. Raises Refusal."""
        if model_format not in set(ModelFormat) or engine not in set(Engine):
            raise Refusal(ErrorCode.BAD_REQUEST)
        for offer in self._capabilities.engines:
            if model_format in offer.formats and engine in (Engine.ANY, offer.engine):
                return offer
        raise Refusal(ErrorCode.UNSUPPORTED)

    async def _take_up(self, path: Path, alive: Alive) -> bytes:
        assert self._wanted is not None  # announced with what is in the store
        await self._unload()
        self._reporter.begin()
        return await self._load(path, self._wanted, alive)

    async def _load(self, path: Path, wanted: _Wanted, alive: Alive) -> bytes:
        if wanted.offer.engine == Engine.JUMP_RT:
            assert self._plans is not None  # offered only where it is there
            return await self._load_plan(self._plans, path, alive)
        cpus = self._cpus_for(wanted.threads)
        model = await InterpreterProcess.load(
            Engine(wanted.offer.engine),
            path,
            alive,
            cpus=cpus,
            engine=wanted.offer.version,
            threads=wanted.threads,
            hang_s=self._settings.hang_s,
            max_payload_bytes=self._capabilities.max_payload_bytes,
            max_batch=MAX_BATCH,
        )
        self._loaded = model
        return answer_end(len(model.inputs), len(model.outputs), model.load_us)

    async def _load_plan(self, plans: PlanProcess, path: Path, alive: Alive) -> bytes:
        began_ns = time.perf_counter_ns()
        await plans.upload(path, alive)
        self._loaded = plans
        with path.open("rb") as file:
            header = PLAN_HEADER.parse(file.read(PLAN_HEADER.sizeof()))
        load_us = (time.perf_counter_ns() - began_ns) // 1000
        return answer_end(header.input_count, header.output_count, load_us)

    async def _serve_plan(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        if self._plans is None:
            raise Refusal(ErrorCode.UNSUPPORTED)
        if self._loaded is not self._plans:
            await self._unload()
            self._loaded = self._plans
        self._end_answer = None
        if kind == MessageType.PLAN_END:
            self._reporter.begin()
        return await self._ask_loaded(self._plans, kind, payload, alive)

    async def _ask_loaded(
        self, model: LoadedModel, kind: MessageType, payload: bytes, alive: Alive
    ) -> bytes:
        try:
            return await model.serve(kind, payload, alive)
        except Refusal as refusal:
            if refusal.code == ErrorCode.ENGINE_FAILED:
                await self._unload()
                self._loaded = self._plans
            raise

    async def _unload(self) -> None:
        if self._loaded is not None and self._loaded is not self._plans:
            await self._loaded.close()
        self._loaded = None
        self._end_answer = None

    def _cpus_for(self, threads: int) -> Sequence[int]:
        return self._settings.cpus[: max(1, threads)]

    def _take_report(self) -> Report:
        model = self._loaded
        is_idle = model is self._plans and self._plans is not None and not self._plans.has_plan
        if model is None or model.pid is None or is_idle:
            raise Refusal(ErrorCode.NO_PLAN)
        return self._reporter.report(model, model.pid)
