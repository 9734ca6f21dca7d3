"""Which board a test gets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import attrs

from hil.farm import BoardKind, Farm, FarmBoard, placed
from host.emulators import emulated_boards, find_emulator
from host.errors import LinkError
from host.links.open import open_link
from host.session import Session


class NoBoard(Exception):
    """There is no board as it was asked for; the text says why."""


@attrs.frozen(kw_only=True)
class BoardUnderTest:
    """``id`` is the catalog's, ``name`` ``RACK/BOARD`` of a farm, a port, or ``emulated ID``.

    ``port`` None: it is started for each measurement, by its emulator or as a process.
    """

    id: str
    name: str
    port: str | None = None
    flash_model: str | None = None

    def __str__(self) -> str:
        return self.name


def choose(
    board: str, farm: Farm | None, *, port: str | None = None, hardware_alone: bool = False
) -> BoardUnderTest:
    """The board at ``port`` if it is one, a physical one of the farm, or its emulator.

    Raises:
        NoBoard: there is none as asked.
        LinkError, BoardError, DeadlineExceeded: what is at ``port`` does not answer.
    """
    reasons: list[str] = []
    if port is not None:
        found = board_at(port)
        if found == board:
            return BoardUnderTest(id=board, name=port, port=port)
        reasons.append(f"{port} is a {found}")
    emulators: list[BoardUnderTest] = []
    for name, entry in _boards_of(farm, board):
        if entry.quarantine is not None:
            reasons.append(f"{name} is in quarantine: {entry.quarantine}")
            continue
        try:
            place = placed(entry)
        except LinkError as error:
            reasons.append(f"{name}: {error}")
            continue
        there = BoardUnderTest(id=board, name=name, port=place.port, flash_model=place.flash_model)
        if entry.kind != BoardKind.EMULATOR:
            return there
        emulators.append(there)
    if hardware_alone:
        reasons.append(f"no physical {board} in the farm" if farm else "there is no farm file")
        raise NoBoard(f"needs a physical {board}: {'; '.join(reasons)}")
    if board not in emulated_boards():
        reasons.append(f"{board} has no emulator")
        raise NoBoard(f"no {board}: {'; '.join(reasons)}")
    missing = find_emulator(board).missing()
    if missing is not None:
        raise NoBoard(f"no {board}: {'; '.join([*reasons, missing])}")
    return emulators[0] if emulators else BoardUnderTest(id=board, name=f"emulated {board}")


def _boards_of(farm: Farm | None, board: str) -> Iterator[tuple[str, FarmBoard]]:
    for rack in farm.racks if farm is not None else ():
        for entry in rack.boards:
            if board in (entry.device, entry.emulator):
                yield f"{rack.id}/{entry.id}", entry


@cache
def board_at(port: str) -> str:
    """What the board says it is; asked once."""
    with Session(open_link(port)) as session:
        return session.connect().board
