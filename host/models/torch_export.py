"""Exports a PyTorch file to ONNX; the only place that imports torch.

Run as ``python -m host.models.torch_export FORMAT SOURCE TARGET SHAPES``. ``FORMAT`` is ``pt2``
or ``torchscript``, ``SHAPES`` the inputs' shapes as JSON, for the latter alone. Status 1 and a
last line on stderr say why it did not work.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from typing import Any

OPSET = 18
"""The lowest that torch's exporter writes without converting versions."""


def main(kind: str, source: str, target: str, shapes: str) -> None:
    """Raises whatever torch raises."""
    torch: Any = importlib.import_module("torch")
    if kind == "pt2":
        program = torch.onnx.export(
            torch.export.load(source), dynamo=True, opset_version=OPSET, verbose=False
        )
        program.save(target)
        return
    examples = tuple(torch.zeros(shape) for shape in json.loads(shapes))
    module = torch.jit.load(source, map_location="cpu")
    # torch.export takes no ScriptModule; the exporter from before it does.
    torch.onnx.export(module, examples, target, dynamo=False, opset_version=OPSET)


def _root(error: BaseException) -> BaseException:
    """torch wraps a reason in advice; the reason is what the user can act on."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    try:
        main(*sys.argv[1:5])
    except Exception as error:
        reason = _root(error)
        first_line = next(iter(str(reason).strip().splitlines()), "")
        sys.exit(f"{type(reason).__name__}: {first_line}")
