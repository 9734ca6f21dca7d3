"""Models, and what they may take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from host.measurement.candidates import bundled_examples

BOARDS = ("uno", "pico", "uno_q")
"""Those that have a time model in emulation too."""

_BUDGETS = Path(__file__).with_name("budgets.json")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames:
        models = bundled_examples()
        metafunc.parametrize("model", models, ids=[model.stem for model in models])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Board by board, and within one by model: a measurement serves several tests."""
    here = Path(__file__).parent
    mine = [item for item in items if item.path.is_relative_to(here)]
    if len(mine) == len(items):
        items.sort(key=lambda item: item.nodeid.partition("[")[2])


@pytest.fixture
def budget(model: Path, board: Any) -> dict[str, Any]:
    """``latency_ms`` of the slowest run and ``arena_bytes``; empty where the model does not fit."""
    budgets: dict[str, dict[str, dict[str, Any]]] = json.loads(_BUDGETS.read_text(encoding="utf-8"))
    return budgets[model.stem].get(board.id, {})
