"""What a run consists of: every candidate on every board, as often as asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hil.farm import Farm, FarmBoard
from hil.run.jobs import Candidate, Job, Settings
from hil.run.journal import new_run
from host.errors import ConfigError


def all_boards(farm: Farm) -> dict[str, FarmBoard]:
    """By ``RACK/BOARD``."""
    return {f"{rack.id}/{board.id}": board for rack in farm.racks for board in rack.boards}


def choose_boards(
    farm: Farm, names: Sequence[str] = (), tags: Sequence[str] = ()
) -> dict[str, FarmBoard]:
    """The boards that were asked for, by ``RACK/BOARD``; without names and tags, all.

    Args:
        names: ``RACK/BOARD``, a rack, a board's name, or a device of the catalog.
        tags: all of which a board must have.

    Raises:
        ConfigError: a name or a tag is nobody's, or no board has all that was asked for.
    """
    boards = all_boards(farm)
    for name in names:
        if not any(_is_named(key, board, name) for key, board in boards.items()):
            raise ConfigError(
                f"the farm has no board {name!r}", hint=f"boards: {', '.join(boards) or 'none'}"
            )
    known = sorted({tag for board in boards.values() for tag in board.tags})
    for tag in tags:
        if tag not in known:
            raise ConfigError(
                f"no board of the farm has the tag {tag!r}",
                hint=f"tags: {', '.join(known) or 'none'}",
            )
    chosen = {
        key: board
        for key, board in boards.items()
        if (not names or any(_is_named(key, board, name) for name in names))
        and set(tags) <= set(board.tags)
    }
    if not chosen:
        raise ConfigError("no board of the farm is all that was asked for")
    return chosen


def _is_named(key: str, board: FarmBoard, name: str) -> bool:
    return name in (key, key.partition("/")[0], board.id, board.device, board.emulator)


def plan_jobs(
    candidates: Iterable[Candidate],
    boards: Iterable[str] | Mapping[str, FarmBoard],
    *,
    sessions: int = 1,
    settings: Settings | None = None,
    run: str | None = None,
) -> list[Job]:
    """The jobs of a new run, which ``run`` names; None gives it an id."""
    run, settings = run or new_run(), settings or Settings()
    names = list(boards)
    return [
        Job(run=run, candidate=candidate, board=board, session=session, settings=settings)
        for candidate in candidates
        for board in names
        for session in range(1, sessions + 1)
    ]
