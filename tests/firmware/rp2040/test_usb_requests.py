"""What the Pico tells a USB host, and its answers to requests: USB 2.0, CDC 1.2, PSTN 1.2."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.emulators.process import EmulatorProcess
from host.errors import LinkError
from tests.firmware.rp2040.images import PORT, Image, built
from tests.firmware.rp2040.usb_port import UsbPort

TO_DEVICE, TO_INTERFACE, TO_ENDPOINT = 0x00, 0x01, 0x02
FROM_DEVICE, FROM_INTERFACE, FROM_ENDPOINT = 0x80, 0x81, 0x82
CLASS_TO_DEVICE, CLASS_TO_INTERFACE, CLASS_FROM_INTERFACE = 0x20, 0x21, 0xA1
GET_STATUS, CLEAR_FEATURE, SET_FEATURE, GET_DESCRIPTOR = 0, 1, 3, 6
GET_CONFIGURATION, SET_CONFIGURATION, GET_INTERFACE, SYNCH_FRAME = 8, 9, 10, 12
SET_LINE_CODING, GET_LINE_CODING, SET_CONTROL_LINE_STATE, SEND_BREAK = 0x20, 0x21, 0x22, 0x23
DEVICE, CONFIGURATION, STRING, DEVICE_QUALIFIER, OTHER_SPEED = 1, 2, 3, 6, 7
NOTIFICATION_IN, DATA_OUT, DATA_IN = 0x81, 0x02, 0x82
PROBE = Path(__file__).parent / "probe.c"


@pytest.fixture
def port(probe_image: Image, start: Callable[..., EmulatorProcess]) -> Iterator[UsbPort]:
    with UsbPort(start(probe_image, link="usb")) as port:
        yield port


def test_enumerates_as_a_cdc_acm_port_with_the_published_identity(port: UsbPort) -> None:
    report = port.do("report")
    device, configuration = (bytes.fromhex(report[key]) for key in ("device", "configuration"))
    assert report["state"] == "configured"
    assert device[8:12] == bytes.fromhex("8a2e0a00")  # github.com/raspberrypi/usb-pid
    assert report["strings"] == ["JumpStation HIL", "Pico", "E661640843215A2C"]
    assert configuration[14:17] == bytes([2, 2, 0])
    assert report["endpoints"]["packetBytes"] == 64


@pytest.mark.parametrize("wanted", [0, 1, 9, 63, 64, 65, 67, 255])
def test_an_answer_is_no_longer_than_asked_for(port: UsbPort, wanted: int) -> None:
    whole = bytes.fromhex(port.do("report")["configuration"])
    answer = port.request(FROM_DEVICE, GET_DESCRIPTOR, CONFIGURATION << 8, 0, wanted)
    assert answer == whole[:wanted]


def test_what_is_not_there_is_refused_and_changes_nothing(port: UsbPort) -> None:
    refused = [
        (FROM_DEVICE, GET_DESCRIPTOR, DEVICE_QUALIFIER << 8, 0, 10),
        (FROM_DEVICE, GET_DESCRIPTOR, OTHER_SPEED << 8, 0, 9),
        (FROM_DEVICE, GET_DESCRIPTOR, (DEVICE << 8) + 1, 0, 18),
        (FROM_DEVICE, GET_DESCRIPTOR, (CONFIGURATION << 8) + 1, 0, 9),
        (FROM_DEVICE, GET_DESCRIPTOR, (STRING << 8) + 4, 0x409, 255),
        (TO_DEVICE, SET_CONFIGURATION, 2, 0, 0),
        (FROM_INTERFACE, GET_STATUS, 0, 2, 2),
        (FROM_INTERFACE, GET_INTERFACE, 0, 2, 1),
        (FROM_ENDPOINT, GET_STATUS, 0, 0x83, 2),
        (FROM_ENDPOINT, GET_STATUS, 0, 0x01, 2),
        (FROM_ENDPOINT, SYNCH_FRAME, 0, DATA_IN, 2),
        (TO_ENDPOINT, CLEAR_FEATURE, 1, DATA_IN, 0),
        (TO_ENDPOINT, SET_FEATURE, 0, 0x05, 0),
        (TO_DEVICE, SET_FEATURE, 1, 0, 0),
        (CLASS_FROM_INTERFACE, GET_LINE_CODING, 0, 1, 7),
        (CLASS_TO_INTERFACE, SET_CONTROL_LINE_STATE, 3, 1, 0),
        (CLASS_TO_DEVICE, SET_CONTROL_LINE_STATE, 3, 0, 0),
        (CLASS_TO_INTERFACE, SEND_BREAK, 100, 0, 0),
        (0x40, 1, 0, 0, 0),
        (0xC0, 1, 0, 0, 4),
    ]
    for request in refused:
        assert port.request(*request) is None, request
    coding = bytes(7)
    assert port.send(CLASS_TO_INTERFACE, SET_LINE_CODING, 0, 1, coding) is None
    assert port.send(CLASS_TO_INTERFACE, SET_LINE_CODING, 0, 0, coding[:6]) is None
    assert port.request(FROM_DEVICE, GET_CONFIGURATION, 0, 0, 1) == b"\1"


def test_status_configuration_and_interface(port: UsbPort) -> None:
    assert port.request(FROM_DEVICE, GET_STATUS, 0, 0, 2) == b"\0\0"  # bus-powered, no wake-up
    for interface in (0, 1):
        assert port.request(FROM_INTERFACE, GET_STATUS, 0, interface, 2) == b"\0\0"
        assert port.request(FROM_INTERFACE, GET_INTERFACE, 0, interface, 1) == b"\0"
    for endpoint in (0x00, 0x80, NOTIFICATION_IN, DATA_OUT, DATA_IN):
        assert port.request(FROM_ENDPOINT, GET_STATUS, 0, endpoint, 2) == b"\0\0"
    assert port.request(TO_DEVICE, SET_CONFIGURATION, 0, 0, 0) == b""
    assert port.request(FROM_DEVICE, GET_CONFIGURATION, 0, 0, 1) == b"\0"
    # In the address state there is endpoint 0 alone (USB 2.0 9.4.5), and no class driver's port.
    assert port.request(FROM_ENDPOINT, GET_STATUS, 0, DATA_IN, 2) is None
    assert port.request(FROM_INTERFACE, GET_STATUS, 0, 0, 2) is None
    assert port.request(CLASS_FROM_INTERFACE, GET_LINE_CODING, 0, 0, 7) is None


def test_the_line_coding_is_kept(port: UsbPort) -> None:
    assert port.request(CLASS_FROM_INTERFACE, GET_LINE_CODING, 0, 0, 7) == bytes.fromhex(
        "00100e00000008"  # what the host sets when it has enumerated: 921,600 8N1
    )
    coding = bytes.fromhex("80250000020107")
    assert port.send(CLASS_TO_INTERFACE, SET_LINE_CODING, 0, 0, coding) == b""
    assert port.request(CLASS_FROM_INTERFACE, GET_LINE_CODING, 0, 0, 7) == coding


@pytest.mark.parametrize("endpoint", [NOTIFICATION_IN, DATA_OUT, DATA_IN])
def test_a_halt_is_reported_until_it_is_cleared(port: UsbPort, endpoint: int) -> None:
    assert port.request(TO_ENDPOINT, SET_FEATURE, 0, endpoint, 0) == b""
    assert port.request(FROM_ENDPOINT, GET_STATUS, 0, endpoint, 2) == b"\1\0"
    assert port.do("clear-halt", endpoint=endpoint)["stalled"] is False
    assert port.request(FROM_ENDPOINT, GET_STATUS, 0, endpoint, 2) == b"\0\0"


def test_requests_survive_naks(port: UsbPort) -> None:
    port.do("faults", nak=0.5)
    for _ in range(5):
        port.do("reset")
    report = port.do("report")
    assert (report["state"], report["resets"]) == ("configured", 6)
    assert report["naks"] > 50


@pytest.mark.parametrize(
    ("source", "good", "bad", "complaint"),
    [
        ("usb_endpoint.c", "toggles ^= (uint8_t)(1u << slot);", "", "DATA0 was due"),
        ("usb_endpoint.c", "RP_REG(RP_USB_BUFFER(slot)) = word;", "",
         "in the store that changes it"),
        ("usb_control.c", "control.moves = setup->value <= MAX_ADDRESS;",
         "RP_REG(RP_USB_ADDR_ENDP) = setup->value; control.moves = true;", "USB 2.0 9.2.6"),
        ("usb_descriptors.c", "return (usb_bytes){NULL, 0};", "return (usb_bytes){device, 10};",
         "no device qualifier"),
        ("usb_descriptors.c", "#define CONFIGURED_BYTES  67u", "#define CONFIGURED_BYTES  68u",
         "configuration: bLength 0 at 67"),
        ("usb_descriptors.c", "5, CS_INTERFACE, 6, USB_COMMUNICATION_INTERFACE, 1,",
         "5, CS_INTERFACE, 6, 1, 1,", "union: interfaces"),
        ("clocks.c", "#define USB_FEEDBACK 100u", "#define USB_FEEDBACK 101u", "clk_usb at 48.48"),
    ],
    ids=["toggle", "hand-over", "address", "stall", "length", "union", "clock"],
)  # fmt: skip
def test_a_spoiled_device_does_not_enumerate(
    tmp_path: Path,
    start: Callable[..., EmulatorProcess],
    source: str,
    good: str,
    bad: str,
    complaint: str,
) -> None:
    """The host has teeth: each of these is a line that a real one would fail on."""
    port = tmp_path / "port"
    shutil.copytree(PORT, port)
    text = (port / source).read_text()
    assert text.count(good) >= 1, f"{source} has changed: {good}"
    (port / source).write_text(text.replace(good, bad))
    variables = (f"FIRMWARE={PORT.parents[1]}", f"PORT={port}", f"MAIN={PROBE}")
    image = built(tmp_path / "build", *variables)
    with pytest.raises(LinkError, match="the emulated board stopped") as caught:
        start(image, link="usb")
    assert complaint in str(caught.value)
