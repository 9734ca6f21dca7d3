"""Statistics of physical latencies: what they promise holds in simulated nights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from hil.nightly.noise import Noise, Past, estimate, outliers, steady
from hil.nightly.shift import SLOWER_ALPHA, Shift, holm, shift
from tests.support.nights import session_medians

SESSIONS, CELLS = 12, 10

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""Sessions of cells by nights by sessions, as ratios of the level."""


def as_required(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """2 % between sessions, 0.5 % within one: a quarter of that for the median of 25 iterations."""
    within = 0.005 * math.sqrt(math.pi / 2 / 25)
    return 1 + math.hypot(0.02, within) * generator.standard_normal(shape)


def night_by_night(sd: float, *, shared: bool) -> Draw:
    """Nights deviate too: the rack's all alike, or each cell's by itself."""

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        cells, nights, _ = shape
        deviation = generator.standard_normal((1 if shared else cells, nights, 1))
        return np.exp(sd * deviation) * as_required(generator, shape)

    return draw


def heavy_tailed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """2 % again, of a t distribution with 3 degrees of freedom: its fourth moment is infinite."""
    return np.exp(0.02 * generator.standard_t(3, shape) / math.sqrt(3))


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """2 % again, of a gamma distribution with a skewness of 1.4, as latencies lean."""
    return np.exp(0.02 * (generator.gamma(2, 1, shape) - 2) / math.sqrt(2))


def disturbed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Three sessions in a hundred are some 10 % slower: another process ran."""
    late = (generator.random(shape) < 0.03) * generator.exponential(0.1, shape)
    return np.exp(late) * as_required(generator, shape)


def one_cell_by_night(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Of ten cells one differs from night to night as much as from session to session."""
    values = as_required(generator, shape)
    values[0] *= np.exp(0.02 * generator.standard_normal((shape[1], 1)))
    return values


def judged(values: np.ndarray, boards: int = 1) -> list[Shift]:
    """The last night of each cell against those before; float64, (cells, nights, sessions)."""
    past = [Past.of(f"{i % boards}", cell[:-1].tolist()) for i, cell in enumerate(values)]
    return [
        shift(noise, cell, steady(tonight.tolist(), cell.fence), cells=len(values))
        for noise, cell, tonight in zip(estimate(past), past, values[:, -1], strict=True)
    ]


def rates(
    draw: Draw,
    *,
    slow_down: float = 0.0,
    nights: int = 1000,
    recorded: int = 30,
    cells: int = CELLS,
    boards: int = 1,
    seed: int = 1,
) -> tuple[float, float]:
    """Over many nights, each with a past of its own: how often there was any alarm, and how often
    the first cell, the one slowed down, was among those found."""
    generator = np.random.default_rng(seed)
    alarms = found = 0
    for _ in range(nights):
        values = draw(generator, (cells, recorded + 1, SESSIONS))
        values[0, -1] *= 1 + slow_down
        slower = holm([one.p_slower for one in judged(values, boards)], SLOWER_ALPHA)
        alarms += bool(slower.any())
        found += bool(slower[0])
    return alarms / nights, found / nights


@pytest.mark.parametrize("boards", [1, CELLS])
def test_at_most_one_unchanged_night_in_a_hundred_has_any_alarm(boards: int) -> None:
    alarms, _ = rates(as_required, boards=boards)
    assert alarms <= 0.01


@pytest.mark.parametrize("boards", [1, CELLS])
def test_a_slow_down_of_3_percent_is_found_95_times_in_100(boards: int) -> None:
    _, found = rates(as_required, slow_down=0.03, boards=boards, seed=2)
    assert found >= 0.95


def test_a_hundred_cells_have_no_more_false_alarms_than_ten() -> None:
    alarms, _ = rates(as_required, cells=100, boards=10, nights=100, recorded=14)
    assert alarms <= 0.03  # one night in a hundred is expected


@pytest.mark.parametrize(
    ("draw", "boards"),
    [
        (night_by_night(0.004, shared=True), 1),
        (night_by_night(0.004, shared=False), CELLS),
        (night_by_night(0.02, shared=True), 1),
        (night_by_night(0.02, shared=False), CELLS),
        (one_cell_by_night, CELLS),
        (heavy_tailed, 1),
        (skewed, CELLS),
        (disturbed, 1),
    ],
)
def test_false_alarms_stay_bounded_where_the_noise_is_of_another_kind(
    draw: Draw, boards: int
) -> None:
    """Long runs have at most 1.6 % (docs/decisions/0015), so 6 nights here, 13 by bad luck."""
    alarms, _ = rates(draw, boards=boards, nights=400, recorded=14)
    assert alarms <= 13 / 400


def test_sessions_alone_would_cry_wolf_where_nights_differ() -> None:
    generator = np.random.default_rng(4)
    alarms = 0
    for _ in range(300):
        (values,) = night_by_night(0.02, shared=False)(generator, (1, 21, SESSIONS))
        p = stats.ttest_ind(values[-1], values[:-1].ravel(), alternative="greater").pvalue
        alarms += p < 0.01
    assert alarms > 30


def test_what_is_said_to_be_detectable_is() -> None:
    (first, *_) = judged(as_required(np.random.default_rng(3), (CELLS, 31, SESSIONS)))
    # Known noise: z quantiles instead of t, and the true deviation.
    sd = math.hypot(0.02, 0.005 * 1.2533 / math.sqrt(25))
    z = stats.norm.isf(SLOWER_ALPHA / CELLS) + stats.norm.isf(0.05)
    known = z * sd * math.sqrt(1 / SESSIONS + 1 / (SESSIONS * 30))
    assert first.detectable == pytest.approx(known, rel=0.15)


def deviations(noise: Noise) -> tuple[float, float]:
    return math.sqrt(noise.night_variance), math.sqrt(noise.session_variance)


@pytest.mark.parametrize("ragged", [False, True])
def test_variance_components_are_found(ragged: bool) -> None:
    generator = np.random.default_rng(5)
    values = np.exp(
        0.03 * generator.standard_normal((2000, 1)) + 0.01 * generator.standard_normal((2000, 8))
    )
    nights = [row[: 2 + i % 7] if ragged else row for i, row in enumerate(values.tolist())]
    (noise,) = estimate([Past.of("b", nights)])
    assert deviations(noise) == pytest.approx((0.03, 0.01), rel=0.06)


def test_one_session_a_night_is_all_of_the_night() -> None:
    nights = [[1.0], [1.02], [0.98], [1.01], [0.99]]
    (noise,) = estimate([Past.of("b", nights)])
    assert noise.session_variance == 0
    assert math.sqrt(noise.night_variance) == pytest.approx(0.0158, rel=0.01)
    assert noise.df == 4


def test_what_a_new_build_cost_is_no_noise() -> None:
    generator = np.random.default_rng(6)
    old = session_medians(generator, (10, SESSIONS))
    new = 1.5 * session_medians(generator, (10, SESSIONS))
    (noise,) = estimate([Past.of("b", old.tolist(), [new.tolist()])])
    assert math.hypot(*deviations(noise)) == pytest.approx(0.02, rel=0.15)


def test_a_board_never_takes_its_scale_from_another() -> None:
    generator = np.random.default_rng(7)
    quiet = np.exp(0.001 * generator.standard_normal((14, SESSIONS))).tolist()
    loud = np.exp(0.05 * generator.standard_normal((14, SESSIONS))).tolist()
    noises = estimate([Past.of("quiet", quiet), Past.of("loud", loud)])
    assert math.hypot(*deviations(noises[0])) == pytest.approx(0.001, rel=0.3)
    assert math.hypot(*deviations(noises[1])) == pytest.approx(0.05, rel=0.3)


def test_a_cell_without_two_nights_of_one_build_is_refused() -> None:
    with pytest.raises(ValueError, match="how nights differ is unknown"):
        estimate([Past.of("b", [[1.0, 1.1]], [[[1.2, 1.1]]])])


def test_the_effect_is_a_ratio_with_its_interval() -> None:
    generator = np.random.default_rng(8)
    covered = 0
    for _ in range(400):
        values = as_required(generator, (1, 21, SESSIONS))
        values[0, -1] *= 1.03
        (found,) = judged(values)
        covered += found.ci95[0] <= 0.03 <= found.ci95[1]
    assert 0.92 * 400 <= covered <= 0.98 * 400


def test_a_board_without_any_noise_does_not_cry_at_a_tick() -> None:
    def p_slower(tonight: float) -> float:
        values = np.ones((1, 7, 4))
        values[0, -1] = tonight
        return judged(values)[0].p_slower

    assert p_slower(1.00005) > SLOWER_ALPHA
    assert p_slower(1.01) < 1e-7


def test_a_single_session_that_stands_apart_is_named() -> None:
    usual = [1.0, 1.01, 0.99, 1.005, 0.995]
    fence = Past.of("b", [usual] * 5).fence
    assert 0.02 < fence < 0.06
    assert outliers([*usual, 1.6], fence) == [5]
    assert steady([*usual, 1.6], fence) == usual
    assert outliers([1.0, 1.01, 1.6], fence) == [], "of three nobody knows which is the odd one"


def test_what_is_frequent_is_no_outlier() -> None:
    """A timer of 1 us on an inference of 50: one session in ten is a tick longer."""
    longer = np.random.default_rng(9).random((20, SESSIONS)) < 0.1
    nights = np.where(longer, 0.051, 0.050).tolist()
    past = Past.of("b", nights)
    assert [len(night) for night in past.level] == [SESSIONS] * len(nights)
    (noise,) = estimate([past])
    assert math.hypot(*deviations(noise)) == pytest.approx(0.006, rel=0.3)
    assert noise.skewness > 1


def test_a_past_of_single_sessions_fences_nothing_off() -> None:
    assert Past.of("b", [[1.0], [2.0]]).fence == math.inf


def test_holm_keeps_the_chance_over_all_cells() -> None:
    assert holm([0.001, 0.5, 0.004], alpha=0.01).tolist() == [True, False, True]
    assert holm([0.004, 0.5, 0.9], alpha=0.01).tolist() == [False, False, False]
    assert holm([], alpha=0.01).tolist() == []
