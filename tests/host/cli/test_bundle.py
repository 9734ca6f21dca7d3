"""``host bundle``: text, JSON and exit codes, on this computer and in emulation."""

from __future__ import annotations

import json
import stat
import struct
import subprocess
from pathlib import Path

import attrs
import pytest

from agent.linux.bundles.slots import Slot
from host.models.loader import load_model
from host.reference import expected_output
from protocol.bundle import pack, read_contents
from protocol.bundle.signing import SigningKey
from protocol.generator import draw_input
from tests.host.cli.conftest import HostCommand, command
from tests.support.bundles import (
    MODEL,
    entries,
    sample_archive,
    sample_files,
    sample_manifest,
    signed,
    write_declaration,
)
from tests.support.linux_agent import listening_agent


@attrs.frozen
class Bench:
    """A key, and where bundles of this computer are."""

    folder: Path
    key: SigningKey

    @property
    def trust(self) -> list[object]:
        return ["--trust", self.folder / "key.pub"]

    @property
    def here(self) -> list[object]:
        return [*self.trust, "--dir", self.folder / "bundles"]

    def file(self, name: str, archive: bytes | None = None) -> Path:
        path = self.folder / f"{name}.jbundle"
        path.write_bytes(sample_archive(self.key, name) if archive is None else archive)
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    key = SigningKey.generate()
    (tmp_path / "key").write_bytes(key.to_pem())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key.pub").write_bytes(key.public.to_pem())
    return Bench(tmp_path, key)


def test_from_a_target_to_the_board(host_here: HostCommand, tmp_path: Path) -> None:
    """As the README has it: the declaration, the key, the bundle, the emulated UNO."""
    target, key, bundle = tmp_path / "target.json", tmp_path / "key", tmp_path / "digits.jbundle"
    assert host_here("target", MODEL, "--output", target, "--no-history").returncode == 0
    assert host_here("bundle", "key", "--output", key).returncode == 0
    built = host_here(
        "bundle", "build", "--target", target, "--key", key, "--output", bundle, MODEL
    )
    assert built.returncode == 0, built.stderr
    assert "answers right on uno" in built.stdout
    assert "its evidence is not" not in built.stderr
    assert "measured other bytes" not in built.stderr
    manifest = json.loads(read_contents(bundle)["manifest.json"])
    declaration = json.loads(target.read_text())
    assert read_contents(bundle)["target.json"] == target.read_bytes()
    assert manifest["model"]["flops"] == declaration["profile"]["flops"]
    assert manifest["model"]["peak_ram_kb"] == declaration["profile"]["peak_ram_kb"]
    assert manifest["model"]["latency_ms_turbo"] is None
    trust = ["--trust", f"{key}.pub"]
    assert host_here("bundle", "verify", bundle, *trust).returncode == 0
    installed = host_here("bundle", "install", bundle, *trust)
    assert installed.returncode == 0, installed.stderr
    assert "on uno (emulated cycle" in installed.stdout
    launched = host_here("bundle", "launch", bundle, *trust, "--json")
    assert launched.returncode == 0, launched.stderr
    said = json.loads(launched.stdout)
    assert said["board"] == "uno"
    assert said["evidence"] == {"source": "emulated", "fidelity": "cycle"}
    assert 3 < said["slowest_ms"] < 4


def test_a_key_pair_is_made_once(host_here: HostCommand, tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = host_here("bundle", "key", "--output", path, "--json")
    assert made.returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(made.stdout)) == {"private", "public", "id"}
    before = path.read_bytes()
    again = host_here("bundle", "key", "--output", path)
    assert (again.returncode, path.read_bytes()) == (2, before)
    assert "is there already" in again.stderr


def test_verify_says_what_it_is(host_here: HostCommand, bench: Bench) -> None:
    path = bench.file("digits")
    done = host_here("bundle", "verify", path, *bench.trust)
    assert done.returncode == 0
    assert "form, sizes, signature and hashes are right" in done.stdout
    assert "pc, mpu: tflite_micro (jump_rt)" in done.stdout
    as_json = json.loads(host_here("bundle", "verify", path, *bench.trust, "--json").stdout)
    assert as_json["manifest"]["name"] == "digits"


