"""The compression report's page, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host.compression.page import as_page
from tests.support.browser import NAMES, Page, find_browser
from tests.support.make import ROOT

SCREENSHOT = ROOT / "build" / "artifacts" / "compression.png"
HOSTILE = "<script>console.error('run')</script>.onnx"


def figures(**changes: Any) -> dict[str, Any]:
    known = {
        "precision": "int8",
        "parameters": 12_186,
        "error_mean": 0.0007,
        "relative_error": 0.0007,
        "agreement": 1.0,
        "accuracy": 0.996,
        "plan_bytes": 15_024,
        "peak_ram_bytes": 5_528,
        "peak_ram_source": "arena_measured",
        "macs": 496_128,
        "latency": None,
        "output": None,
        "arena_bytes_measured": None,
    }
    return {**known, **changes}


def report() -> dict[str, Any]:
    latency = {"median_ms": 10.6, "label": "ATmega328P @ 16MHz, emulated, cycle ±1%"}
    after = figures(plan_bytes=11_392, peak_ram_bytes=280, latency=latency, output="exact")
    taught = {"metric": "accuracy", "values": [0.95, 0.96], "mean": 0.955, "stdev": 0.007}
    details = {"comparison": {"seeds": [0, 1], "with_teacher": taught, "without_teacher": taught}}
    lacks = {"name": "ram", "status": "failed", "text": "RAM: needs 7.02 KB, has 1.41"}
    return {
        "model": HOSTILE,
        "target": "uno",
        "precision": "int8",
        "stages": ["distill", "quantize"],
        "original": {"parameters": 12_186, "accuracy": 0.996},
        "before": figures(),
        "after": after,
        "attempts": [
            {
                "stages": ["quantize"],
                "what": "as it is",
                "passed": False,
                "checks": [lacks],
                "details": {},
                **figures(),
            },
            {
                "stages": ["distill", "quantize"],
                "what": "mlp",
                "passed": True,
                "checks": [],
                "details": details,
                **after,
            },
        ],
        "data": {
            "source": "digits",
            "train_count": 1000,
            "calibration_count": 200,
            "hold_out_count": 240,
        },
        "notes": ["one"],
        "at": "2026-01-02T00:00:00+00:00",
        "host_version": "0.1.0",
    }


def test_in_a_browser(tmp_path: Path) -> None:
    program = find_browser()
    if program is None:
        pytest.skip(f"NO BROWSER, so the page was opened by nobody: install one of {NAMES}")
    path = tmp_path / "compression.html"
    path.write_text(as_page(report()), encoding="utf-8")
    with Page(program, tmp_path / "profile") as page:
        page.open(path)
        assert page.complaints == []
        heading = str(page.evaluate("document.querySelector('h1').innerText"))
        assert heading == f"{HOSTILE.rsplit('/', maxsplit=1)[-1]} fits uno as int8"
        assert page.evaluate("document.querySelectorAll('.plot circle').length") == 4
        assert page.evaluate("document.querySelectorAll('article.good').length") == 1
        widths = page.evaluate(
            "[...document.querySelectorAll('#figures .after i')].map(e => e.style.width)"
        )
        assert widths[1] == "5.1%"
        page.resize(380, 800)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(SCREENSHOT)
