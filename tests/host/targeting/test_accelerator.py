"""The DX-M1's engine: why there is none here, and how it drives the vendor's interface."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.targeting.accelerator import Unavailable, dxm1_engine


class Runtime:
    """Has the shape of DX-RT's ``InferenceEngine``; a DX-M1 is not at hand."""

    runs = 0

    def __init__(self, path: str) -> None:
        if "broken" in path:
            raise RuntimeError("no device is open")

    def get_input_tensors_info(self) -> list[dict[str, Any]]:
        return [{"name": "x", "shape": [1, 8, 8, 3], "dtype": np.uint8}]

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        assert [(x.shape, x.dtype) for x in inputs] == [((1, 8, 8, 3), np.uint8)]
        Runtime.runs += 1
        return []


def test_without_the_vendors_runtime(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"the vendor's runtime \(dx_engine\) is not installed"):
        dxm1_engine(tmp_path / "m.onnx")


def test_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("dx_engine")
    module.InferenceEngine = Runtime  # type: ignore[attr-defined]  # a module's attribute
    monkeypatch.setitem(sys.modules, "dx_engine", module)
    with pytest.raises(Unavailable, match=r"m\.dxnn, which DX-COM compiles, is not beside"):
        dxm1_engine(tmp_path / "m.onnx")
    (tmp_path / "broken.dxnn").touch()
    with pytest.raises(Unavailable, match="dx_engine: no device is open"):
        dxm1_engine(tmp_path / "broken.onnx")
    (tmp_path / "m.dxnn").touch()
    times_ms = dxm1_engine(tmp_path / "m.onnx").time_ms(np.zeros(1, np.float32), 5)
    assert len(times_ms) == 5
    assert Runtime.runs == 6  # the first is left out
    assert min(times_ms) >= 0
