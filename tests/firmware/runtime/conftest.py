"""Fixtures of the runtime's tests: the sanitized runner in both of its builds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.jr_runner import JrRunner, build_runner


@pytest.fixture(scope="module", params=["wide", "narrow"])
def any_runner(request: pytest.FixtureRequest) -> Iterator[JrRunner]:
    """A runner with 64-bit products, and one with those of a small core."""
    with JrRunner(build_runner(narrow=request.param == "narrow")) as runner:
        yield runner


@pytest.fixture(scope="module")
def runner() -> Iterator[JrRunner]:
    with JrRunner(build_runner()) as runner:
        yield runner
