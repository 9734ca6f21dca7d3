"""What ``host target`` may measure on: the boards of a farm file, but for those in quarantine."""

from __future__ import annotations

from pathlib import Path

from hil.farm import FarmBoard, load_farm, placed
from hil.run.journal import Journal
from hil.run.plan import all_boards
from host.errors import LinkError
from host.evidence import History
from host.farms import FarmPlace


class FarmPlaces:
    """Implements :class:`host.farms.FarmReader`."""

    def places(self, config: Path, history: History | None) -> list[FarmPlace]:
        by_runs = {} if history is None else Journal(history).quarantines()
        return [
            _place(name, board, by_runs[name].reason if name in by_runs else None)
            for name, board in all_boards(load_farm(config)).items()
        ]


def _place(name: str, board: FarmBoard, by_run: str | None) -> FarmPlace:
    reason = board.quarantine or by_run
    device = board.device or board.emulator
    if reason is not None:
        return FarmPlace(name=name, device=device, left_out=f"it is in quarantine: {reason}")
    try:
        place = placed(board)
    except LinkError as error:
        return FarmPlace(name=name, device=device, left_out=str(error))
    return FarmPlace(
        name=name,
        device=place.board,
        port=place.port,
        flash_model=place.flash_model,
        may_program=place.may_program,
    )
