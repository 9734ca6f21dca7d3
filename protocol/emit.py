"""Emits the C header, the MicroPython module and the schemas from this package's definitions.

``python -m protocol.emit`` writes ``firmware/include/jsp_protocol.h``,
``agent/micropython/jsp_protocol.py`` and the JSON schemas beside their classes; ``--check`` exits 1
when a file on disk is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

from construct import Array, Bytes, Default, FormatField, GreedyBytes, GreedyRange, Renamed, Struct

from protocol import (
    capabilities,
    emit_micropython,
    errors,
    framing,
    generator,
    measurement,
    messages,
    plan,
    report,
)
from protocol.bundle import manifest

_CHECKOUT = Path(__file__).resolve().parent.parent
HEADER_PATH = _CHECKOUT / "firmware" / "include" / "jsp_protocol.h"
MICROPYTHON_PATH = _CHECKOUT / "agent" / "micropython" / "jsp_protocol.py"

C_TYPES = {
    "<B": ("uint8_t", 1),
    "<b": ("int8_t", 1),
    "<H": ("uint16_t", 2),
    "<h": ("int16_t", 2),
    "<L": ("uint32_t", 4),
    "<l": ("int32_t", 4),
    "<Q": ("uint64_t", 8),
    "<f": ("float", 4),
}


class LayoutError(ValueError):
    """A structure whose C twin would need padding."""


MESSAGE_STRUCTS: dict[str, Struct] = {
    **{f"{kind.name.lower()}_request": s for kind, s in messages.REQUESTS.items() if s.subcons},
    **{f"{kind.name.lower()}_answer": s for kind, s in messages.ANSWERS.items() if s.subcons},
    "alive_message": messages.ALIVE_MESSAGE,
    "error_answer": messages.ERROR_ANSWER,
    "store_capability": capabilities.STORE_CAPABILITY,
    "engine_offer": capabilities.ENGINE_OFFER,
    "start_check": capabilities.START_CHECK,
}
PLAN_STRUCTS: dict[str, Struct] = {
    "plan_header": plan.PLAN_HEADER,
    "plan_self_test": plan.PLAN_SELF_TEST,
    "plan_tensor": plan.PLAN_TENSOR,
    "plan_io": plan.PLAN_IO,
    "plan_op": plan.PLAN_OP_HEADER,
    "conv_params": plan.CONV_PARAMS,
    "fully_connected_params": plan.FULLY_CONNECTED_PARAMS,
    "elementwise_params": plan.ELEMENTWISE_PARAMS,
    "pool_params": plan.POOL_PARAMS,
    "softmax_params": plan.SOFTMAX_PARAMS,
    "lookup_params": plan.LOOKUP_PARAMS,
    "pad_params": plan.PAD_PARAMS,
    "mean_params": plan.MEAN_PARAMS,
    "concatenation_params": plan.CONCATENATION_PARAMS,
    "transpose_params": plan.TRANSPOSE_PARAMS,
    "reshape_params": plan.RESHAPE_PARAMS,
    "constant_params": plan.CONSTANT_PARAMS,
}
STRUCTS = MESSAGE_STRUCTS | PLAN_STRUCTS
"""Every structure with a C twin ``jsp_<name>``."""


def layout(struct: Struct) -> list[tuple[int, str, str, str]]:
    """Offset, C type, name and remark of each field; data of variable length last.

    Raises LayoutError where the C structure would need padding.
    """
    rows, offset = [], 0
    for field in struct.subcons:
        ctype, count, size, alignment = _c_type(field)
        if offset % alignment:
            raise LayoutError(f"{field.name} at byte {offset} is not aligned to {alignment}")
        rows.append((offset, ctype + count, field.name, field.docs))
        offset += size
    return rows


def _c_type(field: object) -> tuple[str, str, int, int]:
    """C type, array suffix, size and alignment; variable-length data has size 0."""
    while isinstance(field, (Renamed, Default)):
        field = field.subcon
    if field is GreedyBytes:
        return "uint8_t", "[]", 0, 1
    if isinstance(field, GreedyRange):
        ctype, _, _, alignment = _c_type(field.subcon)
        return ctype, "[]", 0, alignment
    if isinstance(field, Bytes):
        return "uint8_t", f"[{field.length}]", int(field.length), 1
    if isinstance(field, Array):
        ctype, _, size, alignment = _c_type(field.subcon)
        return ctype, f"[{field.count}]", size * int(field.count), alignment
    if isinstance(field, FormatField):
        ctype, size = C_TYPES[field.fmtstr]
        return ctype, "", size, size
    raise LayoutError(f"{field!r} has no C type")


def c_struct(name: str, struct: Struct) -> str:
    """The C twin of the fixed part of ``struct``, with a compile-time check of its size."""
    lines = []
    for _, ctype, field, docs in layout(struct):
        scalar, _, count = ctype.partition("[")
        if count == "]":
            continue
        suffix = f"[{count}" if count else ""
        comment = f" /* {docs} */" if docs else ""
        lines.append(f"    {scalar} {field}{suffix};{comment}")
    size = sum(_c_type(field)[2] for field in struct.subcons)
    body = "\n".join(lines)
    return (
        f"typedef struct {name} {{\n{body}\n}} {name};\n"
        f"#define {name.upper()}_BYTES {size}u\n"
        f"typedef char {name}_size_check[sizeof({name}) == {name.upper()}_BYTES ? 1 : -1];\n"
    )


def c_enum(
    prefix: str, enum: type[IntEnum] | type[IntFlag], comments: Mapping[Any, str] | None = None
) -> str:
    """``#define`` lines for an enumeration."""
    lines = []
    for member in enum:
        value = int(member)
        text = f"({value})" if value < 0 else f"{value}"
        note = f" /* {comments[member]} */" if comments and member in comments else ""
        lines.append(f"#define {prefix}{member.name} {text}{note}")
    return "\n".join(lines) + "\n"


