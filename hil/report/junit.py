"""JUnit XML, as CI servers read it: a board a suite, a cell a test."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree

from hil.golden.night import NightReplay
from hil.nightly.verdicts import CellVerdict, NightVerdict, Status
from hil.report import golden
from hil.report.words import evidence_text, sentences, why
from protocol.measurement import Fidelity

_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0, section 2.2)."""


def as_junit(night: NightVerdict) -> bytes:
    root = ElementTree.Element("testsuites", name=f"nightly against {night.baseline}")
    totals = [0, 0, 0]
    for board, cells in groupby(
        sorted(night.cells, key=lambda cell: (cell.key.board, cell.key)),
        key=lambda cell: cell.key.board,
    ):
        listed = list(cells)
        suite = ElementTree.SubElement(
            root, "testsuite", name=_legal(board), timestamp=f"{night.started:%Y-%m-%dT%H:%M:%S}"
        )
        for cell in listed:
            _test_case(suite, cell)
        counts = [len(listed), len(suite.findall("*/failure")), len(suite.findall("*/skipped"))]
        _count(suite, counts)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    if night.replays:
        suite = ElementTree.SubElement(root, "testsuite", name="golden sets")
        for replay in night.replays:
            _replay_case(suite, replay)
        counts = [
            len(night.replays),
            len(suite.findall("*/failure")),
            len(suite.findall("*/skipped")),
        ]
        _count(suite, counts)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    _count(root, totals)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _count(element: ElementTree.Element, counts: list[int]) -> None:
    for name, count in zip(("tests", "failures", "skipped"), counts, strict=True):
        element.set(name, str(count))
    element.set("errors", "0")


def _test_case(suite: ElementTree.Element, cell: CellVerdict) -> None:
    # What a CI server draws as the test's time: the board's, where it has any.
    record, key = cell.record, cell.key
    timed = record is not None and record.evidence.fidelity != Fidelity.ISA_PROXY
    seconds = record.latency_ms.median / 1000.0 if record is not None and timed else 0.0
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_legal(f"nightly.{key.board}"),
        name=_legal(" ".join(filter(None, (key.name, key.emulator, key.input, key.uid)))),
        time=f"{seconds:.6f}",
    )
    lines = [*sentences(cell), *why(cell), *cell.triage, *cell.notes]
    if cell.status == Status.REGRESSION:
        failure = ElementTree.SubElement(
            case, "failure", type="regression", message=_legal(sentences(cell)[0])
        )
        failure.text = _legal("\n".join(lines))
    elif cell.status in (Status.MISSING, Status.FLAGGED, Status.LEARNING, Status.NEW):
        message = lines[0] if lines else f"{cell.status}"
        ElementTree.SubElement(case, "skipped", message=_legal(f"{cell.status}: {message}"))
    output = [f"{cell.status}", evidence_text(cell.shown), *lines]
    ElementTree.SubElement(case, "system-out").text = _legal("\n".join(output))


def _replay_case(suite: ElementTree.Element, replay: NightReplay) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=_legal(f"golden.{replay.board}"), name=_legal(replay.name)
    )
    said = golden.summary(replay)
    if replay.is_wrong:
        ElementTree.SubElement(case, "failure", type="mismatch", message=_legal(said))
    elif replay.fault is not None:
        ElementTree.SubElement(case, "skipped", message=_legal(said))
    text = "\n".join([said, *golden.details(replay)])
    ElementTree.SubElement(case, "system-out").text = _legal(text)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
