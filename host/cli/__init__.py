"""The command line: reads arguments, shows results, holds no logic."""

from host.cli.app import main

__all__ = ["main"]
