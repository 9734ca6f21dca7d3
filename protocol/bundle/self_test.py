"""Whether what a board answered to the test vectors is what it must answer."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence

from protocol.bundle.errors import BundleError, Stage
from protocol.bundle.manifest import TensorSpec
from protocol.bundle.verify import Bundle

_CODES = {"int8": "b", "uint8": "B", "int16": "h", "int32": "i", "float32": "f"}
"""For struct."""


def size_bytes(tensor: TensorSpec) -> int:
    return math.prod(tensor.shape) * struct.calcsize(_CODES[tensor.dtype])


def expected_outputs(bundle: Bundle) -> Sequence[Sequence[bytes]] | None:
    """The outputs of each vector, where they are compared element by element; else None.

    Raises:
        BundleError: the file has not as many bytes as they take.
    """
    test = bundle.manifest.self_test
    if test.outputs is None:
        return None
    data, tensors = bundle.files[test.outputs], bundle.manifest.model.outputs
    sizes = [size_bytes(tensor) for tensor in tensors]
    if len(data) != len(test.vectors) * sum(sizes):
        raise _failed(f"{test.outputs} has {len(data):,} bytes, which is not what outputs take")
    at = _ascending(sizes * len(test.vectors))
    pieces = [data[begin:end] for begin, end in at]
    return [pieces[i : i + len(sizes)] for i in range(0, len(pieces), len(sizes))]


def check_exact(bundle: Bundle, vector: int, input_crc32: int, output_crc32: int) -> None:
    """Compares checksums.

    Raises:
        BundleError: of the stage SELF_TEST.
    """
    wanted = bundle.manifest.self_test.vectors[vector]
    check_inputs(bundle, vector, input_crc32)
    if output_crc32 != wanted.output_crc32:
        raise _failed(
            f"vector {vector} (seed {wanted.seed}): the output's CRC-32 is 0x{output_crc32:08x}, "
            f"not 0x{wanted.output_crc32:08x}"
        )


def check_inputs(bundle: Bundle, vector: int, input_crc32: int) -> None:
    """Whether the board drew the inputs that were meant. Raises BundleError."""
    wanted = bundle.manifest.self_test.vectors[vector]
    if input_crc32 != wanted.input_crc32:
        raise _failed(
            f"vector {vector} (seed {wanted.seed}): the board drew an input of CRC-32 "
            f"0x{input_crc32:08x}, not 0x{wanted.input_crc32:08x}"
        )


def check_outputs(
    bundle: Bundle, vector: int, actual: Sequence[bytes], expected: Sequence[bytes]
) -> None:
    """Compares outputs element by element, where engines round by the processor they find.

    Raises:
        BundleError: of the stage SELF_TEST; with the element that is furthest off.
    """
    test = bundle.manifest.self_test
    tensors = bundle.manifest.model.outputs
    for tensor, got, wanted in zip(tensors, actual, expected, strict=True):
        if len(got) != len(wanted):
            raise _failed(f"vector {vector}: {tensor.name} has {len(got):,} bytes")
        if got == wanted:
            continue
        layout = f"<{len(got) // struct.calcsize(_CODES[tensor.dtype])}{_CODES[tensor.dtype]}"
        values, goals = struct.unpack(layout, got), struct.unpack(layout, wanted)
        allowed: float = test.steps
        if tensor.dtype == "float32":
            allowed = test.relative * max((abs(goal) for goal in goals), default=0.0)
        for index, (value, goal) in enumerate(zip(values, goals, strict=True)):
            if not abs(value - goal) <= allowed:  # so that a NaN fails too
                raise _failed(
                    f"vector {vector}: {tensor.name}[{index}] is {value:g}, not {goal:g} "
                    f"(±{allowed:g})"
                )


def _ascending(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    begin = 0
    for size in sizes:
        yield begin, begin + size
        begin += size


def _failed(reason: str) -> BundleError:
    return BundleError(Stage.SELF_TEST, reason)
