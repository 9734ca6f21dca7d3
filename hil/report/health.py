"""How the boards themselves are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import attrs

from hil.nightly.verdicts import NightVerdict
from hil.report.words import evidence_short
from protocol.measurement import Measurement

_QUIET_RESETS = {None, "power-on", "pin", "software", "unknown"}
"""What starts a board that is well."""


@attrs.frozen(kw_only=True)
class BoardHealth:
    """One board in one night; texts as the page shows them."""

    name: str
    uid: str
    evidence: str
    sessions: int
    clock: str
    temperature: str
    retransmits: int
    boots: str
    troubles: tuple[str, ...]


def board_health(night: NightVerdict) -> list[BoardHealth]:
    boards: dict[tuple[str, str, str, str], list[Measurement]] = defaultdict(list)
    for record in night.records:
        board, source = record.board, str(record.evidence.source)
        boards[board.id, board.domain, board.uid or "", source].append(record)
    flags: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for cell in night.cells:
        key = cell.key
        flags[key.board, key.domain, key.uid, key.source] += cell.flags
    return [_health(records, flags[board]) for board, records in sorted(boards.items())]


def _health(records: Sequence[Measurement], flags: Sequence[str]) -> BoardHealth:
    newest = records[-1]
    board = newest.board
    clocks = sorted({record.board.clock_hz for record in records if record.board.clock_hz})
    temperatures = [t for record in records for t in record.conditions.temperature_c or ()]
    boots = [record.board.boot_count for record in records if record.board.boot_count is not None]
    resets = sorted(
        {
            str(record.board.reset_cause)
            for record in records
            if record.board.reset_cause not in _QUIET_RESETS
        }
    )
    return BoardHealth(
        name=f"{board.id} ({board.domain})" if board.domain else board.id,
        uid=board.uid or "none",
        evidence=evidence_short(newest),
        sessions=len(records),
        clock=", ".join(f"{hz / 1e6:g} MHz" for hz in clocks) or "unknown",
        temperature=f"{min(temperatures):g} to {max(temperatures):g} °C"
        if temperatures
        else "not reported",
        retransmits=sum(record.link.retransmits for record in records),
        boots=f"{min(boots)} to {max(boots)}" if boots else "not counted",
        troubles=tuple(dict.fromkeys([*flags, *(f"reset by {cause}" for cause in resets)])),
    )
