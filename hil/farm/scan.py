"""Finds boards that are connected and no farm file knows of yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import attrs

import devices
from hil.farm.edit import NewBoard
from hil.farm.file import BoardKind, Farm, FarmBoard
from host.boards.ports import ConnectedPort, PortInfo, connected_ports
from host.boards.reach import BoardOnPort
from host.errors import JumpstationError
from host.session import Session
from host.waiting import side_by_side

_ANSWER_S = 2.0
"""For a board whose boot loader has ended; what answers at all does so within milliseconds."""
_AT_ONCE = 8


class Standing(StrEnum):
    """What becomes of a port that was found."""

    ADDED = "added"
    KNOWN = "known"
    UNSURE = "unsure"
    """It may lead to a board or to anything else: asking could disturb that."""
    NO_BOARD = "no board"


@attrs.frozen(kw_only=True)
class Finding:
    """A USB device with a serial port, or a board on a broker, by its URL.

    ``board`` is its id in the farm file.
    """

    port: str
    standing: Standing
    board: str | None
    device: str | None
    why: str


@attrs.frozen
class Scan:
    """What was found and what is to be written of it."""

    findings: tuple[Finding, ...]
    new: tuple[NewBoard, ...]


Ask = Callable[[ConnectedPort, str], str]
"""Greets who is at a port, as a board of that device; returns what it says it is. Raises
JumpstationError where nobody answers."""


def who_answers(port: ConnectedPort, device: str) -> str:
    """Opens a port as a board of the catalog wants it, and asks.

    Raises:
        LinkError: it is taken, or gone.
        DeadlineExceeded, BoardError: nobody answers, or nothing that makes sense.
    """
    with Session(BoardOnPort(port.device, device).open()) as session:
        return session.connect(within_s=_ANSWER_S).board


def scan(
    farm: Farm,
    rack: str,
    *,
    ask_all: bool = False,
    ports: Iterable[PortInfo] | None = None,
    ask: Ask = who_answers,
    note: Callable[[str], None] = lambda _text: None,
) -> Scan:
    """Looks at the serial ports of this machine.

    A port is asked who is there where its USB identity is a board's alone; one that is in the
    file is left in peace, for opening it resets some boards.

    Args:
        farm: what is known already.
        rack: where new boards are to stand: they get names that are free there.
        ask_all: ask also where the identity is a converter's, to which anything may be joined.
        ports: what is connected; None asks pyserial.
        note: is told what is being done.
    """
    by_device = _by_device(connected_ports(devices.load_all(), ports))
    known = [board for entry in farm.racks for board in entry.boards]
    # A board of several interfaces has several ports: the first is its console.
    found = [group[0] for group in by_device]
    is_known = {group[0].device: _known(group, known) for group in by_device}
    asked = [
        port
        for port in found
        if is_known[port.device] is None
        and (port.board is not None or (ask_all and port.candidates))
    ]
    answers = _answers(asked, ask, note)
    taken = {board.id for entry in farm.racks if entry.id == rack for board in entry.boards}
    findings: list[Finding] = []
    new: list[NewBoard] = []
    for port in found:
        board = is_known[port.device]
        if board is not None:
            findings.append(_known_finding(port, board))
            continue
        finding = _judged(port, answers.get(port.device))
        if finding.standing == Standing.ADDED:
            assert finding.device is not None
            entry = _new_board(port, finding.device, taken, found)
            taken.add(entry.id)
            new.append(entry)
            finding = attrs.evolve(finding, board=entry.id)
        findings.append(finding)
    return Scan(tuple(findings), tuple(new))


def _by_device(ports: Sequence[ConnectedPort]) -> list[list[ConnectedPort]]:
    """The ports of each USB device, in their order."""
    groups: dict[str, list[ConnectedPort]] = {}
    for port in ports:
        groups.setdefault(port.location or port.device, []).append(port)
    return list(groups.values())


def _known(ports: Sequence[ConnectedPort], boards: Iterable[FarmBoard]) -> FarmBoard | None:
    """The board that one of a device's ports is in the file as."""
    serials = {port.serial_number for port in ports} - {None}
    paths = {Path(port.device).resolve() for port in ports}
    for board in boards:
        if board.usb_serial in serials:
            return board
        if board.path is not None and Path(board.path).resolve() in paths:
            return board
    return None


