"""YAML whose values know the line they were written on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from host.errors import ConfigError


class LocatedYaml:
    """A file's plain values, and where each of them stands.

    Raises:
        ConfigError: it cannot be read, is no YAML, or has a key twice; names file and line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise ConfigError(f"{path}: {reason}") from error
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            if root is not None:
                self._refuse_doubled_keys(root)
            self.value: Any = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError(f"{path}:{line}: {error.problem}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: {error}") from error
        self._root = root

    def line(self, where: Iterable[str | int]) -> int:
        """The line of a value, or of the last thing on the way to it that is there."""
        node, line = self._root, 1
        for step in where:
            found = _step(node, step)
            if found is None:
                break
            line, node = found
        return line

    def error(self, where: Iterable[str | int], message: str) -> ConfigError:
        """What to raise for a value; ``where`` is its keys and indices from the root."""
        steps = list(where)
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
        return ConfigError(f"{self.path}:{self.line(steps)}: {field.lstrip('.')}: {message}")

    def _refuse_doubled_keys(self, node: yaml.Node) -> None:
        """YAML forbids them; the parser would silently take the last."""
        if isinstance(node, yaml.MappingNode):
            seen: set[Any] = set()
            for key, value in node.value:
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise ConfigError(f"{self.path}:{line}: {key.value!r} is there twice")
                seen.add(key.value)
                self._refuse_doubled_keys(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._refuse_doubled_keys(item)


def _step(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    return None
