"""The pytest plug-in, in test runs of its own."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tests.support.make import ROOT

pytest_plugins = ["pytester"]

MLP = ROOT / "examples" / "digits_mlp_int8.tflite"

FARM = """\
racks:
  - id: bench
    boards:
      - {id: absent, kind: serial, device: pico, identity: {usb_serial: no-such-board}}
      - {id: parked, kind: tcp, device: pico, identity: {address: "localhost:1"}, quarantine: hot}
      - {id: twin, kind: emulator, emulator: pico, flash_model: zero-wait}
      - {id: desk, kind: process, device: pc}
"""


def run(pytester: pytest.Pytester, *arguments: str, **markers: str) -> pytest.RunResult:
    """A run of a test a marker, each of which prints the name of its board.

    In a process of its own: numpy can be loaded once in one.
    """
    tests = [
        f"@pytest.mark.board({marker})\ndef test_{name}(board): print('{name}:', board.name)\n"
        for name, marker in markers.items()
    ]
    if tests:
        pytester.makepyfile("import pytest\n\n" + "\n".join(tests))
    return pytester.runpytest_subprocess("-rs", "-s", *arguments)


def test_without_hardware_it_runs_on_the_emulator_or_is_skipped(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        any='"pico"',
        several='"pico", "uno"',
        physical='"pico", min_evidence="hardware"',
        never='"nucleo_g0b1re"',
    )
    result.assert_outcomes(passed=3, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "*any: emulated pico*",
            "*several: emulated pico*",
            "*several: emulated uno*",
            "SKIPPED*needs a physical pico: there is no farm file",
            "SKIPPED*nucleo_g0b1re has no emulator",
        ]
    )


def test_the_command_line_counts_more_than_the_marker_and_that_more_than_the_ini(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini("[pytest]\njumpstation_min_evidence = hardware\n")
    markers = {
        "silent": '"pico"',
        "lenient": '"pico", min_evidence="emulated"',
        "strict": '"pico", min_evidence="hardware"',
    }
    run(pytester, **markers).assert_outcomes(passed=1, skipped=2)
    run(pytester, "--min-evidence", "emulated").assert_outcomes(passed=3)
    run(pytester, "--min-evidence", "hardware").assert_outcomes(skipped=3)


def test_the_farms_boards_are_taken_and_those_that_are_not_there_are_named(
    pytester: pytest.Pytester,
) -> None:
    (pytester.path / "farm.yaml").write_text(FARM)
    result = run(
        pytester,
        "--farm",
        "farm.yaml",
        emulated='"pico"',
        physical='"pico", min_evidence="hardware"',
        desk='"pc", min_evidence="hardware"',
    )
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*emulated: bench/twin*",
            "*desk: bench/desk*",
            "SKIPPED*bench/absent: *no-such-board*bench/parked is in quarantine: hot*",
        ]
    )
    (pytester.path / "farm.yaml").write_text(FARM.replace("kind: emulator", "kind: emulatr"))
    wrong = run(pytester, "--farm", "farm.yaml")
    wrong.assert_outcomes(errors=3)
    wrong.stdout.fnmatch_lines(["*farm.yaml:6:20*emulatr*"])


@pytest.mark.parametrize("marker", ["3", '"pico", evidence="any"', '"pico", min_evidence="best"'])
def test_a_wrong_marker_is_refused(pytester: pytest.Pytester, marker: str) -> None:
    result = run(pytester, wrong=marker)
    assert result.ret != 0
    assert "board() takes" in result.stdout.str() or "min_evidence is" in result.stdout.str()


def test_the_board_at_a_port_is_asked_what_it_is(pytester: pytest.Pytester, tcp_agent: str) -> None:
    result = run(
        pytester,
        "--port",
        tcp_agent,
        itself='"pc", min_evidence="hardware"',
        other='"pico", min_evidence="hardware"',
    )
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED*needs a physical pico: {tcp_agent} is a pc*"])


def test_measurements_come_with_their_evidence(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        MODEL = {str(MLP)!r}
        pytestmark = pytest.mark.board("pico")

        def test_once(measure):
            record = measure(MODEL)
            assert record.board.id == "pico"
            assert measure(MODEL) is record
            assert measure(MODEL, again=True) is not record

        def test_still_known(measure):
            assert measure(MODEL).output.verdict == "exact"

        @pytest.mark.board("uno")
        def test_too_large(measure):
            measure({str(MLP.with_name("digits_cnn_int8.tflite"))!r})
        """
    )
    result = pytester.runpytest_subprocess("-rs", "--junitxml=junit.xml")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "measurements: 4 on emulated",
            "SKIPPED*digits_cnn_int8.tflite does not fit emulated uno:*",
        ]
    )
    properties = list(ElementTree.parse(pytester.path / "junit.xml").iter("property"))
    assert len(properties) == 4
    assert {entry.get("name") for entry in properties} == {"evidence"}
    assert "emulated, cycle ±10 %" in (properties[0].get("value") or "")


def test_a_board_at_a_port_that_is_emulated_is_no_hardware(
    pytester: pytest.Pytester, tcp_pico: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.board("pico", min_evidence="hardware")
        def test_it(measure):
            measure({str(MLP)!r})
        """
    )
    result = pytester.runpytest_subprocess("-rs", "--port", tcp_pico)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*needs a physical pico: tcp://* is emulated"])


def test_who_does_not_use_it_does_not_notice(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_subprocess("--strict-markers", "-W", "error")
    result.assert_outcomes(passed=1)
    assert "measurements" not in result.stdout.str()
    code = "import sys, hil.pytest_plugin; print([m for m in sys.modules if m.startswith('host')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", "its cost is everybody's"


def test_the_suites_pass_on_the_emulated_pico(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--pyargs", "hil.suites", "-k", "digits_mlp and pico")
    result.assert_outcomes(passed=5, deselected=25)
