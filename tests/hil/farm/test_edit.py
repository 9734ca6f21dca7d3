"""Adding boards to farm files as people write them: every byte of theirs stays."""

from __future__ import annotations

import json
import tempfile
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hil.farm.edit import NewBoard, new_text, with_boards
from hil.farm.file import BoardKind, Farm, FarmBoard, load_farm
from hil.farm.located_yaml import LocatedYaml
from host.errors import ConfigError
from tests.support.make import ROOT


def new_board(name: str, value: str = "E66") -> NewBoard:
    return NewBoard(
        id=name,
        kind=BoardKind.SERIAL,
        device="pico",
        identity=("usb_serial", value),
        comment="by hand",
    )


def edited(text: str, rack: str, *boards: NewBoard) -> str:
    """The text with ``boards``; also checks that it is a farm file that has them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "farm.yaml"
        path.write_bytes(text.encode())
        before = load_farm(path)
        after = with_boards(LocatedYaml(path), rack, boards)
        path.write_bytes(after.encode())
        assert_has(load_farm(path), before, rack, boards)
    return after


def assert_has(after: Farm, before: Farm, rack: str, boards: tuple[NewBoard, ...]) -> None:
    wanted = {entry.id: entry.boards for entry in before.racks}
    added = tuple(
        FarmBoard(id=b.id, kind=BoardKind.SERIAL, device=b.device, usb_serial=b.identity[1])
        for b in boards
    )
    wanted[rack] = (*wanted.get(rack, ()), *added)
    assert {entry.id: entry.boards for entry in after.racks} == wanted


def inserted(before: str, after: str) -> str:
    """What was put in, at one place; fails where anything else was touched."""
    end = "\r\n" if "\r\n" in before else "\n"
    for whole in (before, before + end):  # a last line without an end gets one where it must
        count = len(after) - len(whole)
        for at in range(len(whole), -1, -1):
            if after[:at] + after[at + count :] == whole:
                return after[at : at + count]
    raise AssertionError(f"more than an insertion:\n{before}\n---\n{after}")


def test_the_example_keeps_its_comments_and_gets_a_board_behind_them() -> None:
    text = (ROOT / "hil" / "farm.yaml").read_text()
    after = edited(text, "bench", new_board("pico-7"))
    assert after.startswith(text)
    assert after.removeprefix(text) == (
        "      - id: pico-7\n"
        "        kind: serial\n"
        "        device: pico\n"
        "        identity: {usb_serial: E66}\n"
        "        # by hand\n"
    )


def test_a_rack_in_the_middle() -> None:
    text = textwrap.dedent(
        """
        racks:
        - id: a
          boards:
          - id: x   # the first
            kind: process
            quarantine: |
              # no comment
              of two lines

          # belongs to the list
        # belongs to what follows
        - id: b
          boards: [{id: x, kind: process}]
        """
    )
    after = edited(text, "a", new_board("y"))
    lines = after.splitlines()
    at = lines.index("  - id: y")
    assert lines[at - 1] == "  # belongs to the list"
    assert lines[at + 5] == "# belongs to what follows"
    assert inserted(text, after).count("\n") == 5


def test_a_new_rack_goes_to_the_end() -> None:
    text = "racks:\n  - id: a\n    boards:\n      - {id: x, kind: process}  # no end of line"
    after = edited(text, "lab", new_board("y"))
    assert inserted(text, after).lstrip("\n").startswith("  - id: lab\n    boards:\n")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"racks": [{"id": "a", "boards": [{"id": "x", "kind": "process"}]}]}),
        "racks:\n- id: a\n  boards: [\n    {id: x, kind: process},\n  ]\n",
    ],
    ids=["json", "brackets"],
)
def test_brackets_are_not_guessed_into(text: str, tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="list of one item a line") as caught:
        with_boards(LocatedYaml(path), "a", [new_board("y")])
    assert "add by hand:\n- id: y\n" in caught.value.hint


@pytest.mark.parametrize("value", ["0123", "1e5", "true", "a b: c", "ü", "'", "{x}", "#1", "~"])
def test_serial_numbers_that_yaml_would_read_otherwise(value: str, tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    path.write_text(new_text("bench", [new_board("y", value)]))
    assert load_farm(path).racks[0].boards[0].usb_serial == value


comments = st.text("abc #:-'\"{}[]äß\t", max_size=12).map(lambda text: f"#{text}")
noise = st.lists(st.one_of(st.just(""), comments), max_size=3)
reasons = st.sampled_from(
    [
        "is slow",
        "'it''s out'",
        '"a # no comment"',
        "|\n  # of\n\n  two: lines",
        ">-\n  folded\n  up",
    ]
)


@st.composite
def farm_texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A farm file with comments, blank lines and other freedoms; and the names of its racks."""
    step = draw(st.integers(2, 4))
    lines = [*draw(noise), "racks:" + draw(st.sampled_from(["", "  # all"]))]
    outer = draw(st.sampled_from([0, step]))
    racks = [f"rack{i}" for i in range(draw(st.integers(1, 3)))]
    number = 0
    for rack in racks:
        lines += [" " * draw(st.integers(0, 8)) + line for line in draw(noise)]
        inside = outer + 2
        lines += [" " * outer + f"- id: {rack}", " " * inside + "boards:"]
        dash = inside + draw(st.sampled_from([0, step]))
        for _ in range(draw(st.integers(1, 3))):
            number += 1
            fields = [f"id: b{number}", "kind: serial", f"identity: {{usb_serial: 'S{number}'}}"]
            if draw(st.booleans()):
                lines.append(" " * dash + f"- {{{', '.join(draw(st.permutations(fields)))}}}")
            else:
                if draw(st.booleans()):
                    fields.append(f"quarantine: {draw(reasons)}")
                if draw(st.booleans()):
                    fields.append("tags:\n  - one\n  - two")
                text = "\n".join(draw(st.permutations(fields))).split("\n")
                lines += [
                    " " * dash + ("  " if i else "- ") + line if line else ""
                    for i, line in enumerate(text)
                ]
            is_open = lines[-1].strip() in ("", "two: lines", "up")
            lines[-1] += "" if is_open else draw(st.sampled_from(["", "  # why", " #"]))
            lines += [" " * draw(st.integers(0, 10)) + line for line in draw(noise)]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = (
        draw(st.sampled_from(["", "\ufeff"])) + end.join(lines) + draw(st.sampled_from(["", end]))
    )
    return text, racks


ENDS_IN_A_BLOCK = """\
racks:
- id: rack0
  boards:
  - id: b1
    kind: serial
    identity: {usb_serial: 'S1'}
    quarantine: |
      # of

      two: lines"""
"""Without an end of its last line."""


@settings(max_examples=100, deadline=None)
@given(farm_texts(), st.integers(0, 3), st.integers(1, 2))
@example((ENDS_IN_A_BLOCK, ["rack0"]), 0, 1)
def test_whatever_a_person_wrote_stays(
    written: tuple[str, list[str]], which: int, count: int
) -> None:
    text, racks = written
    rack = [*racks, "another"][which % (len(racks) + 1)]
    boards = tuple(new_board(f"new{i}", f"N{i}") for i in range(count))
    after = edited(text, rack, *boards)
    before_lines, after_lines = text.splitlines(), after.splitlines()
    remaining = iter(after_lines)
    assert all(line in remaining for line in before_lines)  # all there, in order
    assert "new0" in inserted(text, after)
    if "\r\n" in text:
        assert after.count("\n") == after.count("\r\n")
