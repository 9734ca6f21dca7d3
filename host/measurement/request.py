"""What is asked of a board."""

from __future__ import annotations

from pathlib import Path

import attrs

from protocol.messages import Domain, Engine, Store

DEFAULT_BOARD = "pico"


@attrs.frozen(kw_only=True)
class MeasureRequest:
    """What to measure and how. None leaves the choice to what the board offers.

    Without ``port`` the board is emulated; ``baud`` is a serial port's. ``budget_ms`` is judged on
    the slowest run. ``profile`` None: where the board counts the cycles of its ops. ``session`` is
    the session's number, so that who was cut off takes up a lease again that nobody released.
    ``may_program`` False: a board that cannot write its own flash keeps what is in it.
    """

    model: Path | None = None
    board: str | None = None
    port: str | None = None
    baud: int | None = None
    iterations: int | None = None
    warmup: int | None = None
    seed: int = 0
    inputs: tuple[Path, ...] = ()
    save_output: Path | None = None
    plan_store: Store | None = None
    flash_model: str | None = None
    link: str | None = None
    domain: Domain = Domain.ANY
    engine: Engine | None = None
    threads: int | None = None
    profile: bool | None = False
    budget_ms: float | None = None
    session: int | None = None
    may_program: bool = True
