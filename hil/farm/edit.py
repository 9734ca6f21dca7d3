"""Adds boards to the text of a farm file without touching what a person wrote in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs
import yaml

from hil.farm.file import BoardKind
from hil.farm.located_yaml import LocatedYaml
from host.errors import ConfigError

_HEAD = """\
# The boards of this farm: `host farm scan` adds what is connected and leaves all else alone.
# Every field: docs/farm.md.
"""
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""YAML 1.1's line breaks (section 4.2 of its specification)."""
_ITEM = "- "
_DEPTH = 2


@attrs.frozen(kw_only=True)
class NewBoard:
    """What is written of a board that was found; ``identity`` is one field and its value."""

    id: str
    kind: BoardKind
    device: str
    identity: tuple[str, str]
    comment: str | None = None
    """For the person who goes on with the file."""

    @property
    def values(self) -> dict[str, Any]:
        """What is read back from its lines."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "device": self.device,
            "identity": dict((self.identity,)),
        }

    def lines(self) -> list[str]:
        """As an item of a list."""
        fields = [f"{name}: {_inline(value)}" for name, value in self.values.items()]
        if self.comment is not None:
            fields.append(f"# {self.comment}")
        return [(" " * _DEPTH if index else _ITEM) + field for index, field in enumerate(fields)]


def new_text(rack: str, boards: Sequence[NewBoard], *, below: str = "") -> str:
    """A whole file.

    Args:
        below: comments that it has already; empty: it gets some.
    """
    head = below or _HEAD
    if not _LINE_END.fullmatch(head[-1]):
        head += "\n"
    return head + _join(["racks:", *_indented(_rack(rack, boards), _DEPTH)], "\n")


def with_boards(file: LocatedYaml, rack: str, boards: Sequence[NewBoard]) -> str:
    """The text of a file and ``boards`` in it; all its lines stay as they are, in order.

    Args:
        file: a farm file that was checked.
        rack: to which they are added; made at the end where there is none of that name.

    Raises:
        ConfigError: the file is written so that lines cannot be added; with what to add by hand.
    """
    racks = [entry["id"] for entry in file.value["racks"]]
    steps: list[str | int] = ["racks"]
    if rack in racks:
        steps += [racks.index(rack), "boards"]
        lines = [line for board in boards for line in board.lines()]
    else:
        lines = _rack(rack, boards)
    node = _at(file.root, steps)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        raise _by_hand(file, steps, lines)
    text = _inserted(file.text, node, lines)
    if not _says(text, _racks_when_ended(file), rack, boards):
        raise _by_hand(file, steps, lines)
    return text


def _rack(rack: str, boards: Sequence[NewBoard]) -> list[str]:
    inside = [line for board in boards for line in board.lines()]
    return [f"{_ITEM}id: {rack}", "  boards:", *_indented(inside, 2 * _DEPTH)]


def _inserted(text: str, node: yaml.SequenceNode, lines: Sequence[str]) -> str:
    column = node.start_mark.column
    at = _end_of_list(text, _last_leaf_end(node), column)
    found = _LINE_END.search(text)
    end = found.group() if found is not None else "\n"
    before = text[:at]
    if before and not _LINE_END.fullmatch(before[-1]):
        before += end  # the last line had no end
    return before + _join(_indented(lines, column), end) + text[at:]


def _last_leaf_end(node: yaml.Node) -> int:
    """Where the text of a value ends; that of a block ends for YAML where the next begins."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        if isinstance(last, tuple):  # a key and its value, which is empty before its key's end
            return max(_last_leaf_end(part) for part in last)
        return _last_leaf_end(last)
    return int(node.end_mark.index)


def _end_of_list(text: str, at: int, column: int) -> int:
    """Behind the line at ``at``, and behind comments that belong to the list or its last item."""
    if at and not _LINE_END.fullmatch(text[at - 1]):  # a block of text ends behind its line
        at = _next_line(text, at)
    end = at
    while at < len(text):
        line_end = _next_line(text, at)
        line = text[at:line_end]
        content = line.lstrip(" ")
        if content.startswith("#") and len(line) - len(content) >= column:
            end = line_end
        elif content.strip():
            break
        at = line_end
    return end


def _next_line(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return len(text) if found is None else found.end()


def _at(node: yaml.Node | None, steps: Sequence[str | int]) -> yaml.Node | None:
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
    return node


def _racks_when_ended(file: LocatedYaml) -> list[dict[str, Any]]:
    """What the file says once its last line has an end, which a block of text there gains."""
    value = file.value
    if not _LINE_END.fullmatch(file.text[-1]):
        value = yaml.safe_load(file.text + "\n")
    racks: list[dict[str, Any]] = value["racks"]
    return racks


def _says(
    text: str, before: Sequence[dict[str, Any]], rack: str, boards: Sequence[NewBoard]
) -> bool:
    """Whether the text has the boards, in that rack, and all that was there before."""
    wanted: list[dict[str, Any]] = []
    new = [board.values for board in boards]
    for entry in before:
        is_it = entry["id"] == rack
        wanted.append({**entry, "boards": [*entry["boards"], *new]} if is_it else entry)
    if all(entry["id"] != rack for entry in before):
        wanted.append({"id": rack, "boards": new})
    try:
        return bool(yaml.safe_load(text) == {"racks": wanted})
    except yaml.YAMLError:
        return False


def _by_hand(file: LocatedYaml, steps: Sequence[str | int], lines: Sequence[str]) -> ConfigError:
    return file.error(
        steps,
        "is not written as a list of one item a line, to which lines could be added",
        hint="add by hand:\n" + _join(lines, "\n").rstrip(),
    )


def _inline(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=2**31, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _indented(lines: Sequence[str], columns: int) -> list[str]:
    return [" " * columns + line for line in lines]


def _join(lines: Sequence[str], end: str) -> str:
    return "".join(line + end for line in lines)
