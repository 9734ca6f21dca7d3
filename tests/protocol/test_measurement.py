"""The measurement record: round trip, schema, and errors that name the field."""

import json
from datetime import UTC, datetime

import pytest

from protocol import measurement as m


def record() -> m.Measurement:
    return m.Measurement(
        model=m.Model(name="kws", sha256="ab" * 32, format="tflite"),
        candidate=m.Candidate(precision="int8", plan_bytes=1, plan_crc32=2, macs=3),
        board=m.Board(id="pico", domain="mcu"),
        evidence=m.Evidence(source=m.Source.EMULATED, fidelity=m.Fidelity.CYCLE),
        latency_ms=m.LatencyMs(
            n=3,
            warmup=1,
            first=1.5,
            min=1.0,
            median=1.0,
            mean=1.0,
            p95=1.0,
            p99=1.0,
            max=1.0,
            stdev=0.0,
            ci95=(1.0, 1.0),
        ),
        cycles=m.Cycles(min=1, median=1.5, max=2),
        memory=m.Memory(arena_bytes=16512),
        input=m.Input(crc32=1, source="seeded", seed=1),
        output=m.Output(crc32=1, verdict=m.Verdict.EXACT),
        ops=(m.OpProfile(index=0, kind="CONV_2D", cycles=1, macs=2),),
        link=m.Link(transport="serial", bytes_sent=1, bytes_received=2),
        at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def test_survives_json() -> None:
    assert m.Measurement.from_json(record().to_json()) == record()


def test_has_the_fields_of_the_design_in_their_order() -> None:
    names = "schema model candidate board evidence latency_ms cycles memory input output ops"
    assert list(record().to_dict()) == [
        *names.split(),
        *["conditions", "energy", "budget", "link", "at"],
    ]
    assert list(record().to_dict()["output"]) == [
        "crc32",
        "expected_crc32",
        "unstable_at",
        "verdict",
        "arithmetic",
    ]


def test_absent_values_are_null() -> None:
    values = record().to_dict()
    assert values["budget"] is None
    assert values["memory"]["rss_bytes"] is None


def test_schema_file_is_that_of_the_classes() -> None:
    assert json.loads(m.SCHEMA_PATH.read_text()) == m.json_schema()


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("latency_ms", "max"), "slow", "$.latency_ms.max"),
        (("evidence", "source"), "guessed", "$.evidence.source"),
        (("at",), "yesterday", "$.at"),
        (("schema",), "measurement/9", "$.schema"),
    ],
)
def test_a_wrong_field_is_named(path: tuple[str, ...], value: object, where: str) -> None:
    values = record().to_dict()
    target = values
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    with pytest.raises(m.RecordError, match=where.replace("$", r"\$")):
        m.Measurement.from_dict(values)


def test_not_json_is_said() -> None:
    with pytest.raises(m.RecordError, match="not JSON"):
        m.Measurement.from_json("{")
