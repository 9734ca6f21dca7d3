"""Say what an image is: revision, compiler, flags, sizes, checksums.

A port's Makefile states the facts, this writes them down:

    manifest.py MANIFEST.json --board ID --revision R --build TEXT --compiler TEXT --flags TEXT
                [--elf FILE --nm PROGRAM] [--flash-bytes N] [--static-bytes N] [--stack-bytes N]
                IMAGE...

A size is a number, or the name of a symbol in the ELF file whose value it is. ``--build`` is
what the agent itself says of its build: by it a host knows a board that runs this image.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

SIZES = ("flash_bytes", "static_bytes", "stack_bytes")


def symbols(nm: str, elf: Path) -> dict[str, int]:
    """Values of the symbols in an ELF file, by name."""
    lines = subprocess.run(
        [nm, "--defined-only", "--format=posix", str(elf)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    fields = [line.split() for line in lines]
    return {name: int(value, 16) for name, _, value, *_ in (f for f in fields if len(f) >= 3)}


def size_of(text: str | None, known: dict[str, int]) -> int | None:
    if text is None:
        return None
    if text not in known and not text.isdigit():
        raise SystemExit(f"manifest.py: {text}: no such symbol, and no number")
    return known[text] if text in known else int(text)


def image_entry(image: Path) -> dict[str, object]:
    content = image.read_bytes()
    return {
        "name": image.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("manifest", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    for name in ("board", "revision", "build", "compiler", "flags"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--elf", type=Path)
    parser.add_argument("--nm", default="nm")
    for name in SIZES:
        parser.add_argument(f"--{name.replace('_', '-')}")
    options = parser.parse_args()
    known = {} if options.elf is None else symbols(options.nm, options.elf)
    content = {
        "schema": "firmware/1",
        "board": options.board,
        "revision": options.revision,
        "build": options.build,
        "compiler": options.compiler,
        "flags": " ".join(options.flags.split()),
        "sizes": {name: size_of(getattr(options, name), known) for name in SIZES},
        "images": [image_entry(image) for image in options.images],
    }
    options.manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
