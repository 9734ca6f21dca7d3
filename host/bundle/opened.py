"""A bundle that has passed every check that needs no board."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from host.bundle.keys import trusted_keys
from host.errors import BoardError, ConfigError, MismatchError
from protocol.bundle import Bundle, BundleError, Manifest, Stage, pack, read_contents, verify
from protocol.errors import ErrorCode

_HINTS = {
    Stage.PARSE: "`host bundle build` makes a whole one",
    Stage.SIZES: "it was cut or altered: get it anew",
    Stage.SIGNATURE: "it was altered, or --trust names another key than its signer's",
    Stage.HASHES: "it was altered: get it anew",
    Stage.COMPATIBILITY: "build a bundle for this board",
    Stage.SELF_TEST: "the board runs something else, or is faulty: do not use it",
}


@attrs.frozen
class OpenedBundle:
    """``archive`` is what is sent, whether it came as a folder or as an archive."""

    path: Path
    bundle: Bundle
    archive: bytes

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def label(self) -> str:
        return f"{self.manifest.name} ({self.bundle.id[:16]})"


def open_bundle(path: Path, trust: Sequence[Path]) -> OpenedBundle:
    """Reads a folder or an archive, and checks parse, sizes, signature and hashes.

    Raises:
        ConfigError: it cannot be read, a key cannot be, or the bundle is refused.
    """
    keys = trusted_keys(trust)
    with refusals(str(path)):
        try:
            contents = read_contents(path)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        return OpenedBundle(path, verify(contents, keys), pack(contents))


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turns a refusal into the error that says whose failure it is."""
    try:
        yield
    except BundleError as error:
        raise refusal(error, what) from error


def refusal(error: BundleError, what: str) -> ConfigError | BoardError | MismatchError:
    """The error for a bundle that ``what`` names, or that it refused."""
    text, hint = f"{what}: refused at {error}", _HINTS[error.stage]
    if error.stage == Stage.SELF_TEST:
        return MismatchError(text, hint=hint)
    if error.stage == Stage.COMPATIBILITY:
        return BoardError(text, code=ErrorCode.BUNDLE_UNFIT, hint=hint)
    return ConfigError(text, hint=hint)
