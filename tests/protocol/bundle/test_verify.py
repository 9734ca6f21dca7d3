"""Signature, order of the checks, and whether a board fits."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from protocol.bundle import (
    BundleError,
    Contents,
    PublicKey,
    Stage,
    VersionRange,
    check_fits,
    read_public_key,
    verify,
)
from protocol.bundle.fitness import is_within
from protocol.bundle.signing import KeyFileError, SigningKey, read_signing_key
from protocol.capabilities import Capabilities, EngineOffer
from protocol.messages import Engine
from tests.support.bundles import sample_files, sample_manifest, signed

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()
MANIFEST = sample_manifest(KEY)
GOOD = signed(MANIFEST, KEY)
BOARD = Capabilities(
    board="pc",
    domain="mpu",
    engine="jump_rt 0.1.3",
    plan_version=(1, 0),
    op_set=frozenset(range(20)),
    pool_bytes=4096,
)


def refusal(contents: Contents, *trusted: PublicKey) -> BundleError:
    with pytest.raises(BundleError) as error:
        verify(contents, trusted or (KEY.public,))
    return error.value


def test_a_good_one_passes() -> None:
    bundle = verify(GOOD, [STRANGER.public, KEY.public])
    assert bundle.manifest == MANIFEST
    assert bundle.weights == sample_files()["model.plan"]


# Each is wrong at its own stage and at every later one.
_WRONG_BYTES = {**sample_files(), "model.plan": sample_files()["model.plan"][::-1]}
_WRONG_SIZE = {**_WRONG_BYTES, "target.json": b""}


def _wrong(files: Mapping[str, bytes], key: SigningKey) -> dict[str, bytes]:
    return {**signed(MANIFEST, key), **files}


@pytest.mark.parametrize(
    ("contents", "stage", "reason"),
    [
        (_wrong({**_WRONG_SIZE, "extra": b""}, STRANGER), Stage.PARSE, "extra is not in the"),
        (_wrong(_WRONG_SIZE, STRANGER), Stage.SIZES, "target.json has 0 bytes"),
        (_wrong(_WRONG_BYTES, STRANGER), Stage.SIGNATURE, "is not what key"),
        (_wrong(_WRONG_BYTES, KEY), Stage.HASHES, "model.plan is not what was signed"),
    ],
)
def test_the_first_stage_that_fails_is_named(
    contents: dict[str, bytes], stage: Stage, reason: str
) -> None:
    error = refusal(contents)
    assert error.stage == stage
    assert reason in error.reason


@pytest.mark.parametrize("name", GOOD)
def test_no_file_may_be_missing(name: str) -> None:
    error = refusal({key: data for key, data in GOOD.items() if key != name})
    assert error.stage == Stage.PARSE
    assert name in error.reason


def test_a_key_that_is_not_trusted_is_refused() -> None:
    error = refusal(GOOD, STRANGER.public)
    assert error.stage == Stage.SIGNATURE
    assert KEY.public.id[:16] in error.reason
    claimed = attrs.evolve(MANIFEST, signer=STRANGER.public.id)
    assert refusal(signed(claimed, KEY), STRANGER.public).stage == Stage.SIGNATURE


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signature_has_64_bytes(size: int) -> None:
    error = refusal({**GOOD, "manifest.sig": bytes(size)})
    assert error.stage == Stage.SIZES


def test_openssl_agrees(tmp_path: Path) -> None:
    """Keys and signatures are plain Ed25519: made there, read here, and the reverse."""

    def openssl(*words: str) -> str:
        command = ["openssl", *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    (tmp_path / "manifest.json").write_bytes(GOOD["manifest.json"])
    (tmp_path / "manifest.sig").write_bytes(GOOD["manifest.sig"])
    (tmp_path / "ours.pub").write_bytes(KEY.public.to_pem())
    check = ["pkeyutl", "-verify", "-pubin", "-rawin", "-in", "manifest.json"]
    assert "Success" in openssl(*check, "-inkey", "ours.pub", "-sigfile", "manifest.sig")

    openssl("genpkey", "-algorithm", "ed25519", "-out", "theirs")
    openssl("pkey", "-in", "theirs", "-pubout", "-out", "theirs.pub")
    theirs = read_signing_key(tmp_path / "theirs")
    assert read_public_key(tmp_path / "theirs.pub") == theirs.public
    sign = ["pkeyutl", "-sign", "-inkey", "theirs", "-rawin", "-in", "manifest.json"]
    openssl(*sign, "-out", "theirs.sig")
    signature = (tmp_path / "theirs.sig").read_bytes()
    assert theirs.public.has_signed(GOOD["manifest.json"], signature)
    assert signature == theirs.sign(GOOD["manifest.json"])

    openssl("genpkey", "-algorithm", "ed448", "-out", "other")
    openssl("pkey", "-in", "other", "-pubout", "-out", "other.pub")
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        read_public_key(tmp_path / "other.pub")
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        read_signing_key(tmp_path / "other")
    with pytest.raises(KeyFileError, match="no public key"):
        read_public_key(tmp_path / "theirs")
    with pytest.raises(KeyFileError, match="no private key"):
        read_signing_key(tmp_path / "theirs.pub")


def test_the_vector_of_rfc_8032() -> None:
    """Section 7.1, TEST 2: a message of one byte."""
    key = PublicKey(
        bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    )
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert key.has_signed(b"\x72", signature)
    assert not key.has_signed(b"\x73", signature)


def test_a_board_that_fits_is_taken() -> None:
    check_fits(MANIFEST, BOARD)


_REQUIRES = MANIFEST.requires


@pytest.mark.parametrize(
    ("requires", "board", "reason"),
    [
        ({}, {"board": "pico"}, "made for the board pc, this is pico"),
        ({}, {"domain": "mcu"}, "made for the domain mpu"),
        ({"backend": "litert"}, {}, "backend litert is not fulfilled by jump_rt"),
        ({"protocol": 2}, {}, "protocol version 2, this is 1"),
        ({}, {"engine": "jump_rt 0.2.0"}, "below 0.2"),
        ({}, {"engine": "jump_rt 0.0.9"}, "from 0.1.0"),
        ({}, {"engine": "jump_rt"}, "no version"),
        ({}, {"engine": ""}, "has none"),
        ({}, {"engine": "litert 2.3.0"}, "needs the engine jump_rt"),
        ({}, {"plan_version": (2, 0)}, "plan version 1.0"),
        ({"plan_version": (1, 1)}, {}, "plan version 1.1"),
        ({}, {"op_set": frozenset({3})}, "SOFTMAX"),
        ({"ops": (3, 77)}, {}, "77"),
        ({"arena_bytes": 4097}, {}, "4,097 bytes"),
    ],
)
def test_a_board_that_does_not_fit_is_refused_with_both_sides(
    requires: dict[str, object], board: dict[str, object], reason: str
) -> None:
    manifest = attrs.evolve(MANIFEST, requires=attrs.evolve(_REQUIRES, **requires))
    with pytest.raises(BundleError) as error:
        check_fits(manifest, attrs.evolve(BOARD, **board))
    assert error.value.stage == Stage.COMPATIBILITY
    assert reason in error.value.reason


def test_a_precision_that_the_engine_has_not_is_refused() -> None:
    model = attrs.evolve(MANIFEST.model, precision="float32")
    with pytest.raises(BundleError, match="does not execute float32"):
        check_fits(attrs.evolve(MANIFEST, model=model), BOARD)


def test_an_engine_is_the_one_that_is_offered() -> None:
    requires = attrs.evolve(
        _REQUIRES,
        backend="litert",
        engine="litert",
        engine_version=VersionRange(at_least="2.3.0", below="3"),
    )
    manifest = attrs.evolve(MANIFEST, requires=requires)
    offer = EngineOffer(Engine.LITERT, frozenset({1}), "litert 2.4.1")
    check_fits(manifest, attrs.evolve(BOARD, engines=(offer,)))
    older = attrs.evolve(offer, version="litert 2.2.9")
    with pytest.raises(BundleError, match="litert from 2"):
        check_fits(manifest, attrs.evolve(BOARD, engines=(older,)))


@pytest.mark.parametrize(
    ("version", "within"),
    [
        ("1.2", True),
        ("1.2.0", True),
        ("1.10.3rc1", True),
        ("2", False),
        ("2.0.0", False),
        ("1.1.99", False),
        ("", False),
        ("of unknown version", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, within: bool) -> None:
    assert is_within(version, VersionRange(at_least="1.2.0", below="2")) is within
