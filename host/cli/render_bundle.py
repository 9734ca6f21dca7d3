"""The readable form of bundles: keys, what was built, what runs."""

from __future__ import annotations

from rich.console import Console

from host.bundle.build import BuiltBundle
from host.bundle.install import Running
from host.bundle.keys import KeyPair
from host.bundle.opened import OpenedBundle
from host.cli.render import print_rows
from host.targeting.text import format_count, format_ms
from protocol.bundle import Manifest
from protocol.measurement import Source


def print_key(pair: KeyPair) -> None:
    _print(
        [
            ("Private", f"{pair.private} (mode 600: it signs; keep it off boards)"),
            ("Public", f"{pair.public} (for --trust)"),
            ("Id", pair.id),
        ]
    )


def print_built(built: BuiltBundle) -> None:
    manifest = built.bundle.manifest
    answered = f"answers right on {manifest.requires.board}, in {format_ms(built.slowest_ms)}"
    _print(
        [
            ("Bundle", f"{built.path} ({built.archive_bytes:,} bytes)"),
            *_rows(manifest, built.bundle.id),
            ("Self-test", f"{len(manifest.self_test.vectors)} inputs; {answered}"),
        ]
    )


def print_verified(opened: OpenedBundle) -> None:
    manifest = opened.manifest
    _print(
        [
            ("Bundle", f"{opened.path}: form, sizes, signature and hashes are right"),
            *_rows(manifest, opened.bundle.id),
            ("Not yet", "compatibility and self-test: those are the board's to pass"),
        ]
    )


def print_running(verb: str, running: Running) -> None:
    """``verb``: what was done to it."""
    board, evidence = running.board, running.evidence
    where = f"{board.board} ({evidence.source} {evidence.fidelity}"
    if evidence.source != Source.HARDWARE and evidence.emulator:
        where += f", {evidence.emulator}"
    tested = "passed by the agent"
    if running.slowest_ms is not None:
        tested = f"passed, slowest run {format_ms(running.slowest_ms)}"
    rows = [
        (verb, f"{running.name} on {where})"),
        ("Id", running.id),
        ("Self-test", tested),
    ]
    if running.note:
        rows.append(("Rolled back", running.note))
    _print(rows)


def _print(rows: list[tuple[str, str]]) -> None:
    print_rows(Console(highlight=False, markup=False), rows)


def _rows(manifest: Manifest, identity: str) -> list[tuple[str, str]]:
    model, requires = manifest.model, manifest.requires
    return [
        ("Id", identity),
        ("Signed by", manifest.signer),
        ("For", f"{requires.board}, {requires.domain}: {requires.backend} ({requires.engine})"),
        (
            "Model",
            f"{manifest.name}: {model.precision}, {format_count(model.flops)} FLOPs, "
            f"peak RAM {model.peak_ram_kb:.2f} KB",
        ),
        ("Files", ", ".join(f"{file.name} ({file.size_bytes:,})" for file in manifest.files)),
    ]
