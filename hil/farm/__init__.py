"""The farm file: which boards there are, how each is known, reached and switched."""

from hil.farm.file import BoardKind, Farm, FarmBoard, Rack, load_farm
from hil.farm.place import Placement, placed
from hil.farm.power import Power, PowerKind, power_cycle

__all__ = [
    "BoardKind",
    "Farm",
    "FarmBoard",
    "Placement",
    "Power",
    "PowerKind",
    "Rack",
    "load_farm",
    "placed",
    "power_cycle",
]
