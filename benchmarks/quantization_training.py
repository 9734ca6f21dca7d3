"""What training with fake quantization wins back of what int4 weights lose.

    python -m benchmarks.quantization_training [--seeds N] [--epochs N]

Both bundled networks, the bundled training and others from other seeds, each quantized to int4
weights after training (PTQ) and with training (QAT, `host quantize --mode qat` as it is by default,
from the training images). Judged on the 360 test images, which none of these saw, with TensorFlow
Lite Micro's arithmetic: accuracy, and the mean difference of the probabilities from float. Needs
the extras `train` and `examples`.
"""

from __future__ import annotations

import argparse
import os

# Before NumPy is imported: sums over several threads have no fixed order.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import attrs
from rich import box
from rich.console import Console
from rich.table import Table

from examples.training import data
from examples.training.networks import RECIPES, Recipe, train
from examples.training.to_graph import to_graph
from host.distillation.training.accuracy import mean_error, top1
from host.distillation.training.data import TrainingData
from host.distillation.training.qat import QatOptions, outputs_of, train_quantized


def row(recipe: Recipe, digits: data.Digits, epochs: int) -> list[str]:
    graph = to_graph(recipe, train(recipe, digits.train_images, digits.train_labels))
    shape = graph.tensors[graph.inputs[0]].shape
    training = TrainingData(
        (digits.train_images.reshape(-1, *shape),), digits.train_labels, source="digits"
    )
    test = TrainingData((digits.test_images.reshape(-1, *shape),), digits.test_labels)
    learned = train_quantized(graph, training.split(), "int4", QatOptions(epochs=epochs))
    found = outputs_of(graph, learned, test)
    models = (found.exact, found.ptq, found.exported)
    return [
        recipe.name,
        str(recipe.seed),
        *(f"{top1(outputs, digits.test_labels):.2%}" for outputs in models),
        *(f"{mean_error(outputs, found.exact):.5f}" for outputs in models[1:]),
        f"{found.agreement(0):.2%}",
        f"{learned.fit.best_epoch}",
        f"{learned.fit.seconds:.0f}",
    ]


def main() -> None:
    """Command-line entry."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantization_training")
    parser.add_argument("--seeds", type=int, default=5, help="trainings a network, the bundled too")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    digits = data.load()
    table = Table(box=box.SIMPLE_HEAD, caption="fq: the trained module's outputs, equal share")
    for name in (
        "model",
        "seed",
        "float",
        "PTQ",
        "QAT",
        "PTQ error",
        "QAT error",
        "fq",
        "epoch",
        "s",
    ):
        table.add_column(name, justify="left" if name == "model" else "right")
    for recipe in RECIPES:
        others = [seed for seed in range(arguments.seeds) if seed != recipe.seed]
        for seed in [recipe.seed, *others][: arguments.seeds]:
            table.add_row(*row(attrs.evolve(recipe, seed=seed), digits, arguments.epochs))
    Console(highlight=False, width=100).print(table)


if __name__ == "__main__":
    main()
