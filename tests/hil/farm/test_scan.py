"""What is connected, found and written: ports as pyserial lists them, agents that really answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo
from typer.testing import CliRunner

from hil.farm.edit import NewBoard
from hil.farm.file import BoardKind, Farm, FarmBoard, Rack, load_farm
from hil.farm.scan import Standing, scan
from hil.farm.written import FarmText
from host.boards import ports as host_ports
from host.boards.ports import ConnectedPort
from host.cli.app import app
from host.errors import ConfigError, DeadlineExceeded
from tests.support.pc_agent import running_agent
from tests.support.usb import CP2102, PICO, UNO_R3, usb

GPS_RECEIVER = (0x1546, 0x01A8)


def farm(*boards: FarmBoard) -> Farm:
    return Farm((Rack("bench", boards),) if boards else ())


class Asked:
    """Who is at which port; keeps whom it was asked for."""

    def __init__(self, **answers: str) -> None:
        self._answers = answers
        self.ports: list[tuple[str, str]] = []

    def __call__(self, port: ConnectedPort, device: str) -> str:
        self.ports.append((port.device, device))
        try:
            return self._answers[Path(port.device).name]
        except KeyError:
            raise DeadlineExceeded("no answer") from None


@pytest.fixture
def agent_port() -> Iterator[str]:
    """A terminal with the agent for this computer at its other end."""
    with running_agent(transport=["--pty"]) as path:
        yield str(path)


def test_who_is_there_is_asked_over_the_wire(agent_port: str) -> None:
    found = scan(farm(), "bench", ports=[usb(agent_port, "E66")])
    (finding,) = found.findings
    # Its USB identity is made up; what it says counts.
    assert (finding.standing, finding.board, finding.device) == (Standing.ADDED, "pc-1", "pc")
    assert found.new == (
        NewBoard(id="pc-1", kind=BoardKind.SERIAL, device="pc", identity=("usb_serial", "E66")),
    )


def test_a_silent_board_is_one_where_its_identity_says_so(tmp_path: Path) -> None:
    ask = Asked()
    found = scan(farm(), "bench", ports=[usb("/dev/ttyACM0", "E66")], ask=ask)
    assert [(entry.id, entry.device) for entry in found.new] == [("pico-1", "pico")]
    assert found.findings[0].why == "by its USB identity; it did not answer: no answer"


def test_converters_are_left_in_peace_unless_told() -> None:
    ports = [usb("/dev/ttyUSB0", "77", CP2102), usb("/dev/ttyACM9", "g", GPS_RECEIVER)]
    ask = Asked(ttyUSB0="esp32")
    found = scan(farm(), "bench", ports=ports, ask=ask)
    standings = {finding.port: finding.standing for finding in found.findings}
    assert standings == {"/dev/ttyUSB0": Standing.UNSURE, "/dev/ttyACM9": Standing.NO_BOARD}
    assert (found.new, ask.ports) == ((), [])
    assert "`--ask`" in next(f for f in found.findings if f.port == "/dev/ttyUSB0").why
    told = scan(farm(), "bench", ports=ports, ask=ask, ask_all=True)
    assert [entry.id for entry in told.new] == ["esp32-1"]
    assert {port for port, _ in ask.ports} == {"/dev/ttyUSB0"}


def test_what_is_known_is_neither_asked_nor_added(tmp_path: Path) -> None:
    device, link = tmp_path / "ttyUSB3", tmp_path / "by-path"
    device.touch()
    link.symlink_to(device)
    known = farm(
        FarmBoard(id="mine", kind=BoardKind.SERIAL, device="pico", usb_serial="E66"),
        FarmBoard(id="other", kind=BoardKind.SERIAL, path=str(link), quarantine="is slow"),
        FarmBoard(id="pico-1", kind=BoardKind.EMULATOR, emulator="pico"),
    )
    ask = Asked(ttyACM1="pico")
    ports = [
        usb("/dev/ttyACM0", "E66", UNO_R3),
        usb("/dev/ttyACM1", "E67"),
        usb(str(device), None, CP2102),
    ]
    found = scan(known, "bench", ports=ports, ask=ask)
    assert [f.standing for f in found.findings if f.board == "other"] == [Standing.KNOWN]
    assert [entry.id for entry in found.new] == ["pico-2"]  # the name is taken, if by another kind
    assert ask.ports == [("/dev/ttyACM1", "pico")]
    assert found.findings[0].why.endswith("calls it a pico, but its USB identity is a uno's")


def test_one_board_with_two_ports_is_one_board() -> None:
    ports = [
        usb("/dev/ttyACM1", "E66", location="1-1.4.2:1.2"),
        usb("/dev/ttyACM0", "E66", location="1-1.4.2:1.0"),
    ]
    found = scan(farm(), "bench", ports=ports, ask=Asked(ttyACM0="pico"))
    (new,) = found.new
    assert found.findings[0].port == "/dev/ttyACM0"
    assert new.comment is not None
    assert "{kind: uhubctl, location: 1-1.4, port: 2}" in new.comment


def test_a_board_that_is_known_by_another_of_its_ports_is_known() -> None:
    known = farm(FarmBoard(id="mine", kind=BoardKind.SERIAL, path="/dev/ttyACM1"))
    ports = [
        usb("/dev/ttyACM0", "E66", location="1-1.4.2:1.0"),
        usb("/dev/ttyACM1", "E66", location="1-1.4.2:1.2"),
    ]
    found = scan(known, "bench", ports=ports, ask=Asked())
    assert [(f.standing, f.board) for f in found.findings] == [(Standing.KNOWN, "mine")]


def test_serial_numbers_that_are_not_their_own_do_not_identify() -> None:
    ports = [
        usb("/dev/ttyUSB0", "0001", CP2102, location="1-2"),
        usb("/dev/ttyUSB1", "0001", CP2102, location="1-3"),
        usb("/dev/ttyACM0", None, UNO_R3, location="1-4"),
    ]
    ask = Asked(ttyUSB0="esp32", ttyUSB1="esp32", ttyACM0="uno")
    found = scan(farm(), "bench", ports=ports, ask=ask, ask_all=True)
    assert {(entry.id, *entry.identity) for entry in found.new} == {
        ("esp32-1", "path", "/dev/ttyUSB0"),
        ("esp32-2", "path", "/dev/ttyUSB1"),
        ("uno-1", "path", "/dev/ttyACM0"),
    }


def test_a_board_that_the_catalog_does_not_know() -> None:
    found = scan(farm(), "bench", ports=[usb("/dev/ttyACM0", "E")], ask=Asked(ttyACM0="toaster"))
    assert found.findings[0].standing == Standing.NO_BOARD
    assert "'toaster': not in the catalog" in found.findings[0].why


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch, agent_port: str) -> list[ListPortInfo]:
    """What pyserial lists: one port, with a board that answers."""
    ports = [usb(agent_port, "E66", PICO, location="1-1.2:1.0")]
    monkeypatch.setattr(host_ports.list_ports, "comports", lambda: ports)
    return ports


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["farm", "scan", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_file_is_made_and_then_left_as_it_is(plugged: list[ListPortInfo], tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    said = run("--config", path)
    assert f"{path}: 1 board added to bench" in said
    text = path.read_text()
    assert text.startswith("# The boards of this farm")
    (board,) = load_farm(path).rack("bench").boards
    assert (board.id, board.device, board.usb_serial) == ("pc-1", "pc", "E66")
    assert "# Where its hub switches: power: {kind: uhubctl, location: 1-1, port: 2}" in text
    again = run("--config", path)
    assert "is pc-1 of the farm file" in again
    assert "nothing to add" in again
    assert path.read_text() == text


def test_a_dry_run_shows_the_difference(plugged: list[ListPortInfo], tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    path.write_text("racks:\n- id: lab\n  boards:\n  - {id: desk, kind: process}  # mine\n")
    path.chmod(0o640)
    before = path.read_text()
    said = run("--config", path, "--dry-run")
    assert path.read_text() == before
    assert "+  - id: pc-1\n+    kind: serial\n" in said
    assert not any(line.startswith("-") for line in said.splitlines()[3:])
    run("--config", path)
    assert path.read_text().startswith(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [board.id for board in load_farm(path).rack("lab").boards] == ["desk", "pc-1"]


def test_json(plugged: list[ListPortInfo], tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    said = json.loads(run("--config", path, "--json", "--dry-run"))
    assert (said["written"], said["rack"], path.exists()) == (False, "bench", False)
    assert said["boards"] == [
        {"id": "pc-1", "kind": "serial", "device": "pc", "identity": {"usb_serial": "E66"}}
    ]
    assert said["ports"][0]["standing"] == "added"


def test_comments_alone_stay_above_what_is_found(
    plugged: list[ListPortInfo], tmp_path: Path
) -> None:
    path = tmp_path / "farm.yaml"
    path.write_text("# to be filled")
    run("--config", path, "--rack", "lab")
    assert path.read_text().startswith("# to be filled\nracks:\n  - id: lab\n")


def test_which_rack_is_meant_has_to_be_clear(tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    path.write_text("".join(["racks:\n", *(f"- {RACK.format(name)}\n" for name in "ab")]))
    with pytest.raises(ConfigError, match="several racks: a, b"):
        FarmText.read(path).rack(None)
    with pytest.raises(ConfigError, match="--rack Lab: lower case"):
        FarmText.read(path).rack("Lab")
    assert FarmText.read(path).rack("b") == "b"


RACK = "{{id: {0}, boards: [{{id: x, kind: process}}]}}"


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    board = NewBoard(id="a", kind=BoardKind.SERIAL, device="pico", identity=("usb_serial", "E66"))
    change = FarmText.read(path).with_boards("bench", [board])
    path.write_text("# by another hand\n")
    with pytest.raises(ConfigError, match="has changed since it was read"):
        change.write()
    assert path.read_text() == "# by another hand\n"
