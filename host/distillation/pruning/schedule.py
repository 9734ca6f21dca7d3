"""How pruning and training take turns."""

from __future__ import annotations

import attrs

_MOST_STEPS = 5


@attrs.frozen
class Step:
    """Prune to ``reached``, a part of what is asked for in the end; then train for ``epochs``."""

    reached: float
    epochs: int


def steps_of(epochs: int) -> tuple[Step, ...]:
    """Half of the epochs follow the prunings on the way, the rest the last.

    Zhu and Gupta 2017 ("To prune, or not to prune"), equation 1 from sparsity 0: much goes while
    much does little, and little towards the end.
    """
    count = max(1, min(_MOST_STEPS, epochs // 2))
    each = epochs // (2 * count)
    return tuple(
        Step(
            reached=1.0 - (1.0 - step / count) ** 3,
            epochs=each if step < count else epochs - each * (count - 1),
        )
        for step in range(1, count + 1)
    )
