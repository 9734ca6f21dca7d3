"""A golden set: samples that never change, and what must come of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from hil.golden.decisions import DecisionRule, Decisions, distances
from host.compiler import TensorContract

MIN_SAMPLES, MAX_SAMPLES = 100, 500


@attrs.frozen(kw_only=True)
class ModelFile:
    """``sha256`` is the file's, ``name`` without its folder."""

    name: str
    sha256: str


@attrs.frozen(kw_only=True)
class FloatReference:
    """The float model, and what ran it."""

    model: ModelFile
    engine: str


@attrs.frozen(kw_only=True)
class Tolerance:
    """``given`` as asked for; ``absolute`` in units of output 0.

    They are the same where the outputs lie within 0..1; else ``given`` is a part of their range,
    as it is of the profile's quantization errors.
    """

    given: float
    absolute: float


@attrs.frozen(kw_only=True, eq=False)
class GoldenSet:
    """``n`` samples of one int8 model, in the model's order of inputs and outputs.

    ``float_samples`` are what was given, float32 [n, *shape of input 0]; ``inputs`` the same
    quantized, and ``outputs`` what the boards' arithmetic makes of them: int8 [n, *shape] each.
    ``float_output`` is output 0 of the float model, float32 [n, elements], where there is one.
    ``digests`` are the SHA-256 of each sample's quantized bytes. ``source`` computed the outputs:
    ``tflite-micro`` or ``numpy``. ``sha256`` is the digest of the manifest, "" before it is kept.
    """

    name: str
    sha256: str = ""
    model: ModelFile
    data: str
    arithmetic: str
    source: str
    rule: DecisionRule
    tolerance: Tolerance
    float_reference: FloatReference | None
    input_contracts: tuple[TensorContract, ...]
    output_contracts: tuple[TensorContract, ...]
    digests: tuple[str, ...]
    float_samples: NDArray[np.float32]
    inputs: tuple[NDArray[np.int8], ...]
    outputs: tuple[NDArray[np.int8], ...]
    float_output: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def real_output(self) -> NDArray[np.float32]:
        """Output 0 of the quantized reference as real numbers, [n, elements]."""
        return as_real(self.outputs[0], self.output_contracts[0])

    @property
    def decisions(self) -> Decisions:
        """Those of the quantized reference, which a board must make too."""
        return self.rule.decide(self.real_output)

    @property
    def float_decisions(self) -> Decisions | None:
        return None if self.float_output is None else self.rule.decide(self.float_output)

    @property
    def reference_violations(self) -> NDArray[np.bool_] | None:
        """[n]: where the quantized reference itself is out of tolerance; None without a float."""
        if self.float_output is None:
            return None
        return distances(self.real_output, self.float_output) > self.tolerance.absolute

    def input_bytes(self, sample: int) -> tuple[bytes, ...]:
        """Of each input, quantized."""
        return tuple(array[sample].tobytes() for array in self.inputs)

    def output_bytes(self, sample: int) -> bytes:
        """Of all outputs, one after another."""
        return b"".join(array[sample].tobytes() for array in self.outputs)


def as_real(values: NDArray[Any], contract: TensorContract) -> NDArray[np.float32]:
    """[n, elements] of [n, *shape]: dequantized where it is of integers."""
    flat = values.reshape(len(values), -1)
    if not np.issubdtype(flat.dtype, np.integer):
        return flat.astype(np.float32)
    centred = flat.astype(np.float32) - np.float32(contract.zero_point)
    return centred * np.float32(contract.scale)


def sample_digests(inputs: Sequence[NDArray[np.int8]]) -> tuple[str, ...]:
    """SHA-256 of each sample's bytes, all inputs one after another."""
    return tuple(
        hashlib.sha256(b"".join(array.tobytes() for array in sample)).hexdigest()
        for sample in zip(*inputs, strict=True)
    )
