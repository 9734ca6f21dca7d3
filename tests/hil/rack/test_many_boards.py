"""Twenty boards, three hosts, two hundred measurements at once."""

from __future__ import annotations

from pathlib import Path

from tests.support.broker import Mosquitto
from tests.support.rack_load import AnswerTap, overlapping, rack_of_agents, run_hosts

BOARDS = 20
HOSTS = 3
MEASUREMENTS = 200
CLIENTS_PER_HOST = 5
LIMIT_S = 100.0


def test_every_measurement_completes_once_and_alone(tmp_path: Path, broker: Mosquitto) -> None:
    with rack_of_agents(tmp_path, broker.url, BOARDS), AnswerTap(broker.url) as tap:
        results = run_hosts(
            broker.url,
            [f"board-{number}" for number in range(BOARDS)],
            hosts=HOSTS,
            measurements=MEASUREMENTS,
            threads=CLIENTS_PER_HOST,
            limit_s=LIMIT_S,
        )
    assert sorted(result.number for result in results) == list(range(MEASUREMENTS))
    assert all(result.right for result in results)
    assert not overlapping(results)
    runs = tap.runs_by_holders()
    assert sum(runs.values()) == MEASUREMENTS
    assert {board: runs[board] for board in runs} == {
        board: sum(result.board == board for result in results) for board in runs
    }
