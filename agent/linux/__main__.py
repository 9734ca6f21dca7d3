"""``python -m agent.linux --serial DEV | --tcp HOST:PORT | --mqtt URL | --stdio``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.linux.agent import Agent
from agent.linux.board import Settings, default_threads, describe
from agent.linux.bridge import Bridge
from agent.linux.engines.plan_process import PlanProcess
from agent.linux.machine import Machine
from agent.linux.model_store import claimed
from agent.linux.models import Models
from agent.linux.refusal import Refusal
from agent.linux.service import Service
from agent.linux.transports.base import Transport
from protocol.mqtt.address import PASSWORD_VARIABLE, parse_board

_BUILT_PC_AGENT = Path(__file__).resolve().parents[2] / "build" / "firmware" / "posix" / "pc-agent"
_DEFAULT_MODEL_BYTES = 1 << 30
_DEFAULT_HANG_S = 120.0
_DEFAULT_BAUD = 921_600
_DEFAULT_BRIDGE_BAUD = 115_200
"""The UNO Q's /dev/ttyHS1."""


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="python -m agent.linux", description="The agent for boards that run Linux."
    )
    way = options.add_mutually_exclusive_group(required=True)
    way.add_argument("--serial", metavar="DEV", help="serve a serial port")
    way.add_argument("--tcp", metavar="HOST:PORT", help="listen there; port 0: any free one")
    way.add_argument(
        "--mqtt",
        metavar="URL",
        help="be a board on a broker: mqtt[s]://[USER@]BROKER[:PORT]/RACK/BOARD[?ca=FILE"
        f"&cert=FILE&key=FILE]; the user's password: {PASSWORD_VARIABLE}, or ~/.netrc",
    )
    way.add_argument("--stdio", action="store_true", help="serve standard input and output")
    options.add_argument("--baud", type=int, default=_DEFAULT_BAUD, help="of the serial port")
    options.add_argument("--bridge", metavar="DEV", help="serial line to this board's MCU")
    options.add_argument("--bridge-baud", type=int, default=_DEFAULT_BRIDGE_BAUD)
    options.add_argument("--board", default="pc", metavar="ID", help="this board's catalog id")
    options.add_argument(
        "--store", type=Path, metavar="DIR", help="where models are kept; default: a new folder"
    )
    options.add_argument(
        "--model-bytes", type=int, default=_DEFAULT_MODEL_BYTES, help="largest model to take"
    )
    options.add_argument("--threads", type=int, help="of a model that names none")
    options.add_argument(
        "--cpus", type=_cpus, metavar="N,N", help="CPUs for models; default: the fastest kind"
    )
    options.add_argument(
        "--hang-s",
        type=float,
        default=_DEFAULT_HANG_S,
        help="an engine that is silent for longer has failed",
    )
    options.add_argument(
        "--pc-agent", type=Path, metavar="FILE", help="the posix build, which runs plans"
    )
    options.add_argument("--no-plans", action="store_true", help="take models alone")
    options.add_argument("--pool-bytes", type=int, help="RAM for a plan and its arena")
    options.add_argument(
        "--bundles",
        type=Path,
        metavar="DIR",
        help="take signed bundles alone; they are installed here, and launched at every start",
    )
    options.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="a public key whose bundles are accepted; more than once for several",
    )
    options.add_argument(
        "--emulator", default="", metavar="NAME", help="what emulates this board, if anything does"
    )
    return options


def _cpus(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _find_pc_agent() -> Path | None:
    if _BUILT_PC_AGENT.is_file():
        return _BUILT_PC_AGENT
    found = shutil.which("pc-agent")
    return Path(found) if found else None


def _settings(options: argparse.Namespace, store: Path, machine: Machine) -> Settings:
    cpus = options.cpus or machine.fastest_cpus()
    return Settings(
        board=options.board,
        store=store,
        model_bytes=options.model_bytes,
        threads=options.threads or default_threads(cpus),
        cpus=cpus,
        hang_s=options.hang_s,
        pc_agent=None if options.no_plans else options.pc_agent or _find_pc_agent(),
        pool_bytes=options.pool_bytes,
        emulator=options.emulator,
    )


def _transport(options: argparse.Namespace) -> Transport:
    if options.serial:
        from agent.linux.transports.serial import SerialTransport

        return SerialTransport(options.serial, options.baud)
    if options.tcp:
        from agent.linux.transports.tcp import TcpTransport

        host, _, port = options.tcp.rpartition(":")
        return TcpTransport(host.strip("[]"), int(port))
    if options.mqtt:
        from agent.linux.transports.mqtt import MqttTransport

        return MqttTransport(parse_board("--mqtt", options.mqtt))
    from agent.linux.transports.stdio import StdioTransport

    return StdioTransport()


@dataclass(frozen=True)
class SignedOnly:
    """Where bundles are installed, and the keys whose bundles are accepted, as PEM files."""

    folder: Path
    trusted: tuple[Path, ...]


def _signed_only(options: argparse.Namespace) -> SignedOnly | None:
    """None where models are taken as they are. Raises ValueError."""
    if options.bundles is None:
        if options.trust:
            raise ValueError("--trust is for --bundles")
        return None
    if not options.trust:
        raise ValueError("--bundles needs --trust: a public key of whoever signs them")
    return SignedOnly(options.bundles, tuple(options.trust))


async def serve(
    settings: Settings,
    machine: Machine,
    transport: Transport,
    *,
    boot_count: int,
    bridge: Bridge | None = None,
    signed_only: SignedOnly | None = None,
) -> None:
    """Serves until the transport ends or the process is asked to.

    Raises:
        OSError: the transport cannot be opened.
        ValueError: a certificate or a password of its address, or a trusted key, cannot be used.
        Refusal: the posix build does not start.
    """
    plans = None
    if settings.pc_agent is not None:
        plans = PlanProcess(
            settings.pc_agent,
            cpus=settings.cpus,
            hang_s=settings.hang_s,
            pool_bytes=settings.pool_bytes,
        )
    capabilities = await describe(settings, machine, plans)
    service: Service
    if signed_only is None:
        service = Models(capabilities, settings, machine, plans)
    else:
        # Where it is not asked for, its packages need not be there.
        from agent.linux.bundles.service import bundles_alone, open_service

        if plans is not None:
            await plans.close()  # each bundle has a process of its own
        service = open_service(
            signed_only.folder, signed_only.trusted, settings, machine, capabilities
        )
        capabilities = bundles_alone(capabilities)
    agent = Agent(capabilities, service, boot_count, bridge)
    working = [asyncio.ensure_future(agent.run())]
    if bridge is not None:
        working.append(asyncio.ensure_future(bridge.run()))
    serving = asyncio.ensure_future(transport.serve(agent))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    machine = Machine()
    with contextlib.ExitStack() as stack:
        store = options.store
        try:
            if store is None:
                folder = tempfile.TemporaryDirectory(prefix="jumpstation-agent-")
                store = Path(stack.enter_context(folder))
            boot_count = stack.enter_context(claimed(store))
            settings = _settings(options, store, machine)
            bridge = Bridge(options.bridge, options.bridge_baud) if options.bridge else None
            asyncio.run(
                serve(
                    settings,
                    machine,
                    _transport(options),
                    boot_count=boot_count,
                    bridge=bridge,
                    signed_only=_signed_only(options),
                )
            )
        except (OSError, ValueError, Refusal) as error:
            hint = getattr(error, "hint", "")
            print(f"agent.linux: {error}" + (f"\n{hint}" if hint else ""), file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