def _known_finding(port: ConnectedPort, board: FarmBoard) -> Finding:
    why = f"is {board.id} of the farm file"
    if None not in (port.board, board.device) and port.board != board.device:
        why += f", which calls it a {board.device}, but its USB identity is a {port.board}'s"
    return Finding(
        port=port.device, standing=Standing.KNOWN, board=board.id, device=board.device, why=why
    )


@attrs.frozen
class _Answer:
    device: str | None
    why: str


def _answers(
    ports: Sequence[ConnectedPort], ask: Ask, note: Callable[[str], None]
) -> dict[str, _Answer]:
    def answer(port: ConnectedPort) -> _Answer:
        tried = [port.board] if port.board else [candidate.board for candidate in port.candidates]
        why = ""
        for device in dict.fromkeys(tried):
            try:
                return _Answer(ask(port, device), "")
            except JumpstationError as error:
                why = str(error)
        return _Answer(None, why)

    for port in ports:
        note(f"asking {port.device} who it is")
    given = side_by_side(answer, ports, _AT_ONCE)
    return {port.device: entry for port, entry in zip(ports, given, strict=True)}


def _judged(port: ConnectedPort, answer: _Answer | None) -> Finding:
    """What to make of a port that no board of the file has."""

    def finding(standing: Standing, device: str | None, why: str) -> Finding:
        return Finding(port=port.device, standing=standing, board=None, device=device, why=why)

    if answer is not None and answer.device is not None:
        if answer.device not in {profile.id for profile in devices.load_all()}:
            return finding(
                Standing.NO_BOARD, None, f"says that it is a {answer.device!r}: not in the catalog"
            )
        return finding(Standing.ADDED, answer.device, "answered")
    if port.board is not None:
        assert answer is not None
        why = f"by its USB identity; it did not answer: {answer.why}"
        return finding(Standing.ADDED, port.board, why)
    if not port.candidates:
        return finding(Standing.NO_BOARD, None, f"{port.description}: no board of the catalog")
    could_be = ", ".join(dict.fromkeys(candidate.board for candidate in port.candidates))
    if answer is None:
        return finding(Standing.UNSURE, None, f"could be {could_be}: `--ask` asks it")
    return finding(Standing.UNSURE, None, f"could be {could_be}, but no agent answers")


def _new_board(
    port: ConnectedPort, device: str, taken: set[str], found: Sequence[ConnectedPort]
) -> NewBoard:
    return NewBoard(
        id=free_name(device, taken),
        kind=BoardKind.SERIAL,
        device=device,
        identity=_identity(port, found),
        comment=_power_hint(port),
    )


def free_name(device: str, taken: set[str]) -> str:
    """``DEVICE-N``, the first that no board has."""
    number = 1
    while f"{device}-{number}" in taken:
        number += 1
    return f"{device}-{number}"


def _identity(port: ConnectedPort, found: Sequence[ConnectedPort]) -> tuple[str, str]:
    """Its serial number where that is its own; else its socket, then what else there is."""
    serials = [other.serial_number for other in found]
    if port.serial_number is not None and serials.count(port.serial_number) == 1:
        return "usb_serial", port.serial_number
    return "path", port.by_path or port.by_id or port.device


_BEHIND_HUB = re.compile(r"(?P<hub>\d+-\d+(\.\d+)*)\.(?P<port>\d+)|(?P<root>\d+)-(?P<only>\d+)")


def _power_hint(port: ConnectedPort) -> str | None:
    """The line that is right if its hub switches; whether it does, `uhubctl` knows."""
    match = _BEHIND_HUB.fullmatch(port.location or "")
    if match is None:
        return None
    hub, number = match["hub"] or match["root"], match["port"] or match["only"]
    return f"Where its hub switches: power: {{kind: uhubctl, location: {hub}, port: {number}}}"
