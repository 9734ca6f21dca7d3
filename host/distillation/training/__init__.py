"""Trains a graph's weights anew: the only room of the project that imports torch.

``data`` and ``accuracy`` do without it; before any other module is imported,
:func:`require_torch` is called.
"""

from __future__ import annotations

import importlib.util

from host.errors import ConfigError


def require_torch() -> None:
    """
    Raises:
        ConfigError: torch, which the extra ``train`` brings, is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(
            "training needs torch, which is not installed here",
            hint="run `.venv/bin/python -m pip install '.[train]'` (torch's CPU build is enough)",
        )
