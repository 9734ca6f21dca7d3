"""The requirement vector of a model that was just made, with its error against the original."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from host.targeting import candidates as kept_candidates
from host.targeting.profiler import profile_quantized
from host.targeting.vector import RequirementVector


def requirements_of(
    written: Path,
    tflite: bytes,
    precision: str,
    errors: Mapping[str, Any],
    output_range: tuple[float, float],
    progress: Callable[[str], None] = lambda _: None,
) -> RequirementVector:
    """What ``host target --profile`` is to read of a quantized model.

    Args:
        written: the model's file.
        errors: ``mean`` and perhaps ``relative_mean``, against the float original on a hold-out.
        output_range: the smallest and the largest output of the original there.

    Raises:
        ModelError: no plan can be made of it.
        ConfigError: the cache of candidates cannot be written.
    """
    low, high = output_range
    relative = errors["mean"] / (high - low) if high > low else 0.0
    details = {
        "errors": {precision: {"relative_mean": relative, **errors}},
        "output_range": [low, high],
    }
    candidates = {precision: tflite}
    kept_candidates.keep(candidates)
    digest = hashlib.sha256(tflite).hexdigest()
    return profile_quantized(written, digest, candidates, details, progress)
