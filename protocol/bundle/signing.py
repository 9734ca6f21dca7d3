"""Ed25519 (RFC 8032) over the manifest's exact bytes, and the keys in their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import attrs
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES = 64


class KeyFileError(ValueError):
    """A file that holds no such key."""


@attrs.frozen
class PublicKey:
    """A key that bundles are checked with; ``raw`` is its 32 bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        """SHA-256 of the key, by which a manifest names its signer."""
        return hashlib.sha256(self.raw).hexdigest()

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def to_pem(self) -> bytes:
        return Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@attrs.frozen
class SigningKey:
    """A private key; ``public`` is what goes to those who are to trust it."""

    _key: Ed25519PrivateKey = attrs.field(repr=False)

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def to_pem(self) -> bytes:
        """PKCS #8, not encrypted."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def read_public_key(path: Path) -> PublicKey:
    """Reads a PEM file (SubjectPublicKeyInfo), as `openssl pkey -pubout` writes it.

    Raises:
        KeyFileError: it holds no Ed25519 public key.
        OSError: it cannot be read.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path}: no public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path}: not an Ed25519 key")
    return PublicKey(key.public_bytes_raw())


def read_signing_key(path: Path) -> SigningKey:
    """Reads a PEM file (PKCS #8, not encrypted), as `openssl genpkey` writes it.

    Raises:
        KeyFileError: it holds no Ed25519 private key that can be read without a password.
        OSError: it cannot be read.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path}: no private key in PEM form, or an encrypted one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: not an Ed25519 key")
    return SigningKey(key)
