"""asyncio's streams over files that can be waited for: pipes and terminals."""

from __future__ import annotations

import asyncio
from typing import IO


async def open_streams(
    source: IO[bytes], sink: IO[bytes]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Streams that own ``source`` and ``sink``."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
    # The protocol that the writer needs for its flow control; it never reads.
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), sink
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)
