"""Topics and presence as SPEC.md, "Over MQTT", has them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from protocol.mqtt import (
    QOS_FRAMES,
    QOS_PRESENCE,
    BoardTopics,
    LeaseNotice,
    Presence,
    board_of,
    format_time,
    is_name,
    parse_time,
)

SPEC = Path(__file__).resolve().parents[2] / "protocol" / "SPEC.md"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def test_topics_are_those_of_the_specification() -> None:
    rows = re.findall(r"^\| `(jumpstation/\S+)` \|.*\| (\d) \| .* \|$", SPEC.read_text(), re.M)
    topics = BoardTopics("<rack>", "<board>")
    answers = topics.answer(0).replace("00000000", "<session>")
    assert rows == [
        (topics.request, str(QOS_FRAMES)),
        (answers, str(QOS_FRAMES)),
        (topics.presence, str(QOS_PRESENCE)),
        (topics.seen, str(QOS_PRESENCE)),
    ]


def test_a_session_is_eight_digits() -> None:
    assert BoardTopics("bench", "pico").answer(0xBEEF) == "jumpstation/1/bench/pico/answer/0000beef"


def test_a_topic_leads_back_to_its_board() -> None:
    board = BoardTopics("bench", "pico-1")
    for topic in (board.request, board.answer(7), board.presence, board.seen):
        assert board_of(topic) == board


@pytest.mark.parametrize(
    "topic", ["", "jumpstation/1", "jumpstation/1/bench", "jumpstation/1/+/#/x", "other/1/a/b/seen"]
)
def test_topics_of_others(topic: str) -> None:
    assert board_of(topic) is None


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "Ä", "-a", "a b", "x" * 65, "a\n"])
def test_what_is_no_name(name: str) -> None:
    assert not is_name(name)


def test_a_presence_comes_back_as_it_was() -> None:
    presence = Presence(
        rack="bench",
        board="pico-1",
        online=True,
        device="pico",
        uid="00ff",
        clock_hz=133_000_000,
        emulator="",
        capabilities={"stores": {"ram": 1000}},
        lease=LeaseNotice("me@here", NOON),
        last_seen=NOON,
    )
    text = presence.to_json()
    assert json.loads(text)["lease"] == {"holder": "me@here", "until": "2026-01-31T12:00:00Z"}
    assert Presence.from_json(text) == presence


def test_fields_of_a_later_version_are_skipped() -> None:
    record = json.loads(Presence(rack="a", board="b", online=False).to_json())
    assert Presence.from_json(json.dumps({**record, "mood": "good"})).online is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "presence/2"}',
        '{"schema": "presence/1", "rack": "a"}',
        '{"schema": "presence/1", "rack": "a", "board": "b", "online": true, "lease": {}}',
        '{"schema": "presence/1", "rack": "a", "board": "b", "online": true, "last_seen": "noon"}',
    ],
)
def test_what_is_no_presence(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Presence.from_json(text)


def test_the_later_of_two_times_counts() -> None:
    presence = Presence(rack="a", board="b", online=False, last_seen=NOON)
    later, earlier = NOON + timedelta(seconds=1), NOON - timedelta(seconds=1)
    assert presence.known_at(later).last_seen == later
    assert presence.known_at(earlier).last_seen == NOON
    assert presence.known_at(None).last_seen == NOON


def test_times_are_utc_and_have_a_zone() -> None:
    assert format_time(NOON.astimezone(timezone(timedelta(hours=5)))) == "2026-01-31T12:00:00Z"
    assert parse_time("2026-01-31T12:00:00Z") == NOON
    with pytest.raises(ValueError, match="time zone"):
        parse_time("2026-01-31T12:00:00")
