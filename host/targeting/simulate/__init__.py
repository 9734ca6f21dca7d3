"""The fallback where a board cannot be measured: cost models and rooflines."""

from host.targeting.simulate.simulation import measured_cell, simulate

__all__ = ["measured_cell", "simulate"]
