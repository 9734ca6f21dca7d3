"""``python -m host.distillation.distiller`` is ``host distill``."""

from __future__ import annotations

if __name__ == "__main__":
    from host.cli import main

    main(command="distill")
