"""Brokers, boards on them, and where a password comes from."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from protocol.mqtt.address import PASSWORD_VARIABLE, BrokerAddress, parse_board, parse_broker
from protocol.mqtt.failures import AddressError


def test_a_whole_address() -> None:
    address = parse_board("--port", "mqtts://me@rack.example/bench/pico-1?ca=a.crt&cert=b&key=c")
    assert address.broker == BrokerAddress(
        "rack.example", 8883, True, "me", Path("a.crt"), Path("b"), Path("c")
    )
    assert (address.rack, address.board) == ("bench", "pico-1")
    assert str(address) == "mqtts://me@rack.example:8883/bench/pico-1"


def test_a_short_one() -> None:
    assert str(parse_broker("--mqtt", "mqtt://[::1]:1884")) == "mqtt://[::1]:1884"
    assert parse_broker("--mqtt", "mqtt://127.0.0.1") == BrokerAddress("127.0.0.1", 1883, False)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mqtt://rack", "RACK/BOARD"),
        ("mqtt://rack/bench", "RACK/BOARD"),
        ("mqtt://rack/bench/a/b", "RACK/BOARD"),
        ("mqtt://rack/bench/+", "RACK/BOARD"),
        ("mqtt://rack/Bench/a", "RACK/BOARD"),
        ("mqtt:///bench/a", "expected"),
        ("mqtt://rack:x/bench/a", "--port"),
        ("mqtt://a..b/bench/a", "--port"),
        ("mqtt://rack/bench/a?ca=f", "certificates are for mqtts"),
        ("mqtts://rack/bench/a?cafile=f", "unknown 'cafile'"),
        ("mqtts://rack/bench/a?key=f", "without its certificate"),
        ("mqtts://rack/bench/a?ca", "--port"),
    ],
)
def test_addresses_that_cannot_be_read(url: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        parse_board("--port", url)


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(AddressError, match="does not belong") as refused:
        parse_broker("--mqtt", "mqtts://me:geheim@rack")
    assert "geheim" not in str(refused.value) + refused.value.hint


def test_a_broker_has_no_board() -> None:
    with pytest.raises(AddressError, match="without a rack"):
        parse_broker("--mqtt", "mqtt://rack/bench/a")


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    return path


def test_passwords_by_user_and_host(netrc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc.write_text("machine rack login me password kept\n")
    assert parse_broker("--mqtt", "mqtts://me@rack").password() == "kept"
    assert parse_broker("--mqtt", "mqtts://you@rack").password() is None
    assert parse_broker("--mqtt", "mqtts://me@other").password() is None
    assert parse_broker("--mqtt", "mqtts://rack").password() is None
    monkeypatch.setenv(PASSWORD_VARIABLE, "given")
    assert parse_broker("--mqtt", "mqtts://me@rack").password() == "given"


def test_no_file_of_passwords(netrc: Path) -> None:
    assert not netrc.exists()
    assert parse_broker("--mqtt", "mqtts://me@rack").password() is None


def test_a_malformed_file_of_passwords(netrc: Path) -> None:
    netrc.write_text("machine\n")
    with pytest.raises(AddressError, match="password of mqtts://me@rack:8883 cannot be read"):
        parse_broker("--mqtt", "mqtts://me@rack").password()


def test_certificates_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match=r"nowhere\.crt: No such file"):
        parse_broker("--mqtt", "mqtts://rack?ca=nowhere.crt").tls_context()
    (tmp_path / "a.crt").write_text("no certificate")
    with pytest.raises(AddressError, match=r"a\.crt: "):
        parse_broker("--mqtt", f"mqtts://rack?ca={tmp_path}/a.crt").tls_context()


def test_the_broker_must_show_that_it_is_who_it_is() -> None:
    context = parse_broker("--mqtt", "mqtts://rack").tls_context()
    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert parse_broker("--mqtt", "mqtt://rack").tls_context() is None
