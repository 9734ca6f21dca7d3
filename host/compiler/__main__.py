"""``python -m host.compiler MODEL [-o PLAN]``: compile a model, or list a plan's contents."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from host.compiler import CompileOptions, compile_graph
from host.compiler.describe import describe
from host.errors import JumpstationError
from host.models import load_model


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m host.compiler", description="Compile an int8 model into a plan."
    )
    parser.add_argument("model", type=Path, help=".tflite file")
    parser.add_argument("-o", "--output", type=Path, help="write the plan's bytes here")
    parser.add_argument("--arena-limit", type=int, metavar="BYTES", help="cut scratch back to fit")
    parser.add_argument(
        "--preserve-all", action="store_true", help="give every tensor a place of its own"
    )
    options = parser.parse_args(arguments)
    try:
        plan = compile_graph(
            load_model(options.model),
            CompileOptions(
                arena_limit_bytes=options.arena_limit, preserve_all=options.preserve_all
            ),
        )
    except JumpstationError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    if options.output is not None:
        options.output.write_bytes(plan.data)
    print(describe(plan.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
