"""The contract between host and boards: frames, messages, plans and records.

The only place where a byte layout is written down. It imports nothing of ours.
"""

from protocol.capabilities import Capabilities, Feature, StoreCapability, Tag, WrittenBy
from protocol.errors import DESCRIPTIONS, ErrorCode
from protocol.framing import Frame, FrameDecoder, FramingError
from protocol.generator import draw_input

__all__ = [
    "DESCRIPTIONS",
    "Capabilities",
    "ErrorCode",
    "Feature",
    "Frame",
    "FrameDecoder",
    "FramingError",
    "StoreCapability",
    "Tag",
    "WrittenBy",
    "draw_input",
]
