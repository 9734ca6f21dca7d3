"""Runs of a farm: models on boards as jobs, with an outcome for each whatever happens.

``make_candidates`` and ``choose_boards`` say of what, ``plan_jobs`` makes jobs of them, and
``run_jobs`` does them; each measurement is in the history exactly once.
"""

from hil.run.candidates import Precision, find_models, make_candidates
from hil.run.faults import Fault, FaultKind, Owner
from hil.run.jobs import Candidate, Job, Settings
from hil.run.journal import Journal, new_run
from hil.run.limits import Limits
from hil.run.observer import RunObserver, Unobserved
from hil.run.outcome import Attempt, Outcome, RunResult, Status
from hil.run.plan import all_boards, choose_boards, plan_jobs
from hil.run.scheduler import run_jobs

__all__ = [
    "Attempt",
    "Candidate",
    "Fault",
    "FaultKind",
    "Job",
    "Journal",
    "Limits",
    "Outcome",
    "Owner",
    "Precision",
    "RunObserver",
    "RunResult",
    "Settings",
    "Status",
    "Unobserved",
    "all_boards",
    "choose_boards",
    "find_models",
    "make_candidates",
    "new_run",
    "plan_jobs",
    "run_jobs",
]
