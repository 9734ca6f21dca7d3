"""Compiles an int8 graph into a plan."""

from host.compiler.compiled import CompiledPlan, PlannedOp, TensorContract, TensorPlace
from host.compiler.compiler import compile_graph
from host.compiler.options import CompileOptions

__all__ = [
    "CompileOptions",
    "CompiledPlan",
    "PlannedOp",
    "TensorContract",
    "TensorPlace",
    "compile_graph",
]
