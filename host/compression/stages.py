"""The stages: each makes a candidate of the float model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from host.compression.candidate import Candidate, Stage
from host.compression.holdout import HoldOut
from host.compression.students import PRECISION as STUDENT_PRECISION
from host.compression.students import Classroom, compare_seeds
from host.distillation.calibration import spread
from host.distillation.pruning.by_channel import prune_channels
from host.distillation.pruning.fine_tuning import FineTuning
from host.distillation.pruning.sensitivity import some_of
from host.distillation.quantization import PRECISIONS, quantize
from host.distillation.students import ARCHITECTURES, Fitted, Judge
from host.distillation.students.teaching import TeachingOptions
from host.distillation.training import require_torch
from host.distillation.training.data import Split
from host.errors import ConfigError, ModelError, NotMetError
from host.models.graph import Graph

SPARSITIES = (0.125, 0.25, 0.375, 0.5)
"""Shares of the channels that pruning takes out, the least that fits first. Beyond half, a network
trained afresh at that size does as well (Liu et al. 2019, "Rethinking the value of network
pruning"), and a student is one, with a teacher."""

Progress = Callable[[str], None]


@attrs.frozen(eq=False, kw_only=True)
class Workshop:
    """What every stage works with. ``room.split`` has the original's scores beside its samples."""

    graph: Graph
    room: Classroom
    judge: Judge
    teaching: TeachingOptions
    epochs: int
    seeds: int
    progress: Progress

    @property
    def split(self) -> Split:
        return self.room.split

    @property
    def hold_out(self) -> HoldOut:
        return self.room.hold_out

    def quantized(self) -> Candidate:
        """Post-training quantization of the model as it is."""
        models = self._models(self.graph)
        return self._candidate((Stage.QUANTIZE,), "post-training quantization", self.graph, models)

    def trained(self, candidate: Candidate, precision: str) -> Candidate:
        """Quantization-aware training of a candidate's float model; its other precisions stay.

        Raises:
            ConfigError: torch is not installed.
            ModelError: training diverges.
        """
        require_torch()
        from host.distillation.training.qat import QatOptions, train_quantized

        self.progress(f"training with {precision} in the loop")
        options = QatOptions(epochs=self.epochs, seed=self.teaching.seed)
        # What is judged is the distance from the original, so that it alone is the teacher.
        unlabelled = Split(
            *(
                attrs.evolve(part, labels=None)
                for part in (self.split.train, self.split.validation, self.split.hold_out)
            )
        )
        learned = train_quantized(candidate.graph, unlabelled, precision, options, self.progress)
        made = tuple(stage for stage in candidate.stages if stage is not Stage.QUANTIZE)
        before = f"{candidate.what}, then " if made else ""
        return self._candidate(
            (*made, Stage.QAT),
            f"{before}quantization-aware training to {precision}",
            candidate.graph,
            {**candidate.models, precision: learned.tflite},
            {**candidate.details, "epochs": self.epochs, "best_epoch": learned.fit.best_epoch},
        )

    def pruned(self) -> Candidate | None:
        """With the fewest channels gone that let it fit; None where more than half would have to.

        Raises:
            ConfigError: torch is not installed.
            ModelError: training diverges.
        """
        require_torch()
        for sparsity in SPARSITIES:
            try:
                at_once = self._without(sparsity, epochs=0)
            except ModelError:  # no channel of it can go
                return None
            need = self.judge(at_once)
            fits = "; ".join(need.violations) or "fits"
            self.progress(f"without {sparsity:.1%} of the channels: {fits}")
            if not need.violations:
                graph = self._without(sparsity, epochs=self.epochs)
                models = self._models(graph)
                what = f"{sparsity:.1%} of the channels pruned, {self.epochs} epochs of training"
                stages = (Stage.PRUNE, Stage.QUANTIZE)
                details = {"sparsity": sparsity, "epochs": self.epochs}
                return self._candidate(stages, what, graph, models, details)
        return None

    def students(self, architectures: tuple[str, ...]) -> Iterator[Candidate]:
        """Taught students that fit, the one with the most to store first.

        Args:
            architectures: those that come into question; empty: all.

        Raises:
            NotMetError: none of them fits; with each one's reasons.
            ConfigError: torch is not installed.
        """
        require_torch()
        fitting, reasons = self._fitting(architectures or tuple(ARCHITECTURES))
        if not fitting:
            raise NotMetError(
                f"no student fits: {'; '.join(reasons)}",
                hint="a larger --target, or a looser --latency-budget-ms",
            )
        for fitted in sorted(fitting, key=lambda fitted: -fitted.need.plan_bytes):
            yield self._student(fitted)

    def _fitting(self, architectures: tuple[str, ...]) -> tuple[list[Fitted], list[str]]:
        fitting, reasons = [], []
        for architecture in architectures:
            self.progress(f"looking for the largest {architecture} that fits")
            try:
                fitting.append(self.room.fitted(architecture, self.judge))
            except (NotMetError, ConfigError) as error:
                reasons.append(str(error))
        return fitting, reasons

    def _student(self, fitted: Fitted) -> Candidate:
        comparison = compare_seeds(self.room, fitted, self.teaching, self.seeds, self.progress)
        student = comparison.best
        shape = fitted.shape
        edge = "x".join(map(str, shape.input_shape[1:]))
        return Candidate(
            stages=(Stage.DISTILL, Stage.QUANTIZE),
            what=f"{shape.architecture} of width {shape.width:g}, input {edge}, seed "
            f"{student.seed}",
            graph=student.graph,
            models={STUDENT_PRECISION: student.tflite},
            worth={STUDENT_PRECISION: student.worth},
            details={
                "architecture": shape.architecture,
                "width": shape.width,
                "input_shape": list(shape.input_shape),
                "parameters": student.graph.parameters,
                "best_epoch": student.best_epoch,
                "accuracy_float": student.worth_float["accuracy"],
                "comparison": comparison.to_dict() if self.seeds > 1 else None,
            },
        )

    def _without(self, sparsity: float, epochs: int) -> Graph:
        tuning = FineTuning(
            split=self.split,
            epochs=epochs,
            learning_rate=self.teaching.learning_rate / 3,
            seed=self.teaching.seed,
            progress=self.progress if epochs else lambda _: None,
        )
        samples = some_of(self.split.validation.inputs[0])
        return prune_channels(self.graph, sparsity, tuning, samples).graph

    def _models(self, graph: Graph) -> dict[str, bytes]:
        """Quantized after training, ranges learned without the hold-out."""
        models = {}
        for precision in PRECISIONS:
            self.progress(f"quantizing to {precision}")
            samples, judged = (
                spread(part.inputs[0]) for part in (self.split.train, self.split.validation)
            )
            models[precision] = quantize(graph, samples, judged, precision).tflite
        return models

    def _candidate(
        self,
        stages: tuple[Stage, ...],
        what: str,
        graph: Graph,
        models: dict[str, bytes],
        details: Mapping[str, Any] | None = None,
    ) -> Candidate:
        return Candidate(
            stages=stages,
            what=what,
            graph=graph,
            models=models,
            worth={name: self.hold_out.worth_of(model) for name, model in models.items()},
            details={"parameters": graph.parameters, **(details or {})},
        )
