"""Writes what compression made into one folder: all of it, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from host.compression.compress import Compressed
from host.compression.page import as_page
from host.compression.report import build_report
from host.errors import ConfigError
from host.files import write_bytes
from host.models.tflite_writer import write_float_tflite

PROFILE = "profile.json"
REPORT = "compression.json"
PAGE = "compression.html"


def weights_file(folder: Path, model: Path, target: str) -> Path:
    """Where the quantized model goes."""
    return folder / f"{model.stem}_{target}.tflite"


def check_folder(folder: Path) -> None:
    """Before the work whose results are to be written there.

    Raises:
        ConfigError: it is a file, or its own folder is not there.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--output {folder}: is a file; name a folder")
    if not folder.parent.is_dir():
        raise ConfigError(f"--output {folder}: {folder.parent} is not there")


def write_results(compressed: Compressed, folder: Path) -> dict[str, object]:
    """Weights, the float model behind them, the requirement vector, the report and its page.

    Returns:
        The report.

    Raises:
        ConfigError: the folder cannot be written.
    """
    report = build_report(compressed)
    chosen = compressed.chosen
    weights = compressed.request.output
    files: Mapping[Path, bytes] = {
        weights: chosen.weights,
        weights.with_name(f"{weights.stem}_float.tflite"): write_float_tflite(
            chosen.candidate.graph
        ),
        folder / PROFILE: (chosen.requirements.to_json() + "\n").encode(),
        folder / REPORT: (json.dumps(report, indent=2) + "\n").encode(),
        folder / PAGE: as_page(report).encode(),
    }
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror or error}") from error
    for path, data in files.items():
        write_bytes(path, data)
    return report
