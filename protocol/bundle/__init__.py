"""The JumpBundle: what is installed on a board, and what must be true of it first.

``SPEC.md`` (The bundle) describes the format. Builders, installers and agents share this package,
so that all of them refuse the same things, in the same order and words.
"""

from protocol.bundle.contents import Contents, pack, read_contents, read_file, unpack
from protocol.bundle.errors import BundleError, Stage
from protocol.bundle.fitness import check_fits
from protocol.bundle.manifest import (
    BundledModel,
    FileEntry,
    Image,
    Manifest,
    Requirements,
    SelfTest,
    SelfTestVector,
    TensorSpec,
    VersionRange,
)
from protocol.bundle.signing import PublicKey, read_public_key
from protocol.bundle.verify import Bundle, verify

__all__ = [
    "Bundle",
    "BundleError",
    "BundledModel",
    "Contents",
    "FileEntry",
    "Image",
    "Manifest",
    "PublicKey",
    "Requirements",
    "SelfTest",
    "SelfTestVector",
    "Stage",
    "TensorSpec",
    "VersionRange",
    "check_fits",
    "pack",
    "read_contents",
    "read_file",
    "read_public_key",
    "unpack",
    "verify",
]
