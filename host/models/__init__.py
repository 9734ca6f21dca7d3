"""Model importers, and the graph they produce."""
