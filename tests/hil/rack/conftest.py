"""A broker and a gateway for a whole module: starting them is what takes time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.cli.conftest import host
from tests.support.broker import Mosquitto

__all__ = ["broker", "host"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running
