"""Installs bundles and launches the one that is to run."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import attrs

from agent.linux.board import Settings
from agent.linux.bundles import trial
from agent.linux.bundles.slots import Pointer, Slot, Slots
from agent.linux.engines.loaded import Alive, LoadedModel
from protocol.bundle import (
    Bundle,
    BundleError,
    PublicKey,
    Stage,
    check_fits,
    read_file,
    unpack,
    verify,
)
from protocol.capabilities import Capabilities

_LOG = logging.getLogger(__name__)
_MOST_UNFINISHED_STARTS = 2
"""Then a start that ended before its self-test did is the bundle's doing: it took the board along,
by all of its memory or its power."""


@attrs.frozen
class Launched:
    """A bundle that has passed every check, and the process that has its model.

    ``note`` says why another one, which should have run, does not.
    ``load_us`` is the time that loading and the self-test took.
    """

    bundle: Bundle
    slot: Slot
    model: LoadedModel
    load_us: int
    note: str | None = None


class Bundles:
    """What this board has installed. One of its coroutines runs at a time."""

    def __init__(
        self,
        slots: Slots,
        trusted: Sequence[PublicKey],
        settings: Settings,
        board: Capabilities,
    ) -> None:
        """``board``: with its engines and kernels, as it would be without bundles."""
        self._slots = slots
        self._trusted = tuple(trusted)
        self._settings = settings
        self._board = board

    async def install(self, archive: bytes, running: Slot | None, alive: Alive) -> Launched:
        """Checks a bundle, has it run its self-test, and makes it the one that runs.

        Until it returns, the present one is the one that a start would launch.

        Args:
            running: the slot of the bundle that runs now.

        Raises:
            BundleError: it is refused, and nothing was changed.
            OSError: the disk failed.
        """
        bundle = await asyncio.to_thread(self._checked, archive)
        model, load_us = await self._start(bundle, alive)
        try:
            slot = Slot.A if running is None else running.other
            await asyncio.to_thread(self._switch, slot, running, archive)
        except BaseException:
            await model.close()
            raise
        _LOG.info("bundle %s (%s) installed in slot %s", bundle.manifest.name, bundle.id, slot)
        return Launched(bundle, slot, model, load_us)

    async def launch(self, alive: Alive) -> Launched | None:
        """Starts the bundle that is to run; the one before it where that is not fit to.

        Every check is made again. None where nothing is installed.

        Raises:
            BundleError: of the bundle that was to run, where no other can either.
            OSError: the disk failed.
        """
        pointer = self._slots.pointer()
        refusals: list[BundleError] = []
        for slot in _order(pointer):
            if pointer is None and not self._slots.archive(slot).exists():
                continue
            try:
                return await self._launch_slot(slot, pointer, refusals, alive)
            except BundleError as error:
                _LOG.error("bundle in slot %s is refused: %s", slot, error)
                refusals.append(error)
        if refusals:
            raise refusals[0]
        return None

    async def _launch_slot(
        self, slot: Slot, pointer: Pointer | None, refusals: Sequence[BundleError], alive: Alive
    ) -> Launched:
        bundle = await asyncio.to_thread(self._checked_slot, slot)
        if pointer is not None and slot is pointer.current:
            self._count_start(pointer)
        model, load_us = await self._start(bundle, alive)
        is_fallback = pointer is None or slot is not pointer.current
        good = Pointer(slot, None if is_fallback or pointer is None else pointer.previous)
        self._note(good)
        note = None
        if refusals and pointer is not None:
            note = f"slot {pointer.current}: {refusals[0]}"
            _LOG.warning("rolled back to slot %s", slot)
        _LOG.info("bundle %s (%s) launched from slot %s", bundle.manifest.name, bundle.id, slot)
        return Launched(bundle, slot, model, load_us, note)

    async def _start(self, bundle: Bundle, alive: Alive) -> tuple[LoadedModel, int]:
        began_ns = time.perf_counter_ns()
        model = await trial.start(bundle, self._settings, self._board, alive)
        return model, (time.perf_counter_ns() - began_ns) // 1000

    def _count_start(self, pointer: Pointer) -> None:
        """Raises BundleError where too many have not come to their end."""
        if pointer.unfinished_starts >= _MOST_UNFINISHED_STARTS and pointer.previous is not None:
            raise BundleError(
                Stage.SELF_TEST, f"{pointer.unfinished_starts} starts did not reach their end"
            )
        self._note(attrs.evolve(pointer, unfinished_starts=pointer.unfinished_starts + 1))

    def _note(self, pointer: Pointer) -> None:
        """A disk that cannot be written keeps no bundle from running."""
        try:
            self._slots.point(pointer)
        except OSError as error:
            _LOG.error("the slots' pointer cannot be written: %s", error)

    def _checked_slot(self, slot: Slot) -> Bundle:
        try:
            archive = read_file(self._slots.archive(slot), self._settings.model_bytes)
        except OSError as error:
            raise BundleError(Stage.PARSE, f"slot {slot} cannot be read: {error}") from error
        return self._checked(archive)

    def _checked(self, archive: bytes) -> Bundle:
        bundle = verify(unpack(archive), self._trusted)
        check_fits(bundle.manifest, self._board)
        return bundle

    def _switch(self, slot: Slot, running: Slot | None, archive: bytes) -> None:
        self._slots.write(slot, archive)
        if self._slots.archive(slot).read_bytes() != archive:
            raise OSError(f"slot {slot} does not hold what was written to it")
        self._slots.point(Pointer(slot, running))


def _order(pointer: Pointer | None) -> Sequence[Slot]:
    """The slots that may be launched, the one that is to run first."""
    if pointer is None:
        return tuple(Slot)  # the disk lost the pointer: what verifies is as good as signed
    return (pointer.current,) if pointer.previous is None else (pointer.current, pointer.previous)
