"""With the files of docs/mqtt: who gets in, and who sees what."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from host.boards.agents import list_agents
from host.errors import LinkError
from host.links.mqtt_address import PASSWORD_VARIABLE, parse_broker
from host.links.open import open_link
from protocol.measurement import Verdict
from tests.support.mqtt_site import BY_CERTIFICATE, BY_PASSWORD, Site
from tests.support.rack import GatewayProcess, measure


def gateway(site: Site, rack: str) -> GatewayProcess:
    user = f"{rack}-gateway"
    return GatewayProcess(
        site.folder,
        [{"id": "desk", "kind": "process"}],
        site.url(user),
        rack=rack,
        environment={PASSWORD_VARIABLE: site.passwords[user]},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    with site.broker, gateway(site, "bench"), gateway(site, "lab"):
        with pytest.MonkeyPatch.context() as patch:
            for rack in ("bench", "lab"):
                patch.setenv(PASSWORD_VARIABLE, site.passwords[rack])
                while not any(a.online for a in list_agents(parse_broker("", site.url(rack)))):
                    pass
        yield site


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker is on this machine: what it does not say soon it does not say."""
    monkeypatch.setattr("protocol.mqtt.client.ANSWER_S", 1.5)
    monkeypatch.setattr("host.links.mqtt._PRESENCE_S", 0.5)


def as_user(site: Site, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, site.passwords[user])


def boards_seen(url: str) -> list[str]:
    return [f"{agent.rack}/{agent.board}" for agent in list_agents(parse_broker("--mqtt", url))]


def test_a_rack_is_measured_and_the_other_is_not_seen(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user, other in (("bench", "lab"), ("lab", "bench")):
        as_user(site, monkeypatch, user)
        assert boards_seen(site.url(user)) == [f"{user}/desk"]
        assert measure(site.url(user, f"/{user}/desk")).output.verdict == Verdict.EXACT
        with pytest.raises(LinkError, match=f"no board {other}/desk that '{user}' may see"):
            open_link(site.url(user, f"/{other}/desk"))


def test_client_certificates_do_the_same_without_a_password(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    assert boards_seen(site.url("bench", port=BY_CERTIFICATE)) == ["bench/desk"]
    record = measure(site.url("bench", "/bench/desk", port=BY_CERTIFICATE))
    assert record.output.verdict == Verdict.EXACT
    with pytest.raises(LinkError, match="no board lab/desk"):
        open_link(site.url("bench", "/lab/desk", port=BY_CERTIFICATE))


def test_without_credentials_no_connection(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(site.folder / "none"))
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    with pytest.raises(LinkError, match="refused a client without a user"):
        open_link(site.url(None, "/bench/desk"))
    with pytest.raises(LinkError, match="refused user 'bench'"):
        open_link(site.url("bench", "/bench/desk"))
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with pytest.raises(LinkError, match="refused user 'bench'"):
        open_link(site.url("bench", "/bench/desk"))
    with pytest.raises(LinkError, match="did not answer") as refused:
        open_link(site.url(None, "/bench/desk", port=BY_CERTIFICATE))
    assert "client certificate" in refused.value.hint


def test_a_password_from_the_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    file = site.folder / "netrc"
    file.write_text(f"machine 127.0.0.1 login bench password {site.passwords['bench']}\n")
    monkeypatch.setenv("NETRC", str(file))
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    assert boards_seen(site.url("bench")) == ["bench/desk"]


# The client library leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_not_who_it_should_be(site: Site) -> None:
    url = f"mqtts://127.0.0.1:{site.ports[BY_PASSWORD]}/bench/desk"  # not vouched for
    with pytest.raises(LinkError, match="no certificate that is trusted here"):
        open_link(url)
    with pytest.raises(LinkError, match="did not answer"):
        open_link(f"mqtt://127.0.0.1:{site.ports[BY_PASSWORD]}/bench/desk")
    gc.collect()


def test_a_user_cannot_pass_for_a_gateway(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(site, monkeypatch, "bench")
    stranger = GatewayProcess(
        site.folder,
        [{"id": "trap", "kind": "process"}],
        site.url("bench"),
        rack="bench",
        environment={PASSWORD_VARIABLE: site.passwords["bench"]},
    )
    with stranger:
        while "online" not in stranger.log:
            pass
        assert boards_seen(site.url("bench")) == ["bench/desk"]
