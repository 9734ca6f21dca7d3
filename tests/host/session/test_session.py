"""The session against the real agent, over sockets and pseudo-terminals, clean and spoiled."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator

import pytest

from host.errors import BoardError, DeadlineExceeded, LinkError
from host.links.open import open_link
from host.session import Session
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.generator import draw_input
from protocol.messages import ANSWER_BIT, InputSource, MessageType, Store
from tests.support.faulty_link import Faults, FaultyLink
from tests.support.pc_agent import running_agent
from tests.support.small_plans import complement, complement_plan

ELEMENTS = 64
BAD_CABLE = Faults(corrupt=0.01, drop=0.01, duplicate=0.01)


@pytest.fixture
def agent_port() -> Iterator[int]:
    with running_agent() as port:
        yield int(port)


@pytest.fixture
def session(agent_port: int) -> Iterator[Session]:
    with Session(open_link(f"tcp://127.0.0.1:{agent_port}")) as session:
        session.connect()
        yield session


def _checksums(session: Session, plan: bytes, batches: int = 1) -> set[int]:
    session.upload(plan, Store.RAM)
    return {
        session.run(3, macs=0, source=InputSource.SEEDED, seed=7).output_crc32
        for _ in range(batches)
    }


def test_says_what_the_board_offers(session: Session) -> None:
    offered = session.capabilities
    assert offered.board == "pc"
    assert offered.emulator == ""
    assert offered.store(Store.RAM) is not None
    assert (session.boot_count, session.reset_cause) == (1, "power-on")


def test_runs_a_plan_on_seeded_input(session: Session) -> None:
    drawn = draw_input(7, 0, ELEMENTS)
    with session.lease():
        loaded = session.upload(complement_plan(ELEMENTS), Store.RAM)
        result = session.run(3, macs=0, source=InputSource.SEEDED, seed=7)
        output = session.read_output(0, ELEMENTS)
    assert loaded.arena_bytes == 2 * ELEMENTS
    assert len(result.ticks) == 3
    assert result.input_crc32 == zlib.crc32(drawn)
    assert result.output_crc32 == zlib.crc32(complement(drawn))
    assert output == complement(drawn)


def test_sends_an_input_in_pieces_and_reads_the_arena(session: Session) -> None:
    # Larger than a frame, so both ways take several.
    elements = 3 * session.capabilities.max_payload_bytes
    data = draw_input(1, 0, elements)
    with session.lease():
        session.upload(complement_plan(elements), Store.RAM)
        session.send_input(0, data)
        result = session.run(1, macs=0, source=InputSource.SENT)
        assert result.output_crc32 == zlib.crc32(complement(data))
        assert session.read_output(0, elements) == complement(data)
        assert session.read_arena(0, elements) == data


def test_profile_has_a_time_for_each_op(session: Session) -> None:
    with session.lease():
        session.upload(complement_plan(100_000), Store.RAM)
        session.run(1, macs=0, source=InputSource.SEEDED, profile=True)
        ticks = session.profile()
    assert len(ticks) == 1
    assert ticks[0] > 0


def test_does_not_send_a_plan_the_board_has(session: Session) -> None:
    plan = complement_plan(padding_bytes=100_000)
    with session.lease():
        assert session.upload(plan, Store.RAM).bytes_skipped == 0
        before = session.traffic.bytes_sent
        assert session.upload(plan, Store.RAM).bytes_skipped == len(plan)
    assert session.traffic.bytes_sent - before < 200


def test_resumes_an_upload_where_the_link_broke(agent_port: int) -> None:
    plan = complement_plan(padding_bytes=200_000)
    cut = Faults(cut_after_bytes=100_000)
    with (
        FaultyLink(("127.0.0.1", agent_port), to_board=cut) as relay,
        Session(open_link(relay.url)) as first,
    ):
        first.connect()
        with first.lease(), pytest.raises(LinkError, match=relay.url):
            first.upload(plan, Store.RAM)
    # The broken session could not release its lease: it is taken up again.
    with Session(open_link(f"tcp://127.0.0.1:{agent_port}"), first._id) as second:
        second.connect()
        with second.lease():
            loaded = second.upload(plan, Store.RAM)
    assert 50_000 < loaded.bytes_skipped < len(plan)


@pytest.mark.parametrize("seed", range(5))
def test_faults_on_the_link_change_no_result(agent_port: int, seed: int) -> None:
    plan = complement_plan(padding_bytes=400_000)
    expected = zlib.crc32(complement(draw_input(7, 0, ELEMENTS)))
    target = ("127.0.0.1", agent_port)
    with (
        FaultyLink(target, to_board=BAD_CABLE, to_host=BAD_CABLE, seed=seed) as relay,
        Session(open_link(relay.url)) as session,
    ):
        session.connect()
        with session.lease():
            assert _checksums(session, plan, batches=40) == {expected}
        # A corrupted or dropped request is sent again; so is one whose answer was lost.
        assert relay.sent.faults + relay.received.faults > 0
        if relay.sent.corrupted + relay.sent.dropped:
            assert session.traffic.retransmits > 0


def test_tells_lost_answers_from_late_ones(agent_port: int) -> None:
    seen: set[tuple[int, int]] = set()

    def lose_first(frame: Frame) -> list[Frame]:
        key = (frame.session, frame.sequence)
        again = key in seen
        seen.add(key)
        return [frame] if again else []

    def delay(frame: Frame) -> list[Frame]:
        if frame.type == MessageType.PING | ANSWER_BIT:
            time.sleep(0.4)  # longer than a request is waited for before it is sent again
        return [frame]

    target = ("127.0.0.1", agent_port)
    with (
        FaultyLink(target, to_board=Faults(rewrite=lose_first)) as relay,
        Session(open_link(relay.url)) as session,
    ):
        session.connect()
        before = session.traffic.lost
        for _ in range(3):
            session.ping()
        assert session.traffic.lost == before + 3
    with (
        FaultyLink(target, to_host=Faults(rewrite=delay)) as relay,
        Session(open_link(relay.url)) as session,
    ):
        session.connect()
        before = session.traffic.lost
        for _ in range(3):
            session.ping()
        assert session.traffic.retransmits >= 3
        assert session.traffic.lost <= before + 1  # the last one's second answer is on its way


def test_counts_no_retransmissions_on_a_clean_link(session: Session) -> None:
    with session.lease():
        _checksums(session, complement_plan(padding_bytes=500_000), batches=5)
    assert session.traffic.retransmits == 0


def test_a_board_that_never_answers_is_a_deadline_that_says_what_to_check(
    agent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.session.connection._CONNECT_S", 0.5)
    silent = Faults(swallow_after_bytes=0)
    with (
        FaultyLink(("127.0.0.1", agent_port), to_board=silent) as relay,
        Session(open_link(relay.url)) as session,
        pytest.raises(DeadlineExceeded, match=r"no answer from tcp://.* within 0\.5 s") as caught,
    ):
        session.connect()
    assert "power" in caught.value.hint
    assert caught.value.waited_s == pytest.approx(0.5, abs=0.2)


def test_names_the_holder_of_a_busy_board(agent_port: int) -> None:
    # The agent serves one connection, so the second client comes over the same one.
    with Session(open_link(f"tcp://127.0.0.1:{agent_port}")) as first:
        first.connect()
        with first.lease():
            second = Session(first.link)
            second.connect()
            with (
                pytest.raises(BoardError, match=r"in use by \w+@.*: its lease has \d+ s") as caught,
                second.lease(),
            ):
                pass
        assert caught.value.code == ErrorCode.BUSY
        with second.lease():  # released by the first
            assert second.ping() >= 0


def test_says_that_the_board_reset_and_how_often(session: Session) -> None:
    with session.lease():
        session.upload(complement_plan(), Store.RAM)
        session.reset()
        session._leased = True  # as if it had not been this session's doing
        with pytest.raises(BoardError, match=r"reset in mid-run .*boot count 1 → 2") as caught:
            session.run(1, macs=0, source=InputSource.SEEDED)
    assert caught.value.hint


def test_a_refusal_says_what_was_needed_and_what_there_is() -> None:
    with (
        running_agent("--pool-bytes", "8192") as port,
        Session(open_link(f"tcp://127.0.0.1:{port}")) as session,
    ):
        session.connect()
        with session.lease(), pytest.raises(BoardError) as caught:
            session.upload(complement_plan(elements=6000), Store.RAM)
    assert caught.value.code == ErrorCode.ARENA_TOO_SMALL
    assert caught.value.needed == 12_000
    assert caught.value.available is not None
    assert caught.value.available < 8192
    assert "12,000" in str(caught.value)


def test_works_over_a_pseudo_terminal_that_others_cannot_open() -> None:
    with running_agent(transport=["--pty"]) as path, Session(open_link(path)) as session:
        session.connect()
        with pytest.raises(LinkError, match="taken"):
            open_link(path)
        with session.lease():
            crcs = _checksums(session, complement_plan(padding_bytes=50_000))
    assert crcs == {zlib.crc32(complement(draw_input(7, 0, ELEMENTS)))}
