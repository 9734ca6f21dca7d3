"""Published int8 models that tests measure themselves against; they live beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "models"
INT8_MODELS = ("kws_dscnn_int8", "ad01_int8", "ic_resnet8_int8", "hello_world_int8")


def published_model(name: str) -> Path:
    """The path of a published model; skips the test where it is not there."""
    path = PUBLISHED / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is not there: the published models are not part of the repository")
    return path
