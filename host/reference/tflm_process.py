"""Inferences on TFLM's interpreter, in a process of its own: some files abort it.

Run as ``python -m host.reference.tflm_process REQUEST ANSWER``, both ``.npz`` files.
The request holds ``model`` (the file's bytes), ``input_0`` ... of shape (samples, *input's) in
the interpreter's dtypes, ``tensors`` (indices to read back). The answer holds ``tensor_<index>``,
samples first.
TFLM prints from C; whoever starts this process discards its output.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARENA_BYTES_PER_MODEL_BYTE = 20
LEAST_ARENA_BYTES = 4 << 20


def main(request_path: str, answer_path: str) -> None:
    """Raises whatever TFLM raises: the exit status tells the parent."""
    from tflite_micro.python.tflite_micro import runtime

    with np.load(request_path) as request:
        model = request["model"].tobytes()
        tensors = [int(index) for index in request["tensors"]]
        inputs = [request[f"input_{position}"] for position in range(len(request.files) - 2)]
    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=max(LEAST_ARENA_BYTES, ARENA_BYTES_PER_MODEL_BYTE * len(model)),
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )
    found: dict[int, list[NDArray[Any]]] = {index: [] for index in tensors}
    for sample in zip(*inputs, strict=True):
        for position, array in enumerate(sample):
            interpreter.set_input(array, position)
        interpreter.invoke()
        for index, values in found.items():
            values.append(np.array(interpreter.GetTensor(index, 0)["tensor_data"]))
    answers = {f"tensor_{index}": np.stack(values) for index, values in found.items()}
    np.savez(answer_path, allow_pickle=False, **answers)


if __name__ == "__main__":
    main(*sys.argv[1:3])
