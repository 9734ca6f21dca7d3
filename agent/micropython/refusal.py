"""How a request is refused."""

from jsp_protocol import NO_INDEX


class Refusal(Exception):
    """An error code (E_*) for the host, with the op, tensor or input concerned and two sizes."""

    def __init__(self, code, index=NO_INDEX, needed=0, available=0):
        super().__init__(code)
        self.code = code
        self.index = index
        self.needed = needed
        self.available = available
