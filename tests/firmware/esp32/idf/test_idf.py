"""The ESP-IDF project, as far as it can be tested without ESP-IDF.

stubs/ declares what it uses of ESP-IDF's interfaces: the sources compile against that. Nothing
here runs what they do.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.make import ROOT

PORT = ROOT / "firmware" / "ports" / "esp32"
PROJECT = PORT / "idf"
STUBS = Path(__file__).parent / "stubs"
FLASH_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
SOURCES = [*sorted((PROJECT / "main").glob("*.c")), PORT / "shared" / "port.c"]


def partitions() -> dict[str, tuple[str, int, int]]:
    """Type, offset and size of each, by name."""
    lines = (PROJECT / "partitions.csv").read_text().splitlines()
    rows = csv.reader((line for line in lines if not line.startswith("#")), skipinitialspace=True)
    return {
        name: (kind.strip(), int(offset, 16), int(size, 16)) for name, kind, _, offset, size in rows
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_sources_compile_against_the_interfaces(source: Path) -> None:
    includes = [
        *(STUBS, PROJECT / "main", PORT / "shared", PORT / "qemu", PORT.parent / "linked"),
        *(ROOT / "firmware" / name for name in ("agent", "runtime", "include")),
    ]
    subprocess.run(
        [
            *("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding"),
            *(
                "-std=gnu17",
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-DPOOL_BYTES=4096",
                "-DTIMED_PIN=4",
            ),
            *(f"-I{folder}" for folder in includes),
            str(source),
        ],
        check=True,
    )


def test_the_plan_has_the_partition_that_the_machines_linker_scripts_give_it() -> None:
    found = partitions()
    app, plan, emulator = found["firmware"], found["plan"], found["emulator"]
    assert app == ("app", 0x10000, 1024 * 1024)
    assert plan[1:] == (0x110000, FLASH_BYTES - 0x110000)
    assert plan[2] % BLOCK_BYTES == 0, "it is erased in whole blocks"
    assert emulator[1] + emulator[2] <= app[1]
    for board in ("esp32", "esp32c3"):
        script = (ROOT / "firmware" / "ports" / board / f"{board}.ld").read_text()
        assert "110000, LENGTH = 4M - 0x110000" in script


IDF_PY = """#!/bin/bash
while [ $# -gt 0 ]; do case $1 in -B) folder=$2; shift 2;; *) shift;; esac; done
mkdir -p "$folder" && cp "$JUMPSTATION_SOURCES" "$folder/sources.cmake"
printf firmware > "$folder/jumpstation.bin"
"""
ESPTOOL_PY = """#!/bin/bash
bytes=$((0x20000))
while [ $# -gt 0 ]; do case $1 in
    -o) image=$2; shift 2;; --fill-flash-size) bytes=$((0x400000)); shift 2;; *) shift;;
esac; done
head -c $bytes /dev/zero | tr '\\0' '\\377' > "$image"
"""
COMPILER = "#!/bin/bash\necho 13.2.0\n"


@pytest.mark.parametrize(
    ("board", "compiler"),
    [("esp32", "xtensa-esp32-elf-gcc"), ("esp32c3", "riscv32-esp-elf-gcc")],
)
def test_make_leaves_an_image_and_one_that_names_its_emulator(
    tmp_path: Path, board: str, compiler: str
) -> None:
    """With programs in ESP-IDF's place that leave what its own would."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in {"idf.py": IDF_PY, "esptool.py": ESPTOOL_PY, compiler: COMPILER}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (tools / "version.txt").write_text("v5.3\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    environment |= {"PATH": f"{tools}:{os.environ['PATH']}", "IDF_PATH": str(tools)}
    port = ROOT / "firmware" / "ports" / board
    folder = tmp_path / "firmware" / board
    done = subprocess.run(
        ["make", "-s", "-C", str(port), f"BUILD={tmp_path}", str(folder / "manifest.json")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    image, emulated = (folder / f"{board}{suffix}.bin" for suffix in ("", "-emulated"))
    assert set(image.read_bytes()) == {0xFF}
    _, offset, size = partitions()["emulator"]
    content = emulated.read_bytes()
    name = f"qemu {board}\0".encode()
    assert len(content) == FLASH_BYTES
    assert content[offset : offset + size].rstrip(b"\xff") == name
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["images"]] == [image.name, emulated.name]
    assert manifest["build"].startswith("gcc 13.2.0 -O2, ESP-IDF v5.3, ")
    sources = (folder / "idf" / "sources.cmake").read_text()
    assert f'JSA_BUILD="{manifest["build"]}"' in sources
    for path in ("agent/agent_main.c", "runtime/engine.c", "ports/esp32/shared/port.c"):
        assert str(ROOT / "firmware" / path) in sources


@pytest.mark.parametrize("board", ["esp32", "esp32c3"])
def test_make_says_what_it_leaves_out(tmp_path: Path, board: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "IDF_PATH"))}
    port = ROOT / "firmware" / "ports" / board
    done = subprocess.run(
        ["make", "-n", "-C", str(port), f"BUILD={tmp_path}"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (
        f"{board}: the image for the part is not built, because IDF_PATH is not set" in done.stdout
    )
