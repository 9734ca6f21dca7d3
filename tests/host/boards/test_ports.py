"""Which board a port leads to: USB identities as pyserial reports them, made up here."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

import devices
from host.boards.catalog import survey
from host.boards.ports import ConnectedPort, connected_ports, port_of


def port(device: str, vid: int | None, pid: int | None, serial: str | None = None) -> ListPortInfo:
    info = ListPortInfo(device, skip_link_detection=True)
    info.vid, info.pid, info.serial_number = vid, pid, serial
    info.description = f"product {pid}"
    return info


PICO = (0x2E8A, 0x000A)
DEBUG_PROBE = (0x2E8A, 0x000C)
UNO_R3 = (0x2341, 0x0043)
CH340 = (0x1A86, 0x7523)
CP2102 = (0x10C4, 0xEA60)
GPS_RECEIVER = (0x1546, 0x01A8)


def found(*ports: ListPortInfo, by_id: Path = Path("/nonexistent")) -> dict[str, ConnectedPort]:
    return {p.device: p for p in connected_ports(devices.load_all(), ports, by_id)}


@pytest.mark.parametrize("seed", range(4))
def test_a_board_is_told_by_its_identity_not_by_its_place(seed: int) -> None:
    identities = {"uno": UNO_R3, "pico": PICO, None: GPS_RECEIVER}
    names = ["/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyACM2"]
    shuffled = random.Random(seed)
    order = list(identities)
    shuffled.shuffle(order)
    ports = [port(n, *identities[board]) for n, board in zip(names, order, strict=True)]
    shuffled.shuffle(ports)
    assert {n: p.board for n, p in found(*ports).items()} == dict(zip(names, order, strict=True))


@pytest.mark.parametrize(
    ("identity", "boards"),
    [(DEBUG_PROBE, {"pico"}), (CH340, {"uno"}), (CP2102, {"esp32", "esp32c3"})],
    ids=["debug-probe", "ch340", "cp2102"],
)
def test_a_converter_that_others_have_too_is_no_proof(
    identity: tuple[int, int], boards: set[str]
) -> None:
    (entry,) = found(port("/dev/ttyUSB0", *identity)).values()
    assert entry.board is None
    assert {candidate.board for candidate in entry.candidates} >= boards
    assert all(candidate.what for candidate in entry.candidates)


def test_ports_without_usb_are_no_boards() -> None:
    assert found(port("/dev/ttyS0", None, None)) == {}


def test_links_by_id_are_found(tmp_path: Path) -> None:
    device, other = tmp_path / "ttyACM7", tmp_path / "ttyACM8"
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    device.touch()
    other.touch()
    link = by_id / "usb-Raspberry_Pi_Pico_E6614103E7452D2F-if00"
    link.symlink_to(Path("..") / "ttyACM7")
    ports = found(
        port(str(device), *PICO, "E6614103E7452D2F"), port(str(other), *PICO, ""), by_id=by_id
    )
    first, second = ports[str(device)], ports[str(other)]
    assert (first.by_id, first.serial_number) == (str(link), "E6614103E7452D2F")
    assert (second.by_id, second.serial_number) == (None, None)
    assert port_of(str(link), ports.values()) == first
    assert port_of(str(tmp_path / "ttyACM9"), ports.values()) is None


def test_sockets_have_names_too(tmp_path: Path) -> None:
    device, by_path = tmp_path / "ttyUSB0", tmp_path / "by-path"
    device.touch()
    by_path.mkdir()
    for variant in ("usbv2", "usb"):
        link = by_path / f"pci-0000:00:14.0-{variant}-0:1.2:1.0-port0"
        link.symlink_to(device)
    info = port(str(device), *CH340)
    info.location = "1-1.2:1.0"
    (entry,) = connected_ports(devices.load_all(), [info], by_path=by_path)
    assert (entry.by_path, entry.location) == (str(link), "1-1.2")


def test_the_survey_puts_each_port_with_its_board() -> None:
    ports = found(
        port("/dev/ttyACM0", *UNO_R3, "5573"),
        port("/dev/ttyACM1", *PICO, "E661"),
        port("/dev/ttyACM2", *PICO, "E662"),
        port("/dev/ttyACM3", *GPS_RECEIVER),
        port("/dev/ttyUSB0", *CH340),
    )
    catalog = survey(tuple(ports.values()))
    boards = {board.id: board for board in catalog.boards}
    assert [p.serial_number for p in boards["uno"].connected] == ["5573"]
    assert [p.device for p in boards["uno"].maybe_connected] == ["/dev/ttyUSB0"]
    assert [p.serial_number for p in boards["pico"].connected] == ["E661", "E662"]
    assert [p.device for p in catalog.unknown_ports] == ["/dev/ttyACM3"]
    assert boards["pc"].connected == boards["pc"].maybe_connected == ()


def test_the_survey_knows_every_board() -> None:
    catalog = survey(())
    profiles = {profile.id: profile for profile in devices.load_all()}
    assert [board.id for board in catalog.boards] == list(profiles)
    for board in catalog.boards:
        profile = profiles[board.id]
        assert (board.emulator is None) == (profile.emulator is None)
        assert (board.programmer is None) == (profile.programmer is None)
        if board.emulator is not None and profile.emulator is not None:
            assert board.emulator.fidelity == profile.emulator.fidelity
    pico = next(board for board in catalog.boards if board.id == "pico")
    assert pico.emulator is not None
    assert (pico.emulator.name, pico.emulator.missing) == ("rp2040js", None)
    assert pico.image is not None
    assert pico.image.path.endswith("build/firmware/pico/pico.uf2")
