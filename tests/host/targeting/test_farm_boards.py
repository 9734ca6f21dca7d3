"""A farm's boards in a selection: agents that really answer, are held, and are let go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import devices
from host.errors import BoardError
from host.evidence import History
from host.farms import FarmPlace
from host.links.interruptible import Interrupted
from host.links.open import open_link
from host.session import Session
from host.targeting.bench import EvidenceBench
from host.targeting.catalog import devices_for
from host.targeting.checks import Status
from host.targeting.farm_boards import FarmBoards, SeenBoard, look_at
from host.targeting.latency import figure_of
from host.targeting.selection import complete
from host.targeting.site import Site
from host.targeting.verdict import Limits, SiteVerdict, Trial
from protocol.measurement import Evidence, Fidelity, Source
from tests.agent.linux.test_bridge import emulated_uno_q
from tests.host.targeting.world import VECTOR
from tests.support.linux_agent import listening_agent
from tests.support.pc_agent import ROOT, running_agent

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"
PROFILES = devices.load_all()
NOBODY = FarmBoards()


def site(device: str, domain: str) -> Site:
    chosen = next(d for d in devices_for(PROFILES) if d.id == device)
    return next(entry for entry in chosen.sites if entry.domain == domain)


PICO, UNO_Q = site("pico", "mcu"), site("uno_q", "mpu")


def bench(farm: FarmBoards = NOBODY, **options: object) -> EvidenceBench:
    return EvidenceBench(VECTOR, {"int8": MLP}, PROFILES, farm=farm, **options)  # type: ignore[arg-type]


def place(name: str, port: str | None, device: str | None = "uno_q", **more: str) -> FarmPlace:
    return FarmPlace(name=name, device=device, port=port, **more)


def seen(name: str, *, emulated: bool = False, holder: str | None = None) -> SeenBoard:
    return SeenBoard(
        place=place(name, "tcp://nowhere:1"),
        device="uno_q",
        domain="mpu",
        emulated=emulated,
        holder=holder,
    )


def test_physical_comes_before_emulated_and_idle_before_busy() -> None:
    farm = FarmBoards(
        (
            seen("emulated", emulated=True),
            seen("emulated-busy", emulated=True, holder="a@b"),
            seen("busy", holder="a@b"),
            seen("idle"),
        )
    )
    names = [board.place.name for board in farm.at(UNO_Q)]
    assert names == ["idle", "busy", "emulated", "emulated-busy"]
    assert farm.at(PICO) == []
    assert farm.at(site("uno_q", "mcu")) == []  # its other domain


@pytest.fixture(scope="module")
def two_boards() -> Iterator[tuple[str, str]]:
    """Two Linux boards that serve several clients each."""
    with listening_agent("--board", "uno_q") as one, listening_agent("--board", "uno_q") as other:
        yield one, other


def look(*places: FarmPlace) -> tuple[FarmBoards, list[str]]:
    notes: list[str] = []
    return look_at(places, {"uno_q", "pico"}, notes.append), notes


def test_of_two_boards_the_idle_one_measures(two_boards: tuple[str, str]) -> None:
    with Session(open_link(two_boards[0])) as other:
        other.connect()
        with other.lease():
            farm, notes = look(place("a", two_boards[0]), place("b", two_boards[1], None))
            first, second = farm.at(UNO_Q)
            assert (first.place.name, first.holder, first.emulated) == ("b", None, False)
            assert second.holder is not None
            trial = bench(farm).try_out(UNO_Q, "int8")
    assert (notes, trial.unmeasured) == ([], None)
    assert trial.record is not None
    assert (trial.record.board.id, trial.record.board.domain) == ("uno_q", "mpu")
    assert trial.record.evidence.source == Source.HARDWARE


def test_a_board_that_is_taken_meanwhile_is_passed_over(two_boards: tuple[str, str]) -> None:
    farm, _ = look(place("a", two_boards[0]), place("b", two_boards[1]))
    with Session(open_link(two_boards[0])) as other:
        other.connect()
        with other.lease():
            trial = bench(farm).try_out(UNO_Q, "int8")
    assert trial.record is not None
    assert trial.unmeasured is not None
    assert trial.unmeasured.startswith("not measured on a: the board is in use by ")
    verdict = complete(
        SiteVerdict(site=UNO_Q, precision="int8", backend=None, checks=()), trial, Limits()
    )
    assert verdict.passed
    assert [check.status for check in verdict.checks] == [Status.NOT_CHECKED]


def test_where_nothing_stands_in_for_it_a_busy_board_is_waited_for(
    two_boards: tuple[str, str],
) -> None:
    farm, _ = look(place("a", two_boards[0]))
    told: list[str] = []
    waited = threading.Event()

    def watch(_: Site, text: str) -> None:
        told.append(text)
        if text == "waits for a: in use":
            waited.set()

    trials: list[Trial] = []
    one = bench(farm, watch=watch)
    with Session(open_link(two_boards[0])) as other:
        other.connect()
        with other.lease():
            thread = threading.Thread(target=lambda: trials.append(one.try_out(UNO_Q, "int8")))
            thread.start()
            assert waited.wait(30)
    thread.join(60)
    (trial,) = trials
    assert trial.record is not None
    assert trial.unmeasured is None


def test_waiting_ends_when_it_is_called_off(two_boards: tuple[str, str]) -> None:
    farm, _ = look(place("a", two_boards[0]))
    benches: list[EvidenceBench] = []

    def watch(_: Site, text: str) -> None:
        if text.startswith("waits"):
            benches[0].stop()

    benches.append(bench(farm, watch=watch))
    with Session(open_link(two_boards[0])) as other:
        other.connect()
        with other.lease(), pytest.raises(Interrupted):
            benches[0].try_out(UNO_Q, "int8")


def test_waiting_has_an_end(two_boards: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.targeting.bench._BUSY_WAIT_S", 0.2)
    farm, _ = look(place("a", two_boards[0]))
    with Session(open_link(two_boards[0])) as other:
        other.connect()
        with other.lease():
            trial = bench(farm).try_out(UNO_Q, "int8")
    assert trial.record is None
    assert trial.figure is not None
    assert not trial.figure.is_measured
    assert "in use by" in (trial.unmeasured or "")


def test_what_cannot_be_used_is_left_out_with_the_reason() -> None:
    with running_agent() as port:
        farm, notes = look(
            place("wrong", f"tcp://127.0.0.1:{port}", "pico"),
            place("gone", "tcp://127.0.0.1:1"),
            place("sick", "tcp://127.0.0.1:1", left_out="it is in quarantine: smells"),
            place("elsewhere", "tcp://127.0.0.1:1", "uno", left_out="is not asked for"),
        )
    assert farm == NOBODY
    sick, wrong, gone = notes
    assert wrong == (
        "wrong is left out: the farm file calls it a pico, but it says that it is a pc"
    )
    assert sick == "sick is left out: it is in quarantine: smells"
    assert gone.startswith("gone is left out: ")
    assert "127.0.0.1:1" in gone


def test_an_emulator_in_quarantine_is_not_started() -> None:
    farm, notes = look(place("x", None, "pico", left_out="it is in quarantine: drifts"))
    trial = bench(farm).try_out(PICO, "int8")
    assert notes == ["x is left out: it is in quarantine: drifts"]
    assert trial.record is None
    assert trial.unmeasured == "not measured on x: it is in quarantine: drifts"


def test_an_emulator_is_started_as_the_farm_file_has_it() -> None:
    farm, _ = look(
        place("x", None, "pico", left_out="it is in quarantine: drifts"),
        place("y", None, "pico", flash_model="zero-wait"),
    )
    trial = bench(farm).try_out(PICO, "int8")
    assert trial.record is not None
    assert "zero-wait" in (trial.record.evidence.emulator or "")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(str(tmp_path / "history.db")) as kept:
        yield kept


def test_a_nights_measurement_on_silicon_counts_more_than_an_emulation_now(
    history: History,
) -> None:
    emulated = bench().try_out(PICO, "int8").record
    assert emulated is not None
    silicon = attrs.evolve(
        emulated, evidence=Evidence(source=Source.HARDWARE, fidelity=Fidelity.SILICON)
    )
    history.add(silicon)
    told: list[str] = []
    vector = attrs.evolve(VECTOR, details={"candidates": {"int8": emulated.model.sha256}})
    trial = EvidenceBench(
        vector, {"int8": MLP}, PROFILES, history=history, watch=lambda _, text: told.append(text)
    ).try_out(PICO, "int8")
    assert told == []  # nothing was started
    assert trial.record == silicon
    assert trial.figure == figure_of(silicon, PICO.part)
    assert f"from the history, {silicon.at:%Y-%m-%d}" in (trial.unmeasured or "")
    verdict = SiteVerdict(site=PICO, precision="int8", backend=None, checks=())
    assert complete(verdict, trial, Limits(evidence="hardware")).passed


def test_a_board_that_refuses_the_model_speaks_for_its_kind() -> None:
    cnn = ROOT / "examples" / "digits_cnn_int8.tflite"
    with listening_agent("--board", "uno_q", "--pool-bytes", "4096") as port:
        farm, _ = look(place("a", port))
        trial = EvidenceBench(VECTOR, {"int8": cnn}, PROFILES, farm=farm).try_out(UNO_Q, "int8")
    assert trial.record is None
    assert trial.failure is not None
    assert trial.failure.violation > 0


def test_an_explicit_port_that_is_busy_is_no_verdict_on_the_model(
    two_boards: tuple[str, str],
) -> None:
    one = bench(ports={"uno_q": two_boards[0]})
    with Session(open_link(two_boards[0])) as other:
        other.connect()
        with other.lease(), pytest.raises(BoardError, match="in use by"):
            one.try_out(UNO_Q, "int8")


def test_a_board_with_two_domains_is_measured_in_both() -> None:
    with (
        emulated_uno_q() as line,
        listening_agent("--bridge", line, "--board", "uno_q") as port,
    ):
        farm, notes = look(place("a", port))
        mcu = site("uno_q", "mcu")
        assert [board.emulated for board in farm.at(mcu)] == [True]
        assert [board.emulated for board in farm.at(UNO_Q)] == [False]
        trials = [bench(farm).try_out(where, "int8") for where in (mcu, UNO_Q)]
    assert notes == []
    records = [trial.record for trial in trials if trial.record is not None]
    assert [record.board.domain for record in records] == ["mcu", "mpu"]
    assert [record.link.transport for record in records] == ["tcp", "tcp"]
