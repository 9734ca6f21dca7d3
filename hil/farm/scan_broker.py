"""Finds boards that a broker knows and no farm file does yet."""

from __future__ import annotations

import attrs

import devices
from hil.farm.edit import NewBoard
from hil.farm.file import BoardKind, Farm
from hil.farm.scan import Finding, Scan, Standing, free_name
from host.boards.agents import list_agents
from host.links.mqtt_address import parse_board, parse_broker
from protocol.mqtt import Presence


def scan_broker(farm: Farm, rack: str, url: str) -> Scan:
    """Asks a broker for the boards that are on it now; no board is disturbed.

    Args:
        farm: what is known already; boards that its own racks offer are among it.
        rack: where new boards are to stand: they get names that are free there.
        url: the broker, ``mqtt[s]://[USER@]BROKER[:PORT]`` with its certificates if it needs any.

    Raises:
        ConfigError: the URL is wrong.
        LinkError: the broker cannot be reached, or refuses.
    """
    offered = {(entry.id, board.id): board.id for entry in farm.racks for board in entry.boards}
    known = {
        str(parse_board("url", board.url)): board.id
        for entry in farm.racks
        for board in entry.boards
        if board.url is not None
    }
    taken = {board.id for entry in farm.racks if entry.id == rack for board in entry.boards}
    catalog = {profile.id for profile in devices.load_all()}
    findings: list[Finding] = []
    new: list[NewBoard] = []
    for presence in list_agents(parse_broker("--mqtt", url)):
        where = _url_of(url, presence)
        board = known.get(str(parse_board("--mqtt", where)))
        board = board or offered.get((presence.rack, presence.board))
        finding = _judged(where, presence, board, catalog)
        if finding.standing == Standing.ADDED:
            assert presence.device is not None
            name = presence.board
            if name in taken:
                name = free_name(presence.device, taken)
            taken.add(name)
            new.append(
                NewBoard(
                    id=name,
                    kind=BoardKind.MQTT,
                    device=presence.device,
                    identity=("url", where),
                )
            )
            finding = attrs.evolve(finding, board=name)
        findings.append(finding)
    return Scan(tuple(findings), tuple(new))


def _judged(where: str, presence: Presence, board: str | None, catalog: set[str]) -> Finding:
    def finding(standing: Standing, why: str) -> Finding:
        return Finding(port=where, standing=standing, board=board, device=presence.device, why=why)

    if board is not None:
        return finding(Standing.KNOWN, f"is {board} of the farm file")
    if not presence.online:
        return finding(Standing.UNSURE, f"is offline: {presence.reason or 'it does not say why'}")
    if presence.device not in catalog:
        says = f"says that it is a {presence.device!r}: not in the catalog"
        return finding(Standing.NO_BOARD, says)
    return finding(Standing.ADDED, "is online")


def _url_of(broker: str, presence: Presence) -> str:
    """The board's own, with what the broker's says of certificates."""
    base, mark, query = broker.partition("?")
    return f"{base.rstrip('/')}/{presence.rack}/{presence.board}{mark}{query}"
