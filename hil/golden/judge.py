"""Judges what a board made of a sample: strictly what is exact, by tolerance what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from hil.golden.decisions import DecisionKind, distances
from hil.golden.golden_set import GoldenSet, as_real
from hil.golden.runner import SampleRun
from host.compiler import TensorContract


@attrs.frozen
class SampleVerdict:
    """``what`` is wrong, in the order of triage; ``reason`` is "" where nothing is."""

    what: tuple[str, ...]
    reason: str


class Judge:
    """Counts over all samples of one set; see :class:`hil.golden.result.ReplayResult`."""

    def __init__(
        self, golden: GoldenSet, contracts: Sequence[TensorContract], is_bit_exact: bool
    ) -> None:
        """``contracts`` are of the outputs as they are read back."""
        self.counts: Counter[str] = Counter()
        self.output_mismatches = 0
        self._golden, self._contracts, self._is_bit_exact = golden, contracts, is_bit_exact
        self._real, self._decisions = golden.real_output, golden.decisions
        self._beyond = golden.reference_violations
        self._violations = 0

    @property
    def tolerance_violations(self) -> int | None:
        return None if self._beyond is None else self._violations

    @property
    def reference_violations(self) -> int | None:
        return None if self._beyond is None else int(self._beyond.sum())

    def judge(self, sample: int, ran: SampleRun) -> SampleVerdict:
        """Takes one run into the counts."""
        wrong = dict(self._wrong(sample, ran))
        self.counts.update(wrong.keys())
        return SampleVerdict(tuple(wrong), "; ".join(wrong.values()))

    def _wrong(self, sample: int, ran: SampleRun) -> Iterator[tuple[str, str]]:
        if ran.input_crc32 != ran.sent_crc32:
            yield (
                "input",
                f"the board ran an input with CRC-32 0x{ran.input_crc32:08x}, "
                f"0x{ran.sent_crc32:08x} was sent",
            )
        if ran.outputs is None:
            self._violations += int(self._beyond is not None and self._beyond[sample])
            return
        self.output_mismatches += 1
        if self._is_bit_exact:
            yield "output", self._difference(sample, ran)
        found = as_real(ran.outputs[0][np.newaxis], self._contracts[0])
        yield from self._tolerance(sample, found)
        yield from self._decision(sample, found)

    def _difference(self, sample: int, ran: SampleRun) -> str:
        """Of outputs that have the reference's type."""
        assert ran.outputs is not None
        found, expected = (
            np.concatenate([array.reshape(-1) for array in arrays]).astype(np.int32)
            for arrays in (ran.outputs, [array[sample] for array in self._golden.outputs])
        )
        difference = np.abs(found - expected)
        return (
            f"{int((difference > 0).sum())} of {difference.size} output elements differ, by up to "
            f"{int(difference.max())} (CRC-32 0x{ran.output_crc32:08x}, not "
            f"0x{ran.expected_crc32:08x})"
        )

    def _tolerance(self, sample: int, found: NDArray[np.float32]) -> Iterator[tuple[str, str]]:
        float_output, tolerance = self._golden.float_output, self._golden.tolerance.absolute
        if float_output is None or self._beyond is None:
            return
        away = float(distances(found, float_output[sample : sample + 1])[0])
        if away <= tolerance:
            return
        self._violations += 1
        if not self._beyond[sample]:
            yield (
                "tolerance",
                f"{away:.4g} away from the float reference, tolerance {tolerance:.4g}",
            )

    def _decision(self, sample: int, found: NDArray[np.float32]) -> Iterator[tuple[str, str]]:
        rule, expected = self._golden.rule, self._decisions
        if rule.kind is DecisionKind.VALUE:
            tolerance = self._golden.tolerance.absolute
            away = float(distances(found, self._real[sample : sample + 1])[0])
            if away > tolerance:
                yield "decision", f"{away:.4g} away from the reference, tolerance {tolerance:.4g}"
            return
        made = rule.decide(found)
        assert made.classes is not None
        assert expected.classes is not None
        if made.classes[0] != expected.classes[sample]:
            yield "decision", f"class {made.classes[0]}, not {expected.classes[sample]}"
        if made.rejected[0] != expected.rejected[sample]:
            words = ("accepted", "rejected")
            done, wanted = words[int(made.rejected[0])], words[int(expected.rejected[sample])]
            yield "reject", f"{done}, the reference is {wanted}"
