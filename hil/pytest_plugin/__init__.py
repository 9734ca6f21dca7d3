"""pytest plug-in: tests that measure models on boards.

    @pytest.mark.board("pico", min_evidence="hardware")
    def test_it_is_quick_enough(measure):
        assert measure("model.tflite").latency_ms.max <= 20

``board`` is the marker's: a physical one of the farm or at ``--port`` where there is one, else its
emulator. ``min_evidence="hardware"`` skips the test where only an emulator is there, and says so;
``--min-evidence`` asks this of all tests, or lets all run on emulators. The evidence of every
measurement is kept with its test, in the JUnit report too.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # At start-up these cost half a second, in every test run of whoever has this installed.
    from hil.farm import Farm
    from hil.pytest_plugin.choice import BoardUnderTest
    from hil.pytest_plugin.measuring import Measure

_LEVELS = ("hardware", "emulated")
_DEFAULT_BOARD = "pico"

_EVIDENCE = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("jumpstation", "JumpStation: measurements on boards")
    group.addoption(
        "--farm",
        metavar="FILE",
        help="The farm file whose boards tests may use (default: hil/farm.yaml, where it exists)",
    )
    group.addoption(
        "--port",
        metavar="DEV",
        help="A board that tests may use: /dev/ttyACM0, tcp://HOST:PORT or mqtt://BROKER/RACK/BOARD",
    )
    group.addoption(
        "--min-evidence",
        choices=_LEVELS,
        help="hardware: tests without a physical board are skipped; emulated: all may run on "
        "emulators. Counts more than a test's own marker",
    )
    parser.addini("jumpstation_farm", "As --farm, which counts more")
    parser.addini("jumpstation_min_evidence", "Where a marker says nothing of it", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        'board(*ids, min_evidence="emulated"): runs once on each of these boards of the catalog; '
        "hardware: on physical ones alone",
    )
    level = config.getini("jumpstation_min_evidence")
    if level and level not in _LEVELS:
        raise pytest.UsageError(
            f"jumpstation_min_evidence: {level!r} is none of {', '.join(_LEVELS)}"
        )
    config.stash[_EVIDENCE] = Counter()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that is marked with several boards runs on each of them."""
    marker = metafunc.definition.get_closest_marker("board")
    if marker is None or "board" not in metafunc.fixturenames:
        return
    _check(marker)
    if len(marker.args) > 1:
        metafunc.parametrize("board", marker.args, indirect=True)


def _check(marker: pytest.Mark) -> None:
    unknown = set(marker.kwargs) - {"min_evidence"}
    level = marker.kwargs.get("min_evidence")
    if unknown or not all(isinstance(board, str) for board in marker.args):
        raise pytest.UsageError(
            f'{marker}: board() takes ids of the catalog, as in board("pico"), and min_evidence'
        )
    if level not in (None, *_LEVELS):
        raise pytest.UsageError(f"{marker}: min_evidence is one of {', '.join(_LEVELS)}")


@pytest.fixture(scope="session")
def farm(request: pytest.FixtureRequest) -> Farm | None:
    """The boards of the farm file; None where there is no file."""
    from hil.farm import load_farm
    from host.errors import ConfigError
    from host.farms import DEFAULT_FARM

    config = request.config
    named = config.getoption("--farm") or config.getini("jumpstation_farm")
    path = config.rootpath / (named or DEFAULT_FARM)
    try:
        return load_farm(path) if named or path.exists() else None
    except ConfigError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def board(request: pytest.FixtureRequest, farm: Farm | None) -> BoardUnderTest:
    """The board that the test is marked with; pico where it is with none."""
    from hil.pytest_plugin.choice import NoBoard, choose

    marker = request.node.get_closest_marker("board")
    named = marker.args[0] if marker is not None and marker.args else _DEFAULT_BOARD
    try:
        return choose(
            getattr(request, "param", named),
            farm,
            port=request.config.getoption("--port"),
            hardware_alone=_level(request.config, marker) == "hardware",
        )
    except NoBoard as reason:
        pytest.skip(str(reason))


def _level(config: pytest.Config, marker: pytest.Mark | None) -> str:
    asked = config.getoption("--min-evidence")
    marked = None if marker is None else marker.kwargs.get("min_evidence")
    return str(asked or marked or config.getini("jumpstation_min_evidence") or "emulated")


@pytest.fixture
def measure(request: pytest.FixtureRequest, board: BoardUnderTest) -> Measure:
    """Measures a model on the test's board; see :class:`hil.pytest_plugin.measuring.Measure`."""
    from hil.pytest_plugin.measuring import Measure

    def told(label: str, source: str) -> None:
        request.node.user_properties.append(("evidence", label))
        request.config.stash[_EVIDENCE][source] += 1

    marker = request.node.get_closest_marker("board")
    return Measure(
        board,
        base=Path(request.path).parent,
        hardware_alone=_level(request.config, marker) == "hardware",
        cache=request.getfixturevalue("_measured"),
        told=told,
    )


@pytest.fixture(scope="session")
def _measured() -> dict[object, object]:
    """What this session has measured, so that several tests may look at one measurement."""
    return {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash[_EVIDENCE]
    if counts:
        told = ", ".join(f"{count} on {source}" for source, count in sorted(counts.items()))
        terminalreporter.write_line(f"measurements: {told}")
