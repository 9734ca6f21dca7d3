"""Finds the commands that other packages add to ``host``.

A group of commands is a ``typer.Typer`` that another package registers under the entry point
group ``jumpstation.commands``, by the name that it is to have; the host knows none by itself.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import typer

ENTRY_POINT_GROUP = "jumpstation.commands"


def found_commands() -> dict[str, typer.Typer]:
    """The groups of commands that are installed, by name."""
    return {
        point.name: point.load()
        for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    }
