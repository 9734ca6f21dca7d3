"""The fallback where a board cannot be measured: cost models and rooflines."""

from host.targeting.simulate.simulation import simulate

__all__ = ["simulate"]
