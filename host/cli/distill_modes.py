"""What ``host distill`` does in each of its modes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import typer

from host.cli.progress import progress_observer
from host.compression.distilling import DistillRequest, distill_model
from host.compression.pruning import PruneRequest, prune_model, writer_for
from host.compression.requirements import requirements_of
from host.compression.students import PRECISION
from host.evidence import History
from host.files import check_writable, write_bytes, write_text
from host.measurement.observer import Observer
from host.targeting import candidates as kept_candidates
from host.targeting.profiler import profile_model


@attrs.frozen(kw_only=True)
class Outputs:
    """Where results go; ``file`` None: beside the model."""

    file: Path | None
    report: Path | None
    profile: Path | None
    as_json: bool
    history: str | None
    keep: bool

    @contextlib.contextmanager
    def at_work(self) -> Iterator[tuple[History | None, Observer]]:
        """The history, where measurements are kept, and who is told how it goes on."""
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(History.open(self.history)) if self.keep else None
            yield kept, stack.enter_context(progress_observer())

    def tell(self, report: dict[str, Any]) -> bool:
        """Writes the report; prints it where JSON is wanted, and says whether."""
        text = json.dumps(report, indent=2)
        if self.report is not None:
            write_text(self.report, text + "\n")
        if self.as_json:
            print(text)
        return self.as_json


def run_pruning(request: PruneRequest, outputs: Outputs) -> None:
    """Prunes, writes the float model, and reports."""
    from host.cli.render_pruning import print_pruning

    written = outputs.file or request.model.with_name(f"{request.model.stem}_pruned.onnx")
    writer = writer_for(written)
    check_writable(written, outputs.report, outputs.profile)
    with outputs.at_work() as (history, observer):
        result = prune_model(request, history, observer.stage)
        for note in result.notes:
            observer.note(note)
        write_bytes(written, writer(result.graph))
        if outputs.profile is not None:
            profiled = profile_model(written, request.data, observer.stage)
            kept_candidates.keep(profiled.candidates)
            write_text(outputs.profile, profiled.vector.to_json() + "\n")
    if not outputs.tell(result.report):
        print_pruning(result.report, written)


def run_distillation(request: DistillRequest, outputs: Outputs) -> None:
    """Teaches a student, writes it as int8, and reports; exits with 3 beyond the tolerance."""
    from host.cli.render_distillation import print_distillation

    name = f"{request.teacher.stem}_{request.architecture}.tflite"
    written = outputs.file or request.teacher.with_name(name)
    check_writable(written, outputs.report, outputs.profile)
    with outputs.at_work() as (history, observer):
        result = distill_model(request, observer.stage, history)
        for note in result.notes:
            observer.note(note)
        student = result.student
        write_bytes(written, student.tflite)
        if outputs.profile is not None:
            ends = result.report["teacher"]["output_range"]
            vector = requirements_of(
                written, student.tflite, PRECISION, student.worth, ends, observer.stage
            )
            write_text(outputs.profile, vector.to_json() + "\n")
    if not outputs.tell(result.report):
        print_distillation(result.report, written)
    raise typer.Exit(int(result.exit_code))
