"""Which engines this computer has."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from protocol.capabilities import EngineOffer
from protocol.messages import Engine, ModelFormat

_PACKAGES: tuple[tuple[Engine, ModelFormat, str, str, str], ...] = (
    (Engine.LITERT, ModelFormat.TFLITE, "ai_edge_litert", "ai-edge-litert", "litert"),
    (Engine.LITERT, ModelFormat.TFLITE, "tflite_runtime", "tflite-runtime", "tflite-runtime"),
    (Engine.ONNXRUNTIME, ModelFormat.ONNX, "onnxruntime", "onnxruntime", "onnxruntime"),
)
"""Engine, format, module, package, and the name it goes by; the first of an engine is taken."""


def find_interpreters() -> tuple[EngineOffer, ...]:
    """The interpreters that are installed; none is imported."""
    offers: dict[Engine, EngineOffer] = {}
    for engine, model_format, module, package, name in _PACKAGES:
        if engine in offers or importlib.util.find_spec(module) is None:
            continue
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # such as onnxruntime-gpu
            version = "of unknown version"
        offers[engine] = EngineOffer(engine, frozenset({int(model_format)}), f"{name} {version}")
    return tuple(offers.values())
