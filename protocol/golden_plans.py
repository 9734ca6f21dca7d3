"""The golden vectors' plans: one that runs, and what is wrong with others."""

from __future__ import annotations

from typing import Any

from construct import Int32ul

from protocol import plan
from protocol.errors import ErrorCode


def example_plan() -> bytes:
    """The smallest complete plan: one QUANTIZE that negates four int8 values (-128 stays)."""
    layout = {"tensors": 64, "ops": 96, "io": 128, "strings": 168, "shape": 176, "table": 192}
    total_bytes = layout["table"] + 256
    table = bytes((256 - byte) & 0xFF for byte in range(256))
    tensors = b"".join(
        plan.PLAN_TENSOR.build(
            {
                "dtype": plan.PlanDType.INT8,
                "flags": flag,
                "rank": 2,
                "arena_offset": offset,
                "size_bytes": 4,
                "shape_offset": layout["shape"],
            }
        )
        for flag, offset in ((plan.TensorFlag.INPUT, 0), (plan.TensorFlag.OUTPUT, 4))
    )
    op = plan.PLAN_OP_HEADER.build(
        {
            "kind": plan.PlanOp.QUANTIZE,
            "input_count": 1,
            "output_count": 1,
            "record_bytes": 28,
            "params_offset": 20,
            "scratch_offset": 0,
            "scratch_bytes": 0,
        }
    )
    op += bytes([0, 0, 1, 0]) + plan.LOOKUP_PARAMS.build(
        {"count": 4, "table_offset": layout["table"]}
    )
    contract = b"".join(
        plan.PLAN_IO.build(
            {
                "tensor": tensor,
                "meaning": plan.Meaning.GENERIC,
                "name_offset": layout["strings"] + tensor,
                "name_bytes": 1,
                "scale": 0.5,
                "zero_point": 0,
            }
        )
        for tensor in (0, 1)
    )
    body = bytearray(total_bytes)
    for name, data in (
        ("tensors", tensors),
        ("ops", op),
        ("io", contract),
        ("strings", b"xy"),
        ("shape", (1).to_bytes(4, "little") + (4).to_bytes(4, "little")),
        ("table", table),
    ):
        body[layout[name] : layout[name] + len(data)] = data
    header = {
        "magic": plan.MAGIC,
        "version_major": plan.VERSION_MAJOR,
        "version_minor": plan.VERSION_MINOR,
        "header_bytes": plan.PLAN_HEADER.sizeof(),
        "total_bytes": total_bytes,
        "crc32": 0,
        "arena_bytes": 8,
        "persistent_bytes": 0,
        "tensor_count": 2,
        "op_count": 1,
        "input_count": 1,
        "output_count": 1,
        "tensors_offset": layout["tensors"],
        "ops_offset": layout["ops"],
        "ops_bytes": len(op),
        "io_offset": layout["io"],
        "strings_offset": layout["strings"],
        "strings_bytes": 2,
        "flags": 0,
        "weight_layout": plan.WeightLayout.ROWS4,
        "macs": 0,
    }
    body[: plan.PLAN_HEADER.sizeof()] = plan.PLAN_HEADER.build(header)
    return seal(bytes(body))


def seal(body: bytes) -> bytes:
    """``body`` with the CRC-32 of its header made right."""
    crc = Int32ul.build(plan.plan_crc32(body))
    return bytes(body[:12] + crc + body[16:])


def plan_vectors() -> list[dict[str, Any]]:
    """A plan that runs, and one wrong in each way that needs no kernel to see."""
    good = example_plan()

    def altered(offset: int, value: bytes) -> bytes:
        return seal(good[:offset] + value + good[offset + len(value) :])

    def case(name: str, data: bytes, code: ErrorCode) -> dict[str, Any]:
        return {"name": name, "plan": data.hex(), "code": int(code)}

    return [
        {
            **case("negate", good, ErrorCode.OK),
            "input": "00017f80",
            "output": "00ff8180",
            "arena_bytes": 8,
        },
        case("magic", altered(0, b"X"), ErrorCode.PLAN_MAGIC),
        case("major version", altered(4, b"\x02"), ErrorCode.PLAN_VERSION),
        case("cut short", good[:-1], ErrorCode.PLAN_SIZE),
        case("flipped bit", good[:-1] + b"\0", ErrorCode.PLAN_CHECKSUM),
        case("tensors outside", altered(32, Int32ul.build(1 << 30)), ErrorCode.PLAN_TABLE),
        case("tensor outside the arena", altered(68, Int32ul.build(8)), ErrorCode.PLAN_TENSOR),
        case("unknown op", altered(96, b"\x1f"), ErrorCode.PLAN_OP_KIND),
        case("record cut short", altered(100, b"\x10\0"), ErrorCode.PLAN_OP_RECORD),
        case("count is not the tensors'", altered(116, b"\x05"), ErrorCode.PLAN_SHAPE),
        case("table outside", altered(120, Int32ul.build(193)), ErrorCode.PLAN_DATA),
    ]
