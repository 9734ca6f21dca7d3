"""The readable form of a measurement."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from host.measurement.evidence import evidence_label
from host.measurement.measure import Outcome
from protocol.measurement import Measurement, Verdict

_VERDICTS = {
    Verdict.EXACT: "equals",
    Verdict.MISMATCH: "differs from",
}


def print_measurement(outcome: Outcome) -> None:
    """Prints the result to stdout."""
    console = Console(highlight=False, markup=False)
    print_rows(console, _rows(outcome.record))
    if outcome.record.ops is not None:
        console.print()
        console.print(_op_table(outcome.record))
    sys.stdout.flush()


def print_rows(console: Console, rows: Sequence[tuple[str, str]]) -> None:
    """Names and what is said of them, in two columns."""
    if console.is_terminal:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for name, text in rows:
            table.add_row(name, text)
        console.print(table)
        return
    # Whole lines, whatever their length: they are searched and compared.
    width = max((len(name) for name, _ in rows), default=0) + 2
    for name, text in rows:
        print(f"{name:<{width}}{text}")


def _rows(record: Measurement) -> list[tuple[str, str]]:
    board, latency = record.board, record.latency_ms
    label = evidence_label(record)
    rows = [
        (
            "Model",
            f"{record.model.name} ({', '.join(_sent(record))})",
        ),
        ("Board", f"{board.id} (firmware {board.firmware}, engine {board.engine})"),
        ("Output", _verdict(record)),
        ("Latency", f"{milliseconds(latency.median)} median ({label})"),
        ("", f"{milliseconds(latency.max)} max ({label})"),
        ("", _spread(record)),
    ]
    if record.cycles is not None:
        rows.append(
            ("Cycles", f"{record.cycles.median:,.0f} median, {record.cycles.max:,} max ({label})")
        )
    rows.append(("Memory", _memory(record)))
    if record.budget is not None:
        met = "met" if record.budget.met else "MISSED"
        rows.append(
            (
                "Budget",
                f"{milliseconds(record.budget.ms)} {met}: the slowest run took "
                f"{milliseconds(latency.max)} ({label})",
            )
        )
    link = record.link
    upload = "" if link.upload_s is None else f", upload {link.upload_s:.2f} s"
    rows.append(
        (
            "Link",
            f"{link.transport}: {link.bytes_sent:,} bytes sent, {link.bytes_received:,} received, "
            f"{link.retransmits} retransmitted{upload}",
        )
    )
    return rows


def _sent(record: Measurement) -> list[str]:
    """What the board was given."""
    candidate = record.candidate
    macs = [] if candidate.macs is None else [f"{candidate.macs:,} MACs"]
    what = "model" if record.memory.plan_store is None else "plan"
    return [candidate.precision, *macs, f"{what} {candidate.plan_bytes:,} bytes"]


def _verdict(record: Measurement) -> str:
    output = record.output
    text = f"{output.verdict}: CRC-32 0x{output.crc32:08x}"
    if output.verdict == Verdict.NONDETERMINISTIC:
        text += f", but run {output.unstable_at} gave another with the same input"
    elif output.expected_crc32 is not None:
        text += f" {_VERDICTS[output.verdict]} 0x{output.expected_crc32:08x} of {output.arithmetic}"
    drawn = f", seed {record.input.seed}" if record.input.seed is not None else ""
    return f"{text} (input {record.input.source}{drawn})"


def _spread(record: Measurement) -> str:
    latency = record.latency_ms
    parts = [
        f"min {milliseconds(latency.min)}",
        f"mean {milliseconds(latency.mean)}",
        f"p95 {milliseconds(latency.p95)}",
        f"p99 {milliseconds(latency.p99)}",
    ]
    if latency.stdev is not None and latency.ci95 is not None:
        low, high = latency.ci95
        parts += [
            f"stdev {milliseconds(latency.stdev)}",
            f"95 % CI of the mean {milliseconds(low)} to {milliseconds(high)}",
        ]
    first = "" if latency.first is None else f"; first run {milliseconds(latency.first)}"
    return f"{', '.join(parts)}; n = {latency.n} after {latency.warmup} warm-up{first}"


def _memory(record: Measurement) -> str:
    memory = record.memory
    parts = []
    if memory.arena_bytes is not None:
        available = memory.arena_available_bytes
        of = "" if available is None else f" of {available:,}"
        parts.append(f"arena {memory.arena_bytes:,}{of} bytes")
    if memory.stack_bytes is not None:
        parts.append(f"stack {memory.stack_bytes:,}")
    if memory.static_bytes is not None:
        parts.append(f"static {memory.static_bytes:,}")
    if memory.plan_store is not None:
        parts.append(f"plan in {memory.plan_store}")
    if memory.rss_bytes is not None:
        parts.append(f"resident {memory.rss_bytes:,}")
    if memory.peak_rss_bytes is not None:
        parts.append(f"at most {memory.peak_rss_bytes:,}")
    return ", ".join(parts)


def _op_table(record: Measurement) -> Table:
    """The ops of a profiled run; shares are of their sum."""
    assert record.ops is not None
    total = sum(op.cycles for op in record.ops) or 1
    table = Table(box=box.SIMPLE_HEAD, caption=f"one further run; {evidence_label(record)}")
    for name in ("op", "kind"):
        table.add_column(name)
    for name in ("cycles", "share", "MACs", "cycles/MAC"):
        table.add_column(name, justify="right")
    for op in record.ops:
        table.add_row(
            str(op.index),
            op.kind,
            f"{op.cycles:,}",
            f"{100 * op.cycles / total:.1f} %",
            f"{op.macs:,}",
            f"{op.cycles / op.macs:.2f}" if op.macs else "",
        )
    table.add_row("", "sum", f"{total:,}", "", f"{sum(op.macs for op in record.ops):,}", "")
    return table


def milliseconds(value: float) -> str:
    """Four significant digits, so that a microsecond and a minute both read well."""
    if value >= 1000:
        return f"{value:,.0f} ms"
    return f"{value:.4g} ms"