@pytest.mark.parametrize("command", ["verify", "install", "launch"])
def test_what_is_refused_names_the_stage(
    host_here: HostCommand, bench: Bench, command: str
) -> None:
    """Before anything is started: exit code 2."""
    good = sample_archive(bench.key)
    contents = dict(signed(sample_manifest(bench.key), bench.key))
    contents["model.plan"] = contents["model.plan"][::-1]
    cases = {
        "refused at parse": good[:-1],
        "refused at signature": sample_archive(SigningKey.generate()),
        "refused at hashes": pack(contents),
    }
    for said, archive in cases.items():
        done = host_here("bundle", command, bench.file("bad", archive), *bench.here[:2])
        assert done.returncode == 2
        assert said in done.stderr
        assert "hint: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "missing.jbundle", "--trust", "key.pub"], "missing.jbundle: No such file"),
        (["verify", "good.jbundle"], "no key is trusted"),
        (["verify", "good.jbundle", "--trust", "key"], "no public key"),
        (["install", "good.jbundle", "--trust", "key.pub"], "nothing says where"),
        (
            ["install", "good.jbundle", "--trust", "key.pub", "--port", "x", "--dir", "y"],
            "--port and --dir",
        ),
        (["launch", "--trust", "key.pub"], "nothing says where"),
        (["launch", "--serve", "127.0.0.1:0"], "--serve is for --dir"),
        (["build", "--target", "no.json", "--key", "key"], "no.json: No such file"),
        (["build", "--target", "bad.json", "--key", "key"], "bad.json: "),
        (["build", "--target", "unmet.json", "--key", "key"], "no board meets"),
        (["build", "--target", "target.json", "--key", "no-key"], "no-key"),
        (["build", "--target", "target.json", "--key", "open-key"], "others may read"),
        (["build", "other.tflite", "--target", "target.json", "--key", "key"], "is not the model"),
        (["build", "--target", "target.json", "--key", "key", "--engine", "tpu"], "--engine tpu"),
        (["build", "--target", "target.json", "--key", "key", "--threshold", "a=b"], "no number"),
        (["build", "--target", "target.json", "--key", "key", "--threshold", "a=nan"], "finite"),
        (["build", "--target", "target.json", "--key", "key", "--meaning", "x"], "NAME=VALUE"),
    ],
)
def test_wrong_usage_is_refused(
    host_here: HostCommand,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    bench.file("good")
    monkeypatch.chdir(bench.folder)
    Path("bad.json").write_text('{"target": 1}')
    Path("other.tflite").write_bytes(b"other")
    write_declaration(Path("target.json"))
    unmet = json.loads(Path("target.json").read_text()) | {"met": False}
    Path("unmet.json").write_text(json.dumps(unmet))
    Path("open-key").write_bytes(Path("key").read_bytes())
    Path("open-key").chmod(0o644)
    done = host_here("bundle", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert not list(bench.folder.glob("target.jbundle"))


def test_install_launch_and_roll_back_here(host_here: HostCommand, bench: Bench) -> None:
    nothing = host_here("bundle", "launch", *bench.here)
    assert nothing.returncode == 5
    assert "no bundle runs" in nothing.stderr
    old = host_here("bundle", "install", bench.file("old"), *bench.here, "--json")
    assert old.returncode == 0, old.stderr
    assert json.loads(old.stdout)["name"] == "old"
    new = host_here("bundle", "install", bench.file("new"), *bench.here)
    assert "Installed  new on pc (hardware silicon)" in new.stdout
    launched = host_here("bundle", "launch", bench.file("new"), *bench.here)
    assert launched.returncode == 0
    assert "passed, slowest run" in launched.stdout
    other = host_here("bundle", "launch", bench.file("old"), *bench.here)
    assert other.returncode == 5
    assert "runs new" in other.stderr
    (bench.folder / "bundles" / f"{Slot.B}.jbundle").write_bytes(b"rot")
    rolled_back = host_here("bundle", "launch", *bench.here)
    assert rolled_back.returncode == 0
    assert "Launched     old on pc" in rolled_back.stdout
    assert "Rolled back  slot b: parse" in rolled_back.stdout


def test_a_self_test_that_fails_is_a_mismatch(host_here: HostCommand, bench: Bench) -> None:
    manifest = sample_manifest(bench.key)
    (vector, *_) = manifest.self_test.vectors
    test = attrs.evolve(
        manifest.self_test, vectors=(attrs.evolve(vector, output_crc32=vector.output_crc32 ^ 1),)
    )
    archive = pack(signed(attrs.evolve(manifest, self_test=test), bench.key))
    done = host_here("bundle", "install", bench.file("wrong", archive), *bench.here)
    assert done.returncode == 7
    assert "vector 0 (seed 0)" in done.stderr
    assert not (bench.folder / "bundles" / "current").exists()


def test_a_bundle_for_another_board_is_refused(host_here: HostCommand, bench: Bench) -> None:
    manifest = sample_manifest(bench.key)
    other = attrs.evolve(manifest, requires=attrs.evolve(manifest.requires, board="orion"))
    path = bench.file("orion", pack(signed(other, bench.key)))
    done = host_here("bundle", "install", path, *bench.here, "--board", "pc")
    assert done.returncode == 5
    assert "made for the board orion, this is pc" in done.stderr


def test_an_agent_on_a_port(host_here: HostCommand, bench: Bench) -> None:
    bundles = ["--bundles", str(bench.folder / "remote"), "--trust", str(bench.folder / "key.pub")]
    with listening_agent(*bundles) as port:
        done = host_here("bundle", "install", bench.file("remote"), *bench.trust, "--port", port)
        assert done.returncode == 0, done.stderr
        done = host_here("bundle", "launch", bench.file("remote"), *bench.trust, "--port", port)
        assert done.returncode == 0, done.stderr
        measured = host_here("measure", MODEL, "--port", port, "--engine", "litert", "--no-history")
        assert measured.returncode != 0
    with listening_agent() as port:
        done = host_here("bundle", "install", bench.file("remote"), *bench.trust, "--port", port)
        assert done.returncode == 5
        assert "takes no bundles" in done.stderr


def test_a_model_for_its_own_engine(host_here: HostCommand, bench: Bench) -> None:
    """LiteRT rounds by its processor: the outputs are in the bundle, and a step is allowed."""
    target = write_declaration(bench.folder / "target.json")
    path = bench.folder / "litert.jbundle"
    build = ["bundle", "build", MODEL, "--target", target, "--key", bench.folder / "key"]
    with listening_agent() as port:
        built = host_here(*build, "--output", path, "--port", port, "--engine", "litert")
    assert built.returncode == 0, built.stderr
    contents = dict(read_contents(path))
    manifest = json.loads(contents["manifest.json"])
    assert manifest["model"]["weights"] == "model.tflite"
    assert contents["model.tflite"] == MODEL.read_bytes()
    assert (manifest["self_test"]["steps"], len(contents["outputs.bin"])) == (1, 3 * 10)
    done = host_here("bundle", "install", path, *bench.here)
    assert done.returncode == 0, done.stderr
    assert host_here("bundle", "launch", path, *bench.here).returncode == 0


@pytest.mark.parametrize(("off", "code"), [(1, 0), (2, 7)])
def test_engines_may_differ_by_a_step(
    host_here: HostCommand, bench: Bench, off: int, code: int
) -> None:
    """The plan's runtime is exact; here it is held to given outputs, ``off`` steps away."""
    manifest = sample_manifest(bench.key)
    (vector, *_) = manifest.self_test.vectors
    graph = load_model(MODEL)
    inputs = [draw_input(vector.seed, 0, 64)]
    output = expected_output(graph, MODEL.read_bytes(), inputs).outputs[0].tobytes()
    scores = list(struct.unpack("10b", output))
    scores[3] += off if scores[3] < 100 else -off
    files = {**sample_files(), "outputs.bin": struct.pack("10b", *scores)}
    test = attrs.evolve(manifest.self_test, vectors=(vector,), outputs="outputs.bin", steps=1)
    changed = attrs.evolve(manifest, self_test=test, files=entries(files))
    archive = pack(signed(changed, bench.key, files))
    done = host_here("bundle", "install", bench.file("steps", archive), *bench.here)
    assert done.returncode == code, done.stderr


def test_launch_can_stay_and_serve(host_here: HostCommand, bench: Bench) -> None:
    assert host_here("bundle", "install", bench.file("kept"), *bench.here).returncode == 0
    process = subprocess.Popen(
        command("bundle", "launch", *bench.here, "--serve", "127.0.0.1:0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = next(line for line in process.stdout if line.startswith("READY")).split()[1]
        port = f"tcp://{address}"
        done = host_here("bundle", "launch", bench.file("kept"), *bench.trust, "--port", port)
        assert done.returncode == 0, done.stderr
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
        process.stdout.close()
