"""Bundles on microcontrollers: an image for a programmer, and what the board says afterwards."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Self

import devices
from host.boards.flash import flash
from host.boards.reach import BoardOnPort
from host.bundle.opened import OpenedBundle, refusals
from host.emulators import find_emulator, open_emulator
from host.errors import BoardError, ConfigError, LinkError, MismatchError
from host.links.base import Link
from host.measurement.evidence import find_profile
from host.measurement.observer import Observer
from host.programming.image import read_image, write_image
from host.session import Session
from protocol.bundle import BundleError, Image, Stage, check_fits
from protocol.capabilities import Capabilities
from protocol.errors import DESCRIPTIONS, ErrorCode
from protocol.messages import Store
from protocol.plan import PLAN_HEADER

_APPEARS_S = 15.0
_POLL_S = 0.5


class Microcontroller:
    """The board of one bundle: at a port, or emulated while this lives. A context manager."""

    def __init__(self, opened: OpenedBundle, port: str | None) -> None:
        """Keeps the image in a file of its own.

        Raises:
            ConfigError: the bundle has no image, one without its plan, or an unknown board.
        """
        if opened.manifest.image is None:
            raise ConfigError(f"{opened.label} has no image: it is not for a microcontroller")
        profile = find_profile(opened.manifest.requires.board)
        if profile is None:
            raise ConfigError(f"unknown board {opened.manifest.requires.board!r}")
        self.profile: devices.Profile = profile
        self._opened = opened
        self._image: Image = opened.manifest.image
        self._port = port
        self._folder = tempfile.TemporaryDirectory(prefix="jumpstation-bundle-")
        self._file = Path(self._folder.name, self._image.file)
        try:
            self._file.write_bytes(opened.bundle.files[self._image.file])
            self._check_image()
        except BaseException:
            self._folder.cleanup()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    @property
    def name(self) -> str:
        return self._port or f"the emulated {self.profile.id}"

    def program(self, observer: Observer) -> None:
        """Writes the image; an emulated board is started with it instead.

        Raises:
            ConfigError, BoardError, LinkError, DeadlineExceeded: as of `host flash`.
        """
        if self._port is None:
            observer.stage(f"starting the emulated {self.profile.id} with {self._image.file}")
            return
        done = flash(self.profile.id, port=self._port, image=self._file, note=observer.stage)
        if done.port is None:
            raise LinkError(
                "the image was written, but nothing tells which port the board has now",
                hint="`host bundle launch BUNDLE --port DEV` checks it",
            )
        self._port = done.port

    def open(self) -> Link:
        """A link to the board.

        Raises:
            ConfigError, LinkError: there is no way to it.
        """
        if self._port is not None:
            return self._open_port(self._port)
        like = find_emulator(self.profile.id).default_firmware
        if not like.is_file():
            raise ConfigError(
                f"{like}: the firmware of {self.profile.id} is not built",
                hint="`make firmware` builds it",
            )
        firmware = self._file.with_name(f"emulated-{like.name}")
        write_image(read_image(self._file, flat_address=self._image.address), firmware, like)
        return open_emulator(self.profile.id, firmware=firmware)

    def _open_port(self, port: str) -> Link:
        """Some boards leave the bus when they start, and come back."""
        ends = time.monotonic() + _APPEARS_S
        while True:
            try:
                return BoardOnPort(port, self.profile.id).open()
            except LinkError:
                if time.monotonic() > ends:
                    raise
                time.sleep(_POLL_S)

    def restarted(self, session: Session) -> Session:
        """Restarts the board; the session with it, to be greeted again, is the one or another.

        Raises:
            BoardError, LinkError, DeadlineExceeded: as a Session's.
        """
        with session.lease():
            session.reset()
        if self._port is None:
            return session
        session.close()
        return Session(self.open())

    def check(self, board: Capabilities) -> None:
        """Whether what answers has the bundle's firmware, and the bundle fits it.

        Raises:
            BoardError: it has not.
        """
        with refusals(self._opened.label):
            check_fits(self._opened.manifest, board)
        if board.build != self._image.firmware_build:
            raise BoardError(
                f"{self.name} runs the build {board.build!r}, the bundle has "
                f"{self._image.firmware_build!r}",
                hint="`host bundle install` writes the bundle's",
            )

    def load(self, session: Session) -> None:
        """Has the agent load the plan that was programmed; nothing is sent.

        Raises:
            MismatchError: the plan failed its self-test when the board started.
            BoardError: the board's flash has another plan; as a Session's.
        """
        plan, board = self._opened.bundle.weights, session.capabilities
        started = board.start_check
        if started is not None and started.code == ErrorCode.PLAN_SELF_TEST:
            raise MismatchError(
                f"{self.name}: {DESCRIPTIONS[ErrorCode.PLAN_SELF_TEST]}",
                hint="the board runs something else, or is faulty: do not use it",
            )
        # It must not be asked by PLAN_BEGIN, which may erase another's.
        holds = (
            started is not None
            and started.code == ErrorCode.OK
            and started.plan_crc32 == PLAN_HEADER.parse(plan).crc32
        )
        if not holds:
            why = "" if started is None else f" (its check at the start: {_name(started.code)})"
            raise BoardError(
                f"the flash of {self.name} does not hold the plan of {self._opened.label}{why}",
                hint="`host bundle install` writes it",
            )
        session.upload(plan, Store.FLASH)

    def _check_image(self) -> None:
        """The image must hold the plan where its firmware looks: both were signed, separately."""
        with refusals(self._opened.label):
            image = read_image(self._file, flat_address=self._image.address)
            begin = self._image.plan_address - image.address
            plan = self._opened.bundle.weights
            if begin < 0 or image.data[begin : begin + len(plan)] != plan:
                raise BundleError(Stage.PARSE, f"{self._image.file} does not hold the plan")


def _name(code: int) -> str:
    return ErrorCode(code).name if code in set(ErrorCode) else f"error {code}"
