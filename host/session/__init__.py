"""Speaks the protocol with one board: the only code on the host that knows its messages."""

from host.session.deadline import Deadline
from host.session.exchange import Exchange, TrafficCounters
from host.session.lease_watch import Lease, LeaseWatch
from host.session.model_upload import LoadedModel, read_report, upload_model
from host.session.session import LoadedPlan, RunResult, Session

__all__ = [
    "Deadline",
    "Exchange",
    "Lease",
    "LeaseWatch",
    "LoadedModel",
    "LoadedPlan",
    "RunResult",
    "Session",
    "TrafficCounters",
    "read_report",
    "upload_model",
]
