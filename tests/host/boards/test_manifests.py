"""What `make firmware` says of its images, compared with compiler, git and the files themselves."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host.errors import ConfigError
from host.programming.built import manifest_of
from tests.support.make import BUILD_DIR, ROOT, make

PORTS = {
    "pico": ("rp2040", "arm-none-eabi-gcc", "pico.uf2"),
    "uno": ("uno", "avr-gcc", "uno.hex"),
    "uno_q": ("uno_q", "arm-none-eabi-gcc", "uno_q.bin"),
    "pc": ("posix", "cc", "pc-agent"),
}
"""Board to the folder of its port, its compiler, and the image that a board is given."""

FOLDERS = {"pc": "posix"}


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


@pytest.fixture(params=PORTS)
def board(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    make(ROOT / "firmware", PORTS[name][0])
    return name


@pytest.fixture
def folder(board: str) -> Path:
    return BUILD_DIR / "firmware" / FOLDERS.get(board, board)


@pytest.fixture
def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def test_says_what_was_built_from_what(board: str, manifest: dict[str, Any]) -> None:
    _, compiler, image = PORTS[board]
    assert (manifest["schema"], manifest["board"]) == ("firmware/1", board)
    commit = said("git", "rev-parse", "HEAD").strip()
    revision = manifest["revision"].removesuffix("-dirty")
    assert commit.startswith(revision.rsplit("-g", 1)[-1].removeprefix("g"))
    assert manifest["revision"] in manifest["build"]
    assert manifest["compiler"] == said(compiler, "--version").splitlines()[0]
    assert "-O" in manifest["flags"]
    assert image in [entry["name"] for entry in manifest["images"]]


def test_sizes_and_checksums_are_the_files(folder: Path, manifest: dict[str, Any]) -> None:
    for entry in manifest["images"]:
        content = (folder / entry["name"]).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    flat = [entry for entry in manifest["images"] if entry["name"].endswith(".bin")]
    if flat:
        assert manifest["sizes"]["flash_bytes"] == flat[0]["bytes"]


def test_an_image_is_known_by_its_bytes(board: str, folder: Path, tmp_path: Path) -> None:
    image = folder / PORTS[board][2]
    manifest = manifest_of(image)
    assert manifest is not None
    assert manifest.board == board
    changed = tmp_path / image.name
    changed.write_bytes(image.read_bytes() + b"\0")
    (tmp_path / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    assert manifest_of(changed) is None


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"image")
    (tmp_path / "manifest.json").write_text('{"board": "pico"}')
    with pytest.raises(ConfigError, match=r"manifest\.json: not a manifest: 'revision'"):
        manifest_of(tmp_path / "a.bin")
