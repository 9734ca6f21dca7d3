"""The farm file: what is read, and where what is wrong stands."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from hil.farm.file import NO_FLASH, BoardKind, FarmBoard, load_farm
from hil.farm.power import Power, PowerKind
from host.errors import ConfigError
from tests.support.make import ROOT


def write(folder: Path, text: str) -> Path:
    path = folder / "farm.yaml"
    path.write_text(textwrap.dedent(text).lstrip())
    return path


def test_the_example_is_right() -> None:
    farm = load_farm(ROOT / "hil" / "farm.yaml")
    assert [(board.id, board.kind) for board in farm.rack("bench").boards] == [
        ("emulated-pico", BoardKind.EMULATOR),
        ("desk", BoardKind.PROCESS),
    ]
    with pytest.raises(ConfigError, match=r"no rack 'lab' .*there: bench"):
        farm.rack("lab")


def test_every_kind(tmp_path: Path) -> None:
    farm = load_farm(
        write(
            tmp_path,
            """
            racks:
              - id: bench
                boards:
                  - {id: a, kind: serial, device: pico, identity: {usb_serial: E66}}
                  - {id: b, kind: serial, identity: {path: /dev/serial/by-id/x}}
                  - {id: c, kind: emulator, emulator: pico, flash_model: zero-wait}
                  - {id: d, kind: process, tags: [fast, quiet], quarantine: is being rebuilt}
              - id: lab
                boards:
                  - {id: a, kind: tcp, identity: {address: "10.0.0.7:4000"}}
                  - {id: b, kind: mqtt, identity: {url: mqtts://me@broker/lab/uno-q-1}}
            """,
        )
    )
    assert farm.rack("bench").boards == (
        FarmBoard(id="a", kind=BoardKind.SERIAL, device="pico", usb_serial="E66"),
        FarmBoard(id="b", kind=BoardKind.SERIAL, path="/dev/serial/by-id/x"),
        FarmBoard(id="c", kind=BoardKind.EMULATOR, emulator="pico", flash_model="zero-wait"),
        FarmBoard(
            id="d",
            kind=BoardKind.PROCESS,
            tags=("fast", "quiet"),
            quarantine="is being rebuilt",
        ),
    )
    assert farm.rack("lab").boards == (
        FarmBoard(id="a", kind=BoardKind.TCP, address="10.0.0.7:4000"),
        FarmBoard(id="b", kind=BoardKind.MQTT, url="mqtts://me@broker/lab/uno-q-1"),
    )


def test_how_a_board_is_switched_and_flashed(tmp_path: Path) -> None:
    farm = load_farm(
        write(
            tmp_path,
            """
            racks:
              - id: bench
                boards:
                  - id: a
                    kind: serial
                    device: pico
                    identity: {usb_serial: E66}
                    power: {kind: uhubctl, location: 1-1.4, port: 2, off_s: 3}
                    flash: uf2-drive
                  - id: b
                    kind: serial
                    identity: {usb_serial: E67}
                    power: {kind: command, off_command: a, on_command: b, deadline_s: 90}
                    flash: none
                  - {id: c, kind: tcp, identity: {address: "h:1"}, power: {kind: none}}
            """,
        )
    )
    a, b, c = farm.racks[0].boards
    assert a.power == Power(kind=PowerKind.UHUBCTL, location="1-1.4", port=2, off_s=3)
    assert b.power == Power(kind=PowerKind.COMMAND, off_command="a", on_command="b", deadline_s=90)
    assert (a.flash, b.flash, c.flash) == ("uf2-drive", NO_FLASH, None)
    assert c.power is None


MQTT = "- {id: a, kind: mqtt, identity: {url: mqtt://broker/r/x}}"
TCP = "id: a, kind: tcp, identity: {address: 'h:1'}"


@pytest.mark.parametrize(
    ("boards", "line", "says"),
    [
        ("- {id: a, kind: serial}", 4, "'identity' is a required property"),
        ("- {id: a, kind: spi}", 4, r"kind: 'spi' is none"),
        ("- {id: A, kind: process}", 4, r"id: 'A': Part of an MQTT topic"),
        ("- {id: a, kind: process, colour: red}", 4, r"colour: unknown field \(known: id, kind"),
        ("- id: a\n  kind: process\n  emulator: pico", 6, "emulator: is not for a board of this"),
        ("- id: a\n  kind: emulator\n  emulator: z80", 6, "no emulator for 'z80'"),
        ("- id: a\n  kind: process\n  device: z80", 6, r"unknown board 'z80' \(known: "),
        ("- {id: a, kind: process}\n- {id: a, kind: process}", 5, "two boards 'a'"),
        ("- id: a\n  id: b\n  kind: process", 5, "'id' is there twice"),
        ("- {id: a, kind: tcp, identity: {address: here}}", 4, "'here': HOST:PORT"),
        ("- {id: a, kind: serial, identity: {address: 'h:1'}}", 4, "is not for a board of this"),
        ("- {id: a, kind: serial, identity: {path: x, usb_serial: y}}", 4, "identity: "),
        (
            "- {id: a, kind: serial, identity: {path: x}}\n"
            "- {id: b, kind: serial, identity: {path: x}}",
            5,
            "'x' is there twice",
        ),
        ("- {id: a, kind", 5, "expected"),
        ("[]", 3, "boards: "),
        ("- id: a\n  kind: serial\n  identty: {path: x}", 6, "did you mean 'identity'"),
        ("- {id: a, kind: procces}", 4, "kind: 'procces' is none .did you mean 'process'"),
        ("- {id: a, kind: process, device: picco}", 4, "did you mean 'pico'"),
        ("- {id: a, kind: mqtt, identity: {url: 'mqtt://broker'}}", 4, "mqtt.s.://.USER"),
        ("- {id: a, kind: mqtt, identity: {url: 'mqtt://u:p@b/r/x'}}", 4, "a password does not"),
        (f"{MQTT}\n{MQTT.replace('id: a', 'id: b')}", 5, r"is there twice \(before in line 4"),
        ("- {id: a, kind: process, power: {kind: none}}", 4, "power: is not for a board of this"),
        (f"- {{{TCP}, power: {{kind: uhubctl, port: 1}}}}", 4, "power: 'location' is a required"),
        (f"- {{{TCP}, power: {{kind: uhubctl, location: hub, port: 1}}}}", 4, "as uhubctl names"),
        (
            f"- {{{TCP}, power: {{kind: command, off_command: x}}}}",
            4,
            "power: 'on_command' is a required",
        ),
        (
            f"- {{{TCP}, power: {{kind: command, cycle_command: x, off_s: 3, deadline_s: 2}}}}",
            4,
            "power",
        ),
        (
            f"- {{{TCP}, power: {{kind: command, off_command: x, on_command: y, off_s: 40}}}}",
            4,
            "leave no time",
        ),
        (
            f"- {{{TCP}, power: {{kind: none, cycle_command: x}}}}",
            4,
            "power: has more fields than its",
        ),
        (f"- {{{TCP}, device: pico, flash: avrdude}}", 4, "known: uf2-drive, none"),
        (f"- {{{TCP}, flash: avrdude}}", 4, "flash: needs `device`"),
        ("- {id: a, kind: process, tags: [a, a]}", 4, "tags: .* has non-unique elements"),
        ("- {id: a, kind: process, quarantine: ''}", 4, "quarantine: "),
        ("- id: a\n  kind: emulator\n  emulator: pico\n  flash_model: xpi", 7, "mean 'xip'"),
        ("- {id: a, kind: emulator, emulator: pico, device: uno}", 4, "is not the board that is"),
        ("- &a {id: a, kind: process, tags: [*a]}", 4, "holds itself"),
        ("- {id: a, kind: process, ? [x] : y}", 4, "a key has to be a word"),
        ("- {id: a, kind: serial, identity: {usb_serial: 0123}}", 4, "is not of type 'string'"),
    ],
)
def test_what_is_wrong_says_where(tmp_path: Path, boards: str, line: int, says: str) -> None:
    indented = textwrap.indent(boards, " " * 6)
    path = tmp_path / "farm.yaml"
    path.write_text(f"racks:\n  - id: bench\n    boards:\n{indented}\n")
    with pytest.raises(ConfigError, match=rf"farm\.yaml:{line}:\d+: .*{says}"):
        load_farm(path)


def test_the_column_is_that_of_the_field(tmp_path: Path) -> None:
    text = "racks:\n- id: bench\n  boards:\n  - {id: a, kind: process, colour: red}\n"
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_farm(path)
    column = text.splitlines()[3].index("colour") + 1
    assert str(caught.value).startswith(f"{path}:4:{column}: racks[0].boards[0].colour: unknown")


def test_a_number_in_place_of_a_text_is_told_of_quotes(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        racks:
          - id: bench
            boards:
              - {id: a, kind: serial, identity: {usb_serial: 0123}}
        """,
    )
    with pytest.raises(ConfigError) as caught:
        load_farm(path)
    assert "in quotes" in caught.value.hint


def test_a_rack_of_another_machine_may_not_share_a_board(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        racks:
          - {id: a, boards: [{id: a, kind: serial, identity: {usb_serial: E66}}]}
          - {id: b, boards: [{id: a, kind: serial, identity: {usb_serial: E66}}]}
        """,
    )
    with pytest.raises(ConfigError, match=r"farm\.yaml:3:\d+: .*'E66' is there twice"):
        load_farm(path)


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    path.write_bytes(b"racks:\n  \xff\n")
    with pytest.raises(ConfigError, match=r"farm\.yaml: is not UTF-8"):
        load_farm(path)
    path.write_bytes(b"racks:\n  - a\x01b\n")
    with pytest.raises(ConfigError, match=r"farm\.yaml:2:6: special characters are not allowed"):
        load_farm(path)
    path.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"farm\.yaml: is nested too deep"):
        load_farm(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file"):
        load_farm(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match=r"farm\.yaml:1:1: "):
        load_farm(write(tmp_path, ""))
    with pytest.raises(ConfigError, match=r"farm\.yaml:1:1: .*'racks' is a required"):
        load_farm(write(tmp_path, "{}"))


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "farm.md").read_text()
    found = re.search(r"## The file\n\n((?:    .*\n|\n)+)", page)
    assert found is not None
    boards = load_farm(write(tmp_path, found[1])).rack("bench").boards
    assert {board.kind for board in boards} == set(BoardKind)
