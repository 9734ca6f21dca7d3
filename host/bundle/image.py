"""The image of a microcontroller's bundle: firmware and plan, as its programmer writes them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs

import devices
from host.errors import BoardError, ConfigError
from host.programming.built import image_of, manifest_of
from host.programming.image import ERASED, Image, read_image, write_image
from protocol.bundle import SelfTestVector
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.messages import Store
from protocol.plan import ALIGNMENT_BYTES, PLAN_HEADER, PLAN_SELF_TEST, SELF_TEST_MAGIC


@attrs.frozen
class MergedImage:
    """``data`` is the file in the format that the board's programmer takes."""

    name: str
    data: bytes
    address: int
    plan_address: int


def merge(
    profile: devices.Profile, board: Capabilities, plan: bytes, vector: SelfTestVector
) -> MergedImage:
    """Puts ``plan`` where the firmware that `make firmware` built looks for it.

    Args:
        board: what a board with this very firmware offers.
        vector: goes behind the plan, for the board's check at every start.

    Raises:
        ConfigError: the firmware is not built, or the board runs another build.
        BoardError: the board has no flash for plans, or too little.
    """
    firmware = image_of(profile)
    if firmware is None or not firmware.is_file():
        raise ConfigError(
            f"{profile.id}: there is no firmware image to put the plan behind",
            hint="`make firmware` builds it, where this machine has the compiler",
        )
    built = manifest_of(firmware)
    if built is None or built.build != board.build:
        raise ConfigError(
            f"the {profile.id} runs the build {board.build!r}, {firmware} is "
            f"{built.build if built else 'of an unknown one'!r}",
            hint=f"`make firmware`, then `host flash --board {profile.id}`",
        )
    address = _plan_address(profile, board, read_image(firmware))
    whole = read_image(firmware).with_at(plan + _record_behind(plan, vector), address)
    with tempfile.TemporaryDirectory(prefix="jumpstation-image-") as folder:
        path = Path(folder, firmware.name)
        write_image(whole, path, firmware)
        return MergedImage(firmware.name, path.read_bytes(), whole.address, address)


def _record_behind(plan: bytes, vector: SelfTestVector) -> bytes:
    """What follows the plan (SPEC.md, The self-test record)."""
    record = {
        "magic": SELF_TEST_MAGIC,
        "plan_crc32": PLAN_HEADER.parse(plan).crc32,
        "seed": vector.seed,
        "output_crc32": vector.output_crc32,
    }
    return bytes([ERASED]) * (-len(plan) % ALIGNMENT_BYTES) + bytes(PLAN_SELF_TEST.build(record))


def _plan_address(profile: devices.Profile, board: Capabilities, firmware: Image) -> int:
    """Where the plan store begins: it is the end of the flash."""
    store = board.store(Store.FLASH)
    if store is None or profile.flash_kb is None:
        raise BoardError(
            f"the firmware of {profile.id} keeps plans in RAM alone: a bundle has no place there",
            code=ErrorCode.BAD_STORE,
        )
    flash_bytes = round(profile.flash_kb.value * 1024)
    address = firmware.address + flash_bytes - store.capacity_bytes
    if address < firmware.end:
        raise ConfigError(
            f"{profile.id}: the plan store would begin within the firmware: the profile's "
            f"flash_kb ({profile.flash_kb.value:g}) is not the part's"
        )
    return address
