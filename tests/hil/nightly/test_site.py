"""What of a history is compared, and with which baseline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from hil.nightly import accept, save_baseline
from hil.nightly.cells import into_nights
from hil.nightly.site import baselines_folder, find_baseline, judge, recent, trend_points
from host.errors import ConfigError
from host.evidence import History
from tests.support.nights import EMULATED, PHYSICAL, at_night


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(str(tmp_path / "history.sqlite")) as history:
        yield history


def test_a_night_ends_with_a_pause_and_not_at_midnight() -> None:
    night = [attrs.evolve(EMULATED, at=EMULATED.at + timedelta(hours=h)) for h in (0, 2, 4, 22, 24)]
    assert [len(records) for records in into_nights(reversed(night))] == [3, 2]


def test_the_newest_night_after_the_baseline_is_judged(history: History) -> None:
    for night in range(4):
        history.add(at_night(EMULATED, night))
    baseline = accept("b", "r", [at_night(EMULATED, 1)])
    assert judge(history, baseline).started == at_night(EMULATED, 3).at
    asked_for = judge(history, baseline, at_night(EMULATED, 2).at)
    assert len(asked_for.records) == 2
    with pytest.raises(ConfigError, match="no measurement to compare"):
        judge(history, accept("b", "r", [at_night(EMULATED, 3)]))


def test_noise_reaches_back_for_months_and_emulation_for_a_night(history: History) -> None:
    assert recent(history) == []
    for night in (0, 100, 119, 150):
        history.add(at_night(PHYSICAL, night))
        history.add(at_night(EMULATED, night, 1))
    assert sorted((r.at, str(r.evidence.source)) for r in recent(history)) == [
        (at_night(PHYSICAL, 100).at, "hardware"),
        (at_night(PHYSICAL, 119).at, "hardware"),
        (at_night(PHYSICAL, 150).at, "hardware"),
        (at_night(EMULATED, 150, 1).at, "emulated"),
    ]


def test_baselines_are_beside_the_history_or_where_they_are_said_to_be(
    history: History, tmp_path: Path
) -> None:
    baseline = accept("b", "r", [EMULATED])
    path = save_baseline(baseline, baselines_folder(history, None))
    assert path == tmp_path / "baselines" / "b.json"
    assert find_baseline(history, "b", None) == baseline
    assert find_baseline(history, str(path), tmp_path / "elsewhere") == baseline
    with pytest.raises(ConfigError, match="No such file"):
        find_baseline(history, "b", tmp_path / "elsewhere")


def test_trends_leave_out_what_is_older_than_a_year(history: History) -> None:
    history.add(attrs.evolve(EMULATED, at=EMULATED.at - timedelta(days=3650)))
    assert trend_points(history) == []
