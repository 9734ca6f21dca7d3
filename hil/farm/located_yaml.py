"""YAML whose values know the line and column they were written at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import yaml

from host.errors import ConfigError


@attrs.frozen(order=True)
class Position:
    """Where something stands in a text; both from 1, as editors count."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class LocatedYaml:
    """A file's plain values, and where each of them stands.

    Raises:
        ConfigError: it cannot be read, is no YAML, or has a key twice; names file, line and column.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise ConfigError(f"{path}: {reason}") from error
        try:
            self.root = yaml.compose(self.text, Loader=yaml.SafeLoader)
            if self.root is not None:
                self._refuse_what_hides(self.root, ())
            self.value: Any = yaml.safe_load(self.text)
        except yaml.MarkedYAMLError as error:
            at = _position(error.problem_mark or error.context_mark)
            raise ConfigError(f"{path}:{at}: {error.problem or error.context}") from error
        except yaml.reader.ReaderError as error:
            before = self.text[: error.position]
            at = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
            raise ConfigError(f"{path}:{at}: {error.reason}") from error
        except RecursionError as error:
            raise ConfigError(f"{path}: is nested too deep") from error

    def position(self, where: Iterable[str | int]) -> Position:
        """That of a value, or of the last thing on the way to it that is there."""
        node, at = self.root, Position(1, 1)
        for step in where:
            found = _step(node, step)
            if found is None:
                break
            at, node = found
        return at

    def error(self, where: Iterable[str | int], message: str, *, hint: str = "") -> ConfigError:
        """What to raise for a value; ``where`` is its keys and indices from the root."""
        steps = list(where)
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
        says = f"{field.lstrip('.')}: {message}" if steps else message
        return ConfigError(f"{self.path}:{self.position(steps)}: {says}", hint=hint)

    def _refuse_what_hides(self, node: yaml.Node, above: tuple[int, ...]) -> None:
        """A key that is there twice, of which the parser takes the last; a value in itself."""
        if id(node) in above:
            raise self._refusal(node, "holds itself")
        inside = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise self._refusal(key, "a key has to be a word")
                if key.value in seen:
                    raise self._refusal(key, f"{key.value!r} is there twice")
                seen.add(key.value)
                self._refuse_what_hides(value, inside)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._refuse_what_hides(item, inside)

    def _refusal(self, node: yaml.Node, message: str) -> ConfigError:
        return ConfigError(f"{self.path}:{_position(node.start_mark)}: {message}")


def _position(mark: Any) -> Position:
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def _step(node: yaml.Node | None, step: str | int) -> tuple[Position, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return _position(key.start_mark), value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return _position(item.start_mark), item
    return None
