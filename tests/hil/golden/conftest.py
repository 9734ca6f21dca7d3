"""A small network and its golden set, and agents whose kernels are wrong."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import attrs
import numpy as np
import pytest

from hil.golden import GoldenSet, load_golden, make_golden, save_golden
from host.models.graph import OpKind, Padding
from host.models.tflite_writer import write_float_tflite
from host.targeting.simulate.models import GraphBuilder
from tests.support.make import BUILD_DIR, ROOT, make

SAMPLES = 120

AgentWith = Callable[[str], AbstractContextManager[str]]


@attrs.frozen
class Kept:
    """A set that was read back, its folder, and its model."""

    golden: GoldenSet
    folder: Path
    model: Path
    data: Path


def small_network() -> bytes:
    """A convolution, its average, the sum of both, and five values: ``.tflite``, int8."""
    build = GraphBuilder(seed=3, name="small")
    convolved = build.convolution(build.input((1, 6, 6, 2)), 4, (3, 3))
    averaged = build.pool(OpKind.AVERAGE_POOL_2D, convolved, (3, 3), (1, 1), Padding.SAME)
    added = build.elementwise(OpKind.ADD, convolved, averaged)
    return write_float_tflite(build.build(build.fully_connected(added, 5)))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("golden")
    model, data = folder / "small.tflite", folder / "data.npy"
    model.write_bytes(small_network())
    draw = np.random.default_rng(11)
    np.save(data, 2 * draw.standard_normal((SAMPLES, 6, 6, 2)).astype(np.float32))
    kept = folder / "small.golden"
    assert save_golden(make_golden(model, data, "small", reject_threshold=18.0), kept)
    return Kept(load_golden(kept), kept, model, data)


@pytest.fixture(scope="session")
def agent_with() -> AgentWith:
    """Starts a posix agent with a fault of firmware/runtime/faults; gives its port."""

    @contextlib.contextmanager
    def start(fault: str) -> Iterator[str]:
        variant = f"-{fault.lower()}"
        make(ROOT / "firmware" / "ports" / "posix", f"VARIANT={variant}", f"{fault}=1")
        agent = BUILD_DIR / "firmware" / f"posix{variant}" / "pc-agent"
        process = subprocess.Popen([agent, "--tcp", "0"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            ready, port = process.stdout.readline().split()
            assert ready == "READY"
            yield f"tcp://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    return start
