"""The catalog of boards: ``<id>/profile.json``, checked against ``schema.json``."""

from devices.loader import (
    Backend,
    Core,
    Emulator,
    Figure,
    Profile,
    ProfileError,
    Programmer,
    Transport,
    UnknownDeviceError,
    UsbIdentity,
    load,
    load_all,
)

__all__ = [
    "Backend",
    "Core",
    "Emulator",
    "Figure",
    "Profile",
    "ProfileError",
    "Programmer",
    "Transport",
    "UnknownDeviceError",
    "UsbIdentity",
    "load",
    "load_all",
]
