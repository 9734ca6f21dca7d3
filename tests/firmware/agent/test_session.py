"""Handshake, capabilities, lease and resets of the agent, in the posix build."""

from __future__ import annotations

import time

import pytest

from protocol.capabilities import Feature
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.messages import HOLDER_BYTES, LeaseAction, MessageType, ResetCause, Store
from tests.firmware.agent.agent_process import AgentError, AgentProcess, Client, build_agent
from tests.firmware.agent.plans import lookup_plan


def refused(code: ErrorCode) -> pytest.RaisesExc[AgentError]:
    return pytest.raises(AgentError, match=f"^{code.name}:")


def test_hello_needs_no_lease_and_takes_none(client: Client) -> None:
    for _ in range(2):
        answer = client.hello()
        assert answer.protocol == 1
        assert answer.session == client.session
        assert answer.reset_cause == ResetCause.POWER_ON
        assert answer.boot_count == 1
        assert answer.lease_left_ms == 0
        assert answer.holder == bytes(HOLDER_BYTES)


def test_hello_picks_a_version_both_speak(client: Client) -> None:
    assert client.hello(low=0, high=9).protocol == 1
    with refused(ErrorCode.UNSUPPORTED_VERSION):
        client.hello(low=2, high=9)


def test_hello_refuses_session_zero(client: Client) -> None:
    with refused(ErrorCode.BAD_REQUEST):
        client.ask(MessageType.HELLO, protocol_min=1, protocol_max=1, session=0)


def test_capabilities_come_in_pages_that_fit_small_frames(client: Client) -> None:
    total = client.hello().capabilities_bytes
    pages = []
    while sum(map(len, pages)) < total:
        page = client.ask(MessageType.CAPABILITIES, offset=sum(map(len, pages)))
        assert page.total_bytes == total
        assert 0 < len(page.data) <= 96
        pages.append(page.data)
    assert len(pages) > 1
    assert client.ask(MessageType.CAPABILITIES, offset=total).data == b""
    # Pages may begin anywhere.
    assert client.ask(MessageType.CAPABILITIES, offset=7).data == b"".join(pages)[7:103]
    with refused(ErrorCode.BAD_RANGE):
        client.ask(MessageType.CAPABILITIES, offset=total + 1)


def test_capabilities_describe_the_process(client: Client) -> None:
    offered = client.capabilities()
    assert (offered.board, offered.domain, offered.emulator) == ("pc", "mpu", "")
    assert offered.engine == "jump_rt 0.1.0"
    assert offered.tick_hz == 1_000_000_000
    assert offered.pool_bytes == 300_000
    assert offered.max_payload_bytes == 8192
    assert offered.plan_version == (1, 0)
    assert offered.weight_layouts == (1,)
    assert {store.store for store in offered.stores} == {Store.RAM}
    assert "-fsanitize=address,undefined" in offered.build
    assert offered.features & Feature.CYCLE_COUNTER == Feature(0)
    assert Feature.PROFILE | Feature.ARENA_HIGH_WATER | Feature.RESET in offered.features


def test_a_second_session_is_told_who_holds_the_board(client: Client) -> None:
    other = Client(client.agent, session=99)
    client.take(duration_ms=30_000, holder=b"rack-7")
    for kind in (MessageType.PLAN_END, MessageType.RESET):
        with refused(ErrorCode.BUSY):
            other.ask(kind)
    with refused(ErrorCode.BUSY) as refusal:
        other.take()
    answer = refusal.value.answer
    assert answer.request_type == MessageType.LEASE
    assert answer.holder.rstrip(b"\0") == b"rack-7"
    assert 25_000 < answer.lease_left_ms <= 30_000
    assert answer.boot_count == 1
    hello = other.hello()
    assert hello.holder.rstrip(b"\0") == b"rack-7"
    assert 25_000 < hello.lease_left_ms <= 30_000
    client.release()
    assert other.take().duration_ms == 60_000


def test_lease_durations_are_bounded(client: Client) -> None:
    assert client.take(duration_ms=0).duration_ms == 1_000
    assert client.take(duration_ms=0xFFFFFFFF).duration_ms == 600_000


