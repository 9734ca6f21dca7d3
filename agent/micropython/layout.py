"""Fixed little-endian records: a struct format, and names for its fields."""

from collections import namedtuple
from struct import calcsize, pack, unpack_from


class Layout:
    """A record of the protocol. ``codes`` are struct codes, a space between; "4L" is an array."""

    def __init__(self, codes, fields):
        self.format = "<" + codes.replace(" ", "")
        self.size = calcsize(self.format)
        self._codes = codes
        self._fields = fields
        self._record = None
        self._counts = None

    def read(self, data, offset=0):
        """The record at ``offset`` as a named tuple; arrays are tuples in it."""
        if self._record is None:
            # Made when first used: a board holds only those that it reads.
            self._record = namedtuple("record", self._fields.split())
            counts = [_count(code) for code in self._codes.split()]
            self._counts = counts if any(counts) else None
        values = unpack_from(self.format, data, offset)
        if self._counts is not None:
            values = self._grouped(values)
        return self._record(*values)

    def write(self, **fields):
        """The bytes of a record; a field that is not given is 0."""
        values = []
        for code, name in zip(self._codes.split(), self._fields.split()):
            values.append(fields.get(name, b"" if code[-1] == "s" else 0))
        return pack(self.format, *values)

    def _grouped(self, values):
        position = 0
        grouped = []
        for count in self._counts:
            if count:
                grouped.append(values[position : position + count])
                position += count
            else:
                grouped.append(values[position])
                position += 1
        return grouped


def _count(code):
    """Elements of an array; 0 for what is none."""
    return 0 if len(code) == 1 or code[-1] == "s" else int(code[:-1])
