"""Sorts the holder's requests about models, and answers those that are the same for all models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from agent.linux.engines.loaded import Alive
from agent.linux.model_store import ModelStore
from agent.linux.paging import page
from protocol.messages import (
    MODEL_CHUNK_ANSWER,
    MODEL_CHUNK_REQUEST,
    REPORT_ANSWER,
    REPORT_REQUEST,
    MessageType,
)
from protocol.report import Report


class ModelRequests(ABC):
    """The part of :class:`agent.linux.service.Service` that whoever has a model store shares."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._end_answer: bytes | None = None
        """MODEL_END's, while what was uploaded last is what runs."""
        self._report = b""

    async def serve(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        match kind:
            case MessageType.MODEL_BEGIN:
                return await self._begin(payload)
            case MessageType.MODEL_CHUNK:
                chunk = MODEL_CHUNK_REQUEST.parse(payload)
                next_offset = self._store.write(chunk.offset, chunk.data)
                return bytes(MODEL_CHUNK_ANSWER.build({"next_offset": next_offset}))
            case MessageType.MODEL_END:
                return await self._end(alive)
            case MessageType.REPORT:
                return self._answer_report(REPORT_REQUEST.parse(payload).offset)
            case MessageType.PLAN_BEGIN | MessageType.PLAN_CHUNK | MessageType.PLAN_END:
                return await self._serve_plan(kind, payload, alive)
        return await self._serve_loaded(kind, payload, alive)

    @abstractmethod
    async def forget_inputs(self) -> None:
        """The holder has changed, or begins anew."""

    @abstractmethod
    async def _begin(self, payload: bytes) -> bytes:
        """MODEL_BEGIN: an upload is announced. Raises Refusal."""

    @abstractmethod
    async def _take_up(self, path: Path, alive: Alive) -> bytes:
        """The answer of MODEL_END to what was uploaded whole, once that runs. Raises Refusal."""

    @abstractmethod
    async def _serve_plan(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        """One of PLAN_*. Raises Refusal."""

    @abstractmethod
    async def _serve_loaded(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        """A request to what is loaded. Raises Refusal."""

    @abstractmethod
    def _take_report(self) -> Report:
        """Raises Refusal: nothing is loaded."""

    async def _end(self, alive: Alive) -> bytes:
        path = self._store.finish()
        if self._end_answer is not None:
            await self.forget_inputs()
        else:
            self._end_answer = await self._take_up(path, alive)
        return self._end_answer

    def _answer_report(self, offset: int) -> bytes:
        if offset == 0:
            self._report = self._take_report().to_bytes()
        return page(REPORT_ANSWER, self._report, offset)
