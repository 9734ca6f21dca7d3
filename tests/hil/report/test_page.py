"""The page, in a real browser: what it shows, that it is silent, and that it is quick."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.nightly import NightVerdict
from hil.report.page import as_page
from host.evidence import LatencyPoint
from tests.hil.report.conftest import HOSTILE
from tests.support.browser import NAMES, Page, find_browser
from tests.support.make import ROOT

SCREENSHOTS = ROOT / "build" / "artifacts" / "nightly"
"""CI keeps them."""

BUTTON = "document.querySelector('button[data-status={}]')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_browser()
    if program is None:
        pytest.skip(
            f"NO BROWSER, so the page was opened by nobody: install one of {', '.join(NAMES)} "
            "(Debian: apt-get install chromium-headless-shell, 306 MB)"
        )
    with Page(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def shown(
    browser: Page,
    night: NightVerdict,
    points: list[LatencyPoint],
    tmp_path_factory: pytest.TempPathFactory,
) -> Page:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(as_page(night, points), encoding="utf-8")
    browser.open(path)
    return browser


def text_of(page: Page, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).innerText"))


def test_the_verdict_and_the_matrix_are_there(shown: Page) -> None:
    assert text_of(shown, "h1").startswith("✖ REGRESSION: 1 of 7 cells")
    heads = shown.evaluate(
        "[...document.querySelectorAll('#matrix thead th')].map(e => e.innerText)"
    )
    assert heads == ["model", "esp32 mcu", "pico mcu", "uno mcu"]
    statuses = shown.evaluate(
        "[...document.querySelectorAll('#matrix button')].map(e => e.dataset.status).sort()"
    )
    assert statuses == ["flagged", "missing", "new", "regression", "same", "same", "same"]
    assert HOSTILE.replace("\x07", "\ufffd") in text_of(shown, "#matrix").replace("\x07", "\ufffd")


def test_a_cell_opens_its_ops_and_its_trend(shown: Page) -> None:
    assert shown.evaluate("document.getElementById('details').hidden") is True
    shown.evaluate(BUTTON.format("regression") + ".click()")
    assert shown.evaluate("document.getElementById('details').hidden") is False
    bars = text_of(shown, "#details .bars").split("\n")
    assert bars[:2] == ["0 CONV_2D", "62,992 (+5.0 %)"]
    assert bars[2:] == ["1 FULLY_CONNECTED", "39,000", "2 SOFTMAX", "1,000"]
    widths = shown.evaluate("[...document.querySelectorAll('.bar i')].map(e => e.clientWidth)")
    assert widths[0] > widths[1] > widths[2]
    line = shown.evaluate("document.querySelector('.trend polyline').getAttribute('points')")
    assert len(line.split()) == 20
    shown.screenshot(SCREENSHOTS / "desktop.png")


def test_every_latency_says_silicon_or_emulated(shown: Page) -> None:
    labels = shown.evaluate(
        "[...document.querySelectorAll('#matrix button')].map("
        "e => e.querySelector('b').innerText + ': ' + e.querySelector('.evidence').innerText)"
    )
    assert len(labels) == 7
    for label in labels:
        assert label.endswith((": silicon", "emulated, cycle ±10 %")) or label == (
            "no time model: emulated, isa-proxy"
        )


def test_the_reason_names_build_and_op(shown: Page) -> None:
    why = text_of(shown, "#why")
    assert "firmware build changed: b9e226c -> 1234567" in why
    assert "op 0 CONV_2D: 60,000 -> 62,992 cycles (+5.0 %) slower" in why
    assert "throttled" in text_of(shown, "#boards")


def test_the_filter_leaves_what_is_asked_for(shown: Page) -> None:
    shown.evaluate(
        "(() => { const f = document.getElementById('filter'); f.differing.checked = true;"
        "f.dispatchEvent(new Event('input')); })()"
    )
    visible = "[...document.querySelectorAll('#matrix button')].filter(e => e.offsetParent)"
    assert shown.evaluate(f"{visible}.length") == 4
    shown.evaluate(
        "(() => { const f = document.getElementById('filter'); f.board.value = 'uno mcu';"
        "f.dispatchEvent(new Event('input')); })()"
    )
    assert shown.evaluate(f"{visible}.map(e => e.dataset.status)") == ["flagged"]
    shown.evaluate(
        "(() => { const f = document.getElementById('filter'); f.reset();"
        "f.dispatchEvent(new Event('input')); })()"
    )


def test_it_fits_a_phone_and_paper(shown: Page) -> None:
    shown.resize(360, 740)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert shown.evaluate(overflow) <= 0
    shown.screenshot(SCREENSHOTS / "phone.png")
    shown.resize(1280, 900)
    shown.emulate_media("print")
    assert shown.evaluate("getComputedStyle(document.getElementById('filter')).display") == "none"
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown.screenshot(SCREENSHOTS / "print.png")
    shown.emulate_media(dark=True)
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    shown.screenshot(SCREENSHOTS / "dark.png")
    shown.emulate_media()


def test_it_neither_complains_nor_asks_the_network(shown: Page) -> None:
    assert shown.complaints == []
    assert [url for url in shown.requests if not url.startswith(("file:", "data:"))] == []


def test_a_year_of_a_hundred_cells_opens_without_a_stutter(
    browser: Page, year: tuple[NightVerdict, list[LatencyPoint]], tmp_path: Path
) -> None:
    path = tmp_path / "year.html"
    path.write_text(as_page(*year), encoding="utf-8")
    assert path.stat().st_size < 2_000_000
    browser.open(path)
    opened_ms = browser.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert opened_ms < 2000
    # Time of the script and the layout it causes, in the page itself.
    spent = browser.evaluate(
        "(() => { const f = document.getElementById('filter'); const times = [];"
        "for (const text of ['m', 'mo', 'model07', '']) { const t = performance.now();"
        "f.model.value = text; f.dispatchEvent(new Event('input')); document.body.offsetHeight;"
        "times.push(performance.now() - t); }"
        "for (const b of [...document.querySelectorAll('#matrix button')].slice(0, 10)) {"
        "const t = performance.now(); b.click(); document.body.offsetHeight;"
        "times.push(performance.now() - t); } return times; })()"
    )
    points = browser.evaluate("document.querySelector('.trend polyline').points.numberOfItems")
    assert points == 365
    # A frame is 16 ms. The median, for other tests may have the machine in between.
    assert statistics.median(spent) < 33, spent
    assert browser.complaints == []
