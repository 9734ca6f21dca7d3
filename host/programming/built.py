"""What `make firmware` has left for a board."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs

import devices
from host.errors import ConfigError

FIRMWARE = Path(__file__).resolve().parents[2] / "build" / "firmware"
_MANIFEST_NAME = "manifest.json"


@attrs.frozen
class Manifest:
    """The facts of a build; see ``firmware/manifest.py``. ``images`` maps names to SHA-256."""

    board: str
    revision: str
    build: str
    images: dict[str, str]


def image_of(profile: devices.Profile, firmware: Path = FIRMWARE) -> Path | None:
    """Where the image for a board's flash lies once it is built; None where it has none."""
    entry = profile.programmer
    return None if entry is None else firmware / profile.id / entry.image


def manifest_of(image: Path) -> Manifest | None:
    """What is known of an image: the manifest beside it, if it is of these very bytes.

    Raises:
        ConfigError: the manifest cannot be read.
    """
    path = image.parent / _MANIFEST_NAME
    if not path.is_file() or not image.is_file():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(
            board=data["board"],
            revision=data["revision"],
            build=data["build"],
            images={entry["name"]: entry["sha256"] for entry in data["images"]},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a manifest: {error}", hint="run `make firmware`") from error
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    return manifest if manifest.images.get(image.name) == digest else None
