"""A full rack: measurements a second through one gateway, and what that takes.

``python -m benchmarks.rack`` puts 200 posix agents on one Mosquitto through one gateway and has
three hosts do 2,000 measurements on them at once: each takes a lease, uploads a plan of its own of
some kilobytes, runs it, compares checksums and releases the board. It prints how many a second that
is, and the CPU time and memory of gateway and broker. All of it shares this machine, so the rate is
a lower bound for a gateway that has one to itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.support.broker import Mosquitto
from tests.support.rack_load import AnswerTap, overlapping, rack_of_agents, run_hosts

BOARDS = 200
HOSTS = 3
MEASUREMENTS = 2000
CLIENTS_PER_HOST = 8
LIMIT_S = 1800.0
_MIB = 1 << 20


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--boards", type=int, default=BOARDS)
    parser.add_argument("--measurements", type=int, default=MEASUREMENTS)
    parser.add_argument("--clients", type=int, default=CLIENTS_PER_HOST, help="per host")
    options = parser.parse_args()
    boards = [f"board-{number}" for number in range(options.boards)]

    with (
        tempfile.TemporaryDirectory() as folder,
        Mosquitto(Path(folder)) as broker,
        rack_of_agents(Path(folder), broker.url, options.boards) as gateway,
    ):
        online_s = time.monotonic() - gateway.started_at
        processes = {
            "gateway": psutil.Process(gateway.pid),
            "broker": psutil.Process(broker.pid),
        }
        before_s = {name: _cpu_s(process) for name, process in processes.items()}
        started = time.monotonic()
        with AnswerTap(broker.url) as tap:
            results = run_hosts(
                broker.url,
                boards,
                hosts=HOSTS,
                measurements=options.measurements,
                threads=options.clients,
                limit_s=LIMIT_S,
            )
            elapsed_s = time.monotonic() - started
        used_s = {name: _cpu_s(process) - before_s[name] for name, process in processes.items()}
        memory = {name: process.memory_info().rss for name, process in processes.items()}

    numbers = [result.number for result in results]
    once = sorted(numbers) == list(range(options.measurements))
    right = all(result.right for result in results)
    alone = not overlapping(results)
    runs = sum(tap.runs_by_holders().values())
    held_ms = statistics.median(1000 * (r.released_at - r.taken_at) for r in results)
    table = Table(
        title=f"{options.boards} boards, {HOSTS} hosts of {options.clients} clients, "
        f"{options.measurements:,} measurements"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    rows = {
        "all boards online after": f"{online_s:.1f} s",
        "measurements a second": f"{len(results) / elapsed_s:.1f}",
        "median time a board was held": f"{held_ms:.0f} ms",
        "refused: another held the board": f"{sum(result.refusals for result in results):,}",
        "frames sent again": f"{sum(result.retransmits for result in results):,}",
        **{
            f"{name}: CPU a measurement": f"{1000 * used / len(results):.1f} ms"
            for name, used in used_s.items()
        },
        **{f"{name}: memory": f"{size / _MIB:.0f} MiB" for name, size in memory.items()},
        "each completed exactly once": "yes" if once and runs == options.measurements else "NO",
        "checksums right": "yes" if right else "NO",
        "no board ran two at a time": "yes" if alone else "NO",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table)
    return 0 if once and right and alone and runs == options.measurements else 1


if __name__ == "__main__":
    sys.exit(main())
