"""Reference inference: what every board's output is compared with."""

from host.reference.inference import reference_run
from host.reference.oracle import (
    ARITHMETIC,
    ExpectedOutput,
    expected_output,
    expected_outputs,
)

__all__ = [
    "ARITHMETIC",
    "ExpectedOutput",
    "expected_output",
    "expected_outputs",
    "reference_run",
]
