"""The rate at which a board's serial port is opened."""

from __future__ import annotations

import os
import termios

import pytest

from host.errors import ConfigError
from protocol.measurement import Verdict
from tests.support.pc_agent import running_agent
from tests.support.rack import Observer, measure


def rate_of(path: str) -> int:
    """As the terminal has it: one of termios' constants."""
    terminal = os.open(path, os.O_RDONLY | os.O_NOCTTY)
    try:
        rate: int = termios.tcgetattr(terminal)[5]
        return rate
    finally:
        os.close(terminal)


@pytest.mark.parametrize(
    ("wanted", "rate"), [({}, termios.B921600), ({"baud": 230_400}, termios.B230400)]
)
def test_a_serial_port_has_the_rate_that_was_asked_for(wanted: dict[str, int], rate: int) -> None:
    rates: list[int] = []
    with running_agent(transport=["--pty"]) as path:
        record = measure(
            path, Observer(in_run=lambda: rates.append(rate_of(path))), iterations=3000, **wanted
        )
    assert record.output.verdict == Verdict.EXACT
    assert rates == [rate]


@pytest.mark.parametrize("port", ["tcp://127.0.0.1:1", "mqtt://127.0.0.1/bench/desk", None])
def test_a_rate_is_a_serial_ports(port: str | None) -> None:
    with pytest.raises(ConfigError, match="--baud is the rate of a serial port"):
        measure(port, baud=9600)  # type: ignore[arg-type]  # None: an emulated board
