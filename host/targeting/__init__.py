"""From a model to the smallest board: what it needs, what each board has, and which is enough."""
