"""The self-test of a bundle through a session: what any board can be asked."""

from __future__ import annotations

from host.errors import MismatchError
from host.session import Session
from protocol.bundle import Bundle
from protocol.bundle.self_test import (
    check_exact,
    check_inputs,
    check_outputs,
    expected_outputs,
    size_bytes,
)
from protocol.messages import InputSource

_ITERATIONS = 2
"""More than one, so that an output that changes shows."""


def run_self_test(session: Session, bundle: Bundle) -> float:
    """Has the loaded model answer every vector.

    Returns:
        The slowest run in milliseconds.

    Raises:
        BundleError: of the stage SELF_TEST.
        MismatchError: the output changes from run to run.
        BoardError, LinkError, DeadlineExceeded: as a Session's.
    """
    model, expected = bundle.manifest.model, expected_outputs(bundle)
    slowest_ticks = 0
    for index, vector in enumerate(bundle.manifest.self_test.vectors):
        result = session.run(
            min(_ITERATIONS, session.max_batch),
            macs=model.flops,  # at least its multiply-accumulates: for the deadline
            source=InputSource.SEEDED,
            seed=vector.seed,
        )
        slowest_ticks = max(slowest_ticks, *result.ticks)
        if expected is None:
            check_exact(bundle, index, result.input_crc32, result.output_crc32)
            if result.unstable_at is not None:
                raise MismatchError(f"self-test vector {index}: the output changes from run to run")
            continue
        check_inputs(bundle, index, result.input_crc32)
        outputs = [
            session.read_output(number, size_bytes(tensor))
            for number, tensor in enumerate(model.outputs)
        ]
        check_outputs(bundle, index, outputs, expected[index])
    return slowest_ticks * 1e3 / session.capabilities.tick_hz
