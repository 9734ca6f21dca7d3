"""UF2, the format of images that are copied to a boot loader's drive.

Layout: github.com/microsoft/uf2, section "File format".
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from construct import Bytes, Const, ConstructError, Int32ul, Padded, Struct

MAGIC = b"UF2\n"
PAYLOAD_BYTES = 256
"""A page of serial NOR flash: what the RP2040's boot ROM programs at a time."""
_FAMILY_PRESENT = 0x00002000
_NOT_MAIN_FLASH = 0x00000001
BLOCK = Struct(
    "magic" / Const(MAGIC),
    "magic2" / Const(0x9E5D5157, Int32ul),
    "flags" / Int32ul,
    "address" / Int32ul,
    "payload_bytes" / Int32ul,
    "index" / Int32ul,
    "count" / Int32ul,
    "family" / Int32ul,
    "payload" / Padded(476, Bytes(PAYLOAD_BYTES)),
    "magic3" / Const(0x0AB16F30, Int32ul),
)


def encode(address: int, data: bytes, family: int) -> bytes:
    """The UF2 file of ``data``, whose end is padded with zeros to a whole payload."""
    pieces = [data[at : at + PAYLOAD_BYTES] for at in range(0, len(data), PAYLOAD_BYTES)]
    return b"".join(
        BLOCK.build(
            {
                "flags": _FAMILY_PRESENT,
                "address": address + index * PAYLOAD_BYTES,
                "payload_bytes": PAYLOAD_BYTES,
                "index": index,
                "count": len(pieces),
                "family": family,
                "payload": piece.ljust(PAYLOAD_BYTES, b"\0"),
            }
        )
        for index, piece in enumerate(pieces)
    )


def decode(content: bytes) -> tuple[int, bytes]:
    """Address and bytes of a file whose blocks follow each other without gaps.

    Raises:
        ValueError: it is broken, or has gaps.
    """
    blocks = _blocks(content)
    start = int(blocks[0].address)
    for index, block in enumerate(blocks):
        if block.index != index or block.count != len(blocks):
            raise ValueError(f"UF2 block {index} says it is {block.index} of {block.count}")
        if block.address != start + index * PAYLOAD_BYTES or block.flags & _NOT_MAIN_FLASH:
            raise ValueError(f"UF2 block {index} does not follow the one before it")
    return start, b"".join(bytes(block.payload) for block in blocks)


def family_of(content: bytes) -> int | None:
    """The family id of the first block; None where it has none.

    Raises:
        ValueError: it is no UF2 file.
    """
    first = _blocks(content[: BLOCK.sizeof()])[0]
    return int(first.family) if first.flags & _FAMILY_PRESENT else None


def main() -> None:
    """Makes a UF2 file of a flat image: ``IN OUT --address A --family F``."""
    parser = argparse.ArgumentParser(prog="python -m host.programming.uf2")
    parser.add_argument("image", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--address", type=_number, required=True, help="of the image in flash")
    parser.add_argument("--family", type=_number, required=True, help="id of the part's family")
    options = parser.parse_args()
    options.target.write_bytes(encode(options.address, options.image.read_bytes(), options.family))


def _number(text: str) -> int:
    return int(text, 0)


def _blocks(content: bytes) -> list[Any]:
    size = BLOCK.sizeof()
    if not content or len(content) % size:
        raise ValueError(f"a UF2 file is made of blocks of {size} bytes, this has {len(content)}")
    try:
        return [BLOCK.parse(content[at : at + size]) for at in range(0, len(content), size)]
    except ConstructError as error:
        raise ValueError(f"not a UF2 block: {error}") from error


if __name__ == "__main__":
    main()
