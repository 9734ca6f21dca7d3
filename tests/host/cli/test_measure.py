"""``host measure`` on the desktop's agent: what it prints and what it returns."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import attrs
import numpy as np
import pytest

from host.evidence import History, Query
from protocol.framing import Frame
from protocol.measurement import Measurement
from protocol.messages import ANSWER_BIT, RUN_ANSWER, MessageType
from tests.host.cli.conftest import HostCommand
from tests.support.faulty_link import Faults, FaultyLink
from tests.support.pc_agent import ROOT, build_pc_agent

EXAMPLES = ROOT / "examples"
MLP = EXAMPLES / "digits_mlp_int8.tflite"
FEW = ("--iterations", 3, "--warmup", 1)


def test_version(host: HostCommand) -> None:
    done = host("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("host ")


def test_measures_the_largest_example_and_says_which(host: HostCommand, agent_port: int) -> None:
    done = host("measure", "--port", f"tcp://127.0.0.1:{agent_port}", *FEW)
    assert done.returncode == 0, done.stderr
    assert "digits_cnn_int8.tflite is the largest bundled example that fits" in done.stderr
    assert "exact: CRC-32 0x" in done.stdout
    latencies = [line for line in done.stdout.splitlines() if " median (" in line]
    assert all("hardware" in line for line in latencies)
    assert latencies


def test_json_is_the_record_alone(host: HostCommand, agent_port: int, tmp_path: Path) -> None:
    output = tmp_path / "y.npy"
    done = host(
        *("measure", MLP, "--port", f"tcp://127.0.0.1:{agent_port}", *FEW),
        *("--seed", 9, "--json", "--save-output", output, "--board", "pc"),
    )
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert record.model.name == MLP.name
    assert record.output.verdict == "exact"
    assert record.output.crc32 == record.output.expected_crc32
    assert record.output.arithmetic == "tflm-double"
    assert (record.latency_ms.n, record.latency_ms.warmup) == (3, 1)
    assert (record.input.source, record.input.seed) == ("seeded", 9)
    assert (record.evidence.source, record.evidence.fidelity) == ("hardware", "silicon")
    assert record.link.retransmits == 0
    saved = np.load(output)
    assert (saved.dtype, saved.shape) == (np.int8, (1, 10))
    assert zlib.crc32(saved.tobytes()) == record.output.crc32


def test_an_input_from_a_file_gives_the_examples_answers(
    host: HostCommand, agent_port: int, tmp_path: Path
) -> None:
    port = f"tcp://127.0.0.1:{agent_port}"
    shape = json.loads(host("measure", MLP, "--port", port, *FEW, "--json").stdout)
    assert shape["schema"] == "measurement/1"
    rng = np.random.default_rng(1)
    image = tmp_path / "x.npy"
    np.save(image, rng.random((1, 64), dtype=np.float32))
    done = host("measure", MLP, "--port", port, *FEW, "--input", image, "--json")
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert (record.input.source, record.input.seed) == ("x.npy", None)
    assert record.output.verdict == "exact"
    assert "x.npy holds float32: quantized to int8 with scale" in done.stderr


def test_a_link_with_faults_changes_no_checksum(host: HostCommand, agent_port: int) -> None:
    arguments = ("measure", EXAMPLES / "digits_cnn_int8.tflite", "--iterations", 1000, "--json")
    clean = host(*arguments, "--port", f"tcp://127.0.0.1:{agent_port}")
    bad = Faults(corrupt=0.04, drop=0.04, duplicate=0.04)
    with FaultyLink(("127.0.0.1", agent_port), to_board=bad, to_host=bad) as relay:
        spoiled = host(*arguments, "--port", relay.url)
        lost = relay.sent.corrupted + relay.sent.dropped
        lost += relay.received.corrupted + relay.received.dropped
    assert spoiled.returncode == 0, spoiled.stderr
    first, second = Measurement.from_json(clean.stdout), Measurement.from_json(spoiled.stdout)
    assert first.output.crc32 == second.output.crc32
    assert first.link.retransmits == 0
    assert lost > 0
    assert second.link.retransmits > 0


def test_a_missed_budget(host: HostCommand, agent_port: int) -> None:
    arguments = ("measure", MLP, "--port", f"tcp://127.0.0.1:{agent_port}", *FEW, "--budget-ms")
    missed = host(*arguments, 1e-6)
    assert missed.returncode == 3
    assert "MISSED" in missed.stdout
    assert host(*arguments, 1e6).returncode == 0


@pytest.mark.parametrize("late", [False, True])
def test_a_wrong_output(host: HostCommand, agent_port: int, late: bool) -> None:
    """Wrong from the start it is a mismatch, wrong from some run on nondeterministic."""
    runs = 0

    def lie(frame: Frame) -> list[Frame]:
        nonlocal runs
        if frame.type != MessageType.RUN | ANSWER_BIT:
            return [frame]
        runs += 1
        answer = RUN_ANSWER.parse(frame.payload)
        if not late or runs > 1:
            answer.output_crc32 ^= 1
        return [attrs.evolve(frame, payload=RUN_ANSWER.build(answer))]

    with FaultyLink(("127.0.0.1", agent_port), to_host=Faults(rewrite=lie)) as relay:
        done = host("measure", MLP, "--port", relay.url, *FEW)
    assert done.returncode == 7
    assert ("nondeterministic" if late else "mismatch") in done.stdout


def test_measurements_are_kept(host: HostCommand, agent_port: int, tmp_path: Path) -> None:
    port, path = f"tcp://127.0.0.1:{agent_port}", tmp_path / "history.sqlite"
    first = host("measure", MLP, "--port", port, "--json", "--history", path)
    assert first.returncode == 0, first.stderr
    assert host("measure", MLP, "--port", port, "--no-history").returncode == 0
    with History.open(str(path)) as history:
        assert history.find(Query()) == [Measurement.from_json(first.stdout)]


def test_a_history_that_cannot_be_written(
    host: HostCommand, agent_port: int, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite"
    path.write_text("a letter to somebody, and by no means a database\n" * 50)
    done = host("measure", MLP, "--port", f"tcp://127.0.0.1:{agent_port}", "--history", path)
    assert done.returncode == 2
    assert "file is not a database\nhint: name another one" in done.stderr
    assert "uploading" not in done.stderr


def test_this_computer_is_a_board_too(host: HostCommand) -> None:
    build_pc_agent()
    done = host("measure", MLP, "--board", "pc", "--json", *FEW)
    assert done.returncode == 0, done.stderr
    record = Measurement.from_json(done.stdout)
    assert (record.board.id, record.link.transport) == ("pc", "process")
    assert (record.evidence.source, record.evidence.fidelity) == ("hardware", "silicon")
    assert record.output.verdict == "exact"
