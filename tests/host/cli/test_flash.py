"""``host flash`` where no board has to answer: drives, missing things, other boards."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.boards.flash import flash
from host.cli.flash import flash as flash_command
from host.emulators import find_emulator
from host.errors import BoardError
from tests.host.cli.conftest import HostCommand
from tests.support.make import BUILD_DIR, ROOT, make
from tests.support.pc_agent import running_agent

UF2 = BUILD_DIR / "firmware" / "pico" / "pico.uf2"


@pytest.fixture(scope="module", autouse=True)
def firmware() -> None:
    make(ROOT / "firmware", "rp2040")


class AlreadyFlashed:
    """A programmer whose board has its image by other means."""

    name = "none"

    def missing(self) -> str | None:
        return None

    def holds(self, image: Path, port: str | None) -> bool:
        return False

    def program(self, image: Path, port: str | None) -> None:
        pass


def test_the_help_says_what_it_does(host: HostCommand) -> None:
    done = host("flash", "--help")
    assert done.returncode == 0
    for word in ("--board", "--port", "--image", "UF2 drive", "avrdude", "already"):
        assert word in done.stdout


def test_a_pico_in_its_boot_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A drive as the boot ROM shows it; nobody appears on USB afterwards."""
    monkeypatch.setattr("host.boards.flash._APPEARS_S", 0.1)
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
    flash_command("pico", port=str(tmp_path))
    printed = capsys.readouterr()
    assert (tmp_path / "pico.uf2").read_bytes() == UF2.read_bytes()
    assert printed.out.startswith(f"Flashed  {UF2} (")
    assert ", revision " in printed.out
    assert "not checked: no single port is surely a pico's" in printed.err


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (["--board", "pdp11"], 2, "unknown board 'pdp11'", "known boards: uno, pico, "),
        (["--board", "pc"], 2, "pc has no programmer", "docs/hardware.md"),
        (["--board", "pico", "--port", "/dev/ttyNone7"], 5, "no RPI-RP2 drive", "hold the Pico's"),
        (["--board", "pico", "--image", "none.uf2"], 2, "no such image", "another --image"),
        (["--board", "pico", "--image", "README.md"], 2, "README.md: ", ".uf2 beside"),
    ],
)
def test_what_is_missing_is_named(
    host: HostCommand, arguments: list[str], code: int, error: str, hint: str
) -> None:
    done = host("flash", *arguments)
    assert done.returncode == code
    assert error in done.stderr
    assert hint in done.stderr.split("hint: ", 1)[1]
    assert done.stdout == ""


def test_an_image_too_large_for_the_part(host: HostCommand, tmp_path: Path) -> None:
    image = tmp_path / "large.bin"
    image.write_bytes(bytes(32_257))
    done = host("flash", "--board", "uno", "--port", "/dev/ttyNone7", "--image", image)
    assert done.returncode == 2
    assert "32,257 bytes, 1 more than the flash of uno holds" in done.stderr


def test_the_board_is_greeted_afterwards() -> None:
    board = find_emulator("pico").start()
    try:
        done = flash(
            "pico",
            port=f"tcp://127.0.0.1:{board.port}",
            image=None,
            note=lambda text: None,
            programmer=AlreadyFlashed(),
        )
    finally:
        board.stop()
    assert done.written
    assert done.answered is not None
    assert done.manifest is not None
    assert (done.answered.board, done.answered.build) == ("pico", done.manifest.build)


def test_another_board_that_answers_is_reported() -> None:
    with running_agent() as port, pytest.raises(BoardError, match="is a 'pc', not the 'pico'"):
        flash(
            "pico",
            port=f"tcp://127.0.0.1:{port}",
            image=None,
            note=lambda text: None,
            programmer=AlreadyFlashed(),
        )
