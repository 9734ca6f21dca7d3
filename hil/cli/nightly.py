"""``host farm baseline`` and ``host farm nightly``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.options import HistoryOption

if TYPE_CHECKING:
    from hil.golden.night import NightReplay

BaselinesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where baselines are kept.  \\[default: the folder baselines beside the history]",
    ),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
        metavar="TIME",
        help="Measurements from then on, in local time unless it names a zone.  "
        "\\[default: the newest night]",
    ),
]


def baseline(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why these measurements are right; is kept.")
    ],
    history: HistoryOption = None,
    baselines: BaselinesOption = None,
    since: SinceOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the baseline of this name.")
    ] = False,
) -> None:
    """Accept the newest measurements as a baseline for the nights to come."""
    from hil.nightly.baseline import accept, save_baseline
    from hil.nightly.site import baselines_folder, recent
    from host.evidence import History

    with History.open(history) as kept:
        folder = baselines_folder(kept, baselines)
        start = since and since.astimezone()
        accepted = accept(name, reason, recent(kept, start), since=start)
    path = save_baseline(accepted, folder, replace=replace)
    print(f"accepted {len(accepted.cells)} cells as {name}: {path}")
    for cell in accepted.cells:
        nights = f", {len(cell.nights)} nights" if cell.nights else ""
        print(f"  {cell.key.name}{nights}")


def nightly(
    baseline: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The baseline to compare with.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where the reports go: report.txt, .html, .json and junit.xml."
        ),
    ] = Path("build/nightly"),
    history: HistoryOption = None,
    baselines: BaselinesOption = None,
    since: SinceOption = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Replay the golden sets of this folder on the farm's boards too."
        ),
    ] = None,
    config: Annotated[
        Path, typer.Option("--config", "--farm", metavar="YAML", help="The farm file of --golden.")
    ] = Path("hil/farm.yaml"),
    boards: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Replay on these alone, as of `host farm run`."),
    ] = None,
) -> None:
    """Compare the newest night with a baseline, and report; exits with 8 on a regression.

    A sample that a board does not make of what its golden set has is a regression too.
    """
    import attrs

    from hil.nightly.site import find_baseline, judge, trend_points
    from hil.report import write_reports
    from host.evidence import History

    with History.open(history) as kept:
        accepted = find_baseline(kept, baseline, baselines)
        night = judge(kept, accepted, since and since.astimezone())
        if golden is not None:
            replays = _replay(golden, config, boards or [], output)
            night = attrs.evolve(night, replays=replays)
        text = write_reports(night, trend_points(kept), output)
    print(text, end="")
    raise typer.Exit(int(night.exit_code))


def _replay(
    folder: Path, config: Path, boards: Sequence[str], output: Path
) -> tuple[NightReplay, ...]:
    """Tells on stderr how it goes; tensors of samples that are wrong go below ``output``."""
    from hil.farm import load_farm
    from hil.golden.night import find_sets, replay_on_boards
    from hil.report.golden import summary
    from hil.run import choose_boards

    def done(replay: NightReplay) -> None:
        print(f"{replay.name}: {summary(replay)}", file=sys.stderr, flush=True)

    names = [name for listed in boards for name in listed.split(",") if name]
    chosen = choose_boards(load_farm(config), names)
    return replay_on_boards(find_sets(folder), chosen, keep=output / "tensors", done=done)
