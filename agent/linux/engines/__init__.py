"""What runs models: each in a process of its own, so that its end is not the agent's."""
