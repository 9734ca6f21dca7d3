"""Model importers, and the graph they produce."""

from host.models.loader import load_model

__all__ = ["load_model"]
