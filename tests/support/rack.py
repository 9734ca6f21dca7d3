"""A rack's gateway as a process of its own, and what a test asks of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from host.boards.agents import list_agents
from host.errors import LinkError
from host.links.mqtt_address import parse_broker
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from protocol.measurement import Measurement
from protocol.mqtt import Presence
from tests.support.make import ROOT

RACK = "bench"
_ONLINE_S = 40.0
EXAMPLE = ROOT / "examples" / "digits_mlp_int8.tflite"


class GatewayProcess:
    """``host rack serve`` for the given boards, from entry to exit."""

    def __init__(
        self,
        folder: Path,
        boards: Sequence[Mapping[str, Any]],
        broker: str | None,
        *,
        rack: str = RACK,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._config = folder / f"{rack}.yaml"
        # JSON is YAML.
        self._config.write_text(json.dumps({"racks": [{"id": rack, "boards": list(boards)}]}))
        self._log = folder / f"{rack}.log"
        self._given = broker
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self.rack = rack
        self.url = ""
        self.started_at = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        # Whatever a test did to it: no bug, and nothing left behind.
        for word in ("Traceback", "never retrieved"):
            before, found, after = self.log.partition(word)
            assert not found, before[-2_000:] + word + after[:8_000]

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def port(self, board: str) -> str:
        """What ``--port`` is given for a board."""
        return f"{self.url}/{self.rack}/{board}"

    def start(self) -> None:
        """Returns once it has a broker, with the boards still to come."""
        where = [] if self._given is None else ["--mqtt", self._given]
        command = [sys.executable, "-m", "host", "rack", "serve", "--config", str(self._config)]
        self.started_at = time.monotonic()
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, *where],
                cwd=ROOT,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, self.log

    def stop(self) -> int:
        """Asks it to end; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self._end()

    def kill(self) -> None:
        """Without a word to anybody."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def await_boards(self, *boards: str, online: bool = True) -> dict[str, Presence]:
        """Returns the presence of all boards once these are as wanted."""
        return await_boards(
            self.url,
            lambda found: all(board in found and found[board].online == online for board in boards),
            lambda: self.log,
        )

    def _end(self) -> int:
        assert self._process is not None
        code = self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code


def await_boards(
    url: str, wanted: Callable[[dict[str, Presence]], bool], log: Callable[[], str] = lambda: ""
) -> dict[str, Presence]:
    """Polls what is retained on a broker until it is as wanted."""
    deadline = time.monotonic() + _ONLINE_S
    while True:
        found: dict[str, Presence] = {}
        with contextlib.suppress(LinkError):  # a broker that is being restarted
            found = {agent.board: agent for agent in list_agents(parse_broker("--mqtt", url))}
        if wanted(found):
            return found
        assert time.monotonic() < deadline, f"{found}\n{log()}"
        time.sleep(0.1)


class Observer(Silent):
    """Calls what a test wants called once a share of the runs is done."""

    def __init__(self, *, in_run: Callable[[], None] | None = None) -> None:
        self._in_run = in_run
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def runs(self, done: int, total: int) -> None:
        if self._in_run is not None and 0 < done < total:
            action, self._in_run = self._in_run, None
            action()


def measure(port: str, observer: Observer | None = None, **request: Any) -> Measurement:
    """Measures the smaller example on the board at ``port``."""
    request.setdefault("model", EXAMPLE)
    return run_measurement(MeasureRequest(port=port, **request), observer or Observer()).record
