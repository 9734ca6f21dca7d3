"""Bundles on boards with Linux: what their agent is asked, and an agent that is started here."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from host.bundle.opened import OpenedBundle, refusal
from host.errors import BoardError, MismatchError
from host.links.base import Link
from host.links.process import ProcessLink
from host.measurement.observer import Observer
from host.session import Session, read_report, upload_model
from protocol.bundle import BundleError, check_fits
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.messages import Engine, MessageType, ModelFormat
from protocol.report import Report

_LAUNCH_S = 120.0
"""For an agent that checks a large bundle, loads it and has it run its self-test."""


def open_agent(folder: Path, trust: Sequence[Path], board: str) -> Link:
    """Starts an agent for the bundles in ``folder``; it launches what is there, and ends with the
    link.

    Raises:
        ConfigError: it cannot be started.
    """
    return ProcessLink(Path(sys.executable), *_agent(folder, trust, board), name="agent.linux")


def become_agent(folder: Path, trust: Sequence[Path], board: str, address: str) -> NoReturn:
    """Turns this process into the agent that offers the bundle at ``address`` (HOST:PORT)."""
    command = [sys.executable, *_agent(folder, trust, board), "--tcp", address]
    os.execv(command[0], command)


def _agent(folder: Path, trust: Sequence[Path], board: str) -> list[str]:
    keys = [word for path in trust for word in ("--trust", str(path))]
    return ["-P", "-m", "agent.linux", "--bundles", str(folder), *keys, "--board", board]


def takes_bundles(board: Capabilities) -> bool:
    return any(ModelFormat.BUNDLE in offer.formats for offer in board.engines)


def check_agent(opened: OpenedBundle, board: Capabilities, where: str) -> None:
    """Whether the agent installs bundles, and this one fits it.

    Raises:
        BoardError: it does not.
    """
    if not takes_bundles(board):
        raise BoardError(
            f"the agent of {board.board} at {where} takes no bundles",
            hint="start it with --bundles DIR --trust KEY",
        )
    try:
        check_fits(opened.manifest, board)
    except BundleError as error:
        raise refusal(error, opened.label) from error


def send_bundle(session: Session, opened: OpenedBundle, observer: Observer) -> Report:
    """Has the agent check, try and install a bundle; it runs when this returns.

    Raises:
        MismatchError: it failed its self-test there; the one before it still runs.
        BoardError, LinkError, DeadlineExceeded: the agent refused it, or as a Session's.
    """
    with contextlib.suppress(BoardError):  # it may have none, and just been started
        _await_launch(session)
    observer.stage(f"sending {len(opened.archive):,} bytes; the agent checks and tries them")
    try:
        upload_model(
            session,
            opened.archive,
            name=opened.manifest.name,
            model_format=ModelFormat.BUNDLE,
            engine=Engine.ANY,
            observer=observer.upload,
        )
    except BoardError as error:
        if error.code == ErrorCode.BUNDLE_SELF_TEST:
            raise MismatchError(str(error), hint="the bundle before it still runs") from error
        raise
    return _holding(session, opened)


def launched_report(session: Session, opened: OpenedBundle | None) -> Report:
    """What an agent that has just started says of the bundle it launched.

    Raises:
        BoardError: nothing runs there, or another bundle than ``opened``.
    """
    _await_launch(session)
    if opened is not None:
        return _holding(session, opened)
    return read_report(session)


def _await_launch(session: Session) -> None:
    """The agent answers once its present bundle is launched; BoardError where there is none."""
    session.call(MessageType.REPORT, {"offset": 0}, "the launch of the bundle", limit_s=_LAUNCH_S)


def _holding(session: Session, opened: OpenedBundle) -> Report:
    report = read_report(session)
    if report.bundle != opened.bundle.id:
        raise BoardError(
            f"{session.capabilities.board} runs {report.bundle_name} "
            f"({(report.bundle or '')[:16]}), not {opened.label}"
            + (f": {report.bundle_note}" if report.bundle_note else ""),
            hint="`host bundle install` puts this one there",
        )
    return report


def nothing_runs(error: BoardError, where: str) -> BoardError:
    """The error for an agent that has no bundle to run; it says itself why."""
    if error.code != ErrorCode.NO_PLAN:
        return error
    return BoardError(
        f"no bundle runs at {where}: {error}",
        code=error.code,
        hint="`host bundle install` puts one there",
    )
