"""Say how much flash and RAM an image takes.

size_report.py IMAGE.map IMAGE.bin
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def symbol_value(map_text: str, name: str) -> int:
    """A symbol that the linker script assigns, from the linker's map."""
    match = re.search(rf"^\s+0x([0-9a-f]+)\s+{name} = ", map_text, re.MULTILINE)
    if match is None:
        raise SystemExit(f"the map has no {name}")
    return int(match[1], 16)


def main() -> int:
    map_text = Path(sys.argv[1]).read_text()
    image = Path(sys.argv[2])
    flash, ram, static, stack, pool = (
        symbol_value(map_text, f"__{name}_bytes")
        for name in ("flash", "ram", "static", "stack", "pool")
    )
    print(
        f"{image.stem}: flash {image.stat().st_size} of {flash} bytes; RAM {static} static and "
        f"{stack} of stack, of {ram}; pool {pool}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
