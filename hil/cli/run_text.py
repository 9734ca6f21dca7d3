"""A run's outcomes in words."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator

from hil.run import Attempt, Job, Outcome, Owner, RunResult, Status
from host.measurement.evidence import evidence_label
from protocol.measurement import Measurement


def attempt_line(job: Job, attempt: Attempt, again: bool) -> str:
    """One try that failed."""
    power = "" if attempt.power is None else f"; power {attempt.power}"
    then = "; trying again" if again else ""
    return f"{job.title}: try {attempt.number} failed: {attempt.fault}{power}{then}"


def outcome_line(outcome: Outcome) -> str:
    """One job."""
    return f"{outcome.job.title}: {_what(outcome)}"


def result_text(result: RunResult) -> str:
    """The whole run: what was measured, and whom all else concerns."""
    counts = ", ".join(f"{count} {status}" for status, count in result.counts.items())
    lines = [f"Run {result.run}: {len(result.outcomes)} jobs: {counts or 'none'}"]
    lines += _section("Measured", _measured(result.outcomes))
    for owner in Owner:
        concerned = [
            outcome
            for outcome in result.outcomes
            if outcome.owner == owner and outcome.status != Status.UNFIT
        ]
        lines += _section(f"Faults of the {owner}", map(outcome_line, concerned))
    lines += _section(
        "Suspects",
        (
            f"{suspect.name} ({suspect.precision}): hung or reset {', '.join(suspect.boards)}, "
            "where other models ran well: look at the model and its kernels first"
            for suspect in result.suspects
        ),
    )
    retried = [
        outcome
        for outcome in result.outcomes
        if outcome.status in (Status.MEASURED, Status.WRONG) and outcome.attempts
    ]
    lines += _section("Measured after failed tries", _retried(retried))
    for title, status in (("Does not run there", Status.UNFIT), ("Not run", Status.NOT_RUN)):
        found = [outcome for outcome in result.outcomes if outcome.status == status]
        lines += _section(title, map(outcome_line, found))
    return "\n".join(lines) + "\n"


def _what(outcome: Outcome) -> str:
    record, fault = outcome.record, outcome.fault
    if outcome.status == Status.NOT_RUN:
        return f"not run: {outcome.reason}"
    if record is None:
        assert fault is not None
        return f"{outcome.status}: {fault}"
    wrong = "" if fault is None else f"; {fault}"
    return f"{outcome.status}: {_latency([record])}, {record.output.verdict}{wrong}"


def _latency(records: list[Measurement]) -> str:
    median = statistics.median(record.latency_ms.median for record in records)
    sessions = f" over {len(records)} sessions" if len(records) > 1 else ""
    return f"{median:.4g} ms{sessions} ({evidence_label(records[-1])})"


def _measured(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """A line a cell, sessions taken together."""
    cells: dict[tuple[str, str, str], list[Measurement]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.status == Status.MEASURED and outcome.record is not None:
            candidate = outcome.job.candidate
            cells[candidate.name, candidate.precision, outcome.job.board].append(outcome.record)
    for (name, precision, board), records in cells.items():
        verdicts = "/".join(dict.fromkeys(str(record.output.verdict) for record in records))
        yield f"{name} ({precision}) on {board}: {_latency(records)}, {verdicts}"


def _retried(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        for attempt in outcome.attempts:
            yield attempt_line(outcome.job, attempt, again=False)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    inside = [f"  {line}" for line in lines]
    return ["", f"{title}:", *inside] if inside else []
