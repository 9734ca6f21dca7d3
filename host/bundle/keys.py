"""Key pairs: the private one signs, the public one is what installers and agents trust."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import attrs

from host.errors import ConfigError
from protocol.bundle import PublicKey, read_public_key
from protocol.bundle.signing import KeyFileError, SigningKey, read_signing_key

PUBLIC_SUFFIX = ".pub"
_PRIVATE_MODE = 0o600
_READABLE_BY_OTHERS = 0o077


@attrs.frozen
class KeyPair:
    """Files of a key pair, and the id that manifests name it by."""

    private: Path
    public: Path
    id: str


def make_key_pair(private: Path) -> KeyPair:
    """Writes a new private key, readable by its owner alone, and the public one beside it.

    Raises:
        ConfigError: one of the files is there already, or cannot be written.
    """
    public = private.with_name(private.name + PUBLIC_SUFFIX)
    key = SigningKey.generate()
    for path, data, mode in (
        (private, key.to_pem(), _PRIVATE_MODE),
        (public, key.public.to_pem(), 0o644),
    ):
        _write_new(path, data, mode)
    return KeyPair(private, public, key.public.id)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already", hint="a key is never replaced") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    with os.fdopen(number, "wb") as file:
        file.write(data)


def signing_key(path: Path) -> SigningKey:
    """Reads a private key.

    Raises:
        ConfigError: it cannot be read, is none, or others may read it too.
    """
    try:
        key = read_signing_key(path)
        mode = path.stat().st_mode
    except (OSError, KeyFileError) as error:
        raise ConfigError(
            str(error), hint="`host bundle key --output FILE` makes a key pair"
        ) from error
    if mode & _READABLE_BY_OTHERS:
        raise ConfigError(
            f"{path}: others may read this private key (mode {mode & 0o777:o})",
            hint=f"chmod 600 {path}; if it was so for long, make another",
        )
    return key


def trusted_keys(paths: Iterable[Path]) -> tuple[PublicKey, ...]:
    """Reads public keys.

    Raises:
        ConfigError: there are none, or one cannot be read.
    """
    try:
        keys = tuple(map(read_public_key, paths))
    except (OSError, KeyFileError) as error:
        raise ConfigError(str(error), hint=f"name the file that ends in {PUBLIC_SUFFIX}") from error
    if not keys:
        raise ConfigError(
            "no key is trusted: nothing can be accepted",
            hint="--trust FILE names the public key of whoever signs",
        )
    return keys
