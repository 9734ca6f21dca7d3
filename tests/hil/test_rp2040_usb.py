"""The emulated USB controller and host: what the part or a real host refuses ends the run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from hil.emulators.rp2040 import Rp2040Emulator
from host.errors import ConfigError
from host.links.emulator import EmulatorLink
from tests.hil.dialogue import Control, read_bytes

EMULATOR = Path(__file__).resolve().parents[2] / "hil" / "emulators" / "rp2040"

# The example of CDC 1.2, without call management, its lengths and interfaces made right.
DEVICE = bytes.fromhex("12010002 02000040 8a2e0a00 00010102 0301")
CONFIGURATION = bytes.fromhex(
    "09024300020100 8032"
    "090400000102020000"
    "0524002001"
    "0524010001"
    "04240202"
    "0524060001"
    "07058103080010"
    "09040100020a000000"
    "07050202400000"
    "07058202400000"
)
ASSOCIATION = bytes.fromhex("080b000202020000")


@pytest.mark.parametrize(
    ("command", "kind", "reason"),
    [
        (b"c", "usb-clock", "clk_usb at 0 MHz, not 48"),
        (b"f", "usb-clock", "clk_usb at 60 MHz, not 48"),
        (b"h", "usb-handover", "in the store that changes it"),
        (b"n", "usb-handover", "less than a period of clk_usb after it changed"),
        (b"d", "usb-closed", "endpoint 1 IN, which is not enabled"),
        (b"l", "usb-length", "65 bytes"),
        (b"b", "usb-buffer", "in a buffer that endpoint 1 IN has"),
        (b"2", "unmodelled", "double buffering"),
        (b"r", "in-reset", "0x50100180"),
    ],
)
def test_an_offence_stops_the_board(
    command: bytes,
    kind: str,
    reason: str,
    start: Callable[..., EmulatorProcess],
    connect: Callable[[EmulatorProcess], EmulatorLink],
) -> None:
    board = start("usb")
    link = connect(board)
    with Control(board) as control:
        link.write(command)
        stopped = control.next_message()
    assert (stopped["event"], stopped["kind"]) == ("stopped", kind)
    assert reason in stopped["reason"]


def test_what_the_data_sheet_asks_for_is_no_offence(
    start: Callable[..., EmulatorProcess], connect: Callable[[EmulatorProcess], EmulatorLink]
) -> None:
    link = connect(start("usb"))
    link.write(b".")
    assert read_bytes(link, 1) == b"."


def test_an_unknown_link_is_refused() -> None:
    with pytest.raises(ConfigError, match="uart, usb, usb-rp2040js"):
        Rp2040Emulator().start(link="bluetooth")


def verdicts(function: str, *calls: tuple[object, ...]) -> list[str | None]:
    """What each call of an export of usb_descriptors.mjs throws; bytes go as arrays."""
    node = shutil.which("node")
    assert node is not None
    script = (
        f"import * as checks from {json.dumps((EMULATOR / 'usb_descriptors.mjs').as_uri())};"
        "const calls = JSON.parse(process.argv[1]);"
        "console.log(JSON.stringify(calls.map(([bytes, ...rest]) => {"
        f"try {{ checks.{function}(Buffer.from(bytes), ...rest); return null; }}"
        "catch (error) {"
        "if (!(error instanceof checks.DescriptorError)) throw error; return error.message; } })));"
    )
    arguments = json.dumps([[list(call[0]), *call[1:]] for call in calls])  # type: ignore[call-overload]
    done = subprocess.run(
        [node, "--input-type=module", "-e", script, arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    answers: list[str | None] = json.loads(done.stdout)
    return answers


def changed(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([value]) + data[at + 1 :]


def composite(configuration: bytes) -> bytes:
    """With an interface association before the first interface."""
    longer = configuration[:9] + ASSOCIATION + configuration[9:]
    return changed(longer, 2, len(longer))


def test_sound_descriptors_pass() -> None:
    misc = DEVICE[:4] + bytes([0xEF, 2, 1]) + DEVICE[7:]
    assert verdicts("checkDevice", (DEVICE,), (misc,)) == [None, None]
    assert verdicts(
        "checkConfiguration", (CONFIGURATION, False), (composite(CONFIGURATION), True)
    ) == [None, None]


@pytest.mark.parametrize("at", [0, 1, 4, 5, 7, 17])
def test_a_device_descriptor_with_a_wrong_field_is_refused(at: int) -> None:
    (verdict,) = verdicts("checkDevice", (changed(DEVICE, at, 0x21),))
    assert verdict is not None


# Where flipping the lowest bit leaves a sound descriptor, by offset.
FREE = {
    6: "iConfiguration",
    8: "bMaxPower",
    16: "bInterfaceProtocol: none or AT commands",
    17: "iInterface",
    26: "call management: bmCapabilities",
    31: "ACM: bmCapabilities, SET_COMM_FEATURE",
    41: "wMaxPacketSize of the interrupt endpoint",
    43: "bInterval",
    52: "iInterface",
    55: "endpoint number",
    59: "bInterval of a bulk endpoint",
    62: "endpoint number",
    66: "bInterval of a bulk endpoint",
}


def test_every_field_of_a_configuration_is_checked() -> None:
    flipped = [changed(CONFIGURATION, at, 1 ^ old) for at, old in enumerate(CONFIGURATION)]
    found = verdicts("checkConfiguration", *((data, False) for data in flipped))
    assert {at for at, verdict in enumerate(found) if verdict is None} == set(FREE)


@pytest.mark.parametrize(
    ("configuration", "announced"),
    [
        (CONFIGURATION[:-1], False),
        (CONFIGURATION + b"\x00", False),
        (composite(CONFIGURATION), False),
        (CONFIGURATION, True),
        (changed(composite(CONFIGURATION), 12, 1), True),
    ],
    ids=["cut", "zero length", "unannounced", "missing", "one interface too few"],
)
def test_a_configuration_that_does_not_hold_together_is_refused(
    configuration: bytes, announced: bool
) -> None:
    (verdict,) = verdicts("checkConfiguration", (configuration, announced))
    assert verdict is not None
