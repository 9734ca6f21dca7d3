"""The rack: boards of this machine, offered on a broker."""

from hil.rack.gateway import Gateway

__all__ = ["Gateway"]
