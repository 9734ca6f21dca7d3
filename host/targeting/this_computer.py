"""What a profile says of the computer that it was made on."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from typing import Any

import psutil

_TOOLS = ("ai-edge-litert", "ai-edge-quantizer", "numpy", "onnx", "onnxruntime", "tflite-micro")


def cpu() -> dict[str, Any]:
    """Name and clock, the latter None where the system does not tell."""
    frequency = psutil.cpu_freq()
    return {
        "name": platform.processor() or platform.machine(),
        "clock_mhz": None if frequency is None else float(frequency.current),
    }


def process_peak_kb() -> float | None:
    """KiB of this process at most, Python and all: what a desktop would take, not a board."""
    peak = getattr(psutil.Process().memory_info(), "peak_wset", None)
    if peak is None and sys.platform != "win32":
        import resource

        peak_rss = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return peak_rss / 1024 if sys.platform == "darwin" else peak_rss  # bytes there, KiB here
    return None if peak is None else float(peak) / 1024


def tool_versions() -> dict[str, str | None]:
    """Of the packages whose arithmetic a profile rests on; None where one is not installed."""
    return {name: _version(name) for name in _TOOLS}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
