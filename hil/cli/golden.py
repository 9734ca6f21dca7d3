"""``host golden``: sets of samples that never change, and their replay on boards."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.board_options import (
    BoardOption,
    DomainOption,
    EngineOption,
    FlashModelOption,
    PlanStoreOption,
    PortOption,
)
from host.cli.options import ModelArgument, ModelOption, one_model
from host.errors import ConfigError
from host.farms import DEFAULT_FARM

if TYPE_CHECKING:
    from hil.farm import Placement

golden = typer.Typer(
    help="Fix samples with what must come of them, and replay them on boards.",
    no_args_is_help=True,
)


class DecisionName(StrEnum):
    TOP1 = "top1"
    VALUE = "value"


SetArgument = Annotated[
    Path, typer.Argument(metavar="SET", help="A golden set: a folder NAME.golden.")
]


@golden.command()
def make(
    data: Annotated[
        Path,
        typer.Option(metavar="DIR|FILE", help="The samples: .npy, .npz, .csv, or images."),
    ],
    output: Annotated[
        Path, typer.Option(metavar="NAME.golden", help="The folder that the set becomes.")
    ],
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="100..500", help="How many.  \\[default: 200, or what there is]"),
    ] = None,
    float_model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the model was quantized from, for reference."),
    ] = None,
    decision: Annotated[
        DecisionName | None,
        typer.Option(
            help="What an output decides: its best class, or a value.  \\[default: top1 of a "
            "SOFTMAX or with a reject threshold]"
        ),
    ] = None,
    reject_threshold: Annotated[
        float | None,
        typer.Option(metavar="T", help="A best score under it is no decision: the reject class."),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0,
            help="Of a sample's mean absolute difference; of the output's range if that is "
            "not within 0..1.",
        ),
    ] = 0.02,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Make a golden set for an int8 model; the same command makes the same bytes."""
    from hil.golden.decisions import DecisionKind
    from hil.golden.make import make_golden
    from hil.golden.storage import name_of, save_golden

    made = make_golden(
        one_model(model_argument, model),
        data,
        name_of(output),
        samples=samples,
        float_model=float_model,
        kind=DecisionKind(decision) if decision else None,
        reject_threshold=reject_threshold,
        tolerance=tolerance,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if not save_golden(made, output):
        print(f"note: {output} was there already, the same to the last byte", file=sys.stderr)
    show(output, as_json)


@golden.command()
def show(
    folder: SetArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Show what a golden set holds; refuses one that was cut short or altered."""
    from hil.golden.manifest import MANIFEST
    from hil.golden.storage import load_golden
    from hil.golden.text import set_text

    found = load_golden(folder)
    print((folder / MANIFEST).read_text() if as_json else set_text(found), end="")


@golden.command()
def replay(
    folder: SetArgument,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL", help="The set's model.  \\[default: by its name, beside SET]"
        ),
    ] = None,
    board: BoardOption = None,
    port: PortOption = None,
    farm_board: Annotated[
        str | None,
        typer.Option(metavar="[RACK/]ID", help="A board of the farm file, instead of these."),
    ] = None,
    farm: Annotated[Path, typer.Option(metavar="FILE", help="The farm file.")] = DEFAULT_FARM,
    plan_store: PlanStoreOption = None,
    flash_model: FlashModelOption = None,
    domain: DomainOption = None,
    engine: EngineOption = None,
    budget_ms: Annotated[
        float | None,
        typer.Option(min=0, metavar="T", help="Exit code 3 if the slowest sample takes longer."),
    ] = None,
    keep: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where tensors go, of samples that are wrong alone."),
    ] = Path("build/replay"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Replay a golden set on a board; exits with 7 where a sample is not as the set has it.

    The first sample that is wrong is replayed op by op, to name the first op that differs.
    """
    import json

    from hil.golden.night import find_model
    from hil.golden.replay import replay as replay_set
    from hil.golden.storage import load_golden
    from hil.golden.text import replay_text
    from host.cli.progress import progress_observer
    from host.measurement.request import MeasureRequest
    from protocol.messages import Domain, Engine, Store

    found = load_golden(folder)
    place = _place(board, port, flash_model, farm_board, farm)
    request = MeasureRequest(
        model=model or find_model(found, folder),
        board=place.board,
        port=place.port,
        flash_model=place.flash_model,
        may_program=place.may_program,
        plan_store=Store[plan_store.name] if plan_store else None,
        domain=Domain[domain.name] if domain else Domain.ANY,
        engine=Engine[engine.name] if engine else None,
        budget_ms=budget_ms,
    )
    with progress_observer() as observer:
        result = replay_set(found, request, observer, keep=keep)
    print(json.dumps(result.to_dict(), indent=2) + "\n" if as_json else replay_text(result), end="")
    raise typer.Exit(int(result.exit_code))


def _place(
    board: str | None,
    port: str | None,
    flash_model: str | None,
    farm_board: str | None,
    farm: Path,
) -> Placement:
    from hil.farm import Placement, load_farm, placed

    if farm_board is None:
        return Placement(board, port, flash_model)
    if board or port or flash_model:
        raise ConfigError("--farm-board says where the board is: leave out the other ways")
    return placed(load_farm(farm).board(farm_board))