def test_without_a_lease_there_is_no_session(client: Client) -> None:
    for kind in (MessageType.PLAN_END, MessageType.RUN, MessageType.RESET):
        with refused(ErrorCode.NO_SESSION):
            client.ask(kind)
    with refused(ErrorCode.NO_SESSION):
        client.release()


def test_session_zero_holds_nothing(client: Client) -> None:
    nobody = Client(client.agent, session=0)
    with refused(ErrorCode.NO_SESSION):
        nobody.take()
    with refused(ErrorCode.NO_SESSION):
        nobody.ask(MessageType.PLAN_END)


def test_a_lease_expires_and_requests_renew_it(client: Client) -> None:
    other = Client(client.agent, session=99)
    client.take(duration_ms=1_000)
    for _ in range(4):
        time.sleep(0.4)
        client.ask(MessageType.PING)
        with refused(ErrorCode.BUSY):
            other.take()
    time.sleep(1.2)
    with refused(ErrorCode.NO_SESSION):
        client.ask(MessageType.PLAN_END)
    assert other.take().duration_ms == 60_000


def test_a_repeated_lease_is_answered_again_not_done_twice(client: Client) -> None:
    client.take()
    released = client.frame(
        MessageType.LEASE, action=LeaseAction.RELEASE, holder=bytes(HOLDER_BYTES)
    )
    first = client.exchange(released)
    assert client.exchange(released) == first
    # Under a new sequence number it is a new request.
    with refused(ErrorCode.NO_SESSION):
        client.release()


def test_the_plan_outlives_its_session(holder: Client) -> None:
    holder.upload(lookup_plan())
    holder.release()
    other = Client(holder.agent, session=99)
    other.take()
    assert other.begin(lookup_plan()).next_offset == len(lookup_plan())
    assert other.run().iterations == 1


def test_ping_tells_boot_count_and_uptime(client: Client) -> None:
    first = client.ask(MessageType.PING)
    time.sleep(0.05)
    second = client.ask(MessageType.PING)
    assert first.boot_count == second.boot_count == 1
    assert 50 <= second.uptime_ms - first.uptime_ms < 5_000


def test_unknown_types_and_odd_lengths_are_refused(holder: Client) -> None:
    def exchange(kind: int, payload: bytes) -> None:
        holder.sequence += 1
        holder.exchange(Frame(kind, holder.session, holder.sequence, payload))

    served = [kind for kind in MessageType if kind < MessageType.ALIVE]
    if not holder.capabilities().engines:
        served = [kind for kind in served if kind < MessageType.MODEL_BEGIN]
    for kind in (0, max(served) + 1, 0x7F):
        with refused(ErrorCode.UNKNOWN_TYPE):
            exchange(kind, b"")
    for kind in served:
        with refused(ErrorCode.BAD_REQUEST):
            # One byte is too few for any payload, and too many for none.
            exchange(kind, b"\x01")


def test_an_echo_is_not_answered(client: Client) -> None:
    for kind in (MessageType.ERROR, MessageType.ALIVE, MessageType.HELLO | 0x80):
        client.agent.send(Frame(kind, client.session, 1, bytes(40)).to_wire())
    assert client.agent.is_silent(for_s=0.3)
    client.hello()


def test_a_reset_is_seen(client: Client) -> None:
    client.take()
    client.ask(MessageType.RESET)
    with refused(ErrorCode.NO_SESSION) as refusal:
        client.ask(MessageType.PLAN_END)
    assert refusal.value.answer.boot_count == 2
    answer = client.hello()
    assert answer.boot_count == 2
    assert answer.reset_cause == ResetCause.SOFTWARE


def test_the_smallest_board_shakes_hands() -> None:
    with AgentProcess(build_agent("-small"), "--pool-bytes", "4096") as agent:
        client = Client(agent)
        offered = client.capabilities()
        assert (offered.max_payload_bytes, offered.max_batch) == (96, 8)
        client.take()
        with refused(ErrorCode.NO_PLAN):
            client.run()
