"""What is derived from the definitions is fresh, and the definitions hold together."""

import json
import re
import subprocess
import zlib
from pathlib import Path
from struct import calcsize, unpack

import pytest
from construct import Struct
from hypothesis import given
from hypothesis import strategies as st

from protocol import emit, golden, golden_plans, messages, plan
from protocol.capabilities import Capabilities, EngineOffer, Feature, StoreCapability, Tag
from protocol.errors import DESCRIPTIONS, ErrorCode
from protocol.generator import draw_float32_input, draw_input
from protocol.report import Report, ReportTag

SPEC = (Path(emit.__file__).parent / "SPEC.md").read_text()


def test_c_header_is_fresh() -> None:
    assert emit.HEADER_PATH.read_text() == emit.render(), "run `python -m protocol.emit`"


def test_c_header_compiles_and_its_sizes_hold(tmp_path: Path) -> None:
    source = tmp_path / "header.c"
    source.write_text('#include "jsp_protocol.h"\n')
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, f"-I{emit.HEADER_PATH.parent}", str(source)], check=True)


@pytest.mark.parametrize("name", sorted(golden.render()))
def test_golden_vectors_are_fresh(name: str) -> None:
    assert (golden.GOLDEN_DIRECTORY / name).read_text() == golden.render()[name]


def test_every_error_code_is_described() -> None:
    assert set(DESCRIPTIONS) == set(ErrorCode)


def test_every_message_and_every_op_has_its_structure() -> None:
    requests = {kind for kind in messages.MessageType if kind < messages.ANSWER_BIT}
    assert set(messages.REQUESTS) == set(messages.ANSWERS) == requests
    assert set(plan.PARAMS) == set(plan.PlanOp)


def test_answers_fit_the_smallest_frame() -> None:
    fixed = {name: struct for name, struct in emit.MESSAGE_STRUCTS.items() if _fixed(struct)}
    assert all(struct.sizeof() <= 128 - 14 for struct in fixed.values())


def _fixed(struct: Struct) -> bool:
    try:
        struct.sizeof()
    except Exception:
        return False
    return True


def test_example_plan_carries_its_checksum() -> None:
    data = golden_plans.example_plan()
    header = plan.PLAN_HEADER.parse(data)
    assert header.total_bytes == len(data)
    assert header.crc32 == zlib.crc32(data[16:])


def test_generator_is_marsaglias() -> None:
    # xorshift32 with the triple 13, 17, 5 from state 1: first draws as published.
    seed = 0x9E3779B9 ^ 1
    first = draw_input(seed, 0, 8)
    assert int.from_bytes(first[:4], "little") == 270369
    assert int.from_bytes(first[4:], "little") == 67634689


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 255), st.integers(0, 200))
def test_generator_cuts_the_same_stream(seed: int, index: int, count: int) -> None:
    assert draw_input(seed, index, count) == draw_input(seed, index, 300)[:count]


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 255), st.integers(0, 50))
def test_float32_inputs_are_the_same_draws_in_their_range(
    seed: int, index: int, count: int
) -> None:
    values = unpack(f"<{count}f", draw_float32_input(seed, index, count))
    draws = unpack(f"<{count}I", draw_input(seed, index, 4 * count))
    assert all(-1 <= value < 1 for value in values)
    assert [(value + 1) * 2**23 for value in values] == [draw >> 8 for draw in draws]


def test_float32_inputs_are_spread_evenly() -> None:
    values = sorted(unpack("<4000f", draw_float32_input(1, 0, 4000)))
    # Kolmogorov-Smirnov at 0.1 %: 1.95 / sqrt(n).
    assert max(abs((v + 1) / 2 - i / 4000) for i, v in enumerate(values)) < 0.031


def test_capabilities_round_trip_and_skip_what_they_do_not_know() -> None:
    board = Capabilities(
        board="pico",
        uid="0011aaff",
        stores=(StoreCapability(1, 4, 100), StoreCapability(2, 1, 200)),
        op_set=frozenset({1, 16}),
        features=Feature.PROFILE,
        plan_version=(1, 0),
        engines=(
            EngineOffer(2, frozenset({1}), "litert 2.3.0"),
            EngineOffer(3, frozenset({2}), ""),
        ),
        model_bytes=1 << 40,
    )
    assert Capabilities.from_bytes(b"\xfa\x02??" + board.to_bytes()) == board


@given(st.binary(max_size=200))
def test_capabilities_read_anything(data: bytes) -> None:
    Capabilities.from_bytes(data)


