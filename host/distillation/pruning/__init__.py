"""Pruning a float model: weights zeroed one by one, or whole channels taken out of the graph."""
