"""Uploads over a line of 921,600 baud: how busy it is kept, and what framing costs.

``python -m benchmarks.link_throughput`` throttles a link to the real agent in both
directions, uploads plans of several sizes to the RAM store, and prints, per plan: the share
of the upload's time in which the line to the board carried bytes (wanted: 90 % or more), and
the bytes on the wire, both directions, beyond the plan's own (wanted: 5 % or less over 50 KB).
"""

from __future__ import annotations

import argparse
import sys
import time

import attrs
from rich.console import Console
from rich.table import Table

from host.links.open import open_link
from host.session import Session
from protocol.messages import Store
from tests.support.faulty_link import Faults, FaultyLink
from tests.support.pc_agent import running_agent
from tests.support.small_plans import complement_plan

BAUD = 921_600
PICO_PAYLOAD_BYTES = 1536
"""Frames as large as the Pico's: the desktop agent's own are larger, and cheaper."""
_BITS_PER_BYTE = 10
LEAST_BUSY = 0.90
MOST_OVERHEAD = 0.05
OVERHEAD_FROM_BYTES = 50_000
SIZES_BYTES = (20_000, 60_000, 200_000)


@attrs.frozen
class Upload:
    """One upload, timed from its first request to the board's last answer."""

    plan_bytes: int
    wire_bytes: int
    elapsed_s: float
    busy: float

    @property
    def overhead(self) -> float:
        return self.wire_bytes / self.plan_bytes - 1

    @property
    def passed(self) -> bool:
        cheap = self.plan_bytes < OVERHEAD_FROM_BYTES or self.overhead <= MOST_OVERHEAD
        return self.busy >= LEAST_BUSY and cheap


def time_upload(agent_port: int, padding_bytes: int) -> Upload:
    """Uploads one plan of about ``padding_bytes`` over a fresh, throttled link."""
    plan = complement_plan(padding_bytes=padding_bytes)
    line = Faults(baud=BAUD)
    with (
        FaultyLink(("127.0.0.1", agent_port), to_board=line, to_host=line) as relay,
        Session(open_link(relay.url)) as session,
    ):
        session.connect()
        with session.lease():
            sent, received = relay.sent.bytes, relay.received.bytes
            started = time.monotonic()
            session.upload(plan, Store.RAM)
            elapsed_s = time.monotonic() - started
            sent, received = relay.sent.bytes - sent, relay.received.bytes - received
    return Upload(
        plan_bytes=len(plan),
        wire_bytes=sent + received,
        elapsed_s=elapsed_s,
        busy=sent * _BITS_PER_BYTE / BAUD / elapsed_s,
    )


def main() -> int:
    """Prints the table; returns 1 where a goal was missed."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with running_agent(max_payload_bytes=PICO_PAYLOAD_BYTES) as port:
        uploads = [time_upload(int(port), size) for size in SIZES_BYTES]
    table = Table(title=f"Upload to the RAM store at {BAUD:,} baud")
    for name in ("plan bytes", "wire bytes", "seconds", "line busy", "overhead", ""):
        table.add_column(name, justify="right")
    for upload in uploads:
        table.add_row(
            f"{upload.plan_bytes:,}",
            f"{upload.wire_bytes:,}",
            f"{upload.elapsed_s:.3f}",
            f"{100 * upload.busy:.1f} %",
            f"{100 * upload.overhead:.2f} %",
            "ok" if upload.passed else "MISSED",
        )
    Console().print(table)
    return 0 if all(upload.passed for upload in uploads) else 1


if __name__ == "__main__":
    sys.exit(main())
