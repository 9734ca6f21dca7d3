"""The commands that the rack adds to ``host``, found through ``jumpstation.commands``."""

from hil.cli.farm import farm

__all__ = ["farm"]
