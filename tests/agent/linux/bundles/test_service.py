"""An agent that takes signed models alone, over its wire."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from agent.linux.bundles.slots import Slot
from protocol.bundle import pack, unpack
from protocol.bundle.signing import SigningKey
from protocol.errors import ErrorCode
from protocol.messages import InputSource, MessageType, ModelFormat, Store
from tests.agent.linux.linux_agent import begin_model, linux_agent, report, upload_model
from tests.firmware.agent.agent_process import Client
from tests.firmware.agent.test_session import refused
from tests.support.bundles import MODEL, Desk, manifest_id, sample_archive, sample_manifest


@contextmanager
def bundle_agent(desk: Desk) -> Iterator[Client]:
    """A session that holds such an agent; its bundles are the desk's."""
    public = desk.folder.parent / "key.pub"
    public.write_bytes(desk.key.public.to_pem())
    options = ["--bundles", str(desk.folder), "--trust", str(public)]
    with linux_agent(*options) as agent:
        client = Client(agent)
        client.take()
        yield client


def run(client: Client, seed: int) -> int:
    """CRC-32 of the output."""
    answer = client.ask(
        MessageType.RUN,
        iterations=1,
        flags=0,
        input_source=InputSource.SEEDED,
        seed=seed,
        op_limit=0xFFFF,
    )
    return int(answer.output_crc32)


def runs_right(client: Client, key: SigningKey) -> None:
    for vector in sample_manifest(key).self_test.vectors:
        assert run(client, vector.seed) == vector.output_crc32


def test_a_bundle_is_installed_and_runs_at_the_next_start(desk: Desk) -> None:
    archive = sample_archive(desk.key)
    with bundle_agent(desk) as client:
        with refused(ErrorCode.NO_PLAN):
            run(client, 0)
        with refused(ErrorCode.NO_PLAN):
            report(client)
        answer = upload_model(client, archive, ModelFormat.BUNDLE)
        assert (answer.input_count, answer.output_count) == (1, 1)
        runs_right(client, desk.key)
        said = report(client)
        assert (said.bundle, said.bundle_name) == (manifest_id(unpack(archive)), "digits")
        assert said.bundle_note is None
    with bundle_agent(desk) as client:
        runs_right(client, desk.key)
        assert report(client).bundle == manifest_id(unpack(archive))


def test_nothing_but_bundles_is_taken(desk: Desk) -> None:
    with bundle_agent(desk) as client:
        with refused(ErrorCode.BUNDLE_ONLY):
            begin_model(client, MODEL.read_bytes(), ModelFormat.TFLITE)
        with refused(ErrorCode.BUNDLE_ONLY):
            client.ask(MessageType.PLAN_BEGIN, store=Store.RAM, size_bytes=64, crc32=0)
        with refused(ErrorCode.BUNDLE_ONLY):
            client.ask(MessageType.PLAN_END)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("manifest.json", ErrorCode.BUNDLE_FORMAT),
        ("manifest.sig", ErrorCode.BUNDLE_SIGNATURE),
        ("model.plan", ErrorCode.BUNDLE_HASH),
    ],
)
def test_an_altered_bundle_is_refused_and_the_old_one_runs_on(
    desk: Desk, name: str, code: ErrorCode
) -> None:
    with bundle_agent(desk) as client:
        upload_model(client, sample_archive(desk.key, "old"), ModelFormat.BUNDLE)
        identity = report(client).bundle
        contents = dict(unpack(sample_archive(desk.key, "new")))
        contents[name] = contents[name][:-1] + bytes([contents[name][-1] ^ 1])
        with refused(code):
            upload_model(client, pack(contents), ModelFormat.BUNDLE)
        with refused(code):
            client.ask(MessageType.MODEL_END)  # again: the refusal stays
        runs_right(client, desk.key)
        assert report(client).bundle == identity


def test_reset_launches_anew_and_rolls_back(desk: Desk) -> None:
    with bundle_agent(desk) as client:
        upload_model(client, sample_archive(desk.key, "old"), ModelFormat.BUNDLE)
        old = report(client).bundle
        upload_model(client, sample_archive(desk.key, "new"), ModelFormat.BUNDLE)
        assert report(client).bundle != old
        desk.slot_file(Slot.B).write_bytes(b"rot")
        client.ask(MessageType.RESET)
        client.take()
        runs_right(client, desk.key)
        said = report(client)
        assert said.bundle == old
        assert (said.bundle_note or "").startswith("slot b: parse")


def test_repeated_requests_install_once(desk: Desk) -> None:
    with bundle_agent(desk) as client:
        archive = sample_archive(desk.key)
        first = upload_model(client, archive, ModelFormat.BUNDLE)
        assert client.ask(MessageType.MODEL_END) == first
        assert begin_model(client, archive, ModelFormat.BUNDLE).next_offset == len(archive)
        assert not desk.slot_file(Slot.B).exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--bundles", "slots"], "--trust"),
        (["--trust", "key.pub"], "--bundles"),
        (["--bundles", "slots", "--trust", "missing.pub"], "missing.pub"),
        (["--bundles", "slots", "--trust", "text.pub"], "no public key"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: list[str], reason: str) -> None:
    (tmp_path / "text.pub").write_text("hello")
    done = subprocess.run(
        [sys.executable, "-m", "agent.linux", "--stdio", *options],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert reason in done.stderr


def test_a_model_whose_process_ended_is_launched_anew(desk: Desk) -> None:
    with bundle_agent(desk) as client:
        upload_model(client, sample_archive(desk.key), ModelFormat.BUNDLE)
        children = psutil.Process(client.agent.process.pid).children()
        (model,) = [child for child in children if child.name() == "pc-agent"]
        model.kill()
        model.wait()
        with refused(ErrorCode.ENGINE_FAILED):
            run(client, 0)
        runs_right(client, desk.key)
        assert report(client).bundle_name == "digits"
