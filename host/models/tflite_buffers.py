"""Brings a ``.tflite`` file's constants into its FlatBuffer.

A writer may put large constants behind the FlatBuffer and name their offset and size. TensorFlow
Lite Micro reads none of that.
"""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

from host.errors import ModelError
from host.models.tflite_writer import FILE_IDENTIFIER, AlignedBuffer

_FIRST_OFFSET = 2
"""Smaller offsets say that there is none: 0, and 1 as a placeholder."""


def inline_buffers(data: bytes) -> bytes:
    """The same model with every constant inside; ``data`` itself where that is so already.

    Raises:
        ModelError: a constant's place lies outside the file.
    """
    root = schema.Model.GetRootAs(data)
    if all(
        (buffer := root.Buffers(index)) is None or buffer.Offset() < _FIRST_OFFSET
        for index in range(root.BuffersLength())
    ):
        return data
    model = schema.ModelT.InitFromObj(root)
    for index, buffer in enumerate(model.buffers):
        inside = AlignedBuffer()
        inside.data = buffer.data
        if buffer.offset >= _FIRST_OFFSET:
            end = buffer.offset + buffer.size
            if end > len(data):
                raise ModelError(f"buffer {index} ends at byte {end} of a file of {len(data)}")
            inside.data = np.frombuffer(data[buffer.offset : end], np.uint8)
        model.buffers[index] = inside
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())
