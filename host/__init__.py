"""The orchestrator: model in, measurement out."""
