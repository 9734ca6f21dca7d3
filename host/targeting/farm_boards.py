"""The boards of a farm as they are now: who answers, who is at work for somebody else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs

from host.boards.reach import BoardOnPort
from host.errors import BoardError, JumpstationError
from host.farms import FarmPlace
from host.session import Session
from host.targeting.site import Site
from protocol.errors import ErrorCode

_HELLO_S = 2.0
"""A board that is there answers within milliseconds, one that is measuring after its run."""
_AT_ONCE = 8


@attrs.frozen(kw_only=True)
class SeenBoard:
    """A board that answered, or whose holder is known to the broker that it is on.

    ``domain`` None: not known, for it could not be asked. ``holder`` None: it is idle.
    """

    place: FarmPlace
    device: str
    domain: str | None
    emulated: bool
    holder: str | None = None


@attrs.frozen
class FarmBoards:
    """What a farm offers to a selection."""

    seen: tuple[SeenBoard, ...] = ()
    started_here: tuple[FarmPlace, ...] = ()
    """Emulators and the agent for this computer, those that are left out among them."""

    def at(self, site: Site) -> list[SeenBoard]:
        """The boards for a site: physical before emulated, idle before busy."""
        fitting = [
            board
            for board in self.seen
            if board.device == site.device and board.domain in (None, site.domain)
        ]
        return sorted(fitting, key=lambda board: (board.emulated, board.holder is not None))

    def starter(self, device: str) -> FarmPlace | None:
        """How the farm starts a board of its own: one that may be used, if there is one."""
        places = [place for place in self.started_here if place.device == device]
        return min(places, key=lambda place: place.left_out is not None, default=None)


def look_at(
    places: Sequence[FarmPlace], devices: Collection[str], note: Callable[[str], None]
) -> FarmBoards:
    """Greets the boards of a farm that may matter.

    Args:
        devices: the ids of those that may be chosen; other boards are left in peace.
        note: is told of each that cannot be used, and why.
    """
    concerned = [place for place in places if place.device is None or place.device in devices]
    for place in concerned:
        if place.left_out is not None:
            note(f"{place.name} is left out: {place.left_out}")
    reachable = [place for place in concerned if place.port is not None and place.left_out is None]
    seen = []
    if reachable:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(pool.map(_greet, reachable))
        for place, answer in zip(reachable, answers, strict=True):
            if isinstance(answer, str):
                note(f"{place.name} is left out: {answer}")
            else:
                seen.append(answer)
    return FarmBoards(
        seen=tuple(seen),
        started_here=tuple(place for place in concerned if place.port is None),
    )


def _greet(place: FarmPlace) -> SeenBoard | str:
    """The board as it presents itself, or why it is of no use now."""
    assert place.port is not None
    try:
        with Session(BoardOnPort(place.port, place.device).open()) as session:
            offered = session.connect(within_s=_HELLO_S)
            lease = session.lease_seen
    except BoardError as error:
        if error.code == ErrorCode.BUSY and place.device is not None:
            return SeenBoard(
                place=place, device=place.device, domain=None, emulated=False, holder=str(error)
            )
        return str(error)
    except JumpstationError as error:
        return str(error)
    if place.device not in (None, offered.board):
        return f"the farm file calls it a {place.device}, but it says that it is a {offered.board}"
    return SeenBoard(
        place=place,
        device=offered.board,
        domain=offered.domain,
        emulated=bool(offered.emulator),
        holder=None if lease is None else lease.holder,
    )
