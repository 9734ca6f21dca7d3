"""One inference on TFLM's interpreter, in a process of its own: some files abort it.

Run as ``python -m host.reference.tflm_process REQUEST ANSWER``, both ``.npz`` files.
The request holds ``model`` (the file's bytes), ``input_0`` ... in the interpreter's
dtypes, ``tensors`` (indices to read back). The answer holds ``tensor_<index>``.
TFLM prints from C; whoever starts this process discards its output.
"""

from __future__ import annotations

import sys

import numpy as np

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
    for position, array in enumerate(inputs):
        interpreter.set_input(array, position)
    interpreter.invoke()
    answers = {
        f"tensor_{index}": np.asarray(interpreter.GetTensor(index, 0)["tensor_data"])
        for index in tensors
    }
    np.savez(answer_path, allow_pickle=False, **answers)


if __name__ == "__main__":
    main(*sys.argv[1:3])
