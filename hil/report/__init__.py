"""A night's reports: for a terminal, for CI, for programs, and a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hil.nightly.verdicts import NightVerdict
from hil.report.data import as_json
from hil.report.junit import as_junit
from hil.report.page import as_page
from hil.report.text import as_text
from host.errors import ConfigError
from host.evidence import LatencyPoint
from host.files import write_bytes, write_text

__all__ = ["write_reports"]


def write_reports(night: NightVerdict, points: Sequence[LatencyPoint], folder: Path) -> str:
    """Writes all four into ``folder``, making it, and returns the one for a terminal.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made: {error.strerror or error}") from error
    text = as_text(night)
    write_text(folder / "report.txt", text)
    write_text(folder / "report.json", as_json(night))
    write_bytes(folder / "junit.xml", as_junit(night))
    write_text(folder / "report.html", as_page(night, points))
    return text
