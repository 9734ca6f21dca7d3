"""Making a golden set: the same bytes again, the right references, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hil.golden import load_golden, make_golden, save_golden
from hil.golden.decisions import DecisionKind
from hil.golden.golden_set import as_real
from host.errors import ConfigError, ModelError
from host.models import load_model
from host.reference import reference_run
from tests.hil.golden.conftest import Kept
from tests.support.make import ROOT

EXAMPLES = ROOT / "examples"
CNN = EXAMPLES / "digits_cnn_int8.tflite"
CNN_FLOAT = EXAMPLES / "digits_cnn.onnx"
IMAGES = EXAMPLES / "test" / "images.npy"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    kept = []
    for number in range(2):
        folder = tmp_path / str(number) / "digits.golden"
        made = make_golden(
            CNN, IMAGES, "digits", samples=100, float_model=CNN_FLOAT, reject_threshold=0.6
        )
        assert save_golden(made, folder)
        assert not save_golden(made, folder), "the same set once more is no error"
        kept.append(bytes_of(folder))
    assert kept[0] == kept[1]


def test_references_and_decisions_are_those_of_both_models() -> None:
    made = make_golden(
        CNN, IMAGES, "digits", samples=100, float_model=CNN_FLOAT, reject_threshold=0.6
    )
    graph, (contract,) = load_model(CNN), made.output_contracts
    for sample in range(0, 100, 9):
        values = reference_run(graph, [made.inputs[0][sample]])
        np.testing.assert_array_equal(values[graph.outputs[0]], made.outputs[0][sample])
    labels = np.load(EXAMPLES / "test" / "labels.npy")
    given = np.load(IMAGES)
    rows = {image.tobytes(): label for image, label in zip(given, labels, strict=True)}
    truth = np.array([rows[sample.tobytes()] for sample in made.float_samples])
    decisions, of_float = made.decisions, made.float_decisions
    assert of_float is not None
    assert decisions.classes is not None
    # examples/README.md: 97.5 % of 360 both as float and as int8.
    assert (decisions.classes == truth).mean() > 0.93
    assert (of_float.classes == truth).mean() > 0.93
    scores = as_real(made.outputs[0], contract).max(axis=1)
    np.testing.assert_array_equal(decisions.rejected, scores < np.float32(0.6))
    assert 0 < decisions.rejected.sum() < 20


def test_the_choice_does_not_depend_on_the_order_of_the_data(small: Kept, tmp_path: Path) -> None:
    given = np.load(small.data)
    shuffled = tmp_path / "shuffled.npy"
    np.save(shuffled, np.random.default_rng(0).permutation(given))
    one = make_golden(small.model, small.data, "one", samples=100)
    other = make_golden(small.model, shuffled, "other", samples=100)
    assert set(one.digests) == set(other.digests)
    assert set(one.digests) < set(small.golden.digests)
    repeated = tmp_path / "repeated.npy"
    np.save(repeated, np.concatenate([given, given]))
    assert len(make_golden(small.model, repeated, "once")) == len(given)


def test_digests_are_of_the_quantized_bytes(small: Kept) -> None:
    for number, digest in enumerate(small.golden.digests):
        sent = b"".join(small.golden.input_bytes(number))
        assert hashlib.sha256(sent).hexdigest() == digest


def test_outputs_that_are_no_classes_are_values(small: Kept) -> None:
    made = make_golden(small.model, small.data, "values")
    assert made.rule.kind is DecisionKind.VALUE
    span = made.real_output.max() - made.real_output.min()
    assert made.tolerance.absolute == pytest.approx(0.02 * float(span))
    assert made.float_output is None
    assert made.reference_violations is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"samples": 99}, "100 to 500"),
        ({"samples": 501}, "100 to 500"),
        ({"samples": 121}, "holds 120 samples that differ"),
        ({"reject_threshold": float("nan")}, "finite"),
        ({"reject_threshold": 0.5, "kind": DecisionKind.VALUE}, "is for classes"),
        ({"tolerance": float("inf")}, "--tolerance"),
        ({"float_model": CNN_FLOAT}, "another model's float"),
    ],
)
def test_what_does_not_fit_is_refused(small: Kept, options: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_golden(small.model, small.data, "refused", **options)  # type: ignore[arg-type]


def test_a_float_model_is_refused_as_the_model_and_an_int8_one_as_the_float(small: Kept) -> None:
    with pytest.raises(ModelError, match="quantize it to int8"):
        make_golden(CNN_FLOAT, IMAGES, "refused")
    with pytest.raises(ModelError, match="is quantized"):
        make_golden(CNN, IMAGES, "refused", float_model=CNN)


def test_a_set_is_never_changed(small: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "digits.golden"
    assert save_golden(small.golden, folder)
    before = bytes_of(folder)
    other = make_golden(small.model, small.data, "digits", samples=100)
    with pytest.raises(ConfigError, match="never changed"):
        save_golden(other, folder)
    assert bytes_of(folder) == before
    with pytest.raises(ConfigError, match=r"folder NAME\.golden"):
        save_golden(other, tmp_path / "digits")


def test_what_an_interrupted_command_left_is_no_set(small: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "digits.golden"
    save_golden(small.golden, folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(ConfigError, match=r"manifest\.json"):
        load_golden(folder)
    assert save_golden(small.golden, folder), "and the command can be given again"
    load_golden(folder)
