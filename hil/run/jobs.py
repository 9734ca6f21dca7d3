"""Jobs: one model, in one precision, measured once on one board of the farm."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import attrs

from hil.farm import Placement
from host.measurement.request import MeasureRequest

_ID_DIGITS = 20


@attrs.frozen(kw_only=True)
class Settings:
    """How every job of a run measures; None leaves the choice to the board.

    ``profile``: the cycles of each op as well, where the board counts them.
    """

    iterations: int | None = None
    warmup: int | None = None
    seed: int = 0
    profile: bool = True


@attrs.frozen(kw_only=True)
class Candidate:
    """A model in one precision, as a file that boards are given.

    ``refusal`` says why there is no such file, where there is none: it is then the model's fault
    on every board. ``name`` and ``sha256`` are the file's, or the model's it was to be made of.
    """

    name: str
    sha256: str
    precision: str
    path: Path | None
    size_bytes: int = 0
    refusal: str | None = None


@attrs.frozen(kw_only=True)
class Job:
    """``board`` is ``RACK/BOARD``; ``session`` counts the repetitions of a cell from 1.

    ``id`` is a digest of all the rest and of the run: the same work in the same run has the same
    id, so that doing it twice cannot count twice.
    """

    run: str
    candidate: Candidate
    board: str
    session: int = 1
    settings: Settings = Settings()

    @property
    def id(self) -> str:
        what = (
            self.run,
            self.candidate.sha256,
            self.candidate.name,
            self.candidate.precision,
            self.board,
            self.session,
            *attrs.astuple(self.settings),
        )
        return hashlib.sha256("\0".join(map(str, what)).encode()).hexdigest()[:_ID_DIGITS]

    @property
    def cell(self) -> Cell:
        return Cell(self.candidate.sha256, self.candidate.precision, self.board)

    @property
    def title(self) -> str:
        """For people."""
        session = f", session {self.session}" if self.session > 1 else ""
        return f"{self.candidate.name} ({self.candidate.precision}{session}) on {self.board}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, from which :meth:`from_dict` makes it again."""
        path = self.candidate.path
        return {
            **attrs.asdict(self),
            "candidate": {
                **attrs.asdict(self.candidate),
                "path": None if path is None else str(path),
            },
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Job:
        candidate = dict(values["candidate"])
        if candidate["path"] is not None:
            candidate["path"] = Path(candidate["path"])
        given = {
            **values,
            "candidate": Candidate(**candidate),
            "settings": Settings(**values["settings"]),
        }
        return cls(**given)

    def request(self, place: Placement) -> MeasureRequest:
        """What is asked of the board, once it is known where that is."""
        return MeasureRequest(
            model=self.candidate.path,
            board=place.board,
            port=place.port,
            flash_model=place.flash_model,
            may_program=place.may_program,
            iterations=self.settings.iterations,
            warmup=self.settings.warmup,
            seed=self.settings.seed,
            profile=None if self.settings.profile else False,
            # The same for each try, in whatever process: what a cut cable or a killed run has left
            # held is held by this very session.
            session=int(self.id[:8], 16) or 1,
        )


@attrs.frozen
class Cell:
    """What is measured again and again: a model's content in a precision, on a board."""

    sha256: str
    precision: str
    board: str
