"""Graph to graph, before anything is lowered; one module a pass."""
