"""What is wrong with an address, or the way to its broker, as `host` says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.errors import ConfigError, LinkError
from host.links.mqtt_address import parse_board, parse_broker
from host.links.open import open_link


def test_addresses_that_cannot_be_read_are_the_users_to_mend() -> None:
    with pytest.raises(ConfigError, match="RACK/BOARD") as refused:
        parse_board("--port", "mqtt://rack/bench")
    assert "host agents" in refused.value.hint
    with pytest.raises(ConfigError, match="--mqtt"):
        parse_broker("--mqtt", "mqtt://rack/bench/a")


def test_so_are_certificates_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.crt: No such file"):
        open_link(f"mqtts://127.0.0.1/bench/a?ca={tmp_path}/nowhere.crt")


def test_a_broker_that_is_not_there_is_the_links() -> None:
    with pytest.raises(LinkError, match="cannot be reached") as failed:
        open_link("mqtt://127.0.0.1:1/bench/a")
    assert "check" in failed.value.hint
