"""Say how much flash and RAM an image takes.

A port's linker script has the figures as symbols, of which the names' middles are given here:
``ram_limit`` is ``__ram_limit_bytes``.

    size_report.py IMAGE.map IMAGE.bin --flash-limit NAME [--ram NAME...] [--ram-limit NAME]
                   [--besides NAME...]

The limits themselves are asserted by the linker script.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path


def symbol_value(map_text: str, name: str) -> int:
    """A symbol that the linker script assigns, from the linker's map."""
    match = re.search(rf"^\s+0x([0-9a-f]+)\s+__{name}_bytes = ", map_text, re.MULTILINE)
    if match is None:
        raise SystemExit(f"size_report.py: the map has no __{name}_bytes")
    return int(match[1], 16)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("map", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--flash-limit", required=True)
    parser.add_argument("--ram", nargs="+", default=["static", "stack"])
    parser.add_argument("--ram-limit")
    parser.add_argument("--besides", nargs="+", default=["pool"])
    options = parser.parse_args()
    map_text = options.map.read_text(encoding="utf-8")

    def sized(name: str) -> str:
        return f"{name.replace('_', ' ')} {symbol_value(map_text, name)}"

    limit = f" of {symbol_value(map_text, options.ram_limit)}" if options.ram_limit else ""
    parts = [
        f"flash {options.image.stat().st_size} of {symbol_value(map_text, options.flash_limit)}",
        f"RAM{limit}: {', '.join(sized(name) for name in options.ram)}",
        *(sized(name) for name in options.besides),
    ]
    print(f"{options.image.stem}: {'; '.join(parts)} (bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
