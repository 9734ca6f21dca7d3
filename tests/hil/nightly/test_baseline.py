"""Baselines: what is accepted comes back; what was cut short or altered is refused."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hil.nightly.baseline import (
    MAX_NIGHTS,
    accept,
    baseline_text,
    load_baseline,
    save_baseline,
)
from host.errors import ConfigError
from protocol.measurement import Verdict
from tests.support.nights import EMULATED, PHYSICAL, at_night

NIGHTS = [at_night(PHYSICAL, night, session) for night in range(3) for session in range(2)]


def test_a_baseline_comes_back_as_it_was_accepted(tmp_path: Path) -> None:
    baseline = accept("v1.0", "first release", [*NIGHTS, at_night(EMULATED, 2)])
    path = save_baseline(baseline, tmp_path / "made")
    assert load_baseline(path) == baseline
    assert {len(cell.nights) for cell in baseline.cells} == {0, 3}, "physical nights alone"


def test_builds_before_tell_the_noise_and_not_the_level() -> None:
    rebuilt = attrs.evolve(PHYSICAL, board=attrs.evolve(PHYSICAL.board, build="gcc, new"))
    (cell,) = accept("b", "r", [*NIGHTS, at_night(rebuilt, 3)]).cells
    assert [len(night) for night in cell.nights] == [1]
    assert [[len(night) for night in group] for group in cell.earlier] == [[2, 2, 2]]


def test_the_newest_night_is_accepted_or_what_is_asked_for() -> None:
    old = attrs.evolve(EMULATED, model=attrs.evolve(EMULATED.model, name="old.tflite"))
    records = [old, at_night(EMULATED, 1)]
    assert [cell.reference.model.name for cell in accept("b", "r", records).cells] == [
        "digits.tflite"
    ]
    assert len(accept("b", "r", records, since=old.at).cells) == 2


def test_nights_of_long_ago_are_left_out() -> None:
    (cell,) = accept("b", "r", [at_night(PHYSICAL, n) for n in range(MAX_NIGHTS + 5)]).cells
    assert len(cell.nights) == MAX_NIGHTS


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("../b", "r", [EMULATED]), "a name is letters"),
        (("b", "  ", [EMULATED]), "say in --reason why"),
        (("b", "r", []), "no measurement to accept"),
    ],
)
def test_what_is_no_baseline_is_refused(arguments: tuple[object, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        accept(*arguments)  # type: ignore[arg-type]


def test_a_wrong_output_is_not_accepted() -> None:
    wrong = attrs.evolve(EMULATED, output=attrs.evolve(EMULATED.output, verdict=Verdict.MISMATCH))
    with pytest.raises(ConfigError, match="is mismatch and cannot be a baseline"):
        accept("b", "r", [wrong])
    with pytest.raises(ConfigError, match="no measurement since"):
        accept("b", "r", [EMULATED], since=EMULATED.at + timedelta(days=1))


def test_a_baseline_is_not_replaced_unasked(tmp_path: Path) -> None:
    baseline = accept("b", "r", [EMULATED])
    save_baseline(baseline, tmp_path)
    with pytest.raises(ConfigError, match="there is a baseline of this name"):
        save_baseline(baseline, tmp_path)
    save_baseline(attrs.evolve(baseline, reason="better"), tmp_path, replace=True)
    assert load_baseline(tmp_path / "b.json").reason == "better"


WHOLE = baseline_text(accept("b", "r", NIGHTS)).encode()


def refusal(folder: Path, data: bytes) -> ConfigError:
    """Of a file that holds ``data``."""
    path = folder / "b.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"baseline .*b\.json: ") as refused:
        load_baseline(path)
    return refused.value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("baselines")


@given(length=st.integers(0, len(WHOLE) - 3))
def test_any_cut_is_refused(folder: Path, length: int) -> None:
    assert "not whole JSON, perhaps cut short" in str(refusal(folder, WHOLE[:length]))


@given(position=st.integers(0, len(WHOLE) - 1), flipped=st.integers(1, 255))
@settings(max_examples=300)
def test_any_byte_that_says_something_else_is_refused(
    folder: Path, position: int, flipped: int
) -> None:
    altered = bytearray(WHOLE)
    altered[position] ^= flipped
    with contextlib.suppress(ValueError):  # no JSON, or no text at all
        assume(json.loads(altered) != json.loads(WHOLE))
    refusal(folder, bytes(altered))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_else_is_refused(folder: Path, data: bytes) -> None:
    refusal(folder, data)


def test_an_altered_value_is_told_from_a_broken_file(folder: Path) -> None:
    values = json.loads(WHOLE)
    values["cells"][0]["nights"][0][0] *= 1.05
    assert "altered after it was accepted" in str(refusal(folder, json.dumps(values).encode()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", r"\$: \[\] is not of type 'object'"),
        ('{"schema": "baseline/1"}', "'name' is a required property"),
        ("\x00", "not whole JSON"),
    ],
)
def test_what_is_something_else_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        load_baseline(path)


def test_a_missing_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file") as refused:
        load_baseline(tmp_path / "none.json")
    assert "host farm baseline" in refused.value.hint
