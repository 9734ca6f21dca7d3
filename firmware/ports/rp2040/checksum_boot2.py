"""Append the boot ROM's checksum to the second stage.

    checksum_boot2.py BOOT2.bin BOOT2_IMAGE.S

The boot ROM starts an image only if the last word of its first 256 bytes is the CRC-32 of
the 252 before it: polynomial 0x04c11db7, initial value 0xffffffff, most significant bit
first, no final inversion (RP2040 datasheet 2.8.1.3.1).
"""

from __future__ import annotations

import sys
from pathlib import Path

STAGE_BYTES = 252
POLYNOMIAL = 0x04C11DB7


def boot_rom_crc32(data: bytes) -> int:
    """The CRC-32 that the boot ROM computes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (POLYNOMIAL if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc


def main() -> int:
    source, target = (Path(argument) for argument in sys.argv[1:])
    stage = source.read_bytes()
    if len(stage) > STAGE_BYTES:
        print(f"{source}: {len(stage)} bytes, the boot ROM takes {STAGE_BYTES}", file=sys.stderr)
        return 1
    stage = stage.ljust(STAGE_BYTES, b"\0")
    image = stage + boot_rom_crc32(stage).to_bytes(4, "little")
    lines = [
        "    .byte " + ", ".join(f"0x{byte:02x}" for byte in image[at : at + 16])
        for at in range(0, len(image), 16)
    ]
    target.write_text('    .section .boot2_image, "a"\n' + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
