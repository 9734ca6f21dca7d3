"""A history of its own for each test, and what is measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.run import (
    Candidate,
    make_candidates,
)
from host.evidence import History
from tests.support.farm_runs import MODEL


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(str(tmp_path / "history.sqlite")) as opened:
        yield opened


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    (made,) = make_candidates([MODEL])
    return made
