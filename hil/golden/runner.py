"""Runs single samples of a golden set on a board that has loaded the model."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from hil.golden.golden_set import GoldenSet
from host.errors import BoardError, ConfigError
from host.measurement.candidates import Candidate
from host.measurement.engine_candidates import EngineCandidate
from host.session import Session
from protocol.messages import InputSource


@attrs.frozen(kw_only=True, eq=False)
class SampleRun:
    """One run. ``outputs`` are read back only where they are not the reference's, byte for byte.

    They have the contract's types and shapes.
    """

    ticks: int
    sent_crc32: int
    input_crc32: int
    output_crc32: int
    expected_crc32: int
    outputs: tuple[NDArray[Any], ...] | None


class SampleRunner:
    """One set, one candidate, one session that holds the board."""

    def __init__(
        self, golden: GoldenSet, candidate: Candidate | EngineCandidate, session: Session
    ) -> None:
        self.golden, self.candidate, self.session = golden, candidate, session

    def run(self, sample: int) -> SampleRun:
        """Sends one sample and runs it.

        Raises:
            BoardError: what was read back is not what ran; or as of the session.
        """
        sent = self._sent(sample)
        for index, data in enumerate(sent):
            self.session.send_input(index, data)
        result = self.session.run(1, macs=self.candidate.macs or 0, source=InputSource.SENT)
        expected_crc32 = zlib.crc32(self.golden.output_bytes(sample))
        same = result.output_crc32 == expected_crc32
        return SampleRun(
            ticks=result.ticks[0],
            sent_crc32=zlib.crc32(b"".join(sent)),
            input_crc32=result.input_crc32,
            output_crc32=result.output_crc32,
            expected_crc32=expected_crc32,
            outputs=None if same else self._read_outputs(result.output_crc32),
        )

    def keep(self, folder: Path, sample: int, ran: SampleRun) -> str:
        """Writes what was sent, expected and read back; returns the file's path."""
        tensors: dict[str, NDArray[Any]] = {
            f"input_{index}": array[sample] for index, array in enumerate(self.golden.inputs)
        }
        for index, array in enumerate(self.golden.outputs):
            tensors[f"output_{index}_expected"] = array[sample]
        for index, found in enumerate(ran.outputs or ()):
            tensors[f"output_{index}_found"] = found
        return self.write(folder, f"sample-{sample:03}", tensors)

    def write(self, folder: Path, what: str, tensors: dict[str, NDArray[Any]]) -> str:
        """Raises ConfigError where nothing can be written there."""
        path = folder / f"{self.golden.name}-{self.session.capabilities.board}-{what}.npz"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(path, allow_pickle=False, **tensors)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
        return str(path)

    def _sent(self, sample: int) -> list[bytes]:
        """An engine may take the real numbers that the plan's contract has quantized."""
        return [
            (self.golden.float_samples if entry.dtype == "float32" else array)[sample].tobytes()
            for entry, array in zip(self.candidate.inputs, self.golden.inputs, strict=True)
        ]

    def _read_outputs(self, crc32: int) -> tuple[NDArray[Any], ...]:
        contracts = self.candidate.outputs
        data = [
            self.session.read_output(index, entry.size_bytes)
            for index, entry in enumerate(contracts)
        ]
        if zlib.crc32(b"".join(data)) != crc32:
            raise BoardError("the output read back is not the one whose CRC-32 the run reported")
        return tuple(
            np.frombuffer(output, entry.dtype).reshape(entry.shape)
            for output, entry in zip(data, contracts, strict=True)
        )
