"""The golden vectors against the agent's modules; runs on MicroPython and on CPython.

``DATA`` names a file with all of them. Prints how many were compared.
"""

import json
from binascii import hexlify, unhexlify

import jsp_protocol
from engine import Engine
from framing import Decoder, cobs_decode, cobs_encode, encode
from generator import draw
from refusal import Refusal

compared = []


def equal(got, wanted, what):
    assert got == wanted, (what, got, wanted)
    compared.append(what)


def check_cobs(vectors):
    for vector in vectors:
        decoded, encoded = unhexlify(vector["decoded"]), unhexlify(vector["encoded"])
        equal(bytes(cobs_encode(decoded)), encoded, "cobs_encode")
        equal(bytes(cobs_decode(encoded)), decoded, "cobs_decode")


def check_frames(vectors):
    for vector in vectors:
        wire, payload = unhexlify(vector["wire"]), unhexlify(vector["payload"])
        head = (vector["type"], vector["session"], vector["sequence"])
        equal(encode(*head, payload), wire, "encode")
        for piece_bytes in (1, 7, len(wire)):
            decoder = Decoder(4096)
            found = []
            for start in range(0, len(wire), piece_bytes):
                found.extend(decoder.feed(wire[start : start + piece_bytes]))
            header, got = found[0]
            equal(len(found), 1, "frames")
            equal((header.type, header.session, header.sequence), head, "header")
            equal(bytes(got), payload, "payload")


def check_messages(vectors):
    for name, vector in vectors.items():
        layout = getattr(jsp_protocol, name.upper())
        data = unhexlify(vector["payload"])
        record = layout.read(data)
        fields = {}
        for field, value in vector["fields"].items():
            got = getattr(record, field, None)  # data of variable length is not of the record
            if got is not None:
                fields[field] = got
                shown = hexlify(got).decode() if isinstance(got, bytes) else got
                equal(shown, value, (name, field))
        equal(layout.write(**fields), data[: layout.size], name)


def check_generator(vectors, is_float32):
    for vector in vectors:
        wanted = unhexlify(vector["bytes"])
        got = bytearray(len(wanted))
        draw(memoryview(got), vector["seed"], vector["index"], is_float32)
        equal(bytes(got), wanted, "draw")


def check_plans(vectors):
    for vector in vectors:
        arena = memoryview(bytearray(1024))
        try:
            engine = Engine(memoryview(unhexlify(vector["plan"])), arena)
        except Refusal as refusal:
            equal(refusal.code, vector["code"], vector["name"])
            continue
        equal(0, vector["code"], vector["name"])
        engine.input(0)[:] = unhexlify(vector["input"])
        engine.run(0xFFFF, lambda index: None)
        equal(bytes(engine.output(0)), unhexlify(vector["output"]), "output")
        equal(engine.header.arena_bytes, vector["arena_bytes"], "arena_bytes")


with open(DATA) as file:  # noqa: F821, PTH123 - DATA is given; MicroPython has no pathlib
    golden = json.load(file)
check_cobs(golden["cobs"])
check_frames(golden["frames"])
check_messages(golden["messages"])
check_generator(golden["generator"], False)
check_generator(golden["generator_float32"], True)
check_plans(golden["plans"])
print("compared", len(compared))
