"""Who runs a model: the board's plan runtime, or an engine that loads it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.errors import BoardError, ConfigError
from host.measurement.engine_candidates import choose_engine
from protocol.capabilities import Capabilities, EngineOffer, StoreCapability
from protocol.messages import Engine, ModelFormat, Store

PLANS = {"stores": (StoreCapability(Store.RAM, 4, 1 << 20),), "op_set": frozenset({1, 2})}
JUMP_RT = EngineOffer(Engine.JUMP_RT, frozenset({int(ModelFormat.PLAN)}), "jump_rt 0.1.0")
LITERT = EngineOffer(Engine.LITERT, frozenset({int(ModelFormat.TFLITE)}), "litert 2.3.0")
ORT = EngineOffer(Engine.ONNXRUNTIME, frozenset({int(ModelFormat.ONNX)}), "onnxruntime 1.31")
MICROCONTROLLER = Capabilities(board="pico", **PLANS)  # type: ignore[arg-type]
LINUX = Capabilities(board="orion", engines=(LITERT, ORT, JUMP_RT), **PLANS)  # type: ignore[arg-type]
LINUX_WITHOUT_PLANS = Capabilities(board="orion", engines=(LITERT, ORT))
TFLITE, ONNX = Path("m.tflite"), Path("m.onnx")


@pytest.mark.parametrize(
    ("board", "wanted", "path", "chosen"),
    [
        (MICROCONTROLLER, None, TFLITE, Engine.JUMP_RT),
        (MICROCONTROLLER, Engine.JUMP_RT, TFLITE, Engine.JUMP_RT),
        (LINUX, None, TFLITE, Engine.JUMP_RT),
        (LINUX, None, ONNX, Engine.JUMP_RT),
        (LINUX, Engine.LITERT, TFLITE, Engine.LITERT),
        (LINUX, Engine.ONNXRUNTIME, Path("m.ONNX"), Engine.ONNXRUNTIME),
        (LINUX_WITHOUT_PLANS, None, TFLITE, Engine.LITERT),
        (LINUX_WITHOUT_PLANS, None, ONNX, Engine.ONNXRUNTIME),
    ],
)
def test_the_board_and_the_user_decide(
    board: Capabilities, wanted: Engine | None, path: Path, chosen: Engine
) -> None:
    assert choose_engine(wanted, board, path) == chosen


@pytest.mark.parametrize(
    ("board", "wanted", "path", "words"),
    [
        (MICROCONTROLLER, Engine.LITERT, TFLITE, r"pico has no litert \(it has: jump_rt\)"),
        (LINUX_WITHOUT_PLANS, Engine.JUMP_RT, TFLITE, r"no jump_rt \(it has: litert, onnxr"),
        (LINUX_WITHOUT_PLANS, None, Path("m.pt2"), r"has no engine for m\.pt2"),
    ],
)
def test_what_a_board_lacks_is_its_error(
    board: Capabilities, wanted: Engine | None, path: Path, words: str
) -> None:
    with pytest.raises(BoardError, match=words):
        choose_engine(wanted, board, path)


def test_an_engine_for_another_format_is_a_usage_error() -> None:
    with pytest.raises(ConfigError, match=r"onnxruntime reads \.onnx files, not m\.tflite"):
        choose_engine(Engine.ONNXRUNTIME, LINUX, TFLITE)
