"""Decides where on the board a plan goes, or says what there is too little of."""

from __future__ import annotations

from host.errors import BoardError
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.messages import Store
from protocol.plan import ALIGNMENT_BYTES

_GUARD_BYTES = 2 * ALIGNMENT_BYTES
"""What an agent keeps beside the arena to notice an overrun, both sides together."""


def largest_arena_bytes(capabilities: Capabilities, plan_in_ram_bytes: int = 0) -> int:
    """What the pool leaves an arena beside guards and a plan in RAM."""
    in_pool = -(-plan_in_ram_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return max(0, capabilities.pool_bytes - in_pool - _GUARD_BYTES)


def choose_store(
    capabilities: Capabilities, plan_bytes: int, arena_bytes: int, forced: Store | None = None
) -> Store:
    """RAM where plan and arena fit the pool together, else flash; ``forced`` decides alone.

    Raises:
        BoardError: it fits nowhere; with the bytes needed and available of the last try.
    """
    stores = [store for store in (Store.RAM, Store.FLASH) if forced in (None, store)]
    offered = [store for store in stores if capabilities.store(store) is not None]
    if not offered:
        wanted = f"no {forced.name.lower()} plan store" if forced is not None else "no plan store"
        has = ", ".join(Store(entry.store).name.lower() for entry in capabilities.stores)
        raise BoardError(
            f"{capabilities.board} has {wanted} (it has: {has or 'none'})",
            code=ErrorCode.BAD_STORE,
        )
    refusals = []
    for store in offered:
        refusal = _refusal(capabilities, store, plan_bytes, arena_bytes)
        if refusal is None:
            return store
        refusals.append(refusal)
    raise refusals[-1]


def _refusal(
    capabilities: Capabilities, store: Store, plan_bytes: int, arena_bytes: int
) -> BoardError | None:
    name = store.name.lower()
    offered = capabilities.store(store)
    assert offered is not None
    if plan_bytes > offered.capacity_bytes:
        return BoardError(
            f"the plan is {plan_bytes - offered.capacity_bytes:,} bytes too large for the {name} "
            f"store of {capabilities.board}: "
            f"needs {plan_bytes:,} bytes, has {offered.capacity_bytes:,}",
            code=ErrorCode.STORE_TOO_SMALL,
            needed=plan_bytes,
            available=offered.capacity_bytes,
            hint="use a smaller model or a board with a larger store"
            + (", or --plan-store flash" if store == Store.RAM else ""),
        )
    in_ram = store == Store.RAM
    available = largest_arena_bytes(capabilities, plan_bytes if in_ram else 0)
    if arena_bytes > available:
        beside = " beside the plan in RAM" if in_ram else ""
        return BoardError(
            f"the arena is {arena_bytes - available:,} bytes too large for "
            f"{capabilities.board}{beside}: needs {arena_bytes:,} bytes, has {available:,}",
            code=ErrorCode.ARENA_TOO_SMALL,
            needed=arena_bytes,
            available=available,
            hint="use a smaller model or a board with more RAM"
            + (", or --plan-store flash" if in_ram else ""),
        )
    return None
