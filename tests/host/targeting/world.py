"""A small catalog and a bench that answers at once, for tests of the selection alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import attrs

from host.targeting.checks import CheckResult, Status
from host.targeting.latency import LatencyFigure, Method
from host.targeting.site import Device, Site, SiteBackend
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Trial
from protocol.measurement import Evidence, Fidelity, Source

TFLM = SiteBackend(name="tflite_micro", engine="jump_rt", precisions=("int8",))
LITERT = SiteBackend(name="litert", engine="litert", precisions=("int8", "float32"))

VECTOR = RequirementVector(
    flops=15_200_000,
    peak_ram_kb=148,
    latency_cpu_ms=82.4,
    latency_dxm1_ms=1.2,
    throughput_fps=12.1,
    int8_error_mean=0.0031,
    int4_error_mean=0.042,
    input_shape=(1, 96, 96, 3),
    output_shape=(1, 50),
)


def site(device: str, ram_kb: float, **changes: object) -> Site:
    plain = Site(
        device=device,
        domain="mcu",
        part=device.upper(),
        clock_hz=100e6,
        ram_kb=ram_kb,
        reserved_kb=8,
        flash_kb=2048,
        firmware_kb=32,
        backends=(TFLM,),
        has_ui=False,
    )
    return attrs.evolve(plain, **changes)


SMALL = Device(id="small", cost=1, sites=(site("small", 2),))
MIDDLE = Device(id="middle", cost=2, sites=(site("middle", 264),))
FAST = Device(id="fast", cost=3, sites=(site("fast", 520),))
LINUX = Device(
    id="linux",
    cost=4,
    sites=(
        site("linux", 786),
        site(
            "linux",
            2 << 20,
            domain="mpu",
            reserved_kb=512 << 10,
            flash_kb=None,
            backends=(LITERT,),
            has_ui=True,
        ),
    ),
)
CATALOG = (LINUX, FAST, MIDDLE, SMALL)


def figure(
    median_ms: float, source: Source = Source.EMULATED, fidelity: Fidelity = Fidelity.CYCLE
) -> LatencyFigure:
    return LatencyFigure(
        median_ms=median_ms,
        max_ms=median_ms,
        method=Method.MEASURED if source != Source.SIMULATED else Method.ROOFLINE,
        evidence=Evidence(source=source, fidelity=fidelity),
        label="test",
    )


class FixedBench:
    """Answers with what it is told for a device and domain; counts what it was asked."""

    def __init__(
        self,
        latencies_ms: Mapping[str, float],
        source: Source = Source.SIMULATED,
        fidelity: Fidelity = Fidelity.MODEL,
        wrong: frozenset[str] = frozenset(),
    ) -> None:
        self._latencies_ms = latencies_ms
        self._source, self._fidelity = source, fidelity
        self._wrong = wrong
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.stopped = False

    def try_out(self, site: Site, precision: str) -> Trial:
        with self._lock:
            self.asked.append(f"{site.device}.{site.domain}")
        if site.device in self._wrong:
            failure = CheckResult("output", Status.FAILED, "the output is not the expected one")
            return Trial(failure=failure)
        return Trial(figure=self.foretell(site, precision))

    def foretell(self, site: Site, precision: str) -> LatencyFigure | None:
        latency = self._latencies_ms[site.device]
        return figure(latency, self._source, self._fidelity)

    def stop(self) -> None:
        self.stopped = True
