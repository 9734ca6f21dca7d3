"""How long and how often a run tries."""

from __future__ import annotations

import attrs

from hil.run.journal import CellPast

_LEAST_S = 60.0
_TIMES_LONGER = 10.0
"""Than the longest that the cell ever took: a busy machine is slower, but not by that much."""


@attrs.frozen(kw_only=True)
class Limits:
    """Every wait of a session has a deadline of its own; these bound what they add up to.

    Attributes:
        job_deadline_s: the longest that a job may take, all its tries together.
        attempts: tries of a job, where another makes sense.
        retry_delay_s: pause before another try.
        busy_wait_s: how long a board that somebody else holds is waited for.
        quarantine_after: jobs lost in a row to a board or its link that put it into quarantine.
    """

    job_deadline_s: float = 900.0
    attempts: int = 3
    retry_delay_s: float = 1.0
    busy_wait_s: float = 120.0
    quarantine_after: int = 3

    def deadline_s(self, past: CellPast | None) -> float:
        """For a job of a cell: what it took before tells more than the cap, which holds as well."""
        if past is None:
            return self.job_deadline_s
        return min(self.job_deadline_s, max(_LEAST_S, _TIMES_LONGER * past.took_s))
