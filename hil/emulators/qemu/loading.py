"""Arguments that put bytes into an emulated machine's memory on every reset."""

from __future__ import annotations

from pathlib import Path

_WORD_BYTES = 8
"""What one of QEMU's generic loader devices holds (QEMU manual, Generic Loader)."""


def loaded_image(image: Path, address: int) -> list[str]:
    """``image`` as it is, from ``address`` on; memory beside it is left alone."""
    return ["-device", f"loader,file={_escaped(image)},addr={address:#x},force-raw=on"]


def loaded_text(text: str, address: int) -> list[str]:
    """ASCII ``text`` and a NUL from ``address`` on, for a little-endian machine."""
    data = text.encode("ascii") + b"\0"
    arguments = []
    for start in range(0, len(data), _WORD_BYTES):
        word = int.from_bytes(data[start : start + _WORD_BYTES], "little")
        place = f"addr={address + start:#x},data={word:#x},data-len={_WORD_BYTES}"
        arguments += ["-device", f"loader,{place}"]
    return arguments


def _escaped(path: Path) -> str:
    """A comma ends a property's value unless it is doubled."""
    return str(path).replace(",", ",,")
