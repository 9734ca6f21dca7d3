"""The history: every measurement that was made, and what an op took."""

from host.evidence.history import History, LatencyPoint, OpSample, Query

__all__ = ["History", "LatencyPoint", "OpSample", "Query"]
