"""``host farm run`` and ``host farm quarantine``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hil.cli.options import (
    BoardsOption,
    FarmFileOption,
    ModelsArgument,
    ParallelOption,
    TagsOption,
    names_in,
)
from host.cli.options import HistoryOption
from host.errors import ConfigError
from host.farms import DEFAULT_FARM


class PrecisionName(StrEnum):
    INT8 = "int8"
    INT4 = "int4"
    FLOAT32 = "float32"


def run(
    models: ModelsArgument = None,
    more_models: Annotated[
        list[Path] | None,
        typer.Option("--models", "--model", metavar="MODEL", help="The same, as an option."),
    ] = None,
    config: FarmFileOption = DEFAULT_FARM,
    boards: BoardsOption = None,
    tags: TagsOption = None,
    precision: Annotated[
        list[PrecisionName] | None,
        typer.Option(
            help="Of float models, which are quantized once; may be given several times.  "
            "\\[default: int8]"
        ),
    ] = None,
    sessions: Annotated[
        int, typer.Option(min=1, max=1000, help="Measurements of each model on each board.")
    ] = 1,
    iterations: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Timed runs; by default chosen for each board."),
    ] = None,
    warmup: Annotated[
        int | None, typer.Option(min=0, max=1_000_000, help="Runs before them, not counted.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=0xFFFFFFFF, help="Draws the inputs.")] = 0,
    profile: Annotated[
        bool,
        typer.Option(help="The cycles of each op too, where a board counts them."),
    ] = True,
    jobs: ParallelOption = None,
    job_deadline_s: Annotated[
        float,
        typer.Option(min=1, metavar="T", help="The longest that a job may take, with all tries."),
    ] = 900.0,
    attempts: Annotated[
        int, typer.Option(min=1, max=100, help="Tries of a job whose board or link failed.")
    ] = 3,
    busy_wait_s: Annotated[
        float,
        typer.Option(min=0, metavar="T", help="How long to wait for a board that others hold."),
    ] = 120.0,
    quarantine_after: Annotated[
        int,
        typer.Option(min=1, help="Jobs lost in a row that put a board into quarantine."),
    ] = 3,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was killed or called off.")
    ] = False,
    run_id: Annotated[
        str | None,
        typer.Option("--run", metavar="ID", help="Which one.  \\[default: the newest unfinished]"),
    ] = None,
    history: HistoryOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every job's outcome as JSON.")
    ] = False,
) -> None:
    """Measure models on the boards of the farm, each board on its own and all at once.

    Every job gets an outcome: measured, wrong, unfit for its board, failed with the one who has to
    look at it, or not run with the reason. Measurements go into the history.
    """
    from hil.cli.run_text import result_text
    from hil.cli.run_view import run_observer
    from hil.farm import load_farm
    from hil.run import (
        Journal,
        Limits,
        Precision,
        Settings,
        all_boards,
        choose_boards,
        find_models,
        make_candidates,
        plan_jobs,
        run_jobs,
    )
    from host.evidence import History
    from host.measurement.candidates import bundled_examples

    named = [*(models or ()), *(more_models or ())]
    if resume and (named or boards or tags or precision or iterations or warmup):
        raise ConfigError(
            "--resume goes on with the jobs that the run began with: name no models, boards, tags, "
            "precisions or iterations"
        )
    if run_id is not None and not resume:
        raise ConfigError("--run names a run to go on with: give --resume too")
    farm = load_farm(config)
    limits = Limits(
        job_deadline_s=job_deadline_s,
        attempts=attempts,
        busy_wait_s=busy_wait_s,
        quarantine_after=quarantine_after,
    )
    with History.open(history) as kept, run_observer() as observer:
        if resume:
            journal = Journal(kept)
            work = journal.jobs(run_id or journal.unfinished())
        else:
            chosen = choose_boards(farm, names_in(boards), names_in(tags))
            settings = Settings(iterations=iterations, warmup=warmup, seed=seed, profile=profile)
            candidates = make_candidates(
                find_models(named or bundled_examples()),
                [Precision(name) for name in precision or (PrecisionName.INT8,)],
                observer.note,
            )
            work = plan_jobs(candidates, chosen, sessions=sessions, settings=settings)
        result = run_jobs(
            work, all_boards(farm), kept, limits=limits, parallel=jobs, observer=observer
        )
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    else:
        print(result_text(result), end="")
    raise typer.Exit(int(result.exit_code))


def quarantine(
    release: Annotated[
        list[str] | None,
        typer.Option(metavar="RACK/BOARD", help="Let this board take part in runs again."),
    ] = None,
    history: HistoryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show the boards that runs put into quarantine, or release one.

    Those that a person left out stand in the farm file, with `quarantine:`.
    """
    from hil.run import Journal
    from host.evidence import History

    with History.open(history) as kept:
        journal = Journal(kept)
        for board in release or ():
            journal.release(board)
            print(f"{board}: released", file=sys.stderr)
        found = journal.quarantines().values()
    if as_json:
        entries = [
            {
                "board": entry.board,
                "since": entry.since.isoformat(),
                "run": entry.run,
                "reason": entry.reason,
            }
            for entry in found
        ]
        print(json.dumps(entries, indent=2))
        return
    for entry in found:
        print(f"{entry.board}: since {entry.since:%Y-%m-%d %H:%M} UTC, run {entry.run}")
        print(f"  {entry.reason}")
    if not found:
        print("no board is in quarantine")
