"""``host farm baseline`` and ``host farm nightly``."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
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
from host.errors import ConfigError, LinkError
from host.farms import DEFAULT_FARM

if TYPE_CHECKING:
    from hil.nightly.baseline import Baseline
    from hil.nightly.night import NightPlan
    from hil.nightly.verdicts import NightVerdict
    from host.evidence import History

BaselinesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where baselines are kept.  \\[default: the folder baselines beside the history]",
    ),
]
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def baseline(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why these measurements are right; is kept.")
    ],
    history: HistoryOption = None,
    baselines: BaselinesOption = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=_TIMES,
            metavar="TIME",
            help="Measurements from then on, in local time unless it names a zone.  "
            "\\[default: the newest night]",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the baseline of this name.")
    ] = False,
) -> None:
    """Accept the newest measurements as a baseline for the nights to come."""
    from hil.nightly.site import accept_newest
    from host.evidence import History

    with History.open(history) as kept:
        start = since and since.astimezone()
        accepted, path = accept_newest(kept, name, reason, baselines, start, replace=replace)
    print(f"accepted {len(accepted.cells)} cells as {name}: {path}")
    for cell in accepted.cells:
        nights = f", {len(cell.nights)} nights" if cell.nights else ""
        print(f"  {cell.key.name}{nights}")


def nightly(
    baseline: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The baseline to compare with.")
    ],
    models: ModelsArgument = None,
    accept: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Where there is no baseline of that name yet: accept this night as it, for this "
            "reason.",
        ),
    ] = None,
    config: FarmFileOption = DEFAULT_FARM,
    boards: BoardsOption = None,
    tags: TagsOption = None,
    sessions: Annotated[
        int,
        typer.Option(
            min=1,
            max=1000,
            help="Measurements of each model on each physical board. Emulated ones take one: the "
            "next would be the same.",
        ),
    ] = 12,
    golden: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Replay the golden sets of this folder on the boards."),
    ] = None,
    jobs: ParallelOption = None,
    run: Annotated[
        bool,
        typer.Option(
            help="Measure first; without, the newest night of the history is compared as it is."
        ),
    ] = True,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=_TIMES,
            metavar="TIME",
            help="With --no-run: measurements from then on, in local time unless it names a zone.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where the reports go: report.txt, .html, .json and junit.xml."
        ),
    ] = Path("build/nightly"),
    history: HistoryOption = None,
    baselines: BaselinesOption = None,
) -> None:
    """Run models on the boards of the farm, compare with a baseline, and report.

    Exits with 8 on a regression; a sample that a board does not make of what its golden set has is
    one too. With 5 where a board of the baseline was not measured.
    """
    from hil.nightly.site import find_baseline, judge, trend_points
    from hil.report import write_reports
    from host.evidence import History

    if run and since is not None:
        raise ConfigError("--since names measurements of the history: give --no-run too")
    if not run and (models or accept or golden):
        raise ConfigError("--no-run measures and replays nothing: no models, --accept or --golden")
    with History.open(history) as kept:
        if run:
            wanted = _Wanted(baseline, baselines, accept)
            found = wanted.find(kept)
            plan = _plan(models or [], config, boards or [], tags or [], golden)
            plan = attrs.evolve(plan, sessions=sessions, parallel=jobs, keep=output / "tensors")
            night = _run(plan, kept, wanted, found)
        else:
            accepted = find_baseline(kept, baseline, baselines)
            night = judge(kept, accepted, since and since.astimezone())
        text = write_reports(night, trend_points(kept), output)
    print(text, end="")
    print(f"\nreports: {output}/report.html, .txt, .json and junit.xml", file=sys.stderr)
    raise typer.Exit(int(night.exit_code))


@attrs.frozen
class _Wanted:
    """The baseline that was asked for: a name or a file, where it is kept, why it may be made."""

    name: str
    folder: Path | None
    reason: str | None

    def find(self, history: History) -> Baseline | None:
        """None: there is none of that name, and the night is to become it.

        Raises:
            ConfigError: there is none and it may not be made, or its file is wrong.
        """
        from hil.nightly.baseline import baseline_path
        from hil.nightly.site import baselines_folder, find_baseline

        if self.name.endswith(".json"):
            return find_baseline(history, self.name, self.folder)
        path = baseline_path(baselines_folder(history, self.folder), self.name)
        if path.exists():
            return find_baseline(history, self.name, self.folder)
        if self.reason is None:
            raise ConfigError(
                f"there is no baseline {self.name} yet ({path})",
                hint=f'`host farm nightly --baseline {self.name} --accept "why it is right"` '
                "measures and accepts this night as it; `host farm baseline` accepts what was "
                "measured before",
            )
        return None

    def make(self, history: History, since: datetime) -> Baseline:
        """Accepts what was measured since then."""
        from hil.nightly.site import accept_newest

        assert self.reason is not None
        accepted, path = accept_newest(history, self.name, self.reason, self.folder, since)
        print(f"accepted {len(accepted.cells)} cells as {self.name}: {path}", file=sys.stderr)
        return accepted


def _plan(
    models: list[Path], config: Path, boards: list[str], tags: list[str], golden: Path | None
) -> NightPlan:
    from hil.farm import load_farm
    from hil.golden.night import find_sets
    from hil.nightly.night import NightPlan
    from hil.run import choose_boards, find_models, make_candidates
    from host.measurement.candidates import bundled_examples

    return NightPlan(
        candidates=make_candidates(find_models(models or bundled_examples())),
        boards=choose_boards(load_farm(config), names_in(boards), names_in(tags)),
        golden=() if golden is None else find_sets(golden),
    )


def _run(
    plan: NightPlan, history: History, wanted: _Wanted, baseline: Baseline | None
) -> NightVerdict:
    from hil.cli.run_view import run_observer
    from hil.nightly.night import judge_night, measure_night
    from hil.report.golden import summary

    with run_observer() as observer:
        night = measure_night(
            plan,
            history,
            observer,
            lambda replay: observer.note(f"{replay.name}: {summary(replay)}"),
        )
    if not night.run.records:
        raise LinkError(
            "nothing was measured: the lines above say why",
            hint="`host boards` lists what is connected, `host farm quarantine` what is left out",
        )
    if baseline is None:
        baseline = wanted.make(history, min(record.at for record in night.run.records))
    return judge_night(baseline, night, plan.boards)
