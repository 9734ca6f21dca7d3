"""A bundle on an UNO with Arduino's boot loader, written by avrdude; the part is simavr."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.bundle.build import BuildRequest, build_bundle
from host.bundle.install import Place, install_bundle, launch_bundle
from host.bundle.keys import KeyPair
from host.bundle.opened import open_bundle
from host.measurement.observer import Silent
from tests.hil.optiboot.board import UnoWithOptiboot, require_optiboot
from tests.support.bundles import MODEL, write_declaration
from tests.support.make import ROOT, make


class _Stages(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, text: str) -> None:
        self.said.append(text)

    note = stage


def test_install_and_launch(keys: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_optiboot()
    # To the host it is a physical board, and those it gives no time to be emulated.
    monkeypatch.setattr("host.session.connection._CONNECT_S", 40.0)
    make(ROOT / "firmware", "uno")
    request = BuildRequest(
        target=write_declaration(tmp_path / "target.json", board="uno", domain="mcu"),
        key=keys.private,
        output=tmp_path / "uno.jbundle",
        model=MODEL,
        vectors=1,
    )
    opened = open_bundle(build_bundle(request, Silent()).path, [keys.public])
    with UnoWithOptiboot() as board:
        place, stages = Place(port=board.port), _Stages()
        installed = install_bundle(opened, place, (), stages)
        assert installed.board.board == "uno"
        assert installed.id == opened.bundle.id
        assert any("programming uno with" in text for text in stages.said)
        erased = board.erased_pages()
        launched = launch_bundle(opened, place, (), stages)
        assert launched.slowest_ms is not None
        install_bundle(opened, place, (), stages)
        assert board.erased_pages() == erased, "the image was there already"
