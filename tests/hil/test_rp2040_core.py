"""The core's instructions equal those of rp2040js, which somebody else wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

_CHECK = Path(__file__).parents[2] / "hil" / "emulators" / "rp2040" / "instructions_check.mjs"


def test_instructions_equal_those_of_another_core() -> None:
    run = subprocess.run(
        ["node", str(_CHECK), "100000", "20040"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout == "100000 instructions equal\n"
