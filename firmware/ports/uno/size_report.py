"""Say how much flash and RAM an image takes.

    size_report.py UNO.map UNO.bin

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
    map_text = Path(sys.argv[1]).read_text()
    flash_bytes = Path(sys.argv[2]).stat().st_size
    flash_limit = symbol_value(map_text, "__flash_limit_bytes")
    ram_limit = symbol_value(map_text, "__ram_limit_bytes")
    static_bytes = symbol_value(map_text, "__static_bytes")
    stack_bytes = symbol_value(map_text, "__stack_bytes")
    guard_bytes = symbol_value(map_text, "__guard_bytes")
    store_bytes = symbol_value(map_text, "__plan_store_bytes")
    print(
        f"uno: flash {flash_bytes} of {flash_limit} bytes; RAM {static_bytes} static, "
        f"{stack_bytes} of stack and {guard_bytes} of guards, of {ram_limit}; "
        f"plan store {store_bytes}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
