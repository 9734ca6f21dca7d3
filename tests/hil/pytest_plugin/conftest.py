"""Boards at ports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.emulators.rp2040 import Rp2040Emulator
from tests.support.make import ROOT, make
from tests.support.pc_agent import running_agent


@pytest.fixture(scope="module")
def tcp_agent() -> Iterator[str]:
    with running_agent() as port:
        yield f"tcp://127.0.0.1:{port}"


@pytest.fixture
def tcp_pico() -> Iterator[str]:
    make(ROOT / "firmware" / "ports" / "rp2040")
    emulator = Rp2040Emulator()
    if (reason := emulator.missing()) is not None:
        pytest.skip(reason)
    process = emulator.start()
    try:
        yield f"tcp://127.0.0.1:{process.port}"
    finally:
        process.stop()
