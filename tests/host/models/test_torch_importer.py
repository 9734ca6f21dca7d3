"""PyTorch's files: told apart by content, read where torch is installed, else refused."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.distillation.inference import TfliteRunner
from host.errors import ConfigError, ModelError
from host.models import load_model
from host.models.tflite_writer import write_float_tflite

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="torch is an extra and not installed here: pip install '.[torch]'",
)
TRACED_INPUTS = (
    # What torch.jit.trace writes beside a module that was given float32 [2, 3, 8, 8].
    b"\x80\x02ctorch.jit._pickle\nrestore_type_tag\nq\x00}(X\x07\x00\x00\x00forwardq\x01h\x00]("
    b"ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03ctorch\nFloatStorage\n"
    b"q\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06M\x80\x01tQq\x07K\x00(K\x02K\x03K\x08K\x08t"
    b"(K\xc0K@K\x08K\x01t\x89ccollections\nOrderedDict\nq\x08)RtRq\teX\t\x00\x00\x00List[Any]q\n"
    b"\x86RuX\x14\x00\x00\x00Dict[str, List[Any]]q\x0b\x86Rq\x0c."
)


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(f"m/{name}", content)
    return path


# Told apart by their members, torch or no torch


def test_a_state_dict_is_refused_with_the_reason(tmp_path: Path) -> None:
    new = archive(tmp_path / "new.pt", **{"data.pkl": b"", "data/0": b"", "version": b"3"})
    old = tmp_path / "old.pt"
    old.write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")
    for path in (new, old):
        with pytest.raises(ModelError, match=r"pickled weights \(a state dict .* and no graph"):
            load_model(path)


def test_any_other_archive_is_of_no_known_format(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros(3))
    with pytest.raises(ModelError, match="no known model format"):
        load_model(tmp_path / "x.npz")


def script(path: Path, **members: bytes) -> Path:
    return archive(path, **{"constants.pkl": b"", "code/__torch__.py": b"", **members})


def test_a_module_that_was_not_traced_lacks_its_shape(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"does not tell the shape .* \(it was scripted"):
        load_model(script(tmp_path / "m.pt"))


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"cos\nsystem\n(S'exit 1'\ntR.", "os.system is no float32 tensor"),
        (TRACED_INPUTS.replace(b"FloatStorage", b"LongStorage"), "torch.LongStorage is no float32"),
        (TRACED_INPUTS[:90], "truncated|ran out"),
        (b"}.", "'forward'"),
    ],
    ids=["code", "integers", "truncated", "empty"],
)
def test_hostile_example_inputs(tmp_path: Path, pickled: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load_model(script(tmp_path / "m.pt", **{"traced_inputs.pkl": pickled}))


@pytest.mark.parametrize(
    "members",
    [
        {"archive_format": b"pt2", "models/model.json": b"{}"},
        {"constants.pkl": b"", "code/x.py": b"", "traced_inputs.pkl": TRACED_INPUTS},
    ],
    ids=["pt2", "torchscript"],
)
def test_without_torch_it_says_what_to_install(
    tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not there
    with pytest.raises(ConfigError, match=r"not installed here; run .* pip install '\.\[torch\]'"):
        load_model(archive(tmp_path / "m.pt", **members))


# Read by torch itself; its own forward pass is the oracle


def network(torch: Any) -> Any:
    """Convolutions with batch normalization, one of them depthwise; a pool, a classifier."""
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU6(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * 4 * 4, 5), nn.Softmax(-1)),
    ).eval()


def exported(torch: Any, model: Any, example: Any, path: Path) -> None:
    torch.export.save(torch.export.export(model, (example,)), path)


def exported_with_a_dynamic_batch(torch: Any, model: Any, example: Any, path: Path) -> None:
    batches = torch.cat([example, example])
    dynamic = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(model, (batches,), dynamic_shapes=dynamic), path)


def traced(torch: Any, model: Any, example: Any, path: Path) -> None:
    torch.jit.trace(model, torch.cat([example, example])).save(path)


@needs_torch
@pytest.mark.filterwarnings("ignore")  # of torch's own, at import and at each export
@pytest.mark.parametrize(
    ("save", "source_format"),
    [(exported, "pt2"), (exported_with_a_dynamic_batch, "pt2"), (traced, "torchscript")],
)
def test_torchs_files_compute_what_torch_computes(
    save: Callable[..., None], source_format: str, tmp_path: Path
) -> None:
    import torch

    model, example = network(torch), torch.randn(1, 3, 16, 16)
    path = tmp_path / "m.bin"  # the name says nothing
    save(torch, model, example, path)
    graph = load_model(path)
    assert graph.source_format == source_format
    assert graph.tensors[graph.inputs[0]].shape == (1, 16, 16, 3)
    sample = graph.from_file_layout(0, example.numpy())
    found = TfliteRunner(write_float_tflite(graph)).run(sample)
    with torch.no_grad():
        np.testing.assert_allclose(found, model(example).numpy()[0], rtol=0, atol=1e-5)


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_what_torch_cannot_export_and_what_the_graph_cannot_hold(tmp_path: Path) -> None:
    import torch

    exported(torch, torch.nn.Tanh(), torch.zeros(1, 4), tmp_path / "tanh.pt2")
    with pytest.raises(ModelError, match=r"\(Tanh\) is not supported"):
        load_model(tmp_path / "tanh.pt2")
    broken = archive(tmp_path / "broken.pt2", archive_format=b"pt2", byteorder=b"little")
    with pytest.raises(ModelError, match="torch cannot export it to ONNX: "):
        load_model(broken)
