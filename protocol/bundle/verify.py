"""The checks that need no board: parse, sizes, signature, hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import attrs

from protocol.bundle.contents import MANIFEST_NAME, SIGNATURE_NAME, Contents
from protocol.bundle.errors import BundleError, Stage
from protocol.bundle.manifest import Manifest
from protocol.bundle.signing import SIGNATURE_BYTES, PublicKey


@attrs.frozen
class Bundle:
    """One that has passed: ``files`` are the very bytes that were hashed."""

    manifest: Manifest
    files: Contents
    id: str
    """SHA-256 of the manifest, which names the hash of everything else."""

    @property
    def weights(self) -> bytes:
        return self.files[self.manifest.model.weights]


def verify(contents: Contents, trusted: Iterable[PublicKey]) -> Bundle:
    """Checks all of a bundle but whether a board can run it.

    Args:
        contents: as :func:`protocol.bundle.read_contents` gives them.
        trusted: keys whose bundles are accepted.

    Raises:
        BundleError: the first stage that it does not pass, and why.
    """
    manifest = _parse(contents)
    _check_sizes(manifest, contents)
    _check_signature(manifest, contents, trusted)
    _check_hashes(manifest, contents)
    files = {entry.name: contents[entry.name] for entry in manifest.files}
    return Bundle(manifest, files, hashlib.sha256(contents[MANIFEST_NAME]).hexdigest())


def _parse(contents: Contents) -> Manifest:
    for name in (MANIFEST_NAME, SIGNATURE_NAME):
        if name not in contents:
            raise BundleError(Stage.PARSE, f"there is no {name}")
    manifest = Manifest.from_bytes(contents[MANIFEST_NAME])
    listed = {entry.name for entry in manifest.files} | {MANIFEST_NAME, SIGNATURE_NAME}
    for name in sorted(listed - set(contents)):
        raise BundleError(Stage.PARSE, f"{name} is missing")
    for name in sorted(set(contents) - listed):
        raise BundleError(Stage.PARSE, f"{name} is not in the manifest")
    return manifest


def _check_sizes(manifest: Manifest, contents: Contents) -> None:
    sizes = {entry.name: entry.size_bytes for entry in manifest.files}
    sizes[SIGNATURE_NAME] = SIGNATURE_BYTES
    for name, size in sizes.items():
        if len(contents[name]) != size:
            raise BundleError(
                Stage.SIZES, f"{name} has {len(contents[name]):,} bytes, not {size:,}"
            )


def _check_signature(manifest: Manifest, contents: Contents, trusted: Iterable[PublicKey]) -> None:
    signer = next((key for key in trusted if key.id == manifest.signer), None)
    if signer is None:
        raise BundleError(
            Stage.SIGNATURE, f"signed by key {manifest.signer[:16]}, which is not trusted here"
        )
    if not signer.has_signed(contents[MANIFEST_NAME], contents[SIGNATURE_NAME]):
        raise BundleError(
            Stage.SIGNATURE, f"the manifest is not what key {signer.id[:16]} has signed"
        )


def _check_hashes(manifest: Manifest, contents: Contents) -> None:
    for entry in manifest.files:
        if hashlib.sha256(contents[entry.name]).hexdigest() != entry.sha256:
            raise BundleError(Stage.HASHES, f"{entry.name} is not what was signed: its SHA-256")
