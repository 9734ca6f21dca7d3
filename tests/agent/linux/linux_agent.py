"""A Linux agent as a process, and what a client asks of its models."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

from protocol.messages import Engine, MessageType, ModelFormat
from protocol.report import Report
from tests.firmware.agent.agent_process import AgentProcess, Client
from tests.support.make import ROOT
from tests.support.pc_agent import build_pc_agent

SHARED_MODELS = ROOT.parent / "shared" / "models"
EXAMPLES = ROOT / "examples"
POOL_BYTES = 300_000
"""As the tests of the C agent give theirs."""


def linux_agent(*options: str) -> AgentProcess:
    """On its standard streams, with a small pool for plans."""
    command = [sys.executable, "-m", "agent.linux"]
    pool = ["--pc-agent", str(build_pc_agent()), "--pool-bytes", str(POOL_BYTES)]
    return AgentProcess(command, *pool, *options)


def begin_model(
    client: Client,
    data: bytes,
    model_format: ModelFormat,
    engine: Engine = Engine.ANY,
    name: bytes = b"model",
    **fields: Any,
) -> Any:
    """The answer to MODEL_BEGIN."""
    wanted = {
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).digest(),
        "format": model_format,
        "engine": engine,
        "reserved": bytes(5),
        "name": name,
        **fields,
    }
    return client.ask(MessageType.MODEL_BEGIN, **wanted)


def upload_model(
    client: Client,
    data: bytes,
    model_format: ModelFormat,
    engine: Engine = Engine.ANY,
    **fields: Any,
) -> Any:
    """Uploads a chunk at a time; returns the answer to MODEL_END."""
    begun = begin_model(client, data, model_format, engine, **fields)
    offset = begun.next_offset
    while offset < len(data):
        chunk = data[offset : offset + begun.chunk_bytes]
        offset = client.ask(MessageType.MODEL_CHUNK, offset=offset, data=chunk).next_offset
    return client.ask(MessageType.MODEL_END)


def report(client: Client) -> Report:
    data = b""
    while True:
        page = client.ask(MessageType.REPORT, offset=len(data))
        data += page.data
        if len(data) >= page.total_bytes:
            return Report.from_bytes(data)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
