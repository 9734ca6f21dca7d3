"""What the output must be: the same model and input under the reference arithmetic."""

from __future__ import annotations

import attrs

from host import reference
from host.measurement.candidates import Candidate
from host.measurement.inputs import Inputs


@attrs.frozen
class Expectation:
    """CRC-32 over all outputs, and the arithmetic that gave it."""

    crc32: int
    arithmetic: str


def expected_output(candidate: Candidate, inputs: Inputs) -> Expectation:
    """What the board's outputs should be."""
    expected = reference.expected_output(candidate.graph, candidate.path.read_bytes(), inputs.data)
    return Expectation(expected.crc32, expected.arithmetic)
