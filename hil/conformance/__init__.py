"""Tests an agent, any agent, against protocol/SPEC.md.

``python -m hil.conformance --port PORT``: see README.md in this folder.
"""