def _define(name: str, value: int) -> str:
    return f"#define {name} {value}u\n"


def render() -> str:
    """The whole header."""
    parts = [
        "/* Emitted from protocol/ by `python -m protocol.emit`: do not edit. */\n"
        "/* clang-format off */\n"
        "#ifndef JSP_PROTOCOL_H\n#define JSP_PROTOCOL_H\n\n#include <stdint.h>\n",
        "/* Frames */\n"
        + _define("JSP_PROTOCOL_VERSION", framing.PROTOCOL_VERSION)
        + _define("JSP_HEADER_BYTES", framing.HEADER_BYTES)
        + _define("JSP_CRC_BYTES", framing.CRC_BYTES)
        + _frame_offsets(),
        "/* Messages */\n"
        + c_enum("JSP_TYPE_", messages.MessageType)
        + _define("JSP_ANSWER_BIT", messages.ANSWER_BIT)
        + _define("JSP_NO_INDEX", messages.NO_INDEX)
        + _define("JSP_ALL_OPS", messages.ALL_OPS)
        + _define("JSP_HOLDER_BYTES", messages.HOLDER_BYTES)
        + c_enum("JSP_DOMAIN_", messages.Domain)
        + c_enum("JSP_LEASE_", messages.LeaseAction)
        + c_enum("JSP_STORE_", messages.Store)
        + c_enum("JSP_INPUT_", messages.InputSource)
        + c_enum("JSP_RUN_", messages.RunFlag)
        + c_enum("JSP_RESET_", messages.ResetCause)
        + _define("JSP_SHA256_BYTES", messages.SHA256_BYTES)
        + _define("JSP_MAX_MODEL_NAME_BYTES", messages.MAX_MODEL_NAME_BYTES)
        + c_enum("JSP_FORMAT_", messages.ModelFormat)
        + c_enum("JSP_ENGINE_", messages.Engine)
        + c_enum("JSP_REPORT_", report.ReportTag),
    ]
    parts += [c_struct(f"jsp_{name}", struct) for name, struct in MESSAGE_STRUCTS.items()]
    parts += [
        "/* Seeded inputs */\n"
        + _define("JSP_INPUT_STRIDE", generator.INPUT_STRIDE)
        + _define("JSP_ZERO_STATE", generator.ZERO_STATE),
        "/* Capabilities */\n"
        + c_enum("JSP_TAG_", capabilities.Tag)
        + c_enum("JSP_FEATURE_", capabilities.Feature)
        + c_enum("JSP_WRITTEN_BY_", capabilities.WrittenBy),
        "/* Error codes */\n" + c_enum("JSP_E_", errors.ErrorCode, errors.DESCRIPTIONS),
        "/* The plan */\n"
        + _define("JSP_PLAN_MAGIC", plan.MAGIC)
        + _define("JSP_SELF_TEST_MAGIC", plan.SELF_TEST_MAGIC)
        + _define("JSP_PLAN_VERSION_MAJOR", plan.VERSION_MAJOR)
        + _define("JSP_PLAN_VERSION_MINOR", plan.VERSION_MINOR)
        + _define("JSP_PLAN_ALIGNMENT", plan.ALIGNMENT_BYTES)
        + _define("JSP_PLAN_CRC_FROM", plan.CRC_FROM)
        + _define("JSP_MAX_RANK", plan.MAX_RANK)
        + _define("JSP_MAX_OP_TENSORS", plan.MAX_OP_TENSORS)
        + c_enum("JSP_DTYPE_", plan.PlanDType)
        + c_enum("JSP_OP_", plan.PlanOp)
        + c_enum("JSP_TENSOR_", plan.TensorFlag)
        + c_enum("JSP_PLAN_", plan.PlanFlag)
        + c_enum("JSP_LAYOUT_", plan.WeightLayout),
    ]
    parts += [c_struct(f"jsp_{name}", struct) for name, struct in PLAN_STRUCTS.items()]
    return "\n".join(parts) + "\n#endif\n"


def _frame_offsets() -> str:
    lines, offset = "", 0
    for field in framing.FRAME_HEADER.subcons:
        lines += _define(f"JSP_HEADER_{field.name.upper()}", offset)
        offset += field.sizeof()
    return lines


def outputs() -> dict[Path, str]:
    """Every emitted file with what it should hold."""
    schemas = {
        module.SCHEMA_PATH: json.dumps(module.json_schema(), indent=2) + "\n"
        for module in (measurement, manifest)
    }
    return {HEADER_PATH: render(), MICROPYTHON_PATH: emit_micropython.render(STRUCTS), **schemas}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Emit what is derived from the protocol.")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    options = parser.parse_args(arguments)
    stale = 0
    for path, text in outputs().items():
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path.name} is stale: run `python -m protocol.emit`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
