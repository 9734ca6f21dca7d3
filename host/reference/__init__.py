"""Reference inference: what every board's output is compared with."""

from host.reference.inference import reference_run
from host.reference.oracle import ARITHMETIC, ExpectedOutput, expected_output

__all__ = ["ARITHMETIC", "ExpectedOutput", "expected_output", "reference_run"]
