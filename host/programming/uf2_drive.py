"""Boards whose boot ROM is a drive that images are copied to, such as a Pico."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

import attrs
import psutil

from host.errors import ConfigError, LinkError
from host.programming import uf2

INFO_NAME = "INFO_UF2.TXT"
_BOARD_ID = "board-id:"


def mounted_volumes() -> list[Path]:
    """Where the file systems of this machine's devices are mounted."""
    return [Path(partition.mountpoint) for partition in psutil.disk_partitions(all=False)]


@attrs.frozen
class Uf2Drive:
    """Implements :class:`host.programming.base.Programmer`.

    Args:
        board_id: what ``INFO_UF2.TXT`` on the drive says.
        family: of the images that belong on it, hexadecimal.
        how_to_enter: what makes the drive appear.
        volumes: where to look for it.
    """

    name: ClassVar[str] = "uf2-drive"
    board_id: str
    family: str
    how_to_enter: str
    volumes: Callable[[], Iterable[Path]] = mounted_volumes

    def missing(self) -> str | None:
        return None

    def holds(self, image: Path, port: str | None) -> bool:
        """Never known: the drive does not show what the flash holds."""
        return False

    def program(self, image: Path, port: str | None) -> None:
        """A ``port`` that is a folder is the drive; any other is not used here."""
        content = self._checked(image)
        drive = self._drive(port)
        target = drive / image.name
        try:
            with target.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # The boot ROM restarts with the last block, at times before the file is closed.
            if (drive / INFO_NAME).exists():
                raise LinkError(
                    f"{target}: {error.strerror or error}",
                    hint=f"{self.how_to_enter}, then try again",
                ) from error

    def _checked(self, image: Path) -> bytes:
        try:
            content = image.read_bytes()
            family = uf2.family_of(content)
            uf2.decode(content)
        except OSError as error:
            raise ConfigError(f"{image}: {error.strerror or error}") from error
        except ValueError as error:
            raise ConfigError(
                f"{image}: {error}", hint="`make firmware` leaves a .uf2 beside the flat image"
            ) from error
        if family != int(self.family, 16):
            found = "no family id" if family is None else f"family id 0x{family:08x}"
            raise ConfigError(
                f"{image}: {found}, and this board takes {self.family} alone",
                hint="check --board and --image",
            )
        return content

    def _drive(self, port: str | None) -> Path:
        if port is not None and Path(port).is_dir():
            candidates: Iterable[Path] = [Path(port)]
        else:
            candidates = self.volumes()
        drives = [path for path in candidates if self._is_the_drive(path)]
        if not drives:
            raise LinkError(
                f"no {self.board_id} drive is mounted",
                hint=f"{self.how_to_enter}; mount the drive if your system does not by itself",
            )
        if len(drives) > 1:
            raise ConfigError(
                f"several {self.board_id} drives are mounted: {', '.join(map(str, drives))}",
                hint="name the one that is meant with --port",
            )
        return drives[0]

    def _is_the_drive(self, path: Path) -> bool:
        try:
            lines = (path / INFO_NAME).read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return False
        ids = [
            line.split(":", 1)[1].strip() for line in lines if line.lower().startswith(_BOARD_ID)
        ]
        return self.board_id in ids
