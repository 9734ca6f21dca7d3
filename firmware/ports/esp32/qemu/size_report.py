"""Say how much flash and RAM an image takes.

    size_report.py BOARD BOARD.map BOARD.bin

The limits themselves are asserted by the linker script.
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
    board, map_file, image = sys.argv[1:]
    map_text = Path(map_file).read_text()
    flash_limit = symbol_value(map_text, "__firmware_limit_bytes")
    static_bytes = symbol_value(map_text, "__static_bytes")
    stack_bytes = symbol_value(map_text, "__stack_bytes")
    pool_bytes = symbol_value(map_text, "__pool_bytes")
    store_bytes = symbol_value(map_text, "__plan_store_bytes")
    print(
        f"{board}: flash {Path(image).stat().st_size} of {flash_limit} bytes; RAM {static_bytes} "
        f"static, {stack_bytes} of stack; pool {pool_bytes}; plan store {store_bytes}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
