from __future__ import annotations

from pathlib import Path

import pytest

from protocol.bundle.signing import SigningKey
from tests.support.bundles import Desk


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def desk(tmp_path: Path, key: SigningKey) -> Desk:
    return Desk.make(tmp_path, key)
