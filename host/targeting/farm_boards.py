"""The boards of a farm as they are now: who answers, who is at work, and who can be had."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence

import attrs

from host.boards.reach import BoardOnPort
from host.errors import (
    BoardError,
    BoardReset,
    ConfigError,
    DeadlineExceeded,
    JumpstationError,
    LinkError,
    ModelError,
    WrongBoard,
)
from host.farms import FarmPlace
from host.links.interruptible import Interrupted
from host.measurement.evidence import find_profile
from host.session import Deadline, Session
from host.targeting.site import Site
from host.targeting.verdict import Trial
from host.waiting import side_by_side
from protocol.errors import ErrorCode
from protocol.messages import Domain

_HELLO_S = 2.0
"""A board that is there answers within milliseconds, one that is measuring after its run."""
_AT_ONCE = 8
_BUSY_POLL_S = 2.0


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
    """Emulators, those that are left out among them."""

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
    answers = side_by_side(_greet, reachable, _AT_ONCE)
    for place, answer in zip(reachable, answers, strict=True):
        if isinstance(answer, str):
            note(f"{place.name} is left out: {answer}")
        else:
            seen += answer
    return FarmBoards(
        seen=tuple(seen),
        started_here=tuple(place for place in concerned if place.port is None),
    )


def _greet(place: FarmPlace) -> list[SeenBoard] | str:
    """The board as it presents itself, once a domain, or why it is of no use now."""
    assert place.port is not None
    try:
        with Session(BoardOnPort(place.port, place.device).open()) as session:
            seen = [_answering(place, session, Domain.ANY)]
            for domain in _other_domains(seen[0]):
                # Where nothing passes requests on to it, that is said at once.
                with contextlib.suppress(BoardError, DeadlineExceeded):
                    seen.append(_answering(place, session, domain))
    except BoardError as error:
        if error.code == ErrorCode.BUSY and place.device is not None:
            return [
                SeenBoard(
                    place=place, device=place.device, domain=None, emulated=False, holder=str(error)
                )
            ]
        return str(error)
    except JumpstationError as error:
        return str(error)
    device = seen[0].device
    if place.device not in (None, device):
        return f"the farm file calls it a {place.device}, but it says that it is a {device}"
    return seen


def _answering(place: FarmPlace, session: Session, domain: Domain) -> SeenBoard:
    offered = session.connect(domain, within_s=_HELLO_S)
    return SeenBoard(
        place=place,
        device=offered.board,
        domain=offered.domain,
        emulated=bool(offered.emulator),
        holder=None if session.lease_seen is None else session.lease_seen.holder,
    )


def _other_domains(board: SeenBoard) -> list[Domain]:
    profile = find_profile(board.device)
    names = [] if profile is None else [domain.name for domain in profile.domains]
    return [domain_named(name) for name in names if name != board.domain]


def domain_named(name: str | None) -> Domain:
    """What a request names it by; ``ANY`` where it is not known."""
    return Domain.ANY if name is None else Domain[name.upper()]


def first_of(
    boards: Sequence[SeenBoard],
    measure: Callable[[SeenBoard], Trial],
    *,
    patience: Deadline,
    waiting: Callable[[str], None],
    stop: threading.Event,
) -> tuple[Trial | None, dict[str, str]]:
    """Has the first board measure that can be had.

    Args:
        boards: in the order of preference.
        patience: how long boards that somebody holds are waited for, once no other is left.
        waiting: is told for whom.
        stop: calls it off.

    Returns:
        What it showed, None where none could be had; and of each other that was tried, by its
        name, why not.

    Raises:
        Interrupted: it was called off.
        BoardError, ModelError: a board refuses the model: the others would too.
    """
    failed: dict[str, str] = {}
    left = list(boards)
    while left:
        busy = []
        for board in left:
            try:
                trial = measure(board)
            except (BoardError, ModelError) as error:
                if is_refusal(error):
                    raise
                if isinstance(error, BoardError) and error.code == ErrorCode.BUSY:
                    busy.append(board)
                failed[board.place.name] = str(error)
            except (LinkError, DeadlineExceeded, ConfigError) as error:
                failed[board.place.name] = str(error)
            else:
                failed.pop(board.place.name, None)
                return trial, failed
        left = [] if patience.expired else busy
        if left:
            waiting(", ".join(board.place.name for board in left))
            if stop.wait(min(_BUSY_POLL_S, patience.remaining_s)):
                raise Interrupted
    return None, failed


def is_refusal(error: BoardError | ModelError) -> bool:
    """Whether a board answered, and what it cannot do is this model."""
    if isinstance(error, ModelError):
        return True
    if isinstance(error, BoardReset | WrongBoard) or error.code == ErrorCode.BUSY:
        return False
    return error.needed is not None or error.code != 0
