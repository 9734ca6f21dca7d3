"""``host bundle``: signed models, from the build to the board."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.errors import ConfigError

if TYPE_CHECKING:
    from protocol.messages import Engine

app = typer.Typer(help="Build, check, install and launch signed models.", no_args_is_help=True)

_BundleArgument = Annotated[
    Path, typer.Argument(metavar="BUNDLE", help="A .jbundle, or a folder with its files.")
]
_TrustOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PUBKEY",
        help="A public key whose bundles are accepted (.pub); once for each.",
    ),
]
_PortOption = Annotated[
    str | None,
    typer.Option(
        metavar="DEV",
        help="Where the board is: /dev/ttyACM0, tcp://HOST:PORT, or "
        "mqtt\\[s]://\\[USER@]BROKER/RACK/BOARD.  \\[default: a microcontroller is emulated]",
    ),
]
_DirOption = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="The bundles of this computer, instead of --port."),
]
_BoardOption = Annotated[
    str | None,
    typer.Option(metavar="ID", help="What this computer is, with --dir.  \\[default: pc]"),
]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON alone.")]


@app.command()
def key(
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="The private key; the public one gets .pub.")
    ],
    as_json: _JsonOption = False,
) -> None:
    """Make a key pair: sign with the private key, have boards trust the public one."""
    from host.bundle.keys import make_key_pair
    from host.cli.render_bundle import print_key

    pair = make_key_pair(output)
    if as_json:
        _print({"private": str(pair.private), "public": str(pair.public), "id": pair.id})
    else:
        print_key(pair)


@app.command()
def build(
    target: Annotated[
        Path, typer.Option(metavar="JSON", help="What `host target --output` wrote.")
    ],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key that signs.")],
    model_argument: Annotated[
        Path | None,
        typer.Argument(metavar="MODEL", help="The model's file.  [default: what TARGET measured]"),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="MODEL", help="The same, as an option.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="JBUNDLE",
            help="Writes it here.  \\[default: .jbundle, by the name of MODEL or TARGET]",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the bundle.  \\[default: the model's]")
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Another board than the declaration chose."),
    ] = None,
    port: _PortOption = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="jump_rt, litert or onnxruntime.  \\[default: as declared, else the board's]",
        ),
    ] = None,
    meaning: Annotated[
        list[str] | None,
        typer.Option(metavar="TENSOR=TEXT", help="What an input or output is, for people."),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="One of the application's, such as reject=0.6."),
    ] = None,
    vectors: Annotated[
        int, typer.Option(min=1, max=16, help="Inputs of the self-test, drawn from seeds.")
    ] = 3,
    as_json: _JsonOption = False,
) -> None:
    """Build a bundle from a model and its target declaration, and try it on the board.

    The self-test's answers are those of TensorFlow Lite Micro, or of the same engine here; the
    board, emulated without --port, must give them before anything is written.
    """
    from host.bundle.build import BuildRequest, build_bundle
    from host.cli.progress import progress_observer
    from host.cli.render_bundle import print_built
    from host.files import check_writable

    if model is not None and model_argument is not None:
        raise ConfigError("MODEL and --model both name a model: give one")
    path = model or model_argument
    stem = name or (path.stem if path is not None else target.stem)
    written = output or Path(f"{stem}.jbundle")
    check_writable(written)
    request = BuildRequest(
        target=target,
        key=key,
        output=written,
        model=path,
        board=board,
        port=port,
        engine=None if engine is None else _engine(engine),
        name=name,
        meanings=dict(_pair("--meaning", text) for text in meaning or ()),
        thresholds=dict(_number("--threshold", text) for text in threshold or ()),
        vectors=vectors,
    )
    with progress_observer() as observer:
        built = build_bundle(request, observer)
    if as_json:
        _print({"path": str(built.path), "id": built.bundle.id, "bytes": built.archive_bytes})
    else:
        print_built(built)


@app.command()
def verify(
    bundle: _BundleArgument, trust: _TrustOption = None, as_json: _JsonOption = False
) -> None:
    """Check all of a bundle that needs no board: form, sizes, signature, hashes."""
    from host.bundle.opened import open_bundle
    from host.cli.render_bundle import print_verified

    opened = open_bundle(bundle, trust or ())
    if as_json:
        _print({"id": opened.bundle.id, "manifest": json.loads(opened.manifest.to_bytes())})
    else:
        print_verified(opened)


@app.command()
def install(
    bundle: _BundleArgument,
    trust: _TrustOption = None,
    port: _PortOption = None,
    folder: _DirOption = None,
    board: _BoardOption = None,
    as_json: _JsonOption = False,
) -> None:
    """Check a bundle, have the board try it, and make it the one that runs.

    On Linux the one before stays in the other slot, and runs on where anything fails. A
    microcontroller gets the image, firmware and plan, through its programmer.
    """
    from host.bundle.install import Place, install_bundle
    from host.bundle.opened import open_bundle
    from host.cli.progress import progress_observer
    from host.cli.render_bundle import print_running

    keys = tuple(trust or ())
    opened = open_bundle(bundle, keys)
    with progress_observer() as observer:
        place = Place(port=_one_place(port, folder), folder=folder, board=board)
        running = install_bundle(opened, place, keys, observer)
    if as_json:
        _print(running.to_dict())
    else:
        print_running("Installed", running)


@app.command()
def launch(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="BUNDLE",
            help="What should be there; needed for a microcontroller.  "
            "[default: whatever is installed]",
        ),
    ] = None,
    trust: _TrustOption = None,
    port: _PortOption = None,
    folder: _DirOption = None,
    board: _BoardOption = None,
    serve: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="With --dir: stay, and offer the bundle there over TCP."
        ),
    ] = None,
    as_json: _JsonOption = False,
) -> None:
    """Start what is installed, with every check again, and have it run its self-test."""
    from host.bundle.install import Place, launch_bundle
    from host.bundle.linux import become_agent
    from host.bundle.opened import open_bundle
    from host.cli.progress import progress_observer
    from host.cli.render_bundle import print_running

    if serve is not None and folder is None:
        raise ConfigError("--serve is for --dir: an agent at a port serves already")
    keys = tuple(trust or ())
    opened = None if bundle is None else open_bundle(bundle, keys)
    with progress_observer() as observer:
        place = Place(port=_one_place(port, folder), folder=folder, board=board)
        running = launch_bundle(opened, place, keys, observer)
    if as_json:
        _print(running.to_dict())
    else:
        print_running("Launched", running)
    if serve is not None and folder is not None:
        become_agent(folder, keys, running.board.board, serve)


def _one_place(port: str | None, folder: Path | None) -> str | None:
    if port is not None and folder is not None:
        raise ConfigError("--port and --dir both say where: give one")
    return port


def _engine(name: str) -> Engine:
    from protocol.messages import Engine

    known = [engine.name.lower() for engine in Engine if engine != Engine.ANY]
    if name not in known:
        raise ConfigError(f"--engine {name}: one of {', '.join(known)}")
    return Engine[name.upper()]


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ConfigError(f"{option} {text}: not of the form NAME=VALUE")
    return name, value


def _number(option: str, text: str) -> tuple[str, float]:
    name, value = _pair(option, text)
    try:
        number = float(value)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: {value!r} is no number") from error
    if not math.isfinite(number):
        raise ConfigError(f"{option} {text}: {value!r} is not finite")
    return name, number


def _print(values: Mapping[str, object]) -> None:
    print(json.dumps(values, indent=2))
