"""A Linux board on a real broker, by itself: what a gateway does for others it does alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from host.boards.agents import list_agents
from host.errors import BoardError, LinkError
from host.links.mqtt_address import PASSWORD_VARIABLE, parse_broker
from host.links.open import open_link
from host.session import Session
from host.session.deadline import Deadline
from host.session.exchange import Exchange
from protocol.errors import ErrorCode
from protocol.measurement import Measurement, Verdict
from protocol.messages import ALL_OPS, ANSWER_BIT, Engine, InputSource, LeaseAction, MessageType
from tests.agent.linux.linux_agent import EXAMPLES
from tests.hil.rack.test_gateway import lasting
from tests.support.broker import Mosquitto, free_port
from tests.support.linux_agent import agent_on_broker, listening_agent, started_agent
from tests.support.mqtt_relay import BrokerCrash, DoublingRelay
from tests.support.mqtt_site import BY_CERTIFICATE, Site
from tests.support.onnx_models import Maker
from tests.support.pc_agent import build_pc_agent
from tests.support.rack import Observer, await_boards, measure
from tests.support.rack_load import AnswerTap

ONNX = EXAMPLES / "digits_mlp.onnx"
TFLITE = EXAMPLES / "digits_mlp_int8.tflite"
ITERATIONS = 4000
PATIENCE_S = 1.5
AWAY_S = 0.5


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def port(broker: Mosquitto) -> Iterator[str]:
    """An agent that takes plans and models."""
    with agent_on_broker(f"{broker.url}/bench/desk", "--pc-agent", str(build_pc_agent())) as url:
        yield url


def large_model(folder: Path) -> Path:
    """Some 8 MB, so that an upload takes many windows."""
    maker = Maker(1, 1024)
    path = folder / "large.onnx"
    path.write_bytes(maker.bytes(maker.node("MatMul", "x", maker.drawn(1024, 2048))))
    return path


def lasting_of_model(record: Measurement) -> dict[str, Any]:
    fields = lasting(record)
    for volatile in ("memory", "conditions"):
        del fields[volatile]
    return fields


@pytest.mark.parametrize(
    ("model", "engine"),
    [(TFLITE, Engine.LITERT), (ONNX, Engine.ONNXRUNTIME), (TFLITE, Engine.JUMP_RT)],
    ids=["tflite", "onnx", "plan"],
)
def test_the_same_record_as_over_tcp(port: str, model: Path, engine: Engine) -> None:
    wanted = {"model": model, "engine": engine, "iterations": 5}
    record = measure(port, **wanted)
    with listening_agent("--pc-agent", str(build_pc_agent())) as address:
        over_tcp = measure(address, **wanted)
    assert (record.link.transport, record.output.verdict) == ("mqtt", Verdict.EXACT)
    assert lasting_of_model(record) == lasting_of_model(over_tcp)


def test_it_says_who_it_is_and_who_holds_it(broker: Mosquitto, port: str) -> None:
    (shown,) = list_agents(parse_broker("--mqtt", broker.url))
    assert (shown.rack, shown.board, shown.online) == ("bench", "desk", True)
    assert (shown.device, shown.domain, shown.boot_count) == ("pc", "mpu", 1)
    assert any(text.startswith("litert 2.") for text in shown.capabilities["engines"])
    assert shown.last_seen is not None
    assert (datetime.now(UTC) - shown.last_seen).total_seconds() < 60
    with Session(open_link(port)) as session:
        assert shown.uid == (session.connect().uid or None)
        with session.lease():
            lease = await_boards(broker.url, lambda found: found["desk"].lease is not None)
            assert lease["desk"].lease is not None
            left_s = (lease["desk"].lease.until - datetime.now(UTC)).total_seconds()
            assert 0 < left_s <= 60
            with pytest.raises(BoardError, match="is in use by") as busy:
                measure(port)
            assert busy.value.code == ErrorCode.BUSY
        await_boards(broker.url, lambda found: found["desk"].lease is None)
        with session.lease():
            session.call(MessageType.RESET, {}, "the reset")
    await_boards(broker.url, lambda found: found["desk"].boot_count == 2)


@pytest.mark.usefixtures("port")
def test_a_broker_restarted_in_mid_upload(broker: Mosquitto, tmp_path: Path) -> None:
    with BrokerCrash(broker, MessageType.MODEL_CHUNK, number=20, away_s=AWAY_S) as crash:
        record = measure(
            f"{crash.url}/bench/desk",
            model=large_model(tmp_path),
            engine=Engine.ONNXRUNTIME,
            iterations=5,
        )
        assert record.output.verdict == Verdict.EXACT
        assert crash.happened
        assert record.link.retransmits > 0
        assert record.link.upload_s > AWAY_S


@pytest.mark.parametrize("engine", [Engine.LITERT, Engine.JUMP_RT])
def test_a_broker_restarted_in_mid_run(broker: Mosquitto, port: str, engine: Engine) -> None:
    restarts: list[threading.Thread] = []

    def restart_soon() -> None:
        # From another thread, so that it happens while the board runs.
        restarts.append(threading.Timer(0.05, broker.restart, [0.5]))
        restarts[0].start()

    record = measure(
        port,
        Observer(in_run=restart_soon),
        model=EXAMPLES / "digits_cnn_int8.tflite",
        engine=engine,
        iterations=ITERATIONS,
        warmup=0,
    )
    restarts[0].join()
    assert record.output.verdict == Verdict.EXACT
    assert record.latency_ms.n == ITERATIONS


def test_an_agent_killed_is_offline_at_once_and_back_when_it_is(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.links.mqtt.OUTAGE_S", PATIENCE_S)
    url = f"{broker.url}/bench/desk"
    options = ("--mqtt", url, "--store", str(tmp_path / "store"))
    with started_agent(*options) as (process, _):

        def kill() -> None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()

        with pytest.raises(LinkError, match=r"bench/desk is offline \(the agent is gone\)"):
            measure(url, Observer(in_run=kill), engine=Engine.LITERT, iterations=ITERATIONS)
        (gone,) = list_agents(parse_broker("--mqtt", broker.url))
        assert (gone.online, gone.reason, gone.device) == (False, "the agent is gone", "pc")
        assert gone.lease is None
    with started_agent(*options) as (process, _):
        (back,) = list_agents(parse_broker("--mqtt", broker.url))
        assert (back.online, back.reason, back.boot_count) == (True, None, 2)
        assert measure(url, engine=Engine.LITERT).output.verdict == Verdict.EXACT
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    (ended,) = list_agents(parse_broker("--mqtt", broker.url))
    assert (ended.online, ended.reason) == (False, "the agent ended")


def test_doubled_messages_do_nothing_twice(broker: Mosquitto) -> None:
    """Every message between agent and broker, in both directions."""
    with (
        DoublingRelay(broker) as relay,
        agent_on_broker(f"{relay.url}/bench/desk"),
        AnswerTap(broker.url) as tap,
    ):
        record = measure(
            f"{broker.url}/bench/desk", model=TFLITE, engine=Engine.LITERT, iterations=50, warmup=0
        )
        assert record.output.verdict == Verdict.EXACT
        assert relay.doubled > 20
    runs: dict[int, list[bytes]] = defaultdict(list)
    for _, frame in tap.answers:
        if frame.type == MessageType.RUN | ANSWER_BIT:
            runs[frame.sequence].append(frame.payload)
    # Each request came twice, and each answer went out twice: with the same ticks, all of them.
    assert all(len(payloads) == 4 and len(set(payloads)) == 1 for payloads in runs.values())
    assert record.latency_ms.n == 50


def test_who_asks_for_too_much_keeps_nobody_waiting(broker: Mosquitto, port: str) -> None:
    """All clients share the agent's connection: the holder's requests must not clog it."""
    run = {
        "iterations": 1,
        "flags": 0,
        "input_source": InputSource.SEEDED,
        "seed": 1,
        "op_limit": ALL_OPS,
    }
    take = {"action": LeaseAction.TAKE, "duration_ms": 60_000, "holder": bytes(16)}
    holder, other = Exchange(open_link(port)), Exchange(open_link(port))
    holder.session, other.session = 7, 8
    holder.call(MessageType.LEASE, take, deadline=Deadline(5.0), awaiting="the lease")
    agent = next(child for child in psutil.Process().children() if port in child.cmdline())
    (plans,) = agent.children()
    plans.suspend()
    for _ in range(300):
        holder.post(MessageType.RUN, run)
    other.call(MessageType.PING, {}, deadline=Deadline(5.0), awaiting="the first ping")
    plans.resume()
    holder.call(MessageType.PING, {}, deadline=Deadline(5.0), awaiting="the second ping")
    for exchange in (holder, other):
        exchange.link.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    with site.broker:
        yield site


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.links.mqtt._PRESENCE_S", 0.5)


@pytest.mark.usefixtures("prompt")
def test_with_tls_and_a_password(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = {PASSWORD_VARIABLE: site.passwords["bench-gateway"]}
    url = site.url("bench-gateway", "/bench/desk")
    with agent_on_broker(url, "--no-plans", environment=gateway):
        monkeypatch.setenv(PASSWORD_VARIABLE, site.passwords["bench"])
        record = measure(site.url("bench", "/bench/desk"), model=TFLITE, iterations=5)
        assert record.output.verdict == Verdict.EXACT
        monkeypatch.setenv(PASSWORD_VARIABLE, site.passwords["lab"])
        assert list_agents(parse_broker("--mqtt", site.url("lab"))) == ()
        with pytest.raises(LinkError, match="no board bench/desk that 'lab' may see"):
            open_link(site.url("lab", "/bench/desk"))


def test_with_a_client_certificate(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    url = site.url("bench-gateway", "/bench/certified", port=BY_CERTIFICATE)
    with agent_on_broker(url, "--no-plans"):
        port = site.url("bench", "/bench/certified", port=BY_CERTIFICATE)
        assert measure(port, model=ONNX, iterations=5).output.verdict == Verdict.EXACT


def refused(url: str, environment: dict[str, str] | None = None) -> str:
    """What an agent that is not let onto the broker says."""
    done = subprocess.run(
        [sys.executable, "-m", "agent.linux", "--no-plans", "--mqtt", url],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "NETRC": "/nowhere", **(environment or {})},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_does_not_work_at_first_is_said(site: Site) -> None:
    untrusted = refused(f"mqtts://bench-gateway@127.0.0.1:{site.broker.port}/bench/desk")
    assert "no certificate that is trusted here" in untrusted
    assert "?ca=FILE" in untrusted
    wrong = refused(site.url("bench-gateway", "/bench/desk"), {PASSWORD_VARIABLE: "wrong"})
    assert "refused user 'bench-gateway'" in wrong
    assert PASSWORD_VARIABLE in wrong
    assert "cannot be reached" in refused(f"mqtt://127.0.0.1:{free_port()}/bench/desk")
    assert "a password does not belong on a command line" in refused("mqtt://a:b@c/bench/desk")


def test_host_lists_and_measures_it(broker: Mosquitto, port: str) -> None:
    listed = host_json("agents", "--mqtt", broker.url, "--json")
    assert [(entry["rack"], entry["board"], entry["online"]) for entry in listed] == [
        ("bench", "desk", True)
    ]
    record = host_json("measure", str(TFLITE), "--port", port, "--no-history", "--json")
    assert (record["link"]["transport"], record["output"]["verdict"]) == ("mqtt", "exact")


def host_json(*arguments: str) -> Any:
    with contextlib.chdir(EXAMPLES.parent):
        done = subprocess.run(
            [sys.executable, "-m", "host", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    return json.loads(done.stdout)
