"""Runs TensorFlow Lite Micro for :mod:`tests.support.tflm`: pickles in, pickles out."""

from __future__ import annotations

import os
import pickle
import struct
import sys

import numpy as np


def read_tensors(
    model: bytes, inputs: list[np.ndarray], tensors: list[int], arena_bytes: int
) -> dict[int, np.ndarray]:
    """One run; the listed tensors by index, each in its shape."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=arena_bytes,
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )
    for index, value in enumerate(inputs):
        interpreter.set_input(value, index)
    interpreter.invoke()
    return {i: np.array(interpreter.GetTensor(i, 0)["tensor_data"]) for i in tensors}


def main() -> None:
    # The interpreter prints from C: what it says must not mix with the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while header := sys.stdin.buffer.read(4):
        (length,) = struct.unpack("<I", header)
        arguments = pickle.loads(sys.stdin.buffer.read(length))
        try:
            answer = pickle.dumps(read_tensors(*arguments))
        except RuntimeError as error:
            answer = pickle.dumps(error)
        answers.write(struct.pack("<I", len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
