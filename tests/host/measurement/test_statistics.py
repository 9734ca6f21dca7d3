"""The statistics against NumPy and SciPy, which compute them another way."""

from __future__ import annotations

import numpy as np
import pytest

from host.measurement.statistics import student_t_975, summarize

scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("degrees", [1, 2, 5, 9, 10, 11, 20, 99, 999])
def test_student_t(degrees: int) -> None:
    assert student_t_975(degrees) == pytest.approx(scipy_stats.t.ppf(0.975, degrees), abs=5e-4)


@pytest.mark.parametrize("n", [2, 3, 10, 487])
def test_summary(n: int) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    latency = summarize(values.tolist(), warmup=3, first_ms=9.0)
    assert (latency.n, latency.warmup, latency.first) == (n, 3, 9.0)
    assert latency.min == values.min()
    assert latency.max == values.max()
    assert latency.median == pytest.approx(np.median(values))
    assert latency.mean == pytest.approx(values.mean())
    assert latency.p95 == pytest.approx(np.percentile(values, 95))
    assert latency.p99 == pytest.approx(np.percentile(values, 99))
    assert latency.stdev == pytest.approx(values.std(ddof=1))
    interval = scipy_stats.t.interval(0.95, n - 1, values.mean(), scipy_stats.sem(values))
    assert latency.ci95 == pytest.approx(interval, rel=1e-3)


def test_one_value_has_no_spread() -> None:
    latency = summarize([2.5], warmup=0, first_ms=2.5)
    assert latency.min == latency.median == latency.p99 == latency.max == 2.5
    assert latency.stdev is None
    assert latency.ci95 is None
