"""An image for a board's flash, and the files that hold one."""

from __future__ import annotations

import io
from pathlib import Path

import attrs
from intelhex import HexReaderError, HexRecordError, IntelHex

from host.errors import BoardError, ConfigError
from host.programming import uf2
from protocol.errors import ErrorCode
from protocol.plan import ALIGNMENT_BYTES

ERASED = 0xFF
"""What flash holds where an image says nothing."""


@attrs.frozen
class Image:
    """Bytes without gaps, from ``address`` on."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.address + len(self.data)

    def followed_by(self, plan: bytes) -> Image:
        """This image with a plan behind it, at the next address that a plan may begin at."""
        return self.with_at(plan, self.end + -self.end % ALIGNMENT_BYTES)

    def with_at(self, data: bytes, address: int) -> Image:
        """This image with ``data`` at ``address``, which must not lie before its end."""
        if address < self.end:
            raise ValueError(f"0x{address:x} lies within the image")
        return Image(self.address, self.data + bytes([ERASED]) * (address - self.end) + data)


def read_image(path: Path, *, flat_address: int = 0) -> Image:
    """Reads Intel HEX, UF2, or a flat image that belongs at ``flat_address``; content decides.

    Raises:
        ConfigError: there is no such file, or it is broken.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    try:
        if content.startswith(b":"):
            return _from_intel_hex(content)
        if content.startswith(uf2.MAGIC):
            return Image(*uf2.decode(content))
    except (HexReaderError, HexRecordError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not content:
        raise ConfigError(f"{path}: the image is empty")
    return Image(flat_address, content)


def _from_intel_hex(content: bytes) -> Image:
    records = IntelHex()
    records.padding = ERASED
    records.loadhex(io.StringIO(content.decode("ascii", "replace")))
    first = records.minaddr()
    if first is None:
        raise ValueError("Intel HEX without data")
    return Image(first, bytes(records.tobinstr()))


def write_image(image: Image, path: Path, like: Path) -> None:
    """Writes ``image`` to ``path`` in the format of the file ``like``.

    Raises:
        OSError: a file cannot be read or written.
    """
    sample = like.read_bytes()
    if sample.startswith(b":"):
        records = IntelHex()
        records.puts(image.address, image.data)
        with path.open("w", encoding="ascii", newline="\n") as file:
            records.write_hex_file(file)
    elif sample.startswith(uf2.MAGIC):
        path.write_bytes(uf2.encode(image.address, image.data, uf2.family_of(sample) or 0))
    else:
        path.write_bytes(image.data)


def write_with_plan(
    firmware: Path, plan: bytes, target: Path, *, limit_bytes: int | None = None
) -> int:
    """Writes the image in ``firmware`` with ``plan`` behind it to ``target``, in the same format.

    Args:
        limit_bytes: what the part's flash holds from the image's start on; None: not checked.

    Returns:
        The size of the whole in bytes.

    Raises:
        ConfigError: ``firmware`` cannot be read.
        BoardError: both together are larger than ``limit_bytes``.
    """
    image = read_image(firmware)
    whole = image.followed_by(plan)
    size = len(whole.data)
    if limit_bytes is not None and size > limit_bytes:
        raise BoardError(
            f"firmware ({len(image.data):,} bytes) and plan ({len(plan):,}) are together "
            f"{size - limit_bytes:,} bytes too large for the flash ({limit_bytes:,} bytes)",
            code=ErrorCode.STORE_TOO_SMALL,
            needed=size,
            available=limit_bytes,
            hint="use a smaller model or a board with a larger flash",
        )
    write_image(whole, target, firmware)
    return size
