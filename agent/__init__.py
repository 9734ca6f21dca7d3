"""Agents for boards that run Python."""
