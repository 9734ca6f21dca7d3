"""``python -m hil.conformance --port PORT``: a line a check; exit code 0: the agent conforms."""

from __future__ import annotations

import argparse
import sys

from hil.conformance.runner import Verdict, run_checks
from host.errors import JumpstationError
from host.links.open import open_link

_DOES_NOT_CONFORM = 5
"""As a board that fails: see the exit codes of `host`."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m hil.conformance", description="Test an agent against protocol/SPEC.md."
    )
    parser.add_argument("--port", required=True, help="as of `host measure`: /dev/ttyACM0, tcp://…")
    parser.add_argument("--baud", type=int, help="of a serial port")
    parser.add_argument("--deadline-s", type=float, default=10.0, help="longest wait for an answer")
    parser.add_argument("--only", default="", help="checks whose area or sentence has this in it")
    options = parser.parse_args(arguments)
    counts = dict.fromkeys(Verdict, 0)
    try:
        results = run_checks(
            lambda: open_link(options.port, baud=options.baud),
            deadline_s=options.deadline_s,
            only=options.only,
        )
        for result in results:
            counts[result.verdict] += 1
            reason = f"\n{'':20}{result.reason}" if result.reason else ""
            check = result.check
            print(f"{result.verdict.value:8}{check.area:12}{check.sentence}{reason}", flush=True)
    except JumpstationError as error:
        print(f"{error}\n{error.hint}".rstrip(), file=sys.stderr)
        return int(error.exit_code)
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())
    print(f"\n{told}")
    return _DOES_NOT_CONFORM if counts[Verdict.FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
