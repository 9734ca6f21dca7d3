"""Programs of other makers: how they are called, and what is said when they or the board fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import devices
from host.errors import ConfigError, DeadlineExceeded, LinkError
from host.programming.avrdude import Avrdude
from host.programming.base import Programmer, Tool
from host.programming.esptool import Esptool
from host.programming.find import find_programmer
from host.programming.openocd import OpenOcd
from tests.support.make import ROOT

AVRDUDE = Avrdude("m328p", "arduino", 115200)
ESPTOOL = Esptool("esp32", 460800, "0x10000")
OPENOCD = OpenOcd(
    configs=["interface/cmsis-dap.cfg", "target/stm32u5x.cfg"],
    address="0x08000000",
    where="connect the probe",
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "with a space"
    folder.mkdir()
    path = folder / "firmware.bin"
    path.write_bytes(b"\x11\x22\x33\x44")
    return path


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def stand_in(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_how_avrdude_is_called() -> None:
    assert AVRDUDE.command("w", Path("uno.hex"), "/dev/ttyACM0") == [
        *("avrdude", "-q", "-p", "m328p", "-c", "arduino", "-P", "/dev/ttyACM0", "-b", "115200"),
        *("-D", "-U", "flash:w:uno.hex:i"),
    ]
    networked = AVRDUDE.command("v", Path("uno.bin"), "tcp://rack:4000")
    assert networked[networked.index("-P") + 1] == "net:rack:4000"
    assert networked[-1] == "flash:v:uno.bin:r"


def test_how_esptool_is_called() -> None:
    assert ESPTOOL.arguments(Path("a.bin"), "/dev/ttyUSB0") == [
        *("--chip", "esp32", "--port", "/dev/ttyUSB0", "--baud", "460800"),
        *("write_flash", "0x10000", "a.bin"),
    ]
    assert "--port" not in ESPTOOL.arguments(Path("a.bin"), None)
    assert "socket://rack:4000" in ESPTOOL.arguments(Path("a.bin"), "tcp://rack:4000")


def test_how_openocd_is_called() -> None:
    assert OPENOCD.arguments(Path("a b.bin")) == [
        *("-f", "interface/cmsis-dap.cfg", "-f", "target/stm32u5x.cfg"),
        *("-c", "program {a b.bin} 0x08000000 verify reset exit"),
    ]


@pytest.mark.parametrize(
    ("programmer", "hint"),
    [
        (AVRDUDE, "apt-get install avrdude"),
        (ESPTOOL, "pip install esptool"),
        (OPENOCD, "connect the probe"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_tool_that_is_missing(
    programmer: Programmer, hint: str, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert programmer.missing() == f"{programmer.name} is not on the path"
    with pytest.raises(ConfigError, match=f"{programmer.name} is not on the path") as caught:
        programmer.program(image, "/dev/ttyACM0")
    assert hint in (caught.value.hint or "")


def test_avrdude_needs_a_port(image: Path) -> None:
    needs("avrdude")
    with pytest.raises(ConfigError, match="needs to know where the board is") as caught:
        AVRDUDE.program(image, None)
    assert "host boards" in (caught.value.hint or "")


@pytest.mark.parametrize("method", ["holds", "program"])
def test_avrdude_finds_no_board(method: str, image: Path) -> None:
    needs("avrdude")
    with pytest.raises(LinkError, match=r"avrdude failed .*ttyNone7") as caught:
        getattr(AVRDUDE, method)(image, "/dev/ttyNone7")
    assert "check --port, the cable" in (caught.value.hint or "")


def test_esptool_finds_no_board(image: Path) -> None:
    needs("esptool")
    with pytest.raises(LinkError, match=r"esptool failed .*ttyNone7"):
        ESPTOOL.program(image, "/dev/ttyNone7")


def test_openocd_finds_no_probe(image: Path) -> None:
    needs("openocd")
    with pytest.raises(LinkError, match=r"openocd failed .*unable to find") as caught:
        OPENOCD.program(image, None)
    assert caught.value.hint == "connect the probe"


def test_a_tool_in_the_folder_of_its_profile(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An OpenOCD off the path, as vendors ship it: found with its scripts beside it."""
    (tmp_path / "bin").mkdir()
    stand_in(tmp_path / "bin", "openocd", f'printf "%s|" "$@" > "{tmp_path}/called"')
    monkeypatch.setenv("PATH", "/nonexistent")
    tool = OpenOcd(["part.cfg"], "0x0", "w", folder=str(tmp_path))
    assert tool.missing() is None
    tool.program(image, None)
    called = (tmp_path / "called").read_text().split("|")
    assert called[:4] == ["-s", str(tmp_path), "-f", "part.cfg"]


def test_a_tool_that_fails_is_quoted(tmp_path: Path) -> None:
    stand_in(tmp_path, "tool", 'for i in 1 2 3 4 5 6 7; do echo "line $i"; done; exit 3')
    with pytest.raises(LinkError) as caught:
        Tool([str(tmp_path / "tool")], 10.0, "look there").run()
    words = "line 2; line 3; line 4; line 5; line 6; line 7"
    assert str(caught.value) == f"tool failed (exit code 3): {words}"
    assert caught.value.hint == "look there"


def test_a_tool_that_compares(tmp_path: Path) -> None:
    for name, script in (
        ("same", "exit 0"),
        ("other", "echo mismatch; exit 1"),
        ("dead", "exit 1"),
    ):
        stand_in(tmp_path, name, script)
    assert Tool([str(tmp_path / "same")], 10.0, "").agrees("mismatch")
    assert not Tool([str(tmp_path / "other")], 10.0, "").agrees("mismatch")
    with pytest.raises(LinkError, match="no reason"):
        Tool([str(tmp_path / "dead")], 10.0, "").agrees("mismatch")


def test_a_tool_that_does_not_end_is_ended(tmp_path: Path) -> None:
    stand_in(tmp_path, "tool", "exec sleep 60")
    with pytest.raises(DeadlineExceeded, match=r"tool did not end within 0\.2 s"):
        Tool([str(tmp_path / "tool")], 0.2, "").run()


def test_a_tool_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="nothing cannot be started"):
        Tool([str(tmp_path / "nothing")], 1.0, "").run()


def test_every_profile_names_a_programmer_that_exists() -> None:
    profiles = [profile for profile in devices.load_all() if profile.programmer is not None]
    assert {"pico", "uno"} <= {profile.id for profile in profiles}
    for profile in profiles:
        assert profile.programmer is not None
        assert find_programmer(profile).name == profile.programmer.name


def test_a_board_that_nothing_programs() -> None:
    with pytest.raises(ConfigError, match="pc has no programmer") as caught:
        find_programmer(devices.load("pc"))
    assert caught.value.hint == "docs/hardware.md says how each board gets its firmware"


def test_the_manual_has_every_board_that_is_flashed() -> None:
    manual = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")
    for profile in devices.load_all():
        if profile.programmer is not None:
            assert f"| [{profile.id}](#" in manual
            assert f"`{profile.programmer.image}`" in manual
