"""``host golden``, as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hil.golden.conftest import AgentWith, Kept
from tests.host.cli.conftest import HostCommand, host_here
from tests.support.pc_agent import build_pc_agent

__all__ = ["host_here"]


def test_make_show_and_replay(host_here: HostCommand, small: Kept, tmp_path: Path) -> None:
    build_pc_agent()
    folder = tmp_path / "one.golden"
    make = ("make", small.model, "--data", small.data, "--output", folder, "--samples", "100")
    made = host_here("golden", *make)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("Golden set one: 100 samples of data.npy\n")
    again = host_here("golden", *make)
    assert again.returncode == 0
    assert "the same to the last byte" in again.stderr

    lost = host_here("golden", "replay", folder, "--board", "pc")
    assert lost.returncode == 2
    assert "--model" in lost.stderr, "the model is not beside this set"
    farm = tmp_path / "farm.yaml"
    farm.write_text("racks: [{id: here, boards: [{id: desk, kind: process, device: pc}]}]\n")
    replay = ("replay", folder, "--model", small.model)
    done = host_here("golden", *replay, "--farm", farm, "--farm-board", "desk", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["schema"], result["verdict"]) == ("replay/1", "as the set has it")
    assert (result["board"]["id"], result["samples"]) == ("pc", 100)

    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"tolerance"', '"Tolerance"'))
    for arguments in (("show", folder), replay):
        refused = host_here("golden", *arguments)
        assert refused.returncode == 2
        assert "manifest.json" in refused.stderr
        assert "hint: restore the set" in refused.stderr


def test_a_mismatch_ends_with_7_and_the_op(
    host_here: HostCommand, small: Kept, agent_with: AgentWith, tmp_path: Path
) -> None:
    with agent_with("FLIP") as port:
        done = host_here(
            "golden", "replay", small.folder, "--port", port, "--keep", tmp_path / "kept"
        )
    assert done.returncode == 7, done.stderr
    assert "the first divergent op is op 1 AVERAGE_POOL_2D" in done.stdout.splitlines()[0]
    assert "triage  operator: AVERAGE_POOL_2D read what is right" in done.stdout
    assert list((tmp_path / "kept").glob("small-pc-sample-*-op-1.npz"))
