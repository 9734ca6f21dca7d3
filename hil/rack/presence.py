"""What the gateway says of a board: its own words at the greeting, and who holds it now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from hil.rack.attachment import Greeted
from host.session import Lease
from protocol.capabilities import Capabilities
from protocol.messages import Store
from protocol.mqtt import LeaseNotice, Presence


def online(rack: str, board: str, greeted: Greeted) -> Presence:
    """The presence of a board that has just answered."""
    offered = greeted.capabilities
    return Presence(
        rack=rack,
        board=board,
        online=True,
        device=offered.board or None,
        domain=offered.domain or None,
        core=offered.core or None,
        clock_hz=offered.clock_hz or None,
        uid=offered.uid or None,
        firmware=offered.firmware or None,
        build=offered.build or None,
        engine=offered.engine or None,
        emulator=offered.emulator,
        boot_count=greeted.boot_count,
        capabilities=_summary(offered),
        last_seen=datetime.now(UTC),
    )


def offline(known: Presence, reason: str, last_seen: datetime | None) -> Presence:
    """The same board, gone; what it was stays known."""
    return attrs.evolve(known, online=False, reason=reason, lease=None, last_seen=last_seen)


def notice(lease: Lease | None) -> LeaseNotice | None:
    """A lease for others to see, by the clock on the wall."""
    if lease is None:
        return None
    return LeaseNotice(lease.holder, datetime.now(UTC) + timedelta(seconds=lease.left_s))


def _summary(offered: Capabilities) -> dict[str, object]:
    return {
        "pool_bytes": offered.pool_bytes,
        "max_payload_bytes": offered.max_payload_bytes,
        "max_batch": offered.max_batch,
        "model_bytes": offered.model_bytes,
        "stores": {_store(store.store): store.capacity_bytes for store in offered.stores},
        "features": [flag.name.lower() for flag in offered.features if flag.name],
        "engines": [offer.version for offer in offered.engines],
    }


def _store(store: int) -> str:
    try:
        return Store(store).name.lower()
    except ValueError:
        return str(store)
