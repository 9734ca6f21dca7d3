"""PROFILE, OUTPUT and ARENA."""

from struct import pack

from jsp_protocol import (
    ARENA_REQUEST,
    E_BAD_INDEX,
    E_BAD_RANGE,
    E_NO_PLAN,
    NO_INDEX,
    OUTPUT_ANSWER,
    OUTPUT_REQUEST,
    PROFILE_ANSWER,
    PROFILE_REQUEST,
)
from refusal import Refusal

_TICKS_BYTES = 4
_MOST_TICKS = 0xFFFFFFFF


def _part(agent, view, wanted, index=NO_INDEX):
    """Part of an object in the arena, as much of it as asked for and as fits a frame."""
    if wanted.offset > len(view):
        raise Refusal(E_BAD_RANGE, index, wanted.offset, len(view))
    # OUTPUT and ARENA are answered alike: the offset, then the bytes.
    count = min(wanted.length, agent.port.max_payload_bytes - OUTPUT_ANSWER.size)
    data = bytes(view[wanted.offset : wanted.offset + count])
    return OUTPUT_ANSWER.write(offset=wanted.offset) + data


def output(agent, request):
    wanted = request.read(OUTPUT_REQUEST)
    if agent.loaded is None:
        raise Refusal(E_NO_PLAN)
    view = agent.loaded.engine.output(wanted.index)
    if view is None:
        raise Refusal(E_BAD_INDEX, wanted.index)
    return _part(agent, view, wanted, wanted.index)


def arena(agent, request):
    if agent.loaded is None:
        raise Refusal(E_NO_PLAN)
    return _part(agent, agent.loaded.engine.arena, request.read(ARENA_REQUEST))


def profile(agent, request):
    first = request.read(PROFILE_REQUEST).first_op
    if first > len(agent.profile):
        raise Refusal(E_BAD_INDEX, first)
    count = (agent.port.max_payload_bytes - PROFILE_ANSWER.size) // _TICKS_BYTES
    answer = PROFILE_ANSWER.write(op_count=len(agent.profile), first_op=first)
    for ticks in agent.profile[first : first + count]:
        answer += pack("<L", min(ticks, _MOST_TICKS))
    return answer
