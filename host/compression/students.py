"""A student for a board: as large as fits, taught, quantized, and judged on the hold-out."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import attrs

from host.compression.holdout import HoldOut
from host.distillation.calibration import spread
from host.distillation.quantization import quantize
from host.distillation.students import Fitted, Head, Judge, StudentShape, largest_that_fits
from host.distillation.students.teaching import (
    TeachingOptions,
    head_for,
    lessons,
    reduced,
    teach,
)
from host.distillation.teacher import Teacher
from host.distillation.training.data import Split
from host.distillation.training.epochs import EpochLines
from host.models.graph import Graph
from host.models.tflite_writer import write_float_tflite

PRECISION = "int8"

Progress = Callable[[str], None]


@attrs.frozen(eq=False)
class Classroom:
    """A teacher, and samples with what it says of each; nothing is trained on the hold-out."""

    teacher: Teacher
    head: Head
    split: Split
    hold_out: HoldOut

    @classmethod
    def open(cls, teacher: Teacher, split: Split, progress: Progress) -> Classroom:
        """
        Raises:
            ModelError: the teacher does not run.
            ConfigError: its outputs cannot be kept.
        """
        count = len(split.train) + len(split.validation) + len(split.hold_out)
        progress(f"asking {teacher.path.name} about {count} samples")
        expected = teacher.outputs(split.hold_out.inputs[0])
        hold_out = HoldOut(data=split.hold_out, expected=expected)
        return cls(teacher, head_for(teacher), lessons(teacher, split), hold_out)

    def fitted(self, architecture: str, judge: Judge) -> Fitted:
        """The largest student that the judge lets pass.

        Raises:
            NotMetError: none does.
            ConfigError: there is no such architecture, or it does not take such an input.
        """
        shape = StudentShape(
            architecture=architecture,
            width=1.0,
            input_shape=self.teacher.input_shape,
            output_shape=self.teacher.output_shape,
            head=self.head,
        )
        return largest_that_fits(shape, judge)

    def at(self, shape: StudentShape) -> Split:
        """The samples at a student's resolution."""
        parts = (self.split.train, self.split.validation, self.split.hold_out)
        return Split(*(reduced(part, shape.input_shape) for part in parts))


@attrs.frozen(eq=False, kw_only=True)
class Student:
    """``worth`` is the int8 model's on the hold-out, ``worth_float`` the float one's."""

    fitted: Fitted
    seed: int
    graph: Graph
    tflite: bytes
    validation_loss: float
    best_epoch: int
    worth: dict[str, Any]
    worth_float: dict[str, Any]


def raise_student(
    room: Classroom, fitted: Fitted, options: TeachingOptions, progress: Progress
) -> Student:
    """Teaches one student and quantizes it; ranges are learned without the hold-out.

    Raises:
        ConfigError: torch is not installed.
        ModelError: training diverges, or the quantizer refuses the student.
    """
    split = room.at(fitted.shape)
    taught = teach(fitted.shape, split.train, split.validation, options, EpochLines(progress))
    calibration = spread(split.train.inputs[0])
    quantized = quantize(taught.graph, calibration, split.validation.inputs[0], PRECISION)
    best = taught.fit.history[taught.fit.best_epoch]
    return Student(
        fitted=fitted,
        seed=options.seed,
        graph=taught.graph,
        tflite=quantized.tflite,
        validation_loss=best.validation_loss,
        best_epoch=best.number,
        worth=room.hold_out.worth_of(quantized.tflite, split.hold_out),
        worth_float=room.hold_out.worth_of(write_float_tflite(taught.graph), split.hold_out),
    )


@attrs.frozen(eq=False)
class Comparison:
    """The same student of several seeds, each taught with the teacher and without it."""

    taught: tuple[Student, ...]
    alone: tuple[Student, ...]

    @property
    def best(self) -> Student:
        """The taught one with the least validation loss: the hold-out chooses nothing."""
        return min(self.taught, key=lambda student: student.validation_loss)

    def to_dict(self) -> dict[str, Any]:
        """Accuracies where there are labels of classes, else mean errors against the teacher."""
        return {
            "seeds": [student.seed for student in self.taught],
            "with_teacher": _summary(self.taught),
            "without_teacher": _summary(self.alone) if self.alone else None,
        }


def compare_seeds(
    room: Classroom,
    fitted: Fitted,
    options: TeachingOptions,
    seeds: int,
    progress: Progress,
) -> Comparison:
    """Students of seeds ``options.seed`` and those after it; without the teacher only where there
    are labels to learn from instead.

    Raises:
        ConfigError, ModelError: as of :func:`raise_student`.
    """
    labelled = room.split.train.labels is not None
    taught, alone = [], []
    for seed in range(options.seed, options.seed + seeds):
        chosen = attrs.evolve(options, seed=seed)
        progress(f"teaching {fitted.shape.architecture}, seed {seed}")
        taught.append(raise_student(room, fitted, chosen, progress))
        if seeds > 1 and labelled:
            progress(f"the same without the teacher, seed {seed}")
            by_itself = attrs.evolve(chosen, from_teacher=False)
            alone.append(raise_student(room, fitted, by_itself, progress))
    return Comparison(tuple(taught), tuple(alone))


def _summary(students: tuple[Student, ...]) -> dict[str, Any]:
    figures = [student.worth["accuracy"] for student in students]
    metric = "accuracy"
    if any(figure is None for figure in figures):
        figures, metric = [student.worth["mean"] for student in students], "error_mean"
    return {
        "metric": metric,
        "values": figures,
        "mean": statistics.fmean(figures),
        "stdev": statistics.stdev(figures) if len(figures) > 1 else None,
    }
