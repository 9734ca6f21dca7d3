"""Holds candidates against the target, and tries out there what passes the checks before it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from devices import Profile
from host.compression.candidate import Attempt, Candidate
from host.compression.holdout import HoldOut
from host.evidence import History
from host.targeting import candidates as kept_candidates
from host.targeting.bench import EvidenceBench
from host.targeting.profiler import profile_quantized
from host.targeting.selection import select
from host.targeting.site import Device
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Limits


@attrs.frozen(eq=False, kw_only=True)
class Target:
    """One board, what is asked of it, and who is told how it goes on.

    ``output``: the file that the weights will be written to.
    """

    device: Device
    profiles: Sequence[Profile]
    limits: Limits
    hold_out: HoldOut
    output: Path
    history: History | None
    progress: Callable[[str], None]

    def try_out(self, candidate: Candidate) -> Attempt:
        """
        Raises:
            ModelError: no plan can be made of it.
        """
        vector = self._vector(candidate)
        files = kept_candidates.keep(candidate.models)
        bench = EvidenceBench(
            vector,
            files,
            self.profiles,
            history=self.history,
            watch=lambda site, text: self.progress(f"{site.device}: {text}"),
        )
        selection = select([self.device], vector, self.limits, bench)
        return Attempt(candidate, vector, selection.verdicts[0], self.limits)

    def _vector(self, candidate: Candidate) -> RequirementVector:
        low, high = self.hold_out.output_range
        data = self.hold_out.data
        details: dict[str, Any] = {
            "calibration": {
                "source": str(Path(data.source).resolve()),
                "sha256": data.sha256,
                "hold_out_count": len(data),
            },
            "errors": {precision: dict(worth) for precision, worth in candidate.worth.items()},
            "output_range": [low, high],
            "compression": {"stages": list(candidate.stages), "what": candidate.what},
        }
        weights = candidate.models["int8"]
        return profile_quantized(
            self.output,
            hashlib.sha256(weights).hexdigest(),
            dict(candidate.models),
            details,
            self.progress,
        )
