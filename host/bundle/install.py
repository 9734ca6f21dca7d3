"""Installs and launches bundles, wherever they run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from host.boards.reach import BoardOnPort
from host.bundle import linux
from host.bundle.microcontroller import Microcontroller
from host.bundle.opened import OpenedBundle, refusals
from host.bundle.self_test import run_self_test
from host.errors import BoardError, ConfigError
from host.links.base import Link
from host.measurement.evidence import evidence_of
from host.measurement.observer import Observer
from host.session import Session
from protocol.capabilities import Capabilities
from protocol.measurement import Evidence

_DEFAULT_BOARD = "pc"


@attrs.frozen(kw_only=True)
class Place:
    """Where a bundle runs: behind ``port``, or in ``folder`` on this computer.

    With neither a microcontroller is emulated. ``board`` is what this computer is, for a folder.
    """

    port: str | None = None
    folder: Path | None = None
    board: str | None = None


@attrs.frozen(kw_only=True)
class Running:
    """A bundle that runs, by the board's own word.

    ``slowest_ms``: of the runs of the self-test through the session; None where the agent alone
    has done it. ``note``: why another bundle, which should run, does not.
    """

    name: str
    id: str
    board: Capabilities
    evidence: Evidence
    slowest_ms: float | None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "id": self.id,
            "board": self.board.board,
            "domain": self.board.domain,
            "uid": self.board.uid,
            "firmware": self.board.firmware,
            "evidence": {"source": self.evidence.source, "fidelity": self.evidence.fidelity},
            "slowest_ms": self.slowest_ms,
            "note": self.note,
        }


def install_bundle(
    opened: OpenedBundle, place: Place, trust: Sequence[Path], observer: Observer
) -> Running:
    """Puts a bundle onto a board; what ran there before still does where this fails.

    A microcontroller has one place: there the image before it is gone once programming begins.

    Raises:
        ConfigError: the bundle, the place or a key cannot be used.
        BoardError: the board does not fit, or refused.
        MismatchError: the self-test failed there.
        LinkError, DeadlineExceeded: the board could not be reached or programmed.
    """
    if opened.manifest.image is not None:
        with _microcontroller(opened, place) as target:
            target.program(observer)
            return _on_microcontroller(target, opened, observer)
    with Session(_open_agent(place, trust)) as session:
        board = session.connect()
        linux.check_agent(opened, board, session.link.name)
        with session.lease():
            report = linux.send_bundle(session, opened, observer)
            return _running(session, opened.manifest.name, opened.bundle.id, report.bundle_note)


def launch_bundle(
    opened: OpenedBundle | None, place: Place, trust: Sequence[Path], observer: Observer
) -> Running:
    """Starts what is installed, with every check again, and has it run the self-test.

    Args:
        opened: what should be there; None takes what is, and leaves the self-test to the agent.

    Raises:
        as :func:`install_bundle`; BoardError also where another bundle is there.
    """
    if opened is not None and opened.manifest.image is not None:
        with _microcontroller(opened, place) as target:
            return _on_microcontroller(target, opened, observer, restart=True)
    with Session(_open_agent(place, trust)) as session:
        board = session.connect()
        if not linux.takes_bundles(board):
            raise BoardError(
                f"the {board.board} at {session.link.name} takes no bundles",
                hint="name the bundle of a microcontroller; start an agent with --bundles DIR",
            )
        if place.folder is None:
            observer.stage(f"restarting the agent of {board.board}")
            with session.lease():
                session.reset()
            session.connect()
        with session.lease():
            try:
                report = linux.launched_report(session, opened)
            except BoardError as error:
                raise linux.nothing_runs(error, session.link.name) from error
            slowest_ms = None
            if opened is not None:
                observer.stage("running the self-test through the session")
                with refusals(opened.label):
                    slowest_ms = run_self_test(session, opened.bundle)
            return _running(
                session,
                report.bundle_name or "",
                report.bundle or "",
                report.bundle_note,
                slowest_ms,
            )


def _open_agent(place: Place, trust: Sequence[Path]) -> Link:
    if place.port is not None:
        return BoardOnPort(place.port, None).open()
    if place.folder is None:
        raise ConfigError(
            "nothing says where the bundle runs",
            hint="--port names the board, --dir a folder of bundles on this computer",
        )
    return linux.open_agent(place.folder, trust, place.board or _DEFAULT_BOARD)


def _microcontroller(opened: OpenedBundle, place: Place) -> Microcontroller:
    if place.folder is not None:
        raise ConfigError("--dir is for boards with Linux: this bundle is a microcontroller's")
    return Microcontroller(opened, place.port)


def _on_microcontroller(
    target: Microcontroller, opened: OpenedBundle, observer: Observer, *, restart: bool = False
) -> Running:
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(target.open()))
        target.check(session.connect())
        if restart:
            observer.stage(f"restarting {target.name}")
            session = stack.enter_context(target.restarted(session))
            target.check(session.connect())
        with session.lease():
            target.load(session)
            observer.stage("running the self-test")
            with refusals(opened.label):
                slowest_ms = run_self_test(session, opened.bundle)
            return _running(session, opened.manifest.name, opened.bundle.id, None, slowest_ms)


def _running(
    session: Session, name: str, bundle: str, note: str | None, slowest_ms: float | None = None
) -> Running:
    return Running(
        name=name,
        id=bundle,
        board=session.capabilities,
        evidence=evidence_of(session.capabilities),
        slowest_ms=slowest_ms,
        note=note,
    )
