"""A compressed model: what it is, what it is worth, and what became of it on the target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from host.models.graph import Graph
from host.targeting.selection import assess
from host.targeting.vector import RequirementVector
from host.targeting.verdict import DeviceVerdict, Limits


class Stage(StrEnum):
    """What was done to the float model, in the order in which it is thought of."""

    QUANTIZE = "quantize"
    QAT = "qat"
    PRUNE = "prune"
    DISTILL = "distill"


@attrs.frozen(eq=False, kw_only=True)
class Candidate:
    """``stages`` in the order in which they were run; ``graph`` is the float model behind the
    ``models``, quantized ``.tflite`` by precision.

    ``worth``: by precision, on the hold-out, as :meth:`HoldOut.worth_of` has it. ``details``: plain
    JSON values of how it was made.
    """

    stages: tuple[Stage, ...]
    what: str
    graph: Graph
    models: Mapping[str, bytes]
    worth: Mapping[str, Mapping[str, Any]]
    details: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def stage(self) -> Stage:
        """The last one that it went through."""
        return self.stages[-1]


@attrs.frozen(eq=False)
class Attempt:
    """A candidate with its requirement vector, held against the target and tried out there."""

    candidate: Candidate
    vector: RequirementVector
    verdict: DeviceVerdict
    limits: Limits

    @property
    def passed(self) -> bool:
        return self.verdict.passed

    @property
    def precision(self) -> str:
        """The one that the target runs, or would if the model fitted."""
        return self.verdict.best.precision

    @property
    def failed(self) -> frozenset[str]:
        """Names of the checks that it does not pass."""
        return frozenset(check.name for check in self.verdict.best.failed)

    @property
    def trainable(self) -> str | None:
        """The precision that would pass were it not for its error; None where there is none."""
        for precision in self.candidate.models:
            verdict = assess(self.verdict.best.site, self.vector, self.limits, precision)
            timed = self.failed - {"ram", "storage", "backend", "quantization", "ui"}
            if {check.name for check in verdict.failed} == {"quantization"} and not timed:
                return precision
        return None

    @property
    def requirements(self) -> RequirementVector:
        """The vector of the file that is kept: of the weights that the target runs."""
        model = {
            **self.vector.details["model"],
            "sha256": hashlib.sha256(self.weights).hexdigest(),
        }
        return attrs.evolve(self.vector, details={**self.vector.details, "model": model})

    @property
    def weights(self) -> bytes:
        """The quantized model that the target is to run."""
        return self.candidate.models[self.precision]
