"""The agent for boards that run Linux: ``python -m agent.linux``."""
