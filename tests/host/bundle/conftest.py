from __future__ import annotations

from pathlib import Path

import pytest

from host.bundle.build import BuildRequest, BuiltBundle, build_bundle
from host.bundle.keys import KeyPair, make_key_pair
from host.measurement.observer import Silent
from tests.support.bundles import MODEL, write_declaration
from tests.support.make import make
from tests.support.pc_agent import ROOT


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return make_key_pair(tmp_path_factory.mktemp("keys") / "signing")


@pytest.fixture(scope="session")
def built_for_pc(tmp_path_factory: pytest.TempPathFactory, keys: KeyPair) -> BuiltBundle:
    """The digits MLP's plan for this computer."""
    make(ROOT / "firmware", "posix")
    folder = tmp_path_factory.mktemp("pc")
    request = BuildRequest(
        target=write_declaration(folder / "target.json"),
        key=keys.private,
        output=folder / "digits.jbundle",
        model=MODEL,
        vectors=1,
    )
    return build_bundle(request, Silent())


@pytest.fixture(scope="session")
def built_for_pico(tmp_path_factory: pytest.TempPathFactory, keys: KeyPair) -> BuiltBundle:
    """The same for the emulated Pico, with its image."""
    make(ROOT / "firmware/ports/rp2040")
    return _with_image("pico", tmp_path_factory.mktemp("pico"), keys)


@pytest.fixture(scope="session")
def built_for_uno(tmp_path_factory: pytest.TempPathFactory, keys: KeyPair) -> BuiltBundle:
    """And for the emulated UNO."""
    make(ROOT / "firmware/ports/uno")
    return _with_image("uno", tmp_path_factory.mktemp("uno"), keys)


def _with_image(board: str, folder: Path, keys: KeyPair) -> BuiltBundle:
    request = BuildRequest(
        target=write_declaration(folder / "target.json", board=board, domain="mcu"),
        key=keys.private,
        output=folder / "digits.jbundle",
        model=MODEL,
        vectors=1,
    )
    return build_bundle(request, Silent())


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    return write_declaration(tmp_path / "target.json")