def test_reports_round_trip_and_skip_what_they_do_not_know() -> None:
    report = Report(
        engine="litert 2.3.0",
        rss_bytes=1 << 40,
        threads=4,
        cpus=frozenset({3, 17}),
        temperature_before=41.25,
        temperature_after=-3.5,
        throttled=False,
    )
    assert Report.from_bytes(b"\xfa\x02??" + report.to_bytes()) == report
    assert Report.from_bytes(Report().to_bytes()) == Report()


@given(st.binary(max_size=200))
def test_reports_read_anything(data: bytes) -> None:
    Report.from_bytes(data)


def _spec_tables() -> dict[str, list[tuple[int, str, str]]]:
    """Heading anchor to rows (offset, C type, field) of each layout table of SPEC.md."""
    tables: dict[str, list[tuple[int, str, str]]] = {}
    for block in re.split(r"^<!-- layout: ", SPEC, flags=re.M)[1:]:
        name, _, rest = block.partition(" -->\n")
        table = rest.split("\n\n")[0]
        rows = re.findall(r"^\| (\d+) \| (\S+) \| `(\w+)` \|", table, flags=re.M)
        tables[name] = [(int(offset), ctype, field) for offset, ctype, field in rows]
    return tables


def test_spec_tables_are_the_definitions() -> None:
    tables = _spec_tables()
    assert set(tables) == set(emit.STRUCTS)
    for name, struct in emit.STRUCTS.items():
        assert tables[name] == [
            (offset, ctype, field) for offset, ctype, field, _ in emit.layout(struct)
        ], name


def test_spec_numbers_are_the_definitions() -> None:
    for kind in messages.MessageType:
        assert f"| 0x{int(kind):02X} | {kind.name} |" in SPEC
    for code in ErrorCode:
        assert f"| {int(code)} | {code.name} | {DESCRIPTIONS[code]} |" in SPEC
    for tag in (*Tag, *ReportTag):
        assert f"| {int(tag)} | {tag.name} |" in SPEC
    for kind, engine in zip(messages.ModelFormat, messages.Engine, strict=False):
        assert f"{int(kind)} {kind.name}" in SPEC
        assert f"{int(engine)} {engine.name}" in SPEC
    for op in plan.PlanOp:
        assert f"| {int(op)} | {op.name} |" in SPEC


def test_spec_examples_are_golden() -> None:
    vectors = json.loads((golden.GOLDEN_DIRECTORY / "frames.json").read_text())
    shown = {re.sub(r"\s", "", block) for block in re.findall(r"```hex\n(.*?)```", SPEC, re.S)}
    assert vectors[1]["bytes"] in shown
    assert vectors[1]["wire"] in shown
    assert golden_plans.example_plan()[:64].hex() in shown


def _micropython_module() -> dict[str, object]:
    module: dict[str, object] = {}
    source = emit.MICROPYTHON_PATH.read_text().replace("from layout import Layout\n", "")
    exec(source, {"Layout": lambda codes, fields: (codes, fields)}, module)
    return module


def test_micropython_module_is_fresh() -> None:
    text = emit.outputs()[emit.MICROPYTHON_PATH]
    assert emit.MICROPYTHON_PATH.read_text() == text, "run `python -m protocol.emit`"


def test_micropython_module_agrees_with_the_c_header() -> None:
    # Another emitter, another language: what both have is the same number.
    pattern = r"#define JSP_(\w+) \(?(-?\d+)u?\)?(?: |$)"
    header = dict(re.findall(pattern, emit.HEADER_PATH.read_text(), re.MULTILINE))
    module = _micropython_module()
    shared = {name for name in header if isinstance(module.get(name), int)}
    assert {name: int(header[name]) for name in shared} == {name: module[name] for name in shared}
    assert {"E_BUSY", "TYPE_RUN", "OP_CONV_2D", "PLAN_MAGIC", "TAG_OP_SET"} <= shared


def test_micropython_records_have_the_sizes_of_the_c_header() -> None:
    module = _micropython_module()
    sizes = dict(re.findall(r"#define JSP_(\w+)_BYTES (\d+)u", emit.HEADER_PATH.read_text()))
    for name in emit.STRUCTS:
        codes, fields = module[name.upper()]  # type: ignore[misc]
        assert calcsize("<" + codes) == int(sizes[name.upper()])
        assert len(codes.split()) == len(fields.split())
