"""The commands that the rack adds to ``host``, found through ``jumpstation.commands``."""

from hil.cli.farm import farm
from hil.cli.golden import golden

__all__ = ["farm", "golden"]
