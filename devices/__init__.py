"""The catalog of boards: ``<id>/profile.json``, checked against ``schema.json``."""

from devices.loader import CATALOG, ProfileError, UnknownDeviceError, load, load_all
from devices.profile import (
    Accelerator,
    Backend,
    Core,
    Domain,
    Dtype,
    Emulator,
    Figure,
    PowerMode,
    Profile,
    Programmer,
    Transport,
    UsbIdentity,
)

__all__ = [
    "CATALOG",
    "Accelerator",
    "Backend",
    "Core",
    "Domain",
    "Dtype",
    "Emulator",
    "Figure",
    "PowerMode",
    "Profile",
    "ProfileError",
    "Programmer",
    "Transport",
    "UnknownDeviceError",
    "UsbIdentity",
    "load",
    "load_all",
]
