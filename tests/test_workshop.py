"""The lock files and the project file say the same, and nothing of the machine that wrote them."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ("3.11", "3.12", "3.13")
UNPINNED_EXTRAS = {"torch", "train", "agent-legacy"}
"""Too large for set-up, which installs whatever the lock file has, or in conflict with it."""


def pins(python: str) -> dict[str, str]:
    """Name to version of what the lock file installs on x86-64 Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
    }
    found: dict[str, str] = {}
    for line in LOCK.splitlines():
        if line.startswith(("#", " ")):
            continue
        requirement = Requirement(line.rstrip("\\ "))
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            assert found.setdefault(canonicalize_name(requirement.name), specifier.version) == (
                specifier.version
            )
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_pinned_within_its_range(python: str) -> None:
    pinned = pins(python)
    wanted = [*PROJECT["dependencies"]]
    for extra, requirements in PROJECT["optional-dependencies"].items():
        if extra not in UNPINNED_EXTRAS:
            wanted += requirements
    for requirement in map(Requirement, wanted):
        if requirement.name == PROJECT["name"]:  # another extra, which is here itself
            continue
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_torch_is_no_part_of_the_set_up() -> None:
    assert set(PROJECT["optional-dependencies"]) >= UNPINNED_EXTRAS
    assert "torch" not in pins(PYTHONS[0])


def test_every_pin_has_a_hash() -> None:
    blocks = re.split(r"\n(?=\S)", LOCK)
    for block in blocks:
        if not block.startswith("#"):
            assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("name", ["requirements.lock", "hil/emulators/package-lock.json"])
def test_lock_files_name_no_host(name: str) -> None:
    assert not re.search(r"https?://|file:|find-links|index-url", (ROOT / name).read_text())


def test_npm_packages_are_pinned_with_their_hash() -> None:
    folder = ROOT / "hil" / "emulators"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        entry = locked[f"node_modules/{name}"]
        assert entry["version"] == version
        assert entry["integrity"].startswith("sha512-")


def test_a_board_gets_no_host() -> None:
    """What agents, and what they share with the host, import is in the extra `agent`."""
    extras = PROJECT["optional-dependencies"]
    of_boards = {*PROJECT["dependencies"], *extras["agent"]}
    names = {canonicalize_name(Requirement(text).name) for text in of_boards}
    imported = set()
    for folder in ("agent/linux", "protocol", "devices"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add((node.module or "").partition(".")[0])
    imported -= {*sys.stdlib_module_names, "agent", "protocol", "devices"}
    packages = {
        "serial": "pyserial",
        "paho": "aiomqtt",
        "ai_edge_litert": "ai-edge-litert",
        "tflite_runtime": "ai-edge-litert",
    }
    assert {packages.get(name, name) for name in imported} <= names
    assert not names & {"scipy", "onnx", "ai-edge-quantizer", "sqlalchemy", "typer"}
