"""``host quantize``: what it writes runs on a board; what it cannot use it names in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from host.models import load_model
from protocol.measurement import Measurement
from tests.host.cli.conftest import HostCommand
from tests.support.make import ROOT
from tests.support.models import published_model
from tests.support.onnx_models import Maker

EXAMPLES = ROOT / "examples"
CNN = EXAMPLES / "digits_cnn.onnx"


@pytest.mark.parametrize(("name", "macs"), [("ic_resnet8", 12_501_632), ("ad01", 264_192)])
def test_float_models_from_elsewhere_run_exact_on_the_emulated_pico(
    host: HostCommand, tmp_path: Path, name: str, macs: int
) -> None:
    model = published_model({"ic_resnet8": "ic_resnet8_float", "ad01": "ad01_fp32"}[name])
    graph = load_model(model)
    shape = graph.tensors[graph.inputs[0]].shape
    samples, written = tmp_path / "random.npy", tmp_path / "m.tflite"
    np.save(samples, np.random.default_rng(0).standard_normal((100, *shape[1:]), np.float32))
    done = host("quantize", model, "--calibration", samples, "--output", written)
    assert done.returncode == 0, done.stderr
    done = host(
        *("measure", written, "--board", "pico", "--iterations", 1, "--warmup", 0),
        *("--flash-model", "zero-wait", "--json"),
    )
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert (record.output.verdict, record.candidate.macs) == ("exact", macs)


def test_the_report_in_a_file_is_the_one_printed(host: HostCommand, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    output = tmp_path / "m.tflite"
    done = host("quantize", CNN, "--output", output, "--report", report, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(report.read_text())
    done = host("quantize", CNN, "--output", output)
    assert json.loads(report.read_text())["worst_layers"][0] in done.stdout


def model_with(kind: str, *shape: int | str) -> bytes:
    maker = Maker(*shape)
    return maker.bytes(maker.node(kind, "x"))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (None, "the folder holds no samples (.npy, .npz, .csv, "),
        (np.zeros((4, 3, 9, 9)), "x.npy: has shape [4, 3, 9, 9]; a sample of this model is [1, 1,"),
        (np.full((4, 1, 8, 8), np.nan), "sample 0 holds NaN or infinity"),
        (np.ones((4, 1, 8, 8)), "all 4 samples are alike"),
    ],
    ids=["empty", "shape", "nan", "constant"],
)
def test_calibration_data_that_cannot_be_used(
    host: HostCommand, tmp_path: Path, samples: np.ndarray | None, message: str
) -> None:
    if samples is not None:
        np.save(tmp_path / "x.npy", samples)
    output = tmp_path / "m.tflite"
    done = host("quantize", CNN, "--calibration", tmp_path, "--output", output)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}")
    assert message in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (model_with("Erf", 1, 4), "m.onnx: node 'node_0' (Erf) is not supported; supported: Add, "),
        (model_with("Relu", 1, 3, "rows", 5), "m.onnx: dimension 2 (rows) of input 'x' is dynamic"),
        ((EXAMPLES / "digits_cnn_int8.tflite").read_bytes(), "m.onnx: is quantized already"),
        (onnx.load(CNN).SerializeToString()[:9000], "no known model format"),
    ],
    ids=["op", "dynamic", "quantized", "truncated"],
)
def test_models_that_cannot_be_quantized(
    host: HostCommand, tmp_path: Path, content: bytes, message: str
) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(content)
    done = host("quantize", model)
    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert message in done.stderr


def test_a_dynamic_batch_is_said_to_be_one(host: HostCommand, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(model_with("Relu", "N", 12))
    done = host("quantize", model, "--output", tmp_path / "m.tflite")
    assert done.returncode == 0, done.stderr
    assert f"note: {model}: the dynamic batch of input 'x' is taken as 1" in done.stderr
