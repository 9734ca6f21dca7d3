"""The history: what goes in comes out, from several writers at once, and after a crash."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import attrs
import pytest

from host.compiler import compile_graph
from host.errors import ConfigError
from host.evidence import History, LatencyPoint, Query
from host.evidence.tables import SCHEMA_VERSION
from host.models import load_model
from protocol.measurement import (
    Board,
    Candidate,
    Evidence,
    Fidelity,
    Input,
    LatencyMs,
    Link,
    Measurement,
    Memory,
    Model,
    OpProfile,
    Output,
    Source,
    Verdict,
)
from tests.support.make import ROOT

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"

RECORD = Measurement(
    model=Model(name="m.tflite", sha256="ab" * 32, format="tflite"),
    candidate=Candidate(precision="int8", plan_bytes=900, plan_crc32=0xFEDCBA98, macs=1000),
    board=Board(id="pico", domain="mcu", core="cortex-m0plus", clock_hz=133_000_000, build="b1"),
    evidence=Evidence(source=Source.EMULATED, fidelity=Fidelity.CYCLE, emulator="rp2040js xip"),
    latency_ms=LatencyMs(
        n=3, warmup=1, first=0.2, min=0.1, median=0.1, mean=0.1, p95=0.1, p99=0.1, max=0.1
    ),
    memory=Memory(arena_bytes=64, plan_store="ram"),
    input=Input(crc32=1, source="seeded", seed=0),
    output=Output(crc32=2, expected_crc32=2, verdict=Verdict.EXACT),
    link=Link(transport="emulator", bytes_sent=1, bytes_received=1),
    at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


def test_a_job_has_one_measurement(path: Path) -> None:
    later = attrs.evolve(RECORD, at=RECORD.at + timedelta(seconds=1))
    with History.open(str(path)) as history:
        number = history.add(RECORD, key="job")
        assert history.add(later, key="job") == number
        assert history.find(Query()) == [RECORD]
        assert history.find_key("job") == RECORD
        assert history.find_key("another") is None
        assert history.add(later, key="another") != number
        assert history.add(later) not in (number, None)
        assert len(history.find(Query())) == 3


def test_a_record_comes_back_as_it_went_in(path: Path) -> None:
    with History.open(str(path)) as history:
        history.add(RECORD)
    with History.open(str(path)) as history:
        assert history.find(Query()) == [RECORD]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(model_sha256="ab" * 32, board_id="pico", build="b1", clock_hz=133_000_000), True),
        (Query(plan_crc32=0xFEDCBA98), True),
        (Query(sources=(Source.HARDWARE,)), False),
        (Query(sources=(Source.HARDWARE, Source.EMULATED), fidelities=(Fidelity.CYCLE,)), True),
        (Query(board_id="uno"), False),
        (Query(build="b2"), False),
    ],
)
def test_finds_by_what_names_a_cell(path: Path, query: Query, found: bool) -> None:
    with History.open(str(path)) as history:
        history.add(RECORD)
        assert bool(history.find(query)) is found


def test_the_latest_comes_first(path: Path) -> None:
    records = [attrs.evolve(RECORD, model=attrs.evolve(RECORD.model, name=n)) for n in "abc"]
    with History.open(str(path)) as history:
        for record in records:
            history.add(record)
        assert [record.model.name for record in history.find(Query(), limit=2)] == ["c", "b"]


def test_profiled_ops_come_with_what_shapes_them(path: Path) -> None:
    plan = compile_graph(load_model(MLP))
    profile = tuple(
        OpProfile(index=index, kind=op.kind.name, cycles=100 + index, macs=op.macs)
        for index, op in enumerate(plan.ops)
    )
    with History.open(str(path)) as history:
        history.add(attrs.evolve(RECORD, ops=profile), plan.ops)
        history.add(attrs.evolve(RECORD, ops=profile))
        samples = history.op_samples(board_id="pico")
    assert len(samples) == len(plan.ops), "a profile without its plan teaches nothing"
    assert samples[0].parameters["inputs"] * samples[0].parameters["outputs"] == samples[0].macs
    assert "weights_offset" not in samples[0].parameters
    assert samples[0].emulator == "rp2040js xip"


def _add_many(path: Path, count: int) -> None:
    with History.open(str(path)) as history:
        for _ in range(count):
            history.add(RECORD)


def test_several_writers_lose_nothing(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_add_many, args=(path, 25)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    with History.open(str(path)) as history:
        assert len(history.find(Query())) == 100


WRITER = """
import sys
from tests.host.evidence.test_history import RECORD
from host.evidence import History
with History.open(sys.argv[1]) as history:
    while True:
        print(history.add(RECORD), flush=True)
"""


def test_what_was_reported_survives_a_kill(path: Path) -> None:
    reported = 0
    for kills in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        for _ in range(5 + kills):
            reported = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split()
        reported = max(reported, *map(int, rest[:-1]), 0)  # the last line may be cut
        writer.stdout.close()
        writer.wait()
        with History.open(str(path)) as history:
            assert len(history.find(Query())) >= reported


def test_a_file_that_is_no_history(path: Path) -> None:
    path.write_bytes(b"something else altogether, and long enough to be read as a header" * 20)
    with pytest.raises(ConfigError, match=r"history.sqlite: file is not a database"):
        History.open(str(path))


def test_tables_of_another_version(path: Path) -> None:
    History.open(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE schema SET version = ?", (SCHEMA_VERSION + 1,))
    connection.close()
    with pytest.raises(ConfigError, match="tables are of version 2"):
        History.open(str(path))


def test_a_url_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="history nonsense://x"):
        History.open("nonsense://x")


def test_the_environment_names_the_history(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUMPSTATION_HISTORY", str(path))
    History.open().close()
    assert path.is_file()


def test_finds_what_was_measured_since(path: Path) -> None:
    later = attrs.evolve(RECORD, at=RECORD.at + timedelta(days=1))
    # Five hours ahead of UTC: the same moment.
    since = later.at.astimezone(timezone(timedelta(hours=5)))
    with History.open(str(path)) as history:
        history.add(RECORD)
        history.add(later)
        assert history.find(Query(since=since)) == [later]
        assert [point.at for point in history.latency_points(since=since)] == [later.at]


def test_points_of_trends_say_what_the_records_say(path: Path) -> None:
    physical = attrs.evolve(
        RECORD,
        evidence=Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON),
        memory=Memory(),
        input=Input(crc32=1, source="digits.npy"),
    )
    with History.open(str(path)) as history:
        history.add(RECORD)
        history.add(physical)
        emulated, silicon = history.latency_points()
    assert emulated == LatencyPoint(
        at=RECORD.at,
        model="m.tflite",
        precision="int8",
        board="pico",
        domain="mcu",
        uid=None,
        engine=None,
        plan_store="ram",
        input_source="seeded",
        input_seed=0,
        source=Source.EMULATED,
        emulator="rp2040js xip",
        build="b1",
        median_ms=0.1,
        arena_bytes=64,
    )
    assert (silicon.source, silicon.emulator, silicon.arena_bytes) == (Source.HARDWARE, None, None)
    assert (silicon.input_source, silicon.input_seed) == ("digits.npy", None)


def test_the_file_of_a_history_is_known(path: Path) -> None:
    with History.open(str(path)) as history:
        assert history.file == path
