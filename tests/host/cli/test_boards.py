"""``host boards``, and what keeps a model from the wrong board."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

import devices
from hil.emulators.process import EmulatorProcess
from host.emulators import find_emulator
from protocol.framing import Frame
from protocol.messages import MessageType
from tests.host.cli.conftest import HostCommand
from tests.support.faulty_link import Faults, FaultyLink
from tests.support.make import ROOT, make

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"
UPLOADS = {MessageType.PLAN_BEGIN, MessageType.PLAN_CHUNK, MessageType.PLAN_END}


@pytest.fixture(scope="module")
def pico() -> Iterator[EmulatorProcess]:
    make(ROOT / "firmware", "rp2040")
    board = find_emulator("pico").start()
    assert isinstance(board, EmulatorProcess)
    yield board
    board.stop()


def test_lists_every_board_of_the_catalog(host: HostCommand) -> None:
    done = host("boards")
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert [word for word in listed if word in {p.id for p in devices.load_all()}] == [
        profile.id for profile in devices.load_all()
    ]
    assert "rp2040js" in done.stdout
    assert "cycle ±10 %" in done.stdout


def test_prints_the_same_as_json(host: HostCommand) -> None:
    done = host("boards", "--json")
    assert done.returncode == 0, done.stderr
    catalog = json.loads(done.stdout)
    boards = {board["id"]: board for board in catalog["boards"]}
    assert list(boards) == [profile.id for profile in devices.load_all()]
    assert boards["uno"]["emulator"] == {
        "name": "avr8js",
        "fidelity": "cycle",
        "error_band_pct": 1,
        "missing": None,
    }
    assert boards["uno"]["programmer"]["name"] == "avrdude"
    assert boards["uno"]["image"]["path"].endswith("build/firmware/uno/uno.hex")
    assert boards["pc"]["programmer"] is None
    assert isinstance(catalog["unknown_ports"], list)


def test_the_connected_board_is_measured(host: HostCommand, pico: EmulatorProcess) -> None:
    done = host("measure", MLP, "--board", "pico", "--port", f"tcp://127.0.0.1:{pico.port}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("board", ["uno", "uno_q"])
def test_a_wrong_board_is_refused_before_the_upload(
    host: HostCommand, pico: EmulatorProcess, board: str
) -> None:
    seen: list[MessageType | int] = []

    def watch(frame: Frame) -> Sequence[Frame]:
        seen.append(frame.type)
        return [frame]

    with FaultyLink(("127.0.0.1", pico.port), to_board=Faults(rewrite=watch)) as relay:
        done = host("measure", MLP, "--board", board, "--port", relay.url)
        port = relay.url
    assert done.returncode == 5
    assert f"error: the board at {port} is 'pico', not '{board}'\nhint: " in done.stderr
    assert MessageType.HELLO in seen
    assert not UPLOADS & set(seen)
    assert "uploading" not in done.stderr
