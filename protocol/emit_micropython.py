"""The MicroPython module of the protocol: the same constants and records as the C header.

MicroPython has no construct and no enum: a constant is a plain name, a record a ``Layout`` (see
``agent/micropython/layout.py``) of a struct format and its fields' names.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from enum import IntEnum, IntFlag

from construct import Array, Bytes, Default, FormatField, GreedyBytes, GreedyRange, Renamed, Struct

from protocol import capabilities, errors, framing, generator, messages, plan

_WIDTH = 99

CONSTANTS = {
    "PROTOCOL_VERSION": framing.PROTOCOL_VERSION,
    "HEADER_BYTES": framing.HEADER_BYTES,
    "CRC_BYTES": framing.CRC_BYTES,
    "ANSWER_BIT": messages.ANSWER_BIT,
    "NO_INDEX": messages.NO_INDEX,
    "ALL_OPS": messages.ALL_OPS,
    "HOLDER_BYTES": messages.HOLDER_BYTES,
    "INPUT_STRIDE": generator.INPUT_STRIDE,
    "ZERO_STATE": generator.ZERO_STATE,
    "PLAN_MAGIC": plan.MAGIC,
    "PLAN_VERSION_MAJOR": plan.VERSION_MAJOR,
    "PLAN_VERSION_MINOR": plan.VERSION_MINOR,
    "PLAN_ALIGNMENT": plan.ALIGNMENT_BYTES,
    "PLAN_CRC_FROM": plan.CRC_FROM,
    "MAX_RANK": plan.MAX_RANK,
    "MAX_OP_TENSORS": plan.MAX_OP_TENSORS,
}
ENUMS: dict[str, type[IntEnum] | type[IntFlag]] = {
    "TYPE_": messages.MessageType,
    "LEASE_": messages.LeaseAction,
    "STORE_": messages.Store,
    "INPUT_": messages.InputSource,
    "RUN_": messages.RunFlag,
    "RESET_": messages.ResetCause,
    "TAG_": capabilities.Tag,
    "FEATURE_": capabilities.Feature,
    "WRITTEN_BY_": capabilities.WrittenBy,
    "E_": errors.ErrorCode,
    "DTYPE_": plan.PlanDType,
    "OP_": plan.PlanOp,
    "TENSOR_": plan.TensorFlag,
    "PLAN_": plan.PlanFlag,
    "LAYOUT_": plan.WeightLayout,
}


def render(structs: Mapping[str, Struct]) -> str:
    """The whole module. ``structs``: every record, by its name in the C header without prefix."""
    parts = [
        '"""Emitted from protocol/ by `python -m protocol.emit`: do not edit."""\n\n# fmt: off\n'
        "from layout import Layout\n",
        "".join(f"{name} = {value}\n" for name, value in CONSTANTS.items()),
    ]
    parts += [
        "".join(f"{prefix}{member.name} = {int(member)}\n" for member in enum)
        for prefix, enum in ENUMS.items()
    ]
    records = {"frame_header": framing.FRAME_HEADER, **structs}
    parts.append("\n".join(_layout(name.upper(), struct) for name, struct in records.items()))
    return "\n".join(parts)


def _layout(name: str, struct: Struct) -> str:
    """One record; data of variable length at its end is not part of it."""
    codes, names = [], []
    for field in struct.subcons:
        code = _code(field)
        if code is not None:
            codes.append(code)
            names.append(field.name)
    text = textwrap.wrap(" ".join(names), _WIDTH - len('    " "'))
    lines = "\n".join(f'    "{line} "' for line in text[:-1])
    fields = (lines and lines + "\n") + f'    "{text[-1]}"'
    return f'{name} = Layout(\n    "{" ".join(codes)}",\n{fields},\n)\n'


def _code(field: object) -> str | None:
    """The field's struct code with its count; None for data of variable length."""
    while isinstance(field, (Renamed, Default)):
        field = field.subcon
    match field:
        case Bytes():
            return f"{field.length}s"
        case Array():
            return f"{field.count}{_code(field.subcon)}"
        case FormatField():
            return str(field.fmtstr[1:])
        case GreedyRange():
            return None
    if field is GreedyBytes:
        return None
    raise TypeError(f"{field!r} has no struct code")
