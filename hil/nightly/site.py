"""Where nights and baselines are found: the history, and the folder beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hil.nightly.baseline import Baseline, accept, baseline_path, load_baseline, save_baseline
from hil.nightly.cells import into_nights
from hil.nightly.compare import compare
from hil.nightly.verdicts import NightVerdict
from host.errors import ConfigError
from host.evidence import History, LatencyPoint, Query
from protocol.measurement import Measurement, Source

_NOISE_DAYS = 120
"""How far back a board's noise is looked for."""

_LONGEST_NIGHT_DAYS = 2
_TREND_DAYS = 366


def baselines_folder(history: History, given: Path | None) -> Path:
    """Raises ConfigError where none is given and the history is no file."""
    if given is not None:
        return given
    if history.file is None:
        raise ConfigError(
            "the history is not a file: name the folder of the baselines", hint="--baselines DIR"
        )
    return history.file.parent / "baselines"


def find_baseline(history: History, name: str, folder: Path | None) -> Baseline:
    """A baseline by its name, or its file's path.

    Raises:
        ConfigError: there is none, or its file is wrong.
    """
    if name.endswith(".json"):
        return load_baseline(Path(name))
    return load_baseline(baseline_path(baselines_folder(history, folder), name))


def recent(history: History, since: datetime | None = None) -> list[Measurement]:
    """What a baseline is made of: physical boards' last months, emulated ones' newest night.

    Args:
        since: emulated ones from then on.
    """
    newest = history.find(Query(), limit=1)
    if not newest:
        return []
    at = newest[0].at
    night = since or at - timedelta(days=_LONGEST_NIGHT_DAYS)
    return [
        *history.find(Query(since=at - timedelta(days=_NOISE_DAYS), sources=(Source.HARDWARE,))),
        *history.find(Query(since=night, sources=(Source.EMULATED,))),
    ]


def accept_newest(
    history: History,
    name: str,
    reason: str,
    folder: Path | None,
    since: datetime | None = None,
    *,
    replace: bool = False,
) -> tuple[Baseline, Path]:
    """Makes a baseline of the newest night, or of what was measured since, and keeps it.

    Raises:
        ConfigError: as of :func:`hil.nightly.baseline.accept` and ``save_baseline``.
    """
    accepted = accept(name, reason, recent(history, since), since=since)
    return accepted, save_baseline(accepted, baselines_folder(history, folder), replace=replace)


def judge(history: History, baseline: Baseline, since: datetime | None = None) -> NightVerdict:
    """Compares a night with a baseline.

    Args:
        since: measurements from then on; None: those of the newest night after the baseline.

    Raises:
        ConfigError: there is no such measurement.
    """
    if since is not None:
        return compare(baseline, history.find(Query(since=since)))
    newer = [
        record for record in history.find(Query(since=baseline.until)) if record.at > baseline.until
    ]
    nights = into_nights(newer)
    return compare(baseline, nights[-1] if nights else [])


def trend_points(history: History) -> list[LatencyPoint]:
    """A year of points."""
    return history.latency_points(since=datetime.now(UTC) - timedelta(days=_TREND_DAYS))
